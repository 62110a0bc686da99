# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What does a message cost a task of asyncio, and how soon is a loop awake?

Usage: aio.py WHO burst|different|same [COUNT]

    intercsp  another interpreter, a channel
    thread    another thread of this one, loop.call_soon_threadsafe()
    process   a forked process, multiprocessing.Pipe and loop.add_reader()
    task      another task of the loop (bursts only)
    eventfd   another interpreter, os.eventfd_write() and loop.add_reader():
              what any library has to pay (no bursts)

burst: WHO notes the time, and sends it and COUNT integers as fast as it can,
through a buffer of 1,024 where there is a bound; a task adds them up, and each
must be greater than the one before. The
others: WHO waits a millisecond, notes the time and sends it; how much later
does the task run that waits for it, in a loop that sleeps? Median; on different
cores, or the same: what the kernel would choose is nobody's property. An
eventfd adds up what it was not asked for in time, so its writer waits for a
second one that says that it was.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from pin import pin
from traffic import WRONG

import intercsp as csp

CAPACITY = 1024
WAKES = 300
BURSTS = {
    "intercsp": 500_000,
    "thread": 50_000,
    "process": 30_000,
    "task": 200_000,
}
LABELS = {
    "intercsp": "intercsp",
    "thread": "call_soon_threadsafe, a thread",
    "process": "multiprocessing.Pipe, a process",
    "task": "asyncio.Queue, a task",
    "eventfd": "eventfd",
}
MEASURES = {
    "burst": "a burst",
    "different": "wake, different cores",
    "same": "wake, same core",
}
PAUSE = 0.001  # seconds, in which the loop falls asleep

type Put = Callable[[Any], object]
type Queue = asyncio.Queue[int | None]
type Join = Callable[[], None]


# ---- the other side ----


def send_numbers(put: Put, count: int) -> None:
    put(time.monotonic_ns())
    for number in range(count):
        put(number)


def send_times(put: Put, count: int, side: int) -> None:
    pin(side)
    for _ in range(count):
        time.sleep(PAUSE)
        put(time.monotonic_ns())


def send_all(put: Put, count: int, *side: int) -> None:
    (send_times if side else send_numbers)(put, count, *side)
    put(None)


def send_by_channel(tx: csp.SendChannel, count: int, *side: int) -> None:
    (send_times if side else send_numbers)(tx.send, count, *side)


def write_times(fd: int, seen: int, count: int, side: int) -> None:
    def put(then: Any) -> None:
        os.eventfd_write(fd, then)
        os.eventfd_read(seen)

    send_times(put, count, side)


# ---- peers, by a queue of this loop ----


def in_thread(queue: Queue, *args: int) -> Join:
    loop = asyncio.get_running_loop()
    put = partial(loop.call_soon_threadsafe, queue.put_nowait)
    thread = threading.Thread(target=send_all, args=(put, *args))
    thread.start()
    return thread.join


def in_process(queue: Queue, *args: int) -> Join:
    context = multiprocessing.get_context("fork")
    source, out = context.Pipe(duplex=False)
    loop = asyncio.get_running_loop()

    def take() -> None:
        number = source.recv()
        queue.put_nowait(number)
        if number is None:
            loop.remove_reader(source.fileno())

    loop.add_reader(source.fileno(), take)
    process = context.Process(target=send_all, args=(out.send, *args))
    process.start()
    return process.join


STARTS = {"thread": in_thread, "process": in_process}


async def count_off(queue: Queue, count: int) -> None:
    await queue.put(time.monotonic_ns())
    for number in range(count):
        await queue.put(number)
    await queue.put(None)


# ---- bursts: nanoseconds for each number ----


def each(start: int | None, total: int, count: int) -> float:
    took = time.monotonic_ns() - (start or 0)
    if total != count * (count - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")
    return took / count


async def burst_by_channel(count: int) -> float:
    tx, rx = csp.channel(CAPACITY)
    process = csp.spawn(send_by_channel, tx, count)
    total, last = 0, -1
    start = await rx.arecv()
    async for number in rx:
        if number <= last:
            total += WRONG
        total += number
        last = number
    ns = each(start, total, count)
    await asyncio.to_thread(process.join)
    return ns


async def burst_by_queue(who: str, count: int) -> float:
    if who == "task":
        queue: Queue = asyncio.Queue(CAPACITY)
        task = asyncio.ensure_future(count_off(queue, count))
        join = task.result
    else:
        queue = asyncio.Queue()
        join = STARTS[who](queue, count)
    total, last = 0, -1
    start = await queue.get()
    while (number := await queue.get()) is not None:
        if number <= last:
            total += WRONG
        total += number
        last = number
    ns = each(start, total, count)
    await asyncio.sleep(0)  # the task that put the end gets to its own
    join()
    return ns


# ---- wakes: microseconds, the median ----


def median(late: list[int], count: int) -> float:
    if len(late) != count or min(late) <= 0:
        raise SystemExit(f"{len(late)} of {count} came, or before their time")
    return statistics.median(late) / 1000


async def wake_by_channel(count: int, side: int) -> float:
    tx, rx = csp.channel(1)
    process = csp.spawn(send_by_channel, tx, count, side)
    late = [time.monotonic_ns() - then async for then in rx]
    await asyncio.to_thread(process.join)
    return median(late, count)


async def wake_by_queue(who: str, count: int, side: int) -> float:
    queue: Queue = asyncio.Queue()
    join = STARTS[who](queue, count, side)
    late = []
    while (then := await queue.get()) is not None:
        late.append(time.monotonic_ns() - then)
    join()
    return median(late, count)


async def wake_by_eventfd(count: int, side: int) -> float:
    loop = asyncio.get_running_loop()
    fd, seen = os.eventfd(0), os.eventfd(0)
    future = loop.create_future()
    loop.add_reader(fd, lambda: future.set_result(os.eventfd_read(fd)))
    process = csp.spawn(write_times, fd, seen, count, side)
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
    return median(late, count)


# ---- the program ----


def measure(who: str, what: str, count: int) -> Coroutine[Any, Any, float]:
    if what == "burst" and who == "intercsp":
        return burst_by_channel(count)
    if what == "burst":
        return burst_by_queue(who, count)
    side = int(what == "different")
    pin(0)
    if who == "intercsp":
        return wake_by_channel(count, side)
    if who == "eventfd":
        return wake_by_eventfd(count, side)
    return wake_by_queue(who, count, side)


def main() -> int:
    who, what, *numbers = sys.argv[1:] if len(sys.argv) > 2 else ("", "")
    if (
        what not in MEASURES
        or who not in (BURSTS if what == "burst" else {*LABELS} - {"task"})
        or len(numbers) > 1
    ):
        print(__doc__, file=sys.stderr)
        return 2
    usual = BURSTS[who] if what == "burst" else WAKES
    count = int(numbers[0]) if numbers else usual
    value = asyncio.run(measure(who, what, count))
    unit = "ns" if what == "burst" else "us"
    row = f"{MEASURES[what]}: {LABELS[who]}"
    print(json.dumps({"row": row, "value": value, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
