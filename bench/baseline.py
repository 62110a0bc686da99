# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What is slower than it was in an earlier run on the same machine.

Peers run in both, and tell what the machine has become slower by; and what
seems slower is asked again: a machine has bad moments, a slower program has no
good ones.
"""

import json
import math
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
from contestants import Bench
from machine import CLOCK, Refused, about, calibrate
from questions.question import Question

LOOKS = 4  # how often to ask what seems slower than in the baseline
CLOCKS = 5  # how often to ask how fast a core is
SAME = ("processor", "processors", "Python")  # or nothing can be compared

type Answer = dict[str, Any]


def load(file: Path) -> dict[str, Any]:
    """A run that can be compared with, or why it cannot."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        void, was = found["void"], found["machine"] | found["versions"]
        found["calibration"][CLOCK]["median"]
        [q["contestants"] for q in found["questions"].values()]
    except OSError as e:
        raise Refused(f"the baseline cannot be read: {e}") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise Refused(f"{file} is not what a run has written") from e
    if void:
        raise Refused(f"{file} is of a run that was void")
    here = about() | {"Python": platform.python_version()}
    for what in SAME:
        if was.get(what) != here[what]:
            raise Refused(
                f"{file} is of another machine: {what}: {was.get(what)}, "
                f"not {here[what]}"
            )
    return found


def check(then: dict[str, Any], asked: dict[str, list[str]]) -> None:
    """Refuse one that did not ask what is asked now."""
    for name, contestants in asked.items():
        if name not in then["questions"]:
            raise Refused(f"the baseline did not ask {name}")
        old = then["questions"][name]["contestants"]
        for contestant in contestants:
            if contestant not in old:
                raise Refused(
                    f"the baseline did not ask {contestant!r} for {name}"
                )


def compared(answer: Answer, then: Answer) -> int:
    """How many rows of ours both have."""
    return len(figures.slower(answer, then, 1))


def merge(one: Answer, other: Answer) -> None:
    """Take the rounds of the other into one; who failed there is out."""
    one["failed"] |= other["failed"]
    for row in one["rows"].keys() - other["rows"].keys():
        del one["rows"][row]
    for row, mine in one["rows"].items():
        mine["rounds"] += other["rows"][row]["rounds"]
        mine["median"], mine["q1"], mine["q3"] = figures.quartiles(
            mine["rounds"]
        )


def regressions(
    bench: Bench,
    question: Question,
    answer: Answer,
    then: dict[str, Any],
    name: str,
    once_more: Callable[[], Answer],
) -> dict[str, float]:
    """Which rows are slower than in the baseline, and how many times."""
    before = then["questions"][name]
    clock = math.inf  # at its best, as all that is compared here

    def slower(machine: float) -> dict[str, float]:
        ratios = figures.slower(answer, before, machine)
        return {
            r: ratio for r, ratio in ratios.items() if ratio > question.steady
        }

    for look in range(LOOKS):
        found = slower(1)
        if found:
            clocks = [calibrate(bench)[CLOCK]["median"] for _ in range(CLOCKS)]
            clock = min(clock, *clocks)
            found = slower(clock / then["calibration"][CLOCK]["median"])
        if not found or look == LOOKS - 1:
            break
        print(f"  slower, it seems: {', '.join(found)}; once more", flush=True)
        merge(answer, once_more())
    return found
