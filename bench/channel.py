# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How fast do integers go from Python to Python, one way and to and fro?

Usage: channel.py CONTESTANT one-way|echo|pinned [COUNT]

Each does the same: COUNT numbers in order, added up on the other side (or sent
back, and compared; pinned: the same with the two sides pinned to two cores,
where otherwise the kernel may put both on one). Buffers hold 64 where they
have a bound; all gets and puts block. The contestants:

    intercsp       another interpreter with its own GIL, intercsp channels
    interpreters   the same, with concurrent.interpreters.Queue
    threads        another thread of this interpreter, queue.SimpleQueue
    processes      another operating-system process, multiprocessing.Pipe
    simple         the same, multiprocessing.SimpleQueue
"""

import inspect
import json
import multiprocessing
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any

from pin import pin

CAPACITY = 64
COUNTS = {  # about half a second each
    ("intercsp", "one-way"): 1_000_000,
    ("intercsp", "echo"): 200_000,
    ("interpreters", "one-way"): 3_000,
    ("interpreters", "echo"): 40,
    ("threads", "one-way"): 1_000_000,
    ("threads", "echo"): 30_000,
    ("intercsp", "pinned"): 200_000,
    ("processes", "pinned"): 10_000,
    ("simple", "one-way"): 100_000,
    ("simple", "echo"): 10_000,
    ("processes", "one-way"): 100_000,
    ("processes", "echo"): 10_000,
}
LABELS = {
    "intercsp": "intercsp, two interpreters",
    "interpreters": "interpreters.Queue, two interpreters",
    "threads": "queue.SimpleQueue, two threads",
    "processes": "multiprocessing.Pipe, two processes",
    "simple": "multiprocessing.SimpleQueue, two processes",
}

type Put = Callable[[Any], object]
type Get = Callable[[], Any]
type Join = Callable[[], object]


# The other side. None ends the numbers where there is no close.


def add_up(get: Get, put: Put) -> None:
    put("ready")
    total = 0
    while (number := get()) is not None:
        total += number
    put(total)


def send_back(get: Get, put: Put) -> None:
    put("ready")
    while (number := get()) is not None:
        put(number)


def send_back_pinned(get: Get, put: Put) -> None:
    pin(1)
    send_back(get, put)


def add_up_channel(numbers: Iterable[int], answers: Any) -> None:
    answers.send("ready")
    total = 0
    for number in numbers:
        total += number
    answers.send(total)


def send_back_channel(numbers: Iterable[int], answers: Any) -> None:
    answers.send("ready")
    send = answers.send
    for number in numbers:
        send(number)


def send_back_channel_pinned(numbers: Iterable[int], answers: Any) -> None:
    pin(1)
    send_back_channel(numbers, answers)


# Starting it: how to put a number, how to get an answer, how to end it all.


def intercsp(measure: str) -> tuple[Put, Get, Join, Join]:
    import intercsp as csp

    tx, numbers = csp.channel(CAPACITY)
    answers, rx = csp.channel(CAPACITY)
    other = {
        "one-way": add_up_channel,
        "echo": send_back_channel,
        "pinned": send_back_channel_pinned,
    }[measure]
    process = csp.spawn(other, numbers, answers)
    return tx.send, rx.recv, tx.close, process.join


def interpreters(measure: str) -> tuple[Put, Get, Join, Join]:
    from concurrent.interpreters import create, create_queue

    other = add_up if measure == "one-way" else send_back
    numbers, answers = create_queue(CAPACITY), create_queue(CAPACITY)
    interpreter = create()
    interpreter.prepare_main(numbers=numbers, answers=answers)
    text = "type Get = object\ntype Put = object\n" + inspect.getsource(other)
    text += f"{other.__name__}(numbers.get, answers.put)\n"
    thread = threading.Thread(target=interpreter.exec, args=(text,))
    thread.start()

    def join() -> None:
        # Kept until here: what an interpreter has put is lost when it ends.
        thread.join()
        interpreter.close()

    return numbers.put, answers.get, lambda: numbers.put(None), join


def threads(measure: str) -> tuple[Put, Get, Join, Join]:
    other = add_up if measure == "one-way" else send_back
    numbers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    thread = threading.Thread(target=other, args=(numbers.get, answers.put))
    thread.start()
    return numbers.put, answers.get, lambda: numbers.put(None), thread.join


def processes(measure: str) -> tuple[Put, Get, Join, Join]:
    other = {
        "one-way": add_up,
        "echo": send_back,
        "pinned": send_back_pinned,
    }[measure]
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    process = context.Process(target=other, args=(theirs.recv, theirs.send))
    process.start()
    return mine.send, mine.recv, lambda: mine.send(None), process.join


def simple(measure: str) -> tuple[Put, Get, Join, Join]:
    other = add_up if measure == "one-way" else send_back
    context = multiprocessing.get_context("fork")
    numbers, answers = context.SimpleQueue(), context.SimpleQueue()
    process = context.Process(target=other, args=(numbers.get, answers.put))
    process.start()
    return numbers.put, answers.get, lambda: numbers.put(None), process.join


# This side.


def one_way(put: Put, get: Get, end: Join, count: int) -> int:
    start = perf_counter_ns()
    for number in range(count):
        put(number)
    end()
    total = get()
    took = perf_counter_ns() - start
    if total != count * (count - 1) // 2:
        raise SystemExit(f"the sum is wrong: {total}")
    return took


def echo(put: Put, get: Get, end: Join, count: int) -> int:
    start = perf_counter_ns()
    for number in range(count):
        put(number)
        if get() != number:
            raise SystemExit("a wrong answer")
    took = perf_counter_ns() - start
    end()
    return took


def main() -> int:
    key = tuple(sys.argv[1:3])
    if key not in COUNTS or len(sys.argv) > 4:
        print(__doc__, file=sys.stderr)
        return 2
    contestant, measure = key
    count = int(sys.argv[3]) if len(sys.argv) == 4 else COUNTS[key]
    put, get, end, join = globals()[contestant](measure)
    if get() != "ready":
        raise SystemExit("the other side did not start")
    run = one_way if measure == "one-way" else echo
    if measure == "pinned":
        pin(0)
    ns = run(put, get, end, count) / count
    join()
    scale, unit = (1, "ns") if measure == "one-way" else (1000, "us")
    row = f"{measure}: {LABELS[contestant]}"
    print(json.dumps({"row": row, "value": ns / scale, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
