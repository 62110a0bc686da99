// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* timer.c: after() and tick(), cases that happen at their time. */
#include "timer.h"

#include <csp/clock.h>

#include "blocking.h"

static PyObject *
timer_new(core_state *st, csp_timer timer)
{
    PyObject *op = st->timer_type->tp_alloc(st->timer_type, 0);

    if (op)
        timer_set(op, timer);
    return op;
}

static void
timer_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
timer_repr(PyObject *op)
{
    csp_timer t = timer_of(op);
    char due[64] = "never due", period[64] = "";

    if (t.when != CSP_FOREVER) {
        double s = (double)(t.when - csp_clock_now()) / 1e9;
        snprintf(due, sizeof due, s > 0 ? "due in %.3g s" : "due", s);
    }
    if (t.period_ns)
        snprintf(period, sizeof period, ", every %.6g s",
                 (double)t.period_ns / 1e9);
    return PyUnicode_FromFormat("<intercsp.Timer %s%s>", due, period);
}

PyDoc_STRVAR(timer_doc,
             "A case of a select that happens at its time; made by after() and "
             "tick().");

static PyType_Slot timer_slots[] = {{Py_tp_dealloc, timer_dealloc},
                                    {Py_tp_repr, timer_repr},
                                    {Py_tp_doc, (void *)timer_doc},
                                    {0, NULL}};

static PyType_Spec timer_spec = {"intercsp.Timer", sizeof(timer_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                     Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 timer_slots};

int
timer_exec(PyObject *module, core_state *st)
{
    st->timer_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &timer_spec, NULL);
    return st->timer_type ? PyModule_AddType(module, st->timer_type) : -1;
}

/* ---- functions ---- */

PyDoc_STRVAR(
    after_doc,
    "after($module, seconds, /)\n--\n\n"
    "A case that happens once, seconds from now; its value is None.\n\n"
    "In a select it is ready from then on until it was chosen.");

static PyObject *
after(PyObject *module, PyObject *seconds)
{
    int64_t ns;

    if (blocking_parse_seconds("the time of after()", seconds, &ns) < 0)
        return NULL;
    return timer_new(core_state_of(module), csp_timer_after(ns));
}

PyDoc_STRVAR(tick_doc,
             "tick($module, seconds, /)\n--\n\n"
             "A case that happens every so many seconds; its value is None.\n\n"
             "The first time is one period from now. What falls due while "
             "nobody looks counts\nas one.");

static PyObject *
tick(PyObject *module, PyObject *seconds)
{
    int64_t ns;

    if (blocking_parse_seconds("the period of tick()", seconds, &ns) < 0)
        return NULL;
    if (ns == 0) {
        PyErr_SetString(PyExc_ValueError, "the period of tick() must not be 0");
        return NULL;
    }
    return timer_new(core_state_of(module), csp_timer_tick(ns));
}

PyMethodDef timer_functions[] = {
    {"after", after, METH_O, after_doc}, {"tick", tick, METH_O, tick_doc}, {0}};
