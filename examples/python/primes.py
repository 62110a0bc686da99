#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How many primes there are below a limit, by a pipeline on all cores.

The range is cut into pieces, which the workers of a stage take as they become
free: so they end at the same time, though later pieces take longer. The results
come in the order of the pieces.
"""

import os
import sys

import intercsp as csp

PIECE = 2_000


def count_primes(piece: range) -> int:
    """Trial division: slow, and all of it Python."""
    return sum(1 for n in piece if is_prime(n))


def is_prime(n: int) -> bool:
    if n < 4:
        return n > 1
    return all(n % d for d in range(2, int(n**0.5) + 1))


def main(limit: int = 20_000) -> None:
    starts = range(0, limit, PIECE)
    pieces = [range(a, min(a + PIECE, limit)) for a in starts]
    workers = os.process_cpu_count() or 1
    counts = csp.pipeline(pieces, csp.stage(count_primes, workers=workers))
    assert counts[0] == 303
    assert limit != 20_000 or sum(counts) == 2262
    print(f"{sum(counts)} primes below {limit}, counted by {workers} workers")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
