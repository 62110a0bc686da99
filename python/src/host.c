// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* host.c: threads with interpreters of their own.
 *
 * Life of a host: new; started, or sealed: then it never will be; ended.
 * Life of its thread: make the interpreter; run; publish the result; close the
 * interpreter's ends; let its other threads wait no more; linger; shut the
 * gate; end the interpreter; close "ended".
 *
 * It lingers while others use memory that only its interpreter can release
 * (lend.c). Everything that can be noticed of its end has happened by then:
 * its threads have ended, atexit's functions have run, "ended" is closed. What
 * is left of it has a channel of its own, "gone".
 *
 * Invariants:
 *   H1  interp and record are valid under the gate only; the thread sets
 *       interp to NULL, with its GIL released, before it ends the interpreter
 *       (who holds the gate may be about to use that GIL's eval loop).
 *   H2  A stop that comes before the interpreter exists is not lost: it is
 *       noted under the gate, and host_attach() looks.
 *   H3  running is written by the host's thread, with its GIL, and read by
 *       pending calls of the same interpreter, with the same GIL: Cancelled is
 *       raised in run only, never in the code that ends an interpreter.
 *   H4  Nobody waits for an interpreter's GIL here while he holds another.
 *   H5  a guest's interpreter outlives it: it is a child of that interpreter,
 *       which waits for its children. It unlists itself last of all but the
 *       closing of "ended".
 *   H6  state leaves HOST_NEW once, under the gate. So who has sealed a host
 *       knows that it has no thread, and who finds it started can wait for it.
 * Locks:   hosts_lock, in it a gate (per host), in that a record's lock.
 * Memory:  a host is held by its thread, by pending calls on their way, and by
 *          the objects that stand for it. */
#define _GNU_SOURCE
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include <csp/clock.h>
#include <csp/status.h>

#include "blocking.h"
#include "compat.h"
#include "lend.h"
#include "region.h"

enum { STACK_BYTES = 8 << 20 };

/* How long Python code may take to notice a stop before it is interrupted,
 * at first and at most. */
#define GRACE_NS INT64_C(50000000)
#define MAX_GRACE_NS INT64_C(1000000000)

/* How long other threads of its interpreter leave the call that interrupts a
 * guest to itself: they need a few ms at most to give up the GIL. */
#define LEAVE_NS INT64_C(20000000)

enum host_state { HOST_NEW, HOST_STARTED, HOST_SEALED };

struct host {
    atomic_uint refs;
    struct host *next, *prev; /* guarded by hosts_lock */
    uint64_t id;
    int64_t parent; /* the interpreter that made it */
    char *name;
    bool daemon;
    host_run run;
    csp_value setup, payload;

    pthread_t thread;
    atomic_flag reaped; /* joined or detached */

    pthread_mutex_t gate; /* H1: guards the next four, and result */
    enum host_state state;
    PyInterpreterState *interp;
    struct record *record;
    bool stop_asked, is_guest;
    csp_value result;

    unsigned long ident;             /* of the thread, for Python */
    bool running;                    /* H3 */
    atomic_bool stopping;            /* looked at by a guest's waits */
    atomic_bool called;              /* raise_cancelled() is on its way */
    atomic_int_fast64_t leave_until; /* a csp_time: see LEAVE_NS */
    csp_tx *ended_tx;                /* the thread's */
    csp_rx *ended;
    csp_tx *gone_tx; /* the same if it lingers, or NULL; set before "ended" */
    csp_rx *gone;    /* is closed */
};

static pthread_mutex_t hosts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct host *hosts; /* those that have not ended */
static bool is_shut;       /* guarded by hosts_lock */
static atomic_uint_fast64_t last_id;

static _Thread_local struct host *current;

/* A child of a fork() has the lock as it was, and one thread. */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void
before_fork(void)
{
    pthread_mutex_lock(&hosts_lock);
}

static void
after_fork(void)
{
    pthread_mutex_unlock(&hosts_lock);
}

static void
handle_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

struct host *
host_ref(struct host *h)
{
    atomic_fetch_add(&h->refs, 1);
    return h;
}

void
host_unref(struct host *h)
{
    if (!h || atomic_fetch_sub(&h->refs, 1) != 1)
        return;
    if (!atomic_flag_test_and_set(&h->reaped))
        pthread_detach(h->thread);
    csp_value_unref(&h->setup);
    csp_value_unref(&h->payload);
    csp_value_unref(&h->result);
    csp_tx_unref(h->ended_tx);
    csp_rx_unref(h->ended);
    csp_tx_unref(h->gone_tx);
    csp_rx_unref(h->gone);
    record_unref(h->record);
    pthread_mutex_destroy(&h->gate);
    free(h->name);
    free(h);
}

/* ---- the thread ---- */

static csp_value
text_value(const char *text)
{
    csp_value v;

    if (csp_value_str(text, strlen(text), &v) < 0)
        v = csp_value_none();
    return v;
}

static PyThreadState *
make_interpreter(struct host *h)
{
    PyInterpreterConfig config = {
        .allow_threads = 1,
        .check_multi_interp_extensions = 1,
        .gil = PyInterpreterConfig_OWN_GIL,
    };
    PyThreadState *ts = NULL;
    PyStatus status = Py_NewInterpreterFromConfig(&ts, &config);

    if (PyStatus_Exception(status)) {
        h->result = text_value(status.err_msg ? status.err_msg
                                              : "no interpreter could be made");
        return NULL;
    }
    h->ident = PyThread_get_thread_ident();
    pthread_mutex_lock(&h->gate);
    h->interp = PyThreadState_GetInterpreter(ts);
    pthread_mutex_unlock(&h->gate);
    return ts;
}

static void
run_in_interpreter(struct host *h)
{
    h->running = true;
    csp_value result = h->run(h);
    host_run_ended();
    pthread_mutex_lock(&h->gate);
    h->result = result;
    pthread_mutex_unlock(&h->gate);
}

/* What CPython does at the end of an interpreter, and could be noticed. */
static void
run_exit_functions(void)
{
    PyObject *compat = PyImport_ImportModule("intercsp._compat");
    PyObject *done =
        compat ? PyObject_CallMethod(compat, "run_exit_functions", NULL) : NULL;

    if (!done)
        PyErr_WriteUnraisable(NULL);
    Py_XDECREF(done);
    Py_XDECREF(compat);
}

static void
linger(struct host *h)
{
    if (!lend_is_awaited(h->record))
        return;
    run_exit_functions();
    if (csp_chan_new(1, NULL, &h->gone_tx, &h->gone) < 0)
        return; /* that memory is leaked */
    csp_tx_close(h->ended_tx);
    lend_linger(h->record);
}

static void
end_interpreter(struct host *h, PyThreadState *ts)
{
    struct record *record = h->record;
    int64_t id = PyInterpreterState_GetID(PyThreadState_GetInterpreter(ts));

    if (record) {
        record_close_ends(record);
        record_stop(record); /* its other threads are joined below */
        linger(h);
    }
    Py_BEGIN_ALLOW_THREADS /* H1 */
        pthread_mutex_lock(&h->gate);
    h->interp = NULL;
    pthread_mutex_unlock(&h->gate);
    Py_END_ALLOW_THREADS Py_EndInterpreter(ts);
    region_interpreter_gone(id);
}

static void
unlist(struct host *h)
{
    pthread_mutex_lock(&hosts_lock);
    *(h->prev ? &h->prev->next : &hosts) = h->next;
    if (h->next)
        h->next->prev = h->prev;
    pthread_mutex_unlock(&hosts_lock);
}

static void *
host_main(void *arg)
{
    struct host *h = current = arg;
    PyThreadState *ts = make_interpreter(h);

    if (ts) {
        run_in_interpreter(h);
        end_interpreter(h, ts);
    }
    unlist(h);
    csp_value_unref(&h->payload); /* if run did not get that far */
    csp_tx_close(h->ended_tx);
    if (h->gone_tx)
        csp_tx_close(h->gone_tx);
    host_unref(h);
    return NULL;
}

/* ---- from outside ---- */

struct host *
host_new(host_run run, const char *name, bool daemon)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    pthread_once(&fork_once, handle_forks);
    atomic_init(&h->refs, 1);
    atomic_flag_test_and_set(&h->reaped); /* there is no thread yet */
    pthread_mutex_init(&h->gate, NULL);
    h->id = atomic_fetch_add(&last_id, 1) + 1;
    h->parent = PyInterpreterState_GetID(PyInterpreterState_Get());
    h->name = strdup(name);
    h->daemon = daemon;
    h->run = run;
    if (!h->name || csp_chan_new(1, NULL, &h->ended_tx, &h->ended) < 0) {
        host_unref(h);
        return NULL;
    }
    return h;
}

static int
start_thread(struct host *h)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int error = pthread_create(&h->thread, &attr, host_main, h);
    pthread_attr_destroy(&attr);
    if (error)
        return CSP_EFULL;
    char name[16];
    snprintf(name, sizeof name, "%s", h->name);
    pthread_setname_np(h->thread, name);
    return 0;
}

/* With hosts_lock: whether it may be started. */
static int
may_start(const struct host *h)
{
    return is_shut ? CSP_EINVAL : h->state != HOST_NEW ? CSP_ECLOSED : 0;
}

/* With hosts_lock. */
static void
list_started(struct host *h)
{
    h->state = HOST_STARTED;
    h->prev = NULL;
    h->next = hosts;
    if (hosts)
        hosts->prev = h;
    hosts = h;
}

/* With hosts_lock and gate, which its thread waits for before it ends. */
static int
start_new(struct host *h, csp_value setup, csp_value payload)
{
    int rc = may_start(h);

    if (rc < 0)
        return rc;
    h->setup = setup;
    h->payload = payload;
    rc = start_thread(host_ref(h));
    if (rc < 0) {
        h->setup = h->payload = csp_value_none();
        host_unref(h);
        return rc;
    }
    atomic_flag_clear(&h->reaped);
    list_started(h);
    return 0;
}

int
host_start(struct host *h, csp_value setup, csp_value payload)
{
    pthread_mutex_lock(&hosts_lock);
    pthread_mutex_lock(&h->gate);
    int rc = start_new(h, setup, payload);
    pthread_mutex_unlock(&h->gate);
    pthread_mutex_unlock(&hosts_lock);
    return rc;
}

/* ---- guests ---- */

int
host_start_guest(struct host *h, struct record *record, csp_value payload)
{
    pthread_mutex_lock(&hosts_lock);
    pthread_mutex_lock(&h->gate);
    int rc = may_start(h);
    if (rc == 0) {
        h->is_guest = true;
        h->payload = payload;
        h->record = record_ref(record);
        h->interp = PyInterpreterState_Get();
        list_started(host_ref(h));
    }
    pthread_mutex_unlock(&h->gate);
    pthread_mutex_unlock(&hosts_lock);
    return rc;
}

csp_value
host_unstart_guest(struct host *h)
{
    csp_value payload = host_take_payload(h);

    unlist(h);
    pthread_mutex_lock(&h->gate);
    h->interp = NULL;
    h->state = h->stop_asked ? HOST_SEALED : HOST_NEW;
    if (h->stop_asked)
        csp_tx_close(h->ended_tx);
    record_unref(h->record);
    h->record = NULL;
    pthread_mutex_unlock(&h->gate);
    host_unref(h);
    return payload;
}

int
host_enter_guest(struct host *h)
{
    char name[16];

    current = h;
    if (blocking_become(&h->stopping, h->name) < 0)
        return -1;
    snprintf(name, sizeof name, "%s", h->name);
    pthread_setname_np(pthread_self(), name);
    h->ident = PyThread_get_thread_ident();
    h->running = true;
    return 0;
}

void
host_leave_guest(struct host *h)
{
    host_run_ended();
    blocking_become(NULL, NULL);
    current = NULL;
    Py_BEGIN_ALLOW_THREADS /* H1 */
        pthread_mutex_lock(&h->gate);
    h->interp = NULL;
    pthread_mutex_unlock(&h->gate);
    unlist(h);
    Py_END_ALLOW_THREADS csp_tx_close(h->ended_tx);
    csp_value_unref(&h->payload); /* if it did not get that far */
    h->payload = csp_value_none();
    host_unref(h);
}

bool
host_is_guest(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    bool is_guest = h->is_guest;
    pthread_mutex_unlock(&h->gate);
    return is_guest;
}

/* ---- stopping ---- */

/* With the gate. */
static void
seal_new(struct host *h)
{
    if (h->state != HOST_NEW)
        return;
    h->state = HOST_SEALED;
    csp_tx_close(h->ended_tx);
}

bool
host_seal(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    seal_new(h);
    bool sealed = h->state == HOST_SEALED;
    pthread_mutex_unlock(&h->gate);
    return sealed;
}

bool
host_attach(struct host *h, struct record *record)
{
    pthread_mutex_lock(&h->gate);
    h->record = record_ref(record);
    snprintf(record->process, sizeof record->process, "%s", host_name(h));
    bool go = !h->stop_asked;
    if (!go)
        record_stop(record);
    pthread_mutex_unlock(&h->gate);
    return go;
}

csp_value
host_setup(const struct host *h)
{
    return h->setup;
}

csp_value
host_take_payload(struct host *h)
{
    csp_value v = h->payload;

    h->payload = csp_value_none();
    return v;
}

void
host_stop(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    h->stop_asked = h->stopping = true;
    seal_new(h);
    if (h->record && h->is_guest)
        record_stop_thread(h->record, &h->stopping);
    else if (h->record)
        record_stop(h->record);
    pthread_mutex_unlock(&h->gate);
}

bool
host_is_stopping(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    bool asked = h->stop_asked;
    pthread_mutex_unlock(&h->gate);
    return asked;
}

/* Runs in some thread of the host's interpreter, with its GIL. In the host's
 * own it raises at once: CPython 3.15 loses asynchronous exceptions in a loop
 * around int() of what is no number. So another one leaves it to that for a
 * moment. */
static int
raise_cancelled(void *arg)
{
    struct host *h = arg;
    PyObject *cancelled = h->running && h->record ? h->record->cancelled : NULL;
    bool is_here = h->ident == PyThread_get_thread_ident();

    if (cancelled && !is_here && csp_clock_now() < h->leave_until &&
        compat_add_pending_call(PyInterpreterState_Get(), raise_cancelled, h) ==
            0)
        return 0;
    h->called = false;
    if (cancelled)
        PyThreadState_SetAsyncExc(h->ident, is_here ? NULL : cancelled);
    if (cancelled && is_here) /* in the place of one that was on its way */
        PyErr_SetNone(cancelled);
    host_unref(h);
    return cancelled && is_here ? -1 : 0;
}

/* With the gate. One call at a time: many that have waited for C code to return
 * would all raise, one after the other, in what clears up.
 * Returns: whether one is on its way. */
static bool
call_raise_cancelled(struct host *h)
{
    if (h->called)
        return true;
    h->called = true; /* and the call's reference, before it can run */
    h->leave_until = csp_clock_after(LEAVE_NS);
    if (compat_add_pending_call(h->interp, raise_cancelled, host_ref(h)) == 0)
        return true;
    h->called = false;
    host_unref(h);
    return false;
}

bool
host_interrupt(struct host *h)
{
    bool asked = false;

    pthread_mutex_lock(&h->gate);
    if (h->interp) {
        asked = call_raise_cancelled(h);
        if (h->record) /* a sleeping event loop runs no Python code */
            record_wake_loops(h->record);
    }
    pthread_mutex_unlock(&h->gate);
    return asked;
}

csp_rx *
host_ended(struct host *h)
{
    return h->ended;
}

bool
host_is_new(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    bool is_new = h->state == HOST_NEW;
    pthread_mutex_unlock(&h->gate);
    return is_new;
}

void
host_reap(struct host *h)
{
    if (!h->gone && !atomic_flag_test_and_set(&h->reaped))
        pthread_join(h->thread, NULL);
}

csp_value
host_result(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    csp_value v = csp_value_ref(h->result);
    pthread_mutex_unlock(&h->gate);
    return v;
}

void
host_drop_result(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    csp_value v = h->result;
    h->result = csp_value_none();
    pthread_mutex_unlock(&h->gate);
    csp_value_unref(&v);
}

void
host_run_ended(void)
{
    if (!current)
        return;
    current->running = false;
    PyThreadState_SetAsyncExc(current->ident, NULL); /* one on its way */
}

bool
host_is_waiting(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    bool waiting = h->record && record_is_waiting(h->record, h->ident);
    pthread_mutex_unlock(&h->gate);
    return waiting;
}

const char *
host_name(const struct host *h)
{
    return h->name;
}

uint64_t
host_id(const struct host *h)
{
    return h->id;
}

int64_t
host_parent(const struct host *h)
{
    return h->parent;
}

bool
host_is_daemon(const struct host *h)
{
    return h->daemon;
}

struct host *
host_current(void)
{
    return current;
}

size_t
host_list(struct host **out, size_t room)
{
    size_t n = 0;

    pthread_mutex_lock(&hosts_lock);
    for (struct host *h = hosts; h; h = h->next, n++)
        if (n < room)
            out[n] = host_ref(h);
    pthread_mutex_unlock(&hosts_lock);
    return n;
}

/* ---- the end of the program ---- */

static void
let_go(struct host *h)
{
    pthread_mutex_lock(&h->gate);
    if (h->record && !h->is_guest)
        record_let_go(h->record);
    pthread_mutex_unlock(&h->gate);
}

static void
stop_all(bool interrupt)
{
    pthread_mutex_lock(&hosts_lock);
    is_shut = true;
    for (struct host *h = hosts; h; h = h->next) {
        if (interrupt) {
            host_interrupt(h);
        } else {
            host_stop(h);
            let_go(h);
        }
    }
    pthread_mutex_unlock(&hosts_lock);
}

/* Some host that has not ended, or NULL. */
static struct host *
any_host(void)
{
    pthread_mutex_lock(&hosts_lock);
    struct host *h = hosts ? host_ref(hosts) : NULL;
    pthread_mutex_unlock(&hosts_lock);
    return h;
}

static bool
wait_closed(csp_rx *rx, csp_time moment)
{
    csp_value v;
    int rc;

    do
        rc = csp_rx_recv(rx, &v, moment);
    while (rc == CSP_EINTERRUPTED);
    return rc == CSP_ECLOSED;
}

/* Returns: whether its interpreter was gone before @p moment. */
static bool
wait_end(struct host *h, csp_time moment)
{
    if (!wait_closed(h->ended, moment) ||
        (h->gone && !wait_closed(h->gone, moment)))
        return false;
    if (!atomic_flag_test_and_set(&h->reaped))
        pthread_join(h->thread, NULL);
    return true;
}

bool
host_end_all(int64_t patience_ns)
{
    int64_t grace = GRACE_NS;
    csp_time end = csp_clock_after(patience_ns);
    csp_time next = csp_clock_after(grace);
    struct host *h;

    stop_all(false);
    while ((h = any_host())) {
        bool ended = wait_end(h, next < end ? next : end);
        host_unref(h);
        if (ended) {
            end = csp_clock_after(patience_ns);
        } else if (csp_clock_now() >= end) {
            return false;
        } else {
            stop_all(true);
            grace = grace < MAX_GRACE_NS / 2 ? grace * 2 : MAX_GRACE_NS;
            next = csp_clock_after(grace);
        }
    }
    return true;
}
