# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Who may include what: the layers of the library and the Python line."""

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from rule import Complaint, Plant, Tree, code, line_of, main

# Lowest first. A file belongs to the layer of its name (chan_priv.h: chan) and
# includes from lower layers only. The first holds words that anybody may use,
# each other included; the second what is made of them.
LAYERS = (
    {"atomic", "cc", "clock", "export", "list", "status", "version"},
    {"alloc", "handle", "park", "text"},
    {"chain", "ring", "value", "waitq"},
    {"cancel", "chan", "ends", "rendezvous"}
    | {"select", "selector", "loop", "tree", "tree_builder"},
    {"hub", "owner", "registry"},
    {"interp"},  # of python/embed
)
SIDEWAYS = {  # within a layer, and why
    ("park", "alloc.h"): "an eventfd has a reference count",
    ("ring", "csp/value.h"): "what lies in a slot",
    ("waitq", "csp/value.h"): "what a waiting sender offers",
    ("chain", "ring.h"): "a chain is made of rings",
    ("tree_builder", "csp/tree.h"): "what it builds",
    ("ends", "chan_priv.h"): "the ends of a channel",
    ("rendezvous", "chan_priv.h"): "a kind of channel",
    ("chan", "rendezvous.h"): "the kind that has no ring",
    ("select", "csp/chan.h"): "a case is on an end",
    ("select", "chan_priv.h"): "csp_tx_send and csp_rx_recv may wait",
    ("select", "cancel_priv.h"): "a wait can be cancelled",
    ("loop", "csp/select.h"): "its operations are selects",
    ("loop", "select_priv.h"): "its operations are rounds of waiting",
    ("selector", "csp/select.h"): "its cases are those of a select",
    ("selector", "select_priv.h"): "what selects and selectors share",
    ("selector", "cancel_priv.h"): "a wait can be cancelled",
}


class Only(NamedTuple):
    """Headers of others that few of our files may use."""

    headers: str
    forbidden: tuple[str, ...]
    but_for: tuple[str, ...]
    remedy: str


ONLY = (
    Only(
        r"Python\.h|cpython/.*",
        (
            "lib/*",
            "include/*",
            "examples/c/*",
            "tests/unit/*",
            "tests/stress/*",
        ),
        (),
        "only python/ knows Python: pass what you need as a value or a handle",
    ),
    Only(
        r"urcu.*",
        ("*",),
        ("lib/registry.c", "lib/owner.c"),
        "liburcu stays inside registry.c and owner.c: ask them",
    ),
    Only(
        r"linux/.*|sys/(syscall|eventfd|epoll|prctl)\.h",
        ("lib/*", "include/*"),
        ("lib/park.c",),
        "it is Linux-only: put what needs it into park.c, behind park.h",
    ),
)
ABOVE = ("python/", "examples/", "bench/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)', re.MULTILINE)
LINUX = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(_GNU_SOURCE)", re.MULTILINE)


def noun(name: str) -> str:
    """chan of chan_priv.h, csp/chan.h and chan.c."""
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0].removesuffix("_priv")


def layer(name: str) -> int | None:
    for i, nouns in enumerate(LAYERS):
        if noun(name) in nouns:
            return i
    return None


def layering(path: str, name: str) -> str | None:
    """What is wrong about a file of the library including one of ours."""
    if path.startswith("include/") and not name.startswith("csp/"):
        return (
            f"{name} is not installed: a public header includes <csp/...> only"
        )
    mine, its = layer(path), layer(name)
    if mine is None or its is None:
        new = noun(path) if mine is None else noun(name)
        return (
            f"{new!r} has no layer: add it to LAYERS in tests/rules/includes.py"
        )
    if noun(name) == noun(path) or its < mine or its == 0:
        return None
    if (noun(path), name) in SIDEWAYS:
        return None
    if its == mine:
        return f"{name} is of the same layer: move what both need below them"
    return f"{name} is of a higher layer: let it call down, or hand in a table"


def foreign(path: str, name: str) -> Iterator[str]:
    """What is wrong about including a header of somebody else."""
    for only in ONLY:
        here = any(fnmatchcase(path, where) for where in only.forbidden)
        allowed = not here or path in only.but_for
        if not allowed and re.fullmatch(only.headers, name):
            yield f"<{name}>: {only.remedy}"


def check(tree: Tree) -> Iterator[Complaint]:
    internal = {path.removeprefix("lib/") for path in tree.files("lib/*.h")}
    for path in tree.files("*.c", "*.h"):
        text = code(tree.read(path), strings=True)
        folder = path.rpartition("/")[0]
        for m in INCLUDE.finditer(text):
            name = m[1]
            wrong = list(foreign(path, name))
            ours = name in internal and f"{folder}/{name}" not in tree.paths
            if path.startswith(("lib/", "include/")):
                if name in internal or name.startswith("csp/"):
                    wrong += [layering(path, name) or ""]
            elif path.startswith(ABOVE) and (ours or "lib/" in name):
                wrong += [f"{name} is internal: use <csp/...> only"]
            at = line_of(text, m.start(1))
            yield from (Complaint(path, at, said) for said in wrong if said)
        for m in LINUX.finditer(text):
            if path.startswith("lib/") and path != "lib/park.c":
                said = f"{m[1]}: {ONLY[2].remedy}"
                yield Complaint(path, line_of(text, m.start(1)), said)


PLANTS = (
    Plant(
        {"lib/ring.c": '#include "waitq.h"\n', "lib/waitq.h": ""}, "same layer"
    ),
    Plant({"lib/ring.h": "#include <csp/chan.h>\n"}, "higher layer"),
    Plant({"lib/chan.c": "#include <csp/registry.h>\n"}, "higher layer"),
    Plant({"lib/novel.c": "#include <csp/clock.h>\n"}, "'novel' has no layer"),
    Plant({"lib/value.c": "#include <Python.h>\n"}, "only python/ knows"),
    Plant(
        {"include/csp/chan.h": "#include <Python.h>\n"}, "only python/ knows"
    ),
    Plant({"lib/chan.c": "#  include <urcu/rculfhash.h>\n"}, "liburcu stays"),
    Plant({"lib/waitq.c": "#include <linux/futex.h>\n"}, "Linux-only"),
    Plant({"lib/clock.c": "#define _GNU_SOURCE\n"}, "behind park.h"),
    Plant(
        {"include/csp/value.h": '#include "cc.h"\n', "lib/cc.h": ""},
        "installed",
    ),
    Plant(
        {"examples/c/x.c": '#include "ring.h"\n', "lib/ring.h": ""},
        "is internal",
    ),
    Plant({"python/src/x.c": '#include "../../lib/ring.h"\n'}, "is internal"),
)

if __name__ == "__main__":
    sys.exit(main(check, PLANTS))
