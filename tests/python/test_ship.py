# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How functions get to processes: by name, by definition, by value."""

import functools
import math
import os
import subprocess
import sys
import threading
import venv
import zipfile

import pytest

import intercsp as csp
import jobs
from support import DEADLINE, run_isolated

# ---- by name ---------------------------------------------------------------


def test_functions_of_modules_are_found():
    assert csp.spawn(os.getpid).result(DEADLINE) == os.getpid()
    assert csp.spawn(len, "four").result(DEADLINE) == 4


class Holder:
    def method(self):
        pass

    @staticmethod
    def static():
        return "static"

    @classmethod
    def of_class(cls):
        return cls.__name__


class Heir(Holder):
    pass


def test_static_and_class_methods_are_found_by_their_qualified_name():
    assert csp.spawn(Holder.static).result(DEADLINE) == "static"
    assert csp.spawn(Holder.of_class).result(DEADLINE) == "Holder"


def test_partial_is_called_with_its_arguments():
    tx, rx = csp.channel(1)
    partial = functools.partial(jobs.give_back_all, 1, tx, x=2, y=[tx.clone()])
    nested = functools.partial(partial, 3, x=4)
    process = csp.spawn(nested, 5)
    assert process.name.startswith("give_back_all-")
    with pytest.raises(csp.Moved):
        tx.send(1)
    args, kwargs = process.result(DEADLINE)
    assert (args[0], *args[2:]) == (1, 3, 5)
    assert args[1].same_channel(rx)
    assert kwargs["x"] == 4
    assert kwargs["y"][0].same_channel(rx)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="new in 3.14")
def test_partial_with_holes_is_filled():
    partial = functools.partial(jobs.give_back, functools.Placeholder, 2)
    assert csp.spawn(partial, 1, 3).result(DEADLINE) == (1, 2, 3)


def test_unsendable_argument_of_a_partial_is_named():
    partial = functools.partial(jobs.give_back_all, x=[threading.Lock()])
    with pytest.raises(csp.NotShareable, match=r"argument \['x'\]\[0\]"):
        csp.spawn(partial)


def test_method_of_an_object_is_called():
    counter = jobs.Counter(10)
    assert csp.spawn(counter.add, 5).result(DEADLINE) == 15
    partial = functools.partial(counter.add, times=3)
    assert csp.spawn(partial, 2).result(DEADLINE) == 16


def local():
    def inner():
        pass

    return inner


def local_class():
    class Inner:
        pass

    return Inner


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (functools.lru_cache(local()), "inside another function"),
        (Heir.of_class, "bound to"),
        (local_class(), "inside another function"),
        (type(len), "not this object, but nothing"),
    ],
)
def test_function_that_cannot_be_found_is_refused(function, text):
    with pytest.raises(csp.NotShareable, match=text):
        csp.spawn(function)


def test_function_that_is_gone_from_its_module_goes_by_value(monkeypatch):
    function = jobs.fail
    monkeypatch.delattr(jobs, "fail")
    with pytest.raises(LookupError, match="gone"):
        csp.spawn(function, "gone").result(DEADLINE)


def test_definitions_of_the_script_are_taken():
    done = run_isolated("script.py", "define")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "Point(1, 2) big 10240 Shade.DARK",
        "script.Missing: no",
        "3",
        "run once",
    ]


def test_names_that_the_script_computes_are_named():
    done = run_isolated("script.py", "computed")
    assert done.stderr == ""
    for name, line in zip(
        ["'PID'", "'REGISTRY'", "'twice'", "'later'"],
        done.stdout.splitlines(),
        strict=True,
    ):
        assert name in line
        assert "argument" in line


def test_script_run_as_a_module_can_import_relatives(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sibling.py").write_text("VALUE = 'from the sibling'\n")
    (package / "program.py").write_text(
        "import intercsp as csp\n"
        "from .sibling import VALUE\n"
        "def f(): return VALUE\n"
        "if __name__ == '__main__': print(csp.spawn(f).result())\n"
    )
    done = run(
        [sys.executable, "-W", "error", "-m", "package.program"], tmp_path
    )
    assert done == ("from the sibling\n", "", 0)


def test_script_with_a_relative_name_may_change_the_folder(tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, intercsp as csp\n"
        "def f(): return 'found'\n"
        "if __name__ == '__main__':\n"
        "    os.chdir('/')\n"
        "    print(csp.spawn(f).result())\n"
    )
    code = "import runpy; runpy.run_path('program.py', run_name='__main__')"
    done = run([sys.executable, "-W", "error", "-c", code], tmp_path)
    assert done == ("found\n", "", 0)


def run(command, cwd=None, **options):
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        cwd=cwd,
        **options,
    )
    return done.stdout, done.stderr, done.returncode


# ---- by value --------------------------------------------------------------

TIMES = 3


def adder(n, *, twice=False):
    """A function inside a function, with variables of all kinds."""
    step = [n]

    def add(x, plus=math.pi, *, y=step):
        return times(x) + int(plus) + y[0] + (rest(2) if twice else 0)

    def rest(left):
        return n + rest(left - 1) if left else unset_is_unset()

    def unset_is_unset():
        try:
            return unset
        except NameError:
            return 0

    if n < 0:
        unset = 1
    return add


def times(x):
    return x * TIMES


def test_lambdas_and_functions_in_functions_go_with_their_variables():
    assert csp.spawn(lambda: TIMES + 1).result(DEADLINE) == 4
    for function in adder(10), adder(10, twice=True), adder(-1, twice=True):
        there = csp.spawn(functools.partial(function, y=[7]), 5)
        assert there.result(DEADLINE) == function(5, y=[7])
        assert csp.spawn(function, 5).result(DEADLINE) == function(5)


def test_decorated_functions_go_with_what_decorates_them():
    def shout(f):
        @functools.wraps(f)
        def inner(*args):
            return f(*args).upper()

        return inner

    @shout
    def say(word):
        return word + "!"

    assert csp.spawn(say, "hey").result(DEADLINE) == "HEY!"


def test_modules_among_the_variables_are_imported():
    here = math
    assert csp.spawn(lambda: here.floor(2.5)).result(DEADLINE) == 2


def test_ends_in_a_closure_are_given_away():
    tx, rx = csp.channel(1)
    csp.spawn(lambda: tx.send("from inside")).join(DEADLINE)
    assert list(rx) == ["from inside"]
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        tx.send(1)


def test_variable_that_cannot_be_sent_is_named():
    tx, _rx = csp.channel(1)
    held = [0, {"k": threading.Lock()}]
    with pytest.raises(csp.NotShareable, match="argument") as caught:
        csp.spawn(lambda: (tx, held))
    assert "variable 'held', at [1]['k']" in str(caught.value)
    assert "_thread.lock" in str(caught.value)
    tx.send(1)  # it was not given away


def test_functions_by_value_travel_in_messages():
    tx, rx = csp.channel(1)
    back, answers = csp.channel(1)
    process = csp.spawn(jobs.call_each, rx, back)
    for function in (lambda x: x + TIMES, adder(4)):
        tx.send([function])
        assert answers.recv(DEADLINE) == function(2)
    tx.close()
    process.join(DEADLINE)


@pytest.mark.parametrize(
    ("function", "args", "result"),
    [
        (str.upper, ("a",), "A"),
        ("a".upper, (), "A"),
        (dict.fromkeys, ("a",), {"a": None}),
        ((3).__add__, (4,), 7),
        (functools.partial(str.join, ","), (["a", "b"],), "a,b"),
    ],
)
def test_methods_of_built_in_types_are_called(function, args, result):
    assert csp.spawn(function, *args).result(DEADLINE) == result


def test_objects_that_can_be_called_are_called():
    assert csp.spawn(jobs.Counter(3), 4).result(DEADLINE) == 7


# ---- without a file ---------------------------------------------------------

SESSION = """\
import os, intercsp as csp
print("once")
pid = os.getpid()

def helper(x): return x + twice(x)

def twice(x): return 2 * x

def work(x): return helper(x), pid, (lambda: os.getpid())()

print(csp.spawn(work, 1).result() == work(1))
print(csp.spawn(lambda: [work(2)]).result() == [work(2)])
"""


@pytest.mark.parametrize("how", ["-c", "-", "-iq", "exec"])
def test_functions_of_a_session_go_by_value(how):
    command = [sys.executable, "-W", "error"]
    if how == "exec":  # as a notebook does
        code = f"exec(compile({SESSION!r}, '<cell 1>', 'exec'), {{}})"
        command += ["-c", code]
    else:
        command += [how, *([SESSION] if how == "-c" else [])]
    text = SESSION if how in ("-", "-iq") else None
    out, err, status = run(command, input=text)
    assert out.splitlines() == ["once", "True", "True"]
    assert err.replace(">>> ", "").replace("... ", "").strip() == ""
    assert status == 0


def test_class_of_a_session_is_refused_with_a_remedy():
    code = "import intercsp as csp\nclass C: pass\ncsp.spawn(print, C())\n"
    out, err, status = run([sys.executable, "-c", code])
    assert (out, status) == ("", 1)
    assert "define it there, or in a module" in err


# ---- tools that run scripts -------------------------------------------------


@pytest.mark.parametrize(
    "tool", ["trace --count --no-report", "cProfile -o prof", "pdb -c c -c q"]
)
def test_tools_that_run_scripts_can_run_ours(tool, tmp_path):
    (tmp_path / "program.py").write_text(
        "import intercsp as csp\n"
        "print('once')\n"
        "class Found(Exception): pass\n"
        "def f(): raise Found\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        csp.spawn(f).result()\n"
        "    except Found:\n"
        "        print('found')\n"
    )
    command = [sys.executable, "-m", *tool.split(), "program.py"]
    out, err, status = run(command, tmp_path)
    assert out.splitlines()[:2] == ["once", "found"]
    assert (err, status) == ("", 0)


@pytest.mark.parametrize("archive", [True, False])
def test_package_is_a_program(archive, tmp_path):
    source = (
        "import intercsp as csp\n"
        "print('once')\n"
        "def helper(): return __name__\n"
        "def f(): return helper()\n"
        "if __name__ == '__main__':\n"
        "    print(csp.spawn(f).result(), csp.spawn(lambda: f()).result())\n"
    )
    if archive:
        with zipfile.ZipFile(tmp_path / "program.zip", "w") as z:
            z.writestr("__main__.py", source)
        how = ["program.zip"]
    else:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "__init__.py").write_text("")
        (tmp_path / "package" / "__main__.py").write_text(source)
        how = ["-m", "package"]
    done = run([sys.executable, "-W", "error", *how], tmp_path)
    assert done == ("once\n__main__ __main__\n", "", 0)


# ---- where modules come from -------------------------------------------------


def test_path_that_the_program_edits_is_that_of_processes(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "found.py").write_text("def f(): return __file__\n")
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import found, intercsp as csp\n"
        "if __name__ == '__main__':\n"
        "    print(csp.spawn(found.f).result() == found.f())\n"
    )
    command = [
        sys.executable,
        "-W",
        "error",
        "program.py",
        str(tmp_path / "lib"),
    ]
    assert run(command, tmp_path) == ("True\n", "", 0)


def test_editable_install_is_found_by_processes(tmp_path):
    """One that works by an import hook, as some build systems make them."""
    venv.create(tmp_path / "venv", system_site_packages=True, symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/*/site-packages")
    (tmp_path / "source.py").write_text("def f(): return __name__\n")
    (site / "_hook.py").write_text(
        "import importlib.util, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'edited':\n"
        "            return importlib.util.spec_from_file_location(\n"
        f"                name, {str(tmp_path / 'source.py')!r})\n"
        "sys.meta_path.append(Finder())\n"
    )
    (site / "edited.pth").write_text("import _hook\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import edited, intercsp as csp\n"
        "if __name__ == '__main__':\n"
        "    print(csp.spawn(edited.f).result())\n"
    )
    python = tmp_path / "venv" / "bin" / "python"
    environment = {
        **os.environ,
        "PYTHONPATH": os.path.dirname(os.path.dirname(csp.__file__)),
    }
    done = run([str(python), str(program)], env=environment)
    assert done == ("edited\n", "", 0)
