# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What do those cost that wait in vain?

Usage: waiting.py tasks|intercsp|interpreters

    tasks         10,000 tasks of asyncio, each waiting for a channel of its
                  own: how many descriptors they take, and what waking each of
                  them costs
    intercsp      50 interpreters, each waiting for 3 s: the processor time of
                  all, their context switches, and those of the one that has
                  most; at last each gets a number, and gives it back
    interpreters  the same with a concurrent.interpreters.Queue
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import intercsp as csp

TASKS = 10_000
WAITERS, SECONDS = 50, 3.0


def show(row: str, value: float, unit: str) -> None:
    print(json.dumps({"row": row, "value": value, "unit": unit}))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def tasks() -> None:
    before = descriptors()
    pairs = [csp.channel(1) for _ in range(TASKS)]
    waiting = [asyncio.ensure_future(rx.arecv()) for _, rx in pairs]
    await asyncio.sleep(0)
    while not all(tx.stats().waiting_rx for tx, _ in pairs):
        await asyncio.sleep(0)
    show("descriptors of 10,000 tasks", descriptors() - before, "")
    start = time.perf_counter_ns()
    for number, (tx, _) in enumerate(pairs):
        tx.send(number)
    found = await asyncio.gather(*waiting)
    took = time.perf_counter_ns() - start
    if found != [*range(TASKS)]:
        raise SystemExit("a task got what is another one's")
    show("waking each of 10,000 tasks", took / TASKS, "ns")


def switches() -> dict[str, int]:
    """The context switches of each thread but this one so far."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        if task.name != str(os.getpid()):
            lines = (task / "status").read_text().splitlines()
            found[task.name] = sum(
                int(line.split()[1])
                for line in lines
                if "ctxt_switches" in line
            )
    return found


def idle(
    who: str, put: Callable[[int], object], get: Callable[[], int]
) -> None:
    """All wait: for 3 s, and then for a number each."""
    before, cpu = switches(), time.process_time_ns()
    time.sleep(SECONDS)
    cpu, after = time.process_time_ns() - cpu, switches()
    each = [after[task] - n for task, n in before.items()]
    for number in range(WAITERS):
        put(number)
    if sorted(get() for _ in range(WAITERS)) != [*range(WAITERS)]:
        raise SystemExit("not all were woken")
    of = f"{WAITERS} waiters, {SECONDS:g} s"
    show(f"{of}, processor time: {who}", cpu / 1e6, "ms")
    show(f"{of}, switches of all: {who}", sum(each), "")
    show(f"{of}, most of one: {who}", max(each), "")


def answer(rx: csp.RecvChannel, tx: csp.SendChannel) -> None:
    tx.send(rx.recv())


def intercsp() -> None:
    (tx, numbers), (answers, rx) = csp.channel(WAITERS), csp.channel(WAITERS)
    processes = [
        csp.spawn(answer, numbers.clone(), answers.clone())
        for _ in range(WAITERS)
    ]
    while tx.stats().waiting_rx < WAITERS:
        time.sleep(0.01)
    idle("intercsp", tx.send, rx.recv)
    for process in processes:
        process.join()


def interpreters() -> None:
    from concurrent.interpreters import create, create_queue

    numbers, answers = create_queue(), create_queue()
    text = "answers.put(-1)\nanswers.put(numbers.get())"
    made = [create() for _ in range(WAITERS)]
    threads = []
    for interpreter in made:
        interpreter.prepare_main(numbers=numbers, answers=answers)
        thread = threading.Thread(target=interpreter.exec, args=(text,))
        thread.start()
        threads.append(thread)
    for _ in threads:
        answers.get()
    idle("interpreters.Queue", numbers.put, answers.get)
    for thread, interpreter in zip(threads, made, strict=True):
        thread.join()
        interpreter.close()


MEASURES: dict[str, Callable[[], Any]] = {
    "tasks": lambda: asyncio.run(tasks()),
    "intercsp": intercsp,
    "interpreters": interpreters,
}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in MEASURES:
        print(__doc__, file=sys.stderr)
        return 2
    MEASURES[sys.argv[1]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
