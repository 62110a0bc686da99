# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How a cost grows with a number: like which power of it."""

import math
import statistics
from dataclasses import dataclass

GROWN = 2  # times the least: less is what every number costs, and noise
FEWEST = 3  # points that show a line


@dataclass
class Fit:
    """The cost is like n to this power, from so many on; how well that is met
    (1: exactly, 0: not at all)."""

    exponent: float
    since: float
    r_squared: float

    def __str__(self) -> str:
        return (
            f"n^{self.exponent:.2f} from {self.since:,.0f} on, "
            f"R² {self.r_squared:.2f}"
        )


def grown(points: dict[float, float]) -> list[float]:
    """The numbers from which on the cost is more than a constant; all of them
    where these are too few to show how it grows."""
    numbers = sorted(points)
    limit = GROWN * min(points.values())
    last = max(n for n in numbers if points[n] < limit)
    found = [n for n in numbers if n >= last]
    return found if len(found) >= FEWEST else numbers


def fit(points: dict[float, float]) -> Fit | None:
    """In logarithms, by least squares; of fewer points nothing can be said."""
    if len(points) < FEWEST:
        return None
    numbers = grown(points)
    xs = [math.log(n) for n in numbers]
    ys = [math.log(points[n]) for n in numbers]
    line = statistics.linear_regression(xs, ys)
    total = sum((y - statistics.fmean(ys)) ** 2 for y in ys)
    missed = sum(
        (y - line.slope * x - line.intercept) ** 2
        for x, y in zip(xs, ys, strict=True)
    )
    r_squared = 1 - missed / total if total else 0.0
    return Fit(line.slope, numbers[0], r_squared)
