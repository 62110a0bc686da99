# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs end as they should while ends of channels are in use: the right
exit status, no hang, no lost output."""

import pytest

from support import SEED, count, run_isolated


@pytest.mark.parametrize(
    ("case", "out"),
    [
        ("daemon_thread_waits", ""),
        ("daemon_threads_work", ""),
        ("channel_holds_itself", ""),
        ("finalizer_uses_ends", "late\n"),
        ("exit_function_uses_ends", "later\n"),
        ("thread_ends_after_main", "['from the thread']\n"),
    ],
)
def test_program_ends_with_ends_in_use(case, out):
    for _ in range(count(3)):
        done = run_isolated("shutdown.py", case)
        assert (done.stdout, done.stderr, done.returncode) == (out, "", 0)


def test_threads_of_a_process_that_ends_are_woken():
    done = run_isolated("shutdown.py", "thread_of_a_process_waits")
    assert done.stderr == ""
    error, end = done.stdout.split()
    assert error in ("Closed", "EndClosed", "Cancelled")
    assert (end, done.returncode) == ("joined", 0)


def test_interpreter_that_others_left_does_no_harm():
    done = run_isolated("shutdown.py", "interpreter_of_others_is_left")
    assert done.returncode == 0
    assert not done.stderr or "remaining subinterpreters" in done.stderr
    assert done.stdout == ""


def test_processes_of_interpreters_that_others_left_are_ended():
    done = run_isolated(
        "shutdown.py", "processes_of_an_interpreter_of_others_are_left"
    )
    assert (done.stdout, done.returncode) == ("late\n", 0)
    assert "stopped at exit, as nobody would wake them: 'wait" in done.stderr


@pytest.mark.parametrize("which", range(count(12)))
def test_program_ends_whatever_its_processes_do(which):
    done = run_isolated("shutdown.py", "anything", str(SEED + which))
    assert (done.stdout, done.returncode) == ("left\n", 3)
    # Python may ignore a Cancelled aloud, where it was in a callback
    assert not done.stderr or "Cancelled" in done.stderr
