# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What sending an object costs, element by element."""

from __future__ import annotations

import builtins

from . import _core

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_LENT = 65536  # bytes: as in lend.h
_ATOMS = (bool, int, float, complex, bytearray)


def explain(obj: object) -> list[tuple[str, str, str]]:
    """Say how each element of obj would be sent: (path, type, how).

    how is "native" (a copy on each side), "lent" (large text: one copy, by the
    receiver), "shared" (no copy), "moved", "given away" (ends), "again" (it
    occurs twice, and is sent once), "pickled" (slow), or "refused: " and why.
    Pickling is tried; otherwise nothing is sent or changed.
    """
    rows: list[tuple[str, str, str]] = []
    seen: dict[int, bool] = {}  # containers; whether all of it was seen
    stack: list[tuple[tuple[str, ...] | None, Any]] = [((), obj)]
    while stack:
        path, at = stack.pop()
        if path is None:
            seen[id(at)] = True
            continue
        how = _how(at)
        if how == "container":
            how = _SEEN[seen.get(id(at))]
            if id(at) not in seen:
                seen[id(at)] = False
                steps = [(_to(path, step), e) for step, e in _elements(at)]
                stack += [(None, at), *reversed(steps)]
        rows.append(("".join(path), type(at).__name__, how))
    return rows


_SEEN = {None: "native", True: "again", False: "refused: it contains itself"}


def _to(path: tuple[str, ...], step: str) -> tuple[str, ...]:
    """The path one step further, without its middle if it is long."""
    steps = (*path, step)
    if len(steps) <= 16:
        return steps
    return (*steps[:8], "[...]", *steps[-8:])


def _shown(key: object) -> str:
    try:
        return repr(key)
    except Exception:  # its own, or an int with more digits than may be shown
        return "..."


def _how(obj: Any) -> str:
    kind = type(obj)
    if kind is str and not obj.isascii():
        obj = obj.encode("utf-8", "surrogatepass")
    if kind in (bytes, str):
        return "lent" if len(obj) >= _LENT else "native"
    if kind in _ATOMS or obj is None:
        return "native"
    if kind in _CONTAINERS:
        return "container"
    name = f"{kind.__module__}.{kind.__qualname__}"
    if _core.is_shareable(obj):
        return _OURS.get(name, "pickled")
    return f"refused: {_why(obj)}"


def _why(obj: object) -> str:
    tx, _rx = _core.channel(1)
    try:
        tx.send_nowait(obj)
    except (_core.Error, BufferError) as error:
        return str(error)
    return "it cannot be pickled now"


# From 3.15 on there are frozendicts, before that what comes nearest.
_MAPPINGS = (dict, getattr(builtins, "frozendict", type(type.__dict__)))
_CONTAINERS = (tuple, list, set, frozenset, range, slice, *_MAPPINGS)
_OURS = {
    "intercsp.SendChannel": "given away",
    "intercsp.RecvChannel": "given away",
    "intercsp.SendHub": "given away",
    "intercsp.Hub": "given away",
    "intercsp.Frozen": "shared",
    "intercsp.Share": "shared",
    "builtins.memoryview": "shared",
    "intercsp.Move": "moved",
}


def _elements(container: Any) -> Iterator[tuple[str, Any]]:
    if type(container) in _MAPPINGS:
        for key, value in container.items():
            if _how(key) != "native":
                yield ".keys()", key
            yield f"[{_shown(key)}]", value
    elif type(container) in (tuple, list):
        for i, element in enumerate(container):
            yield f"[{i}]", element
    elif type(container) is slice:
        for part in ("start", "stop", "step"):
            yield f".{part}", getattr(container, part)
    elif type(container) is not range:
        for element in container:
            yield "{...}", element
