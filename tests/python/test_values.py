# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Values: what can be sent arrives exactly as it was; what cannot is refused,
and then nothing has changed."""

import array
import builtins
import collections
import dataclasses
import datetime
import decimal
import enum
import gc
import math
import struct
import sys
import threading
import types

import pytest

import intercsp as csp
import peers
from support import DEADLINE, run_isolated

frozendict = getattr(builtins, "frozendict", None)  # from 3.15 on


def same(a, b):
    """Whether two values are the same in every detail, types included."""
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        if type(a) is not type(b):
            return False
        if type(a) is float:
            if struct.pack("d", a) != struct.pack("d", b):
                return False
        elif type(a) is complex:
            stack += [(a.real, b.real), (a.imag, b.imag)]
        elif type(a) in (tuple, list):
            if len(a) != len(b):
                return False
            stack += zip(a, b, strict=True)
        elif type(a) in (set, frozenset):
            if len(a) != len(b):
                return False
            stack += zip(in_order(a), in_order(b), strict=True)
        elif type(a) in (range, slice):
            stack += [(a.start, b.start), (a.stop, b.stop), (a.step, b.step)]
        elif type(a) is dict or type(a) is frozendict:
            if len(a) != len(b):
                return False
            stack += zip(a, b, strict=True)  # the order of the keys counts
            stack += zip(a.values(), b.values(), strict=True)
        elif a != b:
            return False
    return True


def in_order(elements):
    """The elements of a set in an order that says what they are."""
    return sorted(elements, key=detail)


def detail(x):
    """What can be in a set as text, equal only if it is the same."""
    if type(x) is float:
        return "float " + struct.pack("d", x).hex()
    if type(x) is frozenset:
        return f"frozenset {sorted(map(detail, x))}"
    if type(x) is tuple:
        return f"tuple {[*map(detail, x)]}"
    return f"{type(x).__name__} {x!r}"


class Trip:
    """Sends a value and gives what arrives."""

    def __init__(self, rx=None):
        self.tx, there = csp.channel(1)
        self.rx = there
        self.process = None
        if rx == "echo":
            back, self.rx = csp.channel(1)
            self.process = csp.spawn(peers.echo, there, back)

    def __call__(self, value):
        self.tx.send(value)
        return self.rx.recv(DEADLINE)

    def end(self):
        del self.tx, self.rx
        if self.process:
            self.process.join(DEADLINE)
            self.process = None


@pytest.fixture(params=["here", "echo"])
def trip(request):
    """A value's way through a channel here, or to a process and back."""
    trip = Trip(request.param)
    yield trip
    trip.end()


# ---- what arrives ----------------------------------------------------------


def around(*numbers):
    return [n + d for n in numbers for d in (-1, 0, 1)]


INTS = sorted(
    {
        sign * n
        for sign in (1, -1)
        for n in (
            *range(300),
            *around(*(1 << b for b in range(2, 300, 1))),
            *around(*(1 << b for b in (2032, 2040, 2047, 2048, 65536))),
            10**3000 + 7,
            3**20000,
        )
    }
)

NANS = [
    struct.unpack("Q", struct.pack("d", float("nan")))[0],
    0x7FF8000000000001,
    0x7FF8DEADBEEF1234,
    0xFFF8000000000000,
    0xFFFFFFFFFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
]
FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    math.pi,
    float("inf"),
    float("-inf"),
    sys.float_info.max,
    sys.float_info.min,
    5e-324,
    -5e-324,
    2.0**53 + 2,
    *(struct.unpack("d", struct.pack("Q", n))[0] for n in NANS),
]

LENGTHS = [*range(20), 63, 64, 253, 254, 255, 256, 257, 1000, 65535]
CHARS = {
    "ascii": "a",
    "nul": "\0",
    "latin": "é",
    "two_bytes": "\u0444",
    "three_bytes": "通",
    "four_bytes": "\U0001f9f5",
    "high_surrogate": "\ud83d",
    "low_surrogate": "\ude00",
    "pair_of_surrogates": "\ud83d\ude00",
    "surrogates_the_wrong_way": "\ude00\ud83d",
    "last_of_all": "\U0010ffff",
    "noncharacter": "\uffff\ufffe\ufeff",
    "mixed": "a\0é\u0444通\ud800\U0001f9f5",
}

NESTED = [
    (),
    [],
    {},
    ((),),
    [[]],
    [{}],
    {"": {}},
    {(): []},
    ((), [], {}),
    (None,),
    [True, False, None, 0, 1, 0.0, 1.0, "", b""],
    [1, True, 1.0],
    {True: 1, 2: True, 3.0: None},
    {None: None, False: False, b"": "", "": b""},
    {-0.0: 0, 5: -0.0},
    {(1, ("a", (b"b", (2.5, None)))): {"x": [(), ({},)]}},
    {i: str(i) for i in range(1000)},
    {str(i): (i, [i, {"i": i}]) for i in range(300)},
    list(range(100_000)),
    tuple("x" * i for i in range(300)),
    [2**i for i in range(200)],
    [-(2**i) for i in range(200)],
    [[[[[[[[[[[[[[[[[[[[1], 2], 3], 4], 5], 6], 7]]]]]]]]]]]]], "end"],
    [FLOATS, INTS, list(CHARS.values())],
    [b"x" * 255, b"y" * 256, "z" * 255, "z" * 256, (0,) * 254, (0,) * 255],
    dict.fromkeys(range(255)),
    {k: [{k: (1, 2)}] for k in "abc"},
    set(),
    frozenset(),
    [set(), frozenset(), bytearray(), 0j, range(0)],
    {1, 1.5, "x", b"y", None, (1, frozenset({2}))},
    {frozenset(), frozenset({frozenset({1, "a"})})},
    {frozenset({1, 2}): {3, 4}, (frozenset(), 5): [{()}]},
    {str(i) for i in range(1000)},
    frozenset(range(1000)),
    [complex(a, b) for a in FLOATS for b in FLOATS],
    [1j, -1j, {2j: 3j}],
    [range(10), range(-5, 2**80, 7), range(2**70, -(2**70), -1)],
    range(2**100),
    {range(3): slice(1, 2)},
    slice(None),
    [slice(1, None, -1), slice("a", (b"b", [2.5]), {"c": {1}})],
    bytearray(b"x" * 1000),
    [bytearray(range(256)), {"k": bytearray(1)}],
    *(
        [
            frozendict(),
            frozendict(a=1, b=[2, {3}]),
            [{frozendict(a=frozendict()): frozendict({(1, 2): None})}],
        ]
        if frozendict
        else []
    ),
]


@pytest.mark.parametrize("value", [None, True, False])
def test_singletons_arrive_as_themselves(trip, value):
    assert trip(value) is value
    assert trip([value])[0] is value
    assert trip({value: (value,)}) == {value: (value,)}


def test_ints_of_any_size_arrive(trip):
    for i in INTS:
        assert same(trip(i), i)
    assert same(trip(INTS), INTS)
    assert same(trip(tuple(INTS)), tuple(INTS))


def test_floats_arrive_to_the_last_bit(trip):
    for x in FLOATS:
        assert same(trip(x), x)
        assert same(trip([x, (x,)]), [x, (x,)])
    assert same(trip({x: x for x in FLOATS}), {x: x for x in FLOATS})


@pytest.mark.parametrize("kind", CHARS)
def test_str_of_any_kind_and_length_arrives(trip, kind):
    for n in LENGTHS:
        text = (CHARS[kind] * n)[:n]
        assert same(trip(text), text)
        if n <= 1000:
            value = [text, {text: (text, text)}]
            assert same(trip(value), value)


def test_str_that_changes_its_kind_at_the_end_arrives(trip):
    for n in range(20):
        for char in CHARS.values():
            for text in ("a" * n + char, char + "a" * n):
                assert same(trip(text), text)
                assert same(trip((text,)), (text,))


@pytest.mark.parametrize("kind", ["ascii", "latin", "mixed"])
def test_str_of_a_million_characters_arrives(trip, kind):
    text = (CHARS[kind] * (1 << 20))[: 1 << 20]
    assert same(trip(text), text)
    assert same(trip([text]), [text])


def test_bytes_of_any_length_arrive(trip, rng):
    for n in (*LENGTHS, 1 << 20):
        data = rng.randbytes(n)
        assert same(trip(data), data)
        assert same(trip([data, b"\0" * (n % 300)]), [data, b"\0" * (n % 300)])
    assert same(trip(bytes(range(256))), bytes(range(256)))


@pytest.mark.parametrize("value", NESTED, ids=range(len(NESTED)))
def test_containers_arrive(trip, value):
    got = trip(value)
    assert same(got, value)
    assert got is not value or type(value) in (tuple, frozenset)
    assert same(trip([value, value]), [value, value])


def test_dict_keeps_its_order(trip):
    keys = [f"k{i * 7919 % 1000}" for i in range(1000)]
    value = dict.fromkeys(keys)
    del value["k0"]
    value["k0"] = None
    assert list(trip(value)) == list(value)


def test_received_containers_are_new_and_ordinary(trip):
    shared = [1]
    got = trip([shared, shared, {"k": shared}])
    got[0].append(2)
    got[2]["new"] = 3
    got.append(4)
    assert shared == [1]
    assert got[0] == got[1] == [1, 2]
    assert got[2] == {"k": [1, 2], "new": 3}
    assert got[2]["k"] is got[1]


def test_received_containers_are_collected_when_they_form_a_cycle(trip):
    class Witness:
        pass

    before = len(gc.get_objects())
    for _ in range(200):
        got = trip([[], {}, ([],)])
        got.append(got)
        got[1]["me"] = got
        got[2][0].append(got)
    del got
    gc.collect()
    assert len(gc.get_objects()) < before + 200


def test_hashes_and_interning_are_those_of_the_receiver(trip):
    got = trip({"name": 1, ("a", 2): "b"})
    assert got["name"] == 1
    assert got["a", 2] == "b"
    keys = {"name", ("a", 2)}
    assert set(got) == keys


# ---- what is refused -------------------------------------------------------


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyBytes(bytes):
    pass


class MyFloat(float):
    pass


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class Colour(enum.IntEnum):
    RED = 1


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Record:
    name: str
    items: list
    colour: Colour


PICKLED = [
    MyInt(1),
    MyStr("x"),
    MyBytes(b"x"),
    MyFloat(1.0),
    MyList([1]),
    MyTuple((1,)),
    MyDict({1: 2}),
    MyList(),
    Colour.RED,
    Point(1, 2),
    collections.OrderedDict(a=1),
    collections.defaultdict(int, {1: 2}),
    collections.Counter("abc"),
    collections.deque([1, [2]], 3),
    Record("a", [1, 2], Colour.RED),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    datetime.timedelta(days=1.5),
    decimal.Decimal("1.50"),
    array.array("i", [1]),
    int,
    len,
    math.sqrt,
    same,
    Record,
    Colour,
    Ellipsis,
    NotImplemented,
]


def test_what_has_no_form_of_its_own_is_pickled(trip):
    for value in PICKLED:
        for message in (
            value,
            [value],
            [1, {"user": (value, [value])}],
            {"a": {2: [0, value]}},
        ):
            got = trip(message)
            assert got == message
            assert type(got) is type(message)
        got = trip([value, 1, value])
        assert got[0] is got[2]
        assert type(got[0]) is type(value)


def test_what_is_pickled_can_be_key_and_element(trip):
    value = {Colour.RED: {Point(1, 2), (Colour.RED, 1)}, (Point(3, 4),): 1}
    got = trip(value)
    assert got == value
    assert {type(k) for k in got} == {Colour, tuple}


def test_what_is_beside_a_pickle_shares_nothing_with_the_value(trip):
    """It is read before the value is."""
    data, text = b"b" * 100, "t" * 100
    value = Record("both", [csp.move(data), csp.move(text)], None)
    *kept, got = trip([data, text, value])
    assert kept == got.items == [data, text]


def test_what_is_pickled_holds_ends():
    tx, rx = csp.channel(1)
    carrier, arriving = csp.channel(2)
    carrier.send([Record("end", [tx], None), 1])
    with pytest.raises(csp.Moved):
        tx.send(1)
    got, _one = arriving.recv()
    got.items[0].send("through it")
    assert rx.recv() == "through it"
    del got
    with pytest.raises(csp.Closed):
        rx.recv()


def test_what_is_pickled_holds_memory_without_a_copy(trip):
    memory, temporary = bytearray(b"here"), b"temporary" * 1000
    value = Record("memory", [memoryview(memory), csp.share(memory)], None)
    value.colour = csp.move(b"".join([temporary]))
    got = trip([value, 1])[0]
    seen, shared = got.items
    memory[0] = ord("t")
    assert bytes(seen) == bytes(shared) == b"tere"
    assert seen.readonly
    assert got.colour == temporary


def test_what_is_beside_a_pickle_is_refused_as_it_is_elsewhere():
    tx, _rx = csp.channel(1)
    end, _other = csp.channel(1)
    view = memoryview(bytearray(8))[::2]
    fine = Record("fine", [1], None)
    with pytest.raises(csp.NotShareable, match="contiguous") as caught:
        tx.send([fine, {"k": Record("view", [view], None)}])
    assert caught.value.path == "[1]['k']"
    with pytest.raises(csp.Moved, match="twice"):
        tx.send([fine, Record("end", [end], None), end])
    end.close()
    with pytest.raises(csp.EndClosed):
        tx.send([fine, Record("end", [end], None)])
    assert len(tx) == 0


def test_end_in_a_pickle_that_fails_is_kept():
    tx, rx = csp.channel(1)
    carrier, _arriving = csp.channel(2)
    with pytest.raises(csp.NotShareable) as caught:
        carrier.send([tx, Record("end", [csp.channel(1)[0], math], None)])
    assert caught.value.path == "[1]"
    tx.send(1)
    assert rx.recv() == 1


class Unhelpful:
    def __reduce__(self):
        raise RuntimeError("not today")


class Mute(Exception):
    """It cannot be said what it is."""

    def __str__(self):
        raise OSError


class Unspeakable:
    def __init__(self, *error):
        self.error = error

    def __reduce__(self):
        kind, *args = self.error
        raise kind(*args)


def generator():
    yield


REFUSED = [
    math,
    generator(),
    threading.Lock(),
    Unhelpful(),
    Unspeakable(Mute),
    Unspeakable(ValueError, "\udc80"),
    sys._getframe(),
    memoryview(bytearray(4))[::2],
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda v: type(v).__name__)
def test_what_cannot_be_sent_is_refused(value):
    tx, rx = csp.channel(4)
    where = [
        (value, ""),
        ([value], "[0]"),
        ((1, 2, value), "[2]"),
        ([1, {"user": value}], "[1]['user']"),
        ({"a": {2: [0, value]}}, "['a'][2][1]"),
        ([[[[[(value,)]]]]], "[0][0][0][0][0][0]"),
        (slice(1, [value]), ".stop[0]"),
        ([Colour.RED, Point(1, 2), {"x": value}], "[2]['x']"),
    ]
    try:
        hash(value)
    except (TypeError, ValueError):
        pass
    else:
        where += [
            ({value: 1}, ".keys()"),
            ({"first": 1, value: 1}, ".keys()"),
            ([{(0, value): 1}], "[0].keys()[1]"),
            ([{value}], "[0]{...}"),
            ([{(0, value)}], "[0]{...}[1]"),
        ]
    for message, path in where:
        for send in (tx.send, tx.send_nowait, lambda m: tx.send(m, 0)):
            with pytest.raises(csp.NotShareable) as caught:
                send(message)
            assert caught.value.path == path
            assert str(caught.value).startswith(path)
            assert type(value).__name__ in str(caught.value)
    assert len(tx) == 0
    tx.send("the channel is as it was")
    assert rx.recv() == "the channel is as it was"


def test_pickling_may_send_and_receive():
    tx, rx = csp.channel(4)
    log, logged = csp.channel(1)
    Chatty.log = log
    try:
        tx.send([1, Chatty(), "x" * 1000])
    finally:
        del Chatty.log
    assert logged.recv() == ["being pickled", 1]
    got = rx.recv()
    assert got[::2] == [1, "x" * 1000]
    assert type(got[1]) is Chatty


class Chatty:
    def __reduce__(self):
        self.log.send(["being pickled", 1])
        return Chatty, ()


def test_shared_parts_are_shared_where_they_arrive(trip):
    a, b, c = [], {}, bytearray(b"x")
    text = "a text that is long enough to be worth a note" * 2
    got = trip([a, b, c, (a, b, c), {"k": a}, text, [text], {1}, (a,)])
    assert got[0] is got[3][0] is got[4]["k"] is got[8][0]
    assert got[1] is got[3][1]
    assert got[2] is got[3][2]
    assert got[5] is got[6][0]
    key = (1, ("a", frozenset({2})))
    got = trip([key, {key: {key}}, {(0, key): 1}])
    assert got == [key, {key: {key}}, {(0, key): 1}]


def test_what_is_shared_at_each_level_is_sent_once(trip):
    value = leaf = [1]
    for _ in range(200):
        value = [value, value, (value,)]
    got = trip(value)
    while got != leaf:
        assert got[0] is got[1] is got[2][0]
        got = got[0]
    for _ in range(60):
        leaf = (leaf, leaf)
    tx, rx = csp.channel(1)
    tx.send([{"a": leaf}, leaf])
    got = rx.recv()
    assert got[0]["a"] is got[1]


def test_long_path_is_shortened_in_the_middle():
    tx, _rx = csp.channel(1)
    value = REFUSED[0]
    for i in range(100):
        value = [None] * i + [value]
    with pytest.raises(csp.NotShareable) as caught:
        tx.send(value)
    assert caught.value.path.startswith("[99][98][97]")
    assert caught.value.path.endswith("[2][1][0]")
    assert "[...]" in caught.value.path
    assert len(caught.value.path) < 100


def recursive_list():
    value = []
    value.append(value)
    return value


def recursive_dict():
    value = {}
    value["me"] = value
    return value


def recursive_through_a_tuple():
    value = []
    value.append((1, {"x": (value,)}))
    return value


def recursive_late():
    ring = []
    ring.append([ring, 1])
    value = ring
    for i in range(1000):
        value = (i, value)
    return value


def recursive_in_a_long_ring():
    first = value = []
    for _ in range(1000):
        value.append([])
        value = value[0]
    value.append(first)
    return [1, 2, {"first": first}]


def recursive_many_times():
    value = []
    value += [1, [value, value], value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        recursive_list,
        recursive_dict,
        recursive_through_a_tuple,
        recursive_late,
        recursive_in_a_long_ring,
        recursive_many_times,
    ],
)
def test_recursive_containers_are_refused(make):
    tx, _rx = csp.channel(1)
    value = make()
    with pytest.raises(csp.NotShareable, match="contains itself"):
        tx.send(value)
    with pytest.raises(csp.NotShareable, match="contains itself"):
        tx.send([[value]])
    assert len(tx) == 0


@pytest.mark.skipif(frozendict is not None, reason="proxies are not sent")
def test_a_proxy_is_another_object_than_its_dict(trip):
    shared = {"a": [1]}
    proxy = types.MappingProxyType(shared)
    for value in ([shared, proxy], [proxy, shared], [proxy, proxy]):
        got = trip(value)
        assert got == value
        assert [type(x) for x in got] == [type(x) for x in value]
        assert (got[0] is got[1]) == (value[0] is value[1])
    shared["me"] = proxy
    del proxy, got, value  # so that it has one reference
    for value in (shared, shared["me"], [shared["me"]]):
        with pytest.raises(csp.NotShareable, match="contains itself"):
            trip(value)


def test_what_is_met_twice_but_not_in_itself_is_sent(trip):
    a = [1]
    b = [a, a, (a, a)]
    c = {"a": a, "b": b, "again": [b, a]}
    value = [c, b, a, c, [[a]], (b,)]
    assert same(trip(value), value)
    for _ in range(12):
        a = [a, a]  # 4096 leaves: a diamond
    assert same(trip(a), a)


# ---- depth -----------------------------------------------------------------

DEEP = 1_000_000


def deep_tuples(n):
    value = ()
    for _ in range(n):
        value = (value,)
    return value


def deep_lists(n):
    value = []
    for _ in range(n):
        value = [value]
    return value


def deep_dicts(n):
    value = {}
    for _ in range(n):
        value = {1: value}
    return value


def deep_mix(n):
    value = None
    for i in range(n // 3):
        value = ({"k": [value, i]}, i)
    return value


def depth(value):
    n = 0
    while value:
        value = value[1] if type(value) is dict else value[0]
        n += 1
    return n


@pytest.mark.parametrize(
    ("make", "n"),
    [(deep_tuples, DEEP), (deep_lists, DEEP), (deep_dicts, DEEP // 5)],
)
def test_depth_is_bounded_by_memory_only(make, n):
    tx, rx = csp.channel(1)
    tx.send(make(n))
    got = rx.recv()
    tx.send(got)  # once more: discarded with the channel
    assert depth(got) == n


def test_depth_of_a_mixture_is_bounded_by_memory_only():
    tx, rx = csp.channel(1)
    tx.send(deep_mix(DEEP))
    value, n = rx.recv(), 0
    while value is not None:
        value = value[0]["k"][0]
        n += 1
    assert n == DEEP // 3


def test_deep_value_crosses_to_a_process_and_back():
    trip = Trip("echo")
    assert depth(trip(deep_lists(DEEP // 5))) == DEEP // 5
    trip.end()


def test_what_cannot_be_sent_is_found_in_the_depth():
    tx, _rx = csp.channel(1)
    value = [REFUSED[0]]
    for _ in range(DEEP // 5):
        value = [value]
    with pytest.raises(csp.NotShareable, match="module: cannot"):
        tx.send(value)
    ring = value = []
    for _ in range(DEEP // 5):
        value = [value]
    ring.append(value)
    with pytest.raises(csp.NotShareable, match="contains itself"):
        tx.send(value)
    ring.clear()
    assert len(tx) == 0


def test_depth_takes_no_stack():
    done = run_isolated("small_stack.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_keys_of_ordinary_depth_arrive(trip):
    for n in (1, 2, 10, 99):
        key = deep_tuples(n)
        assert same(trip({key: (key,)}), {key: (key,)})
        assert same(trip([{(key, 1): {key: key}}]), [{(key, 1): {key: key}}])


def test_keys_that_take_much_stack_to_hash_are_refused():
    tx, _rx = csp.channel(1)
    key = deep_tuples(1000)
    for value in ({key: 1}, [{1: 2, key: 1}], {(): {(1, key): 1}}):
        with pytest.raises(csp.NotShareable, match="key is nested too deeply"):
            tx.send(value)
    assert len(tx) == 0
    tx.send({1: key, 2: [key]})  # no key
    tx.close()


# ---- references ------------------------------------------------------------


def leaves(make):
    """A message whose last element is refused, and what else is in it."""
    parts = [
        2**70,
        1234567.25,
        "a string of its own".upper(),
        "ünïcode\ud800".upper(),
        b"some bytes".upper(),
        (1, [2]),
        [3, (4,)],
        {"k": "v"},
        "key".upper(),
        csp.channel(1)[0],
        csp.channel(1)[1],
    ]
    return parts, make(parts)


def refused_at_the_end(parts):
    return [*parts[:8], {parts[8]: parts[9]}, (parts[10], REFUSED[0])]


def refused_in_a_dict(parts):
    return {
        parts[8]: list(parts[:8]),
        "ends": {parts[9]: parts[10]},
        "last": REFUSED[0],
    }


def refused_as_key(parts):
    return (parts[8], *parts, {REFUSED[0]: parts[0]})


@pytest.mark.parametrize(
    "make", [refused_at_the_end, refused_in_a_dict, refused_as_key]
)
def test_references_to_what_was_refused_are_as_before(make):
    tx, _rx = csp.channel(1)
    parts, message = leaves(make)
    if make is refused_as_key:
        message = message[1:-3] + message[-1:]  # the ends once, or not
    before = [sys.getrefcount(part) for part in parts]
    refs = sys.getrefcount(message)
    for send in (tx.send, tx.send_nowait, lambda m: tx.send(m, 0)):
        for _ in range(10):
            with pytest.raises(csp.NotShareable) as caught:
                send(message)
            del caught
    assert [sys.getrefcount(part) for part in parts] == before
    assert sys.getrefcount(message) == refs
    assert not parts[9].closed
    assert not parts[10].closed


def test_references_to_what_was_sent_are_as_before():
    tx, rx = csp.channel(1)
    parts = leaves(list)[0][:9]
    message = [*parts, {parts[8]: parts[5]}]
    message += [{parts[0], parts[3]}, slice(*parts[1:4])]
    before = [sys.getrefcount(part) for part in parts]
    for _ in range(10):
        tx.send(message)
        rx.recv()
        tx.send(message)
        with pytest.raises(csp.Full):
            tx.send_nowait(message)
        with pytest.raises(TimeoutError):
            tx.send(message, 0.0001)
        rx.recv()
    tx.send(message)
    rx.close()
    with pytest.raises(csp.Closed):
        tx.send(message)
    assert [sys.getrefcount(part) for part in parts] == before


def test_nothing_refers_to_what_was_pickled():
    """Not even until the collector comes, with all that is in it."""
    tx, rx = csp.channel(1)
    value = [Record("a", [1], Colour.RED), Point(1, 2), Unhelpful()]
    gc.disable()
    try:
        before = [sys.getrefcount(part) for part in value]
        for _ in range(10):
            tx.send(value[:2])
            rx.recv()
            with pytest.raises(csp.NotShareable) as caught:
                tx.send(value)
            del caught
        assert [sys.getrefcount(part) for part in value] == before
    finally:
        gc.enable()


def send_and_receive(tx, rx, value):
    tx.send(value)
    rx.recv()


def refuse(tx, rx, value):
    with pytest.raises(csp.NotShareable):
        tx.send([value, {"k": (value, REFUSED[0])}])


def refuse_for_want_of_room(tx, rx, value):
    tx.send(value)
    with pytest.raises(csp.Full):
        tx.send_nowait(value)
    with pytest.raises(TimeoutError):
        tx.send((value,), 0)
    rx.recv()


def discard(tx, rx, value):
    tx, rx = csp.channel(1)
    tx.send([value])
    rx.close()
    with pytest.raises(csp.Closed):
        tx.send([value])


@pytest.mark.parametrize(
    "use", [send_and_receive, refuse, refuse_for_want_of_room, discard]
)
def test_no_object_is_left_of_any_value(use):
    tx, rx = csp.channel(1)
    values = [
        *(2**70, 1.5, "ascii", "é" * 20, "通\ud800", b"bytes" * 20, None, True),
        *((1, 2**70, "é" * 20), [[2.5], "\ud800"], {"k": {(1, "x"): [b"y"]}}),
        [i * 1000 for i in range(300)],
        [{2.5, 2**70}, frozenset({"é" * 20}), slice(2.5, 2**70), range(2**70)],
        [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],
    ]
    grown = []  # what leaks does so each time, caches now and then
    for _ in range(4):
        gc.collect()
        before = sys.getallocatedblocks()
        for value in values * 100:
            use(tx, rx, value)
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)
    assert min(grown) < 100, grown


def test_constants_of_the_interpreter_keep_their_references(trip):
    value = [None, True, False, (), 1, "", b""]
    trip([value] * 100)
    before = [sys.getrefcount(v) for v in value]
    for _ in range(20):
        trip([value] * 100)
    assert [sys.getrefcount(v) for v in value] == before


def test_sent_values_do_not_change_with_the_sender():
    tx, rx = csp.channel(2)
    value = [1, {"k": [2]}]
    tx.send(value)
    value[1]["k"].append(3)
    value.append(4)
    tx.send(value)
    assert rx.recv() == [1, {"k": [2]}]
    assert rx.recv() == [1, {"k": [2, 3]}, 4]


def test_strict_channel_pickles_nothing():
    tx, rx = csp.channel(4, strict=True)
    carrier, carried = csp.channel(1)
    carrier.send(tx)
    there = carried.recv()  # another handle of the same channel
    native = [1, {"k": (2.5, {b"x"})}, bytearray(1), memoryview(b"x")]
    there.send(native)
    assert rx.recv() == native
    for send in (
        there.send,
        there.send_nowait,
        lambda x: there.send_many([x]),
        lambda x: csp.select((there, x)),
    ):
        with pytest.raises(csp.NotShareable, match="strict") as caught:
            send([1, Colour.RED])
        assert caught.value.path == "[1]"
    assert len(rx) == 0


def test_definitions_of_the_script_cross_with_what_is_pickled():
    done = run_isolated("definitions.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "as they were\n"
