# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a value cost, from Python to Python?

Usage: values.py [--json]

Each figure is the best of a few rounds of one send and one receive in one
thread: what the value itself costs, without a wake-up. The contestants:

    intercsp       a channel of intercsp
    interpreters   concurrent.interpreters.Queue (3.14 and later)
    processes      multiprocessing.Pipe; not for what does not fit in a pipe

Moved and shared memory has no peer: it is for comparison with the copies.
"""

import array
import json
import multiprocessing
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import intercsp as csp

LARGE = 100 << 20
ARRAY = array.array("b", bytes(LARGE))
RECORDS = [
    {"id": i, "name": f"user-{i}", "score": i * 0.5, "tags": "a", "ok": True}
    for i in range(1000)
]

type Make = Callable[[], Any]

CASES: dict[str, tuple[Make, int]] = {  # how to make it; how often
    "bytes of 1 KiB": (lambda: bytes(1024), 20_000),
    "tuple of 10 ints": (lambda: tuple(range(10)), 20_000),
    "1,000 dicts of 5 fields": (lambda: RECORDS, 30),
    "bytes of 100 MiB": (lambda: bytes(LARGE), 1),
}
WITHOUT_COPY: dict[str, Make] = {
    "100 MiB, move() of a temporary": lambda: csp.move(bytes(LARGE)),
    "100 MiB, move() of a Buffer": lambda: csp.move(csp.Buffer(LARGE)),
    "100 MiB, share() of an array": lambda: csp.share(ARRAY),
}


def best(
    put: Callable[[Any], object], get: Make, make: Make, count: int
) -> float:
    """Nanoseconds for one value."""
    figures = []
    for _ in range(5):
        values = [make() for _ in range(min(count, 8))]
        start = perf_counter_ns()
        for i in range(count):
            put(values[i % 8])
            got = get()
        figures.append((perf_counter_ns() - start) / count)
        del values, got
    return min(figures)


def channel() -> tuple[Callable[[Any], object], Make]:
    tx, rx = csp.channel(2)
    return tx.send, rx.recv


def queue() -> tuple[Callable[[Any], object], Make]:
    from concurrent.interpreters import create_queue

    q = create_queue()
    return q.put, q.get


def pipe() -> tuple[Callable[[Any], object], Make]:
    here, there = multiprocessing.Pipe()
    return here.send, there.recv


def measure() -> dict[str, dict[str, float]]:
    table = {}
    for name, (make, count) in CASES.items():
        row = table[name] = {"intercsp": best(*channel(), make, count)}
        if sys.version_info >= (3, 14):
            row["interpreters"] = best(*queue(), make, max(1, count // 20))
        if name.startswith(("bytes of 1 K", "tuple")):
            row["processes"] = best(*pipe(), make, max(1, count // 20))
    for name, make in WITHOUT_COPY.items():
        table[name] = {"intercsp": best(*channel(), make, 1)}
    return table


def main() -> int:
    table = measure()
    if sys.argv[1:] == ["--json"]:
        print(json.dumps(table))
        return 0
    print(f"CPython {sys.version.split()[0]}, nanoseconds for one value")
    for name, row in table.items():
        figures = "  ".join(f"{who} {ns:,.0f}" for who, ns in row.items())
        print(f"  {name:32} {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
