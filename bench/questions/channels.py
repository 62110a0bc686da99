# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of channels in Python."""

from .question import ALL, OURS, Question, Target, at_most, faster

KINDS = (
    "intercsp",
    "interpreters",
    "simple",
    "threads",
    "processes",
    "pipes",
    "pipe",
    "tasks",
)
SHARED = tuple(kind for kind in KINDS if kind != "pipe")  # by many workers
SIZES = (8, 1 << 10, 64 << 10, 1 << 20, 100 << 20)


def traffic(shape: str, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """SHAPE may have a number behind it."""
    return [f"traffic.py {kind} {shape}" for kind in kinds]


IDLE = "50 waiters, 3 s"

QUESTIONS = {
    "channel": Question(
        "integers between two Pythons, one way and to and fro",
        [
            *traffic("one-way"),
            *traffic("echo"),
            *traffic("pinned", ("intercsp", "pipes", "pipe")),
        ],
        [
            Target("one-way", f"one-way: {OURS}", 90),
            at_most(1.3, "one-way: queue.SimpleQueue", row=f"one-way: {OURS}"),
            *faster(100, "interpreters.Queue", measure="one-way"),
            Target("hot echo", f"pinned: {OURS}", 450),
        ],
        rounds=5,
        quick=(" one-way",),
    ),
    "aio": Question(
        "a message to a task of asyncio, and waking one that sleeps",
        [
            *(
                f"aio.py {who} burst"
                for who in ("intercsp", "thread", "process", "task")
            ),
            *(
                f"aio.py {who} {cores}"
                for cores in ("different", "same")
                for who in ("intercsp", "thread", "process", "eventfd")
            ),
        ],
        [
            Target("a message in a burst", f"a burst: {OURS}", 1000),
            *(
                at_most(1.3, f"wake, {c}: eventfd", row=f"wake, {c}: intercsp")
                for c in ("different cores", "same core")
            ),
        ],
        rounds=5,
    ),
    "restarts": Question(
        "how long a supervised actor is away that fails while others call it",
        ["restarts.py"],
        [Target("within 50 ms", "a restart, 99 of 100", 50_000_000)],
        rounds=3,
    ),
    "waiting": Question(
        "10,000 tasks and 50 interpreters that wait",
        [
            "waiting.py tasks",
            "waiting.py intercsp",
            "waiting.py interpreters",
        ],
        [
            Target("descriptors", "descriptors of 10,000 tasks", 1),
            Target("processor time", f"{IDLE}, processor time: {OURS}", 1),
            Target("switches", f"{IDLE}, switches of all: {OURS}", 7),
        ],
        rounds=3,
    ),
    "operations": Question(
        "operations of Python channels: a pair, a select, a batch",
        [
            "operations.py pair",
            "operations.py select",
            "operations.py batch",
            "operations.py halves",
        ],
        [
            at_most(1.8, "pair", row="select"),
            Target("batch", "batch", 30),
        ],
        quick=ALL,
        steady=1.12,
    ),
    **{
        shape: Question(
            f"{what}, a message of Python",
            traffic(shape, SHARED),
            rounds=3,
            steady=1.5,
        )
        for shape, what in (
            ("fan-in", "four workers send to one"),
            ("fan-out", "one sends to four workers"),
        )
    },
    "pipeline": Question(
        "workers in a row, a message of Python",
        [c for n in (2, 4, 8) for c in traffic(f"pipeline {n}")],
        rounds=3,
        steady=1.5,
    ),
    "select-lines": Question(
        "whichever of several lines has something, a message of Python",
        [
            c
            for n in (2, 8, 64)
            for c in traffic(f"select {n}", ("intercsp", "pipe", "tasks"))
        ],
        rounds=3,
        steady=1.5,
    ),
    "batch": Question(
        "numbers in lists of 128 from worker to worker, each number",
        traffic("batch"),
        rounds=3,
        steady=1.5,
    ),
    "sizes": Question(
        "bytes made by one worker, and compared by another, a message",
        [
            f"sizes.py {kind} {size}"
            for size in SIZES
            for kind in (*KINDS, "move", "reuse", "shared", "nobody")
        ],
        rounds=3,
        steady=1.5,
    ),
}
