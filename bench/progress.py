# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A line on a terminal that says what runs, how much of the run is done, and
how long the rest may take; nothing where there is no terminal."""

import json
import sys
import time
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/benchmarks.json"
USUAL = 3.0  # seconds a round, of a question that no run has asked


def usual(name: str) -> float:
    """Seconds a round, as in the run that the page is about."""
    try:
        question = json.loads(PAGE.read_text())["questions"][name]
        rounds = max(len(row["rounds"]) for row in question["rows"].values())
        return float(question["seconds"]) / rounds
    except (OSError, ValueError, KeyError):
        return USUAL


class Progress:
    def __init__(self, rounds: dict[str, int]) -> None:
        """So many rounds of each question are to come."""
        self._costs = {name: usual(name) for name in rounds}
        self._total = sum(self._costs[name] * n for name, n in rounds.items())
        self._done = 0.0
        self._start = time.monotonic()

    def left(self) -> str:
        """How long the rest may take, if it goes on like this."""
        took = time.monotonic() - self._start
        pace = took / self._done if self._done else 1.0
        seconds = max(0.0, self._total - self._done) * pace
        if seconds < 90:
            return f"{seconds:.0f} s"
        return f"{seconds / 60:.0f} min"

    def show(self, text: str) -> None:
        part = min(1.0, self._done / self._total) if self._total else 1.0
        line = f"  {part:.0%}, about {self.left()} to go: {text}"
        self._write(line[:78])

    def round_done(self, name: str) -> None:
        self._done += self._costs.get(name, 0.0)

    def clear(self) -> None:
        self._write("")

    def _write(self, line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{line}")
            sys.stderr.flush()
