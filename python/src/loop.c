// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* loop.c: Loop, the operations that are pending in one event loop, and
 * Pending, one of them.
 *
 * Others say when an operation can go on, without this interpreter's GIL; the
 * loop's descriptor tells. drain() then resolves the Pending's future, which
 * only wakes the task: it is the task that receives or sends, by finish(). A
 * task that is cancelled before it runs has done nothing; what it was told of
 * goes on to the next.
 *
 * Invariants:
 *   P1  A Pending whose op is set is on its loop's list, which holds a
 *       reference to it; it leaves both at once.
 *   P2  A value that was received is in the Pending until result() takes it.
 * Locks:   the GIL. */
#include "loop.h"

#include <stddef.h>

#include <csp/loop.h>

#include "codec.h"
#include "ends.h"

struct link {
    struct link *next, *prev;
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    csp_loop *loop;
    struct link pending;
} loop_object;

typedef struct {
    PyObject_HEAD
    core_state *st;
    loop_object *loop;
    csp_loop_op *op; /* NULL: it is over */
    struct link link;
    PyObject *end, *future;
    struct gifts gifts;
    csp_case happened; /* once it is over */
} pending_object;

static pending_object *
pending_of(struct link *l)
{
    return (pending_object *)(void *)((char *)l -
                                      offsetof(pending_object, link));
}

/* ---- Pending ---- */

/* It is over: what is in happened, or a status that tells why not. */
static void
settle(pending_object *p)
{
    p->op = NULL;
    p->link.prev->next = p->link.next;
    p->link.next->prev = p->link.prev;
    codec_given(&p->gifts, p->happened.status == 0);
    Py_CLEAR(p->future);
    Py_DECREF(p); /* the loop's */
}

/* Wakes the task that awaits it, if it still does. */
static int
resolve(pending_object *p)
{
    PyObject *future = Py_NewRef(p->future), *none = NULL;
    PyObject *done = PyObject_CallMethod(future, "done", NULL);

    if (done == Py_False)
        none = PyObject_CallMethod(future, "set_result", "O", Py_None);
    int failed = !done || (done == Py_False && !none) ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(done);
    Py_DECREF(future);
    return failed;
}

PyDoc_STRVAR(pending_cancel_doc,
             "cancel($self, /)\n--\n\n"
             "End the operation. Whether it has had no effect; else result().");

static PyObject *
pending_cancel(PyObject *op, PyObject *Py_UNUSED(unused))
{
    pending_object *p = (pending_object *)op;

    if (p->op) {
        int i = csp_loop_cancel(p->loop->loop, p->op, &p->happened);
        if (i < 0)
            p->happened.status = i;
        settle(p);
    }
    return PyBool_FromLong(p->happened.status != 0);
}

PyDoc_STRVAR(pending_finish_doc,
             "finish($self, future, /)\n--\n\n"
             "Go on with the operation. Whether it is over; else future gets a "
             "result when\nit can go on again.");

static PyObject *
pending_finish(PyObject *op, PyObject *future)
{
    pending_object *p = (pending_object *)op;

    if (p->op) {
        if (csp_loop_finish(p->loop->loop, p->op, &p->happened) >= 0)
            settle(p);
        else
            Py_XSETREF(p->future, Py_NewRef(future));
    }
    return PyBool_FromLong(!p->op);
}

PyDoc_STRVAR(pending_result_doc,
             "result($self, /)\n--\n\n"
             "What has come of it: the value, or the exception; once.");

static PyObject *
pending_result(PyObject *op, PyObject *Py_UNUSED(unused))
{
    pending_object *p = (pending_object *)op;
    csp_value v = p->happened.value;

    if (p->op) {
        PyErr_SetString(PyExc_RuntimeError, "the operation is pending");
        return NULL;
    }
    if (p->happened.status != 0)
        return ends_fail((end_object *)p->end, p->happened.status);
    p->happened.value = csp_value_none();
    return codec_decode_taken(p->st, v);
}

static PyObject *
pending_done(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(!((pending_object *)op)->op);
}

static int
pending_traverse(PyObject *op, visitproc visit, void *arg)
{
    pending_object *p = (pending_object *)op;

    Py_VISIT(Py_TYPE(op));
    Py_VISIT(p->loop);
    Py_VISIT(p->end);
    Py_VISIT(p->future);
    return 0;
}

static int
pending_clear(PyObject *op)
{
    pending_object *p = (pending_object *)op;

    Py_CLEAR(p->future);
    return 0;
}

static void
pending_dealloc(PyObject *op)
{
    pending_object *p = (pending_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    if (p->happened.status == 0)
        csp_value_unref(&p->happened.value); /* nobody has asked for it */
    codec_given(&p->gifts, false);
    Py_XDECREF(p->future);
    Py_XDECREF(p->end);
    Py_XDECREF(p->loop);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMethodDef pending_methods[] = {
    {"cancel", pending_cancel, METH_NOARGS, pending_cancel_doc},
    {"finish", pending_finish, METH_O, pending_finish_doc},
    {"result", pending_result, METH_NOARGS, pending_result_doc},
    {0}};

static PyGetSetDef pending_getset[] = {
    {"done", pending_done, NULL, "Whether it is over.", NULL}, {0}};

static PyType_Slot pending_slots[] = {
    {Py_tp_dealloc, pending_dealloc}, {Py_tp_traverse, pending_traverse},
    {Py_tp_clear, pending_clear},     {Py_tp_methods, pending_methods},
    {Py_tp_getset, pending_getset},   {0, NULL}};

static PyType_Spec pending_spec = {
    .name = "intercsp._core.Pending",
    .basicsize = sizeof(pending_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = pending_slots};

/* ---- Loop ---- */

static PyObject *
loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    core_state *st = PyType_GetModuleState(type);

    if (PyTuple_GET_SIZE(args) || (kwargs && PyDict_GET_SIZE(kwargs))) {
        PyErr_SetString(PyExc_TypeError, "Loop() takes no arguments");
        return NULL;
    }
    loop_object *self = (loop_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->st = st;
    self->pending.next = self->pending.prev = &self->pending;
    int rc = csp_loop_new(&self->loop);
    if (rc == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return errors_raise(st, rc, NULL);
}

static int
loop_traverse(PyObject *op, visitproc visit, void *arg)
{
    loop_object *self = (loop_object *)op;

    Py_VISIT(Py_TYPE(op));
    if (self->pending.next)
        for (struct link *l = self->pending.next; l != &self->pending;
             l = l->next)
            Py_VISIT(pending_of(l));
    return 0;
}

/* All that is pending is given up, without effect. */
static int
loop_clear(PyObject *op)
{
    loop_object *self = (loop_object *)op;

    while (self->pending.next && self->pending.next != &self->pending) {
        PyObject *p = (PyObject *)pending_of(self->pending.next);
        Py_XDECREF(pending_cancel(Py_NewRef(p), NULL));
        Py_DECREF(p);
    }
    return 0;
}

static void
loop_dealloc(PyObject *op)
{
    loop_object *self = (loop_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    PyObject_ClearWeakRefs(op);
    loop_clear(op);
    csp_loop_free(self->loop);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
loop_fileno(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(csp_loop_fd(((loop_object *)op)->loop));
}

PyDoc_STRVAR(drain_doc, "drain($self, /)\n--\n\n"
                        "Wake the tasks whose operations can go on.");

static PyObject *
loop_drain(PyObject *op, PyObject *Py_UNUSED(unused))
{
    loop_object *self = (loop_object *)op;
    csp_loop_op *next;
    void *user;

    while (csp_loop_next(self->loop, &next, &user) == 0)
        if (resolve(user) < 0)
            return NULL;
    Py_RETURN_NONE;
}

static pending_object *
pending_new(loop_object *loop, PyObject *end, PyObject *future)
{
    pending_object *p = PyObject_GC_New(pending_object, loop->st->pending_type);

    if (!p)
        return NULL;
    p->st = loop->st;
    p->loop = (loop_object *)Py_NewRef(loop);
    p->end = Py_NewRef(end);
    p->future = Py_NewRef(future);
    p->op = NULL;
    p->happened = csp_case_none();
    p->happened.status = CSP_ECANCELLED;
    p->gifts = (struct gifts){.n = 0};
    PyObject_GC_Track(p);
    return p;
}

/* Starts @p one. Returns: @p p; NULL with an exception. */
static PyObject *
start(pending_object *p, csp_case one)
{
    loop_object *loop = p->loop;
    int rc = csp_loop_start(loop->loop, &one, 1, 0, p, &p->op);

    if (rc == 1) {
        p->link.next = &loop->pending;
        p->link.prev = loop->pending.prev;
        p->link.prev->next = p->link.next->prev = &p->link;
        return Py_NewRef(p);
    }
    bool unsent = one.kind == CSP_CASE_SEND && (rc < 0 || one.status != 0);
    if (unsent)
        csp_value_unref(&one.value);
    codec_given(&p->gifts, one.kind == CSP_CASE_SEND && !unsent);
    Py_CLEAR(p->future);
    if (one.kind == CSP_CASE_SEND)
        one.value = csp_value_none();
    if (rc == 0) {
        p->happened = one;
        return (PyObject *)p;
    }
    ends_fail((end_object *)p->end, rc);
    Py_DECREF(p);
    return NULL;
}

PyDoc_STRVAR(loop_recv_doc,
             "recv($self, end, future, /)\n--\n\n"
             "Receive at end, if not now then later: future gets a result when "
             "it can go on.");

static PyObject *
loop_recv(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    loop_object *self = (loop_object *)op;

    if (nargs != 2 || Py_TYPE(args[0]) != self->st->rx_type) {
        PyErr_SetString(PyExc_TypeError,
                        "recv() takes a receive end and a future");
        return NULL;
    }
    pending_object *p = pending_new(self, args[0], args[1]);
    return p ? start(p, csp_case_recv(((end_object *)args[0])->end)) : NULL;
}

PyDoc_STRVAR(
    loop_send_doc,
    "send($self, end, future, obj, /)\n--\n\n"
    "Send obj at end, if not now then later: future gets a result when "
    "it can go on.");

static PyObject *
loop_send(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    loop_object *self = (loop_object *)op;
    csp_value v;

    if (nargs != 3 || Py_TYPE(args[0]) != self->st->tx_type) {
        PyErr_SetString(PyExc_TypeError,
                        "send() takes a send end, a future and an object");
        return NULL;
    }
    pending_object *p = pending_new(self, args[0], args[1]);
    if (!p)
        return NULL;
    if (codec_encode(self->st, args[2], &v, &p->gifts) < 0) {
        Py_DECREF(p);
        return NULL;
    }
    return start(p, csp_case_send(((end_object *)args[0])->end, v));
}

static PyMethodDef loop_methods[] = {
    {"fileno", loop_fileno, METH_NOARGS, "The descriptor to wait for."},
    {"drain", loop_drain, METH_NOARGS, drain_doc},
    {"recv", (PyCFunction)(void (*)(void))loop_recv, METH_FASTCALL,
     loop_recv_doc},
    {"send", (PyCFunction)(void (*)(void))loop_send, METH_FASTCALL,
     loop_send_doc},
    {0}};

static Py_ssize_t
loop_len(PyObject *op)
{
    return (Py_ssize_t)csp_loop_len(((loop_object *)op)->loop);
}

static PyType_Slot loop_slots[] = {{Py_tp_new, loop_new},
                                   {Py_tp_dealloc, loop_dealloc},
                                   {Py_tp_traverse, loop_traverse},
                                   {Py_tp_clear, loop_clear},
                                   {Py_tp_methods, loop_methods},
                                   {Py_sq_length, loop_len},
                                   {0, NULL}};

static PyType_Spec loop_spec = {
    .name = "intercsp._core.Loop",
    .basicsize = sizeof(loop_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_MANAGED_WEAKREF,
    .slots = loop_slots};

int
loop_exec(PyObject *module, core_state *st)
{
    st->loop_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &loop_spec, NULL);
    st->pending_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &pending_spec, NULL);
    if (!st->loop_type || !st->pending_type)
        return -1;
    return PyModule_AddType(module, st->loop_type);
}
