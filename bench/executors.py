# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What do pools of workers cost?

Usage: executors.py CONTESTANT MEASURE [COUNT]

The contestants, with two workers each:

    intercsp       intercsp.futures.InterpreterPoolExecutor
    interpreters   concurrent.futures.InterpreterPoolExecutor
    threads        concurrent.futures.ThreadPoolExecutor
    processes      concurrent.futures.ProcessPoolExecutor, forked

and what is measured:

    tasks     a call of map(), of COUNT that do nothing
    chunks    the same with chunksize=100
    one       submit() and result() of a call that does nothing, one by one
    large     a result of 100 MiB, beyond the time to produce it
    cold      a new pool, until both workers have done something
    nbody, primes, factorial, pbkdf2
              how much faster two workers do two parts of some work
"""

import concurrent.futures
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from typing import Any

from work import (
    factorial,
    nap,
    nbody,
    nothing,
    pbkdf2,
    primes,
    produce,
    time_to_produce,
)

WORKERS = 2
NAP = 0.05  # seconds that keep a worker busy while the other one starts
COUNTS = {
    "tasks": 10_000,
    "chunks": 10_000,
    "one": 2_000,
    "large": 5,
    "cold": 3,
    "nbody": 40_000,
    "primes": 60_000,
    "factorial": 5_000,
    "pbkdf2": 300_000,
}
LABELS = {
    "intercsp": "intercsp",
    "interpreters": "InterpreterPoolExecutor",
    "threads": "ThreadPoolExecutor",
    "processes": "ProcessPoolExecutor",
}
MIB = 1 << 20


def make(contestant: str) -> Any:
    if contestant == "intercsp":
        from intercsp.futures import InterpreterPoolExecutor

        return InterpreterPoolExecutor(WORKERS)
    if contestant == "interpreters":
        return concurrent.futures.InterpreterPoolExecutor(WORKERS)
    if contestant == "threads":
        return concurrent.futures.ThreadPoolExecutor(WORKERS)
    fork = multiprocessing.get_context("fork")
    return concurrent.futures.ProcessPoolExecutor(WORKERS, fork)


WORK: dict[str, Callable[[int], object]] = {
    "nbody": nbody,
    "primes": primes,
    "factorial": factorial,
    "pbkdf2": pbkdf2,
}


# ---- measures: a value and its unit ----


def warm(pool: Any) -> None:
    list(pool.map(nap, [NAP] * WORKERS))


def tasks(pool: Any, count: int, chunksize: int = 1) -> tuple[float, str]:
    warm(pool)
    list(pool.map(nothing, range(10 * chunksize), chunksize=chunksize))
    start = time.perf_counter_ns()
    total = sum(pool.map(nothing, range(count), chunksize=chunksize))
    took = time.perf_counter_ns() - start
    if total != count * (count - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")
    return took / count / 1000, "us"


def one(pool: Any, count: int) -> tuple[float, str]:
    warm(pool)
    for n in range(100):
        pool.submit(nothing, n).result()
    start = time.perf_counter_ns()
    for n in range(count):
        pool.submit(nothing, n).result()
    return (time.perf_counter_ns() - start) / count / 1000, "us"


def large(pool: Any, count: int) -> tuple[float, str]:
    pool.submit(nothing, 0).result()
    took, producing = [], []
    for _ in range(count):
        start = time.perf_counter_ns()
        data = pool.submit(produce, 100 * MIB).result()
        took.append(time.perf_counter_ns() - start)
        if len(data) != 100 * MIB or data[-1:] != b"x":
            raise SystemExit("a wrong result")
        del data
        producing.append(pool.submit(time_to_produce, 100 * MIB).result())
    return (min(took) - min(producing)) / 1e6, "ms"


def cold(contestant: str, count: int) -> tuple[float, str]:
    found = []
    for _ in range(count):
        start = time.perf_counter_ns()
        with make(contestant) as pool:
            warm(pool)
            found.append(time.perf_counter_ns() - start)
    return min(found) / 1e6 - NAP * 1e3, "ms"


def speed_up(pool: Any, work: Any, count: int) -> tuple[float, str]:
    warm(pool)
    pool.submit(work, 10).result()
    start = time.perf_counter()
    expected = [work(count) for _ in range(WORKERS)]
    alone = time.perf_counter() - start
    start = time.perf_counter()
    found = list(pool.map(work, [count] * WORKERS))
    took = time.perf_counter() - start
    if found != expected:
        raise SystemExit(f"a wrong result: {found}")
    return alone / took, "x"


def measure(contestant: str, what: str, count: int) -> tuple[float, str]:
    if what == "cold":
        return cold(contestant, count)
    with make(contestant) as pool:
        if what == "chunks":
            return tasks(pool, count, 100)
        if what in WORK:
            return speed_up(pool, WORK[what], count)
        found: tuple[float, str] = globals()[what](pool, count)
        return found


def main() -> int:
    if (
        len(sys.argv) not in (3, 4)
        or sys.argv[1] not in LABELS
        or sys.argv[2] not in COUNTS
    ):
        print(__doc__, file=sys.stderr)
        return 2
    contestant, what = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) == 4 else COUNTS[what]
    value, unit = measure(contestant, what, count)
    row = f"{what}: {LABELS[contestant]}"
    print(json.dumps({"row": row, "value": value, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
