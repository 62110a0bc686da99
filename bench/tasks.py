# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The shapes of traffic.py among tasks of one event loop, with asyncio.Queue.
None is the end, one from each sender or for each receiver."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter_ns

from lines import CAPACITY
from traffic import WORKERS, WRONG, lists

type Queue = asyncio.Queue[int | None]
type Lists = asyncio.Queue[list[int] | None]


async def add_up(source: Queue) -> int:
    """What one has sent."""
    total, last = 0, -1
    while (number := await source.get()) is not None:
        if number <= last:
            total += WRONG
        total += number
        last = number
    return total


async def add_up_all(source: Queue) -> int:
    """What WORKERS have sent; of each number i, WORKERS more than the last."""
    total, last, senders = 0, [-1] * WORKERS, WORKERS
    while senders:
        number = await source.get()
        if number is None:
            senders -= 1
            continue
        sender = number % WORKERS
        if number <= last[sender]:
            total += WRONG
        total += number
        last[sender] = number
    return total


async def count_off(out: Queue, *numbers: int) -> None:
    for number in range(*numbers):
        await out.put(number)
    await out.put(None)


async def add_one(source: Queue, out: Queue) -> None:
    while (number := await source.get()) is not None:
        await out.put(number + 1)
    await out.put(None)


async def send_back(source: Queue, out: Queue) -> None:
    while (number := await source.get()) is not None:
        await out.put(number)


async def count_in_turn(outs: list[Queue], count: int) -> None:
    for number in range(count):
        await outs[number % len(outs)].put(number)
    for out in outs:
        await out.put(None)


async def count_in_lists(out: Lists, count: int) -> None:
    for numbers in lists(count):
        await out.put(numbers)
    await out.put(None)


async def one_way(group: asyncio.TaskGroup, count: int, n: int) -> int:
    queue: Queue = asyncio.Queue(CAPACITY)
    adding = [group.create_task(add_up(queue)) for _ in range(n)]
    await count_off(queue, count)
    for _ in range(n - 1):
        await queue.put(None)
    return sum([await task for task in adding])


async def echo(group: asyncio.TaskGroup, count: int, _: int) -> int:
    there: Queue = asyncio.Queue(CAPACITY)
    back: Queue = asyncio.Queue(CAPACITY)
    group.create_task(send_back(there, back))
    total = 0
    for number in range(count):
        await there.put(number)
        if await back.get() != number:
            raise SystemExit("a wrong answer")
        total += number
    await there.put(None)
    return total


async def fan_in(group: asyncio.TaskGroup, count: int, _: int) -> int:
    queue: Queue = asyncio.Queue(CAPACITY)
    for i in range(WORKERS):
        group.create_task(count_off(queue, i, count, WORKERS))
    return await add_up_all(queue)


async def pipeline(group: asyncio.TaskGroup, count: int, n: int) -> int:
    source: Queue = asyncio.Queue(CAPACITY)
    group.create_task(count_off(source, count))
    for _ in range(n):
        out: Queue = asyncio.Queue(CAPACITY)
        group.create_task(add_one(source, out))
        source = out
    return await add_up(source) - n * count


async def taken(queues: list[Queue]) -> AsyncIterator[tuple[int, int]]:
    """From whichever queue has something, and which one that is."""
    getting = {asyncio.ensure_future(q.get()): i for i, q in enumerate(queues)}
    while getting:
        done, _ = await asyncio.wait(
            getting, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            i = getting.pop(task)
            number = task.result()
            if number is not None:
                getting[asyncio.ensure_future(queues[i].get())] = i
                yield i, number


async def select(group: asyncio.TaskGroup, count: int, n: int) -> int:
    queues: list[Queue] = [asyncio.Queue(CAPACITY) for _ in range(n)]
    group.create_task(count_in_turn(queues, count))
    total, last = 0, [-1] * n
    async for i, number in taken(queues):
        if number <= last[i]:
            total += WRONG
        total += number
        last[i] = number
    return total


async def batch(group: asyncio.TaskGroup, count: int, capacity: int) -> int:
    queue: Lists = asyncio.Queue(capacity)
    group.create_task(count_in_lists(queue, count))
    n = total = 0
    while (numbers := await queue.get()) is not None:
        if numbers[0] != n:
            total += WRONG
        total += sum(numbers)
        n += len(numbers)
    return total


SHAPES = {
    "one-way": one_way,
    "echo": echo,
    "fan-in": fan_in,
    "fan-out": one_way,
    "pipeline": pipeline,
    "select": select,
    "batch": batch,
}


async def in_group(shape: str, count: int, n: int) -> tuple[int, int]:
    start = perf_counter_ns()
    async with asyncio.TaskGroup() as group:
        total = await SHAPES[shape](group, count, n)
    return perf_counter_ns() - start, total


def measure(shape: str, count: int, n: int) -> tuple[int, int]:
    """Nanoseconds, and the sum of what has arrived."""
    return asyncio.run(in_group(shape, count, n))
