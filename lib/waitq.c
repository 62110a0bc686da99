// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* waitq.c: wait queues, and the claim that decides who completes a wait.
 *
 * A thread that must wait puts a node in the queue (enlist), looks at the ring
 * once more, parks on its waiter's word, and withdraws the node. A thread that
 * has made an operation possible (notify) unlinks the first node and claims
 * its waiter. A claimed waiter always attempts its operation again.
 *
 * Invariants:
 *   W1  A waiter's state leaves {WAITING, PARKED} once, by one exchange;
 *       whoever wins it decides the round.
 *   W2  A node is unlinked, under the lock, before its waiter is claimed; the
 *       claim is the claimer's last access to both (a wake uses the address
 *       only). After its withdrawal nobody else touches a node.
 *   W3  count is at least 1 from before the look until the node is unlinked.
 *   W4  Somebody that finds the queue locked leaves his wake-up to the holder
 *       and goes (DELEGATED); the lock is not freed while any is left.
 *   W5  Who has slept for the lock takes it with SLEEPERS set, since others
 *       may sleep still.
 * Locks:   waitq.lock; see waitq.h. docs/design/waitq-and-park.md has the
 *          proof that no wake-up is lost.
 * Memory:  nodes and waiters lie on the stack of the thread that waits. */
#include "waitq.h"

#include <stddef.h>

#include <csp/status.h>

#include "park.h"

enum { LOCKED = 1, SLEEPERS = 2, DELEGATED = 4 };

/* How often a thread looks at a taken lock before it sleeps. */
enum { LOCK_PAUSES = 40 };

static void
wakes_flush(struct cspi_wakes *k)
{
    while (k->n)
        cspi_park_wake(k->words[--k->n]);
}

/* More than fit are woken at once, under the lock: late, never lost. */
static void
wakes_add(struct cspi_wakes *k, cspi_a32 *word)
{
    if (!word)
        return;
    if (k->n == sizeof k->words / sizeof *k->words)
        wakes_flush(k);
    k->words[k->n++] = word;
}

bool
cspi_waitq_decide(struct cspi_waiter *w, uint32_t to, cspi_a32 **wake)
{
    uint32_t s = cspi_load(&w->state, RELAXED); // relaxed: the CAS confirms it

    while (s <= CSPI_WAITER_PARKED)
        // edge claim: release, what the decider did is seen by the waiter
        if (cspi_cas(&w->state, &s, to, ACQ_REL)) {
            if (s == CSPI_WAITER_PARKED)
                *wake = &w->state;
            return true;
        }
    return false;
}

int
cspi_waitq_park(struct cspi_waiter *w, csp_time deadline)
{
    uint32_t s = CSPI_WAITER_WAITING;

    // relaxed: says only that a wake-up is needed
    cspi_cas(&w->state, &s, CSPI_WAITER_PARKED, RELAXED);
    for (;;) {
        // edge claim: acquire
        if (cspi_load(&w->state, ACQUIRE) != CSPI_WAITER_PARKED)
            return 0;
        int rc = cspi_park_wait(&w->state, CSPI_WAITER_PARKED, deadline);
        cspi_a32 *self = NULL;
        if (rc < 0 && cspi_waitq_decide(w, CSPI_WAITER_ABORTED, &self))
            return rc;
    }
}

static void
lock(struct cspi_waitq *q)
{
    uint32_t s = cspi_load(&q->lock, RELAXED); // relaxed: the CAS confirms it
    uint32_t mine = LOCKED;

    for (unsigned i = 0;; i++) {
        if (!(s & LOCKED)) {
            // edge lock: acquire
            if (cspi_cas(&q->lock, &s, s | mine, ACQUIRE))
                return;
        } else if (i < LOCK_PAUSES) {
            cspi_park_pause();
            s = cspi_load(&q->lock, RELAXED); // relaxed: as above
        } else if (s & SLEEPERS ||
                   // relaxed: asks to be woken, guards nothing
                   cspi_cas(&q->lock, &s, s | SLEEPERS, RELAXED)) {
            cspi_park_wait(&q->lock, s | SLEEPERS, CSP_FOREVER);
            mine = LOCKED | SLEEPERS;
            s = cspi_load(&q->lock, RELAXED); // relaxed: as above
        }
    }
}

static void
unlink_node(struct cspi_waitq *q, struct cspi_node *n)
{
    *(n->prev ? &n->prev->next : &q->first) = n->next;
    *(n->next ? &n->next->prev : &q->last) = n->prev;
    n->linked = false;
    // relaxed: only holders of the lock write it
    uint32_t count = cspi_load(&q->count, RELAXED);
    // relaxed: a reader that finds it too high looks in vain, no more
    cspi_store(&q->count, count - 1, RELAXED);
}

static void
link_node(struct cspi_waitq *q, struct cspi_node *n, bool front)
{
    n->prev = front ? NULL : q->last;
    n->next = front ? q->first : NULL;
    *(n->prev ? &n->prev->next : &q->first) = n;
    *(n->next ? &n->next->prev : &q->last) = n;
    n->linked = true;
    // relaxed: only holders of the lock write it
    uint32_t count = cspi_load(&q->count, RELAXED);
    // edge enlist-then-look: seq_cst, before the look at the ring
    cspi_store(&q->count, count + 1, SEQ_CST);
}

/* Unlinks @p n and claims its waiter. Lock held. */
static bool
claim(struct cspi_waitq *q, struct cspi_node *n, struct cspi_wakes *wakes)
{
    cspi_a32 *word = NULL;

    unlink_node(q, n); /* W2: n is gone once its waiter is claimed */
    if (!cspi_waitq_decide(n->waiter, CSPI_WAITER_CLAIMED + n->index, &word))
        return false;
    wakes_add(wakes, word);
    return true;
}

/* Claims the first waiter that lets itself be claimed. Lock held. */
static bool
claim_first(struct cspi_waitq *q, struct cspi_wakes *wakes)
{
    while (q->first)
        if (claim(q, q->first, wakes))
            return true;
    return false;
}

/* Frees the lock, after doing what was delegated meanwhile. */
static void
unlock(struct cspi_waitq *q, struct cspi_wakes *wakes)
{
    uint32_t s = cspi_load(&q->lock, RELAXED); // relaxed: the CAS confirms it

    for (;;) {
        if (s >= DELEGATED) {
            // edge delegate: acquire, the values that the wake-ups are for
            if (!cspi_cas(&q->lock, &s, s % DELEGATED, ACQUIRE))
                continue;
            for (uint32_t n = s / DELEGATED; n && claim_first(q, wakes); n--)
                ;
            s %= DELEGATED;
        } else {
            // edge lock: release. s is loaded anew when this fails: a failed
            // exchange may have found DELEGATED or SLEEPERS
            if (cspi_cas(&q->lock, &s, 0, RELEASE))
                break;
        }
    }
    if (s & SLEEPERS)
        cspi_park_wake(&q->lock);
    wakes_flush(wakes);
}

void
cspi_waitq_enlist(struct cspi_waitq *q, struct cspi_node *n, bool front)
{
    struct cspi_wakes wakes = {.n = 0};

    lock(q);
    link_node(q, n, front);
    unlock(q, &wakes);
}

void
cspi_waitq_withdraw(struct cspi_waitq *q, struct cspi_node *n)
{
    struct cspi_wakes wakes = {.n = 0};

    lock(q);
    if (n->linked)
        unlink_node(q, n);
    unlock(q, &wakes);
}

CSPI_NOINLINE void
cspi_waitq_wake_one(struct cspi_waitq *q)
{
    struct cspi_wakes wakes = {.n = 0};
    uint32_t s = cspi_load(&q->lock, RELAXED); // relaxed: the CAS confirms it

    for (;;) {
        if (s & LOCKED) {
            // edge delegate: release, the value that the wake-up is for
            if (cspi_cas(&q->lock, &s, s + DELEGATED, RELEASE))
                return;
        } else {
            // edge lock: acquire
            if (cspi_cas(&q->lock, &s, s | LOCKED, ACQUIRE))
                break;
        }
    }
    claim_first(q, &wakes);
    unlock(q, &wakes);
}

void
cspi_waitq_wake_all(struct cspi_waitq *q, const void *end)
{
    struct cspi_wakes wakes = {.n = 0};

    lock(q);
    for (struct cspi_node *n = q->first, *next; n; n = next) {
        next = n->next; /* n may be gone after its claim */
        if (!end || n->end == end)
            claim(q, n, &wakes);
    }
    unlock(q, &wakes);
}
