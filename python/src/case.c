// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* case.c: cases of selects and selectors. */
#include "case.h"

#include "host.h"
#include "thread.h"
#include "timer.h"

static int
refuse(PyObject *obj, const char *function, Py_ssize_t i, const char *hint)
{
    PyErr_Format(PyExc_TypeError,
                 "case %zd of %s() must be a receive end, (send end, value), "
                 "a timer, a process or None, not '%.200s'%s",
                 i, function, Py_TYPE(obj)->tp_name, hint);
    return -1;
}

/* Why @p obj is no case, where that can be said. */
static const char *
hint_for(core_state *st, PyObject *obj)
{
    PyObject *first = PyTuple_CheckExact(obj) && PyTuple_GET_SIZE(obj)
                          ? PyTuple_GET_ITEM(obj, 0)
                          : obj;

    if (Py_TYPE(first) == st->hub_tx_type)
        return ": a send to a hub cannot be a case";
    return Py_TYPE(obj) == st->tx_type ? ": write (end, value)" : "";
}

static int
parse_send(core_state *st, PyObject *pair, const void *operation, csp_case *c,
           struct choice *choice)
{
    end_object *tx = (end_object *)PyTuple_GET_ITEM(pair, 0);
    csp_value v;

    if (codec_encode_as(st, PyTuple_GET_ITEM(pair, 1), ends_flags(tx), &v,
                        &choice->gifts, operation) < 0)
        return -1;
    *c = csp_case_send(tx->end, v);
    choice->sort = CASE_SEND;
    choice->end = (PyObject *)tx;
    return 0;
}

/* A case on an object of this module. Returns: 1; 0: it is none. */
static int
parse_plain(core_state *st, PyObject *obj, csp_case *c, struct choice *choice)
{
    PyTypeObject *type = Py_TYPE(obj);

    if (case_parse_recv(st, obj, c, choice))
        return 1;
    if (type == st->timer_type) {
        choice->timer = timer_of(obj);
        *c = csp_case_timer(&choice->timer);
        choice->sort = CASE_TIMER;
    } else if (type == st->thread_type) {
        *c = csp_case_recv(host_ended(thread_host(obj)));
        choice->sort = CASE_THREAD;
    } else {
        return 0;
    }
    choice->end = obj;
    return 1;
}

/* A case on what obj.__csp_case__() gives. */
static int
parse_other(core_state *st, PyObject *obj, const char *function, Py_ssize_t i,
            csp_case *c, struct choice *choice)
{
    PyObject *method;
    int rc = PyObject_GetOptionalAttrString((PyObject *)Py_TYPE(obj),
                                            "__csp_case__", &method);

    if (rc <= 0)
        return rc < 0 ? -1 : refuse(obj, function, i, hint_for(st, obj));
    PyObject *held = PyObject_CallOneArg(method, obj);
    Py_DECREF(method);
    if (!held)
        return -1;
    if (!parse_plain(st, held, c, choice)) {
        refuse(held, function, i, " from __csp_case__()");
        Py_DECREF(held);
        return -1;
    }
    choice->end = obj;
    choice->held = held;
    return 0;
}

int
case_parse(core_state *st, PyObject *obj, const char *function, Py_ssize_t i,
           const void *operation, csp_case *c, struct choice *choice)
{
    choice->held = NULL;
    if (parse_plain(st, obj, c, choice))
        return 0;
    if (obj == Py_None) {
        *c = csp_case_none();
        choice->sort = CASE_NONE;
        choice->end = obj;
        return 0;
    }
    if (PyTuple_CheckExact(obj) && PyTuple_GET_SIZE(obj) == 2 &&
        Py_TYPE(PyTuple_GET_ITEM(obj, 0)) == st->tx_type)
        return parse_send(st, obj, operation, c, choice);
    return parse_other(st, obj, function, i, c, choice);
}

/* What the object that a case was made of, by __csp_case__(), makes of what
 * was received; its reference passes. */
static PyObject *
converted(PyObject *obj, PyObject *received)
{
    PyObject *method, *value;
    int rc = PyObject_GetOptionalAttrString((PyObject *)Py_TYPE(obj),
                                            "__csp_result__", &method);

    if (rc == 0)
        return received;
    value = rc < 0 ? NULL
                   : PyObject_CallFunctionObjArgs(method, obj, received, NULL);
    Py_XDECREF(method);
    Py_DECREF(received);
    return value;
}

static PyObject *
plain_result(core_state *st, csp_case *c, struct choice *choice, bool *closed)
{
    PyObject *on = choice->held ? choice->held : choice->end;

    *closed = false;
    switch (choice->sort) {
    case CASE_RECV:
        if (c->status == 0)
            return ends_decode((end_object *)on, c->value);
        *closed = c->status == CSP_ECLOSED;
        break;
    case CASE_TIMER:
        timer_set(on, choice->timer);
        break;
    case CASE_THREAD:
        host_reap(thread_host(on));
        c->status = 0;
        break;
    case CASE_SEND:
    case CASE_NONE:
        break;
    }
    return c->status == 0 || *closed ? Py_NewRef(Py_None)
                                     : case_fail(st, choice, c->status);
}

PyObject *
case_result(core_state *st, csp_case *c, struct choice *choice, bool *closed)
{
    PyObject *value = plain_result(st, c, choice, closed);

    return value && choice->held ? converted(choice->end, value) : value;
}

void *
case_fail(core_state *st, const struct choice *choice, int status)
{
    PyObject *on = choice->held ? choice->held : choice->end;

    return ends_check(st, on) ? ends_fail((end_object *)on, status)
                              : errors_raise(st, status, NULL);
}

void
case_done(csp_case *c, struct choice *choice, bool happened)
{
    if (choice->sort == CASE_SEND) {
        if (!happened)
            csp_value_unref(&c->value);
        if (choice->gifts.n)
            gifts_done(&choice->gifts, happened);
    }
    Py_XDECREF(choice->held);
}
