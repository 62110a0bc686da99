# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What intercsp.pep554 and intercsp.queues have in common.

Both are made of boxes (box.c). An item goes with the interpreter that has put
it, in the way that was chosen for it: its policy.
"""

from __future__ import annotations

import sys

from . import _compat, _core

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

QUEUE, CHANNEL = 0, 1  # kinds of boxes
RECV, SEND = 0, 1  # sides of a channel
OPEN, CLOSING, CLOSED = 0, 1, 2  # states

_REMOVE, _ERROR, _REPLACE, _KEEP = 1, 2, 3, 4


class UnboundItem:
    """What becomes of items when the interpreter that has sent them ends."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"intercsp.{self._name}"

    def __reduce__(self) -> str:
        return self._name


# Of this module and not of those that export them: these may be reloaded.
UNBOUND = UnboundItem("UNBOUND")
UNBOUND_ERROR = UnboundItem("UNBOUND_ERROR")
UNBOUND_REMOVE = UnboundItem("UNBOUND_REMOVE")
UNBOUND_KEEP = UnboundItem("UNBOUND_KEEP")

_POLICIES = {
    UNBOUND: _REPLACE,
    UNBOUND_ERROR: _ERROR,
    UNBOUND_REMOVE: _REMOVE,
    UNBOUND_KEEP: _KEEP,
}
_UNBOUNDS = {policy: item for item, policy in _POLICIES.items()}


class NotShareableError(
    _core.NotShareable, _compat.ForeignNotShareable, ValueError
):
    """An object cannot be sent; known by all the names that it has had."""


def policy_of(unbounditems: Any) -> int:
    """The policy that an argument stands for; -1 for None."""
    if unbounditems is None:
        return -1
    for item, policy in _POLICIES.items():
        if unbounditems is item or unbounditems is _of_stdlib(item):
            return policy
    raise NotImplementedError(f"unsupported unbound items: {unbounditems!r}")


def _of_stdlib(item: UnboundItem) -> Any:
    """The constant of the same name in concurrent.interpreters, if loaded."""
    module = sys.modules.get("concurrent.interpreters._crossinterp")
    return getattr(module, item._name, item)


def unbound_of(policy: int) -> UnboundItem:
    """The constant for a policy."""
    return _UNBOUNDS[policy]


def received(
    item: tuple[Any, int | None], destroyed: type[Exception], done: str
) -> Any:
    """What get() of a box stands for; destroyed is raised where that was
    chosen, for what the interpreter that is gone has done."""
    obj, gone = item
    if gone is None:
        return obj
    if gone == _ERROR:
        raise destroyed(f"the interpreter that has {done} was destroyed")
    return unbound_of(gone)


def cannot_send(error: _core.NotShareable) -> NotShareableError:
    """The same error, as the compatibility modules raise it."""
    other = NotShareableError(*error.args)
    other.path = error.path
    other.__cause__ = error.__cause__
    return other
