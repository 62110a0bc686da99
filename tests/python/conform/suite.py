# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Run a module of CPython's tests, or a class of it, but for those named.

Usage: suite.py MODULE[:CLASS] [TEST...]

Prints the result as a line of JSON: how many were run, skipped and failed.
"""

import importlib
import json
import sys
import unittest
from collections.abc import Iterator


def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases(part)
        else:
            yield part


def main() -> int:
    name, *left_out = sys.argv[1:]
    name, _, only = name.partition(":")
    module = importlib.import_module(name)
    found = list(cases(unittest.defaultTestLoader.loadTestsFromModule(module)))
    names = [test.id().removeprefix(f"{name}.") for test in found]
    pairs = zip(names, found, strict=True)
    chosen = [
        test
        for test_name, test in pairs
        if test_name not in left_out and test_name.startswith(only)
    ]
    runner = unittest.TextTestRunner(stream=sys.stderr, verbosity=2)
    result = runner.run(unittest.TestSuite(chosen))
    bad = len(result.failures) + len(result.errors)
    figures = {
        "run": result.testsRun,
        "skipped": len(result.skipped),
        "failed": bad,
        "left out": len(found) - len(chosen),
    }
    print(f"\n{json.dumps(figures)}")  # tests may print, too
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
