// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* hub.c: broadcast(): SendHub and Hub, which are end objects as ends.c has
 * them, with fewer methods. */
#include <csp/hub.h>

#include "blocking.h"
#include "channel.h"
#include "ends.h"

/* ---- the send end of a hub ---- */

static int
tx_send(void *end, csp_value v, csp_time deadline)
{
    return csp_hub_tx_send(end, v, deadline);
}

static int
tx_try_send(void *end, csp_value v)
{
    return csp_hub_tx_try_send(end, v);
}

static void
tx_close(void *end)
{
    csp_hub_tx_close(end);
}

static void
tx_moved(void *end)
{
    csp_hub_tx_moved(end);
}

static void
tx_unref(void *end)
{
    csp_hub_tx_unref(end);
}

static int
tx_clone(void *end, void **out)
{
    csp_hub_tx *clone = NULL;
    int rc = csp_hub_tx_clone(end, &clone);

    *out = clone;
    return rc;
}

static int
tx_poison(void *end, csp_value reason)
{
    return csp_hub_tx_poison(end, reason);
}

static uint64_t
tx_id(const void *end)
{
    return csp_hub_tx_id(end);
}

static const char *
tx_name(const void *end)
{
    return csp_hub_tx_name(end);
}

static int
tx_state(const void *end)
{
    return csp_hub_tx_state(end);
}

static csp_handle *
tx_handle(void *end)
{
    return csp_value_as_handle(csp_hub_tx_as_value(end));
}

const struct side hub_tx_side = {.type_name = "SendHub",
                                 .send = tx_send,
                                 .try_send = tx_try_send,
                                 .close = tx_close,
                                 .moved = tx_moved,
                                 .unref = tx_unref,
                                 .clone = tx_clone,
                                 .poison = tx_poison,
                                 .id = tx_id,
                                 .name = tx_name,
                                 .state = tx_state,
                                 .handle = tx_handle};

/* ---- the hub ---- */

static void
hub_close(void *Py_UNUSED(hub))
{
}

static void
hub_unref(void *hub)
{
    csp_hub_unref(hub);
}

static int
hub_clone(void *hub, void **out)
{
    *out = csp_hub_ref(hub);
    return 0;
}

static uint64_t
hub_id(const void *hub)
{
    return csp_hub_id(hub);
}

static const char *
hub_name(const void *hub)
{
    return csp_hub_name(hub);
}

static int
hub_state(const void *Py_UNUSED(hub))
{
    return 0;
}

static csp_handle *
hub_handle(void *hub)
{
    return csp_value_as_handle(csp_hub_as_value(hub));
}

const struct side hub_side = {.type_name = "Hub",
                              .is_shared = true,
                              .close = hub_close,
                              .unref = hub_unref,
                              .clone = hub_clone,
                              .id = hub_id,
                              .name = hub_name,
                              .state = hub_state,
                              .handle = hub_handle};

PyDoc_STRVAR(
    subscribe_doc,
    "subscribe($self, /, capacity=None, overflow=None)\n--\n\n"
    "A RecvChannel that receives what is sent from now on.\n\n"
    "capacity and overflow are those of the hub unless given. Closing it "
    "unsubscribes.\nRaises Closed if no send end is left, Poisoned if it was "
    "poisoned.");

static PyObject *
subscribe(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"capacity", "overflow", NULL};
    end_object *self = (end_object *)op;
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    PyObject *capacity_arg = Py_None;
    const char *overflow = NULL;
    uint32_t capacity = 0;
    csp_rx *rx;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oz:subscribe", keywords,
                                     &capacity_arg, &overflow) ||
        channel_parse_overflow(overflow, &opts.overflow) < 0 ||
        (capacity_arg != Py_None &&
         channel_parse_capacity(capacity_arg, &capacity) < 0))
        return NULL;
    if (capacity_arg != Py_None && capacity == 0) {
        PyErr_SetString(PyExc_ValueError,
                        "a subscriber cannot have capacity 0: a hub waits for "
                        "room, not for receivers");
        return NULL;
    }
    int rc =
        csp_hub_subscribe(self->end, capacity, overflow ? &opts : NULL, &rx);
    if (rc == CSP_EINVAL)
        return PyErr_Format(PyExc_ValueError,
                            "overflow does not go with capacity %S",
                            capacity_arg);
    return rc < 0 ? ends_fail(self, rc) : ends_new(self->st, &ends_rx_side, rx);
}

static Py_ssize_t
hub_len(PyObject *op)
{
    return (Py_ssize_t)csp_hub_len(((end_object *)op)->end);
}

static PyObject *
get_capacity(PyObject *op, void *Py_UNUSED(unused))
{
    return channel_capacity(csp_hub_capacity(((end_object *)op)->end));
}

static PyObject *
get_dropped(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromUnsignedLongLong(
        csp_hub_dropped(((end_object *)op)->end));
}

static PyObject *
hub_repr(PyObject *op)
{
    end_object *self = (end_object *)op;

    return PyUnicode_FromFormat(
        "<intercsp.Hub '%s' id=%llu, %zu subscribers>", ends_name(self),
        (unsigned long long)self->side->id(self->end), csp_hub_len(self->end));
}

static PyObject *
tx_repr(PyObject *op)
{
    end_object *self = (end_object *)op;
    int state = self->side->state(self->end);

    return PyUnicode_FromFormat("<intercsp.SendHub '%s' id=%llu, %s>",
                                ends_name(self),
                                (unsigned long long)self->side->id(self->end),
                                state == CSP_EENDCLOSED ? "closed"
                                : state == CSP_EMOVED   ? "given away"
                                                        : "open");
}

/* ---- types ---- */

static PyMethodDef hub_methods[] = {
    {"subscribe", (PyCFunction)(void (*)(void))subscribe,
     METH_VARARGS | METH_KEYWORDS, subscribe_doc},
    {"__copy__", ends_copy, METH_NOARGS, NULL},
    {"__deepcopy__", ends_copy, METH_O, NULL},
    {"__reduce__", ends_reduce, METH_NOARGS, NULL},
    {"__reduce_ex__", ends_reduce, METH_O, NULL},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL},
    {0}};

#define ID_AND_NAME                                                            \
    {"id", ends_get_id, NULL, "The number of the hub, never used twice.",      \
     NULL},                                                                    \
    {                                                                          \
        "name", ends_get_name, NULL, "The name of the hub.", NULL              \
    }

static PyGetSetDef tx_getset[] = {ID_AND_NAME,
                                  {"closed", ends_get_closed, NULL,
                                   "Whether this end was closed or given away.",
                                   NULL},
                                  {0}};

static PyGetSetDef hub_getset[] = {
    ID_AND_NAME,
    {"capacity", get_capacity, NULL, "What subscribers get unless they ask.",
     NULL},
    {"dropped", get_dropped, NULL,
     "How many values were sent while there was no subscriber.", NULL},
    {0}};

PyDoc_STRVAR(tx_doc,
             "A send end of a hub; made by broadcast() and clone().\n\n"
             "What it sends is received by every subscriber: it waits for room "
             "with each that\nblocks; all get it, or none. Ends are counted "
             "and given away as those of channels.\nCannot be a case of a "
             "select.");
PyDoc_STRVAR(hub_doc,
             "What one subscribes to; made by broadcast().\n\n"
             "May be sent and passed to processes, and stays usable here. "
             "len() is the number\nof subscribers. Always true.");

static PyType_Slot tx_slots[] = {{Py_tp_dealloc, ends_dealloc},
                                 {Py_tp_repr, tx_repr},
                                 {Py_tp_methods, hub_send_methods},
                                 {Py_tp_getset, tx_getset},
                                 {Py_tp_members, ends_members},
                                 {Py_tp_doc, (void *)tx_doc},
                                 {0, NULL}};

static PyType_Slot hub_slots[] = {{Py_tp_dealloc, ends_dealloc},
                                  {Py_tp_repr, hub_repr},
                                  {Py_tp_methods, hub_methods},
                                  {Py_tp_getset, hub_getset},
                                  {Py_tp_members, ends_members},
                                  {Py_sq_length, hub_len},
                                  {Py_nb_bool, ends_bool},
                                  {Py_tp_doc, (void *)hub_doc},
                                  {0, NULL}};

#define FLAGS                                                                  \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |                           \
     Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyType_Spec tx_spec = {"intercsp.SendHub", sizeof(end_object), 0, FLAGS,
                              tx_slots};
static PyType_Spec hub_spec = {"intercsp.Hub", sizeof(end_object), 0, FLAGS,
                               hub_slots};

int
hub_exec(PyObject *module, core_state *st)
{
    st->hub_tx_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &tx_spec, NULL);
    st->hub_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &hub_spec, NULL);
    if (!st->hub_tx_type || !st->hub_type)
        return -1;
    return PyModule_AddType(module, st->hub_tx_type) < 0 ||
                   PyModule_AddType(module, st->hub_type) < 0
               ? -1
               : 0;
}

/* ---- broadcast() ---- */

PyDoc_STRVAR(
    broadcast_doc,
    "broadcast($module, /, capacity, *, name=None, overflow='block')\n--\n\n"
    "A new hub: its (SendHub, Hub).\n\n"
    "What is sent is received by all who have subscribed by then, in the same "
    "order. Each\nhas a channel of its own, of this capacity (from 1 up) and "
    "overflow unless it asks\nfor others: with 'block' the slowest sets the "
    "pace, with 'drop_new' or 'drop_old'\neach loses for itself. Without "
    "subscribers values are dropped and counted. When the\nlast send end goes, "
    "all subscribers' channels end.");

static PyObject *
broadcast(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"capacity", "name", "overflow", NULL};
    core_state *st = core_state_of(module);
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    PyObject *capacity_arg, *ends[2];
    const char *overflow = NULL;
    uint32_t capacity;
    csp_hub_tx *tx;
    csp_hub *hub;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$zs:broadcast", keywords,
                                     &capacity_arg, &opts.name, &overflow) ||
        channel_parse_capacity(capacity_arg, &capacity) < 0 ||
        channel_parse_overflow(overflow, &opts.overflow) < 0)
        return NULL;
    int rc = csp_hub_new(capacity, &opts, &tx, &hub);
    if (rc == CSP_EINVAL)
        return PyErr_Format(PyExc_ValueError,
                            capacity ? "overflow must be 'block' with capacity "
                                       "%S, which is never full"
                                     : "a hub cannot have capacity %S: it "
                                       "waits for room, not for receivers",
                            capacity_arg);
    if (rc < 0)
        return errors_raise(st, rc, NULL);
    ends[0] = ends_new(st, &hub_tx_side, tx);
    ends[1] = ends_new(st, &hub_side, hub);
    PyObject *pair =
        ends[0] && ends[1] ? PyTuple_Pack(2, ends[0], ends[1]) : NULL;
    Py_XDECREF(ends[0]);
    Py_XDECREF(ends[1]);
    return pair;
}

PyMethodDef hub_functions[] = {{"broadcast",
                                (PyCFunction)(void (*)(void))broadcast,
                                METH_VARARGS | METH_KEYWORDS, broadcast_doc},
                               {0}};
