# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""No access to an atomic variable but through the macros of lib/atomic.h.

Usage: implicit_orders.py CLANG

A plain a->count compiles, in the strongest order, and no other rule sees it:
of the compilers only clang tells.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rule import ROOT, Complaint, Plant, Tree, report, try_plants

FLAGS = ("-fsyntax-only", "-Watomic-implicit-seq-cst", "-std=gnu11")
SEAM = "lib/atomic.h"  # means its full barriers
WARNING = re.compile(
    r"^(.+?):(\d+):\d+: (?:error|warning: implicit use of seq).*", re.MULTILINE
)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2

    def check(tree: Tree) -> Iterator[Complaint]:
        with tempfile.TemporaryDirectory() as folder:
            top = tree.root if tree.planted is None else Path(folder)
            for path in tree.planted or ():
                (top / path).parent.mkdir(parents=True, exist_ok=True)
                (top / path).write_text(tree.read(path))
            command = [sys.argv[1], *FLAGS, f"-I{ROOT / 'include'}"]
            said = subprocess.run(
                [*command, *tree.files("lib/*.c")],
                cwd=top,
                capture_output=True,
                text=True,
                check=False,
            ).stderr
        for m in WARNING.finditer(said):
            if m[1].removeprefix("./") != SEAM:
                text = "an order nobody wrote: use cspi_load(), cspi_store()..."
                if "error" in m[0]:
                    text = m[0]
                yield Complaint(m[1].removeprefix("./"), int(m[2]), text)

    access = "static _Atomic int n; int f(void); int f(void) { return n; }\n"
    plants = [Plant({"lib/x.c": access}, "an order nobody wrote")]
    return report(check(Tree()), try_plants(check, plants))


if __name__ == "__main__":
    sys.exit(main())
