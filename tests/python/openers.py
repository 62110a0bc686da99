# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What tests of frozen graphs run in other interpreters."""

import sys
import typing

import intercsp as csp


def open_graphs(asked, answers):
    """Open what comes, with a folder to import from, and say what it is."""
    for graph, path in asked:
        if path:
            sys.path.insert(0, path)
        try:
            answers.send(repr(graph.root))
        except ImportError as error:
            answers.send(type(error).__name__)
        if path:
            sys.path.remove(path)
        del graph


class Kept(typing.NamedTuple):
    """A record whose class leads to graphs with such records."""

    n: int


def keep_in_class():
    Kept.graph = csp.freeze([Kept(1), 2.5])
    assert Kept.graph.root[0] == (1,)
    Kept.view = csp.freeze([3.5]).view
    Kept.iterator = iter(Kept.view)
