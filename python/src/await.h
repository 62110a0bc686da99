// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* await.h: what the asynchronous methods of ends give. */
#ifndef CORE_AWAIT_H
#define CORE_AWAIT_H

#include "module.h"

/** Adds its type. Returns: 0, -1 with an exception. */
int await_exec(PyObject *module, core_state *st);

/** What awaits @p pending (pending.h), whose reference passes in any case.
 *  Returns: a new reference; NULL with an exception. */
PyObject *await_pending(core_state *st, PyObject *pending);

/** The methods asend, arecv, __anext__, and those of async with. */
extern const char await_send_doc[], await_recv_doc[], await_close_doc[];
PyObject *await_send(PyObject *op, PyObject *obj);
PyObject *await_recv(PyObject *op, PyObject *unused);
PyObject *await_enter(PyObject *op, PyObject *unused);
PyObject *await_exit(PyObject *op, PyObject *const *args, Py_ssize_t nargs);

/** What `async for` calls each time. */
PyObject *await_next(PyObject *op);

#endif
