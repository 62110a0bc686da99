# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""concurrent.futures.interpreter with our pool in the place of its own, and
with what CPython's tests look at inside of that."""

import concurrent.futures
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

NAME = "concurrent.futures.interpreter"

# The module itself, for the classes that ours derive from.
_spec = PathFinder.find_spec(NAME, concurrent.futures.__path__)
assert _spec is not None
assert _spec.loader is not None
_module: Any = module_from_spec(_spec)
sys.modules[NAME] = _module
_spec.loader.exec_module(_module)

from intercsp import futures  # noqa: E402


class InterpreterPoolExecutor(futures.InterpreterPoolExecutor):
    @property
    def _threads(self) -> Any:
        return self._workers

    @property
    def _broken(self) -> bool:
        return bool(self._why_broken) or self._find_broken()


_module.InterpreterPoolExecutor = InterpreterPoolExecutor
_module.BrokenInterpreterPool = futures.BrokenInterpreterPool
