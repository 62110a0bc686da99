#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Mistakes, planted one by one in a copy of the core (plants.txt): which
exploration finds each, and how fast.

    tests/explore/plants.py [--all] [--write PAGE] [PART OF A NAME...]

Without names it takes some by INTERCSP_SEED, INTERCSP_SCALE times as many (so
`make soak` takes all), and checks that each of the others still fits the code.
A plant that does not fit, or that nothing finds, fails. Prints TAP.
"""

import argparse
import itertools
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
A_FEW = 3
STOOD_IN_FOR = {"alloc.c", "clock.c", "owner.c", "park.c", "registry.c"}
FLAGS = [
    *("-std=gnu11", "-g", "-O1", "-mcx16", "-w", "-no-pie", "-pthread"),
    *("-DCSPI_STEPS", "-DCSPI_COROUTINES"),
    *("-Iinclude", "-Ilib", "-Itests/common"),
]
BEGIN, END = "<!-- plants: see tests/explore/plants.py -->", "<!-- /plants -->"


class Plant(NamedTuple):
    name: str
    file: str
    finder: str  # the program that is tried first
    tsan: bool  # built with ThreadSanitizer: the order is the point
    old: str
    new: str


def read_plants() -> list[Plant]:
    """What plants.txt says: name, file, finder; then lines as in a diff."""
    plants = []
    for text in (HERE / "plants.txt").read_text().split("\n## ")[1:]:
        name, where, *lines = text.rstrip().split("\n")
        file, *finder = where.split()
        plants.append(
            Plant(
                name,
                file,
                finder[-1] if finder else "",
                "tsan" in finder,
                "".join(f"{x[1:]}\n" for x in lines if x[:1] != "+"),
                "".join(f"{x[1:]}\n" for x in lines if x[:1] != "-"),
            )
        )
    return plants


def fits(plant: Plant) -> bool:
    text = "\n" + (ROOT / plant.file).read_text()
    return text.count("\n" + plant.old) == 1


class Tree:
    """A copy of what is built, compiled file by file."""

    def __init__(self, where: Path, tsan: bool) -> None:
        self.root, self.tsan = where, tsan
        self.cc = "clang" if tsan else os.environ.get("CC", "cc")
        for part in ("lib", "include", "tests/common", "tests/explore"):
            shutil.copytree(ROOT / part, where / part)
        (where / "o").mkdir()
        self.core = [
            p.relative_to(where)
            for p in sorted((where / "lib").glob("*.c"))
            if p.name not in STOOD_IN_FOR
        ]
        others = [
            p.relative_to(where)
            for part in ("tests/explore", "tests/common")
            for p in sorted((where / part).glob("*.c"))
            if p.name not in {"perturb.c", *ON_THREADS}
        ]
        self.programs = [
            p.stem for p in others if p.stem.startswith("explore_")
        ]
        self.shared = [
            p for p in self.core + others if p.stem not in self.programs
        ]
        self.must(self.compile(self.core + others))
        self.sound: set[str] = set()

    def must(self, complaint: str) -> None:
        if complaint:
            sys.exit(f"plants.py: what is not planted fails:\n{complaint}")

    def flags(self, source: Path) -> list[str]:
        if not self.tsan:
            return FLAGS
        seen = source in self.core or source.stem == "plain"
        return [
            *(*FLAGS, "-DWITH_TSAN", "-DTEST_DIVISOR=20"),
            *(["-fsanitize=thread"] if seen else []),
        ]

    def compile(self, sources: list[Path]) -> str:
        """Returns: what is wrong."""
        said = ""
        for pair in itertools.zip_longest(sources[::2], sources[1::2]):
            jobs = [
                subprocess.Popen(
                    [self.cc, *self.flags(s), "-c", s, "-o", f"o/{s.stem}.o"],
                    cwd=self.root,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                for s in pair
                if s
            ]
            for job in jobs:
                complaint = job.communicate()[1]
                said += complaint if job.returncode else ""
        return said

    def link(self, program: str) -> None:
        words = [self.cc, "-no-pie", "-pthread", f"o/{program}.o"]
        words += [f"o/{s.stem}.o" for s in self.shared]
        words += ["-fsanitize=thread"] if self.tsan else []
        done = subprocess.run(
            [*words, "-o", f"o/{program}"],
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        self.must(done.stderr if done.returncode else "")

    def check_sound(self, program: str, limit: float) -> None:
        """Nothing may be found where nothing is planted. (Without
        ThreadSanitizer that is what `make test` finds.)"""
        if self.tsan and program not in self.sound:
            self.must(self.find(program, limit))
            self.sound.add(program)

    def plant(self, plant: Plant) -> str:
        """Returns: what the compiler says against it."""
        path = self.root / plant.file
        kept = path.read_text()
        text = ("\n" + kept).replace("\n" + plant.old, "\n" + plant.new, 1)
        path.write_text(text[1:])
        self.planted = path, kept
        return self.compile(self.touched(path))

    def uproot(self) -> None:
        path, kept = self.planted
        path.write_text(kept)
        self.must(self.compile(self.touched(path)))

    def touched(self, path: Path) -> list[Path]:
        source = path.relative_to(self.root)
        return [source] if source.suffix == ".c" else self.core

    def find(self, program: str, limit: float) -> str:
        """What the program says against the plant."""
        self.link(program)
        try:
            done = subprocess.run(
                [f"o/{program}"],
                cwd=self.root,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit,
                env={
                    **os.environ,
                    "INTERCSP_SEED": "1",
                    "INTERCSP_SCALE": "1",
                },
            )
        except subprocess.TimeoutExpired:
            print(f"#   {program} does not end in {limit:.0f} s")
            return ""  # that may be the machine
        if done.returncode == 0:
            return ""
        text = done.stdout + done.stderr
        if " hangs; " in text:  # the watchdog: that may be the machine
            print(f"#   {program} takes too long")
            return ""
        m = re.search(r"^\S+:\d+: (.*)", text, re.MULTILINE)
        return m[1] if m else text.strip().splitlines()[-1]


ON_THREADS = {"stop_anywhere.c", "stopped_waiter.c"}


def try_one(tree: Tree, plant: Plant, args) -> list[tuple[str, float, str]]:
    """Who finds it, after how many seconds, with what words."""
    found = []
    tree.check_sound(plant.finder, args.limit)
    complaint = tree.plant(plant)
    if complaint:
        print(f"# the compiler says: {complaint[:400]}")
    programs = sorted(tree.programs, key=lambda p: p != plant.finder)
    for program in programs if not complaint else []:
        began = time.monotonic()
        words = tree.find(program, args.limit)
        seconds = time.monotonic() - began
        if words:
            found.append((program, seconds, words))
            print(f"#   {program}, {seconds:.1f} s: {words[:150]}", flush=True)
            if not args.all:
                break
    tree.uproot()
    return found


def row(plant: Plant, found: tuple[str, float, str]) -> str:
    program, seconds, words = found
    why = words.rsplit(": ", 1)[-1] if ": " in words else words
    where = program.removeprefix("explore_") + (" (TSan)" * plant.tsan)
    return (
        f"| {plant.name} | `{Path(plant.file).name}` | {where} "
        f"| {seconds:.1f} | {why} |"
    )


def write(page: Path, rows: list[str]) -> None:
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    head = (
        "| planted | in | found by | s | what it said |\n|---|---|---|---|---|"
    )
    page.write_text("\n".join([before + BEGIN, head, *rows, END]) + after)


def choose(plants: list[Plant], names: list[str]) -> list[Plant]:
    if names:
        return [p for p in plants if any(n in p.name for n in names)]
    scale = float(os.environ.get("INTERCSP_SCALE") or 1)
    n = min(len(plants), max(1, math.ceil(A_FEW * scale)))
    some = random.Random(os.environ.get("INTERCSP_SEED")).sample(plants, n)
    return sorted(some, key=plants.index)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every finder")
    parser.add_argument("--limit", type=float, default=300, help="seconds")
    parser.add_argument("--write", type=Path, help="the page with the table")
    parser.add_argument("names", nargs="*", help="parts of names")
    args = parser.parse_args()
    plants = read_plants()
    unfit = [p.name for p in plants if not fits(p)]
    chosen = [p for p in choose(plants, args.names) if p.name not in unfit]
    if not shutil.which("clang"):
        chosen = [p for p in chosen if not p.tsan]
    print(f"1..{len(chosen) + 1}")
    print(f"{'not ' * bool(unfit)}ok 1 - all fit the code")
    for name in unfit:
        print(f"# does not fit: {name}")
    missed, rows, trees = len(unfit), [], {}
    with tempfile.TemporaryDirectory() as folder:
        for i, plant in enumerate(chosen, 2):
            tree = trees.get(plant.tsan) or Tree(
                Path(folder) / f"tree{plant.tsan}", plant.tsan
            )
            trees[plant.tsan] = tree
            found = try_one(tree, plant, args)
            missed += not found
            rows += [row(plant, found[0])] if found else []
            print(f"{'not ' * (not found)}ok {i} - {plant.name}", flush=True)
    if args.write:
        write(args.write, rows)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
