# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Why others are ahead of intercsp where they are, and what would change it.

A reason is given for rows that are named: a question, a row of ours in it, and
who is ahead of that row. tests/docs finds those that have none in
docs/benchmarks.json, and reasons for rows where nobody is ahead any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

Key = tuple[str, str, str]  # a question, our row, who is ahead


@dataclass
class Reason:
    """The bound says how much better it could be, where that is known."""

    name: str
    why: str
    change: str
    rows: set[Key]
    bound: str = ""


def behind(
    question: str, rows: str | Iterable[str], *rivals: str
) -> Iterable[Key]:
    """Each of the rows is behind each of the rivals."""
    rows = [rows] if isinstance(rows, str) else rows
    return product([question], rows, rivals)


def pools(measure: str, numbers: Iterable[int], *rivals: str) -> set[Key]:
    return {
        key
        for n in numbers
        for key in behind(f"pools-{n}", f"{measure}: intercsp", *rivals)
    }


def workers(measure: str, numbers: Iterable[int], *rivals: str) -> set[Key]:
    rows = [
        f"{n} worker{'' if n == 1 else 's'}, {measure}: intercsp"
        for n in numbers
    ]
    return {*behind("workers", rows, *rivals)}


GO = ("Go", "Go, one thread")
LOOPS = ("serial", "serial, pickled")
THREADS = "ThreadPoolExecutor"
FORK = "ProcessPoolExecutor, fork"
FORKSERVER = "ProcessPoolExecutor, forkserver"
NUMBERS = (1, 2, 4, 8)

REASONS = [
    Reason(
        "Goroutines that share a thread",
        """
Two goroutines change places on one processor: no call of the kernel, and no
cache line that travels. Here two threads on two cores hand over each value.
""",
        """
Both ends in one thread, which would need a scheduler of our own. Interpreters
have threads of their own, so there is no plan for one.
""",
        {*behind("rendezvous", "intercsp", *GO)},
        "Four cache lines travel in a round trip, some 100 ns each.",
    ),
    Reason(
        "What the channel itself sleeps on",
        """
A futex, or an eventfd for an event loop, is what ends the sleep of a channel,
too. It can be reached, not passed: the value still has to be stored, taken, and
looked for before and after the sleep; in an event loop that is Python code,
which runs when all caches are cold.
""",
        "Only a faster wake-up of the kernel, which both would have.",
        {
            *behind("parked", "same core: intercsp", "futex"),
            *behind("parked", "different cores: intercsp", "futex"),
            *behind("aio", "wake, different cores: intercsp", "eventfd"),
            *behind("aio", "wake, same core: intercsp", "eventfd"),
        },
        "The rival's own figure.",
    ),
    Reason(
        "Threads of one interpreter, one at a time",
        """
A `queue.SimpleQueue` passes a pointer to an object that all its threads share.
They share a GIL, too: one thread runs at a time, moves many values in a row,
and waits for no cache line of another core. Interpreters run side by side and
do wait for it. For the same reason work that is done with the values runs on
one core there, on all cores here.
""",
        "`send_many()` and `recv_many()`, which pay for many values at once.",
        {
            *behind("fan-in", "fan-in: intercsp", "queue.SimpleQueue"),
            *behind("fan-out", "fan-out: intercsp", "queue.SimpleQueue"),
            *behind(
                "pipeline",
                [f"{n} workers: intercsp" for n in (2, 4, 8)],
                "queue.SimpleQueue",
            ),
        },
    ),
    Reason(
        "Objects that two interpreters cannot share",
        """
Threads of one interpreter pass a pointer, whatever the size. An object of one
interpreter is copied before another may have it: its reference count must not
be changed by two at once. A moved Buffer is not copied, but it is made anew for
each message, as the sender may not touch it any more. Both have their memory
from malloc() on one core and give it back on another: the two contend for a
lock of the C library, and what the sender is given next is what the receiver
has just read, so that its cache lines have to come from the other core.
""",
        """
`freeze()` for what is sent more than once, `share()` for what may be read in
place: neither copies. Buffers that the receiver moves back, to be filled again:
no memory is had and given back then.
""",
        {
            *behind(
                "sizes",
                ["1 KiB: intercsp", "1 KiB: intercsp, moved Buffer"],
                "queue.SimpleQueue",
                "asyncio.Queue",
            ),
            *behind(
                "sizes",
                [
                    "64 KiB: intercsp",
                    "64 KiB: intercsp, moved Buffer",
                    "100 MiB: intercsp",
                ],
                "asyncio.Queue",
            ),
            *behind("pool", "large: intercsp", THREADS),
            *behind(
                "sizes",
                ["64 KiB: intercsp", "64 KiB: intercsp, moved Buffer"],
                "queue.Queue",
            ),
            *behind(
                "nested",
                [
                    f"{objects} objects: {who}"
                    for objects in ("100", "1,000", "10,000", "100,000")
                    for who in ("intercsp", "intercsp, frozen on the way")
                ],
                "queue.SimpleQueue",
            ),
        },
        "For what is copied, memcpy: see the figures of the machine above.",
    ),
    Reason(
        "A Buffer is more than eight bytes",
        """
To make a Buffer, to fill it, to move it and to look into it are operations of
their own, and to move it back is a second message. Eight bytes fit into the
slot of a channel as they are.
""",
        "To send small bytes as bytes: see the row.",
        {
            *behind(
                "sizes",
                [
                    "8 B: intercsp, moved Buffer",
                    "8 B: intercsp, moved Buffer, moved back",
                ],
                "queue.SimpleQueue",
            ),
            *behind("sizes", "8 B: intercsp, moved Buffer", "asyncio.Queue"),
        },
    ),
    Reason(
        "A queue that polls",
        """
The receiver of an `interpreters.Queue` looks every 10 ms, and takes all that is
there by then: the two work by turns, and are in each other's way neither in
malloc() nor in memory. A channel keeps both at work at the same time.
""",
        "Buffers that the receiver moves back, to be filled again.",
        {*behind("sizes", "1 MiB: intercsp", "interpreters.Queue")},
        "The wait of 10 ms is what it pays: see the question `channel`.",
    ),
    Reason(
        "A frozen graph is opened, elsewhere",
        """
Nothing is copied, but who receives it opens it, which takes about a
microsecond, and makes views of its parts on the way through it. Question and
answer travel between two cores; threads of one interpreter change places on
one.
""",
        """
Views for which CPython has specialised code, as it has for its own tuples.
""",
        {
            *behind(
                "nested",
                [
                    f"{objects} objects: intercsp, frozen already"
                    for objects in ("100", "1,000", "10,000")
                ],
                "queue.SimpleQueue",
            )
        },
        "A round trip of an int: see the question `channel`.",
    ),
    Reason(
        "More work than processors",
        """
All do the same work on the same processors, and no part of it waits for
another. Who is ahead by how the parts fell in that run is behind in the next.
""",
        "More processors, or more rounds.",
        {
            *behind(
                "pool-work",
                "pbkdf2, 1 worker: intercsp",
                "InterpreterPoolExecutor",
            ),
            *behind("pool-work", "pbkdf2, 4 workers: intercsp", THREADS),
            *behind("pool-work", "factorial, 4 workers: intercsp", FORKSERVER),
        },
    ),
    Reason(
        "Tasks of one loop, one at a time",
        """
An `asyncio.Queue` is used by one thread, which passes a pointer and changes
places with itself: no core waits for another, and none works beside it either.
A list of 128 costs it as little as one number.
""",
        "Larger lists for `send_many()` and `recv_many()`.",
        {*behind("batch", "batch: intercsp", "asyncio.Queue")},
    ),
    Reason(
        "Slots that are made once",
        """
Two semaphores say which slots of a piece of shared memory are full: no memory
is had and given back for a message. They carry bytes of a size that is agreed
on before, from one sender to one receiver, and nothing else.
""",
        """
Buffers that the receiver moves back, to be filled again: see the row. They are
slots, too, and of any size.
""",
        {
            *behind(
                "sizes",
                [
                    "64 KiB: intercsp",
                    "64 KiB: intercsp, moved Buffer",
                    "1 MiB: intercsp",
                    "100 MiB: intercsp",
                    "100 MiB: intercsp, moved Buffer",
                ],
                "shared_memory",
            )
        },
    ),
    Reason(
        "Memory that is frozen",
        """
The tables of mappings, and the hashes and UTF-8 forms that are computed in
advance, take memory that CPython's own objects use when they need it.
""",
        "Nothing that is planned: the same is used by all interpreters.",
        {*behind("frozen", "memory: intercsp, frozen", "own objects")},
    ),
    Reason(
        "Subscripts of mappings",
        """
CPython has specialised bytecode for the subscripts of a dict, none for those of
the `types.MappingProxyType` that a frozen dict is before Python 3.15.
""",
        "Python 3.15, where a frozen dict is a `frozendict`.",
        {*behind("frozen", "look-up by equal keys: intercsp", "a dict")},
    ),
    Reason(
        "A loop hands nothing over",
        "There is no worker who has to be told, or to wake the one who asks.",
        "Nothing: a program that has one call should make it itself.",
        {
            *behind("pool", "one: intercsp", *LOOPS),
            *behind("pool", "large: intercsp", "serial"),
        },
    ),
    Reason(
        "A thread lives in the interpreter of its parent",
        """
It starts with modules that are loaded, and has nothing of its own to keep or to
take down. It shares the GIL as well. A worker of intercsp is a whole
interpreter with modules of its own.
""",
        """
Pools that are kept, and started early (`warm=`); in CPython, interpreters that
take less than the 5 to 15 ms and 2 MiB that it needs for an empty one.
""",
        {
            *pools("cold, trivial", NUMBERS, THREADS),
            *pools("cold, sleep(0.1)", NUMBERS, THREADS),
            *pools("cold, n-body", [8], THREADS),
            *pools("teardown", NUMBERS, THREADS),
            *workers("start", [1, 10, 100], "threads"),
            *workers("memory", [1, 10, 100], "threads"),
        },
        "CPython alone takes 5 ms to make an interpreter, and 2 MiB.",
    ),
    Reason(
        "A forked process has what its parent has",
        """
fork() copies page tables: modules are there already, and pages stay shared
until somebody writes to them. An interpreter imports its modules itself. (A
program that has threads cannot fork safely; that is why forkserver is the
default of CPython.)
""",
        """
Pools that are kept, and started early (`warm=`); in CPython, interpreters that
share what their modules never change.
""",
        {
            *pools("cold, trivial", NUMBERS, FORK),
            *pools("cold, sleep(0.1)", NUMBERS, FORK),
            *pools("cold, n-body", NUMBERS, FORK),
            *workers("start", [1, 10, 100], "processes, fork"),
            *workers("memory", [1, 10, 100], "processes, fork"),
        },
        "CPython alone takes 5 ms to make an interpreter, and 2 MiB.",
    ),
    Reason(
        "Many workers start one after another",
        """
CPython makes one interpreter at a time, on however many cores; the server of
forkserver forks processes that start side by side.
""",
        "Locks in CPython that let two interpreters start at once.",
        {*workers("start", [100], "processes, forkserver")},
        "A hundred times 5 ms.",
    ),
    Reason(
        "A process just exits",
        """
The kernel takes back its memory at once. The interpreter of a worker is taken
down object by object, as others go on in the same memory.
""",
        "A quicker `Py_EndInterpreter()` in CPython.",
        {
            *pools("teardown", NUMBERS, FORK, FORKSERVER),
        },
        "CPython alone takes 1.5 to 3 ms to end an interpreter.",
    ),
    Reason(
        "Many channels, in one thread",
        """
A `queue.SimpleQueue` is guarded by the GIL of the threads that share it; in a
channel a send and a receive are each an exchange of 16 bytes that all
processors see. A channel of capacity 16 takes 720 bytes, too, and has two ends,
which are objects; a `queue.SimpleQueue` is one object of a fraction of that.
Where so many are used in turn that the caches do not hold them, a send and a
receive wait for memory, and for more of it.
""",
        "Nothing that is planned: it is what other interpreters need.",
        {
            *behind(
                "many-channels",
                [f"intercsp: {n}" for n in (1, 10, 100, 1000, 10_000, 100_000)],
                "queue.SimpleQueue",
            ),
        },
    ),
]

OF: dict[Key, Reason] = {key: r for r in REASONS for key in r.rows}
