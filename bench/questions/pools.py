# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of pools and workers."""

from .question import Question, Target, faster

PEERS = ("interpreters", "threads", "processes")
PROCESSES = ("fork", "forkserver", "spawn")
MANY = ("intercsp", "interpreters", "threads", *PROCESSES)
KINDS = (*MANY, "serial", "pickled")


def executors(measure: str, *peers: str) -> list[str]:
    return [f"executors.py {name} {measure}" for name in ("intercsp", *peers)]


def than(measure: str, peer: str, times: float) -> list[Target]:
    """The peer takes so many times as long as our pool."""
    return faster(times, peer, measure=measure)


QUESTIONS = {
    "pool": Question(
        "pools of two workers: a call, a large result, the start",
        [
            *executors("tasks", "interpreters", "threads"),
            *executors("chunks", "interpreters", "processes"),
            *executors("one", "interpreters", "threads"),
            *executors("large", "interpreters", "threads", "processes"),
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
            *executors("nbody", *PEERS),
            *executors("primes", *PEERS),
            *executors("factorial", *PEERS),
            *executors("pbkdf2", *PEERS),
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
    **{
        f"pools-{n}": Question(
            f"every kind of pool, {n} worker{'' if n == 1 else 's'}",
            [
                f"pools.py {kind} {n}"
                for kind in KINDS
                if n == 1 or kind in MANY
            ],
            rounds=2,
            steady=2,
        )
        for n in (1, 2, 4, 8)
    },
    "workers": Question(
        "the start and the memory of 1, 10 and 100 workers",
        [
            f"workers.py {kind} {n}"
            for n in (1, 10, 100)
            for kind in ("intercsp", "interpreters", "threads", *PROCESSES)
        ],
        rounds=2,
        steady=1.5,
    ),
}
