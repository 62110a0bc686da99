# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes one after another, against bare interpreters one after another.

Prints as JSON: how much resident memory (KiB) each kind of cycle has added,
and what is left of channels, memory of the core, threads and descriptors.

usage: cycles.py COUNT
"""

import gc
import json
import os
import sys
import threading

import _interpreters

import intercsp as csp
from intercsp import _core


def send_some(tx):
    for i in range(10):
        tx.send((i, "text" * 25, [1.5, None]))


def ours():
    tx, rx = csp.channel(4)
    process = csp.spawn(send_some, tx)
    for _ in rx:
        pass
    process.join()


def bare():
    def create_and_destroy():
        _interpreters.destroy(_interpreters.create())

    thread = threading.Thread(target=create_and_destroy)
    thread.start()
    thread.join()


def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def growth(cycle, count):
    before = resident()
    for _ in range(count):
        cycle()
    return resident() - before


def held():
    return {
        **_core.live(),
        "threads": len(os.listdir("/proc/self/task")),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def main():
    count = int(sys.argv[1])
    for cycle in (ours, bare):
        growth(cycle, max(10, count // 5))  # what is allocated once
    before = held()
    bare_kib, ours_kib = growth(bare, count), growth(ours, count)
    print(
        json.dumps(
            {
                "bare": bare_kib,
                "ours": ours_kib,
                "before": before,
                "after": held(),
            }
        )
    )


if __name__ == "__main__":
    main()
