# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How fast do bytes of a size go to another worker?

Usage: sizes.py KIND BYTES [COUNT]

The kinds are those of lines.py, and

    move     as intercsp, each message in a Buffer that is moved
    reuse    the same, and the receiver moves it back, to be filled again
    shared   forked processes, slots in multiprocessing.shared_memory
    tasks    tasks of one event loop, asyncio.Queue
    nobody   what all of them do, by one thread: nothing is sent

The clock holds the same for all: the sender makes each message new by copying
it into memory that can be sent (a slice, or the slot or Buffer itself), and the
receiver compares all bytes of it, where they have arrived, with what they must
be, which differs from one message to the next. Lines hold as much as 64 MiB,
at least 2 messages and at most 64. So many are sent before the clock begins:
memory that a program uses for the first time takes far longer than a message.
"""

import asyncio
import json
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.shared_memory import SharedMemory
from time import perf_counter_ns
from typing import Any

from lines import LABELS, each, finish, get_of, meet, net_of, put_of

SHIFTS = 61  # so many messages in a row differ
BLOCK = 1 << 16
LINE_BYTES = 64 << 20
ALL_BYTES = 256 << 20  # in a measure, about
OVERHEAD = 1 << 13  # bytes that take as long as a message takes by itself
MOST = {"interpreters": 1_000}
LABELS_HERE = {
    "move": "intercsp, moved Buffer",
    "reuse": "intercsp, moved Buffer, moved back",
    "shared": "shared_memory",
    "tasks": "asyncio.Queue",
}
SUFFIXES = [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")]

type Make = Callable[[int], Any]


def pattern(size: int) -> bytes:
    block = random.Random(1).randbytes(BLOCK + 1)
    times = (size + SHIFTS) // len(block) + 1
    return (block * times)[: size + SHIFTS]


def as_bytes(size: int) -> Make:
    whole = pattern(size)

    def make(n: int) -> bytes:
        at = n % SHIFTS
        return whole[at : at + size]

    return make


def as_views(size: int) -> Make:
    """Not yet copied: that is done into shared memory."""
    whole = memoryview(pattern(size))

    def make(n: int) -> memoryview:
        at = n % SHIFTS
        return whole[at : at + size]

    return make


def as_buffers(size: int, back: Any = None) -> Make:
    """Those that come back are filled again, once there are as many as a line
    holds."""
    import intercsp as csp

    whole = memoryview(pattern(size))
    new = capacity_of(size)

    def make(n: int) -> object:
        at = n % SHIFTS
        buffer = back.recv() if back and n >= new else csp.Buffer(size)
        buffer[:] = whole[at : at + size]
        return csp.move(buffer)

    return make


class Comparing:
    """Counts the messages that are what they must be."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._whole = pattern(size)
        self.n = 0
        self.right = 0

    def add(self, data: Any) -> None:
        same = self._whole.startswith(data, self.n % SHIFTS)
        self.right += same and len(data) == self._size
        self.n += 1


def messages(source: Any) -> Iterable[Any]:
    if hasattr(source, "recv_bytes"):
        return iter(source.recv_bytes, b"")
    return each(source)


def giving_back(source: Any, back: Any) -> Iterator[Any]:
    import intercsp as csp

    for buffer in source:
        yield buffer
        back.send(csp.move(buffer))


def compare(
    ready: Any, gate: Any, source: Any, answers: Any, size: int, *back: Any
) -> None:
    comparing, warm = Comparing(size), capacity_of(size)
    meet(ready, gate)
    for data in giving_back(source, *back) if back else messages(source):
        comparing.add(data)
        if comparing.n == warm:
            put_of(answers)(comparing.right)
    put_of(answers)(comparing.right)


class Slots:
    """Shared memory in which messages lie in turn; a queue of it, for one that
    puts and one that gets. What was got may be read until the next one is."""

    def __init__(self, size: int, n: int) -> None:
        self._memory = SharedMemory(create=True, size=n * (size + 8))
        view = self._memory.buf
        self._lengths = view[: n * 8].cast("q")
        starts = range(n * 8, n * (size + 8), size)
        self._slots = [view[start : start + size] for start in starts]
        self._free = multiprocessing.Semaphore(n)
        self._full = multiprocessing.Semaphore(0)
        self._next = 0

    def put(self, data: memoryview | None) -> None:
        i = self._next % len(self._slots)
        self._next += 1
        self._free.acquire()
        if data is not None:
            self._slots[i][:] = data
        self._lengths[i] = -1 if data is None else len(data)
        self._full.release()

    def get(self) -> memoryview | None:
        i = self._next % len(self._slots)
        if self._next:
            self._free.release()
        self._next += 1
        self._full.acquire()
        return None if self._lengths[i] < 0 else self._slots[i]

    def close(self) -> None:
        for view in (self._lengths, *self._slots):
            view.release()
        self._memory.close()
        self._memory.unlink()


def capacity_of(size: int) -> int:
    return max(2, min(64, LINE_BYTES // size))


def count_of(kind: str, size: int) -> int:
    most = MOST.get(kind, 20_000)
    return max(4, min(most, ALL_BYTES // (size + OVERHEAD)))


# ---- nanoseconds, and how many messages were what they must be ----


def send(kind: str, size: int, count: int) -> tuple[int, int]:
    of_its_own = {"move": "intercsp", "reuse": "intercsp", "shared": "pipes"}
    net = net_of(of_its_own.get(kind, kind), capacity_of(size))
    slots = Slots(size, capacity_of(size)) if kind == "shared" else None
    tx, rx = (slots, slots) if slots else net.line()
    answers, results = net.line()
    if kind == "reuse":
        give, back = net.line()
        net.add(compare, rx, answers, size, give)
        make = as_buffers(size, back)
    else:
        net.add(compare, rx, answers, size)
        makes = {"move": as_buffers, "shared": as_views}
        make = makes.get(kind, as_bytes)(size)
    put = tx.send_bytes if kind == "pipe" else put_of(tx)
    warm = capacity_of(size)
    net.go()
    for n in range(warm):
        put(make(n))
    get_of(results)()
    start = perf_counter_ns()
    for n in range(warm, warm + count):
        put(make(n))
    put(b"") if kind == "pipe" else finish(tx)
    right = get_of(results)() - warm
    took = perf_counter_ns() - start
    net.join()
    if slots:
        slots.close()
    return took, right


async def in_tasks(size: int, count: int) -> tuple[int, int]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(capacity_of(size))
    make, comparing = as_bytes(size), Comparing(size)

    async def receive() -> None:
        while (data := await queue.get()) is not None:
            comparing.add(data)

    async def send(first: int, last: int) -> int:
        start = perf_counter_ns()
        async with asyncio.TaskGroup() as group:
            group.create_task(receive())
            for n in range(first, last):
                await queue.put(make(n))
            await queue.put(None)
        return perf_counter_ns() - start

    warm = capacity_of(size)
    await send(0, warm)
    return await send(warm, warm + count), comparing.right - warm


def by_nobody(size: int, count: int) -> tuple[int, int]:
    make, comparing = as_bytes(size), Comparing(size)
    warm = capacity_of(size)
    for n in range(warm):
        comparing.add(make(n))
    start = perf_counter_ns()
    for n in range(warm, warm + count):
        comparing.add(make(n))
    return perf_counter_ns() - start, comparing.right - warm


# ---- the program ----


def measure(kind: str, size: int, count: int) -> float:
    if kind == "tasks":
        took, right = asyncio.run(in_tasks(size, count))
    elif kind == "nobody":
        took, right = by_nobody(size, count)
    else:
        took, right = send(kind, size, count)
    if right != count:
        raise SystemExit(f"{right} of {count} arrived as they were sent")
    return took / count


def row_of(kind: str, size: int) -> str:
    unit, name = next(s for s in SUFFIXES if size >= s[0])
    text = f"{size // unit} {name}"
    if kind == "nobody":
        return f"made and compared, not sent: {text}"
    return f"{text}: {(LABELS | LABELS_HERE)[kind]}"


def main() -> int:
    kind, *numbers = sys.argv[1:] or [""]
    if (
        kind not in (*LABELS, *LABELS_HERE, "nobody")
        or len(numbers) not in (1, 2)
        or not all(number.isdecimal() for number in numbers)
    ):
        print(__doc__, file=sys.stderr)
        return 2
    size = int(numbers[0])
    count = int(numbers[1]) if numbers[1:] else count_of(kind, size)
    ns = measure(kind, size, count)
    print(json.dumps({"row": row_of(kind, size), "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
