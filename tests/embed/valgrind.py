# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Plugins that come and go under valgrind: no error, and nothing lost but what
CPython 3.13 loses by itself: the str objects that its interpreters intern.

Only in make soak (INTERCSP_SCALE of 20 and more): else it is skipped.

usage: valgrind.py VALGRIND PROGRAM VERSION
"""

import os
import re
import subprocess
import sys

SKIPPED = 77  # as Meson understands it
CYCLES = 5
OPTIONS = (
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=none",
    "--error-exitcode=1",
    "--error-limit=no",
    "--num-callers=40",
)
STACKS_END = re.compile(r"^==\d+== $", re.M)


def lost(report: str) -> list[str]:
    return [
        stack
        for stack in STACKS_END.split(report)
        if re.search(r" blocks are \w+ lost in ", stack)
    ]


def is_str(stack: str) -> bool:
    """Whether a str is what was allocated: malloc's caller says so."""
    caller = re.findall(r"by 0x[0-9A-F]+: (\w+)", stack)[0]
    return caller in ("PyUnicode_New", "resize_compact")


def main() -> int:
    valgrind, program, version = sys.argv[1:]
    if float(os.environ.get("INTERCSP_SCALE") or 1) < 20:
        return SKIPPED
    done = subprocess.run(
        [valgrind, *OPTIONS, program, str(CYCLES), "plugins"],
        env={**os.environ, "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
    )
    allowed = is_str if version == "3.13" else lambda stack: False
    faults = [stack for stack in lost(done.stderr) if not allowed(stack)]
    print(*faults, sep="\n")
    print(done.stdout, done.stderr[-2000:])
    return 1 if faults or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
