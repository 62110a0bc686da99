# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The exceptions: which there are, what they derive from, what they say."""

import pickle
import queue

import pytest

import intercsp as csp
from intercsp import _core

NAMES = [
    "Cancelled",
    "Closed",
    "Empty",
    "EndClosed",
    "Error",
    "Full",
    "Moved",
    "NotShareable",
    "RemoteError",
    "StopFailed",
    "Stopped",
]


def test_every_status_of_the_core_has_an_exception():
    without = {name for name, kind in _core.statuses().items() if kind is None}
    # what is interrupted ends in the exception of the signal's handler
    assert without == {"CSP_EINTERRUPTED"}


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (csp.Error, (Exception,)),
        (csp.Closed, (csp.Error,)),
        (csp.EndClosed, (csp.Error, ValueError)),
        (csp.Moved, (csp.Error, ValueError)),
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
    with pytest.raises(csp.Closed, match="'orders'"):
        rx.recv()


def test_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = csp.nonsense
