# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Classes, members and functions of the script, and a group of its errors,
cross to processes and back."""

import dataclasses
import enum

import intercsp as csp


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    c: Colour


class Oops(Exception):
    pass


def helper(p):
    return p.x + 1


def echo(rx, tx):
    for v in rx:
        tx.send(v)


def work(rx, tx):
    for p in rx:
        tx.send(Point(helper(p), p.c) if isinstance(p, Point) else p)
    raise ExceptionGroup("g", [Oops("a"), ValueError("b")]) from KeyError("k")


def trip(function):
    tx, there = csp.channel(1)
    back, rx = csp.channel(1)
    process = csp.spawn(function, there, back)
    for value in (Point(1, Colour.RED), helper):
        tx.send(value)
        yield rx.recv(30)
    tx.close()
    yield process


if __name__ == "__main__":
    point, function, process = trip(echo)
    assert type(point) is Point
    assert point.c is Colour.RED
    assert function is helper
    process.join(30)
    point, function, process = trip(work)
    assert point == Point(2, Colour.RED)
    caught = None
    try:
        process.result(30)
    except ExceptionGroup as error:
        caught = error
    assert [type(e) for e in caught.exceptions] == [Oops, ValueError]
    assert isinstance(caught.__cause__, csp.RemoteError)
    assert repr(caught.__cause__.__cause__) == "KeyError('k')"
    print("as they were")
