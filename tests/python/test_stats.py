# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Figures of channels."""

import pytest

import intercsp as csp
from support import Aside, until_waiting


def test_figures_say_what_was_done(far):
    tx, rx = csp.channel(4)
    receiver = far(rx)
    tx.send_many([1, 2, 3])
    assert receiver.do("recv") == 1
    stats = tx.stats()
    assert (stats.sent, stats.received, stats.length) == (3, 1, 2)
    assert (stats.open_tx, stats.open_rx) == (1, 1)
    assert (stats.dropped, stats.undelivered) == (0, 0)


def test_figures_say_who_waits_and_waited(far):
    tx, rx = csp.channel(1)
    receiving = Aside(rx.recv)
    until_waiting(rx)
    assert tx.stats().waiting_rx == 1
    assert tx.stats().waiting_tx == 0
    far(tx).do("send", 1)
    receiving.result()
    stats = rx.stats()
    assert stats.waiting_rx == 0
    assert stats.recv_waits == 1
    assert stats.wait_ns > 0


def test_figures_count_clones_and_stay_after_the_end():
    tx, rx = csp.channel(4)
    clones = [tx.clone() for _ in range(3)]
    assert rx.stats().open_tx == 4
    tx.send_many([1, 2])
    del clones
    rx.close()
    tx.close()
    stats = tx.stats()
    assert (stats.open_tx, stats.open_rx, stats.undelivered) == (0, 0, 2)


def test_stats_are_a_named_tuple():
    tx, _rx = csp.channel(1)
    stats = tx.stats()
    assert type(stats) is csp.Stats
    assert isinstance(stats, tuple)
    assert stats[0] == stats.sent == 0
    assert "sent=0" in repr(stats)
    with pytest.raises(AttributeError):
        stats.sent = 1
