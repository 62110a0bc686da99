# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Warning filters: a new process begins with those of its parent."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

# What a filter asks of a text: nothing, to be equal, or (pattern, flags).
type Matcher = str | tuple[str, int] | None
# (action, message, category, module, line); category: its module and name.
type Filter = tuple[str, Matcher, tuple[str, str], Matcher, int]


def current() -> list[Filter]:
    """The filters of this interpreter, in a form that can be sent."""
    # Before warnings is imported, its list is kept by _warnings.
    module: Any = sys.modules.get("warnings") or sys.modules.get("_warnings")
    return [_described(*entry) for entry in module.filters]


def _described(
    action: str, message: Any, category: type[Warning], module: Any, line: int
) -> Filter:
    kind = (category.__module__, category.__qualname__)
    return action, _matcher(message), kind, _matcher(module), line


def _matcher(given: Any) -> Matcher:
    if given is None or isinstance(given, str):
        return given
    return str(given.pattern), int(given.flags)


def forget_patterns() -> None:
    """Remove the filters that have patterns; for the end of an interpreter.

    In other than the main interpreter CPython never frees a pattern that is
    left in the list, and with it all memory of that interpreter: megabytes.
    """
    module: Any = sys.modules.get("warnings") or sys.modules.get("_warnings")
    plain = (str, type(None))
    module.filters[:] = [
        entry
        for entry in module.filters
        if isinstance(entry[1], plain) and isinstance(entry[3], plain)
    ]


def apply(filters: list[Filter]) -> None:
    """Make these the filters of this interpreter."""
    if filters == current():
        return
    import warnings

    from ._compat import append_warning_filter

    warnings.resetwarnings()
    for action, message, kind, module, line in filters:
        # A class of a module that is not loaded: nothing raises it here.
        category: Any = sys.modules.get(kind[0])
        for name in kind[1].split("."):
            category = getattr(category, name, None)
        if category is not None:
            append_warning_filter(
                action, _made(message), category, _made(module), line
            )


def _made(matcher: Matcher) -> Any:
    """What a filter has for it: re is imported only where it is needed."""
    if matcher is None or isinstance(matcher, str):
        return matcher
    import re

    return re.compile(*matcher)
