// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* encode.c: Python objects to values, without recursion.
 *
 * Small objects lie inside the value; longer text, bytes and integers are one
 * copy; containers become one flat block (csp/tree.h). What has no form of its
 * own is pickled, all such objects of a value together, behind the walk. Types
 * are exact: a subclass is pickled, never downcast.
 *
 * Invariants:
 *   N1  No Python code runs while a walk is under way. So the references that
 *       it holds are borrowed, and containers do not change under it. What was
 *       lent and has come back is released before.
 *   N2  What may occur twice is in the memo: containers and text that have
 *       more than one reference. So one that contains itself is met again
 *       while it is open, since whoever led to it has a reference, too.
 *   N3  A REF in a key means something that stood in a key at the same depth
 *       or deeper: so no key is nested deeper than CODEC_KEY_DEPTH.
 * Memory:  the code is written into a buffer that the module's state keeps
 *          between sends; whoever encodes takes it, a second one makes
 *          another. */
#include <string.h>

#include <csp/status.h>
#include <csp/tree.h>

#include "buffer.h"
#include "codec.h"
#include "compat.h"
#include "ends.h"
#include "frozen.h"
#include "grow.h"
#include "layout.h"
#include "lend.h"
#include "memo.h"
#include "path.h"
#include "pickled.h"
#include "task.h"

enum {
    SCRATCH_KEPT = 256 * 1024, /* more is not kept between sends */
    LONG_TEXT = 64             /* bytes from which text is worth a note */
};

/* A container that the encoder is in. */
struct in {
    PyObject *container;
    PyObject *iterator;    /* of a set; owned */
    PyObject *key, *value; /* a dict: the pair at hand */
    Py_ssize_t next;       /* element to come; a dict: PyDict_Next's position */
    Py_ssize_t note;       /* in the memo; -1: none */
    unsigned key_depth;    /* in a key: how deep; otherwise 0 */
    unsigned char op;
    bool at_value; /* a dict: not at the key */
};

struct encoder {
    core_state *st;
    unsigned flags;
    struct gifts *gifts;
    char *code;
    size_t size, code_room;
    csp_handle **handles;
    size_t n_handles, room_handles;
    struct in *stack;
    size_t depth, room;
    struct memo memo;
    PyObject *objects;    /* to be pickled: a list, or NULL */
    Py_ssize_t n_objects; /* so many of them were met */
    bool not_pickled; /* they could not be, with the exception that is set */
    bool in_parts;    /* writes what is beside their pickle */
    Py_ssize_t find;  /* the one to refuse, if not -1, for this reason: */
    const char *find_why;
    struct in few[16];
};

/* ---- writing ---- */

/* Room for @p n bytes more. Returns: 0; -1 with MemoryError. */
static int
make_room(struct encoder *e, size_t n)
{
    size_t want = e->code_room ? e->code_room : 1024;

    while (want - e->size < n)
        want *= 2;
    char *more = PyMem_RawRealloc(e->code, want);
    if (!more) {
        PyErr_NoMemory();
        return -1;
    }
    e->code = more;
    e->code_room = want;
    return 0;
}

/* Where the next @p n bytes go; NULL with MemoryError. */
static inline char *
reserve(struct encoder *e, size_t n)
{
    if (e->code_room - e->size < n && make_room(e, n) < 0)
        return NULL;
    char *at = e->code + e->size;
    e->size += n;
    return at;
}

static inline int
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
    char *at = reserve(e, n < 255 ? 2 : 10);

    if (!at)
        return -1;
    at[0] = (char)op;
    at[1] = (char)(n < 255 ? n : 255);
    if (n >= 255)
        memcpy(at + 2, &n, 8);
    return 0;
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

/* The reference to @p h passes in any case. */
static int
put_handle(struct encoder *e, csp_handle *h)
{
    if (e->n_handles == e->room_handles) {
        size_t room = e->room_handles ? e->room_handles * 2 : 4;
        csp_handle **more = PyMem_RawRealloc(e->handles, room * sizeof *more);
        if (!more) {
            csp_handle_unref(h);
            PyErr_NoMemory();
            return -1;
        }
        e->handles = more;
        e->room_handles = room;
    }
    e->handles[e->n_handles] = h;
    return put_count(e, CSP_TREE_HANDLE, e->n_handles++);
}

/* ---- where the encoder stands ---- */

static bool
is_dict(unsigned char op)
{
    return op == CSP_TREE_DICT || op == CSP_TREE_FROZENDICT;
}

static bool
is_set(unsigned char op)
{
    return op == CSP_TREE_SET || op == CSP_TREE_FROZENSET;
}

/* To what the container at hand is in. No code of a key's type runs once there
 * is something in the value that has to be pickled. */
static void *
path_step(const void *arg, size_t i)
{
    const struct encoder *e = arg;
    const struct in *in = &e->stack[i];

    if (is_dict(in->op))
        return in->at_value ? path_key(in->key, e->n_objects == 0)
                            : PyUnicode_FromString(".keys()");
    if (is_set(in->op))
        return PyUnicode_FromString("{...}");
    if (in->op == CSP_TREE_RANGE || in->op == CSP_TREE_SLICE)
        return path_part(in->next - 1);
    return path_index(in->next - 1);
}

static int
refuse(struct encoder *e, PyObject *obj, const char *why)
{
    /* what is beside a pickle has no path */
    PyObject *path = path_join(path_step, e, e->in_parts ? 0 : e->depth);

    if (path)
        errors_not_shareable(e->st, path, obj, why);
    Py_XDECREF(path);
    return -1;
}

/* How deep in a key an element of the innermost container is. */
static unsigned
key_depth(const struct encoder *e)
{
    const struct in *in = e->depth ? &e->stack[e->depth - 1] : NULL;

    if (!in)
        return 0;
    if (in->key_depth)
        return in->key_depth + 1;
    return is_set(in->op) || (is_dict(in->op) && !in->at_value);
}

/* What @p v refers to becomes an item; its reference passes. */
static int
put_item(struct encoder *e, csp_value v)
{
    return put_handle(e, csp_value_as_item(v));
}

/* ---- what occurs again ---- */

/* If @p obj was written before, a REF to that. Returns: 1; 0: it was not, and
 * is noted as what comes now, its note in *@p at (may be NULL: it is no
 * container); -1 with an exception. */
static int
put_again(struct encoder *e, PyObject *obj, Py_ssize_t *at)
{
    struct note *n = memo_find(&e->memo, obj);
    unsigned depth = at ? key_depth(e) : 0;

    if (!n) {
        Py_ssize_t i = memo_add(&e->memo, obj, e->size, depth, at != NULL);
        if (at)
            *at = i;
        return i < 0 ? -1 : 0;
    }
    if (n->open)
        return refuse(e, obj, "it contains itself");
    if (depth > n->key_depth) { /* N3: once more, and noted as that */
        n->at = e->size;
        n->key_depth = depth;
        n->open = true;
        *at = n - e->memo.notes;
        return 0;
    }
    e->code[n->at] |= (char)CSP_TREE_SHARED;
    return put_count(e, CSP_TREE_REF, e->size - n->at) < 0 ? -1 : 1;
}

/* ---- what has no elements ---- */

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

/* Names, such as the keys of records, and long text may well occur again. */
static bool
is_worth_a_note(PyObject *obj, Py_ssize_t length)
{
    return Py_REFCNT(obj) > 1 &&
           (length >= LONG_TEXT || (length > 1 && PyUnicode_CheckExact(obj) &&
                                    PyUnicode_CHECK_INTERNED(obj)));
}

/* Long text is lent: its receiver makes the one copy of it. Returns: 1; 0: it
 * is to be copied here; -1 with an exception. */
static int
lend_text(core_state *st, unsigned flags, PyObject *keeper, const char *text,
          size_t n, unsigned kind, csp_value *out)
{
    if (n < LEND_BYTES || flags & CODEC_COPY)
        return 0;
    int rc = lend(st, keeper, text, n, kind, out);
    if (rc == 0)
        return 1;
    if (rc == CSP_ECLOSED)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static int
put_text(struct encoder *e, PyObject *keeper, const char *text, size_t n,
         bool is_str)
{
    csp_value v;
    int rc = lend_text(e->st, e->flags, keeper, text, n,
                       is_str ? CSP_VALUE_AS_STR : CSP_VALUE_AS_BYTES, &v);

    if (rc)
        return rc < 0 ? -1 : put_item(e, v);
    return put_block(e, is_str ? CSP_TREE_STR : CSP_TREE_BYTES, text, n);
}

static int
put_str(struct encoder *e, PyObject *obj)
{
    PyObject *held;
    size_t n;

    if (is_worth_a_note(obj, PyUnicode_GET_LENGTH(obj))) {
        int rc = put_again(e, obj, NULL);
        if (rc)
            return rc < 0 ? -1 : 0;
    }
    const char *text = utf8(obj, &n, &held);
    int rc = text ? put_text(e, held ? held : obj, text, n, true) : -1;

    Py_XDECREF(held);
    return rc;
}

static int
put_bytes(struct encoder *e, PyObject *obj)
{
    if (is_worth_a_note(obj, PyBytes_GET_SIZE(obj))) {
        int rc = put_again(e, obj, NULL);
        if (rc)
            return rc < 0 ? -1 : 0;
    }
    return put_text(e, obj, PyBytes_AS_STRING(obj),
                    (size_t)PyBytes_GET_SIZE(obj), false);
}

static int
put_bytearray(struct encoder *e, PyObject *obj)
{
    int rc = Py_REFCNT(obj) > 1 ? put_again(e, obj, NULL) : 0;

    if (rc)
        return rc < 0 ? -1 : 0;
    return put_block(e, CSP_TREE_BYTEARRAY, PyByteArray_AS_STRING(obj),
                     (size_t)PyByteArray_GET_SIZE(obj));
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
give_end(struct gifts *gifts, PyObject *obj, csp_handle **h)
{
    if (ends_give(obj, gifts->operation, gifts, h) < 0)
        return -1;
    if (gifts_add(gifts, obj, ends_give_done) == 0)
        return 0;
    ends_give_done(obj, false);
    csp_handle_unref(*h);
    return -1;
}

static int
put_end(struct encoder *e, PyObject *obj)
{
    csp_handle *h;

    return give_end(e->gifts, obj, &h) < 0 ? -1 : put_handle(e, h);
}

/* An object without a form of its own. */
static int
put_object_to_pickle(struct encoder *e, PyObject *obj)
{
    if (e->flags & CODEC_STRICT)
        return refuse(e, obj, "it would be pickled, which strict forbids");
    if (e->n_objects == e->find)
        return refuse(e, obj, e->find_why);
    if (!e->objects && !(e->objects = PyList_New(0)))
        return -1;
    if (PyList_Append(e->objects, obj) < 0)
        return -1;
    return put_count(e, CSP_TREE_OBJECT, (uint64_t)e->n_objects++);
}

static int
lend_share(core_state *st, PyObject *obj, csp_value *out)
{
    const Py_buffer *b = &((share_object *)obj)->view;
    int rc = buffer_send_on(st, b, out);

    if (rc)
        return rc < 0 ? -1 : 0;
    rc = lend(st, obj, b->buf, (size_t)b->len,
              b->readonly ? 0 : CSP_VALUE_WRITABLE, out);
    if (rc == CSP_ECLOSED)
        PyErr_SetString(errors_class(st, ERROR_NOT_SHAREABLE),
                        "an interpreter that ends can share nothing");
    else if (rc < 0)
        errors_raise(st, rc, NULL);
    return rc < 0 ? -1 : 0;
}

/* The buffer of a Share: a VIEW. */
static int
put_share(struct encoder *e, PyObject *obj)
{
    const Py_buffer *b = &((share_object *)obj)->view;
    const char *format = b->format ? b->format : "B";
    int dimensions = b->ndim > 1 ? b->ndim : 0;
    csp_value v;

    if (lend_share(e->st, obj, &v) < 0)
        return -1;
    format += *format == '@';
    int rc = put_count(e, CSP_TREE_VIEW, 2 + (uint64_t)dimensions);
    if (rc < 0)
        csp_value_unref(&v);
    else
        rc = put_item(e, v);
    if (rc == 0)
        rc = put_block(e, CSP_TREE_STR, format, 1);
    for (int i = 0; rc == 0 && i < dimensions; i++)
        rc = put_int(e, b->shape[i]);
    return rc;
}

static int
put_memoryview(struct encoder *e, PyObject *obj)
{
    PyObject *share = share_new(e->st, obj, false);

    if (!share && PyErr_ExceptionMatches(PyExc_BufferError)) {
        PyErr_Clear();
        return refuse(e, obj,
                      "its memory is not in one piece, or its format "
                      "is not a simple one");
    }
    if (!share && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        return refuse(e, obj, "it was released");
    }
    int rc = share ? put_share(e, share) : -1;
    Py_XDECREF(share);
    return rc;
}

static int put_object(struct encoder *e, PyObject *obj);

static int
put_task(struct encoder *e, PyObject *obj)
{
    csp_handle *h;

    return task_give(obj, e->gifts, &h) < 0 ? -1 : put_handle(e, h);
}

static int
put_move(struct encoder *e, PyObject *obj)
{
    PyObject *instead;
    csp_value v;

    if (e->flags & CODEC_MANY && move_is_of_buffer(e->st, obj))
        return refuse(e, obj,
                      "a Buffer has one owner, and this many receivers: "
                      "share(buffer) with them");
    int rc = move_give(e->st, obj, &v, &instead, e->gifts);

    return rc < 0 ? -1 : rc ? put_item(e, v) : put_object(e, instead);
}

/* What this package has, and other things without a form of their own. */
static int
put_other(struct encoder *e, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);

    if (ends_check(e->st, obj))
        return put_end(e, obj);
    if (type == e->st->frozen_type)
        return put_handle(e, frozen_handle(obj));
    if (e->st && type == e->st->task_type)
        return put_task(e, obj);
    if (type == e->st->share_type)
        return put_share(e, obj);
    if (type == e->st->move_type)
        return put_move(e, obj);
    if (type == &PyMemoryView_Type)
        return put_memoryview(e, obj);
    if (type == e->st->buffer_type)
        return refuse(e, obj,
                      "send csp.move(buffer) to hand it over, or "
                      "csp.share(buffer) to have it seen");
    return put_object_to_pickle(e, obj);
}

/* ---- containers ---- */

/* Where to note the next container, which is entered by depth++. */
static inline struct in *
next_in(struct encoder *e)
{
    if (e->depth == e->room) {
        struct in *more = grow_twice(e->stack, e->few, &e->room, sizeof *more);
        if (!more)
            return NULL;
        e->stack = more;
    }
    return &e->stack[e->depth];
}

static void
pop(struct encoder *e)
{
    struct in *in = &e->stack[--e->depth];

    Py_XDECREF(in->iterator);
    if (in->note >= 0)
        e->memo.notes[in->note].open = false;
}

/* A container of @p n elements or pairs: its head, and into it. A proxy is not
 * its dict, which can lead to it again, though both have one reference. */
static int
put_container(struct encoder *e, PyObject *obj, unsigned char op, Py_ssize_t n)
{
    bool is_proxy = COMPAT_HAS_PROXIES && op == CSP_TREE_FROZENDICT;
    PyObject *iterator = NULL;
    Py_ssize_t note = -1;
    int rc = 0;

    if (n == 0)
        return put_count(e, op, 0);
    if (Py_REFCNT(obj) > 1 || is_proxy)
        rc = put_again(e, obj, &note);
    if (rc)
        return rc < 0 ? -1 : 0;
    unsigned depth = key_depth(e);
    if (depth > CODEC_KEY_DEPTH)
        return refuse(e, obj, "a key is nested too deeply");
    struct in *in = next_in(e);
    if (!in || put_count(e, op, (uint64_t)n) < 0)
        return -1;
    if (is_set(op) && !(iterator = PyObject_GetIter(obj)))
        return -1;
    *in = (struct in){.container = is_proxy ? layout_dict_of(obj) : obj,
                      .iterator = iterator,
                      .note = note,
                      .key_depth = depth,
                      .op = op};
    e->depth++;
    return 0;
}

/* Empty ones have an identity, too, if they can be changed. */
static int
put_mutable(struct encoder *e, PyObject *obj, unsigned char op, Py_ssize_t n)
{
    int rc = n == 0 && Py_REFCNT(obj) > 1 ? put_again(e, obj, NULL) : 0;

    if (rc)
        return rc < 0 ? -1 : 0;
    return put_container(e, obj, op, n);
}

/* A handle of what others can have as it is. Returns: as frozen_give_part(). */
static inline int
give_part(core_state *st, unsigned flags, PyObject *obj, csp_handle **h)
{
    return st && st->opened && !(flags & CODEC_COPY)
               ? frozen_give_part(st, obj, h)
               : 0;
}

static int
put_object(struct encoder *e, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    csp_handle *part;
    int rc = give_part(e->st, e->flags, obj, &part);

    if (rc)
        return rc < 0 ? -1 : put_handle(e, part);
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
        return put_mutable(e, obj, CSP_TREE_LIST, PyList_GET_SIZE(obj));
    if (type == &PyDict_Type)
        return put_mutable(e, obj, CSP_TREE_DICT, PyDict_GET_SIZE(obj));
    if (obj == Py_None)
        return put(e, CSP_TREE_NONE, "", 0);
    if (type == &PyBool_Type)
        return put(e, obj == Py_True ? CSP_TREE_TRUE : CSP_TREE_FALSE, "", 0);
    if (type == &PyBytes_Type)
        return put_bytes(e, obj);
    if (type == &PySet_Type)
        return put_mutable(e, obj, CSP_TREE_SET, PySet_GET_SIZE(obj));
    if (type == &PyFrozenSet_Type)
        return put_container(e, obj, CSP_TREE_FROZENSET, PySet_GET_SIZE(obj));
    if (compat_is_frozendict(obj))
        return put_container(e, obj, CSP_TREE_FROZENDICT, PyDict_GET_SIZE(obj));
    if (type == &PyComplex_Type) {
        Py_complex c = PyComplex_AsCComplex(obj);
        return put(e, CSP_TREE_COMPLEX, &c, 16);
    }
    if (type == &PyByteArray_Type)
        return put_bytearray(e, obj);
    if (type == &PyRange_Type)
        return put_container(e, obj, CSP_TREE_RANGE, 3);
    if (type == &PySlice_Type)
        return put_container(e, obj, CSP_TREE_SLICE, 3);
    PyObject *dict = COMPAT_HAS_PROXIES && type == &PyDictProxy_Type
                         ? layout_dict_of(obj)
                         : NULL;
    if (dict)
        return put_container(e, obj, CSP_TREE_FROZENDICT,
                             PyDict_GET_SIZE(dict));
    return put_other(e, obj);
}

/* ---- the walk ---- */

static int
next_of_set(struct in *in, PyObject **next)
{
    *next = PyIter_Next(in->iterator);
    if (!*next)
        return PyErr_Occurred() ? -1 : 0;
    Py_DECREF(*next); /* the set has one */
    return 1;
}

static int
next_of_dict(struct in *in, PyObject **next)
{
    if (in->key && !in->at_value) {
        in->at_value = true;
        *next = in->value;
        return 1;
    }
    in->at_value = false;
    *next = NULL;
    if (!PyDict_Next(in->container, &in->next, &in->key, &in->value))
        return 0;
    *next = in->key;
    return 1;
}

/* start, stop, step; the object has a reference of each. */
static int
next_of_three(struct in *in, PyObject **next)
{
    static const char *const names[] = {"start", "stop", "step"};

    if (in->next == 3)
        return 0;
    *next = PyObject_GetAttrString(in->container, names[in->next++]);
    Py_XDECREF(*next);
    return *next ? 1 : -1;
}

/* The next object to write. Returns: 1; 0: there is none; -1 with an
 * exception. */
static int
next_element(struct in *in, PyObject **next)
{
    PyObject *c = in->container;

    switch (in->op) {
    case CSP_TREE_TUPLE:
        if (in->next == PyTuple_GET_SIZE(c))
            return 0;
        *next = PyTuple_GET_ITEM(c, in->next++);
        return 1;
    case CSP_TREE_LIST:
        if (in->next == PyList_GET_SIZE(c))
            return 0;
        *next = PyList_GET_ITEM(c, in->next++);
        return 1;
    case CSP_TREE_SET:
    case CSP_TREE_FROZENSET:
        return next_of_set(in, next);
    case CSP_TREE_DICT:
    case CSP_TREE_FROZENDICT:
        return next_of_dict(in, next);
    }
    return next_of_three(in, next);
}

static int
put_all(struct encoder *e, PyObject *obj)
{
    int rc = put_object(e, obj);

    while (rc == 0 && e->depth) {
        PyObject *next;
        int more = next_element(&e->stack[e->depth - 1], &next);
        if (more > 0)
            rc = put_object(e, next);
        else if (more == 0)
            pop(e);
        else
            rc = -1;
    }
    return rc;
}

/* ---- what is pickled ---- */

/* What comes before the value that the OBJECTs are in, written behind it. */
static int
put_pickle(struct encoder *e, PyObject *stream, PyObject *parts)
{
    Py_ssize_t n = PyList_GET_SIZE(parts);
    int rc = put_count(e, CSP_TREE_PICKLED, (uint64_t)n + 2);

    memo_fini(&e->memo); /* nothing may refer to the value from here */
    memo_init(&e->memo);
    if (rc == 0)
        rc = put_bytes(e, stream);
    e->in_parts = true;
    e->flags |= CODEC_STRICT; /* parts are native */
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++)
        rc = put_all(e, PyList_GET_ITEM(parts, i));
    return rc;
}

/* Moves what was written from @p middle on to the front. */
static int
rotate(struct encoder *e, size_t middle)
{
    size_t n = e->size - middle;
    char *held = PyMem_RawMalloc(n);

    if (!held) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(held, e->code + middle, n);
    memmove(e->code + n, e->code, middle);
    memcpy(e->code, held, n);
    PyMem_RawFree(held);
    return 0;
}

/* N1: the walk is over. */
static int
pickle_objects(struct encoder *e)
{
    PyObject *stream, *parts;
    size_t size = e->size;

    if (pickled_dumps(e->st, e->objects, &stream, &parts) < 0) {
        e->not_pickled = PyErr_ExceptionMatches(PyExc_Exception) &&
                         !PyErr_ExceptionMatches(PyExc_MemoryError);
        return -1;
    }
    int rc = put_pickle(e, stream, parts);
    Py_DECREF(parts);
    Py_DECREF(stream);
    return rc < 0 ? -1 : rotate(e, size);
}

/* ---- from beginning to end ---- */

static void
encoder_init(struct encoder *e, core_state *st, unsigned flags,
             struct gifts *gifts)
{
    e->st = st;
    e->flags = flags;
    e->gifts = gifts;
    e->code = st->scratch;
    e->code_room = st->scratch_size;
    st->scratch = NULL;
    st->scratch_size = 0;
    e->size = 0;
    e->handles = NULL;
    e->n_handles = e->room_handles = 0;
    e->stack = e->few;
    e->depth = 0;
    e->room = sizeof e->few / sizeof *e->few;
    memo_init(&e->memo);
    e->objects = NULL;
    e->n_objects = 0;
    e->not_pickled = e->in_parts = false;
    e->find = -1;
}

static void
encoder_fini(struct encoder *e, bool keep_handles)
{
    core_state *st = e->st;

    for (size_t i = 0; !keep_handles && i < e->n_handles; i++)
        csp_handle_unref(e->handles[i]);
    PyMem_RawFree(e->handles);
    while (e->depth)
        pop(e);
    if (e->stack != e->few)
        PyMem_RawFree(e->stack);
    memo_fini(&e->memo);
    if (e->code_room <= SCRATCH_KEPT && !st->scratch) {
        st->scratch = e->code;
        st->scratch_size = e->code_room;
    } else {
        PyMem_RawFree(e->code);
    }
    Py_XDECREF(e->objects);
}

/* Pickling failed with the exception that is set: NotShareable takes its
 * place, which says where and why. */
static void
explain_failure(core_state *st, PyObject *obj, PyObject *objects)
{
    PyObject *cause = PyErr_GetRaisedException(), *why = NULL;
    struct encoder e;
    struct gifts gifts;

    gifts_init(&gifts, &gifts);
    encoder_init(&e, st, 0, &gifts);
    e.find = pickled_culprit(st, objects, &why);
    e.find_why = why ? PyUnicode_AsUTF8(why) : NULL;
    if (e.find_why && put_all(&e, obj) == 0) /* it is not there any more */
        refuse(&e, obj, "what is in it cannot be pickled");
    encoder_fini(&e, false);
    gifts_done(&gifts, false);
    Py_XDECREF(why);
    PyObject *error = PyErr_GetRaisedException();
    if (error)
        PyException_SetCause(error, cause);
    PyErr_SetRaisedException(error ? error : cause);
}

static int
encode_tree(core_state *st, PyObject *obj, unsigned flags, csp_value *out,
            struct gifts *gifts)
{
    struct encoder e;
    PyObject *not_pickled = NULL;

    encoder_init(&e, st, flags, gifts);
    int rc = put_all(&e, obj);
    if (rc == 0 && e.objects)
        rc = pickle_objects(&e);
    if (e.not_pickled)
        not_pickled = Py_NewRef(e.objects);
    if (rc == 0) {
        rc = csp_tree_new(e.code, e.size, e.handles, e.n_handles, out);
        if (rc < 0)
            errors_raise(st, rc, NULL);
    }
    encoder_fini(&e, rc == 0);
    if (not_pickled) {
        gifts_done(gifts, false);
        explain_failure(st, obj, not_pickled);
        Py_DECREF(not_pickled);
    }
    return rc < 0 ? -1 : 0;
}

/* ---- values without a tree ---- */

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
encode_str(core_state *st, PyObject *obj, unsigned flags, csp_value *out)
{
    PyObject *held;
    size_t n;
    const char *text = utf8(obj, &n, &held);
    int rc = text ? lend_text(st, flags, held ? held : obj, text, n,
                              CSP_VALUE_AS_STR, out)
                  : -1;

    if (rc == 0)
        rc = check(st, csp_value_str(text, n, out));
    Py_XDECREF(held);
    return rc < 0 ? -1 : 0;
}

static int
encode_bytes(core_state *st, PyObject *obj, unsigned flags, csp_value *out)
{
    const char *data = PyBytes_AS_STRING(obj);
    size_t n = (size_t)PyBytes_GET_SIZE(obj);
    int rc = lend_text(st, flags, obj, data, n, CSP_VALUE_AS_BYTES, out);

    if (rc == 0)
        rc = check(st, csp_value_bytes(data, n, out));
    return rc < 0 ? -1 : 0;
}

/* What a Move has, by itself: its receiver may take it as it is. */
static int
encode_move(core_state *st, PyObject *obj, unsigned flags, csp_value *out,
            struct gifts *gifts)
{
    PyObject *instead;
    int rc = move_give(st, obj, out, &instead, gifts);

    if (rc)
        return rc < 0 ? -1 : 0;
    if (PyBytes_CheckExact(instead))
        return encode_bytes(st, instead, flags, out);
    if (PyUnicode_CheckExact(instead))
        return encode_str(st, instead, flags, out);
    return encode_tree(st, instead, flags, out, gifts);
}

static int
encode_frozen(PyObject *obj, csp_value *out)
{
    *out = csp_value_handle(frozen_handle(obj));
    return 0;
}

static int
encode_end(PyObject *obj, csp_value *out, struct gifts *gifts)
{
    csp_handle *h;

    if (give_end(gifts, obj, &h) < 0)
        return -1;
    *out = csp_value_handle(h);
    return 0;
}

int
codec_encode_as(core_state *st, PyObject *obj, unsigned flags, csp_value *out,
                struct gifts *gifts, const void *operation)
{
    PyTypeObject *type = Py_TYPE(obj);

    gifts_init(gifts, operation ? operation : gifts);
    if (type == &PyLong_Type)
        return encode_long(st, obj, out);
    if (type == &PyFloat_Type) {
        *out = csp_value_float(PyFloat_AS_DOUBLE(obj));
        return 0;
    }
    lend_drain(st); /* N1: now, not when something is lent */
    csp_handle *part;
    int has_part = give_part(st, flags, obj, &part);
    if (has_part) {
        if (has_part > 0)
            *out = csp_value_handle(part);
        return has_part < 0 ? -1 : 0;
    }
    if (type == &PyUnicode_Type)
        return encode_str(st, obj, flags, out);
    if (type == &PyBytes_Type)
        return encode_bytes(st, obj, flags, out);
    if (obj == Py_None) {
        *out = csp_value_none();
        return 0;
    }
    if (type == &PyBool_Type) {
        *out = csp_value_bool(obj == Py_True);
        return 0;
    }
    if (type == &PyComplex_Type) {
        Py_complex c = PyComplex_AsCComplex(obj);
        return check(st, csp_value_complex(c.real, c.imag, out));
    }
    int rc = ends_check(st, obj)       ? encode_end(obj, out, gifts)
             : type == st->frozen_type ? encode_frozen(obj, out)
             : type == st->move_type && !(flags & CODEC_MANY)
                 ? encode_move(st, obj, flags, out, gifts)
                 : encode_tree(st, obj, flags, out, gifts);
    if (rc < 0)
        gifts_done(gifts, false);
    return rc;
}
