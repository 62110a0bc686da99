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
 * Memory:  nodes and waiters lie on the stack of the thread that waits; those
 *          of a selector or a loop in its own memory, until their withdrawal.
 */
#include "waitq.h"

#include <stddef.h>

#include <csp/status.h>

#include "park.h"

enum { LOCKED = 1, SLEEPERS = 2, DELEGATED = 4 };

/* How often a thread looks at a taken lock before it sleeps. */
enum { LOCK_PAUSES = CSPI_BOUND(40, 0) };

static void
flush(struct cspi_wakes *k)
{
    while (k->n)
        cspi_park_wake(k->words[--k->n]);
    while (k->n_fds) {
        struct cspi_park_fd *fd = k->fds[--k->n_fds];
        cspi_park_fd_signal(fd);
        cspi_park_fd_unref(fd);
    }
}

/* More than fit are woken at once, under the lock: late, never lost. */
void
cspi_waitq_wake_later(struct cspi_wakes *k, cspi_a32 *word)
{
    if (!word)
        return;
    if (k->n == sizeof k->words / sizeof *k->words)
        flush(k);
    k->words[k->n++] = word;
}

/* The state of @p w once nobody is matching it. */
static uint32_t
settled(struct cspi_waiter *w)
{
    uint32_t s;

    // edge ready-then-claim: seq_cst, after the push on the ready list
    for (unsigned turns = 0;
         (s = cspi_load(&w->state, SEQ_CST)) & CSPI_WAITER_BUSY;)
        cspi_park_relax(&turns);
    return s;
}

/* Moves @p w from WAITING or PARKED to @p to (BUSY: on top of what it is).
 * Returns: what it was; ABORTED or above: it was decided, nothing changed. */
static uint32_t
move(struct cspi_waiter *w, uint32_t to)
{
    for (;;) {
        uint32_t s = settled(w);
        if (s > CSPI_WAITER_PARKED)
            return s;
        // edge claim: release, what the decider did is seen by the waiter
        if (cspi_cas(&w->state, &s, to == CSPI_WAITER_BUSY ? s | to : to,
                     SEQ_CST))
            return s;
    }
}

bool
cspi_waitq_decide(struct cspi_waiter *w, uint32_t to, cspi_a32 **wake)
{
    uint32_t was = move(w, to);

    if (was == CSPI_WAITER_PARKED)
        *wake = &w->state;
    return was <= CSPI_WAITER_PARKED;
}

bool
cspi_waitq_is_decided(struct cspi_waiter *w)
{
    return settled(w) > CSPI_WAITER_PARKED;
}

bool
cspi_waitq_match(struct cspi_waiter *me, uint32_t my_case,
                 struct cspi_waiter *other, uint32_t other_case,
                 cspi_a32 **wake)
{
    /* By address, so that chains of threads that wait for BUSY never close. */
    bool first = (uintptr_t)me < (uintptr_t)other;
    struct cspi_waiter *lo = first ? me : other, *hi = first ? other : me;
    uint32_t lo_case = first ? my_case : other_case;
    uint32_t hi_case = first ? other_case : my_case;
    cspi_a32 *hi_wake = NULL;
    uint32_t lo_was = move(lo, CSPI_WAITER_BUSY);

    if (lo_was > CSPI_WAITER_PARKED)
        return false;
    if (!cspi_waitq_decide(hi, CSPI_WAITER_CLAIMED + hi_case, &hi_wake)) {
        // edge claim: release; nobody else writes while it is BUSY
        cspi_store(&lo->state, lo_was, SEQ_CST);
        return false;
    }
    // edge claim: release
    cspi_store(&lo->state, CSPI_WAITER_CLAIMED + lo_case, SEQ_CST);
    *wake = first ? hi_wake : lo_was == CSPI_WAITER_PARKED ? &lo->state : NULL;
    return true;
}

void
cspi_waitq_set_ready(struct cspi_node *n, struct cspi_wakes *wakes)
{
    // edge ready: acq_rel; who finds it set leaves the push to who set it
    if (!n->ready || cspi_exchange(&n->on_ready, 1, ACQ_REL))
        return;
    // relaxed: the CAS confirms it
    struct cspi_node *next = cspi_load(&n->ready->head, RELAXED);
    do
        n->ready_next = next; /* the owner's, once it is on the list */
    // edges ready, ready-then-claim: seq_cst, before the claim
    while (!cspi_cas(&n->ready->head, &next, n, SEQ_CST));
    if (next || !n->ready->fd)
        return;
    if (wakes->n_fds == sizeof wakes->fds / sizeof *wakes->fds)
        flush(wakes);
    wakes->fds[wakes->n_fds++] = cspi_park_fd_ref(n->ready->fd);
}

csp_time
cspi_waitq_begin(struct cspi_waiter *w)
{
    csp_time now = csp_clock_now();

    cspi_store(&w->since, (uint64_t)now, RELAXED);       // relaxed: a figure
    cspi_store(&w->thread, cspi_park_thread(), RELAXED); // relaxed: a figure
    return now;
}

int
cspi_waitq_park(struct cspi_waiter *w, struct cspi_linger linger,
                csp_time deadline)
{
    for (unsigned i = 0; i < linger.pauses + linger.yields; i++) {
        // edge claim: acquire
        if (cspi_load(&w->state, ACQUIRE) != CSPI_WAITER_WAITING)
            break; /* decided, or BUSY and soon so */
        if (i < linger.pauses)
            cspi_park_pause();
        else
            cspi_park_yield();
    }
    for (;;) {
        uint32_t s = settled(w);
        if (s > CSPI_WAITER_PARKED)
            return 0;
        // relaxed: says only that a wake-up is needed
        if (s == CSPI_WAITER_WAITING &&
            !cspi_cas(&w->state, &s, CSPI_WAITER_PARKED, RELAXED))
            continue;
        int rc = cspi_park_wait(&w->state, CSPI_WAITER_PARKED, deadline);
        cspi_a32 *self = NULL;
        if (rc < 0 && cspi_waitq_decide(w, CSPI_WAITER_ABORTED, &self))
            return rc;
    }
}

void
cspi_waitq_lock(struct cspi_waitq *q)
{
    uint32_t s = cspi_load(&q->lock, RELAXED); // relaxed: the CAS confirms it
    uint32_t mine = LOCKED;

    for (unsigned pauses = LOCK_PAUSES;;) {
        if (!(s & LOCKED)) {
            // edge lock: acquire
            if (cspi_cas(&q->lock, &s, s | mine, ACQUIRE))
                return;
        } else if (pauses) {
            pauses--;
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

void
cspi_waitq_unlink(struct cspi_waitq *q, struct cspi_node *n)
{
    *(n->prev ? &n->prev->next : &q->first) = n->next;
    *(n->next ? &n->next->prev : &q->last) = n->prev;
    n->linked = false;
    // relaxed: only holders of the lock write it
    uint32_t count = cspi_load(&q->count, RELAXED);
    // relaxed: a reader that finds it too high looks in vain, no more
    cspi_store(&q->count, count - 1, RELAXED);
}

void
cspi_waitq_link(struct cspi_waitq *q, struct cspi_node *n, bool front)
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

bool
cspi_waitq_claim(struct cspi_waitq *q, struct cspi_node *n,
                 struct cspi_wakes *wakes)
{
    cspi_a32 *word = NULL;

    cspi_waitq_set_ready(n, wakes);
    cspi_waitq_unlink(q, n); /* W2: n is gone once its waiter is claimed */
    n->exchanged = false;
    if (!cspi_waitq_decide(n->waiter, CSPI_WAITER_CLAIMED + n->index, &word))
        return false;
    cspi_waitq_wake_later(wakes, word);
    return true;
}

/* Claims the first waiter that lets itself be claimed. Lock held. */
static bool
claim_first(struct cspi_waitq *q, struct cspi_wakes *wakes)
{
    while (q->first)
        if (cspi_waitq_claim(q, q->first, wakes))
            return true;
    return false;
}

/* Frees the lock, after doing what was delegated meanwhile. */
void
cspi_waitq_unlock(struct cspi_waitq *q, struct cspi_wakes *wakes)
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
    flush(wakes);
}

void
cspi_waitq_withdraw(struct cspi_waitq *lock, struct cspi_waitq *q,
                    struct cspi_node *n)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(lock);
    if (n->linked)
        cspi_waitq_unlink(q, n);
    cspi_waitq_unlock(lock, &wakes);
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
    cspi_waitq_unlock(q, &wakes);
}

void
cspi_waitq_wake_all(struct cspi_waitq *lock, struct cspi_waitq *q,
                    const void *end)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(lock);
    for (struct cspi_node *n = q->first, *next; n; n = next) {
        next = n->next; /* n may be gone after its claim */
        if (!end || n->end == end)
            cspi_waitq_claim(q, n, &wakes);
    }
    cspi_waitq_unlock(lock, &wakes);
}
