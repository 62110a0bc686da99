# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How does a cost grow with the number of something?

Usage: scaling.py CURVE N

    channels      N live channels, a send and a receive on one after another
    waiters       N threads wait for one channel; a message to one of them, and
                  its answer
    interpreters  N processes, each with channels of its own: a message there
                  and back, with one after another; and with all at once
    width         a select over N channels of which one is ready, each time
                  another one, and the send that makes it so; and the same by a
                  Selector
    bytes         bytes of N, one send and one receive in one thread

What arrives is compared with what was sent, within the time that is measured;
bytes are compared before, and there by their length.
"""

import itertools
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from time import perf_counter_ns

import intercsp as csp

type Row = tuple[str, float]

BOX_NS = 100_000_000  # how long to measure, at least
STRIDE = 7919  # a prime: the next channel is not the neighbour
PAIRS = 1000  # at least, for each look at the clock


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


def check(found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{found} arrived in place of {expected}")


def scattered(n: int) -> list[int]:
    """Each number below n, none beside its neighbour."""
    return [i * STRIDE % n for i in range(n)]


def channels(n: int) -> Iterator[Row]:
    made = [csp.channel(16) for _ in range(n)]
    order = [(i, *made[i]) for i in scattered(n)] * -(-PAIRS // n)

    def pairs() -> None:
        for i, tx, rx in order:
            tx.send(i)
            if rx.recv() != i:
                raise SystemExit("a wrong value")

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
    while tx.stats().waiting_rx < n:
        time.sleep(0.001)
    numbers = itertools.count()

    def ask() -> None:
        number = next(numbers)
        tx.send(number)
        check(results.recv(), number)

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
    rounds = itertools.count(step=n)

    def one_by_one() -> None:
        for number, (tx, rx) in enumerate(ends, next(rounds)):
            tx.send(number)
            check(rx.recv(), number)

    def all_at_once() -> None:
        first = next(rounds)
        for number, (tx, _) in enumerate(ends, first):
            tx.send(number)
        check([rx.recv() for _, rx in ends], [*range(first, first + n)])

    yield "one after another", per_call(one_by_one, n)
    yield "all at once, each", per_call(all_at_once, n)
    for tx, _ in ends:
        tx.close()
    for process in processes:
        process.join()


def width(n: int) -> Iterator[Row]:
    made = [csp.channel(1) for _ in range(n)]
    ends = [rx for _, rx in made]
    ready = itertools.cycle(scattered(n))

    def choose() -> None:
        i = next(ready)
        made[i][0].send(i)
        got = csp.select(*ends)
        if got.index != i or got.value != i:
            raise SystemExit("the wrong one, or a wrong value")

    yield "select()", per_call(choose)
    with csp.Selector(*ends) as selector:

        def wait() -> None:
            i = next(ready)
            made[i][0].send(i)
            end, value = selector.wait()
            if end is not ends[i] or value != i:
                raise SystemExit("the wrong one, or a wrong value")

        yield "Selector", per_call(wait)


def sizes(n: int) -> Iterator[Row]:
    tx, rx = csp.channel(1)
    data = random.Random(n).randbytes(n)
    tx.send(data)
    if rx.recv() != data:
        raise SystemExit("what arrived is not what was sent")

    def pair() -> None:
        tx.send(data)
        check(len(rx.recv()), n)

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
