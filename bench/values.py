# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a value cost, from Python to Python?

Usage: values.py intercsp|interpreters|processes|moves [NAME...]

    intercsp       a channel of intercsp
    interpreters   concurrent.interpreters.Queue (3.14 and later)
    processes      multiprocessing.Pipe; not for what does not fit in a pipe
    moves          a channel of intercsp, memory that is not copied

A figure is the best of a few rounds of one send and one receive in one thread:
what the value itself costs, without a wake-up. Eight values that differ are
sent in turn, and compared with what arrived. All memory that is read was
written to before: the system gives it all at once then.
"""

import array
import json
import multiprocessing
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from sizes import Make, as_buffers, as_bytes, pattern

import intercsp as csp

LARGE = 100 << 20
VALUES = 8

type Get = Callable[[], Any]
type Channel = tuple[Callable[[Any], object], Get]


def records(i: int) -> list[dict[str, Any]]:
    return [
        {"id": i, "name": f"user-{i}", "score": i / 2, "tags": "a", "ok": True}
        for i in range(i, i + 1000)
    ]


def moved(size: int) -> Make:
    make = as_bytes(size)
    return lambda i: csp.move(make(i))


def shared(size: int) -> Make:
    whole = memoryview(array.array("B", pattern(size)))
    return lambda i: csp.share(whole[i : i + size])


CASES: dict[str, tuple[Make, int]] = {  # how to make it; how often
    "bytes of 1 KiB": (as_bytes(1024), 20_000),
    "tuple of 10 ints": (lambda i: tuple(range(i, i + 10)), 20_000),
    "1,000 dicts": (records, 30),
    # not made before it is asked for
    "bytes of 100 MiB": (lambda i: as_bytes(LARGE)(i), 1),
}
MOVES: dict[str, Callable[[int], Make]] = {  # of a size
    "move() of 100 MiB": moved,
    "move() of a Buffer": as_buffers,
    "share() of an array": shared,
}


def check(same: bool) -> None:
    if not same:
        raise SystemExit("what arrived is not what was sent")


def best(put: Callable[[Any], object], get: Get, make: Make, n: int) -> float:
    """Nanoseconds for one value."""
    values = [make(i) for i in range(min(n, VALUES))]
    for value in values:
        put(value)
        check(get() == value)
    figures = []
    for _ in range(5):
        start = perf_counter_ns()
        for i in range(n):
            put(values[i % VALUES])
            got = get()
        figures.append((perf_counter_ns() - start) / n)
        check(got == values[(n - 1) % VALUES])
        del got
    return min(figures)


def best_kept(put: Callable[[Any], object], get: Get, make: Make) -> float:
    """The same where what arrives is kept: to free it takes long."""
    figures, whole = [], pattern(LARGE)
    for turn in range(5):
        values = [make(i) for i in range(VALUES)]
        kept = []
        start = perf_counter_ns()
        for value in values:
            put(value)
            kept.append(get())
        figures.append((perf_counter_ns() - start) / VALUES)
        del values, value
        for i, got in enumerate(kept):
            check(len(got) == LARGE and got[-1] == whole[i + LARGE - 1])
            check(turn > 0 or whole.startswith(got, i))
        del kept, got
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
        return best_kept(*intercsp(), MOVES[name](LARGE))
    make, count = CASES[name]
    if who != "intercsp":  # as many values, fewer times
        count = max(min(count, VALUES), count // 10)
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
