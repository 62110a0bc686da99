// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* grow.h: arrays that begin in memory of their owner's, and leave it when they
 * become large. */
#ifndef CORE_GROW_H
#define CORE_GROW_H

#include <Python.h>

#include <string.h>

/** @p array, which is full, with twice the room. @p few: where it began.
 *  Returns: its new memory, PyMem_RawFree(); NULL with MemoryError, and nothing
 *  has changed. */
static inline void *
grow_twice(void *array, const void *few, size_t *room, size_t item_size)
{
    void *more = PyMem_RawMalloc(*room * 2 * item_size);

    if (!more)
        return PyErr_NoMemory();
    memcpy(more, array, *room * item_size);
    if (array != few)
        PyMem_RawFree(array);
    *room *= 2;
    return more;
}

#endif
