# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Graphs where memory is limited: frozen_limits.py CASE COUNT.

Freezing falls back to what there is, or raises MemoryError, and leaves
nothing."""

import dataclasses
import os
import resource
import sys
from types import MappingProxyType

import intercsp as csp
from intercsp import _core

try:
    import _testcapi
except ImportError:
    _testcapi = None

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


@dataclasses.dataclass(frozen=True)
class Record:
    x: object


def failing(do):
    """How often it fails, with one piece of memory after the other missing."""
    nth = well = fails = 0
    while _testcapi and well < 10:
        _testcapi.set_nomemory(nth, nth + 1)
        try:
            do()
            well += 1
        except MemoryError:
            well, fails = 0, fails + 1
        finally:
            _testcapi.remove_mem_hooks()
        nth += 1
    return fails


def each(count):
    """Each piece of memory once, from those of the first graph on."""
    part = ["part", 1.5]
    source = [
        *(part, part, {f"k{i}": (i * 1.5, f"é{i}", b"xyz") for i in range(9)}),
        *({1: "one", (2, "x"): 3}, slice(1.5, [2]), range(10**20), 10**40, 1j),
        *([part] * i for i in range(30)),
        *({1, 2.5, "x"}, [{3}]),
    ]
    fails = failing(lambda: csp.freeze(source))
    if sys.version_info >= (3, 14):  # 3.13 has crashed in any(... for ...)
        source += [Record([Record({1})])]
    assert len(csp.freeze(source).root) == len(source)  # imports what it needs
    for do in (
        lambda: csp.freeze(source),
        lambda: csp.freeze(source).root,
        lambda: csp.freeze(source).view.copy(),
        lambda: csp.freeze([csp.freeze(source).root[0]]).view[0][:],
        lambda: csp.frozen_stats(),
    ):
        fails += failing(do)
    assert fails > 100 or not _testcapi


def rings(count):
    """What leads to itself would take all memory if it were not noticed."""
    ring = {}
    ring["k"] = MappingProxyType(ring)
    limit(mapped() + 64 * MIB)
    for obj in (ring, ring["k"], [ring["k"]]):
        try:
            csp.freeze(obj)
        except csp.NotShareable as error:
            why = str(error)
        assert "contains itself" in why


def main():
    case, count = globals()[sys.argv[1]], int(sys.argv[2])
    if case is not each:
        freezes(SMALL)
    size, live = mapped(), _core.live()
    case(count)
    limit(resource.RLIM_INFINITY)
    assert freezes(SMALL)
    assert mapped() <= size + 128 * MIB, (mapped(), size)
    assert _core.live() == live
    assert not any(graph.handles for graph in csp.frozen_stats().graphs)
    print("as before")


if __name__ == "__main__":
    main()
