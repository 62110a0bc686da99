# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Every word of the pages is in words.txt, in this form or another; it has all
that they use: so a word that is misspelt is a new one, and shows. No dictionary
is needed, whose words would differ from system to system.

usage: spelling.py TOP [--write]   (--write: make words.txt of the pages)
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LIST = Path("tests/docs/words.txt")
NOT_PROSE = (
    re.compile(r"^```.*?^```", re.M | re.S),
    re.compile(r"^    .*$", re.M),
    re.compile(r"`[^`]*`"),
    re.compile(r"(?<=\])\([^)]*\)"),  # where a link leads
)
WORD = re.compile(r"[^\W\d_]+")
ENDING = re.compile(r"(?<=...)(?:e?s|e?d|ing|e?r|e?rs|ly|e)$")


def pages(top: Path) -> Iterator[Path]:
    yield from sorted(top.glob("*.md"))
    yield from sorted(top.glob("docs/**/*.md"))


def words(line: str) -> set[str]:
    return {word.lower() for word in WORD.findall(line)}


def stem(word: str) -> str:
    """What a word has in common with its other forms."""
    return ENDING.sub("", word)


def prose(page: Path) -> list[str]:
    """Its lines, with nothing in them where it is code."""
    text = page.read_text(encoding="utf-8")
    for pattern in NOT_PROSE:
        text = pattern.sub(lambda code: "\n" * code[0].count("\n"), text)
    return text.splitlines()


def unknown(top: Path, known: set[str]) -> Iterator[str]:
    for page in pages(top):
        for number, line in enumerate(prose(page), 1):
            for word in sorted(words(line)):
                if stem(word) not in known:
                    yield f"{page.relative_to(top)}:{number}: {word!r}"


def main() -> int:
    top = Path(sys.argv[1])
    file = top / LIST
    if "--write" in sys.argv:
        used = (words("\n".join(prose(page))) for page in pages(top))
        file.write_text("\n".join(sorted(set().union(*used))) + "\n")
        return 0
    known = {stem(word) for word in file.read_text().split()}
    faults = list(unknown(top, known))
    if faults:
        print(*faults, sep="\n")
        print(f"Mend these; if they are right, add them to {LIST}: ", end="")
        print(f"python3 {sys.argv[0]} {top} --write")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
