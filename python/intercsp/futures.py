# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A pool of interpreters with the interface of concurrent.futures.

InterpreterPoolExecutor stands in for the class of that name which Python has
since 3.14, works on 3.13 too, and does what Executor.map() promises of chunks.

A call is a task (task.c): its Job goes to a worker through a queue that all
workers take from (tasks.c), and what it gives
comes back to the Task. Nobody else is needed for that: who asks a future for
its result waits for it himself. Only where a result must be announced, to
callbacks and to concurrent.futures.wait(), a thread does the waiting.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import sys
import threading
import weakref
from collections import deque
from concurrent.futures import _base
from concurrent.futures.thread import BrokenThreadPool, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import monotonic, sleep
from types import FunctionType

from . import _boot, _compat, _core, _exit, _process, _ship
from ._box import cannot_send
from ._core import (
    UNBOUNDED,
    Cancelled,
    Closed,
    EndClosed,
    NotShareable,
    RecvChannel,
    Task,
    TaskQueue,
    channel,
)
from ._parts import cloned
from ._worker import CHUNK, REMEMBERED, work

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import Any

__all__ = ["BrokenInterpreterPool", "InterpreterPoolExecutor"]

_NEW, _RUNNING, _DONE, _FAILED, _CANCELLED, _LOST = range(6)  # of a Task
_SLICE = 1.0  # seconds after which who waits looks after the workers
_BATCH = 64  # calls of map() that are sent together
_UNSEEN: Any = object()  # in the place of a condition: it was not needed
_making = threading.Lock()

if sys.version_info >= (3, 14):
    from concurrent.futures.interpreter import (
        BrokenInterpreterPool as _StdlibBroken,
    )
else:
    _StdlibBroken = BrokenThreadPool


class BrokenInterpreterPool(_StdlibBroken):
    """A worker has ended, or could not be initialized."""


class _Future(_base.Future):  # type: ignore[type-arg]
    """A Future that looks at its task when it is asked.

    What the class above keeps in attributes is made when it is first needed.
    _task is there until the outcome has been taken; who removes it settles.
    _pool is there until it has settled: a future that is kept keeps no pool.
    """

    _settled = _base.PENDING
    _result = None
    _exception = None

    def __init__(self, task: Task, pool: InterpreterPoolExecutor) -> None:
        self._task = task
        self._pool = pool

    # What concurrent.futures looks at.

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        """While a thread holds it, the state does not change."""
        made: Any = self.__dict__.get("_cond")
        if made is None:
            self._look()
            made = self.__dict__.setdefault("_cond", threading.Condition())
        elif made is not _UNSEEN and not made._is_owned():
            self._look()
        if made is _UNSEEN:
            while self._settled not in _FINAL:
                sleep(0)  # its other thread is between two lines of _finish()
            with _making:
                made = self.__dict__["_cond"]
                if made is _UNSEEN:
                    made = self.__dict__["_cond"] = threading.Condition()
        condition: threading.Condition = made
        return condition

    @property
    def _state(self) -> str:
        made = self.__dict__.get("_cond")
        if made is None or made is _UNSEEN or not made._is_owned():
            self._look()
        return self._settled

    @_state.setter
    def _state(self, state: str) -> None:
        self._settled = state

    def _look(self) -> None:
        """Settle if the task has ended."""
        task = self.__dict__.get("_task")
        if task is not None and (state := task.state):
            if state != _RUNNING:
                self._settle()
            elif self._settled == _base.PENDING:
                self._settled = _base.RUNNING

    @property
    def _waiters(self) -> list[Any]:  # type: ignore[override]
        """Whoever waits for many futures, puts something here."""
        made: list[Any] | None = self.__dict__.get("_those_who_wait")
        if made is None:
            made = self.__dict__.setdefault("_those_who_wait", [])
            self._announce()
        return made

    @property
    def _done_callbacks(self) -> list[Any]:
        made: list[Any] | None = self.__dict__.get("_callbacks")
        if made is None:
            made = self.__dict__.setdefault("_callbacks", [])
        return made

    # What users call.

    def result(self, timeout: float | None = None) -> Any:
        if self._settled not in _FINAL and not self._wait(timeout):
            return super().result(timeout)
        if self._settled == _base.FINISHED and self._exception is None:
            return self._result
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if self._settled not in _FINAL:
            self._wait(timeout)
        return super().exception(timeout)

    def cancel(self) -> bool:
        task = self.__dict__.get("_task")
        if task is None:
            return super().cancel()
        task.cancel()
        return self._state in _CANCELLED_STATES

    def add_done_callback(
        self, fn: Callable[[concurrent.futures.Future[Any]], object]
    ) -> None:
        self._look()  # without the lock that follows
        super().add_done_callback(fn)
        self._announce()

    def __await__(self) -> Generator[Any, Any, Any]:
        import asyncio

        return asyncio.wrap_future(self).__await__()

    def __csp_case__(self) -> _core.RecvChannel:
        """What select() waits for: it closes when the future is done."""
        tx, rx = channel(1)
        task = self.__dict__.get("_task")
        if task is not None:
            task.notify(tx, -1)
        tx.close()
        return rx

    # How it comes to its result.

    def _wait(self, timeout: float | None) -> bool:
        """Wait for the task and settle; False: another thread does that."""
        task = self.__dict__.get("_task")
        pool = self.__dict__.get("_pool")
        if task is None or pool is None:
            return False
        if timeout is not None and not timeout > 0:
            timeout = 0.0  # as elsewhere in concurrent.futures; also for NaN
        if not task.wait(_SLICE if timeout is None else min(timeout, _SLICE)):
            _wait_longer(task, timeout, pool)
        return self._settle()

    def _settle(self) -> bool:
        """Take the outcome; False: another thread does that."""
        task = self.__dict__.pop("_task", None)
        if task is None:
            return False
        try:
            state, value = task.take()
            if state == _DONE:
                self._finish(value, None)
            elif state == _CANCELLED:
                self._finish(None, None, _base.CANCELLED_AND_NOTIFIED)
            else:
                self._finish(None, self._pool._error_of(state, value))
        except BaseException as error:  # it cannot be decoded, or Ctrl-C
            if self._settled not in _FINAL:
                self._finish(None, error)
            if not isinstance(error, Exception):
                raise
        return True

    def _finish(
        self,
        result: Any,
        error: BaseException | None,
        state: str = _base.FINISHED,
    ) -> None:
        self._result = result
        self._exception = error
        del self._pool
        made = self.__dict__.setdefault("_cond", _UNSEEN)
        if made is _UNSEEN:  # nobody waits, and nobody can begin to
            self._settled = state
            return
        with made:
            self._settled = state
            for waiter in self.__dict__.get("_those_who_wait", ()):
                if state != _base.FINISHED:
                    waiter.add_cancelled(self)
                elif error is None:
                    waiter.add_result(self)
                else:
                    waiter.add_exception(self)
            made.notify_all()
        self._invoke_callbacks()  # type: ignore[attr-defined]

    def _announce(self) -> None:
        """See to it that it is settled when the task ends, asked or not."""
        task = self.__dict__.get("_task")
        pool = self.__dict__.get("_pool")
        if task is not None and pool is not None:
            task.notify(pool._ends[0], pool._herald.watch(self))


def _wait_longer(
    task: Task, timeout: float | None, pool: InterpreterPoolExecutor
) -> None:
    """Wait, after a slice of the time, and look after the workers."""
    end = None if timeout is None else monotonic() - _SLICE + timeout
    left = _SLICE
    while True:
        if end is not None:
            left = min(end - monotonic(), _SLICE)
            if left <= 0:
                raise TimeoutError
        pool._mend()
        if task.wait(left):
            return


_CANCELLED_STATES = (_base.CANCELLED, _base.CANCELLED_AND_NOTIFIED)
_FINAL = (*_CANCELLED_STATES, _base.FINISHED)


class _Herald:
    """The thread that settles futures whose end must be announced.

    It is started when it is first needed and ends when the pool, its workers
    and all tasks that it watches have: they have the send ends. Numbers come to
    it: of a future, or -1 from a worker that ends.
    """

    def __init__(self, pool: InterpreterPoolExecutor, rx: RecvChannel) -> None:
        self._pool = weakref.ref(pool)
        self._rx = rx
        self._numbers = itertools.count()
        self._watched: dict[int, _Future] = {}
        self._lock = threading.Lock()
        self.thread: _compat.Thread | None = None

    def watch(self, future: _Future) -> int:
        """The number that is to come when its task has ended."""
        number = next(self._numbers)
        self._watched[number] = future
        self.start()
        return number

    def start(self) -> None:
        with self._lock:
            if self.thread is None:
                self.thread = _compat.Thread("intercsp futures")
                self.thread.start(self._settle_all)

    def join(self) -> None:
        """Wait for its end, which comes when all others have ended."""
        thread = self.thread
        if thread is None:
            self._rx.close()
        elif thread.ident != threading.get_ident():
            thread.join()

    def _settle_all(self) -> None:
        with suppress(Cancelled):  # this process is stopped
            self._run()

    def _run(self) -> None:
        while True:
            try:
                number = self._rx.recv(_SLICE if self._watched else None)
            except TimeoutError:
                number = -1
            except Closed:
                self._rx.close()
                return
            except EndClosed:  # this interpreter ends
                break
            if number >= 0:
                self._watched.pop(number)._look()
            elif (pool := self._pool()) is not None:
                pool._mend()
                del pool
        while self._watched:
            _number, future = self._watched.popitem()
            future._wait(None)


class InterpreterPoolExecutor(ThreadPoolExecutor):
    """A pool of workers, each an interpreter on a thread of its own.

    max_workers: at most so many; they are started when there is work for one
    more. thread_name_prefix: of their names. initializer(*initargs) is called
    in each before its first task.

    Of its own: shared, a dict of names that __main__ of each worker gets, with
    their values; ends of channels in it are cloned for each. warm: so many
    workers are started at once (True: all). max_tasks_per_child: a worker is
    replaced after so many tasks.

    Arguments, functions and results travel as through channels. A large bytes
    or str that is returned, and nobody else refers to, is not copied. Futures
    can be awaited, and are cases of select(): ready, with closed set, when
    they are done. All methods may be called by any thread of the interpreter
    that has made the pool.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        shared: dict[str, Any] | None = None,
        warm: bool | int = 0,
        max_tasks_per_child: int | None = None,
    ) -> None:
        # The class above makes threads; of it there is only the name.
        if max_workers is None:
            max_workers = min(32, (os.process_cpu_count() or 1) + 4)
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if max_tasks_per_child is not None and max_tasks_per_child <= 0:
            raise ValueError("max_tasks_per_child must be >= 1")
        self._max_workers = max_workers
        prefix = thread_name_prefix or f"{type(self).__name__}-{_number()}"
        self._thread_name_prefix = prefix
        if not _core.is_shareable(shared):
            _boot.sendable(shared)  # raises
        # What workers begin with, and the ends in it: ours, for as long.
        how, held = cloned(_initializer(initializer, initargs))
        names, more = cloned(shared)
        self._setup, self._held = (how, names), held + more
        self._limit = max_tasks_per_child
        self._lock = threading.RLock()
        self._shutdown = False
        self._why_broken = ""
        self._workers: list[_process.Process] = []
        self._started = 0
        self._known: dict[Any, tuple[int, Any]] = {}
        self._functions = itertools.count()
        self._tasks = TaskQueue()
        ended_tx, ended = channel(UNBOUNDED)
        failed_tx, self._failed = channel(1, overflow="drop_new")
        self._herald = _Herald(self, ended)
        self._ends = ended_tx, failed_tx
        _register(self)
        if max_tasks_per_child is not None:
            self._herald.start()
        for _ in range(max_workers if warm is True else warm):
            self._start_worker()

    # ---- sending ----

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Have fn(*args, **kwargs) called by a worker: a Future.

        What cannot be sent is an exception of the future: NotShareable, which
        is a NotShareableError of concurrent.interpreters, too.
        """
        if self._shutdown or self._why_broken:
            self._refuse()
        task = Task()
        future = _Future(task, self)
        try:
            known: Any = None
            if type(fn) is FunctionType:
                known = self._known.get(fn)
            if known is None:
                fn, args, kwargs = self._unwrapped(fn, args, kwargs)
                known = self._reference(fn)
            is_met = self._tasks.put((task, *known, args, kwargs or None))
        except TypeError as error:
            if isinstance(fn, str):
                raise
            del future._task
            if isinstance(error, NotShareable):
                error = _refused(error)
            future._finish(None, error)
            return future
        except Closed:
            self._refuse()
        if not is_met and len(self._workers) < self._max_workers:
            self._start_worker()
        return future

    def _unwrapped(self, fn: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(fn, str):
            raise TypeError("scripts not supported")
        if type(fn) is FunctionType:
            return fn, args, kwargs
        if not callable(fn):
            raise TypeError(f"{fn!r} is not callable")
        fn, args, more = _ship.unwrapped(fn, args)
        return fn, args, {**more, **kwargs}

    def _reference(self, fn: Any) -> tuple[int | None, Any]:
        """How workers find a function, and its number if it stays the same."""
        known = self._known.get(fn)
        if known is not None:
            return known
        reference = _ship.refer(fn)
        if reference[0] == "value":
            return None, reference
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        known = self._known[fn] = next(self._functions), reference
        return known

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """fn(*args) for each args of zip(*iterables), by the workers.

        An iterator over the results in order. timeout: seconds from now, after
        which it raises TimeoutError. chunksize: a worker gets so many calls at
        a time, as one task. buffersize: at most so many tasks are under way or
        waiting to be asked for; otherwise iterables are used up at once.
        """
        if not callable(fn):
            raise TypeError(f"{fn!r} is not callable")
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if self._shutdown or self._why_broken:
            self._refuse()
        end = None if timeout is None else monotonic() + timeout
        calls = _Calls(self, fn, _zipped(iterables), chunksize)
        calls.send(buffersize)
        return calls.results(end)

    def _start_worker(self) -> None:
        with self._lock:
            if len(self._workers) >= self._max_workers:
                return
            name = f"{self._thread_name_prefix}_{self._started}"
            self._started += 1
            ends = (end.clone() for end in self._ends)
            args = self._tasks, *ends, *self._setup, self._limit
            worker = _process.prepare(work, name, False)
            self._workers.append(worker)
            try:
                _process.start(worker, work, args, None, bool(self._held))
            except NotShareable as error:
                self._workers.remove(worker)
                self._break(cannot_send(error))
            except BaseException:
                self._workers.remove(worker)
                raise

    def _mend(self) -> None:
        """Replace workers that have ended, if there is work for them."""
        with self._lock:
            alive = [w for w in self._workers if w.alive]
            lost = len(self._workers) - len(alive)
            self._workers[:] = alive
            if self._why_broken or self._find_broken():
                return
            try:
                for _ in range(min(lost, len(self._tasks))):
                    self._start_worker()
            except _core.Error:  # the program ends
                pass

    # ---- errors ----

    def _refuse(self) -> None:
        if self._why_broken or self._find_broken():
            raise BrokenInterpreterPool(self._why_broken)
        if _exiting:
            raise RuntimeError(
                "cannot schedule new futures after interpreter shutdown"
            )
        raise RuntimeError("cannot schedule new futures after shutdown")

    def _find_broken(self) -> bool:
        """Whether a worker could not be initialized."""
        try:
            outcome = self._failed.recv_nowait(None)
        except _core.Error:  # all has ended
            return False
        if outcome is None:
            return False
        self._break(_raised(outcome, str(self._thread_name_prefix)))
        return True

    def _break(self, error: BaseException) -> None:
        """No worker can be initialized: nothing is done any more."""
        with self._lock:
            if not self._why_broken:
                self._why_broken = (
                    "initializer failed: the thread pool is not usable anymore"
                )
                _base.LOGGER.critical(
                    "Exception in initializer:", exc_info=error
                )
        self._tasks.close(True)

    def _error_of(self, state: int, outcome: Any) -> BaseException:
        if state == _FAILED:
            return _raised(outcome, str(self._thread_name_prefix))
        self._find_broken()
        return BrokenInterpreterPool(
            self._why_broken or "the worker has ended before the task was done"
        )

    # ---- the end ----

    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False
    ) -> None:
        """Take no more tasks; wait for the workers to end, if wait.

        cancel_futures: tasks that no worker has begun are cancelled.
        """
        with self._lock:
            self._shutdown = True
        if cancel_futures:
            for job, *_rest in self._tasks.drain():
                job.cancel()
        self._tasks.close()
        if wait:
            self._join()

    def __del__(self) -> None:
        """The workers do what was sent, and end."""
        tasks = self.__dict__.get("_tasks")
        if tasks is not None:
            tasks.close()

    def _join(self) -> None:
        while self._workers:
            for worker in list(self._workers):
                worker.join()
            self._mend()
        for end in (*self._ends, *self._held):
            end.close()
        self._herald.join()
        self._failed.close()


class _Calls:
    """The calls of one map()."""

    def __init__(
        self,
        pool: InterpreterPoolExecutor,
        fn: Any,
        calls: Iterator[tuple[Any, ...]],
        chunksize: int,
    ) -> None:
        if isinstance(fn, partial):
            fn, first = _boot.call, (fn,)
        else:
            fn, first, _none = _ship.unwrapped(fn, ())
        self._pool = pool
        self._reference = pool._reference(fn)
        self._calls = ((*first, *args) for args in calls) if first else calls
        self._size = chunksize
        self._are_chunks = chunksize > 1
        self._is_bounded = False
        self._sent: deque[Any] = deque()  # Tasks; exceptions

    def send(self, most: int | None) -> None:
        """Send the next tasks: at most so many, or all."""
        self._is_bounded = most is not None
        left = sys.maxsize if most is None else most
        while left > 0 and (messages := self._messages(min(left, _BATCH))):
            left -= len(messages)
            self._send_all(messages)

    def _messages(self, most: int) -> list[Any]:
        number, reference = self._reference
        calls = self._calls
        if not self._are_chunks:
            return [
                (Task(), number, reference, args, None)
                for args in itertools.islice(calls, most)
            ]
        take = itertools.islice
        chunks = (list(take(calls, self._size)) for _ in range(most))
        return [
            (Task(), number, reference, chunk, CHUNK)
            for chunk in itertools.takewhile(len, chunks)
        ]

    def _send_all(self, messages: list[Any]) -> None:
        pool = self._pool
        put, is_met = pool._tasks.put, True
        for message in messages:
            try:
                is_met = put(message)
            except NotShareable as error:
                self._sent.append(_refused(error))
            except Closed:
                pool._refuse()
            else:
                self._sent.append(message[0])
            if not is_met and len(pool._workers) < pool._max_workers:
                pool._start_worker()

    def _value_of(self, task: Any, end: float | None) -> Any:
        if not isinstance(task, Task):
            raise task
        while True:
            left = _SLICE
            if end is not None:
                left = max(0.0, min(end - monotonic(), _SLICE))
            if task.wait(left):
                break
            if end is not None and not monotonic() < end:  # also for NaN
                raise TimeoutError
            self._pool._mend()
        state, value = task.take()
        if state == _DONE:
            return value
        if state == _CANCELLED:
            raise concurrent.futures.CancelledError
        raise self._pool._error_of(state, value)

    def results(self, end: float | None) -> Generator[Any]:
        """What the calls give, in order; waits until the moment end."""
        try:
            while self._sent:
                if self._is_bounded:
                    self.send(1)
                task = self._sent[0]
                value = self._value_of(task, end)
                self._sent.popleft()
                if not self._are_chunks:
                    yield value
                    continue
                values, failed = value
                values.reverse()
                while values:
                    yield values.pop()
                if failed is not None:
                    raise self._pool._error_of(_FAILED, failed)
        finally:
            for task in self._sent:
                if isinstance(task, Task):
                    task.cancel()


# ---- helpers ----

_number = itertools.count().__next__


def _refused(error: NotShareable) -> NotShareable:
    """The error in the words of who has passed what cannot be sent."""
    return cannot_send(_ship.refusal_of(error, "[2]", "[3]", "[4]"))


def _zipped(iterables: tuple[Iterable[Any], ...]) -> Iterator[Any]:
    return zip(*iterables, strict=False)


def _initializer(function: Any, args: tuple[Any, ...]) -> Any:
    """What workers need to call it; None for None."""
    if function is None:
        return None
    if isinstance(function, str):
        raise TypeError("scripts not supported")
    if not callable(function):
        raise TypeError("initializer must be a callable")
    function, args, kwargs = _ship.unwrapped(function, tuple(args))
    return _ship.refer(function), args, kwargs


def _raised(outcome: Any, where: str) -> BaseException:
    """The exception for an outcome that _boot.describe() has made."""
    _kind, name, text, pickled, traceback = outcome
    error = _process.unpickled(pickled, f"a worker of {where}", BaseException)
    if isinstance(error, NotShareable):
        return cannot_send(error)
    if error is not None:
        return error
    return _process._exception(where, name, text, None, traceback)


# ---- the end of the program, or of a process ----

_pools: weakref.WeakSet[InterpreterPoolExecutor] = weakref.WeakSet()
_exiting = False


def _register(pool: InterpreterPoolExecutor) -> None:
    _exit.register()
    if not any(isinstance(helper, _AtExit) for helper in _exit.helpers):
        _exit.helpers.append(_AtExit())
    _pools.add(pool)


class _AtExit:
    """What was sent to pools is done, as concurrent.futures promises, but for
    tasks that wait when nobody is at work."""

    def begin(self) -> None:
        global _exiting
        _exiting = True
        for pool in list(_pools):
            pool.shutdown(wait=False)

    def tend(self) -> list[_core.Thread]:
        pools = list(_pools)
        for pool in pools:
            pool._mend()
        return [worker._thread for p in pools for worker in p._workers]

    def finish(self) -> None:
        for pool in list(_pools):
            if not any(worker.alive for worker in pool._workers):
                pool._join()

    def give_up(self) -> None:
        for pool in list(_pools):
            pool._tasks.close(True)  # what nobody has begun is lost
