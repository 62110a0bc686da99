// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* host.c: threads with interpreters of their own.
 *
 * Life of a host's thread: make the interpreter; run; publish the result;
 * close the interpreter's ends; let its other threads wait no more; shut the
 * gate; end the interpreter; close "ended".
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
 * Locks:   gate (per host), hosts_lock; a record's lock nests in a gate.
 * Memory:  a host is held by its thread, by pending calls on their way, and by
 *          the objects that stand for it. */
#define _GNU_SOURCE
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "compat.h"

enum { STACK_BYTES = 8 << 20 };

struct host {
    atomic_uint refs;
    struct host *next, *prev; /* guarded by hosts_lock */
    uint64_t id;
    char *name;
    bool daemon;
    host_run run;
    csp_value setup, payload;

    pthread_t thread;
    atomic_flag reaped; /* joined or detached */

    pthread_mutex_t gate; /* H1: guards the next three, and result */
    PyInterpreterState *interp;
    struct record *record;
    bool stop_asked;
    csp_value result;

    unsigned long ident; /* of the thread, for Python */
    bool running;        /* H3 */
    csp_tx *ended_tx;    /* the thread's */
    csp_rx *ended;
};

static pthread_mutex_t hosts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct host *hosts; /* those that have not ended */
static uint64_t last_id;   /* guarded by hosts_lock */
static bool is_shut;       /* guarded by hosts_lock */

static _Thread_local struct host *current;

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

static void
end_interpreter(struct host *h, PyThreadState *ts)
{
    struct record *record = h->record;

    if (record) {
        record_close_ends(record);
        record_stop(record); /* its other threads are joined below */
    }
    Py_BEGIN_ALLOW_THREADS /* H1 */
        pthread_mutex_lock(&h->gate);
    h->interp = NULL;
    pthread_mutex_unlock(&h->gate);
    Py_END_ALLOW_THREADS Py_EndInterpreter(ts);
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
    host_unref(h);
    return NULL;
}

/* ---- from outside ---- */

static struct host *
host_new(const struct host_job *job)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    atomic_init(&h->refs, 2); /* the caller, the thread */
    pthread_mutex_init(&h->gate, NULL);
    h->name = strdup(job->name);
    h->daemon = job->daemon;
    h->run = job->run;
    if (!h->name || csp_chan_new(1, NULL, &h->ended_tx, &h->ended) < 0) {
        atomic_flag_test_and_set(&h->reaped);
        atomic_init(&h->refs, 1);
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

int
host_start(const struct host_job *job, struct host **out)
{
    struct host *h = host_new(job);
    int rc = CSP_EINVAL;

    if (!h)
        return CSP_ENOMEM;
    h->setup = job->setup;
    h->payload = job->payload;
    pthread_mutex_lock(&hosts_lock);
    if (!is_shut) {
        h->id = ++last_id;
        if ((rc = start_thread(h)) == 0) { /* it waits for this lock to end */
            h->next = hosts;
            if (hosts)
                hosts->prev = h;
            hosts = h;
        }
    }
    pthread_mutex_unlock(&hosts_lock);
    if (rc == 0) {
        *out = h;
        return 0;
    }
    h->setup = h->payload = csp_value_none();
    atomic_flag_test_and_set(&h->reaped);
    atomic_store(&h->refs, 1);
    host_unref(h);
    return rc;
}

bool
host_attach(struct host *h, struct record *record)
{
    pthread_mutex_lock(&h->gate);
    h->record = record_ref(record);
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
    h->stop_asked = true;
    if (h->record)
        record_stop(h->record);
    pthread_mutex_unlock(&h->gate);
}

/* Runs in some thread of the host's interpreter, with its GIL. */
static int
raise_cancelled(void *arg)
{
    struct host *h = arg;

    if (h->running && h->record && h->record->cancelled)
        PyThreadState_SetAsyncExc(h->ident, h->record->cancelled);
    host_unref(h);
    return 0;
}

bool
host_interrupt(struct host *h)
{
    bool asked = false, pending = false;

    pthread_mutex_lock(&h->gate);
    if (h->interp) {
        pending = true; /* the call's reference, before it can run */
        host_ref(h);
        asked = compat_add_pending_call(h->interp, raise_cancelled, h) == 0;
    }
    pthread_mutex_unlock(&h->gate);
    if (!asked && pending)
        host_unref(h);
    return asked;
}

csp_rx *
host_ended(struct host *h)
{
    return h->ended;
}

void
host_reap(struct host *h)
{
    if (!atomic_flag_test_and_set(&h->reaped))
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

void
host_shut(void)
{
    pthread_mutex_lock(&hosts_lock);
    is_shut = true;
    pthread_mutex_unlock(&hosts_lock);
}
