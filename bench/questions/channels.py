# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of channels in Python."""

from .question import Question, Target, at_most

INTERPRETERS = "interpreters.Queue, two interpreters"
THREADS = "queue.SimpleQueue, two threads"
PYTHON = "intercsp, two interpreters"

QUESTIONS = {
    "channel": Question(
        "integers between two Pythons, one way and to and fro",
        [
            "channel.py intercsp one-way",
            "channel.py interpreters one-way",
            "channel.py threads one-way",
            "channel.py processes one-way",
            "channel.py simple one-way",
            "channel.py intercsp echo",
            "channel.py interpreters echo",
            "channel.py threads echo",
            "channel.py processes echo",
            "channel.py simple echo",
            "channel.py intercsp pinned",
            "channel.py processes pinned",
        ],
        [
            Target("one-way", f"one-way: {PYTHON}", 90),
            at_most(1.3, f"one-way: {THREADS}", row=f"one-way: {PYTHON}"),
            Target(
                "one-way, interpreters.Queue / intercsp",
                f"one-way: {INTERPRETERS}",
                100,
                (f"one-way: {PYTHON}",),
                at_least=True,
            ),
            Target("hot echo", f"pinned: {PYTHON}", 0.45),
        ],
    ),
    "aio": Question(
        "a message to a task of asyncio, and waking one that sleeps",
        [
            "aio.py intercsp burst",
            *(
                f"aio.py {who} {cores}"
                for cores in ("different", "same")
                for who in ("intercsp", "eventfd")
            ),
        ],
        [
            Target("a message in a burst", "a message in a burst", 1000),
            *(
                at_most(1.3, f"wake, {c}: eventfd", row=f"wake, {c}: intercsp")
                for c in ("different cores", "same core")
            ),
        ],
    ),
    "restarts": Question(
        "how long a supervised actor is away that fails while others call it",
        ["restarts.py"],
        [Target("within 50 ms", "a restart, 99 of 100", 50_000_000)],
        rounds=3,
    ),
    "waiting": Question(
        "10,000 tasks and 50 threads of Python that wait",
        ["waiting.py tasks", "waiting.py idle"],
        [
            Target("descriptors", "descriptors of 10,000 tasks", 1),
            Target("processor time", "50 waiters, 3 s: processor time", 1),
            Target("switches", "a waiter, 3 s: context switches", 7),
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
        quick=True,
        steady=1.12,
    ),
    **{
        shape: Question(
            f"{what}, a message of Python",
            [
                f"traffic.py {kind} {shape}"
                for kind in (
                    "intercsp",
                    "interpreters",
                    "simple",
                    "threads",
                    "processes",
                    "pipes",
                    "tasks",
                )
            ],
            rounds=3,
            steady=1.5,
        )
        for shape, what in (
            ("fan-in", "four workers send to one"),
            ("fan-out", "one sends to four workers"),
            ("pipeline", "four workers in a row"),
        )
    },
    "sizes": Question(
        "bytes of several sizes, to another worker who reads the last of each",
        [
            f"traffic.py {kind} {size}"
            for size in ("8_B", "1_KiB", "64_KiB", "1_MiB", "100_MiB")
            for kind in (
                "intercsp",
                "move",
                "interpreters",
                "simple",
                "pipes",
                "shared",
            )
        ],
        rounds=3,
        steady=1.5,
    ),
}
