# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes: results, errors, what is given away, stop, how a program ends."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import intercsp as csp
import jobs
from intercsp import _core
from programs import interrupt
from support import (
    DEADLINE,
    ISOLATED,
    SANITIZED,
    Aside,
    count,
    run_isolated,
    until,
)


def until_waits(process):
    until(lambda: process._thread.waiting, f"{process} waits")


# ---- results ---------------------------------------------------------------


def test_result_is_what_the_function_returned():
    args = (None, True, 1 << 70, 1.5, "text", b"bytes", [1, (2,)], {"k": [3]})
    assert csp.spawn(jobs.give_back, *args).result(DEADLINE) == args
    assert csp.spawn(jobs.nothing).result(DEADLINE) is None


def test_result_can_be_asked_for_again():
    process = csp.spawn(jobs.give_back, [1])
    assert process.result(DEADLINE) == process.result() == ([1],)


def test_ends_come_back_in_the_result():
    tx, rx = csp.channel(1)
    (other,) = csp.spawn(jobs.give_back, tx).result(DEADLINE)
    other.send("through")
    assert rx.recv() == "through"


def test_process_has_name_number_and_state():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx, name="collector")
    other = csp.spawn(jobs.nothing, daemon=True)
    assert process.name == "collector"
    assert other.name.startswith("nothing-")
    assert process.id != other.id
    assert (process.daemon, other.daemon) == (False, True)
    assert process.alive
    assert repr(process) == "<intercsp.Process 'collector' alive>"
    tx.close()
    process.join(DEADLINE)
    other.join(DEADLINE)
    assert not process.alive
    assert repr(process) == "<intercsp.Process 'collector' ended>"


def test_join_and_result_time_out():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx)
    for wait in (process.join, process.result):
        for seconds in (0, 0.001):
            with pytest.raises(TimeoutError, match="collect"):
                wait(seconds)
        with pytest.raises(ValueError, match="negative"):
            wait(-1)
    tx.send(7)
    tx.close()
    assert process.result(DEADLINE) == [7]
    process.join(0)


def test_any_number_of_threads_can_join():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx)
    joins = [Aside(process.result) for _ in range(8)]
    tx.close()
    assert [j.result() for j in joins] == [[]] * 8


def test_no_interpreter_is_needed_for_a_wrong_call():
    before = len(_core.threads())
    with pytest.raises(TypeError, match="function"):
        csp.spawn("not a function")
    assert len(_core.threads()) == before


# ---- what a process begins with --------------------------------------------


def test_process_begins_with_path_and_argv(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, "/somewhere/else"])
    monkeypatch.setattr(sys, "argv", ["program", "--option"])
    path, argv = csp.spawn(jobs.path_and_argv).result(DEADLINE)
    assert path == sys.path
    assert argv == ["program", "--option"]


@pytest.mark.parametrize(("action", "count"), [("ignore", 0), ("always", 1)])
def test_process_begins_with_warning_filters(action, count):
    with warnings.catch_warnings():
        warnings.filterwarnings(action, "a mes", UserWarning, "jobs", 0)
        assert csp.spawn(jobs.warn).result(DEADLINE) == count


def test_warnings_that_are_errors_are_errors_in_processes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="a message"):
            csp.spawn(jobs.warn).result(DEADLINE)


def test_process_imports_nothing_that_it_does_not_need():
    heavy = ["typing", "asyncio", "threading", "pickle", "ast", "queue"]
    with warnings.catch_warnings():
        warnings.resetwarnings()  # others are set with warnings, and re
        process = csp.spawn(jobs.imported, heavy)
        assert process.result(DEADLINE) == []


# ---- errors ----------------------------------------------------------------


def test_result_raises_the_original_error():
    process = csp.spawn(jobs.fail, "nothing there", name="searcher")
    with pytest.raises(LookupError, match="nothing there") as caught:
        process.result(DEADLINE)
    cause = caught.value.__cause__
    assert type(cause) is csp.RemoteError
    text = str(cause)
    assert "searcher" in text
    assert "jobs.py" in text
    assert "in fail" in text
    assert "raise LookupError(text)" in text
    assert "_boot" not in text
    assert "in process 'searcher'" in "".join(
        traceback.format_exception(caught.value)
    )
    assert repr(process) == "<intercsp.Process 'searcher' failed>"
    process.join(0)  # raises nothing of the function's


def test_notes_and_causes_are_in_what_arrives():
    with pytest.raises(ValueError, match="noted") as caught:
        csp.spawn(jobs.fail_with_note).result(DEADLINE)
    assert caught.value.__notes__ == ["a note"]
    assert isinstance(caught.value.__cause__, csp.RemoteError)
    cause = caught.value.__cause__.__cause__
    assert isinstance(cause, KeyError)
    assert cause.args == ("why",)


def test_error_that_cannot_be_carried_is_a_remote_error():
    with pytest.raises(csp.RemoteError, match=r"jobs\.Odd: 1") as caught:
        csp.spawn(jobs.fail_oddly).result(DEADLINE)
    assert "in fail_oddly" in str(caught.value.__cause__)


def test_unsendable_result_is_an_error_that_names_the_element():
    process = csp.spawn(jobs.unsendable)
    with pytest.raises(csp.NotShareable, match="module") as caught:
        process.result(DEADLINE)
    assert caught.value.path == "[1]['x']"


def test_process_prints_nothing(capfd):
    for f in (jobs.fail_oddly, jobs.raise_base):
        csp.spawn(f).join(DEADLINE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("code", [None, 0])
def test_exit_with_success_ends_normally(code):
    assert csp.spawn(jobs.exit_with, code).result(DEADLINE) is None


@pytest.mark.parametrize("code", [3, "text"])
def test_exit_with_failure_is_an_error(code):
    with pytest.raises(csp.RemoteError, match=f"SystemExit: {code}"):
        csp.spawn(jobs.exit_with, code).result(DEADLINE)


def test_what_would_end_the_caller_is_a_remote_error():
    with pytest.raises(csp.RemoteError, match="GeneratorExit: odd") as caught:
        csp.spawn(jobs.raise_base).result(DEADLINE)
    assert "in raise_base" in str(caught.value.__cause__)


def test_error_does_not_grow_with_each_result():
    process = csp.spawn(jobs.fail, "again")
    depths = []
    for _ in range(3):
        with pytest.raises(LookupError) as caught:
            process.result(DEADLINE)
        depths.append(len(list(traceback.walk_tb(caught.value.__traceback__))))
    assert len(set(depths)) == 1


def test_result_of_a_thread_that_lives_is_not_to_be_had():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx, name="collector")
    with pytest.raises(csp.Error, match="'collector' has not ended"):
        process._thread.result()
    tx.close()
    assert process.result(DEADLINE) == []


def test_thread_starts_once_or_never():
    thread = _core.Thread("thread")
    assert (thread.is_new, thread.alive) == (True, False)
    thread.join()
    assert thread.seal()
    assert (thread.is_new, thread.alive) == (False, False)
    with pytest.raises(csp.Error, match="'thread' cannot be started"):
        thread.start(())
    thread = _core.Thread("stopped")
    thread.stop()
    with pytest.raises(csp.Error, match="'stopped' cannot be started"):
        thread.start(())
    assert thread.result() is None
    thread = csp.spawn(jobs.nothing)._thread
    assert not thread.seal()
    with pytest.raises(csp.Error, match="was before"):
        thread.start(())
    thread.join(DEADLINE)


# ---- what processes print ----------------------------------------------------


def test_lines_of_processes_are_whole():
    times = count(5)
    done = run_isolated("printing.py", str(times))
    for text, sign in (done.stdout, ""), (done.stderr, " "):
        lines = [line.replace(sign, "") for line in text.splitlines()]
        for letter in "abcd":
            own = [line for line in lines if line[0] == letter]
            own = [line for line in own if not line.endswith("bytes")]
            assert {*map(len, map(str.strip, own))} == {
                n + len(sign) for n in (1, 80, 3000, 9000, 70000)
            }
            assert len(own) == 5 * times
            assert all({*line} == {letter} for line in own)
    assert done.stdout.count("bytes\n") == 4


def test_stdout_of_a_process_is_as_ever():
    done = run_isolated("printing.py", "ask", encoding="utf-8")
    assert done.stdout == "no end of line1 False <stdout>\né"
    assert done.stderr == ""


def test_programs_run_in_processes_but_none_forks():
    assert csp.spawn(jobs.run_program).result(DEADLINE) == "through\n"
    with pytest.raises(Exception, match=r"fork\(\)|fork not supported"):
        csp.spawn(os.fork).result(DEADLINE)


CRASH = """\
import faulthandler, intercsp as csp
faulthandler.enable()
def crash():
    import ctypes
    ctypes.string_at(0)
csp.spawn(crash, name="crasher").join()
"""


@pytest.mark.skipif(SANITIZED, reason="who handles the signal")
def test_crash_of_a_process_is_told_with_its_place():
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGSEGV
    assert "in crash" in done.stderr
    if sys.version_info >= (3, 14):  # before, it names no threads
        assert "[crasher]" in done.stderr


# ---- modules that are not for processes -------------------------------------


@pytest.fixture(scope="module")
def refused():
    """A module that CPython has, and that refuses interpreters like ours."""
    for name in ("_testsinglephase", "readline", "_curses"):
        if importlib.util.find_spec(name) is not None:
            return name
    pytest.skip("all modules of this Python support them")


def test_module_that_refuses_is_named_with_the_remedy(refused):
    process = csp.spawn(jobs.import_in_vain, refused)
    with pytest.raises(ImportError) as caught:
        process.result(DEADLINE)
    assert caught.value.name == refused
    for text in ("jobs.import_in_vain", repr(refused), "thread=True"):
        assert text in str(caught.value)
    assert "in import_in_vain" in str(caught.value.__cause__)
    thread = csp.spawn(jobs.import_in_vain, "colorsys", thread=True)
    with pytest.raises(ImportError, match="in vain"):
        thread.result(DEADLINE)


def test_other_errors_of_imports_stay_as_they_are():
    with pytest.raises(ModuleNotFoundError, match="in vain"):
        csp.spawn(jobs.import_in_vain, "no_such_module").result(DEADLINE)


def test_command_line_checks_modules(refused, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "intercsp"]
    modules = ["json", refused, "no_such_module", "exits_in_import"]
    (tmp_path / "exits_in_import.py").write_text("raise SystemExit")
    package = os.path.dirname(os.path.dirname(csp.__file__))
    done = subprocess.run(
        [*command, "check", *modules],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{package}"},
        capture_output=True,
        text=True,
    )
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for name, _ in lines] == modules
    assert lines[0][1] == "yes"
    assert lines[1][1].startswith(f"no: {refused} does not support")
    assert "no_such_module" in lines[2][1]
    assert lines[3][1].startswith("no: SystemExit")
    assert (done.stderr, done.returncode) == ("", 1)
    for args, status in ([["--version"], 0], [["--help"], 0], [["chec"], 2]):
        done = subprocess.run([*command, *args], capture_output=True, text=True)
        assert done.returncode == status
        assert "intercsp" in (done.stderr if status else done.stdout)


# ---- what is given away ----------------------------------------------------


def test_ends_are_given_to_the_process():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        rx.recv()
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        csp.spawn(jobs.collect, rx)
    assert rx.closed
    tx.close()
    process.join(DEADLINE)


def test_ends_of_a_process_are_closed_when_it_ends():
    tx, rx = csp.channel(1)
    csp.spawn(jobs.give_back, [{"in": (rx,)}]).join(DEADLINE)
    # the result has it now, and goes with the process
    with pytest.raises(csp.Closed):
        tx.send(1)


def test_same_end_twice_is_refused_and_kept():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        csp.spawn(jobs.give_back, tx, rx, tx)
    assert not tx.closed
    assert not rx.closed
    tx.send(1)
    assert rx.recv() == 1


def test_failed_spawn_gives_nothing_away():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.NotShareable) as caught:
        csp.spawn(jobs.give_back, tx, [rx, {"k": csp}])
    assert caught.value.path == "[1][1]['k']"
    assert str(caught.value).startswith("argument [1][1]['k']: module")
    tx.send(1)
    assert rx.recv() == 1


# ---- stop ------------------------------------------------------------------


def test_stop_ends_a_wait():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.wait_on, rx, name="waiter")
    until_waits(process)
    process.stop()
    assert not process.alive
    with pytest.raises(csp.Stopped, match="waiter"):
        process.result()
    assert repr(process) == "<intercsp.Process 'waiter' stopped>"
    with pytest.raises(csp.Closed):
        tx.send(1)


def test_stop_ends_later_waits_too():
    _tx, rx = csp.channel(1)
    process = csp.spawn(jobs.cancelled_twice, rx)
    until_waits(process)
    process.stop()
    assert process.result() == "twice"


@pytest.mark.parametrize(
    "f", [jobs.compute, jobs.compute_stubbornly, jobs.loop_whatever_happens]
)
def test_stop_ends_computing(f):
    tx, rx = csp.channel(1)
    process = csp.spawn(f, tx)
    assert rx.recv(DEADLINE) == "computing"
    process.stop(DEADLINE)
    assert not process.alive


@pytest.mark.parametrize("thread", [False, True])
def test_what_clears_up_is_not_interrupted_at_once(thread):
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.clear_up_after, tx, 0.5, thread=thread)
    rx.recv(DEADLINE)
    process.stop(DEADLINE)  # meanwhile it is interrupted several times
    assert process.result() == "clean"


def test_stop_of_a_process_that_just_starts():
    for _ in range(5):
        _tx, rx = csp.channel(1)
        process = csp.spawn(jobs.wait_on, rx)
        process.stop(DEADLINE)
        with pytest.raises(csp.Stopped):
            process.result()


def test_stop_of_a_process_that_has_ended_does_nothing():
    process = csp.spawn(jobs.give_back, 1)
    process.join(DEADLINE)
    process.stop()
    process.stop(0)
    assert process.result() == (1,)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)],
)
def test_stop_with_a_wrong_timeout_stops_nothing(timeout, error):
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.collect, rx)
    with pytest.raises(error, match="timeout"):
        process.stop(timeout)
    tx.close()
    assert process.result(DEADLINE) == []


@pytest.mark.parametrize("timeout", [None, float("inf"), 10**400])
def test_stop_takes_any_number_of_seconds(timeout):
    _tx, rx = csp.channel(1)
    process = csp.spawn(jobs.wait_on, rx)
    process.stop(timeout)
    assert not process.alive


def test_stop_that_fails_names_the_process():
    r, w = os.pipe()
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.read_pipe, r, tx, name="reader")
    assert rx.recv(DEADLINE) == "reading"
    with pytest.raises(csp.StopFailed, match="'reader'"):
        process.stop(0.2)
    assert process.alive
    os.write(w, b"x")
    process.join(DEADLINE)
    os.close(r)
    os.close(w)


# ---- processes in processes ------------------------------------------------


def test_process_waits_for_those_that_it_has_started():
    tx, rx = csp.channel(1)
    back, answers = csp.channel(1)
    process = csp.spawn(jobs.spawn_and_return, rx, back)
    tx.send(4)
    assert answers.recv(DEADLINE) == 8
    assert process.alive
    tx.close()
    assert process.result(DEADLINE) is None


def test_stop_of_a_process_stops_those_that_it_has_started():
    _tx, rx = csp.channel(1)
    process = csp.spawn(jobs.spawn_and_wait, rx, "inner")
    until(lambda: any(t.name == "inner" and t.waiting for t in _core.threads()))
    process.stop(DEADLINE)
    assert not any(t.name == "inner" for t in _core.threads())


# ---- Ctrl-C ----------------------------------------------------------------


@pytest.mark.parametrize("case", ["join", "result", "recv", "body", "exit"])
def test_ctrl_c_ends_the_wait_of_the_main_thread(case):
    done = interrupt(ISOLATED / "interrupted.py", case, after="ready")
    assert done == ("KeyboardInterrupt\n", "", 130)


# ---- the end of a program --------------------------------------------------


LEFT = [  # case of ends.py, its stdout, what is in its stderr, status
    ("at_work", "worked\n", "", 0),
    ("fed", "6\n", "", 0),
    ("daemon", "left\n", "", 0),
    ("deadlock", "left\n", "stopped at exit.*'one', 'two'", 0),
    ("threads_at_work", "worked\n", "", 0),
    ("threads_deadlock", "left\n", "stopped at exit.*'one', 'two'", 0),
    ("thread_daemon", "left\n", "", 0),
    ("sys_exit", "", "stopped at exit.*'one', 'two'", 3),
    ("error", "", "RuntimeError: mine", 1),
    ("os_exit", "", "", 5),
    ("just_started", "", "", 0),
    ("thread", "from the process\n", "", 0),
    ("nested", "worked\n", "", 0),
    ("exit_inside", "left\n", "", 0),
    ("spawn_too_late", "Error\n", "", 0),
    ("thread_spawns_late", "9\n", "", 0),
    ("idle_thread_feeds", "6\n", "", 0),
    ("slow_feed", "6\n", "", 0),
    ("waiting_thread", "EndClosed\n", "", 0),
    ("idle_pool", "left\n", "stopped at exit.*'one', 'two'", 0),
    ("interrupted_again_and_again", "left\n", "'sleeper'", 70),
    ("stuck", "left\n", "could not be stopped at exit: 'sleeper'", 70),
]


@pytest.fixture(scope="module")
def ended():
    """How they end. Most of them wait: so they do that together."""
    with ThreadPoolExecutor(6) as pool:
        yield {
            case: pool.submit(run_isolated, "ends.py", case)
            for case, *_ in LEFT
        }


@pytest.mark.parametrize(("case", "out", "err", "status"), LEFT)
def test_program_ends_with_processes_left(ended, case, out, err, status):
    done = ended[case].result()
    assert (done.stdout, done.returncode) == (out, status)
    if not err:
        assert done.stderr == ""
    assert re.search(err, done.stderr.replace("'two', 'one'", "'one', 'two'"))
    assert "Exception ignored" not in done.stderr or "interrupted" in case


def test_ctrl_c_at_exit_stops_what_is_at_work():
    out, err, _status = interrupt(
        ISOLATED / "ends.py", "computing", after="exiting", again=True
    )
    assert out == ""
    assert "KeyboardInterrupt" in err


# ---- what was found by breaking it -----------------------------------------


def test_all_threads_are_listed_however_many_there_are():
    tx, rx = csp.channel(1)
    started = [csp.spawn(jobs.wait_on, rx.clone()) for _ in range(70)]
    listed = {t.id for t in _core.threads()}
    assert listed >= {process.id for process in started}
    tx.close()
    for process in started:
        process.join(DEADLINE)


def test_result_is_kept_by_the_thread_that_was_asked():
    process = csp.spawn(jobs.give_back, [1])
    process.join(DEADLINE)
    # an interrupt between this and what the caller does with it loses nothing
    assert process._thread.result() is process._thread.result()
    assert process.result() == ([1],)


def test_result_is_asked_for_while_it_is_made(monkeypatch):
    """As another thread may."""

    def ask():
        monkeypatch.setattr(jobs, "asked", set)
        inner.append(process._thread.result())
        return set()

    inner = []
    monkeypatch.setattr(jobs, "asked", ask)
    process = csp.spawn(jobs.return_asker)
    process.join(DEADLINE)
    result = process._thread.result()
    is_same = result is inner.pop()
    assert is_same
    plain = csp.spawn(jobs.return_asker)
    plain.join(DEADLINE)
    other = plain._thread.result()
    assert sys.getrefcount(result) == sys.getrefcount(other)


def test_error_whose_text_is_no_plain_str_is_carried():
    with pytest.raises(csp.RemoteError, match="plain enough") as caught:
        csp.spawn(jobs.fail_with_odd_text).result(DEADLINE)
    assert "fail_with_odd_text" in str(caught.value.__cause__)


def test_stopped_process_waits_for_its_children_and_says_stopped():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.spawn_and_wait, rx, "child")
    until(lambda: [t for t in _core.threads() if t.name == "child"])
    process.stop(DEADLINE)
    assert not [t for t in _core.threads() if t.name == "child"]
    with pytest.raises(csp.Stopped):
        process.result()
    tx.close()
