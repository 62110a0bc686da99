# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How does a cost grow with the number of something?

Usage: scaling.py KIND CURVE N

The kinds are those of lines.py; the curves:

    channels  N lines, a send and a receive on one after another, by one thread
    waiters   N threads wait for one line; a message to one of them, and its
              answer
    workers   N workers, each with lines of its own; a message there and back,
              with one worker after another
    width     a select over N channels of which one is ready, each time another
              one, and the send that makes it so; and the same by a Selector
    bytes     bytes of N, one send and one receive by one thread

What arrives is compared with what was sent, within the time that is measured;
bytes are compared before, and there by their length.
"""

import itertools
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from lines import LABELS, each, finish, get_of, net_of, put_of
from traffic import send_back

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


def channels(kind: str, n: int) -> Iterator[Row]:
    net = net_of(kind, 16)
    made = [net.line() for _ in range(n)]
    order = [(i, *made[i]) for i in scattered(n)] * -(-PAIRS // n)
    put, get = put_of(type(made[0][0])), get_of(type(made[0][1]))

    def pairs() -> None:
        for i, tx, rx in order:
            put(tx, i)
            if get(rx) != i:
                raise SystemExit("a wrong value")

    yield LABELS[kind], per_call(pairs, len(order))


def answer(source: Any, out: Any) -> None:
    put = put_of(out)
    put("ready")
    for number in each(source):
        put(number)


def waiters(kind: str, n: int) -> Iterator[Row]:
    net = net_of(kind, n)
    (tx, source), (out, rx) = net.line(), net.line()
    threads = [
        threading.Thread(target=answer, args=(source, out)) for _ in range(n)
    ]
    for thread in threads:
        thread.start()
    put, get, numbers = put_of(tx), get_of(rx), itertools.count()
    check([get() for _ in threads], ["ready"] * n)

    def ask() -> None:
        number = next(numbers)
        put(number)
        check(get(), number)

    yield LABELS[kind], per_call(ask)
    for _ in threads:
        finish(tx)
    for thread in threads:
        thread.join()


def workers(kind: str, n: int) -> Iterator[Row]:
    net = net_of(kind, 1)
    ends = []
    for _ in range(n):
        (tx, source), (out, rx) = net.line(), net.line()
        net.add(send_back, source, out, False)
        ends.append((tx, put_of(tx), get_of(rx)))
    net.go()
    rounds = itertools.count(step=n)

    def ask_all() -> None:
        for number, (_, put, get) in enumerate(ends, next(rounds)):
            put(number)
            check(get(), number)

    yield LABELS[kind], per_call(ask_all, n)
    for tx, _, _ in ends:
        finish(tx)
    net.join()


def width(_: str, n: int) -> Iterator[Row]:
    """Nobody else has a select."""
    import intercsp as csp

    made = [csp.channel(1) for _ in range(n)]
    ends = [rx for _, rx in made]
    ready = itertools.cycle(scattered(n))

    def choose() -> None:
        i = next(ready)
        made[i][0].send(i)
        got = csp.select(*ends)
        if got.index != i or got.value != i:
            raise SystemExit("the wrong one, or a wrong value")

    yield "intercsp, select()", per_call(choose)
    with csp.Selector(*ends) as selector:

        def wait() -> None:
            i = next(ready)
            made[i][0].send(i)
            end, value = selector.wait()
            if end is not ends[i] or value != i:
                raise SystemExit("the wrong one, or a wrong value")

        yield "intercsp, Selector", per_call(wait)


def sizes(kind: str, n: int) -> Iterator[Row]:
    tx, rx = net_of(kind, 1).line()
    put, get = put_of(tx), get_of(rx)
    data = random.Random(n).randbytes(n)
    put(data)
    if get() != data:
        raise SystemExit("what arrived is not what was sent")

    def pair() -> None:
        put(data)
        check(len(get()), n)

    yield LABELS[kind], per_call(pair)


CURVES = {
    "channels": channels,
    "waiters": waiters,
    "workers": workers,
    "width": width,
    "bytes": sizes,
}


def main() -> int:
    args = sys.argv[1:]
    if (
        len(args) != 3
        or args[0] not in LABELS
        or args[1] not in CURVES
        or not args[2].isdecimal()
    ):
        print(__doc__, file=sys.stderr)
        return 2
    kind, curve, n = args[0], args[1], int(args[2])
    for what, ns in CURVES[curve](kind, n):
        row = f"{what}: {n}"
        print(json.dumps({"row": row, "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
