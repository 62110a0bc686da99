# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How long do so many workers take to start, and how much memory do they take?

Usage: workers.py KIND COUNT

    threads                  threading.Thread
    fork, forkserver, spawn  multiprocessing.Process
    interpreters             an interpreter of concurrent.interpreters, and a
                             thread in it
    intercsp                 csp.spawn

Each says who it is and waits for the end. What this interpreter imports for
its workers is there before. Memory is the proportional set of this process and
all below it, less what it was before. What is imported here is what a spawned
process imports too: little.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from time import perf_counter

from work import wait_on_channels, wait_on_queues

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LABELS = {
    "threads": "threads",
    "fork": "processes, fork",
    "forkserver": "processes, forkserver",
    "spawn": "processes, spawn",
    "interpreters": "concurrent.interpreters",
    "intercsp": "intercsp",
}

type End = Callable[[], None]


def family() -> list[int]:
    """This process and all below it."""
    found, new = [], [os.getpid()]
    while new:
        found += new
        below: list[int] = []
        for pid in new:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    below += map(int, children.read().split())
        new = below
    return found


def resident_mib() -> float:
    total = 0
    for pid in family():
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            pss = next(line for line in lines if line.startswith("Pss:"))
            total += int(pss.split()[1])
    return total / 1024


# ---- starting so many of them: what ends them again ----


def await_all(get: Callable[[], int], count: int) -> None:
    if len({get() for _ in range(count)}) != count:
        raise SystemExit("fewer workers than there should be")


def intercsp(count: int) -> End:
    import intercsp as csp

    ready, there = csp.channel(count)
    tx, end = csp.channel(1)
    workers = [
        csp.spawn(wait_on_channels, ready.clone(), end.clone())
        for _ in range(count)
    ]
    await_all(there.recv, count)

    def stop() -> None:
        tx.close()
        for worker in workers:
            worker.join()

    return stop


def interpreters(count: int) -> End:
    """Each is made by its thread: in the main thread that takes longer."""
    from concurrent.interpreters import create, create_queue

    ready, end = create_queue(), create_queue()
    text = "import _thread\nready.put(_thread.get_native_id())\nend.get()"

    def run() -> None:
        worker = create()
        worker.prepare_main(ready=ready, end=end)
        worker.exec(text)
        worker.close()

    return start_all(
        [threading.Thread(target=run) for _ in range(count)], ready, end
    )


def start_all(workers: list[Any], ready: Any, end: Any) -> End:
    for worker in workers:
        worker.start()
    await_all(ready.get, len(workers))

    def stop() -> None:
        for _ in workers:
            end.put(None)
        for worker in workers:
            worker.join()

    return stop


def waiting(make: Any, ready: Any, end: Any, count: int) -> End:
    args = ready, end
    workers = [make(target=wait_on_queues, args=args) for _ in range(count)]
    return start_all(workers, ready, end)


def threads(count: int) -> End:
    from queue import SimpleQueue

    return waiting(threading.Thread, SimpleQueue(), SimpleQueue(), count)


def processes(how: str, count: int) -> End:
    context: Any = multiprocessing.get_context(how)
    queues = context.SimpleQueue(), context.SimpleQueue()
    return waiting(context.Process, *queues, count)


START: dict[str, Callable[[int], End]] = {
    "threads": threads,
    "interpreters": interpreters,
    "intercsp": intercsp,
}


def main() -> int:
    if (
        len(sys.argv) != 3
        or sys.argv[1] not in LABELS
        or not sys.argv[2].isdecimal()
    ):
        print(__doc__, file=sys.stderr)
        return 2
    kind, count = sys.argv[1], int(sys.argv[2])
    from kinds import imported, show

    with imported(kind):
        before = resident_mib()
        start = perf_counter()
        stop = START[kind](count) if kind in START else processes(kind, count)
        took = perf_counter() - start
        memory = resident_mib() - before
    stop()
    who = f"{count} worker{'' if count == 1 else 's'}"
    show(f"{who}, start: {LABELS[kind]}", took * 1e3, "ms")
    show(f"{who}, memory: {LABELS[kind]}", memory, "MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
