// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* record.h: what is known of one interpreter, also from outside it.
 *
 * Counted: held by the module's state, by the host thread that made the
 * interpreter, and by whoever stops it. It outlives the interpreter. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <csp/cancel.h>
#include <csp/loop.h>

#include "compat.h"

/* Why a wait was cancelled: bits of a csp_cancel request. */
enum { WHY_SIGNAL = 1, WHY_STOP = 2, WHY_RELEASES = 4 };

/* One OS thread as far as waiting goes; thread-local, on a list while it
 * waits. */
struct waiting {
    struct waiting *next, *prev;
    csp_cancel *token;
    csp_loop *loop;          /* an event loop that sleeps; it has no token */
    unsigned long thread;    /* ident */
    bool for_ever;           /* no deadline */
    const atomic_bool *stop; /* its waits raise Cancelled; NULL: its
                                interpreter's alone say so */
    const char *name;        /* of the process that it is, or NULL */

    /* On the list of all threads that have ever waited, under its lock. */
    struct waiting *all_next, *all_prev;
    unsigned long native;    /* the system's number of the thread */
    const struct record *of; /* whose wait was last; to be compared only */
    int64_t interpreter;
    char process[64];
};

/* An end object as the record sees it: what to close when the interpreter
 * goes. Guarded by the interpreter's GIL. */
struct end_link {
    struct end_link *next, *prev;
    void (*close)(struct end_link *);
};

/* A pin (lend.c) as the record sees it. Guarded by the GIL. */
struct pin_link {
    struct pin_link *next, *prev;
};

struct record {
    atomic_uint refs;
    int64_t interpreter;  /* its id */
    char process[64];     /* the name of the process that it is of, or empty */
    pthread_mutex_t lock; /* guards waiting; nests outside tokens */
    struct waiting *waiting;
    atomic_bool stopping;    /* every wait there raises Cancelled, for good */
    struct end_link *ends;   /* guarded by the GIL */
    struct csp_owner *owner; /* of what it lends; NULL: no more. By the GIL */
    struct pin_link pins;    /* a ring */
    atomic_bool prodded;     /* something has come back */
    bool lingers, woken, may_linger; /* of record_linger(); by lock */
    pthread_cond_t linger_over;
    pthread_mutex_t gate; /* guards may_attach; held while attached */
    bool may_attach;
    PyInterpreterState *interp; /* valid while may_attach */
    compat_view view;
    struct record *next_visit; /* this and the next by lend.c's visits_lock */
    bool is_to_be_visited;
    PyObject *cancelled; /* its own Cancelled type; NULL once it is gone */
};

/** A new record with one reference. Returns: NULL with an exception. */
struct record *record_new(void);
struct record *record_ref(struct record *r);
void record_unref(struct record *r);

/** Every wait of the interpreter, now and later, raises Cancelled there.
 *  Threads: any, with or without a thread state. */
void record_stop(struct record *r);

/** The same for one thread, whose flag @p stop is: it was set before. */
void record_stop_thread(struct record *r, const atomic_bool *stop);

/** Let one of its threads that wait here look around.
 *  Threads: any, with or without a thread state.
 *  Returns: false if none waits. */
bool record_wake(struct record *r, uint32_t why);

/** Wait until something may have come back. From the first call on, which does
 *  not wait, record_wake() finds the caller.
 *
 *  - Threads: the one that ends the interpreter, without its GIL.
 *  - Blocks: until record_wake() or record_let_go().
 *  - Returns: false if it may wait no more. */
bool record_linger(struct record *r);

/** record_linger() does not wait from now on. Threads: any. */
void record_let_go(struct record *r);

/** Whether thread @p ident of it waits without a deadline. Threads: any. */
bool record_is_waiting(struct record *r, unsigned long ident);

/** Whether the waits of thread @p w of it are to raise Cancelled. */
bool record_is_stopping(const struct record *r, const struct waiting *w);

/** Let its event loops that sleep look around. Threads: any, with or without a
 *  thread state. */
void record_wake_loops(struct record *r);

/** Its other threads are not there: this is the child of a fork(), and has its
 *  lock. */
void record_is_of_child(struct record *r);

/** Put @p w on the list. Returns: false if it is stopping, unless @p anyway. */
bool record_enter(struct record *r, struct waiting *w, bool anyway);
void record_leave(struct record *r, struct waiting *w);

/** Keep track of an end object, and no more. Threads: with the GIL. */
void record_add_end(struct record *r, struct end_link *link);
void record_drop_end(struct record *r, struct end_link *link);

/** Close every end that is left. Threads: with the GIL. */
void record_close_ends(struct record *r);

#endif
