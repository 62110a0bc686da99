# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""fork(): refused while processes live; a child and its parent's channels."""

import sys

from support import count, run_isolated


def lines_of(case):
    done = run_isolated("forked.py", case)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


def test_fork_is_refused_while_processes_live():
    assert lines_of("processes_live") == [
        "RuntimeError True",
        "RuntimeError True",
        "run",
        "forked when they had ended",
        "child ended with 0",
    ]


def test_channels_of_the_parent_are_refused_in_the_child():
    assert lines_of("channels_live") == [
        *["Error True"] * 7,
        "child ended with 0",
        "here 1",
    ]


def test_child_has_channels_and_processes_of_its_own():
    assert lines_of("child_has_its_own") == [
        "own",
        "joined",
        "child ended with 0",
    ]


def test_child_finds_no_lock_taken_by_a_thread_that_waited():
    done = run_isolated("forked.py", "others_wait", str(count(200)))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_child_releases_what_its_parent_has_shared():
    assert lines_of("memory_lent") == ["released", "child ended with 0"]


def test_child_has_the_graphs_of_its_parent():
    mapping = "frozendict" if sys.version_info >= (3, 15) else "mappingproxy"
    opened = f"(('opened', {mapping}({{'k': 2.5}})), frozenset({{1}}))"
    assert lines_of("graphs_live") == [
        f"{opened} not opened 2.5",
        "('own',) 3",
        "child ended with 0",
        f"{opened} True",
    ]
