// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* loop.h: operations that are pending in an event loop. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include "module.h"

/** Adds the types. Returns: 0, -1 with an exception. */
int loop_exec(PyObject *module, core_state *st);

#endif
