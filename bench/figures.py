# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What the figures of a run say: who is first, how a curve grows.

A result is what run.py writes as JSON; see questions/question.py for how its
rows are called.
"""

import math
import statistics
from dataclasses import dataclass
from typing import Any

from questions.question import OURS

MORE_IS_BETTER = ("x", "GB/s")
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


def split(row: str) -> tuple[str, str]:
    """MEASURE and WHO."""
    measure, _, who = row.rpartition(": ")
    return measure, who


def is_ours(row: str) -> bool:
    return split(row)[1].startswith(OURS)


def best(values: list[float], unit: str) -> float:
    return max(values) if unit in MORE_IS_BETTER else min(values)


@dataclass
class Comparison:
    """The medians of one measure, the first one first."""

    measure: str
    unit: str
    medians: dict[str, float]

    @property
    def ours(self) -> str:
        """The best of ours."""
        return next(filter(is_ours, self.medians))

    @property
    def lost_to(self) -> str | None:
        """Who is before us."""
        first = next(iter(self.medians))
        return None if is_ours(first) else first

    def row(self, who: str) -> str:
        return f"{self.measure}: {who}" if self.measure else who

    def is_close(self, question: dict[str, Any]) -> bool:
        """Whether the middle halves of the first and of ours overlap."""
        first, ours = (
            question["rows"][self.row(who)]
            for who in (next(iter(self.medians)), self.ours)
        )
        return bool(first["q1"] <= ours["q3"] and ours["q1"] <= first["q3"])

    def behind(self, who: str) -> float:
        """How many times worse than the first; infinitely, than nothing."""
        first = next(iter(self.medians.values()))
        better, worse = sorted((first, self.medians[who]))
        return worse / better if better > 0 else math.inf


def comparisons(question: dict[str, Any]) -> list[Comparison]:
    """All measures of a question's result that have us and others."""
    measures: dict[str, dict[str, float]] = {}
    units = {}
    for row, found in question["rows"].items():
        measure, who = split(row)
        measures.setdefault(measure, {})[who] = found["median"]
        units[measure] = found["unit"]
    made = []
    for measure, medians in measures.items():
        ours = [is_ours(who) for who in medians]
        if question.get("curve") or not any(ours) or all(ours):
            continue
        unit = units[measure]
        order = sorted(
            medians, key=medians.__getitem__, reverse=unit in MORE_IS_BETTER
        )
        made.append(Comparison(measure, unit, {w: medians[w] for w in order}))
    return made


def series(question: dict[str, Any]) -> dict[str, dict[float, float]]:
    """The points of each curve of a question's result."""
    found: dict[str, dict[float, float]] = {}
    for row, value in question["rows"].items():
        name, number = split(row)
        found.setdefault(name, {})[float(number)] = value["median"]
    return found


def exponent(points: dict[float, float]) -> float:
    """The e of the cost = c * n**e that fits best, in logarithms."""
    xs, ys = map(math.log, points), map(math.log, points.values())
    return statistics.linear_regression([*xs], [*ys]).slope


def slower(
    now: dict[str, Any], then: dict[str, Any], machine: float
) -> dict[str, float]:
    """How many times as much each row of ours takes now, best against best.

    Less what others take more in the same measure; where there are none, what
    the machine itself does: by neither is it ever made more.
    """
    ratios: dict[str, float] = {}
    peers: dict[str, list[float]] = {}
    for row, found in now["rows"].items():
        unit, before = found["unit"], then["rows"].get(row)
        if not before or unit in ("", "%"):
            continue
        ratio = best(found["rounds"], unit) / best(before["rounds"], unit)
        ratio = 1 / ratio if unit in MORE_IS_BETTER else ratio
        measure = split(row)[0]
        if is_ours(row) or not any(map(is_ours, now["rows"])):
            ratios[row] = ratio
        else:
            peers.setdefault(measure, []).append(ratio)
    return {
        row: ratio
        / max(1, statistics.median(peers.get(split(row)[0], [machine])))
        for row, ratio in ratios.items()
    }
