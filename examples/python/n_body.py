#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Planets that attract each other, by processes that each move some of them.

All processes read the positions of all bodies and write those of their own, in
memory that they share. Channels keep the steps apart: what was written before a
send is seen by who has received it.
"""

import math
import random
from array import array

import intercsp as csp

STEP = 0.01
type Numbers = memoryview[float]


def move(
    mine: range,
    old: Numbers,
    new: Numbers,
    begin: csp.RecvChannel,
    done: csp.SendChannel,
) -> None:
    """A process: a step each time it is told to begin. Of each body: x, y."""
    speeds = [0.0] * (2 * len(mine))
    for _ in begin:
        for i, body in enumerate(mine):
            ax, ay = attraction(old, body)
            speeds[2 * i] += STEP * ax
            speeds[2 * i + 1] += STEP * ay
            new[2 * body] = old[2 * body] + STEP * speeds[2 * i]
            new[2 * body + 1] = old[2 * body + 1] + STEP * speeds[2 * i + 1]
        old, new = new, old
        done.send(None)


def attraction(at: Numbers, body: int) -> tuple[float, float]:
    x, y, ax, ay = at[2 * body], at[2 * body + 1], 0.0, 0.0
    for other in range(0, len(at), 2):
        dx, dy = at[other] - x, at[other + 1] - y
        cubed = math.hypot(dx, dy, 0.1) ** 3  # softened: no collisions
        ax, ay = ax + dx / cubed, ay + dy / cubed
    return ax, ay


def simulate(start: list[float], steps: int, workers: int) -> list[float]:
    """Where the bodies are after so many steps."""
    n = len(start) // 2
    memory = [array("d", start) for _ in range(2)]
    begins, (done_tx, done) = [], csp.channel(workers)
    with csp.group("bodies") as g:
        for w in range(workers):
            shared = [csp.share(m, writable=True) for m in memory]
            begin, rx = csp.channel(1)
            begins.append(begin)
            g.spawn(move, range(w, n, workers), *shared, rx, done_tx.clone())
        for _ in range(steps):
            for begin in begins:
                begin.send(None)
            for _ in begins:
                done.recv()
        for begin in begins:
            begin.close()
    return list(memory[steps % 2])


def main() -> None:
    choose = random.Random(1)
    start = [choose.uniform(-1, 1) for _ in range(2 * 24)]
    end = simulate(start, steps=20, workers=3)
    assert end == simulate(start, steps=20, workers=1) != start
    print("the first body went from", start[:2], "to", end[:2])


if __name__ == "__main__":
    main()
