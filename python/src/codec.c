// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* codec.c: Python objects to values and back, without recursion and without
 * running any Python code.
 *
 * Small objects lie inside the value; longer text, bytes and integers are one
 * copy; containers become one flat block (csp/tree.h). Both directions keep
 * their own stack of the containers they are in, so that depth is bounded by
 * memory and not by the C stack. Types are exact: a subclass is refused, never
 * downcast.
 *
 * Memory:  the encoder's buffer belongs to the module's state; no Python code
 *          runs while it is in use, so one per interpreter is enough. */
#include "codec.h"

#include <string.h>

#include <csp/tree.h>

#include "ends.h"

/* More than this of the buffer is not kept between sends. */
enum { SCRATCH_KEPT = 64 * 1024 };

/* How deep a key may be nested: who decodes has to hash it, which CPython does
 * by recursion, without a look at the stack. */
enum { KEY_DEPTH = 100 };

/* ---- gifts ---- */

static int
gifts_add(struct gifts *g, PyObject *end)
{
    if (g->n == g->room) {
        size_t room = g->room * 2;
        PyObject **more = PyMem_RawRealloc(g->more, room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        if (!g->more)
            memcpy(more, g->few, sizeof g->few);
        g->more = more;
        g->room = room;
    }
    (g->more ? g->more : g->few)[g->n++] = Py_NewRef(end);
    return 0;
}

static void
gifts_init(struct gifts *g, const void *operation)
{
    g->n = 0;
    g->room = sizeof g->few / sizeof *g->few;
    g->operation = operation;
    g->more = NULL;
}

void
codec_given(struct gifts *g, bool sent)
{
    PyObject *error = PyErr_GetRaisedException();

    while (g->n) {
        PyObject *end = (g->more ? g->more : g->few)[--g->n];
        ends_give_done(end, sent);
        Py_DECREF(end);
    }
    PyMem_RawFree(g->more);
    gifts_init(g, NULL);
    PyErr_SetRaisedException(error);
}

/* ---- encoding ---- */

/* A container that the encoder is in. All references are borrowed: nothing
 * can change while no Python code runs. */
struct in {
    PyObject *container;
    Py_ssize_t next;       /* element to come; a dict: PyDict_Next's position */
    PyObject *key, *value; /* a dict: the pair at hand */
    bool at_value;
    unsigned key_depth; /* in a dict's key: how deep; otherwise 0 */
};

struct encoder {
    core_state *st;
    struct gifts *gifts;
    size_t size; /* bytes used of st->scratch */
    csp_handle **handles;
    size_t n_handles, room_handles;
    struct in *stack;
    size_t depth, room;
    struct in few[16];
    /* A container met again inside itself never ends: one ancestor, moved on
     * to depths that double, is met again in time (Brent's algorithm). */
    PyObject *ancestor;
    size_t ancestor_depth;
};

static char *
reserve(struct encoder *e, size_t n)
{
    core_state *st = e->st;

    if (st->scratch_size - e->size < n) {
        size_t want = st->scratch_size ? st->scratch_size : 1024;
        while (want - e->size < n)
            want *= 2;
        char *more = PyMem_RawRealloc(st->scratch, want);
        if (!more) {
            PyErr_NoMemory();
            return NULL;
        }
        st->scratch = more;
        st->scratch_size = want;
    }
    char *at = st->scratch + e->size;
    e->size += n;
    return at;
}

static int
put(struct encoder *e, unsigned char op, const void *data, size_t n)
{
    char *at = reserve(e, n + 1);

    if (!at)
        return -1;
    at[0] = (char)op;
    memcpy(at + 1, data, n);
    return 0;
}

static int
put_count(struct encoder *e, unsigned char op, uint64_t n)
{
    unsigned char small = (unsigned char)n, big[9] = {255};

    if (n < 255)
        return put(e, op, &small, 1);
    memcpy(big + 1, &n, 8);
    return put(e, op, big, 9);
}

static int
put_block(struct encoder *e, unsigned char op, const char *data, size_t n)
{
    if (put_count(e, op, n) < 0)
        return -1;
    char *at = reserve(e, n);
    if (!at)
        return -1;
    memcpy(at, data, n);
    return 0;
}

static int
put_int(struct encoder *e, long long i)
{
    if (i == (int8_t)i)
        return put(e, CSP_TREE_INT8, &i, 1);
    if (i == (int16_t)i)
        return put(e, CSP_TREE_INT16, &i, 2);
    if (i == (int32_t)i)
        return put(e, CSP_TREE_INT32, &i, 4);
    return put(e, CSP_TREE_INT64, &i, 8);
}

/* The bytes of an int beyond 64 bits, in a bytes object of its own. */
static PyObject *
bigint_bytes(PyObject *obj)
{
    Py_ssize_t n =
        PyLong_AsNativeBytes(obj, NULL, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
    PyObject *bytes = n < 0 ? NULL : PyBytes_FromStringAndSize(NULL, n);

    if (bytes && PyLong_AsNativeBytes(obj, PyBytes_AS_STRING(bytes), n,
                                      Py_ASNATIVEBYTES_LITTLE_ENDIAN) < 0)
        Py_CLEAR(bytes);
    return bytes;
}

/* The UTF-8 of a str; *held must be released after use. */
static const char *
utf8(PyObject *obj, size_t *size, PyObject **held)
{
    *held = NULL;
    if (PyUnicode_IS_COMPACT_ASCII(obj)) {
        *size = (size_t)PyUnicode_GET_LENGTH(obj);
        return PyUnicode_DATA(obj);
    }
    *held = PyUnicode_AsEncodedString(obj, "utf-8", "surrogatepass");
    if (!*held)
        return NULL;
    *size = (size_t)PyBytes_GET_SIZE(*held);
    return PyBytes_AS_STRING(*held);
}

static int
put_str(struct encoder *e, PyObject *obj)
{
    PyObject *held;
    size_t n;
    const char *text = utf8(obj, &n, &held);
    int rc = text ? put_block(e, CSP_TREE_STR, text, n) : -1;

    Py_XDECREF(held);
    return rc;
}

static int
put_long(struct encoder *e, PyObject *obj)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(obj, &overflow);

    if (!overflow)
        return put_int(e, i);
    PyObject *bytes = bigint_bytes(obj);
    int rc = bytes ? put_block(e, CSP_TREE_BIGINT, PyBytes_AS_STRING(bytes),
                               (size_t)PyBytes_GET_SIZE(bytes))
                   : -1;
    Py_XDECREF(bytes);
    return rc;
}

static int
put_end(struct encoder *e, PyObject *obj)
{
    if (e->n_handles == e->room_handles) {
        size_t room = e->room_handles ? e->room_handles * 2 : 4;
        csp_handle **more = PyMem_RawRealloc(e->handles, room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        e->handles = more;
        e->room_handles = room;
    }
    csp_handle *h;
    if (ends_give(obj, e->gifts->operation, e->gifts, &h) < 0)
        return -1;
    if (gifts_add(e->gifts, obj) < 0) {
        ends_give_done(obj, false);
        csp_handle_unref(h);
        return -1;
    }
    e->handles[e->n_handles] = h;
    return put_count(e, CSP_TREE_HANDLE, e->n_handles++);
}

/* Where the encoder stands, e.g. "[3]['user']". */
static PyObject *
path_of(const struct encoder *e)
{
    PyObject *path = PyUnicode_FromString("");

    for (size_t i = 0; path && i < e->depth; i++) {
        const struct in *in = &e->stack[i];
        PyObject *more;
        if (i == 8 && e->depth > 16) { /* deep: the two ends will do */
            i = e->depth - 8;
            more = PyUnicode_FromFormat("%U[...]", path);
        } else if (!PyDict_CheckExact(in->container)) {
            more = PyUnicode_FromFormat("%U[%zd]", path, in->next - 1);
        } else if (in->at_value) {
            more = PyUnicode_FromFormat("%U[%R]", path, in->key);
            if (!more && PyErr_ExceptionMatches(PyExc_ValueError)) {
                PyErr_Clear(); /* an int with more digits than may be shown */
                more = PyUnicode_FromFormat("%U[...]", path);
            }
        } else {
            more = PyUnicode_FromFormat("%U.keys()", path);
        }
        Py_SETREF(path, more);
    }
    return path;
}

static int
refuse(struct encoder *e, PyObject *obj, const char *why)
{
    PyObject *path = path_of(e);

    if (path)
        errors_not_shareable(e->st, path, obj, why);
    Py_XDECREF(path);
    return -1;
}

/* How deep in a dict's key an element of the innermost container is. */
static unsigned
key_depth(const struct encoder *e)
{
    const struct in *in = e->depth ? &e->stack[e->depth - 1] : NULL;

    if (in && PyDict_CheckExact(in->container))
        return in->at_value ? 0 : 1;
    return in && in->key_depth ? in->key_depth + 1 : 0;
}

/* Steps into a container whose head has been written. */
static int
descend(struct encoder *e, PyObject *container)
{
    unsigned in_key = key_depth(e);

    if (container == e->ancestor)
        return refuse(e, container, "it contains itself");
    if (in_key > KEY_DEPTH)
        return refuse(e, container, "a key is nested too deeply");
    if (e->depth == e->room) {
        size_t room = e->room * 2;
        struct in *more = PyMem_RawMalloc(room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(more, e->stack, e->depth * sizeof *more);
        if (e->stack != e->few)
            PyMem_RawFree(e->stack);
        e->stack = more;
        e->room = room;
    }
    e->stack[e->depth++] =
        (struct in){.container = container, .key_depth = in_key};
    if ((e->depth & (e->depth - 1)) == 0) {
        e->ancestor = container;
        e->ancestor_depth = e->depth;
    }
    return 0;
}

static int
put_container(struct encoder *e, PyObject *obj, unsigned char op, Py_ssize_t n)
{
    if (put_count(e, op, (uint64_t)n) < 0)
        return -1;
    return n ? descend(e, obj) : 0;
}

static int
put_object(struct encoder *e, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);

    if (type == &PyUnicode_Type)
        return put_str(e, obj);
    if (type == &PyLong_Type)
        return put_long(e, obj);
    if (type == &PyFloat_Type) {
        double d = PyFloat_AS_DOUBLE(obj);
        return put(e, CSP_TREE_FLOAT, &d, 8);
    }
    if (type == &PyTuple_Type)
        return put_container(e, obj, CSP_TREE_TUPLE, PyTuple_GET_SIZE(obj));
    if (type == &PyList_Type)
        return put_container(e, obj, CSP_TREE_LIST, PyList_GET_SIZE(obj));
    if (type == &PyDict_Type)
        return put_container(e, obj, CSP_TREE_DICT, PyDict_GET_SIZE(obj));
    if (obj == Py_None)
        return put(e, CSP_TREE_NONE, "", 0);
    if (type == &PyBool_Type)
        return put(e, obj == Py_True ? CSP_TREE_TRUE : CSP_TREE_FALSE, "", 0);
    if (type == &PyBytes_Type)
        return put_block(e, CSP_TREE_BYTES, PyBytes_AS_STRING(obj),
                         (size_t)PyBytes_GET_SIZE(obj));
    if (ends_check(e->st, obj))
        return put_end(e, obj);
    return refuse(e, obj,
                  "cannot be sent (what can: None, bool, int, float, str, "
                  "bytes, tuple, list, dict, and ends of channels)");
}

/* The next object to write, or NULL when the container is done. */
static PyObject *
next_element(struct in *in)
{
    PyObject *c = in->container;

    if (PyTuple_CheckExact(c))
        return in->next < PyTuple_GET_SIZE(c) ? PyTuple_GET_ITEM(c, in->next++)
                                              : NULL;
    if (PyList_CheckExact(c))
        return in->next < PyList_GET_SIZE(c) ? PyList_GET_ITEM(c, in->next++)
                                             : NULL;
    if (in->key && !in->at_value) {
        in->at_value = true;
        return in->value;
    }
    in->at_value = false;
    return PyDict_Next(c, &in->next, &in->key, &in->value) ? in->key : NULL;
}

static int
put_all(struct encoder *e, PyObject *obj)
{
    int rc = put_object(e, obj);

    while (rc == 0 && e->depth) {
        PyObject *next = next_element(&e->stack[e->depth - 1]);
        if (next) {
            rc = put_object(e, next);
        } else if (--e->depth < e->ancestor_depth) {
            e->ancestor = NULL; /* left it; the next doubling sets another */
            e->ancestor_depth = 0;
        }
    }
    return rc;
}

static void
shrink_scratch(core_state *st)
{
    if (st->scratch_size > SCRATCH_KEPT) {
        PyMem_RawFree(st->scratch);
        st->scratch = NULL;
        st->scratch_size = 0;
    }
}

static int
encode_tree(core_state *st, PyObject *obj, csp_value *out, struct gifts *gifts)
{
    struct encoder e = {.st = st, .gifts = gifts};

    e.stack = e.few;
    e.room = sizeof e.few / sizeof *e.few;
    int rc = put_all(&e, obj);
    if (rc == 0) {
        rc = csp_tree_new(st->scratch, e.size, e.handles, e.n_handles, out);
        if (rc < 0)
            errors_raise(st, rc, NULL);
    }
    for (size_t i = 0; rc < 0 && i < e.n_handles; i++)
        csp_handle_unref(e.handles[i]);
    PyMem_RawFree(e.handles);
    if (e.stack != e.few)
        PyMem_RawFree(e.stack);
    shrink_scratch(st);
    return rc < 0 ? -1 : 0;
}

static int
check(core_state *st, int rc)
{
    if (rc == 0)
        return 0;
    errors_raise(st, rc, NULL);
    return -1;
}

static int
encode_long(core_state *st, PyObject *obj, csp_value *out)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(obj, &overflow);

    if (!overflow) {
        *out = csp_value_int(i);
        return 0;
    }
    PyObject *bytes = bigint_bytes(obj);
    if (!bytes)
        return -1;
    int rc = csp_value_bigint(PyBytes_AS_STRING(bytes),
                              (size_t)PyBytes_GET_SIZE(bytes), out);
    Py_DECREF(bytes);
    return check(st, rc);
}

static int
encode_str(core_state *st, PyObject *obj, csp_value *out)
{
    PyObject *held;
    size_t n;
    const char *text = utf8(obj, &n, &held);
    int rc = text ? check(st, csp_value_str(text, n, out)) : -1;

    Py_XDECREF(held);
    return rc;
}

static int
encode_end(PyObject *obj, csp_value *out, struct gifts *gifts)
{
    csp_handle *h;

    if (ends_give(obj, gifts->operation, gifts, &h) < 0)
        return -1;
    if (gifts_add(gifts, obj) < 0) {
        ends_give_done(obj, false);
        csp_handle_unref(h);
        return -1;
    }
    *out = csp_value_handle(h);
    return 0;
}

int
codec_encode_case(core_state *st, PyObject *obj, csp_value *out,
                  struct gifts *gifts, const void *operation)
{
    PyTypeObject *type = Py_TYPE(obj);

    gifts_init(gifts, operation);
    if (type == &PyLong_Type)
        return encode_long(st, obj, out);
    if (type == &PyFloat_Type) {
        *out = csp_value_float(PyFloat_AS_DOUBLE(obj));
        return 0;
    }
    if (type == &PyUnicode_Type)
        return encode_str(st, obj, out);
    if (type == &PyBytes_Type)
        return check(st, csp_value_bytes(PyBytes_AS_STRING(obj),
                                         (size_t)PyBytes_GET_SIZE(obj), out));
    if (obj == Py_None) {
        *out = csp_value_none();
        return 0;
    }
    if (type == &PyBool_Type) {
        *out = csp_value_bool(obj == Py_True);
        return 0;
    }
    int rc = ends_check(st, obj) ? encode_end(obj, out, gifts)
                                 : encode_tree(st, obj, out, gifts);
    if (rc < 0)
        codec_given(gifts, false);
    return rc;
}

int
codec_encode(core_state *st, PyObject *obj, csp_value *out, struct gifts *gifts)
{
    return codec_encode_case(st, obj, out, gifts, gifts);
}

/* ---- decoding ---- */

/* A container that the decoder fills. */
struct filling {
    PyObject *container; /* owned */
    uint64_t next, count;
    PyObject *key;      /* a dict: the key that waits for its value; owned */
    unsigned key_depth; /* in a dict's key: how deep; otherwise 0 */
};

struct decoder {
    core_state *st;
    csp_value tree;
    const char *at, *end;
    struct filling *stack;
    size_t depth, room;
    struct filling few[16];
};

static PyObject *
malformed(void)
{
    PyErr_SetString(PyExc_ValueError, "malformed tree value");
    return NULL;
}

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
decode_bigint(const char *data, size_t n)
{
    return PyLong_FromNativeBytes(data, n, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
}

static PyObject *
decode_str(const char *text, size_t n)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogatepass");
}

static PyObject *
take_block(struct decoder *d, unsigned char op)
{
    uint64_t n;
    const char *at = take_count(d, &n) < 0 ? NULL : take(d, n);

    if (!at)
        return NULL;
    return op == CSP_TREE_STR ? decode_str(at, n)
           : op == CSP_TREE_BIGINT
               ? decode_bigint(at, n)
               : PyBytes_FromStringAndSize(at, (Py_ssize_t)n);
}

static PyObject *
decode_handle(core_state *st, csp_handle *h)
{
    PyObject *end = st && h ? ends_from_handle(st, h) : NULL;

    if (!end && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError,
                     "a handle of the unknown kind '%s' was received",
                     h ? h->type->name : "?");
    return end;
}

static PyObject *
take_handle(struct decoder *d)
{
    uint64_t i;

    if (take_count(d, &i) < 0)
        return NULL;
    return decode_handle(d->st, csp_tree_handle(d->tree, i));
}

static int
push(struct decoder *d, PyObject *container, uint64_t count)
{
    const struct filling *above = d->depth ? &d->stack[d->depth - 1] : NULL;
    unsigned in_key = 0;

    if (above && PyDict_CheckExact(above->container))
        in_key = above->key ? 0 : 1;
    else if (above && above->key_depth)
        in_key = above->key_depth + 1;
    if (in_key > KEY_DEPTH) { /* no encoder of ours makes that */
        malformed();
        return -1;
    }
    if (d->depth == d->room) {
        size_t room = d->room * 2;
        struct filling *more = PyMem_RawMalloc(room * sizeof *more);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(more, d->stack, d->depth * sizeof *more);
        if (d->stack != d->few)
            PyMem_RawFree(d->stack);
        d->stack = more;
        d->room = room;
    }
    d->stack[d->depth++] = (struct filling){container, 0, count, NULL, in_key};
    return 0;
}

/* A container: pushed unless it is empty. *done: it needs no filling. */
static PyObject *
take_container(struct decoder *d, unsigned char op, bool *done)
{
    uint64_t n;

    if (take_count(d, &n) < 0)
        return NULL;
    /* Each element takes a byte at least: no more memory than was sent. */
    if (n > (uint64_t)(d->end - d->at))
        return malformed();
    PyObject *c = op == CSP_TREE_TUPLE  ? PyTuple_New((Py_ssize_t)n)
                  : op == CSP_TREE_LIST ? PyList_New((Py_ssize_t)n)
                                        : PyDict_New();
    *done = n == 0;
    if (c && n && push(d, c, n) < 0)
        Py_CLEAR(c);
    return c;
}

/* The next item. *done: it is whole; otherwise it was pushed to be filled. */
static PyObject *
take_item(struct decoder *d, bool *done)
{
    const char *at = take(d, 1);
    double f;

    *done = true;
    if (!at)
        return NULL;
    unsigned char op = (unsigned char)*at;
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
        if (!(at = take(d, 8)))
            return NULL;
        memcpy(&f, at, 8);
        return PyFloat_FromDouble(f);
    case CSP_TREE_BIGINT:
    case CSP_TREE_STR:
    case CSP_TREE_BYTES:
        return take_block(d, op);
    case CSP_TREE_TUPLE:
    case CSP_TREE_LIST:
    case CSP_TREE_DICT:
        return take_container(d, op, done);
    case CSP_TREE_HANDLE:
        return take_handle(d);
    }
    return malformed();
}

/* Puts @p item (a reference that passes) into the container that is filled. */
static int
put_into(struct filling *f, PyObject *item)
{
    if (PyTuple_CheckExact(f->container)) {
        PyTuple_SET_ITEM(f->container, (Py_ssize_t)f->next++, item);
        return 0;
    }
    if (PyList_CheckExact(f->container)) {
        PyList_SET_ITEM(f->container, (Py_ssize_t)f->next++, item);
        return 0;
    }
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

/* Fills containers from the innermost outwards, until the outermost is whole.
 * A container enters the one above it when it is complete. */
static PyObject *
fill(struct decoder *d)
{
    for (;;) {
        bool done;
        PyObject *item = take_item(d, &done);

        if (!item)
            return NULL;
        while (done) {
            if (d->depth == 0)
                return item;
            struct filling *f = &d->stack[d->depth - 1];
            if (put_into(f, item) < 0)
                return NULL;
            done = f->next == f->count && !f->key;
            if (done) {
                item = f->container;
                d->depth--;
            }
        }
    }
}

static PyObject *
decode_tree(core_state *st, csp_value v)
{
    struct decoder d = {.st = st, .tree = v};
    size_t size;

    d.at = csp_value_data(&v, &size);
    d.end = d.at + size;
    d.stack = d.few;
    d.room = sizeof d.few / sizeof *d.few;
    PyObject *obj = fill(&d);
    if (obj && d.at != d.end) {
        Py_CLEAR(obj);
        malformed();
    }
    while (d.depth) {
        struct filling *f = &d.stack[--d.depth];
        Py_DECREF(f->container);
        Py_XDECREF(f->key);
    }
    if (d.stack != d.few)
        PyMem_RawFree(d.stack);
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
        data = csp_value_data(&v, &size);
        return decode_str(data, size);
    case CSP_KIND_BYTES:
        data = csp_value_data(&v, &size);
        return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
    case CSP_KIND_BIGINT:
        data = csp_value_data(&v, &size);
        return decode_bigint(data, size);
    case CSP_KIND_TREE:
        return decode_tree(st, v);
    case CSP_KIND_HANDLE:
        return decode_handle(st, csp_value_as_handle(v));
    case CSP_KIND_COMPLEX:
        real = csp_value_as_complex(v, &imag);
        return PyComplex_FromDoubles(real, imag);
    case CSP_KIND_BUFFER:
        PyErr_SetString(PyExc_TypeError, "a buffer was received");
        return NULL;
    case CSP_KIND_COUNT:
        break;
    }
    return malformed();
}
