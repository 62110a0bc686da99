# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What is used of the standard library without being public there.

All of it is the same in CPython 3.13, 3.14 and 3.15; nothing of this kind is
elsewhere in the package.
"""

from __future__ import annotations

import _thread

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def is_main_interpreter() -> bool:
    """Whether this is the interpreter that the program began with."""
    return bool(_thread._is_main_interpreter())  # type: ignore[attr-defined]


def at_thread_shutdown(function: Callable[[], object]) -> None:
    """Call function when this interpreter begins to end.

    That is before its non-daemon threads are joined, which may wait for what
    function ends; atexit runs after that. RuntimeError: it has begun.
    """
    import threading

    threading._register_atexit(function)  # type: ignore[attr-defined]


def append_warning_filter(
    action: str, message: Any, category: type[Warning], module: Any, line: int
) -> None:
    """Add an entry to warnings.filters as it is, with no pattern made of it."""
    import warnings

    warnings._add_filter(  # type: ignore[attr-defined]
        action, message, category, module, line, append=True
    )
