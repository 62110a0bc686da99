// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* task.c: a call that another interpreter makes: what pools are made of.
 *
 * Two objects share a struct task: a Task, of who wants the result, and the
 * Job that it becomes when it is sent, of who does the work.
 *
 *     NEW -> RUNNING -> DONE, FAILED      job: run(), fail()
 *     NEW -> CANCELLED                    task or job: cancel()
 *     NEW, RUNNING -> LOST                the last reference to the job goes
 *
 * Invariants:
 *   T1  state changes by compare-and-swap, along the arrows above. Who has
 *       moved it away from NEW decides: a task either runs or is cancelled.
 *   T2  outcome is written before state says that there is one (release), and
 *       taken by one (the lock).
 *   T3  A listener is either on the list when the state becomes final, and is
 *       told then, or finds it so under the lock.
 *   T4  Who waits spins for a while with the GIL, as long as that has been
 *       worth it lately, and sleeps on a channel of his own afterwards.
 * Memory: refs counts the Task and the job as a whole. */
#include "task.h"

#include <stdlib.h>
#include <string.h>

#include <csp/status.h>

#include "blocking.h"
#include "buffer.h"
#include "codec.h"
#include "compat.h"
#include "ends.h"

enum state { NEW, RUNNING, DONE, FAILED, CANCELLED, LOST };

/* How long to spin, at most. Waking a thread that sleeps takes longer. */
#define SPIN_NS INT64_C(30000)
#define LEAST_SPIN_NS INT64_C(1000)

/* Whom to tell: a number is sent to it, or it is only closed. */
struct listener {
    struct listener *next;
    csp_tx *tx;
    int64_t number; /* -1: none */
};

struct task {
    csp_handle job; /* first: what travels */
    atomic_uint refs;
    atomic_int state;
    pthread_mutex_t lock; /* guards outcome and listeners */
    csp_value outcome;
    struct listener *listeners;
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    struct task *task;
    bool has_job; /* a Task: it was not sent yet */
} task_object;

static void
task_unref(struct task *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    csp_value_unref(&t->outcome);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- states ---- */

static void
tell(struct listener *l)
{
    while (l) {
        struct listener *next = l->next;
        if (l->number >= 0)
            csp_tx_try_send(l->tx, csp_value_int(l->number));
        csp_tx_unref(l->tx);
        free(l);
        l = next;
    }
}

/* T1; the outcome passes if it succeeds. */
static bool
finish(struct task *t, int from, enum state to, csp_value outcome)
{
    pthread_mutex_lock(&t->lock);
    csp_value was = t->outcome;
    t->outcome = outcome;
    bool done = atomic_compare_exchange_strong(&t->state, &from, (int)to);
    struct listener *listeners = done ? t->listeners : NULL;
    if (done)
        t->listeners = NULL;
    else
        t->outcome = was;
    pthread_mutex_unlock(&t->lock);
    tell(listeners);
    return done;
}

static bool
is_final(struct task *t)
{
    return atomic_load_explicit(&t->state, memory_order_acquire) >= DONE;
}

static void
job_release(csp_handle *h)
{
    struct task *t = (struct task *)h;

    if (!finish(t, NEW, LOST, csp_value_none()))
        finish(t, RUNNING, LOST, csp_value_none());
    task_unref(t);
}

static const csp_handle_type job_type = {
    .size = sizeof job_type, .name = "job", .release = job_release};

/* Let @p tx be told. Owns: it passes. Returns: 0, -1: no memory. */
static int
listen(struct task *t, csp_tx *tx, int64_t number)
{
    struct listener *l = malloc(sizeof *l);

    if (!l) {
        csp_tx_unref(tx);
        return -1;
    }
    l->tx = tx;
    l->number = number;
    pthread_mutex_lock(&t->lock); /* T3 */
    bool late = is_final(t);
    l->next = late ? NULL : t->listeners;
    if (!late)
        t->listeners = l;
    pthread_mutex_unlock(&t->lock);
    if (late)
        tell(l);
    return 0;
}

/* ---- waiting ---- */

bool
task_spin(core_state *st, bool (*is_there)(void *), void *arg)
{
    if (st->spin_ns < 0)
        return is_there(arg);
    csp_time start = csp_clock_now();
    int64_t most = st->spin_ns < LEAST_SPIN_NS ? LEAST_SPIN_NS : st->spin_ns;

    do
        for (int i = 0; i < 16; i++) {
            if (is_there(arg)) {
                st->spin_ns = SPIN_NS;
                return true;
            }
            compat_pause();
        }
    while (csp_clock_now() - start < most);
    st->spin_ns /= 2;
    return false;
}

void
task_slept(core_state *st, csp_time since)
{
    if (st->spin_ns >= 0 && csp_clock_now() - since < 4 * SPIN_NS)
        st->spin_ns = SPIN_NS;
}

static bool
is_final_arg(void *t)
{
    return is_final(t);
}

/* Returns: 0; CSP_ETIMEOUT; CSP_EINTERRUPTED: an exception is set. */
static int
sleep_until_final(task_object *self, int64_t ns)
{
    csp_value unused;
    csp_tx *tx;
    csp_rx *rx;

    if (csp_chan_new(1, NULL, &tx, &rx) < 0 || listen(self->task, tx, -1) < 0) {
        PyErr_NoMemory();
        return CSP_EINTERRUPTED;
    }
    csp_time begun = csp_clock_now();
    int rc = blocking_run(self->st, blocking_recv, rx, &unused,
                          blocking_deadline(self->st, ns));
    csp_rx_unref(rx);
    task_slept(self->st, begun);
    return rc == CSP_ECLOSED ? 0 : rc;
}

static int
wait_until_final(task_object *self, int64_t ns)
{
    if (is_final(self->task))
        return 0;
    if (ns == 0)
        return CSP_ETIMEOUT;
    if (task_spin(self->st, is_final_arg, self->task))
        return 0;
    return sleep_until_final(self, ns);
}

PyDoc_STRVAR(wait_doc, "wait($self, timeout=None, /)\n--\n\n"
                       "Wait until the task has ended; False: not in time.");

static PyObject *
wait_task(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    int64_t ns;

    if (blocking_parse(nargs ? args[0] : NULL, &ns) < 0)
        return NULL;
    int rc = wait_until_final((task_object *)op, ns);
    return rc == CSP_EINTERRUPTED ? NULL : PyBool_FromLong(rc == 0);
}

PyDoc_STRVAR(take_doc, "take($self, /)\n--\n\n"
                       "The outcome of a task that has ended: (state, "
                       "object). To be taken once.");

static PyObject *
take(PyObject *op, PyObject *Py_UNUSED(unused))
{
    task_object *self = (task_object *)op;
    struct task *t = self->task;

    pthread_mutex_lock(&t->lock);
    csp_value outcome = t->outcome;
    t->outcome = csp_value_none();
    pthread_mutex_unlock(&t->lock);
    PyObject *obj = codec_decode_taken(self->st, outcome);
    return obj ? Py_BuildValue("(iN)", atomic_load(&t->state), obj) : NULL;
}

PyDoc_STRVAR(cancel_doc, "cancel($self, /)\n--\n\n"
                         "Let it never run; False if it does, or has.");

static PyObject *
cancel(PyObject *op, PyObject *Py_UNUSED(unused))
{
    struct task *t = ((task_object *)op)->task;

    return PyBool_FromLong(finish(t, NEW, CANCELLED, csp_value_none()));
}

PyDoc_STRVAR(notify_doc,
             "notify($self, tx, number, /)\n--\n\n"
             "Have the number sent to tx, which is not given away, when it "
             "has ended; with\n-1 nothing is sent.");

static PyObject *
notify(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    task_object *self = (task_object *)op;
    csp_tx *tx;

    if (nargs != 2 || !Py_IS_TYPE(args[0], self->st->tx_type))
        return PyErr_Format(PyExc_TypeError,
                            "notify() takes a send end and a number");
    int64_t number = PyLong_AsLongLong(args[1]);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    int rc = csp_tx_clone(((end_object *)args[0])->end, &tx);
    if (rc < 0)
        return ends_fail((end_object *)args[0], rc);
    return listen(self->task, tx, number) < 0 ? PyErr_NoMemory()
                                              : Py_NewRef(Py_None);
}

static PyObject *
get_state(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromLong(atomic_load(&((task_object *)op)->task->state));
}

/* ---- the caller's object ---- */

static PyObject *
task_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
         PyObject *Py_UNUSED(kwargs))
{
    task_object *self = (task_object *)type->tp_alloc(type, 0);
    struct task *t = self ? calloc(1, sizeof *t) : NULL;

    if (!t) {
        Py_XDECREF(self);
        return PyErr_NoMemory();
    }
    csp_handle_init(&t->job, &job_type);
    atomic_init(&t->refs, 2);
    atomic_init(&t->state, NEW);
    pthread_mutex_init(&t->lock, NULL);
    t->outcome = csp_value_none();
    self->st = PyType_GetModuleState(type);
    self->task = t;
    self->has_job = true;
    return (PyObject *)self;
}

static void
task_dealloc(PyObject *op)
{
    task_object *self = (task_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    if (self->task && self->has_job)
        csp_handle_unref(&self->task->job);
    if (self->task)
        task_unref(self->task);
    type->tp_free(op);
    Py_DECREF(type);
}

static void
given(PyObject *op, bool sent)
{
    task_object *self = (task_object *)op;

    if (!sent || !self->has_job)
        return;
    self->has_job = false;
    csp_handle_unref(&self->task->job);
}

int
task_give(PyObject *obj, struct gifts *gifts, csp_handle **out)
{
    task_object *self = (task_object *)obj;

    if (!self->has_job) {
        PyErr_SetString(errors_class(self->st, ERROR_MOVED),
                        "this task was sent before");
        return -1;
    }
    if (gifts_add(gifts, obj, given) < 0)
        return -1;
    *out = csp_handle_ref(&self->task->job);
    return 0;
}

/* ---- the worker's object ---- */

PyObject *
task_job(core_state *st, csp_handle *h)
{
    if (h->type != &job_type)
        return NULL;
    PyTypeObject *type = st->job_type;
    task_object *self = (task_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->st = st;
    self->task = (struct task *)csp_handle_ref(h);
    return (PyObject *)self;
}

static void
job_dealloc(PyObject *op)
{
    task_object *self = (task_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    csp_handle_unref(&self->task->job);
    type->tp_free(op);
    Py_DECREF(type);
}

/* A value of @p obj, which nobody else needs if it has one reference: that
 * passes. */
static int
encode_result(core_state *st, PyObject *obj, csp_value *out)
{
    struct gifts gifts;
    PyObject *owned = move_owned(st, obj);
    int rc = owned ? codec_encode(st, owned, out, &gifts) : -1;

    if (rc == 0)
        gifts_done(&gifts, true);
    Py_XDECREF(owned);
    return rc;
}

PyDoc_STRVAR(
    run_doc,
    "run($self, function, args, kwargs, tasks, /)\n--\n\n"
    "Call the function, with the result as the outcome; False if "
    "the task was\ncancelled. Raises what the function raises, and "
    "NotShareable: fail() is to follow.\nThe caller, who gets from "
    "tasks next, is idle there before the outcome is known; None: it ends.");

static PyObject *
run(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    task_object *self = (task_object *)op;
    int from = NEW;
    csp_value v;

    if (nargs != 4 || !PyTuple_Check(args[1]) ||
        (args[2] != Py_None && !PyDict_Check(args[2])) ||
        (args[3] != Py_None && !Py_IS_TYPE(args[3], self->st->tasks_type)))
        return PyErr_Format(
            PyExc_TypeError,
            "run() takes a function, a tuple, a dict and a queue of tasks");
    if (!atomic_compare_exchange_strong(&self->task->state, &from, RUNNING))
        Py_RETURN_FALSE;
    PyObject *result =
        PyObject_Call(args[0], args[1], args[2] == Py_None ? NULL : args[2]);
    if (!result || encode_result(self->st, result, &v) < 0)
        return NULL;
    if (args[3] != Py_None)
        tasks_count_idle(args[3]);
    if (!finish(self->task, RUNNING, DONE, v))
        csp_value_unref(&v);
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(fail_doc, "fail($self, outcome, /)\n--\n\n"
                       "Let the task end so; False if it has ended.");

static PyObject *
fail(PyObject *op, PyObject *outcome)
{
    task_object *self = (task_object *)op;
    struct gifts gifts;
    csp_value v;

    if (codec_encode(self->st, outcome, &v, &gifts) < 0)
        return NULL;
    gifts_done(&gifts, true);
    bool done = finish(self->task, RUNNING, FAILED, v) ||
                finish(self->task, NEW, FAILED, v);
    if (!done)
        csp_value_unref(&v);
    return PyBool_FromLong(done);
}

/* ---- types ---- */

#define STATE                                                                  \
    {"state", get_state, NULL,                                                 \
     "0 new, 1 running, 2 done, 3 failed, 4 cancelled, 5 lost.", NULL}

static PyGetSetDef state_getset[] = {STATE, {0}};

static PyMethodDef of_task_methods[] = {
    {"wait", (PyCFunction)(void (*)(void))wait_task, METH_FASTCALL, wait_doc},
    {"take", take, METH_NOARGS, take_doc},
    {"cancel", cancel, METH_NOARGS, cancel_doc},
    {"notify", (PyCFunction)(void (*)(void))notify, METH_FASTCALL, notify_doc},
    {0}};

static PyMethodDef of_job_methods[] = {
    {"run", (PyCFunction)(void (*)(void))run, METH_FASTCALL, run_doc},
    {"fail", fail, METH_O, fail_doc},
    {"cancel", cancel, METH_NOARGS, cancel_doc},
    {0}};

PyDoc_STRVAR(task_doc, "Task()\n--\n\n"
                       "A call that another interpreter makes. What is sent "
                       "of it is its Job.");
PyDoc_STRVAR(job_doc, "What a Task is to those who make the call. If it goes "
                      "before that was done, the\ntask is lost.");

static PyType_Slot of_task_slots[] = {{Py_tp_new, task_new},
                                      {Py_tp_dealloc, task_dealloc},
                                      {Py_tp_methods, of_task_methods},
                                      {Py_tp_getset, state_getset},
                                      {Py_tp_doc, (void *)task_doc},
                                      {0, NULL}};

static PyType_Slot of_job_slots[] = {{Py_tp_dealloc, job_dealloc},
                                     {Py_tp_methods, of_job_methods},
                                     {Py_tp_getset, state_getset},
                                     {Py_tp_doc, (void *)job_doc},
                                     {0, NULL}};

static PyType_Spec of_task_spec = {
    "intercsp._core.Task", sizeof(task_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, of_task_slots};
static PyType_Spec of_job_spec = {"intercsp._core.Job", sizeof(task_object), 0,
                                  Py_TPFLAGS_DEFAULT |
                                      Py_TPFLAGS_IMMUTABLETYPE |
                                      Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  of_job_slots};

int
task_exec(PyObject *module, core_state *st)
{
    const char *off = getenv("INTERCSP_SPIN");

    st->spin_ns = off && strcmp(off, "0") == 0 ? -1 : SPIN_NS;
    st->task_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &of_task_spec, NULL);
    st->job_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &of_job_spec, NULL);
    if (!st->task_type || !st->job_type)
        return -1;
    return PyModule_AddType(module, st->task_type) < 0
               ? -1
               : PyModule_AddType(module, st->job_type);
}
