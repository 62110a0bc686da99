# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Runs the programs of README.md or of another page.

They must print what the last comment in them says.

usage: snippets.py PAGE PYTHON CC LIBDIR INCLUDEDIR EMBED

EMBED is libintercsp-embed for that Python, which C programs with interpreters
are linked with; or "".
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def output_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return f"exit status {done.returncode}: {done.stderr}"
    return done.stdout.strip()


def main() -> None:
    page, python, cc, libdir, include, embed = sys.argv[1:]
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
        with tempfile.TemporaryDirectory() as temporary:
            source = Path(
                temporary, "snippet." + ("py" if language == "python" else "c")
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
                libraries = ["-lintercsp", "-pthread"]
                if "csp/interp.h" in code:
                    if not embed:
                        print(f"ok {number} # SKIP no Python can be embedded")
                        continue
                    folder = Path(embed).parent
                    libraries += [embed, f"-Wl,-rpath,{folder}"]
                build = [cc, *flags, str(source), "-o", program, *libraries]
                got = output_of(build) or output_of([program])
        right = got == expected
        failed += not right
        word = "ok" if right else "not ok"
        print(f"{word} {number} - the {language} one prints {expected!r}")
        if not right:
            print(f"# it printed {got!r}")
    sys.exit(1 if failed else 0)


main()
