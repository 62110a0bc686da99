# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every ordered atomic access names its edge, and every edge has two ends.

The code says which accesses make an edge; the table in the memory model says
what travels along it and what would happen without it. This rule compares the
two; --write brings the columns "from" and "to" of the table up to date (the
other columns are written by hand, and kept).
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rule import (
    ROOT,
    Complaint,
    Plant,
    Tree,
    code,
    comments,
    report,
    try_plants,
)

MODEL = "docs/design/memory-model.md"
BEGIN, END = "<!-- edges: see tests/rules/edges.py -->", "<!-- /edges -->"
HEAD = (
    "| edge | from | to | what travels | without it |\n|---|---|---|---|---|\n"
)

ACCESS = re.compile(r"\bcspi_(load|store|exchange|add|sub|or|cas16|cas)\s*\(")
ORDERS = {"RELAXED", "ACQUIRE", "RELEASE", "ACQ_REL", "SEQ_CST"}
NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
EDGE = re.compile(
    rf"\bedges? ((?:{NAME})(?:(?:, | and ){NAME})*)"
    r"(?:: (seq_cst|acquire and release|acquire|release|acq_rel)\b)?"
)
ALLOWS = {  # what the comment says: which orders that can be
    "acquire": {"ACQUIRE", "ACQ_REL", "SEQ_CST"},
    "release": {"RELEASE", "ACQ_REL", "SEQ_CST"},
    "acq_rel": {"ACQ_REL", "SEQ_CST"},
    "seq_cst": {"SEQ_CST"},
}
REASON = re.compile(r"\brelaxed\b(?:, [^:]*)?: *\w+")


class Access(NamedTuple):
    path: str
    line: int
    function: str
    op: str
    order: str
    remark: str


class Use(NamedTuple):
    """An access as an end of an edge."""

    access: Access
    word: str | None  # the order that the comment gives


def arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments of the call whose parenthesis ends before start."""
    depth, begin, found = 0, start, []
    for i in range(start, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}" and depth:
            depth -= 1
        elif text[i] == "," and not depth:
            found.append(text[begin:i].strip())
            begin = i + 1
        elif text[i] == ")":
            return [*found, text[begin:i].strip()], i
    return found, len(text)


class Source:
    """A C file: its code, and which comment belongs to which line."""

    def __init__(self, tree: Tree, path: str):
        self.path = path
        self.code = code(tree.read(path))
        self.lines = self.code.splitlines()
        self.alone: list[tuple[int, int, str]] = []  # blocks of comment lines
        self.beside: dict[int, str] = {}  # at the end of a line of code
        for first, last, text in comments(tree.read(path)):
            text = re.sub(
                r"^[ \t]*(?://|/?\*+/?)[ \t]?", "", text, flags=re.MULTILINE
            )
            if self.lines[first - 1].strip(" \\"):
                self.beside[first] = text.replace("\n", " ")
            elif self.alone and self.alone[-1][1] == first - 1:
                begin, _, before = self.alone.pop()
                self.alone.append((begin, last, f"{before}\n{text}"))
            else:
                self.alone.append((first, last, text))

    def remark(self, first: int, last: int) -> str:
        """The comments on an access that takes these lines."""
        found = [t for a, b, t in self.alone if first - 3 <= b and a <= last]
        found += [
            self.beside[n] for n in range(first, last + 1) if n in self.beside
        ]
        above = first - 1
        if above in self.beside and not ACCESS.search(self.lines[above - 1]):
            found.append(self.beside[above])
        return " \n".join(found).replace("\n", " ")

    def function(self, line: int) -> str:
        for text in reversed(self.lines[:line]):
            m = re.match(r"(?:[ \t]*#[ \t]*define[ \t]+)?(\w+)\(", text)
            if m:
                return m[1]
        return "?"

    def accesses(self) -> Iterator[Access]:
        for m in ACCESS.finditer(self.code):
            args, end = arguments(self.code, m.end())
            first = self.code.count("\n", 0, m.start()) + 1
            last = self.code.count("\n", 0, end) + 1
            order = "SEQ_CST" if m[1] == "cas16" else (args or [""])[-1]
            remark, function = self.remark(first, last), self.function(first)
            yield Access(self.path, first, function, m[1], order, remark)


def edges_named(text: str) -> Iterator[tuple[str, str | None]]:
    for m in EDGE.finditer(text):
        for name in re.split(r", | and ", m[1]):
            yield name, m[2]


def can(access: Access, word: str | None) -> bool:
    if word == "acquire and release":
        word = "acquire"
    return word is None or access.order in ALLOWS[word]


def releases(access: Access) -> bool:
    return access.op != "load" and access.order in ALLOWS["release"]


def acquires(access: Access) -> bool:
    return access.op != "store" and access.order in ALLOWS["acquire"]


def examine(access: Access, uses: dict[str, list[Use]]) -> str | None:
    """Files an access under its edges; what is wrong with it."""
    if access.order not in ORDERS:
        return (
            f"cspi_{access.op}: write the order, one of {sorted(ORDERS)}, last"
        )
    if access.order == "RELAXED":
        if REASON.search(access.remark):
            return None
        return (
            "a relaxed access: say above it why that is enough: // relaxed: ..."
        )
    named = list(edges_named(access.remark))
    fits = [(name, word) for name, word in named if can(access, word)]
    for name, word in fits:
        uses.setdefault(name, []).append(Use(access, word))
    if fits:
        return None
    order = access.order.lower()
    if named:
        return (
            f"this {order} contradicts its comment ({named}): mend one of them"
        )
    return f"a nameless {order} access: say above it which edge it is an end of"


def ends(uses: list[Use]) -> tuple[list[Access], list[Access]]:
    """From and to. What can be both is an end "to" only if it is said to be,
    or if the edge would have none."""
    start = [
        u.access for u in uses if releases(u.access) and u.word != "acquire"
    ]
    stop = [
        u.access for u in uses if acquires(u.access) and u.word != "release"
    ]
    only = [a for a in stop if not releases(a)]
    said = [
        u.access for u in uses if u.word in ("acquire", "acquire and release")
    ]
    return start, only + [a for a in said if a not in only] or stop


def collect(tree: Tree) -> tuple[dict[str, list[Use]], list[Complaint]]:
    uses: dict[str, list[Use]] = {}
    wrong = []
    for path in tree.files("lib/*.c", "lib/*.h"):
        if path == "lib/atomic.h":
            continue
        for access in Source(tree, path).accesses():
            text = examine(access, uses)
            if text:
                wrong.append(Complaint(path, access.line, text))
    for name, found in uses.items():
        start, stop = ends(found)
        if start and stop:
            continue
        end = "acquire" if start else "release"
        at = found[0].access
        text = (
            f"edge {name} has no {end} end: name it there too, or drop the edge"
        )
        wrong.append(Complaint(at.path, at.line, text))
    return uses, wrong


class Row(NamedTuple):
    travels: str = "?"
    without: str = "?"


def rows(model: str) -> dict[str, Row]:
    """The columns of the table that are written by hand."""
    table = model.partition(BEGIN)[2].partition(END)[0]
    found = {}
    for line in table.splitlines()[3:]:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5:
            found[cells[0]] = Row(*cells[3:])
    return found


def column(accesses: list[Access]) -> str:
    """ring.c: push, pop (cas16 seq_cst); ..."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for a in accesses:
        file, how = a.path.rpartition("/")[2], f"{a.op} {a.order.lower()}"
        groups.setdefault((file, how), {})[f"`{a.function}`"] = None
    return "; ".join(
        f"{file}: {', '.join(functions)} ({how})"
        for (file, how), functions in sorted(groups.items())
    )


def written(model: str, uses: dict[str, list[Use]]) -> str:
    """The model with its table brought up to date."""
    before, begin, rest = model.partition(BEGIN)
    _, end, after = rest.partition(END)
    kept = rows(model)
    table = HEAD
    for name in sorted(
        uses, key=lambda n: (list(kept).index(n) if n in kept else 99, n)
    ):
        start, stop = map(column, ends(uses[name]))
        row = kept.get(name, Row())
        table += (
            f"| {name} | {start} | {stop} | {row.travels} | {row.without} |\n"
        )
    return f"{before}{begin}\n{table}{end}{after}" if end else model


def check(tree: Tree) -> Iterator[Complaint]:
    uses, wrong = collect(tree)
    yield from wrong
    for path in tree.files("lib/*.c", "lib/*.h", "include/csp/*.h"):
        if path == "lib/atomic.h":
            continue
        for first, _, text in comments(tree.read(path)):
            text = re.sub(r"\s+(?:\*|//)?\s*", " ", text)
            for name, _ in edges_named(text):
                if name not in uses:
                    wrong_name = (
                        f"no access is an end of edge {name!r}: correct it"
                    )
                    yield Complaint(path, first, wrong_name)
    if MODEL not in tree.paths:
        yield Complaint(MODEL, 0, "is missing: it holds the table of edges")
        return
    model = tree.read(MODEL)
    if BEGIN not in model or END not in model:
        yield Complaint(
            MODEL, 0, f"has no place for the table: {BEGIN} ... {END}"
        )
    elif written(model, uses) != model:
        text = "differs from the code: run edges.py --write and read the diff"
        yield Complaint(MODEL, 0, text)
    for name, row in rows(model).items():
        if "?" in (row.travels, row.without):
            text = (
                f"edge {name}: write what travels, and what happens without it"
            )
            yield Complaint(MODEL, 0, text)


def lib(text: str, **more: str) -> dict[str, str]:
    return {"lib/x.c": text, **more}


STORE = "cspi_store(p, 1, RELEASE); // edge e: release\n"
GOOD = STORE + "cspi_load(p, ACQUIRE); // edge e: acquire\n"
TABLE = f"{BEGIN}\n{HEAD}| e | a | b | ? | x |\n{END}\n"
PLANTS = (
    Plant(lib("cspi_store(p, 1, RELEASE);\n"), "a nameless release"),
    Plant(
        lib("// edge a\n\n\n\ncspi_cas16(p,\n 0, 0, 0, 0);\n"),
        "a nameless seq_cst",
    ),
    Plant(lib(STORE + "cspi_load(p, ACQUIRE);\n"), "a nameless acquire"),
    Plant(lib("cspi_load(p, RELAXED);\n"), "a relaxed access"),
    Plant(lib("cspi_load(p, RELAXED); // relaxed\n"), "a relaxed access"),
    Plant(lib("cspi_load(p);\n"), "write the order"),
    Plant(lib("// edge e: seq_cst\ncspi_load(p, ACQUIRE);\n"), "contradicts"),
    Plant(
        lib("// edge e: acquire\ncspi_load(p, ACQUIRE);\n"),
        "e has no release end",
    ),
    Plant(
        lib("// edge e\ncspi_store(p, f(1, 2), RELEASE);\n"),
        "e has no acquire end",
    ),
    Plant(
        lib(GOOD + "/* see edge\n * gone-away */"), "end of edge 'gone-away'"
    ),
    Plant(lib(GOOD), "is missing"),
    Plant(lib(GOOD, **{MODEL: "text\n"}), "no place for the table"),
    Plant(lib(GOOD, **{MODEL: TABLE}), "differs from the code"),
    Plant(lib(GOOD, **{MODEL: TABLE}), "write what travels"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the tree to check"
    )
    parser.add_argument(
        "--write", action="store_true", help="bring the table up to date"
    )
    args = parser.parse_args()
    tree = Tree(args.root)
    if args.write:
        model = written(tree.read(MODEL), collect(tree)[0])
        (tree.root / MODEL).write_text(model, encoding="utf-8")
    return report(check(tree), try_plants(check, PLANTS))


if __name__ == "__main__":
    sys.exit(main())
