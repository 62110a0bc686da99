# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""asyncio: operations that wait while their event loop runs other tasks.

What can be done at once never comes here (await.c). What must wait is pending
in the Loop of the running event loop: one descriptor for all its tasks.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary, ref

from . import _core

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

# An event loop holds its Loop, as long as it is open, by the reader. Here are
# weak references only: what is pending refers to its event loop.
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_core.Loop]] = (
    WeakKeyDictionary()
)


def _loop_of(event_loop: asyncio.AbstractEventLoop) -> _core.Loop:
    known = _loops.get(event_loop)
    loop = known() if known is not None else None
    if loop is None:
        loop = _core.Loop()
        event_loop.add_reader(loop.fileno(), loop.drain)
        _loops[event_loop] = ref(loop)
    return loop


def _cancel_again() -> None:
    """The task was cancelled too late for this await: it is at the next, if
    there can be one."""
    task = asyncio.current_task()
    if task is not None and not isinstance(task.get_coro(), _core.Await):
        task.uncancel()
        task.cancel()


async def _finish(pending: _core.Pending, future: asyncio.Future[None]) -> Any:
    """What comes of a pending operation. If this is cancelled, the operation
    has had no effect; a send that a rendezvous has taken meanwhile has: then
    it is as if the cancellation had come a moment later."""
    done = pending.done
    while not done:
        try:
            await future
        except BaseException as error:
            if pending.cancel() or not isinstance(
                error, asyncio.CancelledError
            ):
                raise
            _cancel_again()
            break
        future = future.get_loop().create_future()
        done = pending.finish(future)
    return pending.result()


async def recv(end: _core.RecvChannel, rest: bool) -> Any:
    """Receive; after a turn of the other tasks if ``rest``."""
    event_loop = asyncio.get_running_loop()
    if rest:
        await asyncio.sleep(0)
    future = event_loop.create_future()
    return await _finish(_loop_of(event_loop).recv(end, future), future)


async def send(end: _core.SendChannel, rest: bool, obj: object) -> None:
    """Send; after a turn of the other tasks if ``rest``."""
    event_loop = asyncio.get_running_loop()
    if rest:
        await asyncio.sleep(0)
    future = event_loop.create_future()
    await _finish(_loop_of(event_loop).send(end, future, obj), future)
