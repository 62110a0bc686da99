# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What CPython's tests of channels use of _interpchannels."""

from intercsp import _core
from intercsp._box import CHANNEL

ChannelID = int


def get_count(id: int) -> int:
    box = _core.find_box(CHANNEL, id)
    assert box is not None
    return len(box)
