# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Functions that run in threads of this interpreter, with the handle of a
process: spawn(..., thread=True), and feeds.

What they are passed they get as it is, but for ends of channels, which are
given to them as to other processes. The outcome is as in _boot.py, or

    ("raised", exception, traceback)
"""

from __future__ import annotations

import functools
import threading

from . import _boot, _core
from ._compat import thread_starter
from ._parts import ends_in, is_end, replaced

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._boot import Outcome


def start(
    thread: _core.Thread,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    failed: _core.SendChannel | None,
) -> None:
    """Start function(*args, **kwargs); failed is sent None if it raises."""
    ends = [arg for arg in args if is_end(arg)]  # twice if they occur twice
    ends += [end for end in ends_in((args, kwargs)) if end not in ends]
    job = functools.partial(_run, thread.name, function, args, kwargs, ends)
    run = functools.partial(thread.run_guest, job)
    thread.start_guest(thread_starter(run), [failed, *ends])


def _run(
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    ends: list[Any],
    things: list[Any],
) -> Outcome:
    threading.current_thread().name = name
    failed, *given = things
    here = dict(zip(map(id, ends), given, strict=True))
    args, kwargs = replaced((args, kwargs), is_end, lambda e: here[id(e)])
    try:
        outcome = _outcome(function, args, kwargs)
        if outcome[0] in ("error", "raised") and failed is not None:
            failed.send_nowait(None)
    except _core.Error:  # the group knows already
        pass
    except _core.Cancelled:
        outcome = ("stopped",)
    return outcome


def _outcome(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Outcome:
    try:
        return ("value", function(*args, **kwargs))
    except _core.Cancelled:
        return ("stopped",)
    except Exception as error:
        traceback = error.__traceback__
        inside = traceback.tb_next if traceback else None
        _boot.let_go(error, args, kwargs)
        return ("raised", error, inside)
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return ("value", None)
        _boot.let_go(error, args, kwargs)
        return _boot.describe(error)
