# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Build and run an example as users do: pkg-config, what is installed.

Usage: test_installed.py MESON BUILD_FOLDER PACKAGE SOURCE ARGUMENT COMPILER...
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def output_of(command: list[str], **variables: str) -> str:
    env = {**os.environ, **variables}
    return subprocess.run(
        command, env=env, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> int:
    if len(sys.argv) < 7:
        print(__doc__, file=sys.stderr)
        return 2
    meson, build, package, source, argument, *compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        install = [meson, "install", "-C", build, "--no-rebuild", "--quiet"]
        tags = "devel,runtime,python-runtime"
        output_of([*install, "--tags", tags, "--destdir", folder])
        found = list(Path(folder).rglob(f"{package}.pc"))
        if len(found) != 1:
            print(f"installed {len(found)} {package}.pc, not one: {found}")
            return 1
        where = {"PKG_CONFIG_SYSROOT_DIR": folder}
        where["PKG_CONFIG_PATH"] = str(found[0].parent)
        ask = ["pkg-config", "--cflags", "--libs", package]
        flags = output_of(ask, **where).split()
        program = str(Path(folder) / "program")
        output_of([*compiler, *flags, source, "-o", program])
        installed = {"LD_LIBRARY_PATH": str(found[0].parents[1])}
        for init in Path(folder).rglob("intercsp/__init__.py"):
            installed["PYTHONPATH"] = str(init.parents[1])
        print(" ".join(flags), output_of([program, argument], **installed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
