#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run the benchmarks: first what the machine can do, then a table a question.

The contestants of a question take turns, for several rounds; a table shows
medians and the middle half (from the first to the third quartile). Ratios are
taken within each round. Who fails (an exit status, no answer within 2 minutes,
a wrong sum, a figure that cannot be) is named and out of the question; the
others go on. Compare figures within one run only; --baseline does so with what
the peers do in both, and looks again before it says that something is slower.

What was found is recorded after each question, in the file that --json names
or in the build folder, so that a run that is interrupted keeps what it has:
`bench/report.py FILE DIR` makes a page of any such file. INTERCSP_REVISION is
the revision of the tree, where no git is in reach.

Exit status: 0, also where an aim was missed; 1 if a contestant failed, or
something is slower than in the baseline; 2 if there was no run (a wrong
option, a baseline of another machine, a folder that cannot be written) or it is
void: the machine did not show two free cores, at first or in half of the rounds
of a question and once more; 130 if it was interrupted.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import baseline
import figures
import machine
import report
from contestants import HERE, Bench, Rows
from fit import fit
from machine import CORES, TWO_CORES, Refused
from peers.compile import compile_peers
from progress import Progress
from questions import QUESTIONS
from questions.question import Question, Target

QUICK_ROUNDS = 3
DOCS = HERE.parent / "docs"


def show(name: str, values: list[float], unit: str, remark: str = "") -> None:
    middle, low, high = (
        figures.amount(value, unit) for value in figures.quartiles(values)
    )
    spread = f"{low} to {high}" if len(values) > 1 else ""
    print(f"  {name:<48} {middle:>10} {spread:>20}  {remark}".rstrip())


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


@dataclass
class Asker:
    bench: Bench
    progress: Progress
    args: argparse.Namespace

    def ask(self, name: str, question: Question, rounds: int) -> dict[str, Any]:
        """What the contestants of one question say."""
        asked = self.bench.asked(question, self.args.quick)
        rows = Rows()
        cores = []
        start = time.monotonic()
        for number in range(rounds):
            cores.append(machine.two_cores(self.bench))
            for contestant in rows.turns(asked, number):
                where = f"{name}, round {number + 1} of {rounds}"
                self.progress.show(f"{where}, {contestant}")
                rows.take(self.bench, contestant)
            self.progress.round_done(name)
        self.progress.clear()
        for row in rows.found.values():
            row |= machine.row(row["rounds"], row["unit"])
        return {
            "asks": question.asks,
            "curve": question.curve,
            "contestants": asked,
            "failed": rows.failed,
            "rows": rows.found,
            "targets": [
                judge(rows.found, target)
                for target in question.targets
                if {target.row, *target.over} <= rows.found.keys()
            ],
            "calibration": {CORES: machine.row(cores, "")},
            "seconds": time.monotonic() - start,
        }

    def ask_in_quiet(
        self, name: str, question: Question, rounds: int
    ) -> dict[str, Any]:
        """Once more where the machine was not free, if it is again."""
        answer = self.ask(name, question, rounds)
        if (
            is_free(answer)
            or self.args.anyway
            or not machine.wait_for_two_cores(self.bench)
        ):
            return answer
        print("  something else was at work; once more", flush=True)
        return self.ask(name, question, rounds)


def is_free(found: dict[str, Any]) -> bool:
    return bool(found["calibration"][CORES]["median"] >= TWO_CORES)


def show_answer(answer: dict[str, Any], targets: list[Target]) -> None:
    for contestant, why in answer["failed"].items():
        print(f"  {contestant} FAILED: {why}")
    for row, found in answer["rows"].items():
        show(row, found["rounds"], found["unit"])
    if answer["curve"]:
        for name, points in figures.series(answer).items():
            if grows := fit(points):
                print(f"  {name}: grows like {grows}")
    show("two cores did the work of", cores_of(answer), "")
    units = {t.name: (t.row, bool(t.over)) for t in targets}
    for j in answer["targets"]:
        row, ratio = units[j["target"]]
        unit = "" if ratio else answer["rows"][row]["unit"]
        verdict = "met" if j["met"] else "missed"
        show(j["target"], j["values"], unit, f"{j['bound']}: {verdict}")


def cores_of(found: dict[str, Any]) -> list[float]:
    values: list[float] = found["calibration"][CORES]["rounds"]
    return values


# ---- a run ----


def rounds_of(question: Question, args: argparse.Namespace) -> int:
    most = args.rounds or (QUICK_ROUNDS if args.quick else question.rounds)
    return max(1, min(question.rounds, most))


@dataclass
class Run:
    args: argparse.Namespace
    bench: Bench
    rounds: dict[str, int]  # of each question that is asked
    result: dict[str, Any]
    record: Path
    then: dict[str, Any] | None  # the baseline
    slow: dict[str, dict[str, float]] = field(default_factory=dict)
    compared: int = 0

    def lacks(self) -> list[str]:
        """What keeps this from being a whole run."""
        found = []
        answers = self.result["questions"]
        if len(answers) < len(QUESTIONS):
            found.append(f"{len(answers)} of {len(QUESTIONS)} questions")
        for name, answer in answers.items():
            question = QUESTIONS[name]
            absent = [c for c in question.contestants if not_in(answer, c)]
            found += [f"{name} without {c}" for c in absent]
            if self.rounds[name] < question.rounds:
                found.append(f"{name} in {self.rounds[name]} rounds")
        return found

    def write(self) -> None:
        """What there is so far."""
        self.result["lacks"] = self.lacks()
        part = self.record.with_suffix(".part")
        part.write_text(json.dumps(self.result, indent=1) + "\n")
        part.replace(self.record)

    def go(self) -> None:
        asker = Asker(self.bench, Progress(self.rounds), self.args)
        for number, (name, rounds) in enumerate(self.rounds.items(), 1):
            question = QUESTIONS[name]
            print(f"\n{name}: {question.asks}", end="")
            print(f" ({number} of {len(self.rounds)}; {rounds} rounds)")
            sys.stdout.flush()
            answer = asker.ask_in_quiet(name, question, rounds)
            show_answer(answer, question.targets)
            self.compare(asker, name, answer)
            self.result["questions"][name] = answer
            self.calibrated(answer)
            self.write()
            if self.result["void"] and not self.args.anyway:
                break

    def calibrated(self, answer: dict[str, Any]) -> None:
        """Its measures of the machine are of the run's, too."""
        mine = self.result["calibration"]
        values = cores_of(self.result) + cores_of(answer)
        mine[CORES] = machine.row(values, "")
        self.result["void"] = self.result["void"] or not is_free(answer)

    def compare(self, asker: Asker, name: str, answer: dict[str, Any]) -> None:
        if self.then is None:
            return
        question = QUESTIONS[name]
        found = baseline.regressions(
            self.bench,
            question,
            answer,
            self.then,
            name,
            lambda: asker.ask(name, question, QUICK_ROUNDS),
        )
        if found:
            self.slow[name] = found
        self.compared += baseline.compared(answer, self.then["questions"][name])

    def failed(self) -> list[str]:
        return [
            f"{name}: {contestant} failed: {why}"
            for name, answer in self.result["questions"].items()
            for contestant, why in answer["failed"].items()
        ]


def not_in(answer: dict[str, Any], contestant: str) -> bool:
    return (
        contestant not in answer["contestants"]
        or contestant in answer["failed"]
    )


def chosen(args: argparse.Namespace) -> dict[str, int]:
    """How many rounds of which questions."""
    return {
        name: rounds_of(question, args)
        for name, question in QUESTIONS.items()
        if (not args.only or name in args.only)
        and (question.quick or not args.quick)
    }


def start(args: argparse.Namespace) -> Run:
    """All that may be a reason not to run comes first."""
    rounds = chosen(args)
    if not rounds:
        raise Refused(f"--quick asks none of these: {', '.join(args.only)}")
    programs, cpus = machine.build_folder(args.build), machine.two_cpus()
    missing = compile_peers(programs / "peers")
    bench = Bench(programs, cpus, missing, args.by.split())
    then = None
    if args.baseline:
        then = baseline.load(args.baseline)
        asked = {n: bench.asked(QUESTIONS[n], args.quick) for n in rounds}
        baseline.check(then, asked)
        args.out = None  # or it would be the next one
    if guarded(args):
        check_whole(args, rounds, missing)
    record = args.json or programs / "benchmarks.json"
    check_folders(record.parent, args.out)
    for peer, why in missing.items():
        print(f"{peer} is left out: {why}")
    result = calibrated(args, bench)
    return Run(args, bench, rounds, result, record, then)


def calibrated(args: argparse.Namespace, bench: Bench) -> dict[str, Any]:
    """A result that has no answers yet."""
    load = os.getloadavg()[0]
    python = f"Python {platform.python_version()}"
    print(f"calibration ({python}, load {load:.1f}, processors {bench.cpus})")
    free = args.anyway or machine.wait_for_two_cores(bench)
    result: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "revision": machine.revision() or "not known",
        "machine": machine.about(),
        "versions": machine.versions(bench),
        "load": load,
        "calibration": machine.calibrate(bench),
        "questions": {},
    }
    result["void"] = not (free and is_free(result))
    for row, found in result["calibration"].items():
        show(row, found["rounds"], found["unit"])
    return result


def check_folders(*folders: Path | None) -> None:
    """Refuse now what could not be written in the end."""
    for folder in filter(None, folders):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise Refused(f"this cannot be written: {e}") from e
        if not os.access(folder, os.W_OK):
            raise Refused(f"this cannot be written: {folder}")


def check_whole(
    args: argparse.Namespace, rounds: dict[str, int], missing: dict[str, str]
) -> None:
    """Refuse what cannot become a whole run."""
    if args.quick or rounds != {n: q.rounds for n, q in QUESTIONS.items()}:
        raise Refused(f"{args.out} takes whole runs only; see --partial")
    for peer, why in missing.items():
        raise Refused(f"{args.out} takes whole runs only: {peer}: {why}")
    if not machine.revision():
        raise Refused(f"{args.out} needs a revision: start this by make bench")


def guarded(args: argparse.Namespace) -> bool:
    """Whether the page of the project is to be written, by a whole run."""
    return bool(args.out and args.out.resolve() == DOCS and not args.partial)


def end(run: Run) -> int:
    """Writes the page, and says in short what was found. Returns: the
    status."""
    result, out = run.result, run.args.out
    if out and guarded(run.args) and (result["lacks"] or result["void"]):
        why = "; ".join(result["lacks"]) or "the run is void"
        print(f"{out} is left as it was ({why})")
        out = None
    if out and result["questions"]:
        for file in report.write(result, out):
            print(f"written: {file}")
    else:
        print(f"what was found is in {run.record}")
    status = verdict(run) if result["questions"] else 0
    if result["void"]:
        cores = min(map(min_cores, [result, *result["questions"].values()]))
        print(
            f"void: two cores did the work of {cores:.2f}, not {TWO_CORES}; "
            "something else is at work. Try again in a quiet moment.",
            file=sys.stderr,
        )
        return 2
    return status


def min_cores(found: dict[str, Any]) -> float:
    return statistics.median(cores_of(found))


def verdict(run: Run) -> int:
    questions = run.result["questions"].values()
    aims = [j for q in questions for j in q["targets"]]
    missed = [j["target"] for j in aims if not j["met"]]
    print(
        f"\naims: {len(aims) - len(missed)} met, {len(missed)} missed", end=""
    )
    print(f" ({'; '.join(missed)})" if missed else "")
    failed = run.failed()
    for text in failed:
        print(text)
    if run.then is not None:
        for name, rows in run.slow.items():
            for row, ratio in rows.items():
                print(f"regression: {name}: {row}: {ratio:.2f} times as much")
        slow = sum(map(len, run.slow.values()))
        print(
            f"against {run.args.baseline}: {slow} slower, of {run.compared} "
            "rows that were compared"
        )
    return 1 if failed or run.slow else 0


# ---- the program ----


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
        metavar="NAME",
        help="only this question; may be given again",
    )
    option(
        "--quick",
        action="store_true",
        help="some questions only, in a few rounds: less than 2 minutes",
    )
    option("--rounds", type=int, metavar="N", help="at most N rounds each")
    option(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="the JSON of an earlier run on this machine: say what is slower",
    )
    option(
        "--json",
        type=Path,
        metavar="FILE",
        help="record what is found there, after each question",
    )
    option(
        "--out",
        type=Path,
        metavar="DIR",
        help="write DIR/benchmarks.json, DIR/benchmarks.md and pictures (not "
        "with --baseline, which it could be); docs takes whole runs only",
    )
    option(
        "--partial",
        action="store_true",
        help="let --out docs have a run that is not whole, too",
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
    args = parser.parse_args()
    for name in args.only or []:
        if name not in QUESTIONS:
            parser.error(f"no question is called {name!r}; see --list")
    if args.rounds is not None and args.rounds < 1:
        parser.error("--rounds: at least 1")
    return args


def main() -> int:
    args = arguments()
    if args.list:
        for name, question in QUESTIONS.items():
            print(f"{name:<18} {question.asks}")
        return 0
    run = None
    try:
        run = start(args)
        if args.anyway or not run.result["void"]:
            run.go()
        return end(run)
    except Refused as e:
        print(f"bench: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = ""
        if run and run.result["questions"]:
            kept = f"; what it has is in {run.record}"
        print(f"\nbench: interrupted{kept}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
