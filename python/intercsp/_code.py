# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Functions that go by value, as no name leads to them elsewhere.

Lambdas, functions inside functions, and those of a session (the REPL, python
-c, a notebook), which has no file to take definitions from. They go as code,
with what the code refers to:

- the variables of the functions around it, with their values;
- its globals: those of a module are imported there; those of the script are
  taken from its statements (_script); those of a session go with their values,
  which are what they are when the function is sent.

Functions among these variables go by value too, each once, so they may refer
to each other. All other values are sent as arguments are: ends are given away.
"""

from __future__ import annotations

import marshal
import sys
from types import CellType, CodeType, FunctionType, ModuleType

from ._boot import load_main, named

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeGuard

    from ._script import Definitions

    # ("function", its index), ("module", its name), ("variable", its key), or
    # ("nothing",): a variable that has no value
    type Slot = tuple[Any, ...]
    # The code, its module, what names are there before, and what the variables
    # of the functions around it, its defaults and some of its globals are.
    type Function = tuple[
        bytes,
        str,
        str,
        Definitions | None,
        list[Slot],
        list[Slot],
        list[tuple[str, Slot]],
        list[tuple[str, Slot]],
    ]


def home_of(function: FunctionType) -> str:
    """The module that its globals are of; __main__ if they are of none."""
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or vars(module) is not function.__globals__:
        return "__main__"
    return module.__name__


class Parcel:
    """Functions that go by value, and the variables that they refer to."""

    def __init__(self) -> None:
        self.functions: list[Function | None] = []
        self.variables: dict[str, Any] = {}  # by name, for errors
        self._indices: dict[int, int] = {}  # of functions, by id

    def add(self, function: FunctionType) -> int:
        """The index of a function that goes by value."""
        index = self._indices.get(id(function))
        if index is None:
            index = self._indices[id(function)] = len(self.functions)
            self.functions.append(None)  # they may refer to each other
            self.functions[index] = self._described(function)
        return index

    def _described(self, function: FunctionType) -> Function:
        code, home = function.__code__, home_of(function)
        definitions, own = None, []
        if home == "__main__":
            from . import _script

            names = function.__globals__
            used = set(_script.looked_up(code))
            script = _script.script_of(names, code.co_filename)
            if script is not None:
                taken = {n for n in used if not _is_by_value(names.get(n))}
                title = function.__qualname__
                definitions = script.definitions_for(taken, title)
                used -= taken
            own = self._slots((n, names[n]) for n in sorted(used) if n in names)
        free = zip(code.co_freevars, function.__closure__ or (), strict=True)
        defaults = _defaults(code, function.__defaults__ or ())
        return (
            marshal.dumps(code),
            home,
            function.__qualname__,
            definitions,
            [self._cell_slot(name, cell) for name, cell in free],
            [slot for _name, slot in self._slots(defaults)],
            self._slots((function.__kwdefaults__ or {}).items()),
            own,
        )

    def _slots(
        self, variables: Iterable[tuple[str, Any]]
    ) -> list[tuple[str, Slot]]:
        return [(name, self._slot(name, value)) for name, value in variables]

    def _cell_slot(self, name: str, cell: CellType) -> Slot:
        try:
            value = cell.cell_contents
        except ValueError:
            return ("nothing",)
        return self._slot(name, value)

    def _slot(self, name: str, value: Any) -> Slot:
        if isinstance(value, ModuleType):
            return ("module", value.__name__)
        if _is_by_value(value):
            return ("function", self.add(value))
        key, n = name, 1
        while self.variables.get(key, value) is not value:
            n += 1
            key = f"{name} ({n})"
        self.variables[key] = value
        return ("variable", key)


def _is_by_value(value: Any) -> TypeGuard[FunctionType]:
    return isinstance(value, FunctionType) and goes_by_value(value)


def goes_by_value(function: FunctionType) -> bool:
    """Whether there is no other way to another interpreter for a function."""
    place = place_of(function)
    if place is None or place[0] != "__main__":
        return place is None
    from . import _script

    return _script.that_defines(function, place[1]) is None


def place_of(function: FunctionType) -> tuple[str, dict[str, Any]] | None:
    """The module in which its name leads to it, with the names there."""
    places = [(home_of(function), function.__globals__)]
    module = sys.modules.get(function.__module__)
    if module is not None:  # decorators may have replaced it
        places.insert(0, (function.__module__, vars(module)))
    for place in places:
        if named(place[1], function.__qualname__) is function:
            return place
    return None


def _defaults(
    code: CodeType, defaults: tuple[Any, ...]
) -> Iterable[tuple[str, Any]]:
    """The parameters that have these defaults, with them."""
    first = code.co_argcount - len(defaults)
    return zip(
        code.co_varnames[first : code.co_argcount], defaults, strict=True
    )


# ---- in the other interpreter ----


def rebuilt(
    functions: list[Function], variables: dict[str, Any]
) -> FunctionType:
    """The first of the functions of a Parcel."""
    made = [_bare(*function[:5]) for function in functions]

    def value(slot: Slot) -> Any:
        kind, *which = slot
        if kind == "function":
            return made[which[0]]
        if kind == "module":
            __import__(which[0])
            return sys.modules[which[0]]
        return variables[which[0]]

    for function, description in zip(made, functions, strict=True):
        *_, cells, defaults, kwdefaults, own = description
        for cell, slot in zip(function.__closure__ or (), cells, strict=True):
            if slot != ("nothing",):
                cell.cell_contents = value(slot)
        function.__defaults__ = tuple(map(value, defaults)) or None
        function.__kwdefaults__ = {n: value(s) for n, s in kwdefaults} or None
        function.__globals__.update((n, value(s)) for n, s in own)
    return made[0]


def _bare(
    blob: bytes,
    home: str,
    qualname: str,
    definitions: Definitions | None,
    cells: list[Slot],
) -> FunctionType:
    """A function with nothing in its variables yet."""
    if definitions is not None:
        load_main(*definitions)
    elif home != "__main__":
        __import__(home)
    code = marshal.loads(blob)
    closure = tuple(CellType() for _ in cells)
    names = vars(sys.modules[home])
    function = FunctionType(code, names, code.co_name, None, closure)
    function.__qualname__ = qualname
    return function
