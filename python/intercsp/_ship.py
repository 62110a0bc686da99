# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How a function gets into another interpreter.

A function of a module is referred to by its module and name, and imported
there. A function of the script itself (__main__) goes with the definitions
that it needs, and the script is not run again: of the script's statements,
imports, functions, classes and assignments that call nothing are taken, and
only those that the function needs, directly or through other definitions. What
else a function needs of the script, such as a name that is computed when the
script runs, cannot be had there: that is an error here, which names it. As
with an imported module, variables begin there with the values that their
assignments give them, whatever the script has done to them since.

They go statement by statement, each with the names that it binds, so that what
is there already need not be defined once more. The other half of this is
_boot.find().
"""

from __future__ import annotations

import ast
import builtins
import dis
import marshal
import os
import sys
from types import CodeType, MethodType

from . import _began_in
from ._core import NotShareable

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

    # ("module", module, qualname), or for a function of the script
    # ("main", "__main__", qualname, file, its name for python -m, definitions)
    type Reference = tuple[Any, ...]


def refer(function: Any) -> Reference:
    """What _boot.find() needs to find function in another interpreter.

    NotShareable says why there is no way to find it there.
    """
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise _refusal(
            function,
            "it has no module and name to find it by in another interpreter; "
            "wrap it in a function at the top of a module",
        )
    _check_found(function, module, qualname)
    if module != "__main__":
        return ("module", module, qualname)
    return (
        "main",
        module,
        qualname,
        *_script_of(function).definitions_for(qualname),
    )


def unwrapped(
    function: Any, args: tuple[Any, ...]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """What to call in the place of function(*args), with what.

    A functools.partial is taken apart, and the object of a bound method is its
    first argument: so it is sent as any argument is.
    """
    kwargs: dict[str, Any] = {}
    functools = sys.modules.get("functools")  # or there is no partial
    while functools and type(function) is functools.partial:
        kwargs = {**function.keywords, **kwargs}
        hole = getattr(functools, "Placeholder", kwargs)  # new in 3.14
        rest = iter(args)
        args = tuple(next(rest, a) if a is hole else a for a in function.args)
        args = (*args, *rest)
        function = function.func
    if isinstance(function, MethodType):
        owner = function.__self__
        if not isinstance(owner, type):
            return function.__func__, (owner, *args), kwargs
    return function, args, kwargs


def _refusal(function: Any, why: str) -> NotShareable:
    name = getattr(function, "__qualname__", None) or repr(function)
    error = NotShareable(f"{name} cannot be run in another interpreter: {why}")
    error.path = ""
    return error


def _check_found(function: Any, module: str, qualname: str) -> None:
    if "<lambda>" in qualname:
        why = "a lambda has no name to find it by; write it as a function"
        raise _refusal(function, f"{why} (def) at the top of its module")
    if "<locals>" in qualname:
        raise _refusal(
            function,
            "it is defined inside another function; move it to the top of its "
            "module and pass what it uses as arguments",
        )
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    if isinstance(function, MethodType) and found != function:
        raise _refusal(
            function,
            f"it is bound to {function.__self__!r:.100}, which inherits it; "
            "write a function at the top of a module that calls it",
        )
    if found is not function and not isinstance(function, MethodType):
        raise _refusal(
            function,
            f"{module}.{qualname} is not this object, but "
            f"{'nothing' if found is None else repr(found)}",
        )


# ---- the script ----


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
        self.uses = set(_uses(code))

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

    def __init__(self, main: ModuleType, file: str) -> None:
        self._main = main
        self._spec_name: str | None = getattr(main.__spec__, "name", None)
        self._file = file
        with open(self._file, "rb") as f:
            tree = ast.parse(f.read(), self._file)
        nodes = [part for node in tree.body for part in _parts(node)]
        self._statements = [Statement(n, self._file) for n in nodes]
        self._binding: dict[str, list[Statement]] = {}
        for s in self._statements:
            for name in s.binds:
                self._binding.setdefault(name, []).append(s)
        self._has_star = any(s.is_star for s in self._statements)
        self._shipped: dict[str, bytes] = {}  # by name, compiled

    def definitions_for(self, qualname: str) -> tuple[str, str | None, bytes]:
        """What _boot.load_main() takes, for a function of the script."""
        name = qualname.partition(".")[0]
        blob = self._shipped.get(name)
        if blob is None:
            blob = self._shipped[name] = self._definitions(name)
        return self._file, self._spec_name, blob

    def _definitions(self, name: str) -> bytes:
        needed = self._needed(name)
        futures = [s.node for s in self._statements if s.is_future]
        return marshal.dumps(
            [
                (sorted(s.binds), _compile([*futures, s.node], self._file))
                for s in self._statements
                if s in needed and not s.is_future
            ]
        )

    def _needed(self, function: str) -> list[Statement]:
        """The statements that function needs, in no order."""
        needed = [s for s in self._statements if s.is_star or s.is_future]
        missing: dict[str, str] = {}
        seen: set[str] = set()
        names = {function}.union(*(s.uses for s in needed))
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
        is_from_here = name in vars(self._main) and not hasattr(builtins, name)
        is_special = name.startswith("__") and name.endswith("__")
        if not statements and is_from_here and not is_special:
            return None if self._has_star else "set while the script runs"
        return None

    def _missing(self, name: str, missing: dict[str, str]) -> NotShareable:
        function = getattr(self._main, name, None)
        names = ", ".join(f"{n!r} ({why})" for n, why in missing.items())
        return _refusal(
            function,
            f"it uses {names} of {self._file}, which only exists where the "
            "script itself runs: imports, functions, classes and assignments "
            "that call nothing can be had elsewhere. Pass it as an argument, "
            "or move it to a module",
        )


_scripts: dict[str, Script] = {}  # by file; one, except in tests


def _script_of(function: Any) -> Script:
    """The script that defines function."""
    main = sys.modules["__main__"]
    # Python removes __main__.__file__ before the end of the program.
    code = getattr(function, "__code__", None)
    file = getattr(main, "__file__", getattr(code, "co_filename", "<"))
    if file.startswith("<"):  # "<stdin>", "<string>"...
        raise NotShareable(
            "functions of an interactive session or of python -c cannot be "
            "run in another interpreter: put them in a file"
        )
    # Tools that run scripts may leave its name relative.
    file = os.path.join(_began_in, file)
    if file not in _scripts:
        try:
            _scripts[file] = Script(main, file)
        except (OSError, SyntaxError, ValueError) as error:
            raise NotShareable(
                "functions of the script cannot be run in another "
                f"interpreter, as its file cannot be read: {error}"
            ) from error
    return _scripts[file]


# ---- statements ----

_BINDS = {"STORE_NAME", "DELETE_NAME"}
_LOOK_UPS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}


def _compile(body: list[ast.stmt], file: str) -> CodeType:
    module = ast.Module(body, type_ignores=[])
    return compile(module, file, "exec", dont_inherit=True)


def _uses(code: CodeType) -> Iterator[str]:
    """The names that code, and code inside it, looks up as globals."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in _LOOK_UPS:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _uses(constant)


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
