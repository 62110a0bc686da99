# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""docs/benchmarks.md is what bench/report.py writes of the run beside it, which
was whole and not void, and gives a reason for each row that somebody is ahead
of, and for no other.

usage: benchmarks.py TOP
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PASSED = 0.9  # of what the other takes


def written(docs: Path, result: dict[str, Any]) -> Iterator[str]:
    """Faults of the page as a file."""
    import report

    pictures = {
        file.stem.removeprefix("bench-"): f"pictures/{file.name}"
        for file in docs.glob("pictures/bench-*.svg")
    }
    text = "\n".join(report.page(report.known(result), pictures)) + "\n"
    if (docs / "benchmarks.md").read_text() != text:
        yield "it was not written by bench/report.py docs/benchmarks.json docs"
    if result["void"]:
        yield "its run is void"
    for lack in result["lacks"]:
        yield f"its run is not whole: {lack}"


def places() -> Iterator[str]:
    """Every question has its place in the page."""
    import words
    from questions import QUESTIONS

    shown = [name for _, names in words.SECTIONS.values() for name in names]
    for name in QUESTIONS.keys() - shown:
        yield f"bench/words.py has no section for {name}"
    for name in shown - QUESTIONS.keys():
        yield f"bench/words.py has a section for {name}, which nobody asks"


def is_passed(ratio: Any) -> bool:
    """Whether we are ahead for good: in all rounds, and not just by what the
    next run may take back."""
    return max(ratio.rounds) <= 1 and ratio.median < PASSED


def reasons_of(result: dict[str, Any]) -> Iterator[str]:
    """Who is ahead has a reason, and reasons are for those who are. Not where
    the question has changed since the run: the next one tells."""
    import figures
    import reasons
    from questions import QUESTIONS

    asked = result["questions"]
    same = {
        name
        for name, question in QUESTIONS.items()
        if name in asked and asked[name]["contestants"] == question.contestants
    }
    duels = {d.key: d.ratio for d in figures.duels(result) if d.key[0] in same}
    for key, ratio in duels.items():
        if ratio.is_worse and key not in reasons.OF:
            yield f"bench/reasons.py has no reason for {key}"
    for key, reason in reasons.OF.items():
        if key[0] not in QUESTIONS:
            yield f"'{reason.name}' is a reason for {key}, which nobody asks"
        elif key[0] in same and key not in duels:
            yield f"'{reason.name}' is a reason for {key}: there is no such row"
        elif key in duels and is_passed(duels[key]):
            yield f"'{reason.name}' is a reason for {key}: it is behind"
    for one in reasons.REASONS:
        if not (one.why and one.change and one.rows):
            yield f"'{one.name}' lacks a why, a change, or rows"
    if len(reasons.OF) != sum(len(one.rows) for one in reasons.REASONS):
        yield "bench/reasons.py has two reasons for one row"


def main() -> int:
    top = Path(sys.argv[1])
    sys.path.insert(0, str(top / "bench"))
    result = json.loads((top / "docs/benchmarks.json").read_text())
    found = [*written(top / "docs", result), *places(), *reasons_of(result)]
    for fault in found:
        print(f"docs/benchmarks.md: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
