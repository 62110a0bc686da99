// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* gifts.c: what is given away with a value. */
#include "gifts.h"

#include <string.h>

void
gifts_init(struct gifts *g, const void *operation)
{
    g->n = 0;
    g->room = sizeof g->few / sizeof *g->few;
    g->operation = operation;
    g->more = NULL;
}

int
gifts_add(struct gifts *g, PyObject *thing, void (*done)(PyObject *, bool))
{
    if (g->n == g->room) {
        size_t room = g->room * 2;
        struct gift *more = PyMem_RawRealloc(g->more, room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        if (!g->more)
            memcpy(more, g->few, sizeof g->few);
        g->more = more;
        g->room = room;
    }
    (g->more ? g->more : g->few)[g->n++] =
        (struct gift){Py_NewRef(thing), done};
    return 0;
}

void
gifts_done(struct gifts *g, bool sent)
{
    PyObject *error = PyErr_GetRaisedException();

    while (g->n) {
        struct gift *gift = &(g->more ? g->more : g->few)[--g->n];
        gift->done(gift->thing, sent);
        Py_DECREF(gift->thing);
    }
    PyMem_RawFree(g->more);
    gifts_init(g, NULL);
    PyErr_SetRaisedException(error);
}
