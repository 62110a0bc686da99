#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run the benchmarks: first what the machine can do, then a table a question.

The contestants of a question take turns, for several rounds; a table shows
medians and the middle half (from the first to the third quartile). Ratios are
taken within each round. Compare figures within one run only; --baseline does
so with what the peers do in both, and looks again before it says that
something is slower.

Exit status: 0, also where an aim was missed; 1 if a contestant failed, or
something is slower than in the baseline; 2 if the run is void because the
machine did not show two free cores, at first or in half of the rounds.
"""

import argparse
import datetime
import importlib.util
import json
import math
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

import figures
import report
from peers.compile import compile_peers
from questions import QUESTIONS, SINCE
from questions.question import Question, Target

HERE = Path(__file__).resolve().parent
TWO_CORES = 1.6  # how much more two must do than one, for a run that counts
PATIENCE = 6  # how often to wait for that, 5 s each
LOOKS = 4  # how often to ask what seems slower than in the baseline
QUICK_ROUNDS = 3
CORES = "two cores do the work of"
CLOCK = "fetch-add"  # says how fast a core is just now
CLOCKS = 5  # how often to ask for that


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
                timeout=120,
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


def show(name: str, values: list[float], unit: str, remark: str = "") -> None:
    middle, low, high = figures.quartiles(values)
    spread = f"{low:.4g} to {high:.4g}" if len(values) > 1 else ""
    print(
        f"  {name:<44} {middle:>8.4g} {unit:<4} {spread:>18}  {remark}".rstrip()
    )


# ---- a question ----


def judge(rows: dict[str, Any], target: Target) -> dict[str, Any]:
    values = rows[target.row]["rounds"]
    if target.over:
        others = zip(*(rows[r]["rounds"] for r in target.over), strict=True)
        values = [a / min(b) for a, b in zip(values, others, strict=True)]
    middle = figures.quartiles(values)[0]
    met = middle >= target.limit if target.at_least else middle <= target.limit
    bound = f"{'>=' if target.at_least else '<='} {target.limit:g}"
    return {
        "target": target.name,
        "bound": bound,
        "values": values,
        "median": middle,
        "met": met,
    }


def ask(bench: Bench, question: Question, rounds: int) -> dict[str, Any]:
    """What the contestants of one question say."""
    rows: dict[str, Any] = {}
    cores = []
    start = time.monotonic()
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        cores.append(bench.two_cores())
        # Another one first each time: the first may pay for memory.
        taking_part = [*filter(bench.takes_part, question.contestants)]
        first = number % len(taking_part)
        for contestant in taking_part[first:] + taking_part[:first]:
            for f in bench.figures(contestant):
                row = rows.setdefault(
                    f["row"], {"unit": f["unit"], "rounds": []}
                )
                row["rounds"].append(f["value"])
    progress("")
    for row in rows.values():
        row["median"], row["q1"], row["q3"] = figures.quartiles(row["rounds"])
    return {
        "asks": question.asks,
        "curve": question.curve,
        "rows": rows,
        "targets": [
            judge(rows, target)
            for target in question.targets
            if {target.row, *target.over} <= rows.keys()
        ],
        "two_cores": statistics.median(cores),
        "seconds": time.monotonic() - start,
    }


def show_answer(answer: dict[str, Any], targets: list[Target]) -> None:
    for row, found in answer["rows"].items():
        show(row, found["rounds"], found["unit"])
    if answer["curve"]:
        for name, points in figures.series(answer).items():
            if len(points) > 1:
                e = figures.exponent(points)
                print(f"  {name}: grows like n to the power of {e:.2f}")
    show("two cores did the work of", [answer["two_cores"]], "")
    units = {t.name: (t.row, bool(t.over)) for t in targets}
    for j in answer["targets"]:
        row, ratio = units[j["target"]]
        unit = "" if ratio else answer["rows"][row]["unit"]
        verdict = "met" if j["met"] else "missed"
        show(j["target"], j["values"], unit, f"{j['bound']}: {verdict}")


def merge(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Take the rounds of the other into one."""
    for row, found in other["rows"].items():
        mine = one["rows"][row]
        mine["rounds"] += found["rounds"]
        mine["median"], mine["q1"], mine["q3"] = figures.quartiles(
            mine["rounds"]
        )


def regressions(
    bench: Bench,
    question: Question,
    answer: dict[str, Any],
    baseline: dict[str, Any],
    name: str,
) -> dict[str, float]:
    """Which rows are slower than in the baseline, and how many times. What
    seems so is asked again: a machine has bad moments, a slower program has
    no good ones."""
    then = baseline["questions"][name]
    clock = math.inf  # at its best, as all that is compared here

    def slower(machine: float) -> dict[str, float]:
        ratios = figures.slower(answer, then, machine)
        return {
            r: ratio for r, ratio in ratios.items() if ratio > question.steady
        }

    for look in range(LOOKS):
        found = slower(1)
        if found:
            clocks = [bench.calibrate()[CLOCK][0] for _ in range(CLOCKS)]
            clock = min(clock, *clocks)
            found = slower(clock / baseline["calibration"][CLOCK]["value"])
        if not found or look == LOOKS - 1:
            break
        print(f"  slower, it seems: {', '.join(found)}; once more", flush=True)
        merge(answer, ask(bench, question, QUICK_ROUNDS))
    return found


# ---- a run ----


def machine() -> dict[str, Any]:
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
    }


def versions(missing: dict[str, str]) -> dict[str, str]:
    import intercsp

    found = {"intercsp": intercsp.__version__}
    found["Python"] = platform.python_version()
    for peer, command in (
        ("peer_go", ["go", "version"]),
        ("peer_rs", ["rustc", "--version"]),
    ):
        if peer not in missing:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False
            )
            name, _, version = done.stdout.strip().partition(" ")
            found[name] = version
    return found


def calibrate(bench: Bench) -> dict[str, Any]:
    """When the machine has two free cores, or has not got them for long."""
    found = bench.calibrate()
    for _ in range(PATIENCE):
        if found[CORES][0] >= TWO_CORES:
            break
        print("  something else is at work: waiting for it", flush=True)
        time.sleep(5)
        found = bench.calibrate()
    for row, (value, unit) in found.items():
        show(row, [value], unit)
    return {row: {"value": v, "unit": u} for row, (v, u) in found.items()}


def chosen(
    args: argparse.Namespace, baseline: dict[str, Any] | None
) -> list[str]:
    names = args.only or [
        name
        for name, question in QUESTIONS.items()
        if question.quick or not args.quick
    ]
    if baseline is not None:
        names = [name for name in names if name in baseline["questions"]]
        if not names:
            raise Failed("the baseline has none of these questions")
    return names


def rounds_of(question: Question, args: argparse.Namespace) -> int:
    most = args.rounds or (QUICK_ROUNDS if args.quick else question.rounds)
    return max(1, min(question.rounds, most))


def run(args: argparse.Namespace) -> int:
    baseline = None
    if args.baseline:
        baseline = json.loads(args.baseline.read_text())
    programs, cpus = build_folder(args.build), two_cpus()
    missing = compile_peers(programs / "peers")
    bench = Bench(programs, cpus, missing, args.by.split())
    for peer, why in missing.items():
        print(f"{peer} is left out: {why}")
    load = os.getloadavg()[0]
    python = f"Python {platform.python_version()}"
    print(f"calibration ({python}, load {load:.1f}, processors {bench.cpus})")
    calibration = calibrate(bench)
    free = calibration[CORES]["value"]
    result: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(missing),
        "load": load,
        "calibration": calibration,
        "questions": {},
    }
    names = chosen(args, baseline) if free >= TWO_CORES or args.anyway else []
    slow: dict[str, dict[str, float]] = {}
    for number, name in enumerate(names):
        question = QUESTIONS[name]
        rounds = rounds_of(question, args)
        print(f"\n{name}: {question.asks}", end="")
        print(f" ({number + 1} of {len(names)}; {rounds} rounds)", flush=True)
        answer = ask(bench, question, rounds)
        show_answer(answer, question.targets)
        if baseline is not None:
            found = regressions(bench, question, answer, baseline, name)
            if found:
                slow[name] = found
        result["questions"][name] = answer
        free = min(free, answer["two_cores"])
    result["void"] = free < TWO_CORES
    return end(args, result, free, slow)


def end(
    args: argparse.Namespace,
    result: dict[str, Any],
    free: float,
    slow: dict[str, dict[str, float]],
) -> int:
    """Writes what was found, and says it in short. Returns: the status."""
    if args.baseline:  # or it would be the next one
        args.out = None
    if args.out and result["questions"]:
        for file in report.write(result, args.out):
            print(f"written: {file}")
    if free < TWO_CORES:
        print(
            f"void: two cores did the work of {free:.2f}, not {TWO_CORES}; "
            "something else is at work. Try again in a quiet moment.",
            file=sys.stderr,
        )
        return 2
    aims = [j for q in result["questions"].values() for j in q["targets"]]
    missed = [j["target"] for j in aims if not j["met"]]
    print(
        f"\naims: {len(aims) - len(missed)} met, {len(missed)} missed", end=""
    )
    print(f" ({'; '.join(missed)})" if missed else "")
    if args.baseline:
        for name, rows in slow.items():
            for row, ratio in rows.items():
                print(f"regression: {name}: {row}: {ratio:.2f} times as much")
        print(f"against {args.baseline}: {sum(map(len, slow.values()))} slower")
    return 1 if slow else 0


def arguments() -> argparse.Namespace:
    description = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        description=description[0],
        epilog=description[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("--list", action="store_true", help="name the questions")
    option(
        "--only",
        action="append",
        choices=QUESTIONS,
        metavar="NAME",
        help="only this question; may be given again",
    )
    option(
        "--quick",
        action="store_true",
        help="the short questions only, in a few rounds: less than 2 minutes",
    )
    option("--rounds", type=int, metavar="N", help="at most N rounds each")
    option(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="the benchmarks.json of an earlier run: say what is slower now",
    )
    option(
        "--out",
        type=Path,
        metavar="DIR",
        help="write DIR/benchmarks.json, DIR/benchmarks.md and pictures "
        "(not with --baseline, which it could be)",
    )
    option(
        "--anyway",
        action="store_true",
        help="go on where the run is void (it stays void)",
    )
    option(
        "--by",
        default="",
        metavar="CMD",
        help="put before each program: 'chrt -f 20' on a machine with other "
        "work (threads that outnumber processors run unlike usual then)",
    )
    option(
        "--build",
        type=Path,
        metavar="DIR",
        help="where Meson built the C programs",
    )
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if args.list:
        for name, question in QUESTIONS.items():
            print(f"{name:<18} {question.asks}")
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
