# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin that cannot be imported."""

import no_such_module  # noqa: F401
