# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How costs grow with the number of something; run.py fits an exponent."""

from collections.abc import Sequence

from .question import Question, Target


def curve(
    asks: str,
    of: str,
    contestants: Sequence[str],
    targets: Sequence[Target] = (),
) -> Question:
    return Question(
        asks, [*contestants], [*targets], rounds=5, curve=of, steady=1.5
    )


def scaling(kind: str, curve: str, *numbers: int) -> list[str]:
    return [f"scaling.py {kind} {curve} {n}" for n in numbers]


SOME = (1, 10, 100, 1000)
QUESTIONS = {
    "many-channels": curve(
        "a send and a receive, among so many channels",
        "channels",
        [
            *scaling("intercsp", "channels", *SOME, 10**4, 10**5, 10**6),
            *scaling("interpreters", "channels", *SOME),
            *scaling("simple", "channels", *SOME, 10**4, 10**5),
        ],
    ),
    "many-waiters": curve(
        "a message and its answer, so many threads waiting for it",
        "threads that wait",
        [
            line
            for kind in ("intercsp", "simple", "threads")
            for line in scaling(kind, "waiters", 1, 4, 16, 64, 256, 1000)
        ],
    ),
    "many-interpreters": curve(
        "a message there and back, with one of so many workers after another",
        "workers",
        [
            *scaling("intercsp", "workers", 1, 2, 4, 8, 16, 32),
            *scaling("interpreters", "workers", 1, 4, 16),
            *scaling("pipe", "workers", 1, 2, 4, 8, 16, 32),
        ],
    ),
    "select-width": curve(
        "a select of which one case is ready, each time another one",
        "cases",
        scaling("intercsp", "width", 1, 4, 16, 64, 256, 1024),
    ),
    "bytes": curve(
        "bytes, one send and one receive in one thread",
        "bytes",
        [
            line
            for kind in ("intercsp", "interpreters")
            for line in scaling(
                kind,
                "bytes",
                *(8, 128, 2 << 10, 32 << 10, 512 << 10),
                *(8 << 20, 128 << 20),
            )
        ],
    ),
    "graphs": curve(
        "a frozen graph, to another interpreter that opens it, and back",
        "nodes",
        [f"frozen.py size {n}" for n in (10, 1000, 100_000, 10_000_000)],
        [
            Target(f"{n} nodes", f"first: {n}", 5.5)
            for n in (10, 100_000, 10_000_000)
        ],
    ),
}
