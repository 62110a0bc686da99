# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Queues as PEP 734 and concurrent.interpreters have them.

For programs that were written for them; it works on Python 3.13 as well. The
interface is theirs, with the faults left out: who waits is woken instead of
polling, timeouts are exact, and an item is not lost by the end of another.
New programs are better off with intercsp.channel().
"""

from __future__ import annotations

import queue
import weakref

from . import _core
from ._box import (
    QUEUE,
    UNBOUND,
    UNBOUND_ERROR,
    UNBOUND_KEEP,
    UNBOUND_REMOVE,
    UnboundItem,
    cannot_send,
    policy_of,
    received,
    unbound_of,
)

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = [
    "UNBOUND",
    "UNBOUND_ERROR",
    "UNBOUND_KEEP",
    "UNBOUND_REMOVE",
    "ItemInterpreterDestroyed",
    "Queue",
    "QueueEmpty",
    "QueueError",
    "QueueFull",
    "QueueNotFoundError",
    "create",
    "create_queue",
    "list_all",
]


class QueueError(RuntimeError):
    """Something is wrong with a queue."""


class QueueNotFoundError(QueueError):
    """No queue has this number."""


class QueueEmpty(QueueError, queue.Empty):
    """There is no item, or none has come in time."""


class QueueFull(QueueError, queue.Full):
    """There is no room, or none has come in time."""


class ItemInterpreterDestroyed(QueueError):
    """The interpreter that has put the item is gone, and with it the item."""


def create(maxsize: int = 0, *, unbounditems: UnboundItem = UNBOUND) -> Queue:
    """A new queue for at most maxsize items; 0 or less: for any number.

    unbounditems: what becomes of its items when the interpreter that has put
    them ends. UNBOUND: get() returns UNBOUND in their place; UNBOUND_ERROR:
    get() raises ItemInterpreterDestroyed; UNBOUND_REMOVE: they are removed;
    UNBOUND_KEEP: they stay.
    """
    if not isinstance(maxsize, int):
        raise TypeError(f"maxsize must be an int, got {maxsize!r}")
    policy = policy_of(unbounditems)
    return Queue._of(_core.box(QUEUE, maxsize, policy))


create_queue = create


def list_all() -> list[Queue]:
    """All queues of all interpreters."""
    boxes = [_core.find_box(QUEUE, number) for number in _core.box_ids(QUEUE)]
    return [Queue._of(box) for box in boxes if box is not None]


class Queue:
    """A queue that interpreters share.

    It may be sent between them, and pickled: what arrives is the same queue,
    and in one interpreter the same object. It exists as long as any of them
    has it. All methods may be used by any thread of any interpreter.
    """

    __slots__ = ("__weakref__", "_box", "_id")
    _box: _core.Box
    _id: int

    def __new__(cls, id: int, /) -> Self:
        """The queue with this number; QueueNotFoundError if there is none."""
        if not isinstance(id, int):
            raise TypeError(f"id must be an int, got {id!r}")
        known = _known.get(id)
        if known is not None:
            return known  # type: ignore[return-value]
        box = _core.find_box(QUEUE, id)
        if box is None:
            raise QueueNotFoundError(f"no queue has the number {id}")
        return cls._of(box)

    @classmethod
    def _of(cls, box: _core.Box) -> Self:
        """The one object for a box that this interpreter has."""
        self = super().__new__(cls)
        self._box = box
        self._id = box.id
        return _known.setdefault(self._id, self)  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id})"

    def __hash__(self) -> int:
        return hash(self._id)

    def __reduce__(self) -> Any:
        return type(self), (self._id,)

    def __csp_reduce__(self) -> Any:
        return type(self)._of, (self._box,)

    @property
    def id(self) -> int:
        """Its number, never used twice."""
        return self._id

    @property
    def maxsize(self) -> int:
        """At most so many items; 0 or less: any number."""
        return self._box.maxsize

    @property
    def unbounditems(self) -> UnboundItem:
        """What put() takes unless told otherwise."""
        return unbound_of(self._box.policy)

    def empty(self) -> bool:
        """Whether there is no item."""
        return len(self._box) == 0

    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self._box.maxsize <= len(self._box)

    def qsize(self) -> int:
        """How many items there are."""
        return len(self._box)

    def put(
        self,
        obj: object,
        block: bool = True,
        timeout: float | None = None,
        *,
        unbounditems: UnboundItem | None = None,
        _delay: float | None = None,
    ) -> None:
        """Put an item; wait for room if block, at most timeout seconds.

        Raises QueueFull; NotShareableError if the object cannot be sent. See
        create() for unbounditems.
        """
        policy = policy_of(unbounditems)
        try:
            met = self._box.put(obj, policy, timeout if block else 0)
        except _core.NotShareable as error:
            raise cannot_send(error) from error.__cause__
        if met is None:
            raise QueueFull(f"queue {self._id} is full")

    def put_nowait(
        self, obj: object, *, unbounditems: UnboundItem | None = None
    ) -> None:
        """Put an item without waiting: put(obj, False)."""
        self.put(obj, False, unbounditems=unbounditems)

    def get(
        self,
        block: bool = True,
        timeout: float | None = None,
        *,
        _delay: float | None = None,
    ) -> Any:
        """The next item; wait for one if block, at most timeout seconds.

        Raises QueueEmpty; ItemInterpreterDestroyed, see create().
        """
        item = self._box.get(timeout if block else 0)
        if item is None:
            raise QueueEmpty(f"queue {self._id} is empty")
        return received(item, ItemInterpreterDestroyed, "put the item")

    def get_nowait(self) -> Any:
        """The next item without waiting: get(False)."""
        return self.get(False)


# The queues that this interpreter has, by number.
_known: weakref.WeakValueDictionary[int, Queue] = weakref.WeakValueDictionary()

_core.register_shareable(Queue)
