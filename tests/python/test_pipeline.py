# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""examples/python/pipeline.py: what it finds, and how it ends."""

import ast
import json
import os
import pty
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from programs import interrupt
from support import DEADLINE

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
PIPELINE = EXAMPLES / "pipeline.py"
sys.path.append(str(EXAMPLES))

import pipeline  # noqa: E402 - found by the line above


def run(*args, **options):
    done = subprocess.run(
        [sys.executable, "-W", "error", PIPELINE, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=4 * DEADLINE,
        **options,
    )
    return done.stdout, done.stderr, done.returncode


@pytest.fixture
def tree(tmp_path):
    """A few files, of which two cannot be analysed."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.py").write_text(
        "def one(x):\n    return 1 if x else 2\n"
    )
    (tmp_path / "two.py").write_text("def two(): pass\n\n# a comment\n")
    (tmp_path / "wrong.py").write_text("def wrong(:\n")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "text.txt").write_text("not Python")
    (tmp_path / "dangling.py").symlink_to("nowhere")
    for skipped in ("tests", ".hidden", "site-packages"):
        (tmp_path / skipped).mkdir()
        (tmp_path / skipped / "no.py").write_text("def no(): pass\n")
    return tmp_path


# ---- the work --------------------------------------------------------------


@pytest.mark.parametrize(
    ("ways", "source"),
    [
        (1, "def f(): pass"),
        (2, "def f(x):\n if x: pass"),
        (3, "def f(x):\n if x: pass\n elif y: pass\n else: pass"),
        (4, "def f(a, b):\n return a and b and a or b"),
        (4, "def f(a):\n for x in a:\n  while x: pass\n else: assert a"),
        (3, "def f():\n try: pass\n except A: pass\n except B: pass"),
        (4, "def f(a): return [x for x in a if x if x]"),
        (2, "def f(a): return lambda b: 1 if b else 2"),
        (3, "def f(a):\n match a:\n  case 1: pass\n  case _: pass"),
        (2, "async def f(a):\n async for x in a: await x"),
        (1, "def f():\n def g(x):\n  if x: pass\n class C:\n  y = 1 or 2"),
    ],
)
def test_complexity_counts_the_ways_through_a_function(ways, source):
    assert pipeline.complexity(ast.parse(source).body[0]) == ways


def test_functions_have_qualified_names():
    source = textwrap.dedent("""
        def f():
            if 1:
                def g(): pass
        class C:
            class D:
                async def m(self):
                    class E:
                        def n(self): pass
    """)
    path, lines, functions = pipeline.analyse("x.py", source)
    assert [name for _, name, _ in functions] == [
        "f", "f.g", "C.D.m", "C.D.m.E.n"
    ]  # fmt: skip
    assert (path, lines) == ("x.py", 8)


@pytest.mark.parametrize(
    "source", ["def", "x = (", "'''", "\0", " x\ny", "(" * 3000 + ")" * 3000]
)
def test_file_that_does_not_parse_is_reported(source):
    path, lines, why = pipeline.analyse("x.py", source)
    assert (path, lines) == ("x.py", -1)
    assert "Error" in why


def test_files_are_found_largest_first(tree):
    names = [Path(p).name for p in pipeline.find_files(str(tree), 0)]
    assert names == ["one.py", "two.py", "wrong.py", "latin.py"]


def test_limit_keeps_some_of_the_files_whatever_their_size(tree):
    kept = pipeline.find_files(str(tree), 2)
    assert kept == pipeline.find_files(str(tree), 2)
    assert [Path(p).name for p in kept] == ["wrong.py", "latin.py"]
    assert len(pipeline.find_files(str(tree), 100)) == 4


def test_shares_are_even():
    assert pipeline.shares([], 2) == [[], []]
    paths = [str(EXAMPLES / "pipeline.py")] * 65
    a, b = pipeline.shares(paths, 2)
    assert abs(len(a) - len(b)) <= 1


# ---- the program -----------------------------------------------------------


def test_three_ways_find_the_same_in_a_part_of_the_library():
    out, err, status = run("--files", 40, "--workers", 2, "--json")
    assert status == 0, err
    data = json.loads(out)
    assert data["equal"] is True
    assert data["files"] + len(data["skipped"]) == 40
    assert data["functions"] > 100
    complexity = data["serial"]["complexity"]
    assert complexity > data["functions"]
    for way in ("serial", "parallel", "forked"):
        assert data[way]["complexity"] == complexity
        assert data[way]["seconds"] > 0
    processes = data["parallel"]["processes"]
    assert [p["name"] for p in processes] == ["worker-1", "worker-2"]
    assert sum(p["files"] for p in processes) == 40
    assert all(0 <= p["busy"] <= 1.1 for p in processes)
    assert data["speedup"] == pytest.approx(
        data["serial"]["seconds"] / data["parallel"]["seconds"]
    )
    assert data["ratio"] == pytest.approx(
        data["forked"]["seconds"] / data["parallel"]["seconds"]
    )
    ways = [f["complexity"] for f in data["top"]]
    assert ways == sorted(ways, reverse=True)
    assert len(ways) == 15


@pytest.mark.parametrize("workers", [1, 3])
def test_table_is_printed_and_skipped_files_are_named(tree, workers):
    out, err, status = run("--root", tree, "--workers", workers, "--top", 1)
    assert status == 0, err
    lines = out.splitlines()
    assert lines[:2] == [
        "complexity  function",
        "         2  one  (a/one.py:1)",
    ]
    assert "2 files, 2 skipped, 3 lines of code, 2 functions" in lines[3]
    assert f"by {workers} processes" in lines[4]
    assert "skipped" in err
    assert "wrong.py: SyntaxError" in err
    assert "latin.py: cannot be read" in err
    assert [line.split()[0] for line in err.splitlines()[1:4]] == [
        "forked", "serial", "parallel"
    ]  # fmt: skip
    assert "\r" not in err


def test_times_of_several_rounds_are_the_best(tree):
    out, err, status = run("--root", tree, "--repeat", 2, "--json")
    assert status == 0, err
    assert err.count("parallel") == 2
    assert json.loads(out)["files"] == 2


def test_bar_is_drawn_on_a_terminal(tree):
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, PIPELINE, "--root", tree],
        stdout=subprocess.PIPE,
        stderr=its_end,
    ) as process:
        os.close(its_end)
        drawn = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the program has ended
                break
            drawn += part
        os.close(terminal)
        assert process.stdout.read().startswith(b"complexity")
    assert process.returncode == 0
    assert b"\rparallel  [" in drawn
    assert b"/4" in drawn


# ---- what can go wrong -----------------------------------------------------


def test_folder_that_does_not_exist_is_a_wrong_argument():
    out, err, status = run("--root", "/no/such/folder")
    assert (out, status) == ("", 2)
    assert err.splitlines()[-1].endswith("no such folder: /no/such/folder")


@pytest.mark.parametrize("option", ["--workers", "--top", "--repeat"])
@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_number_that_makes_no_sense_is_a_wrong_argument(option, value):
    out, err, status = run(f"{option}={value}")
    assert (out, status) == ("", 2)
    assert option in err


def test_tree_without_python_is_said_to_be_one(tmp_path):
    out, err, status = run("--root", tmp_path)
    assert (out, status) == ("", 1)
    assert err == f"pipeline.py: no Python files below {tmp_path}\n"


def test_closed_output_is_no_traceback(tree):
    r, w = os.pipe()
    os.close(r)
    done = subprocess.run(
        [sys.executable, PIPELINE, "--root", tree],
        stdout=w,
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
    )
    os.close(w)
    assert done.returncode == 141
    last = done.stderr.splitlines()[-1]
    assert last == "pipeline.py: nobody reads the output"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("after", ["files below", "forked", "serial"])
def test_ctrl_c_ends_it_with_one_line(after):
    out, err, status = interrupt(PIPELINE, after=after, on_stderr=True)
    assert (out, status) == ("", 130)
    assert err.splitlines()[-1] == "pipeline.py: interrupted"
    assert "Traceback" not in err
