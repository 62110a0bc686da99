# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How long do so many workers take to start, and how much memory do they take?

Usage: workers.py KIND COUNT

    threads                  threading.Thread
    fork, forkserver, spawn  multiprocessing.Process
    interpreters             an interpreter of concurrent.interpreters, and a
                             thread in it
    intercsp                 csp.spawn

Each says that it is there and waits for the end. Memory is the proportional
set of this process and all below it, less what it was before.
"""

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
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
            for task in Path(f"/proc/{pid}/task").iterdir():
                below += map(int, (task / "children").read_text().split())
        new = below
    return found


def resident_mib() -> float:
    total = 0
    for pid in family():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


# ---- the workers: they say that they are there, and wait ----


def wait_on_queues(ready: Any, end: Any) -> None:
    ready.put(1)
    end.get()


def wait_on_channels(ready: Any, end: Any) -> None:
    ready.send(1)
    for _ in end:
        pass


# ---- starting so many of them: what ends them again ----


def intercsp(count: int) -> End:
    import intercsp as csp

    ready, there = csp.channel(count)
    tx, end = csp.channel(1)
    workers = [
        csp.spawn(wait_on_channels, ready.clone(), end.clone())
        for _ in range(count)
    ]
    for _ in range(count):
        there.recv()

    def stop() -> None:
        tx.close()
        for worker in workers:
            worker.join()

    return stop


def interpreters(count: int) -> End:
    from concurrent.interpreters import create, create_queue

    ready, end = create_queue(), create_queue()
    workers = [create() for _ in range(count)]
    text = "ready.put(1)\nend.get()"
    threads = []
    for worker in workers:
        worker.prepare_main(ready=ready, end=end)
        thread = threading.Thread(target=worker.exec, args=(text,))
        thread.start()
        threads.append(thread)
    for _ in range(count):
        ready.get()

    def stop() -> None:
        for _ in threads:
            end.put(None)
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.close()

    return stop


def start_all(start: Any, ready: Any, end: Any, count: int) -> End:
    workers = [
        start(target=wait_on_queues, args=(ready, end)) for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    for _ in range(count):
        ready.get()

    def stop() -> None:
        for _ in workers:
            end.put(None)
        for worker in workers:
            worker.join()

    return stop


def threads(count: int) -> End:
    import queue

    return start_all(
        threading.Thread, queue.SimpleQueue(), queue.SimpleQueue(), count
    )


def processes(how: str, count: int) -> End:
    context: Any = multiprocessing.get_context(how)
    return start_all(
        context.Process, context.SimpleQueue(), context.SimpleQueue(), count
    )


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
    before = resident_mib()
    start = perf_counter()
    stop = START[kind](count) if kind in START else processes(kind, count)
    took = perf_counter() - start
    memory = resident_mib() - before
    stop()
    s = "" if count == 1 else "s"
    for what, value, unit in (
        ("start", took * 1e3, "ms"),
        ("memory", memory, "MiB"),
    ):
        row = f"{count} worker{s}, {what}: {LABELS[kind]}"
        print(json.dumps({"row": row, "value": value, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
