# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What libintercsp.so exports and needs: csp_<noun>_<verb>, and no Python.

Usage: exports.py LIBRARY [NM]
"""

import re
import subprocess
import sys
from collections.abc import Iterator

from rule import Complaint, Plant, Tree, report, try_plants

VERSION = "INTERCSP_0"
NOUNS = {
    "chan": ("chan", "tx", "rx"),
    "export": (),
    "select": ("case", "timer"),
}  # a header that is not its noun
SYMBOLS = "symbols"  # the output of nm -D, as a file of the tree


def check(tree: Tree) -> Iterator[Complaint]:
    headers = [p.rsplit("/", 1)[-1][:-2] for p in tree.files("include/csp/*.h")]
    nouns = [noun for name in headers for noun in NOUNS.get(name, (name,))]
    exported = re.compile(rf"csp_({'|'.join(nouns)})_\w+|csp_select")
    declared = "".join(map(tree.read, tree.files("include/csp/*.h")))
    for line in tree.lines(SYMBOLS):
        kind, symbol = line.split()[-2:]
        name, _, version = symbol.partition("@")
        text = None
        if kind in "Uwv":
            if re.match(r"_?Py", name):
                text = "undefined: the core knows no Python, call it in python/"
        elif kind == "A" and name == VERSION:
            pass
        elif not exported.fullmatch(name):
            text = "exported: hide it, or name it csp_<noun of header>_<verb>"
        elif not re.search(rf"\b{name}\(", declared):
            text = (
                "exported but in no header: declare it with CSP_API, or hide it"
            )
        elif version.lstrip("@") != VERSION:
            text = f"without version {VERSION}: see lib/intercsp.map"
        if text:
            yield Complaint(SYMBOLS, 0, f"{name}: {text}")


def plant(symbol: str, complaint: str) -> Plant:
    header = "CSP_API int csp_tx_send(csp_tx *tx);\n"
    return Plant(
        {"include/csp/chan.h": header, SYMBOLS: f"{symbol}\n"}, complaint
    )


PLANTS = (
    plant("0000000000001000 T cspi_ring_push@@INTERCSP_0", "hide it"),
    plant("0000000000001000 T csp_send@@INTERCSP_0", "hide it"),
    plant("0000000000001000 T csp_tx_gone@@INTERCSP_0", "in no header"),
    plant("0000000000001000 T csp_tx_send", "without version"),
    plant("                 U PyErr_Occurred", "knows no Python"),
    plant("0000000000001000 B errors@@INTERCSP_0", "hide it"),
)


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    nm = [*(sys.argv[2:] or ["nm"]), "-D", sys.argv[1]]
    symbols = subprocess.run(
        nm, check=True, capture_output=True, text=True
    ).stdout
    real = Tree()
    headers = {path: real.read(path) for path in real.files("include/csp/*.h")}
    tree = Tree(planted={**headers, SYMBOLS: symbols})
    if not re.search(r" T csp_version_text@", symbols):
        print(f"{sys.argv[1]}: exports nothing of ours")
        return 1
    return report(check(tree), try_plants(check, PLANTS))


if __name__ == "__main__":
    sys.exit(main())
