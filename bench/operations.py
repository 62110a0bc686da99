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
FILL = 1000


def pair(count: int) -> dict[str, int]:
    tx, rx = csp.channel(64)
    send, recv = tx.send, rx.recv
    start = perf_counter_ns()
    for number in range(count):
        send(number)
        recv()
    return {"pair": perf_counter_ns() - start}


def halves(count: int) -> dict[str, int]:
    tx, rx = csp.channel(FILL)
    send, recv = tx.send, rx.recv
    sending = receiving = total = 0
    for _ in range(count // FILL):
        start = perf_counter_ns()
        for number in range(FILL):
            send(number)
        middle = perf_counter_ns()
        for _ in range(FILL):
            total += recv()
        receiving += perf_counter_ns() - middle
        sending += middle - start
    if total != count // FILL * FILL * (FILL - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")
    return {"a send": sending, "a receive": receiving}


def select(count: int) -> dict[str, int]:
    (tx, rx), (other_tx, other_rx) = csp.channel(64), csp.channel(64)
    choose, sends = csp.select, (tx.send, other_tx.send)
    tx.send(-1)
    other_tx.send(-1)
    start = perf_counter_ns()
    for number in range(count):
        sends[choose(rx, other_rx).index](number)
    return {"select": perf_counter_ns() - start}


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
    tx, rx = csp.channel(8 * SIZE)
    answers, results = csp.channel(1)
    process = csp.spawn(add_up, rx, answers)
    results.recv()
    numbers = list(range(SIZE))
    start = perf_counter_ns()
    for _ in range(count // SIZE):
        tx.send_many(numbers)
    tx.close()
    total = results.recv()
    took = perf_counter_ns() - start
    process.join()
    if total != count // SIZE * sum(numbers):
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
