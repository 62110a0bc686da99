// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* channel.c: channel(), and what it is told and tells. */
#include "channel.h"

#include <math.h>
#include <string.h>

#include "ends.h"

int
channel_parse_capacity(PyObject *obj, uint32_t *out)
{
    int overflow;

    if (PyFloat_Check(obj) && PyFloat_AS_DOUBLE(obj) == INFINITY) {
        *out = CSP_CHAN_UNBOUNDED;
        return 0;
    }
    if (!PyLong_Check(obj) || PyBool_Check(obj)) {
        PyErr_Format(PyExc_TypeError,
                     "capacity must be an int or UNBOUNDED, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return -1;
    }
    long long n = PyLong_AsLongLongAndOverflow(obj, &overflow);
    if (overflow || n < 0 || n > CSP_CHAN_MAX_CAPACITY) {
        PyErr_Format(PyExc_ValueError,
                     "capacity must be from 0 to %u, or UNBOUNDED",
                     (unsigned)CSP_CHAN_MAX_CAPACITY);
        return -1;
    }
    *out = (uint32_t)n;
    return 0;
}

PyObject *
channel_capacity(uint32_t capacity)
{
    return capacity == CSP_CHAN_UNBOUNDED ? PyFloat_FromDouble(INFINITY)
                                          : PyLong_FromUnsignedLong(capacity);
}

int
channel_parse_overflow(const char *name, csp_overflow *out)
{
    static const char *const names[] = {[CSP_OVERFLOW_BLOCK] = "block",
                                        [CSP_OVERFLOW_DROP_NEW] = "drop_new",
                                        [CSP_OVERFLOW_DROP_OLD] = "drop_old"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name ? name : "block", names[i]) == 0) {
            *out = (csp_overflow)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError,
                 "overflow must be 'block', 'drop_new' or 'drop_old', not "
                 "'%.200s'",
                 name);
    return -1;
}

/* ---- figures ---- */

static PyStructSequence_Field stats_members[] = {
    {"sent", "values that entered the channel"},
    {"received", "values that were received"},
    {"dropped", "by the overflow policy"},
    {"undelivered", "discarded by poison, or when the last receive end went"},
    {"length", "values that are buffered now"},
    {"high_water", "the most that was seen buffered, by samples"},
    {"send_waits", "sends that had to wait"},
    {"recv_waits", "receives that had to wait"},
    {"wait_ns", "for how long, both together, in nanoseconds"},
    {"open_tx", "open send ends"},
    {"open_rx", "open receive ends"},
    {"waiting_tx", "senders that wait now"},
    {"waiting_rx", "receivers that wait now"},
    {0}};

static PyStructSequence_Desc stats_spec = {
    "intercsp.Stats",
    "What a channel has done so far, and what it is like now. The figures may "
    "be a\nlittle apart from each other while values flow.",
    stats_members, sizeof stats_members / sizeof *stats_members - 1};

PyObject *
channel_stats(core_state *st, const csp_chan_stats *stats)
{
    const uint64_t figures[] = {
        stats->sent,        stats->received,   stats->dropped,
        stats->undelivered, stats->length,     stats->high_water,
        stats->send_waits,  stats->recv_waits, stats->wait_ns,
        stats->open_tx,     stats->open_rx,    stats->waiting_tx,
        stats->waiting_rx};
    PyObject *tuple = PyStructSequence_New(st->stats_type);

    for (Py_ssize_t i = 0; tuple && i < stats_spec.n_in_sequence; i++) {
        PyObject *figure = PyLong_FromUnsignedLongLong(figures[i]);
        if (!figure)
            Py_CLEAR(tuple);
        else
            PyStructSequence_SetItem(tuple, i, figure);
    }
    return tuple;
}

int
channel_exec(PyObject *module, core_state *st)
{
    PyObject *unbounded = PyFloat_FromDouble(INFINITY);
    int rc = PyModule_Add(module, "UNBOUNDED", unbounded);

    st->stats_type = PyStructSequence_NewType(&stats_spec);
    if (rc < 0 || !st->stats_type)
        return -1;
    return PyModule_AddType(module, st->stats_type);
}

/* ---- functions ---- */

PyDoc_STRVAR(
    channel_doc,
    "channel($module, /, capacity, *, name=None, overflow='block', "
    "strict=False)\n--\n\n"
    "A new channel: its (SendChannel, RecvChannel).\n\n"
    "It buffers at most capacity values. With 0 it is a rendezvous: a send "
    "returns when\na receiver has taken the value. UNBOUNDED: it grows as it "
    "must.\n\noverflow says what a send does when the channel is full: 'block' "
    "waits,\n'drop_new' drops the value that is sent, 'drop_old' the oldest "
    "one; stats()\ncounts what was dropped.\n\n"
    "strict: what would have to be pickled is refused (NotShareable).");

static PyObject *
channel(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"capacity", "name", "overflow", "strict", NULL};
    core_state *st = core_state_of(module);
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    int strict = 0;
    PyObject *capacity_arg, *ends[2];
    const char *overflow = NULL;
    uint32_t capacity;
    csp_tx *tx;
    csp_rx *rx;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$zsp:channel", keywords,
                                     &capacity_arg, &opts.name, &overflow,
                                     &strict) ||
        channel_parse_capacity(capacity_arg, &capacity) < 0 ||
        channel_parse_overflow(overflow, &opts.overflow) < 0)
        return NULL;
    opts.mark = strict ? ENDS_STRICT : 0;
    int rc = csp_chan_new(capacity, &opts, &tx, &rx);
    if (rc == CSP_EINVAL)
        return PyErr_Format(PyExc_ValueError,
                            "overflow must be 'block' with capacity %S, which "
                            "is never full",
                            capacity_arg);
    if (rc < 0)
        return errors_raise(st, rc, NULL);
    ends[0] = ends_new(st, &ends_tx_side, tx);
    ends[1] = ends_new(st, &ends_rx_side, rx);
    PyObject *pair =
        ends[0] && ends[1] ? PyTuple_Pack(2, ends[0], ends[1]) : NULL;
    Py_XDECREF(ends[0]);
    Py_XDECREF(ends[1]);
    return pair;
}

PyDoc_STRVAR(give_doc, "give($module, end, /)\n--\n\n"
                       "A new end in place of end, which is given away by "
                       "that.");

static PyObject *
give(PyObject *module, PyObject *obj)
{
    core_state *st = core_state_of(module);
    csp_handle *h;

    if (!ends_check(st, obj)) {
        PyErr_Format(PyExc_TypeError,
                     "give() takes an end of a channel, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    if (ends_give(obj, &h, &h, &h) < 0)
        return NULL;
    PyObject *end = ends_from_handle(st, h);
    csp_handle_unref(h);
    ends_give_done(obj, end != NULL);
    return end;
}

PyDoc_STRVAR(waiting_doc, "waiting($module, end, /)\n--\n\n"
                          "How many operations are parked on end's side of "
                          "its channel, of all\ninterpreters; for tests.");

static PyObject *
waiting(PyObject *module, PyObject *obj)
{
    end_object *self = (end_object *)obj;

    if (!ends_check_channel(core_state_of(module), obj)) {
        PyErr_Format(PyExc_TypeError,
                     "waiting() takes an end of a channel, not '%.200s'",
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    return PyLong_FromSize_t(self->side->waiting(self->end));
}

PyMethodDef channel_functions[] = {{"channel",
                                    (PyCFunction)(void (*)(void))channel,
                                    METH_VARARGS | METH_KEYWORDS, channel_doc},
                                   {"give", give, METH_O, give_doc},
                                   {"waiting", waiting, METH_O, waiting_doc},
                                   {0}};
