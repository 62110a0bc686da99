# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of pools and workers."""

from .question import OURS, Question, Target, at_most, faster

STDLIB = "InterpreterPoolExecutor"
FORKED = "ProcessPoolExecutor, fork"
POOLS = (
    *("intercsp", "interpreters", "threads"),
    *("fork", "forkserver", "spawn"),
)
KINDS = (*POOLS, "serial", "pickled")


def than(measure: str, peer: str, times: float) -> list[Target]:
    """The peer takes so many times as long as our pool."""
    return faster(times, peer, measure=measure)


QUESTIONS = {
    "pool": Question(
        "calls of a pool of two workers, and 100 MiB from one worker",
        [f"calls.py {kind}" for kind in KINDS],
        [
            *than("one", "ThreadPoolExecutor", 1 / 0.3),
            *than("chunks", STDLIB, 100),
            *than("chunks", FORKED, 5),
            Target("large", f"large: {OURS}", 1.0),
        ],
        rounds=5,
        quick=(" intercsp", " interpreters", " threads", " fork"),
    ),
    "pool-work": Question(
        "eight parts of some work, by warm pools of 1, 2, 4 and 8 workers",
        [f"parts.py {kind}" for kind in KINDS],
        [
            at_most(
                1 / 0.95,
                f"{work}, 2 workers: {FORKED}",
                row=f"{work}, 2 workers: {OURS}",
            )
            for work in ("factorial", "primes")
        ],
        rounds=5,
    ),
    **{
        f"pools-{n}": Question(
            f"pools, {n} worker{'' if n == 1 else 's'}: cold, warm, their end",
            [f"pools.py {kind} {n}" for kind in (KINDS if n == 1 else POOLS)],
            []
            if n != 2
            else [
                *than("warm, trivial", STDLIB, 7),
                *than("warm, trivial", "ThreadPoolExecutor", 1),
                *than("cold, trivial", STDLIB, 1 / 0.6),
                at_most(
                    1 / 0.95,
                    f"warm, n-body: {FORKED}",
                    row=f"warm, n-body: {OURS}",
                ),
            ],
            rounds=5,
            steady=2,
        )
        for n in (1, 2, 4, 8)
    },
    "workers": Question(
        "the start and the memory of 1, 10 and 100 workers",
        [f"workers.py {kind} {n}" for n in (1, 10, 100) for kind in POOLS],
        rounds=5,
        steady=1.5,
    ),
}
