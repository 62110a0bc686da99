# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Each public header compiles alone, and a test expands each public macro.

Usage: headers.py STANDARD COMPILER...    (c11 or c++17, and how to call it)
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rule import Complaint, Plant, Tree, code, line_of, report, try_plants

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"]
EXPANDED = "tests/rules/public_macros.c"
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(CSP_\w+)(.?)", re.MULTILINE)


def compile_alone(
    tree: Tree, standard: str, compiler: list[str]
) -> Iterator[Complaint]:
    with tempfile.TemporaryDirectory() as folder:
        top = tree.root / "include"
        if tree.planted is not None:
            top = Path(folder) / "include"
            for path, text in tree.planted.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text)
        unit = Path(folder) / (
            "alone.cc" if standard.startswith("c++") else "alone.c"
        )
        for path in tree.files("include/csp/*.h"):
            name = path.removeprefix("include/")
            unit.write_text(f"#include <{name}>\nint alone(void);\n")
            command = [
                *compiler,
                f"-std={standard}",
                *WARNINGS,
                "-fsyntax-only",
                f"-I{top}",
                str(unit),
            ]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                text = f"is not complete as {standard}: include what it uses"
                yield Complaint(path, 0, f"{text}\n{done.stderr}")


def unexpanded(tree: Tree) -> Iterator[Complaint]:
    used = "".join(code(tree.read(path)) for path in tree.files(EXPANDED))
    for path in tree.files("include/csp/*.h"):
        text = code(tree.read(path))
        guard = f"CSP_{Path(path).stem.upper()}_H"
        for m in MACRO.finditer(text):
            name = m[1]
            private = name.endswith("_") or name == guard
            if not private and not re.search(rf"\b{name}\b", used):
                text_ = f"no test expands {name}: add it to {EXPANDED}"
                yield Complaint(path, line_of(text, m.start(1)), text_)


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    standard, *compiler = sys.argv[1:]

    def check(tree: Tree) -> Iterator[Complaint]:
        yield from compile_alone(tree, standard, compiler)
        yield from unexpanded(tree)

    plants = (
        Plant({"include/csp/x.h": "size_t csp_x_len(void);\n"}, "not complete"),
        Plant(
            {"include/csp/x.h": "#define CSP_X(a) a\n", EXPANDED: ""},
            "expands CSP_X",
        ),
    )
    return report(check(Tree()), try_plants(check, plants))


if __name__ == "__main__":
    sys.exit(main())
