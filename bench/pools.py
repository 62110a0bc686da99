# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every kind of pool, of so many workers, from start to end.

Usage: pools.py KIND WORKERS

    serial        no pool: a loop
    pickled       a loop that pickles what goes there and what comes back
    threads       concurrent.futures.ThreadPoolExecutor
    fork, forkserver, spawn
                  concurrent.futures.ProcessPoolExecutor
    interpreters  concurrent.futures.InterpreterPoolExecutor
    intercsp      intercsp.futures.InterpreterPoolExecutor

A row each for: the start, until all workers have done something; a call that
does nothing, of many by map(); 16 calls that sleep for 0.1 s; 8 parts of the
n-body problem in pure Python; and the end of the pool.
"""

import concurrent.futures
import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from work import nap, nbody, nothing

CALLS = 2000
NAP = 0.05  # seconds that keep a worker busy while the others start
SLEEPS, SLEEP = 16, 0.1
PARTS, STEPS = 8, 8000
KINDS = {
    "serial": "serial",
    "pickled": "serial, pickled",
    "threads": "ThreadPoolExecutor",
    "fork": "ProcessPoolExecutor, fork",
    "forkserver": "ProcessPoolExecutor, forkserver",
    "spawn": "ProcessPoolExecutor, spawn",
    "interpreters": "InterpreterPoolExecutor",
    "intercsp": "intercsp",
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


def show(what: str, kind: str, value: float, unit: str) -> None:
    row = f"{what}: {KINDS[kind]}"
    print(json.dumps({"row": row, "value": value, "unit": unit}))


def check(found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"a wrong result: {found}, not {expected}")


def measure(kind: str, workers: int) -> None:
    expected = nbody(STEPS)
    start = perf_counter()
    pool = make(kind, workers)
    list(pool.map(nap, [NAP] * workers))
    naps = workers if isinstance(pool, Serial) else 1
    took = perf_counter() - start - naps * NAP
    show("start", kind, took * 1e3, "ms")

    start = perf_counter()
    total = sum(pool.map(nothing, range(CALLS)))
    show("a call", kind, (perf_counter() - start) / CALLS * 1e6, "us")
    check(total, CALLS * (CALLS - 1) // 2)

    start = perf_counter()
    list(pool.map(nap, [SLEEP] * SLEEPS))
    show("sleep(0.1) x 16", kind, perf_counter() - start, "s")

    start = perf_counter()
    found = list(pool.map(nbody, [STEPS] * PARTS))
    show("n-body x 8", kind, (perf_counter() - start) * 1e3, "ms")
    check(found, [expected] * PARTS)

    start = perf_counter()
    pool.shutdown()
    show("end", kind, (perf_counter() - start) * 1e3, "ms")


def main() -> int:
    if (
        len(sys.argv) != 3
        or sys.argv[1] not in KINDS
        or not sys.argv[2].isdecimal()
    ):
        print(__doc__, file=sys.stderr)
        return 2
    measure(sys.argv[1], int(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
