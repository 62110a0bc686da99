# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""docs/benchmarks.md is what bench/report.py writes of the run beside it, which
was not void, and gives a reason for each row that somebody else is first in.

usage: benchmarks.py TOP
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path


def faults(docs: Path) -> Iterator[str]:
    import report
    import words

    result = json.loads((docs / "benchmarks.json").read_text())
    text = (docs / "benchmarks.md").read_text()
    pictures = {
        file.stem.removeprefix("bench-"): f"pictures/{file.name}"
        for file in docs.glob("pictures/bench-*.svg")
    }
    if text != "\n".join(report.page(result, pictures)) + "\n":
        yield "it was not written by bench/report.py docs/benchmarks.json docs"
    shown = [name for _, names in words.SECTIONS.values() for name in names]
    for name in result["questions"].keys() - shown:
        yield f"bench/words.py has no section for {name}"
    if result["void"]:
        yield "its run is void"
    for line in text.splitlines():
        if report.UNKNOWN in line:
            yield f"bench/words.py has no reason for: {line}"


def main() -> int:
    top = Path(sys.argv[1])
    sys.path.insert(0, str(top / "bench"))
    found = list(faults(top / "docs"))
    for fault in found:
        print(f"docs/benchmarks.md: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
