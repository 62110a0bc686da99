# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The rows of the table. Its head says what they mean."""

import re
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parents[2] / "semantics" / "table.txt"


class Row(NamedTuple):
    name: str
    cap: str
    before: list[str]
    do: list[str]
    deadline: str
    gives: list[str]
    after: list[str]


# A rendezvous is full while only tasks wait to receive (csp/loop.h); they are
# told of a sender, and take its value when they run. So who tries to send
# comes too early, and of two cases the second may happen first.
NOT_FOR_TASKS = {
    "rendezvous_try_send_meets_a_parked_receiver",
    "select_meets_a_parked_select_in_one_case_only",
}


def parts(text: str) -> list[str]:
    return [] if text == "-" else text.split(", ")


def read_row(line: str) -> Row:
    name, cap, before, do, deadline, gives, after = re.split("  +", line)
    row = Row(
        name,
        cap,
        parts(before),
        do.split(", "),
        deadline,
        gives.split(", "),
        parts(after),
    )
    assert len(row.do) == len(row.gives), f"{name}: an answer to each step"
    return row


def read() -> list[Row]:
    """All rows, but for those of areas for which Python has no words."""
    rows = []
    c_only = False
    for line in map(str.strip, TABLE.read_text().splitlines()):
        if line.startswith("["):
            c_only = "C only" in line
        elif line and not line.startswith("#") and not c_only:
            rows.append(read_row(line))
    return rows
