#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run the benchmarks: first what the machine can do, then a table a question.

The contestants of a question take turns, for several rounds; a table shows
medians and the middle half (from the first to the third quartile). Ratios are
taken within each round. Compare figures within one run only.

Exit status: 0; 1 if a contestant failed; 2 if the run is void because the
machine did not show two free cores, at first or in half of the rounds.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.compile import compile_peers
from questions import QUESTIONS, SINCE, Question, Target

HERE = Path(__file__).resolve().parent
TWO_CORES = 1.6  # how much more two must do than one, for a run that counts
PATIENCE = 6  # how often to wait for that, 5 s each


class Failed(Exception):
    pass


def two_cpus() -> str:
    """Two processors that we may use, of different cores if there are such."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Failed("void: this process may use one processor only")
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
        raise Failed(
            "the C programs are not to be found: start this with "
            "tools/run, or name the build folder with --build"
        )
    return given / "bench"


@dataclass
class Bench:
    programs: Path
    cpus: str
    missing: dict[str, str]  # peers that are not there, and why
    before: list[str]  # what to put before each command

    def takes_part(self, contestant: str) -> bool:
        words = contestant.rpartition(": ")[2].split()
        since = SINCE.get(" ".join(words[:2]), (3, 0))
        return not self.missing.keys() & words and sys.version_info >= since

    def figures(self, contestant: str) -> Iterator[dict[str, Any]]:
        label, _, command = contestant.rpartition(": ")
        for f in self.output(command.split()):
            yield f | ({"row": label} if label else {})

    def output(self, words: list[str]) -> Iterator[dict[str, Any]]:
        contestant = " ".join(words)
        env = {**os.environ, "BENCH_CPUS": self.cpus}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        if words[0].endswith(".py"):
            command = [sys.executable, str(HERE / words[0])]
        elif words[0].startswith("peer_"):
            command = [str(self.programs / "peers" / words[0])]
        else:
            command = [str(self.programs / f"bench_{words[0]}")]
        try:
            done = subprocess.run(
                [*self.before, *command, *words[1:]],
                env=env,
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as e:
            raise Failed(f"{contestant}: {e}") from e
        for line in done.stdout.splitlines():
            yield json.loads(line)

    def calibrate(self) -> dict[str, tuple[float, str]]:
        return {
            f["row"]: (f["value"], f["unit"]) for f in self.figures("calibrate")
        }

    def two_cores(self) -> float:
        return float(next(self.figures("calibrate cores"))["value"])


def progress(text: str) -> None:
    """On a terminal, in a line that the next text takes."""
    if sys.stderr.isatty():
        print(f"\r  {text:<20}\r", end="", file=sys.stderr, flush=True)


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Median, first and third quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, method="inclusive")
    return middle, low, high


def show(name: str, values: list[float], unit: str, remark: str = "") -> None:
    middle, low, high = quartiles(values)
    spread = f"{low:.4g} to {high:.4g}" if len(values) > 1 else ""
    print(
        f"  {name:<44} {middle:>8.4g} {unit:<4} {spread:>18}  {remark}".rstrip()
    )


def judge(rows: dict[str, list[float]], target: Target) -> dict[str, Any]:
    values = rows[target.row]
    if target.over:
        others = zip(*(rows[row] for row in target.over), strict=True)
        values = [a / min(b) for a, b in zip(values, others, strict=True)]
    middle = quartiles(values)[0]
    met = middle >= target.limit if target.at_least else middle <= target.limit
    bound = f"{'>=' if target.at_least else '<='} {target.limit:g}"
    return {
        "target": target.name,
        "bound": bound,
        "values": values,
        "median": middle,
        "met": met,
    }


def answer(bench: Bench, question: Question, rounds: int) -> dict[str, Any]:
    """Runs one question and prints its table."""
    rows: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    cores = []
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        cores.append(bench.two_cores())
        for contestant in filter(bench.takes_part, question.contestants):
            for f in bench.figures(contestant):
                rows.setdefault(f["row"], []).append(f["value"])
                units[f["row"]] = f["unit"]
    progress("")
    for row, values in rows.items():
        show(row, values, units[row])
    show("two cores did the work of", cores, "")
    judged = []
    for target in question.targets:
        if {target.row, *target.over} <= rows.keys():
            j = judge(rows, target)
            unit = "" if target.over else units[target.row]
            verdict = "met" if j["met"] else "missed"
            show(target.name, j["values"], unit, f"{j['bound']}: {verdict}")
            judged.append(j)
    return {
        "asks": question.asks,
        "rows": {
            row: {"unit": units[row], "median": m, "q1": low, "q3": high}
            | {"rounds": values}
            for row, values in rows.items()
            for m, low, high in [quartiles(values)]
        },
        "targets": judged,
        "two_cores": statistics.median(cores),
    }


def arguments() -> argparse.Namespace:
    description = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        description=description[0],
        epilog=description[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--list", action="store_true", help="name the questions"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=QUESTIONS,
        metavar="NAME",
        help="only this question; may be given again",
    )
    parser.add_argument(
        "--quick", action="store_true", help="half of the rounds"
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="go on where the run is void (it stays void)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write all figures to FILE, too",
    )
    parser.add_argument(
        "--by",
        default="",
        metavar="CMD",
        help="put before each program: 'chrt -f 20' on a machine with other "
        "work (threads that outnumber processors run unlike usual then)",
    )
    parser.add_argument(
        "--build",
        type=Path,
        metavar="DIR",
        help="where Meson built the C programs",
    )
    return parser.parse_args()


def run(args: argparse.Namespace) -> int:
    programs, cpus = build_folder(args.build), two_cpus()
    missing = compile_peers(programs / "peers")
    bench = Bench(programs, cpus, missing, args.by.split())
    for peer, why in missing.items():
        print(f"{peer} is left out: {why}")
    python = f"Python {platform.python_version()}"
    load = os.getloadavg()[0]
    print(f"calibration ({python}, load {load:.1f}, processors {bench.cpus})")
    before = bench.calibrate()
    two_cores = next(iter(before))
    for _ in range(PATIENCE):
        if before[two_cores][0] >= TWO_CORES:
            break
        print("  something else is at work: waiting for it", flush=True)
        time.sleep(5)
        before = bench.calibrate()
    for row, (value, unit) in before.items():
        show(row, [value], unit)
    free = before[two_cores][0]
    questions = {}
    if free >= TWO_CORES or args.anyway:
        names = args.only or list(QUESTIONS)
        for number, name in enumerate(names):
            question = QUESTIONS[name]
            rounds = question.rounds
            if args.quick:
                rounds = max(1, rounds // 2)
            print(f"\n{name}: {question.asks}", end="")
            print(f" ({number + 1} of {len(names)}; {rounds} rounds)")
            sys.stdout.flush()
            questions[name] = answer(bench, question, rounds)
            free = min(free, questions[name]["two_cores"])
    void = free < TWO_CORES
    if args.json:
        result = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "load": load,
            "calibration": {
                row: {"value": v, "unit": u} for row, (v, u) in before.items()
            },
            "void": void,
            "questions": questions,
        }
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    if void:
        print(
            f"void: two cores did the work of {free:.2f}, not {TWO_CORES}; "
            "something else is at work. Try again in a quiet moment.",
            file=sys.stderr,
        )
    return 2 if void else 0


def main() -> int:
    args = arguments()
    if args.list:
        for name, question in QUESTIONS.items():
            print(f"{name:<12} {question.asks}")
        return 0
    try:
        return run(args)
    except Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        return 2 if str(e).startswith("void") else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
