# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Imports of some modules are answered with others, in every interpreter.

Python imports this file whenever an interpreter starts, if its folder is on
PYTHONPATH. CONFORM_MAP says what stands in for what, as "name=target;..."; in
the file CONFORM_LOG each such import leaves a line: the interpreter, the name,
the target.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

OWN = {"__name__", "__spec__", "__loader__", "__package__", "__file__"}


class Loader:
    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, _spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        target = importlib.import_module(self.target)
        taken = {k: v for k, v in vars(target).items() if k not in OWN}
        vars(module).update(taken)
        log = os.environ.get("CONFORM_LOG")
        if log:
            import _interpreters

            number = _interpreters.get_current()[0]
            with open(log, "a") as f:
                print(number, module.__name__, self.target, file=f)


class Finder:
    def __init__(self, targets: dict[str, str]) -> None:
        self.targets = targets

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: object = None
    ) -> ModuleSpec | None:
        target = self.targets.get(name)
        if target is None:
            return None
        return ModuleSpec(name, Loader(target), origin=target)


_map = os.environ.get("CONFORM_MAP")
if _map:
    _targets = dict(pair.split("=") for pair in _map.split(";"))
    sys.meta_path.insert(0, Finder(_targets))
