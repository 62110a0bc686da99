#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A factorial on N cores: each process multiplies a share of the numbers.

The shares are interleaved, so that they are about as large as each other. The
products are integers of thousands of digits; they travel as such.
"""

import math
import os
import sys

import intercsp as csp


def product(numbers: range) -> int:
    """Halves first: large factors of the same size are multiplied faster."""
    if len(numbers) < 8:
        return math.prod(numbers)
    return product(numbers[::2]) * product(numbers[1::2])


def factorial(n: int, workers: int) -> int:
    shares = [range(1 + w, n + 1, workers) for w in range(workers)]
    return math.prod(csp.par(*((product, share) for share in shares)))


def main(n: int = 5_000) -> None:
    workers = os.process_cpu_count() or 1
    result = factorial(n, workers)
    assert result == math.factorial(n)
    print(f"{n}! has {result.bit_length()} bits, by {workers} processes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
