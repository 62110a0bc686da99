// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* task.h: a call that another interpreter makes, as the codec sees it. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <csp/clock.h>
#include <csp/handle.h>

#include "gifts.h"
#include "module.h"

/** What travels in the place of @p obj, a Task: its job.
 *
 *  - Owns: *@p out is a new reference.
 *  - Returns: 0; -1 with an exception: it was sent before. */
int task_give(PyObject *obj, struct gifts *gifts, csp_handle **out);

/** A new Job for @p h. Owns: @p h is borrowed.
 *  Returns: NULL with an exception; NULL without one: @p h is no job. */
PyObject *task_job(core_state *st, csp_handle *h);

/** Try until it succeeds, or spinning is not worth it: what was in vain lately
 *  makes it shorter. Threads: with the GIL, which it keeps.
 *  Returns: whether it succeeded. */
bool task_spin(core_state *st, bool (*is_there)(void *), void *arg);

/** A sleep that began at @p since is over: if it was short, spinning would
 *  nearly have been worth it. */
void task_slept(core_state *st, csp_time since);

/** A queue of tasks, as a handle. Returns: NULL if @p h is none: borrowed. */
void *tasks_from_handle(csp_handle *h);

/** The worker that has done a task is about to get the next from @p op. */
void tasks_count_idle(PyObject *op);

int tasks_exec(PyObject *module, core_state *st);
int task_exec(PyObject *module, core_state *st);

#endif
