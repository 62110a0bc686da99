// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* open.c: frozen graphs as one interpreter sees them: what it has open, and
 * what it has built of their shells.
 *
 * Invariants:
 *   O1  An object of a region is known to Python code here only if the region
 *       is in the list; it never leaves it, and the interpreter is a holder
 *       of it from before.
 *   O2  The list changes under the GIL only. Making records, and warning, runs
 *       any code, which may open graphs: nothing in the list is known across
 *       it. */
#include "open.h"

#include <string.h>

#include "compat.h"

/* ---- shells ---- */

/* A new reference; NULL with an exception: somebody has got hold of the list,
 * with gc.get_referrers() for one, and has changed it. */
static PyObject *
resolve(PyObject *shells, node n)
{
    const struct shell *s = node_shell(n);

    return s ? PyList_GetItemRef(shells, (Py_ssize_t)s->number)
             : Py_NewRef(node_object(n));
}

static PyObject *
resolve_items(PyObject *shells, const struct shell *s)
{
    PyObject *tuple = PyTuple_New(s->n);

    for (Py_ssize_t i = 0; tuple && i < s->n; i++) {
        PyObject *item = resolve(shells, s->items[i]);
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
build_mapping(PyObject *items)
{
    PyObject *dict = PyDict_New(), *mapping = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(items) / 2;
    int rc = dict ? 0 : -1;

    for (Py_ssize_t i = 0; rc == 0 && i < n; i++)
        rc = PyDict_SetItem(dict, PyTuple_GET_ITEM(items, i),
                            PyTuple_GET_ITEM(items, n + i));
    if (rc == 0)
        mapping = compat_frozendict(dict);
    Py_XDECREF(dict);
    return mapping;
}

static PyObject *
build_record(PyObject *items)
{
    PyObject *module = PyImport_ImportModule("intercsp._frozen");
    PyObject *record =
        module ? PyObject_CallMethod(module, "make", "(O)", items) : NULL;

    Py_XDECREF(module);
    return record;
}

PyObject *
open_build(enum shell_kind kind, PyObject *items)
{
    PyObject *obj = NULL;

    switch (kind) {
    case SHELL_TUPLE:
        return items;
    case SHELL_MAPPING:
        obj = build_mapping(items);
        break;
    case SHELL_SET:
        obj = PyFrozenSet_New(items);
        break;
    case SHELL_SLICE:
        obj =
            PySlice_New(PyTuple_GET_ITEM(items, 0), PyTuple_GET_ITEM(items, 1),
                        PyTuple_GET_ITEM(items, 2));
        break;
    case SHELL_RECORD:
        obj = build_record(items);
        break;
    }
    Py_DECREF(items);
    return obj;
}

/* Returns: a list; NULL with an exception. */
static PyObject *
build_all(const struct region *r)
{
    PyObject *shells = PyList_New(0);

    for (const struct shell *s = r->shells; shells && s; s = s->next) {
        PyObject *items = resolve_items(shells, s);
        PyObject *obj = items ? open_build(s->kind, items) : NULL;
        if (!obj || PyList_Append(shells, obj) < 0)
            Py_CLEAR(shells);
        Py_XDECREF(obj);
    }
    return shells;
}

/* ---- the list ---- */

/* Where a region that has @p p is, or would be. */
static size_t
place_of(const struct opened *o, const void *p)
{
    size_t lo = 0, hi = o->n;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (o->list[middle].region->objects.end <= (const char *)p)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static struct opening *
find(const struct opened *o, const struct region *r)
{
    size_t i = o ? place_of(o, r->objects.base) : 0;

    return o && i < o->n && o->list[i].region == r ? &o->list[i] : NULL;
}

struct region *
open_find(core_state *st, const void *p)
{
    const struct opened *o = st->opened;
    size_t i = o ? place_of(o, p) : 0;

    if (o && i < o->n && o->list[i].region->objects.base <= (const char *)p)
        return o->list[i].region;
    return NULL;
}

static int
insert(struct opened *o, struct opening opening)
{
    size_t i = place_of(o, opening.region->objects.base);

    if (o->n == o->room) {
        size_t room = o->room ? o->room * 2 : 4;
        struct opening *more = PyMem_RawRealloc(o->list, room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        o->list = more;
        o->room = room;
    }
    memmove(&o->list[i + 1], &o->list[i], (o->n - i) * sizeof *o->list);
    o->list[i] = opening;
    o->n++;
    o->bytes += region_bytes(opening.region);
    return 0;
}

/* csp.frozen_limit, without an import: that takes longer than all else. NULL
 * with an exception, or without: the package is going. */
static PyObject *
frozen_limit(void)
{
    PyObject *name = PyUnicode_FromString("intercsp");
    PyObject *module = name ? PyImport_GetModule(name) : NULL;
    PyObject *limit =
        module ? PyObject_GetAttrString(module, "frozen_limit") : NULL;

    Py_XDECREF(name);
    Py_XDECREF(module);
    return limit;
}

/* Past csp.frozen_limit a program that opens ever more graphs is told. */
static int
check_limit(const struct opened *o)
{
    PyObject *limit = frozen_limit();
    size_t most =
        !limit || limit == Py_None ? SIZE_MAX : PyLong_AsSize_t(limit);

    Py_XDECREF(limit);
    if (PyErr_Occurred())
        return -1;
    if (o->bytes <= most)
        return 0;
    return PyErr_WarnFormat(
        PyExc_ResourceWarning, 2,
        "this interpreter has opened frozen graphs of %zu bytes, more than "
        "csp.frozen_limit, and keeps them until it ends; Frozen.view reads a "
        "graph without opening it",
        o->bytes);
}

/* A mappingproxy cannot be pickled or copied until this interpreter is told
 * how. */
static int
teach_proxies(void)
{
    PyObject *module = COMPAT_HAS_PROXIES
                           ? PyImport_ImportModule("intercsp._frozen")
                           : Py_NewRef(Py_None);

    Py_XDECREF(module);
    return module ? 0 : -1;
}

/* From here on this interpreter holds it, whether or not it can be opened. */
static int
hold(core_state *st, struct region *r)
{
    int64_t id = PyInterpreterState_GetID(PyInterpreterState_Get());

    if (!st->opened &&
        !(st->opened = PyMem_RawCalloc(1, sizeof(struct opened)))) {
        PyErr_NoMemory();
        return -1;
    }
    if (region_hold(r, id) < 0 ||
        insert(st->opened, (struct opening){.region = r}) < 0)
        return -1;
    return check_limit(st->opened);
}

static int
open_region(core_state *st, struct region *r)
{
    PyObject *shells = NULL;

    if (!find(st->opened, r) && hold(st, r) < 0)
        return -1;
    if (r->mappings.base && teach_proxies() < 0)
        return -1;
    if (r->shells && !(shells = build_all(r)))
        return -1;
    struct opening *o = find(st->opened, r);
    if (!o->is_open) {
        o->is_open = true;
        o->shells = shells;
    } else { /* making a record has opened it */
        Py_XDECREF(shells);
    }
    return 0;
}

PyObject *
open_node(core_state *st, struct region *r, node n)
{
    if (!r->objects.base) /* nothing but what CPython has itself */
        return Py_NewRef(node_object(n));
    const struct opening *o = find(st->opened, r);
    if ((!o || !o->is_open) && open_region(st, r) < 0)
        return NULL;
    PyObject *shells = find(st->opened, r)->shells;
    if (shells || !node_shell(n))
        return resolve(shells, n);
    PyErr_SetString(PyExc_RuntimeError, "the interpreter is ending");
    return NULL;
}

/* ---- the end ---- */

int
open_traverse(core_state *st, visitproc visit, void *arg)
{
    for (size_t i = 0; st->opened && i < st->opened->n; i++)
        Py_VISIT(st->opened->list[i].shells);
    return 0;
}

void
open_clear(core_state *st)
{
    for (size_t i = 0; st->opened && i < st->opened->n; i++)
        Py_CLEAR(st->opened->list[i].shells);
}

void
open_free(core_state *st)
{
    if (st->opened)
        PyMem_RawFree(st->opened->list);
    PyMem_RawFree(st->opened);
    st->opened = NULL;
}
