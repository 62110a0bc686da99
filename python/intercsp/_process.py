# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes: functions that run in interpreters of their own.

A process is one OS thread that owns one interpreter, with a GIL of its own.
_core.Thread makes both and calls _boot.main() there, which runs the function;
what main() returns, the outcome, is read here.

A signal handler may raise between any two steps here. So a Process exists, and
a group has it, before its thread is started; and no lock is taken, as a with
statement can leave one locked then.
"""

from __future__ import annotations

import itertools
import time

from . import _core, _exit, _filters
from ._core import (
    Cancelled,
    NotShareable,
    RemoteError,
    StopFailed,
    Stopped,
)

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import _ship

_numbers = itertools.count(1)


def spawn(
    function: Callable[..., Any],
    /,
    *args: Any,
    name: str | None = None,
    daemon: bool = False,
    thread: bool = False,
) -> Process:
    """Start function(*args) in a new interpreter, on a thread of its own.

    The function is one of a module, which the new interpreter imports, or of
    the script, of which it gets the definitions that the function needs; or a
    functools.partial of such, or a method of an object that can be sent. A
    lambda, a function inside a function, or one of a session without a file
    goes by value, with the variables that it uses. It starts with this
    interpreter's sys.path, sys.argv and warning filters.

    Ends of channels among the arguments, also inside tuples, lists and dicts,
    are given away: here they raise Moved from now on. If this raises, they
    were not.

    At exit the program waits for a process that works; a daemon is stopped.

    thread: it runs in a thread of this interpreter instead, for modules that
    other interpreters cannot import. All else is the same: ends are given to
    it, its waits can be stopped, and it is joined. It gets its other arguments
    as they are, and result() what it returned or raised.

    Processes share the program: a fatal signal in one, from a faulty C module,
    ends all of it. faulthandler then shows the name of the process, in its 15
    first letters, from Python 3.14 on.

    Does not wait: an interpreter takes about 10 ms to start. Raises
    NotShareable (the function, or an argument, cannot be had there), Moved (an
    end was given away before, or occurs twice), Error (the program is
    exiting).
    """
    process = prepare(function, name, daemon, thread)
    start(process, function, args, None)
    return process


def spawn_many(
    function: Callable[..., Any],
    /,
    *args: Any,
    count: int,
    name: str | None = None,
    daemon: bool = False,
    thread: bool = False,
) -> list[Process]:
    """Start count processes that run function(*args), as spawn() does.

    Each has its own clones of the ends of channels among the arguments, also of
    those inside tuples, lists and dicts, and among the variables of a function
    that goes by value; the caller's are given away. A number is added to name
    for each. If one cannot be started, those that were are
    stopped, and this raises.
    """
    started: list[Process] = []

    def add(name: str | None, keeps: bool) -> None:
        process = prepare(function, name, daemon, thread)
        started.append(process)
        start(process, function, args, None, keeps)

    try:
        start_many(add, count, name)
    except BaseException:
        for process in started:
            process._thread.seal()
        _exit.wind_down([p._thread for p in started])
        raise
    return started


def start_many(
    add: Callable[[str | None, bool], object], count: int, name: str | None
) -> None:
    """Call add(name, keeps) count times: see start(). The last gives away."""
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    for i in range(count):
        add(f"{name}-{i + 1}" if name else None, i < count - 1)


def prepare(
    function: Callable[..., Any],
    name: str | None,
    daemon: bool = False,
    thread: bool = False,
) -> Process:
    """A process for function that was not started yet."""
    if not callable(function):
        raise TypeError(f"a function is needed, not {function!r}")
    if name is None:
        named = getattr(function, "func", function)  # of a partial
        stem = getattr(named, "__name__", type(named).__name__)
        name = f"{stem}-{next(_numbers)}"
    _exit.register()
    return Process(_core.Thread(name, daemon), thread)


def start(
    process: Process,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    failed: _core.SendChannel | None,
    keeps: bool = False,
) -> None:
    """Start what was prepared; failed is sent None if function raises.

    keeps: of the ends among the arguments, and in the function, clones are
    given away.
    """
    from . import _ship

    called: Any
    called, args, kwargs = _ship.unwrapped(function, args)
    if not process._is_guest:
        called = _ship.refer(called)
    call: tuple[Any, Any, Any] = called, args, kwargs
    clones: list[Any] = []
    if keeps:
        from ._parts import cloned

        call, clones = cloned(call)
    try:
        if process._is_guest:
            from . import _guest

            _guest.start(process._thread, *call, failed)
        else:
            _begin(process._thread, *call, failed)
    finally:
        for clone in clones:
            clone.close()  # does nothing if it was given away


def _begin(
    thread: _core.Thread,
    reference: _ship.Reference,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    failed: _core.SendChannel | None,
) -> None:
    payload = (args, reference, _filters.current(), failed, kwargs)
    try:
        thread.start(payload)
    except NotShareable as error:
        from ._ship import refusal_of

        refusal = refusal_of(error, "[1]", "[0]", "[4]")
        raise refusal from refusal.__cause__


class Process:
    """A function that runs in an interpreter of its own; made by spawn()."""

    __slots__ = ("__weakref__", "_errors", "_is_guest", "_thread")

    def __init__(self, thread: _core.Thread, is_guest: bool = False) -> None:
        self._thread = thread
        self._is_guest = is_guest  # a thread of this interpreter
        # What it raised, once somebody has asked: one for all who ask.
        self._errors: dict[str, Exception] = {}

    @property
    def name(self) -> str:
        """Its name: that of the function with a number, unless given."""
        return self._thread.name

    @property
    def id(self) -> int:
        """Its number, never used twice in a program."""
        return self._thread.id

    @property
    def daemon(self) -> bool:
        """Whether the program stops it at exit, instead of waiting for it."""
        return self._thread.daemon

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.alive

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended and its interpreter is gone.

        While others use memory that it shared, what is left of its interpreter
        lingers; nothing runs in it.

        Waits at most timeout seconds (None: for ever), then raises
        TimeoutError. Raises nothing of what the function raised: result()
        does. Any number of threads may wait.
        """
        self._thread.join(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for its end as join() does, and return what it returned.

        If the function raised, this raises the same exception, with a
        RemoteError as its cause that has the text of the traceback there. An
        exception that cannot be carried between interpreters is replaced by a
        RemoteError; so is what is no Exception, such as SystemExit with other
        than 0 or None, which would end the caller. Stopped: the process was
        stopped.
        """
        self._thread.join(timeout)
        kind, *details = self._ended()
        if kind == "value":
            return details[0]
        if kind == "stopped":
            raise Stopped(f"process {self.name!r} was stopped")
        error = self._exception()
        assert error is not None
        # Without the traceback of the last time, which would grow.
        traceback = details[-1] if kind == "raised" else None
        try:
            raise error.with_traceback(traceback)
        finally:  # its traceback refers to this frame
            del self, error, details, traceback

    def stop(self, timeout: float | None = 5.0) -> None:
        """Stop it, and wait until it has ended.

        Its current wait and every later one raise Cancelled there. If it has
        not ended after a moment, Cancelled is raised in the Python code that
        it runs, again and again until it ends. StopFailed: it has not ended
        after timeout seconds, because it runs C code that does not return, or
        swallows Cancelled. It goes on being stopped.

        Does nothing if it has ended.
        """
        end = time.monotonic() + _core.seconds(timeout)
        if _exit.wind_down([self._thread], end):
            raise StopFailed(
                f"process {self.name!r} has not ended {timeout} s after it "
                "was asked to stop: it runs C code that does not return, or "
                "code that swallows intercsp.Cancelled"
            )

    def __csp_case__(self) -> _core.Thread:
        """What select() waits for."""
        return self._thread

    def __repr__(self) -> str:
        return f"<intercsp.Process {self.name!r} {self._state()}>"

    def _state(self) -> str:
        if self.alive:
            return "alive"
        kind = self._ended()[0]
        return {"value": "ended", "stopped": "stopped"}.get(kind, "failed")

    def _ended(self) -> tuple[Any, ...]:
        """The outcome of a process that has ended."""
        return _outcome(self._thread.result())

    def _exception(self) -> Exception | None:
        """What the function of a process that has ended raised, if it did."""
        kind, *details = self._ended()
        if kind in ("value", "stopped"):
            return None
        if kind == "raised":
            error: Exception = details[0]
            return error
        if not self._errors:
            error = _exception(self.name, *details)
            self._errors.setdefault("error", error)  # another may be faster
        return self._errors["error"]


def _outcome(result: Any) -> tuple[Any, ...]:
    """The outcome (see _boot.py), also where main() could not return one."""
    if result is None:  # stopped before it began
        return ("stopped",)
    if isinstance(result, tuple) and result[0] != "crash":
        return result
    text = result if isinstance(result, str) else result[1]
    return ("error", "", text, None, "")


def _exception(
    name: str, kind: str, text: str, pickled: bytes | None, traceback: str
) -> Exception:
    """The exception for an outcome of kind error."""
    error = unpickled(pickled, f"process {name!r}", Exception)
    if error is not None:
        return error
    description = f"{kind}: {text}" if kind and text else kind or text
    error = RemoteError(f"process {name!r}: {description}")
    if traceback:
        error.__cause__ = RemoteError(f"in process {name!r}:\n\n{traceback}")
    return error


def unpickled[E: BaseException](
    pickled: bytes | None, where: str, kind: type[E]
) -> E | None:
    """The exception; None if there is none of that kind, or it cannot be made
    again."""
    if pickled is None:
        return None
    from . import _pickle

    try:
        (error,) = _pickle.loads(pickled, [], where)
    except (KeyboardInterrupt, Cancelled):  # not its own, but ours
        raise
    except BaseException:  # it runs code of the exception's class
        return None
    return error if isinstance(error, kind) else None
