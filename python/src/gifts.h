// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* gifts.h: what is given away with a value: its sender has it until the value
 * is sent. */
#ifndef CORE_GIFTS_H
#define CORE_GIFTS_H

#include <Python.h>

#include <stdbool.h>

/* One thing that is given, and what is told of its fate. */
struct gift {
    PyObject *thing; /* a reference */
    void (*done)(PyObject *thing, bool sent);
};

/* Known to the things by its address while it is filled; may be copied later.
 */
struct gifts {
    size_t n, room;
    const void *operation; /* what gives them: see ends_give() */
    struct gift *more;     /* memory of its own, or NULL: few suffices */
    struct gift few[4];
};

void gifts_init(struct gifts *g, const void *operation);

/** Note a thing. Returns: 0; -1 with an exception. */
int gifts_add(struct gifts *g, PyObject *thing,
              void (*done)(PyObject *thing, bool sent));

/** Everything was sent, or not; @p g is empty afterwards. Keeps an exception
 *  that is set. */
void gifts_done(struct gifts *g, bool sent);

#endif
