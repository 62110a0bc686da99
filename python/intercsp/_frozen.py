# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Records in frozen graphs: named tuples and frozen dataclasses.

Their classes belong to one interpreter. So what is frozen is their fields and
what finds the class again; each interpreter that opens the graph makes the
records itself (open.c).
"""

from __future__ import annotations

import copyreg
from types import MappingProxyType, NoneType

from . import _pickle

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any

    # the object, the names of its fields, what finds its class, its fields
    Record = tuple[Any, ...]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement

_PLAIN = frozenset([int, str, float, bytes, tuple, list, dict, NoneType])

# What was made of makers: classes, and the names of their fields.
_known: dict[bytes, tuple[Any, tuple[str, ...]]] = {}


def read(unknown: list[Any], records: dict[int, Record]) -> object:
    """Add what the objects are as records, and the records in their fields;
    return the first that is none, and why, or None."""
    makers: dict[tuple[type, tuple[str, ...]], bytes] = {}
    todo = list(unknown)
    for obj in todo:
        if id(obj) in records:
            continue
        state = _state(obj)
        if state is None or any(type(name) is not str for name in state):
            return obj, "its type cannot be frozen"
        names, fields = tuple(state), state.values()
        key = type(obj), names
        try:
            if key not in makers:
                makers[key] = _maker(*key)
        except MemoryError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            return obj, f"its class cannot be found elsewhere: {why}"
        records[id(obj)] = (obj, names, makers[key], *fields)
        # A walk for each level of them would take too long in a long chain.
        todo += (
            field
            for field in fields
            if type(field) not in _PLAIN and _base(type(field))
        )
    return None


def make(items: tuple[Any, ...]) -> object:
    """The record that items, what finds its class and its fields, are of."""
    maker, *fields = items
    known = _known.get(maker)
    if known is None:
        known = _known[maker] = tuple(_pickle.loads(maker, [])[0])
    kind, names = known
    if issubclass(kind, tuple):
        return tuple.__new__(kind, fields)
    record = object.__new__(kind)
    for name, field in zip(names, fields, strict=True):
        object.__setattr__(record, name, field)
    return record


def _base(kind: Any) -> type | None:
    """What makes objects of a class of records: tuple or object."""
    base = kind
    while base.__flags__ & _HEAP_TYPE:
        base = base.__base__
    if base is tuple and hasattr(kind, "_fields"):
        return tuple
    params = getattr(kind, "__dataclass_params__", None)
    is_frozen = base is object and getattr(params, "frozen", False)
    return object if is_frozen else None


def _state(obj: Any) -> dict[str, Any] | None:
    """The fields of a named tuple; of a frozen dataclass also what else it
    has; None: it is neither."""
    kind = type(obj)
    base = _base(kind)
    if base is tuple:
        names = kind._fields
        if not isinstance(names, tuple) or getattr(obj, "__dict__", None):
            return None
        state = dict(zip(names, obj, strict=False))
        return state if len(state) == len(names) == len(obj) else None
    if base is None:
        return None
    # What it has, whatever its class says of pickling.
    own: Any = object.__getstate__(obj)
    attributes, slots = own if isinstance(own, tuple) else (own, None)
    return {**(attributes or {}), **(slots or {})}


def _maker(kind: type, names: tuple[str, ...]) -> bytes:
    stream, parts = _pickle.dumps([(kind, names)])
    if parts:
        raise TypeError("it refers to channels or buffers")
    return stream


def _proxy(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _proxy, (dict(proxy),)


# Before 3.15 mappings are proxies, which Python cannot pickle or copy.
copyreg.pickle(MappingProxyType, _reduce_proxy)
