// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* box_object.c: Box, as intercsp.pep554 and intercsp.queues use it. */
#include <stdlib.h>

#include <csp/status.h>

#include "blocking.h"
#include "box.h"
#include "ends.h"

static struct box *
box_of(PyObject *op)
{
    return box_behind(((end_object *)op)->end);
}

/* This interpreter uses a side. Returns: 0; -1 with an exception. */
static int
use(core_state *st, struct box *b, enum box_side side)
{
    if (b->kind == BOX_QUEUE)
        return 0;
    pthread_mutex_lock(&b->lock);
    struct box_user *u = box_user(b, side);
    bool released = u && u->released;
    pthread_mutex_unlock(&b->lock);
    if (u && !released)
        return 0;
    errors_raise(st, u ? CSP_EENDCLOSED : CSP_ENOMEM, NULL);
    return -1;
}

/* Returns: 0; -1 with an exception; 1: not in time. */
static int
run(core_state *st, struct box_call *c, int64_t ns)
{
    csp_value unused;
    char name[48];
    int rc = box_attempt(c, NULL, CSP_NOWAIT);

    if ((rc == CSP_EEMPTY || rc == CSP_EFULL) && ns != 0)
        rc = blocking_run(st, box_attempt, c, &unused,
                          blocking_deadline(st, ns));
    if (rc == 0)
        return 0;
    if (rc == CSP_EEMPTY || rc == CSP_EFULL || rc == CSP_ETIMEOUT)
        return 1;
    if (rc != CSP_EINTERRUPTED) {
        snprintf(name, sizeof name, "%lld", (long long)c->b->id);
        errors_raise(st, rc, name);
    }
    return -1;
}

/* ---- the object ---- */

static struct box_item *
item_new(core_state *st, struct box *b, PyObject *obj, int policy)
{
    struct gifts gifts;
    struct box_item *item = calloc(1, sizeof *item);

    if (!item)
        return (struct box_item *)PyErr_NoMemory();
    if (codec_encode(st, obj, &item->v, &gifts) < 0) {
        free(item);
        return NULL;
    }
    gifts_done(&gifts, true);
    item->sender = st->record->interpreter;
    item->policy = policy == BOX_DEFAULT ? b->policy : (enum box_policy)policy;
    return item;
}

static int
put_item(end_object *self, struct box_item *item, int64_t ns, bool *was_met)
{
    struct box_call c = {.b = box_of((PyObject *)self),
                         .side = BOX_SEND,
                         .item = item,
                         .attempt = box_try_put};
    int rc = run(self->st, &c, ns);

    if (rc != 0)
        box_discard(item);
    *was_met = c.was_met;
    return rc;
}

PyDoc_STRVAR(put_doc,
             "put($self, obj, policy, timeout, /)\n--\n\n"
             "Put an item, with what becomes of it when this interpreter ends "
             "(1 it is removed,\n2 an error, 3 another object, 4 it stays; -1 "
             "what the box says).\n\nReturns whether somebody waited for it, "
             "None if there was no room in time. Closed,\nEndClosed (released "
             "here), NotShareable.");

static PyObject *
box_put(PyObject *op, PyObject *args)
{
    end_object *self = (end_object *)op;
    PyObject *obj, *timeout;
    bool was_met;
    int64_t ns;
    int policy;

    if (!PyArg_ParseTuple(args, "OiO:put", &obj, &policy, &timeout) ||
        blocking_parse(timeout, &ns) < 0 ||
        use(self->st, box_of(op), BOX_SEND) < 0)
        return NULL;
    struct box_item *item = item_new(self->st, box_of(op), obj, policy);
    int rc = item ? put_item(self, item, ns, &was_met) : -1;
    return rc < 0   ? NULL
           : rc > 0 ? Py_NewRef(Py_None)
                    : PyBool_FromLong(was_met);
}

/* Wait until item @p number was received. Returns: as run(). */
static int
await_receipt(end_object *self, uint64_t number, csp_rx *rx, int64_t ns)
{
    struct box *b = box_of((PyObject *)self);
    csp_value unused;
    int rc = blocking_run(self->st, blocking_recv, rx, &unused,
                          blocking_deadline(self->st, ns));

    if (rc == CSP_ETIMEOUT || rc == CSP_EINTERRUPTED) {
        if (box_withdraw(b, number))
            return rc == CSP_ETIMEOUT ? 1 : -1;
        int late = csp_rx_try_recv(rx, &unused);
        if (rc == CSP_EINTERRUPTED)
            return -1;
        rc = late;
    }
    if (rc == 0)
        return 0;
    errors_raise(self->st, CSP_ECLOSED, "of the item");
    return -1;
}

PyDoc_STRVAR(deliver_doc,
             "deliver($self, obj, policy, timeout, /)\n--\n\n"
             "Put an item and wait until it was received; False if it was not "
             "in time, and has\nbeen withdrawn. Closed: it was discarded.");

static PyObject *
box_deliver(PyObject *op, PyObject *args)
{
    end_object *self = (end_object *)op;
    PyObject *obj, *timeout;
    csp_rx *rx = NULL;
    int64_t ns;
    int policy;

    if (!PyArg_ParseTuple(args, "OiO:deliver", &obj, &policy, &timeout) ||
        blocking_parse(timeout, &ns) < 0 ||
        use(self->st, box_of(op), BOX_SEND) < 0)
        return NULL;
    struct box_item *item = item_new(self->st, box_of(op), obj, policy);
    if (!item)
        return NULL;
    if (csp_chan_new(1, NULL, &item->receipt, &rx) < 0) {
        box_discard(item);
        return PyErr_NoMemory();
    }
    pthread_mutex_t *lock = &box_of(op)->lock;
    pthread_mutex_lock(lock); /* another may have the item at once */
    uint64_t number = box_of(op)->last_number + 1;
    struct box_call c = {.b = box_of(op), .side = BOX_SEND, .item = item};
    int rc = box_try_put(&c);
    pthread_mutex_unlock(lock);
    if (rc < 0) {
        box_discard(item);
        errors_raise(self->st, rc, NULL);
    } else {
        rc = await_receipt(self, number, rx, ns);
    }
    csp_rx_unref(rx);
    return rc < 0 ? NULL : PyBool_FromLong(rc == 0);
}

PyDoc_STRVAR(get_doc,
             "get($self, timeout, /)\n--\n\n"
             "The next item as (object, None); (None, policy) if its sender's "
             "interpreter has\nended; None if there was none in time. Closed, "
             "EndClosed (released here).");

static PyObject *
box_get(PyObject *op, PyObject *timeout)
{
    end_object *self = (end_object *)op;
    struct box_call c = {
        .b = box_of(op), .side = BOX_RECV, .attempt = box_try_get};
    int64_t ns;

    if (blocking_parse(timeout, &ns) < 0 || use(self->st, c.b, BOX_RECV) < 0)
        return NULL;
    int rc = run(self->st, &c, ns);
    if (rc != 0)
        return rc < 0 ? NULL : Py_NewRef(Py_None);
    PyObject *pair;
    if (c.item->gone) {
        pair = Py_BuildValue("(Oi)", Py_None, (int)c.item->policy);
    } else {
        PyObject *obj = codec_decode_taken(self->st, c.item->v);
        c.item->v = csp_value_none();
        pair = obj ? Py_BuildValue("(NO)", obj, Py_None) : NULL;
    }
    box_discard(c.item);
    return pair;
}

PyDoc_STRVAR(close_doc,
             "close($self, side, force, /)\n--\n\n"
             "Close the receive (0) or send (1) side. False: it is not empty, "
             "which the receive\nside must be unless force discards what is "
             "left. Closed: it is.");

static PyObject *
box_close(PyObject *op, PyObject *args)
{
    end_object *self = (end_object *)op;
    struct box *b = box_of(op);
    struct box_item *items = NULL;
    int side, force;

    if (!PyArg_ParseTuple(args, "ip:close", &side, &force) ||
        use(self->st, b, side == BOX_RECV ? BOX_RECV : BOX_SEND) < 0)
        return NULL;
    pthread_mutex_lock(&b->lock);
    int rc = box_close_side(b, side == BOX_RECV ? BOX_RECV : BOX_SEND, force,
                            &items);
    pthread_mutex_unlock(&b->lock);
    box_discard(items);
    if (rc < 0 && rc != CSP_EFULL)
        return errors_raise(self->st, rc, NULL);
    return PyBool_FromLong(rc == 0);
}

PyDoc_STRVAR(release_doc,
             "release($self, side, /)\n--\n\n"
             "Cut this interpreter off from a side: whether it was not "
             "before. The last that\nhas used the box closes it.");

static PyObject *
box_release(PyObject *op, PyObject *arg)
{
    struct box *b = box_of(op);
    long side = PyLong_AsLong(arg);

    if (side == -1 && PyErr_Occurred())
        return NULL;
    pthread_mutex_lock(&b->lock);
    struct box_user *u = box_user(b, side == BOX_RECV ? BOX_RECV : BOX_SEND);
    bool was_released = u && u->released;
    if (u)
        u->released = true;
    if (u && !was_released)
        box_close_if_unused(b);
    pthread_mutex_unlock(&b->lock);
    return u ? PyBool_FromLong(!was_released) : PyErr_NoMemory();
}

PyDoc_STRVAR(users_doc, "users($self, side, /)\n--\n\n"
                        "The interpreters that have used a side, and were not "
                        "cut off from it.");

static PyObject *
box_users(PyObject *op, PyObject *arg)
{
    struct box *b = box_of(op);
    long side = PyLong_AsLong(arg);
    PyObject *ids = side == -1 && PyErr_Occurred() ? NULL : PyList_New(0);

    if (!ids)
        return NULL;
    pthread_mutex_lock(&b->lock);
    for (struct box_user *u = b->users[side == BOX_RECV ? BOX_RECV : BOX_SEND];
         u; u = u->next) {
        PyObject *id = u->released ? NULL : PyLong_FromLongLong(u->interpreter);
        if (id && PyList_Append(ids, id) < 0)
            PyErr_Clear();
        Py_XDECREF(id);
    }
    pthread_mutex_unlock(&b->lock);
    return ids;
}

static Py_ssize_t
box_len(PyObject *op)
{
    struct box *b = box_of(op);

    pthread_mutex_lock(&b->lock);
    size_t n = b->count;
    pthread_mutex_unlock(&b->lock);
    return (Py_ssize_t)n;
}

static PyObject *
get_number(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromLongLong(box_of(op)->id);
}

static PyObject *
get_maxsize(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromLongLong(box_of(op)->maxsize);
}

static PyObject *
get_policy(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromLong(box_of(op)->policy);
}

static PyObject *
get_state(PyObject *op, void *Py_UNUSED(unused))
{
    struct box *b = box_of(op);

    pthread_mutex_lock(&b->lock);
    int state = (int)b->state;
    pthread_mutex_unlock(&b->lock);
    return PyLong_FromLong(state);
}

static PyGetSetDef box_getset[] = {
    {"id", get_number, NULL, "Its number among those of its kind.", NULL},
    {"maxsize", get_maxsize, NULL, "At most so many items; 0: any number.",
     NULL},
    {"policy", get_policy, NULL, "What put() takes for -1.", NULL},
    {"state", get_state, NULL, "0 open, 1 closed but not empty, 2 closed.",
     NULL},
    {0}};

static PyMethodDef box_methods[] = {
    {"put", box_put, METH_VARARGS, put_doc},
    {"deliver", box_deliver, METH_VARARGS, deliver_doc},
    {"get", box_get, METH_O, get_doc},
    {"close", box_close, METH_VARARGS, close_doc},
    {"release", box_release, METH_O, release_doc},
    {"users", box_users, METH_O, users_doc},
    {"__reduce__", ends_reduce, METH_NOARGS, NULL},
    {"__reduce_ex__", ends_reduce, METH_O, NULL},
    {0}};

PyDoc_STRVAR(box_doc, "What queues and channels of the compatibility modules "
                      "are; made by box(). It\nlives as long as any "
                      "interpreter, or any value on its way, has it.");

static PyType_Slot box_slots[] = {
    {Py_tp_dealloc, ends_dealloc}, {Py_tp_methods, box_methods},
    {Py_tp_getset, box_getset},    {Py_tp_members, ends_members},
    {Py_sq_length, box_len},       {Py_nb_bool, ends_bool},
    {Py_tp_doc, (void *)box_doc},  {0, NULL}};

static PyType_Spec box_spec = {"intercsp._core.Box", sizeof(end_object), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                   Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               box_slots};

/* ---- as a side of ends.c ---- */

static int
side_clone(void *end, void **out)
{
    *out = box_clone(end);
    return *out ? 0 : CSP_ENOMEM;
}

static uint64_t
side_id(const void *end)
{
    return (uint64_t)box_behind((csp_handle *)(uintptr_t)end)->id;
}

static const char *
side_name(const void *Py_UNUSED(end))
{
    return "box";
}

const struct side box_side = {.type_name = "Box",
                              ENDS_OF_A_HANDLE,
                              .clone = side_clone,
                              .id = side_id,
                              .name = side_name};

/* ---- functions ---- */

PyDoc_STRVAR(box_new_doc, "box($module, kind, maxsize, policy, /)\n--\n\n"
                          "A new Box, of kind 0 (queues) or 1 (channels).");

static PyObject *
new_box(PyObject *module, PyObject *args)
{
    core_state *st = core_state_of(module);
    long long maxsize;
    int kind, policy;

    if (!PyArg_ParseTuple(args, "iLi:box", &kind, &maxsize, &policy))
        return NULL;
    csp_handle *h = box_make(kind == BOX_QUEUE ? BOX_QUEUE : BOX_CHANNEL,
                             maxsize, (enum box_policy)policy);
    return h ? ends_new(st, &box_side, h) : PyErr_NoMemory();
}

PyDoc_STRVAR(find_box_doc, "find_box($module, kind, id, /)\n--\n\n"
                           "The Box with this number, or None.");

static PyObject *
find_box(PyObject *module, PyObject *args)
{
    long long id;
    int kind;

    if (!PyArg_ParseTuple(args, "iL:find_box", &kind, &id))
        return NULL;
    csp_handle *h = box_find(kind == BOX_QUEUE ? BOX_QUEUE : BOX_CHANNEL, id);
    return h ? ends_new(core_state_of(module), &box_side, h)
             : Py_NewRef(Py_None);
}

PyDoc_STRVAR(box_ids_doc, "box_ids($module, kind, /)\n--\n\n"
                          "The numbers of all that were not closed, oldest "
                          "first.");

static PyObject *
list_of(const int64_t *ids, size_t n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);

    for (size_t i = 0; list && i < n; i++) {
        PyObject *id = PyLong_FromLongLong(ids[n - 1 - i]);
        if (id)
            PyList_SET_ITEM(list, (Py_ssize_t)i, id);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
box_ids(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long kind = PyLong_AsLong(arg);

    if (kind == -1 && PyErr_Occurred())
        return NULL;
    for (size_t room = 64, n;; room = 2 * n) { /* there may be more by then */
        int64_t *ids = PyMem_RawMalloc(room * sizeof *ids);
        if (!ids)
            return PyErr_NoMemory();
        n = box_list(kind == BOX_QUEUE ? BOX_QUEUE : BOX_CHANNEL, ids, room);
        PyObject *list = n <= room ? list_of(ids, n) : NULL;
        PyMem_RawFree(ids);
        if (n <= room)
            return list;
    }
}

PyMethodDef box_functions[] = {
    {"box", new_box, METH_VARARGS, box_new_doc},
    {"find_box", find_box, METH_VARARGS, find_box_doc},
    {"box_ids", box_ids, METH_O, box_ids_doc},
    {0}};

int
box_exec(PyObject *module, core_state *st)
{
    st->box_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &box_spec, NULL);
    return st->box_type ? PyModule_AddType(module, st->box_type) : -1;
}
