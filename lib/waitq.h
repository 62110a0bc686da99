// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* waitq.h: operations that wait, in the order they came; each is claimed by
 * exactly one party. waitq.c has the protocol. */
#ifndef CSPI_WAITQ_H
#define CSPI_WAITQ_H

#include <csp/clock.h>

#include "atomic.h"
#include "cc.h"

/* The states of a waiter: its claim word, and the futex it sleeps on. */
enum {
    CSPI_WAITER_WAITING,   /* enlisting, or about to park */
    CSPI_WAITER_PARKED,    /* asleep, or about to be */
    CSPI_WAITER_ABORTED,   /* by itself: time-out, signal, found ready */
    CSPI_WAITER_CANCELLED, /* by its cancel token */
    CSPI_WAITER_CLAIMED,   /* + the number of the case that it is for */
};

/* One round of waiting of one thread; on its stack. */
struct cspi_waiter {
    cspi_a32 state;
};

/* One operation on offer; on the stack of the thread that waits. */
struct cspi_node {
    struct cspi_node *next, *prev; /* guarded by the queue's lock */
    bool linked;                   /* guarded by the queue's lock */
    struct cspi_waiter *waiter;
    uint32_t index;  /* the case */
    const void *end; /* whose handle waits: closing it wakes these nodes */
};

/* lock is LOCKED | SLEEPERS | DELEGATED * wake-ups asked for while locked. It
 * guards first, last and the nodes' links; it nests in nothing; under it
 * nobody parks, calls out or takes another lock. */
struct cspi_waitq {
    cspi_a32 lock;
    cspi_a32 count; /* linked nodes; written under the lock */
    struct cspi_node *first, *last;
};

/* Futex words to wake once the lock is free. */
struct cspi_wakes {
    unsigned n;
    cspi_a32 *words[16];
};

/** Put @p n in the queue, at the front or the back. Threads: takes the lock,
 *  may park for it. Orders: what was in the ring before is seen by the look
 *  that follows, or the other side sees the node (enlist-then-look). */
void cspi_waitq_enlist(struct cspi_waitq *q, struct cspi_node *n, bool front);

/** Take @p n out if it is still in. Afterwards nobody else touches it.
 *  Threads: takes the lock, may park for it. */
void cspi_waitq_withdraw(struct cspi_waitq *q, struct cspi_node *n);

/** Claim the first waiter that can be claimed, and wake it. Threads: any,
 *  lock-free: a holder of the lock does it instead. */
void cspi_waitq_wake_one(struct cspi_waitq *q);

/** Claim and wake the waiters of @p end, or all if it is NULL. Threads: takes
 *  the lock, may park for it. */
void cspi_waitq_wake_all(struct cspi_waitq *q, const void *end);

/** Sleep until @p w is decided, @p deadline passes or a signal arrives; in the
 *  last two cases w becomes ABORTED unless it was decided before.
 *  Blocks: until @p deadline.
 *  Returns: 0 if decided by others, CSP_ETIMEOUT, CSP_EINTERRUPTED. */
int cspi_waitq_park(struct cspi_waiter *w, csp_time deadline);

/** Move @p w to the final state @p to, unless it has one. If it slept, its
 *  word is left in *@p wake, to be woken. The last access to *w.
 *  Threads: any, lock-free. Returns: whether it was moved. */
bool cspi_waitq_decide(struct cspi_waiter *w, uint32_t to, cspi_a32 **wake);

/** Wake one waiter if there is any: what follows each successful push or pop.
 *  Threads: any, lock-free. */
static inline void
cspi_waitq_notify(struct cspi_waitq *q)
{
    // edge enlist-then-look: seq_cst, after the exchange in the ring
    if (unlikely(cspi_load(&q->count, SEQ_CST) != 0))
        cspi_waitq_wake_one(q);
}

#endif
