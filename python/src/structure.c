// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* structure.c: named tuples of C. */
#include "structure.h"

#include <stdbool.h>

PyObject *
structure_new(PyTypeObject *type, PyObject *const *items, Py_ssize_t n)
{
    PyObject *s = PyStructSequence_New(type);
    bool complete = s != NULL;

    for (Py_ssize_t i = 0; i < n; i++) {
        complete &= items[i] != NULL;
        if (s)
            PyStructSequence_SetItem(s, i, items[i]);
        else
            Py_XDECREF(items[i]);
    }
    if (!complete)
        Py_CLEAR(s);
    return s;
}
