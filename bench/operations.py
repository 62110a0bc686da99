# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What do operations of Python channels cost, apart from each other?

Usage: operations.py pair|halves|select|batch [COUNT]

    pair    a send and a receive, in one thread
    halves  each of them, in one thread: a channel is filled, and emptied
    select  a select over two ready channels, and the send that makes the one
            that was taken ready again, in one thread
    batch   a value of send_many() and recv_many(), 128 at a time, from one
            interpreter to another, each on a processor of its own
"""

import json
import sys
from time import perf_counter_ns

from pin import pin

import intercsp as csp

COUNT = 1_000_000  # a small part of a second
SIZE = 128
LISTS = 8  # that differ, and that a channel holds
FILL = 1000


def check(total: int, count: int) -> None:
    """All numbers below COUNT, each once."""
    if total != count * (count - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")


def pair(count: int) -> dict[str, int]:
    tx, rx = csp.channel(64)
    send, recv = tx.send, rx.recv
    total = 0
    start = perf_counter_ns()
    for number in range(count):
        send(number)
        total += recv()
    took = perf_counter_ns() - start
    check(total, count)
    return {"pair": took}


def halves(count: int) -> dict[str, int]:
    tx, rx = csp.channel(FILL)
    send, recv = tx.send, rx.recv
    sending = receiving = total = 0
    fills = count // FILL
    for fill in range(fills):
        numbers = range(fill * FILL, (fill + 1) * FILL)
        start = perf_counter_ns()
        for number in numbers:
            send(number)
        middle = perf_counter_ns()
        for _ in range(FILL):
            total += recv()
        receiving += perf_counter_ns() - middle
        sending += middle - start
    check(total, fills * FILL)
    return {"a send": sending, "a receive": receiving}


def select(count: int) -> dict[str, int]:
    (tx, rx), (other_tx, other_rx) = csp.channel(64), csp.channel(64)
    choose, sends = csp.select, (tx.send, other_tx.send)
    tx.send(0)
    other_tx.send(1)
    total = 0
    start = perf_counter_ns()
    for number in range(2, count + 2):
        got = choose(rx, other_rx)
        total += got.value
        sends[got.index](number)
    took = perf_counter_ns() - start
    check(total + rx.recv() + other_rx.recv(), count + 2)
    return {"select": took}


def add_up(rx: csp.RecvChannel, answers: csp.SendChannel) -> None:
    pin(1)
    answers.send("ready")
    total = 0
    try:
        while True:
            total += sum(rx.recv_many(SIZE))
    except csp.Closed:
        answers.send(total)


def batch(count: int) -> dict[str, int]:
    pin(0)
    tx, rx = csp.channel(LISTS * SIZE)
    answers, results = csp.channel(1)
    process = csp.spawn(add_up, rx, answers)
    results.recv()
    lists = [[*range(i, i + SIZE)] for i in range(LISTS)]
    laps = count // SIZE // LISTS
    start = perf_counter_ns()
    for _ in range(laps):
        for numbers in lists:
            tx.send_many(numbers)
    tx.close()
    total = results.recv()
    took = perf_counter_ns() - start
    process.join()
    if total != laps * sum(map(sum, lists)):
        raise SystemExit(f"the sum is wrong: {total}")
    return {"batch": took}


def main() -> int:
    measures = {
        "pair": pair,
        "halves": halves,
        "select": select,
        "batch": batch,
    }
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in measures:
        print(__doc__, file=sys.stderr)
        return 2
    count = int(sys.argv[2]) if len(sys.argv) == 3 else COUNT
    for row, ns in measures[sys.argv[1]](count).items():
        print(json.dumps({"row": row, "value": ns / count, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
