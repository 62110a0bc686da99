// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* layout.h: objects of CPython's own types, laid out in a region.
 *
 * They are what CPython would have made, but for this: they are immortal, not
 * tracked by the collector, and everything that CPython fills in when it is
 * first asked for is there from the beginning. layout.c has the list of what
 * that relies on. */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "region.h"

/** Whether the Python that runs this lays out objects as layout.c believes.
 *  Cheap after the first time. Returns: 0; -1 with NotImplementedError. */
int layout_check(void);

/** An object equal to @p src, whose type is the one in the name, exactly; it
 *  may be one that CPython has for everybody.
 *  Returns: borrowed for ever; NULL with an exception. */
PyObject *layout_str(struct region *r, PyObject *src);
PyObject *layout_bytes(struct region *r, const char *data, Py_ssize_t n);
PyObject *layout_int(struct region *r, PyObject *src);
PyObject *layout_float(struct region *r, PyObject *src);
PyObject *layout_complex(struct region *r, PyObject *src);

/** Objects whose parts are still NULL: *@p parts is where they go, as many as
 *  layout_parts() has. @p n: at least 1. NULL with an exception. */
PyObject *layout_tuple(struct region *r, Py_ssize_t n, node **parts);
PyObject *layout_slice(struct region *r, node **parts);
PyObject *layout_range(struct region *r, node **parts);

/** What a slice or range is made of: 3 or 4 objects, borrowed. */
PyObject *const *layout_parts(PyObject *src, Py_ssize_t *n);

/** A mapping, empty until layout_fill(): a frozendict; before 3.15 a proxy of
 *  a dict. NULL with an exception. */
PyObject *layout_mapping(struct region *r);

/** Fill it with @p n keys, which differ, and as many values behind them.
 *  Returns: 0, -1 with an exception. */
int layout_fill(struct region *r, PyObject *mapping, const node *parts,
                Py_ssize_t n);

/** All that @p obj refers to is complete: its hash is computed, if it keeps
 *  one. Returns: 0, -1 with an exception. */
int layout_complete(PyObject *obj);

/** The dict behind a mapping that was frozen, or behind a proxy of an exact
 *  dict; @p obj itself if it is a dict or frozendict; NULL: none of these. */
PyObject *layout_dict_of(PyObject *obj);

/** Whether @p obj can be in a region at all; quick. */
bool layout_is_immortal(PyObject *obj);

#endif
