# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How processes are stopped, and how a program with processes ends.

No interpreter may be alive when the main interpreter is finalized: CPython
crashes or hangs. So the main interpreter, when it begins to end,

1. closes its own ends of channels (unless another of its threads may still
   use them) and stops daemon processes;
2. joins the others, as threading does, while any of them is at work; Ctrl-C
   ends this;
3. lets nobody start processes any more, and stops those that only wait for
   each other, naming them on stderr;
4. gives up on what has not ended five seconds later: it names them on stderr
   and ends the program with status 70 (EX_SOFTWARE).

A process that has started others waits for them when its function has ended.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time

from . import _core
from ._compat import at_thread_shutdown, is_main_interpreter

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterable

# How long Python code may take to notice a stop before it is interrupted.
GRACE = 0.05
# What stopping everything at exit may take.
EXIT_DEADLINE = 5.0
# All wait and no wait succeeds for so long: they wait for each other.
QUIET = 1.0
# The same, where another thread of this interpreter could still act.
QUIET_WITH_THREADS = 5.0
EX_SOFTWARE = 70
NAMED = 16  # so many are named, others counted

_children: list[int] = []  # ids of those that this process has started
_asked: set[int] = set()  # ids of those that it has asked to stop
_registered = False


def register() -> None:
    """See to it that this interpreter ends its processes before it ends.

    To be called before a process is started. Error: it is ending already.
    """
    global _registered
    if _registered or _core.current_thread():  # there, _boot calls leave()
        return
    function = leave_program if is_main_interpreter() else leave_interpreter
    try:
        at_thread_shutdown(function)
    except RuntimeError:
        raise _core.Error(
            "no process can be started: the program is exiting"
        ) from None
    # In case another's function fails before ours is called.
    atexit.register(function)
    _registered = True


def add(thread: _core.Thread) -> None:
    """Note a process that was started, for leave()."""
    if not is_main_interpreter():
        alive = {t.id for t in _core.threads()}
        _children[:] = [i for i in _children if i in alive]
        _children.append(thread.id)


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
    threads: Iterable[_core.Thread], timeout: float | None = None
) -> list[_core.Thread]:
    """Stop processes and wait for their end: those that are left.

    Their waits raise Cancelled at once. What computes is interrupted after a
    short grace, again and again, since code can swallow that. C code is not.
    """
    left = list(threads)
    end = float("inf") if timeout is None else time.monotonic() + timeout
    _asked.intersection_update(t.id for t in _core.threads())
    _asked.update(t.id for t in left)
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
    children = [t for t in _core.threads() if t.id in _children]
    wind_down([t for t in children if t.daemon])
    try:
        for thread in children:
            thread.join(shielded=True)
    except _core.Cancelled:
        wind_down(children)


def leave_interpreter() -> None:
    """An interpreter that is neither the main one nor a process ends.

    Its ends are closed first, as those whom leave() waits for may wait for
    them.
    """
    if not _other_threads_live():
        _core.close_ends()
    leave()


def leave_program() -> None:
    """The main interpreter ends: see the top of this file."""
    others = _other_threads_live()
    if not others:
        _core.close_ends()
    for thread in _core.threads():
        if thread.daemon:
            thread.stop()
    try:
        _wait_while_at_work(QUIET_WITH_THREADS if others else QUIET)
        _say_who_waits(_of_concern())
    finally:  # after Ctrl-C too
        _core.begin_exit()
        _core.close_ends()
        left: list[_core.Thread] = []
        stuck = _core.threads()
        while stuck and len(stuck) != len(left):  # as long as some have ended
            left, stuck = stuck, wind_down(stuck, EXIT_DEADLINE)
        if stuck:
            _give_up(stuck)


def _other_threads_live() -> bool:
    # what runs this may be neither of these, where others end an interpreter
    ended = (threading.main_thread(), threading.current_thread())
    return any(t not in ended and not t.daemon for t in threading.enumerate())


def _of_concern() -> list[_core.Thread]:
    """The processes whose work the program waits for."""
    return [t for t in _core.threads() if not t.daemon and t.id not in _asked]


def _wait_while_at_work(quiet: float) -> None:
    """Return when all have ended, or have been waiting for quiet seconds."""
    activity, since = _core.activity(), time.monotonic()
    pause = 0.001
    while concern := _of_concern():
        at_work = [t for t in concern if not t.waiting]
        if at_work or activity != _core.activity():
            activity, since = _core.activity(), time.monotonic()
        elif time.monotonic() - since >= quiet:
            return
        has_ended((at_work or concern)[0], pause)
        pause = min(2 * pause, 0.05)


def _names(threads: list[_core.Thread]) -> str:
    names = [repr(t.name) for t in threads[:NAMED]]
    if len(threads) > NAMED:
        names.append(f"and {len(threads) - NAMED} more")
    return ", ".join(names)


def _say(text: str) -> None:
    if sys.stderr is not None:
        print(f"intercsp: {text}", file=sys.stderr, flush=True)


def _say_who_waits(threads: list[_core.Thread]) -> None:
    if threads:
        _say(f"stopped at exit, as nobody would wake them: {_names(threads)}")


def _give_up(threads: list[_core.Thread]) -> None:
    """End the program in spite of processes that cannot be stopped."""
    _say(
        f"could not be stopped at exit: {_names(threads)}; the program ends "
        f"with status {EX_SOFTWARE}"
    )
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed, a full disk: there is nobody to tell
            continue
    os._exit(EX_SOFTWARE)
