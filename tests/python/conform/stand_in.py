# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A module that lacks a thing: the tests must fail with it."""

from intercsp.pep554 import *  # noqa: F403
from intercsp.pep554 import RecvChannel as _Whole


class RecvChannel(_Whole):
    is_closed = property()  # type: ignore[assignment]
