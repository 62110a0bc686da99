# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What report.py says between the figures, and why others are first where they
are. A row that is lost without a reason here is a defect of docs/benchmarks.md,
and tests/docs finds it."""

INTRODUCTION = """
Is this faster than what you use today, and by how much? One command answers
for your machine:

    make bench

It measures what the machine can do, asks one question after another, and lets
intercsp and its peers take turns at each, for several rounds. All of them do
the same work, and what arrives is checked: sums, echoes, lengths. A table
shows medians, and the middle half of all rounds (from the first to the third
quartile). *To the first* is how many times as much as the first one's median.
What is ours is bold. The bars of a picture are logarithmic where one is over
20 times another.

Compare figures of one run only: another day, another machine, and all of them
move together. A run on a machine that does not show two free cores is void.

This page was written from the figures of one run, `benchmarks.json` beside it:
"""

VOID = "This run is void: the machine did not show two free cores all the time."

SECTIONS: dict[str, tuple[str, list[str]]] = {
    "Channels in C": (
        """
One thread or several of one process, through the shared library. Go and
crossbeam-channel (Rust) are what Debian packages; the mutex queue is a bounded
queue of one mutex and two condition variables, in C.
""",
        [
            *("pair", "stream", "crowd", "echo", "rendezvous", "parked"),
            *("select-echo", "select", "idle", "memory"),
        ],
    ),
    "Channels in Python": (
        """
Workers of intercsp and of `concurrent.interpreters` are interpreters with a
GIL of their own, those of multiprocessing are forked processes. Threads (of
`queue`) share one GIL, and tasks (of asyncio) one thread: their queues are
quick because nobody else can run meanwhile. What can hold 64 messages does, of
8 lists or of 64 MiB; `queue.SimpleQueue` has no bound, and a pipe has its own.

Every number that arrives is added up, and must be greater than the one before
from the same sender. In *sizes* the sender makes every message by a copy of so
many bytes, into a new `bytes`, a new Buffer or a slot of shared memory, and the
receiver compares all bytes where they have arrived, with what they must be.
""",
        [
            *("channel", "fan-in", "fan-out", "pipeline"),
            *("select-lines", "batch", "sizes"),
            *("operations", "aio", "waiting"),
        ],
    ),
    "Values and frozen graphs": (
        "What objects cost that are sent, and a graph that is sent whole.",
        ["values", "nested", "frozen"],
    ),
    "Pools and workers": (
        """
The executors of concurrent.futures, a loop, a loop that pickles, and
`intercsp.futures.InterpreterPoolExecutor`. *start* is until every worker has
done something, *end* is `shutdown()`.
""",
        [
            *("pool", "pool-work", "pools-1", "pools-2", "pools-4", "pools-8"),
            *("workers", "restarts"),
        ],
    ),
    "How costs grow": (
        """
The exponent is fitted to all points: 0 is a cost that stays the same, 1 one
that grows with the number.
""",
        [
            *("many-channels", "many-waiters", "many-interpreters"),
            *("select-width", "bytes", "graphs"),
        ],
    ),
}

LOST = """
Every row above in which somebody else has the better median, and what would
change that.
"""

REPEAT = """
    make bench                         # all, to build/bench/benchmarks.md
    make bench ARGS=--quick            # less than two minutes, no Go or Rust
    make bench ARGS="--only channel"   # one question; --list names them
    make bench ARGS="--baseline FILE"  # FILE: the benchmarks.json of a run
    make bench ARGS="--out docs"       # this page

`--baseline` asks what seems slower up to four times, takes the best round of
each side, and allows for what the peers have become slower by, so that it is
the program that is judged and not the hour. A question is one entry in
`bench/questions/`, a contestant is a program that prints figures as JSON.
"""

MISSED = """
The aims are in `bench/questions/`; a run says of each whether it was met.
"""

CLOSE = "The middle halves of the two overlap in this run."

SHARED = """
Threads of one interpreter share its objects, so the queue passes a pointer,
and its GIL, so that one thread runs at a time and nobody waits for a cache
line of another core: no work is done beside other work either. Between
interpreters a value is copied; `move()`, `share()` and `freeze()` save that.
"""
TASKS = """
Tasks of one loop are one thread, which passes a pointer and changes places with
itself: no core waits for another, and none works beside another either.
"""
NO_POOL = "There is no pool: nothing is started, handed over, or ended."
STARTS = """
A worker is a whole interpreter, with modules of its own, and CPython takes
some 10 ms to make one; a thread or a forked process begins with what its
parent has; the first of a program also pays for the import of intercsp. Keep
pools, and start them early (`warm=`).
"""

# By question, measure and who is first; "" stands for any.
REASONS: dict[tuple[str, str, str], str] = {
    ("rendezvous", "", "Go"): """
Goroutines that share a processor change places without the kernel and without
a cache line that travels; here two threads on two cores hand over each value,
four lines a round trip. Two ends in one thread would need a scheduler of our
own.
""",
    ("rendezvous", "", "Go, one thread"): """
Goroutines that share a thread change places without the kernel and without a
cache line that travels; here two threads on two cores hand over each value,
four lines a round trip. Two ends in one thread would need a scheduler of our
own.
""",
    ("parked", "", "futex"): """
A bare futex is what the channel sleeps on: it can be reached, not passed.
""",
    ("aio", "", "eventfd"): """
A bare eventfd is what wakes the loop: it can be reached, not passed. The rest
is Python code that runs when all caches are cold.
""",
    ("frozen", "look-up by its keys", ""): """
CPython has specialised code for subscripts of dict, none for mappingproxy.
""",
    ("frozen", "look-up by equal keys", ""): """
CPython has specialised code for subscripts of dict, none for mappingproxy.
""",
    ("frozen", "memory", ""): """
The tables of mappings and what is computed in advance take 5 % more.
""",
    ("pool", "cold", "ProcessPoolExecutor"): STARTS,
    ("workers", "", "threads"): STARTS,
    ("workers", "", "processes, fork"): STARTS,
    ("pool-work", "", ""): """
All do the same work in Python on two cores; what differs is what else the
machine did, and in a new interpreter code is specialised anew.
""",
    **{
        (f"pools-{n}", "n-body x 8", ""): """
All do the same work in Python, in parts of some milliseconds: what differs is
how new the code of an interpreter is, and what else the machine did.
"""
        for n in (1, 2, 4, 8)
    },
    ("", "", "serial"): NO_POOL,
    ("", "", "serial, pickled"): NO_POOL,
    ("", "", "queue.SimpleQueue"): SHARED,
    ("", "", "queue.Queue"): SHARED,
    ("", "", "asyncio.Queue"): TASKS,
    ("sizes", "", "shared_memory"): """
Slots of a size that is agreed on before are allocated once, and two semaphores
say which are full: no memory is had and given back for a message. They carry
bytes and nothing else, from one sender to one receiver.
""",
    ("pool", "large", "ThreadPoolExecutor"): SHARED,
    **{
        (f"pools-{n}", "start", first): STARTS
        for n in (1, 2, 4, 8)
        for first in ("ThreadPoolExecutor", "ProcessPoolExecutor, fork")
    },
    **{
        (f"pools-{n}", "end", ""): """
Each worker's interpreter is taken down, object by object; a process just
exits, a thread has nothing of its own.
"""
        for n in (1, 2, 4, 8)
    },
}


def reason(question: str, measure: str, first: str) -> str | None:
    for key in (
        (question, measure, first),
        (question, "", first),
        (question, measure, ""),
        (question, "", ""),
        ("", "", first),
    ):
        if key in REASONS:
            return REASONS[key].strip().replace("\n", " ")
    return None
