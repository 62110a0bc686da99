# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""CPython's own tests of channels, queues and pools, run with ours in their
place.

They are in CPython's test package, which need not be installed, and are run as
they are: conform/sitecustomize.py answers the imports of what they test with
our modules, in every interpreter that they make.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import intercsp
from support import SANITIZED

CONFORM = Path(__file__).parent / "conform"

MAPS = {
    "test_channels": {
        "test.support.channels": "intercsp.pep554",
        "_interpchannels": "low_channels",
    },
    "test_queues": {
        "concurrent.interpreters._queues": "intercsp.queues",
        "_interpqueues": "low_queues",
    },
    "test_interpreter_pool": {"concurrent.futures.interpreter": "low_pools"},
}
PACKAGES = {"test_interpreter_pool": "test_concurrent_futures"}  # of others
# Which have to be imported by interpreters that the tests make.
SEEN_BY_MANY = "test.support.channels", "concurrent.interpreters._queues"

CLOSURES = "functions with variables of others around them can be sent"
EXECUTION_FAILED = (
    "the cause of an error is a RemoteError, and no ExecutionFailed of "
    "concurrent.interpreters, which 3.13 does not have"
)
SLOW = "it passes, and sleeps for five seconds or more"

# Tests that cannot apply, and why.
LEFT_OUT = {
    "test_channels": {},
    "test_queues": {
        "TestQueueOps.test_timeout_uses_monotonic_clock": (
            "of 3.14 only: it replaces time in the module under test, to see "
            "that it is asked; ours waits in C"
        ),
    },
    "test_interpreter_pool": {
        f"InterpreterPoolExecutorTest.{name}": why
        for name, why in {
            "test_init_closure": CLOSURES,
            "test_submit_closure": CLOSURES,
            "test_init_exception_in_func": EXECUTION_FAILED,
            "test_submit_exception_in_func": EXECUTION_FAILED,
            "test_pickle_errors_propagate": (
                "it submits what cannot be called, and expects to hear that "
                "it cannot be sent"
            ),
            "test_map_timeout": SLOW,
            "test_blocking": SLOW,
            "test_blocking_with_limited_workers": SLOW,
        }.items()
    },
}
# What must be run: a file that suddenly runs less would not be noticed.
RUN = {
    "test_channels": (36, 2),
    "test_queues": (29, 0),
    "test_interpreter_pool": (37, 2),
}

pytestmark = [
    pytest.mark.skipif(
        sys.version_info < (3, 14),
        reason="3.13 tests modules of other names",
    ),
    pytest.mark.skipif(SANITIZED, reason="it would test CPython"),
]


def run(name: str, modules: dict[str, str], log: Path) -> Any:
    package = str(Path(intercsp.__file__).parents[1])
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(CONFORM), package]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CONFORM_MAP": ";".join(f"{k}={v}" for k, v in modules.items()),
        "CONFORM_LOG": str(log),
    }
    return subprocess.run(
        [
            sys.executable,
            CONFORM / "suite.py",
            f"test.{PACKAGES.get(name, 'test_interpreters')}.{name}",
            *LEFT_OUT.get(name, ()),
        ],
        env=env,
        cwd=log.parent,
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.fixture(autouse=True)
def needs_the_suite() -> None:
    pytest.importorskip(
        "test.test_interpreters", reason="CPython's tests are not installed"
    )


@pytest.mark.parametrize("name", MAPS)
def test_cpythons_tests_pass(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run(name, MAPS[name], log)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["run"], figures["skipped"]) == RUN[name], figures
    lines = [line.split() for line in log.read_text().splitlines()]
    for alias, target in MAPS[name].items():
        assert ["0", alias, target] in lines
        others = {line[0] for line in lines if line[1] == alias} - {"0"}
        assert len(others) >= 10 or alias not in SEEN_BY_MANY


def test_the_classes_are_ours() -> None:
    probe = (
        "from test.support import channels; "
        "from concurrent import interpreters, futures; "
        "print(channels.RecvChannel.__module__, interpreters.Queue.__module__, "
        "futures.InterpreterPoolExecutor.__base__.__module__)"
    )
    package = str(Path(intercsp.__file__).parents[1])
    both = {k: v for modules in MAPS.values() for k, v in modules.items()}
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(CONFORM), package]),
        "CONFORM_MAP": ";".join(f"{k}={v}" for k, v in both.items()),
    }
    out = subprocess.run(
        [sys.executable, "-c", probe],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ours = ["intercsp.pep554", "intercsp.queues", "intercsp.futures"]
    assert out.split() == ours


def test_something_that_lacks_a_thing_does_not_pass(tmp_path: Path) -> None:
    modules = MAPS["test_channels"] | {"test.support.channels": "stand_in"}
    done = run("test_channels:TestChannels", modules, tmp_path / "log")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"] > 0
