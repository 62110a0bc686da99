# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Graphs where address space is limited: frozen_limits.py CASE COUNT.

Freezing falls back to what there is, or raises MemoryError, and leaves
nothing."""

import os
import resource
import sys

import intercsp as csp
from intercsp import _core

MIB = 1 << 20
SMALL = [i * 1.5 for i in range(1000)]


def mapped():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[0]) * os.sysconf("SC_PAGESIZE")


def limit(size):
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def freezes(obj):
    """Whether there was memory for it."""
    try:
        graph = csp.freeze(obj)
    except MemoryError:
        return False
    assert graph.view[0] == 0.0
    return True


def little(count):
    """Far less than is reserved normally."""
    large = [0.0, *(b"x" * MIB for _ in range(100))]
    limit(mapped() + 64 * MIB)
    for _ in range(count):
        assert freezes([*SMALL, {"k": SMALL}])
        assert not freezes(large)


def none(count):
    """Not even for an area."""
    limit(mapped() + MIB // 2)
    for _ in range(count):
        assert not freezes(SMALL)


def more_and_more(count):
    """What fails is another piece of memory each time."""
    source = [0.0, {i: [(i, str(i))] for i in range(2000)}, {2.5}]
    shared = [source, source, [source] * 50]
    succeeded = 0
    for i in range(count):
        limit(mapped() + i * MIB // 8)
        succeeded += freezes([0.0, *shared])
    assert 0 < succeeded < count


def main():
    freezes(SMALL)
    case, count = globals()[sys.argv[1]], int(sys.argv[2])
    size, live = mapped(), _core.live()
    case(count)
    limit(resource.RLIM_INFINITY)
    assert freezes(SMALL)
    assert mapped() <= size + 128 * MIB, (mapped(), size)
    assert _core.live() == live
    assert not csp.frozen_stats().graphs
    print("as before")


if __name__ == "__main__":
    main()
