# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Uses of a graph that nobody may write to: frozen_uses.py N ROUNDS [USE...].

The graph is protected: a single byte written anywhere ends the program with a
signal. In each round N interpreters run all uses, or those named, at once; 0:
the main interpreter does. Says how many uses were run."""

# ruff: noqa: B018, B023, F821 (that is what it is about)
import sys
import threading

import intercsp as csp

HAS_FROZENDICT = sys.version_info >= (3, 15)
IS_DEBUG = hasattr(sys, "gettotalrefcount")

SPECIAL = (
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"),
    *("__len__", "__length_hint__", "__getitem__", "__setitem__", "__call__"),
    *("__delitem__", "__contains__", "__iter__", "__next__", "__reversed__"),
    *("__missing__", "__bool__", "__index__", "__int__", "__float__"),
    *("__complex__", "__round__", "__trunc__", "__floor__", "__ceil__"),
    *("__neg__", "__pos__", "__abs__", "__invert__", "__enter__", "__exit__"),
    *("__aenter__", "__aexit__", "__await__", "__aiter__", "__anext__"),
    *("__repr__", "__str__", "__format__", "__bytes__", "__fspath__"),
    *("__get__", "__set__", "__delete__", "__set_name__", "__getattr__"),
    *("__getattribute__", "__setattr__", "__delattr__", "__dir__", "__del__"),
    *("__buffer__", "__release_buffer__", "__new__", "__init__", "__copy__"),
    *("__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__"),
    *("__setstate__", "__getnewargs__", "__sizeof__", "__class_getitem__"),
    *("__init_subclass__", "__subclasshook__", "__instancecheck__"),
    *("__subclasscheck__", "__mro_entries__", "__prepare__", "__match_args__"),
    *("__abstractmethods__", "__slots__", "__doc__", "__module__"),
    *("__qualname__", "__annotations__", "__doc_", "append", "self", "zz_zz"),
    *(
        f"__{how}{name}__"
        for how in ("", "r", "i")
        for name in (
            *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod"),
            *("pow", "lshift", "rshift", "and", "or", "xor"),
        )
    ),
)

SOURCE = (
    "def f_x(a_b, c_d=1):\n"
    "    x_y_z = a_b + c_d\n"
    "    return x_y_z, 'const_str', ('t1_x', 't2_x')\n"
    "class K_x:\n"
    "    attr_x = f_x(3)\n"
)


def graph():
    names = [f"alpha_{i}" for i in range(40)]
    return {
        "names": [*names, "snake_case_name", "CamelCase", "a" * 150],
        "special": list(SPECIAL),
        "texts": [
            *(
                "hello world",
                "naïve café",
                "Ω≈ç√∫",
                "日本語テキスト",
                "\U0001d518\U0001d52b",
            ),
            *("lone \udc80\ud800", "", "a", "é", "x" * 5000, " 42 ", "1.5e3"),
        ],
        "bytes": [b"", b"a", b"\x00\xff", b"hello bytes", b"y" * 4096],
        "ints": [0, 1, -5, 256, 257, 1025, -6, 2**30, -(2**60), 10**300],
        "floats": [0.0, -0.0, 1.5, 1e300, float("inf"), float("nan")],
        "complex": [1j, 2.5 + 3j],
        "slices": [slice(1, None, 2), slice(None), slice("a", "bb")],
        "ranges": [range(10), range(5, 10**20, 10**19), range(0)],
        "nest": [(i, [str(i) * 3, [float(i), b"z%d" % i]]) for i in range(200)],
        "map": {f"key{i}": (f"v{i}", i * 1000) for i in range(100)},
        "mixed": {1: "one", "two": 2, (3, "t"): "three", b"b": None},
        "numbers": {i * 3 + 5000: f"n{i}" for i in range(300)},
        "empty": {},
        "inner": {"in ner": {"deep er": {"deepest x": [1, 2, 3]}}},
        "kwargs": {"first_kw": 1, "second_kw": "two"},
        "modules": ["json", "colorsys", "this_is_missing_zz"],
        "globals": {"__builtins__": {"len_x": 5}, "gg_a": 1, "gg_b": 2},
        "source": SOURCE,
        "fields": ["first_nm", "second_nm"],
        "formats": ["{0!r} {a_b} {c_d:>10}", "%(a_b)s %(c_d)5d", "$a_b ${c_d}"],
    }


def quietly(function, *args, **kwargs):
    """The result, or None: whether it fails does not matter here."""
    try:
        return function(*args, **kwargs)
    except Exception:
        return None


uses = {}


def use(function):
    uses[function.__name__] = function
    return function


@use
def methods(g):
    """Of every object, with objects of every kind."""
    args = [part[-1] for part in g.values() if isinstance(part, tuple)]
    for obj in (*g.values(), *g["names"][:2], *g["nest"][:2], *g["ints"]):
        for name in set(dir(obj)) - {"__class__", "__subclasshook__"}:
            method = getattr(obj, name)
            quietly(method)
            if "pow" in name or "shift" in name or name == "to_bytes":
                continue
            for arg in (*args, "a", 1, slice(0, 2)):
                if type(arg) is not int or abs(arg) < 5000:
                    quietly(method, arg)
    for kind in ("texts", "bytes", "floats", "complex", "slices", "ranges"):
        for obj in g[kind]:
            for name in set(dir(obj)) - {"__class__", "__subclasshook__"}:
                for given in ((), (obj,), (obj, obj), (1,), ("a",)):
                    quietly(getattr(obj, name), *given)


@use
def hashes(g):
    for part in g.values():
        quietly(hash, part)
        quietly(set, part)
    dict.fromkeys(g["texts"] + g["ints"] + g["bytes"] + g["floats"], 1)
    assert {g["nest"]: 1}[tuple(g["nest"])]
    assert quietly(hash, g["slices"][0]) == hash(slice(1, None, 2))


@use
def attributes(g):
    import types

    class Slotted:
        __slots__ = ("q",)

    module = types.ModuleType("module_x")
    for name in g["names"]:

        class Plain:
            pass

        for _ in range(50):
            obj = Plain()
            setattr(obj, name, 1)
            assert getattr(obj, name) == vars(obj)[name] == 1
            delattr(obj, name)
            assert not hasattr(obj, name)
        setattr(Plain, name, property(lambda self: 3))
        assert getattr(Plain(), name) == 3
        setattr(module, name, 1)
        quietly(setattr, Slotted(), name, 1)
        quietly(getattr, sys, name)
    types.SimpleNamespace(**dict.fromkeys(g["names"], 1))
    slotted = type("S", (), {"__slots__": g["names"]})()
    for name in g["names"]:
        setattr(slotted, name, name)
        assert getattr(slotted, name) is name


@use
def special_names(g):
    assert len(g["special"]) > 100
    for name in g["special"]:

        class Plain:
            pass

        quietly(setattr, Plain, name, lambda *args: 7)
        obj = quietly(Plain)
        quietly(lambda obj: obj + 1, obj)
        quietly(len, obj)
        quietly(getattr, Plain, name)
        quietly(delattr, Plain, name)
        quietly(type, "T", (), {name: lambda *args: 7})
    adds = type("A", (), {name: lambda *args: 7 for name in ("__add__",)})
    name = next(name for name in g["special"] if name == "__add__")
    setattr(adds, name, lambda *args: 8)
    assert adds() + 1 == 8


@use
def interning(g):
    for text in g["names"] + g["texts"] + g["special"]:
        again = "".join(list(text))
        sys.intern(again)
        sys.intern(text)
        assert {text: 1}[again] == 1
        sys.getsizeof(text)
    for name in g["names"]:
        assert sys.intern(name) is name


@use
def formatting(g):
    import string

    for text in g["texts"] + g["formats"]:
        f"{text}{text!r:>20}{text!a}"
        quietly(lambda t: t % dict(g["kwargs"]), text)
        quietly(text.format, 1, a_b=2, c_d="q")
        quietly(text.format_map, g["kwargs"])
        string.Template(text).safe_substitute(g["kwargs"])
        text + "x", "x" + text, text * 2, text[::-1], text[1:3], list(text)
        grown = text
        grown += "y"
    for number in g["ints"] + g["floats"] + g["complex"]:
        f"{number} {number!r:>30}"
        quietly(format, number, ",")
        quietly(format, number, ".3e")
    ",".join(g["names"])
    repr(g), str(g["nest"])


@use
def encoding(g):
    for text in g["texts"]:
        for codec in (
            "utf-8",
            "utf-16",
            "latin-1",
            "idna",
            "punycode",
            "cp1252",
        ):
            for errors in ("strict", "replace", "surrogatepass"):
                data = quietly(text.encode, codec, errors)
                quietly((data or b"").decode, codec, errors)
        quietly(int, text), quietly(float, text), quietly(ascii, text)
        quietly(compile, text, "file", "eval")
        quietly(open, text)
    for data in g["bytes"]:
        quietly(data.decode)
        memoryview(data)[:1].tobytes()
        quietly(memoryview(data).__setitem__, 0, 1)


@use
def numbers(g):
    import math
    import operator

    ops = ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "eq", "xor")
    all_of = g["ints"] + g["floats"] + g["complex"]
    for a in all_of:
        for b in all_of:
            for name in ops:
                quietly(getattr(operator, name), a, b)
        for name in set(dir(math)) - {"factorial", "perm", "comb"}:
            quietly(getattr(math, name), a)
    for _ in range(3000):
        n = g["ints"][4]
        n += 1
        n *= 2
        x = g["floats"][2]
        x += 1.0
        x *= 2.0
    assert len([0] * g["ints"][4]) == 257
    sum(g["ints"])
    range(1000)[g["ints"][4]], list(range(1000))[g["ints"][4]]


@use
def regex(g):
    import re

    for text in g["texts"] + g["names"]:
        re.findall(r"\w", text), re.sub("a", "b", text), re.split(r"\s", text)
        re.escape(text)
        quietly(re.compile, text)
        quietly(re.sub, text, text, "look")


@use
def sorting(g):
    import bisect
    import heapq

    sorted(g["names"]), min(g["names"]), max(g["floats"][:5])
    sorted(g["nest"], key=repr), sorted(g["map"]), sorted(g["map"].items())
    heapq.nsmallest(3, g["names"]), bisect.bisect(sorted(g["names"]), "m")


@use
def collecting(g):
    import gc

    gc.collect()
    kept = [[g, g["nest"], {i: g["map"]}] for i in range(500)]
    gc.collect()
    gc.freeze(), gc.unfreeze()
    gc.get_objects()
    gc.get_referrers(g["nest"])
    gc.get_referents(g["nest"], g["map"], g["slices"][0])
    assert not gc.is_tracked(g["nest"])
    del kept

    class Node:
        pass

    for _ in range(300):
        node = Node()
        node.node, node.graph, node.nest = node, g, g["nest"]
    gc.collect()


@use
def counting(g):
    for part in g.values():
        assert sys.getrefcount(part) > 1 << 30
        sys.getsizeof(part)
        for _ in range(500):
            same = part
        del same


@use
def referring_weakly(g):
    import weakref

    for part in g.values():
        for obj in (part, *part):
            for refer in (weakref.ref, weakref.proxy):
                try:
                    refer(obj)
                except TypeError:
                    pass
                else:
                    raise AssertionError(type(obj))
            quietly(weakref.finalize, obj, print)
            quietly(weakref.WeakValueDictionary, {1: obj})


@use
def pickling(g):
    import copy
    import json
    import marshal
    import pickle

    def default(x):
        return repr(x)

    for part in g.values():
        for protocol in range(6):
            copied = quietly(lambda: pickle.loads(pickle.dumps(part, protocol)))
            assert copied == part or part is g["floats"] or copied is None
        pickle.loads(pickle._dumps(part))
        for version in range(5):
            quietly(lambda: marshal.loads(marshal.dumps(part, version)))
        copy.copy(part), copy.deepcopy(part)
        quietly(json.dumps, part, default=default, indent=1)
        quietly(json.dumps, part, default=default)
    copy.deepcopy(g), pickle.loads(pickle.dumps(g))


@use
def matching(g):
    def kind_of(x):
        match x:
            case {"map": {"key1": (a, b)}, **rest}:
                return a, b, len(rest)
            case (a, *rest):
                return len(rest)
            case str() | bytes():
                return "text"
            case {}:
                return "mapping"
        return None

    class Pair:
        __match_args__ = g["names"][:2]

    for name in Pair.__match_args__:
        setattr(Pair, name, 5)
    for _ in range(50):
        assert kind_of(g)[0] == "v1"
        for part in g.values():
            kind_of(part)
        match Pair():
            case Pair(5, 5):
                pass
            case _:
                raise AssertionError


@use
def making_classes(g):
    import collections
    import dataclasses
    import enum
    import typing

    names = g["names"]
    tuples = collections.namedtuple("N", names)
    obj = tuples(*range(len(names)))
    obj._asdict(), obj._replace(alpha_3=5), repr(obj)
    collections.namedtuple(names[3], " ".join(names))
    assert enum.Enum("E", names)[names[2]]
    list(enum.IntFlag("F", g["fields"])), enum.Enum("G", dict(g["kwargs"]))
    data = dataclasses.make_dataclass("D", names, slots=True, frozen=True)
    hash(data(*names)), dataclasses.asdict(data(*names))
    typing.NamedTuple("T", [(name, int) for name in names])
    typing.TypedDict("U", dict.fromkeys(names, int))
    (
        typing.Literal[names],
        typing.TypeVar(names[0]),
        typing.NewType(names[1], int),
    )
    made = type(names[5], (), dict.fromkeys(names, 1))
    made.__qualname__, made.__module__, made.__doc__ = (
        names[6:8] + g["texts"][1:2]
    )
    type("V", (made,), dict(g["kwargs"])).first_kw
    hash(list[names]), hash(dict[names[0], g["nest"]])

    class Sub:
        def __init_subclass__(cls, **kwargs):
            pass

    type("W", (Sub,), {}, **g["kwargs"])


@use
def calling(g):
    import functools

    def function(first_kw=0, second_kw=0, *args, **kwargs):
        return first_kw, second_kw, args, kwargs

    for _ in range(50):
        assert function(**g["kwargs"]) == (1, "two", (), {})
        function(**g["map"]), function(*g["nest"]), dict(**g["map"])
    functools.partial(function, **g["kwargs"])()
    functools.lru_cache(function)(**g["kwargs"])
    cached = functools.lru_cache(lambda *args: args)
    for name in g["names"] * 2:
        cached(g["nest"], name)
    function.__defaults__ = g["fields"]
    function.__kwdefaults__ = dict(g["kwargs"])
    function.__name__, function.__qualname__ = g["names"][:2]
    quietly(function, **{g["names"][0]: 1})


@use
def importing(g):
    import importlib
    import types

    for name in g["modules"]:
        quietly(importlib.import_module, name)
        quietly(__import__, name, None, None, g["fields"])
    name = g["names"][0]
    sys.modules[name] = types.ModuleType(name)
    assert __import__(name) is sys.modules.pop(name)
    __import__("os.path", fromlist=g["names"])


@use
def compiling(g):
    import ast

    for _ in range(3):
        namespace = {}
        exec(compile(g["source"], g["names"][0], "exec"), namespace)
        assert namespace["f_x"](1)[0] == 2
    assert eval(g["names"][0], {g["names"][0]: 3}) == 3
    place = {"lineno": 1, "col_offset": 0}
    tree = ast.Expression(ast.Constant(g["nest"], **place))
    assert eval(compile(tree, "x", "eval")) is not None
    tree = ast.Expression(ast.Name(g["names"][0], ast.Load(), **place))
    assert eval(compile(tree, "x", "eval"), {g["names"][0]: 2}) == 2
    exec("globals()[key] = 1", {"key": g["names"][0]})

    def function(p, q):
        return p, "const_x"

    code = function.__code__
    if not IS_DEBUG:  # CPython stores the same pointer again
        code.replace(co_names=g["fields"], co_varnames=g["fields"])
    code.replace(co_consts=g["names"] + g["texts"])
    code.replace(co_name=g["names"][0], co_filename=g["names"][1])


@use
def frozen_globals(g):
    """Of exec() and eval(): a frozendict with builtins can be them."""
    code = compile("gg_a + gg_b + len_x", "x", "eval")
    loop = compile("i = 0\nwhile i < 300: (gg_a, i := i + 1)", "x", "exec")
    for _ in range(300):
        quietly(eval, code, g["globals"])
        assert eval(code, dict(g["globals"])) == 8
        assert eval("gg_a", {}, g["globals"]) == 1
    for _ in range(20):
        quietly(exec, loop, g["globals"], {})
    function = quietly(eval, "lambda: (gg_a, len_x)", g["globals"])
    for _ in range(3000 if function else 0):
        assert function() == (1, 5)
    quietly(exec, "i = first_kw", {"__builtins__": g["kwargs"]}, {})


@use
def mappings(g):
    names = ("map", "mixed", "numbers", "empty", "inner", "kwargs")
    for m in (g[name] for name in names):
        for name in set(dir(m)) - {"__class__", "__class_getitem__"}:
            for args in ((), ("key1",), ("key1", 2), ({"z": 1},), (m,)):
                quietly(getattr(m, name), *args)
        copied = {}
        copied.update(m)
        copied |= m
        copied["z"] = 1
        copied.clear()
        assert dict(m) == {**m} == m | {} == {} | m == m
        for key in m:
            again = "".join(list(key)) if type(key) is str else key
            assert m[key] == m[again] == m.get(again)
            assert again in m
        for key in ("no", 1, 2.0, (1,), b"q", None):
            key in m, m.get(key)
        list(m.items()), list(reversed(m)), m.keys() & {"key1"}, m.keys() - {1}
        m.items() == m.items(), m.keys().isdisjoint(["a"]), dict.fromkeys(m)
        for change in (
            lambda m=m: m.__setitem__("z", 1),
            lambda m=m: m.__delitem__("key1"),
            lambda m=m: m.clear(),
        ):
            try:
                change()
            except (TypeError, AttributeError):
                pass
            else:
                raise AssertionError

    class Text(str):
        __slots__ = ()

        def __eq__(self, other):
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    assert g["map"][Text("key1")] == ("v1", 1000)

    class Other(dict):
        pass

    assert Other(g["map"])["key1"]


@use
def raising(g):
    import traceback
    import warnings

    for fail in (
        lambda: g["map"]["no"],
        lambda: g["nest"][10**6],
        lambda: getattr(object(), g["names"][0]),
        lambda: g["names"][0] + 1,
        lambda: int(g["texts"][0]),
        lambda: {}[g["nest"]],
    ):
        try:
            fail()
        except Exception as error:
            str(error), repr(error), traceback.format_exception(error)
            error.args = g["nest"]
            error.add_note(g["texts"][1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(g["names"][0], stacklevel=1)


@use
def in_threads(g):
    def look():
        for _ in range(30):
            dict(g["map"]), hash(g["nest"]), list(g["nest"])

    threads = [threading.Thread(target=look, name=g["names"][0]) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@use
def tracing(g):
    """Only where this is known to work beside other interpreters."""
    if not HAS_FROZENDICT:
        return
    try:
        import tracemalloc
    except ImportError:  # it is for the main interpreter
        return

    tracemalloc.start(5)
    dict(g["map"]), list(g["nest"]), tracemalloc.get_object_traceback(g["nest"])
    tracemalloc.take_snapshot()
    tracemalloc.stop()


@use
def hot_code(g):
    """Specialized, and compiled where there is a JIT."""

    class Obj:
        pass

    obj, name = Obj(), g["names"][0]

    def look(m, t, key):
        n = 0
        for _ in range(5000):
            x = m[key]
            a, b = t[3]
            n += len(x) + (key in m) + (a == b) + len(f"{key}") + t[5][0]
            setattr(obj, name, n)
            n = obj.alpha_0
        return n

    def walk():
        yield from g["nest"]

    look(g["map"], g["nest"], "key3"), look(g["map"], g["nest"], [*g["map"]][4])
    for _ in range(50):
        list(walk())
    t, ints, floats = g["names"], g["ints"], g["floats"]
    for _ in range(5000):
        t[0] == t[1], ints[7] < ints[8], floats[2] < floats[3], t is None
        ints[4] + ints[5], floats[2] * floats[3], g["texts"][0][2]


@use
def sending(g):
    """Parts, and what has parts; freezing them again."""
    tx, rx = csp.channel(3)
    for part in g.values():
        tx.send(part)
        tx.send([part, {"k": part}])
        assert rx.recv() is part or type(part) is str
        assert rx.recv()[1]["k"] is part or type(part) is str
        csp.freeze([part, {"k": part}], protect=True)


def serve(frozen, wanted):
    for name in wanted or uses:
        uses[name](frozen.root)


def serve_text(frozen, text, wanted):
    """What a process does: it has this program's functions."""
    program = {"__name__": "frozen_uses"}
    exec(compile(text, "frozen_uses", "exec"), program)
    program["serve"](frozen, wanted)


def main():
    n, rounds, *wanted = sys.argv[1:]
    frozen = csp.freeze(graph(), protect=True)
    with open(__file__) as file:
        text = file.read()
    for _ in range(int(rounds)):
        if n == "0":
            serve(frozen, wanted)
        processes = [
            csp.spawn(serve_text, frozen, text, wanted) for _ in range(int(n))
        ]
        for process in processes:
            process.result()
    print(len(wanted or uses) * max(1, int(n)) * int(rounds))


if __name__ == "__main__":
    main()
