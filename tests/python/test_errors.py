# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The exceptions: which there are, what they derive from, what they say."""

import asyncio
import pickle
import queue
import subprocess
import sys

import pytest

import intercsp as csp
import jobs
from intercsp import _core
from support import DEADLINE, until

NAMES = [
    "Cancelled",
    "Closed",
    "Empty",
    "EndClosed",
    "Error",
    "Full",
    "Moved",
    "NotShareable",
    "Poisoned",
    "RemoteError",
    "StopFailed",
    "Stopped",
]


def test_every_status_of_the_core_has_an_exception():
    without = {name for name, kind in _core.statuses().items() if kind is None}
    # what is interrupted ends in the exception of the signal's handler
    assert without == {"CSP_EINTERRUPTED"}


def test_statuses_are_raised_as_what_the_documentation_says():
    documented = {
        "CSP_ECLOSED": csp.Closed,
        "CSP_EENDCLOSED": csp.EndClosed,
        "CSP_EMOVED": csp.Moved,
        "CSP_EFULL": csp.Full,
        "CSP_EEMPTY": csp.Empty,
        "CSP_EPOISONED": csp.Poisoned,
        "CSP_ECANCELLED": csp.Cancelled,
        "CSP_ETIMEOUT": TimeoutError,
        "CSP_ENOMEM": MemoryError,
    }
    found = _core.statuses()
    assert {name: found[name] for name in documented} == documented
    assert {found[name] for name in found.keys() - documented.keys()} <= {
        csp.Error,
        None,
    }


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (csp.Error, (Exception,)),
        (csp.Closed, (csp.Error,)),
        (csp.EndClosed, (csp.Error, ValueError)),
        (csp.Moved, (csp.Error, ValueError)),
        (csp.Poisoned, (csp.Error,)),
        (csp.Empty, (csp.Error, queue.Empty)),
        (csp.Full, (csp.Error, queue.Full)),
        (csp.NotShareable, (csp.Error, TypeError)),
        (csp.RemoteError, (csp.Error,)),
        (csp.StopFailed, (csp.Error,)),
        (csp.Stopped, (csp.Error,)),
        (csp.Cancelled, (BaseException,)),
    ],
)
def test_exception_derives_from(kind, bases):
    assert kind.__bases__ == bases


def test_end_closed_and_moved_are_no_closed():
    assert not issubclass(csp.EndClosed, csp.Closed)
    assert not issubclass(csp.Moved, csp.Closed)


def test_cancelled_passes_through_except_exception():
    assert not issubclass(csp.Cancelled, Exception)
    tx, rx = csp.channel(1)
    told, names = csp.channel(1)
    process = csp.spawn(jobs.receive_whatever_happens, rx, told)
    until(lambda: tx.stats().waiting_rx)
    process.stop()
    assert names.recv(DEADLINE) == "Cancelled"
    with pytest.raises(csp.Stopped):
        process.result()


@pytest.mark.parametrize("name", NAMES)
def test_exception_is_called_what_users_write(name):
    kind = getattr(csp, name)
    assert f"{kind.__module__}.{kind.__qualname__}" == f"intercsp.{name}"
    assert kind.__doc__
    assert name in csp.__all__


@pytest.mark.parametrize("name", NAMES)
def test_exception_survives_pickle(name):
    error = getattr(csp, name)("why")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.args == ("why",)


def test_path_of_what_cannot_be_sent_survives_pickle():
    tx, _rx = csp.channel(1)
    with pytest.raises(csp.NotShareable) as caught:
        tx.send([1, {"user": csp}])
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is csp.NotShareable
    assert again.path == "[1]['user']"
    assert str(again) == str(caught.value)


def test_errors_of_operations_survive_pickle():
    tx, rx = csp.channel(1, name="orders")
    calls = [rx.recv_nowait, lambda: rx.recv(0), lambda: tx.send(csp)]
    tx2, _rx2 = csp.channel(1)
    tx2.send(tx.clone())
    calls.append(lambda: tx2.send_nowait(1))
    moved = tx.clone()
    with pytest.raises(csp.Moved):
        tx2.send((moved, moved))
    closed = tx.clone()
    closed.close()
    calls.append(lambda: closed.send(1))
    for call in calls:
        with pytest.raises((csp.Error, TimeoutError)) as caught:
            call()
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is type(caught.value)
        assert again.args == caught.value.args


def test_errors_can_be_raised_and_derived_from_by_users():
    class Special(csp.Closed):
        pass

    def fail():
        raise Special("mine", 1)

    with pytest.raises(csp.Closed) as caught:
        fail()
    assert caught.value.args == ("mine", 1)


def test_moved_names_the_remedy():
    tx, rx = csp.channel(2, name="orders")
    given, _ = csp.channel(1, name="gift")
    tx.send(given)
    with pytest.raises(csp.Moved, match=r"'gift'.*clone\(\)"):
        given.send(1)
    with pytest.raises(csp.Moved, match=r"'gift'.*clone\(\)"):
        tx.send(given)
    with pytest.raises(csp.Moved, match=r"'orders'.*clone\(\)"):
        tx.send((rx, rx))


def test_messages_name_the_channel():
    tx, rx = csp.channel(1, name="orders")
    tx.send(1)
    for kind, call in [
        (csp.Full, lambda: tx.send_nowait(2)),
        (TimeoutError, lambda: tx.send(2, 0)),
        (TimeoutError, lambda: tx.send(2, timeout=0.001)),
    ]:
        with pytest.raises(kind, match="'orders'"):
            call()
    assert rx.recv() == 1
    with pytest.raises(csp.Empty, match="'orders'"):
        rx.recv_nowait()
    tx.close()
    with pytest.raises(csp.EndClosed, match="'orders'"):
        tx.send(1)
    for call in (rx.recv, rx.recv_nowait, lambda: rx.recv(0)):
        with pytest.raises(csp.Closed, match="'orders'"):
            call()
    rx.close()
    with pytest.raises(csp.EndClosed, match="'orders'"):
        rx.recv()
    with pytest.raises(csp.EndClosed, match="'orders'"):
        rx.clone()


class Sour:
    """What cannot be made again."""

    def __reduce__(self):
        return int, ("sour",)


@pytest.mark.parametrize(
    "receive",
    [
        lambda rx: rx.recv(),
        lambda rx: rx.recv_nowait(),
        lambda rx: rx.recv_many(3),
        next,
        csp.select,
        lambda rx: csp.Selector(rx).wait(),
        lambda rx: asyncio.run(csp.aselect(rx)),
        lambda rx: rx.arecv().send(None),
    ],
)
def test_error_of_a_value_that_cannot_be_made_names_the_channel(receive):
    tx, rx = csp.channel(3, name="orders")
    tx.send(Sour())
    with pytest.raises(ValueError, match="sour") as caught:
        receive(rx)
    assert "'orders'" in "".join(caught.value.__notes__)
    assert len(rx) == 0


def test_an_exception_made_at_first_use_is_made_once():
    """Another thread may need it while its base is imported."""
    text = """if True:
        import builtins
        from intercsp import _core

        def other(name, *args, **kwargs):
            if name == "queue" and not first:
                first.append(None)
                first[0] = _core.Full
            return real(name, *args, **kwargs)

        first, real, builtins.__import__ = [], builtins.__import__, other
        assert _core.Full is first[0]
        """
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


def test_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = csp.nonsense
