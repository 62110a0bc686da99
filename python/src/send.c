// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* send.c: what a send end does. */
#include "await.h"
#include "blocking.h"
#include "codec.h"
#include "ends.h"

static int
wait_send(void *op, csp_value *v, csp_time deadline)
{
    end_object *self = op;

    return self->side->send(self->end, *v, deadline);
}

PyDoc_STRVAR(send_doc,
             "send($self, obj, /, timeout=None)\n--\n\n"
             "Send obj, waiting for room.\n\n"
             "Waits at most timeout seconds (None: for ever, 0: not at all); "
             "the GIL is\nreleased meanwhile and Ctrl-C interrupts the wait. "
             "Ends of channels in obj\nare given away. Raises TimeoutError, "
             "Closed (no receive end is left), Poisoned,\nEndClosed, Moved, "
             "NotShareable; then nothing was sent.");

static PyObject *
tx_send(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    end_object *self = (end_object *)op;
    int64_t ns = INT64_MAX;
    csp_value v;
    struct gifts gifts;

    if ((nargs != 1 || names) &&
        ends_parse_timeout("send", args, nargs, names, 1, &ns) < 0)
        return NULL;
    if (codec_encode_as(self->st, args[0], ends_flags(self), &v, &gifts, NULL) <
        0)
        return NULL;
    int rc = self->side->send(self->end, v, ns ? CSP_SPIN : CSP_NOWAIT);
    if (rc == CSP_ETIMEOUT && ns)
        rc = blocking_run(self->st, wait_send, self, &v,
                          blocking_deadline(self->st, ns));
    if (rc < 0) {
        if (rc != CSP_EINTERRUPTED)
            ends_fail(self, rc);
        csp_value_unref(&v);
    }
    if (gifts.n)
        gifts_done(&gifts, rc == 0);
    return rc == 0 ? Py_NewRef(Py_None) : NULL;
}

PyDoc_STRVAR(send_nowait_doc,
             "send_nowait($self, obj, /)\n--\n\n"
             "Send obj if there is room now, else raise Full.");

static PyObject *
tx_send_nowait(PyObject *op, PyObject *obj)
{
    end_object *self = (end_object *)op;
    csp_value v;
    struct gifts gifts;

    if (codec_encode_as(self->st, obj, ends_flags(self), &v, &gifts, NULL) < 0)
        return NULL;
    int rc = self->side->try_send(self->end, v);
    if (rc < 0) {
        ends_fail(self, rc);
        csp_value_unref(&v);
    }
    gifts_done(&gifts, rc == 0);
    return rc == 0 ? Py_NewRef(Py_None) : NULL;
}

/* ---- many ---- */

/* Values that are sent one after the other. */
struct batch {
    end_object *end;
    csp_value *values;
    struct gifts *gifts; /* of each value that has any, in order */
    size_t *owners;      /* whose gifts those are, by number of value */
    size_t n, sent, n_gifts, room;
};

/* Keeps what value number @p i gives away. Returns: 0; -1 with an exception. */
static int
keep_gifts(struct batch *b, size_t i, const struct gifts *gifts)
{
    if (b->n_gifts == b->room) {
        size_t room = b->room ? b->room * 2 : 4;
        struct gifts *more = PyMem_Realloc(b->gifts, room * sizeof *more);
        if (more)
            b->gifts = more;
        size_t *owners =
            more ? PyMem_Realloc(b->owners, room * sizeof *owners) : NULL;
        if (!owners) {
            PyErr_NoMemory();
            return -1;
        }
        b->owners = owners;
        b->room = room;
    }
    b->owners[b->n_gifts] = i;
    b->gifts[b->n_gifts++] = *gifts;
    return 0;
}

/* Returns: whether @p obj is an int that fits a value. */
static bool
encode_int(PyObject *obj, csp_value *out)
{
    int overflow = 1;
    long long i = 0;

    if (PyLong_CheckExact(obj))
        i = PyLong_AsLongLongAndOverflow(obj, &overflow);
    *out = csp_value_int(i);
    return !overflow;
}

/* Encodes all: until that is done nothing is sent. */
static int
encode_all(struct batch *b, PyObject *tuple)
{
    size_t n = (size_t)PyTuple_GET_SIZE(tuple);

    if (!(b->values = PyMem_New(csp_value, n ? n : 1))) {
        PyErr_NoMemory();
        return -1;
    }
    for (; b->n < n; b->n++) {
        struct gifts gifts;
        PyObject *obj = PyTuple_GET_ITEM(tuple, (Py_ssize_t)b->n);
        if (encode_int(obj, &b->values[b->n])) /* for speed */
            continue;
        if (codec_encode_as(b->end->st, obj, ends_flags(b->end),
                            &b->values[b->n], &gifts, NULL) < 0)
            return -1;
        if (gifts.n && keep_gifts(b, b->n, &gifts) < 0) {
            gifts_done(&gifts, false);
            csp_value_unref(&b->values[b->n]);
            return -1;
        }
    }
    return 0;
}

static int
send_rest(void *batch, csp_value *Py_UNUSED(unused), csp_time deadline)
{
    struct batch *b = batch;
    const struct side *side = b->end->side;
    void *end = b->end->end;
    size_t sent;

    if (side == &ends_tx_side) {
        int rc = csp_tx_send_many(end, b->values + b->sent, b->n - b->sent,
                                  &sent, deadline);
        b->sent += sent;
        return rc;
    }
    int rc = side->state(end);
    for (; rc == 0 && b->sent < b->n; b->sent += rc == 0)
        rc = side->send(end, b->values[b->sent], deadline);
    return rc;
}

/* Releases what was not sent; tells the ends what became of them. */
static void
batch_done(struct batch *b)
{
    for (size_t i = 0; i < b->n_gifts; i++)
        gifts_done(&b->gifts[i], b->owners[i] < b->sent);
    for (size_t i = b->sent; i < b->n; i++)
        csp_value_unref(&b->values[i]);
    PyMem_Free(b->gifts);
    PyMem_Free(b->owners);
    PyMem_Free(b->values);
}

PyDoc_STRVAR(
    send_many_doc,
    "send_many($self, sequence, /, timeout=None)\n--\n\n"
    "Send the elements of a sequence in order, waiting for room.\n\n"
    "Others may send in between. As send(), but an exception has the number of "
    "those\nthat were sent as .sent; none are if one of them is NotShareable.");

static PyObject *
tx_send_many(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
             PyObject *names)
{
    struct batch b = {.end = (end_object *)op};
    int64_t ns;
    int rc = -1;

    if (ends_parse_timeout("send_many", args, nargs, names, 1, &ns) < 0)
        return NULL;
    if (!PySequence_Check(args[0])) {
        PyErr_Format(PyExc_TypeError,
                     "send_many() takes a sequence, not '%.200s'",
                     Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    /* what another thread does to a list meanwhile does not matter */
    PyObject *tuple = PySequence_Tuple(args[0]);
    if (tuple && encode_all(&b, tuple) == 0) {
        rc = send_rest(&b, NULL, ns ? CSP_SPIN : CSP_NOWAIT);
        if (rc == CSP_ETIMEOUT && ns)
            rc = blocking_run(b.end->st, send_rest, &b, NULL,
                              blocking_deadline(b.end->st, ns));
        if (rc < 0 && rc != CSP_EINTERRUPTED)
            ends_fail(b.end, rc);
    }
    Py_XDECREF(tuple);
    batch_done(&b);
    if (rc == 0)
        return Py_NewRef(Py_None);
    errors_note("sent", PyLong_FromSize_t(b.sent));
    return NULL;
}

#define SEND_METHODS                                                           \
    {"send", (PyCFunction)(void (*)(void))tx_send,                             \
     METH_FASTCALL | METH_KEYWORDS, send_doc},                                 \
        {"send_nowait", tx_send_nowait, METH_O, send_nowait_doc},              \
    {                                                                          \
        "send_many", (PyCFunction)(void (*)(void))tx_send_many,                \
            METH_FASTCALL | METH_KEYWORDS, send_many_doc                       \
    }

PyMethodDef send_methods[] = {SEND_METHODS,
                              {"asend", await_send, METH_O, await_send_doc},
                              ENDS_METHODS_OF_CHANNELS,
                              {0}};
PyMethodDef hub_send_methods[] = {SEND_METHODS, ENDS_METHODS, {0}};
