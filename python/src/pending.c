// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pending.c: one operation that waits in an event loop, as Await (await.c)
 * steps it.
 *
 * Its task awaits a future, which is only there to wake it: it is the task
 * that receives or sends, when it runs again. A task that is cancelled before
 * that has done nothing; what it was told of goes on to the next.
 *
 * Invariants:
 *   P1  While op is set it is on its loop's list, which holds a reference to
 *       it: a task that waits lives as long as its event loop. It leaves both
 *       at once.
 *   P2  No Python code runs between what has happened and its result but that
 *       which makes the result; state is OVER by then. */
#include "pending.h"

#include <stddef.h>

#include <csp/clock.h>

#include "blocking.h"
#include "select.h"

typedef struct {
    PyObject_HEAD
    core_state *st;
    loop_object *loop;
    csp_loop_op *op; /* NULL: nothing but time can make it go on */
    struct link link;
    enum { NEW, WAITS, OVER } state;
    bool is_one;           /* not a choice: see pending_one() */
    bool must_be_possible; /* a choice without a case that can be: an error */
    unsigned flags;
    csp_time moment;  /* when it ends */
    PyObject *args;   /* a tuple: what the cases refer to */
    PyObject *future; /* what the task awaits, until it is woken */
    PyObject *timer;  /* of the event loop, if there is a moment */
    Py_ssize_t n;     /* cases that are parsed and not done */
    csp_case *cases, one_case;
    struct choice *choices, one_choice;
} pending_object;

static pending_object *
pending_new(loop_object *loop, PyObject *args, unsigned flags, csp_time moment)
{
    pending_object *p = PyObject_GC_New(pending_object, loop->st->pending_type);
    size_t n = (size_t)PyTuple_GET_SIZE(args);

    if (!p)
        return NULL;
    p->st = loop->st;
    p->loop = (loop_object *)Py_NewRef(loop);
    p->op = NULL;
    p->state = NEW;
    p->is_one = p->must_be_possible = false;
    p->flags = flags;
    p->moment = moment;
    p->args = Py_NewRef(args);
    p->future = p->timer = NULL;
    p->n = 0;
    p->cases = n <= 1 ? &p->one_case : PyMem_New(csp_case, n);
    p->choices = n <= 1 ? &p->one_choice : PyMem_New(struct choice, n);
    PyObject_GC_Track(p);
    if (p->cases && p->choices)
        return p;
    Py_DECREF(p);
    PyErr_NoMemory();
    return NULL;
}

PyObject *
pending_choice(loop_object *loop, PyObject *cases, bool priority,
               csp_time moment, bool has_timeout)
{
    pending_object *p = pending_new(
        loop, cases, priority ? CSP_SELECT_PRIORITY : CSP_SELECT_FAIR, moment);

    if (p)
        p->must_be_possible = !has_timeout;
    return (PyObject *)p;
}

/* Our part of the event loop that runs. */
static PyObject *
running_loop(core_state *st)
{
    if (!st->running_loop) {
        PyObject *aio = PyImport_ImportModule("intercsp._aio");
        PyObject *function =
            aio ? PyObject_GetAttrString(aio, "running_loop") : NULL;
        Py_XDECREF(aio);
        Py_XSETREF(st->running_loop, function);
    }
    return st->running_loop ? PyObject_CallNoArgs(st->running_loop) : NULL;
}

PyObject *
pending_one(core_state *st, PyObject *end, PyObject *obj)
{
    PyObject *loop = running_loop(st);
    PyObject *args = !loop ? NULL
                     : obj ? Py_BuildValue("((OO))", end, obj)
                           : PyTuple_Pack(1, end);
    pending_object *p =
        args ? pending_new((loop_object *)loop, args, CSP_SELECT_FAIR,
                           blocking_deadline(st, INT64_MAX))
             : NULL;

    if (p)
        p->is_one = true;
    Py_XDECREF(args);
    Py_XDECREF(loop);
    return (PyObject *)p;
}

/* ---- what has come of it ---- */

/* All cases are done, @p happened (-1: none) as one that has succeeded. */
static void
done_all(pending_object *p, Py_ssize_t happened)
{
    Py_ssize_t n = p->n;

    p->n = 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (i != happened)
            case_done(&p->cases[i], &p->choices[i], false);
    if (happened >= 0)
        case_done(&p->cases[happened], &p->choices[happened], true);
}

/* What the only case gives. */
static PyObject *
result_of_one(pending_object *p, bool *success)
{
    bool closed;
    PyObject *value = case_result(p->st, p->cases, p->choices, &closed);

    *success = p->cases->status == 0;
    if (!value || !closed)
        return value;
    Py_DECREF(value);
    return case_fail(p->st, p->choices, CSP_ECLOSED);
}

/* Case @p i has happened, or failed; it is over. Returns: a new reference;
 * NULL with an exception. */
static PyObject *
result_of(pending_object *p, Py_ssize_t i)
{
    bool success;

    p->state = OVER;
    PyObject *result = p->is_one ? result_of_one(p, &success)
                                 : select_result(p->st, i, &p->cases[i],
                                                 &p->choices[i], &success);
    done_all(p, success ? i : -1);
    return result;
}

/* No case has happened in time. Returns: as result_of(). */
static PyObject *
result_of_time(pending_object *p)
{
    if (!p->is_one)
        return Py_NewRef(Py_None);
    end_object *end = (end_object *)p->choices->end;
    return PyErr_Format(PyExc_TimeoutError,
                        "channel '%s': the deadline has passed",
                        ends_name(end));
}

/* ---- in the loop ---- */

PyObject *
pending_of(struct link *link)
{
    return (PyObject *)(void *)((char *)link - offsetof(pending_object, link));
}

static void
enlist(pending_object *p)
{
    struct link *all = &p->loop->pending;

    p->link.next = all;
    p->link.prev = all->prev;
    p->link.prev->next = all->prev = &p->link;
    Py_INCREF(p);
}

/* Case @p i of those in the loop has happened. Returns: as result_of(). */
static PyObject *
settle(pending_object *p, int i, const csp_case *happened)
{
    p->op = NULL;
    p->link.prev->next = p->link.next;
    p->link.next->prev = p->link.prev;
    if (i >= 0)
        p->cases[i] = *happened;
    PyObject *result = i >= 0 ? result_of(p, i) : NULL;
    Py_DECREF(p); /* the list's */
    return result;
}

/* It ends here. Returns: what has come of it all the same, a send that a
 * rendezvous has taken; NULL: it has had no effect. Keeps an exception that is
 * set. */
static PyObject *
give_up(pending_object *p)
{
    PyObject *error = PyErr_GetRaisedException(), *got = NULL;
    csp_case happened;

    p->state = OVER;
    Py_CLEAR(p->future);
    if (p->op) {
        int i = csp_loop_cancel(p->loop->loop, p->op, &happened);
        got = settle(p, i, &happened);
    }
    done_all(p, -1);
    if (error)
        PyErr_SetRaisedException(error);
    return got;
}

/* Starts it. Returns: as attempt(). */
static PySendResult
begin(pending_object *p, PyObject **result)
{
    Py_ssize_t size = PyTuple_GET_SIZE(p->args);
    bool has_ends = false, is_possible = !p->must_be_possible;

    p->state = OVER; /* for the code of others that encodes what is sent */
    for (; p->n < size; p->n++) {
        csp_case *c = &p->cases[p->n];
        struct choice *choice = &p->choices[p->n];
        if (case_parse(p->st, PyTuple_GET_ITEM(p->args, p->n), "aselect", p->n,
                       p, c, choice) < 0) {
            done_all(p, -1);
            return PYGEN_ERROR;
        }
        if (choice->sort == CASE_TIMER) { /* the event loop's business */
            *c = csp_case_none();
            if (choice->timer.when < p->moment)
                p->moment = choice->timer.when;
            is_possible = is_possible || choice->timer.when != CSP_FOREVER;
        }
        has_ends = has_ends || c->kind != CSP_CASE_NONE;
    }
    if (!has_ends && !is_possible) {
        PyErr_SetString(PyExc_ValueError,
                        "aselect() has no case that could ever be ready, and "
                        "no timeout");
        done_all(p, -1);
        return PYGEN_ERROR;
    }
    p->state = WAITS;
    if (!has_ends)
        return PYGEN_NEXT;
    int rc = csp_loop_start(p->loop->loop, p->cases, (size_t)size, p->flags, p,
                            &p->op);
    if (rc == size) {
        for (Py_ssize_t i = 0; i < size; i++)
            p->cases[i].value = csp_value_none(); /* it has passed */
        enlist(p);
        return PYGEN_NEXT;
    }
    if (rc >= 0) {
        *result = result_of(p, rc);
    } else {
        errors_raise(p->st, rc, NULL);
        give_up(p);
    }
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* Tries whether it can go on. Returns: PYGEN_NEXT: it has to wait. */
static PySendResult
attempt(pending_object *p, PyObject **result)
{
    csp_case happened;
    int i =
        p->op ? csp_loop_finish(p->loop->loop, p->op, &happened) : CSP_ETIMEOUT;

    if (i >= 0) {
        *result = settle(p, i, &happened);
    } else if (i == CSP_EFORKED) {
        errors_raise(p->st, i, NULL);
    } else {
        if (p->moment == CSP_FOREVER || csp_clock_now() < p->moment)
            return PYGEN_NEXT;
        *result = give_up(p);
        if (!*result && !PyErr_Occurred())
            *result = result_of_time(p);
    }
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* ---- in the task ---- */

bool
pending_is_awaited(PyObject *op)
{
    return ((pending_object *)op)->future;
}

int
pending_wake(PyObject *op)
{
    pending_object *p = (pending_object *)op;
    PyObject *future = p->future, *none = NULL;
    core_state *st = p->st; /* p may go: a future may be of any class */

    if (!future)
        return 0;
    p->future = NULL;
    PyObject *done = PyObject_CallMethodNoArgs(future, st->names.done);
    if (done == Py_False) /* else the task was cancelled */
        none = PyObject_CallMethodOneArg(future, st->names.set_result, Py_None);
    int failed = !done || (done == Py_False && !none) ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(done);
    Py_DECREF(future);
    return failed;
}

static PyObject *
wake_method(PyObject *op, PyObject *Py_UNUSED(unused))
{
    if (pending_wake(op) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Has the event loop wake it at its moment. */
static bool
set_timer(pending_object *p)
{
    static PyMethodDef wake_def = {"wake", wake_method, METH_NOARGS, NULL};
    PyObject *wake = PyCFunction_New(&wake_def, (PyObject *)p);

    if (wake)
        p->timer = PyObject_CallMethod(
            p->loop->event_loop, "call_later", "dN",
            (double)(p->moment - csp_clock_now()) / 1e9, wake);
    return p->timer;
}

static void
clear_timer(pending_object *p)
{
    PyObject *error = PyErr_GetRaisedException(), *timer = p->timer;

    p->timer = NULL;
    Py_XDECREF(PyObject_CallMethod(timer, "cancel", NULL));
    PyErr_Clear();
    Py_DECREF(timer);
    PyErr_SetRaisedException(error);
}

/* What the task is to yield so that it is woken: a future, as it is awaited.
 */
static PyObject *
await_future(pending_object *p)
{
    PyObject *future = PyObject_CallMethodNoArgs(p->loop->event_loop,
                                                 p->st->names.create_future);
    PyObject *iterator = NULL, *yielded = NULL;

    p->future = Py_XNewRef(future);
    if (future && (p->moment == CSP_FOREVER || set_timer(p)))
        iterator = PyObject_GetIter(future);
    if (iterator)
        yielded = PyIter_Next(iterator);
    if (iterator && !yielded && !PyErr_Occurred()) { /* it is done already */
        Py_CLEAR(p->future);
        yielded = Py_NewRef(Py_None);
    }
    Py_XDECREF(iterator);
    Py_XDECREF(future); /* ours: the event loop may have woken p by now */
    return yielded;
}

PySendResult
pending_step(PyObject *op, PyObject **result)
{
    pending_object *p = (pending_object *)op;
    PySendResult r;

    *result = NULL;
    if (p->timer)
        clear_timer(p);
    if (p->state == OVER) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot reuse what was awaited already");
        return PYGEN_ERROR;
    }
    r = p->state == NEW ? begin(p, result) : attempt(p, result);
    if (r != PYGEN_NEXT || (*result = await_future(p)))
        return r;
    *result = give_up(p);
    if (*result && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear(); /* it was sent, and needs no future */
    else
        Py_CLEAR(*result);
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* Whether the exception that is set is put off: see _aio.py. */
static bool
put_off(void)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *aio = PyImport_ImportModule("intercsp._aio");
    PyObject *answer =
        aio ? PyObject_CallMethod(aio, "put_off", "O", error) : NULL;

    if (!answer)
        PyErr_Clear();
    if (answer != Py_True)
        PyErr_SetRaisedException(Py_NewRef(error));
    Py_XDECREF(answer);
    Py_XDECREF(aio);
    Py_DECREF(error);
    return answer == Py_True;
}

PySendResult
pending_throw(PyObject *op, PyObject **result)
{
    pending_object *p = (pending_object *)op;

    if (p->timer)
        clear_timer(p);
    *result = give_up(p);
    if (*result && !put_off())
        Py_CLEAR(*result);
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

void
pending_close(PyObject *op)
{
    pending_object *p = (pending_object *)op;

    if (p->timer)
        clear_timer(p);
    Py_XDECREF(give_up(p));
}

/* ---- the type ---- */

static int
pending_traverse(PyObject *op, visitproc visit, void *arg)
{
    pending_object *p = (pending_object *)op;

    Py_VISIT(Py_TYPE(op));
    Py_VISIT(p->loop);
    Py_VISIT(p->args);
    Py_VISIT(p->future);
    Py_VISIT(p->timer);
    return 0;
}

static int
pending_clear(PyObject *op)
{
    Py_CLEAR(((pending_object *)op)->future);
    Py_CLEAR(((pending_object *)op)->timer);
    return 0;
}

static void
pending_dealloc(PyObject *op)
{
    pending_object *p = (pending_object *)op;
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    done_all(p, -1);
    if (p->cases != &p->one_case)
        PyMem_Free(p->cases);
    if (p->choices != &p->one_choice)
        PyMem_Free(p->choices);
    pending_clear(op);
    Py_DECREF(p->args);
    Py_DECREF(p->loop);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {{Py_tp_dealloc, pending_dealloc},
                              {Py_tp_traverse, pending_traverse},
                              {Py_tp_clear, pending_clear},
                              {0, NULL}};

static PyType_Spec spec = {.name = "intercsp._core.Pending",
                           .basicsize = sizeof(pending_object),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                    Py_TPFLAGS_IMMUTABLETYPE |
                                    Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           .slots = slots};

int
pending_exec(PyObject *module, core_state *st)
{
    st->names.done = PyUnicode_InternFromString("done");
    st->names.set_result = PyUnicode_InternFromString("set_result");
    st->names.create_future = PyUnicode_InternFromString("create_future");
    if (!st->names.done || !st->names.set_result || !st->names.create_future)
        return -1;
    st->pending_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return st->pending_type ? 0 : -1;
}
