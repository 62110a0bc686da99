# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The script's definitions, which other interpreters get without running it.

Of the script's statements, imports, functions, classes and assignments that
call nothing are taken, and only those that a function needs, directly or
through other definitions. What else a function needs of the script, such as a
name that is computed when the script runs, cannot be had there: that is an
error here, which names it. As with an imported module, variables begin there
with the values that their assignments give them, whatever the script has done
to them since.

They go statement by statement, each with the names that it binds, so that what
is there already need not be defined once more. The other half of this is
_boot.load_main().
"""

from __future__ import annotations

import ast
import builtins
import dis
import marshal
import os
from types import CodeType

from . import _began_in
from ._core import NotShareable

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    # The file, its name for python -m, the statements: see _boot.load_main().
    type Definitions = tuple[str, str | None, bytes]


class Statement:
    """A statement at the top of the script.

    taken: whether it is run in other interpreters too, if it is needed;
    binds: the names that it gives a value;
    uses: the names that it, or a function in it, looks up.
    """

    def __init__(self, node: ast.stmt, file: str) -> None:
        self.taken = _is_taken(node)
        self.node = _without_annotations(node) if self.taken else node
        code = _compile([self.node], file)
        self.binds = {
            i.argval for i in dis.get_instructions(code) if i.opname in _BINDS
        }
        self.uses = set(looked_up(code))

    @property
    def is_star(self) -> bool:
        """from m import *: nobody knows what it binds."""
        node = self.node
        return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"

    @property
    def is_future(self) -> bool:
        """from __future__ import f: the others are compiled by it."""
        node = self.node
        return isinstance(node, ast.ImportFrom) and node.module == "__future__"


class Script:
    """The statements of the file that __main__ was run from."""

    def __init__(self, names: dict[str, Any], file: str) -> None:
        self.names = names  # the script's own: what it has computed too
        spec = names.get("__spec__")
        self._spec_name: str | None = getattr(spec, "name", None)
        self._file = file
        tree = ast.parse(_source(names, file), file)
        nodes = [part for node in tree.body for part in _parts(node)]
        self._statements = [Statement(n, file) for n in nodes]
        self._binding: dict[str, list[Statement]] = {}
        for s in self._statements:
            for name in s.binds:
                self._binding.setdefault(name, []).append(s)
        self._has_star = any(s.is_star for s in self._statements)
        self._shipped: dict[frozenset[str], bytes] = {}

    def defines(self, name: str) -> bool:
        """Whether other interpreters can have what has that name."""
        return name in self._binding and self._why_missing(name) is None

    def definitions_for(
        self, names: Iterable[str], function: str
    ) -> Definitions:
        """What a function needs that uses these names of the script."""
        key = frozenset(names)
        blob = self._shipped.get(key)
        if blob is None:
            blob = self._shipped[key] = self._definitions(key, function)
        return self._file, self._spec_name, blob

    def _definitions(self, names: frozenset[str], function: str) -> bytes:
        needed = self._needed(names, function)
        futures = [s.node for s in self._statements if s.is_future]
        return marshal.dumps(
            [
                (sorted(s.binds), _compile([*futures, s.node], self._file))
                for s in self._statements
                if s in needed and not s.is_future
            ]
        )

    def _needed(self, first: frozenset[str], function: str) -> list[Statement]:
        """The statements that these names need, in no order."""
        needed = [s for s in self._statements if s.is_star or s.is_future]
        missing: dict[str, str] = {}
        seen: set[str] = set()
        names = set(first).union(*(s.uses for s in needed))
        while names:
            name = names.pop()
            seen.add(name)
            why = self._why_missing(name)
            if why is not None:
                missing[name] = why
                continue
            for s in self._binding.get(name, []):
                if s not in needed:
                    needed.append(s)
                    names |= s.uses - seen
        if missing:
            raise self._missing(function, missing)
        return needed

    def _why_missing(self, name: str) -> str | None:
        """Why a name cannot be had in another interpreter."""
        statements = self._binding.get(name, [])
        for s in statements:
            if not s.taken:
                return f"line {s.node.lineno}"
        is_from_here = name in self.names and not hasattr(builtins, name)
        is_special = name.startswith("__") and name.endswith("__")
        if not statements and is_from_here and not is_special:
            return None if self._has_star else "set while the script runs"
        return None

    def _missing(self, function: str, missing: dict[str, str]) -> NotShareable:
        names = ", ".join(f"{n!r} ({why})" for n, why in missing.items())
        error = NotShareable(
            f"{function} cannot be run in another interpreter: it uses {names} "
            f"of {self._file}, which only exists where the script itself runs: "
            "imports, functions, classes and assignments that call nothing "
            "can be had elsewhere. Pass it as an argument, or move it to a "
            "module"
        )
        error.path = ""
        return error


_scripts: dict[str, Script] = {}  # by file; few


def script_of(names: dict[str, Any], file: str) -> Script | None:
    """The script whose names these are, if that file is one.

    None if there is none, or it cannot be read: names of a session.
    """
    if file.startswith("<"):  # "<stdin>", "<string>"...
        return None
    # Tools that run scripts may leave its name relative; and Python removes
    # __file__ before the end of the program.
    file = os.path.join(_began_in, file)
    if os.path.join(_began_in, names.get("__file__") or file) != file:
        return None
    known = _scripts.get(file)
    if known is None or known.names is not names:
        try:
            known = _scripts[file] = Script(names, file)
        except (OSError, SyntaxError, ValueError, ImportError):
            return None
    return known


def that_defines(function: Any, names: dict[str, Any]) -> Script | None:
    """The script that defines a function, or class, among these names."""
    code = getattr(function, "__code__", None)
    file = names.get("__file__") or getattr(code, "co_filename", "<")
    script = script_of(names, str(file))
    name = function.__qualname__.partition(".")[0]
    return script if script is not None and script.defines(name) else None


def running() -> list[dict[str, Any]]:
    """The names of the scripts that are known so far.

    Tools that run scripts may leave __main__ to be themselves.
    """
    return [script.names for script in _scripts.values()]


def _source(names: dict[str, Any], file: str) -> bytes | str:
    """The text of the script; from its loader if it is in an archive."""
    try:
        with open(file, "rb") as f:
            return f.read()
    except OSError:
        get = getattr(names.get("__loader__"), "get_source", None)
        source: str | None = get("__main__") if get else None
        if source is None:
            raise
        return source


# ---- statements ----

_BINDS = {"STORE_NAME", "DELETE_NAME"}
_LOOK_UPS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}


def _compile(body: list[ast.stmt], file: str) -> CodeType:
    module = ast.Module(body, type_ignores=[])
    return compile(module, file, "exec", dont_inherit=True)


def looked_up(code: CodeType) -> Iterator[str]:
    """The names that code, and code inside it, looks up as globals."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in _LOOK_UPS:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from looked_up(constant)


def _parts(node: ast.stmt) -> list[ast.stmt]:
    """import a, b is taken for two statements: not all may be needed."""
    if not isinstance(node, ast.Import):
        return [node]
    return [ast.copy_location(ast.Import([n]), node) for n in node.names]


def _is_taken(node: ast.stmt) -> bool:
    """Whether a statement of the script may be run in other interpreters."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.TypeAlias():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=value):
            return value is None or not _calls(value)
        case ast.Try():  # try: import a; except ImportError: a = None
            parts = [node.body, node.orelse, node.finalbody]
            parts += [handler.body for handler in node.handlers]
            return all(_is_taken(n) for part in parts for n in part)
    return False


def _calls(node: ast.AST) -> bool:
    """Whether evaluating an expression may call something."""
    if isinstance(node, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
        return True
    if isinstance(node, ast.Lambda):  # its body does not run now
        return False
    return any(_calls(child) for child in ast.iter_child_nodes(node))


def _without_annotations(node: ast.stmt) -> ast.stmt:
    """The statement, without what only tools read.

    What annotations name need not be imported then.
    """
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        bare = ast.Assign([node.target], node.value)
        return ast.copy_location(bare, node)
    _BareFunctions().visit(node)
    return node


class _BareFunctions(ast.NodeTransformer):
    """Removes annotations of functions; not where a decorator may read them."""

    def visit_FunctionDef[F: (ast.FunctionDef, ast.AsyncFunctionDef)](
        self, node: F
    ) -> F:
        self.generic_visit(node)
        if not node.decorator_list:
            node.returns = None
            for arg in ast.walk(node.args):
                if isinstance(arg, ast.arg):
                    arg.annotation = None
        return node

    visit_AsyncFunctionDef = visit_FunctionDef
