// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* buffer.h: csp.Buffer, csp.share() and csp.move(), as the codec sees them. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <csp/value.h>

#include "gifts.h"
#include "module.h"

/** Add the types and functions. Returns: 0, -1 with an exception. */
int buffer_exec(PyObject *module, core_state *st);
int share_exec(PyObject *module, core_state *st);
int move_exec(PyObject *module, core_state *st);
extern PyMethodDef share_functions[], move_functions[];

/** Begin to give @p obj, a Buffer, away.
 *
 *  - Owns: *@p out is a new value.
 *  - Returns: 0; -1 with an exception. */
int buffer_give(PyObject *obj, csp_value *out, struct gifts *gifts);

/** A Buffer of the memory of @p v, a BUFFER, which stays with the caller.
 *  Returns: a new reference, NULL with an exception. */
PyObject *buffer_from_value(core_state *st, csp_value v);

/** The same for a Buffer that only memoryviews see: what they are sent on for
 *  is the memory itself, which no interpreter owns. */
PyObject *buffer_of_view(core_state *st, csp_value v);

/** A value of the memory of @p view, if it is that of a buffer_of_view().
 *
 *  - Owns: *@p out is a new value.
 *  - Returns: 1; 0: it is other memory; -1 with an exception. */
int buffer_send_on(core_state *st, const Py_buffer *view, csp_value *out);

/* What can be shared: a buffer of some object, in one piece. */
typedef struct {
    PyObject_HEAD
    Py_buffer view;
} share_object;

/** A share_object of what @p obj exports.
 *  Returns: a new reference, NULL with an exception. */
PyObject *share_new(core_state *st, PyObject *obj, bool writable);

/** The memoryview that a received VIEW stands for: @p parts is a tuple of a
 *  Buffer, a format, and lengths, if there are several dimensions.
 *  Returns: a new reference, NULL with an exception. */
PyObject *share_view(core_state *st, PyObject *parts);

/** Begin to move what @p obj, a Move, holds.
 *
 *  - Owns: *@p out is a new value; *@p instead is borrowed.
 *  - Returns: 1; 0: it cannot be moved, *@p instead is to be sent; -1 with an
 *    exception. */
int move_give(core_state *st, PyObject *obj, csp_value *out, PyObject **instead,
              struct gifts *gifts);

/** Whether @p obj, a Move, holds a Buffer, and has not been sent. */
bool move_is_of_buffer(core_state *st, PyObject *obj);

/** What to send in place of @p obj, which is not needed here any more if it has
 *  one reference.
 *
 *  - Owns: the reference passes; a new one.
 *  - Returns: NULL with an exception. */
PyObject *move_owned(core_state *st, PyObject *obj);

/** The object that was moved, if @p v is one that nobody else has.
 *  Returns: a new reference; NULL without an exception: copy it. */
PyObject *move_take(csp_value v);

#endif
