# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How long does a nested graph of tuples, strings and ints take to another
worker, who looks at it and answers?

Usage: graphs.py KIND

The kinds are those of lines.py, and

    frozen   as intercsp, the graph is frozen before it is asked for
    freeze   as intercsp, the graph is frozen when it is asked for

Graphs of about so many objects, a row each: the median of a few trips, each
with a graph that was never sent before. The other worker keeps them all, and
in the end says what they were.
"""

import json
import statistics
import sys
import zlib
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from lines import LABELS, each, finish, get_of, meet, net_of, put_of

NODES = (100, 1000, 10_000, 100_000)
PER_RECORD = 8
TRIPS = 8
FROZEN = {
    "frozen": "intercsp, frozen already",
    "freeze": "intercsp, frozen on the way",
}

type Graph = tuple[Any, ...]


def record(i: int) -> Graph:
    return (f"name-{i}", i * 7919 + 1_000_000, ((f"part {i}", i), f"tag {i}"))


def graph(nodes: int, number: int) -> Graph:
    first = number * nodes
    return tuple(map(record, range(first, first + nodes // PER_RECORD)))


def digest(root: Graph) -> int:
    """Of every object and its place."""
    return zlib.crc32(repr(root).encode())


def receive(ready: Any, gate: Any, source: Any, out: Any) -> None:
    put, kept = put_of(out), []
    meet(ready, gate)
    for given in each(source):
        root = given if type(given) is tuple else given.root
        put((len(root), root[-1][1]))
        kept.append(root)
    put([digest(root) for root in kept])


def as_it_is(root: Graph) -> object:
    return root


def trips(kind: str, nodes: int) -> float:
    """Microseconds."""
    before: Callable[[Graph], Any] = as_it_is
    then: Callable[[Any], Any] = as_it_is
    if kind in FROZEN:
        from intercsp import freeze

        before, then = (
            (freeze, as_it_is) if kind == "frozen" else (as_it_is, freeze)
        )
    roots = [graph(nodes, number) for number in range(TRIPS)]
    given = [before(root) for root in roots]
    net = net_of("intercsp" if kind in FROZEN else kind)
    (tx, source), (out, rx) = net.line(), net.line()
    net.add(receive, source, out)
    put, get, took = put_of(tx), get_of(rx), []
    net.go()
    for root, what in zip(roots, given, strict=True):
        start = perf_counter_ns()
        put(then(what))
        answer = get()
        took.append((perf_counter_ns() - start) / 1e3)
        if answer != (len(root), root[-1][1]):
            raise SystemExit(f"a wrong answer: {answer}")
    finish(tx)
    if get() != [digest(root) for root in roots]:
        raise SystemExit("what arrived is not what was sent")
    net.join()
    return statistics.median(took)


def main() -> int:
    labels = LABELS | FROZEN
    if len(sys.argv) != 2 or sys.argv[1] not in labels:
        print(__doc__, file=sys.stderr)
        return 2
    kind = sys.argv[1]
    for nodes in NODES:
        row = f"{nodes:,} objects: {labels[kind]}"
        us = trips(kind, nodes)
        print(json.dumps({"row": row, "value": us, "unit": "us"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
