// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pickled.h: objects that have no form of their own: intercsp._pickle, which
 * is loaded when it is first needed. */
#ifndef CORE_PICKLED_H
#define CORE_PICKLED_H

#include "module.h"

/** Pickle @p objects, a list.
 *  Returns: 0, bytes in *@p stream, a list of what can be sent natively, which
 *  the pickle refers to, in *@p parts; -1 with an exception. */
int pickled_dumps(core_state *st, PyObject *objects, PyObject **stream,
                  PyObject **parts);

/** The list of objects again. Returns: NULL with an exception. */
PyObject *pickled_loads(core_state *st, PyObject *stream, PyObject *parts);

/** Of @p objects, which could not be pickled together: the first that cannot
 *  be pickled alone either.
 *  Returns: its index, and why (a str) in *@p why; -1 with an exception. */
Py_ssize_t pickled_culprit(core_state *st, PyObject *objects, PyObject **why);

#endif
