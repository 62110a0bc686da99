#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Count the words of a tree of text files: by default of this project's C code.

Each process counts what it gets, and sends its counts once, at the end. So
little travels: names of files one way, a dict for each process the other way.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

import intercsp as csp

HERE = Path(__file__).resolve().parents[2] / "lib"


def words_of(path: str) -> Counter[str]:
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return Counter(re.findall(r"[a-z_]+", text.lower()))


def count(paths: csp.RecvChannel, counts: csp.SendChannel) -> None:
    """A process: count the words of the files that come."""
    total: Counter[str] = Counter()
    for path in paths:
        total += words_of(path)
    counts.send(dict(total))


def count_all(files: list[str], workers: int) -> Counter[str]:
    paths_tx, paths = csp.channel(64)
    counts_tx, counts = csp.channel(workers)
    with csp.group("count") as g:
        g.spawn_many(count, paths, counts_tx, count=workers)
        g.feed(files, paths_tx)
    return sum(map(Counter, counts), Counter())


def main() -> None:
    parser = argparse.ArgumentParser(description="Count words.")
    parser.add_argument("root", nargs="?", default=str(HERE))
    parser.add_argument("--pattern", default="*.c")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    files = [str(p) for p in Path(args.root).rglob(args.pattern)]
    total = count_all(files, args.workers)
    assert total == sum(map(words_of, files), Counter())
    print(f"{len(files)} files, {total.total()} words, {len(total)} different")
    for word, n in total.most_common(5):
        print(f"{n:8}  {word}")


if __name__ == "__main__":
    main()
