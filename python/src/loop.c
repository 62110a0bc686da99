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
 * Locks:   the GIL. */
#include "loop.h"

#include <stddef.h>

#include <csp/loop.h>

#include "blocking.h"
#include "lend.h"
#include "select.h"

struct link {
    struct link *next, *prev;
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    csp_loop *loop;
    struct link pending;
    struct waiting sleeper; /* the thread, while it sleeps in sleep() */
    bool cancelled;         /* it was told that this interpreter stops */
} loop_object;

typedef struct {
    PyObject_HEAD
    core_state *st;
    loop_object *loop;
    csp_loop_op *op; /* NULL: it is over */
    struct link link;
    PyObject *args; /* a tuple: what the cases refer to */
    PyObject *future;
    csp_case *cases;
    struct choice *choices;
    Py_ssize_t n;
} pending_object;

static pending_object *
pending_of(struct link *l)
{
    return (pending_object *)(void *)((char *)l -
                                      offsetof(pending_object, link));
}

/* ---- Pending ---- */

/* All cases are done, @p happened (-1: none) as one that has succeeded. */
static void
done_all(pending_object *p, Py_ssize_t happened)
{
    for (Py_ssize_t i = 0; i < p->n; i++)
        if (i != happened)
            case_done(&p->cases[i], &p->choices[i], false);
    if (happened >= 0)
        case_done(&p->cases[happened], &p->choices[happened], true);
    p->n = 0;
}

/* Case @p i (negative: none) has happened, or failed.
 * Returns: a Selected; None if there is none; NULL with an exception. */
static PyObject *
result_of(pending_object *p, Py_ssize_t i)
{
    bool success = false;
    PyObject *result =
        i < 0 ? Py_NewRef(Py_None)
              : select_result(p->st, i, &p->cases[i], &p->choices[i], &success);

    done_all(p, success ? i : -1);
    Py_CLEAR(p->future);
    return result;
}

/* It was pending, and is no more. Returns: as result_of(). */
static PyObject *
settle(pending_object *p, Py_ssize_t i, const csp_case *happened)
{
    p->op = NULL;
    p->link.prev->next = p->link.next;
    p->link.next->prev = p->link.prev;
    if (i >= 0)
        p->cases[i] = *happened;
    PyObject *result = result_of(p, i);
    Py_DECREF(p); /* the loop's */
    return result;
}

/* Wakes the task that awaits it, if it still does. */
static int
resolve(pending_object *p)
{
    PyObject *future = Py_XNewRef(p->future), *none = NULL;
    PyObject *done =
        future ? PyObject_CallMethod(future, "done", NULL) : Py_NewRef(Py_True);

    if (done == Py_False)
        none = PyObject_CallMethod(future, "set_result", "O", Py_None);
    int failed = !done || (done == Py_False && !none) ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(done);
    Py_XDECREF(future);
    return failed;
}

PyDoc_STRVAR(
    pending_cancel_doc,
    "cancel($self, /)\n--\n\n"
    "End the operation: None, it has had no effect; or the Selected of "
    "the send that a\nrendezvous has taken.");

static PyObject *
pending_cancel(PyObject *op, PyObject *Py_UNUSED(unused))
{
    pending_object *p = (pending_object *)op;
    csp_case happened;

    if (!p->op)
        Py_RETURN_NONE;
    int i = csp_loop_cancel(p->loop->loop, p->op, &happened);
    return settle(p, i, &happened);
}

PyDoc_STRVAR(
    pending_finish_doc,
    "finish($self, future, /)\n--\n\n"
    "Go on with the operation: a Selected; or None, then future gets a "
    "result when it\ncan go on again. Raises what its case raises.");

static PyObject *
pending_finish(PyObject *op, PyObject *future)
{
    pending_object *p = (pending_object *)op;
    csp_case happened;
    int i = p->op ? csp_loop_finish(p->loop->loop, p->op, &happened) : -1;

    if (i >= 0)
        return settle(p, i, &happened);
    if (i == CSP_EFORKED)
        return errors_raise(p->st, i, NULL);
    Py_XSETREF(p->future, Py_NewRef(future));
    Py_RETURN_NONE;
}

static PyObject *
pending_when(PyObject *op, void *Py_UNUSED(unused))
{
    pending_object *p = (pending_object *)op;
    csp_time when = CSP_FOREVER;

    for (Py_ssize_t i = 0; i < p->n; i++)
        if (p->choices[i].sort == CASE_TIMER && p->choices[i].timer.when < when)
            when = p->choices[i].timer.when;
    return PyLong_FromLongLong(when);
}

static int
pending_traverse(PyObject *op, visitproc visit, void *arg)
{
    pending_object *p = (pending_object *)op;

    Py_VISIT(Py_TYPE(op));
    Py_VISIT(p->loop);
    Py_VISIT(p->args);
    Py_VISIT(p->future);
    return 0;
}

static int
pending_clear(PyObject *op)
{
    Py_CLEAR(((pending_object *)op)->future);
    return 0;
}

static void
pending_dealloc(PyObject *op)
{
    pending_object *p = (pending_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    done_all(p, -1);
    PyMem_Free(p->cases);
    PyMem_Free(p->choices);
    Py_XDECREF(p->future);
    Py_XDECREF(p->args);
    Py_XDECREF(p->loop);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMethodDef pending_methods[] = {
    {"cancel", pending_cancel, METH_NOARGS, pending_cancel_doc},
    {"finish", pending_finish, METH_O, pending_finish_doc},
    {0}};

static PyGetSetDef pending_getset[] = {
    {"when", pending_when, NULL,
     "When the first of its timers is due, in nanoseconds of the monotonic "
     "clock.",
     NULL},
    {0}};

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

/* How long the thread may sleep at once; a new reference. A signal handler may
 * run just before it falls asleep: see B3. */
static PyObject *
slice_of(const core_state *st, unsigned long thread, PyObject *timeout)
{
    double slice = (double)BLOCKING_SLICE_NS / 1e9;

    if (st->main_thread != thread)
        return Py_NewRef(timeout);
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
    self->sleeper.loop = self->loop;
    self->sleeper.thread = PyThread_get_thread_ident();
    self->sleeper.stop = blocking_stop_flag();
    self->sleeper.for_ever = args[3] == Py_True;
    PyObject *slice = slice_of(self->st, self->sleeper.thread, args[2]);
    if (!slice)
        return NULL;
    PyObject *how[] = {args[1], slice};
    bool entered = record_enter(record, &self->sleeper, self->cancelled);
    if (entered) {
        ready = PyObject_Vectorcall(args[0], how, 2, NULL);
        record_leave(record, &self->sleeper);
        lend_drain(self->st);
    }
    Py_DECREF(slice);
    if (entered && (!ready || !record->stopping || self->cancelled))
        return ready;
    Py_XDECREF(ready); /* the loop finds it again */
    self->cancelled = true;
    return errors_raise(self->st, CSP_ECANCELLED, NULL);
}

static pending_object *
pending_new(loop_object *loop, PyObject *args, PyObject *future)
{
    size_t n = (size_t)PyTuple_GET_SIZE(args);
    pending_object *p = PyObject_GC_New(pending_object, loop->st->pending_type);

    if (!p)
        return NULL;
    p->st = loop->st;
    p->loop = (loop_object *)Py_NewRef(loop);
    p->op = NULL;
    p->args = Py_NewRef(args);
    p->future = Py_NewRef(future);
    p->cases = PyMem_New(csp_case, n ? n : 1);
    p->choices = PyMem_New(struct choice, n ? n : 1);
    p->n = 0;
    PyObject_GC_Track(p);
    if (p->cases && p->choices)
        return p;
    Py_DECREF(p);
    PyErr_NoMemory();
    return NULL;
}

/* The case as the loop gets it: timers are the event loop's business. */
static csp_case
case_of(const pending_object *p, Py_ssize_t i)
{
    return p->choices[i].sort == CASE_TIMER ? csp_case_none() : p->cases[i];
}

/* Whether anything but time can make one of them happen. */
static bool
has_ends(const pending_object *p)
{
    for (Py_ssize_t i = 0; i < p->n; i++)
        if (case_of(p, i).kind != CSP_CASE_NONE)
            return true;
    return false;
}

/* Starts @p p, whose cases are parsed. Returns: a Selected; p itself; NULL
 * with an exception. */
static PyObject *
start(pending_object *p, unsigned flags)
{
    loop_object *loop = p->loop;
    csp_case *cases = PyMem_New(csp_case, (size_t)p->n);
    PyObject *result;

    if (!cases)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < p->n; i++)
        cases[i] = case_of(p, i);
    if (!has_ends(p)) {
        PyMem_Free(cases);
        return Py_NewRef(p);
    }
    int rc = csp_loop_start(loop->loop, cases, (size_t)p->n, flags, p, &p->op);
    if (rc == p->n) {
        for (Py_ssize_t i = 0; i < p->n; i++)
            p->cases[i].value = csp_value_none(); /* it has passed */
        p->link.next = &loop->pending;
        p->link.prev = loop->pending.prev;
        p->link.prev->next = p->link.next->prev = &p->link;
        Py_INCREF(p); /* the loop's */
        result = Py_NewRef(p);
    } else if (rc >= 0) {
        p->cases[rc] = cases[rc];
        result = result_of(p, rc);
    } else {
        result = errors_raise(p->st, rc, NULL);
    }
    PyMem_Free(cases);
    return result;
}

PyDoc_STRVAR(
    loop_select_doc,
    "select($self, cases, priority, future, /)\n--\n\n"
    "Let one of the cases happen: a Selected; or a Pending, then future "
    "gets a result\nwhen it can go on. Timers do not happen here.");

static PyObject *
loop_select(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    loop_object *self = (loop_object *)op;
    PyObject *result = NULL;
    bool parsed = true;

    if (nargs != 3 || !PyTuple_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError,
                        "select() takes a tuple of cases, a bool and a future");
        return NULL;
    }
    pending_object *p = pending_new(self, args[0], args[2]);
    if (!p)
        return NULL;
    for (; parsed && p->n < PyTuple_GET_SIZE(args[0]); p->n += parsed)
        parsed =
            case_parse(self->st, PyTuple_GET_ITEM(args[0], p->n), "aselect",
                       p->n, p, &p->cases[p->n], &p->choices[p->n]) == 0;
    if (parsed)
        result = start(p, args[1] == Py_True ? CSP_SELECT_PRIORITY
                                             : CSP_SELECT_FAIR);
    Py_DECREF(p);
    return result;
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
    st->pending_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &pending_spec, NULL);
    if (!st->loop_type || !st->pending_type)
        return -1;
    if (PyModule_AddType(module, st->loop_type) < 0)
        return -1;
    return PyModule_AddType(module, st->pending_type);
}
