// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* codec.h: Python objects to values (encode.c) and back (decode.c). */
#ifndef CORE_CODEC_H
#define CORE_CODEC_H

#include <csp/value.h>

#include "gifts.h"
#include "module.h"

/* How deep a key may be nested: who decodes has to hash it, which CPython does
 * by recursion, without a look at the stack. */
enum { CODEC_KEY_DEPTH = 100 };

/* How an object is encoded. */
enum {
    CODEC_STRICT = 1, /* nothing is pickled */
    CODEC_COPY = 2,   /* nothing stays with its interpreter */
    CODEC_MANY = 4,   /* many receive it: nothing with one owner */
};

/** A value equal to @p obj. Ends in it are cloned, and noted in @p gifts, of
 *  which gifts_done() must make an end if this succeeds. @p operation: see
 *  ends_give(); NULL: this one.
 *
 *  May run Python code, to pickle.
 *
 *  - Owns: *@p out is a new value.
 *  - Returns: 0; -1 with an exception: NotShareable, Moved, EndClosed,
 *    MemoryError, or what pickling raises that is no Exception. Nothing has
 *    changed then. */
int codec_encode_as(core_state *st, PyObject *obj, unsigned flags,
                    csp_value *out, struct gifts *gifts, const void *operation);

static inline int
codec_encode(core_state *st, PyObject *obj, csp_value *out, struct gifts *gifts)
{
    return codec_encode_as(st, obj, 0, out, gifts, NULL);
}

/** The object that @p v stands for. @p st may be NULL if no handle and no
 *  pickle can be in it.
 *
 *  - Owns: @p v stays with the caller, but an object that was moved is taken
 *    out of it, if nobody else has @p v; a new reference.
 *  - Returns: NULL with an exception. */
PyObject *codec_decode(core_state *st, csp_value v);

/** The same; @p v passes. */
static inline PyObject *
codec_decode_taken(core_state *st, csp_value v)
{
    if (csp_value_kind(v) == CSP_KIND_INT) /* the commonest, for speed */
        return PyLong_FromLongLong(csp_value_as_int(v));
    PyObject *obj = codec_decode(st, v);
    csp_value_unref(&v);
    return obj;
}

#endif
