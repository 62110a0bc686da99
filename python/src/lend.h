// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* lend.h: memory of Python objects that values refer to without a copy. */
#ifndef CORE_LEND_H
#define CORE_LEND_H

#include <csp/value.h>

#include "module.h"

/* A copy of less costs no more than lending. */
enum { LEND_BYTES = 64 * 1024 };

/** Prepare this interpreter to lend. Returns: 0, -1 with an exception. */
int lend_exec(PyObject *module, core_state *st);

/** A value of the @p size bytes at @p data, which @p obj keeps where they are:
 *  it lives until the last reference to the value has gone, wherever, and is
 *  released in this interpreter. @p flags: see csp_value_buffer(). Runs no
 *  Python code; whoever lends calls lend_drain() now and then.
 *
 *  - Owns: *@p out is a new value.
 *  - Threads: with the GIL.
 *  - Returns: 0; CSP_ENOMEM; CSP_ECLOSED: the interpreter ends, copy it. */
int lend(core_state *st, PyObject *obj, const void *data, size_t size,
         unsigned flags, csp_value *out);

/** Release what has come back, which may run any code. Threads: with the GIL.
 */
void lend_drain(core_state *st);

/** Whether others refer to memory that only this interpreter can release.
 *  Threads: with the GIL. */
bool lend_is_awaited(struct record *r);

/** Release what comes back until nothing is awaited, or record_let_go() says
 *  that the program ends.
 *
 *  - Threads: the interpreter's last, with the GIL, which it lets go of
 *    while it waits.
 *  - Blocks: for as long as others keep that memory. */
void lend_linger(struct record *r);

/** The interpreter ends: nothing is released any more. What readers still have
 *  stays valid. Threads: with the GIL. */
void lend_close(struct record *r);

extern PyMethodDef lend_functions[];

#endif
