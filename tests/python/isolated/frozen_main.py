# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Records of classes of the script, seen by a process and here."""

import dataclasses
import typing

import intercsp as csp


class Row(typing.NamedTuple):
    a: int
    b: object


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    x: object


def show(graph):
    row, kept = graph.root
    assert type(row) is Row
    assert type(kept) is Kept
    print(row, kept, flush=True)


if __name__ == "__main__":
    graph = csp.freeze([Row(1, [2]), Kept({3})])
    csp.spawn(show, graph).result()
    show(graph)
