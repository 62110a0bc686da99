# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that end in every bad way end soon, with the right exit status:
whatever waits, in processes, in threads and in event loops."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import DEADLINE, ISOLATED, SANITIZED, SEED, count

RUNS = count(1)  # five programs each; 200 in the end: INTERCSP_SCALE=40
AT_ONCE = 6  # most of them only wait

ENDS = {
    "returns": 0,
    "exits": 3,
    "fails": 1,
    "exits_at_once": 5,
    "is_interrupted": -signal.SIGINT,
}
LEFT = [
    "processes",
    "servants",
    "daemons",
    "open_group",
    "open_pool",
    "daemon_threads",
    "threads",
    "event_loop",
    "finalizer",
    "interpreter",
]


def allowed(seconds):
    """So long it may take, on a machine with other work, too."""
    load = os.getloadavg()[0] / len(os.sched_getaffinity(0))
    return seconds * max(4 if SANITIZED else 1, load)


def run(*command):
    """How a program ends: status, seconds since it was leaving, errors."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            out, err = process.communicate(timeout=allowed(DEADLINE))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # a core dump, where wanted
            raise
        finally:
            process.kill()
    words = out.split()
    assert words[:1] == ["leaving"], (out, err)
    return process.returncode, time.monotonic() - float(words[1]), err


def run_all(left, ends, status=None, runs=RUNS, seconds=2.0):
    """Run programs for all ends, and check statuses and times."""

    def check(end, which):
        name = f"{left} {end} {which}"
        got, took, err = run(ISOLATED / "exits.py", left, end, str(which))
        due = status if status is not None else ENDS[end]
        assert got == due, f"{name}: status {got}, not {due}:\n{err}"
        assert took < allowed(seconds), f"{name}: {took:.1f} s"
        return err

    with ThreadPoolExecutor(AT_ONCE) as pool:
        all_runs = [
            pool.submit(check, end, SEED + i)
            for i in range(runs)
            for end in ends
        ]
    return [one.result() for one in all_runs]


@pytest.mark.parametrize("left", LEFT)
def test_program_ends_soon_whatever_it_leaves(left):
    slow = {"threads": 7.0, "open_pool": 3.0}  # that waits twice
    for err in run_all(left, ENDS, seconds=slow.get(left, 2.0)):
        assert "Fatal" not in err
        # of imports that were interrupted by a stop
        by_stop = "Cancelled" in err or "ResourceWarning" in err
        if left != "finalizer" and not by_stop:
            assert "Exception ignored" not in err


def test_ctrl_c_ends_the_program_out_of_every_wait():
    for err in run_all("main_waits", ["is_interrupted"], runs=10 * RUNS):
        assert "KeyboardInterrupt" in err


def test_process_that_exits_at_once_ends_the_program():
    run_all("process_exits", ["returns"], status=7, runs=5 * RUNS)


def test_program_that_is_stuck_in_c_ends_and_names_what_is_stuck():
    ends = [end for end in ENDS if end != "exits_at_once"]
    for err in run_all("stuck", ends, status=70, seconds=12.0):
        assert "could not be stopped at exit: 'it'" in err


AGAIN = 5  # seconds, if Python has ignored the first, in a callback
IMPORT = """
import signal, sys, time
signal.signal(signal.SIGALRM, signal.default_int_handler)
print("leaving", time.monotonic() + {seconds}, flush=True)
signal.setitimer(signal.ITIMER_REAL, {seconds}, {again})
import intercsp as csp
csp.spawn(print)
import asyncio
async def main():
    tx, rx = csp.channel(1)
    await rx.arecv()
asyncio.run(main())
csp.channel(1)[1].recv()
"""


def test_ctrl_c_during_imports_ends_the_program():
    chance = random.Random(SEED)

    def check(seconds):
        got, took, err = run("-c", IMPORT.format(seconds=seconds, again=AGAIN))
        assert got == -signal.SIGINT, f"{seconds}: status {got}:\n{err}"
        soon = allowed(2.0) + AGAIN * err.count("Exception ignored")
        assert took < soon, f"{seconds}: {took:.1f} s"
        assert "KeyboardInterrupt" in err

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [
            pool.submit(check, chance.random() * 0.15) for _ in range(10 * RUNS)
        ]
    for one in runs:
        one.result()
