# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How long do 1, 2, 4 and 8 workers take to do eight parts of some work?

Usage: parts.py KIND [WORKERS...]

The kinds are those of kinds.py, their workers are there when the clock starts.

    factorial  products of large ints, in pure Python
    primes     trial division, in pure Python
    pbkdf2     a hash in C, without the GIL
"""

import sys
from collections.abc import Callable
from time import perf_counter

from kinds import KINDS, LOOPS, check, imported, make, show, warm
from work import factorial, pbkdf2, primes

WORKERS = (1, 2, 4, 8)
PARTS = 8
MODULES = ("hashlib", "math")  # of the work: each worker has them already
WORK: dict[str, tuple[Callable[[int], object], int]] = {
    "factorial": (factorial, 2_000),
    "primes": (primes, 12_000),
    "pbkdf2": (pbkdf2, 40_000),
}


def parts(size: int) -> list[int]:
    """Each another one, so that the results show which is which."""
    return [size + 8 * i for i in range(PARTS)]


def measure(kind: str, workers: int) -> dict[str, list[object]]:
    """What the parts have given."""
    found = {}
    s = "" if workers == 1 else "s"
    with make(kind, workers) as pool:
        warm(kind, pool, workers, *MODULES)
        for name, (work, size) in WORK.items():
            start = perf_counter()
            found[name] = list(pool.map(work, parts(size)))
            took = perf_counter() - start
            row = f"{name}, {workers} worker{s}: {KINDS[kind]}"
            show(row, took * 1e3, "ms")
    return found


def main() -> int:
    kind, *numbers = sys.argv[1:] or [""]
    if kind not in KINDS or not all(map(str.isdecimal, numbers)):
        print(__doc__, file=sys.stderr)
        return 2
    most = 1 if kind in LOOPS else max(WORKERS)
    with imported(kind, *MODULES):
        each = [
            measure(kind, n) for n in map(int, numbers or WORKERS) if n <= most
        ]
    # Not before: threads, loops and forked processes would get code that is
    # specialised already.
    expected = {
        name: [work(part) for part in parts(size)]
        for name, (work, size) in WORK.items()
    }
    for found in each:
        check(found, expected)
    return 0


if __name__ == "__main__":
    sys.exit(main())
