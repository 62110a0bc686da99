// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* freeze.h: a graph of objects, laid out in a region. */
#ifndef CORE_FREEZE_H
#define CORE_FREEZE_H

#include "module.h"
#include "region.h"

/** A region with the graph that @p obj leads to.
 *
 *  - Owns: a new reference.
 *  - Blocks: for some 40 ns per object, with the GIL.
 *  - Returns: NULL with an exception: NotShareable with the path,
 *    NotImplementedError, MemoryError, or what reading a record raises. */
struct region *freeze_graph(core_state *st, PyObject *obj, bool protect);

#endif
