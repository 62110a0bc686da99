// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* snapshot.c: channels(): what there is, and who waits where. */
#include <csp/registry.h>

#include "blocking.h"
#include "channel.h"
#include "module.h"
#include "structure.h"

static PyStructSequence_Field wait_members[] = {
    {"kind", "'send' or 'recv'"},
    {"interpreter", "the id of its interpreter; None if it is unknown"},
    {"process", "the name of the process that it is in, or None"},
    {"thread", "the system's number of the thread: its native_id"},
    {"since", "when the wait began, as time.monotonic() has it"},
    {0}};

static PyStructSequence_Desc wait_spec = {
    "intercsp.Wait", "An operation that waits on a channel.", wait_members,
    sizeof wait_members / sizeof *wait_members - 1};

static PyStructSequence_Field info_members[] = {
    {"id", "the number of the channel"},
    {"name", "its name, cut if it is long"},
    {"capacity", "its capacity"},
    {"stats", "its figures, a Stats"},
    {"waits", "who waits on it, a tuple of Wait"},
    {0}};

static PyStructSequence_Desc info_spec = {
    "intercsp.ChannelInfo", "A channel, as it was when it was looked at.",
    info_members, sizeof info_members / sizeof *info_members - 1};

int
snapshot_exec(PyObject *module, core_state *st)
{
    st->wait_type = PyStructSequence_NewType(&wait_spec);
    st->info_type = PyStructSequence_NewType(&info_spec);
    if (!st->wait_type || !st->info_type)
        return -1;
    return PyModule_AddType(module, st->wait_type) < 0 ||
                   PyModule_AddType(module, st->info_type) < 0
               ? -1
               : 0;
}

static PyObject *
wait_new(core_state *st, const csp_registry_wait *w)
{
    struct blocking_thread thread;
    bool known = blocking_find_thread(w->thread, &thread);
    PyObject *items[] = {
        PyUnicode_FromString(w->sends ? "send" : "recv"),
        known ? PyLong_FromLongLong(thread.interpreter) : Py_NewRef(Py_None),
        known && thread.process[0]
            ? PyUnicode_DecodeUTF8(
                  thread.process, (Py_ssize_t)strlen(thread.process), "replace")
            : Py_NewRef(Py_None),
        PyLong_FromUnsignedLongLong(w->thread),
        PyFloat_FromDouble((double)w->since / 1e9)};

    return structure_new(st->wait_type, items, wait_spec.n_in_sequence);
}

/* Those of @p waits that are on channel @p id. */
static PyObject *
waits_on(core_state *st, uint64_t id, const csp_registry_wait *waits, int64_t n)
{
    PyObject *list = PyList_New(0);

    for (int64_t i = 0; list && i < n; i++) {
        if (waits[i].chan != id)
            continue;
        PyObject *wait = wait_new(st, &waits[i]);
        if (!wait || PyList_Append(list, wait) < 0)
            Py_CLEAR(list);
        Py_XDECREF(wait);
    }
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

static PyObject *
info_new(core_state *st, const csp_registry_chan *c,
         const csp_registry_wait *waits, int64_t n)
{
    PyObject *items[] = {
        PyLong_FromUnsignedLongLong(c->id),
        PyUnicode_DecodeUTF8(c->name, (Py_ssize_t)strlen(c->name), "replace"),
        channel_capacity(c->capacity), channel_stats(st, &c->stats),
        waits_on(st, c->id, waits, n)};

    return structure_new(st->info_type, items, info_spec.n_in_sequence);
}

/* All of them, in memory of its own. Returns: how many; a status. */
static int64_t
list_chans(csp_registry_chan **out)
{
    for (size_t room = 64;;) {
        if (!(*out = PyMem_RawMalloc(room * sizeof **out)))
            return CSP_ENOMEM;
        int64_t n = csp_registry_list(*out, room);
        if (n <= (int64_t)room)
            return n;
        PyMem_RawFree(*out);
        room = (size_t)n * 2; /* there may be more by then */
    }
}

static int64_t
list_waits(csp_registry_wait **out)
{
    for (size_t room = 64;;) {
        if (!(*out = PyMem_RawMalloc(room * sizeof **out)))
            return CSP_ENOMEM;
        int64_t n = csp_registry_waits(*out, room);
        if (n <= (int64_t)room)
            return n;
        PyMem_RawFree(*out);
        room = (size_t)n * 2;
    }
}

static PyObject *
info_list(core_state *st, const csp_registry_chan *chans, int64_t n,
          const csp_registry_wait *waits, int64_t n_waits)
{
    PyObject *list = PyList_New(0);

    for (int64_t i = 0; list && i < n; i++) {
        PyObject *info = info_new(st, &chans[i], waits, n_waits);
        if (!info || PyList_Append(list, info) < 0)
            Py_CLEAR(list);
        Py_XDECREF(info);
    }
    return list;
}

PyDoc_STRVAR(
    channels_doc,
    "channels($module, /)\n--\n\n"
    "The channels of this program that are alive, as a list of ChannelInfo.\n\n"
    "Of all interpreters; a plain snapshot, in which no two channels are seen "
    "at the same\nmoment. It keeps nothing alive and holds nobody up. A hub "
    "has a channel of its own,\non which those wait who are to send next.");

static PyObject *
channels(PyObject *module, PyObject *Py_UNUSED(unused))
{
    core_state *st = core_state_of(module);
    csp_registry_chan *chans = NULL;
    csp_registry_wait *waits = NULL;
    PyObject *list = NULL;

    int64_t n = list_chans(&chans);
    int64_t n_waits = n < 0 ? n : list_waits(&waits);
    if (n_waits < 0)
        errors_raise(st, (int)n_waits, NULL);
    else
        list = info_list(st, chans, n, waits, n_waits);
    PyMem_RawFree(chans);
    PyMem_RawFree(waits);
    return list;
}

PyMethodDef snapshot_functions[] = {
    {"channels", channels, METH_NOARGS, channels_doc}, {0}};
