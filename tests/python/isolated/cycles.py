# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes one after another, against bare interpreters one after another.

Prints as JSON, for each kind of cycle: how much resident memory (KiB) it has
added, and what was held before and after it of channels, of the core's memory,
of threads and descriptors.

usage: cycles.py COUNT FEW: COUNT of bare and plain cycles, FEW of the others
"""

import _interpreters
import gc
import json
import os
import sys
import threading

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
    tx.send(rx)


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


def wait_in_threads(rx, tx):
    for _ in range(3):
        threading.Thread(target=wait, args=(rx.clone(),)).start()
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
    globals()["ends"] = ends = [csp.channel(3), rx]
    ends[0][0].send([*csp.channel(1), b"y" * 100_000])


def ends_in_globals():
    tx, rx = csp.channel(1)
    tx.send([rx.clone(), "z" * 100_000])
    csp.spawn(hold, rx).join()


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


def held():
    return {
        **_core.live(),
        "threads": len(os.listdir("/proc/self/task")),
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


def main():
    count, few = int(sys.argv[1]), int(sys.argv[2])
    for cycle in (plain, bare, *OTHERS, plain, bare):  # what is made once
        measure(cycle, max(5, count // 10))
    found = {}
    for cycle in (bare, plain):
        found[cycle.__name__] = measure(cycle, count)
    for cycle in OTHERS:
        found[cycle.__name__] = measure(cycle, few)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
