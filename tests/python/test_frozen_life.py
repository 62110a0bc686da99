# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Frozen graphs are never written to, whoever uses them in whatever way; they
live while somebody has them, and then their memory is given back."""

import gc
import json
import os
import subprocess
import sys
import threading
import warnings
from importlib.util import find_spec
from typing import NamedTuple

import pytest

import intercsp as csp
import openers
from intercsp import _frozen
from support import DEADLINE, SANITIZED, count, resident, run_isolated, until

_interpreters = pytest.importorskip("_interpreters")


def frozen(obj):
    return csp.freeze(obj, protect=True)


def graphs():
    return len(csp.frozen_stats().graphs)


def maps():
    """What is mapped here."""
    with open("/proc/self/maps") as file:
        return [
            [int(x, 16) for x in line.split()[0].split("-")] for line in file
        ]


def is_mapped(address):
    return any(begin <= address < end for begin, end in maps())


# ---- no byte is written ----


@pytest.mark.parametrize(
    ("interpreters", "options"),
    [("8", ()), ("0", ()), ("0", ("-X", "dev", "-W", "default"))],
    ids=["eight", "main", "dev"],
)
def test_no_use_writes_to_a_graph(interpreters, options):
    done = run_isolated(
        "frozen_uses.py",
        interpreters,
        str(count(1)),
        options=options,
        env={**os.environ, "PYTHON_JIT": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 25 * max(1, int(interpreters)) * count(1)


@pytest.mark.skipif(not find_spec("_ctypes"), reason="there is no ctypes")
def test_a_write_to_a_graph_is_seen():
    """Or the test above would show nothing."""
    code = (
        "import ctypes, intercsp as csp\n"
        "root = csp.freeze([2.5], protect=PROTECT).root\n"
        "ctypes.c_double.from_address(id(root[0]) + 16).value = 3.5\n"
        "assert root == (3.5,)\n"
    )
    for protect, status in ((True, -11), (False, 0)):
        text = code.replace("PROTECT", str(protect))
        done = subprocess.run([sys.executable, "-c", text], capture_output=True)
        assert done.returncode == status or (SANITIZED and protect)


# ---- interpreters that go ----


class Opener:
    """An interpreter of the standard library that opens graphs."""

    def __init__(self):
        self.id = _interpreters.create()

    def open(self, n):
        """Open a graph of its own with n numbers, and keep it; its address."""
        reader, writer = os.pipe()
        code = (
            "import intercsp as csp\n"
            f"graph = csp.freeze(['name_x', *map(float, range({n}))])\n"
            "kept = graph.root\n"
            "setattr(csp, kept[0], kept)\n"
            "del graph\n"
            f"import os; os.write({writer}, str(id(kept)).encode())\n"
        )
        assert _interpreters.exec(self.id, code) is None
        with open(reader, "rb") as pipe:
            os.close(writer)
            return int(pipe.read())

    def end(self):
        _interpreters.destroy(self.id)


def test_interpreters_of_the_standard_library_let_go_when_destroyed():
    before = graphs()
    openers_made = [Opener() for _ in range(3)]
    for opener in openers_made:
        opener.open(100)
    stats = csp.frozen_stats().graphs
    assert len(stats) == before + 3
    assert {g.interpreters for g in stats[:3]} == {
        (o.id,) for o in openers_made
    }
    for n, opener in enumerate(openers_made, 1):
        opener.end()
        assert graphs() == before + 3 - n


@pytest.mark.parametrize("by", ["freeze", "drop", "stats"])
def test_what_only_dead_interpreters_had_is_unmapped(by):
    other = frozen([1.5])
    opener = Opener()
    address = opener.open(100)
    opener.end()
    assert is_mapped(address)
    if by == "freeze":
        frozen([2.5])
    elif by == "drop":
        del other
    else:
        graphs()
    assert not is_mapped(address)


def test_a_graph_goes_with_its_last_holder_while_others_go_on():
    ask, asked = csp.channel(1)
    answers, answer = csp.channel(1)
    going_on = csp.spawn(openers.open_graphs, asked, answers)
    kept, before = frozen(["kept", 2.5]), graphs()
    ask.send((kept, None))
    assert answer.recv() == "('kept', 2.5)"
    asks = [csp.channel(1) for _ in range(3)]
    f = frozen(["x" * 3000, 7.5])
    address = []
    processes = []
    for _tx, rx in asks:
        there, here = csp.channel(1)
        processes.append(csp.spawn(openers.hold, f, rx, there))
        address.append(here.recv())
    del f
    assert len(set(address)) == 1
    assert is_mapped(address[0])
    assert len(csp.frozen_stats().graphs[0].interpreters) == 3
    for n, (tx, _rx) in enumerate(asks, 1):
        assert graphs() == before + 1
        assert is_mapped(address[0])
        tx.close()
        processes[n - 1].join(DEADLINE)
    assert graphs() == before
    assert not is_mapped(address[0])
    ask.send((kept, None))
    assert answer.recv() == "('kept', 2.5)"
    ask.close()
    going_on.join(DEADLINE)


def test_graphs_that_come_and_go_leave_no_memory():
    done = run_isolated("frozen_cycles.py", str(count(300)))
    assert (done.returncode, done.stderr) == (0, "")
    grown = json.loads(done.stdout)
    if not SANITIZED:
        # CPython 3.13 keeps every arena of every interpreter, 2 or 3 of 1 MiB
        most = max(0, grown["plain"]) * 1.25 + 1024
        assert grown["frozen"] <= most, grown


# ---- many versions of one graph ----


def reload(versions, limit, what):
    """Look into so many versions of a graph of 1 MB here; say what was seen."""
    csp.frozen_limit = limit
    text = "x" * (1 << 20)
    opened = csp.frozen_stats().opened
    nbytes = warned = 0
    gc.collect()
    before = resident()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(versions):
            f = csp.freeze([text, i + 5000.5])
            assert getattr(f, what)[1] == i + 5000.5
            nbytes += f.nbytes
            if caught and not warned:
                warned = csp.frozen_stats().opened
    assert len(caught) in (0, versions - limit // f.nbytes)
    del f
    still_open = csp.frozen_stats().opened - opened
    gc.collect()
    return still_open, nbytes, warned, resident() - before


@pytest.mark.parametrize("what", ["root", "view"])
def test_versions_of_a_graph(what):
    n, before = min(1000, count(50)), graphs()
    limit = n // 2 << 20
    process = csp.spawn(reload, n, limit, what)
    opened, nbytes, warned, grown = process.result(DEADLINE)
    if what == "root":
        assert opened == nbytes > n << 20
        assert limit < warned < limit + (2 << 20)
    else:
        assert (opened, warned) == (0, 0)
        assert grown < 8 << 20 or SANITIZED
    del process
    until(lambda: graphs() == before)


# ---- many at once ----


def test_many_open_send_drop_and_freeze_at_once(rng):
    before = graphs()
    n, steps = 4, count(150)
    pairs = [csp.channel(8) for _ in range(n)]
    processes = [
        csp.spawn(
            openers.juggle,
            rng.randrange(1 << 30),
            steps,
            pairs[i][1],
            [tx.clone() for tx, _ in pairs],
        )
        for i in range(n)
    ]
    del pairs
    assert sum(process.result(DEADLINE * 2) for process in processes) >= n
    del processes
    until(lambda: graphs() == before)


def test_many_threads_of_one_interpreter_open_the_same():
    """Records and sets are built once, or at least the same for all."""
    f = frozen([[{i, str(i)}, openers.Kept(i)] for i in range(50)])
    barrier = threading.Barrier(4)
    roots = []

    def look(graph):
        barrier.wait()
        roots.append(graph.root)

    tx, rx = csp.channel(4)
    for _ in range(4):
        tx.send(f)
    graphs_here = [rx.recv() for _ in range(4)]
    threads = [
        threading.Thread(target=look, args=(graph,)) for graph in graphs_here
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(root is roots[0] for root in roots)


class Point(NamedTuple):
    x: int


def test_a_graph_that_is_opened_while_it_is_opened(monkeypatch):
    def make(items):
        if not inner:
            inner.append(None)
            inner[0] = nested.root
        return real(items)

    inner, real = [], _frozen.make
    nested, plain = csp.freeze([Point(1)]), csp.freeze([Point(2)])
    monkeypatch.setattr(_frozen, "make", make)
    root = nested.root
    is_same = root is inner.pop()
    inner.append(None)
    other = plain.root
    assert is_same
    assert sys.getrefcount(root) == sys.getrefcount(other)
