# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Values that Hypothesis makes up arrive exactly as they were."""

import collections
import dataclasses
import decimal
import enum
import fractions
import gc
import os
import sys
import tempfile
import types
from typing import Any

import pytest

import intercsp as csp
import peers
from intercsp import _core
from support import DEADLINE, SCALE, SEED, count
from test_values import detail, frozendict, same

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, configuration, given, seed, settings
from hypothesis import strategies as st

# It keeps notes for later runs; not in the source tree.
configuration.set_hypothesis_home_dir(tempfile.gettempdir())

# ---- values ----------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Record:
    name: str
    items: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    key: Any


class Numbers(list):
    """A subclass, which must arrive as that."""


class Complaint(Exception):
    """An exception with a state of its own."""

    def __init__(self, text, details):
        super().__init__(text, details)
        self.more = details


def error(kind, args, note, cause, hidden):
    made = kind(*args)
    if note is not None:
        made.add_note(note)
    made.__cause__ = cause
    made.__suppress_context__ = hidden or cause is not None
    return made


def deep(x, n, kind):
    for _ in range(n):
        x = {"k": x} if kind is dict else kind((x,))
    return x


def view(data, kind):
    size = len(data) // 8 * 8
    made = memoryview(data[:size]).cast(kind)
    return (
        made.cast("B").cast(kind, [2, len(made) // 2]) if size == 64 else made
    )


def send_end(_):
    return csp.channel(2)[0]


def receive_end(_):
    return csp.channel(2)[1]


text = st.text(st.characters(), max_size=8)  # surrogates too
names = st.sampled_from(["name", "id", "a long name that is used often" * 3])
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | text
    | names
    | st.binary(max_size=12)
    | st.sampled_from([*Colour, *Level]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(inner, max_size=3)
        | st.builds(Point, inner, inner)
        | st.builds(Frozen, inner)
    ),
    max_leaves=3,
)
ends_of_range = st.integers(-(2**70), 2**70)
ranges = st.builds(
    range, ends_of_range, ends_of_range, ends_of_range.filter(bool)
)
views = st.builds(
    view, st.binary(max_size=80) | st.just(bytes(64)), st.sampled_from("bIqd")
)
atoms = (
    hashable
    | st.integers(-(2**600), 2**600)
    | st.complex_numbers()
    | st.binary(max_size=12).map(bytearray)
    | st.sets(hashable, max_size=4)
    | ranges
    | views
    | st.decimals()
    | st.datetimes()
    | st.builds(fractions.Fraction, st.integers(), st.integers(1))
    | st.sampled_from([Record, Colour, len, int, csp.channel])
)
large = st.builds(
    lambda x, n: (x or x + x[:0]) * n,
    text | st.binary(max_size=9),
    st.just(9999),
)
kinds_of_error = st.sampled_from([ValueError, KeyError, OSError, StopIteration])


def containers(inner):
    frozen = [st.dictionaries(hashable, inner, max_size=3).map(frozendict)]
    causes = st.none() | st.builds(ValueError, inner)
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(hashable, inner, max_size=3),
        st.builds(slice, inner, inner, inner),
        inner.map(lambda x: [x, (x, x), {"again": x}]),
        st.builds(Record, text, inner),
        st.lists(inner, max_size=3).map(Numbers),
        st.lists(inner, max_size=3).map(collections.deque),
        st.dictionaries(text, inner, max_size=2).map(collections.OrderedDict),
        st.builds(
            error,
            kinds_of_error,
            st.lists(inner, max_size=3),
            st.none() | text.filter(is_utf8),
            causes,
            st.booleans(),
        ),
        st.builds(Complaint, text, inner),
        pairs.map(lambda p: ExceptionGroup("both", [*map(ValueError, p)])),
        st.builds(
            deep,
            inner,
            st.integers(1, 300),
            st.sampled_from([list, tuple, dict]),
        ),
        *(frozen if frozendict else []),
    )


def is_utf8(text):
    return not any("\ud800" <= char <= "\udfff" for char in text)


values = st.recursive(atoms, containers, max_leaves=12)
# Ends can be in a value once, and are given away.
ends = st.none().map(send_end) | st.none().map(receive_end)
with_ends = st.tuples(values, st.lists(ends, max_size=3), ends, large).map(
    lambda v: [v[0], {"k": v[1], "v": (v[2],)}, v[3]]
)


# ---- whether they are the same ---------------------------------------------


def parts(x):
    """What an object consists of, as something that can be compared."""
    kind = type(x)
    if kind in (csp.SendChannel, csp.RecvChannel):
        return x.id
    if kind is memoryview:
        return x.format, x.shape, x.tobytes()
    if isinstance(x, BaseException):
        if isinstance(x, BaseExceptionGroup):
            return x.message, x.exceptions
        details = vars(x), x.__cause__, x.__suppress_context__
        return x.args, details, getattr(x, "__notes__", None)
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return [getattr(x, f.name) for f in dataclasses.fields(x)]
    if kind in (Point, Numbers, collections.deque):
        return [*x]
    if kind is collections.OrderedDict:
        return {**x}
    if kind is decimal.Decimal:
        return x.as_tuple()
    return None


CONTAINERS = (tuple, list, set, frozenset, dict, slice, frozendict)


def elements(x):
    if type(x) in (set, frozenset):
        return in_order(x)
    if type(x) is slice:
        return x.start, x.stop, x.step
    if type(x) in (tuple, list):
        return x
    return [*x, *x.values()]  # the order of the keys counts


def in_order(elements):
    return sorted(elements, key=detailed)


def detailed(x):
    """What can be in a set as text that does not depend on any order."""
    if type(x) is frozenset:
        return f"frozenset {sorted(map(detailed, x))}"
    if isinstance(x, tuple):
        return f"{type(x).__name__} {[*map(detailed, x)]}"
    return f"Frozen {detailed(x.key)}" if type(x) is Frozen else detail(x)


def alike(a, b):
    """Whether b is what a was: in type, in every detail, and in which of its
    parts are the same object."""
    stack, there = [(a, b)], {}
    while stack:
        a, b = stack.pop()
        if type(a) is not type(b):
            return False
        if type(a) in CONTAINERS or parts(a) is not None:
            if id(a) in there:
                if there[id(a)][1] is not b and has_identity(a):
                    return False
                continue
            there[id(a)] = a, b  # kept, or another could have its id
            if type(a) in CONTAINERS:
                if len_of(a) != len_of(b):
                    return False
                stack += zip(elements(a), elements(b), strict=True)
            else:
                stack.append((parts(a), parts(b)))
        elif not same(a, b):
            return False
    return True


def has_identity(x):
    return isinstance(x, list | dict | set) and type(x) in CONTAINERS


def len_of(x):
    return 3 if type(x) is slice else len(x)


# ---- what is tested --------------------------------------------------------

ordinary = settings(
    max_examples=100_000 if SCALE >= 20 else count(2000),
    deadline=None,
    database=None,
    derandomize="INTERCSP_SEED" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
some = settings(ordinary, max_examples=ordinary.max_examples // 8)

# Hypothesis itself counts references in a way that 3.14 has changed.
pytestmark = pytest.mark.filterwarnings(
    "ignore::hypothesis.errors.HypothesisWarning"
)


def run(check):
    if "INTERCSP_SEED" in os.environ:
        check = seed(SEED)(check)
    check()


@pytest.mark.parametrize("with_", [values, with_ends], ids=["plain", "ends"])
def test_any_value_arrives_as_it_was(with_):
    there, rx = csp.channel(1)
    tx, far = csp.channel(1)
    process = csp.spawn(peers.echo, far, there)
    here_tx, here_rx = csp.channel(1)

    @(ordinary if with_ is values else some)
    @given(with_)
    def check(value):
        here_tx.send(value)
        got = here_rx.recv()
        assert alike(value, got)
        tx.send(got)  # ends that were given away cannot be sent again
        assert alike(value, rx.recv(DEADLINE))

    run(check)
    tx.close()
    process.join(DEADLINE)


class Refused:
    def __reduce__(self):
        raise RuntimeError("not today")


def hidden(inner):
    """A value with one that was refused somewhere in it."""
    others = st.lists(values, max_size=2)
    return st.one_of(
        st.tuples(others, inner, others).map(lambda v: [*v[0], v[1], *v[2]]),
        st.tuples(others, inner).map(lambda v: (*v[0], v[1])),
        st.tuples(values, inner).map(lambda v: {"other": v[0], "user": v[1]}),
        st.tuples(inner, values).map(lambda v: slice(v[0], v[1])),
    )


refused = st.sampled_from([Refused(), csp, (1 for _ in ()), csp.Buffer(1)])
impossible = st.recursive(refused, hidden, max_leaves=3)


def all_parts(value):
    """The objects in value, each once; they stay as long as the list does."""
    found, stack = {}, [value]
    while stack:
        x = stack.pop()
        if id(x) not in found:
            found[id(x)] = x
            if type(x) in CONTAINERS and type(x) is not slice:
                stack += elements(x)
    return [*found.values()]


def test_what_cannot_be_sent_is_named_and_nothing_has_changed():
    tx, rx = csp.channel(1)

    def try_it(value):
        try:
            tx.send_nowait(value)
        except csp.NotShareable as error:
            return error.path
        raise AssertionError("it was sent")

    @some
    @given(impossible)
    def check(value):
        found = all_parts(value)
        gc.disable()  # garbage of earlier values refers to some of the parts
        try:
            before = [sys.getrefcount(x) for x in found]
            path = try_it(value)
            _core.lent()  # what was lent to the value has come back
            after = [sys.getrefcount(x) for x in found]
        finally:
            gc.enable()
        assert after == before
        assert len(rx) == 0
        if "[...]" not in path:
            culprit = eval(f"value{path}", {"value": value})
            assert isinstance(culprit, CULPRITS)

    run(check)
    tx.send("the channel is as it was")
    assert rx.recv() == "the channel is as it was"


CULPRITS = (Refused, type(csp), types.GeneratorType, csp.Buffer)
