# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What the figures of a run say: who is first, how a curve grows.

A result is what run.py writes as JSON; see questions/question.py for how its
rows are called.
"""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from questions.question import OURS

MORE_IS_BETTER = ("x", "GB/s")
COUNTED = ("", "%")  # these may be nothing, and say little of speed
UNNOTICED = 0.01  # of a figure: a difference that is none
SECOND = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
TIMES = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns")]


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Median, first and third quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, method="inclusive")
    return middle, low, high


def amount(value: float, unit: str) -> str:
    """A figure as people write it."""
    if unit in SECOND:
        seconds = value * SECOND[unit]
        least, unit = next(t for t in TIMES if abs(seconds) >= t[0])
        value = seconds / (least or 1e-9)
    if unit == "x":
        return f"{value:.2f} times"
    text = f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if "e" in text:
        text = f"{value:,.0f}"
    return f"{text} {unit}".strip()


def times(ratio: float) -> str:
    """How many times as much, as people write it."""
    if ratio == math.inf:
        return "without end"
    if ratio < 100:
        return f"{ratio:.3g}" if ratio >= 10 else f"{ratio:.2f}"
    return f"{ratio:,.0f}"


def split(row: str) -> tuple[str, str]:
    """MEASURE and WHO."""
    measure, _, who = row.rpartition(": ")
    return measure, who


def place(question: dict[str, Any], row: str) -> tuple[str, str]:
    """The same; in a curve the number is the measure, what it is for others
    to be compared in."""
    measure, who = split(row)
    return (who, measure) if question["curve"] else (measure, who)


def is_ours(who: str) -> bool:
    return who.startswith(OURS)


def best(values: list[float], unit: str) -> float:
    return max(values) if unit in MORE_IS_BETTER else min(values)


def worse(one: float, other: float, unit: str) -> float:
    """How many times worse a figure is than another."""
    if unit in MORE_IS_BETTER:
        one, other = other, one
    if other > 0:
        return one / other
    return 1.0 if one <= other else math.inf


@dataclass
class Ratio:
    """How many times worse one row is than another, round by round."""

    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def middle(self) -> tuple[float, float]:
        """The middle half."""
        return quartiles(self.rounds)[1:]

    @property
    def is_tie(self) -> bool:
        """Whether the rounds disagree (of six or more, one may), or differ by
        less than anybody would notice."""
        more = sum(r > 1 for r in self.rounds)
        less = sum(r < 1 for r in self.rounds)
        disagree = min(more, less) > len(self.rounds) // 6
        return disagree or abs(self.median - 1) <= UNNOTICED

    @property
    def is_worse(self) -> bool:
        return self.median > 1 and not self.is_tie


@dataclass
class Comparison:
    """Who takes part in a measure, the best median first."""

    measure: str
    unit: str
    rows: dict[str, str]  # of whom, its name in the result
    rounds: dict[str, list[float]]
    medians: dict[str, float]

    @property
    def first(self) -> str:
        return next(iter(self.medians))

    def ratio(self, one: str, other: str) -> Ratio:
        pairs = zip(self.rounds[one], self.rounds[other], strict=True)
        return Ratio([worse(a, b, self.unit) for a, b in pairs])

    @property
    def ours(self) -> list[str]:
        return [*filter(is_ours, self.medians)]

    def rivals(self, ours: str) -> dict[str, Ratio]:
        """How much worse one of ours is than each of the others."""
        others = (w for w in self.medians if not is_ours(w))
        return {w: self.ratio(ours, w) for w in others}


def comparisons(question: dict[str, Any]) -> list[Comparison]:
    """All measures of a question's result that have us and others."""
    measures: dict[str, dict[str, str]] = {}
    for row in question["rows"]:
        measure, who = place(question, row)
        measures.setdefault(measure, {})[who] = row
    made = []
    for measure, rows in measures.items():
        ours = [is_ours(who) for who in rows]
        if not any(ours) or all(ours):
            continue
        found = {who: question["rows"][row] for who, row in rows.items()}
        unit = next(iter(found.values()))["unit"]
        order = sorted(
            found,
            key=lambda who: found[who]["median"],
            reverse=unit in MORE_IS_BETTER,
        )
        made.append(
            Comparison(
                measure,
                unit,
                rows,
                {who: found[who]["rounds"] for who in order},
                {who: found[who]["median"] for who in order},
            )
        )
    return made


@dataclass
class Duel:
    """One row of ours and somebody else's, in the same measure."""

    question: str
    row: str
    rival: str
    ratio: Ratio

    @property
    def key(self) -> tuple[str, str, str]:
        return self.question, self.row, self.rival


def duels(result: dict[str, Any]) -> Iterator[Duel]:
    """All that a run has."""
    for name, question in result["questions"].items():
        for c in comparisons(question):
            for ours in c.ours:
                for rival, ratio in c.rivals(ours).items():
                    yield Duel(name, c.rows[ours], rival, ratio)


def series(question: dict[str, Any]) -> dict[str, dict[float, float]]:
    """The points of each curve of a question's result."""
    found: dict[str, dict[float, float]] = {}
    for row, value in question["rows"].items():
        name, number = split(row)
        found.setdefault(name, {})[float(number)] = value["median"]
    return found


def slower(
    now: dict[str, Any], then: dict[str, Any], machine: float
) -> dict[str, float]:
    """How many times as much each row of ours takes now, best against best.

    Less what others take more in the same measure; where there are none, what
    the machine itself does: by neither is it ever made more.
    """
    ratios: dict[str, float] = {}
    peers: dict[str, list[float]] = {}
    alone = not any(is_ours(place(now, row)[1]) for row in now["rows"])
    for row, found in now["rows"].items():
        unit, before = found["unit"], then["rows"].get(row)
        if not before or unit in COUNTED:
            continue
        ratio = worse(
            best(found["rounds"], unit), best(before["rounds"], unit), unit
        )
        measure, who = place(now, row)
        if alone or is_ours(who):
            ratios[row] = ratio
        else:
            peers.setdefault(measure, []).append(ratio)
    return {
        row: ratio
        / max(1, statistics.median(peers.get(place(now, row)[0], [machine])))
        for row, ratio in ratios.items()
    }
