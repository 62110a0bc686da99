# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How costs grow with the number of something; run.py fits an exponent."""

from collections.abc import Sequence

from .question import Question, Target


def curve(
    asks: str,
    of: str,
    program: str,
    *numbers: int,
    targets: Sequence[Target] = (),
) -> Question:
    contestants = [f"{program} {n}" for n in numbers]
    return Question(
        asks, contestants, [*targets], rounds=5, curve=of, steady=1.5
    )


QUESTIONS = {
    "many-channels": curve(
        "a send and a receive, among so many channels",
        "channels",
        "scaling.py channels",
        *(1, 10, 100, 1000, 10_000, 100_000, 1_000_000),
    ),
    "many-waiters": curve(
        "a message and its answer, so many threads waiting for it",
        "threads that wait",
        "scaling.py waiters",
        *(1, 4, 16, 64, 256, 1000),
    ),
    "many-interpreters": curve(
        "a message there and back, with so many interpreters",
        "interpreters",
        "scaling.py interpreters",
        *(1, 2, 4, 8, 16, 32),
    ),
    "select-width": curve(
        "a select of which one case is ready, each time another one",
        "cases",
        "scaling.py width",
        *(1, 4, 16, 64, 256, 1024),
    ),
    "bytes": curve(
        "bytes, one send and one receive in one thread",
        "bytes",
        "scaling.py bytes",
        *(8, 128, 2048, 32_768, 524_288, 8 << 20, 128 << 20),
    ),
    "graphs": curve(
        "a frozen graph, to another interpreter that opens it, and back",
        "nodes",
        "frozen.py size",
        *(10, 1000, 100_000, 10_000_000),
        targets=[
            Target(f"{n} nodes", f"first: {n}", 5.5)
            for n in (10, 100_000, 10_000_000)
        ],
    ),
}
