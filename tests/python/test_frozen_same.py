# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Frozen objects do what ordinary ones do: each call gives an equal result of
the same type, or the same error, on a frozen object and on a fresh equal one.

Exceptions: marshal writes other bytes, which load to the same; a mapping is
compared with a frozendict or mappingproxy that was made in the usual way."""

# ruff: noqa: UP031, UP032 (all ways to format)
import collections
import copy
import hashlib
import itertools
import json
import marshal
import math
import operator
import pickle
import re
import string
import struct
import sys
from types import MappingProxyType

import pytest

import intercsp as csp

HAS_FROZENDICT = sys.version_info >= (3, 15)
MAPPING = frozendict if HAS_FROZENDICT else MappingProxyType  # noqa: F821


def objects():
    return {
        "str": [
            *("hello World", "naïve café", "日本語 テキスト", "\U0001f9f5xy"),
            *("lone \udc80", " %s{} $a \n{0!r:>8}", "__name__", "10007"),
            *("some words that repeat " * 60, "aé", "", "a", "é"),
        ],
        "bytes": [
            *(b"\x00\xff\n", b"hello World", b"1234", b"", b"a"),
            bytes(range(256)) * 20,
        ],
        "int": [0, -5, 256, 257, 1025, -6, 2**45, -(2**63), 10**50, -(10**300)],
        "float": [0.0, -0.0, 1.5, 1e300, float("inf"), -2.25, math.pi],
        "complex": [1j, complex(2.5, -3)],
        "tuple": [
            *((1, 2.5, "xy"), ("bb", "aa", "cc"), (3, 1, 2, 1), ()),
            ((1000, (b"abc",)), "deeper"),
            tuple(range(1000)),
        ],
        "range": [
            *(range(10), range(0), range(9, -9, -2)),
            range(5, 10**20, 10**18),
        ],
        "slice": [
            *(slice(1, None, 2), slice(None), slice(5000, -6000, -1)),
            slice("aa", (1, 2)),
        ],
        "mapping": [
            {f"k{i}": i * 1000 for i in range(20)},
            {1: "one", "twotwo": 2, (3, "t"): 3.5, b"bbb": None},
            {},
            {"inner": (1, {"deeper": 2.5})},
            {i: str(i) for i in range(300)},
        ],
    }


def converted(obj):
    """With mappings for dicts, and tuples for lists."""
    if type(obj) is dict:
        return MAPPING({k: converted(v) for k, v in obj.items()})
    if type(obj) in (tuple, list):
        return tuple(converted(item) for item in obj)
    return obj


FROZEN = {
    kind: csp.freeze(objs, protect=True).root
    for kind, objs in objects().items()
}
ORDINARY = {kind: converted(objs) for kind, objs in objects().items()}
calls = collections.Counter()


# ---- how results are compared ----


ITERATORS = (
    *map(type, (iter(""), iter("é"), iter(()), iter(b""), iter(range(1)))),
    *map(type, (iter({}), iter({}.values()), iter({}.items()))),
    *map(type, (reversed({}), reversed({}.values()), reversed({}.items()))),
    *(type(iter(range(10**20))), reversed, zip, enumerate, itertools.chain),
    *(filter, map),
)
VIEWS = tuple(type(view) for view in ({}.keys(), {}.values(), {}.items()))


def plain(result, owner, depth=0):
    """What can be compared, with types, of a result."""
    kind = type(result)
    assert depth < 50
    if isinstance(result, ITERATORS):
        items = list(itertools.islice(result, 50))
        return kind, [plain(item, owner, depth + 1) for item in items]
    if isinstance(result, VIEWS):
        return kind, [plain(item, owner, depth + 1) for item in result]
    if kind in (tuple, list):
        return kind, [plain(item, owner, depth + 1) for item in result]
    if kind in (dict, MAPPING):
        items = [plain(item, owner, depth + 1) for item in result.items()]
        return kind, items
    if isinstance(result, BaseException):
        return kind, str(result)
    if callable(result) and not isinstance(result, type):
        name = getattr(result, "__name__", "")
        return kind, name, getattr(result, "__self__", None) is owner
    if kind in (memoryview, bytearray):
        return kind, bytes(result)
    if kind is float or kind is complex:
        return kind, repr(result)  # nan, and the sign of zero
    return kind, result


def outcome(function, *args):
    try:
        return plain(function(*args), args[0] if args else None)
    except (Exception, RecursionError) as error:
        return plain(error, None)


def same(group, function, *args):
    """args of functions of what there is: they get the object first."""
    for kind in FROZEN:
        for f, o in zip(FROZEN[kind], ORDINARY[kind], strict=True):
            same_of(group, function, f, o, *args)


def same_of(group, function, f, o, *args):
    calls[group] += 1
    there, here = outcome(function, f, *args), outcome(function, o, *args)
    assert there == here, (group, function, o, args)


# ---- the methods of each type ----

SKIPPED = {
    "__class__",  # is no method
    "__init_subclass__",
    "__subclasshook__",
    "__dir__",
    "__sizeof__",  # of the same size but for the cached UTF-8
    "__class_getitem__",
    "__new__",
    "from_bytes",
    "fromhex",
    "from_number",
    "fromkeys",
    "maketrans",
    "__getstate__",
    "__reduce__",  # of proxies: below
    "__reduce_ex__",
}
HUGE = ("__pow__", "__rpow__", "__round__", "to_bytes")
HUGE += ("__lshift__", "__rlshift__")
OTHERS = {
    "str": [("l",), (" ",), ("o", "0"), (3,), ("World", "x", 1), (20, "*")],
    "bytes": [(b"l",), (b"o", b"0"), (3,), (b"\n",), (20, b"*"), (101,)],
    "int": [(7,), (-1,), (2.5,), (3, 5), (40, "big"), (0,)],
    "float": [(7,), (-1.5,), (2, None), (1j,), (0,)],
    "complex": [(2,), (1.5,), (1j,)],
    "tuple": [(1,), ((1, 2),), (0, 2), (-1,), (slice(0, 2),)],
    "range": [(1,), (3,), (-1,), (slice(1, 5, 2),), (range(10),)],
    "slice": [(100,), (slice(1, None, 2),), (-1,)],
    "mapping": [("k1",), ("no",), ("k1", 7), (1,), ({"z": 1},), ((3, "t"),)],
}


def methods(kind):
    names = sorted(set(dir(type(ORDINARY[kind][0]))) - SKIPPED)
    return [(kind, name) for name in names]


@pytest.mark.parametrize(
    ("kind", "name"),
    [method for kind in FROZEN for method in methods(kind)],
)
def test_methods(kind, name):
    for f, o in zip(FROZEN[kind], ORDINARY[kind], strict=True):
        for args in [(), (o,), *OTHERS[kind]]:
            if name in HUGE:  # what huge numbers make
                args = args if args == (7,) and name[2] != "r" else ()
            if name in ("__mul__", "__rmul__") and args == (o,):
                args = (2,)
            same_of(
                "methods",
                lambda x, *a: (
                    getattr(type(x), name)(x, *a)
                    if callable(getattr(type(x), name, None))
                    else getattr(x, name)
                ),
                f,
                o,
                *args,
            )
        same_of("methods", lambda x: getattr(x, name), f, o)


# ---- the language, and modules of C ----


def match(x):
    match x:
        case {"k1": value, **rest}:
            return value, len(rest)
        case (a, b, *c):
            return a, b, len(c)
        case str() | bytes():
            return "text"
        case {}:
            return "mapping"
        case 256 | 1.5:
            return "number"
        case range(start=start):
            return start
    return None


def as_arguments(x):
    def function(*args, k0=None, **kwargs):
        return args, k0, kwargs

    return function(*x) if type(x) is tuple else function(**x)


def unpacked(x):
    first, *rest = x
    return first, rest


def spread(x):
    return [*x], {*x}, {**x} if type(x) is MAPPING else None


def added(x):
    y = x
    y += type(x)() if type(x) not in (float, int) else 1
    return y


LANGUAGE = [
    match,
    as_arguments,
    unpacked,
    spread,
    added,
    lambda x: {x: 1}[x],
    lambda x: x in [x],
    lambda x: (x, x)[0],
    lambda x: "%s %r" % (x, x),
    lambda x: "%d" % x,
    lambda x: "%(k1)s" % x,
    lambda x: f"{x} {x!r:>30} {x!a}",
    lambda x: f"{x:>30}",
    lambda x: f"{x:,}",
    lambda x: x[0],
    lambda x: x["k1"],
    lambda x: x[1:3],
    lambda x: x[::-1],
    lambda x: "abcdef"[x],
    lambda x: list(range(3000))[x],
    lambda x: x | {"z": 1},
    lambda x: {"z": 1} | x,
    lambda x: x == copy.copy(x),
    lambda x: x is x,
    lambda x: not x,
    lambda x: x.no_such_attribute,
    lambda x: setattr(x, "attribute", 1),
    lambda x: operator.setitem(x, 0, 1),
    lambda x: operator.delitem(x, 0),
    lambda x: eval("x", {}, {"x": x}),
    lambda x: eval("k1", {}, x),
    lambda x: exec(x),
]

BUILTINS = [
    *(abs, all, any, ascii, bin, bool, bytearray, bytes, callable, chr),
    *(complex, dict, divmod, enumerate, float, format, frozenset, hash, hex),
    *(int, iter, len, list, max, min, next, oct, ord, repr, reversed, round),
    *(set, slice, sorted, str, sum, tuple, type, zip, memoryview, filter),
    lambda x: int(x, 36),
    lambda x: isinstance(1, x),
    lambda x: sorted(x, key=repr, reverse=True),
    lambda x: max(x, default=3, key=str),
    lambda x: pow(x, 3, 7),
    lambda x: round(x, 2),
    lambda x: str(x, "ascii"),
    lambda x: getattr(object, x, "none"),
    lambda x: type(x, (), {}).__name__,
    lambda x: x.__reduce_ex__(2) if type(x) is not MAPPING else None,
]

CODECS = [
    *("utf-8", "utf-16", "utf-32-le", "latin-1", "ascii", "utf-8-sig"),
    *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "cp1252"),
    *("utf-7", "utf-16-be", "cp037", "koi8-r", "shift_jis"),
]
HANDLERS = [
    *("strict", "replace", "ignore", "backslashreplace"),
    *("surrogatepass", "surrogateescape", "xmlcharrefreplace"),
]


def coded(codec, handler):
    return lambda x: (
        x.encode(codec, handler)
        if type(x) is str
        else x.decode(codec, handler)
        if type(x) is bytes
        else operator.index(x)
    )


def default(x):
    return dict(x) if type(x) is MAPPING else repr(x)


class Letters(string.Formatter):
    pass


PATTERNS = [r"o", r"\w+", r"(\d+)|(l)", r"[^\x00-\x7f]", r"(?i)WORLD$", r"^$"]
MODULES = {
    "struct": [
        lambda x, f=f: struct.pack(f, x)
        for f in ("b", "h", "i", "q", "Q", "d", "f", "5s", "3p", "?", "e", "c")
    ]
    + [
        lambda x: struct.pack("3i", *x),
        lambda x: struct.unpack("3B", x),
        lambda x: struct.unpack_from("<H", x, 1),
        lambda x: struct.calcsize(x),
    ],
    "json": [
        json.dumps,
        json.loads,
        lambda x: json.dumps(x, default=default),
        lambda x: json.dumps(x, indent=1, default=default),
        lambda x: json.dumps(x, ensure_ascii=False, default=default),
        lambda x: json.dumps({"k": x}, default=default, skipkeys=True),
        lambda x: json.dumps({x: 1}),
        lambda x: json.loads(json.dumps(x, default=default)),
    ],
    "re": [re.escape]
    + [
        lambda x, p=p, do=do: getattr(
            re.compile(p.encode() if type(x) is bytes else p), do
        )(x)
        for p in PATTERNS
        for do in ("findall", "split")
    ]
    + [
        lambda x: re.match(x, x) is None,
        lambda x: re.sub("o", x, "look"),
        lambda x: re.sub(x, "-", "hello World, hello"),
        lambda x: re.search("(?P<first>.)(.)", x).groupdict(),
        lambda x: re.search("(.)(.)", x).expand(r"\2\1"),
        lambda x: [m.span() for m in re.finditer("[a-z]", x)],
        lambda x: re.fullmatch("a", x).string,
    ],
    "pickle": [
        lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(6)
    ]
    + [
        lambda x: pickle.loads(pickle.dumps([x, x])),
        lambda x: pickle.loads(pickle._dumps(x)),
        lambda x: pickle.loads(x),
    ],
    "marshal": [
        lambda x, v=v: marshal.loads(marshal.dumps(x, v)) for v in range(5)
    ]
    + [lambda x: marshal.loads(marshal.dumps([x, x]))],
    "hashlib": [
        lambda x, n=n: hashlib.new(n, x).hexdigest()
        for n in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b")
    ],
    "copy": [copy.copy, copy.deepcopy, lambda x: copy.deepcopy([x, {"k": x}])],
    "operator": [
        getattr(operator, name)
        for name in (
            *("abs", "index", "inv", "invert", "neg", "not_", "pos", "truth"),
            *("length_hint",),
        )
    ]
    + [
        lambda x, name=name: getattr(operator, name)(x, x)
        for name in (
            *("lt", "le", "eq", "ne", "ge", "gt", "add", "and_", "floordiv"),
            *("mod", "or_", "sub", "truediv", "xor", "concat", "contains"),
            *("countOf", "indexOf", "is_", "iadd", "ior", "iand", "matmul"),
        )
    ]
    + [
        operator.itemgetter(0),
        operator.itemgetter("k1", "k2"),
        operator.methodcaller("upper"),
        operator.attrgetter("start"),
        lambda x: operator.attrgetter(x),
        lambda x: operator.mul(x, 2),
        lambda x: operator.call(len, x),
        lambda x: operator.getitem("hello", x),
    ],
    "math": [
        getattr(math, name)
        for name in dir(math)
        if callable(getattr(math, name)) and name not in ("factorial", "perm")
    ]
    + [
        lambda x: math.gcd(x, 60),
        lambda x: math.pow(x, 2),
        lambda x: math.hypot(*x[:2]),
        lambda x: math.copysign(1.0, x),
        lambda x: math.isclose(x, x),
        lambda x: math.fsum(x),
        lambda x: math.prod(x[:5]),
        lambda x: math.comb(10, x),
    ],
    "collections": [
        collections.Counter,
        collections.OrderedDict,
        lambda x: list(collections.deque(x, 3)),
        lambda x: dict(collections.defaultdict(int, x)),
        lambda x: collections.ChainMap(x, {"k1": 2})["k1"],
        lambda x: dict(collections.ChainMap({"z": 1}, x)),
        lambda x: str(collections.UserString(x)),
        lambda x: collections.UserDict(x).data,
        lambda x: collections.UserList(x).data,
        lambda x: collections.namedtuple("N", x)._fields,
        lambda x: collections.Counter(x).most_common(2),
        lambda x: isinstance(x, collections.abc.Mapping),
        lambda x: isinstance(x, collections.abc.Hashable),
        lambda x: collections.abc.Mapping.__eq__(x, x),
    ],
    "string": [
        lambda x: string.Template(x).safe_substitute({"a": 1}),
        lambda x: string.Template("$k1 $x").safe_substitute(x),
        lambda x: string.Formatter().format("{0!s:>9}", x),
        lambda x: string.Formatter().vformat("{k1}", (), x),
        lambda x: list(string.Formatter().parse(x)),
        lambda x: "{k1} {k2!r:>6}".format(**x),
        lambda x: "{k1}".format_map(x),
        lambda x: "{0[0]}{0[1]}".format(x),
        lambda x: x.format(1, a=2),
        lambda x: "%s-%s" % x,
        lambda x: x % 5,
        lambda x: format(x, "08.3f"),
        lambda x: format(x, "x"),
        lambda x: format(x, "^+20,"),
        lambda x: string.capwords(x),
        lambda x: "abc".translate(x),
        lambda x: "-".join(x),
        lambda x: b"-".join(x),
        lambda x: "hello".startswith(x),
        lambda x: str.maketrans(x) if type(x) is not MAPPING else None,
    ],
    "itertools": [
        lambda x: list(itertools.islice(itertools.cycle(x), 5)),
        lambda x: list(itertools.islice(itertools.accumulate(x), 5)),
        lambda x: list(itertools.islice(itertools.pairwise(x), 5)),
        lambda x: list(
            itertools.islice(itertools.batched(x, 2, strict=False), 5)
        ),
        lambda x: [(k, len(list(g))) for k, g in itertools.groupby(x)][:5],
        lambda x: list(itertools.islice(itertools.permutations(x[:3]), 5)),
    ],
    "encoding": [coded(c, h) for c in CODECS for h in HANDLERS],
    "language": LANGUAGE,
    "builtins": BUILTINS,
}


@pytest.mark.parametrize("group", MODULES)
def test_functions(group):
    for function in MODULES[group]:
        same(group, function)


def test_pairs():
    """All with all, frozen, and frozen with ordinary ones."""
    both = [
        *(operator.eq, operator.lt, operator.add, operator.mod, operator.ge),
        *(operator.contains, operator.or_, operator.floordiv, divmod),
    ]
    for kind, other in itertools.product(FROZEN, repeat=2):
        for i, j in itertools.product(range(3), repeat=2):
            if max(i, j) >= min(len(FROZEN[kind]), len(FROZEN[other])):
                continue
            f, g = FROZEN[kind][i], FROZEN[other][j]
            o, p = ORDINARY[kind][i], ORDINARY[other][j]
            for function in both:
                calls["pairs"] += 1
                expected = outcome(function, o, p)
                assert outcome(function, f, g) == expected, (function, o, p)
                assert outcome(function, f, p) == expected, (function, o, p)
                assert outcome(function, o, g) == expected, (function, o, p)


def test_calls_were_many():
    """This file is one: the count is of all tests above."""
    if len(calls) < len(MODULES) + 2:
        pytest.skip("some of the tests were not run")
    print(sum(calls.values()), dict(calls))
    assert len({*calls}) == len(MODULES) + 2
    assert all(n >= 100 for n in calls.values())
    assert sum(calls.values()) >= 50_000
