// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* host.h: a thread with an interpreter of its own: start, run, stop, end.
 *
 * The one place that makes and ends interpreters. A host is counted; it
 * outlives its thread, so that the result can be fetched. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <Python.h>

#include <csp/chan.h>

#include "record.h"

struct host;

/** What the thread does in its interpreter, with the GIL.
 *  Returns: the result; its reference passes. */
typedef csp_value (*host_run)(struct host *h);

struct host_job {
    host_run run;
    const char *name; /* copied */
    bool daemon;
    csp_value setup, payload; /* for run; the references pass */
};

/** Start a thread that makes an interpreter and runs @p job in it.
 *
 *  - Owns: *@p out is a new reference. The job's values pass on success and
 *    stay with the caller on failure.
 *  - Threads: any. Does not wait for the interpreter.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL: no more may be started (host_shut);
 *    CSP_EFULL: the system refuses another thread. */
int host_start(const struct host_job *job, struct host **out);

struct host *host_ref(struct host *h);
void host_unref(struct host *h);

/** Called by run as soon as the interpreter's record exists.
 *  Returns: false if it was asked to stop before that. */
bool host_attach(struct host *h, struct record *record);

/** The values of its job, for run: borrowed; payload is taken: NONE later. */
csp_value host_setup(const struct host *h);
csp_value host_take_payload(struct host *h);

/** Ask it to stop: its waits raise Cancelled from now on. Threads: any. */
void host_stop(struct host *h);

/** Raise Cancelled in the Python code that it runs, asynchronously, if it runs
 *  any. May be repeated. Threads: any.
 *  Returns: false if that cannot be asked for now. */
bool host_interrupt(struct host *h);

/** A channel that closes when the host has ended; nothing is ever sent on it.
 *  Borrowed. */
csp_rx *host_ended(struct host *h);

/** Wait for the last instructions of a thread whose end was seen. */
void host_reap(struct host *h);

/** The result of a host that has ended: a new reference; NONE if there is
 *  none, or it was dropped. */
csp_value host_result(struct host *h);

/** Let go of the result. */
void host_drop_result(struct host *h);

/** In a host's thread, with its GIL: what was to be run has ended, so
 *  host_interrupt() raises nothing in it any more. */
void host_run_ended(void);

/** Whether its thread waits without a deadline. Threads: any. */
bool host_is_waiting(struct host *h);

const char *host_name(const struct host *h);
uint64_t host_id(const struct host *h);
bool host_is_daemon(const struct host *h);

/** The host whose thread this is; borrowed; NULL in other threads. */
struct host *host_current(void);

/** New references to the hosts that have not ended, at most @p room.
 *  Returns: how many there are. */
size_t host_list(struct host **out, size_t room);

/** No further host may be started. */
void host_shut(void);

#endif
