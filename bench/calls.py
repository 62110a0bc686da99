# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a call cost that a pool is given, and a large result?

Usage: calls.py KIND [COUNT]

The kinds are those of kinds.py. A row each:

    one     submit() and result() of a call that does nothing, one by one, by
            two workers
    chunks  a call of map() with chunksize=100, of COUNT that do nothing, by two
            workers
    large   100 MiB, from the worker who has just made them to who has called
"""

import sys
import zlib
from time import perf_counter_ns
from typing import Any

from kinds import KINDS, check, imported, make, show, warm
from work import nothing, produce, produced

WORKERS = 2
COUNT, CHUNK = 5_000, 100
LARGE = 100 << 20


def one(pool: Any, count: int) -> float:
    for n in range(100):
        pool.submit(nothing, n).result()
    start = perf_counter_ns()
    found = [pool.submit(nothing, n).result() for n in range(count)]
    took = perf_counter_ns() - start
    check(found, [*range(count)])
    return took / count / 1e3


def chunks(pool: Any, count: int) -> float:
    list(pool.map(nothing, range(10 * CHUNK), chunksize=CHUNK))
    start = perf_counter_ns()
    found = list(pool.map(nothing, range(count), chunksize=CHUNK))
    took = perf_counter_ns() - start
    check(found, [*range(count)])
    return took / count / 1e3


def large(pool: Any) -> float:
    """By one worker, who can be asked when it was ready, and what it was."""
    pool.submit(nothing, 0).result()
    data = pool.submit(produce, LARGE).result()
    arrived = perf_counter_ns()
    when, checksum = pool.submit(produced).result()
    check((len(data), zlib.crc32(data)), (LARGE, checksum))
    return (arrived - when) / 1e6


def main() -> int:
    args = sys.argv[1:]
    if len(args) not in (1, 2) or args[0] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    kind, count = args[0], int(args[1]) if len(args) == 2 else COUNT
    with imported(kind, "random"):  # for large
        with make(kind, WORKERS) as pool:
            warm(kind, pool, WORKERS)
            show(f"one: {KINDS[kind]}", one(pool, max(count // 5, 1)), "us")
            show(f"chunks: {KINDS[kind]}", chunks(pool, count), "us")
        with make(kind, 1) as pool:
            show(f"large: {KINDS[kind]}", large(pool), "ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
