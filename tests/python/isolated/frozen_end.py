# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A program that ends with graphs: frozen_end.py [root|view]."""

import atexit
import sys
import typing

import intercsp as csp


class Row(typing.NamedTuple):
    a: object


class Late:
    """Looks into a graph when the interpreter has almost gone."""

    def __init__(self, graph):
        self.graph = graph
        self.root = self.part = None
        if what:
            self.root = getattr(graph, what)
            self.part = self.root["k"][0]

    def look(self):
        assert len(self.graph.root["k"][1]) == 2
        assert self.part is None or len(self.part) == 2

    def __del__(self):
        self.look()


what = sys.argv[1]
names = {f"name_{i}": [i, Row({i})] for i in range(100)}
late = Late(csp.freeze({"k": [("a", 2.5), "bc", names]}))
setattr(Late, csp.freeze(["name of it"]).root[0], late)
atexit.register(late.look)
Row.late = late
