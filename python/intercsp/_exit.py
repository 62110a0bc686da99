# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How processes are stopped, and how a program with processes ends.

No interpreter may be alive when the main interpreter is finalized: CPython
crashes or hangs. So the main interpreter, when it begins to end,

1. has pools do what was sent to them, then closes its own ends of channels
   (unless another of its threads may still use them) and stops daemon
   processes;
2. waits, as threading does, while any other process is at work, or another
   thread of its own is, which may start or feed some; Ctrl-C ends this;
3. lets nobody start processes any more, and stops those that only wait for
   each other, naming them on stderr;
4. gives up on what has not ended five seconds later: it names them on stderr
   and ends the program with status 70 (EX_SOFTWARE).

3 and 4 are one call of C, _core.end_program(), that no signal can end; the
main interpreter calls it once more after all of Python's own exit functions,
in case that this here was interrupted, or never called.

Without processes it ends as always, but if other threads of it have waited:
when they are all that is left, as in 2, its ends are closed.

A process that has started others waits for them when its function has ended.
"""

from __future__ import annotations

import _thread
import atexit
import sys
import threading
import time

from . import _core
from ._compat import (
    at_thread_shutdown,
    is_idle_in_a_pool,
    is_main_interpreter,
    keep_interrupted,
)

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    class Helper(Protocol):
        """Is called when this interpreter, or this process, ends."""

        def begin(self) -> None:
            """First of all."""

        def tend(self) -> list[_core.Thread]:
            """Again and again: those that are still to be waited for."""

        def finish(self) -> None:
            """When none of these is left, or all only wait."""

        def give_up(self) -> None:
            """All are stopped next. Does not wait."""


# How long Python code may take to notice a stop before it is interrupted.
GRACE = 0.05
# All wait and no wait succeeds for so long: they wait for each other.
QUIET = 1.0
NAMED = 16  # so many are named, others counted

# Who has processes that need more than to be waited for, such as pools.
helpers: list[Helper] = []
_registered = False


def register() -> None:
    """See to it that this interpreter ends its processes before it ends.

    To be called before a process is started. Error: it is ending already.
    """
    global _registered
    if _registered or _core.current_thread():  # there, _boot calls leave()
        return
    is_main = is_main_interpreter()
    function = leave_program if is_main else leave_interpreter
    try:
        at_thread_shutdown(function)
    except RuntimeError:
        raise _core.Error(
            "no process can be started: the program is exiting"
        ) from None
    # In case another's function fails before ours is called.
    atexit.register(function)
    _registered = True
    if not is_main:  # nobody may ever end this interpreter
        _core.hook_main_interpreter()


def watch_threads() -> None:
    """See to it that threads of the main interpreter that wait when it ends do
    not wait for ever. To be called when one waits for the first time."""
    from contextlib import suppress

    with suppress(RuntimeError):  # it is ending already
        at_thread_shutdown(leave_threads)


def has_ended(thread: _core.Thread, timeout: float) -> bool:
    """Wait at most timeout seconds for its end, even while being stopped."""
    try:
        thread.join(timeout, shielded=True)
    except TimeoutError:
        return False
    except _core.Cancelled:  # no more waits for us: look, and sleep
        if thread.alive:
            time.sleep(min(timeout, 0.005))
        return not thread.alive
    return True


def wind_down(
    threads: Iterable[_core.Thread], end: float = float("inf")
) -> list[_core.Thread]:
    """Stop processes and wait for their end, or a time: those that are left.

    Their waits raise Cancelled at once. What computes is interrupted after a
    short grace, again and again, since code can swallow that. C code is not.
    """
    left = list(threads)
    for thread in left:
        thread.stop()
    grace = GRACE
    while True:
        moment = min(time.monotonic() + grace, end)
        left = wait_until(moment, left)
        if not left or time.monotonic() >= end:
            return left
        for thread in left:
            thread.interrupt()
        grace = min(2 * grace, 1.0)


def wait_until(
    moment: float, threads: list[_core.Thread]
) -> list[_core.Thread]:
    """Wait for the end of all, or for the moment: those that are left."""
    for thread in threads:
        while not has_ended(thread, max(0.0, moment - time.monotonic())):
            if time.monotonic() >= moment:
                return [t for t in threads if t.alive]
    return []


def leave() -> None:
    """A process ends: wait for those that it has started."""
    try:
        for helper in helpers:
            helper.begin()
        wind_down([t for t in _children() if t.daemon])
        while left := _tended() or _children():
            left[0].join(shielded=True)
        for helper in helpers:
            helper.finish()
    except _core.Cancelled:
        for helper in helpers:
            helper.give_up()
        wind_down(_children())


def _tended() -> list[_core.Thread]:
    return [thread for helper in helpers for thread in helper.tend()]


def _children() -> list[_core.Thread]:
    return [t for t in _core.threads() if t.is_child]


def leave_interpreter() -> None:
    """An interpreter that is neither the main one nor a process ends.

    Its ends are closed first, as those whom leave() waits for may wait for
    them.
    """
    if _may_close_ends():
        _core.close_ends()
    leave()


def leave_program() -> None:
    """The main interpreter ends: see the top of this file."""
    try:
        for helper in helpers:
            helper.begin()
        _wait_while_at_work(_tended)
        for helper in helpers:
            helper.finish()
        if _may_close_ends():
            _core.close_ends()
        for thread in _core.threads():
            if thread.daemon:
                thread.stop()
        _wait_while_at_work(_anybody)
        _say_who_waits(_of_concern())
    finally:  # after Ctrl-C too
        try:
            for helper in helpers:
                helper.give_up()
        finally:
            _core.end_program()
            keep_interrupted()


def leave_threads() -> None:
    """The main interpreter ends, and has waiting threads: when they are all
    that is left, nobody will wake them."""
    if not _registered and _other_threads():  # or leave_program() sees to all
        _thread.start_new_thread(_wake_threads, ())


def _wake_threads() -> None:
    """Not in the main thread: others may wait for the end of that."""
    _wait_while_at_work(_anybody)
    if _other_threads():
        _core.close_ends()


def _other_threads() -> list[int]:
    """Other threads of this interpreter that can do something on their own."""
    # what runs this may be neither of these, where others end an interpreter
    ended = (threading.main_thread(), threading.current_thread())
    found = [t for t in threading.enumerate() if t not in ended]
    idents = [t.ident for t in found if t.ident and not t.daemon]
    return [i for i in idents if not is_idle_in_a_pool(_core.running(i))]


def _may_close_ends() -> bool:
    """Whether nobody else here may still use them."""
    guests = any(t.is_guest and t.is_child for t in _core.threads())
    return not (guests or _other_threads())


def _of_concern() -> list[_core.Thread]:
    """The processes whose work the program waits for."""
    return [t for t in _core.threads() if not (t.daemon or t.stopping)]


def _anybody() -> list[Any]:
    """Who may be at work: processes, or else other threads."""
    return _of_concern() or _other_threads()


def _wait_while_at_work(left: Callable[[], list[Any]]) -> None:
    """Return when none of these is left, or all that could be at work has been
    waiting for QUIET seconds."""
    activity, since = _core.activity(), time.monotonic()
    pause = 0.001
    while left():
        concern, others = _of_concern(), _other_threads()
        at_work = [t for t in concern if not t.waiting]
        acting = not all(map(_core.waits, others))
        if at_work or acting or activity != _core.activity():
            activity, since = _core.activity(), time.monotonic()
        elif time.monotonic() - since >= QUIET:
            return
        if concern:
            has_ended((at_work or concern)[0], pause)
        else:
            time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _say_who_waits(threads: list[_core.Thread]) -> None:
    names = [repr(t.name) for t in threads[:NAMED]]
    if len(threads) > NAMED:
        names.append(f"and {len(threads) - NAMED} more")
    if names and sys.stderr is not None:
        print(
            "intercsp: stopped at exit, as nobody would wake them: "
            + ", ".join(names),
            file=sys.stderr,
            flush=True,
        )
