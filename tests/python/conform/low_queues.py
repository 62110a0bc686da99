# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What CPython's tests of queues use of _interpqueues."""

from typing import Any

from intercsp import _core
from intercsp._box import OPEN, QUEUE, SEND
from intercsp.queues import QueueError, QueueNotFoundError

# What create() has made, as long as nobody has bound or destroyed it, and how
# often it was bound.
_made: dict[int, _core.Box] = {}
_bound: dict[int, int] = {}


def _find(id: int) -> _core.Box:
    box = _core.find_box(QUEUE, id)
    if box is None or box.state != OPEN:
        raise QueueNotFoundError(f"queue {id} not found")
    return box


def create(maxsize: int, unboundop: int, _fallback: int) -> int:
    box = _core.box(QUEUE, maxsize, unboundop)
    _made[box.id] = box
    return box.id


def destroy(id: int) -> None:
    _find(id).close(SEND, True)  # others may have it still
    _made.pop(id, None)
    _bound.pop(id, None)


def bind(id: int) -> None:
    _find(id)
    _bound[id] = _bound.get(id, 0) + 1


def release(id: int) -> None:
    _find(id)
    if id not in _bound:
        raise QueueError(f"queue {id} is not bound")
    _bound[id] -= 1
    if _bound[id] == 0:
        destroy(id)


def get(id: int) -> tuple[Any, int | None]:
    item = _find(id).get(0)
    assert item is not None
    return item


def list_all() -> list[tuple[int, int, int]]:
    ids = _core.box_ids(QUEUE)
    return [(id, _find(id).policy, -1) for id in ids]
