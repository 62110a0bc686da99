# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""python -m intercsp: what can be imported in processes."""

from __future__ import annotations

import sys
from importlib import import_module

from . import __version__, _core
from ._boot import refused
from ._process import spawn

USAGE = """\
usage: python -m intercsp check MODULE...
       python -m intercsp --version | --help

check    import each module in a new interpreter with a GIL of its own, and
         say what is in the way. Exit status 1: of some modules something is.
"""


def importable(module: str) -> str:
    """What is in the way of importing a module in this interpreter, or ''."""
    try:
        import_module(module)
    except (Exception, SystemExit) as error:
        extension = refused(error)
        if extension is None:
            return f"no: {type(error).__name__}: {error}"
        return (
            f"no: {extension} does not support interpreters with a GIL of "
            "their own; use thread=True"
        )
    return ""


def check(modules: list[str]) -> int:
    """Print a line for each module; the exit status."""
    width = max(map(len, modules))
    status = 0
    for module in modules:
        obstacle = spawn(importable, module).result()
        print(f"{module:{width}}  {obstacle or 'yes'}")
        status |= bool(obstacle)
    return status


def main(args: list[str]) -> int:
    """Run the command line; the exit status."""
    match args:
        case ["--version"]:
            python = ".".join(map(str, sys.version_info[:3]))
            print(f"intercsp {__version__}, CPython {python}, {_core.__file__}")
        case ["--help" | "-h"]:
            print(USAGE, end="")
        case ["check", _, *_]:
            return check(args[1:])
        case _:
            print(USAGE, end="", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
