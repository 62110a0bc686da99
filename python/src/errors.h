// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* errors.h: the exceptions of the package, and codes turned into them. */
#ifndef CORE_ERRORS_H
#define CORE_ERRORS_H

#include <Python.h>

struct core_state;

enum error {
    ERROR_ERROR,
    ERROR_CLOSED,
    ERROR_END_CLOSED,
    ERROR_MOVED,
    ERROR_POISONED,
    ERROR_EMPTY, /* these two are made on first use: their bases are imports */
    ERROR_FULL,
    ERROR_NOT_SHAREABLE,
    ERROR_REMOTE,
    ERROR_STOP_FAILED,
    ERROR_STOPPED,
    ERROR_CANCELLED,
    ERROR_COUNT
};

/** Creates the exceptions and adds them to the module.
 *  Returns: 0, -1 with an exception. */
int errors_exec(PyObject *module, struct core_state *st);

/** The class behind @p e, borrowed; NULL with an exception. */
PyObject *errors_class(struct core_state *st, enum error e);

/** Raises what @p status (of status.h) means at channel @p name (NULL: none).
 *  Returns: NULL. */
void *errors_raise(struct core_state *st, int status, const char *name);

/** Raises Poisoned for @p reason at channel @p name. Returns: NULL. */
void *errors_poisoned(struct core_state *st, PyObject *reason,
                      const char *name);

/** Raises NotShareable for @p obj at @p path, with what can be done about it.
 *  Returns: NULL. */
void *errors_not_shareable(struct core_state *st, PyObject *path, PyObject *obj,
                           const char *why);

/** The exception that is set goes out with @p value as its attribute @p name;
 *  without, if that fails. Takes the reference @p value; NULL: it could not be
 *  made. */
void errors_note(const char *name, PyObject *value);

/** The exception that is set came from making an object of what channel
 *  @p name gave: it goes out with a note that says so; without, if that fails.
 */
void errors_in_value(const char *name);

/** {name of code: exception or None}, for the test that no code is without.
 *  Returns: a new dict; NULL with an exception. */
PyObject *errors_table(struct core_state *st);

#endif
