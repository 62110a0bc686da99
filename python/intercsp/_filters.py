# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Warning filters: a new process begins with those of its parent."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

    # (action, message, category, module, line): message and module are regular
    # expressions, category is the module and name of a class.
    type Filter = tuple[str, str, tuple[str, str], str, int]


def current() -> list[Filter]:
    """The filters of this interpreter, in a form that can be sent."""
    # Before warnings is imported, its list is kept by _warnings.
    module: Any = sys.modules.get("warnings") or sys.modules.get("_warnings")
    return [_described(*entry) for entry in module.filters]


def _described(
    action: str, message: Any, category: type[Warning], module: Any, line: int
) -> Filter:
    kind = (category.__module__, category.__qualname__)
    return action, _pattern(message), kind, _pattern(module), line


def _pattern(matcher: Any) -> str:
    """The regular expression for what a filter has for a text."""
    if matcher is None:
        return ""
    if isinstance(matcher, str):  # built-in filters: equal to this
        return matcher + r"\Z"
    return str(matcher.pattern)


def apply(filters: list[Filter]) -> None:
    """Make these the filters of this interpreter."""
    if filters == current():
        return
    import warnings

    warnings.resetwarnings()
    for action, message, kind, module, line in filters:
        # A class of a module that is not loaded: nothing raises it here.
        category: Any = sys.modules.get(kind[0])
        for name in kind[1].split("."):
            category = getattr(category, name, None)
        if category is not None:
            warnings.filterwarnings(
                action,  # type: ignore[arg-type]
                message,
                category,
                module,
                line,
                append=True,
            )
