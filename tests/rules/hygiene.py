# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What must not be in any file: sleeps in tests, paths of one machine, and
marks of work that is not done; and what must be in every one: its licence."""

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from rule import Complaint, Plant, Tree, main

SPDX = ("SPDX-License-Identifier: MIT", "SPDX-FileCopyrightText:")
LICENSED = ("*.c", "*.h", "*.py", "*.pyi", "*meson.build", "*.options", "*.map")
LICENSED += ("tools/*", ".ci/*", "Makefile")
OURSELVES = "tests/rules/hygiene.py"  # it spells out what it forbids


class Ban(NamedTuple):
    pattern: str
    files: tuple[str, ...]
    unless: str  # a line with this is exempt
    remedy: str


# tests/common has the watchdog and what perturbs threads: they do sleep.
SUITES = ("unit", "stress", "semantics", "explore", "python", "embed")
CODE = (
    "*.c",
    "*.h",
    "*.py",
    "*.pyi",
    "*.sh",
    "tools/*",
    ".ci/*",
    "*meson.build",
)
TEXT = (*CODE, "*.md", "*.toml", "*.options", "Makefile", "*.txt")

BANS = (
    Ban(
        r"(?<![\w.~$}/-])/(?:tmp|home|root|work|Users)\b",
        TEXT,
        r"TMPDIR:-/tmp",
        "is a path of one machine: use a temporary folder, $HOME or an option",
    ),
    Ban(
        r"\b(?:TODO|FIXME|XXX|HACK)\b",
        TEXT,
        r"(?!)",
        "do it, or open an issue; the code says what is",
    ),
    Ban(
        r"\b(?:u|nano)?sleep\s*\((?!0\))",  # 0: a turn of the others
        tuple(f"tests/{suite}/*" for suite in SUITES),
        r"sleeps: \w+",
        "wait for a barrier or for the count of waiters (where the sleep is "
        'what is tested, say so on its line: "sleeps: why")',
    ),
    Ban(
        r"https?://(?!\w+\.example\b|[\w.-]*(?:\.org|\.com|\.io|\.dev|\.net)\b)\S+"
        r"|\b(?:\d{1,3}\.){3}\d{1,3}\b(?<!127\.0\.0\.1)(?<!0\.0\.0\.0)",
        TEXT,
        r"(?!)",
        "names a host: take it from the machine's own configuration",
    ),
    Ban(r"[ \t]+$", TEXT, r"(?!)", "remove the blanks at the end of the line"),
    Ban(r"\t", ("*.c", "*.h", "*.py", "*.pyi", "*.md"), r"(?!)", "use blanks"),
)


def check(tree: Tree) -> Iterator[Complaint]:
    for path in tree.files(*LICENSED):
        head = "\n".join(tree.lines(path)[:4])
        if tree.read(path).strip() and not all(words in head for words in SPDX):
            text = "begin the file with the two SPDX lines, as the others do"
            yield Complaint(path, 1, text)
    for ban in BANS:
        for path in tree.files(*ban.files):
            if path == OURSELVES:
                continue
            for number, line in enumerate(tree.lines(path), 1):
                m = re.search(ban.pattern, line)
                if m and not re.search(ban.unless, line):
                    said = m[0].strip() or "blank"
                    yield Complaint(path, number, f"{said}: {ban.remedy}")
    for path in tree.files(*TEXT):
        if tree.read(path) and not tree.read(path).endswith("\n"):
            yield Complaint(path, len(tree.lines(path)), "end the last line")


PLANTS = (
    Plant({"lib/x.c": "int x;\n"}, "two SPDX lines"),
    Plant({"docs/x.md": "see /home/someone/notes\n"}, "path of one machine"),
    Plant({"tests/x.py": 'open("/tmp/x")\n'}, "path of one machine"),
    Plant({"lib/x.c": "/* TODO: finish */\n"}, "open an issue"),
    Plant({"tests/stress/x.c": "usleep(1000);\n"}, "wait for a barrier"),
    Plant({"tests/python/x.py": "time.sleep(1)\n"}, "wait for a barrier"),
    Plant({"tools/x": "curl http://mirror.lan/debian\n"}, "names a host"),
    Plant({"tools/x": "ping 10.0.3.7\n"}, "names a host"),
    Plant({"lib/x.c": "int x; \n"}, "end of the line"),
    Plant({"lib/x.c": "\tint x;\n"}, "use blanks"),
    Plant({"lib/x.c": "int x;"}, "end the last line"),
)

if __name__ == "__main__":
    sys.exit(main(check, PLANTS))
