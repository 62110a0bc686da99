// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* loop.c: Loop, our part of an event loop: what is pending in it, and how it
 * sleeps.
 *
 * Others say when an operation can go on, without this interpreter's GIL; the
 * loop's descriptor tells, and drain() wakes the tasks. An event loop that
 * sleeps by sleep() need not call it: sleep() does, so that the tasks run in
 * the same turn.
 *
 * Locks:   the GIL. */
#include "loop.h"

#include "await.h"
#include "blocking.h"
#include "lend.h"
#include "pending.h"

static PyObject *
loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    core_state *st = PyType_GetModuleState(type);

    PyObject *event_loop;
    int waker;

    if (kwargs && PyDict_GET_SIZE(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "Loop() takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "Oi:Loop", &event_loop, &waker))
        return NULL;
    loop_object *self = (loop_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->st = st;
    self->event_loop = Py_NewRef(event_loop);
    self->waker = waker;
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
    Py_VISIT(self->event_loop);
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
        PyObject *p = Py_NewRef(pending_of(self->pending.next));
        pending_close(p);
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
    Py_XDECREF(self->event_loop);
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

static int
drain(loop_object *self)
{
    csp_loop_op *next;
    void *pending;

    while (csp_loop_next(self->loop, &next, &pending) == 0)
        if (pending_wake(pending) < 0)
            return -1;
    return 0;
}

static PyObject *
loop_drain(PyObject *op, PyObject *Py_UNUSED(unused))
{
    if (drain((loop_object *)op) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Whether @p ready, a (key, events) of a selector, is our descriptor. */
static bool
is_ours(const loop_object *self, PyObject *ready)
{
    PyObject *key = PyTuple_Check(ready) && PyTuple_GET_SIZE(ready) == 2
                        ? PyTuple_GET_ITEM(ready, 0)
                        : Py_None;
    PyObject *fd = PyTuple_Check(key) && PyTuple_GET_SIZE(key) == 4
                       ? PyTuple_GET_ITEM(key, 1)
                       : Py_None;

    return PyLong_Check(fd) && PyLong_AsLong(fd) == csp_loop_fd(self->loop);
}

/* Does what our descriptor asks for if it is in @p ready, which is what a
 * selector has returned, and takes it out. Returns: 0; -1 with an exception. */
static int
drain_early(loop_object *self, PyObject *ready)
{
    Py_ssize_t n = PyList_CheckExact(ready) ? PyList_GET_SIZE(ready) : 0;

    for (Py_ssize_t i = 0; i < n; i++)
        if (is_ours(self, PyList_GET_ITEM(ready, i)))
            return PyList_SetSlice(ready, i, i + 1, NULL) < 0 ? -1
                                                              : drain(self);
    return 0;
}

/* Whether a signal that comes just before the thread falls asleep wakes it. */
enum hearing {
    DEAF, /* not so: see B3 */
    HEARS,
    HEARS_BY_US, /* until hear_no_more() */
};

/* Has signals write to what wakes the event loop, unless somebody has them
 * write to something else. */
static enum hearing
hear_signals(const loop_object *self)
{
    if (self->waker < 0)
        return DEAF;
    int before = PySignal_SetWakeupFd(self->waker);
    if (before == -1)
        return HEARS_BY_US;
    if (before == self->waker)
        return HEARS;
    PySignal_SetWakeupFd(before);
    return DEAF;
}

static void
hear_no_more(const loop_object *self)
{
    int now = PySignal_SetWakeupFd(-1);

    if (now != self->waker) /* a handler's choice */
        PySignal_SetWakeupFd(now);
}

/* How long a thread that may miss a signal sleeps at once (B3); a new
 * reference. */
static PyObject *
slice_of(PyObject *timeout)
{
    double slice = (double)BLOCKING_SLICE_NS / 1e9;

    if (timeout != Py_None) {
        double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred())
            return NULL;
        if (seconds <= slice)
            return Py_NewRef(timeout);
    }
    return PyFloat_FromDouble(slice);
}

PyDoc_STRVAR(
    sleep_doc,
    "sleep($self, select, selector, timeout, for_ever, /)\n--\n\n"
    "What select(selector, timeout) returns, by which this event loop sleeps, "
    "maybe\nafter a shorter time; for_ever: nothing but its channels can wake "
    "it. Raises\nCancelled, once, if the interpreter is being stopped; what "
    "comes after that is\nclearing up.");

static PyObject *
loop_sleep(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    loop_object *self = (loop_object *)op;
    struct record *record = self->st->record;
    PyObject *ready = NULL;

    if (nargs != 4) {
        PyErr_Format(PyExc_TypeError, "sleep() takes 4 arguments (%zd given)",
                     nargs);
        return NULL;
    }
    if (self->sleeping) {
        PyErr_SetString(PyExc_RuntimeError, "this event loop sleeps already");
        return NULL;
    }
    self->sleeper.loop = self->loop;
    self->sleeper.thread = PyThread_get_thread_ident();
    self->sleeper.stop = blocking_stop_flag();
    self->sleeper.for_ever = args[3] == Py_True;
    bool handles = self->st->main_thread == self->sleeper.thread;
    enum hearing hearing = handles ? hear_signals(self) : HEARS;
    PyObject *slice = hearing == DEAF ? slice_of(args[2]) : Py_NewRef(args[2]);
    if (!slice)
        return NULL; /* hears nothing by us */
    PyObject *how[] = {args[1], slice};
    bool entered = record_enter(record, &self->sleeper, self->cancelled);
    if (entered) {
        self->sleeping = true;
        ready = PyObject_Vectorcall(args[0], how, 2, NULL);
        self->sleeping = false;
        record_leave(record, &self->sleeper);
        lend_drain(self->st);
    }
    if (hearing == HEARS_BY_US)
        hear_no_more(self);
    Py_DECREF(slice);
    if (entered && (!ready || !record->stopping || self->cancelled)) {
        if (ready && drain_early(self, ready) < 0)
            Py_CLEAR(ready);
        return ready;
    }
    Py_XDECREF(ready); /* the loop finds it again */
    self->cancelled = true;
    return errors_raise(self->st, CSP_ECANCELLED, NULL);
}

PyDoc_STRVAR(
    loop_select_doc,
    "select($self, cases, priority, moment, has_timeout, /)\n--\n\n"
    "To be awaited: let one of the cases happen, a Selected; None if none has "
    "by that\nmoment, or by when the first of the timers among them is due. "
    "ValueError: no case\ncould ever be ready, and there is no timeout.");

static PyObject *
loop_select(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    loop_object *self = (loop_object *)op;

    if (nargs != 4 || !PyTuple_Check(args[0])) {
        PyErr_SetString(
            PyExc_TypeError,
            "select() takes a tuple of cases, a bool, a moment and a bool");
        return NULL;
    }
    csp_time moment = PyLong_AsLongLong(args[2]);
    if (moment == -1 && PyErr_Occurred())
        return NULL;
    PyObject *p = pending_choice(self, args[0], args[1] == Py_True, moment,
                                 args[3] == Py_True);
    return p ? await_pending(self->st, p) : NULL;
}

static PyMethodDef loop_methods[] = {
    {"fileno", loop_fileno, METH_NOARGS, "The descriptor to wait for."},
    {"drain", loop_drain, METH_NOARGS, drain_doc},
    {"sleep", (PyCFunction)(void (*)(void))loop_sleep, METH_FASTCALL,
     sleep_doc},
    {"select", (PyCFunction)(void (*)(void))loop_select, METH_FASTCALL,
     loop_select_doc},
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
    return st->loop_type ? PyModule_AddType(module, st->loop_type) : -1;
}
