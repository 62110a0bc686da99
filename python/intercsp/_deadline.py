# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""deadline(): one bound for all waits of a block."""

from __future__ import annotations

from . import _core

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType
    from typing import Self


class deadline:
    """Bound every wait inside a with statement::

        with csp.deadline(2.5):
            for value in rx:
                tx.send(work(value))

    From so many seconds after the block was entered on (None: no bound), an
    operation of intercsp that would have to wait raises TimeoutError; what is
    possible at once goes on. Of several deadlines, and the timeout of the
    operation, the earliest wins. It holds for this thread or task, and for no
    process or thread that is started inside.
    """

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float | None) -> None:
        _core.moment(seconds)  # raises if it is none
        self._seconds = seconds
        self._token: Token[int] | None = None

    def __enter__(self) -> Self:
        if self._token is not None:
            raise RuntimeError("this deadline is entered already")
        moment = _core.moment(self._seconds)
        outer = _core.deadline_var.get(moment)
        self._token = _core.deadline_var.set(min(moment, outer))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._token is not None
        _core.deadline_var.reset(self._token)
        self._token = None
