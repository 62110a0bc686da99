// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* structure.h: named tuples of C. */
#ifndef CORE_STRUCTURE_H
#define CORE_STRUCTURE_H

#include <Python.h>

/** A structure of @p type with @p n items.
 *
 *  - Owns: the references to the items pass in any case, also if one is NULL,
 *    with an exception.
 *  - Returns: a new reference; NULL with an exception. */
PyObject *structure_new(PyTypeObject *type, PyObject *const *items,
                        Py_ssize_t n);

#endif
