// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* host.h: a thread with an interpreter of its own: start, run, stop, end.
 *
 * The one place that makes and ends interpreters. A host is counted; it
 * outlives its thread, so that the result can be fetched.
 *
 * A host can also stand for a guest: a thread of the interpreter that is there
 * already, which somebody else makes. It is stopped and waited for alike. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <Python.h>

#include <csp/chan.h>

#include "record.h"

struct host;

/** What the thread does in its interpreter, with the GIL.
 *  Returns: the result; its reference passes. */
typedef csp_value (*host_run)(struct host *h);

/** A host for a thread that makes an interpreter and runs @p run in it.
 *
 *  - Owns: @p name is copied. A new reference.
 *  - Threads: with a GIL.
 *  - Returns: NULL if there is no memory; no exception is set. */
struct host *host_new(host_run run, const char *name, bool daemon);

/** Start its thread.
 *
 *  - Owns: the values pass on success and stay with the caller on failure.
 *  - Threads: any. Does not wait for the interpreter.
 *  - Returns: 0; CSP_ECLOSED: it was started, sealed or stopped before;
 *    CSP_EINVAL: no more may be started (host_end_all);
 *    CSP_EFULL: the system refuses another thread. */
int host_start(struct host *h, csp_value setup, csp_value payload);

/** A thread of this interpreter is about to be made as its guest, which is
 *  given @p payload.
 *
 *  - Owns: @p payload passes on success.
 *  - Threads: with the GIL of the interpreter of @p record.
 *  - Returns: as host_start(). */
int host_start_guest(struct host *h, struct record *record, csp_value payload);

/** That thread could not be made: nothing has changed.
 *  Returns: the payload, which passes. */
csp_value host_unstart_guest(struct host *h);

/** In that thread, with the GIL: it begins, or has ended. Between these it is
 *  the host's thread.
 *  Returns: 0; -1 with an exception: it must end at once. */
int host_enter_guest(struct host *h);
void host_leave_guest(struct host *h);

/** Let it never be started, unless it was. Threads: any.
 *  Returns: whether it never will be. */
bool host_seal(struct host *h);

/** Whether it has a guest, and no interpreter of its own. */
bool host_is_guest(struct host *h);

/** Whether it was neither started nor sealed. */
bool host_is_new(struct host *h);

struct host *host_ref(struct host *h);
void host_unref(struct host *h);

/** Called by run as soon as the interpreter's record exists.
 *  Returns: false if it was asked to stop before that. */
bool host_attach(struct host *h, struct record *record);

/** The values of its job, for run: borrowed; payload is taken: NONE later. */
csp_value host_setup(const struct host *h);
csp_value host_take_payload(struct host *h);

/** Ask it to stop: its waits raise Cancelled from now on; what was not started
 *  is sealed. Threads: any. */
void host_stop(struct host *h);

/** Whether it was asked to stop. Threads: any. */
bool host_is_stopping(struct host *h);

/** Raise Cancelled in the Python code that it runs, asynchronously, if it runs
 *  any. May be repeated. Threads: any.
 *  Returns: false if that cannot be asked for now. */
bool host_interrupt(struct host *h);

/** A channel that closes when the host has ended, or is sealed; nothing is
 *  ever sent on it. Borrowed. */
csp_rx *host_ended(struct host *h);

/** Wait for the last instructions of a thread whose end was seen, unless its
 *  interpreter lingers. */
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

/** The number of the interpreter that made it. */
int64_t host_parent(const struct host *h);
bool host_is_daemon(const struct host *h);

/** The host whose thread this is; borrowed; NULL in other threads. */
struct host *host_current(void);

/** New references to the hosts that have not ended, or whose interpreter
 *  lingers, at most @p room. Returns: how many there are. */
size_t host_list(struct host **out, size_t room);

/** Let nobody start hosts any more, stop all, and wait for their end. What
 *  computes is interrupted after a short grace, again and again.
 *
 *  - Threads: any, without a thread state. Signals do not end it.
 *  - Blocks: until all have ended, or none has for @p patience_ns.
 *  - Returns: whether all have. */
bool host_end_all(int64_t patience_ns);

#endif
