# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How fast do numbers go through networks of Python workers?

Usage: traffic.py KIND SHAPE [N [COUNT]]

The kinds are those of lines.py, and `tasks`: tasks of one event loop, with
asyncio.Queue. Lines hold 64 where they have a bound; all gets and puts wait.

The shapes, each with COUNT numbers:

    one-way   this side sends, a worker adds up
    echo      a worker sends back, one number at a time
    pinned    the same, each side on a core of its own
    fan-in    four workers send, this side adds up
    fan-out   this side sends, four workers add up
    pipeline  N workers in a row, each adds one
    select    a worker sends into N lines in turn, this side takes what is there
    batch     a worker sends lists of 128, this side adds up

What arrives is checked: the sum of all, and that what one sender has sent to
one receiver comes in order, each number once.
"""

import json
import multiprocessing.connection
import sys
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from lines import (
    CAPACITY,
    LABELS,
    Net,
    each,
    finish,
    get_of,
    is_channel,
    meet,
    net_of,
    put_of,
)
from pin import pin

WORKERS = 4
BATCH = 128
LISTS = 8  # that a line holds, or as many numbers
WRONG = 1 << 62  # makes a sum wrong that has seen a number out of order
COUNTS = {  # numbers in all, for about a quarter of a second
    "intercsp": 400_000,
    "interpreters": 2_000,
    "simple": 400_000,
    "threads": 40_000,
    "processes": 20_000,
    "pipes": 40_000,
    "pipe": 40_000,
    "tasks": 200_000,
}
ECHOES = {  # there and back, for about as long
    "intercsp": 100_000,
    "interpreters": 20,
    "simple": 10_000,
    "threads": 4_000,
    "processes": 2_000,
    "pipes": 4_000,
    "pipe": 6_000,
    "tasks": 50_000,
}


# ---- workers ----


def sum_in_order(source: Any) -> int:
    total, last = 0, -1
    for number in each(source):
        if number <= last:
            total += WRONG
        total += number
        last = number
    return total


def sum_of_all(source: Any) -> int:
    """Of what WORKERS have sent, each its numbers in order."""
    total, last = 0, [-1] * WORKERS
    for _ in range(1 if is_channel(source) else WORKERS):
        for number in each(source):
            sender = number % WORKERS
            if number <= last[sender]:
                total += WRONG
            total += number
            last[sender] = number
    return total


def add_up(ready: Any, gate: Any, source: Any, answers: Any) -> None:
    meet(ready, gate)
    put_of(answers)(sum_in_order(source))


def send_back(
    ready: Any, gate: Any, source: Any, answers: Any, pinned: bool
) -> None:
    if pinned:
        pin(1)
    meet(ready, gate)
    put = put_of(answers)
    for number in each(source):
        put(number)


def count_off(ready: Any, gate: Any, out: Any, *numbers: int) -> None:
    meet(ready, gate)
    put = put_of(out)
    for number in range(*numbers):
        put(number)
    finish(out)


def add_one(ready: Any, gate: Any, source: Any, out: Any) -> None:
    meet(ready, gate)
    put = put_of(out)
    for number in each(source):
        put(number + 1)
    finish(out)


def count_in_turn(ready: Any, gate: Any, count: int, *outs: Any) -> None:
    meet(ready, gate)
    puts = [put_of(out) for out in outs]
    for start in range(0, count, len(puts)):
        for number, put in enumerate(puts, start):
            put(number)
    for out in outs:
        finish(out)


def lists(count: int) -> Iterator[list[int]]:
    for start in range(0, count, BATCH):
        yield list(range(start, start + BATCH))


def count_in_lists(ready: Any, gate: Any, out: Any, count: int) -> None:
    meet(ready, gate)
    put = out.send_many if is_channel(out) else put_of(out)
    for numbers in lists(count):
        put(numbers)
    finish(out)


# ---- shapes: nanoseconds, and the sum of what has arrived ----


def one_way(net: Net, count: int, n: int) -> tuple[int, int]:
    tx, rx = net.line()
    answers, results = net.line()
    for _ in range(n):
        net.add(add_up, rx, answers)
    put = put_of(tx)
    start = net.go()
    for number in range(count):
        put(number)
    for _ in range(n):
        finish(tx)
    total = sum(get_of(results)() for _ in range(n))
    return perf_counter_ns() - start, total


def echo(net: Net, count: int, pinned: int) -> tuple[int, int]:
    if pinned:
        pin(0)
    tx, source = net.line()
    answers, rx = net.line()
    net.add(send_back, source, answers, bool(pinned))
    put, get, total = put_of(tx), get_of(rx), 0
    net.go()
    start = perf_counter_ns()
    for number in range(count):
        put(number)
        if get() != number:
            raise SystemExit("a wrong answer")
        total += number
    took = perf_counter_ns() - start
    finish(tx)
    return took, total


def fan_in(net: Net, count: int, _: int) -> tuple[int, int]:
    tx, rx = net.line()
    for i in range(WORKERS):
        net.add(count_off, tx, i, count, WORKERS)
    start = net.go()
    total = sum_of_all(rx)
    return perf_counter_ns() - start, total


def pipeline(net: Net, count: int, n: int) -> tuple[int, int]:
    first, source = net.line()
    for _ in range(n):
        tx, rx = net.line()
        net.add(add_one, source, tx)
        source = rx
    net.add(count_off, first, count)
    start = net.go()
    total = sum_in_order(source)
    return perf_counter_ns() - start, total - n * count


def taken(ends: list[Any]) -> Iterator[tuple[Any, int]]:
    """From whichever line has something, until all have ended."""
    if is_channel(ends[0]):
        import intercsp as csp

        with csp.Selector(*ends) as selector:
            yield from selector
        return
    while ends:
        for end in multiprocessing.connection.wait(ends):
            number = end.recv()  # type: ignore[union-attr]
            if number is None:
                ends.remove(end)
            else:
                yield end, number


def select(net: Net, count: int, n: int) -> tuple[int, int]:
    made = [net.line() for _ in range(n)]
    net.add(count_in_turn, count, *(tx for tx, _ in made))
    ends = [rx for _, rx in made]
    total, last = 0, dict.fromkeys(ends, -1)
    start = net.go()
    for end, number in taken(ends):
        if number <= last[end]:
            total += WRONG
        total += number
        last[end] = number
    return perf_counter_ns() - start, total


def batches(source: Any) -> Iterator[list[int]]:
    if not is_channel(source):
        yield from each(source)
        return
    import intercsp as csp

    try:
        while True:
            yield source.recv_many(BATCH)
    except csp.Closed:
        return


def batch(net: Net, count: int, _: int) -> tuple[int, int]:
    tx, rx = net.line()
    net.add(count_in_lists, tx, count)
    n = total = 0
    start = net.go()
    for numbers in batches(rx):
        if numbers[0] != n:
            total += WRONG
        total += sum(numbers)
        n += len(numbers)
    return perf_counter_ns() - start, total


type Shape = Callable[[Net, int, int], tuple[int, int]]
SHAPES: dict[str, tuple[Shape, int]] = {  # with N, where none is given
    "one-way": (one_way, 1),
    "echo": (echo, 0),
    "pinned": (echo, 1),
    "fan-in": (fan_in, WORKERS),
    "fan-out": (one_way, WORKERS),
    "pipeline": (pipeline, WORKERS),
    "select": (select, WORKERS),
    "batch": (batch, LISTS),
}
OF_MANY = {"pipeline": "{} workers", "select": "{} lines"}  # in a row's name


# ---- the program ----


def capacity_of(kind: str, shape: str) -> int:
    if shape == "batch":
        return LISTS * (BATCH if kind == "intercsp" else 1)
    return CAPACITY


def count_of(kind: str, shape: str, n: int) -> int:
    if shape in ("echo", "pinned"):
        return ECHOES[kind]
    per_number = n if shape == "pipeline" else 1
    many = 4 if shape == "batch" else 1
    whole = WORKERS * BATCH  # what all shapes can divide
    return COUNTS[kind] * many // per_number // whole * whole or whole


def measure(kind: str, shape: str, n: int, count: int) -> float:
    if kind == "tasks":
        import tasks

        took, total = tasks.measure(shape, count, n)
    else:
        net = net_of(kind, capacity_of(kind, shape))
        took, total = SHAPES[shape][0](net, count, n)
        net.join()
    expected = count * (count - 1) // 2
    if total != expected:
        raise SystemExit(f"the sum is wrong: {total}, not {expected}")
    return took / count


def main() -> int:
    labels = LABELS | {"tasks": "asyncio.Queue"}
    kind, shape, *numbers = sys.argv[1:] if len(sys.argv) > 2 else ("", "")
    if kind not in labels or shape not in SHAPES or len(numbers) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    n = int(numbers[0]) if numbers else SHAPES[shape][1]
    count = int(numbers[1]) if numbers[1:] else count_of(kind, shape, n)
    ns = measure(kind, shape, n, count)
    measured = OF_MANY.get(shape, shape).format(n)
    row = f"{measured}: {labels[kind]}"
    print(json.dumps({"row": row, "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
