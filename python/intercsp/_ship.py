# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How a function gets into another interpreter.

A function of a module is referred to by its module and name, and imported
there. A function of the script itself (__main__) goes with the definitions
that it needs, and the script is not run again: see _script. What no name leads
to goes by value: see _code. _boot.find() has it again from any of these.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType

from ._core import NotShareable

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

    # ("module", module, qualname);
    # ("main", "__main__", qualname, the three of _script.Definitions);
    # ("value", module, qualname, functions, variables) as _code has them
    type Reference = tuple[Any, ...]


def refer(function: Any) -> Reference:
    """What _boot.find() needs to have a function, or class, again elsewhere.

    NotShareable says why there is no way to do that.
    """
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None)
    if isinstance(function, FunctionType) and module is None:
        module = "__main__"  # of some exec()
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise _refusal(
            function,
            "it has no module and name to find it by in another interpreter; "
            "wrap it in a function",
        )
    if isinstance(function, FunctionType):
        from . import _code

        if _code.goes_by_value(function):
            parcel = _code.Parcel()
            parcel.add(function)
            variables = parcel.variables
            return ("value", module, qualname, parcel.functions, variables)
        place = _code.place_of(function)
        assert place is not None
    else:
        place = _checked_place(function, module, qualname)
    if place[0] != "__main__":
        return ("module", place[0], qualname)
    from . import _script

    script = _script.that_defines(function, place[1])
    if script is None:
        raise _refusal(
            function,
            "there is no statement at the top of a script that defines it; "
            "define it there, or in a module",
        )
    names = {qualname.partition(".")[0]}
    return ("main", module, qualname, *script.definitions_for(names, qualname))


def unwrapped(
    function: Any, args: tuple[Any, ...]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """What to call in the place of function(*args), with what.

    A functools.partial is taken apart, and the object of a bound method, or
    one that can be called itself, is its first argument: so it is sent as any
    argument is. So is a method of a built-in type.
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
    elif not _is_in_a_module(function):
        from . import _boot

        return _boot.call, (function, *args), kwargs
    return function, args, kwargs


def _is_in_a_module(function: Any) -> bool:
    if isinstance(function, FunctionType):
        return True
    module = getattr(function, "__module__", None)
    return isinstance(module, str) and hasattr(function, "__qualname__")


def refusal_of(error: NotShareable, reference: str, *args: str) -> NotShareable:
    """The error in the words of who calls a function.

    reference, args: the paths of these in what was to be sent.
    """
    path = error.path
    if path.startswith(f"{reference}[4]['"):
        return _about_variable(error, path.removeprefix(reference))
    if not path.startswith(args):
        return error
    prefix = path[: len(args[0])]
    about = NotShareable(f"argument {error.args[0].removeprefix(prefix)}")
    about.path = path.removeprefix(prefix)
    about.__cause__ = error.__cause__
    return about


def _about_variable(error: NotShareable, path: str) -> NotShareable:
    name, _, inside = path.removeprefix("[4]['").partition("']")
    why = error.args[0].removeprefix(f"{error.path}: ")
    about = NotShareable(
        f"variable {name!r}{inside and f', at {inside}'}, which the function "
        f"uses: {why}; pass what can be sent as an argument, or make it in the "
        "function"
    )
    about.path = ""
    about.__cause__ = error.__cause__
    return about


def _refusal(function: Any, why: str) -> NotShareable:
    name = getattr(function, "__qualname__", None) or repr(function)
    error = NotShareable(f"{name} cannot be run in another interpreter: {why}")
    error.path = ""
    return error


def _checked_place(
    function: Any, module: str, qualname: str
) -> tuple[str, dict[str, Any]]:
    """Where that name leads to what is no plain function, such as a class."""
    if "<locals>" in qualname:
        raise _refusal(
            function,
            "it is defined inside another function; move it to the top of its "
            "module",
        )
    from . import _script
    from ._boot import named

    places = [vars(sys.modules[module])] if module in sys.modules else []
    if module == "__main__":
        places += _script.running()
    found = [named(names, qualname) for names in places]
    for names, candidate in zip(places, found, strict=True):
        if candidate is function:
            return module, names
        if isinstance(function, MethodType) and candidate == function:
            return module, names
    if isinstance(function, MethodType):
        raise _refusal(
            function,
            f"it is bound to {function.__self__!r:.100}, which inherits it; "
            "write a function that calls it",
        )
    raise _refusal(
        function,
        f"{module}.{qualname} is not this object, but "
        f"{repr(found[0]) if found and found[0] is not None else 'nothing'}",
    )
