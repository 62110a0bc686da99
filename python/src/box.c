// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* box.c: queues whose items know which interpreter has put them there, and go
 * when it goes: what intercsp.pep554 and intercsp.queues are made of.
 *
 * They promise what channels do not have: items that are withdrawn from the
 * middle, and look-up by small numbers. So this is a list under a lock, and
 * who has to wait sleeps on a channel of his own.
 *
 * Invariants:
 *   X1  Who waits is on one list of the box; who takes him off it (with the
 *       lock) closes his channel, which wakes him to try again. On a list is
 *       nobody who could go on, but for those who have not tried since.
 *   X2  Nothing is listed or locked while a GIL is taken: a whole wait is one
 *       operation for blocking_run().
 *   X3  An item is on the list, or was received, or is discarded. Its sender,
 *       if he waits for that, has a channel that says which: a value comes, or
 *       it is closed.
 *   X4  refs counts handles, with boxes_lock: a box that is listed can be had.
 * Locks:   boxes_lock, in it a box's lock. Values are released under neither.
 * Process-wide state: the list of boxes, the last numbers given. */
#include "box.h"

#include <stdlib.h>

#include <csp/status.h>

#include "blocking.h"
#include "compat.h"
#include "ends.h"

enum kind { QUEUE, CHANNEL, KINDS };
enum side_of_box { RECV, SEND, SIDES };
enum state { OPEN, CLOSING, CLOSED }; /* CLOSING: until it is empty */
/* What becomes of an item when its sender's interpreter ends. */
enum policy { DEFAULT = -1, REMOVE = 1, ERROR = 2, REPLACE = 3, KEEP = 4 };

struct item {
    struct item *next;
    csp_value v;
    int64_t sender; /* its interpreter */
    enum policy policy;
    bool gone; /* it has ended: v is none */
    uint64_t number;
    csp_tx *receipt; /* X3, or NULL */
};

struct sleeper {
    struct sleeper *next;
    bool listed;
    csp_tx *tx;
};

struct user {
    struct user *next;
    int64_t interpreter;
    bool released;
};

struct box {
    struct box *next, *prev; /* these and refs by boxes_lock */
    unsigned refs;
    enum kind kind;
    int64_t id, maxsize; /* at most so many items; 0 or less: any number */
    enum policy policy;
    pthread_mutex_t lock; /* guards the rest */
    enum state state;
    struct item *first, **last;
    size_t count;
    uint64_t last_number;
    struct sleeper *sleepers[SIDES]; /* who waits for items, and for room */
    struct user *users[SIDES];
};

/* What a value or a Python object has of a box. */
struct box_handle {
    csp_handle head;
    struct box *box;
};

static pthread_mutex_t boxes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct box *boxes;
static int64_t last_ids[KINDS];

/* ---- life ---- */

static void
discard(struct item *item)
{
    csp_value_unref(&item->v);
    csp_tx_unref(item->receipt);
    free(item);
}

static void
discard_all(struct item *item)
{
    while (item) {
        struct item *next = item->next;
        discard(item);
        item = next;
    }
}

static void
box_free(struct box *b)
{
    discard_all(b->first);
    for (int side = 0; side < SIDES; side++)
        for (struct user *u = b->users[side], *next; u; u = next) {
            next = u->next;
            free(u);
        }
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void
handle_release(csp_handle *h)
{
    struct box_handle *handle = (struct box_handle *)h;
    struct box *b = handle->box;

    pthread_mutex_lock(&boxes_lock);
    bool last = --b->refs == 0;
    if (last) {
        *(b->prev ? &b->prev->next : &boxes) = b->next;
        if (b->next)
            b->next->prev = b->prev;
    }
    pthread_mutex_unlock(&boxes_lock);
    if (last)
        box_free(b);
    free(handle);
}

static const csp_handle_type handle_type = {
    .size = sizeof handle_type, .name = "box", .release = handle_release};

/* With boxes_lock. Returns: NULL if there is no memory. */
static struct box_handle *
handle_new(struct box *b)
{
    struct box_handle *handle = malloc(sizeof *handle);

    if (!handle)
        return NULL;
    csp_handle_init(&handle->head, &handle_type);
    handle->box = b;
    b->refs++;
    return handle;
}

void *
box_from_handle(csp_handle *h)
{
    return h && h->type == &handle_type ? h : NULL;
}

static struct box *
box_new(enum kind kind, int64_t maxsize, enum policy policy)
{
    struct box *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    b->kind = kind;
    b->maxsize = maxsize;
    b->policy = policy;
    b->last = &b->first;
    return b;
}

/* With boxes_lock. */
static void
enlist(struct box *b)
{
    b->id = ++last_ids[b->kind];
    b->next = boxes;
    if (boxes)
        boxes->prev = b;
    boxes = b;
}

/* ---- sleeping ---- */

/* With the lock, as all below. */
static void
wake_one(struct box *b, enum side_of_box side)
{
    struct sleeper *s = b->sleepers[side];

    if (!s)
        return;
    b->sleepers[side] = s->next;
    s->listed = false;
    csp_tx_close(s->tx);
}

static void
wake_all(struct box *b)
{
    for (int side = 0; side < SIDES; side++)
        while (b->sleepers[side])
            wake_one(b, side);
}

static void
unlist(struct box *b, enum side_of_box side, struct sleeper *s)
{
    struct sleeper **at = &b->sleepers[side];

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->listed = false;
}

/* At the end of the list; in front if it was woken in vain. */
static void
list(struct box *b, enum side_of_box side, struct sleeper *s, bool in_front)
{
    struct sleeper **at = &b->sleepers[side];

    while (*at && !in_front)
        at = &(*at)->next;
    s->next = *at;
    s->listed = true;
    *at = s;
}

/* Sleep until woken. Lets go of the lock meanwhile. Returns: 0: woken. */
static int
sleep_on(struct box *b, enum side_of_box side, bool in_front, csp_time deadline)
{
    struct sleeper s = {0};
    csp_value unused;
    csp_rx *rx;
    int rc = csp_chan_new(1, NULL, &s.tx, &rx);

    if (rc < 0)
        return rc;
    list(b, side, &s, in_front);
    pthread_mutex_unlock(&b->lock);
    rc = csp_rx_recv(rx, &unused, deadline);
    pthread_mutex_lock(&b->lock);
    bool woken = !s.listed;
    if (!woken)
        unlist(b, side, &s);
    csp_tx_unref(s.tx);
    csp_rx_unref(rx);
    return woken ? 0 : rc;
}

struct call {
    struct box *b;
    enum side_of_box side;
    struct item *item;             /* to be put, or what was got */
    bool was_met;                  /* somebody waited for it */
    int (*attempt)(struct call *); /* EEMPTY, EFULL: not now */
};

/* A blocking_op: attempt until it can be done. Once woken it is tried whatever
 * else has happened, as nobody else was woken for that. */
static int
attempt_until(void *arg, csp_value *Py_UNUSED(v), csp_time deadline)
{
    struct call *c = arg;
    int slept = 0;

    pthread_mutex_lock(&c->b->lock);
    int rc = c->attempt(c);
    for (bool again = false; rc == CSP_EEMPTY || rc == CSP_EFULL;
         again = true) {
        if (deadline == CSP_NOWAIT)
            break;
        slept = sleep_on(c->b, c->side, again, deadline);
        if (slept < 0) {
            rc = slept;
            break;
        }
        rc = c->attempt(c);
    }
    pthread_mutex_unlock(&c->b->lock);
    return rc;
}

/* Returns: 0; -1 with an exception; 1: not in time. */
static int
run(core_state *st, struct call *c, int64_t ns)
{
    csp_value unused;
    char name[48];
    int rc = attempt_until(c, NULL, CSP_NOWAIT);

    if ((rc == CSP_EEMPTY || rc == CSP_EFULL) && ns != 0)
        rc = blocking_run(st, attempt_until, c, &unused,
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

/* ---- users of the ends of a channel ---- */

/* With the lock. Returns: NULL if there is no memory. */
static struct user *
user_of(struct box *b, enum side_of_box side)
{
    int64_t id = PyInterpreterState_GetID(PyInterpreterState_Get());
    struct user *u = b->users[side];

    while (u && u->interpreter != id)
        u = u->next;
    if (u || !(u = calloc(1, sizeof *u)))
        return u;
    u->interpreter = id;
    u->next = b->users[side];
    b->users[side] = u;
    return u;
}

static void
close_if_unused(struct box *b)
{
    for (int side = 0; side < SIDES; side++)
        for (struct user *u = b->users[side]; u; u = u->next)
            if (!u->released)
                return;
    if (b->state == OPEN)
        b->state = b->count ? CLOSING : CLOSED;
    wake_all(b);
}

/* This interpreter uses a side. Returns: 0; -1 with an exception. */
static int
use(core_state *st, struct box *b, enum side_of_box side)
{
    if (b->kind == QUEUE)
        return 0;
    pthread_mutex_lock(&b->lock);
    struct user *u = user_of(b, side);
    bool released = u && u->released;
    pthread_mutex_unlock(&b->lock);
    if (u && !released)
        return 0;
    errors_raise(st, u ? CSP_EENDCLOSED : CSP_ENOMEM, NULL);
    return -1;
}

/* ---- items ---- */

static int
attempt_put(struct call *c)
{
    struct box *b = c->b;

    if (b->state != OPEN)
        return CSP_ECLOSED;
    if (b->maxsize > 0 && b->count >= (size_t)b->maxsize)
        return CSP_EFULL;
    c->item->number = ++b->last_number;
    *b->last = c->item;
    b->last = &c->item->next;
    b->count++;
    c->was_met = b->sleepers[RECV] != NULL;
    wake_one(b, RECV);
    return 0;
}

/* The item that *@p at refers to, which is on the list no longer. */
static struct item *
remove_at(struct box *b, struct item **at)
{
    struct item *item = *at;

    *at = item->next;
    if (!item->next)
        b->last = at;
    item->next = NULL;
    b->count--;
    wake_one(b, SEND);
    if (b->count == 0 && b->state == CLOSING) {
        b->state = CLOSED;
        wake_all(b);
    }
    return item;
}

static int
attempt_get(struct call *c)
{
    struct box *b = c->b;

    if (!b->first)
        return b->state == OPEN ? CSP_EEMPTY : CSP_ECLOSED;
    c->item = remove_at(b, &b->first);
    if (c->item->receipt)
        csp_tx_try_send(c->item->receipt, csp_value_none());
    return 0;
}

/* Items that interpreter @p id has sent, and that go with it: as a list. */
static struct item *
sweep_one(struct box *b, int64_t id)
{
    struct item *gone = NULL;

    for (struct item **at = &b->first; *at;) {
        struct item *item = *at;
        if (item->sender != id || item->gone || item->policy == KEEP) {
            at = &item->next;
        } else if (item->policy == REMOVE) {
            item = remove_at(b, at);
            item->next = gone;
            gone = item;
        } else {
            item->gone = true;
            at = &item->next;
        }
    }
    for (int side = 0; side < SIDES; side++)
        for (struct user **at = &b->users[side], *u; (u = *at);)
            if (u->interpreter == id) {
                *at = u->next;
                free(u);
            } else {
                at = &u->next;
            }
    return gone;
}

void
box_sweep(int64_t interpreter)
{
    struct item *all = NULL;

    pthread_mutex_lock(&boxes_lock);
    for (struct box *b = boxes; b; b = b->next) {
        pthread_mutex_lock(&b->lock);
        struct item *gone = sweep_one(b, interpreter), **end = &gone;
        pthread_mutex_unlock(&b->lock);
        while (*end)
            end = &(*end)->next;
        *end = all;
        all = gone;
    }
    pthread_mutex_unlock(&boxes_lock);
    discard_all(all);
}

/* ---- the object ---- */

static struct box *
box_of(PyObject *op)
{
    return ((struct box_handle *)((end_object *)op)->end)->box;
}

static struct item *
item_new(core_state *st, struct box *b, PyObject *obj, int policy)
{
    struct gifts gifts;
    struct item *item = calloc(1, sizeof *item);

    if (!item)
        return (struct item *)PyErr_NoMemory();
    if (codec_encode(st, obj, &item->v, &gifts) < 0) {
        free(item);
        return NULL;
    }
    gifts_done(&gifts, true);
    item->sender = st->record->interpreter;
    item->policy = policy == DEFAULT ? b->policy : (enum policy)policy;
    return item;
}

static int
put_item(end_object *self, struct item *item, int64_t ns, bool *was_met)
{
    struct call c = {.b = box_of((PyObject *)self),
                     .side = SEND,
                     .item = item,
                     .attempt = attempt_put};
    int rc = run(self->st, &c, ns);

    if (rc != 0)
        discard(item);
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
        blocking_parse(timeout, &ns) < 0 || use(self->st, box_of(op), SEND) < 0)
        return NULL;
    struct item *item = item_new(self->st, box_of(op), obj, policy);
    int rc = item ? put_item(self, item, ns, &was_met) : -1;
    return rc < 0   ? NULL
           : rc > 0 ? Py_NewRef(Py_None)
                    : PyBool_FromLong(was_met);
}

static int
wait_receipt(void *rx, csp_value *v, csp_time deadline)
{
    return csp_rx_recv(rx, v, deadline);
}

/* Take an item back. Returns: false: it is not there any more. */
static bool
withdraw(struct box *b, uint64_t number)
{
    struct item *found = NULL;

    pthread_mutex_lock(&b->lock);
    for (struct item **at = &b->first; *at && !found; at = &(*at)->next)
        if ((*at)->number == number) {
            found = remove_at(b, at);
            break;
        }
    pthread_mutex_unlock(&b->lock);
    if (found)
        discard(found);
    return found != NULL;
}

/* Wait until item @p number was received. Returns: as run(). */
static int
await_receipt(end_object *self, uint64_t number, csp_rx *rx, int64_t ns)
{
    struct box *b = box_of((PyObject *)self);
    csp_value unused;
    int rc = blocking_run(self->st, wait_receipt, rx, &unused,
                          blocking_deadline(self->st, ns));

    if (rc == CSP_ETIMEOUT || rc == CSP_EINTERRUPTED) {
        if (withdraw(b, number))
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
        blocking_parse(timeout, &ns) < 0 || use(self->st, box_of(op), SEND) < 0)
        return NULL;
    struct item *item = item_new(self->st, box_of(op), obj, policy);
    if (!item)
        return NULL;
    if (csp_chan_new(1, NULL, &item->receipt, &rx) < 0) {
        discard(item);
        return PyErr_NoMemory();
    }
    pthread_mutex_t *lock = &box_of(op)->lock;
    pthread_mutex_lock(lock); /* another may have the item at once */
    uint64_t number = box_of(op)->last_number + 1;
    struct call c = {.b = box_of(op), .side = SEND, .item = item};
    int rc = attempt_put(&c);
    pthread_mutex_unlock(lock);
    if (rc < 0) {
        discard(item);
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
    struct call c = {.b = box_of(op), .side = RECV, .attempt = attempt_get};
    int64_t ns;

    if (blocking_parse(timeout, &ns) < 0 || use(self->st, c.b, RECV) < 0)
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
    discard(c.item);
    return pair;
}

/* With the lock. Returns: a status; what is discarded, in *@p items. */
static int
close_side(struct box *b, enum side_of_box side, bool force,
           struct item **items)
{
    if (b->state == CLOSED || (b->state == CLOSING && side == SEND && !force))
        return CSP_ECLOSED;
    if (b->count && !force && side == RECV)
        return CSP_EFULL;
    if (force) {
        *items = b->first;
        b->first = NULL;
        b->last = &b->first;
        b->count = 0;
    }
    b->state = b->count ? CLOSING : CLOSED;
    wake_all(b);
    return 0;
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
    struct item *items = NULL;
    int side, force;

    if (!PyArg_ParseTuple(args, "ip:close", &side, &force) ||
        use(self->st, b, side == RECV ? RECV : SEND) < 0)
        return NULL;
    pthread_mutex_lock(&b->lock);
    int rc = close_side(b, side == RECV ? RECV : SEND, force, &items);
    pthread_mutex_unlock(&b->lock);
    discard_all(items);
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
    struct user *u = user_of(b, side == RECV ? RECV : SEND);
    bool was_released = u && u->released;
    if (u)
        u->released = true;
    if (u && !was_released)
        close_if_unused(b);
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
    for (struct user *u = b->users[side == RECV ? RECV : SEND]; u;
         u = u->next) {
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

static void
side_close(void *Py_UNUSED(end))
{
}

static void
side_unref(void *end)
{
    csp_handle_unref(end);
}

static int
side_clone(void *end, void **out)
{
    pthread_mutex_lock(&boxes_lock);
    *out = handle_new(((struct box_handle *)end)->box);
    pthread_mutex_unlock(&boxes_lock);
    return *out ? 0 : CSP_ENOMEM;
}

static uint64_t
side_id(const void *end)
{
    return (uint64_t)((const struct box_handle *)end)->box->id;
}

static const char *
side_name(const void *Py_UNUSED(end))
{
    return "box";
}

static int
side_state(const void *Py_UNUSED(end))
{
    return 0;
}

static csp_handle *
side_handle(void *end)
{
    return end;
}

const struct side box_side = {.type_name = "Box",
                              .is_shared = true,
                              .close = side_close,
                              .unref = side_unref,
                              .clone = side_clone,
                              .id = side_id,
                              .name = side_name,
                              .state = side_state,
                              .handle = side_handle};

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
    struct box *b =
        box_new(kind == QUEUE ? QUEUE : CHANNEL, maxsize, (enum policy)policy);
    if (!b)
        return PyErr_NoMemory();
    pthread_mutex_lock(&boxes_lock);
    struct box_handle *handle = handle_new(b);
    if (handle)
        enlist(b);
    pthread_mutex_unlock(&boxes_lock);
    if (handle)
        return ends_new(st, &box_side, handle);
    box_free(b);
    return PyErr_NoMemory();
}

PyDoc_STRVAR(find_box_doc, "find_box($module, kind, id, /)\n--\n\n"
                           "The Box with this number, or None.");

static PyObject *
find_box(PyObject *module, PyObject *args)
{
    struct box_handle *handle = NULL;
    long long id;
    int kind;

    if (!PyArg_ParseTuple(args, "iL:find_box", &kind, &id))
        return NULL;
    pthread_mutex_lock(&boxes_lock);
    struct box *b = boxes;
    while (b && !((int)b->kind == kind && b->id == id))
        b = b->next;
    if (b)
        handle = handle_new(b);
    pthread_mutex_unlock(&boxes_lock);
    if (b && !handle)
        return PyErr_NoMemory();
    return handle ? ends_new(core_state_of(module), &box_side, handle)
                  : Py_NewRef(Py_None);
}

PyDoc_STRVAR(box_ids_doc, "box_ids($module, kind, /)\n--\n\n"
                          "The numbers of all that were not closed, oldest "
                          "first.");

static PyObject *
box_ids(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long kind = PyLong_AsLong(arg);
    PyObject *ids = kind == -1 && PyErr_Occurred() ? NULL : PyList_New(0);

    if (!ids)
        return NULL;
    pthread_mutex_lock(&boxes_lock);
    for (struct box *b = boxes; b; b = b->next) {
        pthread_mutex_lock(&b->lock);
        bool is_open = b->state == OPEN;
        pthread_mutex_unlock(&b->lock);
        PyObject *id = (long)b->kind == kind && is_open
                           ? PyLong_FromLongLong(b->id)
                           : NULL;
        if (id && PyList_Append(ids, id) < 0)
            PyErr_Clear();
        Py_XDECREF(id);
    }
    pthread_mutex_unlock(&boxes_lock);
    if (PyList_Reverse(ids) < 0)
        Py_CLEAR(ids);
    return ids;
}

/* ---- for concurrent.interpreters ---- */

static PyObject *
from_foreign(void *data)
{
    PyObject *module = PyImport_ImportModule("intercsp._core");
    PyObject *obj = NULL;

    if (module)
        obj = codec_decode(core_state_of(module), *(csp_value *)data);
    Py_XDECREF(module);
    return obj;
}

static void
free_foreign(void *data)
{
    csp_value_unref(data);
    free(data);
}

static void *
to_foreign(PyObject *obj)
{
    PyObject *module = PyImport_ImportModule("intercsp._core");
    csp_value *v = module ? malloc(sizeof *v) : NULL;
    struct gifts gifts;

    if (module && !v)
        PyErr_NoMemory();
    if (v && codec_encode(core_state_of(module), obj, v, &gifts) == 0) {
        gifts_done(&gifts, true);
    } else {
        free(v);
        v = NULL;
    }
    Py_XDECREF(module);
    return v;
}

COMPAT_DEFINE_FOREIGN(to_foreign, from_foreign, free_foreign)

PyDoc_STRVAR(register_shareable_doc,
             "register_shareable($module, cls, /)\n--\n\n"
             "Let concurrent.interpreters send instances of this class as we "
             "do, where Python has\nthat module.");

static PyObject *
register_shareable(PyObject *Py_UNUSED(module), PyObject *cls)
{
    if (!PyType_Check(cls)) {
        PyErr_SetString(PyExc_TypeError, "a class is needed");
        return NULL;
    }
    return compat_register_foreign((PyTypeObject *)cls) < 0
               ? NULL
               : Py_NewRef(Py_None);
}

PyMethodDef box_functions[] = {
    {"box", new_box, METH_VARARGS, box_new_doc},
    {"find_box", find_box, METH_VARARGS, find_box_doc},
    {"box_ids", box_ids, METH_O, box_ids_doc},
    {"register_shareable", register_shareable, METH_O, register_shareable_doc},
    {0}};

int
box_exec(PyObject *module, core_state *st)
{
    st->box_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &box_spec, NULL);
    return st->box_type ? PyModule_AddType(module, st->box_type) : -1;
}
