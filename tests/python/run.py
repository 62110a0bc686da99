# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run pytest on the files that are named, as Meson does for each Python.

INTERCSP_PRELOAD names a sanitizer's runtime, which a program that was not
built with it has to load first.
"""

import os
import sys

SKIPPED = 77  # for Meson


def preload(runtime: str) -> None:
    """Start again with the runtime."""
    os.environ["LD_PRELOAD"] = runtime
    # Python itself leaves memory behind; ours is counted by the tests. Who asks
    # for too much gets a MemoryError as without the runtime.
    options = os.environ.get("ASAN_OPTIONS", "")
    others = "detect_leaks=0:allocator_may_return_null=1"
    os.environ["ASAN_OPTIONS"] = f"{options}:{others}"
    os.execv(sys.executable, [sys.executable, *sys.argv])


def main() -> int:
    runtime = os.environ.get("INTERCSP_PRELOAD")
    if runtime and "LD_PRELOAD" not in os.environ:
        preload(runtime)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    try:
        import pytest
    except ImportError:
        print(f"pytest is not installed for {sys.executable}")
        return SKIPPED
    return pytest.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
