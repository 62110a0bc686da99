#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Which lines of lib/ the tests of the library run.

Builds the core in a folder of its own, with gcc's counters, runs the C suites,
and prints for each file how many of its lines were run and which were not. A
line counts if any of the builds of the core (as installed, with its insides
open, with steps) has run it. The exit status is 0 if all of it together
reaches --least.

    tools/run --set test python tools/coverage.py
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import groupby
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SUITES = ("unit", "stress", "semantics")  # explorations are slow without -O

Counts = dict[str, dict[int, int]]


def build(folder: Path) -> None:
    options = ["-Dpythons=[]", "-Dtests=true", "-Db_coverage=true"]
    options += ["-Doptimization=0", "-Dc_args=-fprofile-update=atomic"]
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", *options, folder, TOP], check=True)
    subprocess.run(["meson", "compile", "-C", folder], check=True)
    for old in folder.rglob("*.gcda"):
        old.unlink()


def run(folder: Path) -> int:
    suites = [word for suite in SUITES for word in ("--suite", suite)]
    command = ["meson", "test", "-C", folder, "--timeout-multiplier=4"]
    return subprocess.run([*command, *suites]).returncode


def collect(folder: Path) -> Counts:
    """How often each line of lib/ was run, over all builds of its file."""
    counts: Counts = defaultdict(lambda: defaultdict(int))
    with tempfile.TemporaryDirectory() as scratch:
        for data in folder.rglob("*.gcda"):
            subprocess.run(
                ["gcov", "--json-format", data],
                cwd=scratch,
                check=True,
                capture_output=True,
            )
            for report in Path(scratch).glob("*.gcov.json.gz"):
                add(counts, json.loads(gzip.decompress(report.read_bytes())))
                report.unlink()
    return counts


def add(counts: Counts, report: dict) -> None:  # type: ignore[type-arg]
    for file in report["files"]:
        path = Path(report["current_working_directory"], file["file"])
        if (TOP / "lib") not in path.resolve().parents:
            continue
        lines = counts[path.name]
        for line in file["lines"]:
            lines[line["line_number"]] += line["count"]


def ranges(numbers: list[int]) -> str:
    """7, 9-12 for [7, 9, 10, 11, 12]."""
    parts = []
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}")
    return ", ".join(parts)


def report(counts: Counts) -> float:
    """Print the table. Returns: the share that was run, in percent."""
    total = hit = 0
    for name, lines in sorted(counts.items()):
        missed = sorted(number for number, n in lines.items() if n == 0)
        total += len(lines)
        hit += len(lines) - len(missed)
        share = 100 * (len(lines) - len(missed)) / len(lines)
        print(f"{share:6.1f} %  {name:16} {len(lines):5}  {ranges(missed)}")
    print(f"{100 * hit / total:6.1f} %  {'lib/':16} {total:5}")
    return 100 * hit / total


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=TOP / "build/coverage")
    parser.add_argument("--least", type=float, default=95.0, metavar="PERCENT")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    build(folder)
    failed = run(folder)
    share = report(collect(folder))
    if failed:
        print("coverage: a test has failed", file=sys.stderr)
    return 1 if failed or share < arguments.least else 0


if __name__ == "__main__":
    sys.exit(main())
