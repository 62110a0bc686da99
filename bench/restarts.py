# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How long is a supervised actor away that fails, while others call it?

Usage: restarts.py

From its last instruction to the first of the one in its place, which gets an
interpreter that was waiting; it is ended in three ways in turn.
"""

import itertools
import json
import sys
import threading
import time
from contextlib import suppress

import intercsp as csp

RESTARTS, CALLERS, SPARE = 200, 2, 2


class Subject(csp.Actor):
    def __init__(self, moments: csp.SendChannel) -> None:
        self._moments = moments
        moments.send(time.monotonic_ns())

    def work(self, n: int) -> int:
        return n

    def end(self, how: int) -> None:
        self._moments.send(time.monotonic_ns())
        if how == 0:
            raise LookupError
        sys.exit(how - 1)


def call(
    subject: csp.ActorRef, over: threading.Event, wrong: list[int]
) -> None:
    for n in itertools.count():
        if over.is_set():
            return
        with suppress(csp.ActorEnded):
            if subject.work(n) != n:
                wrong.append(n)


def show(row: str, value: float) -> None:
    print(json.dumps({"row": row, "value": value, "unit": "ns"}))


def main() -> None:
    tx, moments = csp.channel(2)
    over = threading.Event()
    wrong: list[int] = []
    with csp.supervise(max_restarts=RESTARTS, spare=SPARE) as supervisor:
        subject = supervisor.start(Subject, tx)
        callers = [
            threading.Thread(target=call, args=(subject, over, wrong))
            for _ in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
        moments.recv()
        took = []
        for n in range(RESTARTS):
            subject.end.cast(n % 3)
            ended = moments.recv()
            took.append(moments.recv() - ended)
        over.set()
        for caller in callers:
            caller.join()
    if wrong:
        raise SystemExit(f"wrong answers to {wrong}")
    took.sort()
    show("a restart, the median", took[RESTARTS // 2])
    show("a restart, 99 of 100", took[RESTARTS * 99 // 100])


if __name__ == "__main__":
    main()
