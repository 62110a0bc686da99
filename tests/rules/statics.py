# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Writable static memory of _core: a short list, since interpreters share it.

Usage: statics.py EXTENSION [NM]

Whatever belongs to one interpreter lies in the state of its module. What may
be static and writable is tables that CPython requires so, which nobody writes
once the extension is loaded.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

from rule import Complaint, Plant, Tree, report, try_plants

SYMBOLS = "symbols"  # the output of nm --format=sysv, as a file of the tree
# Tables that the C API takes without const, by the ends of their names.
TABLES = (
    r"\w*(def|functions|getset|members|methods|slots|spec|keywords)(\.\d+)?"
)
# What belongs to the process, whichever interpreter is at work.
PROCESS_WIDE = {
    "hosts": "the threads that have interpreters of their own",
    "hosts_lock": "guards hosts and is_shut",
    "last_id": "the number of the last of them, an atomic",
    "is_shut": "whether further ones are refused",
    "main_token": "ends the waits of the main thread on a signal",
    "main_lock": "guards main_token",
    "all_waiting": "the threads that have waited",
    "all_lock": "guards all_waiting",
    "boxes": "the queues of the compatibility modules",
    "boxes_lock": "guards boxes, last_ids",
    "last_ids": "the numbers of the last of them",
    "is_hooked": "whether fork() is watched",
    "hook_lock": "guards is_hooked",
    "fork_once": "for what keeps hosts_lock usable in a child of a fork",
    "main_record": "of the main interpreter, for a child of a fork",
    "n_activity": "how often anything was waited for",
    "regions": "the frozen graphs",
    "all_holders": "the interpreters that hold any",
    "regions_lock": "guards them, their references and holders",
    "watched": "sees that forks find it free, once",
    "names": "CPython's static strings, written once",
    "longest_name": "the length of the longest of them",
    "n_names": "how many there are",
    "unknown": "why frozen graphs cannot be laid out, written once",
    "is_checked": "whether that is known",
    "check_lock": "guards the last two; names while they are noted",
    "visits": "interpreters to which something they lent has come back",
    "visits_end": "the last of them",
    "visits_lock": "guards both, and have_visitor",
    "visits_asked": "wakes the visitor",
    "have_visitor": "whether there is one",
    "output_locks": "let one interpreter at a time write to stdout, stderr",
    "once": "makes free_key",
    "have_key": "whether that worked",
    "free_key": "frees what a thread leaves behind",
}
OF_THE_TOOLCHAIN = ("_DYNAMIC", "_GLOBAL_OFFSET_TABLE_", "completed.0")


def check(tree: Tree) -> Iterator[Complaint]:
    for line in tree.lines(SYMBOLS):
        if line.startswith("__tls_get_addr"):  # glibc; see cc.h
            text = "thread-local memory comes late: -ftls-model=initial-exec"
            yield Complaint(SYMBOLS, 0, text)
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 7 or cells[2] not in tuple("bBdDgGsSC"):
            continue
        name, kind, section = cells[0], cells[3], cells[6]
        constant = kind == "TLS" or section.startswith(".data.rel.ro")
        allowed = name in PROCESS_WIDE or re.fullmatch(TABLES, name)
        if constant or allowed or name.startswith(("__", *OF_THE_TOOLCHAIN)):
            continue
        text = (
            "is writable and shared by all interpreters: move it into the "
            "state of the module, make it const, or list it in statics.py"
        )
        yield Complaint(SYMBOLS, 0, f"{name}: {text}")


def plant(name: str, kind: str, section: str) -> Plant:
    line = f"{name}|0000000000004010|  {kind}  |OBJECT|08|     |{section}\n"
    return Plant({SYMBOLS: line}, "state of the module")


PLANTS = (
    Plant(
        {SYMBOLS: "__tls_get_addr@GLIBC_2.3|  |  U  |FUNC|  |     |*UND*\n"},
        "comes late",
    ),
    plant("cached_type", "b", ".bss"),
    plant("last_error", "D", ".data"),
    plant("table.3", "d", ".data"),
)


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    nm = [*(sys.argv[2:] or ["nm"]), "--format=sysv", sys.argv[1]]
    symbols = subprocess.run(
        nm, check=True, capture_output=True, text=True
    ).stdout
    if "PyInit_" not in symbols:
        print(f"{sys.argv[1]}: no extension, or stripped")
        return 1
    return report(
        check(Tree(planted={SYMBOLS: symbols})), try_plants(check, PLANTS)
    )


if __name__ == "__main__":
    sys.exit(main())
