// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ends.c: SendChannel and RecvChannel.
 *
 * Invariants:
 *   E1  An end object owns one handle of the core for its whole life; closing
 *       and giving away act on the handle, whose state is the truth.
 *   E2  A handle is given away by a clone: until the operation is decided the
 *       caller's handle works, and giving is set so that no second operation
 *       gives it away.
 *   E3  Each open end object is on the list of its interpreter's record, so
 *       that it is closed when the interpreter goes even if the object stays.
 *   E4  The first attempt is made with the GIL (CSP_SPIN: a few microseconds
 *       at most); what must wait goes through blocking.c. */
#include "ends.h"

#include <stddef.h>

#include <csp/chan.h>

#include "blocking.h"
#include "codec.h"

/* The functions of the core that exist for both sides. */
struct side {
    const char *type_name;
    void (*close)(void *);
    void (*moved)(void *);
    void (*unref)(void *);
    int (*clone)(void *, void **);
    uint64_t (*id)(const void *);
    const char *(*name)(const void *);
    uint32_t (*capacity)(const void *);
    size_t (*len)(void *);
    int (*state)(const void *);
    bool (*finished)(void *);
    size_t (*waiting)(const void *);
    csp_handle *(*handle)(void *);
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    const struct side *side;
    void *end; /* csp_tx or csp_rx, E1 */
    struct end_link link;
    bool giving; /* E2 */
    PyObject *weakrefs;
} end_object;

#define SIDE(xx, text)                                                         \
    static void xx##_close(void *end)                                          \
    {                                                                          \
        csp_##xx##_close(end);                                                 \
    }                                                                          \
    static void xx##_moved(void *end)                                          \
    {                                                                          \
        csp_##xx##_moved(end);                                                 \
    }                                                                          \
    static void xx##_unref(void *end)                                          \
    {                                                                          \
        csp_##xx##_unref(end);                                                 \
    }                                                                          \
    static int xx##_clone(void *end, void **out)                               \
    {                                                                          \
        csp_##xx *clone = NULL;                                                \
        int rc = csp_##xx##_clone(end, &clone);                                \
        *out = clone;                                                          \
        return rc;                                                             \
    }                                                                          \
    static uint64_t xx##_id(const void *end)                                   \
    {                                                                          \
        return csp_##xx##_id(end);                                             \
    }                                                                          \
    static const char *xx##_name(const void *end)                              \
    {                                                                          \
        return csp_##xx##_name(end);                                           \
    }                                                                          \
    static uint32_t xx##_capacity(const void *end)                             \
    {                                                                          \
        return csp_##xx##_capacity(end);                                       \
    }                                                                          \
    static size_t xx##_len(void *end)                                          \
    {                                                                          \
        return csp_##xx##_len(end);                                            \
    }                                                                          \
    static int xx##_state(const void *end)                                     \
    {                                                                          \
        return csp_##xx##_state(end);                                          \
    }                                                                          \
    static bool xx##_finished(void *end)                                       \
    {                                                                          \
        return csp_##xx##_is_finished(end);                                    \
    }                                                                          \
    static size_t xx##_waiting(const void *end)                                \
    {                                                                          \
        return csp_##xx##_waiting(end);                                        \
    }                                                                          \
    static csp_handle *xx##_handle(void *end)                                  \
    {                                                                          \
        return csp_value_as_handle(csp_##xx##_as_value(end));                  \
    }                                                                          \
    static const struct side xx##_side = {                                     \
        text,          xx##_close,   xx##_moved,    xx##_unref, xx##_clone,    \
        xx##_id,       xx##_name,    xx##_capacity, xx##_len,   xx##_state,    \
        xx##_finished, xx##_waiting, xx##_handle}

SIDE(tx, "SendChannel");
SIDE(rx, "RecvChannel");

static const char *
name_of(const end_object *self)
{
    return self->side->name(self->end);
}

static void *
fail(const end_object *self, int status)
{
    return errors_raise(self->st, status, name_of(self));
}

static void
close_link(struct end_link *link)
{
    end_object *self =
        (end_object *)(void *)((char *)link - offsetof(end_object, link));

    self->side->close(self->end);
}

/* A new end object; the reference to @p end passes in any case. */
static PyObject *
end_new(core_state *st, const struct side *side, void *end)
{
    PyTypeObject *type = side == &tx_side ? st->tx_type : st->rx_type;
    end_object *self = (end_object *)type->tp_alloc(type, 0);

    if (!self) {
        side->unref(end);
        return NULL;
    }
    self->st = st;
    self->side = side;
    self->end = end;
    self->link.close = close_link;
    record_add_end(st->record, &self->link);
    return (PyObject *)self;
}

static void
end_dealloc(PyObject *op)
{
    end_object *self = (end_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    if (self->weakrefs)
        PyObject_ClearWeakRefs(op);
    if (self->end) {
        record_drop_end(self->st->record, &self->link);
        self->side->unref(self->end);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- for the codec ---- */

bool
ends_check(core_state *st, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);

    return st && (type == st->tx_type || type == st->rx_type);
}

int
ends_give(PyObject *obj, csp_handle **out)
{
    end_object *self = (end_object *)obj;
    void *clone;

    if (self->giving) {
        PyErr_Format(errors_class(self->st, ERROR_MOVED),
                     "channel '%s': this end is being given away by another "
                     "operation, or twice by one: pass end.clone() for each "
                     "further place",
                     name_of(self));
        return -1;
    }
    int rc = self->side->clone(self->end, &clone);
    if (rc < 0) {
        fail(self, rc);
        return -1;
    }
    self->giving = true;
    *out = self->side->handle(clone);
    return 0;
}

void
ends_give_done(PyObject *obj, bool given)
{
    end_object *self = (end_object *)obj;

    self->giving = false;
    if (given)
        self->side->moved(self->end);
}

PyObject *
ends_from_handle(core_state *st, csp_handle *h)
{
    csp_tx *tx = csp_tx_from_handle(h);
    csp_rx *rx = csp_rx_from_handle(h);
    const struct side *side = tx ? &tx_side : &rx_side;
    void *clone;

    if (!tx && !rx)
        return NULL;
    int rc = side->clone(tx ? (void *)tx : (void *)rx, &clone);
    if (rc < 0)
        return errors_raise(st, rc, side->name(tx ? (void *)tx : (void *)rx));
    return end_new(st, side, clone);
}

/* ---- send ---- */

static int
wait_send(void *end, csp_value *v, csp_time deadline)
{
    return csp_tx_send(end, *v, deadline);
}

static int
wait_recv(void *end, csp_value *v, csp_time deadline)
{
    return csp_rx_recv(end, v, deadline);
}

/* Sends @p obj, or leaves everything as it was. */
static PyObject *
send(end_object *self, PyObject *obj, int64_t ns)
{
    csp_value v;
    struct gifts gifts;

    if (codec_encode(self->st, obj, &v, &gifts) < 0)
        return NULL;
    int rc = csp_tx_send(self->end, v, ns ? CSP_SPIN : CSP_NOWAIT);
    if (rc == CSP_ETIMEOUT && ns)
        rc = blocking_run(self->st, wait_send, self->end, &v,
                          blocking_deadline(ns));
    if (rc < 0) {
        if (rc != CSP_EINTERRUPTED)
            fail(self, rc);
        csp_value_unref(&v);
    }
    if (gifts.n)
        codec_given(&gifts, rc == 0);
    return rc == 0 ? Py_NewRef(Py_None) : NULL;
}

/* The arguments (obj, timeout=None) or (timeout=None): what is not positional
 * may be named timeout. Returns: 0; -1 with an exception. */
static int
parse_timeout(const char *function, PyObject *const *args, Py_ssize_t nargs,
              PyObject *names, Py_ssize_t required, int64_t *ns)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *timeout = nargs > required ? args[required] : NULL;

    if (nargs < required || nargs > required + 1) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes %s and an optional timeout (%zd positional "
                     "arguments given)",
                     function, required ? "one object" : "no object", nargs);
        return -1;
    }
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CompareWithASCIIString(name, "timeout") != 0 || timeout) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected argument %R",
                         function, name);
            return -1;
        }
        timeout = args[nargs + i];
    }
    return blocking_parse(timeout, ns);
}

PyDoc_STRVAR(
    send_doc,
    "send($self, obj, /, timeout=None)\n--\n\n"
    "Send obj, waiting for room.\n\n"
    "Waits at most timeout seconds (None: for ever, 0: not at all); "
    "the GIL is\nreleased meanwhile and Ctrl-C interrupts the wait. "
    "Ends of channels in obj\nare given away. Raises TimeoutError, "
    "Closed (no receive end is left),\nEndClosed, Moved, NotShareable; "
    "then nothing was sent.");

static PyObject *
tx_send(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
        PyObject *names)
{
    int64_t ns = INT64_MAX;

    if ((nargs != 1 || names) &&
        parse_timeout("send", args, nargs, names, 1, &ns) < 0)
        return NULL;
    return send((end_object *)self, args[0], ns);
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

    if (codec_encode(self->st, obj, &v, &gifts) < 0)
        return NULL;
    int rc = csp_tx_try_send(self->end, v);
    if (rc < 0) {
        fail(self, rc);
        csp_value_unref(&v);
    }
    codec_given(&gifts, rc == 0);
    return rc == 0 ? Py_NewRef(Py_None) : NULL;
}

/* ---- recv ---- */

static PyObject *
decoded(end_object *self, csp_value v)
{
    if (csp_value_kind(v) == CSP_KIND_INT) /* the commonest, for speed */
        return PyLong_FromLongLong(csp_value_as_int(v));
    PyObject *obj = codec_decode(self->st, v);
    csp_value_unref(&v);
    return obj;
}

/* Receives into *v. Returns: a status; CSP_EINTERRUPTED: exception set. */
static int
recv(end_object *self, csp_value *v, int64_t ns)
{
    int rc = csp_rx_recv(self->end, v, ns ? CSP_SPIN : CSP_NOWAIT);

    if (rc == CSP_ETIMEOUT && ns)
        rc = blocking_run(self->st, wait_recv, self->end, v,
                          blocking_deadline(ns));
    return rc;
}

PyDoc_STRVAR(recv_doc,
             "recv($self, /, timeout=None)\n--\n\n"
             "Receive the oldest value, waiting for one.\n\n"
             "Waits at most timeout seconds (None: for ever, 0: not at all); "
             "the GIL is\nreleased meanwhile and Ctrl-C interrupts the wait. "
             "Raises TimeoutError,\nClosed (no send end is left and everything "
             "was received), EndClosed, Moved.");

static PyObject *
rx_recv(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    end_object *self = (end_object *)op;
    int64_t ns = INT64_MAX;
    csp_value v;

    if ((nargs || names) &&
        parse_timeout("recv", args, nargs, names, 0, &ns) < 0)
        return NULL;
    int rc = recv(self, &v, ns);
    if (rc == 0)
        return decoded(self, v);
    return rc == CSP_EINTERRUPTED ? NULL : fail(self, rc);
}

PyDoc_STRVAR(recv_nowait_doc,
             "recv_nowait($self, default=<unset>, /)\n--\n\n"
             "Receive the oldest value if there is one now.\n\n"
             "Otherwise return default, or raise Empty if there is none. "
             "default stands for\nempty only: a channel that has ended raises "
             "Closed all the same.");

static PyObject *
rx_recv_nowait(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    end_object *self = (end_object *)op;
    csp_value v;

    if (nargs > 1) {
        PyErr_Format(PyExc_TypeError,
                     "recv_nowait() takes at most 1 argument (%zd given)",
                     nargs);
        return NULL;
    }
    int rc = csp_rx_try_recv(self->end, &v);
    if (rc == 0)
        return decoded(self, v);
    if (rc == CSP_EEMPTY && nargs)
        return Py_NewRef(args[0]);
    return fail(self, rc);
}

static PyObject *
rx_next(PyObject *op)
{
    end_object *self = (end_object *)op;
    csp_value v;
    int rc = recv(self, &v, INT64_MAX);

    if (rc == 0)
        return decoded(self, v);
    if (rc == CSP_ECLOSED || rc == CSP_EINTERRUPTED)
        return NULL; /* the end of the iteration; an exception that is set */
    return fail(self, rc);
}

/* ---- both ---- */

PyDoc_STRVAR(clone_doc,
             "clone($self, /)\n--\n\n"
             "One more end of the same side of the channel, with a life of its "
             "own.");

static PyObject *
end_clone(PyObject *op, PyObject *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;
    void *clone;
    int rc = self->side->clone(self->end, &clone);

    return rc < 0 ? fail(self, rc) : end_new(self->st, self->side, clone);
}

PyDoc_STRVAR(close_doc,
             "close($self, /)\n--\n\n"
             "Close this end; harmless if it is closed already.\n\n"
             "With the last open end of its side the side closes: receivers "
             "drain what is\nbuffered and then get Closed, senders get Closed "
             "at once. Threads that wait on\nthis very end get EndClosed.");

static PyObject *
end_close(PyObject *op, PyObject *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    self->side->close(self->end);
    Py_RETURN_NONE;
}

static PyObject *
end_enter(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return Py_NewRef(op);
}

static PyObject *
end_exit(PyObject *op, PyObject *const *Py_UNUSED(args),
         Py_ssize_t Py_UNUSED(nargs))
{
    return end_close(op, NULL);
}

PyDoc_STRVAR(same_channel_doc,
             "same_channel($self, other, /)\n--\n\n"
             "Whether other is an end of the same channel, of either side.");

static PyObject *
end_same_channel(PyObject *op, PyObject *other)
{
    end_object *self = (end_object *)op, *o = (end_object *)other;

    if (!ends_check(self->st, other)) {
        PyErr_Format(PyExc_TypeError,
                     "same_channel() takes an end of a channel, not '%.200s'",
                     Py_TYPE(other)->tp_name);
        return NULL;
    }
    return PyBool_FromLong(self->side->id(self->end) == o->side->id(o->end));
}

static Py_ssize_t
end_len(PyObject *op)
{
    end_object *self = (end_object *)op;

    return (Py_ssize_t)self->side->len(self->end);
}

static int
end_bool(PyObject *Py_UNUSED(op))
{
    return 1;
}

static PyObject *
end_repr(PyObject *op)
{
    end_object *self = (end_object *)op;
    int state = self->side->state(self->end);

    return PyUnicode_FromFormat(
        "<intercsp.%s '%s' id=%llu, %s, %zu of %u buffered>",
        self->side->type_name, name_of(self),
        (unsigned long long)self->side->id(self->end),
        state == CSP_EENDCLOSED ? "closed"
        : state == CSP_EMOVED   ? "given away"
                                : "open",
        self->side->len(self->end), (unsigned)self->side->capacity(self->end));
}

static PyObject *
get_id(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return PyLong_FromUnsignedLongLong(self->side->id(self->end));
}

static PyObject *
get_name(PyObject *op, void *Py_UNUSED(unused))
{
    return PyUnicode_FromString(name_of((end_object *)op));
}

static PyObject *
get_capacity(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return PyLong_FromUnsignedLong(self->side->capacity(self->end));
}

static PyObject *
get_closed(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return PyBool_FromLong(self->side->state(self->end) != 0);
}

static PyObject *
get_finished(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return PyBool_FromLong(self->side->finished(self->end));
}

static PyGetSetDef end_getset[] = {
    {"id", get_id, NULL, "The number of the channel, never used twice.", NULL},
    {"name", get_name, NULL, "The name of the channel.", NULL},
    {"capacity", get_capacity, NULL, "How many values the channel buffers.",
     NULL},
    {"closed", get_closed, NULL, "Whether this end was closed or given away.",
     NULL},
    {"finished", get_finished, NULL,
     "Whether nothing will come (receive end), or nobody will take (send end).",
     NULL},
    {0}};

static PyMemberDef end_members[] = {{"__weaklistoffset__", Py_T_PYSSIZET,
                                     offsetof(end_object, weakrefs),
                                     Py_READONLY, NULL},
                                    {0}};

#define END_METHODS                                                            \
    {"clone", end_clone, METH_NOARGS, clone_doc},                              \
        {"close", end_close, METH_NOARGS, close_doc},                          \
        {"same_channel", end_same_channel, METH_O, same_channel_doc},          \
        {"__enter__", end_enter, METH_NOARGS, NULL},                           \
        {"__exit__", (PyCFunction)(void (*)(void))end_exit, METH_FASTCALL,     \
         NULL},                                                                \
        {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL}, {0}

static PyMethodDef tx_methods[] = {
    {"send", (PyCFunction)(void (*)(void))tx_send,
     METH_FASTCALL | METH_KEYWORDS, send_doc},
    {"send_nowait", tx_send_nowait, METH_O, send_nowait_doc},
    END_METHODS};

static PyMethodDef rx_methods[] = {
    {"recv", (PyCFunction)(void (*)(void))rx_recv,
     METH_FASTCALL | METH_KEYWORDS, recv_doc},
    {"recv_nowait", (PyCFunction)(void (*)(void))rx_recv_nowait, METH_FASTCALL,
     recv_nowait_doc},
    END_METHODS};

#define END_SLOTS(methods, doc)                                                \
    {Py_tp_dealloc, end_dealloc}, {Py_tp_repr, end_repr},                      \
        {Py_tp_methods, methods}, {Py_tp_getset, end_getset},                  \
        {Py_tp_members, end_members}, {Py_sq_length, end_len},                 \
        {Py_nb_bool, end_bool},                                                \
    {                                                                          \
        Py_tp_doc, (void *)doc                                                 \
    }

PyDoc_STRVAR(tx_doc, "A send end of a channel; made by channel() and clone().\n"
                     "\nEnds are counted over all interpreters: when the last "
                     "one of a side is closed or\ncollected, the other side "
                     "is told. An end that is sent or passed to a process\nis "
                     "given away. Always true; compares by identity.");
PyDoc_STRVAR(rx_doc, "A receive end of a channel; made by channel() and "
                     "clone().\n\nIterating over it receives until the channel "
                     "has ended. See SendChannel for how\nends are counted and "
                     "given away.");

static PyType_Slot tx_slots[] = {END_SLOTS(tx_methods, tx_doc), {0, NULL}};
static PyType_Slot rx_slots[] = {END_SLOTS(rx_methods, rx_doc),
                                 {Py_tp_iter, PyObject_SelfIter},
                                 {Py_tp_iternext, rx_next},
                                 {0, NULL}};

#define END_FLAGS                                                              \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |                           \
     Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyType_Spec tx_spec = {"intercsp.SendChannel", sizeof(end_object), 0,
                              END_FLAGS, tx_slots};
static PyType_Spec rx_spec = {"intercsp.RecvChannel", sizeof(end_object), 0,
                              END_FLAGS, rx_slots};

int
ends_exec(PyObject *module, core_state *st)
{
    st->tx_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &tx_spec, NULL);
    st->rx_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &rx_spec, NULL);
    if (!st->tx_type || !st->rx_type)
        return -1;
    return PyModule_AddType(module, st->tx_type) < 0 ||
                   PyModule_AddType(module, st->rx_type) < 0
               ? -1
               : 0;
}

/* ---- functions ---- */

/* Returns: 0 and the capacity; -1 with an exception. */
static int
parse_capacity(PyObject *obj, uint32_t *capacity)
{
    int overflow;

    if (!PyLong_Check(obj) || PyBool_Check(obj)) {
        PyErr_Format(PyExc_TypeError, "capacity must be an int, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return -1;
    }
    long long n = PyLong_AsLongLongAndOverflow(obj, &overflow);
    if (overflow || n < 1 || n > CSP_CHAN_MAX_CAPACITY) {
        PyErr_Format(PyExc_ValueError, "capacity must be from 1 to %u, not %S",
                     (unsigned)CSP_CHAN_MAX_CAPACITY, obj);
        return -1;
    }
    *capacity = (uint32_t)n;
    return 0;
}

PyDoc_STRVAR(channel_doc,
             "channel($module, /, capacity, *, name=None)\n--\n\n"
             "A new channel that buffers at most capacity values: its "
             "(SendChannel, RecvChannel).");

static PyObject *
channel(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"capacity", "name", NULL};
    core_state *st = core_state_of(module);
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    PyObject *capacity_arg, *ends[2];
    uint32_t capacity;
    csp_tx *tx;
    csp_rx *rx;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$z:channel", keywords,
                                     &capacity_arg, &opts.name) ||
        parse_capacity(capacity_arg, &capacity) < 0)
        return NULL;
    int rc = csp_chan_new(capacity, &opts, &tx, &rx);
    if (rc < 0)
        return errors_raise(st, rc, NULL);
    ends[0] = end_new(st, &tx_side, tx);
    ends[1] = end_new(st, &rx_side, rx);
    PyObject *pair =
        ends[0] && ends[1] ? PyTuple_Pack(2, ends[0], ends[1]) : NULL;
    Py_XDECREF(ends[0]);
    Py_XDECREF(ends[1]);
    return pair;
}

PyDoc_STRVAR(give_doc, "give($module, end, /)\n--\n\n"
                       "A new end in place of end, which is given away by "
                       "that.");

static PyObject *
give(PyObject *module, PyObject *obj)
{
    core_state *st = core_state_of(module);
    csp_handle *h;

    if (!ends_check(st, obj)) {
        PyErr_Format(PyExc_TypeError,
                     "give() takes an end of a channel, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    if (ends_give(obj, &h) < 0)
        return NULL;
    PyObject *end = ends_from_handle(st, h);
    csp_handle_unref(h);
    ends_give_done(obj, end != NULL);
    return end;
}

PyDoc_STRVAR(waiting_doc, "waiting($module, end, /)\n--\n\n"
                          "How many operations are parked on end's side of "
                          "its channel, of all\ninterpreters; for tests.");

static PyObject *
waiting(PyObject *module, PyObject *obj)
{
    end_object *self = (end_object *)obj;

    if (!ends_check(core_state_of(module), obj)) {
        PyErr_Format(PyExc_TypeError,
                     "waiting() takes an end of a channel, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    return PyLong_FromSize_t(self->side->waiting(self->end));
}

PyMethodDef ends_functions[] = {{"channel",
                                 (PyCFunction)(void (*)(void))channel,
                                 METH_VARARGS | METH_KEYWORDS, channel_doc},
                                {"give", give, METH_O, give_doc},
                                {"waiting", waiting, METH_O, waiting_doc},
                                {0}};
