# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What runs in the interpreter of a new process.

_core.Thread calls main(); what that returns is the outcome of the process:

    ("value", result)
    ("error", type name, text, pickled exception or None, traceback text)
    ("stopped",)
"""

from __future__ import annotations

import atexit
import sys

from . import _core, _filters, _output

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

    from ._ship import Reference

    type Outcome = tuple[Any, ...]


def main(
    args: tuple[Any, ...],
    reference: Reference,
    filters: list[_filters.Filter],
    failed: _core.SendChannel | None,
    kwargs: dict[str, Any],
) -> Outcome:
    """Run a function; failed (of its group) is sent None if it raises."""
    atexit.register(_filters.forget_patterns)
    _output.set_up()
    try:
        outcome = run(args, kwargs, reference, filters)
        if outcome[0] == "error" and failed is not None:
            failed.send_nowait(None)
    except _core.Error:  # the group knows already
        pass
    except _core.Cancelled:
        outcome = ("stopped",)
    _core.function_ended()  # from here on no Cancelled comes out of nowhere
    exit = sys.modules.get("intercsp._exit")
    if exit is not None:  # it has started processes of its own
        exit.leave()
    return outcome


def run(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    reference: Reference,
    filters: list[_filters.Filter],
) -> Outcome:
    """Call the function, and say how it ended."""
    try:
        _filters.apply(filters)
        return ("value", sendable(find(reference)(*args, **kwargs)))
    except _core.Cancelled:
        return ("stopped",)
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return ("value", None)
        let_go(error, args, kwargs)  # before it is described
        if isinstance(error, ImportError):
            error = explained(error, reference)
        return describe(error)


def let_go(
    error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Close the ends that a function was passed, or had when it raised.

    Its frames live as long as the error does. Others may fail for want of
    these ends, and have a group stop this process: it is not interrupted any
    more, so that its error is not lost.
    """
    _core.function_ended()
    for arg in args:  # those that are told from others without an import
        if isinstance(arg, _core.SendChannel | _core.RecvChannel):
            arg.close()
    _clear_frames(error)
    from ._parts import ends_in

    for end in ends_in((args, kwargs)):
        end.close()


def _clear_frames(error: BaseException) -> None:
    """Of all tracebacks that the error leads to."""
    seen: set[int] = set()
    stack: list[BaseException | None] = [error]
    while stack:
        at = stack.pop()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        stack += [at.__cause__, at.__context__]
        if isinstance(at, BaseExceptionGroup):
            stack += at.exceptions
        traceback = at.__traceback__
        while traceback is not None:
            try:
                traceback.tb_frame.clear()
            except RuntimeError:  # it still runs
                traceback = traceback.tb_next
                continue
            traceback = traceback.tb_next


def explained(error: ImportError, reference: Reference) -> ImportError:
    """The error, or a better one: a module that is not for us was imported."""
    module = refused(error)
    if module is None:
        return error
    better = ImportError(
        f"{reference[1]}.{reference[2]} needs module {module!r}, which does "
        "not support interpreters with a GIL of their own: run it with "
        "thread=True",
        name=module,
    )
    better.__cause__ = error
    return better.with_traceback(error.__traceback__)


def refused(error: BaseException | None) -> str | None:
    """The module that CPython has refused to import in this interpreter.

    Packages raise errors of their own, whose cause or context says that.
    """
    while error is not None:
        text = str(error) if isinstance(error, ImportError) else ""
        if text.endswith(" does not support loading in subinterpreters"):
            return text.removeprefix("module ").partition(" ")[0]
        error = error.__cause__ or error.__context__
    return None


def find(reference: Reference) -> Any:
    """The function that _ship.refer() referred to."""
    kind, module, qualname, *details = reference
    if kind == "value":
        from . import _code

        return _code.rebuilt(*details)
    if kind == "main":
        load_main(*details)
    else:
        __import__(module)
    found: Any = sys.modules[module]
    for name in qualname.split("."):
        found = getattr(found, name)
    return found


def named(names: dict[str, Any], qualname: str) -> Any:
    """What has that name among these, or None."""
    name, *inside = qualname.split(".")
    found = names.get(name)
    for name in inside:
        found = getattr(found, name, None)
    return found


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """An object that can be called is sent as an argument of this."""
    return function(*args, **kwargs)


def load_main(file: str, spec_name: str | None, blob: bytes) -> None:
    """Fill this interpreter's __main__ with definitions of the script.

    What it has already stays: a class must not be there twice.
    """
    import marshal

    main = sys.modules["__main__"]
    main.__file__ = file
    if spec_name is not None:  # run by python -m: imports may be relative
        main.__spec__ = type(__spec__)(spec_name, None, origin=file)
        main.__package__ = main.__spec__.parent
    statements = marshal.loads(blob)
    missing = {n for names, _code in statements for n in names} - {*vars(main)}
    for names, code in statements:
        if not names or not missing.isdisjoint(names):
            exec(code, main.__dict__)


def sendable(result: Any) -> Any:
    """The result, if it can be sent; otherwise NotShareable.

    It is not left to the sending itself, where it would be too late to report
    an error in all its detail.
    """
    if result is None or type(result) in (bool, int, float, str, bytes):
        return result
    tx, rx = _core.channel(1)
    tx.send_nowait(result)
    return rx.recv_nowait()


def describe(error: BaseException) -> Outcome:
    """An exception, as far as it can be carried to another interpreter."""
    kind = type(error)
    try:
        text = "".join(str(error))  # of no subclass of str
    except _core.Cancelled:
        raise
    except BaseException:
        text = "<its text cannot be had>"
    return (
        "error",
        f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        text,
        pickled(error),
        traceback_of(error),
    )


def pickled(error: BaseException) -> bytes | None:
    """The exception as pickle has it; None where that is not possible."""
    try:
        from . import _pickle

        stream, parts = _pickle.dumps([error])
    except _core.Cancelled:
        raise
    except BaseException:
        return None
    return None if parts else stream


def traceback_of(error: BaseException) -> str:
    """The text of its traceback, from the function that was called on."""
    top = error.__traceback__
    while top is not None and top.tb_frame.f_code.co_filename == __file__:
        top = top.tb_next
    try:
        import traceback

        return "".join(traceback.format_exception(type(error), error, top))
    except _core.Cancelled:
        raise
    except BaseException as why:
        return f"(no traceback: {type(why).__name__})\n"
