# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Compile the peers that are not in C: with Go, and with Rust and the sources
of crossbeam-channel as Debian packages them. Nothing is downloaded."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CRATES = Path("/usr/share/cargo/registry")
RUSTC = ["rustc", "--edition=2021", "-Copt-level=3", "-Ccodegen-units=1"]
CRATE = [*RUSTC, "--crate-type=rlib", "--cfg", 'feature="std"']


class Missing(Exception):
    """Why a peer cannot be had."""


def run(command: list[str], folder: Path) -> None:
    if not shutil.which(command[0]):
        raise Missing(f"{command[0]} is not installed")
    env = {**os.environ, "GOCACHE": str(folder / "go-cache")}
    env |= {"GO111MODULE": "off", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"{command[0]} failed: {done.stdout[:300].strip()}")


def compile_go(program: Path, source: Path) -> None:
    run(["go", "build", "-o", str(program), str(source)], program.parent)


def crate_folder(crate: str) -> Path:
    """Where the sources of its newest version are."""
    found = sorted(CRATES.glob(f"{crate}-[0-9]*/src/lib.rs"))
    if not found:
        raise Missing(f"the sources of {crate} are not installed")
    return found[-1].parents[1]


def crates() -> dict[str, str]:
    """The versions of those that are peers."""
    crate = "crossbeam-channel"
    try:
        name = crate_folder(crate).name
    except Missing:  # who was compiled before can take part without them
        return {}
    return {crate: name.removeprefix(f"{crate}-")}


def compile_rust(program: Path, source: Path) -> None:
    known = ["-L."]
    for crate in ("crossbeam-utils", "crossbeam-channel"):
        name = crate.replace("-", "_")
        library = str(crate_folder(crate) / "src/lib.rs")
        command = [*CRATE, f"--crate-name={name}", *known, library]
        run([*command, "--cap-lints=allow"], program.parent)
        known += ["--extern", f"{name}=lib{name}.rlib"]
    run([*RUSTC, *known, "-o", str(program), str(source)], program.parent)


COMPILE = {"peer.go": compile_go, "peer.rs": compile_rust}


def compile_peers(folder: Path) -> dict[str, str]:
    """Into the folder, unless they are there. Returns: why others are not."""
    missing = {}
    folder.mkdir(exist_ok=True)
    for name, compile_it in COMPILE.items():
        source = HERE / name
        program = folder / name.replace(".", "_")
        newest = max(source.stat().st_mtime, Path(__file__).stat().st_mtime)
        if program.exists() and program.stat().st_mtime > newest:
            continue
        try:
            compile_it(program, source)
        except Missing as e:
            missing[program.name] = str(e)
            program.unlink(missing_ok=True)
    return missing
