// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ends.h: the end types, as the codec sees them. */
#ifndef CORE_ENDS_H
#define CORE_ENDS_H

#include <csp/handle.h>

#include "module.h"

/** Whether @p obj is an end. */
bool ends_check(core_state *st, PyObject *obj);

/** Begin to give @p obj (an end) away: a clone of it is made, and until
 *  ends_give_done() no second operation may give it away.
 *
 *  - Owns: *@p out is a new reference.
 *  - Returns: 0; -1 with an exception (Moved, EndClosed, MemoryError). */
int ends_give(PyObject *obj, csp_handle **out);

/** It was given away (it becomes Moved), or was not. */
void ends_give_done(PyObject *obj, bool given);

/** A new end object for a clone of @p h.
 *
 *  - Owns: @p h is borrowed; a new reference.
 *  - Returns: NULL with an exception; NULL without one: @p h is no end. */
PyObject *ends_from_handle(core_state *st, csp_handle *h);

#endif
