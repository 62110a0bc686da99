# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks: the questions, who takes part, and what we aim at."""

from dataclasses import dataclass, field


@dataclass
class Target:
    """At most (or at least) so much, of a row or of one row over another (the
    lowest of several)."""

    name: str
    row: str
    limit: float
    over: tuple[str, ...] = ()
    at_least: bool = False


@dataclass
class Question:
    """What a table answers; who takes part: a program, its arguments, in front
    of it variables, and in front of these, ending in a colon, a name for its
    row; at most how many rounds."""

    asks: str
    contestants: list[str]
    targets: list[Target] = field(default_factory=list)
    rounds: int = 7


OURS = "intercsp"
RUST = "crossbeam"
GO = "Go"
GO_1 = "Go, one thread"
NO_SPIN = "intercsp, INTERCSP_SPIN=0"


def at_most(limit: float, *over: str, row: str = OURS) -> Target:
    return Target(f"{row} / {' or '.join(over)}", row, limit, over)


def faster(limit: float, *rows: str) -> list[Target]:
    """Each of these takes so many times as long as we do."""
    return [
        Target(f"{row} / {OURS}", row, limit, (OURS,), at_least=True)
        for row in rows
    ]


def executors(measure: str, *peers: str) -> list[str]:
    return [f"executors.py {name} {measure}" for name in ("intercsp", *peers)]


def than(measure: str, peer: str, times: float) -> list[Target]:
    """The peer takes so many times as long as our pool."""
    row, ours = f"{measure}: {peer}", f"{measure}: {OURS}"
    return [Target(f"{row} / {OURS}", row, times, (ours,), at_least=True)]


INTERPRETERS = "interpreters.Queue, two interpreters"
THREADS = "queue.SimpleQueue, two threads"
PYTHON = "intercsp, two interpreters"
MILLION = "1,000,000 nodes"

QUESTIONS = {
    "pair": Question(
        "a send and a receive in one thread, in C",
        ["pair", "peer_rs pair", "peer_go pair", "mutex pair"],
        [*faster(1.3, RUST), *faster(2, GO)],
    ),
    "stream": Question(
        "a message from one thread to another, capacity 1024",
        [
            "stream 1 1 1024",
            "peer_rs stream 1 1 1024",
            "peer_go stream 1 1 1024",
            "mutex stream 1 1 1024",
        ],
        faster(1.5, RUST, GO),
    ),
    "crowd": Question(
        "a message from four threads to four, capacity 64",
        [
            "stream 4 4 64",
            "INTERCSP_SPIN=0 stream 4 4 64",
            "peer_rs stream 4 4 64",
            "peer_go stream 4 4 64",
            "mutex stream 4 4 64",
        ],
        [*faster(1.5, RUST, GO), at_most(1 / 0.9, NO_SPIN)],
    ),
    "echo": Question(
        "a round trip between two threads, capacity 1",
        [
            "echo 1 different",
            "peer_rs echo 1",
            "peer_go echo 1",
            "GOMAXPROCS=1 peer_go echo 1",
            "mutex echo",
            "calibrate line",
        ],
        [at_most(0.5, RUST), at_most(1, GO_1)],
    ),
    "rendezvous": Question(
        "a round trip between two threads, capacity 0",
        [
            "echo 0 different",
            "peer_rs echo 0",
            "peer_go echo 0",
            "GOMAXPROCS=1 peer_go echo 0",
            "calibrate line",
        ],
        [at_most(0.1, RUST), at_most(3, GO)],
    ),
    "parked": Question(
        "a round trip between two threads that sleep, and of bare futexes",
        [
            "INTERCSP_SPIN=0 echo 1 different",
            "echo futex different",
            "INTERCSP_SPIN=0 echo 1 same",
            "echo futex same",
        ],
        [
            at_most(1.25, f"futex, {cores}", row=f"channel, {cores}")
            for cores in ("different cores", "same core")
        ],
    ),
    "select-echo": Question(
        "a round trip, the other thread selecting over 8 channels",
        [
            "select echo 8",
            "peer_rs select-echo",
            "peer_go select-echo",
            "GOMAXPROCS=1 peer_go select-echo",
        ],
        [at_most(0.6, RUST, GO)],
    ),
    "select": Question(
        "selecting a receive, and filling that channel again, in one thread",
        [
            "send + recv: pair",
            "intercsp, 2 ready of 2: select 2 2",
            "crossbeam, 2 ready of 2: peer_rs select-ready",
            "Go, 2 ready of 2: peer_go select-ready",
            "intercsp, 1 ready of 64: select 1 64",
        ],
        [
            at_most(2.5, "send + recv", row="intercsp, 2 ready of 2"),
            Target("1 ready of 64", "intercsp, 1 ready of 64", 1500),
        ],
    ),
    "idle": Question(
        "the processor time of a receive that waits in vain",
        ["idle"],
        [Target("of a processor", "processor time of a wait", 1)],
        rounds=3,
    ),
    "memory": Question(
        "a million channels of capacity 16, at once and one after another",
        [
            "memory live 1000000",
            "memory life 1000000",
            "memory chain 1000000",
        ],
        [
            Target("an idle channel", "an idle channel", 768),
            Target("live at once", "live at once, resident", 1024),
            Target("not given back", "of it not given back", 1),
            Target("each life", "one after another, each", 1000),
        ],
        rounds=3,
    ),
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
            "aio.py intercsp wake",
            "aio.py eventfd wake",
        ],
        [
            Target("a message in a burst", "a message in a burst", 1000),
            at_most(1.3, "wake: eventfd", row="wake: intercsp"),
        ],
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
        ],
        [
            at_most(1.8, "pair", row="select"),
            Target("batch", "batch", 30),
        ],
    ),
    "pool": Question(
        "pools of two workers: a call, a large result, the start",
        [
            *executors("tasks", "interpreters", "threads"),
            *executors("chunks", "interpreters", "processes"),
            *executors("one", "interpreters", "threads"),
            *executors("large", "threads"),
            *executors("cold", "interpreters", "processes"),
        ],
        [
            *than("tasks", "InterpreterPoolExecutor", 7),
            *than("tasks", "ThreadPoolExecutor", 1),
            *than("chunks", "InterpreterPoolExecutor", 100),
            *than("chunks", "ProcessPoolExecutor", 5),
            *than("one", "ThreadPoolExecutor", 1 / 0.3),
            *than("cold", "InterpreterPoolExecutor", 1 / 0.6),
            Target("large", "large: intercsp", 1.0),
        ],
        rounds=5,
    ),
    "pool-work": Question(
        "how much faster two workers do two parts of some work",
        [
            *executors("nbody", "processes"),
            *executors("primes", "processes"),
            *executors("factorial", "processes"),
        ],
        [
            Target(
                f"{work}: intercsp / ProcessPoolExecutor",
                f"{work}: intercsp",
                0.95,
                (f"{work}: ProcessPoolExecutor",),
                at_least=True,
            )
            for work in ("nbody", "primes", "factorial")
        ],
        rounds=5,
    ),
    "values": Question(
        "a value in a Python channel: one send and one receive in one thread",
        [
            "values.py intercsp",
            "values.py interpreters",
            "values.py processes",
            "values.py moves",
        ],
        [
            *(
                Target(name, f"{name}: {OURS}", 350)
                for name in ("bytes of 1 KiB", "tuple of 10 ints")
            ),
            *(
                Target(
                    f"1,000 dicts, {who} / {OURS}",
                    f"1,000 dicts: {who}",
                    3,
                    (f"1,000 dicts: {OURS}",),
                    at_least=True,
                )
                for who in ("interpreters", "processes")
            ),
            Target(
                f"bytes of 100 MiB, {OURS} / interpreters",
                f"bytes of 100 MiB: {OURS}",
                0.5,
                ("bytes of 100 MiB: interpreters",),
            ),
            *(
                Target(name, name, 5000)
                for name in (
                    "move() of 100 MiB",
                    "move() of a Buffer",
                    "share() of an array",
                )
            ),
        ],
        rounds=3,
    ),
    "frozen": Question(
        "a graph of a million objects: to send, to make, to keep, to use",
        [
            "frozen.py send",
            "frozen.py interpreters",
            "frozen.py processes",
            "frozen.py walk",
            "frozen.py freeze",
            "frozen.py memory",
            "frozen.py look-up",
        ],
        [
            Target("more than an int", f"more than an int, {MILLION}", 5),
            *(
                Target(
                    f"{peer} / frozen",
                    f"{peer}, {MILLION}",
                    10_000,
                    (f"frozen, {MILLION}",),
                    at_least=True,
                )
                for peer in ("interpreters.Queue", "multiprocessing.Pipe")
            ),
            at_most(1 / 0.95, "a walk, own objects", row="a walk, frozen"),
            at_most(0.5, "pickle.dumps", row="freeze"),
            at_most(1, "pickle.dumps", row="freeze, small pages"),
            at_most(1.15, "memory, own objects", row="memory, frozen"),
            *(
                at_most(1, f"a dict, {keys}", row=f"frozen, {keys}")
                for keys in ("its keys", "equal keys")
            ),
        ],
        rounds=3,
    ),
    "frozen-size": Question(
        "frozen graphs of all sizes: opening does not take longer",
        [
            "frozen.py send 10",
            "frozen.py send 100000",
            "frozen.py send 10000000",
        ],
        [
            Target(f"{n} nodes", f"more than an int, {n} nodes", 5)
            for n in ("10", "100,000", "10,000,000")
        ],
        rounds=1,
    ),
}
SINCE = {  # what older Pythons cannot run
    "channel.py interpreters": (3, 14),
    "executors.py interpreters": (3, 14),
    "frozen.py interpreters": (3, 14),
    "values.py interpreters": (3, 14),
}
