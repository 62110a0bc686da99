# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Memory that is lent, shared or handed over: it arrives without a copy where
that is promised, and is released where it belongs."""

import array
import functools
import gc
import io
import operator
import os
import pickle
import sys
import threading
import time
from pathlib import Path

import pytest

import intercsp as csp
import peers
from intercsp import _core
from support import (
    DEADLINE,
    SANITIZED,
    Aside,
    count,
    resident,
    run_isolated,
    until,
    until_waiting,
)

LARGE = 1 << 20
# Debug allocators and others that keep books leave no object to others.
MOVES = not sys.flags.dev_mode and os.environ.get("PYTHONMALLOC") in (
    None,
    "malloc",
    "pymalloc",
)


def through(value):
    tx, rx = csp.channel(1)
    tx.send(value)
    return rx.recv()


def references(box):
    """To what is in a list of one."""
    return sys.getrefcount(box[0])


def none_is_lent():
    gc.collect()
    return _core.lent()["lent"] == 0


# ---- what is lent ----------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: bytes(range(256)) * 4096,
        lambda: "ascii" * 200_000,
        lambda: "通\U0001f9f5é" * 100_000,
        lambda: "\ud800" * 100_000,
    ],
)
def test_large_text_is_copied_once_and_released(make):
    box = [make()]
    refs = references(box)
    assert through(box[0]) == box[0]
    assert through(box) == box
    assert through({"k": (box, box)})["k"][1] == box
    until(none_is_lent)
    assert references(box) == refs


def test_what_is_lent_waits_for_its_receiver():
    tx, rx = csp.channel(4)
    box = [bytes(LARGE)]
    refs = references(box)
    tx.send(box[0])
    tx.send((1, box))
    assert references(box) == refs + 2
    assert rx.recv() == box[0]
    rx.close()  # discards the other
    until(none_is_lent)
    assert references(box) == refs


def test_failed_send_lends_nothing():
    tx, _rx = csp.channel(1)
    tx.send(1)
    box = [bytes(LARGE)]
    refs = references(box)
    with pytest.raises(csp.Full):
        tx.send_nowait(box[0])
    with pytest.raises(csp.Full):
        tx.send_nowait(box)
    with pytest.raises(csp.NotShareable):
        tx.send_nowait([box, csp])
    until(none_is_lent)
    assert references(box) == refs


class Vengeful(bytearray):
    """Changes a list when it dies."""

    def __init__(self, victim):
        super().__init__(10)
        self.victim = victim

    def __del__(self):
        self.victim.clear()


def test_what_comes_back_is_released_before_or_after_a_value_is_encoded():
    victim = []
    for _ in range(5):
        victim[:] = ["x" * LARGE, *(str(i) * 20 for i in range(1000))]
        view = through(csp.share(Vengeful(victim)))
        del view
        assert len(through([victim])[0]) in (0, 1001)


OWNER_IS = {
    "waiting": lambda stop, rx: rx.recv(DEADLINE),
    "sleeping": lambda stop, rx: stop.wait(DEADLINE),
    "computing": lambda stop, rx: all(iter(stop.is_set, True)),
}


@pytest.mark.parametrize("state", OWNER_IS)
def test_owner_gets_back_what_it_lent_whatever_it_does(state):
    """The owner is this interpreter; a process drops what it was sent."""
    tx, rx = csp.channel(8)
    go, gone = csp.channel(1)
    process = csp.spawn(peers.keep_one_by_one, rx, gone)
    values = [bytearray(100) for _ in range(4)]
    for value in values:
        tx.send(csp.share(value))
    del value
    tx.close()
    stop = threading.Event()
    here, nothing = csp.channel(1)

    def watch():
        """No operation of intercsp here but the last, which would drain."""
        go.send("drop them")
        lent = values[:]
        while lent:
            try:
                lent[-1].append(1)  # not while it is lent
                lent.pop()
            except BufferError:
                time.sleep(0.001)  # sleeps: between two looks
        stop.set()
        here.send(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    OWNER_IS[state](stop, nothing)
    watcher.join(DEADLINE)
    assert stop.is_set()
    process.join(DEADLINE)
    until(none_is_lent)


def test_owner_misses_nothing_that_comes_back_while_it_looks():
    """Each send releases what is there, while more is dropped elsewhere."""
    tx, rx = csp.channel(16)
    process = csp.spawn(peers.drop_all, rx)
    view = memoryview(bytearray(10))
    for _ in range(count(20_000)):
        tx.send(view)
    tx.close()
    process.join(DEADLINE)
    until(none_is_lent)


@pytest.mark.parametrize("when", ["before", "after"])
def test_values_outlive_the_interpreter_that_lent_them(when):
    tx, rx = csp.channel(8)
    process = csp.spawn(peers.send_large, tx, LARGE)
    if when == "after":
        got = [rx.recv(DEADLINE) for _ in range(4)]
    process.join(DEADLINE)
    if when == "before":
        got = [rx.recv(DEADLINE) for _ in range(4)]
    block = bytes(range(256)) * (LARGE // 256)
    assert got[0] == block
    assert got[1] == ["x", block]
    assert got[2] == "s" * LARGE
    assert bytes(got[3]) == block
    del got
    with pytest.raises(csp.Closed):
        rx.recv()


def test_result_outlives_its_interpreter():
    process = csp.spawn(peers.large_result, LARGE)
    process.join(DEADLINE)
    assert process.result() == [b"r" * LARGE, "r" * LARGE]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_what_outlives_its_interpreter_is_freed_with_its_last_reader():
    process = csp.spawn(peers.large_result, 100 * LARGE)
    process.join(DEADLINE)
    held = resident()
    del process
    until(lambda: resident() < held - 150 * LARGE)


def has_thread(name):
    def name_of(thread):
        try:
            return Path(f"/proc/self/task/{thread}/comm").read_text().strip()
        except OSError:  # it has ended
            return None

    return name in map(name_of, os.listdir("/proc/self/task"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_interpreter_lingers_while_its_memory_is_read(when):
    """Nobody else notices: it has ended."""
    tx, rx = csp.channel(1)
    reader, writer = os.pipe()
    process = csp.spawn(peers.share_and_end, tx, writer, name="lingers")
    if when == "after":
        view = rx.recv(DEADLINE)
    process.join(DEADLINE)
    assert os.read(reader, 100) == b"thread atexit"
    assert not process.alive
    assert process.result() is None
    assert process.name not in [t.name for t in _core.threads()]
    with pytest.raises(RuntimeError, match="fork"):
        os.fork()  # which would crash
    if when == "before":
        view = rx.recv(DEADLINE)
    assert has_thread("lingers")
    assert bytes(view) == b"shared"
    process.stop()  # does nothing
    assert bytes(view) == b"shared"
    del view
    until(lambda: not has_thread("lingers"))
    os.close(reader)
    os.close(writer)


def test_interpreter_that_lingers_keeps_no_program():
    done = run_isolated("lingers.py")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "shared\n")


# ---- share -----------------------------------------------------------------


def test_shared_memory_is_the_same_memory():
    data = bytearray(b"hello")
    view = through(csp.share(data))
    data[0] = ord("J")
    assert bytes(view) == b"Jello"
    assert view.readonly
    with pytest.raises(TypeError):
        view[0] = 1
    with pytest.raises(BufferError):
        data.append(1)  # it is in use
    del view
    until(none_is_lent)
    data.append(1)


def test_shared_writable_memory_can_be_written_to():
    data = bytearray(5)
    view = through([csp.share(data, writable=True)])[0]
    view[:] = b"there"
    assert data == b"there"
    with pytest.raises(BufferError):
        csp.share(b"constant", writable=True)


@pytest.mark.parametrize(
    "obj",
    [
        b"",
        b"bytes",
        bytearray(),
        array.array("d", [1.5, 2.5]),
        array.array("q"),
        memoryview(bytes(24)).cast("i", [2, 3]),
        memoryview(bytes(24)).cast("b", [1, 2, 3, 4]),
    ],
)
def test_format_and_shape_arrive(obj):
    for message in (csp.share(obj), memoryview(obj)):
        got = through(message)
        view = memoryview(obj)
        assert (got.format, got.shape, got.strides) == (
            view.format,
            view.shape,
            view.strides,
        )
        assert got.tolist() == view.tolist()


def test_what_is_not_in_one_piece_is_refused():
    view = memoryview(bytearray(8))[::2]
    with pytest.raises(BufferError):
        csp.share(view)
    tx, _rx = csp.channel(1)
    with pytest.raises(csp.NotShareable, match="one piece") as caught:
        tx.send([view])
    assert caught.value.path == "[0]"


def test_released_memory_is_refused():
    tx, _rx = csp.channel(1)
    view = memoryview(bytearray(8))
    view.release()
    assert not csp.is_shareable(view)
    for value, path in ((view, ""), ([1, {"k": view}], "[1]['k']")):
        with pytest.raises(csp.NotShareable, match="released") as caught:
            tx.send(value)
        assert caught.value.path == path


def test_what_is_shared_crosses_several_channels():
    data = array.array("i", range(1000))
    tx, there = csp.channel(1)
    back, rx = csp.channel(1)
    process = csp.spawn(peers.echo, there, back)
    tx.send(csp.share(data))
    view = rx.recv(DEADLINE)
    data[7] = -1
    assert view[7] == -1
    assert view.format == "i"
    assert view.readonly
    tx.send(csp.share(data, writable=True))
    assert rx.recv(DEADLINE).readonly  # a bare memoryview is sent read-only
    tx.close()
    process.join(DEADLINE)
    del view
    until(none_is_lent)


class Apart:
    """Its pickle has a buffer beside it."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Apart, (pickle.PickleBuffer(self.data),)


@pytest.mark.parametrize("size", [10, LARGE])
def test_what_is_beside_a_pickle_does_not_change_with_the_sender(size):
    data = bytearray(size)
    tx, rx = csp.channel(1)
    tx.send(Apart(data))
    data[0] = 1
    got = rx.recv().data
    assert bytes(got) == bytes(size)
    got[0] = 2  # it can be written to, as it could be there
    assert data[0] == 1
    tx.send([Apart(bytes(size))])
    kept = rx.recv()[0].data
    assert bytes(kept) == bytes(size)
    assert _core.lent()["lent"] == (size == LARGE)  # not copied
    del kept
    until(none_is_lent)


# ---- Buffer ----------------------------------------------------------------


def test_buffer_is_memory():
    b = csp.Buffer(10)
    assert len(b) == 10
    assert bytes(b) == bytes(10)
    b[0] = 1
    b[1:4] = b"abc"
    assert bytes(b[:5]) == b"\x01abc\0"
    assert b[-1] == 0
    assert io.BytesIO(b"from a file").readinto(b) == 10
    assert bytes(b) == b"from a fil"
    for wrong in (-1, 2**62):
        with pytest.raises((ValueError, MemoryError)):
            csp.Buffer(wrong)
    with pytest.raises(TypeError):
        del b[0]


@pytest.mark.parametrize("size", [0, 1, 4096, 3 << 20])
def test_moved_buffer_is_the_same_memory(size):
    b = csp.Buffer(size)
    b[:] = bytes(range(256)) * (size // 256) + bytes(size % 256)
    data = bytes(b)
    got = through(csp.move(b))
    assert type(got) is csp.Buffer
    assert bytes(got) == data
    for use in (len, bytes, memoryview, lambda b: b[0]):
        with pytest.raises(csp.Moved):
            use(b)
    assert "moved" in repr(b)
    again = through({"k": [csp.move(got)]})["k"][0]
    again[:] = bytes(size)


def test_buffer_in_use_is_not_moved():
    b = csp.Buffer(10)
    view = b[2:4]
    with pytest.raises(BufferError):
        through(csp.move(b))
    view.release()
    assert len(through(csp.move(b))) == 10


def test_buffer_that_was_not_sent_is_kept():
    tx, _rx = csp.channel(1)
    tx.send(1)
    b = csp.Buffer(3)
    for message in (csp.move(b), [csp.move(b)], [csp.move(b), csp]):
        with pytest.raises((csp.Full, csp.NotShareable)):
            tx.send_nowait(message)
    b[0] = 1
    with pytest.raises(csp.NotShareable, match=r"move\(buffer\)"):
        tx.send(b)


def test_buffer_is_shared_until_it_is_moved():
    b = csp.Buffer(4)
    view = through(csp.share(b, writable=True))
    view[0] = 7
    assert b[0] == 7
    with pytest.raises(BufferError):
        through(csp.move(b))
    del view
    until(none_is_lent)
    assert bytes(through(csp.move(b))) == b"\7\0\0\0"


# ---- move ------------------------------------------------------------------


def made(n):
    return os.urandom(n)


def moves(value):
    """Whether a message was moved; and what arrived."""
    moved, copied = _core.moves()
    got = through(value)
    now = _core.moves()
    assert now[0] + now[1] == moved + copied + 1
    return now[0] > moved, got


@pytest.mark.skipif(not MOVES, reason="this allocator keeps books")
def test_temporary_moves():
    assert moves(csp.move(made(5000)))[0]
    assert moves(csp.move(made(3000).hex()))[0]
    assert moves([1, csp.move(made(5000))])[0]
    assert moves(csp.move(bytes(LARGE)))[0]


a_global = made(5000)


class Holder:
    def __init__(self):
        self.data = made(5000)


def an_argument(data):
    return moves(csp.move(data)), data


def a_generator():
    data = made(5000)
    yield moves(csp.move(data)), data


async def a_coroutine():
    data = made(5000)
    return moves(csp.move(data)), data


class Slotted:
    __slots__ = ("data",)

    def __init__(self):
        self.data = made(5000)

    def move(self):
        return moves(csp.move(self.data)), self.data


class WithProperty:
    """Its attribute is what a function returns."""

    def __init__(self):
        self._data = made(5000)

    @property
    def data(self):
        return self._data


class OfTheClass:
    data = made(5000)


def through_a_default(data=made(5000)):  # noqa: B008
    return moves(csp.move(data)), data


def known():
    """Moves of objects that somebody still refers to: (whether it was moved,
    what arrived), the object."""
    a_local = made(5000)
    captured = made(5000)

    def closure():
        return moves(csp.move(captured))

    def of_the_outer_function():
        nonlocal captured
        captured = made(5000)
        return moves(csp.move(captured))

    holder, slotted, lazy = Holder(), Slotted(), WithProperty()
    element = [made(5000)]
    arguments = (made(5000),)
    named = {"k": made(5000)}
    yield moves(csp.move(a_local)), a_local
    yield moves(csp.move(a_global)), a_global
    yield closure(), captured
    yield of_the_outer_function(), captured
    yield moves(csp.move(holder.data)), holder.data
    yield slotted.move()
    yield moves(csp.move(lazy.data)), lazy.data
    yield moves(csp.move(OfTheClass.data)), OfTheClass.data
    yield moves(csp.move(element[0])), element[0]
    yield moves(csp.move(*arguments)), arguments[0]
    yield moves(csp.move(named["k"])), named["k"]
    yield an_argument(made(5000))
    yield through_a_default()
    yield next(a_generator())
    try:
        a_coroutine().send(None)
    except StopIteration as returned:
        yield returned.value
    yield moves(csp.move(walrus := made(5000))), walrus
    yield moves(csp.move(a_local if element else a_global)), a_local
    yield moves(csp.move(element and a_local)), a_local
    for in_a_loop in [made(5000)]:
        yield moves(csp.move(in_a_loop)), in_a_loop
    yield from [(moves(csp.move(x)), x) for x in (made(5000),)]
    yield from ((moves(csp.move(x)), x) for x in (made(5000),))
    yield moves(next(map(csp.move, element))), element[0]
    yield moves(functools.partial(csp.move, a_local)()), a_local
    yield moves(operator.call(csp.move, a_local)), a_local
    yield moves((lambda x: csp.move(x))(a_local)), a_local
    match made(5000):
        case bytes() as matched:
            yield moves(csp.move(matched)), matched
    here = {"csp": csp, "moves": moves, "data": made(5000)}
    exec("got = moves(csp.move(data))", here)
    yield here["got"], here["data"]
    constant = compile("moves(csp.move(%r))" % (b"c" * 5000), "", "eval")
    yield eval(constant, here), constant.co_consts[0]


def test_whatever_is_still_known_is_copied_and_stays_valid():
    for (was_moved, got), kept in known():
        assert not was_moved
        assert got == kept
        assert got is not kept


def test_what_cannot_move_is_sent_as_ever():
    for value in (
        *(b"", b"small", "é" * 5000, 1, None, [1, [2]], {"k": {3}}),
        sys.intern("interned" * 1000),
    ):
        assert moves(csp.move(value)) == (False, value)


def test_move_of_what_is_to_be_moved_is_that():
    m = csp.move(b"x")
    assert csp.move(m) is m
    for _ in range(100_000):
        m = csp.move(m)
    assert through([m]) == [b"x"]


def test_buffer_has_one_owner():
    tx, hub = csp.broadcast(1)
    rx = hub.subscribe()
    b = csp.Buffer(3)
    for message, path in ((csp.move(b), ""), ([1, csp.move(b)], "[1]")):
        with pytest.raises(csp.NotShareable, match="one owner") as caught:
            tx.send(message)
        assert caught.value.path == path
    with pytest.raises(csp.NotShareable, match="one owner"):
        csp.channel(1)[0].poison(csp.move(b))
    holder = Holder()
    holder.data = csp.move(b)
    with pytest.raises(csp.NotShareable, match="one owner"):
        tx.send([1, holder])
    tx.send(csp.share(b))
    b[0] = 1
    assert bytes(rx.recv()) == b"\1\0\0"


def test_what_is_moved_to_many_is_copied_but_for_the_last():
    tx, hub = csp.broadcast(2)
    subscribers = [hub.subscribe() for _ in range(3)]
    tx.send(csp.move(b"".join([b"x" * 5000])))
    tx.send([csp.move(b"".join([b"y" * 5000]))])
    for rx in subscribers:
        assert rx.recv() == b"x" * 5000
        assert rx.recv() == [b"y" * 5000]


def test_move_is_done_once():
    m = csp.move(made(5000))
    full, _rx = csp.channel(1)
    full.send(1)
    for message in (m, [m], [m, csp], [m, m]):
        with pytest.raises((csp.Full, csp.NotShareable, csp.Moved)):
            full.send_nowait(message)
    assert len(through(m)) == 5000
    for message in (m, [m]):
        with pytest.raises(csp.Moved):
            through(message)


def test_moved_objects_are_ordinary():
    for _ in range(200):
        got = through(csp.move(made(5000)))
        assert hash(got) == hash(bytes(bytearray(got)))
        text = through([csp.move(made(2500).hex())])[0]
        assert text.encode().decode() == text
        tx, rx = csp.channel(2)
        tx.send(csp.move(made(5000)))
        tx.send([csp.move(made(5000))])
        rx.close()  # nobody has received them


def test_moves_leave_the_count_of_blocks_as_it_was():
    """A wrong one would keep all memory of an interpreter at its end."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        through(csp.move(made(5000)))
    gc.collect()
    assert abs(sys.getallocatedblocks() - before) < 200


def test_moved_to_and_fro_between_interpreters():
    tx, there = csp.channel(4)
    back, rx = csp.channel(4)
    process = csp.spawn(peers.move_back, there, back)
    for _ in range(100):
        data = made(5000)
        tx.send(csp.move(bytes(bytearray(data))))
        assert rx.recv(DEADLINE) == data
    tx.close()
    process.join(DEADLINE)


@pytest.mark.skipif(not MOVES, reason="nothing moves")
def test_collector_leaves_alone_what_is_being_moved():
    """Its receiver may have freed it before its sender runs again."""
    (tx, there), (go, gone), (tell, told) = (csp.channel(c) for c in (0, 1, 1))
    process = csp.spawn(peers.drop_one_and_tell, gone, there, tell)
    moving = csp.move(bytes(64 << 20))  # so large that its pages go, too
    sending = Aside(tx.send, moving)
    until_waiting(tx)
    assert told.recv(DEADLINE) == "here"
    interval = sys.getswitchinterval()
    end = time.monotonic() + DEADLINE
    try:
        sys.setswitchinterval(DEADLINE)  # the sender does not run meanwhile
        go.send_nowait(1)
        while told.recv_nowait(None) != "gone":
            assert time.monotonic() < end
        gc.collect()
        assert "being moved" in repr(moving)
    finally:
        sys.setswitchinterval(interval)
    sending.result()
    process.join(DEADLINE)


PLAIN = {"PYTHONMALLOC": "", "PYTHONTRACEMALLOC": "", "PYTHONDEVMODE": ""}
# Where who allocates keeps books, all is copied; elsewhere temporaries move.
BUILDS = {
    "default": ({}, [], "there", "100 100"),
    "pymalloc": ({"PYTHONMALLOC": "pymalloc"}, [], "there", "100 100"),
    "malloc": ({"PYTHONMALLOC": "malloc"}, [], "there", "100 100"),
    "debug": ({"PYTHONMALLOC": "debug"}, [], "there", "0 200"),
    "malloc_debug": ({"PYTHONMALLOC": "malloc_debug"}, [], "there", "0 200"),
    "dev": ({}, ["-X", "dev"], "there", "0 200"),
    "tracemalloc": ({}, ["-X", "tracemalloc"], "here", "0 200"),
    "tracemalloc_in_processes": (
        {},
        ["-X", "tracemalloc=5"],
        "there" if sys.version_info >= (3, 15) else "here",  # it hangs alone
        "0 200",
    ),
    "tracemalloc_begins": ({}, [], "traced", "50 150"),
}


@pytest.mark.parametrize("build", BUILDS)
def test_what_moves_depends_on_the_allocator(build):
    variables, options, how, expected = BUILDS[build]
    if SANITIZED and build == "default":
        pytest.skip("the allocator is the sanitizer's")
    done = run_isolated(
        "moves.py",
        how,
        options=options,
        env={**os.environ, **PLAIN, **variables},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{expected}\n"


# ---- what would happen -----------------------------------------------------


def test_is_shareable_tells_what_sending_would_do():
    tx, rx = csp.channel(1)
    some = (lambda: 1, {Holder}, memoryview(b"x"), csp.move(b"x"))
    for yes in (1, [tx, rx], *some):
        assert csp.is_shareable(yes)
    for no in (csp, [1, {"k": csp}], csp.Buffer(1), (1 for _ in ()), [tx, tx]):
        assert not csp.is_shareable(no)
    tx.send(1)  # it was not given away
    assert rx.recv() == 1


def test_explain_says_how_each_element_would_be_sent():
    tx, _rx = csp.channel(1)
    again = [1]
    value = [
        b"x" * LARGE,
        {"k": (csp.share(b"x"), Holder)},
        csp.move(b""),
        tx,
        again,
        again,
        csp,
    ]
    rows = {path: (kind, how) for path, kind, how in csp.explain(value)}
    assert rows[""] == ("list", "native")
    assert rows["[0]"] == ("bytes", "lent")
    assert rows["[1]['k'][0]"] == ("Share", "shared")
    assert rows["[1]['k'][1]"] == ("type", "pickled")
    assert rows["[2]"] == ("Move", "moved")
    assert rows["[3]"] == ("SendChannel", "given away")
    assert rows["[5]"] == ("list", "again")
    assert rows["[6]"][1].startswith("refused: module: cannot be pickled")
    assert not tx.closed
    tx.close()
    ((_, _, how),) = csp.explain(tx)
    assert how.startswith("refused: ")
    again[:] = ["é" * 40_000, [again], again]
    assert [how for _, _, how in csp.explain(again)] == [
        "native",
        "lent",
        "native",
        *["refused: it contains itself"] * 2,
    ]


def test_explain_goes_as_deep_as_sending():
    deep = csp
    for _ in range(50_000):
        deep = [deep]
    path, _, how = csp.explain(deep)[-1]
    assert how.startswith("refused")
    with pytest.raises(csp.NotShareable) as caught:
        csp.channel(1)[0].send(deep)
    assert path == caught.value.path
    while type(deep) is list:
        deep = deep[0]


def test_explain_shows_what_it_can_of_a_key():
    class Key:
        def __repr__(self):
            raise OSError

    value = {Key(): 1, 10**5000: 2}
    assert [path for path, _, _ in csp.explain(value)] == [
        "",
        ".keys()",
        "[...]",
        "[...]",
    ]
