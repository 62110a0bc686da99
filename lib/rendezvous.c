// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* rendezvous.c: capacity 0. A send and a receive take place at the same moment,
 * while one of them is listed in its queue; select.md has the proof.
 *
 * Invariants:
 *   Z1  One lock, the receivers', guards both queues, their nodes, and how many
 *       values were passed.
 *   Z2  Who meets a node writes into it before the claim, and unlinks it after:
 *       its owner cannot withdraw it without the lock.
 *   Z3  Who is listed has met nobody of those that were listed before, under
 *       the same lock hold: of two who could meet, the second finds the first.
 * Locks:   that of waitq.c. */
#include "rendezvous.h"

/* Meets somebody who waits on the other side of a rendezvous. The lock is
 * held. @p me: the waiter of this thread, if it may be listed here itself, or
 * NULL. @p mine: what this thread enlists, with me; both waiters are claimed,
 * or none. NULL: it only tries. */
static int
meet(struct cspi_end *e, csp_value *v, struct cspi_waiter *me,
     const struct cspi_node *mine, struct cspi_wakes *wakes)
{
    csp_chan *c = e->chan;
    struct cspi_waitq *q = &c->waitq[!e->side];
    bool told = false;

    // edge closed: acquire; set before the closer takes this lock, or seen
    // next time
    uint32_t state = cspi_load(&c->state, ACQUIRE);
    if (state)
        return state & CSPI_POISONED ? CSP_EPOISONED : CSP_ECLOSED;
    for (struct cspi_node *n = q->first, *next; n; n = next) {
        cspi_a32 *word = NULL;
        csp_value theirs = n->value;

        next = n->next;
        if (n->waiter == me)
            continue; /* a select never meets itself, nor makes itself ready */
        if (n->only_told) { /* one, who then looks for who is listed here */
            told = told || ((mine || me) && cspi_waitq_claim(q, n, wakes));
            continue;
        }
        cspi_waitq_set_ready(n, wakes);
        n->exchanged = true;
        if (e->side == CSPI_TX)
            n->value = *v;
        if (mine ? cspi_waitq_match(me, mine->index, n->waiter, n->index, &word)
                 : cspi_waitq_decide(n->waiter, CSPI_WAITER_CLAIMED + n->index,
                                     &word)) {
            cspi_waitq_unlink(q, n); /* it lives: Z2 */
            cspi_waitq_wake_later(wakes, word);
            if (e->side == CSPI_RX)
                *v = theirs;
            // relaxed: under the lock
            cspi_store(&c->exchanged, cspi_load(&c->exchanged, RELAXED) + 1,
                       RELAXED);
            return 0;
        }
        n->value = theirs;
        if (mine && cspi_waitq_is_decided(me))
            return CSPI_CHAN_AGAIN;
        if (n->ready) /* a selector, busy elsewhere: it will look again */
            cspi_waitq_unlink(q, n);
    }
    return CSPI_CHAN_AGAIN;
}

int
cspi_rendezvous_try(struct cspi_end *e, csp_value *v, struct cspi_waiter *me)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(cspi_chan_lock_of(e));
    int rc = meet(e, v, me, NULL, &wakes);
    cspi_waitq_unlock(cspi_chan_lock_of(e), &wakes);
    return rc;
}

bool
cspi_rendezvous_has_peer(const struct cspi_end *e, const struct cspi_waiter *me)
{
    csp_chan *c = e->chan;

    // relaxed: set before the closer takes this lock, or it wakes the node
    if (cspi_load(&c->state, RELAXED))
        return true;
    /* who is decided has only to take its node away: nothing to wait for */
    for (struct cspi_node *n = c->waitq[!e->side].first; n; n = n->next)
        if (n->waiter != me && (n->ready || !cspi_waitq_is_decided(n->waiter)))
            return true;
    return false;
}

int
cspi_rendezvous_offer(struct cspi_end *e, csp_value *v, struct cspi_node *n,
                      struct cspi_wakes *wakes)
{
    if (!n->only_told)
        return meet(e, v, n->waiter, n, wakes);
    return cspi_rendezvous_has_peer(e, n->waiter) ? CSPI_CHAN_READY
                                                  : CSPI_CHAN_AGAIN;
}
