// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* record.c: records of interpreters.
 *
 * Locks:   record.lock; requests to tokens are made under it (they take the
 *          token's own lock for a few steps and wake a thread, no more).
 *          Nothing that needs a GIL happens under it. */
#include "record.h"

#include <stdlib.h>

struct record *
record_new(void)
{
    struct record *r = calloc(1, sizeof *r);

    if (!r)
        return (struct record *)PyErr_NoMemory();
    atomic_init(&r->refs, 1);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->gate, NULL);
    pthread_cond_init(&r->linger_over, NULL);
    r->may_linger = r->woken = true;
    r->pins.next = r->pins.prev = &r->pins;
    r->interpreter = PyInterpreterState_GetID(PyInterpreterState_Get());
    return r;
}

struct record *
record_ref(struct record *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void
record_unref(struct record *r)
{
    if (r && atomic_fetch_sub(&r->refs, 1) == 1) {
        compat_view_fini(&r->view);
        pthread_cond_destroy(&r->linger_over);
        pthread_mutex_destroy(&r->gate);
        pthread_mutex_destroy(&r->lock);
        free(r);
    }
}

/* It cannot have left: that takes the lock. */
static void
wake(struct waiting *w, uint32_t why)
{
    if (w->loop)
        csp_loop_wake(w->loop);
    else
        csp_cancel_request(w->token, why);
}

void
record_stop(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    for (struct waiting *w = r->waiting; w; w = w->next)
        wake(w, WHY_STOP);
    pthread_mutex_unlock(&r->lock);
}

void
record_wake_loops(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    for (struct waiting *w = r->waiting; w; w = w->next)
        if (w->loop)
            wake(w, 0);
    pthread_mutex_unlock(&r->lock);
}

void
record_stop_thread(struct record *r, const atomic_bool *stop)
{
    pthread_mutex_lock(&r->lock);
    for (struct waiting *w = r->waiting; w; w = w->next)
        if (w->stop == stop)
            wake(w, WHY_STOP);
    pthread_mutex_unlock(&r->lock);
}

bool
record_is_stopping(const struct record *r, const struct waiting *w)
{
    return r->stopping || (w->stop && *w->stop);
}

bool
record_wake(struct record *r, uint32_t why)
{
    pthread_mutex_lock(&r->lock);
    bool found = r->waiting != NULL;
    if (found)
        wake(r->waiting, why);
    if (r->lingers) {
        found = r->woken = true;
        pthread_cond_signal(&r->linger_over);
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

bool
record_linger(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    r->lingers = true;
    while (!r->woken && r->may_linger)
        pthread_cond_wait(&r->linger_over, &r->lock);
    r->woken = false;
    bool may = r->may_linger;
    pthread_mutex_unlock(&r->lock);
    return may;
}

void
record_let_go(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    r->may_linger = false;
    pthread_cond_signal(&r->linger_over);
    pthread_mutex_unlock(&r->lock);
}

bool
record_is_waiting(struct record *r, unsigned long ident)
{
    bool found = false;

    pthread_mutex_lock(&r->lock);
    for (struct waiting *w = r->waiting; w && !found; w = w->next)
        found = w->thread == ident && w->for_ever;
    pthread_mutex_unlock(&r->lock);
    return found;
}

void
record_is_of_child(struct record *r)
{
    r->waiting = NULL;
    pthread_mutex_init(&r->gate, NULL);
}

bool
record_enter(struct record *r, struct waiting *w, bool anyway)
{
    pthread_mutex_lock(&r->lock);
    bool go = anyway || !record_is_stopping(r, w);
    if (go) {
        w->prev = NULL;
        w->next = r->waiting;
        if (w->next)
            w->next->prev = w;
        r->waiting = w;
    }
    pthread_mutex_unlock(&r->lock);
    return go;
}

void
record_leave(struct record *r, struct waiting *w)
{
    pthread_mutex_lock(&r->lock);
    *(w->prev ? &w->prev->next : &r->waiting) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    pthread_mutex_unlock(&r->lock);
}

void
record_add_end(struct record *r, struct end_link *link)
{
    link->prev = NULL;
    link->next = r->ends;
    if (link->next)
        link->next->prev = link;
    r->ends = link;
}

void
record_drop_end(struct record *r, struct end_link *link)
{
    *(link->prev ? &link->prev->next : &r->ends) = link->next;
    if (link->next)
        link->next->prev = link->prev;
}

void
record_close_ends(struct record *r)
{
    for (struct end_link *link = r->ends; link; link = link->next)
        link->close(link);
}
