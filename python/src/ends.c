// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ends.c: SendChannel and RecvChannel: what all ends have in common. What they
 * do with values is in send.c and recv.c.
 *
 * Invariants:
 *   E1  An end object owns one handle of the core for its whole life; closing
 *       and giving away act on the handle, whose state is the truth.
 *   E2  A handle is given away by a clone: until the operation is decided the
 *       caller's handle works, and giving is set so that no other operation
 *       gives it away.
 *   E3  Each open end object is on the list of its interpreter's record, so
 *       that it is closed when the interpreter goes even if the object stays.
 *   E4  The first attempt is made with the GIL (CSP_SPIN: a few microseconds
 *       at most); what must wait goes through blocking.c. */
#include "ends.h"

#include <stddef.h>

#include <csp/hub.h>

#include "await.h"
#include "blocking.h"
#include "box.h"
#include "channel.h"
#include "codec.h"
#include "task.h"

void
ends_handle_close(void *Py_UNUSED(handle))
{
}

void
ends_handle_unref(void *handle)
{
    csp_handle_unref(handle);
}

int
ends_handle_state(const void *Py_UNUSED(handle))
{
    return 0;
}

csp_handle *
ends_handle_itself(void *handle)
{
    return handle;
}

#define SIDE(xx, text, send_, try_send_)                                       \
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
    static int xx##_poison(void *end, csp_value reason)                        \
    {                                                                          \
        return csp_##xx##_poison(end, reason);                                 \
    }                                                                          \
    static int xx##_reason(const void *end, csp_value *out)                    \
    {                                                                          \
        return csp_##xx##_reason(end, out);                                    \
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
    static int xx##_stats(void *end, csp_chan_stats *stats)                    \
    {                                                                          \
        return csp_##xx##_stats(end, stats);                                   \
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
    const struct side ends_##xx##_side = {.type_name = text,                   \
                                          .send = send_,                       \
                                          .try_send = try_send_,               \
                                          .close = xx##_close,                 \
                                          .moved = xx##_moved,                 \
                                          .unref = xx##_unref,                 \
                                          .clone = xx##_clone,                 \
                                          .poison = xx##_poison,               \
                                          .reason = xx##_reason,               \
                                          .id = xx##_id,                       \
                                          .name = xx##_name,                   \
                                          .capacity = xx##_capacity,           \
                                          .len = xx##_len,                     \
                                          .stats = xx##_stats,                 \
                                          .state = xx##_state,                 \
                                          .finished = xx##_finished,           \
                                          .waiting = xx##_waiting,             \
                                          .handle = xx##_handle}

static int
tx_send(void *end, csp_value v, csp_time deadline)
{
    return csp_tx_send(end, v, deadline);
}

static int
tx_try_send(void *end, csp_value v)
{
    return csp_tx_try_send(end, v);
}

SIDE(tx, "SendChannel", tx_send, tx_try_send);
SIDE(rx, "RecvChannel", NULL, NULL);

/* ---- life ---- */

static void
close_link(struct end_link *link)
{
    end_object *self =
        (end_object *)(void *)((char *)link - offsetof(end_object, link));

    self->side->close(self->end);
}

/* The type of the objects of a side. */
static PyTypeObject *
type_of(core_state *st, const struct side *side)
{
    return side == &ends_tx_side   ? st->tx_type
           : side == &ends_rx_side ? st->rx_type
           : side == &hub_tx_side  ? st->hub_tx_type
           : side == &box_side     ? st->box_type
           : side == &tasks_side   ? st->tasks_type
                                   : st->hub_type;
}

PyObject *
ends_new(core_state *st, const struct side *side, void *end)
{
    PyTypeObject *type = type_of(st, side);
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

void
ends_dealloc(PyObject *op)
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

/* ---- errors ---- */

/* Why the channel was poisoned: a new reference. What cannot be made again
 * here is replaced by the error that it gave. */
static PyObject *
reason_of(const end_object *self)
{
    csp_value v;

    if (!self->side->reason || self->side->reason(self->end, &v) < 0)
        return Py_NewRef(Py_None);
    PyObject *reason = codec_decode_taken(self->st, v);
    return reason ? reason : PyErr_GetRaisedException();
}

void *
ends_fail(const end_object *self, int status)
{
    if (status != CSP_EPOISONED)
        return errors_raise(self->st, status, ends_name(self));
    PyObject *reason = reason_of(self);
    errors_poisoned(self->st, reason, ends_name(self));
    Py_DECREF(reason);
    return NULL;
}

/* ---- giving away ---- */

bool
ends_check_channel(core_state *st, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);

    return st && (type == st->tx_type || type == st->rx_type);
}

bool
ends_check(core_state *st, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);

    return ends_check_channel(st, obj) ||
           (st && (type == st->hub_tx_type || type == st->hub_type ||
                   type == st->box_type || type == st->tasks_type));
}

int
ends_give(PyObject *obj, const void *operation, const void *giver,
          csp_handle **out)
{
    end_object *self = (end_object *)obj;
    void *clone;

    if (self->givers && !self->side->is_shared &&
        (self->giving != operation || self->giver == giver)) {
        PyErr_Format(errors_class(self->st, ERROR_MOVED),
                     "channel '%s': this end is being given away by another "
                     "operation, or twice by one: pass end.clone() for each "
                     "further place",
                     ends_name(self));
        return -1;
    }
    int rc = self->side->clone(self->end, &clone);
    if (rc < 0) {
        ends_fail(self, rc);
        return -1;
    }
    self->giving = operation;
    self->giver = giver;
    self->givers++;
    *out = self->side->handle(clone);
    return 0;
}

void
ends_give_done(PyObject *obj, bool given)
{
    end_object *self = (end_object *)obj;

    self->givers--;
    if (given && !self->side->is_shared)
        self->side->moved(self->end);
}

/* What @p h is, and its side; NULL if it is none of ours. */
static void *
end_of(csp_handle *h, const struct side **side)
{
    void *end;

    if ((end = csp_tx_from_handle(h)))
        *side = &ends_tx_side;
    else if ((end = csp_rx_from_handle(h)))
        *side = &ends_rx_side;
    else if ((end = csp_hub_tx_from_handle(h)))
        *side = &hub_tx_side;
    else if ((end = csp_hub_from_handle(h)))
        *side = &hub_side;
    else if ((end = box_from_handle(h)))
        *side = &box_side;
    else if ((end = tasks_from_handle(h)))
        *side = &tasks_side;
    return end;
}

PyObject *
ends_from_handle(core_state *st, csp_handle *h)
{
    const struct side *side;
    void *end = end_of(h, &side), *clone;

    if (!end)
        return NULL;
    int rc = side->clone(end, &clone);
    if (rc < 0)
        return errors_raise(st, rc, side->name(end));
    return ends_new(st, side, clone);
}

/* ---- methods ---- */

int
ends_parse_timeout(const char *function, PyObject *const *args,
                   Py_ssize_t nargs, PyObject *names, Py_ssize_t required,
                   int64_t *ns)
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

const char ends_poison_doc[] =
    "poison($self, reason=None, /)\n--\n\n"
    "Make the channel unusable, for a reason.\n\n"
    "What is buffered is discarded, and every present and later operation at "
    "all of\nits ends raises Poisoned, whose reason is an equal object. The "
    "first reason stays.\nEnds of channels in reason are given away. Raises "
    "EndClosed, Moved, NotShareable.";

PyObject *
ends_poison(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    end_object *self = (end_object *)op;
    csp_value reason;
    struct gifts gifts;

    if (nargs > 1) {
        PyErr_Format(PyExc_TypeError,
                     "poison() takes at most 1 argument (%zd given)", nargs);
        return NULL;
    }
    if (codec_encode_as(self->st, nargs ? args[0] : Py_None, CODEC_MANY,
                        &reason, &gifts, NULL) < 0)
        return NULL;
    int rc = self->side->poison(self->end, reason);
    if (rc < 0) {
        csp_value_unref(&reason);
        ends_fail(self, rc);
    }
    gifts_done(&gifts, rc == 0);
    return rc == 0 ? Py_NewRef(Py_None) : NULL;
}

const char ends_clone_doc[] =
    "clone($self, /)\n--\n\n"
    "One more end of the same side of the channel, with a life of its own.";

PyObject *
ends_clone(PyObject *op, PyObject *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;
    void *clone;
    int rc = self->side->clone(self->end, &clone);

    return rc < 0 ? ends_fail(self, rc) : ends_new(self->st, self->side, clone);
}

const char ends_close_doc[] =
    "close($self, /)\n--\n\n"
    "Close this end; harmless if it is closed already.\n\n"
    "With the last open end of its side the side closes: receivers drain what "
    "is\nbuffered and then get Closed, senders get Closed at once. Threads "
    "that wait on\nthis very end get EndClosed.";

PyObject *
ends_close(PyObject *op, PyObject *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    self->side->close(self->end);
    Py_RETURN_NONE;
}

PyObject *
ends_enter(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return Py_NewRef(op);
}

PyObject *
ends_exit(PyObject *op, PyObject *const *Py_UNUSED(args),
          Py_ssize_t Py_UNUSED(nargs))
{
    return ends_close(op, NULL);
}

const char ends_same_channel_doc[] =
    "same_channel($self, other, /)\n--\n\n"
    "Whether other is an end of the same channel, of either side.";

PyObject *
ends_same_channel(PyObject *op, PyObject *other)
{
    end_object *self = (end_object *)op, *o = (end_object *)other;

    if (!ends_check_channel(self->st, other)) {
        PyErr_Format(PyExc_TypeError,
                     "same_channel() takes an end of a channel, not '%.200s'",
                     Py_TYPE(other)->tp_name);
        return NULL;
    }
    return PyBool_FromLong(self->side->id(self->end) == o->side->id(o->end));
}

const char ends_stats_doc[] =
    "stats($self, /)\n--\n\n"
    "What the channel has done so far and what it is like now: a Stats.";

PyObject *
ends_stats(PyObject *op, PyObject *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;
    csp_chan_stats stats = {.size = sizeof stats};
    int rc = self->side->stats(self->end, &stats);

    return rc < 0 ? ends_fail(self, rc) : channel_stats(self->st, &stats);
}

PyObject *
ends_copy(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(unused))
{
    PyErr_SetString(PyExc_TypeError,
                    "an end of a channel is not copied: clone() makes another");
    return NULL;
}

PyObject *
ends_reduce(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(unused))
{
    PyErr_SetString(PyExc_TypeError,
                    "an end of a channel cannot be pickled: send it through a "
                    "channel, or pass it to a process");
    return NULL;
}

static Py_ssize_t
end_len(PyObject *op)
{
    end_object *self = (end_object *)op;

    return (Py_ssize_t)self->side->len(self->end);
}

int
ends_bool(PyObject *Py_UNUSED(op))
{
    return 1;
}

static PyObject *
end_repr(PyObject *op)
{
    end_object *self = (end_object *)op;
    int state = self->side->state(self->end);
    uint32_t capacity = self->side->capacity(self->end);
    char of[16] = "";

    if (capacity != CSP_CHAN_UNBOUNDED)
        snprintf(of, sizeof of, " of %u", (unsigned)capacity);
    return PyUnicode_FromFormat(
        "<intercsp.%s '%s' id=%llu, %s%s, %zu%s buffered>",
        self->side->type_name, ends_name(self),
        (unsigned long long)self->side->id(self->end),
        state == CSP_EENDCLOSED ? "closed"
        : state == CSP_EMOVED   ? "given away"
                                : "open",
        state == 0 && self->side->finished(self->end) ? ", finished" : "",
        self->side->len(self->end), of);
}

/* ---- attributes ---- */

PyObject *
ends_get_id(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return PyLong_FromUnsignedLongLong(self->side->id(self->end));
}

PyObject *
ends_get_name(PyObject *op, void *Py_UNUSED(unused))
{
    return PyUnicode_FromString(ends_name((end_object *)op));
}

static PyObject *
get_capacity(PyObject *op, void *Py_UNUSED(unused))
{
    end_object *self = (end_object *)op;

    return channel_capacity(self->side->capacity(self->end));
}

PyObject *
ends_get_closed(PyObject *op, void *Py_UNUSED(unused))
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
    {"id", ends_get_id, NULL, "The number of the channel, never used twice.",
     NULL},
    {"name", ends_get_name, NULL, "The name of the channel.", NULL},
    {"capacity", get_capacity, NULL,
     "How many values the channel buffers; UNBOUNDED if there is no limit.",
     NULL},
    {"closed", ends_get_closed, NULL,
     "Whether this end was closed or given away.", NULL},
    {"finished", get_finished, NULL,
     "Whether nothing will come (receive end), or nobody will take (send end).",
     NULL},
    {0}};

PyMemberDef ends_members[] = {{"__weaklistoffset__", Py_T_PYSSIZET,
                               offsetof(end_object, weakrefs), Py_READONLY,
                               NULL},
                              {0}};

#define END_SLOTS(methods, doc)                                                \
    {Py_tp_dealloc, ends_dealloc}, {Py_tp_repr, end_repr},                     \
        {Py_tp_methods, methods}, {Py_tp_getset, end_getset},                  \
        {Py_tp_members, ends_members}, {Py_sq_length, end_len},                \
        {Py_nb_bool, ends_bool},                                               \
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

static PyType_Slot tx_slots[] = {END_SLOTS(send_methods, tx_doc), {0, NULL}};
static PyType_Slot rx_slots[] = {
    END_SLOTS(recv_methods, rx_doc), {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, recv_next},     {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, await_next},       {0, NULL}};

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
