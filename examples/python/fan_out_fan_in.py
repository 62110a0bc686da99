#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Fan out, fan in: many workers take from one channel and send to another.

    feed --(numbers)--> 4 workers --(squares)--> here

Whoever is free takes the next number. Nobody is told to stop: the feed closes
its end, the workers' loops end, their ends close, the loop here ends.
"""

import intercsp as csp


def square(numbers: csp.RecvChannel, squares: csp.SendChannel) -> int:
    """A worker: how many numbers it got."""
    done = 0
    for n in numbers:
        squares.send((n, n * n))
        done += 1
    return done


def main() -> None:
    numbers_tx, numbers = csp.channel(16)
    squares_tx, squares = csp.channel(16)
    with csp.group("squares") as g:
        workers = g.spawn_many(square, numbers, squares_tx, count=4)
        g.feed(range(1000), numbers_tx)
        found = dict(squares)
    assert found == {n: n * n for n in range(1000)}
    shares = [worker.result() for worker in workers]
    assert sum(shares) == 1000
    print(f"{len(found)} squares, by {len(workers)} workers: {shares}")


if __name__ == "__main__":
    main()
