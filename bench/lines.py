# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The kinds of Python workers, and of what is between them: what traffic.py and
sizes.py compare. Each is used as those who know it use it.

    intercsp      interpreters, channels of intercsp
    interpreters  interpreters, concurrent.interpreters.Queue
    simple        threads, queue.SimpleQueue
    threads       threads, queue.Queue
    processes     forked processes, multiprocessing.Queue
    pipes         forked processes, multiprocessing.SimpleQueue
    pipe          forked processes, multiprocessing.Pipe: one on each side

A line has two ends: what is sent into, and what is received from. A channel is
iterated, and ends when its senders have closed it; of the others None is the
end, and there is one from each sender or for each receiver.
"""

import multiprocessing
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any

CAPACITY = 64
LABELS = {
    "intercsp": "intercsp",
    "interpreters": "interpreters.Queue",
    "simple": "queue.SimpleQueue",
    "threads": "queue.Queue",
    "processes": "multiprocessing.Queue",
    "pipes": "multiprocessing.SimpleQueue",
    "pipe": "multiprocessing.Pipe",
}


# ---- the ends of a line, whatever kind they are of ----


def is_channel(end: Any) -> bool:
    return hasattr(end, "clone")


def put_of(end: Any) -> Any:
    return end.send if hasattr(end, "send") else end.put


def get_of(end: Any) -> Any:
    return end.recv if hasattr(end, "recv") else end.get


def each(source: Any) -> Iterable[Any]:
    """What comes, until an end."""
    return source if is_channel(source) else iter(get_of(source), None)


def finish(out: Any) -> None:
    """Nothing more comes from here."""
    if is_channel(out):
        out.close()
    else:
        put_of(out)(None)


def meet(ready: Any, gate: Any) -> None:
    """Say that a worker is there, and wait for the others."""
    put_of(ready)(1)
    get_of(gate)()


# ---- workers, and lines between them ----


class Net:
    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._workers: list[Any] = []
        self._ready = self.shared_line()
        self._gate = self.shared_line()

    def line(self) -> tuple[Any, Any]:
        raise NotImplementedError

    def shared_line(self) -> tuple[Any, Any]:
        """One that has many senders or receivers."""
        return self.line()

    def worker(self, work: Any, *args: Any) -> Any:
        """Started, with a join()."""
        raise NotImplementedError

    def add(self, work: Any, *args: Any) -> None:
        worker = self.worker(work, self._ready[0], self._gate[1], *args)
        self._workers.append(worker)

    def go(self) -> int:
        """When all workers are there: tell them to begin."""
        for _ in self._workers:
            get_of(self._ready[1])()
        now = perf_counter_ns()
        for _ in self._workers:
            put_of(self._gate[0])(1)
        return now

    def join(self) -> None:
        for worker in self._workers:
            worker.join()


class Queues(Net):
    """Lines whose ends are one object."""

    def __init__(self, make: Callable[[int], Any], start: Any, n: int) -> None:
        self._make = make
        self._start = start
        super().__init__(n)

    def line(self) -> tuple[Any, Any]:
        made = self._make(self._capacity)
        return made, made

    def worker(self, work: Any, *args: Any) -> Any:
        worker = self._start(target=work, args=args)
        worker.start()
        return worker


class Pipes(Queues):
    def line(self) -> tuple[Any, Any]:
        source, out = multiprocessing.Pipe(duplex=False)
        return out, source

    def shared_line(self) -> tuple[Any, Any]:
        return super().line()


class Interpreters(Net):
    def __init__(self, capacity: int) -> None:
        self._made: list[Any] = []
        super().__init__(capacity)

    def line(self) -> tuple[Any, Any]:
        from concurrent.interpreters import create_queue

        made = create_queue(self._capacity)
        return made, made

    def worker(self, work: Any, *args: Any) -> Any:
        from concurrent.interpreters import create

        made = create()
        self._made.append(made)
        made.exec(f"import sys; sys.path.insert(0, {sys.path[0]!r})")
        return made.call_in_thread(work, *args)

    def join(self) -> None:
        super().join()
        for made in self._made:
            made.close()  # not before: what it has put is lost then


class Channels(Net):
    def __init__(self, capacity: int) -> None:
        self._given: list[Any] = []
        super().__init__(capacity)

    def line(self) -> tuple[Any, Any]:
        import intercsp as csp

        return csp.channel(self._capacity)

    def worker(self, work: Any, *args: Any) -> Any:
        import intercsp as csp

        ends = [arg for arg in args if is_channel(arg)]
        self._given += ends
        return csp.spawn(work, *(a.clone() if a in ends else a for a in args))

    def go(self) -> int:
        """No worker that is still to come needs what others were given."""
        for end in self._given:
            end.close()
        return super().go()


def net_of(kind: str, capacity: int = CAPACITY) -> Net:
    if kind == "intercsp":
        return Channels(capacity)
    if kind == "interpreters":
        return Interpreters(capacity)
    if kind == "simple":
        return Queues(lambda _: queue.SimpleQueue(), threading.Thread, capacity)
    if kind == "threads":
        return Queues(queue.Queue, threading.Thread, capacity)
    context = multiprocessing.get_context("fork")
    if kind == "processes":
        return Queues(context.Queue, context.Process, capacity)
    nets = {"pipes": Queues, "pipe": Pipes}
    return nets[kind](
        lambda _: context.SimpleQueue(), context.Process, capacity
    )
