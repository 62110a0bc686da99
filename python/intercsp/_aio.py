# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""asyncio: operations that wait while their event loop runs other tasks.

What can be done at once never comes here (await.c). What must wait is pending
in the Loop of the running event loop: one descriptor for all its tasks.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from weakref import WeakKeyDictionary, ref

from . import _core, _exit
from ._compat import is_main_interpreter, sleep_by

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._process import Process

_NEVER = _core.moment(None)
_UNSET: Any = object()

# An event loop holds its Loop, as long as it is open, by the reader. Here are
# weak references only: what is pending refers to its event loop.
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_core.Loop]] = (
    WeakKeyDictionary()
)


def _sleep(known: ref[_core.Loop], *how: Any) -> Any:
    loop = known()
    assert loop is not None, "as long as the event loop is open it has it"
    return loop.sleep(*how)


def _loop_of(event_loop: asyncio.AbstractEventLoop) -> _core.Loop:
    known = _loops.get(event_loop)
    loop = known() if known is not None else None
    if loop is None:
        loop = _core.Loop()
        if is_main_interpreter():
            _exit.watch_threads()
        event_loop.add_reader(loop.fileno(), loop.drain)
        _loops[event_loop] = known = ref(loop)
        sleep_by(event_loop, partial(_sleep, known))
    return loop


def _cancel_again() -> None:
    """The task was cancelled too late for this await: it is at the next, if
    there can be one."""
    task = asyncio.current_task()
    if task is not None and not isinstance(task.get_coro(), _core.Await):
        task.uncancel()
        task.cancel()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _happen(
    pending: _core.Pending, future: asyncio.Future[None], moment: int
) -> _core.Selected | None:
    """The case of a pending operation that happened; None if none has by that
    moment. If this is cancelled, it has had no effect; a send that a
    rendezvous has taken meanwhile has: then it is as if the cancellation had
    come a moment later."""
    event_loop = future.get_loop()
    timer = None
    if moment != _NEVER:
        seconds = (moment - time.monotonic_ns()) / 1e9
        timer = event_loop.call_later(seconds, lambda: _wake(future))
    try:
        while True:
            try:
                await future
            except BaseException as error:
                got = pending.cancel()
                if got is None or not isinstance(error, asyncio.CancelledError):
                    raise
                _cancel_again()
                return got
            future = event_loop.create_future()
            got = pending.finish(future)
            if got is not None:
                return got
            if time.monotonic_ns() >= moment:
                return pending.cancel()
    finally:
        if timer is not None:
            timer.cancel()


async def _select(
    cases: tuple[Any, ...], priority: bool, moment: int
) -> _core.Selected | None:
    """The case that happened; None if none has by that moment. Timers that are
    due end it, too."""
    event_loop = asyncio.get_running_loop()
    future = event_loop.create_future()
    got = _loop_of(event_loop).select(cases, priority, future)
    if isinstance(got, _core.Pending):
        return await _happen(got, future, min(moment, got.when))
    return got


def _moment(timeout: float | None) -> int:
    """When to end a wait with this timeout, here."""
    return min(_core.moment(timeout), _core.deadline_var.get(_NEVER))


async def _select_one(case: Any) -> _core.Selected:
    """The only case there is, when it has happened."""
    end = case[0] if isinstance(case, tuple) else case
    try:
        got = await _select((case,), False, _moment(None))
    except BaseException as error:
        for name in ("index", "end"):  # which of them is no question
            vars(error).pop(name, None)
        raise
    if got is None:
        raise TimeoutError(f"channel '{end.name}': the deadline has passed")
    return got


async def recv(end: _core.RecvChannel, rest: bool) -> Any:
    """Receive; after a turn of the other tasks if ``rest``."""
    if rest:
        await asyncio.sleep(0)
    got = await _select_one(end)
    # one that has ended says so itself
    return end.recv_nowait() if got.closed else got.value


async def send(end: _core.SendChannel, rest: bool, obj: object) -> None:
    """Send; after a turn of the other tasks if ``rest``."""
    if rest:
        await asyncio.sleep(0)
    await _select_one((end, obj))


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
    if default is not _UNSET:
        return _core.select(*cases, priority=priority, default=default)
    moment = _moment(timeout)
    if timeout is None and all(case is None for case in cases):
        raise ValueError(
            "aselect() has no case that could ever be ready, and no timeout"
        )
    await _let_others_run()
    while True:
        got = _core.select(*cases, priority=priority, default=None)
        if got is None:
            got = await _select(cases, priority, moment)
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
            if await _select((process,), False, _moment(None)) is None:
                raise TimeoutError("the deadline has passed")


async def shielded_ends(
    processes: Iterator[Process],
) -> asyncio.CancelledError | None:
    """The same to the end, even if this is cancelled: then that is returned."""
    cancelled = None
    for process in processes:
        while process.alive:
            try:
                await _select((process,), False, _NEVER)
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
