// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* scope.c: intercsp._core.Scope, the base of what must not be left behind when
 * a with statement ends.
 *
 * A signal handler that raises can keep an __exit__() that is written in Python
 * from running: it may come just when that is entered, and then nobody calls it
 * again. It cannot keep this one, written in C, from running; this calls
 * _leave() again, with the handler's exception, until _leave() has begun. */
#include <stddef.h>

#include "module.h"

typedef struct {
    PyObject_HEAD
    char leaving; /* set by _leave() in its first line */
} scope_object;

/* Call _leave() with the exception *@p error, or none.
 * Returns: what it does; NULL with an exception, that in *@p error too if
 * _leave() was interrupted before it began. */
static PyObject *
leave(scope_object *self, PyObject **error)
{
    PyObject *e = *error;
    PyObject *result =
        PyObject_CallMethod((PyObject *)self, "_leave", "O", e ? e : Py_None);

    if (result || self->leaving)
        return result;
    *error = PyErr_GetRaisedException();
    PyException_SetContext(*error, e); /* steals e */
    return NULL;
}

PyDoc_STRVAR(exit_doc, "__exit__($self, kind, error, traceback, /)\n--\n\n"
                       "Call _leave(error), which sets self.leaving first of "
                       "all.");

static PyObject *
scope_exit(PyObject *op, PyObject *args)
{
    scope_object *self = (scope_object *)op;
    PyObject *kind, *given, *traceback;

    if (!PyArg_ParseTuple(args, "OOO:__exit__", &kind, &given, &traceback))
        return NULL;
    PyObject *first = given == Py_None ? NULL : given;
    PyObject *error = Py_XNewRef(first);
    PyObject *result;
    int attempts = 0;

    do
        result = leave(self, &error);
    while (!result && !PyErr_Occurred() && ++attempts < 100);
    if (error == first || PyErr_Occurred()) {
        Py_XDECREF(error);
        return result;
    }
    /* what interrupted it goes out in the place of the body's */
    Py_XDECREF(result);
    PyErr_SetRaisedException(error);
    return NULL;
}

static int
scope_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static void
scope_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef scope_methods[] = {
    {"__exit__", scope_exit, METH_VARARGS, exit_doc}, {0}};

static PyMemberDef scope_members[] = {{"leaving", Py_T_BOOL,
                                       offsetof(scope_object, leaving), 0,
                                       "Whether _leave() has begun."},
                                      {0}};

PyDoc_STRVAR(scope_doc,
             "A with statement whose end no interrupt can leave out.");

static PyType_Slot scope_slots[] = {
    {Py_tp_dealloc, scope_dealloc}, {Py_tp_traverse, scope_traverse},
    {Py_tp_methods, scope_methods}, {Py_tp_members, scope_members},
    {Py_tp_doc, (void *)scope_doc}, {0, NULL}};

static PyType_Spec scope_spec = {
    "intercsp._core.Scope", sizeof(scope_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
        Py_TPFLAGS_IMMUTABLETYPE,
    scope_slots};

int
scope_exec(PyObject *module, core_state *st)
{
    st->scope_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &scope_spec, NULL);
    return st->scope_type ? PyModule_AddType(module, st->scope_type) : -1;
}
