# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Graphs that come and go: frozen_cycles.py COUNT.

COUNT graphs are frozen, sent, opened by interpreters that end, and dropped,
fifty by each interpreter; the same cycles without graphs come first.
Prints as JSON how much resident memory (KiB) either has added."""

import gc
import json
import os
import sys

import intercsp as csp

A_TIME = 50


def graph(i):
    return [
        {f"name_{i}_{k}": (k, k * 1.5, f"text {k}") for k in range(40)},
        {f"name_{i}_{k}" for k in range(5)},
    ]


def use(rx):
    """As names, keys and elements of what stays until the interpreter ends."""

    class Holder:
        pass

    globals()["kept"] = kept = [Holder(), {}, []]
    for item in rx:
        if isinstance(item, csp.Frozen):
            item = item.root
        for name in item[0]:
            setattr(kept[0], name, item)
            setattr(Holder, name, item)
            kept[1][sys.intern(name)] = item
        kept[2].append(item)
        assert len(item[1]) == 5


def cycle(i, frozen):
    tx, rx = csp.channel(4)
    process = csp.spawn(use, rx)
    for k in range(A_TIME):
        source = graph(i + k % 7)
        tx.send(csp.freeze(source, protect=True) if frozen else source)
    tx.close()
    process.join()
    assert not csp.frozen_stats().graphs


def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def main():
    cycles = int(sys.argv[1]) // A_TIME
    grown = {}
    for kind in ("plain", "frozen"):
        for i in range(2):
            cycle(i, kind == "frozen")
        before = resident()
        for i in range(cycles):
            cycle(i, kind == "frozen")
        grown[kind] = resident() - before
    print(json.dumps(grown))


if __name__ == "__main__":
    main()
