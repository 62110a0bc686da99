# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Actors: messages in order, answers or errors for every call, an end when
nobody refers to them; and supervisors, which start them again."""

import asyncio
import random
import threading
from decimal import Decimal

import pytest

import intercsp as csp
from actors import Clinger, Counter, Fragile, Front, Keeper, Log, Witness
from intercsp import _core
from support import DEADLINE, SEED, Aside, count, until


def no_process_is_left():
    return not _core.threads()


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    until(no_process_is_left, "the end of all actors")


# ---- calls ----


def test_calls_answer():
    with Counter.start(10) as counter:
        assert counter.add(5) == 15
        assert counter.add(k=1) == 16
        assert counter.name == "Counter"
        assert counter.alive


def test_an_actor_has_an_interpreter_of_its_own():
    with Counter.start() as one, Counter.start() as other:
        assert one.thread()[0] != other.thread()[0]
        assert one.thread() == one.thread()


def test_errors_of_calls_come_back_and_the_actor_goes_on():
    with Counter.start(1) as counter:
        with pytest.raises(LookupError, match="as asked") as caught:
            counter.fail()
        assert isinstance(caught.value.__cause__, csp.RemoteError)
        with pytest.raises(TypeError):
            counter.add("x")
        with pytest.raises(csp.NotShareable):
            counter.refuse()
        assert counter.add(0) == 1


def test_arguments_that_cannot_be_made_there_are_an_error_of_their_call():
    with Counter.start(1) as counter:
        with pytest.raises(ValueError, match="not a number"):
            counter.add(Fragile())
        assert counter.add(k=Decimal(2)) == 3
        told = counter.monitor()
        counter.add.cast(Fragile())
        assert isinstance(told.recv(DEADLINE), ValueError)


def test_casts_are_worked_off_in_order():
    with Log.start() as log:
        for i in range(100):
            log.write.cast(i)
        assert log.read() == list(range(100))


def test_answers_may_be_fetched_later():
    with Counter.start() as counter:
        asks = [counter.add.ask(1) for _ in range(10)]
        assert [ask.result(DEADLINE) for ask in asks] == list(range(1, 11))
        assert asks[0].result() == 1
        assert asks[0].done
        failing = counter.fail.ask()
        for _ in range(2):
            with pytest.raises(LookupError):
                failing.result()


def test_answers_are_cases():
    with Counter.start(1) as counter:
        ask = counter.add.ask(1)
        chosen = csp.select(ask, csp.after(DEADLINE))
        assert chosen.end is ask
        assert chosen.value == 2
        assert ask.result() == 2
        with pytest.raises(LookupError) as caught:
            csp.select(csp.after(DEADLINE), counter.fail.ask())
        assert caught.value.index == 1


def test_answers_are_cases_of_a_selector():
    with Counter.start(1) as counter:
        asks = [counter.add.ask(1), counter.fail.ask(), counter.add.ask(1)]
        asks.append(counter.exit.ask(1))
        found = {}
        with csp.Selector(*asks) as selector:
            while len(found) < len(asks):
                try:
                    end, value = selector.wait(DEADLINE)
                except (LookupError, csp.ActorEnded) as error:
                    end, value = error.end, type(error)
                assert found.setdefault(end, value) is value
            assert list(selector) == []
        expected = [2, LookupError, 3, csp.ActorEnded]
        assert [found[ask] for ask in asks] == expected
        assert csp.select(asks[2]).value == 3  # as result() does, again
        with pytest.raises(LookupError):
            csp.select(asks[1])


def test_answers_can_be_awaited():
    async def ask(counter):
        answers = await asyncio.gather(
            *(asyncio.ensure_future(get(counter.add.ask(1))) for _ in range(9))
        )
        with pytest.raises(LookupError):
            await counter.fail.ask()
        return answers

    async def get(ask):
        return await ask

    with Counter.start() as counter:
        assert asyncio.run(ask(counter)) == list(range(1, 10))


def test_a_deadline_bounds_a_call():
    go, wait = csp.channel(1)
    with Counter.start() as counter:
        with pytest.raises(TimeoutError), csp.deadline(0.01):
            counter.wait(wait)
        with pytest.raises(TimeoutError):
            counter.add.ask(1).result(timeout=0.01)
        go.send(None)
        assert counter.add(1) == 2


def test_unknown_methods_are_refused_here():
    with Counter.start() as counter:
        for name in ("nothing", "_private", "n", "start", "__len__"):
            with pytest.raises(AttributeError):
                getattr(counter, name)
        assert set(dir(counter)) > {"add", "fail"}


def test_names_of_references_cannot_be_methods():
    with pytest.raises(TypeError, match=r"Bad\.stop"):

        class Bad(csp.Actor):
            def stop(self):
                pass


# ---- references ----


def test_references_travel():
    with Counter.start(1) as counter, Front.start(counter) as front:
        assert front.twice(1) == 3
        assert counter.add(0) == 3
        assert front.give() == counter
        assert hash(front.give()) == hash(counter)
        assert front != counter
        tx, rx = csp.channel(1)
        tx.send({"to": counter})
        assert rx.recv()["to"].add(1) == 4


def test_an_actor_ends_with_its_last_reference():
    tx, rx = csp.channel(1)
    log = Log.start(tx)
    log.write.cast("one")
    with log:
        pass
    assert rx.recv(DEADLINE) == ["one"]
    with pytest.raises(csp.EndClosed):
        log.read()


def test_stop_comes_after_what_was_sent_before():
    tx, rx = csp.channel(1)
    log = Log.start(tx)
    for i in range(50):
        log.write.cast(i)
    log.stop()
    assert rx.recv(DEADLINE) == list(range(50))
    until(lambda: not log.alive)
    with pytest.raises(csp.ActorEnded):
        log.read()
    with pytest.raises(csp.ActorEnded):
        log.write.cast(1)
    log.stop()


def test_an_error_while_it_is_made():
    with pytest.raises(ValueError, match="no start"):
        Counter.start(None)


def test_calls_to_what_has_ended_end():
    counter = Counter.start()
    asks = [counter.fail.ask("first"), counter.exit.ask(3), counter.add.ask(1)]
    with pytest.raises(LookupError, match="first"):
        asks[0].result(DEADLINE)
    for ask in asks[1:]:
        with pytest.raises(csp.ActorEnded):
            ask.result(DEADLINE)
        with pytest.raises(csp.ActorEnded):
            csp.select(ask)


# ---- monitors and links ----


def test_monitors_tell_how_it_ended():
    counter = Counter.start()
    told = counter.monitor()
    counter.stop()
    assert told.recv(DEADLINE) is None
    counter = Counter.start()
    first, second = counter.monitor(), counter.monitor()
    counter.fail.cast("for all")
    for told in (first, second):
        assert isinstance(told.recv(DEADLINE), LookupError)
    until(lambda: not counter.alive)
    assert list(counter.monitor()) == []


def test_monitors_tell_of_what_cannot_be_sent():
    counter, other = Counter.start(), Counter.start()
    csp.link(other, counter)
    assert counter.add(0) == other.add(0) == 0  # they know of each other
    told, of_other = counter.monitor(), other.monitor()
    counter.fail_oddly.cast()
    assert isinstance(told.recv(DEADLINE), csp.NotShareable)
    assert isinstance(of_other.recv(DEADLINE), csp.ActorEnded)


def test_linked_actors_end_together():
    one, other = Counter.start(), Counter.start()
    csp.link(one, other)
    assert one.add(1) == other.add(1)
    told = other.monitor()
    one.fail.cast()
    error = told.recv(DEADLINE)
    assert isinstance(error, csp.ActorEnded)


def test_an_ordinary_end_ends_no_link():
    one, other = Counter.start(), Counter.start()
    csp.link(one, other)
    told = one.monitor()
    one.stop()
    assert told.recv(DEADLINE) is None
    assert other.add(1) == 1
    assert other.add(1) == 2
    other.close()
    one.close()


# ---- supervisors ----


def test_what_fails_is_started_again():
    with csp.supervise(max_restarts=9) as sup:
        counter = sup.start(Counter, 10)
        assert counter.add(1) == 11
        counter.fail.cast()
        assert counter.add(1) == 11
        with pytest.raises(csp.ActorEnded):
            counter.exit(3)
        assert counter.add(2) == 12
        with pytest.raises(csp.ActorEnded):
            counter.exit(0)
        assert counter.add(3) == 13


def test_what_is_stopped_from_outside_is_started_again():
    with csp.supervise(max_restarts=9) as sup:
        counter = sup.start(Keeper, 10)
        number, _ = counter.thread()
        assert counter.add(1) == 11
        (thread,) = [t for t in _core.threads() if t.id == number]
        thread.stop()
        assert counter.add(1) == 12
        assert counter.thread()[0] != number


def test_state_is_handed_on():
    with csp.supervise(max_restarts=9) as sup:
        counter = sup.start(Keeper, 10)
        counter.add(5)
        counter.fail.cast()
        counter.add.cast(1)
        with pytest.raises(csp.ActorEnded):
            counter.exit(1)
        assert counter.add(1) == 17


def test_what_cannot_be_handed_on_is_told_all_the_same():
    with csp.supervise(max_restarts=9) as sup:
        clinger = sup.start(Clinger, 1)
        told = clinger.monitor()
        clinger.fail.cast()
        assert isinstance(told.recv(DEADLINE), LookupError)
        assert clinger.add(1) == 2


@pytest.mark.parametrize(
    ("strategy", "fresh"),
    [
        ("one_for_one", [False, True, False]),
        ("one_for_all", [True, True, True]),
        ("rest_for_one", [False, True, True]),
    ],
)
def test_strategies(strategy, fresh):
    with csp.supervise(strategy, max_restarts=9) as sup:
        counters = [sup.start(Counter, 0) for _ in range(3)]
        for counter in counters:
            counter.add(1)
        with pytest.raises(csp.ActorEnded):
            counters[1].exit(1)
        counters[1].add(0)
        assert [c.add(1) for c in counters] == [1 if f else 2 for f in fresh]


def test_too_many_restarts_end_all():
    def fail():
        with csp.supervise(max_restarts=2, within=60) as sup:
            counter = sup.start(Counter, 0)
            other = sup.start(Counter, 0)
            for _ in range(3):
                counter.fail.cast("the reason")
            with pytest.raises(csp.ActorEnded):
                counter.add(1)
            until(lambda: not other.alive)
            with pytest.raises(csp.Error):
                sup.start(Counter)

    with pytest.raises(csp.RestartsExceeded, match="Counter") as caught:
        fail()
    assert "the reason" in str(caught.value.__cause__)


def test_a_call_to_what_failed_too_often_says_so():
    def fail():
        with csp.supervise(max_restarts=0) as sup:
            counter = sup.start(Counter, 0)
            counter.fail.cast("the reason")
            counter.add(1)

    with pytest.raises(csp.RestartsExceeded) as caught:
        fail()
    assert "the reason" in str(caught.value.__cause__)
    assert isinstance(caught.value.__context__, csp.ActorEnded)


def test_the_end_waits_for_messages():
    tx, rx = csp.channel(1)
    with csp.supervise() as sup:
        log = sup.start(Log, tx)
        for i in range(20):
            log.write.cast(i)
    assert rx.recv(DEADLINE) == list(range(20))
    with pytest.raises(csp.ActorEnded):
        log.read()


def test_an_error_of_the_body_stops_all():
    go, wait = csp.channel(1)

    def fail():
        with csp.supervise() as sup:
            sup.start(Counter).wait.cast(wait)
            raise OSError("of the body")

    with pytest.raises(OSError, match="of the body"):
        fail()
    assert go.finished


def test_supervised_errors_while_it_is_made():
    with csp.supervise() as sup:
        with pytest.raises(ValueError, match="no start"):
            sup.start(Counter, None)
        with pytest.raises(csp.NotShareable):
            sup.start(Counter, lambda: sup)
        assert sup.start(Counter, 1).add(1) == 2


@pytest.mark.parametrize(
    "options", [{"strategy": "none"}, {"max_restarts": -1}, {"within": 0}]
)
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=r"strategy|negative"):
        csp.supervise(**options)


def call_until(over, counter, who, answered):
    """Call without a pause: each call is answered, or says that it is not."""
    n = 0
    while not over.is_set():
        n += 1
        try:
            assert counter.note(who, n) == (who, n)
        except csp.ActorEnded:
            continue
        answered.append((who, n))


def end_somehow(witness, rng):
    how = rng.choice(["fail", "exit", "stop"])
    if how == "fail":
        witness.fail.cast()
    elif how == "exit":
        witness.exit.cast(rng.randrange(2))
    else:
        number = witness.thread()
        (thread,) = [t for t in _core.threads() if t.id == number]
        thread.stop()


def test_no_call_is_lost_without_an_error_and_order_is_kept():
    """An actor that ends at random under load."""
    rng = random.Random(SEED)
    lives_tx, lives = csp.channel(1)
    log_tx, log = csp.channel(csp.UNBOUNDED)
    over = threading.Event()
    answered = [], [], []
    with csp.supervise(max_restarts=10**6, spare=2) as sup:
        witness = sup.start(Witness, lives_tx, log_tx)
        callers = [
            Aside(call_until, over, witness, who, answered[who])
            for who in range(3)
        ]
        for _ in range(count(12)):
            assert lives.recv(DEADLINE) == "made"
            end_somehow(witness, rng)
        assert lives.recv(DEADLINE) == "made"
        over.set()
        for caller in callers:
            caller.result()
    noted = list(log)
    for who in range(3):
        mine = [note for note in noted if note[0] == who]
        assert mine == sorted(set(mine)), SEED
        assert set(answered[who]) <= set(mine), SEED
        assert answered[who], SEED
