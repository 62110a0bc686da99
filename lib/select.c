// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.c: all that waits.
 *
 * One routine: attempt; spin; then a round of waiting: enlist, look, park,
 * withdraw; and from the start. docs/design/waitq-and-park.md has the proof
 * that no wake-up is lost.
 *
 * Invariants:
 *   S1  A waiter that was claimed attempts its operation before anything else,
 *       its deadline and its end's close included: the claim may stand for a
 *       value (or for room) that nobody else was woken for.
 *   S2  Whoever was overtaken after his claim goes back to the *front*: those
 *       who are parked keep their order.
 *   S3  ABORTED or CANCELLED: the operation has had no effect.
 *
 * Spinning adapts, per thread: pause_budget (0 to MAX_PAUSES) grows by 2 when
 * a wait ended within the pauses and shrinks by 1 when it did not; one wait in
 * 16 spins in full. Yields follow the pauses, so that on a busy machine who is
 * waited for can run. INTERCSP_SPIN=0 turns both off.
 *
 * Process-wide state: spin_on; thread-local: budget, spun, random state. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cancel_priv.h"
#include "chan_priv.h"
#include "park.h"

enum { MAX_PAUSES = 7 /* steps of 1, 2, 4 .. 64 pauses */, MAX_YIELDS = 4 };

static bool spin_on;
static pthread_once_t spin_once = PTHREAD_ONCE_INIT;

static _Thread_local unsigned pause_budget = MAX_PAUSES;
static _Thread_local bool spun; /* the pauses of this wait are behind us */

static void
spin_read_environment(void)
{
    const char *s = getenv("INTERCSP_SPIN");

    spin_on = !s || strcmp(s, "0") != 0;
}

static unsigned
random_16th(void)
{
    static _Thread_local uint32_t x;

    if (!x)
        x = (uint32_t)(uintptr_t)&x * 2654435761u | 1;
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    return x % 16;
}

struct spin {
    unsigned step, pauses, yields;
};

static struct spin
spin_new(csp_time deadline)
{
    struct spin s = {0, 0, 0};

    pthread_once(&spin_once, spin_read_environment);
    if (deadline <= CSP_NOWAIT || !spin_on)
        return s;
    s.pauses = random_16th() ? pause_budget : MAX_PAUSES;
    s.yields = deadline == CSP_SPIN ? 0 : MAX_YIELDS;
    if (spun)
        s.step = s.pauses;
    spun = false;
    return s;
}

/* One step more, unless all are used up. */
static bool
spin_again(struct spin *s)
{
    unsigned step = s->step++;

    if (step < s->pauses)
        for (unsigned i = 0; i < 1u << step; i++)
            cspi_park_pause();
    else if (step < s->pauses + s->yields)
        cspi_park_yield();
    else
        return false;
    return true;
}

static void
spin_learn(const struct spin *s)
{
    if (s->step == 0)
        return;
    if (s->step > s->pauses)
        pause_budget -= pause_budget > 0;
    else
        pause_budget =
            pause_budget + 2 < MAX_PAUSES ? pause_budget + 2 : MAX_PAUSES;
}

/* One round of waiting. CSPI_CHAN_AGAIN: attempt again; *claimed: because
 * somebody said so. Else the reason why the wait is over. */
static int
wait_round(struct cspi_end *e, bool front, csp_time deadline, bool *claimed)
{
    struct cspi_waitq *q = &e->chan->waitq[e->side];
    struct cspi_waiter me = {CSPI_WAITER_WAITING};
    struct cspi_node node = {.waiter = &me, .index = 0, .end = e};
    cspi_a32 *self = NULL;
    int rc = CSPI_CHAN_AGAIN;

    if (!cspi_cancel_enter(&me))
        return CSP_ECANCELLED;
    cspi_waitq_enlist(q, &node, front);
    if (cspi_chan_is_ready(e)) // edge enlist-then-look
        cspi_waitq_decide(&me, CSPI_WAITER_ABORTED, &self);
    else
        rc = cspi_waitq_park(&me, deadline);
    cspi_waitq_withdraw(q, &node);
    cspi_cancel_leave();

    uint32_t state = cspi_load(&me.state, ACQUIRE); // edge claim: acquire
    *claimed = state >= CSPI_WAITER_CLAIMED;
    if (state == CSPI_WAITER_CANCELLED)
        return CSP_ECANCELLED;
    return state == CSPI_WAITER_ABORTED ? rc : CSPI_CHAN_AGAIN;
}

/* The one routine that blocks. */
static CSPI_NOINLINE int
operate(struct cspi_end *e, csp_value *v, csp_time deadline)
{
    struct spin spin = spin_new(deadline);
    bool claimed = false, expired = deadline <= CSP_NOWAIT;
    int rc;

    for (;;) {
        rc = cspi_chan_attempt(e, v); /* S1 */
        if (rc == 0)
            break;
        int closed = cspi_chan_end_state(e);
        if (closed)
            rc = closed;
        if (rc != CSPI_CHAN_AGAIN)
            break;
        if (expired) {
            rc = CSP_ETIMEOUT;
            break;
        }
        if (spin_again(&spin))
            continue;
        if (deadline == CSP_SPIN) { /* learns when the wait proper ends */
            spun = true;
            return CSP_ETIMEOUT;
        }
        rc = wait_round(e, claimed, deadline, &claimed);
        if (rc != CSPI_CHAN_AGAIN)
            break;
        if (claimed) /* overtaken: as good as a fresh start */
            spin = spin_new(deadline);
        expired = deadline != CSP_FOREVER && csp_clock_now() >= deadline;
    }
    spin_learn(&spin);
    return rc;
}

int
csp_tx_send(csp_tx *tx, csp_value v, csp_time deadline)
{
    csp_chan *c = tx->end.chan;

    if (likely(cspi_chan_end_state(&tx->end) == 0 &&
               cspi_ring_push_fast(&c->ring, &c->tail, v))) {
        cspi_waitq_notify(&c->waitq[CSPI_RX]);
        return 0;
    }
    int closed = cspi_chan_end_state(&tx->end);
    return closed ? closed : operate(&tx->end, &v, deadline);
}

int
csp_rx_recv(csp_rx *rx, csp_value *v, csp_time deadline)
{
    csp_chan *c = rx->end.chan;

    if (likely(cspi_chan_end_state(&rx->end) == 0 &&
               cspi_ring_pop_fast(&c->ring, &c->head, v))) {
        cspi_waitq_notify(&c->waitq[CSPI_TX]);
        return 0;
    }
    *v = csp_value_none();
    int closed = cspi_chan_end_state(&rx->end);
    return closed ? closed : operate(&rx->end, v, deadline);
}
