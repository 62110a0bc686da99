# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What do frozen graphs cost: to make, to send, to keep, to use?

Usage: frozen.py MEASURE [NODES]

    send          to another interpreter, which opens it and answers with its
                  len(); the same of an int
    size          the same, as points of a curve
    interpreters  the same through concurrent.interpreters.Queue (all of it)
    processes     the same through multiprocessing.Pipe (all of it)
    walk          through all objects, the interpreter's own and frozen ones
    freeze        against pickle.dumps, in huge pages and in small ones
    memory        against the objects that were frozen
    look-up       in a mapping of NODES / 50 entries, with the keys that it has
                  and with equal ones

A graph is a tuple of records of nine objects: tuples, str, int, float, bytes.
Who receives one answers, and after what is measured says what he finds in all
of it.
"""

import ctypes
import gc
import inspect
import json
import multiprocessing
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter_ns
from typing import Any

from pin import pin

import intercsp as csp

NODES = 1_000_000
PER_RECORD = 9
RECEIVERS = 5  # each opens a graph for the first time
WARM = 2000  # round trips
PR_SET_THP_DISABLE = 41

type Graph = tuple[Any, ...]
type Row = tuple[str, float, str]


def record(i: int) -> Graph:
    part = (f"part {i}", i * 3 + 5000, -float(i))
    return (i * 7919 + 1_000_000, f"name-{i:07}", i * 0.5, b"load%d" % i, part)


def graph(nodes: int) -> Graph:
    return tuple([record(i) for i in range(max(1, nodes // PER_RECORD))])


def walk(root: Graph) -> int:
    """How many objects there are, each time that it is met."""
    n, stack = 0, [root]
    pop, extend = stack.pop, stack.extend
    while stack:
        obj = pop()
        n += 1
        if type(obj) is tuple:
            extend(obj)
    return n


def digest(root: Graph) -> tuple[int, ...]:
    """Something of each object."""
    texts = sum(len(name) + len(p[0]) + len(b) for _, name, _, b, p in root)
    numbers = sum(i + p[1] for i, _, _, _, p in root)
    floats = sum(int(2 * f + p[2]) for _, _, f, _, p in root)
    return texts, numbers, floats


def time_of(call: Callable[[], object]) -> float:
    """Milliseconds."""
    start = perf_counter_ns()
    result = call()
    took = perf_counter_ns() - start
    del result
    return took / 1e6


def in_turn(calls: dict[str, Callable[[], object]], rounds: int) -> list[Row]:
    """The median of each, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(time_of(call))
    return [(name, median(each), "ms") for name, each in times.items()]


# ---- sending ----


def asking(rx: csp.RecvChannel) -> Callable[[], Any]:
    """A receive that asks again and again: a wait that gave up its processor
    would be longer than all that is measured."""
    recv = rx.recv_nowait

    def get() -> Any:
        while (got := recv(None)) is None:
            pass
        return got

    return get


def serve(given: csp.RecvChannel, answers: csp.SendChannel) -> None:
    pin(1)
    get, put = asking(given), answers.send
    put("ready")
    while (what := get()).__class__ is not str:
        if what.__class__ is int:
            put(what)
        else:
            root = what.root
            put(len(root))
    put(digest(root))


def echo_of(put: Any, get: Any, what: object) -> float:
    """Microseconds."""
    start = perf_counter_ns()
    put(what)
    got = get()
    took = perf_counter_ns() - start
    if what.__class__ is not int and got != len(what.root):  # type: ignore
        raise SystemExit(f"a wrong answer: {got}")
    return took / 1e3


def round_trips(nodes: int) -> tuple[float, float, float]:
    """Microseconds: of an int, of a graph the first time, and later."""
    root = graph(nodes)
    expected = digest(root)
    frozen = csp.freeze(root)
    others = [csp.freeze(graph(10)) for _ in range(20)]
    del root
    ints, firsts, agains = [], [], []
    pin(0)
    for _ in range(RECEIVERS):
        (tx, given), (answers, rx) = csp.channel(1), csp.channel(1)
        process = csp.spawn(serve, given, answers)
        put, get = tx.send, asking(rx)
        rx.recv()
        for other in others:  # so that no code runs for the first time
            echo_of(put, get, other)
        ints += [echo_of(put, get, i) for i in range(WARM)][WARM // 2 :]
        firsts.append(echo_of(put, get, frozen))
        agains += [echo_of(put, get, frozen) for _ in range(WARM)]
        put("the end")
        if get() != expected:
            raise SystemExit("what arrived is not what was sent")
        process.join()
    return median(ints), median(firsts), median(agains)


def send(nodes: int) -> Iterator[Row]:
    an_int, first, again = round_trips(nodes)
    yield "an int, there and back", an_int, "us"
    yield f"{nodes:,} nodes: intercsp", first, "us"
    yield f"{nodes:,} nodes, open already", again, "us"


def size(nodes: int) -> Iterator[Row]:
    an_int, first, again = round_trips(nodes)
    yield f"an int instead: {nodes}", an_int, "us"
    yield f"first: {nodes}", first, "us"
    yield f"again: {nodes}", again, "us"


def receive(get: Any, put: Any) -> None:
    put("ready")
    root = None
    while (given := get()) is not None:
        root = given
        put(len(root))
    put(digest(root))


def peer(who: str, put: Any, get: Any, join: Any, nodes: int) -> Iterator[Row]:
    root = graph(nodes)
    if get() != "ready":
        raise SystemExit("the other side did not start")
    times = []
    for _ in range(2):
        start = perf_counter_ns()
        put(root)
        if get() != len(root):
            raise SystemExit("a wrong answer")
        times.append((perf_counter_ns() - start) / 1e3)
    put(None)
    if get() != digest(root):
        raise SystemExit("what arrived is not what was sent")
    join()
    yield f"{nodes:,} nodes: {who}", min(times), "us"


def interpreters(nodes: int) -> Iterator[Row]:
    from concurrent.interpreters import create, create_queue

    there, back = create_queue(), create_queue()
    interpreter = create()
    interpreter.prepare_main(there=there, back=back)
    text = "from typing import Any\ntype Graph = object\n"
    text += "".join(map(inspect.getsource, (digest, receive)))
    text += "receive(there.get, back.put)\n"
    thread = threading.Thread(target=interpreter.exec, args=(text,))
    thread.start()

    def join() -> None:
        thread.join()
        interpreter.close()

    yield from peer("interpreters.Queue", there.put, back.get, join, nodes)


def processes(nodes: int) -> Iterator[Row]:
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    process = context.Process(target=receive, args=(theirs.recv, theirs.send))
    process.start()
    yield from peer(
        "multiprocessing.Pipe", mine.send, mine.recv, process.join, nodes
    )


# ---- using ----


def walks(nodes: int) -> Iterator[Row]:
    own = graph(nodes)
    frozen = csp.freeze(own).root
    if walk(own) != walk(frozen) or own != frozen:
        raise SystemExit("the frozen graph is not the same")
    yield from in_turn(
        {
            "a walk: own objects": lambda: walk(own),
            "a walk: intercsp, frozen": lambda: walk(frozen),
        },
        15,
    )


def no_huge_pages(value: int) -> None:
    """In all of this process, from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_THP_DISABLE, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def freezes(nodes: int) -> Iterator[Row]:
    own = graph(nodes)
    if csp.freeze(own).root != pickle.loads(pickle.dumps(own, -1)):
        raise SystemExit("the frozen graph is not the same")

    def in_small_pages() -> csp.Frozen:
        no_huge_pages(1)
        try:
            return csp.freeze(own)
        finally:
            no_huge_pages(0)

    yield from in_turn(
        {
            "to make it: intercsp": lambda: csp.freeze(own),
            "to make it: intercsp, small pages": in_small_pages,
            "to make it: pickle.dumps": lambda: pickle.dumps(own, -1),
        },
        9,
    )


def bytes_of(root: Graph) -> int:
    """Of all objects, each once."""
    seen, total, stack = set(), 0, [root]
    while stack:
        obj = stack.pop()
        if id(obj) not in seen:
            seen.add(id(obj))
            total += sys.getsizeof(obj)
            if type(obj) is tuple:
                stack.extend(obj)
    return total


def memory(nodes: int) -> Iterator[Row]:
    own = graph(nodes)
    yield "memory: own objects", bytes_of(own) / 1e6, "MB"
    yield "memory: intercsp, frozen", csp.freeze(own).nbytes / 1e6, "MB"


def look_up(mapping: Mapping[str, Graph], keys: list[str]) -> None:
    for key in keys:
        mapping[key]


def look_ups(nodes: int) -> Iterator[Row]:
    n = nodes // 50
    own = {f"key-{i:07}": record(i) for i in range(n)}
    frozen = csp.freeze(own).root
    if dict(frozen) != own:
        raise SystemExit("the frozen mapping is not the same")
    calls: dict[str, Callable[[], object]] = {}
    for what, mapping in {"a dict": own, "intercsp": frozen}.items():
        its = list(mapping)
        equal = [key[:1] + key[1:] for key in its]
        for keys, name in (
            (its, "look-up by its keys"),
            (equal, "look-up by equal keys"),
        ):
            calls[f"{name}: {what}"] = lambda m=mapping, k=keys: look_up(m, k)
    for name, ms, _ in in_turn(calls, 101):
        yield name, ms * 1e6 / n, "ns"


def main() -> int:
    measures = {
        "send": send,
        "size": size,
        "interpreters": interpreters,
        "processes": processes,
        "walk": walks,
        "freeze": freezes,
        "memory": memory,
        "look-up": look_ups,
    }
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in measures:
        print(__doc__, file=sys.stderr)
        return 2
    gc.disable()  # it would be at work for whoever makes objects
    nodes = int(sys.argv[2]) if len(sys.argv) == 3 else NODES
    for row, value, unit in measures[sys.argv[1]](nodes):
        print(json.dumps({"row": row, "value": value, "unit": unit}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
