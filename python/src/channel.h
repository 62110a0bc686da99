// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* channel.h: what a channel is like, in Python's words. */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include <csp/chan.h>

#include "module.h"

/** A capacity as users write it: an int, or UNBOUNDED (an infinite float).
 *
 *  - Returns: 0; -1 with an exception. */
int channel_parse_capacity(PyObject *obj, uint32_t *out);

/** The other way round. Returns: a new reference, NULL with an exception. */
PyObject *channel_capacity(uint32_t capacity);

/** An overflow policy by its name; NULL stands for "block".
 *
 *  - Returns: 0; -1 with an exception. */
int channel_parse_overflow(const char *name, csp_overflow *out);

/** A Stats of @p stats. Returns: a new reference, NULL with an exception. */
PyObject *channel_stats(core_state *st, const csp_chan_stats *stats);

#endif
