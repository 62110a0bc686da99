# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How fast do values go through networks of Python workers?

Usage: traffic.py KIND SHAPE [COUNT]

Workers are interpreters, threads, processes, or tasks, and what is between
them holds 64 where it has a bound:

    intercsp      interpreters, channels of intercsp
    interpreters  interpreters, concurrent.interpreters.Queue
    simple        threads, queue.SimpleQueue
    threads       threads, queue.Queue
    processes     forked processes, multiprocessing.Queue
    pipes         forked processes, multiprocessing.SimpleQueue
    tasks         tasks of one event loop, asyncio.Queue
    shared        forked processes, multiprocessing.shared_memory (sizes only)
    move          as intercsp, a Buffer that is moved (sizes only)

and the shapes:

    fan-in        four workers send integers, this side adds them up
    fan-out       this side sends integers, four workers add them up
    pipeline      four workers in a row, each adds one
    8_B, 1_KiB, 64_KiB, 1_MiB, 100_MiB
                  bytes of so many, one after another, to one worker that says
                  how many there were and adds up the last of each

COUNT is how many messages, of all senders; None ends what one has sent.
"""

import asyncio
import inspect
import json
import multiprocessing
import queue
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

CAPACITY = 64
WORKERS = 4
LABELS = {
    "intercsp": "intercsp",
    "interpreters": "interpreters.Queue",
    "simple": "queue.SimpleQueue",
    "threads": "queue.Queue",
    "processes": "multiprocessing.Queue",
    "pipes": "multiprocessing.SimpleQueue",
    "tasks": "asyncio.Queue",
    "shared": "shared_memory",
    "move": "intercsp, moved Buffer",
}
COUNTS = {  # messages, about a quarter of a second
    "intercsp": 200_000,
    "interpreters": 2_000,
    "simple": 200_000,
    "threads": 40_000,
    "processes": 20_000,
    "pipes": 20_000,
    "tasks": 100_000,
}
SIZES = {"8_B": 8, "1_KiB": 1 << 10, "64_KiB": 1 << 16}
SIZES |= {"1_MiB": 1 << 20, "100_MiB": 100 << 20}


# ---- workers: the ends or queues that they get, as the kinds have them ----


def put_of(end: Any) -> Any:
    return end.send if hasattr(end, "send") else end.put


def get_of(end: Any) -> Any:
    return end.recv if hasattr(end, "recv") else end.get


def meet(ready: Any, gate: Any) -> None:
    """Say that a worker is there, and wait for the others."""
    put_of(ready)(1)
    get_of(gate)()


def sum_of(get: Any, ends: int) -> int:
    """Of all numbers until so many ends have come."""
    total = 0
    while ends:
        number = get()
        if number is None:
            ends -= 1
        else:
            total += number
    return total


def add_up(ready: Any, gate: Any, source: Any, answers: Any, ends: int) -> None:
    meet(ready, gate)
    put_of(answers)(sum_of(get_of(source), ends))


def count_off(ready: Any, gate: Any, out: Any, start: int, stop: int) -> None:
    meet(ready, gate)
    put = put_of(out)
    for number in range(start, stop):
        put(number)
    put(None)


def add_one(ready: Any, gate: Any, source: Any, out: Any) -> None:
    meet(ready, gate)
    get, put = get_of(source), put_of(out)
    while (number := get()) is not None:
        put(number + 1)
    put(None)


def take_bytes(ready: Any, gate: Any, source: Any, answers: Any) -> None:
    meet(ready, gate)
    get = get_of(source)
    n = total = 0
    while (data := get()) is not None:
        n += len(data)
        total += data[-1]
    put_of(answers)((n, total))


def take_from_memory(
    ready: Any, gate: Any, name: str, source: Any, answers: Any
) -> None:
    from multiprocessing.shared_memory import SharedMemory

    meet(ready, gate)
    memory = SharedMemory(name, track=False)
    n = total = 0
    while (size := source.get()) is not None:
        data = bytes(memory.buf[:size])
        answers.put(size)
        n += len(data)
        total += data[-1]
    memory.close()
    answers.put((n, total))


# ---- kinds: what goes between workers, and how one is started ----


class Net:
    """Workers and lines between them."""

    def __init__(self) -> None:
        self._workers: list[Any] = []
        self._ready = self.line()
        self._gate = self.line()

    def line(self) -> tuple[Any, Any]:
        """What is sent into, and what is received from."""
        raise NotImplementedError

    def worker(self, work: Any, *args: Any) -> Any:
        """Started, with a join()."""
        raise NotImplementedError

    def add(self, work: Any, *args: Any) -> None:
        worker = self.worker(work, self._ready[0], self._gate[1], *args)
        self._workers.append(worker)

    def go(self) -> int:
        """When all workers are there and have been told to begin."""
        for _ in self._workers:
            get_of(self._ready[1])()
        now = perf_counter_ns()
        for _ in self._workers:
            put_of(self._gate[0])(1)
        return now

    def join(self) -> None:
        for worker in self._workers:
            worker.join()


class Queues(Net):
    """Lines whose ends are one object."""

    def __init__(self, make: Callable[[], Any], start: Any) -> None:
        self._make = make
        self._start = start
        super().__init__()

    def line(self) -> tuple[Any, Any]:
        made = self._make()
        return made, made

    def worker(self, work: Any, *args: Any) -> Any:
        worker = self._start(target=work, args=args)
        worker.start()
        return worker


class Interpreters(Queues):
    def __init__(self) -> None:
        from concurrent.interpreters import create, create_queue

        self._create = create
        self._made: list[Any] = []
        super().__init__(lambda: create_queue(CAPACITY), threading.Thread)

    def worker(self, work: Any, *args: Any) -> Any:
        made = self._create()
        names = {f"arg{i}": arg for i, arg in enumerate(args)}
        made.prepare_main(**names)
        text = "from typing import Any\n"
        text += "".join(
            map(inspect.getsource, (put_of, get_of, meet, sum_of, work))
        )
        text += f"{work.__name__}({', '.join(names)})\n"
        self._made.append(made)
        return super().worker(made.exec, text)

    def join(self) -> None:
        super().join()
        for made in self._made:
            made.close()  # not before: what it has put is lost then


class Channels(Net):
    def line(self) -> tuple[Any, Any]:
        import intercsp as csp

        return csp.channel(CAPACITY)

    def worker(self, work: Any, *args: Any) -> Any:
        import intercsp as csp

        mine = [a.clone() if hasattr(a, "clone") else a for a in args]
        return csp.spawn(work, *mine)


def net_of(kind: str) -> Net:
    if kind in ("intercsp", "move"):
        return Channels()
    if kind == "interpreters":
        return Interpreters()
    if kind == "simple":
        return Queues(queue.SimpleQueue, threading.Thread)
    if kind == "threads":
        return Queues(lambda: queue.Queue(CAPACITY), threading.Thread)
    context = multiprocessing.get_context("fork")
    if kind == "processes":
        return Queues(lambda: context.Queue(CAPACITY), context.Process)
    return Queues(context.SimpleQueue, context.Process)


# ---- shapes: nanoseconds for COUNT messages, and their sum ----


def fan_in(net: Net, count: int) -> tuple[int, int]:
    tx, rx = net.line()
    each = count // WORKERS
    for i in range(WORKERS):
        net.add(count_off, tx, i * each, (i + 1) * each)
    start = net.go()
    total = sum_of(get_of(rx), WORKERS)
    return perf_counter_ns() - start, total


def fan_out(net: Net, count: int) -> tuple[int, int]:
    tx, rx = net.line()
    answers, results = net.line()
    for _ in range(WORKERS):
        net.add(add_up, rx, answers, 1)
    put = put_of(tx)
    start = net.go()
    for number in range(count):
        put(number)
    for _ in range(WORKERS):
        put(None)
    total = sum(get_of(results)() for _ in range(WORKERS))
    return perf_counter_ns() - start, total


def pipeline(net: Net, count: int) -> tuple[int, int]:
    first, source = net.line()
    for _ in range(WORKERS):
        tx, rx = net.line()
        net.add(add_one, source, tx)
        source = rx
    net.add(count_off, first, 0, count)
    get, total = get_of(source), 0
    start = net.go()
    while (number := get()) is not None:
        total += number
    return perf_counter_ns() - start, total - WORKERS * count


SHAPES = {"fan-in": fan_in, "fan-out": fan_out, "pipeline": pipeline}


# ---- tasks ----


async def count_off_in(out: Any, start: int, stop: int) -> None:
    for number in range(start, stop):
        await out.put(number)
    await out.put(None)


async def add_one_in(source: Any, out: Any) -> None:
    while (number := await source.get()) is not None:
        await out.put(number + 1)
    await out.put(None)


async def add_up_in(source: Any, ends: int) -> int:
    total = 0
    while ends:
        number = await source.get()
        if number is None:
            ends -= 1
        else:
            total += number
    return total


async def in_tasks(shape: str, count: int) -> tuple[int, int]:
    source: asyncio.Queue[int | None] = asyncio.Queue(CAPACITY)
    start = perf_counter_ns()
    async with asyncio.TaskGroup() as group:
        if shape == "fan-in":
            each = count // WORKERS
            for i in range(WORKERS):
                numbers = i * each, (i + 1) * each
                group.create_task(count_off_in(source, *numbers))
            adding = [group.create_task(add_up_in(source, WORKERS))]
        elif shape == "fan-out":
            adding = [
                group.create_task(add_up_in(source, 1)) for _ in range(WORKERS)
            ]
            await count_off_in(source, 0, count)
            for _ in range(WORKERS - 1):
                await source.put(None)
        else:
            group.create_task(count_off_in(source, 0, count))
            for _ in range(WORKERS):
                out: asyncio.Queue[int | None] = asyncio.Queue(CAPACITY)
                group.create_task(add_one_in(source, out))
                source = out
            adding = [group.create_task(add_up_in(source, 1))]
    total = sum(task.result() for task in adding)
    extra = WORKERS * count if shape == "pipeline" else 0
    return perf_counter_ns() - start, total - extra


# ---- sizes ----


def copies(kind: str, size: int) -> int:
    """How many messages of a size: about a tenth of a second."""
    most = 2000 if kind == "interpreters" else 20_000
    return max(3, min(most, (256 << 20) // (size + 4096)))


def moving(tx: Any, size: int, count: int) -> Callable[[bytes], object]:
    import intercsp as csp

    made = [csp.Buffer(size) for _ in range(count)]
    for buffer in made:
        memoryview(buffer)[:] = b"\1" * size
    return lambda _: tx.send(csp.move(made.pop()))


def send_bytes(kind: str, size: int) -> float:
    net, count = net_of(kind), copies(kind, size)
    tx, rx = net.line()
    answers, results = net.line()
    net.add(take_bytes, rx, answers)
    put = moving(tx, size, count) if kind == "move" else put_of(tx)
    data = b"\1" * size
    start = net.go()
    for _ in range(count):
        put(data)
    put_of(tx)(None)
    found = get_of(results)()
    took = perf_counter_ns() - start
    if found != (size * count, count):
        raise SystemExit(f"what arrived is not what was sent: {found}")
    net.join()
    return took / count


def share_memory(size: int) -> float:
    from multiprocessing.shared_memory import SharedMemory

    net, count = net_of("pipes"), copies("shared", size)
    (sizes, _), (answers, _) = net.line(), net.line()
    memory = SharedMemory(create=True, size=size)
    net.add(take_from_memory, memory.name, sizes, answers)
    data = b"\1" * size
    start = net.go()
    for _ in range(count):
        memory.buf[:size] = data
        sizes.put(size)
        answers.get()
    sizes.put(None)
    found = answers.get()
    took = perf_counter_ns() - start
    if found != (size * count, count):
        raise SystemExit(f"what arrived is not what was sent: {found}")
    net.join()
    memory.close()
    memory.unlink()
    return took / count


# ---- the program ----


def measure(kind: str, shape: str, count: int) -> float:
    if shape in SIZES:
        size = SIZES[shape]
        return (
            share_memory(size) if kind == "shared" else send_bytes(kind, size)
        )
    if kind == "tasks":
        took, total = asyncio.run(in_tasks(shape, count))
    else:
        net = net_of(kind)
        took, total = SHAPES[shape](net, count)
        net.join()
    expected = count * (count - 1) // 2
    if total != expected:
        raise SystemExit(f"the sum is wrong: {total}, not {expected}")
    return took / count


def main() -> int:
    args = sys.argv[1:]
    if (
        len(args) not in (2, 3)
        or args[0] not in LABELS
        or args[1] not in (*SHAPES, *SIZES)
        or (args[1] in SHAPES and args[0] not in COUNTS)
        or (args[1] in SIZES and args[0] == "tasks")
    ):
        print(__doc__, file=sys.stderr)
        return 2
    kind, shape = args[:2]
    count = int(args[2]) if len(args) == 3 else COUNTS.get(kind, 0)
    ns = measure(kind, shape, count)
    row = f"{shape.replace('_', ' ')}: {LABELS[kind]}"
    print(json.dumps({"row": row, "value": ns, "unit": "ns"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
