// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* blocking.h: around every wait: the thread state off and on, signals, stop.
 *
 * The caller attempts first (CSP_SPIN), with the GIL; only what must really
 * wait comes here. */
#ifndef CORE_BLOCKING_H
#define CORE_BLOCKING_H

#include <csp/clock.h>
#include <csp/value.h>

#include "module.h"

/** So long the thread that runs signal handlers sleeps at most (B3). */
#define BLOCKING_SLICE_NS INT64_C(500000000)

/** One operation of the core that waits until a deadline. */
typedef int (*blocking_op)(void *end, csp_value *v, csp_time deadline);

/** Do @p op without the GIL until it is done, @p deadline passes, a signal
 *  handler raises, or the interpreter is being stopped.
 *
 *  Blocks: until @p deadline.
 *  Returns: the status of @p op; CSP_EINTERRUPTED: an exception is set. */
int blocking_run(core_state *st, blocking_op op, void *end, csp_value *v,
                 csp_time deadline);

/** Seconds as given by a user for @p what.
 *  Returns: 0 and nanoseconds from now in *@p ns, rounded up; INT64_MAX for
 *  inf. -1 with an exception if negative, NaN or no number. */
int blocking_parse_seconds(const char *what, PyObject *seconds, int64_t *ns);

/** The same for a timeout, which may be None (or NULL): for ever. */
int blocking_parse(PyObject *timeout, int64_t *ns);

/** The deadline of a wait of at most @p ns nanoseconds that begins now, inside
 *  of deadline() too. */
csp_time blocking_deadline(core_state *st, int64_t ns);

/** The moment @p ns nanoseconds from now. */
csp_time blocking_after(int64_t ns);

/** This thread's waits raise Cancelled once *@p stop is set, and are in the
 * name of the process @p name; NULL: no more. Both must last until then.
 *  Threads: with a GIL. Returns: 0; -1 with an exception. */
int blocking_become(const atomic_bool *stop, const char *name);

/** The flag that this thread was given so, or NULL. */
const atomic_bool *blocking_stop_flag(void);

/** In whose name a thread waits. */
struct blocking_thread {
    int64_t interpreter;
    char process[64]; /* empty: in none */
};

/** What is known of the thread with the system's number @p native.
 *  Threads: any. Returns: false if it is unknown. */
bool blocking_find_thread(uint64_t native, struct blocking_thread *out);

/** A blocking_op: receives from @p rx, a csp_rx. */
int blocking_recv(void *rx, csp_value *v, csp_time deadline);

/** How many waits have ended with success in this process. */
uint64_t blocking_activity(void);

#endif
