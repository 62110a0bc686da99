# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""examples/python/frozen_table.py: all ways serve the table, and say what they
cost."""

import subprocess
import sys
from pathlib import Path

from support import DEADLINE

EXAMPLE = Path(__file__).parents[2] / "examples/python/frozen_table.py"


def test_all_ways_serve_the_table():
    done = subprocess.run(
        [sys.executable, EXAMPLE, "10", "2"],
        check=True,
        capture_output=True,
        text=True,
        timeout=4 * DEADLINE,
    )
    rows = {line[0]: line for line in map(str.split, done.stdout.splitlines())}
    assert list(rows) == ["frozen", "pickled", "processes"]
    # 2 workers with nothing of their own against 2 tables of 10 MB
    assert int(rows["frozen"][3]) < int(rows["pickled"][3])
