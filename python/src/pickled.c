// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pickled.c: calls of intercsp._pickle. */
#include "pickled.h"

static PyObject *
call(core_state *st, const char *function, PyObject *a, PyObject *b)
{
    if (!st->pickle &&
        !(st->pickle = PyImport_ImportModule("intercsp._pickle")))
        return NULL;
    PyObject *name = PyUnicode_FromString(function);
    PyObject *args[] = {st->pickle, a, b};
    PyObject *result =
        name ? PyObject_VectorcallMethod(name, args, b ? 3 : 2, NULL) : NULL;

    Py_XDECREF(name);
    return result;
}

int
pickled_dumps(core_state *st, PyObject *objects, PyObject **stream,
              PyObject **parts)
{
    PyObject *pair = call(st, "dumps", objects, NULL);

    if (!pair)
        return -1;
    *stream = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    *parts = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 0;
}

PyObject *
pickled_loads(core_state *st, PyObject *stream, PyObject *parts)
{
    return call(st, "loads", stream, parts);
}

Py_ssize_t
pickled_culprit(core_state *st, PyObject *objects, PyObject **why)
{
    PyObject *pair = call(st, "culprit", objects, NULL);
    Py_ssize_t index = -1;

    if (pair && PyArg_ParseTuple(pair, "nU", &index, why))
        Py_INCREF(*why);
    Py_XDECREF(pair);
    return index;
}
