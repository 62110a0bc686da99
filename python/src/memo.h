// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* memo.h: which objects an encoder has met, by address, and where it wrote
 * them. */
#ifndef CORE_MEMO_H
#define CORE_MEMO_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

struct note {
    PyObject *obj;      /* borrowed */
    size_t at;          /* where it was written */
    unsigned key_depth; /* how deep in a key it stood; 0: in none */
    bool open;          /* the encoder is inside it */
};

/* A few are looked through; of more there is a table. */
struct memo {
    struct note *notes;
    size_t n, room;
    uint32_t *table; /* of mask + 1 places: an index into notes, plus 1; or 0 */
    size_t mask;
    struct note few[8];
};

void memo_init(struct memo *m);
void memo_fini(struct memo *m);

/** The note of @p obj, valid until another is added; NULL: it is new. */
struct note *memo_find(const struct memo *m, const PyObject *obj);

/** Note a new object.
 *  Returns: its index in notes; -1 with an exception. */
Py_ssize_t memo_add(struct memo *m, PyObject *obj, size_t at,
                    unsigned key_depth, bool open);

#endif
