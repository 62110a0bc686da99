// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.h: what is made of a case that has happened. */
#ifndef CORE_SELECT_H
#define CORE_SELECT_H

#include "case.h"

/** A Selected of case number @p i. *happened: whether with success.
 *
 *  - Owns: the value in @p c passes; a new reference.
 *  - Returns: NULL with an exception, which has the number as .index. */
PyObject *select_result(core_state *st, Py_ssize_t i, csp_case *c,
                        struct choice *choice, bool *happened);

#endif
