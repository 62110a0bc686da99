// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* path.c: where in an object another one is. */
#include "path.h"

enum { MANY = 16, SHOWN = 8 }; /* steps; at each end */

PyObject *
path_key(PyObject *key, bool may_run)
{
    PyTypeObject *type = Py_TYPE(key);

    if (!may_run && type != &PyUnicode_Type && type != &PyLong_Type &&
        type != &PyFloat_Type && type != &PyBytes_Type)
        return PyUnicode_FromFormat("[<%s>]", type->tp_name);
    PyObject *text = PyUnicode_FromFormat("[%R]", key);
    if (!text && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear(); /* an int with more digits than may be shown */
        text = PyUnicode_FromString("[...]");
    }
    return text;
}

PyObject *
path_index(Py_ssize_t i)
{
    return PyUnicode_FromFormat("[%zd]", i);
}

PyObject *
path_part(Py_ssize_t i)
{
    static const char *const parts[] = {".start", ".stop", ".step"};

    return PyUnicode_FromString(i < 3 ? parts[i] : "");
}

PyObject *
path_join(void *(*step)(const void *arg, size_t i), const void *arg, size_t n)
{
    PyObject *path = PyUnicode_FromString("");

    for (size_t i = 0; path && i < n; i++) {
        if (i == SHOWN && n > MANY) {
            i = n - SHOWN;
            PyUnicode_AppendAndDel(&path, PyUnicode_FromString("[...]"));
        }
        PyUnicode_AppendAndDel(&path, step(arg, i));
    }
    return path;
}
