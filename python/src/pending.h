// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pending.h: one operation that waits in an event loop. */
#ifndef CORE_PENDING_H
#define CORE_PENDING_H

#include <csp/loop.h>

#include "case.h"
#include "record.h"

/* A ring of operations, each with a reference. */
struct link {
    struct link *next, *prev;
};

/** What an event loop has of us; defined by loop.c. */
typedef struct {
    PyObject_HEAD
    core_state *st;
    csp_loop *loop;
    PyObject *event_loop;
    int waker; /* a descriptor of it: what is written there wakes it; or -1 */
    struct link pending;
    struct waiting sleeper; /* the thread, while it sleeps in sleep() */
    bool sleeping;          /* so sleeper is in use */
    bool cancelled;         /* it was told that this interpreter stops */
} loop_object;

/** A choice over @p cases, a tuple, which begins with the first step. It ends
 *  with a Selected, or None if nothing has happened by @p moment, or by when
 *  one of its timers is due; unless it has a timeout, with a ValueError if no
 *  case could ever be ready.
 *
 *  - Owns: a new reference.
 *  - Returns: NULL with an exception. */
PyObject *pending_choice(loop_object *loop, PyObject *cases, bool priority,
                         csp_time moment, bool has_timeout);

/** The same for a receive from @p end, or a send of @p obj, in the event loop
 *  that runs. It ends with what was received; an end that has ended is Closed,
 *  a moment that has passed a TimeoutError. */
PyObject *pending_one(core_state *st, PyObject *end, PyObject *obj);

/** Whether a task awaits what @p op has yielded. */
bool pending_is_awaited(PyObject *op);

/** Go on with @p op. Returns: PYGEN_NEXT: *@p result is what to yield to the
 *  event loop; PYGEN_RETURN: it is what has come of it; PYGEN_ERROR. */
PySendResult pending_step(PyObject *op, PyObject **result);

/** The exception that is set ends it, without effect; but for a send that a
 *  rendezvous has taken: then it is put off, if it is a cancellation.
 *  Returns: PYGEN_RETURN, PYGEN_ERROR. */
PySendResult pending_throw(PyObject *op, PyObject **result);

/** The operation that @p link is of; borrowed. */
PyObject *pending_of(struct link *link);

/** Give it up, whoever else refers to it; the caller does. Keeps an exception
 * that is set. */
void pending_close(PyObject *op);

/** It can go on: wake the task that awaits it. Returns: 0; -1 with an
 *  exception. */
int pending_wake(PyObject *op);

/** Adds the type. Returns: 0, -1 with an exception. */
int pending_exec(PyObject *module, core_state *st);

#endif
