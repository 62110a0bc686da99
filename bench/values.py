# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a value cost, from Python to Python?

Usage: values.py intercsp|interpreters|processes|moves [NAME...]

    intercsp       a channel of intercsp
    interpreters   concurrent.interpreters.Queue (3.14 and later)
    processes      multiprocessing.Pipe; not for what does not fit in a pipe
    moves          a channel of intercsp, memory that is not copied

A figure is the best of a few rounds of one send and one receive in one thread:
what the value itself costs, without a wake-up. All memory that is read was
written to before: the system gives it all at once then.
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
RECORDS = [
    {"id": i, "name": f"user-{i}", "score": i * 0.5, "tags": "a", "ok": True}
    for i in range(1000)
]

type Make = Callable[[], Any]
type Channel = tuple[Callable[[Any], object], Make]

CASES: dict[str, tuple[Make, int]] = {  # how to make it; how often
    "bytes of 1 KiB": (lambda: b"x" * 1024, 20_000),
    "tuple of 10 ints": (lambda: tuple(range(10)), 20_000),
    "1,000 dicts": (lambda: RECORDS, 30),
    "bytes of 100 MiB": (lambda: b"x" * LARGE, 1),
}
MOVES: dict[str, Make] = {
    "move() of 100 MiB": lambda: csp.move(b"x" * LARGE),
    "move() of a Buffer": lambda: csp.move(csp.Buffer(LARGE)),
    "share() of an array": lambda: csp.share(ARRAY[0]),
}
ARRAY: list[array.array[int]] = []


def best(put: Callable[[Any], object], get: Make, make: Make, n: int) -> float:
    """Nanoseconds for one value."""
    figures = []
    for _ in range(5):
        values = [make() for _ in range(min(n, 8))]
        start = perf_counter_ns()
        for i in range(n):
            put(values[i % 8])
            got = get()
        figures.append((perf_counter_ns() - start) / n)
        del values, got
    return min(figures)


def best_kept(put: Callable[[Any], object], get: Make, make: Make) -> float:
    """The same where what arrives is kept: to free it takes long."""
    figures = []
    for _ in range(5):
        values = [make() for _ in range(8)]
        kept = []
        start = perf_counter_ns()
        for value in values:
            put(value)
            kept.append(get())
        figures.append((perf_counter_ns() - start) / 8)
        del values, value, kept
    return min(figures)


def intercsp() -> Channel:
    tx, rx = csp.channel(2)
    return tx.send, rx.recv


def interpreters() -> Channel:
    from concurrent.interpreters import create_queue

    queue = create_queue()
    return queue.put, queue.get


def processes() -> Channel:
    here, there = multiprocessing.Pipe()
    return here.send, there.recv


CONTESTANTS = {
    "intercsp": intercsp,
    "interpreters": interpreters,
    "processes": processes,
}


def measure(who: str, name: str) -> float:
    if who == "moves":
        ARRAY[:] = [array.array("b", b"x" * LARGE)]
        return best_kept(*intercsp(), MOVES[name])
    make, count = CASES[name]
    if who != "intercsp":
        count = max(1, count // 10)
    return best(*CONTESTANTS[who](), make, count)


def main() -> int:
    who, *names = sys.argv[1:] or [""]
    if who not in (*CONTESTANTS, "moves"):
        print(__doc__, file=sys.stderr)
        return 2
    cases = MOVES if who == "moves" else CASES
    for name in names or cases:
        if who == "processes" and name == "bytes of 100 MiB":
            continue
        ns = measure(who, name)
        row = name if who == "moves" else f"{name}: {who}"
        print(json.dumps({"row": row, "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
