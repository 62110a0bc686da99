# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Tasks that send and receive, and are cancelled or time out again and again.

Numbers go through one channel, from tasks in two interpreters and from one
that sends in the usual way, to tasks in two interpreters and to one that
receives in the usual way. Every wait has a timeout of 0 to 2 ms, and tasks are
cancelled while they wait. What was sent must be what was received: each number
once. Some end by closing their ends, others by letting go of them.

usage: aio_storm.py CAPACITY COUNT SEED
"""

import asyncio
import random
import sys

import intercsp as csp

TASKS = 3  # of each interpreter


async def attempt(chance, operation):
    """Await operation for a moment. Returns whether it happened, and what."""
    try:
        if chance.random() < 0.5:
            return True, await asyncio.wait_for(
                operation, chance.random() * 0.002
            )
        task = asyncio.ensure_future(operation)
        asyncio.get_running_loop().call_later(
            chance.random() * 0.001, task.cancel
        )
        return True, await task
    except (TimeoutError, asyncio.CancelledError):
        return False, None


async def send_all(tx, numbers, chance):
    for number in numbers:
        while not (await attempt(chance, tx.asend(number)))[0]:
            pass
        if chance.random() < 0.3:
            await tx.asend(-1)  # in between, without an end to its patience
    tx.close()


async def recv_all(rx, chance):
    got = []
    try:
        while True:
            happened, number = await attempt(chance, rx.arecv())
            if happened:
                got.append(number)
            if chance.random() < 0.3:
                got.append(await rx.arecv())
    except csp.Closed:
        return [number for number in got if number >= 0]


def run_tasks(tx, rx, first, count, seed):
    """Send the numbers from first up by some tasks, receive by others."""

    async def main():
        async with asyncio.TaskGroup() as tasks:
            received = [
                tasks.create_task(
                    recv_all(rx.clone(), random.Random(f"{seed} rx {i}"))
                )
                for i in range(TASKS)
            ]
            for i in range(TASKS):
                numbers = range(first + i, first + count, TASKS)
                tasks.create_task(
                    send_all(
                        tx.clone(), numbers, random.Random(f"{seed} tx {i}")
                    )
                )
            tx.close()
            rx.close()
        return [number for task in received for number in task.result()]

    return asyncio.run(main())


def send_plainly(tx, first, count):
    for number in range(first, first + count):
        tx.send(number)


def recv_plainly(rx):
    return [number for number in rx if number >= 0]


def main():
    capacity, count, seed = map(int, sys.argv[1:])
    tx, rx = csp.channel(capacity)
    with csp.group() as g:
        far = g.spawn(run_tasks, tx.clone(), rx.clone(), 0, count, seed)
        g.spawn(send_plainly, tx.clone(), 2 * count, count)
        plain = g.spawn(recv_plainly, rx.clone())
        near = run_tasks(tx, rx, count, count, seed + 1)
    got = near + far.result() + plain.result()
    assert len(got) == 3 * count, f"{len(got)} of {3 * count} were received"
    assert sorted(got) == list(range(3 * count))
    print(f"near {len(near)}, far {len(far.result())}, {len(plain.result())}")


if __name__ == "__main__":
    main()
