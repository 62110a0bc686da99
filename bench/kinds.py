# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every kind of pool and of worker, and what to import before the clock runs.

    serial        no pool: a loop
    pickled       a loop that pickles what goes there and what comes back
    threads       concurrent.futures.ThreadPoolExecutor
    fork, forkserver, spawn
                  concurrent.futures.ProcessPoolExecutor
    interpreters  concurrent.futures.InterpreterPoolExecutor
    intercsp      intercsp.futures.InterpreterPoolExecutor

What is imported here is what a spawned process imports too: little.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import pickle
import sys
from contextlib import contextmanager
from importlib import import_module

from work import meet

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

POOLS = {
    "threads": "ThreadPoolExecutor",
    "fork": "ProcessPoolExecutor, fork",
    "forkserver": "ProcessPoolExecutor, forkserver",
    "spawn": "ProcessPoolExecutor, spawn",
    "interpreters": "InterpreterPoolExecutor",
    "intercsp": "intercsp",
}
LOOPS = {"serial": "serial", "pickled": "serial, pickled"}
KINDS = LOOPS | POOLS

PROCESSES = (
    *("concurrent.futures.process", "multiprocessing.synchronize"),
    *("multiprocessing.resource_tracker", "multiprocessing.spawn", "hmac"),
)
MODULES = {
    "threads": ("concurrent.futures.thread", "queue"),
    "fork": (*PROCESSES, "multiprocessing.popen_fork"),
    "forkserver": (*PROCESSES, "multiprocessing.popen_forkserver"),
    "spawn": (*PROCESSES, "multiprocessing.popen_spawn_posix"),
    "interpreters": ("concurrent.futures.interpreter",),
    "intercsp": ("intercsp.futures", "intercsp._code"),
}


class Serial(concurrent.futures.Executor):
    def submit[T](
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> concurrent.futures.Future[T]:
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Pickled(Serial):
    def submit[T](
        self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> concurrent.futures.Future[T]:
        function, given, named = pickle.loads(pickle.dumps((fn, args, kwargs)))
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        result = function(*given, **named)
        future.set_result(pickle.loads(pickle.dumps(result)))
        return future


def make(kind: str, workers: int) -> concurrent.futures.Executor:
    if kind == "serial":
        return Serial()
    if kind == "pickled":
        return Pickled()
    if kind == "threads":
        return concurrent.futures.ThreadPoolExecutor(workers)
    if kind == "interpreters":
        return concurrent.futures.InterpreterPoolExecutor(workers)
    if kind == "intercsp":
        from intercsp.futures import InterpreterPoolExecutor

        return InterpreterPoolExecutor(workers)
    context = multiprocessing.get_context(kind)
    return concurrent.futures.ProcessPoolExecutor(workers, context)


@contextmanager
def imported(kind: str, *modules: str) -> Iterator[None]:
    """All that this kind needs is imported before the block, in this
    interpreter, and these modules: that is the start of a program, not of a
    worker."""
    for name in (*MODULES.get(kind, ()), *modules):
        import_module(name)
    before = {*sys.modules}
    yield
    if late := sys.modules.keys() - before:
        raise SystemExit(f"imported while the clock ran: {sorted(late)}")


@contextmanager
def gate(workers: int, *modules: str) -> Iterator[Callable[[Any], None]]:
    """The block gets what keeps all workers of a pool at work at once, each
    importing these modules: a worker that is quick to start cannot do the first
    call of another one."""
    arrived, leave = os.pipe(), os.pipe()
    mine = f"/proc/{os.getpid()}/fd"  # all can open them there
    names = f"{mine}/{arrived[1]}", f"{mine}/{leave[0]}"

    def all_meet(pool: Any) -> None:
        met = [pool.submit(meet, *names, modules) for _ in range(workers)]
        for _ in met:
            os.read(arrived[0], 1)
        os.write(leave[1], b"x" * workers)
        if len({future.result() for future in met}) != workers:
            raise SystemExit("fewer workers than there should be")

    yield all_meet
    for end in (*arrived, *leave):
        os.close(end)


def warm(kind: str, pool: Any, workers: int, *modules: str) -> None:
    """See to it that all its workers are there, and have these modules."""
    if kind in POOLS:
        with gate(workers, *modules) as all_meet:
            all_meet(pool)


def check(found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"a wrong result: {found}, not {expected}")


def show(row: str, value: float, unit: str) -> None:
    print(json.dumps({"row": row, "value": value, "unit": unit}))
