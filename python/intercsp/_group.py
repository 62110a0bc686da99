# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Groups: processes that begin and end together.

A group has one thread of its own, the watcher, which alone stops members. It
waits on a channel of which each member has a send end: a member that fails
sends on it, and so does the group when its body fails. When all members have
ended, the group closes the receive end, and the watcher ends.

A signal handler may raise between any two steps of the main thread. So a
member is in its list before it is started, by one call of C, and what is in
the list but was never started is passed over. No lock is taken: a with
statement can leave one locked then. In its place,

- who adds a member looks at open after that, and starts it only if it is True;
- who ends the group sets open to False, and then looks at the members: those
  that were not started are sealed, so that they never will be.
"""

from __future__ import annotations

import sys

from . import _core, _exit
from ._compat import Thread
from ._core import (
    Cancelled,
    Closed,
    Error,
    RecvChannel,
    SendChannel,
)
from ._process import Process, prepare, start, start_many

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Self

    from ._aio import Body
    from ._pipeline import Stage


def group(name: str | None = None) -> Group:
    """A group of processes, for use in a with or async with statement::

        with csp.group("squares") as g:
            g.spawn_many(square, numbers, squares, count=2)
            g.feed(range(10), tx)

    At the end of the with statement the group waits for all its members. The
    first error of a member, or of the body, stops the other members. It ends
    as asyncio.TaskGroup does: errors come in an ExceptionGroup; members that
    the group has stopped are not in it, nor is Closed beside other errors,
    which are its cause; KeyboardInterrupt and SystemExit of the body go out as
    they are, after the members were stopped. In asyncio, the task whose body
    is still running is cancelled when a member fails.

    A member that runs C code which does not return delays the end of the
    group; Ctrl-C once more leaves it behind.
    """
    return Group(name)


def par(*calls: tuple[Any, ...]) -> list[Any]:
    """Run functions side by side, and return their results in order::

        primes, total = csp.par((find_primes, 1000), (sum, numbers))

    Each call is a tuple of a function and its arguments, as for spawn(). They
    are members of a group: the first error stops the others, and errors come
    in an ExceptionGroup.
    """
    for call in calls:
        if not (isinstance(call, tuple) and call and callable(call[0])):
            raise TypeError(f"(function, argument...) is needed, not {call!r}")
    with Group("par") as g:
        processes = [g.spawn(function, *args) for function, *args in calls]
    return [process.result() for process in processes]


class Group(_core.Scope):
    """Processes and feeds that end together; made by group()."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name or "group"
        self._failed, failures = _core.channel(1, name=self._name)
        self._members = _Members(failures)
        # Started with the first member.
        self._watcher = Thread(f"{self._name}-watcher")

    # ---- members ----

    def spawn(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        name: str | None = None,
        thread: bool = False,
    ) -> Process:
        """Start function(*args) in a new interpreter, as intercsp.spawn() does.

        thread: in a thread of this interpreter.

        Error: the group is ending, or was not entered.
        """
        return self._add(prepare(function, name, thread=thread), function, args)

    def spawn_many(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        count: int,
        name: str | None = None,
        thread: bool = False,
    ) -> list[Process]:
        """Start count processes that run function(*args).

        Each has its own clones of the ends of channels that it is passed, and
        the caller's are given away, as by intercsp.spawn_many(). A number is
        added to name for each. Otherwise as spawn().
        """
        started: list[Process] = []

        def add(name: str | None, keeps: bool) -> None:
            process = prepare(function, name, thread=thread)
            started.append(self._add(process, function, args, keeps))

        start_many(add, count, name)
        return started

    def feed(self, iterable: Iterable[Any], tx: SendChannel, /) -> None:
        """Send what iterable yields through tx, then close tx.

        A thread of this interpreter does that; tx is given to it. It is
        stopped as other members are. If the receivers go before all was sent,
        that is an error (Closed).

        Error: the group is ending, or was not entered.
        """
        if not isinstance(tx, SendChannel):
            raise TypeError(f"a SendChannel is needed, not {tx!r}")
        iterator = iter(iterable)
        feeds = self._members.feeds
        name = f"{self._name}-feed-{len(feeds) + 1}"
        process = prepare(_send_all, name, thread=True)
        feeds.append(process)
        self._add(process, _send_all, (iterator, tx))

    def pipeline(self, source: Iterable[Any], /, *stages: Stage) -> RecvChannel:
        """Start the stages of a pipeline: the end that its results come from.

        As intercsp.pipeline(), whose members are this group's, but results can
        be had while it runs.
        """
        from . import _pipeline

        return _pipeline.start(self, source, stages)

    # ---- the with statement ----

    def __enter__(self) -> Self:
        if self._members.was_opened:
            raise Error(f"group {self._name!r} was entered before")
        self._members.was_opened = self._members.open = True
        return self

    def _leave(self, error: BaseException | None) -> None:
        """What __exit__() does."""
        self.leaving = True
        interrupt: BaseException | None = None
        try:
            self._finish(stop=error is not None)
        except BaseException as reason:
            # also TimeoutError: the deadline() that this wait is inside of
            _tell(self._failed)
            if error is not None and isinstance(reason, KeyboardInterrupt):
                raise  # they are being stopped, and that takes too long
            interrupt = reason
            self._finish(stop=True)
        try:
            self._conclude(error, interrupt)
        finally:
            del error, interrupt  # no cycles through their tracebacks

    async def __aenter__(self) -> Self:
        from . import _aio

        self.__enter__()
        self._members.body = _aio.Body()
        return self

    async def __aexit__(
        self, _kind: object, error: BaseException | None, _traceback: object
    ) -> None:
        """The same, while the event loop runs other tasks.

        If this task is cancelled, the members are stopped.
        """
        from . import _aio

        self.leaving = True
        body, self._members.body = self._members.body, None
        if body is not None:
            body.leave()
        interrupt: BaseException | None = None
        again: BaseException | None = None
        try:
            if error is None:
                await _aio.wait_for_ends(self._members.ends(self._failed))
        except BaseException as reason:
            interrupt = reason
        try:
            if error is not None or interrupt is not None:
                _tell(self._failed)
                again = await _aio.shielded_ends(self._members.stopped_ends())
                interrupt = interrupt or again
            self._let_go()
            self._conclude(error, interrupt)
        finally:
            del error, interrupt, again

    def _conclude(
        self, error: BaseException | None, interrupt: BaseException | None
    ) -> None:
        """Raise what members, the body, or the wait for members has raised."""
        asyncio = sys.modules.get("asyncio")
        cancelled = (Cancelled, *([asyncio.CancelledError] if asyncio else []))
        errors = self._members.errors()
        try:
            if isinstance(interrupt, _BARE):
                raise interrupt
            if isinstance(error, _BARE):
                return  # it goes on as it is
            if error is not None and not isinstance(error, cancelled):
                errors.append(error)
            errors = [e for e in errors if not _is_closed(e)] or errors
            if errors:
                text = f"unhandled errors in group {self._name!r}"
                raise BaseExceptionGroup(text, errors) from None
            if interrupt is not None:
                raise interrupt
        finally:  # no cycles through the tracebacks of the exceptions
            del error, errors, interrupt

    def __del__(self) -> None:
        watcher = getattr(self, "_watcher", None)
        if watcher is not None and watcher.alive:  # entered, and never left
            _tell(self._failed)

    # ---- inside ----

    def _add(
        self,
        process: Process,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keeps: bool = False,
    ) -> Process:
        """Start a member."""
        processes = self._members.processes
        processes.append(process)
        try:
            self._begin()
            failed = self._failed.clone()
            try:
                start(process, function, args, failed, keeps)
            finally:
                failed.close()  # does nothing if it was given away
        finally:
            if process._thread.seal():  # it was not started
                processes.remove(process)
        return process

    def _begin(self) -> None:
        """What comes between a member's entry and its start."""
        if not self._members.open:
            raise Error(f"group {self._name!r} takes no members now")
        if self._watcher.ident == 0:
            try:
                self._watcher.start(_watch, self._members)
            except RuntimeError:
                if self._watcher.ident == 0:
                    raise
                # another thread was faster

    def _finish(self, stop: bool) -> None:
        """Wait for all members, which are stopped if so, and the watcher."""
        if stop:
            _tell(self._failed)
            self._members.join_stopped()
        else:
            self._members.join(self._failed)
        self._let_go()

    def _let_go(self) -> None:
        """All members have ended: so does the watcher."""
        self._members.failures.close()
        self._watcher.join()
        self._failed.close()


class _Members:
    """The members of a group: what the watcher needs of it."""

    def __init__(self, failures: RecvChannel) -> None:
        self.failures = failures
        self.open = False  # for more members
        self.was_opened = False
        self.processes: list[Process] = []
        self.feeds: list[Process] = []  # those of them that are feeds
        self.body: Body | None = None  # a task that is to be cancelled

    def stop(self) -> None:
        """Take no more, stop all, and wait for their end."""
        self.open = False
        _exit.wind_down([p._thread for p in self.processes])

    def join(self, failed: SendChannel) -> None:
        """Wait for all."""
        for process in self.ends(failed):
            process.join()

    def ends(self, failed: SendChannel) -> Iterator[Process]:
        """Those to wait for, one after the other.

        The watcher is told of any that have failed without telling it. A feed
        may add members; when all have ended no more are taken.
        """
        while self.open or self._any_alive():
            for process in list(self.processes):
                yield process
                if process._thread.is_new:  # about to be started, or removed
                    continue
                if process._exception() is not None:
                    _tell(failed)
            if not self._any_alive():
                self._close()

    def join_stopped(self) -> None:
        """Wait for all while they are stopped, even if this process is."""
        for process in self.stopped_ends():
            while not _exit.has_ended(process._thread, 1.0):
                pass

    def stopped_ends(self) -> Iterator[Process]:
        """Those to wait for while they are stopped; no more are taken."""
        self._close()
        while self._any_alive():
            yield from list(self.processes)

    def errors(self) -> list[BaseException]:
        """What those that have failed raised; feeds come last."""
        members = [p for p in self.processes if p not in self.feeds]
        feeds = [p for p in self.processes if p in self.feeds]
        found = [p._exception() for p in members + feeds]
        return [error for error in found if error is not None]

    def _any_alive(self) -> bool:
        return any(p.alive for p in self.processes)

    def _close(self) -> None:
        """Take no more; what was not started yet never will be."""
        self.open = False
        for process in list(self.processes):
            process._thread.seal()


def _is_closed(error: BaseException) -> bool:
    """Whether it may be there only because another member has failed."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_closed, error.exceptions))
    return isinstance(error, Closed)


def _send_all(iterator: Iterator[Any], tx: SendChannel) -> None:
    """What a feed does."""
    with tx:
        for value in iterator:
            tx.send(value)


def _watch(members: _Members) -> None:
    """What the watcher does. It does not keep the group alive."""
    try:
        members.failures.recv()
        body = members.body
        if body is not None:
            body.cancel_soon()
    except Error:  # all have ended, or the group was never used
        return
    except Cancelled:  # the process that the group is in is stopped
        pass
    members.stop()


def _tell(failed: SendChannel) -> None:
    """Send the watcher word of a failure, unless it had some."""
    try:
        failed.send_nowait(None)
    except Error:  # full, or the watcher has ended
        return


# Of the body: not put in an ExceptionGroup.
_BARE = (KeyboardInterrupt, SystemExit, GeneratorExit)
