# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every public function has a contract, in the words of the house.

A contract is the comment /** */ above the function: a sentence, then the lines
that apply, in this order (a short contract may have them in its first line):

    Owns:     passes, stays, borrowed, new reference, new value
    Threads:  any, one at a time, the owner; then the progress
    Blocks:   until @p deadline; no such line: it never waits
    Orders:   edges
    Returns:  what, and every CSP_E... code

"see csp_x()" takes over the lines of another function.
"""

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from rule import Complaint, Plant, Tree, line_of, main

ORDER = ("Owns", "Threads", "Blocks", "Orders", "Returns")
DECLARED = re.compile(
    r"^(?:CSP_API|static inline) (?P<type>[\w\s*]+?)(?P<name>\bcsp_\w+)"
    r"\((?P<params>[^()]*(?:\([^()]*\)[^()]*)*)\)",
    re.MULTILINE,
)
LABEL = re.compile(
    r"(?:^ *- (\w+)|\b(Owns|Threads|Blocks|Orders|Returns)):(?=\s)", re.M
)
OWNS = re.compile(r"\b(pass(es)?|stays?|borrowed|new references?|new value)\b")
THREADS = re.compile(r"(any|one at a time|the owner)\b|takes the lock")
# Verbs that give or take a reference whatever their parameters look like.
MOVES = ("_send", "_unref", "_attach", "_as_value", "_as_handle")


class Function(NamedTuple):
    path: str
    line: int
    type: str
    name: str
    params: str
    comment: str

    @property
    def lines(self) -> dict[str, str]:
        """The labelled lines, in the order in which they stand."""
        found = list(LABEL.finditer(self.comment))
        ends = [m.start() for m in found[1:]] + [len(self.comment)]
        return {
            m[1] or m[2]: self.comment[m.end() : end]
            for m, end in zip(found, ends, strict=False)
        }

    @property
    def takes_deadline(self) -> bool:
        return re.search(r"\bcsp_time deadline\b", self.params) is not None

    @property
    def moves_references(self) -> bool:
        gives = re.search(
            r"\bcsp_\w+ \*\*|(?<!const )\bcsp_value \*", self.params
        )
        return gives is not None or self.name.endswith(MOVES)


def functions(tree: Tree) -> Iterator[Function]:
    for path in tree.files("include/csp/*.h"):
        text = tree.read(path)
        for m in DECLARED.finditer(text):
            before = text[: m.start()].rstrip()
            comment = ""
            if before.endswith("*/"):
                comment = before[before.rfind("/*") :]
            words = re.sub(r"^\s*(/\*\*|\*(?!/))|\*/$", "", comment, flags=re.M)
            yield Function(
                path,
                line_of(text, m.start("name")),
                " ".join(m["type"].split()),
                m["name"],
                m["params"],
                words if comment.startswith("/**") else "",
            )


def referred(f: Function) -> list[str]:
    return re.findall(r"\b(?:see|as)\s+(csp_\w+)\(\)", f.comment)


def inherited(
    f: Function, found: dict[str, Function], deep: int = 3
) -> dict[str, str]:
    """The lines of a contract, those that it refers to included."""
    lines = f.lines
    if len(lines) < 2 and deep:
        for other in referred(f):
            if other in found:
                lines = {**inherited(found[other], found, deep - 1), **lines}
    return lines


def faults(
    f: Function, lines: dict[str, str], codes: set[str]
) -> Iterator[str]:
    for label in f.lines:
        if label not in ORDER:
            yield f"{label}: is no label; they are {', '.join(ORDER)}"
    stand = [label for label in f.lines if label in ORDER]
    if stand != sorted(stand, key=ORDER.index):
        yield f"put the lines in this order: {', '.join(ORDER)}"
    if "Threads" not in lines:
        yield "add Threads: any, one at a time or the owner, and the progress"
    elif not THREADS.search(lines["Threads"]):
        yield "Threads: begin with any, one at a time or the owner"
    if f.moves_references and "Owns" not in lines:
        yield "it gives or takes references: add Owns"
    if "Owns" in lines and not OWNS.search(lines["Owns"]):
        yield "Owns: say passes, stays, borrowed, new reference or new value"
    if f.takes_deadline and "deadline" not in lines.get("Blocks", ""):
        yield "it takes a deadline: add Blocks: until @p deadline"
    if "until" in lines.get("Blocks", "") and not f.takes_deadline:
        yield "it blocks until something, so it must take csp_time deadline"
    if f.type == "int" and "Returns" not in lines:
        yield "it returns a status: add Returns, with each code"
    if "*" in f.type and not {"Returns", "Owns"} & lines.keys():
        yield "it returns a pointer: add Returns, or Owns: who frees it"
    for code in sorted(set(re.findall(r"\bCSP_E[A-Z]+\b", f.comment)) - codes):
        yield f"{code} is not in the table of status.h"
    for word in re.findall(r"@p (\w+)", f.comment):
        if not re.search(rf"\b{word}\b", f.params):
            yield f"@p {word}: there is no such parameter"


def check(tree: Tree) -> Iterator[Complaint]:
    found = {f.name: f for f in functions(tree)}
    codes = set()
    for path in tree.files("include/csp/status.h"):
        codes = set(re.findall(r"\bX\((CSP_\w+)", tree.read(path)))
    for f in found.values():
        if not f.comment:
            text = "has no contract: write one above it, /** ... */"
            yield Complaint(f.path, f.line, f"{f.name}() {text}")
            continue
        for other in referred(f):
            if other not in found:
                text = f"{f.name}(): see {other}(): there is no such function"
                yield Complaint(f.path, f.line, text)
        for text in faults(f, inherited(f, found), codes):
            yield Complaint(f.path, f.line, f"{f.name}(): {text}")


def plant(comment: str, declaration: str, complaint: str) -> Plant:
    text = f"{comment}\nCSP_API {declaration};\n"
    status = "#define T(X) X(CSP_EFULL, -1, 0)\n"
    header, table = "include/csp/x.h", "include/csp/status.h"
    return Plant({header: text, table: status}, complaint)


PLANTS = (
    plant("", "int csp_x_do(void)", "has no contract"),
    plant(
        "/* Does. Threads: any. */", "void csp_x_do(void)", "has no contract"
    ),
    plant("/** Does. */", "void csp_x_do(void)", "add Threads"),
    plant(
        "/** Does. Threads: some. */", "void csp_x_do(void)", "begin with any"
    ),
    plant(
        "/** Does. Threads: any. */", "int csp_x_do(void)", "returns a status"
    ),
    plant(
        "/** D. Threads: any. */", "char *csp_x_do(void)", "returns a pointer"
    ),
    plant("/** D. Threads: any. */", "void csp_x_do(csp_tx **t)", "add Owns"),
    plant("/** D. Threads: any. */", "void csp_x_do(csp_value *v)", "add Owns"),
    plant("/** D. Threads: any. */", "void csp_x_unref(csp_x *x)", "add Owns"),
    plant(
        "/** D. Owns: it. Threads: any. */",
        "void csp_x_unref(csp_x *x)",
        "say passes",
    ),
    plant(
        "/** D. Threads: any. */",
        "void csp_x_do(csp_time deadline)",
        "add Blocks",
    ),
    plant(
        "/** D. Threads: any. Blocks: until */",
        "void csp_x_do(void)",
        "must take",
    ),
    plant(
        "/** D. Returns: 0. Threads: any. */",
        "int csp_x_do(void)",
        "in this order",
    ),
    plant(
        "/** D. Threads: any.\n * - Gives: 0. */",
        "void csp_x_do(void)",
        "is no label",
    ),
    plant(
        "/** D. Threads: any. Returns: CSP_EX. */",
        "int csp_x_do(void)",
        "CSP_EX is",
    ),
    plant("/** Does @p b. Threads: any. */", "void csp_x_do(int a)", "@p b"),
    plant(
        "/** D: see csp_x_gone(). */", "void csp_x_do(void)", "no such function"
    ),
)

if __name__ == "__main__":
    sys.exit(main(check, PLANTS))
