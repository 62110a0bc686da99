// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* waitq.h: operations that wait, in the order they came; each is claimed by
 * exactly one party. waitq.c has the protocol. */
#ifndef CSPI_WAITQ_H
#define CSPI_WAITQ_H

#include <csp/clock.h>
#include <csp/value.h>

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

/* On top of WAITING or PARKED while one thread matches two waiters: whoever
 * meets it waits for the few steps until it is gone. */
#define CSPI_WAITER_BUSY (UINT32_C(1) << 31)

/* One round of waiting of one thread; on its stack, or in a selector. */
struct cspi_waiter {
    cspi_a32 state;
    cspi_a64 since;  /* csp_time: when the wait began; for people */
    cspi_a64 thread; /* who waits, by the system's number; for people */
};

struct cspi_node;
struct cspi_park_fd;

/* The nodes of a selector that may be ready: a stack that anybody pushes to
 * and its owner empties. */
struct cspi_ready {
    _Atomic(struct cspi_node *) head;
    struct cspi_park_fd *fd; /* signalled when head leaves NULL; or NULL */
};

/* One operation on offer; on the stack of the thread that waits, or part of a
 * selector. */
struct cspi_node {
    struct cspi_node *next, *prev; /* guarded by the queue's lock */
    bool linked;                   /* guarded by the queue's lock */
    bool exchanged;  /* rendezvous: value was given or taken; as above */
    csp_value value; /* rendezvous: to send, or received; as above */
    struct cspi_waiter *waiter;
    uint32_t index;  /* the case */
    const void *end; /* whose handle waits: closing it wakes these nodes */
    bool only_told;  /* rendezvous: claimed for a peer, never exchanged with */

    /* A selector's, otherwise NULL: its ready list. */
    struct cspi_ready *ready;
    struct cspi_node *ready_next;
    cspi_a32 on_ready; /* it is on that list, or about to be */
};

/* lock is LOCKED | SLEEPERS | DELEGATED * wake-ups asked for while locked. It
 * guards first, last and the nodes' links; it nests in nothing; under it
 * nobody parks, calls out or takes another lock. */
struct cspi_waitq {
    cspi_a32 lock;
    cspi_a32 count; /* linked nodes; written under the lock */
    struct cspi_node *first, *last;
};

/* Futex words to wake, and descriptors to signal, once the lock is free. */
struct cspi_wakes {
    unsigned n, n_fds;
    cspi_a32 *words[16];
    struct cspi_park_fd *fds[4]; /* a reference each */
};

/** Take and free the lock of @p q; whatever was delegated meanwhile is done
 *  before it is free, and *@p wakes are woken after. Threads: lock may park. */
void cspi_waitq_lock(struct cspi_waitq *q);
void cspi_waitq_unlock(struct cspi_waitq *q, struct cspi_wakes *wakes);

/** Put @p n in the queue, at the front or the back. Lock held. Orders: what
 *  was in the ring before is seen by the look that follows the unlocking, or
 *  the other side sees the node (edge enlist-then-look). */
void cspi_waitq_link(struct cspi_waitq *q, struct cspi_node *n, bool front);

/** Take @p n out. Lock held. */
void cspi_waitq_unlink(struct cspi_waitq *q, struct cspi_node *n);

/** Take @p n out and claim its waiter, with nothing exchanged. Lock held.
 *  Returns: whether it could be claimed; then who to wake is in *@p wakes. */
bool cspi_waitq_claim(struct cspi_waitq *q, struct cspi_node *n,
                      struct cspi_wakes *wakes);

/** Note that @p wakes shall be woken, if it is one. */
void cspi_waitq_wake_later(struct cspi_wakes *wakes, cspi_a32 *word);

/** Take @p n out if it is still in. Afterwards nobody else touches it.
 *  @p lock is the queue whose lock guards @p q.
 *  Threads: takes the lock, may park for it. */
void cspi_waitq_withdraw(struct cspi_waitq *lock, struct cspi_waitq *q,
                         struct cspi_node *n);

/** Claim the first waiter that can be claimed, and wake it. Threads: any,
 *  lock-free unless the waiter is BUSY: a holder of the lock does it instead.
 */
void cspi_waitq_wake_one(struct cspi_waitq *q);

/** Claim and wake the waiters of @p end, or all if it is NULL; nothing was
 *  exchanged with them. Threads: takes the lock, may park for it. */
void cspi_waitq_wake_all(struct cspi_waitq *lock, struct cspi_waitq *q,
                         const void *end);

/** How long a thread looks at its own state before it parks. */
struct cspi_linger {
    unsigned pauses, yields;
};

/** Sleep until @p w is decided, @p deadline passes or a signal arrives; in the
 *  last two cases w becomes ABORTED unless it was decided before.
 *  Blocks: until @p deadline.
 *  Returns: 0 if decided by others, CSP_ETIMEOUT, CSP_EINTERRUPTED. */
int cspi_waitq_park(struct cspi_waiter *w, struct cspi_linger linger,
                    csp_time deadline);

/** Note who waits from now on. Returns: the time. */
csp_time cspi_waitq_begin(struct cspi_waiter *w);

/** Move @p w to the final state @p to, unless it has one. If it slept, its
 *  word is left in *@p wake, to be woken. The last access to *w.
 *  Threads: any, lock-free unless it is BUSY. Returns: whether it was moved.
 */
bool cspi_waitq_decide(struct cspi_waiter *w, uint32_t to, cspi_a32 **wake);

/** Whether @p w is decided; waits while it is BUSY, which is no answer. */
bool cspi_waitq_is_decided(struct cspi_waiter *w);

/** Claim @p me for @p my_case and @p other for @p other_case, both or none.
 *  The lock of the queue that @p other waits in is held.
 *  Returns: whether both were claimed; *@p wake: a word to wake. */
bool cspi_waitq_match(struct cspi_waiter *me, uint32_t my_case,
                      struct cspi_waiter *other, uint32_t other_case,
                      cspi_a32 **wake);

/** Note on a selector's list that @p n may be ready; nothing for other nodes.
 *  Comes before the claim. Lock of its queue held. */
void cspi_waitq_set_ready(struct cspi_node *n, struct cspi_wakes *wakes);

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
