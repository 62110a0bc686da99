# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes one after another, against bare interpreters one after another.

Prints as JSON, for each kind of cycle: how much resident memory (KiB) it has
added, and what was held before and after it of channels, of the core's memory,
of threads and descriptors.

usage: cycles.py COUNT FEW   (COUNT bare and plain cycles, FEW of the others)
"""

import _interpreters
import gc
import json
import os
import sys
import threading
import time

import intercsp as csp
from intercsp import _core


def send_some(tx):
    for i in range(10):
        tx.send((i, "text" * 25, [1.5, None]))


def plain():
    tx, rx = csp.channel(4)
    process = csp.spawn(send_some, tx)
    assert len(list(rx)) == 10
    process.join()


def bare():
    def create_and_destroy():
        _interpreters.destroy(_interpreters.create())

    thread = threading.Thread(target=create_and_destroy)
    thread.start()
    thread.join()


def give_back(*args):
    return args


def results():
    tx, rx = csp.channel(1)
    args = ({"a": [2**100, "é" * 1000]}, tx, b"x" * 100_000)
    _value, tx, _data = csp.spawn(give_back, *args).result()
    tx.send([*csp.channel(1)])
    assert len(rx) == 1


def fail(tx):
    tx.send("fails")
    raise ValueError("on purpose")


def errors():
    tx, rx = csp.channel(1)
    process = csp.spawn(fail, tx)
    rx.recv()
    try:
        process.result()
    except ValueError:
        return
    raise AssertionError("no error")


def wait(rx):
    rx.recv()


def stops_of_waits():
    _tx, rx = csp.channel(1)
    csp.spawn(wait, rx).stop()


def compute(tx):
    tx.send("computes")
    while True:
        pass


def stops_of_computing():
    tx, rx = csp.channel(1)
    process = csp.spawn(compute, tx)
    rx.recv()
    process.stop()


def wait_quietly(rx):
    try:
        rx.recv()
    except (csp.EndClosed, csp.Cancelled):
        pass


def wait_in_threads(rx, tx):
    for _ in range(3):
        threading.Thread(target=wait_quietly, args=(rx.clone(),)).start()
    while _core.waiting(rx) < 3:
        pass
    tx.send("wait")


def threads():
    _tx, rx = csp.channel(1)
    told, tells = csp.channel(1)
    process = csp.spawn(wait_in_threads, rx, told)
    tells.recv()
    process.join()


def hold(rx):
    pair = csp.channel(3)
    pair[0].send([*csp.channel(1), b"y" * 100_000])
    globals()["kept"] = [*pair, rx]


def ends_in_globals():
    tx, rx = csp.channel(1)
    tx.send([*csp.channel(1), "z" * 100_000])
    csp.spawn(hold, rx).join()
    assert tx.finished


OTHERS = (
    results,
    errors,
    stops_of_waits,
    stops_of_computing,
    threads,
    ends_in_globals,
)


def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def threads_left():
    """The thread that has lent memory released ends a moment after that."""
    end = time.monotonic() + 1
    while (n := len(os.listdir("/proc/self/task"))) > 1:
        if time.monotonic() > end:
            break
        time.sleep(0.001)  # sleeps: between two looks
    return n


def held():
    return {
        **_core.live(),
        "threads": threads_left(),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def measure(cycle, count):
    gc.collect()
    before, memory = held(), resident()
    for _ in range(count):
        cycle()
    gc.collect()
    return {
        "kib": resident() - memory,
        "before": before,
        "after": held(),
    }


def settled(cycle, count):
    """What was measured when it has come to rest: the heap of the main
    interpreter may grow by an arena at any time, but what leaks grows each
    time."""
    for _ in range(3):
        found = measure(cycle, count)
        if found["kib"] <= 256:
            break
    return found


def main():
    count, few = int(sys.argv[1]), int(sys.argv[2])
    if sys.version_info < (3, 14):  # it keeps 2 MiB of every interpreter
        kinds = {plain: count}
    else:
        kinds = {bare: count, plain: count}
    kinds |= dict.fromkeys(OTHERS, few)
    for cycle in (*kinds, *kinds):  # for what is made once
        measure(cycle, 3 if cycle in OTHERS else count // 10)
    found = {cycle.__name__: settled(cycle, n) for cycle, n in kinds.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
