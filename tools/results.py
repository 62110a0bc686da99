# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Sum up what the variants of tools/test left in Meson's logs.

Reads a line for each variant, "NAME RESULT SECONDS FOLDER", where RESULT is
tested, unbuilt, empty (a build without tests) or none (without a test of the
name asked for). Prints what failed and why, a line for each variant, and last
of all the sum. The exit status is 1 if anything failed or nothing ran.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TAIL = 40  # lines of a log that are shown

# What Meson calls a test that failed
FAILURES = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}

# The last line of pytest: "== 1 failed, 12 passed, 3 skipped in 0.33s =="
PYTEST = re.compile(r"^=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s", re.M)
PYTEST_WORDS = {
    "passed": "passed",
    "xfailed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "xpassed": "failed",
    "skipped": "skipped",
}


def subtests(folder: Path) -> dict[str, Counter[str]]:
    """Count what the programs that speak TAP said, by the test's name."""
    counts: dict[str, Counter[str]] = {}
    path = folder / "meson-logs" / "testlog.junit.xml"
    if not path.exists():
        return counts
    for suite in ET.parse(path).getroot():
        count: Counter[str] = Counter()
        for case in suite.iter("testcase"):
            children = {child.tag for child in case}
            if children & {"failure", "error"}:
                count["failed"] += 1
            elif "skipped" in children:
                count["skipped"] += 1
            else:
                count["passed"] += 1
        counts[suite.get("name", "")] = count
    return counts


def pytest_counts(output: str) -> Counter[str]:
    """Count what pytest said, if this is its output."""
    count: Counter[str] = Counter()
    for found in PYTEST.findall(output)[-1:]:
        for part in found.split(", "):
            number, word = part.split()
            if word in PYTEST_WORDS:
                count[PYTEST_WORDS[word]] += int(number)
    return count


def programs(folder: Path) -> Iterator[tuple[str, Counter[str], str]]:
    """Yield name, counts and output of every program that Meson ran."""
    inside = subtests(folder)
    log = folder / "meson-logs" / "testlog.json"
    for line in log.read_text(errors="replace").splitlines():
        test = json.loads(line)
        name = test["name"]
        output = test.get("stdout", "") + test.get("stderr", "")
        # Meson puts the project's name before that of a TAP program.
        count = next(
            (inside[key] for key in inside if key.endswith("." + name)),
            Counter(),
        )
        count = count or pytest_counts(test.get("stdout", ""))
        failed = test["result"] in FAILURES
        if not count:
            skipped = test["result"] == "SKIP"
            count["skipped" if skipped else "passed"] += not failed
        # A program can fail although all that it reported went well.
        if failed and not count["failed"]:
            count["failed"] += 1
        yield name, count, f"{output.rstrip()}\n({test['result']})"


def show(title: str, text: str) -> None:
    print(f"--- FAILED {title}")
    for line in text.splitlines()[-TAIL:]:
        print("   ", line)


def main() -> int:
    total: Counter[str] = Counter()
    lines = []
    duration = 0
    for line in sys.stdin.read().splitlines():
        if not line:
            continue
        variant, result, seconds, folder = line.split(" ", 3)
        sums: Counter[str] = Counter()
        if result == "tested":
            for name, count, output in programs(Path(folder)):
                sums += count
                if count["failed"]:
                    show(f"{variant}: {name}", output)
        elif result == "empty":
            sums["failed"] += 1
            show(variant, "the build has no test of these suites")
        elif result != "none":
            sums["failed"] += 1
            log = Path(folder + ".log")
            text = log.read_text(errors="replace") if log.exists() else ""
            show(f"{variant}: build", text)
        total += sums
        duration += int(seconds)
        lines.append(f"{variant:8}{describe(sums):44}{seconds:>6} s")
    seed = os.environ.get("INTERCSP_SEED", "none")
    lines.append(f"{'all':8}{'INTERCSP_SEED=' + seed:44}{duration:>6} s")
    print("\n".join(lines))
    if not total:
        print("no test ran")
    print(describe(total))
    return 0 if total["passed"] and not total["failed"] else 1


def describe(count: Counter[str]) -> str:
    text = f"{count['passed']} passed, {count['failed']} failed"
    return text + (f", {count['skipped']} skipped" if count["skipped"] else "")


if __name__ == "__main__":
    sys.exit(main())
