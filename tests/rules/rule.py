# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What the rules have in common: the tree they read and how they report.

A rule is a function from a Tree to complaints; each complaint says what to do.
Beside it stand its plants: small trees that break the rule, and a piece of the
complaint that must come of it. Each run shows first that the plants are found,
then that the real tree is clean.
"""

import argparse
import fnmatch
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *(".ci", "bench", "docs", "examples", "include", "lib"),
    *("python", "tests", "tools"),
)


class Complaint(NamedTuple):
    path: str
    line: int
    text: str


class Plant(NamedTuple):
    files: dict[str, str]
    complaint: str  # a piece of what must be said of it


class Tree:
    """The files of the project, or those of a plant, by their path."""

    def __init__(
        self, root: Path = ROOT, planted: dict[str, str] | None = None
    ):
        self.root = root
        self.planted = planted
        self.paths = sorted(self.find() if planted is None else planted)

    def find(self) -> Iterator[str]:
        for path in self.root.iterdir():
            if path.is_file() and path.name != ".git":
                yield path.name
        for folder in FOLDERS:
            for path in (self.root / folder).rglob("*"):
                if path.is_file() and not hidden(path.relative_to(self.root)):
                    yield path.relative_to(self.root).as_posix()

    def files(self, *patterns: str) -> list[str]:
        """The paths that match a pattern; * stands for slashes too."""
        return [
            path
            for path in self.paths
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
        ]

    def read(self, path: str) -> str:
        if self.planted is not None:
            return self.planted[path]
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, path: str) -> list[str]:
        return self.read(path).splitlines()


def hidden(path: Path) -> bool:
    """What builds and tools leave behind: not ours to judge."""
    return any(
        part.startswith(("__pycache__", "build")) or part.endswith("_cache")
        for part in path.parts
    )


Rule = Callable[[Tree], Iterable[Complaint]]


def blank(text: str) -> str:
    """The same text with only its line ends: positions stay what they were."""
    return re.sub(r"[^\n]", " ", text)


TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//(?:\\\n|[^\n])*)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.DOTALL,
)


def code(text: str, strings: bool = False) -> str:
    """C without comments, and without the insides of strings unless asked."""

    def keep(m: re.Match[str]) -> str:
        if m["comment"] is None and strings:
            return m[0]
        return blank(m[0])

    return TOKEN.sub(keep, text)


def comments(text: str) -> list[tuple[int, int, str]]:
    """The comments of a C file: first line, last line, text."""
    found = []
    for m in TOKEN.finditer(text):
        if m["comment"] is not None:
            first = text.count("\n", 0, m.start()) + 1
            found.append((first, first + m[0].count("\n"), m[0]))
    return found


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def try_plants(rule: Rule, plants: Iterable[Plant]) -> list[str]:
    """What is wrong with the rule itself."""
    faults = []
    for plant in plants:
        said = [c.text for c in rule(Tree(planted=plant.files))]
        if not any(plant.complaint in text for text in said):
            faults.append(
                f"the rule is blind: no complaint with {plant.complaint!r} "
                f"about {plant.files}, only {said}"
            )
    return faults


def report(complaints: Iterable[Complaint], faults: Iterable[str] = ()) -> int:
    found = sorted(set(complaints))
    for fault in (blind := list(faults)):
        print(fault, file=sys.stderr)
    for c in found:
        where = f"{c.path}:{c.line}" if c.line else c.path
        print(f"{where}: {c.text}", file=sys.stderr)
    if found or blind:
        print(f"{len(found)} complaints, {len(blind)} plants not found")
    return 1 if found or blind else 0


def main(rule: Rule, plants: Iterable[Plant]) -> int:
    """The whole of a rule that needs nothing but the tree."""
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the tree to check"
    )
    args = parser.parse_args()
    return report(rule(Tree(args.root)), try_plants(rule, plants))
