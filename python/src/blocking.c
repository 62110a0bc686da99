// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* blocking.c: waits of Python threads.
 *
 * Invariants:
 *   B1  PyEval_RestoreThread() may never return (the runtime or interpreter is
 *       finalizing). So nothing is listed or locked when it is called: the
 *       operation has ended, the thread is off its record's list.
 *   B2  A result that was won is returned, whatever else has happened.
 *   B3  Signals are handled by the main thread of the main interpreter only.
 *       A thread whose wait is interrupted pokes it; as a handler may run
 *       elsewhere, or just before the sleep, that one thread also sleeps in
 *       slices; in an event loop, signals wake it (loop.c).
 *
 * Process-wide state: main_token, n_activity, all_waiting; thread-local: this
 * thread's struct waiting, freed by a key when the thread ends. */
#include "blocking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <csp/status.h>

#include "lend.h"

static _Thread_local struct waiting *mine;
static pthread_key_t free_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;

/* Of the thread that runs signal handlers, while it waits. */
static pthread_mutex_t main_lock = PTHREAD_MUTEX_INITIALIZER;
static csp_cancel *main_token; /* guarded by main_lock */

/* Of the main interpreter, which alone can fork; held for good. */
static struct record *main_record;

static atomic_uint_fast64_t n_activity;

/* Every thread that has waited: who waits is asked for by its number. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *all_waiting; /* guarded by all_lock */

static void
list_thread(struct waiting *w)
{
    w->native = PyThread_get_thread_native_id();
    pthread_mutex_lock(&all_lock);
    w->all_next = all_waiting;
    if (w->all_next)
        w->all_next->all_prev = w;
    all_waiting = w;
    pthread_mutex_unlock(&all_lock);
}

static void
unlist_thread(struct waiting *w)
{
    pthread_mutex_lock(&all_lock);
    *(w->all_prev ? &w->all_prev->all_next : &all_waiting) = w->all_next;
    if (w->all_next)
        w->all_next->all_prev = w->all_prev;
    pthread_mutex_unlock(&all_lock);
}

/* The thread waits for the interpreter of @p r from now on. */
static void
note_interpreter(struct waiting *w, const struct record *r)
{
    if (w->of == r && w->interpreter == r->interpreter)
        return;
    const char *name = w->name ? w->name : r->process;
    pthread_mutex_lock(&all_lock);
    w->of = r;
    w->interpreter = r->interpreter;
    snprintf(w->process, sizeof w->process, "%s", name);
    pthread_mutex_unlock(&all_lock);
}

bool
blocking_find_thread(uint64_t native, struct blocking_thread *out)
{
    pthread_mutex_lock(&all_lock);
    struct waiting *w = all_waiting;
    while (w && w->native != native)
        w = w->all_next;
    if (w) {
        out->interpreter = w->interpreter;
        memcpy(out->process, w->process, sizeof out->process);
    }
    pthread_mutex_unlock(&all_lock);
    return w != NULL;
}

static void
free_waiting(void *p)
{
    struct waiting *w = p;

    unlist_thread(w);
    csp_cancel_unref(w->token);
    free(w);
    mine = NULL;
}

/* A child has the locks as they were, and one thread. */
static void
before_fork(void)
{
    pthread_mutex_lock(&main_lock);
    pthread_mutex_lock(&all_lock);
    if (main_record)
        pthread_mutex_lock(&main_record->lock);
}

static void
parent(void)
{
    if (main_record)
        pthread_mutex_unlock(&main_record->lock);
    pthread_mutex_unlock(&all_lock);
    pthread_mutex_unlock(&main_lock);
}

static void
child(void)
{
    if (main_record)
        record_is_of_child(main_record);
    main_token = NULL;
    all_waiting = mine;
    if (mine) {
        mine->all_next = mine->all_prev = NULL;
        mine->native = PyThread_get_thread_native_id();
    }
    parent();
}

static void
make_key(void)
{
    have_key = pthread_atfork(before_fork, parent, child) == 0 &&
               pthread_key_create(&free_key, free_waiting) == 0;
}

static struct waiting *
this_thread(void)
{
    if (mine)
        return mine;
    pthread_once(&once, make_key);
    struct waiting *w = have_key ? calloc(1, sizeof *w) : NULL;
    if (!w || csp_cancel_new(&w->token) < 0 ||
        pthread_setspecific(free_key, w) != 0) {
        if (w)
            csp_cancel_unref(w->token);
        free(w);
        return (struct waiting *)PyErr_NoMemory();
    }
    w->thread = PyThread_get_thread_ident();
    list_thread(w);
    return mine = w;
}

int
blocking_become(const atomic_bool *stop, const char *name)
{
    struct waiting *me = this_thread();

    if (!me)
        return -1;
    me->stop = stop;
    me->name = name;
    me->of = NULL; /* so that the name is looked at again */
    return 0;
}

const atomic_bool *
blocking_stop_flag(void)
{
    return mine ? mine->stop : NULL;
}

static void
set_main_token(csp_cancel *token)
{
    pthread_mutex_lock(&main_lock);
    main_token = token;
    pthread_mutex_unlock(&main_lock);
}

/* A handler ran in a thread that is not the one to act on it. */
static void
poke_main_thread(void)
{
    pthread_mutex_lock(&main_lock);
    if (main_token)
        csp_cancel_request(main_token, WHY_SIGNAL);
    pthread_mutex_unlock(&main_lock);
}

/* One try without the GIL. */
static int
wait_once(core_state *st, struct waiting *me, bool is_main, blocking_op op,
          void *end, csp_value *v, csp_time deadline)
{
    me->for_ever = deadline == CSP_FOREVER;
    note_interpreter(me, st->record);
    if (!record_enter(st->record, me, false))
        return CSP_ECANCELLED;
    if (is_main) {
        csp_time slice = csp_clock_after(BLOCKING_SLICE_NS);
        if (slice < deadline)
            deadline = slice;
        set_main_token(me->token);
    }
    PyThreadState *ts = PyEval_SaveThread();
    csp_cancel *was = csp_cancel_attach(me->token);
    int rc = op(end, v, deadline);
    csp_cancel_attach(was);
    if (is_main)
        set_main_token(NULL);
    else if (rc == CSP_EINTERRUPTED)
        poke_main_thread();
    record_leave(st->record, me);
    PyEval_RestoreThread(ts); /* B1 */
    lend_drain(st);
    return rc;
}

/* A thread beside the main one waits, maybe for ever: see to it that somebody
 * looks when the program ends. */
static void
register_exit(core_state *st)
{
    st->exit_known = true;
    PyObject *exit = PyImport_ImportModule("intercsp._exit");
    PyObject *done =
        exit ? PyObject_CallMethod(exit, "watch_threads", NULL) : NULL;
    if (!done) /* it is ending already */
        PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(exit);
}

int
blocking_recv(void *rx, csp_value *v, csp_time deadline)
{
    return csp_rx_recv(rx, v, deadline);
}

int
blocking_run(core_state *st, blocking_op op, void *end, csp_value *v,
             csp_time deadline)
{
    struct waiting *me = this_thread();

    if (!me)
        return CSP_EINTERRUPTED;
    bool is_main = st->main_thread && st->main_thread == me->thread;
    if (st->main_thread && !is_main && !st->exit_known)
        register_exit(st);
    for (;;) {
        int rc = wait_once(st, me, is_main, op, end, v, deadline);
        if (rc != CSP_ECANCELLED && rc != CSP_EINTERRUPTED &&
            rc != CSP_ETIMEOUT) {
            atomic_fetch_add(&n_activity, 1);
            return rc; /* B2 */
        }
        if (rc == CSP_ECANCELLED)
            csp_cancel_take(me->token);
        if (PyErr_CheckSignals() < 0)
            return CSP_EINTERRUPTED;
        if (rc == CSP_ETIMEOUT && csp_clock_now() >= deadline)
            return rc;
        if (record_is_stopping(st->record, me)) { /* for good: late will do */
            errors_raise(st, CSP_ECANCELLED, NULL);
            return CSP_EINTERRUPTED;
        }
    }
}

int
blocking_parse_seconds(const char *what, PyObject *seconds, int64_t *ns)
{
    double s = PyFloat_AsDouble(seconds);

    if (s == -1.0 && PyErr_Occurred() &&
        PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear(); /* an int beyond all floats */
        s = PyObject_RichCompareBool(seconds, Py_False, Py_LT) ? -1 : INFINITY;
    } else if (s == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError,
                         "%s must be seconds as a number%s, not '%.200s'", what,
                         strcmp(what, "timeout") == 0 ? " or None" : "",
                         Py_TYPE(seconds)->tp_name);
        return -1;
    }
    if (isnan(s) || s < 0) {
        PyErr_Format(PyExc_ValueError, "%s must not be negative or NaN", what);
        return -1;
    }
    double exact = ceil(s * 1e9);
    *ns = exact < 9.2e18 ? (int64_t)exact : INT64_MAX;
    return 0;
}

int
blocking_parse(PyObject *timeout, int64_t *ns)
{
    *ns = INT64_MAX;
    if (!timeout || timeout == Py_None)
        return 0;
    return blocking_parse_seconds("timeout", timeout, ns);
}

csp_time
blocking_after(int64_t ns)
{
    return ns == 0           ? CSP_NOWAIT
           : ns == INT64_MAX ? CSP_FOREVER
                             : csp_clock_after(ns);
}

/* The moment that deadline() has set in this context. */
static csp_time
moment_of_context(core_state *st)
{
    PyObject *set = NULL;
    csp_time moment = CSP_FOREVER;

    if (PyContextVar_Get(st->deadline_var, NULL, &set) < 0)
        PyErr_Clear();
    if (set)
        moment = PyLong_AsLongLong(set);
    if (moment == -1 && PyErr_Occurred())
        PyErr_Clear();
    Py_XDECREF(set);
    return moment;
}

csp_time
blocking_deadline(core_state *st, int64_t ns)
{
    csp_time own = blocking_after(ns), set = moment_of_context(st);

    return set < own ? set : own;
}

PyDoc_STRVAR(moment_doc,
             "moment($module, seconds, /)\n--\n\n"
             "The time of the monotonic clock in so many seconds, in "
             "nanoseconds; a number\nbeyond all others for None.");

static PyObject *
moment(PyObject *Py_UNUSED(module), PyObject *seconds)
{
    int64_t ns = INT64_MAX;

    if (seconds != Py_None &&
        blocking_parse_seconds("a deadline", seconds, &ns) < 0)
        return NULL;
    return PyLong_FromLongLong(blocking_after(ns));
}

int
blocking_exec(PyObject *module, core_state *st)
{
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        record_unref(main_record);
        main_record = record_ref(st->record);
    }
    st->deadline_var = PyContextVar_New("intercsp.deadline", NULL);
    return st->deadline_var
               ? PyModule_AddObjectRef(module, "deadline_var", st->deadline_var)
               : -1;
}

PyMethodDef blocking_functions[] = {{"moment", moment, METH_O, moment_doc},
                                    {0}};

uint64_t
blocking_activity(void)
{
    return atomic_load(&n_activity);
}
