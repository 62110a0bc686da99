// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* lend.c: pins, and the visitor that has them released.
 *
 * A pin keeps an object while values refer to its memory. Where the last such
 * reference goes, perhaps in another interpreter, the pin is queued for its
 * owner (csp/owner.h), who is told: a thread of it that waits in an operation
 * of ours is woken; if there is none, the *visitor* comes, a thread that
 * attaches itself to the interpreter for as long as it takes to release. An
 * interpreter of ours that is to end while others refer to its memory *lingers*
 * in its thread until they do not; docs/design/values.md has the protocol.
 *
 * Invariants:
 *   P1  An object is released with the GIL of its interpreter, or, once the
 *       interpreter has ended, by whoever drops the last reference, if its
 *       memory is a block of its own from malloc (compat_is_block) and nobody
 *       else referred to it then. Otherwise it is leaked.
 *   P2  Whoever queues a pin sees prodded unset and wakes a thread or asks for
 *       a visit, or sees it set by somebody who does, with no drain since.
 *   P3  The visitor attaches under the gate. Who shuts it has let go of the
 *       GIL, so neither waits for the other; afterwards nobody attaches.
 *   P4  Nothing of Python is touched under visits_lock.
 * Memory:  pins are linked from their interpreter's record, under its GIL. The
 *          owner's queue holds a reference to the record. */
#include "lend.h"

#include <stdlib.h>
#include <time.h>

#include <csp/owner.h>
#include <csp/status.h>

#include "compat.h"
#include "open.h"

enum {
    BATCH_NS = 1000000, /* a visit waits for more to come, or for the owner */
    VISITOR_IDLE_NS = 20000000 /* then the visitor's thread ends */
};

struct pin {
    struct pin_link link; /* first: see leave_pins() */
    PyObject *obj;
    bool is_ours; /* P1: the interpreter has ended, and left it to us */
};

/* ---- visits ---- */

static pthread_mutex_t visits_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t visits_asked = PTHREAD_COND_INITIALIZER;
static struct record *visits; /* first to last; each with a reference */
static struct record **visits_end = &visits;
static bool have_visitor;

static pthread_once_t watched = PTHREAD_ONCE_INIT;

static void
before_fork(void)
{
    pthread_mutex_lock(&visits_lock);
}

static void
parent(void)
{
    pthread_mutex_unlock(&visits_lock);
}

/* The visitor has stayed with the parent. */
static void
child(void)
{
    have_visitor = false;
    parent();
}

static void
watch_forks(void)
{
    pthread_atfork(before_fork, parent, child);
}

/* With the GIL of the record's interpreter. */
static void
release_there(void *arg)
{
    struct record *r = arg;

    atomic_store(&r->prodded, false);
    if (r->owner)
        csp_owner_drain(r->owner);
}

static void
visit(struct record *r)
{
    pthread_mutex_lock(&r->gate);
    if (r->may_attach && atomic_load(&r->prodded))
        compat_in_interpreter(r->interp, r->view, release_there, r);
    pthread_mutex_unlock(&r->gate);
    record_unref(r);
}

/* The next to be visited; NULL: there has been none for a while. */
static struct record *
next_visit(void)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += VISITOR_IDLE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&visits_lock);
    while (!visits && rc == 0)
        rc = pthread_cond_timedwait(&visits_asked, &visits_lock, &until);
    struct record *r = visits;
    if (r) {
        visits = r->next_visit;
        if (!visits)
            visits_end = &visits;
        r->is_to_be_visited = false;
    } else {
        have_visitor = false;
    }
    pthread_mutex_unlock(&visits_lock);
    return r;
}

static void *
visitor(void *unused)
{
    struct timespec batch = {0, BATCH_NS};
    struct record *r;

    while ((r = next_visit())) {
        nanosleep(&batch, NULL);
        visit(r);
    }
    return unused;
}

static void
ask_for_visit(struct record *r)
{
    pthread_t thread;

    pthread_mutex_lock(&visits_lock);
    if (!r->is_to_be_visited) {
        r->is_to_be_visited = true;
        r->next_visit = NULL;
        *visits_end = record_ref(r);
        visits_end = &r->next_visit;
    }
    if (have_visitor) {
        pthread_cond_signal(&visits_asked);
    } else if (pthread_create(&thread, NULL, visitor, NULL) == 0) {
        pthread_detach(thread);
        have_visitor = true; /* if not: the next one who asks tries again */
    }
    pthread_mutex_unlock(&visits_lock);
}

/* ---- callbacks of the owner's queue ---- */

static void
prod(void *arg)
{
    struct record *r = arg;

    if (!atomic_exchange(&r->prodded, true) && !record_wake(r, WHY_RELEASES))
        ask_for_visit(r);
}

static void
orphan(void *Py_UNUSED(arg), void *pin)
{
    struct pin *p = pin;

    if (p->is_ours)
        compat_free_block(p->obj);
    free(p);
}

static void
done(void *record)
{
    record_unref(record);
}

/* ---- pins ---- */

/* In the owner's drain, with its GIL. */
static void
release(void *pin)
{
    struct pin *p = pin;

    p->link.prev->next = p->link.next;
    p->link.next->prev = p->link.prev;
    Py_DECREF(p->obj);
    free(p);
}

static void
leave_region(void *region)
{
    region_unref(region);
}

int
lend(core_state *st, PyObject *obj, const void *data, size_t size,
     unsigned flags, csp_value *out)
{
    struct record *r = st->record;

    struct region *frozen = st->opened ? open_find(st, data) : NULL;
    if (frozen) { /* no interpreter's memory */
        region_ref(frozen);
        int rc = csp_value_buffer(data, size, flags, leave_region, frozen, out);
        if (rc < 0)
            region_unref(frozen);
        return rc;
    }
    if (!r->owner)
        return CSP_ECLOSED;
    struct pin *p = malloc(sizeof *p);
    if (!p)
        return CSP_ENOMEM;
    int rc = csp_owner_buffer(r->owner, data, size, flags, release, p, out);
    if (rc < 0) {
        free(p);
        return rc;
    }
    p->is_ours = false;
    p->obj = Py_NewRef(obj);
    p->link.prev = &r->pins;
    p->link.next = r->pins.next;
    p->link.next->prev = r->pins.next = &p->link;
    return 0;
}

void
lend_drain(core_state *st)
{
    if (atomic_load_explicit(&st->record->prodded, memory_order_relaxed))
        release_there(st->record);
}

/* ---- beginning and end ---- */

int
lend_exec(PyObject *module, core_state *st)
{
    csp_owner_opts opts = {.size = sizeof opts,
                           .prod = prod,
                           .orphan = orphan,
                           .done = done,
                           .arg = st->record};
    struct record *r = st->record;

    pthread_once(&watched, watch_forks);
    if (csp_owner_new(&opts, &r->owner) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    record_ref(r); /* the owner's, until done() */
    r->interp = PyInterpreterState_Get();
    if (compat_view_init(&r->view) < 0)
        return -1;
    r->may_attach = true;
    /* atexit: before CPython says that the interpreter is finalizing */
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *function =
        PyCFunction_New(&lend_functions[0], module); /* shut_gate() */
    PyObject *done_so =
        atexit && function
            ? PyObject_CallMethod(atexit, "register", "O", function)
            : NULL;
    Py_XDECREF(done_so);
    Py_XDECREF(function);
    Py_XDECREF(atexit);
    return done_so ? 0 : -1;
}

static void
shut_gate(struct record *r)
{
    PyThreadState *ts = PyEval_SaveThread(); /* P3 */

    pthread_mutex_lock(&r->gate);
    r->may_attach = false;
    pthread_mutex_unlock(&r->gate);
    PyEval_RestoreThread(ts);
}

bool
lend_is_awaited(struct record *r)
{
    if (!r->owner)
        return false;
    release_there(r);
    for (struct pin_link *l = r->pins.next; l != &r->pins; l = l->next)
        if (!compat_is_block(((struct pin *)(void *)l)->obj))
            return true;
    return false;
}

void
lend_linger(struct record *r)
{
    bool may;

    shut_gate(r); /* from now on nobody else drains */
    do {
        Py_BEGIN_ALLOW_THREADS may = record_linger(r);
        Py_END_ALLOW_THREADS
    } while (lend_is_awaited(r) && may);
}

/* What nobody here refers to any more can do without the interpreter. */
static void
leave_pins(struct record *r)
{
    for (struct pin_link *l = r->pins.next; l != &r->pins; l = l->next) {
        struct pin *p = (struct pin *)(void *)l;
        if (compat_is_block(p->obj)) {
            compat_disown_block();
            p->is_ours = true;
        }
    }
    r->pins.next = r->pins.prev = &r->pins;
}

void
lend_close(struct record *r)
{
    csp_owner *owner = r->owner;

    if (!owner)
        return;
    shut_gate(r);
    csp_owner_drain(owner);
    leave_pins(r);
    r->owner = NULL;
    csp_owner_close(owner);
    csp_owner_unref(owner);
}

PyDoc_STRVAR(shut_gate_doc, "shut_gate($module, /)\n--\n\n"
                            "This interpreter begins to end: no other thread "
                            "attaches itself to it.");

static PyObject *
module_shut_gate(PyObject *module, PyObject *Py_UNUSED(unused))
{
    shut_gate(core_state_of(module)->record);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(lent_doc, "lent($module, /)\n--\n\n"
                       "What this interpreter has lent: {'lent', 'released', "
                       "'orphaned'}; for tests.");

static PyObject *
lent(PyObject *module, PyObject *Py_UNUSED(unused))
{
    csp_owner_counters c = {.size = sizeof c};
    core_state *st = core_state_of(module);

    lend_drain(st);
    if (st->record->owner)
        csp_owner_count(st->record->owner, &c);
    return Py_BuildValue("{sKsKsK}", "lent", (unsigned long long)c.lent,
                         "released", (unsigned long long)c.released, "orphaned",
                         (unsigned long long)c.orphaned);
}

PyMethodDef lend_functions[] = {
    {"shut_gate", module_shut_gate, METH_NOARGS, shut_gate_doc},
    {"lent", lent, METH_NOARGS, lent_doc},
    {0}};
