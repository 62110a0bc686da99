# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What is used of the standard library without being public there.

All of it is the same in CPython 3.13, 3.14 and 3.15; nothing of this kind is
elsewhere in the package.
"""

from __future__ import annotations

import _interpreters
import _thread

# What Python's own interpreters raise for what cannot be sent.
ForeignNotShareable = _interpreters.NotShareableError

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import CodeType
    from typing import Any
    from weakref import ref

    from ._core import Loop


def is_main_interpreter() -> bool:
    """Whether this is the interpreter that the program began with."""
    return bool(_thread._is_main_interpreter())  # type: ignore[attr-defined]


def at_thread_shutdown(function: Callable[[], object]) -> None:
    """Call function when this interpreter begins to end.

    That is before its non-daemon threads are joined, which may wait for what
    function ends; atexit runs after that. RuntimeError: it has begun.
    """
    import threading

    threading._register_atexit(function)  # type: ignore[attr-defined]


def run_exit_functions() -> None:
    """Join the threads of this interpreter, and call atexit's functions.

    It does so again when it ends, in vain.
    """
    import atexit
    import sys

    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()


def thread_starter(function: Callable[[], object]) -> Callable[[], object]:
    """What starts a thread that runs function, when it is called.

    Nothing of it is Python code: no signal handler runs meanwhile.
    """
    import functools

    return functools.partial(
        _thread.start_joinable_thread,
        function,
        handle=_thread._ThreadHandle(),
        daemon=False,
    )


def keep_interrupted() -> None:
    """Let a program that ends by KeyboardInterrupt have the status of that.

    CPython keeps it in a variable that any eval() resets, in any interpreter:
    importing traceback does, which a process may have done since.
    """
    import sys

    error = getattr(sys, "last_exc", None)  # what was printed, and ended it
    if isinstance(error, KeyboardInterrupt) and not hasattr(sys, "ps1"):
        from contextlib import suppress

        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # sets it again


class Thread:
    """A thread that one C call starts, so that no signal handler comes between.

    threading.Thread.start() waits for the new thread in Python code, and what a
    handler raises there can leave locks as they must not be.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle = _thread._ThreadHandle()

    @property
    def ident(self) -> int:
        """Its number, as threading has it; 0 before it was started."""
        return int(self._handle.ident)

    @property
    def alive(self) -> bool:
        return self.ident != 0 and not self._handle.is_done()

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run function(*args) in it. RuntimeError: it was started before."""
        import functools

        _thread.start_joinable_thread(
            functools.partial(self._run, function, args),
            handle=self._handle,
            daemon=False,
        )

    def join(self) -> None:
        """Wait for its end, if it was started."""
        if self.ident != 0:
            self._handle.join()

    def _run(self, function: Callable[..., object], args: Any) -> None:
        import threading

        threading.current_thread().name = self._name
        function(*args)


def waker_of(event_loop: asyncio.AbstractEventLoop) -> int:
    """The descriptor that wakes an event loop of asyncio when a byte is written
    to it, as signals do; -1 where there is none."""
    socket = getattr(event_loop, "_csock", None)
    return -1 if socket is None else int(socket.fileno())


def sleep_by(event_loop: asyncio.AbstractEventLoop, known: ref[Loop]) -> None:
    """Have sleep() of the known Loop called where event_loop would sleep.

    It is told whether that is for ever: without a timeout, and with nothing to
    wake it but one descriptor of ours. Event loops of others than asyncio stay
    as they are.
    """
    from weakref import ref

    selector = getattr(event_loop, "_selector", None)
    select = getattr(type(selector), "select", None)
    if selector is None or select is None:
        return
    loops, selectors = ref(event_loop), ref(selector)  # which refer to us

    def maybe_sleep(timeout: float | None = None) -> Any:
        this: Any = selectors()
        loop = known()
        if loop is None or (timeout is not None and timeout <= 0):
            return select(this, timeout)
        for_ever = (
            timeout is None
            and len(this.get_map()) <= 2  # one is its own, to be woken by
            and getattr(loops(), "_default_executor", None) is None
        )
        return loop.sleep(select, this, timeout, for_ever)

    selector.select = maybe_sleep


def append_warning_filter(
    action: str, message: Any, category: type[Warning], module: Any, line: int
) -> None:
    """Add an entry to warnings.filters as it is, with no pattern made of it."""
    import warnings

    warnings._add_filter(  # type: ignore[attr-defined]
        action, message, category, module, line, append=True
    )


def is_idle_in_a_pool(code: CodeType | None) -> bool:
    """Whether a thread that runs code waits for work in a ThreadPoolExecutor.

    Pools are not private, but how their threads can be told is. They live
    until the pool is shut down, which may be later in the end of the program.
    """
    import sys

    pools = sys.modules.get("concurrent.futures.thread")
    worker = getattr(pools, "_worker", None)
    return code is not None and code is getattr(worker, "__code__", None)
