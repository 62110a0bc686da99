// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* decode.c: values to Python objects, without recursion.
 *
 * A value may come from anybody: everything is checked, and what breaks the
 * rules of csp/tree.h is a ValueError.
 *
 * Invariants:
 *   D1  All that is under way is on the decoder's stack or in its memo, and
 *       owned: hashing keys and loading pickles may run any code.
 *   D2  A container enters the one above it, and the memo, when it is whole:
 *       so a REF never means what it stands in.
 *   D3  A key is nested CODEC_KEY_DEPTH deep at most, as REFs in it mean only
 *       what stood as deep in a key. */
#include <string.h>

#include <csp/tree.h>

#include "buffer.h"
#include "codec.h"
#include "compat.h"
#include "ends.h"
#include "frozen.h"
#include "grow.h"
#include "pickled.h"
#include "task.h"

enum { SHORT_TEXT = 64 };

/* A container that is being filled. */
struct filling {
    PyObject
        *container; /* a tuple for RANGE, SLICE, VIEW; a list for PICKLED */
    uint64_t next, count;
    PyObject *key;      /* a dict: the key that waits for its value */
    PyObject *outside;  /* PICKLED: the objects outside it */
    Py_ssize_t note;    /* in the memo; -1: it does not occur again */
    unsigned key_depth; /* in a key: how deep; otherwise 0 */
    unsigned char op;
};

/* What may occur again. */
struct seen {
    size_t at;     /* where in the code */
    PyObject *obj; /* NULL: it is not whole yet */
    unsigned key_depth;
    bool is_container;
};

struct decoder {
    core_state *st;
    csp_value tree;
    bool is_ours; /* nobody else has the tree */
    const char *begin, *at, *end;
    struct filling *stack;
    size_t depth, room;
    struct seen *memo; /* in the order of the code */
    size_t n_seen, seen_room;
    PyObject *objects; /* of the innermost pickle: a list, or NULL */
    struct filling few[16];
    struct seen few_seen[16];
};

static PyObject *
malformed(void)
{
    PyErr_SetString(PyExc_ValueError, "malformed tree value");
    return NULL;
}

/* ---- reading ---- */

static const char *
take(struct decoder *d, uint64_t n)
{
    const char *at = d->at;

    if ((uint64_t)(d->end - d->at) < n) {
        malformed();
        return NULL;
    }
    d->at += n;
    return at;
}

static int
take_count(struct decoder *d, uint64_t *n)
{
    const char *at = take(d, 1);

    if (!at)
        return -1;
    *n = (unsigned char)*at;
    if (*n < 255)
        return 0;
    if (!(at = take(d, 8)))
        return -1;
    memcpy(n, at, 8);
    return 0;
}

static PyObject *
take_int(struct decoder *d, size_t n)
{
    const char *at = take(d, n);
    long long i;

    if (!at)
        return NULL;
    i = at[n - 1] & 0x80 ? -1 : 0;
    memcpy(&i, at, n);
    return PyLong_FromLongLong(i);
}

static PyObject *
take_float(struct decoder *d)
{
    const char *at = take(d, 8);
    double f;

    if (!at)
        return NULL;
    memcpy(&f, at, 8);
    return PyFloat_FromDouble(f);
}

static PyObject *
take_complex(struct decoder *d)
{
    const char *at = take(d, 16);
    double parts[2];

    if (!at)
        return NULL;
    memcpy(parts, at, 16);
    return PyComplex_FromDoubles(parts[0], parts[1]);
}

static PyObject *
decode_bigint(const char *data, size_t n)
{
    return n ? PyLong_FromNativeBytes(data, n, Py_ASNATIVEBYTES_LITTLE_ENDIAN)
             : malformed();
}

static bool
is_ascii(const char *text, size_t n)
{
    unsigned char all = 0;

    for (size_t i = 0; i < n; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

static PyObject *
decode_str(const char *text, size_t n)
{
    if (n > 1 && n <= SHORT_TEXT && is_ascii(text, n)) { /* names, mostly */
        PyObject *str = PyUnicode_New((Py_ssize_t)n, 127);
        if (str)
            memcpy(PyUnicode_DATA(str), text, n);
        return str;
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogatepass");
}

static PyObject *
take_block(struct decoder *d, unsigned char op)
{
    uint64_t n;
    const char *at = take_count(d, &n) < 0 ? NULL : take(d, n);

    if (!at)
        return NULL;
    switch (op) {
    case CSP_TREE_STR:
        return decode_str(at, n);
    case CSP_TREE_BIGINT:
        return decode_bigint(at, n);
    case CSP_TREE_BYTEARRAY:
        return PyByteArray_FromStringAndSize(at, (Py_ssize_t)n);
    }
    return PyBytes_FromStringAndSize(at, (Py_ssize_t)n);
}

/* A bytes into huge pages takes a fraction of the time. */
static PyObject *
decode_bytes(const char *data, size_t n)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);

    if (!bytes)
        return NULL;
    compat_expect_use(PyBytes_AS_STRING(bytes), n);
    memcpy(PyBytes_AS_STRING(bytes), data, n);
    return bytes;
}

static PyObject *
decode_handle(core_state *st, csp_handle *h)
{
    PyObject *end = st && h ? task_job(st, h) : NULL;

    if (!end && st && h && !PyErr_Occurred())
        end = frozen_from_handle(st, h);
    if (!end && !PyErr_Occurred() && st && h)
        end = ends_from_handle(st, h);
    if (!end && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError,
                     "a handle of the unknown kind '%s' was received",
                     h ? h->type->name : "?");
    return end;
}

/* A counted value; @p is_ours: nobody else has what it came in. */
static PyObject *
decode_item(core_state *st, csp_value v, bool is_ours, bool in_view)
{
    csp_kind kind = csp_value_kind(v);
    size_t size;

    if (kind == CSP_KIND_STR || kind == CSP_KIND_BYTES) {
        PyObject *moved = is_ours ? move_take(v) : NULL;
        if (moved || PyErr_Occurred())
            return moved;
        const char *data = csp_value_data(&v, &size);
        return kind == CSP_KIND_STR ? decode_str(data, size)
                                    : decode_bytes(data, size);
    }
    if (kind == CSP_KIND_BUFFER && in_view)
        return buffer_of_view(st, v);
    if (kind == CSP_KIND_BUFFER)
        return st ? buffer_from_value(st, v) : malformed();
    return decode_handle(st, csp_value_as_handle(v));
}

static PyObject *
take_handle(struct decoder *d)
{
    uint64_t i;

    if (take_count(d, &i) < 0)
        return NULL;
    if (!csp_tree_handle(d->tree, i))
        return malformed();
    const struct filling *f = d->depth ? &d->stack[d->depth - 1] : NULL;
    bool in_view = d->st && f && f->op == CSP_TREE_VIEW;
    return decode_item(d->st, csp_tree_value(d->tree, i), d->is_ours, in_view);
}

static PyObject *
take_object(struct decoder *d)
{
    uint64_t i;

    if (take_count(d, &i) < 0)
        return NULL;
    if (!d->objects || i >= (uint64_t)PyList_GET_SIZE(d->objects))
        return malformed();
    return Py_NewRef(PyList_GET_ITEM(d->objects, (Py_ssize_t)i));
}

/* ---- what occurs again ---- */

/* Notes what begins at @p at; the reference to @p obj (or NULL) is taken.
 * Returns: its index; -1 with an exception. */
static Py_ssize_t
note(struct decoder *d, const char *at, PyObject *obj, unsigned key_depth)
{
    if (d->n_seen == d->seen_room) {
        struct seen *more =
            grow_twice(d->memo, d->few_seen, &d->seen_room, sizeof *more);
        if (!more)
            return -1;
        d->memo = more;
    }
    d->memo[d->n_seen] = (struct seen){.at = (size_t)(at - d->begin),
                                       .obj = Py_XNewRef(obj),
                                       .key_depth = key_depth,
                                       .is_container = obj == NULL};
    return (Py_ssize_t)d->n_seen++;
}

static const struct seen *
find_seen(const struct decoder *d, size_t at)
{
    size_t lo = 0, hi = d->n_seen;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (d->memo[middle].at < at)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < d->n_seen && d->memo[lo].at == at ? &d->memo[lo] : NULL;
}

static bool
is_dict(unsigned char op)
{
    return op == CSP_TREE_DICT || op == CSP_TREE_FROZENDICT;
}

/* How deep in a key the item at hand is. */
static unsigned
key_depth(const struct decoder *d)
{
    const struct filling *f = d->depth ? &d->stack[d->depth - 1] : NULL;

    if (!f)
        return 0;
    if (f->key_depth)
        return f->key_depth + 1;
    return f->op == CSP_TREE_SET || f->op == CSP_TREE_FROZENSET ||
           (is_dict(f->op) && !f->key);
}

/* @p from is where the REF began. */
static PyObject *
take_ref(struct decoder *d, const char *from)
{
    uint64_t back, at = (uint64_t)(from - d->begin);

    if (take_count(d, &back) < 0)
        return NULL;
    const struct seen *s = back <= at ? find_seen(d, at - back) : NULL;
    if (!s || !s->obj || (s->is_container && key_depth(d) > s->key_depth))
        return malformed();
    return Py_NewRef(s->obj);
}

/* ---- containers ---- */

/* The reference to the container passes in any case. */
static int
push(struct decoder *d, struct filling f)
{
    if (d->depth == d->room) {
        struct filling *more =
            grow_twice(d->stack, d->few, &d->room, sizeof *more);
        if (!more) {
            Py_DECREF(f.container);
            return -1;
        }
        d->stack = more;
    }
    if (f.op == CSP_TREE_PICKLED) {
        f.outside = d->objects;
        d->objects = NULL;
    }
    d->stack[d->depth++] = f;
    return 0;
}

static PyObject *
new_container(unsigned char op, uint64_t n)
{
    switch (op) {
    case CSP_TREE_LIST:
        return PyList_New((Py_ssize_t)n);
    case CSP_TREE_DICT:
    case CSP_TREE_FROZENDICT:
        return PyDict_New();
    case CSP_TREE_SET:
        return PySet_New(NULL);
    case CSP_TREE_FROZENSET:
        return PyFrozenSet_New(NULL);
    case CSP_TREE_PICKLED:
        return PyList_New(0);
    }
    return PyTuple_New((Py_ssize_t)n);
}

static bool
can_have(unsigned char op, uint64_t n)
{
    switch (op) {
    case CSP_TREE_RANGE:
    case CSP_TREE_SLICE:
        return n == 3;
    case CSP_TREE_PICKLED:
    case CSP_TREE_VIEW:
        return n >= 2;
    }
    return true;
}

/* The object that a filled container stands for; its reference passes. */
static PyObject *
finished(struct decoder *d, struct filling *f)
{
    PyObject *c = f->container, *obj = NULL;

    switch (f->op) {
    case CSP_TREE_FROZENDICT:
        obj = compat_frozendict(c);
        break;
    case CSP_TREE_RANGE:
        obj = PyObject_CallObject((PyObject *)&PyRange_Type, c);
        break;
    case CSP_TREE_SLICE:
        obj = PySlice_New(PyTuple_GET_ITEM(c, 0), PyTuple_GET_ITEM(c, 1),
                          PyTuple_GET_ITEM(c, 2));
        break;
    case CSP_TREE_VIEW:
        obj = d->st ? share_view(d->st, c) : malformed();
        break;
    case CSP_TREE_PICKLED:
        obj = Py_NewRef(PyList_GET_ITEM(c, PyList_GET_SIZE(c) - 1));
        Py_XSETREF(d->objects, f->outside);
        break;
    default:
        return c;
    }
    Py_DECREF(c);
    return obj;
}

/* A container: pushed unless it is empty. !*done: it is to be filled, and NULL
 * is returned. Otherwise NULL: an exception. */
static PyObject *
take_container(struct decoder *d, unsigned char op, const char *from,
               bool shared, bool *done)
{
    struct filling f = {.op = op, .note = -1};
    uint64_t n;

    if (take_count(d, &n) < 0)
        return NULL;
    /* Each element takes a byte at least: no more memory than was sent. */
    if (n > (uint64_t)(d->end - d->at) || !can_have(op, n))
        return malformed();
    f.count = n;
    f.key_depth = key_depth(d);
    if (n && f.key_depth > CODEC_KEY_DEPTH) /* no encoder of ours makes that */
        return malformed();
    if (!(f.container = new_container(op, n)))
        return NULL;
    if (n == 0)
        return finished(d, &f);
    if (shared && (f.note = note(d, from, NULL, f.key_depth)) < 0) {
        Py_DECREF(f.container);
        return NULL;
    }
    *done = push(d, f) < 0;
    return NULL;
}

/* ---- items ---- */

/* The next item; NULL and !*done: a container that is to be filled. */
static PyObject *
take_item(struct decoder *d, unsigned char op, const char *from, bool shared,
          bool *done)
{
    *done = true;
    switch (op) {
    case CSP_TREE_NONE:
        return Py_NewRef(Py_None);
    case CSP_TREE_FALSE:
        return Py_NewRef(Py_False);
    case CSP_TREE_TRUE:
        return Py_NewRef(Py_True);
    case CSP_TREE_INT8:
        return take_int(d, 1);
    case CSP_TREE_INT16:
        return take_int(d, 2);
    case CSP_TREE_INT32:
        return take_int(d, 4);
    case CSP_TREE_INT64:
        return take_int(d, 8);
    case CSP_TREE_FLOAT:
        return take_float(d);
    case CSP_TREE_COMPLEX:
        return take_complex(d);
    case CSP_TREE_BIGINT:
    case CSP_TREE_STR:
    case CSP_TREE_BYTES:
    case CSP_TREE_BYTEARRAY:
        return take_block(d, op);
    case CSP_TREE_TUPLE:
    case CSP_TREE_LIST:
    case CSP_TREE_DICT:
    case CSP_TREE_SET:
    case CSP_TREE_FROZENSET:
    case CSP_TREE_FROZENDICT:
    case CSP_TREE_RANGE:
    case CSP_TREE_SLICE:
    case CSP_TREE_PICKLED:
    case CSP_TREE_VIEW:
        return take_container(d, op, from, shared, done);
    case CSP_TREE_HANDLE:
        return take_handle(d);
    case CSP_TREE_OBJECT:
        return take_object(d);
    case CSP_TREE_REF:
        return take_ref(d, from);
    }
    return malformed();
}

/* What a pickle refers to is complete: the pickle is loaded. */
static int
load_objects(struct decoder *d, struct filling *f)
{
    PyObject *stream = PyList_GET_ITEM(f->container, 0);
    PyObject *parts =
        PyList_GetSlice(f->container, 1, PyList_GET_SIZE(f->container));

    if (parts && d->st && PyBytes_CheckExact(stream)) {
        d->objects = pickled_loads(d->st, stream, parts);
        if (d->objects && !PyList_CheckExact(d->objects)) {
            Py_CLEAR(d->objects);
            malformed();
        }
    } else if (parts) {
        malformed();
    }
    Py_XDECREF(parts);
    return d->objects ? 0 : -1;
}

static int
put_pair(struct filling *f, PyObject *item)
{
    if (!f->key) {
        f->key = item;
        return 0;
    }
    int rc = PyDict_SetItem(f->container, f->key, item);
    Py_DECREF(item);
    Py_CLEAR(f->key);
    f->next++;
    return rc;
}

static int
put_part(struct decoder *d, struct filling *f, PyObject *item)
{
    int rc = PyList_Append(f->container, item);

    Py_DECREF(item);
    f->next++;
    if (rc == 0 && f->next == f->count - 1)
        rc = load_objects(d, f);
    return rc;
}

/* Puts @p item (a reference that passes) into the container that is filled. */
static int
put_into(struct decoder *d, struct filling *f, PyObject *item)
{
    int rc;

    switch (f->op) {
    case CSP_TREE_LIST:
        PyList_SET_ITEM(f->container, (Py_ssize_t)f->next++, item);
        return 0;
    case CSP_TREE_DICT:
    case CSP_TREE_FROZENDICT:
        return put_pair(f, item);
    case CSP_TREE_SET:
    case CSP_TREE_FROZENSET:
        rc = PySet_Add(f->container, item);
        Py_DECREF(item);
        f->next++;
        return rc;
    case CSP_TREE_PICKLED:
        return put_part(d, f, item);
    }
    PyTuple_SET_ITEM(f->container, (Py_ssize_t)f->next++, item);
    return 0;
}

/* The innermost container is complete. */
static PyObject *
pop(struct decoder *d)
{
    struct filling f = d->stack[--d->depth];
    PyObject *obj = finished(d, &f);

    if (obj && f.note >= 0)
        d->memo[f.note].obj = Py_NewRef(obj);
    return obj;
}

/* Puts *@p item where it belongs, and so each container that it completes.
 * Returns: 1: it is the whole value; 0: there is more to come; -1 with an
 * exception. */
static int
place(struct decoder *d, PyObject **item)
{
    while (*item && d->depth) {
        struct filling *f = &d->stack[d->depth - 1];
        if (put_into(d, f, *item) < 0)
            return -1;
        if (f->next < f->count || f->key)
            return 0;
        *item = pop(d);
    }
    return *item ? 1 : -1;
}

static PyObject *
fill(struct decoder *d)
{
    for (;;) {
        bool done;
        const char *at = take(d, 1);

        if (!at)
            return NULL;
        bool shared = *at & CSP_TREE_SHARED;
        unsigned char op = (unsigned char)*at & ~CSP_TREE_SHARED;
        PyObject *item = take_item(d, op, at, shared, &done);
        if (item && shared && note(d, at, item, 0) < 0)
            Py_CLEAR(item);
        if (!item && done)
            return NULL;
        int rc = item ? place(d, &item) : 0;
        if (rc)
            return rc < 0 ? NULL : item;
    }
}

/* Drops what is under way. */
static void
decoder_fini(struct decoder *d)
{
    while (d->depth) {
        struct filling *f = &d->stack[--d->depth];
        Py_DECREF(f->container);
        Py_XDECREF(f->key);
        if (f->op == CSP_TREE_PICKLED)
            Py_XSETREF(d->objects, f->outside);
    }
    if (d->stack != d->few)
        PyMem_RawFree(d->stack);
    while (d->n_seen)
        Py_XDECREF(d->memo[--d->n_seen].obj);
    if (d->memo != d->few_seen)
        PyMem_RawFree(d->memo);
    Py_XDECREF(d->objects);
}

static PyObject *
decode_tree(core_state *st, csp_value v)
{
    struct decoder d;
    size_t size;

    d.st = st;
    d.tree = v;
    d.is_ours = csp_value_is_unique(v);
    d.begin = d.at = csp_value_data(&v, &size);
    d.end = d.at + size;
    d.stack = d.few;
    d.depth = 0;
    d.room = sizeof d.few / sizeof *d.few;
    d.memo = d.few_seen;
    d.n_seen = 0;
    d.seen_room = sizeof d.few_seen / sizeof *d.few_seen;
    d.objects = NULL;
    PyObject *obj = fill(&d);
    if (obj && d.at != d.end) {
        Py_CLEAR(obj);
        malformed();
    }
    decoder_fini(&d);
    return obj;
}

PyObject *
codec_decode(core_state *st, csp_value v)
{
    size_t size;
    const char *data;
    double real, imag;

    switch (csp_value_kind(v)) {
    case CSP_KIND_NONE:
        return Py_NewRef(Py_None);
    case CSP_KIND_BOOL:
        return PyBool_FromLong(csp_value_as_bool(v));
    case CSP_KIND_INT:
        return PyLong_FromLongLong(csp_value_as_int(v));
    case CSP_KIND_FLOAT:
        return PyFloat_FromDouble(csp_value_as_float(v));
    case CSP_KIND_STR:
    case CSP_KIND_BYTES:
        return decode_item(st, v, true, false);
    case CSP_KIND_BIGINT:
        data = csp_value_data(&v, &size);
        return decode_bigint(data, size);
    case CSP_KIND_TREE:
        return decode_tree(st, v);
    case CSP_KIND_HANDLE:
    case CSP_KIND_BUFFER:
        return decode_item(st, v, true, false);
    case CSP_KIND_COMPLEX:
        real = csp_value_as_complex(v, &imag);
        return PyComplex_FromDoubles(real, imag);
    case CSP_KIND_COUNT:
        break;
    }
    return malformed();
}
