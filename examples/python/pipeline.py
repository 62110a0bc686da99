#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Find the most complex functions of a tree of Python source.

The work is real and pure Python: each file is tokenized and parsed, and the
cyclomatic complexity of each of its functions is computed. It flows through
two channels:

    read the files  --(path, source)-->  N processes  --findings-->  collect
     a feed, here                       each analyses                 here

Each process is an interpreter with a GIL of its own, so they use N cores. The
same work is also done serially, and by N forked processes, to see what that
is worth: the tables must be equal, the times are compared.

Without arguments it reads the standard library of the Python that runs it.
"""

import argparse
import ast
import io
import json
import marshal
import os
import signal
import sys
import sysconfig
import time
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import intercsp as csp

# ---- the work --------------------------------------------------------------

# Each of these in a function is one more way through it.
BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.match_case,
    ast.comprehension,
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# What is found in a file: its path, then its lines of code and its functions,
# each (complexity, name, line); or its path, -1 and why it was skipped. Plain
# tuples, as they are sent through channels.
Function = tuple[int, str, int]
Finding = tuple[str, int, list[Function] | str]


def analyse(path: str, source: str) -> Finding:
    """What is to be found in one file."""
    try:
        tree = ast.parse(source)
        lines = code_lines(source)
        functions = [
            (complexity(node), name, node.lineno)
            for node, name in functions_in(tree)
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return path, -1, f"{type(error).__name__}: {error}"
    except tokenize.TokenError as error:
        return path, -1, f"TokenError: {error.args[0]}"
    return path, lines, functions


def code_lines(source: str) -> int:
    """How many logical lines there are; comments and blank ones are none."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type == tokenize.NEWLINE for token in tokens)


def functions_in(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """The functions in tree, those inside others too, with their names."""
    to_do: list[tuple[ast.AST, str]] = [(tree, "")]
    while to_do:
        node, prefix = to_do.pop()
        if isinstance(node, SCOPES):
            if isinstance(node, FUNCTIONS):
                yield node, prefix + node.name
            prefix += node.name + "."
        children = [(c, prefix) for c in ast.iter_child_nodes(node)]
        to_do += reversed(children)  # taken from the end: in order


def complexity(function: ast.AST) -> int:
    """The number of independent ways through function (McCabe, 1976).

    What functions inside it do is counted there, not here.
    """
    ways = 1
    to_do = list(ast.iter_child_nodes(function))
    while to_do:
        node = to_do.pop()
        if isinstance(node, SCOPES):
            continue
        if isinstance(node, BRANCHES):
            ways += 1
        if isinstance(node, ast.BoolOp):  # a and b and c: two more
            ways += len(node.values) - 1
        if isinstance(node, ast.comprehension):
            ways += len(node.ifs)
        to_do.extend(ast.iter_child_nodes(node))
    return ways


def read(path: str) -> str:
    """The text of a file, in the encoding that it declares."""
    with tokenize.open(path) as file:
        return file.read()


def sources(paths: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """(path, source) of each; the source is None if it cannot be read."""
    for path in paths:
        try:
            yield path, read(path)
        except (OSError, SyntaxError, UnicodeError):
            yield path, None


def finding(path: str, source: str | None) -> Finding:
    if source is None:
        return path, -1, "cannot be read"
    return analyse(path, source)


# ---- three ways to do it ---------------------------------------------------


def worker(rx: csp.RecvChannel, tx: csp.SendChannel) -> tuple[int, float]:
    """Analyse what comes through rx, until it is closed: a process.

    Returns how many files that were, and how long it has computed.
    """
    files = 0
    for path, source in rx:
        tx.send(finding(path, source))
        files += 1
    return files, time.thread_time()


def in_parallel(
    paths: list[str], workers: int, progress: "Progress"
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """The findings, and how busy each process was."""
    findings = []
    source_tx, source_rx = csp.channel(4 * workers, name="sources")
    finding_tx, finding_rx = csp.channel(4 * workers, name="findings")
    began = time.perf_counter()
    with csp.group("analysis") as g:
        # Both ends are given away, so nothing here keeps the channels open:
        # when all is read and analysed, the loop ends.
        processes = g.spawn_many(
            worker, source_rx, finding_tx, count=workers, name="worker"
        )
        g.feed(sources(paths), source_tx)
        for found in finding_rx:
            findings.append(found)
            progress.step()
    seconds = time.perf_counter() - began
    busy = []
    for process in processes:
        files, computed = process.result()
        share = computed / seconds
        busy.append({"name": process.name, "files": files, "busy": share})
    return findings, busy


def serially(paths: list[str], progress: "Progress") -> list[Finding]:
    findings = []
    for path, source in sources(paths):
        findings.append(finding(path, source))
        progress.step()
    return findings


def forked(paths: list[str], workers: int) -> list[Finding]:
    """By processes of the operating system, each with its share."""
    children = {}
    try:
        for share in shares(paths, workers):
            pid, pipe = fork(share)
            children[pid] = pipe
        findings = []
        for pid, pipe in list(children.items()):
            with open(pipe, "rb") as results:
                findings += marshal.load(results)
            os.waitpid(pid, 0)
            del children[pid]
        return findings
    except EOFError:
        raise ChildProcessError("a forked process has died") from None
    finally:  # what is left, as after Ctrl-C
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def fork(paths: list[str]) -> tuple[int, int]:
    """A child that writes its findings to a pipe: its pid, and the pipe."""
    r, w = os.pipe()
    pid = os.fork()
    if pid:
        os.close(w)
        return pid, r
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with open(w, "wb") as results:
            marshal.dump([finding(*s) for s in sources(paths)], results)
        os._exit(0)
    finally:
        os._exit(1)


def shares(paths: list[str], count: int) -> list[list[str]]:
    """The paths, largest first, each given to who has least so far."""
    parts: list[list[str]] = [[] for _ in range(count)]
    sizes = [0] * count
    for path in paths:
        least = sizes.index(min(sizes))
        parts[least].append(path)
        sizes[least] += os.path.getsize(path)
    return parts


# ---- the input -------------------------------------------------------------

SKIPPED = {"test", "tests", "idle_test", "site-packages", "dist-packages"}


def find_files(root: str, limit: int) -> list[str]:
    """The Python files below root, the largest first.

    Tests and third-party packages are left out. A limit other than 0 keeps
    that many, evenly from the list in order of names.
    """
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            f for f in folders if f not in SKIPPED and not f.startswith(".")
        )
        paths = [os.path.join(folder, n) for n in names if n.endswith(".py")]
        found += [p for p in sorted(paths) if os.path.isfile(p)]
    if 0 < limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    return sorted(found, key=lambda path: (-os.path.getsize(path), path))


# ---- measuring and reporting -----------------------------------------------


class Progress:
    """A bar on a terminal, a line for each part elsewhere; on stderr."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._on_terminal = sys.stderr.isatty()
        self._what = ""
        self._done = 0
        self._next = 0.0  # when to draw again
        self._began = 0.0

    def begin(self, what: str) -> None:
        self._what, self._done, self._next = what, 0, 0.0
        self._began = time.perf_counter()
        self._draw()

    def step(self) -> None:
        self._done += 1
        if self._on_terminal and time.perf_counter() >= self._next:
            self._draw()

    def end(self) -> float:
        """The seconds that it took."""
        seconds = time.perf_counter() - self._began
        self.clear()
        rate = f"{self._total / seconds:.0f} files/s"
        print(f"{self._what:<9} {seconds:6.2f} s  {rate}", file=sys.stderr)
        return seconds

    def clear(self) -> None:
        if self._on_terminal:
            print(end="\r\33[K", file=sys.stderr, flush=True)

    def _draw(self) -> None:
        if self._on_terminal:
            bar = "#" * (30 * self._done // self._total)
            text = f"{self._what:<9} [{bar:<30}] {self._done}/{self._total}"
            print(end="\r" + text, file=sys.stderr, flush=True)
            self._next = time.perf_counter() + 0.05


Results = dict[str, Any]


def measure(paths: list[str], workers: int, progress: Progress) -> Results:
    """Do the work in the three ways, with the seconds of each."""
    progress.begin("forked")  # first: no thread and no interpreter exists yet
    by_forked = forked(paths, workers)
    forked_seconds = progress.end()
    progress.begin("serial")
    by_serial = serially(paths, progress)
    serial_seconds = progress.end()
    progress.begin("parallel")
    by_parallel, busy = in_parallel(paths, workers, progress)
    parallel_seconds = progress.end()
    return {
        "findings": sorted(by_serial),
        "processes": busy,
        "serial": timed(serial_seconds, by_serial),
        "parallel": timed(parallel_seconds, by_parallel),
        "forked": timed(forked_seconds, by_forked),
        "equal": sorted(by_serial) == sorted(by_parallel) == sorted(by_forked),
    }


def timed(seconds: float, findings: list[Finding]) -> dict[str, Any]:
    ways = [n for f in analysed(findings) for n, _name, _line in f[2]]
    return {"seconds": seconds, "complexity": sum(ways)}


def analysed(findings: list[Finding]) -> list[Any]:
    return [f for f in findings if f[1] >= 0]


def best_of(rounds: list[Results]) -> Results:
    """The shortest time of each way, as others only disturb."""
    ways = ("serial", "parallel", "forked")
    best = {
        w: min((r[w] for r in rounds), key=lambda t: t["seconds"]) for w in ways
    }
    fastest = min(rounds, key=lambda r: r["parallel"]["seconds"])
    equal = all(r["equal"] for r in rounds)
    return {**fastest, **best, "equal": equal}


def summary(results: Results, args: argparse.Namespace) -> dict[str, Any]:
    """What --json prints."""
    findings = results["findings"]
    good = analysed(findings)
    seconds = {
        w: results[w]["seconds"] for w in ("serial", "parallel", "forked")
    }
    speedup = seconds["serial"] / seconds["parallel"]
    forked_speedup = seconds["serial"] / seconds["forked"]
    functions = [
        {"complexity": ways, "function": name, "file": path, "line": line}
        for path, _lines, found in good
        for ways, name, line in found
    ]
    functions.sort(key=lambda f: -f["complexity"])  # stable: then by file
    return {
        "python": sys.version.split()[0],
        "root": args.root,
        "workers": args.workers,
        "files": len(good),
        "skipped": {f[0]: f[2] for f in findings if f[1] < 0},
        "lines": sum(f[1] for f in good),
        "functions": len(functions),
        "serial": results["serial"],
        "parallel": {**results["parallel"], "processes": results["processes"]},
        "forked": {**results["forked"], "processes": args.workers},
        "speedup": speedup,
        "forked_speedup": forked_speedup,
        "ratio": speedup / forked_speedup,
        "files_per_second": len(findings) / seconds["parallel"],
        "equal": results["equal"],
        "top": functions[: args.top],
    }


def report(data: dict[str, Any]) -> Iterator[str]:
    """The lines of the table for people."""
    yield "complexity  function"
    for f in data["top"]:
        place = os.path.relpath(f["file"], data["root"])
        yield f"{f['complexity']:10}  {f['function']}  ({place}:{f['line']})"
    yield ""
    skipped = len(data["skipped"])
    yield (
        f"{data['files']} files, {skipped} skipped, {data['lines']} lines of "
        f"code, {data['functions']} functions, complexity "
        f"{data['serial']['complexity']} in all"
    )
    rate, workers = data["files_per_second"], data["workers"]
    yield f"{rate:.0f} files/s by {workers} processes"
    for p in data["parallel"]["processes"]:
        yield f"  {p['name']}: {p['files']} files, busy {p['busy']:.0%}"
    yield (
        f"{data['speedup']:.2f} times as fast as serially; "
        f"forked processes {data['forked_speedup']:.2f} times "
        f"(ratio {data['ratio']:.2f})"
    )


# ---- the program -----------------------------------------------------------


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Exit status: 0; 1: nothing to do, or the ways differ; 2: wrong "
        "arguments; 130: Ctrl-C; 141: nobody reads the output.",
    )
    add = parser.add_argument
    add(
        "--root",
        default=sysconfig.get_path("stdlib"),
        metavar="DIR",
        help="the tree to read (default: the standard library)",
    )
    add(
        "--workers",
        type=positive,
        default=os.process_cpu_count() or 1,
        metavar="N",
        help="processes (default: one for each CPU)",
    )
    add(
        "--top",
        type=positive,
        default=15,
        metavar="N",
        help="functions to show (default: 15)",
    )
    add(
        "--files",
        type=positive,
        default=0,
        metavar="N",
        help="read only N files, evenly chosen (default: all)",
    )
    add(
        "--repeat",
        type=positive,
        default=1,
        metavar="N",
        help="do it N times, and show the best times (default: 1)",
    )
    add("--json", action="store_true", help="print data instead of a table")
    args = parser.parse_args()
    if not Path(args.root).is_dir():
        parser.error(f"no such folder: {args.root}")
    return args


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def complain(text: str) -> None:
    print(f"pipeline.py: {text}", file=sys.stderr)


def run(args: argparse.Namespace) -> int:
    # The source of others may have escapes that Python warns about.
    warnings.simplefilter("ignore", SyntaxWarning)
    paths = find_files(args.root, args.files)
    if not paths:
        complain(f"no Python files below {args.root}")
        return 1
    complain(f"{len(paths)} files below {args.root}")
    for _ in sources(paths):  # so that each way finds them in memory
        pass
    progress = Progress(len(paths))
    try:
        rounds = [
            measure(paths, args.workers, progress) for _ in range(args.repeat)
        ]
    finally:
        progress.clear()
    data = summary(best_of(rounds), args)
    for path, why in data["skipped"].items():
        complain(f"skipped {path}: {why}")
    if args.json:
        print(json.dumps(data, indent=2))
    else:
        print(*report(data), sep="\n")
    sys.stdout.flush()
    if not data["equal"]:
        complain("the ways of doing it have different results")
        return 1
    return 0


def main() -> int:
    args = parse_arguments()
    try:
        return run(args)
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except ChildProcessError as error:
        complain(str(error))
        return 1
    except BrokenPipeError:
        # Nothing more to stdout, not even what Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain("nobody reads the output")
        return 141


if __name__ == "__main__":
    sys.exit(main())
