# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Trees that no encoder of ours makes: what C code sends is checked when it is
received. (tests/fuzz tries more, for longer.)"""

import gc
import struct
import sys
from importlib.util import find_spec

import pytest

import intercsp as csp
from support import count
from test_values import frozendict, same

if not find_spec("_ctypes"):
    pytest.skip("there is no ctypes", allow_module_level=True)

import ctypes

# csp/tree.h
NONE, STR, BYTES, TUPLE, LIST, DICT, HANDLE = 0, 9, 10, 11, 12, 13, 14
SET, RANGE, SLICE, REF, PICKLED, OBJECT, VIEW = 17, 20, 21, 22, 23, 24, 25
SHARED = 0x80


class Value(ctypes.Structure):
    _fields_ = (
        ("bits", ctypes.c_uint64),
        ("tag", ctypes.c_uint32),
        ("spare", ctypes.c_uint32),
    )


class Wire:
    """A channel whose values are read and written as the C library has them."""

    def __init__(self):
        self.c = ctypes.CDLL("libintercsp.so.0")
        self.c.csp_value_data.restype = ctypes.c_void_p
        self.tx, self.rx = csp.channel(1)
        self.c_tx, self.c_rx = ctypes.c_void_p(), ctypes.c_void_p()
        for find, end in (
            (self.c.csp_registry_find_tx, self.c_tx),
            (self.c.csp_registry_find_rx, self.c_rx),
        ):
            assert find(ctypes.c_uint64(self.tx.id), ctypes.byref(end)) == 0

    def end(self):
        self.c.csp_tx_unref(self.c_tx)
        self.c.csp_rx_unref(self.c_rx)
        del self.tx, self.rx

    def decode(self, code):
        v = Value()
        made = self.c.csp_tree_new(
            code, ctypes.c_size_t(len(code)), None, 0, ctypes.byref(v)
        )
        assert made == 0
        assert self.c.csp_tx_try_send(self.c_tx, v) == 0
        return self.rx.recv_nowait()

    def encode(self, obj):
        self.tx.send_nowait(obj)
        v, size = Value(), ctypes.c_size_t()
        assert self.c.csp_rx_try_recv(self.c_rx, ctypes.byref(v)) == 0
        at = self.c.csp_value_data(ctypes.byref(v), ctypes.byref(size))
        code = ctypes.string_at(at, size.value)
        self.c.csp_value_unref(ctypes.byref(v))
        return code


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.end()


part, key, name = [1], (1, ("k", frozenset({2}))), "a name " * 20
SAMPLES = [
    [None, True, 1, 300, 70000, 2**40, 1.5, 2j, 2**70, "str"],
    ("é" * 300, b"x" * 300, bytearray(9)),
    [part, part, (part,)],
    {key: {key: {key}}, name: [name, name]},
    [slice(1, [2]), range(9), [[[[]]]], {}, set(), ()],
    *([{"k": frozendict(a=frozendict())}] if frozendict else []),
]


def test_what_is_cut_or_goes_on_is_malformed(wire):
    for sample in SAMPLES:
        code = wire.encode(sample)
        assert same(wire.decode(code), sample)
        for n in range(1, len(code)):
            with pytest.raises(ValueError, match="malformed"):
                wire.decode(code[:n])
        with pytest.raises(ValueError, match="malformed"):
            wire.decode(code + b"\0")


def many(op, n, *items):
    return bytes([op, 255]) + struct.pack("Q", n) + b"".join(items)


def one(op, *items):
    return bytes([op, len(items), *b"".join(items)])


def ref(back):
    return bytes([REF, back])


EMPTY = bytes([NONE])
A_TUPLE = one(TUPLE, EMPTY)


def in_a_key(code, n):
    for _ in range(n):
        code = one(TUPLE, code)
    return bytes([DICT, 1, *code, NONE])


BROKEN = {
    "no_such_op": b"\x7f",
    "no_such_handle": bytes([HANDLE, 0]),
    "no_such_object": bytes([OBJECT, 0]),
    "more_elements_than_bytes": many(LIST, 2**60, EMPTY),
    "more_bytes_than_there_are": many(BYTES, 2**63, b"x"),
    "range_of_two": one(RANGE, EMPTY, EMPTY),
    "slice_of_four": one(SLICE, *4 * [EMPTY]),
    "pickle_of_nothing": one(PICKLED, EMPTY),
    "pickle_of_no_bytes": one(PICKLED, EMPTY, EMPTY),
    "view_of_nothing": one(VIEW, EMPTY),
    "view_of_no_buffer": one(VIEW, EMPTY, bytes([STR, 1, 66])),
    "ref_to_nothing": one(LIST, EMPTY, ref(1)),
    "ref_before_the_beginning": one(LIST, ref(200)),
    "ref_to_what_is_not_shared": one(LIST, A_TUPLE, ref(len(A_TUPLE))),
    "ref_to_what_it_stands_in": bytes([LIST | SHARED, 1]) + ref(2),
    "ref_into_a_key": one(
        LIST, bytes([TUPLE | SHARED, 1, 0]), one(SET, ref(5))
    ),
    "key_nested_too_deeply": in_a_key(EMPTY, 102),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_breaks_the_rules_is_malformed(wire, how):
    with pytest.raises(ValueError, match="malformed"):
        wire.decode(BROKEN[how])


def test_what_just_keeps_the_rules_is_decoded(wire):
    shared = bytes([TUPLE | SHARED, 1, 0])
    got = wire.decode(one(LIST, shared, one(LIST, ref(5))))
    assert got == [(None,), [(None,)]]
    assert got[0] is got[1][0]
    assert len(wire.decode(in_a_key(EMPTY, 100))) == 1
    with pytest.raises(TypeError, match="unhashable"):
        wire.decode(one(SET, one(LIST)))


def test_nothing_is_left_of_what_was_refused(wire):
    codes = [wire.encode(sample) for sample in SAMPLES]
    grown = []  # what leaks does so each time, caches now and then
    for _ in range(3):
        gc.collect()
        before = sys.getallocatedblocks()
        for code in codes:
            for n in range(1, len(code), 3):
                with pytest.raises(ValueError, match="malformed"):
                    wire.decode(code[:n])
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)
    assert min(grown) < 100, grown


def test_mutations_are_decoded_or_refused(wire, rng):
    codes = [wire.encode(sample) for sample in SAMPLES]
    refused = 0
    for _ in range(count(3000)):
        code = bytearray(rng.choice(codes))
        for _ in range(rng.randrange(1, 4)):
            byte = rng.choice(
                (0, 1, 255, rng.randrange(256), rng.randrange(28))
            )
            if byte & ~SHARED != PICKLED:  # a pickle may do anything
                code[rng.randrange(len(code))] = byte
        try:
            repr(wire.decode(bytes(code)))
        except (ValueError, TypeError, OverflowError):
            refused += 1
    assert refused > 100
    assert wire.decode(codes[0]) == SAMPLES[0]
