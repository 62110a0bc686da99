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

import operator

from . import _core, _exit
from ._compat import Thread
from ._core import (
    Cancelled,
    Closed,
    EndClosed,
    Error,
    RecvChannel,
    SendChannel,
    SendHub,
)
from ._process import Process, prepare, start

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Self

    type _End = SendChannel | RecvChannel | SendHub


def group(name: str | None = None) -> Group:
    """A group of processes, for use in a with statement::

        with csp.group("squares") as g:
            g.spawn_many(square, numbers, squares, count=2)
            g.feed(range(10), tx)

    At the end of the with statement the group waits for all its members. The
    first error of a member, or of the body, stops the other members. It ends
    as asyncio.TaskGroup does: errors come in an ExceptionGroup; members that
    the group has stopped are not in it; KeyboardInterrupt and SystemExit of
    the body go out as they are, after the members were stopped.

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
    ) -> Process:
        """Start function(*args) in a new interpreter, as intercsp.spawn() does.

        Error: the group is ending, or was not entered.
        """
        processes = self._members.processes
        process = prepare(function, name, False)
        processes.append(process)
        try:
            self._begin()
            failed = self._failed.clone()
            try:
                start(process, function, args, failed)
            finally:
                failed.close()  # does nothing if it was given away
        finally:
            if process._thread.seal():  # it was not started
                processes.remove(process)
        return process

    def spawn_many(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        count: int,
        name: str | None = None,
    ) -> list[Process]:
        """Start count processes that run function(*args).

        Each has its own clones of the ends of channels among the arguments,
        also of those inside tuples, lists and dicts; the caller's are given
        away. A number is added to name for each. Otherwise as spawn().
        """
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        names = [f"{name}-{i + 1}" if name else None for i in range(count)]
        processes = []
        for n in names[:-1]:
            clones = _Clones()
            try:
                copy = clones.within(args)
                processes.append(self.spawn(function, *copy, name=n))
            finally:
                clones.close()
        processes.append(self.spawn(function, *args, name=names[-1]))
        return processes

    def feed(self, iterable: Iterable[Any], tx: SendChannel, /) -> None:
        """Send what iterable yields through tx, then close tx.

        A thread of this interpreter does that; tx is given to it. When the
        group stops its members, this ends as soon as iterable yields or the
        wait for room ends. If the receivers go before all was sent, that is an
        error (Closed), unless another member failed: then it has its cause
        there.

        Error: the group is ending, or was not entered.
        """
        if not isinstance(tx, SendChannel):
            raise TypeError(f"a SendChannel is needed, not {tx!r}")
        iterator = iter(iterable)
        feeds = self._members.feeds
        feed = _Feed(f"{self._name}-feed-{len(feeds) + 1}")
        feeds.append(feed)
        try:
            self._begin()
            feed.start(iterator, _core.give(tx), self._failed)
        finally:
            if feed.seal():
                feeds.remove(feed)

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
        errors = self._members.errors()
        try:
            if isinstance(interrupt, _BARE):
                raise interrupt
            if isinstance(error, _BARE):
                return  # it goes on as it is
            if error is not None and not isinstance(error, Cancelled):
                errors.append(error)
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
        self.feeds: list[_Feed] = []

    def stop(self) -> None:
        """Take no more, stop all, and wait for the end of the processes."""
        self.open = False
        for feed in list(self.feeds):
            feed.stop()
        _exit.wind_down([p._thread for p in self.processes])

    def join(self, failed: SendChannel) -> None:
        """Wait for all, telling the watcher of any that did not itself.

        A feed may add members; when all have ended no more are taken.
        """
        while self.open or self._any_alive():
            for process in list(self.processes):
                process.join()
                if process._thread.is_new:  # about to be started, or removed
                    continue
                if process._exception() is not None:
                    _tell(failed)
            for feed in list(self.feeds):
                feed.join()
            if not self._any_alive():
                self._close()

    def join_stopped(self) -> None:
        """Wait for all while they are stopped, even if this process is."""
        self._close()
        while self._any_alive():
            for process in list(self.processes):
                while not _exit.has_ended(process._thread, 1.0):
                    pass
            for feed in list(self.feeds):
                feed.join()

    def errors(self) -> list[BaseException]:
        """What those that have failed raised."""
        found: list[BaseException] = []
        for process in self.processes:
            error = process._exception()
            if error is not None:
                found.append(error)
        for feed in self.feeds:
            if feed.error is None:
                continue
            if not (found and isinstance(feed.error, Closed)):
                found.append(feed.error)
        return found

    def _any_alive(self) -> bool:
        feeds = any(f.alive for f in self.feeds)
        return feeds or any(p.alive for p in self.processes)

    def _close(self) -> None:
        """Take no more; what was not started yet never will be."""
        self.open = False
        for process in list(self.processes):
            process._thread.seal()
        for feed in list(self.feeds):
            feed.seal()


def _watch(members: _Members) -> None:
    """What the watcher does. It does not keep the group alive."""
    try:
        members.failures.recv()
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


class _Feed:
    """A thread that sends what an iterator yields, then closes the channel."""

    def __init__(self, name: str) -> None:
        self.error: BaseException | None = None
        self._stopped = False
        self._tx: SendChannel | None = None
        self._thread = Thread(name)

    @property
    def alive(self) -> bool:
        return self._thread.alive

    def start(
        self, iterator: Iterator[Any], tx: SendChannel, failed: SendChannel
    ) -> None:
        self._tx = tx
        feeders = _exit.feeders
        feeders[:] = [t for t in feeders if t.alive]
        feeders.append(self._thread)
        self._thread.start(self._run, iterator, tx, failed)

    def _run(
        self, iterator: Iterator[Any], tx: SendChannel, failed: SendChannel
    ) -> None:
        try:
            with tx:
                for value in iterator:
                    tx.send(value)
        except Cancelled:  # the process that this thread is in is stopped
            pass
        except BaseException as error:
            if self._stopped and isinstance(error, EndClosed):
                return
            self.error = error
            _tell(failed)

    def seal(self) -> bool:
        """Let it do nothing, unless it was started: whether it was not."""
        if self._thread.ident:
            return False
        self.stop()
        return True

    def stop(self) -> None:
        self._stopped = True
        if self._tx is not None:
            self._tx.close()

    def join(self) -> None:
        self._thread.join()


def _parts(value: Any) -> list[Any]:
    """What is in a container."""
    if type(value) is dict:
        return [part for pair in value.items() for part in pair]
    if type(value) in (tuple, list, set, frozenset):
        return list(value)
    return []


def _with_parts(value: Any, parts: list[Any]) -> Any:
    """A container of the same type with these parts; itself if they are its."""
    if all(map(operator.is_, parts, _parts(value))):
        return value
    if type(value) is dict:
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return type(value)(parts)


class _Clones:
    """Copies of arguments, with clones of the ends of channels in them."""

    def __init__(self) -> None:
        self._made: dict[int, _End] = {}  # by id

    def within(self, value: Any) -> Any:
        """The value, with clones in the place of ends.

        Containers inside themselves are left as they are: they cannot be sent.
        """
        made: dict[int, Any] = {}  # by id: what stands in its place
        entered: set[int] = set()
        stack = [value]
        while stack:  # depth is bounded by memory only
            at = stack[-1]
            parts = _parts(at)
            if id(at) in made:
                stack.pop()
            elif isinstance(at, SendChannel | RecvChannel | SendHub):
                made[id(at)] = self._clone(at)
            elif id(at) in entered or not parts:
                made[id(at)] = _with_parts(
                    at, [made.get(id(part), part) for part in parts]
                )
            else:
                entered.add(id(at))
                stack += (p for p in parts if id(p) not in entered)
        return made[id(value)]

    def _clone(self, end: _End) -> _End:
        if id(end) not in self._made:
            self._made[id(end)] = end.clone()
        return self._made[id(end)]

    def close(self) -> None:
        """Close the clones that were not given away."""
        for end in self._made.values():
            end.close()
