# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a message cost a task of asyncio, and how soon is a loop awake?

Usage: aio.py intercsp|eventfd burst|different|same [COUNT]

burst: another interpreter sends COUNT integers as fast as it can through a
buffer of 1,024, a task takes them with `async for`. The others: a thread of
another interpreter waits a millisecond, notes the time and sends it; how much
later does the task run that waits for it, in a loop that sleeps? Median; on
different cores, or the same: what the kernel would choose is nobody's property.
eventfd: the same with nothing but os.eventfd_write() and loop.add_reader(),
which is what any library has to pay. An eventfd adds up what it was not asked
for in time, so its writer waits for a second one that says that it was.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from pin import pin

import intercsp as csp

CAPACITY = 1024
COUNTS = {"burst": 500_000, "different": 300, "same": 300}
type Measure = Callable[[int], Coroutine[Any, Any, float]]

PAUSE = 0.001  # seconds, in which the loop falls asleep


def send_numbers(tx: Any, count: int) -> None:
    for number in range(count):
        tx.send(number)


def send_times(tx: Any, side: int, count: int) -> None:
    pin(side)
    for _ in range(count):
        time.sleep(PAUSE)
        tx.send(time.monotonic_ns())


def write_times(fd: int, seen: int, side: int, count: int) -> None:
    pin(side)
    for _ in range(count):
        time.sleep(PAUSE)
        os.eventfd_write(fd, time.monotonic_ns())
        os.eventfd_read(seen)


async def burst(count: int) -> float:
    tx, rx = csp.channel(CAPACITY)
    process = csp.spawn(send_numbers, tx, count)
    total = await rx.arecv()
    start = time.perf_counter_ns()
    async for number in rx:
        total += number
    took = time.perf_counter_ns() - start
    if total != count * (count - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")
    await asyncio.to_thread(process.join)
    return took / count


async def wake_by_channel(count: int, side: int) -> float:
    pin(0)
    tx, rx = csp.channel(1)
    process = csp.spawn(send_times, tx, side, count)
    late = [time.monotonic_ns() - then async for then in rx]
    await asyncio.to_thread(process.join)
    return statistics.median(late) / 1000


async def wake_by_eventfd(count: int, side: int) -> float:
    pin(0)
    loop = asyncio.get_running_loop()
    fd, seen = os.eventfd(0), os.eventfd(0)
    future = loop.create_future()
    loop.add_reader(fd, lambda: future.set_result(os.eventfd_read(fd)))
    process = csp.spawn(write_times, fd, seen, side, count)
    late = []
    for _ in range(count):
        then = await future
        late.append(time.monotonic_ns() - then)
        future = loop.create_future()
        os.eventfd_write(seen, 1)
    await asyncio.to_thread(process.join)
    loop.remove_reader(fd)
    os.close(fd)
    os.close(seen)
    return statistics.median(late) / 1000


WAKES = {"intercsp": wake_by_channel, "eventfd": wake_by_eventfd}
MEASURES: dict[tuple[str, ...], tuple[Measure, str, str]] = {
    ("intercsp", "burst"): (burst, "a message in a burst", "ns"),
    **{
        (who, cores): (partial(wake, side=side), f"{text}: {who}", "us")
        for who, wake in WAKES.items()
        for cores, side, text in (
            ("different", 1, "wake, different cores"),
            ("same", 0, "wake, same core"),
        )
    },
}


def main() -> int:
    key = tuple(sys.argv[1:3])
    if key not in MEASURES or len(sys.argv) > 4:
        print(__doc__, file=sys.stderr)
        return 2
    count = int(sys.argv[3]) if len(sys.argv) == 4 else COUNTS[key[1]]
    measure, row, unit = MEASURES[key]
    value = asyncio.run(measure(count))
    print(json.dumps({"row": row, "value": value, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
