# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The ends of channels among arguments, also inside containers."""

from __future__ import annotations

import operator

from ._core import RecvChannel, SendChannel, SendHub

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def is_end(value: Any) -> bool:
    """Whether it is given away when it is passed to a process."""
    return isinstance(value, SendChannel | RecvChannel | SendHub)


def replaced(
    value: Any, what: Callable[[Any], bool], by: Callable[[Any], Any]
) -> Any:
    """The value, with by(x) in the place of each x in it that is what().

    Containers are those that are sent natively. What is inside itself is left
    as it is: it cannot be sent.
    """
    made: dict[int, Any] = {}  # by id: what stands in its place
    entered: set[int] = set()
    stack = [value]
    while stack:  # depth is bounded by memory only
        at = stack[-1]
        parts = _parts(at)
        if id(at) in made:
            stack.pop()
        elif what(at):
            made[id(at)] = by(at)
        elif id(at) in entered or not parts:
            made[id(at)] = _with_parts(
                at, [made.get(id(part), part) for part in parts]
            )
        else:
            entered.add(id(at))
            stack += (p for p in parts if id(p) not in entered)
    return made[id(value)]


def ends_in(value: Any) -> list[Any]:
    """The ends in it, each once."""
    found: list[Any] = []

    def keep(end: Any) -> Any:
        found.append(end)
        return end

    replaced(value, is_end, keep)
    return found


def cloned(value: Any) -> tuple[Any, list[Any]]:
    """The value with clones of the ends in it, and these clones."""
    clones: list[Any] = []

    def clone(end: Any) -> Any:
        clones.append(end.clone())
        return clones[-1]

    return replaced(value, is_end, clone), clones


def _parts(value: Any) -> list[Any]:
    """What is in a container."""
    if type(value) is dict:
        return [part for pair in value.items() for part in pair]
    if type(value) in (tuple, list, set, frozenset):
        return list(value)
    return []


def _with_parts(value: Any, parts: list[Any]) -> Any:
    """A container of the same type with these parts; itself if they are its."""
    if all(map(operator.is_, parts, _parts(value))):
        return value
    if type(value) is dict:
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return type(value)(parts)
