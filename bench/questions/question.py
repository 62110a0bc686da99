# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What a question is, and the words that questions are made of.

A row is called "MEASURE: WHO", or just "WHO" where a question has one measure
only, or just "MEASURE" where nobody else takes part. Who begins with OURS is
ours. In a curve WHO is a number: how many there are of what it is about.
"""

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
    row; at most how many rounds; of what there are so many in a curve; what of
    it --quick asks: contestants that hold one of these words; by how much a
    figure may differ from that of an earlier run that did the same (see
    baseline.py)."""

    asks: str
    contestants: list[str]
    targets: list[Target] = field(default_factory=list)
    rounds: int = 7
    curve: str = ""
    quick: tuple[str, ...] = ()
    steady: float = 1.3


ALL = ("",)  # of the contestants
OURS = "intercsp"
RUST = "crossbeam"
GO = "Go"
GO_1 = "Go, one thread"
NO_SPIN = "intercsp, INTERCSP_SPIN=0"


def at_most(limit: float, *over: str, row: str = OURS) -> Target:
    return Target(f"{row} / {' or '.join(over)}", row, limit, over)


def faster(limit: float, *rows: str, measure: str = "") -> list[Target]:
    """Each of these takes so many times as long as we do."""
    prefix = f"{measure}: " if measure else ""
    ours = (prefix + OURS,)
    return [
        Target(f"{prefix}{row} / {OURS}", prefix + row, limit, ours, True)
        for row in rows
    ]
