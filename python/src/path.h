// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* path.h: where in an object another one is, e.g. "[3]['user']", for people. */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <Python.h>

#include <stdbool.h>

/** The step to a value in a mapping, to an element of a sequence, and to a part
 *  of a slice or range, both counted from 0. No code of @p key's type runs
 *  unless @p may_run. Return: a new str; NULL with an exception. */
PyObject *path_key(PyObject *key, bool may_run);
PyObject *path_index(Py_ssize_t i);
PyObject *path_part(Py_ssize_t i);

/** The steps at 0 to @p n - 1, joined; of many those at the two ends.
 *  @p step: returns a new str, or NULL with an exception.
 *  Returns: a new str; NULL with an exception. */
PyObject *path_join(void *(*step)(const void *arg, size_t i), const void *arg,
                    size_t n);

#endif
