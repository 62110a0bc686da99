# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Frozen graphs: equal to what was frozen, the same objects everywhere, and
memory that lives as long as somebody has it and no longer."""

import copy
import dataclasses
import pickle
import sys
import typing
import warnings
from types import MappingProxyType

import pytest

import intercsp as csp
import peers
from support import SANITIZED, until

HAS_FROZENDICT = sys.version_info >= (3, 15)


class Point(typing.NamedTuple):
    x: int
    y: object


@dataclasses.dataclass(frozen=True)
class Record:
    name: str
    parts: object


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    parts: object


@dataclasses.dataclass
class Changeable:
    name: str


def frozen(obj):
    """All graphs are protected here: who writes to one crashes."""
    return csp.freeze(obj, protect=True)


MAPPING = frozendict if HAS_FROZENDICT else MappingProxyType  # noqa: F821


LEAVES = [
    None,
    True,
    ...,
    NotImplemented,
    0,
    -5,
    -6,
    256,
    257,
    1024,
    1025,
    2**30,
    -(2**63),
    10**100,
    0.0,
    -0.0,
    1.5,
    float("inf"),
    1j,
    "",
    "a",
    "é",
    "__name__",
    "not a name of Python's",
    "naïve café",
    "日本語",
    "\U0001f9f5\U0001f9f6",
    "lone \udc80",
    "x" * 100_000,
    b"",
    b"a",
    b"\x00\xff",
    b"y" * 100_000,
    (),
    range(0),
    range(5, 10**20, 3),
    slice(1, None, "two"),
]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: ascii(leaf)[:20])
def test_leaves_keep_type_and_value(leaf):
    root = frozen([leaf]).root[0]
    assert type(root) is type(leaf)
    assert root == leaf or leaf is NotImplemented
    assert repr(root) == repr(leaf)
    assert hash(root) == hash(leaf)


def test_nan_stays_nan():
    root = frozen(float("nan")).root
    assert root != root


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ([1, [2.5]], (1, (2.5,))),
        (bytearray(b"abc"), b"abc"),
        ({1, 2}, frozenset({1, 2})),
        (frozenset({("deep", 1)}), frozenset({("deep", 1)})),
        (({"set"}, [1]), (frozenset({"set"}), (1,))),
        (slice([1], 2), slice((1,), 2)),
        (slice({1}, 2), slice(frozenset({1}), 2)),
    ],
)
def test_what_can_change_becomes_what_cannot(given, becomes):
    root = frozen(given).root
    assert root == becomes
    assert type(root) is type(becomes)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 85, 86, 10_000, 40_000, 50_000])
@pytest.mark.parametrize("kind", ["text", "number", "both"])
def test_mappings_find_all_keys_and_no_others(n, kind):
    def key(i):
        return f"k{i}" if kind == "text" or i % 2 < (kind == "both") else i + 9

    plain = {key(i): i * 1.5 for i in range(n)}
    root = frozen(plain).root
    assert len(root) == n
    assert list(root.items()) == list(plain.items())
    assert all(root[key(i)] == i * 1.5 for i in range(n))
    assert key(n) not in root
    assert root.get("other") is None
    assert root == plain
    assert root | {"z": 1} == plain | {"z": 1}
    assert copy.copy(root) == plain
    assert pickle.loads(pickle.dumps(root)) == plain


def test_mappings_cannot_be_changed():
    root = frozen({"a": {"b": 1}}).root
    with pytest.raises(TypeError):
        root["a"] = 2
    with pytest.raises(TypeError):
        del root["a"]["b"]
    with pytest.raises(AttributeError):
        root.clear()


def test_keys_of_all_kinds():
    plain = {
        None: 1,
        True: 2,
        2.5: 3,
        b"bytes": 4,
        (1, ("x", 2)): 5,
        frozenset({1}): 6,
        Point(1, 2): 7,
        range(3): 8,
        -1: 9,
        -2: 10,
    }
    root = frozen(plain).root
    assert dict(root) == plain


def test_shared_parts_stay_shared():
    part = ["part" * 10]
    text = "some longer text" * 2
    a, b, c, d = frozen([part, part, text, {"k": text}]).root
    assert a is b
    assert c is d["k"]


def test_names_are_those_of_python():
    names = frozen(["__len__", "append", "".join(["sel", "f"])]).root

    class Counted:
        pass

    setattr(Counted, names[0], lambda self: 7)
    assert len(Counted()) == 7
    assert all(sys.intern(name[:1] + name[1:]) is name for name in names)


def test_small_ones_are_those_of_python():
    numbers = list(range(-7, 1030))
    texts = [chr(i) for i in range(300)]
    data = [bytes([i]) for i in range(256)]
    for own, root in (
        (numbers, frozen(numbers).root),
        (texts, frozen(texts).root),
        (data, frozen(data).root),
        ([(), "", b""], frozen([[], "", bytearray()]).root),
    ):
        same = [a is b for a, b in zip(own, root, strict=True)]
        # int() does not give what the compiler has kept
        assert same == [is_one_for_all(obj) for obj in own]


def is_one_for_all(obj):
    if type(obj) is int:
        return int(str(obj)) is int(str(obj))
    return len(obj) == 0 or type(obj) is bytes or ord(obj) < 256


def test_deep_graphs_need_no_stack():
    deep = ()
    for i in range(200_000):
        deep = (i, deep)
    root = frozen([deep, {1: deep}]).root
    for _ in range(1000):
        root = root[1] if len(root) == 2 else root
    while deep:  # one by one: its end is recursive otherwise
        deep = deep[1]


# ---- records ----


@pytest.mark.parametrize(
    "obj",
    [
        Point(1, "x"),
        (Point(1, (2,)), Point(3, frozenset({4}))),
        Record("a", None),
        Record("a", (Point(1, 2), Slotted(Record("b", b"c")))),
        (Slotted(()), Slotted("x")),
        frozenset({Record("a", 1)}),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_records_stay_what_they_are(obj):
    f = frozen(obj)
    assert f.local_nodes > 0
    assert f.root == obj
    assert type(f.root) is type(obj)
    assert f.root is f.root


def test_fields_of_records():
    root = frozen([Record("a", [1, Point(2, [3])]), Slotted({"k": {4}})]).root
    assert root[0].name == "a"
    assert root[0].parts[1].y == (3,)
    assert root[1].parts["k"] == frozenset({4})
    assert type(root[1]) is Slotted


# ---- what cannot be frozen ----


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        (object(), ""),
        ([1, {"k": [object()]}], "[1]['k'][0]"),
        ({"k": {object(): 1}}, "['k'].keys()"),
        ({(1, object()): 1}, ".keys()[1]"),
        ([{object()}], "[0]{...}"),
        (slice(1, object()), ".stop"),
        ([Record("a", object())], "[0].parts"),
        ([Point(1, [Changeable("c")])], "[0].y[0]"),
        ({3: lambda: 0}, "[3]"),
        ([memoryview(b"abc")], "[0]"),
    ],
)
def test_refused_with_the_path(obj, path):
    before = len(csp.frozen_stats().graphs)
    with pytest.raises(csp.NotShareable) as caught:
        frozen(obj)
    assert caught.value.path == path
    assert len(csp.frozen_stats().graphs) == before


def test_cycles_are_refused():
    ring = [1]
    ring.append({"ring": ring})
    with pytest.raises(csp.NotShareable, match="contains itself") as caught:
        frozen(("x", ring))
    assert caught.value.path == "[1][1]['ring']"


def test_ends_are_refused_and_not_given_away():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.NotShareable):
        frozen([tx])
    tx.send(1)
    assert rx.recv() == 1


# ---- handles ----


def test_handles_know_their_graph():
    f = frozen([5000, {"a": 2.5}])
    assert len(f) == 2
    assert bool(frozen([])) is True
    assert f == csp.freeze(f)
    assert hash(f) == hash(csp.freeze(f))
    assert f != frozen([5000, {"a": 2.5}])
    assert f == copy.copy(f) == copy.deepcopy([f])[0]
    assert f.nodes == 4  # the key is Python's own
    assert f.nbytes > 100
    assert frozen([{2.5}, {"a": {1}}]).nodes == 5
    assert f.local_nodes == 0
    assert frozen([{1}, 2]).local_nodes == 2
    assert "Frozen tuple" in repr(f)
    assert "Frozen frozenset" in repr(frozen({1}))
    with pytest.raises(TypeError):
        len(frozen(1000))
    with pytest.raises(TypeError):
        len(frozen(Record("a", 1)))
    assert len(frozen({1, 2})) == 2
    assert len(frozen({"a": {1}, "b": 2})) == 2


def test_parts_are_frozen_already():
    f = frozen([["part", 2.5, "t" * 2000], 7])
    part = f.root[0]
    assert csp.is_frozen(f)
    assert csp.is_frozen(part)
    assert csp.is_frozen(part[0])
    assert not csp.is_frozen(7)
    assert not csp.is_frozen(("part", 2.5))
    assert csp.freeze(part).root is part
    tx, rx = csp.channel(3)
    for each in (part, part[2], [part]):
        tx.send(each)
    assert rx.recv() is part
    assert rx.recv() is part[2]
    assert rx.recv()[0] is part


def test_another_interpreter_has_the_same_objects():
    f = frozen({"a": (1, "text", {"k": b"bytes"}), "s": [{1, 2}]})
    ask, asked = csp.channel(2)
    answers, answer = csp.channel(2)
    with csp.group() as g:
        g.spawn(peers.look_into, asked, answers)
        ask.send(f)
        where, text, has = answer.recv()
        assert where == id(f.root["a"])
        assert text == repr(f.root)
        assert has
        ask.send(f.root["a"])
        assert answer.recv()[0] == id(f.root["a"][2])
        ask.close()
    assert csp.frozen_stats().graphs[0].interpreters == (0,)


def test_handles_in_pickles_and_values():
    f = frozen([1, 2, 3])
    tx, rx = csp.channel(1)
    tx.send({"f": [f], "e": ValueError("with", f)})
    back = rx.recv()
    assert back["f"][0] == f
    assert back["e"].args[1] == f
    assert csp.is_shareable(f)
    assert csp.explain(f) == [("", "Frozen", "shared")]


# ---- life ----


def graphs():
    return len(csp.frozen_stats().graphs)


def test_what_was_not_opened_goes_with_its_handles():
    before = graphs()
    f = frozen([1, "some text"])
    assert graphs() == before + 1
    tx, rx = csp.channel(2)
    tx.send(f)
    tx.send([f, f])
    del f
    assert graphs() == before + 1
    rx.close()
    until(lambda: graphs() == before)


def test_an_interpreter_holds_what_it_has_opened():
    before = graphs()
    f = frozen([["x" * 100], 2.5])
    ask, asked = csp.channel(1)
    answers, answer = csp.channel(1)
    process = csp.spawn(peers.look_into, asked, answers)
    ask.send(f)
    del f
    answer.recv()
    assert graphs() == before + 1
    ask.close()
    process.join()
    assert graphs() == before


def test_parts_keep_the_whole():
    before = graphs()
    ask, asked = csp.channel(1)
    answers, answer = csp.channel(1)
    with csp.group() as g:
        g.spawn(peers.freeze_and_send_parts, asked, answers)
        part = answer.recv()
        ask.close()
    assert part == ("part", "t" * 5000)
    assert csp.is_frozen(part)
    assert graphs() == before + 1  # this interpreter has it now


def test_views_hold_no_more_than_a_handle():
    before = graphs()
    opened = csp.frozen_stats().opened
    view = frozen({"a": [1, "text", (2.5, b"x")], "b": {"c": None}}).view
    assert graphs() == before + 1
    assert sorted(view) == ["a", "b"]
    assert view["a"][2][0] == 2.5
    assert view["a"][-2] == "text"
    assert view["a"][:2] == (1, "text")
    copied = view.copy()
    assert type(copied) is (MAPPING if HAS_FROZENDICT else dict)
    assert dict(copied) == {"a": (1, "text", (2.5, b"x")), "b": {"c": None}}
    assert view.get("z", 7) == 7
    assert "b" in view
    assert 2.5 in view["a"][2]
    assert not csp.is_frozen(view.copy())
    assert [key for key, _ in view.items()] == list(view.keys())
    assert len(view) == 2
    assert csp.frozen_stats().opened == opened
    part = view["b"]
    del view
    assert part["c"] is None
    del part
    assert graphs() == before


def test_views_of_what_is_built_here():
    view = frozen([{1, 2}, {"k": {3}}, Point(1, {4}), ("x", [{5}])]).view
    assert view[0] == {1, 2}
    assert view[1] == {"k": {3}}
    assert view[2] == Point(1, frozenset({4}))
    assert view[3][1][0] == {5}
    assert view.copy()[3] == ("x", (frozenset({5}),))


def test_views_of_constants():
    constants = (None, True, ..., NotImplemented)
    view = frozen([*constants, [constants]]).view
    assert view[:4] == view[4][0][:] == view.copy()[:4] == constants


class Spy:
    """A key that would get hold of what it is compared with."""

    seen: typing.ClassVar[list[object]] = []

    def __hash__(self):
        return hash("spied")

    def __eq__(self, other):
        self.seen.append(other)
        return False


def test_no_key_sees_an_object_of_a_view():
    view = frozen({"spied": 1}).view
    for key in (Spy(), (1, (Spy(),))):
        with pytest.raises(TypeError, match="key of a view"):
            view[key]
    assert not Spy.seen
    with pytest.raises(KeyError):
        view["other"]
    with pytest.raises(IndexError):
        frozen([1]).view[1]
    with pytest.raises(TypeError):
        frozen([1]).view.keys()


def test_a_warning_past_the_limit(monkeypatch):
    monkeypatch.setattr(csp, "frozen_limit", csp.frozen_stats().opened + 100)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert frozen([2.5]).root == (2.5,)
        assert not caught
        assert len(frozen(["x" * 1000]).root) == 1
    assert [w.category for w in caught] == [ResourceWarning]
    assert str(csp.frozen_stats().opened) in str(caught[0].message)


def test_stats_say_who_has_what():
    f = frozen([1000, {1}])
    assert f.root[0] == 1000
    graph = csp.frozen_stats().graphs[0]  # the last one that was made
    assert graph.nbytes == f.nbytes
    assert graph.nodes == f.nodes
    assert graph.local_nodes == 2
    assert graph.interpreters == (0,)
    assert graph.handles >= 1


def test_written_mappings_fault():
    """What backs mappings is read-only always: who writes there has no luck."""
    code = (
        "import gc, intercsp as csp\n"
        "f = csp.freeze({'a': 1}, protect=False)\n"
        "inner = [x for x in gc.get_referents(f.root) if type(x) is dict]\n"
        "inner[0]['b'] = 2\n"
    )
    if HAS_FROZENDICT:
        pytest.skip("there is no inner dict")
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == (-6 if SANITIZED else -11)
