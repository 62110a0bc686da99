# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Runs the programs of README.md or of another page.

They must print what the last comment in them says.

usage: snippets.py PAGE PYTHON CC LIBDIR INCLUDEDIR
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def output_of(command: list[str]) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def main() -> None:
    page, python, cc, libdir, include = sys.argv[1:]
    text = Path(page).read_text(encoding="utf-8")
    snippets = [("python", code, "# ") for code in blocks(text, "python")]
    snippets += [("c", code, "/* ") for code in blocks(text, "c")]
    languages = {language for language, _, _ in snippets}
    if Path(page).name == "README.md":
        assert languages == {"python", "c"}, "the README lost an example"
    else:
        assert languages, f"{page} lost its examples"
    print(f"1..{len(snippets)}")
    failed = 0
    for number, (language, code, comment) in enumerate(snippets, 1):
        expected = re.findall(
            re.escape(comment) + r"([^*\n]+?)(?: \*/)?$", code, re.M
        )[-1].strip()
        with tempfile.TemporaryDirectory() as folder:
            source = Path(
                folder, "snippet." + ("py" if language == "python" else "c")
            )
            source.write_text(code, encoding="utf-8")
            if language == "python":
                got = output_of([python, "-W", "error", str(source)])
            else:
                program = str(source.with_suffix(""))
                flags = [
                    "-std=c11",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    f"-I{include}",
                    f"-L{libdir}",
                    f"-Wl,-rpath,{libdir}",
                ]
                output_of(
                    [
                        cc,
                        *flags,
                        str(source),
                        "-o",
                        program,
                        "-lintercsp",
                        "-pthread",
                    ]
                )
                got = output_of([program])
        right = got == expected
        failed += not right
        word = "ok" if right else "not ok"
        print(f"{word} {number} - the {language} one prints {expected!r}")
        if not right:
            print(f"# it printed {got!r}")
    sys.exit(1 if failed else 0)


main()
