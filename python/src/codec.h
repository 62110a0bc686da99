// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* codec.h: Python objects to values and back. */
#ifndef CORE_CODEC_H
#define CORE_CODEC_H

#include <csp/value.h>

#include "module.h"

/* The ends that a value being sent carries: given away once it is sent. Known
 * to the ends by its address while it is filled; may be copied later. */
struct gifts {
    size_t n, room;
    const void *operation;
    PyObject **more; /* memory of its own, or NULL: few suffices */
    PyObject *few[4];
};

/** A value equal to @p obj. Ends in it are cloned, and noted in @p gifts, of
 *  which codec_given() must make an end in any case.
 *
 *  - Owns: *@p out is a new value.
 *  - Returns: 0; -1 with an exception: NotShareable, Moved, EndClosed,
 *    MemoryError. Nothing has changed then. */
int codec_encode(core_state *st, PyObject *obj, csp_value *out,
                 struct gifts *gifts);

/** The same for one of several values, of which @p operation sends one at most:
 *  they may offer the same end. Each has a @p gifts of its own. */
int codec_encode_case(core_state *st, PyObject *obj, csp_value *out,
                      struct gifts *gifts, const void *operation);

/** The value was sent (@p sent: the ends become Moved) or not (the caller
 *  keeps them). Keeps an exception that is set. */
void codec_given(struct gifts *gifts, bool sent);

/** The object that @p v stands for. @p st may be NULL if no handle can be in
 *  it.
 *
 *  - Owns: @p v stays with the caller; a new reference.
 *  - Returns: NULL with an exception. */
PyObject *codec_decode(core_state *st, csp_value v);

#endif
