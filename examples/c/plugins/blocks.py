# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin that waits for what never comes."""

import intercsp as csp


def run(events, results):
    _tx, rx = csp.channel(1)
    rx.recv()
