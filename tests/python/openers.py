# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What tests of frozen graphs run in other interpreters."""

import random
import sys
import typing

import intercsp as csp


def open_graphs(asked, answers):
    """Open what comes, with a folder to import from, and say what it is."""
    for graph, path in asked:
        if path:
            sys.path.insert(0, path)
        try:
            answers.send(repr(graph.root))
        except ImportError as error:
            answers.send(type(error).__name__)
        if path:
            sys.path.remove(path)
        del graph


class Kept(typing.NamedTuple):
    """A record whose class leads to graphs with such records."""

    n: int


def keep_in_class():
    Kept.graph = csp.freeze([Kept(1), 2.5])
    assert Kept.graph.root[0] == (1,)
    Kept.view = csp.freeze([3.5]).view
    Kept.iterator = iter(Kept.view)


def hold(graph, rx, tx):
    """Open it and keep it until nothing more comes; say where it is."""
    root = graph.root
    del graph
    globals()[root[0]] = root
    tx.send(id(root))
    list(rx)


def make(rng, n):
    """A graph that knows what it is of: [n, text of n, parts of n...]."""
    parts = [n, "t" * (n % 3000), {f"k{i}": n for i in range(n % 20)}]
    if n % 3 == 0:
        parts.append({n, (n, "deep")})
    if n % 5 == 0:
        parts.append([Kept(n)])
    return csp.freeze(parts, protect=rng.random() < 0.5)


def check(root):
    n = root[0]
    assert root[1] == "t" * (n % 3000)
    assert dict(root[2]) == {f"k{i}": n for i in range(n % 20)}
    for part in root[3:]:
        assert part in ({n, (n, "deep")}, (Kept(n),))


def juggle(seed, steps, rx, txs):
    """Freeze, open, view, send and drop graphs and parts at random; say how
    many have come from others."""
    rng = random.Random(seed)
    held, came = [make(rng, rng.randrange(1000))], 0
    for _ in range(steps):
        graph = held[rng.randrange(len(held))]
        what = rng.randrange(5)
        if what == 0:
            held.append(make(rng, rng.randrange(1000)))
        elif what == 1:
            check(graph.root)
        elif what == 2:
            check((*graph.view[:2], graph.view[2].copy()))
        elif what == 3:
            part = graph.root if rng.random() < 0.5 else graph.root[2]
            item = rng.choice([graph, part, [graph, part]])
            try:
                txs[rng.randrange(len(txs))].send_nowait(item)
            except (csp.Full, csp.Closed):
                pass
        elif len(held) > 1:
            held.remove(graph)
        try:
            item = rx.recv_nowait()
        except (csp.Empty, csp.Closed):
            continue
        came += 1
        if isinstance(item, csp.Frozen):
            held.append(item)
        elif isinstance(item, list):
            check(item[0].root)
        elif isinstance(item, tuple):
            check(item)
    return came
