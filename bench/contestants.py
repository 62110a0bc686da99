# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run the programs that take part, and believe only figures that can be."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import COUNTED
from questions import SINCE
from questions.question import Question

HERE = Path(__file__).resolve().parent
PATIENCE = 120  # seconds that a program may take


class Failed(Exception):
    """What a contestant did that it should not."""


def kill_group(program: subprocess.Popen[str]) -> None:
    """The program and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def run(command: list[str], env: dict[str, str]) -> str:
    """What it prints. Nothing that it started is left."""
    try:
        program = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as e:
        raise Failed(f"it cannot be run: {e}") from e
    with program:
        try:
            out, errors = program.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired as e:
            kill_group(program)
            raise Failed(f"no answer within {PATIENCE} s") from e
        except BaseException:
            kill_group(program)
            raise
    if program.returncode:
        kill_group(program)
        raise Failed(f"{ended(program.returncode)}{last_line(errors)}")
    sys.stderr.write(errors)
    return out


def ended(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def last_line(errors: str) -> str:
    lines = errors.strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def figure(line: str) -> dict[str, Any]:
    """One that a program printed."""
    try:
        found = json.loads(line)
        row, value, unit = found["row"], float(found["value"]), found["unit"]
    except (ValueError, KeyError, TypeError) as e:
        raise Failed(f"this is no figure: {line}") from e
    least = value >= 0 if unit in COUNTED else value > 0
    if not (math.isfinite(value) and least):
        raise Failed(f"this cannot be: {row}: {value} {unit}".rstrip())
    return {"row": row, "value": value, "unit": unit}


@dataclass
class Bench:
    programs: Path
    cpus: str
    missing: dict[str, str]  # peers that are not there, and why
    before: list[str]  # what to put before each command

    def takes_part(self, contestant: str) -> bool:
        words = contestant.rpartition(": ")[2].split()
        since = SINCE.get(" ".join(words[:2]), (3, 0))
        return not self.missing.keys() & words and sys.version_info >= since

    def asked(self, question: Question, quick: bool) -> list[str]:
        """Who takes part in a question."""
        return [
            contestant
            for contestant in question.contestants
            if self.takes_part(contestant)
            and (not quick or any(w in contestant for w in question.quick))
        ]

    def figures(self, contestant: str) -> list[dict[str, Any]]:
        label, _, command = contestant.rpartition(": ")
        lines = self.output(command.split()).splitlines()
        found = [figure(line) for line in lines]
        if not found:
            raise Failed("it printed no figure")
        return [f | {"row": label} for f in found] if label else found

    def output(self, words: list[str]) -> str:
        env = {**os.environ, "BENCH_CPUS": self.cpus}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        return run([*self.before, *self.command(words[0]), *words[1:]], env)

    def command(self, program: str) -> list[str]:
        if program.endswith(".py"):
            return [sys.executable, str(HERE / program)]
        if program.startswith("peer_"):
            return [str(self.programs / "peers" / program)]
        return [str(self.programs / f"bench_{program}")]


class Rows:
    """What those who take part have said, round by round. Who fails once has
    lost: figures of the same round stand beside each other."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, str] = {}

    def take(self, bench: Bench, contestant: str) -> None:
        """Its figures of one more round."""
        mine = [n for n, row in self.found.items() if row["by"] == contestant]
        try:
            figures = bench.figures(contestant)
            self.check(contestant, mine, [f["row"] for f in figures])
        except Failed as e:
            self.failed[contestant] = str(e)
            for name in mine:
                del self.found[name]
            return
        for f in figures:
            row = {"by": contestant, "unit": f["unit"], "rounds": []}
            self.found.setdefault(f["row"], row)["rounds"].append(f["value"])

    def check(self, contestant: str, mine: list[str], said: list[str]) -> None:
        for name in said:
            row = self.found.get(name)
            if said.count(name) > 1 or (row and row["by"] != contestant):
                raise Failed(f"there are two rows {name!r}")
        if mine and mine != said:
            raise Failed("its rows are not those of the round before")

    def turns(self, contestants: list[str], number: int) -> Iterator[str]:
        """Another one first in each round: the first may pay for memory."""
        first = number % max(len(contestants), 1)
        for contestant in contestants[first:] + contestants[:first]:
            if contestant not in self.failed:
                yield contestant
