# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Feed mutated inputs to everything that decodes values, with libFuzzer and
AddressSanitizer.

In make test there is no time for that, and it is skipped. What was found
interesting is kept in the folder, so that the next run goes on from there; an
input that fails is left there, too, and named.

usage: run.py FOLDER [--seconds N] [--runs N] [NAME...]

FOLDER is where to build; --seconds (of each) or --runs (of each) also run where
it would be skipped. NAME is "trees" or "objects".
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SKIPPED = 77  # for Meson
SECONDS = 60  # of each in make soak
FLAGS = ["-g", "-O1", "-std=gnu11", "-fsanitize=fuzzer,address,undefined"]
FLAGS += ["-fno-sanitize-recover=all"]
if platform.machine() == "x86_64":
    FLAGS += ["-mcx16"]
PYTHON = f"python-{sys.version_info[0]}.{sys.version_info[1]}-embed"


def packages(*names: str) -> list[str]:
    """What pkg-config says to compile and link with."""
    command = ["pkg-config", "--cflags", "--libs", *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return shlex.split(done.stdout)


def sources_of(name: str) -> list[Path]:
    core = [HERE / f"{name}.c", *sorted(TOP.glob("lib/*.c"))]
    if name == "objects":
        core += sorted(TOP.glob("python/src/*.c"))
    return core


def build(name: str, folder: Path) -> Path:
    needs = ["liburcu-memb", "liburcu-cds"]
    if name == "objects":
        needs.append(PYTHON)
    includes = [f"-I{TOP / 'include'}", f"-I{TOP / 'python' / 'src'}"]
    program = folder / name
    command = [
        "clang",
        *FLAGS,
        *includes,
        *map(str, sources_of(name)),
        "-o",
        str(program),
    ]
    subprocess.run([*command, *packages(*needs), "-pthread"], check=True)
    return program


def fuzz(program: Path, limit: str) -> bool:
    """Whether all inputs were survived."""
    corpus = program.parent / f"{program.name}.inputs"
    corpus.mkdir(exist_ok=True)
    env = os.environ | {
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"
        ":max_allocation_size_mb=256",
        "PYTHONMALLOC": "malloc",  # so that each object has red zones
        "FUZZ_SEEDS": str(corpus),
    }
    command = [str(program), limit, "-max_len=512", "-print_final_stats=1"]
    command += [f"-artifact_prefix={corpus.parent}/{program.name}-failed-"]
    command += ["-timeout=30", "-rss_limit_mb=2048", "-verbosity=1"]
    log = program.with_suffix(".log")
    with log.open("w") as output:
        done = subprocess.run([*command, str(corpus)], env=env, stderr=output)
    lines = log.read_text(errors="replace").splitlines()
    if done.returncode:
        print("\n".join(lines[-60:]))
    for line in lines:
        if line.startswith("stat::"):
            print(program.name, line)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    limit = f"-max_total_time={args.seconds or SECONDS}"
    if args.runs:
        limit = f"-runs={args.runs}"
    elif not args.seconds and float(os.environ.get("INTERCSP_SCALE", 1)) < 20:
        print("only in make soak")
        return SKIPPED
    if not shutil.which("clang"):
        print("there is no clang")
        return SKIPPED
    args.folder.mkdir(parents=True, exist_ok=True)
    survived = [
        fuzz(build(name, args.folder), limit)
        for name in args.names or ("trees", "objects")
    ]
    return 0 if all(survived) else 1


if __name__ == "__main__":
    sys.exit(main())
