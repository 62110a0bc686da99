# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A script with definitions of all kinds, some of which processes can have."""

import enum
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import intercsp as csp

try:
    import no_such_module
except ImportError:
    no_such_module = None

if TYPE_CHECKING:
    from decimal import Decimal

print("run once") if len(sys.argv) < 2 else None

LIMIT: int = 10 * 1024
KINDS = (str, bytes)
PID = os.getpid()
REGISTRY = dict.fromkeys("a")
twice = 1
if PID:
    twice = 2


class Missing(Exception):
    pass


class Shade(enum.Enum):
    DARK = "dark"


@dataclass
class Point:
    x: int
    y: int = 2

    def __repr__(self) -> str:
        return f"Point({self.x}, {self.y})"


def size(n: "Decimal") -> str:
    return "big" if n > LIMIT - 1 else "small"


def describe(tx: csp.SendChannel) -> None:
    assert no_such_module is None
    assert isinstance("", KINDS)
    tx.send(f"{Point(1)!r} {size(LIMIT)} {LIMIT} {Shade.DARK}")


def fail():
    raise Missing("no")


class Tool:
    @staticmethod
    def add(a, b):
        return a + b


def uses_pid():
    return PID


def uses_registry():
    return register("x")


def register(name):
    return [REGISTRY for _ in name]


def uses_twice():
    return (lambda: twice)()


def uses_later():
    return later  # noqa: F821


def define():
    tx, rx = csp.channel(1)
    csp.spawn(describe, tx)
    print(rx.recv())
    try:
        csp.spawn(fail).result()
    except Missing as error:
        print(f"script.{type(error).__name__}: {error}")
    print(csp.spawn(Tool.add, 1, 2).result())
    print("run once")


def computed():
    globals()["later"] = 1
    for function in uses_pid, uses_registry, uses_twice, uses_later:
        try:
            csp.spawn(function)
        except csp.NotShareable as error:
            print(error)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
