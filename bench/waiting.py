# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What do those cost that wait in vain?

Usage: waiting.py tasks|idle

    tasks  10,000 tasks of asyncio, each waiting for a channel of its own: how
           many descriptors they take, and what waking each of them costs
    idle   50 processes that wait for 3 s: the processor time of all, and the
           context switches of the one that has most
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

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
    for tx, _ in pairs:
        tx.send(1)
    total = sum(await asyncio.gather(*waiting))
    took = time.perf_counter_ns() - start
    if total != TASKS:
        raise SystemExit(f"the sum is wrong: {total}")
    show("waking each of 10,000 tasks", took / TASKS, "ns")


def wait_on(rx: csp.RecvChannel) -> None:
    rx.recv()


def switches() -> dict[str, int]:
    """The context switches of each thread so far."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        found[task.name] = sum(
            int(line.split()[1]) for line in lines if "ctxt_switches" in line
        )
    return found


def idle() -> None:
    tx, rx = csp.channel(1)
    processes = [csp.spawn(wait_on, rx.clone()) for _ in range(WAITERS)]
    while tx.stats().waiting_rx < WAITERS:
        time.sleep(0.01)
    before, cpu = switches(), time.process_time_ns()
    time.sleep(SECONDS)
    cpu, after = time.process_time_ns() - cpu, switches()
    del before[str(os.getpid())]  # the one that looks
    most = max(after[task] - n for task, n in before.items())
    show("50 waiters, 3 s: processor time", cpu / 1e6, "ms")
    show("a waiter, 3 s: context switches", most, "")
    tx.close()
    for process in processes:
        process.join()


def main() -> int:
    if sys.argv[1:] == ["tasks"]:
        asyncio.run(tasks())
    elif sys.argv[1:] == ["idle"]:
        idle()
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
