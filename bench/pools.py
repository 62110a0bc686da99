# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every kind of pool, of so many workers: cold, warm, and its end.

Usage: pools.py KIND WORKERS

The kinds are those of kinds.py. Three functions are called: one that does
nothing, one that sleeps for 0.1 s, once for each worker, and eight parts of the
n-body problem in pure Python.

    cold      a new pool, and the calls; of the one that does nothing each
              worker gets one, and all are there at once
    warm      the calls, by a pool whose workers are all there: of the one that
              does nothing the time of each of many, by map()
    teardown  shutdown() of that pool

A loop has no workers, so it is always warm. The server of forkserver is started
for the first cold pool, and stays.
"""

from __future__ import annotations

import sys
from time import perf_counter

from kinds import KINDS, POOLS, check, gate, imported, make, show
from work import nap, nbody, nothing

CALLS = 1000
SLEEP = 0.1
PARTS, STEPS = 8, 4_000


def naps(workers: int) -> list[float]:
    """Each another one, so that the results show which is which."""
    return [SLEEP + i / 1e6 for i in range(workers)]


def parts() -> list[int]:
    return [STEPS + i for i in range(PARTS)]


class Clock:
    def __init__(self, kind: str) -> None:
        self._label = KINDS[kind]
        self.bodies: list[list[float]] = []
        self.restart()

    def restart(self) -> None:
        self._start = perf_counter()

    def stop(self, what: str, unit: str, per_second: float) -> None:
        took = perf_counter() - self._start
        show(f"{what}: {self._label}", took * per_second, unit)


def cold(kind: str, workers: int, clock: Clock) -> None:
    """New pools for those that sleep, and for the bodies."""
    clock.restart()
    pool = make(kind, workers)
    found = list(pool.map(nap, naps(workers)))
    clock.stop("cold, sleep(0.1)", "ms", 1e3)
    check(found, naps(workers))
    pool.shutdown()

    clock.restart()
    pool = make(kind, workers)
    clock.bodies.append(list(pool.map(nbody, parts())))
    clock.stop("cold, n-body", "ms", 1e3)
    pool.shutdown()


def first(kind: str, workers: int, clock: Clock) -> None:
    """The first pool of the program, which is used again when it is warm."""
    with gate(workers) as all_meet:
        clock.restart()
        pool = make(kind, workers)
        if kind in POOLS:
            all_meet(pool)
            clock.stop("cold, trivial", "ms", 1e3)

    clock.restart()
    found = list(pool.map(nothing, range(CALLS)))
    clock.stop("warm, trivial", "us", 1e6 / CALLS)
    check(found, [*range(CALLS)])

    clock.restart()
    slept = list(pool.map(nap, naps(workers)))
    clock.stop("warm, sleep(0.1)", "ms", 1e3)
    check(slept, naps(workers))

    clock.restart()
    clock.bodies.append(list(pool.map(nbody, parts())))
    clock.stop("warm, n-body", "ms", 1e3)

    clock.restart()
    pool.shutdown()
    if kind in POOLS:
        clock.stop("teardown", "ms", 1e3)


def main() -> int:
    if (
        len(sys.argv) != 3
        or sys.argv[1] not in KINDS
        or not sys.argv[2].isdecimal()
    ):
        print(__doc__, file=sys.stderr)
        return 2
    kind, workers = sys.argv[1], int(sys.argv[2])
    with imported(kind):
        clock = Clock(kind)
        first(kind, workers, clock)
        if kind in POOLS:
            cold(kind, workers, clock)
    # Not before: threads, loops and forked processes would get code that is
    # specialised already.
    expected = [nbody(steps) for steps in parts()]
    for found in clock.bodies:
        check(found, expected)
    return 0


if __name__ == "__main__":
    sys.exit(main())
