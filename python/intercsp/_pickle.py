# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Objects that have no form of their own as values: pickles, of protocol 5.

All such objects of one value are pickled together. What can be sent natively
is not in the pickle but beside it: in a tuple, ends of channels, frozen graphs,
memoryviews, and what share() and move() give; behind that, buffers (PEP 574).
In addition to what pickle does

- classes and functions of the script (__main__) go with the definitions that
  they need, lambdas and functions made in functions by value: see _ship;
- exceptions keep their cause, context and notes, and the text of their
  traceback as a RemoteError that comes between them and their cause.
"""

from __future__ import annotations

import pickle
import sys
from _thread import _local
from io import BytesIO
from types import FunctionType

from ._core import (
    Box,
    Cancelled,
    Frozen,
    Hub,
    NotShareable,
    RecvChannel,
    RemoteError,
    SendChannel,
    SendHub,
    move,
    share,
)

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._ship import Reference

_NATIVE = (
    *(SendChannel, RecvChannel, SendHub, Hub, Frozen, Box, memoryview),
    *(type(share(b"")), type(move(None))),
)
_WORTH_SHARING = 65536  # bytes; a copy of less costs no more


class _Loading(_local):
    """What this thread is loading: what is beside it, and its origin."""

    def __init__(self) -> None:
        self.natives: tuple[Any, ...] = ()
        self.where = ""


_loading = _Loading()


class _Pickler(pickle.Pickler):
    def __init__(self, file: BytesIO) -> None:
        buffers: list[Any] = []
        self.natives: list[Any] = []
        self.buffers = buffers

        def keep(buffer: pickle.PickleBuffer) -> None:
            buffers.append(_buffer(buffer))

        # No method of self: what is pickled would live until a collection.
        super().__init__(file, 5, buffer_callback=keep)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _NATIVE):
            # what cannot be shared is refused here, where it is known
            self.natives.append(share(obj) if type(obj) is memoryview else obj)
            return _part, (len(self.natives) - 1,)
        if isinstance(obj, FunctionType | type):
            if obj.__module__ == "__main__" or _is_local(obj):
                return _reduce_main(obj)
        elif isinstance(obj, BaseException):
            return _reduce_exception(obj)
        elif hasattr(obj, "__csp_reduce__"):  # holds what is native
            return obj.__csp_reduce__()
        return NotImplemented


def _buffer(buffer: pickle.PickleBuffer) -> memoryview | bytes | bytearray:
    """What stands for a buffer beside a pickle.

    What can be written to is copied: what the sender does to it afterwards
    must not be seen by the receiver.
    """
    view = buffer.raw()
    if not view.readonly:
        return bytearray(view)
    return view if view.nbytes >= _WORTH_SHARING else bytes(view)


def dumps(objects: list[Any]) -> tuple[bytes, list[Any]]:
    """A pickle of a list, and the parts that it refers to, if any."""
    file = BytesIO()
    pickler = _Pickler(file)
    pickler.dump(objects)
    natives, buffers = tuple(pickler.natives), pickler.buffers
    return file.getvalue(), [natives, *buffers] if natives or buffers else []


def loads(
    stream: bytes, parts: list[Any], where: str = "another interpreter"
) -> list[Any]:
    """The list again; where is for the texts of tracebacks."""
    outside = _loading.natives, _loading.where
    natives, *buffers = parts or [()]
    _loading.natives, _loading.where = natives, where
    try:
        objects: list[Any] = pickle.loads(stream, buffers=buffers)
    finally:
        _loading.natives, _loading.where = outside
    return objects


def culprit(objects: list[Any]) -> tuple[int, str]:
    """The first of objects that cannot be pickled, and why."""
    for i, obj in enumerate(objects):
        try:
            dumps([obj])
        except Cancelled:
            raise
        except NotShareable as error:
            return i, str(error)
        except Exception as error:
            return i, f"cannot be pickled: {_text(error)}"
    return 0, "cannot be pickled together with other objects"


def _text(error: Exception) -> str:
    """What error is, as far as it can be said in UTF-8."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # its own __str__ fails
        text = type(error).__name__
    return text.encode(errors="backslashreplace").decode()


def _part(index: int) -> Any:
    return _loading.natives[index]


# ---- definitions of the script ----


def _is_local(obj: Any) -> bool:
    """Whether it is a function that was made in another, or a lambda."""
    return isinstance(obj, FunctionType) and "<" in obj.__qualname__


def _reduce_main(obj: Any) -> tuple[Callable[..., Any], Reference]:
    from . import _ship

    return _main, _ship.refer(obj)


def _main(*reference: Any) -> Any:
    """The class or function, of which the definitions may be here already."""
    from . import _boot

    if reference[0] == "main":
        places = [vars(sys.modules["__main__"])]
        script = sys.modules.get(f"{__package__}._script")
        places += script.running() if script else []  # run by a tool
        for names in places:
            found = _boot.named(names, reference[2])
            if found is not None:
                return found
    return _boot.find(reference)


# ---- exceptions ----


def _reduce_exception(error: BaseException) -> Any:
    reduced = error.__reduce_ex__(5)
    if isinstance(reduced, str) or len(reduced) > 3:
        return reduced  # by somebody who knows better
    function, args, *state = reduced
    details = (
        state[0] if state else None,
        error.__cause__,
        error.__context__,
        error.__suppress_context__,
        _traceback_of(error),
    )
    return function, args, details, None, None, _set_details


def _traceback_of(error: BaseException) -> str | None:
    """The text of its own traceback, from what a process has called on."""
    top = error.__traceback__
    while top is not None and top.tb_frame.f_globals.get("__name__") == _BOOT:
        top = top.tb_next
    if top is None:
        return None
    import traceback

    lines = traceback.format_exception(type(error), error, top, chain=False)
    return "".join(lines)


_BOOT = f"{__package__}._boot"


def _set_details(error: BaseException, details: tuple[Any, ...]) -> None:
    state, cause, context, suppress, text = details
    if state is not None:
        error.__setstate__(state)
    error.__context__ = context
    error.__cause__ = cause
    error.__suppress_context__ = suppress
    if text is not None:
        remote = RemoteError(f"in {_loading.where}:\n\n{text}")
        remote.__cause__ = cause
        remote.__context__ = context
        remote.__suppress_context__ = suppress
        error.__cause__ = remote
