// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* compat.h: what differs between the supported Pythons, and every use of
 * CPython API that is not public; nothing of either kind is elsewhere. */
#ifndef CORE_COMPAT_H
#define CORE_COMPAT_H

#include <Python.h>

#include <stdbool.h>

#if PY_VERSION_HEX < 0x030d0000
#    error "intercsp needs CPython 3.13 or later"
#endif

/* Runs @p call in some thread of @p interp, soon, whoever holds its GIL.
 * Private; exported by 3.13, 3.14 and 3.15, no public replacement for other
 * interpreters than the main one. Returns 0 or, when the table is full, not. */
PyAPI_FUNC(int)
    _PyEval_AddPendingCall(PyInterpreterState *interp, int (*call)(void *),
                           void *arg, int flags);

static inline int
compat_add_pending_call(PyInterpreterState *interp, int (*call)(void *),
                        void *arg)
{
    return _PyEval_AddPendingCall(interp, call, arg, 0);
}

/* frozendict is new in 3.15. */
static inline bool
compat_is_frozendict(PyObject *obj)
{
#if PY_VERSION_HEX >= 0x030f0000
    return PyFrozenDict_CheckExact(obj);
#else
    (void)obj;
    return false;
#endif
}

/* A frozendict of what @p dict has; before 3.15 what comes nearest: a mapping
 * that cannot be changed. Returns: NULL with an exception. */
static inline PyObject *
compat_frozendict(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030f0000
    return PyFrozenDict_New(dict);
#else
    return PyDictProxy_New(dict);
#endif
}

/* The thread that runs Python's signal handlers; 0 if it cannot be told.
 * threading.main_thread() costs an import; _thread is built in. Private:
 * _thread._get_main_thread_ident is there in 3.13, 3.14 and 3.15. */
static inline unsigned long
compat_main_thread(void)
{
    PyObject *m = PyImport_ImportModule("_thread");
    PyObject *r =
        m ? PyObject_CallMethod(m, "_get_main_thread_ident", NULL) : NULL;
    unsigned long ident = r ? PyLong_AsUnsignedLong(r) : 0;

    Py_XDECREF(r);
    Py_XDECREF(m);
    PyErr_Clear();
    return ident;
}

#endif
