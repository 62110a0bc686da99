// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* frozen.h: handles of frozen graphs, as the codec sees them. */
#ifndef CORE_FROZEN_H
#define CORE_FROZEN_H

#include <csp/handle.h>

#include "module.h"
#include "region.h"

/* Of a whole graph, or of a part of it. */
struct frozen {
    csp_handle head;
    struct region *region; /* a reference */
    node root;
    bool is_part; /* who receives it has the object, not a Frozen */
};

/** Add the types and functions. Returns: 0, -1 with an exception. */
int frozen_exec(PyObject *module, core_state *st);
extern PyMethodDef frozen_functions[];

/** The handle behind a Frozen: a new reference. */
csp_handle *frozen_handle(PyObject *obj);

/** A handle of @p obj, if it is part of a graph that is open here. Quick where
 *  it is not.
 *
 *  - Owns: *@p out is a new reference.
 *  - Returns: 1; 0: it is not; -1 with an exception. */
int frozen_give_part(core_state *st, PyObject *obj, csp_handle **out);

/** What @p h stands for here, if it is a handle of a frozen graph: a Frozen, or
 *  the part itself.
 *  Returns: a new reference; NULL with an exception, or without: it is of
 *  another kind. */
PyObject *frozen_from_handle(core_state *st, csp_handle *h);

/** What reads @p n, a mapping or a tuple, or a copy of what is neither. */
PyObject *view_of(core_state *st, struct frozen *graph, node n);
int view_exec(PyObject *module, core_state *st);

#endif
