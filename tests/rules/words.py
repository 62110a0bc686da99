# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Words that belong in one place only: atomics, allocation, private APIs."""

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from rule import Complaint, Plant, Tree, code, line_of, main


class Word(NamedTuple):
    pattern: str
    forbidden: tuple[str, ...]
    but_for: tuple[str, ...]
    remedy: str


def call(*names: str) -> str:
    return rf"(?<![\w.>])(?:{'|'.join(names)})(?=\s*\()"


WORDS = (
    Word(
        r"<stdatomic\.h>|\b__(?:atomic|sync)_\w+"
        r"|\batomic_(?:load|store|exchange|compare|fetch|flag|init|is)\w*",
        ("lib/*.c", "lib/*.h"),
        ("lib/atomic.h",),
        "use the macros of lib/atomic.h, where tests can stop a thread",
    ),
    Word(
        r"\batomic_(?:thread|signal)_fence\b|\b__sync_synchronize\b|\b[ms]fence\b",
        ("lib/*.c", "lib/*.h"),
        (),
        "no fences, which ThreadSanitizer does not see: order the accesses",
    ),
    Word(
        call(
            "malloc", "calloc", "realloc", "free", "aligned_alloc", "strn?dup"
        ),
        ("lib/*.c", "lib/*.h"),
        ("lib/alloc.c",),
        "use cspi_alloc_*(), which counts what lives and can fail on demand",
    ),
    Word(
        call("v?f?printf", "puts", "fputs", "perror", "_?exit", "abort"),
        ("lib/*.c", "lib/*.h"),
        (),
        "the library never prints and never exits: return a status",
    ),
    Word(
        call("syscall", "sched_setaffinity", "eventfd"),
        ("lib/*.c", "lib/*.h"),
        ("lib/park.c",),
        "what only Linux has goes behind park.h, into park.c",
    ),
    Word(
        r"\bPY_VERSION_HEX\b|\bPy_BUILD_CORE\w*|\b_Py[A-Z_]\w*",
        ("python/*.c", "python/*.h"),
        (
            "python/src/compat.h",
            "python/src/internals.h",
            "python/src/layout.c",
        ),
        "private or version-dependent API of CPython goes into compat.h",
    ),
    Word(
        r"^[ \t]*(?:import|from)[ \t]+_(?:interp\w*|test\w*|xxsub\w*)",
        ("python/*.py",),
        ("python/intercsp/_compat.py",),
        "private modules of the standard library go into _compat.py",
    ),
    Word(
        call("pthread_create", "thrd_create"),
        ("tests/unit/*",),
        (),
        "Criterion cannot run under ThreadSanitizer: threads belong in stress/",
    ),
)


def check(tree: Tree) -> Iterator[Complaint]:
    for word in WORDS:
        for path in tree.files(*word.forbidden):
            if path in word.but_for:
                continue
            text = tree.read(path)
            if path.endswith((".c", ".h")):
                text = code(text)
            for m in re.finditer(word.pattern, text, re.MULTILINE):
                yield Complaint(
                    path,
                    line_of(text, m.start()),
                    f"{m[0].strip()}: {word.remedy}",
                )


PLANTS = (
    Plant({"lib/chan.c": "#include <stdatomic.h>\n"}, "macros of lib/atomic.h"),
    Plant({"lib/chan.c": "  atomic_load(&x);\n"}, "macros of lib/atomic.h"),
    Plant(
        {"lib/chan.c": "__atomic_load_n(&x, 5);\n"}, "macros of lib/atomic.h"
    ),
    Plant(
        {"lib/ring.h": "__sync_fetch_and_add(&x, 1);\n"},
        "macros of lib/atomic.h",
    ),
    Plant({"lib/atomic.h": "atomic_thread_fence(o);\n"}, "no fences"),
    Plant({"lib/value.c": "p = malloc (n);\n"}, "cspi_alloc"),
    Plant({"lib/value.c": 'printf("%d", n);\n'}, "never prints"),
    Plant({"lib/value.c": "if (x) abort();\n"}, "never prints and never exits"),
    Plant({"lib/waitq.c": "syscall(SYS_futex);\n"}, "into park.c"),
    Plant({"python/src/ends.c": "#if PY_VERSION_HEX > 1\n"}, "into compat.h"),
    Plant({"python/src/ends.c": "_PyThreadState_Get();\n"}, "into compat.h"),
    Plant(
        {"python/intercsp/_group.py": "import _interpreters\n"},
        "into _compat.py",
    ),
    Plant(
        {"tests/unit/test_x.c": "pthread_create(&t, 0, f, 0);\n"}, "in stress/"
    ),
)

if __name__ == "__main__":
    sys.exit(main(check, PLANTS))
