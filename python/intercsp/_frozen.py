# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Records in frozen graphs: named tuples and frozen dataclasses.

Their classes belong to one interpreter. So what is frozen is their fields and
what finds the class again; each interpreter that opens the graph makes the
records itself (open.c).
"""

from __future__ import annotations

import copyreg
from types import MappingProxyType

from . import _pickle

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

    # the object, the names of its fields, what finds its class, its fields
    Record = tuple[Any, ...]

_classes: dict[bytes, type] = {}


def read(unknown: list[Any], records: dict[int, Record]) -> object:
    """Add what the objects are as records; return the first that is none, and
    why, or None."""
    makers: dict[type, bytes] = {}
    for obj in unknown:
        kind = type(obj)
        names = _names(obj)
        if names is None:
            return obj, "its type cannot be frozen"
        try:
            if kind not in makers:
                makers[kind] = _maker(kind)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            return obj, f"its class cannot be found elsewhere: {why}"
        fields = obj if isinstance(obj, tuple) else _fields(obj, names)
        records[id(obj)] = (obj, names, makers[kind], *fields)
    return None


def make(items: tuple[Any, ...]) -> object:
    """The record that items, what finds its class and its fields, are of."""
    maker, *fields = items
    kind: Any = _classes.get(maker)
    if kind is None:
        kind = _classes[maker] = _pickle.loads(maker, [])[0]
    if issubclass(kind, tuple):
        return tuple.__new__(kind, fields)
    record = object.__new__(kind)
    for name, field in zip(_names(record) or (), fields, strict=True):
        object.__setattr__(record, name, field)
    return record


def _names(obj: Any) -> tuple[str, ...] | None:
    """The fields of a named tuple or frozen dataclass."""
    kind = type(obj)
    if isinstance(obj, tuple):
        names: tuple[str, ...] | None = getattr(kind, "_fields", None)
        has_more = getattr(obj, "__dict__", None) or names is None
        return None if has_more else names
    params = getattr(kind, "__dataclass_params__", None)
    if not getattr(params, "frozen", False):
        return None
    from dataclasses import fields

    return tuple(field.name for field in fields(kind))


def _fields(obj: Any, names: tuple[str, ...]) -> list[Any]:
    return [getattr(obj, name) for name in names]


def _maker(kind: type) -> bytes:
    stream, parts = _pickle.dumps([kind])
    if parts:
        raise TypeError("it refers to channels or buffers")
    return stream


def _proxy(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _proxy, (dict(proxy),)


# Before 3.15 mappings are proxies, which Python cannot pickle or copy.
copyreg.pickle(MappingProxyType, _reduce_proxy)
