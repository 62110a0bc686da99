// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.c: select(): one of several operations.
 *
 * Invariants:
 *   L1  All cases are encoded before anything is attempted: what fails there
 *       has no effect.
 *   L2  The cases that have not happened are done before the one that has: an
 *       end that several offered is free of the others when it moves. */
#include "select.h"

#include <stddef.h>

#include "blocking.h"

/* ---- what it returns ---- */

typedef struct {
    PyObject_HEAD
    core_state *st;
    Py_ssize_t index;
    PyObject *end, *value;
    char closed;
} selected_object;

/* One that is gone is kept for the next: most live for one turn of a loop. */
static selected_object *
selected_alloc(core_state *st)
{
    selected_object *self = st->spare_selected;

    if (!self)
        return PyObject_GC_New(selected_object, st->selected_type);
    st->spare_selected = NULL;
    PyObject_Init((PyObject *)self, st->selected_type);
    return self;
}

static PyObject *
selected_new(core_state *st, Py_ssize_t index, PyObject *end, PyObject *value,
             bool closed)
{
    selected_object *self = selected_alloc(st);

    if (!self) {
        Py_DECREF(value);
        return NULL;
    }
    self->st = st;
    self->index = index;
    self->end = Py_NewRef(end);
    self->value = value;
    self->closed = closed;
    if (PyObject_IS_GC(value) || PyObject_IS_GC(end))
        PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int
selected_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((selected_object *)op)->end);
    Py_VISIT(((selected_object *)op)->value);
    return 0;
}

static void
selected_dealloc(PyObject *op)
{
    selected_object *self = (selected_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    core_state *st = self->st;

    PyObject_GC_UnTrack(op);
    Py_DECREF(self->end);
    Py_DECREF(self->value);
    if (st->selected_type && !st->spare_selected)
        st->spare_selected = self;
    else
        PyObject_GC_Del(op);
    Py_DECREF(type);
}

void
select_clear(core_state *st)
{
    if (st->spare_selected)
        PyObject_GC_Del(st->spare_selected);
    st->spare_selected = NULL;
}

static PyObject *
selected_repr(PyObject *op)
{
    selected_object *self = (selected_object *)op;

    return PyUnicode_FromFormat(
        "<intercsp.Selected index=%zd end=%R value=%R%s>", self->index,
        self->end, self->value, self->closed ? " closed" : "");
}

static PyMemberDef selected_members[] = {
    {"index", Py_T_PYSSIZET, offsetof(selected_object, index), Py_READONLY,
     "Which case happened, from 0."},
    {"end", Py_T_OBJECT_EX, offsetof(selected_object, end), Py_READONLY,
     "The end, timer or process of the case."},
    {"value", Py_T_OBJECT_EX, offsetof(selected_object, value), Py_READONLY,
     "What was received; None for all other cases."},
    {"closed", Py_T_BOOL, offsetof(selected_object, closed), Py_READONLY,
     "Whether it is a receive end that has ended: all was received."},
    {0}};

static PyType_Slot selected_slots[] = {
    {Py_tp_dealloc, selected_dealloc},
    {Py_tp_traverse, selected_traverse},
    {Py_tp_repr, selected_repr},
    {Py_tp_members, selected_members},
    {Py_tp_doc, (void *)"The case of a select() that happened."},
    {0, NULL}};

static PyType_Spec selected_spec = {
    "intercsp.Selected", sizeof(selected_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC |
        Py_TPFLAGS_DISALLOW_INSTANTIATION,
    selected_slots};

int
select_exec(PyObject *module, core_state *st)
{
    st->selected_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &selected_spec, NULL);
    return st->selected_type ? PyModule_AddType(module, st->selected_type) : -1;
}

/* ---- select() ---- */

enum { FEW = 8, KEPT = 4096 };

/* Memory for more cases than a few. An interpreter keeps that of the last call:
 * so much, taken and given back each time, can cost the system's page faults.
 */
struct select_room {
    size_t n;
    csp_case cases[]; /* and as many choices behind them */
};

/* One call, with its arguments. */
struct call {
    core_state *st;
    struct select_room *room; /* NULL: in few_ */
    csp_case *cases, few_cases[FEW];
    struct choice *choices, few_choices[FEW];
    Py_ssize_t n, possible; /* how many; how many are not None */
    bool to_do; /* there is more than receive ends to be done in the end */
    unsigned flags;
    int64_t ns;
    PyObject *fallback; /* what default is, or NULL */
};

static int
parse_keyword(struct call *call, PyObject *name, PyObject *value)
{
    if (PyUnicode_EqualToUTF8(name, "timeout"))
        return blocking_parse(value, &call->ns);
    if (PyUnicode_EqualToUTF8(name, "default")) {
        call->fallback = value;
        return 0;
    }
    if (!PyUnicode_EqualToUTF8(name, "priority")) {
        PyErr_Format(PyExc_TypeError,
                     "select() got an unexpected keyword argument %R", name);
        return -1;
    }
    int priority = PyObject_IsTrue(value);
    if (priority > 0)
        call->flags = CSP_SELECT_PRIORITY;
    return priority < 0 ? -1 : 0;
}

static int
parse_keywords(struct call *call, PyObject *const *values, PyObject *names)
{
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
        if (parse_keyword(call, PyTuple_GET_ITEM(names, i), values[i]) < 0)
            return -1;
    if (call->fallback && call->ns != INT64_MAX) {
        PyErr_SetString(PyExc_TypeError,
                        "select() with a default never waits: it takes no "
                        "timeout");
        return -1;
    }
    if (call->fallback)
        call->ns = 0;
    return 0;
}

/* All cases are done, @p happened (-1: none) as one that has succeeded. */
static void
finish(struct call *call, Py_ssize_t happened)
{
    for (Py_ssize_t i = 0; i < call->n && call->to_do; i++)
        if (i != happened)
            case_done(&call->cases[i], &call->choices[i], false);
    if (happened >= 0 && call->to_do) /* L2 */
        case_done(&call->cases[happened], &call->choices[happened], true);
    if (call->room && call->room->n <= KEPT) {
        PyMem_RawFree(call->st->spare_room);
        call->st->spare_room = call->room;
    } else {
        PyMem_RawFree(call->room);
    }
}

/* Takes the interpreter's room for @p n cases, or makes one. */
static int
make_room(struct call *call, size_t n)
{
    struct select_room *room = call->st->spare_room;

    if (room && room->n >= n) {
        call->st->spare_room = NULL;
    } else {
        room = PyMem_RawMalloc(
            sizeof *room + n * (sizeof *call->cases + sizeof *call->choices));
        if (!room) {
            PyErr_NoMemory();
            return -1;
        }
        room->n = n;
    }
    call->room = room;
    call->cases = room->cases;
    call->choices = (struct choice *)(room->cases + room->n);
    return 0;
}

static int
parse_cases(struct call *call, PyObject *const *args, Py_ssize_t n)
{
    if (n > FEW && make_room(call, (size_t)n) < 0)
        return -1;
    for (; call->n < n; call->n++) {
        csp_case *c = &call->cases[call->n];
        struct choice *choice = &call->choices[call->n];
        if (case_parse_recv(call->st, args[call->n], c, choice)) {
            call->possible++;
            continue;
        }
        if (case_parse(call->st, args[call->n], "select", call->n, call, c,
                       choice) < 0)
            return -1;
        call->possible +=
            choice->sort != CASE_NONE &&
            (choice->sort != CASE_TIMER || choice->timer.when != CSP_FOREVER);
        call->to_do = true;
    }
    if (call->possible == 0 && call->ns == INT64_MAX) {
        PyErr_SetString(PyExc_ValueError,
                        "select() has no case that could ever be ready, and no "
                        "timeout");
        return -1;
    }
    return 0;
}

static int
wait_select(void *op, csp_value *Py_UNUSED(unused), csp_time deadline)
{
    struct call *call = op;

    return csp_select(call->cases, (size_t)call->n, call->flags, deadline);
}

PyObject *
select_result(core_state *st, Py_ssize_t i, csp_case *c, struct choice *choice,
              bool *happened)
{
    bool closed = false;
    PyObject *value = case_result(st, c, choice, &closed);

    *happened = c->status == 0;
    if (value)
        return selected_new(st, i, choice->end, value, closed);
    errors_note("index", PyLong_FromSsize_t(i));
    errors_note("end", Py_NewRef(choice->end));
    return NULL;
}

static PyObject *
without_result(struct call *call, int rc)
{
    if (rc == CSP_ETIMEOUT && call->fallback)
        return Py_NewRef(call->fallback);
    if (rc == CSP_ETIMEOUT)
        PyErr_SetString(PyExc_TimeoutError, "select() timed out");
    else if (rc != CSP_EINTERRUPTED)
        errors_raise(call->st, rc, NULL);
    return NULL;
}

PyDoc_STRVAR(
    select_doc,
    "select($module, /, *cases, timeout=None, priority=False, "
    "default=<unset>)\n--\n\n"
    "Wait until one of the cases can happen, and let it happen: a Selected.\n\n"
    "A case is a receive end (receive from it), a (send end, value) (send it), "
    "a timer\n(see after() and tick()), a process (its end), or None, which "
    "never happens and\nkeeps its place. The others have no effect; what a "
    "send case gives away stays.\nReady cases have equal chances; with "
    "priority the first one is taken.\n\nA receive end that has ended is "
    "ready, "
    "with closed=True in the result. Waits at\nmost timeout seconds, then "
    "raises TimeoutError; with default it never waits, and\nreturns default "
    "if nothing is ready. Errors of a case (Closed of a send, Poisoned,\n"
    "EndClosed, Moved) have its number as .index, and its end as .end.");

static PyObject *
select_(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
        PyObject *names)
{
    struct call call;
    Py_ssize_t happened = -1;
    PyObject *result = NULL;

    call.st = core_state_of(module);
    call.room = NULL;
    call.cases = call.few_cases;
    call.choices = call.few_choices;
    call.n = call.possible = 0;
    call.to_do = false;
    call.flags = CSP_SELECT_FAIR;
    call.ns = INT64_MAX;
    call.fallback = NULL;
    if (parse_keywords(&call, args + nargs, names) == 0 &&
        parse_cases(&call, args, nargs) == 0) { /* L1 */
        int rc = wait_select(&call, NULL, call.ns ? CSP_SPIN : CSP_NOWAIT);
        if (rc == CSP_ETIMEOUT && call.ns)
            rc = blocking_run(call.st, wait_select, &call, NULL,
                              blocking_deadline(call.st, call.ns));
        if (rc >= 0) {
            bool success;
            result = select_result(call.st, rc, &call.cases[rc],
                                   &call.choices[rc], &success);
            happened = success ? rc : -1;
        } else {
            result = without_result(&call, rc);
        }
    }
    finish(&call, happened);
    return result;
}

PyMethodDef select_functions[] = {{"select",
                                   (PyCFunction)(void (*)(void))select_,
                                   METH_FASTCALL | METH_KEYWORDS, select_doc},
                                  {0}};
