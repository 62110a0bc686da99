# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Frozen graphs of what is large, deep, odd, changing or not to be had: they
are frozen as they are or refused, and nothing crashes or is left."""

import codecs
import collections
import dataclasses
import functools
import gc
import sys
import threading
import typing

import pytest

import intercsp as csp
import openers
from support import SANITIZED, count, run_isolated

HAS_FROZENDICT = sys.version_info >= (3, 15)
MILLION = min(1_000_000, count(50_000))


def frozen(obj):
    return csp.freeze(obj, protect=True)


def graphs():
    return len(csp.frozen_stats().graphs)


# ---- records that are odd ----


class NoFields(tuple):
    _fields = 5


class FewFields(tuple):
    _fields = ()


class NumberedFields(tuple):
    _fields = (1,)


class TwiceTheSame(tuple):
    _fields = ("a", "a")


class ComputedFields(tuple):
    @property
    def _fields(self):
        return ("a",)


class Pair(typing.NamedTuple):
    a: object
    b: object


class PairAndMore(Pair):
    pass


@dataclasses.dataclass(frozen=True)
class Number(int):
    x: object = 3


@dataclasses.dataclass(frozen=True)
class Dict(dict):
    x: object = 3


def odd_pair():
    pair = PairAndMore(1, 2)
    pair.c = 3
    return pair


def local_record():
    @dataclasses.dataclass(frozen=True)
    class Local:
        x: int

    return Local(1)


@pytest.mark.parametrize(
    ("obj", "why"),
    [
        (NoFields([object()]), "type cannot"),
        (FewFields([object()]), "type cannot"),
        (NumberedFields([object()]), "type cannot"),
        (TwiceTheSame([1, object()]), "type cannot"),
        (ComputedFields([object()]), "type cannot"),
        (odd_pair(), "type cannot"),
        (Number(), "type cannot"),
        (Dict(), "type cannot"),
        (local_record(), "cannot be found elsewhere"),
        (collections.namedtuple("Lost", "a b")(1, 2), "not"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_records_that_could_not_be_made_again_are_refused(obj, why):
    before = graphs()
    for given, path in ((obj, ""), ([0, {"k": obj}], "[1]['k']")):
        with pytest.raises(csp.NotShareable, match=why) as caught:
            frozen(given)
        assert caught.value.path == path
    with pytest.raises(csp.NotShareable, match=why) as caught:
        frozen(Pair(1, Pair(obj, 2)))
    assert caught.value.path == ".b.a"
    assert graphs() == before


@dataclasses.dataclass(frozen=True)
class Full:
    x: object
    unset: object = dataclasses.field(init=False)
    default: object = 7

    @property
    def twice(self):
        return self.x * 2

    @functools.cached_property
    def once(self):
        return [self.x]

    def __reduce__(self):
        return int, ()

    def __post_init__(self):
        object.__setattr__(self, "more", ["more"])


@dataclasses.dataclass(frozen=True, slots=True)
class Slots:
    x: object
    default: object = 7


class Undecorated(Full):
    def __init__(self, x):
        super().__init__(x)
        self.own = {"k": x}


class Hiding:
    __slots__ = ("__hidden", "left_out")

    def hide(self, obj):
        object.__setattr__(self, "_Hiding__hidden", obj)
        return self

    def find(self):
        return self.__hidden


@dataclasses.dataclass(frozen=True, slots=True, weakref_slot=True)
class Revealing(Hiding):
    x: object


class Made(Pair):
    __slots__ = ()
    made = 0

    def __new__(cls, a, b):
        cls.made += 1
        return super().__new__(cls, a, b)


def test_all_that_a_record_has_is_there():
    obj = Full(21)
    assert obj.once == [21]
    root = frozen(obj).root
    assert type(root) is Full
    assert (root.x, root.default, root.twice) == (21, 7, 42)
    assert (root.once, root.more) == ((21,), ("more",))
    assert not hasattr(root, "unset")
    assert "once" not in vars(frozen(Full(1)).root)


def test_odd_records_stay_what_they_are():
    root = frozen([Undecorated(5), Slots(1), Slots({2}, 3), Made(4, [5])]).root
    assert [type(record) for record in root] == [
        Undecorated,
        Slots,
        Slots,
        Made,
    ]
    assert (root[0].x, dict(root[0].own)) == (5, {"k": 5})
    assert (root[1].x, root[1].default) == (1, 7)
    assert (root[2].x, root[2].default) == (frozenset({2}), 3)
    assert (root[3], Made.made) == ((4, (5,)), 1)
    root = frozen(Revealing(1).hide([2])).root
    assert (root.x, root.find()) == (1, (2,))
    assert not hasattr(root, "left_out")
    with pytest.raises(csp.NotShareable) as caught:
        frozen([Undecorated(object())])
    assert caught.value.path == "[0].x"


class Growing(typing.NamedTuple):
    n: int

    @property
    def next(self):
        return Growing(self.n + 1)


def test_names_that_are_no_str_are_refused():
    obj = Full(1)
    obj.__dict__[5] = object()
    with pytest.raises(csp.NotShareable, match="type cannot"):
        frozen([obj])


def test_records_inside_records():
    for inside in (lambda x: x, lambda x: [x], lambda x: {"k": (x,)}):
        obj = None
        for i in range(50):
            obj = Pair(i, inside(obj)) if i % 2 else Slots(inside(obj), i)
        f = frozen(obj)
        root, n = f.root, 0
        while isinstance(root, Pair | Slots):
            assert f.local_nodes >= 50
            root, n = root[1] if isinstance(root, Pair) else root.x, n + 1
            if isinstance(root, tuple) and not isinstance(root, Pair):
                root = root[0]
            elif not isinstance(root, Pair | Slots) and root is not None:
                root = root["k"][0]
        assert n == 50


def test_a_long_chain_of_records():
    obj = None
    for i in range(2000):  # one walk for each of them would take seconds
        obj = Pair(obj, i)
    root = frozen(obj).root
    for i in reversed(range(2000)):
        assert root.b == i
        root = root.a
    view = frozen(Pair(1, Slots(Pair([2], 3)))).view
    assert view == Pair(1, Slots(Pair((2,), 3)))


def test_classes_of_the_script():
    done = run_isolated("frozen_main.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Row(a=1, b=(2,)) Kept(x=frozenset({3}))\n" * 2


MODULE = """
import typing
class Absent(typing.NamedTuple):
    a: object
"""


def test_a_class_that_the_receiver_cannot_import(tmp_path, monkeypatch):
    before = graphs()
    (tmp_path / "absent_here.py").write_text(MODULE)
    ask, asked = csp.channel(1)
    answers, answer = csp.channel(1)
    process = csp.spawn(openers.open_graphs, asked, answers)
    monkeypatch.syspath_prepend(tmp_path)
    import absent_here

    f = frozen([absent_here.Absent(["x"])])
    for _ in range(3):
        ask.send((f, None))
        assert answer.recv() == "ModuleNotFoundError"
    ask.send((f, str(tmp_path)))
    assert answer.recv() == "(Absent(a=('x',)),)"
    ask.send((f, None))
    assert answer.recv() == "(Absent(a=('x',)),)"
    ask.close()
    process.join()
    del f, sys.modules["absent_here"]
    assert graphs() == before


def test_graphs_of_classes_that_lead_to_them():
    before = graphs()
    csp.spawn(openers.keep_in_class).join()
    assert graphs() == before


to_open: list[csp.Frozen] = []
were_opened: list[object] = []


class Opening(typing.NamedTuple):
    """What opens its graph again when it is put into a set there."""

    n: int

    def __hash__(self):
        if to_open:
            were_opened.append(to_open.pop().root)
        return hash(self.n)


def test_a_graph_that_is_opened_while_it_is_opened():
    f = frozen([{Opening(5)}, 2.5])
    opened = csp.frozen_stats().opened
    to_open[:] = [csp.freeze(f)] * 3
    assert f.root == (frozenset({Opening(5)}), 2.5)
    assert len(were_opened) == 3
    assert all(root is f.root for root in were_opened)
    assert csp.frozen_stats().opened == opened + f.nbytes
    were_opened.clear()


def test_what_was_built_is_taken_away():
    f = frozen([{2.5}])
    [built] = [x for x in gc.get_referrers(f.root[0]) if type(x) is list and x]
    tx, rx = csp.channel(1)
    tx.send(f)
    built.clear()
    again = rx.recv()
    with pytest.raises(IndexError):
        assert again.root


def test_no_error_handler_of_the_program_runs():
    seen = []

    def handler(error):
        seen.append(error)
        return "?", error.end

    strict = codecs.lookup_error("strict")
    codecs.register_error("strict", handler)
    try:
        f = frozen(["lone \udc80", "\U0001f9f5\ud800"])
    finally:
        codecs.register_error("strict", strict)
    assert not seen
    for text in f.root:
        with pytest.raises(UnicodeEncodeError):
            text.encode()


class Refusing(typing.NamedTuple):
    """What cannot be put into a set when it is to be."""

    n: int

    def __hash__(self):
        return hash(self.n // (self.n - len(refuse)))


refuse: list[object] = []


def test_a_graph_that_cannot_be_opened_is_kept_and_counted():
    """Code of the program has seen objects of it."""
    f = frozen([{Refusing(1)}, 2.5])
    opened = csp.frozen_stats().opened
    refuse.append(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            assert f.root
        assert csp.frozen_stats().opened == opened + f.nbytes
    assert csp.frozen_stats().graphs[0].interpreters == (0,)
    refuse.clear()
    assert f.root == ({Refusing(1)}, 2.5)
    assert csp.frozen_stats().opened == opened + f.nbytes


# ---- large and deep ----


def test_large_parts():
    number, text = 1 << (MILLION * 8), "é" * MILLION
    numbers = tuple(range(MILLION))
    table = {i: str(i) for i in range(MILLION)}
    before = graphs()
    tx, rx = csp.channel(1)
    tx.send(frozen([number, text, numbers, table]))
    f = rx.recv()
    assert f.root[0] == number
    assert f.root[1] == text
    assert f.root[2] == numbers
    assert f.root[3] == table
    assert f.view[2][MILLION - 1] == MILLION - 1
    assert f.view[3][MILLION // 2] == str(MILLION // 2)
    assert graphs() == before + 1


def test_deep_graphs_are_sent_viewed_copied_and_dropped():
    before = graphs()
    deep = (2.5,)
    for _ in range(MILLION):
        deep = (deep,)
    tx, rx = csp.channel(1)
    tx.send(frozen(deep))
    f = rx.recv()
    copied = f.view.copy()
    for tree in (copied, deep):
        n = 0
        while tree != (2.5,) and n <= MILLION:
            tree, n = tree[0], n + 1
            assert len(tree) == 1
        assert n == MILLION
    del tree
    part = f.view
    for _ in range(1000):
        part = part[0]
    del f, part
    assert graphs() == before
    for _ in range(MILLION):  # their own end is recursive otherwise
        copied, deep = copied[0], deep[0]


def nest(n, obj, around):
    for _ in range(n):
        obj = around(obj)
    return obj


@pytest.mark.parametrize(
    ("inmost", "around"),
    [({}, lambda x: (x,)), ({}, lambda x: (slice(x),)), (1.5, slice)],
    ids=["tuples", "tuples_and_slices", "slices"],
)
def test_deep_graphs_are_hashed_once_per_level(inmost, around):
    deep = (nest(MILLION, inmost, around),)
    view = frozen(deep).view
    assert len(view) == 1
    for _ in range(MILLION):  # one by one: its end is recursive otherwise
        deep = deep[0] if type(deep) is tuple else deep.stop


@pytest.mark.skipif(HAS_FROZENDICT, reason="mappings have a hash")
def test_what_has_a_mapping_in_it_has_no_hash():
    for part in frozen([[{}], [slice({})], [slice(slice({}))], [[[{}]]]]).root:
        for _ in range(2):
            with pytest.raises(TypeError):
                hash(part)


def test_a_huge_number_in_a_path():
    with pytest.raises(csp.NotShareable) as caught:
        frozen({1 << 100_000: object()})
    assert caught.value.path == "[...]"


# ---- while it changes ----


def test_sources_that_threads_change():
    """All of a graph is of one moment."""
    source = {"all": [0] * 50, "record": Pair(0, [0] * 50)}
    stop = threading.Event()

    def change():
        n = 0
        while not stop.is_set():
            n += 1
            source["all"][:] = [n] * (n % 50 + 1)
            source[n % 100] = [n, {n}]
            source.pop((n + 50) % 100, None)
            source["record"].b[:] = [n] * 50
            source["record"] = Pair(n, [n] * 50)

    threads = [threading.Thread(target=change) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(count(100)):
            view = frozen(source).view
            assert len(set(view["all"])) == 1
            assert len(set(view["record"].b)) == 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# ---- what is not to be had ----


@pytest.mark.skipif(SANITIZED, reason="a sanitizer reserves address space")
@pytest.mark.parametrize(
    "case", ["little", "none", "more_and_more", "each", "rings"]
)
def test_memory_is_limited(case):
    done = run_isolated("frozen_limits.py", case, str(count(40)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "as before\n"


@pytest.mark.parametrize("opens", ["", "root", "view"])
def test_programs_that_end_at_once(opens):
    done = run_isolated("frozen_end.py", opens)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
