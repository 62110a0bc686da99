# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What a run is made on: the machine and what it can do just now, the versions
of programs, the revision of the tree."""

import importlib.util
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import figures
from contestants import HERE, Bench, Failed
from peers.compile import crates

TWO_CORES = 1.6  # how much more two must do than one, for a run that counts
PATIENCE = 6  # how often to wait for that, 5 s each
CORES = "two cores do the work of"
CLOCK = "fetch-add"  # says how fast a core is just now


class Refused(Exception):
    """Why there is no run."""


def two_cpus() -> str:
    """Two processors that we may use, of different cores if there are such."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Refused("void: this process may use one processor only")
    cores: dict[str, int] = {}
    for cpu in allowed:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/core_id")
        core = topology.read_text().strip() if topology.exists() else str(cpu)
        cores.setdefault(core, cpu)
    chosen = [*cores.values(), *allowed[1:]][:2]
    return ",".join(map(str, chosen))


def build_folder(given: Path | None) -> Path:
    """Where the C programs are: beside the package that is imported."""
    spec = importlib.util.find_spec("intercsp")
    if given is None and spec is not None and spec.origin:
        given = Path(spec.origin).parents[2]
    if given is None or not (given / "bench").is_dir():
        raise Refused(
            "the C programs are not to be found: start this with "
            "tools/run, or name the build folder with --build"
        )
    return given / "bench"


# ---- what it can do ----


def row(values: list[float], unit: str) -> dict[str, Any]:
    middle, low, high = figures.quartiles(values)
    return {
        "unit": unit,
        "rounds": values,
        "median": middle,
        "q1": low,
        "q3": high,
    }


def calibrate(bench: Bench) -> dict[str, Any]:
    try:
        found = bench.figures("calibrate")
    except Failed as e:
        raise Refused(f"calibrate: {e}") from e
    return {f["row"]: row([f["value"]], f["unit"]) for f in found}


def two_cores(bench: Bench) -> float:
    try:
        return float(bench.figures("calibrate cores")[0]["value"])
    except Failed as e:
        raise Refused(f"calibrate: {e}") from e


def wait_for_two_cores(bench: Bench) -> bool:
    """Whether the machine has two free cores, now or soon."""
    for _ in range(PATIENCE):
        if two_cores(bench) >= TWO_CORES:
            return True
        print("  something else is at work: waiting for it", flush=True)
        time.sleep(5)
    return two_cores(bench) >= TWO_CORES


# ---- what it is ----


def about() -> dict[str, Any]:
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model or platform.machine(),
        "processors": os.cpu_count(),
        "memory GiB": round(pages / (1 << 30), 1),
        "kernel": platform.release(),
        "C library": " ".join(platform.libc_ver()),
    }


def said(*command: str) -> str:
    """The first line of it, or nothing where there is no such program."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.partition("\n")[0]


def versions(bench: Bench) -> dict[str, str]:
    import intercsp

    found = {
        "intercsp": intercsp.__version__,
        "Python": platform.python_version(),
        "cc": said("cc", "--version"),
    }
    if "peer_go" not in bench.missing:
        found["go"] = said("go", "version")
    if "peer_rs" not in bench.missing:
        found["rustc"] = said("rustc", "--version")
        found |= crates()
    return {name: version for name, version in found.items() if version}


def revision() -> str:
    """Of the tree. What runs in a private toolchain sees no git: whoever
    starts it there says it."""
    named = os.environ.get("INTERCSP_REVISION")
    return named or said(
        *("git", "-C", str(HERE), "describe"),
        *("--always", "--dirty", "--abbrev=40"),
    )
