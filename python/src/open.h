// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* open.h: frozen graphs as one interpreter sees them. */
#ifndef CORE_OPEN_H
#define CORE_OPEN_H

#include "module.h"
#include "region.h"

/* What an interpreter holds. */
struct opened {
    size_t n, room;
    struct opening {
        struct region *region;
        bool is_open;     /* or else making its shells has failed so far */
        PyObject *shells; /* those of the region, built here: a list or NULL */
    } *list;              /* by address of their objects */
    size_t bytes;         /* of all of them */
};

/** The object behind @p n in this interpreter, which holds @p r from now on.
 * The caller has a reference to @p r. May run Python code, to make records.
 *
 *  - Threads: with the GIL.
 *  - Returns: a new reference; NULL with an exception. */
PyObject *open_node(core_state *st, struct region *r, node n);

/** The region that @p p points into, if it is open here; borrowed, NULL: none.
 *  Threads: with the GIL. */
struct region *open_find(core_state *st, const void *p);

/** What a shell of @p kind with these items stands for; the reference to
 *  @p items, a tuple, passes. May run Python code. NULL with an exception. */
PyObject *open_build(enum shell_kind kind, PyObject *items);

/** Let go of what was built here. The interpreter still holds the regions,
 * until it is gone. */
void open_clear(core_state *st);
void open_free(core_state *st);

/** For the traverse of the module. */
int open_traverse(core_state *st, visitproc visit, void *arg);

#endif
