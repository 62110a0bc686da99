# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Build and run pingpong.c as users do: pkg-config, what is installed.

Usage: test_installed.py MESON BUILD_FOLDER SOURCE COMPILER...
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
    if len(sys.argv) < 5:
        print(__doc__, file=sys.stderr)
        return 2
    meson, build, source, *compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        install = [meson, "install", "-C", build, "--no-rebuild", "--quiet"]
        output_of([*install, "--tags", "devel,runtime", "--destdir", folder])
        found = list(Path(folder).rglob("intercsp.pc"))
        if len(found) != 1:
            print(f"installed {len(found)} files intercsp.pc, not one: {found}")
            return 1
        where = {"PKG_CONFIG_SYSROOT_DIR": folder}
        where["PKG_CONFIG_PATH"] = str(found[0].parent)
        ask = ["pkg-config", "--cflags", "--libs", "intercsp"]
        flags = output_of(ask, **where).split()
        program = str(Path(folder) / "pingpong")
        output_of([*compiler, source, *flags, "-o", program])
        libraries = str(found[0].parents[1])
        said = output_of([program, "1000"], LD_LIBRARY_PATH=libraries)
        print(" ".join(flags), said, sep="\n")
        return 0 if said.startswith("1000 round trips, ") else 1


if __name__ == "__main__":
    sys.exit(main())
