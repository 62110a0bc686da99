# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What report.py says between the figures."""

INTRODUCTION = """
Is this faster than what you use today, and by how much? One command answers
for your machine:

    make bench

It measures what the machine can do, asks one question after another, and lets
intercsp and its peers take turns at each, for several rounds. All of them do
the same work, and what arrives is checked: sums, echoes, lengths. A table
shows medians, and the middle half of all rounds (from the first to the third
quartile). *To the first* is how many times as much as the first one in the same
round: the median of these ratios, and their middle half. It is *a tie* where
rounds disagree about who is ahead (of six or more, one may), or where it is 1 %
or less. What is ours is bold. A picture shows some of a table: bars, or where
one is over 20 times another, dots on a logarithmic scale.

Somebody else is ahead of many of these rows: [each of them is
named](#where-intercsp-is-not-first), with who, by how much, why, and what would
change it.

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
receiver compares all bytes where they have arrived, with what they must be; the
clock begins when memory of as much as a line holds was used before. In
*select-lines* one receiver waits for several lines at once, which channels,
pipes and tasks can and the queues cannot.
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
`intercsp.futures.InterpreterPoolExecutor`. *cold* begins with making the pool,
*warm* when all its workers are there, *teardown* is `shutdown()`; *large* is
100 MiB, from the moment that the worker has made them. Memory is the
proportional set of all processes together. What the program imports for its
pool or its workers it has before the clock runs.
""",
        [
            *("pool", "pool-work", "pools-1", "pools-2", "pools-4", "pools-8"),
            *("workers", "restarts"),
        ],
    ),
    "How costs grow": (
        """
The exponent is fitted to the medians, in logarithms: 0 is a cost that stays the
same, 1 one that grows with the number. It is fitted from the last number that
costs less than twice the least, as what all numbers cost would hide how the
rest grows; to all points where that leaves fewer than three. R² says how much
of the difference between the points this explains: little, where there is none.
""",
        [
            *("many-channels", "many-waiters", "many-interpreters"),
            *("select-width", "bytes", "graphs"),
        ],
    ),
}

LOST = """
Every row of ours above that somebody is ahead of, each of those who are, why,
and what would change that. How many times: in the same round, the median and
the middle half.
"""

TIES = """
Here another has the better median, but rounds disagree about who is ahead, or
it is by 1 % or less.
"""

REPEAT = """
    make bench                         # all, to build/bench/benchmarks.md
    make bench ARGS=--quick            # less than two minutes, no Go or Rust
    make bench ARGS="--only channel"   # one question; --list names them
    make bench ARGS="--baseline FILE"  # FILE: the benchmarks.json of a run
    make bench ARGS="--json FILE"      # the figures, as they come
    make bench ARGS="--out docs"       # this page; takes whole runs only
    make bench ARGS=--help             # the rest

`--baseline` asks what seems slower up to four times, takes the best round of
each side, and allows for what the peers have become slower by, so that it is
the program that is judged and not the hour. A question is one entry in
`bench/questions/`, a contestant is a program that prints figures as JSON.
"""

MISSED = """
The aims are in `bench/questions/`; a run says of each whether it was met.
"""
