# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Supervisors: actors that are started again when they fail.

A supervisor has a thread of its own, which alone starts and stops its actors.
It keeps both ends of their mailboxes: so messages wait while an actor is
started again, and references stay good. Spare interpreters, which wait for an
actor to run, make that quick.

What others want of the thread is in a list and in flags, which it looks at when
it is woken: as in a group, no lock is taken.
"""

from __future__ import annotations

import time
from collections import deque

from . import _actor, _core
from ._compat import Thread
from ._core import Cancelled, Closed, Error, RecvChannel
from ._parts import ends_in, is_end, replaced
from ._process import Process, spawn

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any, Literal, Self

    type Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")


class RestartsExceeded(Error):
    """A supervised actor failed too often; the last reason is the cause."""


def supervise(
    strategy: Strategy = "one_for_one",
    *,
    max_restarts: int = 3,
    within: float = 5.0,
    spare: int = 1,
    name: str | None = None,
) -> Supervisor:
    """Actors that are started again when they fail, in a with statement::

        with csp.supervise("one_for_one", max_restarts=3, within=5.0) as sup:
            counter = sup.start(Counter, 10)

    An actor fails if it ends in any other way than by its reference's stop():
    by an exception of a cast, by sys.exit(), or because it was stopped. It is
    started again with the arguments of the first time, and goes on with its
    messages. A call that it was at raises ActorEnded; no other message is lost.
    If the class has hand_over() and take_over(), what the former returns is
    given to the latter in the new actor.

    strategy: "one_for_one", the others go on; "one_for_all", all are started
    again; "rest_for_one", those are that were started after it. More than
    max_restarts failures within seconds: all are stopped, and the with
    statement raises RestartsExceeded. spare: how many interpreters wait to be
    used; starting a new one takes some 10 ms.

    At the end of the with statement the actors work off their messages and end,
    the last one first.
    """
    if strategy not in STRATEGIES:
        raise ValueError(
            f"strategy must be one of {STRATEGIES}, not {strategy!r}"
        )
    if max_restarts < 0 or within <= 0 or spare < 0:
        raise ValueError("max_restarts, within and spare cannot be negative")
    return Supervisor(strategy, max_restarts, within, spare, name)


class Supervisor(_core.Scope):
    """What starts actors again; made by supervise()."""

    def __init__(
        self,
        strategy: str,
        max_restarts: int,
        within: float,
        spare: int,
        name: str | None,
    ) -> None:
        self._name = name or "supervisor"
        self._wake, woken = _core.channel(1, name=self._name)
        self._work = _Work(woken, strategy, max_restarts, within, spare)
        self._thread = Thread(self._name)

    def start(
        self, cls: type[_actor.Actor], /, *args: Any, **kwargs: Any
    ) -> Any:
        """Make cls(*args, **kwargs) in an interpreter of its own: an ActorRef.

        Waits until it is made, and raises what __init__ raises; then it is not
        supervised. Ends among the arguments are given away; each time the actor
        is started it has clones of them. Error: the supervisor has ended, or
        was not entered.
        """
        child = _Child(cls, args, kwargs)
        ready = child.ready
        self._work.orders.append(child)
        if not self._work.open or not self._thread.alive:
            raise Error(f"supervisor {self._name!r} takes no actors now")
        self._tell()
        try:
            ready.recv()
        except Closed:
            error = child.error or Error(f"supervisor {self._name!r} has ended")
            raise error from None
        return _actor.ActorRef(
            child.tx.clone(), cls.__qualname__, _actor.methods_of(cls)
        )

    def __enter__(self) -> Self:
        if self._thread.ident:
            raise Error(f"supervisor {self._name!r} was entered before")
        self._work.open = True
        self._thread.start(_work, self._work)
        return self

    def _leave(self, error: BaseException | None) -> None:
        """What __exit__() does."""
        self.leaving = True
        self._work.open = False
        self._work.patient = error is None
        self._tell()
        try:
            self._thread.join()
        except BaseException:
            self._work.patient = False
            self._tell()
            self._thread.join()
            raise
        if self._work.failure is not None and (
            error is None or isinstance(error, _actor.ActorEnded)
        ):
            raise self._work.failure

    def _tell(self) -> None:
        try:
            self._wake.send_nowait(None)
        except Error:  # full, or it has ended
            return

    def __del__(self) -> None:
        work = getattr(self, "_work", None)
        if work is not None and work.open:  # entered, and never left
            work.open = work.patient = False
            self._tell()


class _Child:
    """A supervised actor, through all its lives."""

    def __init__(
        self, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.cls = cls
        # What the caller has given to it; each life has clones of the ends.
        self._given = replaced((args, kwargs), is_end, _core.give)
        self._ends = ends_in(self._given)
        self.tx, self.rx = _actor.new_mailbox(cls)
        self._made, self.ready = _core.channel(1)
        self.error: BaseException | None = None  # why it was never made
        self.is_new = True
        self.state: tuple[Any, ...] = ()
        self.process: Process | None = None
        self.making: RecvChannel | None = None  # while it is being made
        self._handed: RecvChannel | None = None

    def begin(self, worker: _Worker) -> None:
        """Let a worker run it."""
        made, self.making = _core.channel(1)
        handing, self._handed = _core.channel(1)
        clones = {id(end): end.clone() for end in self._ends}
        args = replaced(self._given, is_end, lambda end: clones[id(end)])
        ends = (self.rx.clone(), made, handing)
        try:
            worker.jobs.send((self.cls, *args, *ends, self.state))
        finally:
            for end in (*clones.values(), *ends):
                end.close()  # does nothing if it was given away
        self.process = worker.process

    def was_made(self) -> None:
        self.making = None
        if self.is_new:
            self.is_new = False
            self._made.send(None)

    def has_ended(self) -> BaseException | None:
        """Its process has ended: why; None, it has by itself."""
        assert self.process is not None
        assert self._handed is not None
        self.making = None
        handed = (
            self._handed.recv_nowait(_NOTHING)
            if len(self._handed)
            else _NOTHING
        )
        self._handed.close()
        self.state = () if handed is _NOTHING else (handed,)
        try:
            if self.process.result() == _actor.ENDED:
                return None
            return Error(f"actor {self.cls.__qualname__!r} left its process")
        except BaseException as error:
            return error

    def close(self, error: BaseException | None = None) -> None:
        """It will not be started again."""
        self.error = error
        for end in (self._made, self.tx, self.rx, *self._ends):
            end.close()


_NOTHING: Any = object()


class _Worker:
    """An interpreter that waits for an actor to run."""

    def __init__(self) -> None:
        self.jobs, jobs = _core.channel(1)
        self.process = spawn(_be_worker, jobs, name="actor")


def _be_worker(jobs: RecvChannel) -> Any:
    try:
        job = jobs.recv()
    except Closed:
        return None
    jobs.close()
    return _actor.run(*job)


def _work(work: _Work) -> None:
    """What the supervisor's thread does. It does not keep the supervisor."""
    try:
        work.run()
    except Cancelled:  # the process that the supervisor is in is stopped
        return


class _Work:
    """The actors, and what becomes of them. In the supervisor's thread, but for
    orders and the flags."""

    def __init__(
        self,
        woken: RecvChannel,
        strategy: str,
        max_restarts: int,
        within: float,
        spare: int,
    ) -> None:
        self.orders: list[_Child] = []
        self.open = False
        self.patient = True  # at the end: until all messages are worked off
        self.failure: RestartsExceeded | None = None
        self._woken = woken
        self._strategy = strategy
        self._max_restarts = max_restarts
        self._within = within
        self._n_spare = spare
        self._spare: list[_Worker] = []
        self._children: list[_Child] = []
        self._restarts: deque[float] = deque()

    def run(self) -> None:
        try:
            self._refill()
            while self.open and self.failure is None:
                self._step()
            if self.patient and self.failure is None:
                self._finish()
        finally:
            self.open = False
            self._stop(self._children)
            for child in self._children + self.orders:
                child.close(self.failure)
            for worker in self._spare:
                worker.jobs.close()
            self._woken.close()

    # ---- at work ----

    def _step(self) -> None:
        while self.orders:
            child = self.orders.pop(0)
            self._children.append(child)
            self._begin(child)
        chosen = _core.select(self._woken, *map(_case, self._children))
        if chosen.index == 0:
            return
        child = self._children[chosen.index - 1]
        if child.making is not None and not chosen.closed:
            child.was_made()
            return
        assert child.process is not None
        child.process.join()
        self._ended(child)

    def _begin(self, child: _Child) -> None:
        while True:
            worker = self._spare.pop() if self._spare else _Worker()
            try:
                child.begin(worker)
                break
            except Closed:  # somebody has stopped it
                continue
            except Exception as error:  # what cannot be sent
                worker.jobs.close()
                self._children.remove(child)
                child.close(error)
                return
        self._refill()

    def _refill(self) -> None:
        while len(self._spare) < self._n_spare:
            self._spare.append(_Worker())

    def _ended(self, child: _Child) -> None:
        error = child.has_ended()
        if error is None or child.is_new:
            self._children.remove(child)
            child.close(error)
            return
        if self._too_often():
            self.failure = RestartsExceeded(
                f"more than {self._max_restarts} restarts within "
                f"{self._within} s; the last to fail was "
                f"{child.cls.__qualname__!r}"
            )
            self.failure.__cause__ = error
            return
        at = self._children.index(child)
        again = {
            "one_for_one": [child],
            "one_for_all": self._children[:],
            "rest_for_one": self._children[at:],
        }[self._strategy]
        others = [c for c in again if c is not child]
        self._stop(others)
        for other in others:
            other.has_ended()
        for c in again:
            self._begin(c)

    def _too_often(self) -> bool:
        now = time.monotonic()
        self._restarts.append(now)
        while self._restarts[0] < now - self._within:
            self._restarts.popleft()
        return len(self._restarts) > self._max_restarts

    # ---- at the end ----

    def _stop(self, children: list[_Child]) -> None:
        processes = [c.process for c in reversed(children) if c.process]
        for process in processes:
            process._thread.stop()
        for process in processes:
            process.stop(None)

    def _finish(self) -> None:
        """Let them end in their own time, unless patience ends."""
        for child in reversed(self._children):
            if child.process is None or not child.process.alive:
                continue
            stop: Any = (child.tx, ("", ("stop",), {}, None))
            waits: list[Any] = [self._woken, child.process, stop]
            while self.patient and len(waits) > 1:
                chosen = _core.select(*waits)
                if chosen.index == 1:
                    break
                if chosen.index == 2:
                    waits.pop()


def _case(child: _Child) -> Any:
    return child.process if child.making is None else child.making
