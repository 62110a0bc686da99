// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* thread.h: what others need of _core.Thread. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <Python.h>

/** The host behind a Thread; borrowed. */
struct host *thread_host(PyObject *op);

#endif
