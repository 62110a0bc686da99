// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* freeze.c: the walk through a graph that lays it out in a region.
 *
 * Depth first with a stack of its own; a container is laid out before its
 * parts, so that who walks the frozen graph reads forwards. What cannot be in
 * a region (frozensets, records) becomes a shell, and so does a container that
 * turns out to have one.
 *
 * Records are read by Python code (_frozen.py). No such code runs while a walk
 * is under way: the walk collects what it does not know, they are read after
 * it, and it begins anew.
 *
 * Invariants:
 *   F1  No Python code runs during a walk. So what it holds is borrowed, and
 *       containers do not change under it.
 *   F2  What has one reference is met once. All else, the root, and the dict
 *       of each proxy, is in the memo; so a container that leads to itself is
 *       met while it is open.
 *   F3  The nodes in a region that is published are objects in it or static
 *       ones, or shells of it, whose items are the same. */
#include "freeze.h"

#include <string.h>

#include "grow.h"
#include "layout.h"
#include "memo.h"
#include "path.h"

enum kind { TUPLE, LIST, MAPPING, SET, SLICE, RANGE, RECORD };

/* A container that the walk is in. */
struct in {
    PyObject *src;            /* a record: what stands for it */
    PyObject *out;            /* NULL: it will be a shell */
    PyObject *const *sources; /* its parts, if not those of a list or tuple */
    node *parts;              /* where they go, if frozen */
    void *scratch;            /* memory of both of them, or NULL */
    Py_ssize_t next, n;
    Py_ssize_t note; /* in the memo; -1: none */
    enum kind kind;
    bool has_shell; /* among its parts */
};

struct walk {
    core_state *st;
    struct region *region;
    struct memo memo;
    struct in *stack;
    size_t depth, room;
    PyObject *records; /* {id: (object, names of fields, maker, fields...)} */
    PyObject *unknown; /* a list of what may be a record; NULL: there is none */
    PyObject *find;    /* what to refuse, for this reason: */
    const char *why;
    struct in few[16];
};

/* ---- where it stands ---- */

/* Of (object, names of fields, maker, fields...): the maker comes first. */
static PyObject *
step_of_record(const struct in *in)
{
    PyObject *names = PyTuple_GET_ITEM(in->src, 1);

    if (in->next == 0)
        return PyUnicode_FromString("");
    return PyUnicode_FromFormat(".%U", PyTuple_GET_ITEM(names, in->next - 1));
}

static PyObject *
step_of(const struct in *in)
{
    switch (in->kind) {
    case MAPPING:
        return in->next < in->n / 2
                   ? PyUnicode_FromString(".keys()")
                   : path_key(in->sources[in->next - in->n / 2], false);
    case SET:
        return PyUnicode_FromString("{...}");
    case SLICE:
    case RANGE:
        return path_part(in->next);
    case RECORD:
        return step_of_record(in);
    case TUPLE:
    case LIST:
        break;
    }
    return path_index(in->next);
}

static void *
step_at(const void *stack, size_t i)
{
    return step_of((const struct in *)stack + i);
}

static int
refuse(struct walk *w, PyObject *obj, const char *why)
{
    PyObject *path = path_join(step_at, w->stack, w->depth);

    if (path)
        errors_not_shareable(w->st, path, obj, why);
    Py_XDECREF(path);
    return -1;
}

/* ---- into containers ---- */

static int
push(struct walk *w, struct in in)
{
    if (w->depth == w->room) {
        struct in *more = grow_twice(w->stack, w->few, &w->room, sizeof *more);
        if (!more)
            return -1;
        w->stack = more;
    }
    w->stack[w->depth++] = in;
    return 0;
}

/* Into what has its parts, and theirs, in memory of its own: @p n of them. */
static int
push_scratch(struct walk *w, struct in in, Py_ssize_t n)
{
    in.n = n;
    in.parts = in.scratch;
    if (push(w, in) == 0)
        return 1;
    PyMem_RawFree(in.scratch);
    return -1;
}

/* Room for @p n parts and, behind them, what they come from. */
static PyObject **
new_scratch(struct in *in, Py_ssize_t n)
{
    PyObject **sources = PyMem_RawMalloc((size_t)(2 * n + 1) * sizeof *sources);

    if (!sources) {
        PyErr_NoMemory();
        return NULL;
    }
    in->scratch = sources;
    in->sources = sources + n;
    return sources + n;
}

static int
begin_sequence(struct walk *w, struct in in)
{
    in.n = Py_SIZE(in.src);
    in.out = layout_tuple(w->region, in.n, &in.parts);
    return in.out && push(w, in) == 0 ? 1 : -1;
}

static int
begin_parts(struct walk *w, struct in in)
{
    in.sources = layout_parts(in.src, &in.n);
    in.out = in.kind == SLICE ? layout_slice(w->region, &in.parts)
                              : layout_range(w->region, &in.parts);
    return in.out && push(w, in) == 0 ? 1 : -1;
}

/* All keys, then all values: a look-up compares with keys only, which it finds
 * side by side. */
static int
begin_mapping(struct walk *w, struct in in, PyObject *dict)
{
    Py_ssize_t n = PyDict_GET_SIZE(dict), at = 0, i = 0;
    PyObject **sources = new_scratch(&in, 2 * n), *key, *value;

    if (!sources)
        return -1;
    for (; i < n && PyDict_Next(dict, &at, &key, &value); i++) {
        sources[i] = key;
        sources[n + i] = value;
    }
    if (!(in.out = layout_mapping(w->region))) {
        PyMem_RawFree(in.scratch);
        return -1;
    }
    return push_scratch(w, in, 2 * n);
}

static int
begin_set(struct walk *w, struct in in)
{
    PyObject *elements = PySequence_Tuple(in.src);
    Py_ssize_t n = elements ? PyTuple_GET_SIZE(elements) : 0;
    PyObject **sources = elements ? new_scratch(&in, n) : NULL;

    for (Py_ssize_t i = 0; sources && i < n; i++)
        sources[i] = PyTuple_GET_ITEM(elements, i);
    Py_XDECREF(elements); /* the set has them, F1 */
    return sources ? push_scratch(w, in, n) : -1;
}

static int
begin_record(struct walk *w, struct in in)
{
    Py_ssize_t n = PyTuple_GET_SIZE(in.src) - 2;
    PyObject **sources = new_scratch(&in, n);

    for (Py_ssize_t i = 0; sources && i < n; i++)
        sources[i] = PyTuple_GET_ITEM(in.src, i + 2);
    return sources ? push_scratch(w, in, n) : -1;
}

/* What has no form of its own: a record, or something that may be one. */
static int
begin_other(struct walk *w, struct in in, node *out)
{
    if (in.src == w->find)
        return refuse(w, in.src, w->why);
    PyObject *id = PyLong_FromVoidPtr(in.src);
    PyObject *record = NULL;
    int rc = id ? PyDict_GetItemRef(w->records, id, &record) : -1;

    Py_XDECREF(id);
    if (rc > 0) {
        Py_DECREF(record); /* the dict has it */
        in.kind = RECORD;
        in.src = record;
        return begin_record(w, in);
    }
    if (rc < 0 || (!w->unknown && !(w->unknown = PyList_New(0))))
        return -1;
    *out = node_of(Py_None); /* this walk is for nothing */
    return PyList_Append(w->unknown, in.src);
}

/* Whether @p obj is a container, into which the walk has to go. */
static bool
is_container(PyObject *obj, enum kind *kind, PyObject **dict)
{
    PyTypeObject *type = Py_TYPE(obj);

    if (type == &PyTuple_Type || type == &PyList_Type)
        *kind = type == &PyTuple_Type ? TUPLE : LIST;
    else if ((*dict = layout_dict_of(obj)))
        *kind = MAPPING;
    else if (type == &PySet_Type || type == &PyFrozenSet_Type)
        *kind = SET;
    else if (type == &PySlice_Type || type == &PyRange_Type)
        *kind = type == &PySlice_Type ? SLICE : RANGE;
    else
        return false;
    return true;
}

/* Returns: 1: the walk is in it; 0: *@p out is its node; -1 with an
 * exception. */
static int
begin(struct walk *w, PyObject *src, Py_ssize_t note, node *out)
{
    struct in in = {.src = src, .note = note};
    PyObject *dict = NULL;

    if (!is_container(src, &in.kind, &dict))
        return begin_other(w, in, out);
    switch (in.kind) {
    case TUPLE:
    case LIST:
        if (Py_SIZE(src))
            return begin_sequence(w, in);
        *out = node_of(PyTuple_New(0)); /* CPython's own */
        return 0;
    case MAPPING:
        return begin_mapping(w, in, dict);
    case SET:
        return begin_set(w, in);
    case SLICE:
    case RANGE:
    case RECORD:
        break;
    }
    return begin_parts(w, in);
}

/* ---- leaves ---- */

/* The object that stands for @p src, if it has no parts; NULL and no exception:
 * it may have. */
static PyObject *
leaf(struct region *r, PyObject *src)
{
    PyTypeObject *type = Py_TYPE(src);

    if (type == &PyUnicode_Type)
        return layout_str(r, src);
    if (type == &PyLong_Type)
        return layout_int(r, src);
    if (type == &PyFloat_Type)
        return layout_float(r, src);
    if (type == &PyBytes_Type)
        return layout_bytes(r, PyBytes_AS_STRING(src), PyBytes_GET_SIZE(src));
    if (type == &PyComplex_Type)
        return layout_complex(r, src);
    if (type == &PyByteArray_Type)
        return layout_bytes(r, PyByteArray_AS_STRING(src),
                            PyByteArray_GET_SIZE(src));
    return NULL;
}

static bool
is_constant(PyObject *obj)
{
    return obj == Py_None || PyBool_Check(obj) || obj == Py_Ellipsis ||
           obj == Py_NotImplemented;
}

/* ---- the walk ---- */

/* Finds or makes the node of @p src. Returns: as begin(). */
static int
visit(struct walk *w, PyObject *src, bool is_root, node *out)
{
    Py_ssize_t note = -1;
    PyObject *behind =
        Py_IS_TYPE(src, &PyDictProxy_Type) ? layout_dict_of(src) : NULL;

    if (is_constant(src)) {
        *out = node_of(src);
        return 0;
    }
    if (behind) /* another way to it is no other reference */
        src = behind;
    if (is_root || behind || Py_REFCNT(src) != 1) {
        struct note *known = memo_find(&w->memo, src);
        if (known && known->open)
            return refuse(w, src, "it contains itself");
        if (known) {
            *out = known->at;
            return 0;
        }
        note = memo_add(&w->memo, src, 0, 0, true);
        if (note < 0)
            return -1;
    }
    PyObject *obj = leaf(w->region, src);
    int rc = 0;
    if (obj)
        *out = node_of(obj);
    else
        rc = PyErr_Occurred() ? -1 : begin(w, src, note, out);
    if (rc == 0 && note >= 0) {
        w->memo.notes[note].at = *out;
        w->memo.notes[note].open = false;
    }
    return rc;
}

/* Whether what has this part is a shell. Slices of slices are, as a slice keeps
 * no hash: what has them would be hashed by as many calls as there are slices
 * in each other. */
static bool
needs_shell(const struct in *in, node part)
{
    return node_shell(part) ||
           (in->kind == SLICE && PySlice_Check(node_object(part)));
}

static enum shell_kind
shell_kind(enum kind kind)
{
    static const enum shell_kind kinds[] = {
        [TUPLE] = SHELL_TUPLE, [LIST] = SHELL_TUPLE,  [MAPPING] = SHELL_MAPPING,
        [SET] = SHELL_SET,     [SLICE] = SHELL_SLICE, [RECORD] = SHELL_RECORD,
    };
    return kinds[kind];
}

/* All parts of the innermost container are there: its node. */
static int
complete(struct walk *w, struct in *in, node *out)
{
    if (!in->out || in->has_shell) {
        struct shell *s =
            region_take_shell(w->region, shell_kind(in->kind), in->n);
        if (!s)
            return -1;
        if (in->out) /* it stays unused */
            w->region->nodes--;
        memcpy(s->items, in->parts, (size_t)in->n * sizeof *s->items);
        *out = node_of_shell(s);
        return 0;
    }
    *out = node_of(in->out);
    if (in->kind == MAPPING && !w->unknown &&
        layout_fill(w->region, in->out, in->parts, in->n / 2) < 0)
        return -1;
    return w->unknown ? 0 : layout_complete(in->out);
}

static void
pop(struct walk *w, node out)
{
    struct in *in = &w->stack[--w->depth];

    if (in->note >= 0) {
        w->memo.notes[in->note].at = out;
        w->memo.notes[in->note].open = false;
    }
    PyMem_RawFree(in->scratch);
}

static PyObject *
next_source(const struct in *in)
{
    if (in->kind == TUPLE)
        return PyTuple_GET_ITEM(in->src, in->next);
    if (in->kind == LIST)
        return PyList_GET_ITEM(in->src, in->next);
    return in->sources[in->next];
}

static int
walk_all(struct walk *w, PyObject *root)
{
    node out = 0;
    int rc = visit(w, root, true, &out);

    while (rc >= 0 && w->depth) {
        struct in *in = &w->stack[w->depth - 1];
        if (rc == 0 && out) { /* a part of it */
            in->has_shell |= needs_shell(in, out);
            in->parts[in->next++] = out;
        }
        out = 0;
        if (in->next < in->n) {
            rc = visit(w, next_source(in), false, &out);
        } else {
            rc = complete(w, in, &out);
            if (rc == 0)
                pop(w, out);
        }
    }
    w->region->root = out;
    return rc < 0 ? -1 : 0;
}

/* One walk. Returns: the region; NULL without an exception: there are unknown
 * objects in *@p unknown. */
static struct region *
attempt(core_state *st, PyObject *root, PyObject *records, PyObject *find,
        const char *why, PyObject **unknown)
{
    struct walk w = {.st = st, .records = records, .find = find, .why = why};

    *unknown = NULL;
    w.stack = w.few;
    w.room = sizeof w.few / sizeof *w.few;
    if (!(w.region = region_new()))
        return NULL;
    memo_init(&w.memo);
    int rc = walk_all(&w, root);
    while (w.depth)
        pop(&w, 0);
    if (w.stack != w.few)
        PyMem_RawFree(w.stack);
    memo_fini(&w.memo);
    if (rc < 0)
        Py_CLEAR(w.unknown);
    *unknown = w.unknown;
    if (rc == 0 && !w.unknown)
        return w.region;
    region_unref(w.region);
    return NULL;
}

/* ---- records ---- */

/* Says where @p obj is, which is no record, and why. */
static void
explain(core_state *st, PyObject *root, PyObject *records, PyObject *obj,
        PyObject *why)
{
    const char *text = PyUnicode_AsUTF8(why);
    PyObject *unknown;

    if (!text)
        return;
    struct region *r = attempt(st, root, records, obj, text, &unknown);
    if (r)
        region_unref(r);
    Py_XDECREF(unknown);
    if (!PyErr_Occurred()) /* it is not there any more */
        PyErr_SetString(errors_class(st, ERROR_NOT_SHAREABLE), text);
}

/* Has Python code read @p unknown. Returns: 0; -1 with an exception. */
static int
read_records(core_state *st, PyObject *root, PyObject *records,
             PyObject *unknown)
{
    PyObject *module = PyImport_ImportModule("intercsp._frozen");
    PyObject *refused =
        module ? PyObject_CallMethod(module, "read", "OO", unknown, records)
               : NULL;

    Py_XDECREF(module);
    if (!refused)
        return -1;
    if (PyTuple_Check(refused) && PyTuple_GET_SIZE(refused) == 2)
        explain(st, root, records, PyTuple_GET_ITEM(refused, 0),
                PyTuple_GET_ITEM(refused, 1));
    Py_DECREF(refused);
    return PyErr_Occurred() ? -1 : 0;
}

struct region *
freeze_graph(core_state *st, PyObject *obj, bool protect)
{
    PyObject *records, *unknown;
    struct region *r = NULL;

    if (layout_check() < 0 || !(records = PyDict_New()))
        return NULL;
    do {
        r = attempt(st, obj, records, NULL, NULL, &unknown);
        if (unknown)
            read_records(st, obj, records, unknown);
        Py_XDECREF(unknown);
    } while (!r && !PyErr_Occurred());
    Py_DECREF(records);
    if (r)
        region_publish(r, protect);
    return r;
}
