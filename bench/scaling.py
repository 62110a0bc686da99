# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How does a cost grow with the number of something?

Usage: scaling.py CURVE N

    channels      N live channels, a send and a receive on one after another
    waiters       N threads wait for one channel; a message to one of them, and
                  its answer
    interpreters  N processes, each with a channel of its own; a message there
                  and back, all in turn
    width         a select over N channels of which one is ready, and the send
                  that makes it ready again; and the same by a Selector
    bytes         bytes of N, one send and one receive in one thread
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter_ns

import intercsp as csp

type Row = tuple[str, float]

BOX_NS = 200_000_000  # how long to measure, at least
STRIDE = 7919  # a prime: the next channel is not the neighbour


def per_call(call: Callable[[], object], calls: int = 1) -> float:
    """Nanoseconds, of a call that does CALLS of what is asked."""
    call()
    n = 0
    start = now = perf_counter_ns()
    while now - start < BOX_NS:
        call()
        n += calls
        now = perf_counter_ns()
    return (now - start) / n


def channels(n: int) -> Iterator[Row]:
    made = [csp.channel(16) for _ in range(n)]
    order = [made[i * STRIDE % n] for i in range(max(n, 1000))][:100_000]

    def pairs() -> None:
        for tx, rx in order:
            tx.send(1)
            rx.recv()

    yield "a pair", per_call(pairs, len(order))


def waiters(n: int) -> Iterator[Row]:
    tx, rx = csp.channel(1)
    answers, results = csp.channel(n)

    def answer() -> None:
        for number in rx:
            answers.send(number)

    threads = [threading.Thread(target=answer) for _ in range(n)]
    for thread in threads:
        thread.start()

    def ask() -> None:
        tx.send(1)
        if results.recv() != 1:
            raise SystemExit("a wrong answer")

    yield "an answer", per_call(ask)
    tx.close()
    for thread in threads:
        thread.join()


def send_back(numbers: csp.RecvChannel, answers: csp.SendChannel) -> None:
    for number in numbers:
        answers.send(number)


def interpreters(n: int) -> Iterator[Row]:
    ends, processes = [], []
    for _ in range(n):
        (tx, numbers), (answers, rx) = csp.channel(1), csp.channel(1)
        processes.append(csp.spawn(send_back, numbers, answers))
        ends.append((tx, rx))

    def ask_all() -> None:
        for tx, _ in ends:
            tx.send(1)
        if sum(rx.recv() for _, rx in ends) != n:
            raise SystemExit("a wrong answer")

    yield "a round trip", per_call(ask_all, n)
    for tx, _ in ends:
        tx.close()
    for process in processes:
        process.join()


def width(n: int) -> Iterator[Row]:
    made = [csp.channel(1) for _ in range(n)]
    tx, ends = made[n // 2][0], [rx for _, rx in made]
    tx.send(1)

    def choose() -> None:
        csp.select(*ends)
        tx.send(1)

    yield "select()", per_call(choose)
    with csp.Selector() as selector:
        for end in ends:
            selector.add(end)

        def wait() -> None:
            selector.wait()
            tx.send(1)

        yield "Selector", per_call(wait)


def sizes(n: int) -> Iterator[Row]:
    tx, rx = csp.channel(1)
    data = b"x" * n

    def pair() -> None:
        tx.send(data)
        if len(rx.recv()) != n:
            raise SystemExit("what arrived is not what was sent")

    yield "bytes", per_call(pair)


CURVES = {
    "channels": channels,
    "waiters": waiters,
    "interpreters": interpreters,
    "width": width,
    "bytes": sizes,
}


def main() -> int:
    args = sys.argv[1:]
    if len(args) != 2 or args[0] not in CURVES or not args[1].isdecimal():
        print(__doc__, file=sys.stderr)
        return 2
    n = int(args[1])
    for what, ns in CURVES[args[0]](n):
        row = f"{what}: {n}"
        print(json.dumps({"row": row, "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
