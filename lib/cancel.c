// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* cancel.c: tokens that end the wait of the thread they are attached to.
 *
 * Invariants:
 *   K1  waiter points at the waiter of the wait in progress, or is NULL; it is
 *       read and written under the lock, so that a request never touches a
 *       waiter whose thread has left the wait.
 *   K2  Once requested is not 0 no wait begins until it is taken.
 * Locks:   lock guards waiter, and the step from "not requested" to "the
 *          waiter is cancelled"; held for a few steps, nests in nothing.
 * Process-wide state: the thread-local pointer to a thread's token. */
#include <stddef.h>

#include <csp/status.h>

#include "alloc.h"
#include "cancel_priv.h"
#include "park.h"

struct csp_cancel {
    cspi_a32 refs;
    cspi_a32 lock;
    cspi_a32 requested;
    struct cspi_waiter *waiter;
    unsigned forks; /* there were, when it was made */
};

static CSPI_THREAD_LOCAL csp_cancel *mine;

static void
lock(csp_cancel *k)
{
    uint32_t s = 0;

    if (unlikely(k->forks != cspi_park_forks())) {
        k->forks = cspi_park_forks(); /* who held it, or waited, is not here */
        k->waiter = NULL;
        cspi_store(&k->lock, 0, RELAXED); // relaxed: this is the only thread
    }
    // edge cancel: acquire
    for (unsigned turns = 0; !cspi_cas(&k->lock, &s, 1, ACQUIRE); s = 0)
        cspi_park_relax(&turns);
}

static void
unlock(csp_cancel *k)
{
    cspi_store(&k->lock, 0, RELEASE); // edge cancel: release
}

int
csp_cancel_new(csp_cancel **out)
{
    csp_cancel *k = cspi_alloc_zero(sizeof *k, CSPI_CACHE_LINE);

    if (!k)
        return CSP_ENOMEM;
    k->forks = cspi_park_forks();
    cspi_store(&k->refs, 1, RELAXED); // relaxed: nobody else knows it
    *out = k;
    return 0;
}

csp_cancel *
csp_cancel_ref(csp_cancel *k)
{
    cspi_add(&k->refs, 1, RELAXED); // relaxed: the caller holds one
    return k;
}

void
csp_cancel_unref(csp_cancel *k)
{
    // edge last-ref: acquire and release
    if (k && cspi_sub(&k->refs, 1, ACQ_REL) == 1)
        cspi_alloc_free(k, sizeof *k);
}

csp_cancel *
csp_cancel_attach(csp_cancel *k)
{
    csp_cancel *was = mine;

    mine = k;
    return was;
}

void
csp_cancel_request(csp_cancel *k, uint32_t why)
{
    cspi_a32 *word = NULL;

    lock(k);
    cspi_or(&k->requested, why, RELEASE); // edge cancel: release
    if (k->waiter)
        cspi_waitq_decide(k->waiter, CSPI_WAITER_CANCELLED, &word);
    unlock(k);
    if (word)
        cspi_park_wake(word);
}

uint32_t
csp_cancel_take(csp_cancel *k)
{
    return cspi_exchange(&k->requested, 0, ACQUIRE); // edge cancel: acquire
}

bool
cspi_cancel_enter(struct cspi_waiter *w)
{
    csp_cancel *k = mine;

    if (!k)
        return true;
    lock(k);
    // relaxed: under the lock under which it is set
    bool go = cspi_load(&k->requested, RELAXED) == 0;
    k->waiter = go ? w : NULL;
    unlock(k);
    return go;
}

void
cspi_cancel_leave(void)
{
    if (!mine)
        return;
    lock(mine);
    mine->waiter = NULL;
    unlock(mine);
}
