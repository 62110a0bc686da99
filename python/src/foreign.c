// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* foreign.c: objects of ours in the queues and calls of Python's own
 * concurrent.interpreters. */
#include <stdlib.h>

#include "codec.h"
#include "compat.h"

static PyObject *
from_foreign(void *data)
{
    PyObject *module = PyImport_ImportModule("intercsp._core");
    PyObject *obj = NULL;

    if (module)
        obj = codec_decode(core_state_of(module), *(csp_value *)data);
    Py_XDECREF(module);
    return obj;
}

static void
free_foreign(void *data)
{
    csp_value_unref(data);
    free(data);
}

static void *
to_foreign(PyObject *obj)
{
    PyObject *module = PyImport_ImportModule("intercsp._core");
    csp_value *v = module ? malloc(sizeof *v) : NULL;
    struct gifts gifts;

    if (module && !v)
        PyErr_NoMemory();
    if (v && codec_encode(core_state_of(module), obj, v, &gifts) == 0) {
        gifts_done(&gifts, true);
    } else {
        free(v);
        v = NULL;
    }
    Py_XDECREF(module);
    return v;
}

COMPAT_DEFINE_FOREIGN(to_foreign, from_foreign, free_foreign)

PyDoc_STRVAR(register_shareable_doc,
             "register_shareable($module, cls, /)\n--\n\n"
             "Let concurrent.interpreters send instances of this class as we "
             "do, where Python has\nthat module.");

static PyObject *
register_shareable(PyObject *Py_UNUSED(module), PyObject *cls)
{
    if (!PyType_Check(cls)) {
        PyErr_SetString(PyExc_TypeError, "a class is needed");
        return NULL;
    }
    return compat_register_foreign((PyTypeObject *)cls) < 0
               ? NULL
               : Py_NewRef(Py_None);
}

PyMethodDef foreign_functions[] = {
    {"register_shareable", register_shareable, METH_O, register_shareable_doc},
    {0}};
