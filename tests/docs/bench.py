# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What bench/ does with programs that fail, rounds that disagree, and runs
that cannot be compared. The programs here are scripts that pretend.

usage: bench.py TOP
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(sys.argv[1]) / "bench"))

import baseline
import contestants
import figures
import machine
from contestants import Bench, Rows
from fit import fit
from machine import Refused
from questions.question import Question


def bench_of(**scripts: str) -> Bench:
    """Where each script is a program."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    for name, text in scripts.items():
        program = folder / f"bench_{name}"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    return Bench(folder, "0,1", {}, [])


def says(row: str, value: object, unit: str = "ns") -> str:
    return f"echo '{json.dumps({'row': row, 'value': value, 'unit': unit})}'"


def refused(call: Callable[[], object]) -> str:
    try:
        call()
    except Refused as e:
        return str(e)
    raise AssertionError("it was not refused")


def answer_of(**rows: list[float]) -> dict[str, Any]:
    found = {name: machine.row(values, "ns") for name, values in rows.items()}
    return {"rows": found, "curve": "", "contestants": [*rows], "failed": {}}


def test_who_fails_is_named_and_out_and_the_others_go_on() -> None:
    bench = bench_of(
        good=says("a", 1),
        status="echo 'the sum is wrong: 3' >&2; exit 1",
        killed="kill -9 $$",
        silent="true",
        wrong="echo hello",
        below=says("b", -1.5),
        nothing=says("c", 0),
        no_number=says("d", float("nan")),
        late=f'[ -e "$0.once" ] && exit 1; touch "$0.once"; {says("e", 1)}',
    )
    rows = Rows()
    names = [p.name.removeprefix("bench_") for p in bench.programs.iterdir()]
    for number in range(3):
        for name in rows.turns(names, number):
            rows.take(bench, name)
    assert rows.found.keys() == {"a"}, rows.found
    assert rows.found["a"]["rounds"] == [1, 1, 1]
    assert rows.failed.pop("late") == "exit status 1"
    assert rows.failed == {
        "status": "exit status 1: the sum is wrong: 3",
        "killed": "killed by SIGKILL",
        "silent": "it printed no figure",
        "wrong": "this is no figure: hello",
        "below": "this cannot be: b: -1.5 ns",
        "nothing": "this cannot be: c: 0.0 ns",
        "no_number": "this cannot be: d: nan ns",
    }, rows.failed


def test_counts_may_be_nothing() -> None:
    bench = bench_of(count=says("switches", 0, ""))
    assert bench.figures("count")[0]["value"] == 0


def test_two_rows_of_one_name_are_a_failure() -> None:
    bench = bench_of(one=says("a", 1), other=says("a", 2))
    rows = Rows()
    rows.take(bench, "one")
    rows.take(bench, "other")
    assert rows.found["a"]["rounds"] == [1]
    assert "two rows" in rows.failed["other"]


def test_who_gives_no_answer_is_ended_with_all_it_started() -> None:
    bench = bench_of(hangs='sleep 600 & echo $! >"$0.pid"; wait')
    rows = Rows()
    contestants.PATIENCE = 2
    rows.take(bench, "hangs")
    assert rows.failed == {"hangs": "no answer within 2 s"}, rows.failed
    pid = int((bench.programs / "bench_hangs.pid").read_text())
    until = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < until:
        os.sched_yield()
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_rounds_that_disagree_are_a_tie() -> None:
    for rounds, tie, behind in (
        ([1.3, 1.2, 1.4], False, True),
        ([0.7, 0.6, 0.8], False, False),
        ([1.3, 0.9, 1.4], True, False),
        ([1.3, 1.2, 1.3, 1.4, 0.9], True, False),
        ([1.3, 1.2, 1.3, 1.4, 1.2, 1.1, 0.9], False, True),  # one of seven
        ([1.3, 1.2, 1.3, 1.4, 1.2, 0.8, 0.9], True, False),
        ([1.004, 1.003, 1.005], True, False),
    ):
        ratio = figures.Ratio(rounds)
        assert (ratio.is_tie, ratio.is_worse) == (tie, behind), rounds


def test_each_who_is_ahead_of_each_row_of_ours_is_found() -> None:
    answer = {
        "rows": {
            f"x: {who}": machine.row([value] * 3, "ns")
            for who, value in (
                ("intercsp", 5.0),
                ("intercsp, moved", 2.0),
                ("Go", 1.0),
                ("pipe", 4.0),
                ("slow", 9.0),
            )
        },
        "curve": "",
    }
    duels = figures.duels({"questions": {"q": answer}})
    assert {d.key[1:]: d.ratio.median for d in duels if d.ratio.is_worse} == {
        ("x: intercsp", "Go"): 5,
        ("x: intercsp", "pipe"): 1.25,
        ("x: intercsp, moved", "Go"): 2,
    }


def test_ratios_are_of_the_same_round() -> None:
    answer = answer_of(intercsp=[1, 2, 30], Go=[2, 4, 60])
    (duel,) = figures.duels({"questions": {"q": answer}})
    assert duel.ratio.rounds == [0.5, 0.5, 0.5]


def test_what_the_machine_does_to_peers_is_not_held_against_us() -> None:
    then = answer_of(intercsp=[10, 11], Go=[20, 21])
    slow_machine = answer_of(intercsp=[15, 17], Go=[30, 33])
    assert figures.slower(slow_machine, then, 1) == {"intercsp": 1}
    slow_program = answer_of(intercsp=[12, 17], Go=[18, 33])
    assert figures.slower(slow_program, then, 1) == {"intercsp": 1.2}


def test_a_baseline_must_be_one() -> None:
    here = machine.about()
    whole = {
        "void": False,
        "machine": here,
        "versions": {"Python": machine.platform.python_version()},
        "calibration": {machine.CLOCK: machine.row([2.0], "ns")},
        "questions": {"q": answer_of(intercsp=[1])},
    }
    file = Path(tempfile.mkdtemp(prefix="bench-")) / "baseline.json"

    def load(**other: Any) -> dict[str, Any]:
        file.write_text(json.dumps(whole | other))
        return baseline.load(file)

    assert load()["void"] is False
    assert "void" in refused(lambda: load(void=True))
    assert "another machine: processors: 999" in refused(
        lambda: load(machine=here | {"processors": 999})
    )
    assert "Python" in refused(lambda: load(versions={"Python": "3.0"}))
    assert "not what a run" in refused(lambda: load(questions=None))
    file.write_text("{")
    assert "not what a run" in refused(lambda: baseline.load(file))
    file.unlink()
    assert "cannot be read" in refused(lambda: baseline.load(file))
    baseline.check(whole, {"q": ["intercsp"]})
    assert "did not ask p" in refused(lambda: baseline.check(whole, {"p": []}))
    assert "did not ask 'Go'" in refused(
        lambda: baseline.check(whole, {"q": ["intercsp", "Go"]})
    )


def test_what_seems_slower_is_asked_again() -> None:
    bench = bench_of(calibrate=says(machine.CLOCK, 2.0))
    then = {
        "questions": {"q": answer_of(intercsp=[10], Go=[10])},
        "calibration": {machine.CLOCK: machine.row([2.0], "ns")},
    }
    looks: list[int] = []

    def found(value: float) -> dict[str, float]:
        def once_more() -> dict[str, Any]:
            looks.append(1)
            return answer_of(intercsp=[value], Go=[10])

        answer = answer_of(intercsp=[14], Go=[10])
        question = Question("?", [], steady=1.3)
        return baseline.regressions(
            bench, question, answer, then, "q", once_more
        )

    assert found(10) == {}
    assert len(looks) == 1
    assert found(15) == {"intercsp": 1.4}
    assert len(looks) == 1 + baseline.LOOKS - 1


def fitted(points: dict[float, float]) -> tuple[float, float, float]:
    """From where on, the exponent, and R squared."""
    found = fit(points)
    if found is None:
        return (0, 0, 0)
    return (found.since, round(found.exponent, 1), round(found.r_squared, 1))


def test_a_curve_is_fitted_where_it_grows() -> None:
    numbers = [10.0 ** (e / 2) for e in range(13)]
    assert fitted({n: 100 + n for n in numbers}) == (100, 0.9, 1)
    assert fitted(dict.fromkeys(numbers, 5.0)) == (1, 0, 0)
    two_points_are_no_line = {1.0: 5.0, 10.0: 5.0, 100.0: 5.0, 1000.0: 50.0}
    assert fitted(two_points_are_no_line) == (1, 0.3, 0.6)
    assert fit({1.0: 1.0, 2.0: 2.0}) is None


def main() -> int:
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    print(f"TAP version 13\n1..{len(tests)}")
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            with contextlib.redirect_stdout(sys.stderr):
                test()
            print(f"ok {number} - {test.__name__}")
        except AssertionError as e:
            failed += 1
            print(f"not ok {number} - {test.__name__}: {e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
