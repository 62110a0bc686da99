# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""asyncio: operations that wait while their event loop runs other tasks.

Ends do all of it in C (await.c, pending.c). What must wait is pending in the
Loop of the running event loop: one descriptor for all its tasks.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from weakref import WeakKeyDictionary, ref

from . import _core, _exit
from ._compat import is_main_interpreter, sleep_by, waker_of

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._process import Process

_NEVER = _core.moment(None)
_UNSET: Any = object()

# An event loop holds its Loop, as long as it is open, by the reader. Here are
# weak references only: a Loop refers to its event loop.
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_core.Loop]] = (
    WeakKeyDictionary()
)


def running_loop() -> _core.Loop:
    """Our part of the event loop that runs."""
    event_loop = asyncio.get_running_loop()
    known = _loops.get(event_loop)
    loop = known() if known is not None else None
    if loop is None:
        loop = _core.Loop(event_loop, waker_of(event_loop))
        if is_main_interpreter():
            _exit.watch_threads()
        event_loop.add_reader(loop.fileno(), loop.drain)
        _loops[event_loop] = known = ref(loop)
        sleep_by(event_loop, known)
    return loop


def put_off(error: BaseException) -> bool:
    """Whether error, which has come too late to end a wait, is a cancellation.

    That ends the task's next wait instead, if there can be one.
    """
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    if task is not None and not isinstance(task.get_coro(), _core.Await):
        task.uncancel()
        task.cancel()
    return True


def _deadline() -> int:
    """When to end a wait here, whatever its own timeout."""
    return _core.deadline_var.get(_NEVER)


async def aselect(
    *cases: Any,
    timeout: float | None = None,
    priority: bool = False,
    default: Any = _UNSET,
) -> Any:
    """Wait until one of the cases can happen, and let it happen: a Selected.

    As select(), but where that waits this lets the event loop run. If it is
    cancelled nothing has happened; a send at a rendezvous whose value was
    taken just before has happened, and the next await is cancelled instead.
    """
    moment = _core.moment(timeout)
    has_timeout = moment != _NEVER
    if default is not _UNSET:
        if has_timeout:
            raise TypeError(
                "aselect() with a default never waits: it takes no timeout"
            )
        return _core.select(*cases, priority=priority, default=default)
    moment = min(moment, _deadline())
    await _let_others_run()
    while True:
        got = _core.select(*cases, priority=priority, default=None)
        if got is None:
            loop = running_loop()
            got = await loop.select(cases, priority, moment, has_timeout)
        if got is not None:
            return got
        if time.monotonic_ns() >= moment:
            raise TimeoutError("aselect() timed out")


class Body:
    """The task that runs the body of a group: it is cancelled once, if a member
    fails meanwhile. As asyncio.TaskGroup has it."""

    def __init__(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._has_left = self._was_cancelled = False

    def cancel_soon(self) -> None:
        """May be called by any thread."""
        with suppress(RuntimeError):  # the event loop is closed
            self._event_loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and not self._has_left:
            self._was_cancelled = self._task.cancel()

    def leave(self) -> None:
        """The body has ended: this is cancelled no more."""
        self._has_left = True
        if self._task is not None and self._was_cancelled:
            self._task.uncancel()


async def wait_for_ends(processes: Iterator[Process]) -> None:
    """Wait for the end of each process that the iterator gives."""
    for process in processes:
        while process.alive:
            ends = running_loop().select((process,), False, _deadline(), False)
            if await ends is None:
                raise TimeoutError("the deadline has passed")


async def shielded_ends(
    processes: Iterator[Process],
) -> asyncio.CancelledError | None:
    """The same to the end, even if this is cancelled: then that is returned."""
    cancelled = None
    for process in processes:
        while process.alive:
            try:
                await running_loop().select((process,), False, _NEVER, False)
            except asyncio.CancelledError as error:
                cancelled = error
    return cancelled


_in_a_row = 0


async def _let_others_run() -> None:
    """Now and then, for loops of selects that never wait."""
    global _in_a_row
    _in_a_row += 1
    if _in_a_row >= 64:
        _in_a_row = 0
        await asyncio.sleep(0)
