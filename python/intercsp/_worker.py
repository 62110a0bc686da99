# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What a worker of a pool does, in its interpreter: see futures.py.

A message is (job, number, reference, args, kwargs): kwargs is a dict, None, or
CHUNK: then args is a list of tuples, for a call each. The number stands for
the function; None: it is not to be remembered.
"""

from __future__ import annotations

import sys

from . import _boot, _core
from ._core import Closed, SendChannel

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CHUNK = "chunk"
REMEMBERED = 256  # functions


def work(
    tasks: _core.TaskQueue,
    calls: SendChannel,
    failed: SendChannel,
    initializer: tuple[Any, ...] | None,
    shared: dict[str, Any] | None,
    limit: int | None,
) -> None:
    """Do the tasks of a pool until it ends, or limit of them.

    calls is sent -1 at the end: the pool is to look after its workers; failed,
    how the initializer failed.
    """
    try:
        if shared:
            vars(sys.modules["__main__"]).update(shared)
        if initializer is not None:
            reference, args, kwargs = initializer
            _boot.find(reference)(*args, **kwargs)
    except _core.Cancelled:
        raise
    except BaseException as error:
        failed.send_nowait(_boot.describe(error))
        tasks.close(True)
        return
    try:
        try:
            _serve(tasks, limit)
        finally:
            calls.send_nowait(-1)
    except Closed:  # that of tasks; or of calls: nobody listens
        pass


def _serve(tasks: _core.TaskQueue, limit: int | None) -> None:
    known: dict[int, Callable[..., Any]] = {}
    n = 0
    while n != limit:
        job, number, reference, args, kwargs = tasks.get()
        n += 1
        following = None if n == limit else tasks
        try:
            function = known.get(number)
            if function is None:
                function = _boot.find(reference)
                if number is not None:
                    if len(known) >= REMEMBERED:
                        known.clear()
                    known[number] = function
            if type(kwargs) is str:
                job.run(_calls, (function, args), None, following)
            else:
                job.run(function, args, kwargs, following)
        except _core.Cancelled:
            raise
        except BaseException as error:
            job.fail(_boot.describe(error))
            del error
        # Nothing of a task stays until the next.
        del job, args, kwargs, function


def _calls(
    function: Callable[..., Any], calls: list[tuple[Any, ...]]
) -> tuple[list[Any], Any]:
    """The results, and how the first call that fails does."""
    results: list[Any] = []
    try:
        for args in calls:
            results.append(function(*args))
    except _core.Cancelled:
        raise
    except BaseException as error:
        return results, _boot.describe(error)
    return results, None
