// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* module.h: the state that one interpreter has of this module.
 *
 * Nothing here is shared between interpreters: each has its own types and
 * exceptions. What several threads or interpreters touch is in struct record
 * (record.h), which is counted and outlives its interpreter. */
#ifndef CORE_MODULE_H
#define CORE_MODULE_H

#include <Python.h>

#include "errors.h"
#include "record.h"

typedef struct core_state {
    PyTypeObject *tx_type, *rx_type, *hub_tx_type, *hub_type, *thread_type,
        *stats_type, *timer_type, *selected_type, *await_type, *loop_type,
        *pending_type, *wait_type, *info_type;
    PyTypeObject *scope_type, *box_type, *task_type, *job_type, *tasks_type;
    bool is_counted_idle; /* of tasks.c: by a task that has just ended */
    int64_t spin_ns;  /* of task.c: how long it may be worth it; -1: never */
    PyObject *closed; /* CLOSED */
    PyObject *deadline_var; /* the moment that deadline() has set */
    unsigned in_a_row;      /* of awaits that did not wait */
    PyObject *running_loop; /* of _aio.py; NULL: not needed yet */
    struct {
        PyObject *done, *set_result, *create_future;
    } names;         /* interned */
    bool exit_known; /* _exit.py sees to the end of the program */
    PyObject *errors[ERROR_COUNT];
    struct record *record;
    unsigned long main_thread; /* ident; 0 in other than the main interpreter */
    PyTypeObject *buffer_type, *share_type, *move_type;
    PyTypeObject *frozen_type, *view_type, *view_iterator_type, *graph_type,
        *frozen_stats_type;
    bool is_dev_mode;                     /* graphs are protected */
    struct opened *opened;                /* frozen graphs; NULL: none was */
    unsigned long long n_moved, n_copied; /* of what was sent with move() */
    PyObject *pickle;     /* intercsp._pickle, or NULL: not needed yet */
    void *spare_selected; /* of select.c; no live object */
    struct select_room *spare_room; /* of select.c, or NULL */
    char *scratch; /* the encoder's buffer, kept between sends */
    size_t scratch_size;
} core_state;

/** The state of @p module. */
static inline core_state *
core_state_of(PyObject *module)
{
    return (core_state *)PyModule_GetState(module);
}

/** Add the types of each file. Return: 0, -1 with an exception. */
int ends_exec(PyObject *module, core_state *st);
int channel_exec(PyObject *module, core_state *st);
int hub_exec(PyObject *module, core_state *st);
int snapshot_exec(PyObject *module, core_state *st);
int thread_exec(PyObject *module, core_state *st);
int blocking_exec(PyObject *module, core_state *st);
int timer_exec(PyObject *module, core_state *st);
int select_exec(PyObject *module, core_state *st);
int selector_exec(PyObject *module, core_state *st);
int scope_exec(PyObject *module, core_state *st);

/** The main interpreter ends: close its ends, stop all threads with
 *  interpreters, and end the program here if that fails.
 *
 *  - Threads: with the GIL, which is released meanwhile.
 *  - Blocks: five seconds from the last thread that has ended. */
void thread_end_all(struct record *record);

/** Functions of the module that other files define. */
extern PyMethodDef channel_functions[];
extern PyMethodDef foreign_functions[];
extern PyMethodDef hub_functions[];
extern PyMethodDef snapshot_functions[];
extern PyMethodDef thread_functions[];
extern PyMethodDef blocking_functions[];
extern PyMethodDef output_functions[];
extern PyMethodDef timer_functions[];
extern PyMethodDef select_functions[];

/** Free what select.c keeps between calls; its type is cleared by then. */
void select_clear(core_state *st);

#endif
