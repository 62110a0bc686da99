// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* selector.c: Selector: a select whose cases stay registered.
 *
 * Invariants:
 *   G1  One thread at a time: busy is set while it waits, with or without the
 *       GIL, and while it makes an object of what came; all else is refused.
 *   G2  cases[id] is the case that the core calls id, until the core has
 *       removed it: what Python holds of a case goes with it.
 *   G3  A case stays where it was parsed (its timer, and the gifts of a send,
 *       are known by their addresses): each is memory of its own. */
#include <csp/selector.h>

#include "blocking.h"
#include "case.h"

struct member {
    csp_case given;
    struct choice choice;
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    csp_selector *selector; /* NULL: closed */
    struct member **cases;  /* G2; NULL where there is none */
    int room;
    bool report_closed;
    bool busy; /* G1 */
} selector_object;

/* Whether it can be used now; otherwise an exception is set. */
static bool
usable(selector_object *self)
{
    if (self->busy)
        PyErr_SetString(PyExc_RuntimeError,
                        "a Selector is used by one thread at a time, and "
                        "another one waits on it");
    else if (!self->selector)
        PyErr_SetString(errors_class(self->st, ERROR_END_CLOSED),
                        "this Selector was closed");
    return !self->busy && self->selector;
}

/* ---- members ---- */

static void
member_free(struct member *m, bool happened)
{
    PyObject *end = m->choice.end;

    case_done(&m->given, &m->choice, happened);
    PyMem_Free(m);
    Py_DECREF(end);
}

/* The core has no case @p id any more. */
static void
forget(selector_object *self, int id, bool happened)
{
    struct member *m = self->cases[id];

    self->cases[id] = NULL;
    member_free(m, happened);
}

/* Returns: 0; -1 with an exception. */
static int
make_room(selector_object *self, int id)
{
    int room = self->room ? self->room : 8;

    while (room <= id)
        room *= 2;
    if (room == self->room)
        return 0;
    struct member **cases = self->cases;
    PyMem_Resize(cases, struct member *, room);
    if (!cases) {
        PyErr_NoMemory();
        return -1;
    }
    memset(cases + self->room, 0, (size_t)(room - self->room) * sizeof *cases);
    self->cases = cases;
    self->room = room;
    return 0;
}

/* Hands a case to the core, to which the value of a send passes. */
static int
register_member(selector_object *self, struct member *m)
{
    int id = csp_selector_add(self->selector, &m->given);

    if (id < 0) {
        case_fail(self->st, &m->choice, id);
        return -1;
    }
    m->given.value = csp_value_none();
    if (make_room(self, id) < 0) {
        csp_selector_remove(self->selector, id);
        return -1;
    }
    self->cases[id] = m;
    return 0;
}

/* Returns: 0; -1 with an exception. */
static int
add(selector_object *self, PyObject *obj, Py_ssize_t i)
{
    struct member *m = obj == Py_None ? NULL : PyMem_New(struct member, 1);

    if (obj == Py_None)
        return 0;
    if (!m) {
        PyErr_NoMemory();
        return -1;
    }
    if (case_parse(self->st, obj, "Selector", i, m, &m->given, &m->choice) <
        0) {
        PyMem_Free(m);
        return -1;
    }
    Py_INCREF(m->choice.end);
    /* once more: what case_parse() has called may have closed it */
    if (usable(self) && register_member(self, m) == 0)
        return 0;
    member_free(m, false);
    return -1;
}

/* Lets go of all cases and of the selector. */
static void
drop_all(selector_object *self)
{
    csp_selector *selector = self->selector;
    struct member **cases = self->cases;
    int room = self->room;

    self->selector = NULL;
    self->cases = NULL;
    self->room = 0;
    csp_selector_free(selector);
    for (int i = 0; i < room; i++)
        if (cases[i])
            member_free(cases[i], false);
    PyMem_Free(cases);
}

/* ---- life ---- */

static PyObject *
selector_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    selector_object *self = (selector_object *)type->tp_alloc(type, 0);
    PyObject *report = kwargs ? PyDict_GetItemString(kwargs, "report_closed")
                              : NULL; /* borrowed */
    int report_closed = report ? PyObject_IsTrue(report) : 0;

    if (!self || report_closed < 0)
        goto err;
    if (kwargs && PyDict_GET_SIZE(kwargs) != (report ? 1 : 0)) {
        PyErr_SetString(PyExc_TypeError, "Selector() takes cases and, by its "
                                         "name, report_closed");
        goto err;
    }
    self->st = PyType_GetModuleState(type);
    self->report_closed = report_closed;
    int rc = csp_selector_new(&self->selector);
    if (rc < 0) {
        errors_raise(self->st, rc, NULL);
        goto err;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++)
        if (add(self, PyTuple_GET_ITEM(args, i), i) < 0)
            goto err;
    return (PyObject *)self;
err:
    Py_XDECREF(self);
    return NULL;
}

static int
selector_traverse(PyObject *op, visitproc visit, void *arg)
{
    selector_object *self = (selector_object *)op;

    Py_VISIT(Py_TYPE(op));
    for (int i = 0; i < self->room; i++)
        if (self->cases[i]) {
            Py_VISIT(self->cases[i]->choice.end);
            Py_VISIT(self->cases[i]->choice.held);
        }
    return 0;
}

static int
selector_clear(PyObject *op)
{
    drop_all((selector_object *)op);
    return 0;
}

static void
selector_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    selector_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- waiting ---- */

struct wait {
    csp_selector *selector;
    csp_case out;
};

static int
wait_selector(void *op, csp_value *Py_UNUSED(unused), csp_time deadline)
{
    struct wait *w = op;

    return csp_selector_wait(w->selector, &w->out, deadline);
}

/* Waits for the next case. Returns: its id; a status; CSP_EINTERRUPTED: an
 * exception is set. */
static int
wait_for_case(selector_object *self, struct wait *w, int64_t ns)
{
    int rc = wait_selector(w, NULL, ns ? CSP_SPIN : CSP_NOWAIT);

    if (rc == CSP_ETIMEOUT && ns)
        rc = blocking_run(self->st, wait_selector, w, NULL,
                          blocking_deadline(self->st, ns));
    return rc;
}

/* Whether the core has removed the case that happened. */
static bool
is_over(const struct member *m, const csp_case *out)
{
    return out->status != 0 || m->choice.sort == CASE_SEND ||
           (m->choice.sort == CASE_TIMER && m->choice.timer.period_ns == 0);
}

/* What users are told of case @p id, which has happened: (end, value); NULL
 * with an exception; NULL without one: nothing. */
static PyObject *
report(selector_object *self, int id, csp_case *out)
{
    struct member *m = self->cases[id];
    bool over = is_over(m, out), closed, sent = out->status == 0;
    PyObject *end = Py_NewRef(m->choice.end), *pair = NULL;
    PyObject *value;

    if (m->choice.sort == CASE_SEND)
        m->given.value = out->value; /* it comes back if it was not sent */
    value = case_result(self->st, out, &m->choice, &closed);
    if (!value)
        errors_note("end", Py_NewRef(end));
    if (!value && !over && m->choice.held) /* its object has raised */
        over = csp_selector_remove(self->selector, id) == 0;
    if (value && closed)
        Py_SETREF(value,
                  self->report_closed ? Py_NewRef(self->st->closed) : NULL);
    if (value)
        pair = PyTuple_Pack(2, end, value);
    Py_XDECREF(value);
    if (over)
        forget(self, id, sent);
    Py_DECREF(end);
    return pair;
}

/* The next pair. Returns: NULL with an exception; NULL without one: all cases
 * have ended. */
static PyObject *
next_pair(selector_object *self, int64_t ns)
{
    struct wait w = {.selector = self->selector};
    csp_time deadline = blocking_after(ns);

    while (csp_selector_len(self->selector)) {
        int rc = wait_for_case(self, &w, ns);
        if (rc < 0) {
            if (rc == CSP_ETIMEOUT)
                PyErr_SetString(PyExc_TimeoutError, "the Selector timed out");
            else if (rc != CSP_EINTERRUPTED)
                errors_raise(self->st, rc, NULL);
            return NULL;
        }
        PyObject *pair = report(self, rc, &w.out);
        if (pair || PyErr_Occurred())
            return pair;
        if (ns != INT64_MAX && ns != 0) { /* a case has ended in silence */
            ns = deadline - csp_clock_now();
            ns = ns > 0 ? ns : 0;
        }
    }
    return NULL;
}

/* The same with G1. */
static PyObject *
next(selector_object *self, int64_t ns)
{
    self->busy = true;
    PyObject *pair = next_pair(self, ns);
    self->busy = false;
    return pair;
}

static PyObject *
selector_next(PyObject *op)
{
    selector_object *self = (selector_object *)op;

    return usable(self) ? next(self, INT64_MAX) : NULL;
}

PyDoc_STRVAR(wait_doc,
             "wait($self, /, timeout=None)\n--\n\n"
             "Wait until a case happens, as iteration does: (end, value).\n\n"
             "Waits at most timeout seconds (None: for ever, 0: not at all), "
             "then raises\nTimeoutError. Raises Closed if all cases have "
             "ended.");

static PyObject *
selector_wait(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", NULL};
    selector_object *self = (selector_object *)op;
    PyObject *timeout = NULL;
    int64_t ns;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:wait", keywords,
                                     &timeout) ||
        blocking_parse(timeout, &ns) < 0 || !usable(self))
        return NULL;
    PyObject *pair = next(self, ns);
    if (!pair && !PyErr_Occurred())
        PyErr_SetString(errors_class(self->st, ERROR_CLOSED),
                        "all cases of the Selector have ended");
    return pair;
}

/* ---- other methods ---- */

PyDoc_STRVAR(add_doc, "add($self, case, /)\n--\n\n"
                      "Add a case, as select() takes it; None is no case.\n\n"
                      "A send case happens once.");

static PyObject *
selector_add(PyObject *op, PyObject *obj)
{
    selector_object *self = (selector_object *)op;

    if (!usable(self) || add(self, obj, 0) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(remove_doc,
             "remove($self, end, /)\n--\n\n"
             "Remove every case of an end, timer or process.\n\n"
             "A value that waits to be sent is not. ValueError: it has none.");

static PyObject *
selector_remove(PyObject *op, PyObject *end)
{
    selector_object *self = (selector_object *)op;
    bool found = false;

    if (!usable(self))
        return NULL;
    for (int i = 0; i < self->room; i++)
        if (self->cases[i] && self->cases[i]->choice.end == end) {
            found = true;
            csp_selector_remove(self->selector, i);
            forget(self, i, false);
        }
    if (found)
        Py_RETURN_NONE;
    PyErr_Format(PyExc_ValueError, "the Selector has no case of %R", end);
    return NULL;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\n"
                        "Remove all cases; it cannot be used any more. The "
                        "ends stay open.");

static PyObject *
selector_close(PyObject *op, PyObject *Py_UNUSED(unused))
{
    selector_object *self = (selector_object *)op;

    if (self->selector && !usable(self))
        return NULL;
    drop_all(self);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    fileno_doc,
    "fileno($self, /)\n--\n\n"
    "A descriptor that is readable when a case may have become ready.\n\n"
    "For poll() and the like: do not read it; call wait(0) until it raises "
    "TimeoutError.\nTimers do not make it readable. It is closed with the "
    "Selector.");

static PyObject *
selector_fileno(PyObject *op, PyObject *Py_UNUSED(unused))
{
    selector_object *self = (selector_object *)op;

    if (!usable(self))
        return NULL;
    int fd = csp_selector_fd(self->selector);
    return fd < 0 ? errors_raise(self->st, fd, NULL) : PyLong_FromLong(fd);
}

static PyObject *
selector_enter(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return Py_NewRef(op);
}

static PyObject *
selector_exit(PyObject *op, PyObject *const *Py_UNUSED(args),
              Py_ssize_t Py_UNUSED(nargs))
{
    return selector_close(op, NULL);
}

static Py_ssize_t
selector_len(PyObject *op)
{
    selector_object *self = (selector_object *)op;
    Py_ssize_t n = 0;

    for (int i = 0; i < self->room; i++)
        n += self->cases[i] != NULL;
    return n;
}

static PyObject *
selector_repr(PyObject *op)
{
    selector_object *self = (selector_object *)op;

    if (!self->selector)
        return PyUnicode_FromString("<intercsp.Selector closed>");
    return PyUnicode_FromFormat("<intercsp.Selector %zd cases%s>",
                                selector_len(op),
                                self->busy ? ", waiting" : "");
}

static PyMethodDef selector_methods[] = {
    {"wait", (PyCFunction)(void (*)(void))selector_wait,
     METH_VARARGS | METH_KEYWORDS, wait_doc},
    {"add", selector_add, METH_O, add_doc},
    {"remove", selector_remove, METH_O, remove_doc},
    {"close", selector_close, METH_NOARGS, close_doc},
    {"fileno", selector_fileno, METH_NOARGS, fileno_doc},
    {"__enter__", selector_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))selector_exit, METH_FASTCALL,
     NULL},
    {0}};

PyDoc_STRVAR(
    selector_doc,
    "Selector(*cases, report_closed=False)\n--\n\n"
    "A select whose cases stay: a wait costs as much as there are ready ones.\n"
    "\nIterating over it gives (end, value) for each case that happens, and "
    "ends when all\ncases have ended. Ready cases have their turn. A receive "
    "end that has ended is\nremoved; with report_closed it is reported once "
    "before, as (end, CLOSED). A send\ncase happens once, as (tx, None), and "
    "so do after() and a process. A case that\nraises is removed. For one "
    "thread at a time; see select() for the cases.");

static PyType_Slot selector_slots[] = {{Py_tp_new, selector_new},
                                       {Py_tp_dealloc, selector_dealloc},
                                       {Py_tp_traverse, selector_traverse},
                                       {Py_tp_clear, selector_clear},
                                       {Py_tp_repr, selector_repr},
                                       {Py_tp_methods, selector_methods},
                                       {Py_tp_iter, PyObject_SelfIter},
                                       {Py_tp_iternext, selector_next},
                                       {Py_sq_length, selector_len},
                                       {Py_tp_doc, (void *)selector_doc},
                                       {0, NULL}};

static PyType_Spec selector_spec = {
    "intercsp.Selector", sizeof(selector_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    selector_slots};

/* ---- CLOSED ---- */

static PyObject *
closed_repr(PyObject *Py_UNUSED(op))
{
    return PyUnicode_FromString("intercsp.CLOSED");
}

/* The module has it, and its type the module: the collector must see that, or
 * the interpreter's memory stays. */
static int
closed_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static void
closed_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
closed_reduce(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(unused))
{
    return PyUnicode_FromString("CLOSED");
}

static PyMethodDef closed_methods[] = {
    {"__reduce__", closed_reduce, METH_NOARGS, NULL}, {0}};

static PyType_Slot closed_slots[] = {
    {Py_tp_dealloc, closed_dealloc},
    {Py_tp_traverse, closed_traverse},
    {Py_tp_repr, closed_repr},
    {Py_tp_methods, closed_methods},
    {Py_tp_doc, (void *)"The type of CLOSED, which stands for the end of a "
                        "channel in a Selector."},
    {0, NULL}};

static PyType_Spec closed_spec = {
    "intercsp.ClosedType", sizeof(PyObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC |
        Py_TPFLAGS_DISALLOW_INSTANTIATION,
    closed_slots};

static int
add_closed(PyObject *module, core_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &closed_spec, NULL);

    if (type)
        st->closed = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 0);
    Py_XDECREF(type);
    return st->closed ? PyModule_AddObjectRef(module, "CLOSED", st->closed)
                      : -1;
}

int
selector_exec(PyObject *module, core_state *st)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &selector_spec, NULL);
    int rc = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;

    Py_XDECREF(type);
    return rc < 0 ? -1 : add_closed(module, st);
}
