# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Usage: frozen_table.py [MEGABYTES [WORKERS]]

A look-up table that several workers serve, three WAYS, each in a program of its
own: the seconds until all have answered, their start included, and how much
memory the whole program has more by then.
"""

import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import intercsp as csp

WAYS: dict[str, Any] = {  # in which form workers get the table
    "frozen": csp.freeze,  # interpreters use the same
    "pickled": pickle.dumps,  # interpreters have one each
    "processes": dict,  # so have processes; multiprocessing pickles it
}


def serve(recv: Any, send: Any) -> None:
    """Have the table come, then look up what is asked until None is."""
    table = recv()
    if isinstance(table, csp.Frozen):
        table = table.root  # at once: the objects are used where they are
    elif isinstance(table, bytes):
        table = pickle.loads(table)
    while (key := recv()) is not None:
        send(table[key])


def start(way: str) -> tuple[Any, ...]:
    if way == "processes":
        here, end = multiprocessing.Pipe()
        other = multiprocessing.Process(target=serve, args=(end.recv, end.send))
        other.start()
        return here.send, here.recv, other.join
    (ask, rx), (tx, answers) = csp.channel(1), csp.channel(1)
    return ask.send, answers.recv, csp.spawn(serve, rx.recv, tx.send).join


def memory() -> float:
    """Megabytes of this program, its processes included."""
    total = 0
    for pid in "self", *(p.pid for p in multiprocessing.active_children()):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(text.split("Pss:")[1].split()[0]) * 1024
    return total / 1e6


def measure(way: str, megabytes: float, count: int) -> None:
    n = int(megabytes * 1e6) // 290  # bytes of an entry
    table = {f"word {i:09}": (i, f"meaning {i}", i * 0.5) for i in range(n)}
    before, began = memory(), perf_counter()
    given = WAYS[way](table)
    workers = [start(way) for _ in range(count)]
    for put, _, _ in workers:
        put(given)
    for (put, get, _), key in zip(workers, table, strict=False):
        put(key)
        assert get() == table[key]
    seconds, more = perf_counter() - began, memory() - before
    for put, _, join in workers:
        put(None), join()
    print(f"{way:10} {seconds:6.2f} s {more:6.0f} MB", flush=True)


if __name__ == "__main__":
    size, count, way = sys.argv[1:] + ["100", "4", ""][len(sys.argv) - 1 :]
    if way:
        measure(way, float(size), int(count))
    for w in () if way else WAYS:
        subprocess.run([sys.executable, __file__, size, count, w], check=True)
