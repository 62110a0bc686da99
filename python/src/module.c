// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* module.c: intercsp._core: what an interpreter has of it, from import to end.
 *
 * Everything that belongs to one interpreter is in core_state; there is no
 * other static data with Python objects. m_free calls m_clear, because the
 * collector does so only for modules in cycles, and one object that is left
 * keeps all memory of its interpreter. */
#include "module.h"

#include <csp/registry.h>
#include <csp/version.h>

#include "await.h"
#include "blocking.h"
#include "box.h"
#include "buffer.h"
#include "compat.h"
#include "copies.h"
#include "frozen.h"
#include "lend.h"
#include "loop.h"
#include "open.h"
#include "pending.h"
#include "task.h"

/* The interpreter ends: what it still holds of channels is closed. CPython
 * crashes or hangs if the main one is finalized while others run; _exit.py sees
 * to that, unless it was never told to, or interrupted. */
static void
at_exit(void *record)
{
    box_sweep(((struct record *)record)->interpreter);
    if (PyInterpreterState_Get() == PyInterpreterState_Main())
        thread_end_all(record);
    else
        record_close_ends(record);
    lend_close(record);
    record_unref(record);
}

/* What each file adds to the module. */
static const struct {
    int (*exec)(PyObject *module, core_state *st);
    PyMethodDef *functions;
} parts[] = {
    {errors_exec, NULL},
    {blocking_exec, blocking_functions},
    {ends_exec, NULL},
    {channel_exec, channel_functions},
    {hub_exec, hub_functions},
    {snapshot_exec, snapshot_functions},
    {timer_exec, timer_functions},
    {select_exec, select_functions},
    {selector_exec, NULL},
    {await_exec, NULL},
    {pending_exec, NULL},
    {loop_exec, NULL},
    {thread_exec, thread_functions},
    {scope_exec, NULL},
    {NULL, output_functions},
    {buffer_exec, NULL},
    {share_exec, share_functions},
    {move_exec, move_functions},
    {lend_exec, lend_functions},
    {frozen_exec, frozen_functions},
    {box_exec, box_functions},
    {NULL, foreign_functions},
    {task_exec, NULL},
    {tasks_exec, NULL},
};

static int
add_parts(PyObject *module, core_state *st)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((parts[i].exec && parts[i].exec(module, st) < 0) ||
            (parts[i].functions &&
             PyModule_AddFunctions(module, parts[i].functions) < 0))
            return -1;
    return PyModule_AddStringConstant(module, "version", csp_version_text());
}

static int
core_exec(PyObject *module)
{
    core_state *st = core_state_of(module);
    PyInterpreterState *interp = PyInterpreterState_Get();

#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError,
                    "intercsp needs a CPython with per-interpreter GILs; this "
                    "is a free-threaded build");
    return -1;
#endif
    if (copies_check() < 0 || !(st->record = record_new()) ||
        add_parts(module, st) < 0)
        return -1;
    st->record->cancelled = st->errors[ERROR_CANCELLED];
    if (interp == PyInterpreterState_Main())
        st->main_thread = compat_main_thread();
    if (PyUnstable_AtExit(interp, at_exit, record_ref(st->record)) < 0) {
        record_unref(st->record);
        return -1;
    }
    return 0;
}

/* Everything in the state that the module holds. */
#define EACH_OBJECT(DO)                                                        \
    DO(st->tx_type);                                                           \
    DO(st->rx_type);                                                           \
    DO(st->hub_tx_type);                                                       \
    DO(st->hub_type);                                                          \
    DO(st->thread_type);                                                       \
    DO(st->wait_type);                                                         \
    DO(st->info_type);                                                         \
    DO(st->stats_type);                                                        \
    DO(st->timer_type);                                                        \
    DO(st->selected_type);                                                     \
    DO(st->await_type);                                                        \
    DO(st->loop_type);                                                         \
    DO(st->pending_type);                                                      \
    DO(st->task_type);                                                         \
    DO(st->tasks_type);                                                        \
    DO(st->job_type);                                                          \
    DO(st->box_type);                                                          \
    DO(st->scope_type);                                                        \
    DO(st->buffer_type);                                                       \
    DO(st->share_type);                                                        \
    DO(st->move_type);                                                         \
    DO(st->frozen_type);                                                       \
    DO(st->view_type);                                                         \
    DO(st->view_iterator_type);                                                \
    DO(st->graph_type);                                                        \
    DO(st->frozen_stats_type);                                                 \
    DO(st->pickle);                                                            \
    DO(st->closed);                                                            \
    DO(st->running_loop);                                                      \
    DO(st->names.done);                                                        \
    DO(st->names.set_result);                                                  \
    DO(st->names.create_future);                                               \
    DO(st->deadline_var);                                                      \
    for (int e = 0; e < ERROR_COUNT; e++)                                      \
    DO(st->errors[e])

static int
core_traverse(PyObject *module, visitproc visit, void *arg)
{
    core_state *st = core_state_of(module);

    EACH_OBJECT(Py_VISIT);
    return open_traverse(st, visit, arg);
}

static int
core_clear(PyObject *module)
{
    core_state *st = core_state_of(module);

    if (st->record)
        st->record->cancelled = NULL;
    EACH_OBJECT(Py_CLEAR);
    open_clear(st);
    select_clear(st);
    return 0;
}

static void
core_free(void *op)
{
    PyObject *module = op;
    core_state *st = core_state_of(module);

    core_clear(module);
    open_free(st);
    PyMem_RawFree(st->scratch);
    st->scratch = NULL;
    PyMem_RawFree(st->spare_room);
    st->spare_room = NULL;
    record_unref(st->record);
    st->record = NULL;
}

PyDoc_STRVAR(activity_doc,
             "activity($module, /)\n--\n\n"
             "How many waits for channels have ended with success in this "
             "process.");

static PyObject *
activity(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromUnsignedLongLong(blocking_activity());
}

PyDoc_STRVAR(live_doc, "live($module, /)\n--\n\n"
                       "What the core holds: {'channels', 'blocks', 'bytes'}, "
                       "of all interpreters.");

static PyObject *
live(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    csp_registry_counters c = {.size = sizeof c};

    Py_BEGIN_ALLOW_THREADS csp_registry_count(&c);
    Py_END_ALLOW_THREADS return Py_BuildValue(
        "{sKsKsK}", "channels", (unsigned long long)c.chans, "blocks",
        (unsigned long long)c.blocks, "bytes", (unsigned long long)c.bytes);
}

PyDoc_STRVAR(statuses_doc, "statuses($module, /)\n--\n\n"
                           "{name of status: exception}, None where one is "
                           "missing.");

static PyObject *
statuses(PyObject *module, PyObject *Py_UNUSED(unused))
{
    return errors_table(core_state_of(module));
}

/* These are made when they are first asked for: their bases cost imports, and
 * each process would pay for them. */
static PyObject *
core_getattr(PyObject *module, PyObject *name)
{
    if (PyUnicode_CompareWithASCIIString(name, "Empty") == 0)
        return Py_XNewRef(errors_class(core_state_of(module), ERROR_EMPTY));
    if (PyUnicode_CompareWithASCIIString(name, "Full") == 0)
        return Py_XNewRef(errors_class(core_state_of(module), ERROR_FULL));
    PyErr_Format(PyExc_AttributeError,
                 "module 'intercsp._core' has no attribute %R", name);
    return NULL;
}

static PyMethodDef core_functions[] = {
    {"activity", activity, METH_NOARGS, activity_doc},
    {"live", live, METH_NOARGS, live_doc},
    {"statuses", statuses, METH_NOARGS, statuses_doc},
    {"__getattr__", core_getattr, METH_O, NULL},
    {0}};

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL}};

static struct PyModuleDef core_def = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "intercsp._core",
    .m_doc = "The C part of intercsp: ends of channels, and threads with "
             "interpreters of their own.",
    .m_size = sizeof(core_state),
    .m_methods = core_functions,
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&core_def);
}
