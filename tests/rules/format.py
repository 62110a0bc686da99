# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The tools that judge form: clang-format, ruff, mypy.

Usage: format.py c | python | types

Skipped (exit status 77) where the tool is not installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from rule import Tree

SKIP = 77


class Tool(NamedTuple):
    commands: tuple[tuple[str, ...], ...]  # the files come behind them
    files: tuple[str, ...]
    remedy: str
    plant: tuple[str, str]  # a file that every command must refuse


TOOLS = {
    "c": Tool(
        (("clang-format", "--dry-run", "-Werror", "--style=file"),),
        ("*.c", "*.h"),
        "run clang-format -i on the files named above",
        ("plant.c", "int  main( void ) { return 0; }\n"),
    ),
    "python": Tool(
        (
            ("ruff", "check", "--no-cache"),
            ("ruff", "format", "--no-cache", "--check"),
        ),
        ("*.py", "*.pyi"),
        "run ruff check --fix and ruff format on the files named above",
        ("plant.py", "import os\nx  =  1\n"),
    ),
    "types": Tool(
        (("mypy", "--strict", "--no-error-summary"),),
        ("python/intercsp/*.py", "examples/python/*.py"),
        "give the types that mypy misses",
        ("plant.py", "def f(x): return x\n"),
    ),
}


def refused(command: tuple[str, ...], files: list[str], folder: Path) -> str:
    """What a command says when it refuses the files; nothing if it does not."""
    done = subprocess.run(
        [*command, *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr or "refused") if done.returncode else ""


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in TOOLS:
        print(__doc__, file=sys.stderr)
        return 2
    tool, tree = TOOLS[sys.argv[1]], Tree()
    program = tool.commands[0][0]
    files = tree.files(*tool.files)
    if not shutil.which(program):
        print(f"{program} is not installed: not checked")
        return SKIP
    if not files:
        print("there is no such file yet")
        return SKIP
    failed = 0
    for command in tool.commands:
        with tempfile.TemporaryDirectory() as folder:
            for name in (".clang-format", "pyproject.toml"):
                if (tree.root / name).exists():
                    shutil.copy(tree.root / name, folder)
            name, text = tool.plant
            (Path(folder) / name).write_text(text)
            if not refused(command, [name], Path(folder)):
                print(
                    f"{command} accepts {text!r}: the rule is blind",
                    file=sys.stderr,
                )
                failed = 1
        said = refused(command, files, tree.root)
        if said:
            print(
                f"{said}\n{' '.join(command)}: {tool.remedy}", file=sys.stderr
            )
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
