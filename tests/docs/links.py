# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""No relative link of a page is dead; every public name of the package and
every header is on some page; every page is reachable from the README, and its
programs are run.

usage: links.py TOP
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages(top: Path) -> list[Path]:
    return [top / "README.md", *sorted(top.glob("docs/**/*.md"))]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    titles = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.M)
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in titles
    }


def targets(page: Path) -> Iterator[tuple[str, Path, str]]:
    """The relative links: each as it is written, its file, its anchor."""
    for link in LINK.findall(without_code(page.read_text())):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            yield link, (page.parent / name if name else page).resolve(), anchor


def dead_links(top: Path) -> Iterator[str]:
    for page in pages(top):
        for link, file, anchor in targets(page):
            if not file.exists():
                yield f"{page.relative_to(top)}: {link}: there is no such file"
            elif anchor and anchor not in anchors(file):
                yield f"{page.relative_to(top)}: {link}: no such heading"


def unreachable(top: Path) -> Iterator[str]:
    """Pages for users that no other leads to."""
    seen: set[Path] = set()
    to_do = [(top / "README.md").resolve()]
    while to_do:
        page = to_do.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            to_do += [file for _, file, _ in targets(page)]
    for page in sorted(top.glob("docs/*.md")):
        if page.resolve() not in seen:
            yield f"{page.relative_to(top)}: no link leads there from README.md"


def public_names(top: Path) -> list[str]:
    text = (top / "python/intercsp/__init__.py").read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise LookupError("intercsp has no __all__")


def c_names(header: str) -> set[str]:
    """The functions and types that a header declares."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    functions = r"^(?:CSP_API|static inline)\s[^;{]*?\b(csp_\w+)\s*\("
    types = r"\b(csp_\w+);$"
    names = re.findall(functions, code, re.M)
    for typedef in re.findall(
        r"^typedef\s[^{;]*(?:\{.*?^\}[^;]*)?;", code, re.M | re.S
    ):
        names += re.findall(types, typedef)
    return set(names)


def unmentioned(top: Path) -> Iterator[str]:
    files = [top / "README.md", *top.glob("docs/*.md")]
    text = "\n".join(file.read_text() for file in files)
    programs = "".join(re.findall(r"^```python.*?^```", text, re.M | re.S))
    for name in public_names(top):
        if not re.search(rf"\b{re.escape(name)}\b", text):
            yield f"csp.{name}: is on no page in docs/"
        elif name != "__version__" and f"csp.{name}" not in programs:
            yield f"csp.{name}: is in no program in docs/"

    reference = (top / "docs/c-names.md").read_text()
    for header in sorted((top / "include/csp").glob("*.h")):
        for name in sorted(c_names(header.read_text())):
            if not re.search(rf"\b{name}\b", reference):
                yield f"{name} of {header.name}: is not in docs/c-names.md"
        if f"<csp/{header.name}>" not in text and header.name != "export.h":
            yield f"<csp/{header.name}>: is on no page in docs/"


def not_run(top: Path) -> Iterator[str]:
    tests = (top / "tests/docs/meson.build").read_text()
    for page in sorted(top.glob("docs/*.md")):
        name = str(page.relative_to(top).with_suffix(""))
        has_programs = re.search(r"^```(?:python|c)$", page.read_text(), re.M)
        if has_programs and f"'{name}'" not in tests:
            yield f"{page.name}: add it to the pages in tests/docs/meson.build"


def main() -> int:
    top = Path(sys.argv[1])
    checks = (dead_links, unreachable, unmentioned, not_run)
    faults = [fault for check in checks for fault in check(top)]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
