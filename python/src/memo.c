// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* memo.c: objects by address. The table is open addressing, at most half
 * full; what is noted is never taken out. */
#include "memo.h"

#include <string.h>

void
memo_init(struct memo *m)
{
    m->notes = m->few;
    m->n = 0;
    m->room = sizeof m->few / sizeof *m->few;
    m->table = NULL;
    m->mask = 0;
}

void
memo_fini(struct memo *m)
{
    if (m->notes != m->few)
        PyMem_RawFree(m->notes);
    PyMem_RawFree(m->table);
}

static size_t
place_of(const struct memo *m, const PyObject *obj)
{
    uint64_t address = (uint64_t)(uintptr_t)obj >> 4;
    size_t i = (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & m->mask;

    while (m->table[i] && m->notes[m->table[i] - 1].obj != obj)
        i = (i + 1) & m->mask;
    return i;
}

struct note *
memo_find(const struct memo *m, const PyObject *obj)
{
    if (m->table) {
        uint32_t index = m->table[place_of(m, obj)];
        return index ? &m->notes[index - 1] : NULL;
    }
    for (size_t i = m->n; i-- > 0;)
        if (m->notes[i].obj == obj)
            return &m->notes[i];
    return NULL;
}

/* Twice the room, and a table of four places for each. */
static int
grow(struct memo *m)
{
    size_t room = m->room * 2;
    struct note *notes = NULL;
    uint32_t *table = NULL;

    if (room < UINT32_MAX / 4) {
        notes = PyMem_RawMalloc(room * sizeof *notes);
        table = PyMem_RawCalloc(room * 4, sizeof *table);
    }
    if (!notes || !table) {
        PyMem_RawFree(notes);
        PyMem_RawFree(table);
        PyErr_NoMemory();
        return -1;
    }
    memcpy(notes, m->notes, m->n * sizeof *notes);
    memo_fini(m);
    m->notes = notes;
    m->room = room;
    m->table = table;
    m->mask = room * 4 - 1;
    for (size_t i = 0; i < m->n; i++)
        table[place_of(m, notes[i].obj)] = (uint32_t)i + 1;
    return 0;
}

Py_ssize_t
memo_add(struct memo *m, PyObject *obj, size_t at, unsigned key_depth,
         bool open)
{
    if (m->n == m->room && grow(m) < 0)
        return -1;
    m->notes[m->n] = (struct note){obj, at, key_depth, open};
    if (m->table)
        m->table[place_of(m, obj)] = (uint32_t)m->n + 1;
    return (Py_ssize_t)m->n++;
}
