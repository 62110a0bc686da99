# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Write what a run has found for people: tables in Markdown, and pictures.

Usage: report.py RESULT.json DIR

docs/benchmarks.md is such a page. All figures are the run's; the words between
them are in words.py.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import figures
import words
from figures import amount

UNKNOWN = "Why is not known yet."


def spread(found: dict[str, Any]) -> str:
    unit = found["unit"]
    return f"{amount(found['q1'], unit)} to {amount(found['q3'], unit)}"


def compared(
    question: dict[str, Any], found: list[figures.Comparison]
) -> Iterator[str]:
    yield "| | median | middle half | to the first |"
    yield "|---|---:|---:|---:|"
    for comparison in found:
        for who in comparison.medians:
            name, behind = comparison.row(who), comparison.behind(who)
            row = question["rows"][name]
            if figures.is_ours(name):
                name = f"**{name}**"
            times = f"{behind:,.2f}" if behind < math.inf else ""
            yield (
                f"| {name} | {amount(row['median'], row['unit'])} "
                f"| {spread(row)} | {times} |"
            )


def alone(question: dict[str, Any], others: list[str]) -> Iterator[str]:
    yield "| | median | middle half |"
    yield "|---|---:|---:|"
    for row in others:
        found = question["rows"][row]
        yield (
            f"| {row} | {amount(found['median'], found['unit'])} "
            f"| {spread(found)} |"
        )


def curved(question: dict[str, Any]) -> Iterator[str]:
    found = figures.series(question)
    numbers = sorted({n for points in found.values() for n in points})
    unit = next(iter(question["rows"].values()))["unit"]
    heads = " | ".join(f"{n:,.0f}" for n in numbers)
    yield f"| {question['curve']} | {heads} | grows like |"
    yield "|---|" + "---:|" * (len(numbers) + 1)
    for name, points in found.items():
        cells = " | ".join(
            amount(points[n], unit) if n in points else "" for n in numbers
        )
        e = f"n^{figures.exponent(points):.2f}" if len(points) > 1 else ""
        yield f"| {name} | {cells} | {e} |"


def table(question: dict[str, Any]) -> Iterator[str]:
    if question["curve"]:
        yield from curved(question)
        return
    found = figures.comparisons(question)
    if found:
        yield from compared(question, found)
    measures = {c.measure for c in found}
    others = [
        r for r in question["rows"] if figures.split(r)[0] not in measures
    ]
    if others:
        if found:
            yield ""
        yield from alone(question, others)


def lost(name: str, question: dict[str, Any]) -> Iterator[str]:
    """Where we are not first, and why."""
    for c in figures.comparisons(question):
        if c.lost_to is None:
            continue
        close = words.CLOSE if c.is_close(question) else None
        why = words.reason(name, c.measure, c.lost_to), close
        reason = " ".join(filter(None, why)) or UNKNOWN
        what = f"{name}, {c.measure}" if c.measure else name
        yield (
            f"- **{what}**: {c.lost_to} is first, {c.ours} takes "
            f"{c.behind(c.ours):,.3g} times as much. {reason}"
        )


def page(result: dict[str, Any], pictures: dict[str, str]) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield words.INTRODUCTION.strip() + "\n"
    yield "| | |\n|---|---|"
    about = {"date": result["date"], **result["machine"], **result["versions"]}
    for name, value in about.items():
        yield f"| {name} | {value} |"
    for name, found in result["calibration"].items():
        yield f"| {name} | {amount(found['value'], found['unit'])} |"
    seconds = sum(q["seconds"] for q in result["questions"].values())
    yield f"| this run took | {seconds / 60:.0f} minutes |\n"
    if result["void"]:
        yield f"**{words.VOID}**\n"
    for section, (about_it, names) in words.SECTIONS.items():
        asked = [name for name in names if name in result["questions"]]
        if not asked:
            continue
        yield f"## {section}\n\n{about_it.strip()}\n"
        for name in asked:
            question = result["questions"][name]
            yield f"### {name}: {question['asks']}\n"
            if name in pictures:
                yield f"![{question['asks']}]({pictures[name]})\n"
            yield from table(question)
            yield ""
    yield f"## Where intercsp is not first\n\n{words.LOST.strip()}\n"
    for name, question in result["questions"].items():
        yield from lost(name, question)
    missed = [
        f"- {name}, {j['target']}: {j['median']:.3g}, not {j['bound']}"
        for name, question in result["questions"].items()
        for j in question["targets"]
        if not j["met"]
    ]
    if missed:
        yield f"\n## Aims that this run has missed\n\n{words.MISSED.strip()}\n"
        yield from missed
    yield f"\n## How to repeat it\n{words.REPEAT.rstrip()}"


def write(result: dict[str, Any], out: Path) -> Iterator[Path]:
    """Into the folder; which files these were."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "benchmarks.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    yield file
    try:
        import plots
    except ImportError as e:
        print(f"no pictures: {e}", file=sys.stderr)
        pictures = {}
    else:
        pictures = plots.draw(result, out / "pictures")
        yield from (out / picture for picture in pictures.values())
    file = out / "benchmarks.md"
    file.write_text("\n".join(page(result, pictures)) + "\n")
    yield file


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    result = json.loads(Path(sys.argv[1]).read_text())
    for file in write(result, Path(sys.argv[2])):
        print(f"written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
