# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Write what a run has found for people: tables in Markdown, and pictures.

Usage: report.py RESULT.json DIR

docs/benchmarks.md is such a page. All figures are the run's; the words between
them are in words.py, and why others are ahead in reasons.py.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import figures
import reasons
import words
from figures import Comparison, Duel, Ratio, amount, times
from fit import fit

UNKNOWN = "Why is not known yet"


# ---- tables ----


def spread(found: dict[str, Any]) -> str:
    unit = found["unit"]
    return f"{amount(found['q1'], unit)} to {amount(found['q3'], unit)}"


def how_many(ratio: Ratio) -> str:
    """Times, and their middle half."""
    low, high = map(times, ratio.middle)
    text = times(ratio.median)
    return f"{text} ({low} to {high})" if max(ratio.rounds) < math.inf else text


def to_the_first(ratio: Ratio) -> str:
    return f"{how_many(ratio)}{', a tie' if ratio.is_tie else ''}"


def compared(question: dict[str, Any], c: Comparison) -> Iterator[str]:
    for who, name in ((who, c.rows[who]) for who in c.medians):
        row = question["rows"][name]
        behind = "first"
        if who != c.first:
            behind = to_the_first(c.ratio(who, c.first))
        if figures.is_ours(who):
            name = f"**{name}**"
        yield (
            f"| {name} | {amount(row['median'], row['unit'])} "
            f"| {spread(row)} | {behind} |"
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
        yield f"| {name} | {cells} | {fit(points) or ''} |"


def table(question: dict[str, Any]) -> Iterator[str]:
    if question["curve"]:
        yield from curved(question)
        return
    found = figures.comparisons(question)
    if found:
        yield "| | median | middle half | to the first |"
        yield "|---|---:|---:|---:|"
    for comparison in found:
        yield from compared(question, comparison)
    shown = {row for c in found for row in c.rows.values()}
    others = [row for row in question["rows"] if row not in shown]
    if others:
        if found:
            yield ""
        yield from alone(question, others)


def rounds_of(question: dict[str, Any]) -> int:
    return max(len(row["rounds"]) for row in question["rows"].values())


def answer(
    name: str, question: dict[str, Any], picture: str | None
) -> Iterator[str]:
    yield f"### {name}: {question['asks']}\n"
    if picture:
        yield f"![{question['asks']}]({picture})\n"
    for contestant, why in question["failed"].items():
        yield f"**`{contestant}` failed**: {why}\n"
    if question["rows"]:
        yield f"{rounds_of(question)} rounds, {question['seconds']:.0f} s.\n"
        yield from table(question)
        yield ""


# ---- where others are ahead ----


def ahead(result: dict[str, Any], found: list[Duel]) -> Iterator[str]:
    """A line for each row of ours, of those who are ahead of it."""
    yield "| | ours | ahead of it, how many times |"
    yield "|---|---:|---|"
    rivals: dict[tuple[str, str], list[str]] = {}
    for d in found:
        text = f"{d.rival}: {how_many(d.ratio)}"
        rivals.setdefault((d.question, d.row), []).append(text)
    for (name, row), texts in rivals.items():
        ours = result["questions"][name]["rows"][row]
        text = amount(ours["median"], ours["unit"])
        yield f"| {name}, {row} | {text} | {'; '.join(texts)} |"


def lost(result: dict[str, Any]) -> Iterator[str]:
    """Where we are not first, and why."""
    duels = [*figures.duels(result)]
    behind = [d for d in duels if d.ratio.is_worse]
    rows = {key for d in duels if (key := d.key[:2])}
    not_first = {key for d in behind if (key := d.key[:2])}
    yield words.LOST.strip() + "\n"
    yield (
        f"{len(rows)} rows of ours are compared with others, each with all of "
        f"its table: {len(duels)} pairs. In {len(rows) - len(not_first)} of "
        f"the rows nobody is ahead of ours, in {len(not_first)} somebody is.\n"
    )
    for reason in reasons.REASONS:
        found = [d for d in behind if d.key in reason.rows]
        if found:
            yield f"### {reason.name}\n\n{reason.why.strip()}\n"
            yield f"*What would change it*: {reason.change.strip()}\n"
            if reason.bound:
                yield f"*How far it could go*: {reason.bound}\n"
            yield from ahead(result, found)
            yield ""
    unknown = [d for d in behind if d.key not in reasons.OF]
    if unknown:
        yield f"### {UNKNOWN}\n"
        yield from ahead(result, unknown)
        yield ""
    ties = [d for d in duels if d.ratio.is_tie and d.ratio.median > 1]
    if ties:
        yield f"### Ties\n\n{words.TIES.strip()}\n"
        yield from ahead(result, ties)
        yield ""


def missed(result: dict[str, Any]) -> Iterator[str]:
    found = [
        f"- {name}, {j['target']}: {j['median']:.3g}, not {j['bound']}"
        for name, question in result["questions"].items()
        for j in question["targets"]
        if not j["met"]
    ]
    if found:
        yield "## Aims that this run has missed\n"
        yield words.MISSED.strip() + "\n"
        yield from found
        yield ""


# ---- the page ----


def about(result: dict[str, Any]) -> Iterator[str]:
    """The machine, and what was run there."""
    yield "| | |\n|---|---|"
    what = {"date": result["date"], "revision": f"`{result['revision']}`"}
    for name, value in (what | result["machine"] | result["versions"]).items():
        yield f"| {name} | {value} |"
    for name, found in result["calibration"].items():
        text = amount(found["median"], found["unit"])
        if len(found["rounds"]) > 1:
            text += f" ({spread(found)})"
        yield f"| {name} | {text} |"
    seconds = sum(q["seconds"] for q in result["questions"].values())
    yield f"| this run took | {seconds / 60:.0f} minutes |\n"
    if result["void"]:
        yield f"**{words.VOID}**\n"
    if result["lacks"]:
        yield f"**This is a part of a run**: {'; '.join(result['lacks'])}.\n"


def page(result: dict[str, Any], pictures: dict[str, str]) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield words.INTRODUCTION.strip() + "\n"
    yield from about(result)
    for section, (about_it, names) in words.SECTIONS.items():
        asked = [name for name in names if name in result["questions"]]
        if not asked:
            continue
        yield f"## {section}\n\n{about_it.strip()}\n"
        for name in asked:
            question = result["questions"][name]
            yield from answer(name, question, pictures.get(name))
    yield "## Where intercsp is not first\n"
    yield from lost(result)
    yield from missed(result)
    yield f"## How to repeat it\n{words.REPEAT.rstrip()}"


def known(result: dict[str, Any]) -> dict[str, Any]:
    """Without the questions that words.py no longer has a place for."""
    names = {name for _, names in words.SECTIONS.values() for name in names}
    questions = {n: q for n, q in result["questions"].items() if n in names}
    return result | {"questions": questions}


def write(result: dict[str, Any], out: Path) -> Iterator[Path]:
    """Into the folder; which files these were."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "benchmarks.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    yield file
    result = known(result)
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
