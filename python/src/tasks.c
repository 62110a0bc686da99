// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tasks.c: the queue between a pool and its workers.
 *
 * A channel wakes its receivers in the order they came. A pool wants the one
 * that was busy last, which is still spinning: it costs no call of the system,
 * and the others may sleep. So this is a list under a lock.
 *
 * Invariants:
 *   Q1  Of n items on the list, the first "spinning" ones have a worker that
 *       will look again before it sleeps; for each further one, as it is put,
 *       a sleeper is woken, if there is one. So no item is overlooked.
 *   Q2  idle counts who has found nothing and has not got anything since, and
 *       who has done a task and has not looked yet: with idle < count, another
 *       worker would have something to do.
 *   Q3  Nothing is listed or locked while a GIL is taken. */
#define _GNU_SOURCE /* PTHREAD_MUTEX_ADAPTIVE_NP */
#include <stdlib.h>

#include <csp/status.h>

#include "blocking.h"
#include "compat.h"
#include "ends.h"
#include "sleeper.h"
#include "task.h"

struct entry {
    struct entry *next;
    csp_value v;
};

struct tasks {
    csp_handle head;
    pthread_mutex_t lock; /* guards the rest */
    struct entry *first, **last;
    atomic_size_t count; /* read without the lock by who spins */
    atomic_bool closed;
    size_t spinning, idle;
    struct sleeper *sleepers; /* the last to come is the first */
};

/* ---- the list ---- */

static void
free_entries(struct entry *e)
{
    while (e) {
        struct entry *next = e->next;
        csp_value_unref(&e->v);
        free(e);
        e = next;
    }
}

static void
tasks_release(csp_handle *h)
{
    struct tasks *q = (struct tasks *)h;

    free_entries(q->first);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static const csp_handle_type tasks_handle_type = {.size =
                                                      sizeof tasks_handle_type,
                                                  .name = "queue of tasks",
                                                  .release = tasks_release};

void *
tasks_from_handle(csp_handle *h)
{
    return h && h->type == &tasks_handle_type ? h : NULL;
}

static struct tasks *
tasks_new(void)
{
    struct tasks *q = calloc(1, sizeof *q);
    pthread_mutexattr_t attr;

    if (!q)
        return NULL;
    csp_handle_init(&q->head, &tasks_handle_type);
    pthread_mutexattr_init(&attr);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(&q->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    q->last = &q->first;
    return q;
}

/* With the lock, as all below. */
static void
append(struct tasks *q, struct entry *e)
{
    e->next = NULL;
    *q->last = e;
    q->last = &e->next;
    if (++q->count > q->spinning)
        sleeper_wake(&q->sleepers);
}

/* Returns: 0, CSP_EEMPTY, CSP_ECLOSED. */
static int
take(struct tasks *q, struct entry **out)
{
    struct entry *e = q->first;

    if (!e)
        return q->closed ? CSP_ECLOSED : CSP_EEMPTY;
    q->first = e->next;
    if (!q->first)
        q->last = &q->first;
    q->count--;
    *out = e;
    return 0;
}

/* ---- putting ---- */

static struct tasks *
tasks_of(PyObject *op)
{
    return ((end_object *)op)->end;
}

static struct entry *
entry_new(core_state *st, PyObject *obj, struct gifts *gifts)
{
    struct entry *e = malloc(sizeof *e);

    if (!e)
        return (struct entry *)PyErr_NoMemory();
    if (codec_encode(st, obj, &e->v, gifts) < 0) {
        free(e);
        return NULL;
    }
    return e;
}

PyDoc_STRVAR(put_doc,
             "put($self, obj, /)\n--\n\n"
             "Append an object; whether somebody waits for it. Closed, "
             "NotShareable.");

static PyObject *
tasks_put(PyObject *op, PyObject *obj)
{
    core_state *st = ((end_object *)op)->st;
    struct tasks *q = tasks_of(op);
    struct gifts gifts;
    struct entry *e = entry_new(st, obj, &gifts);

    if (!e)
        return NULL;
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    if (!closed)
        append(q, e);
    bool is_met = q->count <= q->idle;
    pthread_mutex_unlock(&q->lock);
    gifts_done(&gifts, !closed);
    if (!closed)
        return PyBool_FromLong(is_met);
    e->next = NULL;
    free_entries(e);
    return errors_raise(st, CSP_ECLOSED, "of tasks");
}

/* ---- getting ---- */

/* The object of an entry that was taken, which passes. */
static PyObject *
object_of(core_state *st, struct entry *e)
{
    csp_value v = e->v;

    free(e);
    return codec_decode_taken(st, v);
}

struct get_call {
    struct tasks *q;
    struct entry *entry;
};

/* A blocking_op. */
static int
get_op(void *arg, csp_value *Py_UNUSED(v), csp_time deadline)
{
    struct get_call *c = arg;
    int rc;

    pthread_mutex_lock(&c->q->lock);
    while ((rc = take(c->q, &c->entry)) == CSP_EEMPTY) {
        rc = sleeper_sleep(&c->q->sleepers, true, &c->q->lock, deadline);
        if (rc < 0) /* not woken: for nothing that is there */
            break;
    }
    pthread_mutex_unlock(&c->q->lock);
    return rc;
}

static bool
has_some(void *arg)
{
    struct tasks *q = arg;

    return atomic_load_explicit(&q->count, memory_order_relaxed) ||
           atomic_load_explicit(&q->closed, memory_order_relaxed);
}

void
tasks_count_idle(PyObject *op)
{
    core_state *st = ((end_object *)op)->st;
    struct tasks *q = tasks_of(op);

    if (st->is_counted_idle)
        return;
    st->is_counted_idle = true;
    pthread_mutex_lock(&q->lock);
    q->idle++;
    pthread_mutex_unlock(&q->lock);
}

/* Returns: 0; a status; CSP_EINTERRUPTED: an exception is set. */
static int
get(core_state *st, struct get_call *c)
{
    struct tasks *q = c->q;
    csp_value unused;

    pthread_mutex_lock(&q->lock);
    q->idle -= st->is_counted_idle;
    st->is_counted_idle = false;
    int rc = take(q, &c->entry);
    if (rc == CSP_EEMPTY) {
        q->idle++;
        q->spinning++;
        pthread_mutex_unlock(&q->lock);
        task_spin(st, has_some, q);
        pthread_mutex_lock(&q->lock);
        q->spinning--;
        rc = take(q, &c->entry);
        q->idle -= rc != CSP_EEMPTY;
    }
    pthread_mutex_unlock(&q->lock);
    if (rc != CSP_EEMPTY)
        return rc;
    csp_time begun = csp_clock_now();
    rc = blocking_run(st, get_op, c, &unused, CSP_FOREVER);
    task_slept(st, begun);
    pthread_mutex_lock(&q->lock);
    q->idle--;
    pthread_mutex_unlock(&q->lock);
    return rc;
}

PyDoc_STRVAR(get_doc, "get($self, /)\n--\n\n"
                      "Wait for the next object and take it. Closed: there "
                      "will be none.");

static PyObject *
tasks_get(PyObject *op, PyObject *Py_UNUSED(unused))
{
    core_state *st = ((end_object *)op)->st;
    struct get_call c = {.q = tasks_of(op)};
    int rc = get(st, &c);

    if (rc == CSP_EINTERRUPTED)
        return NULL;
    if (rc < 0)
        return errors_raise(st, rc, "of tasks");
    return object_of(st, c.entry);
}

PyDoc_STRVAR(close_doc, "close($self, discard=False, /)\n--\n\n"
                        "Take no more; discard: drop what there is.");

static PyObject *
tasks_close(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    struct tasks *q = tasks_of(op);
    int discard = nargs ? PyObject_IsTrue(args[0]) : 0;
    struct entry *dropped = NULL;

    if (discard < 0)
        return NULL;
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    if (discard) {
        dropped = q->first;
        q->first = NULL;
        q->last = &q->first;
        q->count = 0;
    }
    while (q->sleepers)
        sleeper_wake(&q->sleepers);
    pthread_mutex_unlock(&q->lock);
    free_entries(dropped);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(drain_doc, "drain($self, /)\n--\n\nTake what there is: a list.");

static PyObject *
tasks_drain(PyObject *op, PyObject *Py_UNUSED(unused))
{
    core_state *st = ((end_object *)op)->st;
    struct tasks *q = tasks_of(op);
    PyObject *list = PyList_New(0);
    struct entry *e;

    while (list) {
        pthread_mutex_lock(&q->lock);
        int rc = take(q, &e);
        pthread_mutex_unlock(&q->lock);
        if (rc < 0)
            break;
        PyObject *obj = object_of(st, e);
        if (!obj || PyList_Append(list, obj) < 0)
            Py_CLEAR(list);
        Py_XDECREF(obj);
    }
    return list;
}

/* ---- the type, and as a side of ends.c ---- */

static Py_ssize_t
tasks_len(PyObject *op)
{
    return (Py_ssize_t)tasks_of(op)->count;
}

static PyObject *
new_tasks(PyTypeObject *type, PyObject *Py_UNUSED(args),
          PyObject *Py_UNUSED(kwargs))
{
    struct tasks *q = tasks_new();

    return q ? ends_new(PyType_GetModuleState(type), &tasks_side, q)
             : PyErr_NoMemory();
}

static int
side_clone(void *end, void **out)
{
    *out = csp_handle_ref(end);
    return 0;
}

static uint64_t
side_id(const void *end)
{
    return (uint64_t)(uintptr_t)end;
}

static const char *
side_name(const void *Py_UNUSED(end))
{
    return "of tasks";
}

const struct side tasks_side = {.type_name = "TaskQueue",
                                ENDS_OF_A_HANDLE,
                                .clone = side_clone,
                                .id = side_id,
                                .name = side_name};

static PyMethodDef tasks_methods[] = {
    {"put", tasks_put, METH_O, put_doc},
    {"get", tasks_get, METH_NOARGS, get_doc},
    {"close", (PyCFunction)(void (*)(void))tasks_close, METH_FASTCALL,
     close_doc},
    {"drain", tasks_drain, METH_NOARGS, drain_doc},
    {"__reduce__", ends_reduce, METH_NOARGS, NULL},
    {"__reduce_ex__", ends_reduce, METH_O, NULL},
    {0}};

PyDoc_STRVAR(tasks_doc, "TaskQueue()\n--\n\n"
                        "The tasks of a pool. What is sent of it is the same "
                        "queue.");

static PyType_Slot tasks_slots[] = {
    {Py_tp_new, new_tasks},         {Py_tp_dealloc, ends_dealloc},
    {Py_tp_methods, tasks_methods}, {Py_tp_members, ends_members},
    {Py_sq_length, tasks_len},      {Py_nb_bool, ends_bool},
    {Py_tp_doc, (void *)tasks_doc}, {0, NULL}};

static PyType_Spec tasks_spec = {
    "intercsp._core.TaskQueue", sizeof(end_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, tasks_slots};

int
tasks_exec(PyObject *module, core_state *st)
{
    st->tasks_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &tasks_spec, NULL);
    return st->tasks_type ? PyModule_AddType(module, st->tasks_type) : -1;
}
