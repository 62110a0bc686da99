# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The table of what channels do, row by row, in four ways: by threads and by
tasks of an event loop; with all ends here, and with the peers' in another
interpreter."""

import pytest

from semantics.player import play
from semantics.stage import Here, There
from semantics.table import NOT_FOR_TASKS, read

ROWS_AND_WAYS = [
    pytest.param(row, way, id=f"{row.name}-{way}")
    for row in read()
    for way in ("threads", "tasks")
    if way == "threads" or row.name not in NOT_FOR_TASKS
]


@pytest.fixture(scope="module")
def there():
    process = There()
    process.begin(True, True)  # from its first wait on it has what waits need
    process.end()
    yield process
    process.close()


@pytest.mark.parametrize(("row", "way"), ROWS_AND_WAYS)
def test_row(row, way):
    play(row, Here(way == "tasks", by_deadline=False))


@pytest.mark.parametrize(("row", "way"), ROWS_AND_WAYS)
def test_row_between_interpreters(row, way, there):
    stage = (way == "tasks", True)
    there.begin(*stage)
    play(row, Here(*stage), there)
