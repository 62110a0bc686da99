// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chan_priv.h: a channel as ends.c, rendezvous.c, select.c and registry.c see
 * it. */
#ifndef CSPI_CHAN_PRIV_H
#define CSPI_CHAN_PRIV_H

#include <csp/chan.h>

#include "chain.h"
#include "ring.h"
#include "waitq.h"

typedef struct csp_chan csp_chan;

enum cspi_side { CSPI_TX, CSPI_RX };

/* Bits of a channel's state. */
enum {
    CSPI_TX_GONE = 1 << CSPI_TX,
    CSPI_RX_GONE = 1 << CSPI_RX,
    CSPI_POISONED = 4
};

/* What a channel does when it is full. RENDEZVOUS always is. */
enum cspi_chan_kind {
    CSPI_CHAN_BLOCK,
    CSPI_CHAN_DROP_NEW,
    CSPI_CHAN_DROP_OLD,
    CSPI_CHAN_UNBOUNDED,
    CSPI_CHAN_RENDEZVOUS,
    CSPI_CHAN_ORPHAN /* of a parent process */
};

/* Why a channel was poisoned; the first who poisons it sets it. */
struct cspi_reason {
    csp_value value;
};

/* Hot part first, by cache lines: what both sides read; what changes seldom;
 * each cursor by itself; figures that slow paths count; what is not looked at
 * while values flow. Kinds that use no ring of their own have one that answers
 * AGAIN (cspi_ring_init_never), so that the straight lines need not ask. */
struct csp_chan {
    _Alignas(128) struct cspi_ring ring;
    struct cspi_waitq waitq[2]; /* by side; RENDEZVOUS: RX's lock for both */

    cspi_a32 state;
    cspi_a32 open[2]; /* open ends of each side */
    cspi_a32 refs;    /* one per end object, one per side until it is shut */
    uint64_t id;
    char *name;         /* given, or NULL */
    char auto_name[26]; /* "chan-" and the id */
    uint8_t kind;       /* enum cspi_chan_kind */
    uint8_t hidden;     /* bit of each side that no id finds: of a hub */
    uint32_t mark;      /* the maker's own */

    _Alignas(128) struct cspi_cursor tail;
    _Alignas(64) cspi_a64 waits[2]; /* by side: operations that waited */
    cspi_a64 wait_ns;
    cspi_a64 dropped;     /* by the policy, at sends */
    cspi_a64 undelivered; /* discarded by the last receive end, or by poison */
    cspi_a64 high_water;  /* samples */

    _Alignas(128) struct cspi_cursor head;

    _Alignas(64) void *keeper[4]; /* what finds the channel: registry.c's */
    struct cspi_chain *chain;     /* UNBOUNDED only */
    _Atomic(struct cspi_reason *) reason;
    cspi_a64 exchanged; /* RENDEZVOUS: values passed, under its lock */
};

/* One handle of one side; csp_tx and csp_rx are this. */
struct cspi_end {
    csp_handle handle;
    csp_chan *chan;
    cspi_a32 closed; /* 0 or the status that its operations answer */
    enum cspi_side side;
};

struct csp_tx {
    struct cspi_end end;
};

struct csp_rx {
    struct cspi_end end;
};

/* What a channel needs of the layer above it, which knows all channels.
 * registry.c provides it; the link binds it. */
struct cspi_chan_keeper {
    /** Memory for a channel, zeroed; its id is set. NULL: none left. */
    csp_chan *(*create)(void);
    /** Make it known. Returns: 0, CSP_ENOMEM. */
    int (*publish)(csp_chan *c);
    /** Free it, at once if it was never published, otherwise when nobody can
     *  be looking at it any more. */
    void (*destroy)(csp_chan *c, bool published);
};
extern const struct cspi_chan_keeper cspi_chan_keeper;

/** No more values enter, for the reason @p why, bits of the state; what waits
 *  is woken. Threads: any; takes the locks of the queues. */
void cspi_chan_shut(csp_chan *c, uint32_t why);

/** A new open end of @p side, if the side is still open.
 *  Returns: 0, CSP_ENOMEM, CSP_ECLOSED. Threads: any, lock-free. */
int cspi_chan_end_new(csp_chan *c, enum cspi_side side, struct cspi_end **out);

/** Poison @p c for the reason @p r, made by cspi_alloc_raw(), if it is the
 *  first. Owns: @p r passes. Threads: any; takes the locks of the queues. */
void cspi_chan_poison(csp_chan *c, struct cspi_reason *r);

/** One attempt to send *@p v or to receive into it, through @p e; wakes who
 *  waits on the other side when it succeeds. Looks at the channel only, not
 *  at whether the end is closed. @p me: the waiter of the selector that it is
 *  for, which is not to meet its own nodes; or NULL. Threads: any, lock-free;
 *  a rendezvous takes the lock of its queues.
 *  Returns: 0, CSPI_CHAN_AGAIN, CSP_ECLOSED, CSP_EPOISONED, CSP_ENOMEM. */
int cspi_chan_attempt(struct cspi_end *e, csp_value *v, struct cspi_waiter *me);

/** Offer the operation of @p n to others, unless it can be done now; then
 *  look. @p v is what to send, or where to put what a rendezvous received.
 *  Threads: takes the lock of the wait queue.
 *  Returns: CSPI_CHAN_AGAIN: it is offered; 0: exchanged at once, and the
 *  waiter of @p n is claimed; CSPI_CHAN_READY: attempt it. */
int cspi_chan_enlist(struct cspi_end *e, csp_value *v, struct cspi_node *n,
                     bool front);

/** Put a selector's node, which offers @p v, in its queue while its waiter can
 *  not be claimed: an event only puts it on the ready list.
 *  Returns: whether to attempt it. */
bool cspi_chan_register(struct cspi_end *e, csp_value v, struct cspi_node *n);

/** Whether the claim that @p n got came with an exchange; then its value is in
 *  *@p v. For nodes that stay enlisted after a claim. */
bool cspi_chan_take_exchanged(struct cspi_end *e, struct cspi_node *n,
                              csp_value *v);

/** Wait until whoever is at the queue of @p e has finished there, and with the
 *  nodes that he took from it. Threads: takes the lock. */
void cspi_chan_settle(struct cspi_end *e);

/** What a waiter of @p e was woken for, and will not attempt, goes on to the
 *  next one. Nothing for sends at a rendezvous: those are not woken for what
 *  another could take. Threads: any, lock-free. */
void cspi_chan_pass_on(struct cspi_end *e);

/** Take an offer back; afterwards nobody else touches @p n. */
void cspi_chan_withdraw(struct cspi_end *e, struct cspi_node *n);

/** What an attempt answers that would have to wait. */
#define CSPI_CHAN_AGAIN 1
/** An attempt would not answer AGAIN, or the end was closed. */
#define CSPI_CHAN_READY 2

/** Whether a send through @p e would not wait now: it would find room, or that
 *  the channel has ended. Threads: any, lock-free.
 *  Returns: 0, CSPI_CHAN_AGAIN. */
int cspi_chan_room(struct cspi_end *e);

/** One more reference to the memory of @p c, unless the last one has gone.
 *  Threads: any, lock-free. */
bool cspi_chan_hold(csp_chan *c);
void cspi_chan_drop(csp_chan *c);

/** What csp_tx_stats() says. Threads: any. Returns: 0, CSP_EINVAL. */
int cspi_chan_stats(csp_chan *c, csp_chan_stats *out);

/** What @p given says, whatever version of the struct it is (NULL: nothing),
 *  in this version's.
 *  Returns: 0, CSP_EINVAL. */
int cspi_chan_read_options(const csp_chan_opts *given, csp_chan_opts *out);

/** How many bytes of @p name to keep, at most @p size, not cutting through a
 *  character. */
size_t cspi_chan_cut(const char *name, size_t size);

/** In the child of a fork: this was a channel of the parent's. */
void cspi_chan_orphan(csp_chan *c);

/** An operation through @p e has waited for @p ns. Threads: any. */
void cspi_chan_note_wait(struct cspi_end *e, uint64_t ns);

/** What entered the buffer, and what left it. Threads: any. */
void cspi_chan_count(csp_chan *c, uint64_t *sent, uint64_t *taken);

/** Remember how full the channel is, if it is fuller than ever seen. */
void cspi_chan_sample(csp_chan *c);

/** Whether two threads can meet here only while one is enlisted, so that
 *  attempts in a loop are in vain. */
static inline bool
cspi_chan_is_rendezvous(const struct cspi_end *e)
{
    return e->chan->kind == CSPI_CHAN_RENDEZVOUS;
}

/** The queue in which the operations of @p e wait. */
static inline struct cspi_waitq *
cspi_chan_queue_of(const struct cspi_end *e)
{
    return &e->chan->waitq[e->side];
}

/** The queue whose lock guards that. */
static inline struct cspi_waitq *
cspi_chan_lock_of(const struct cspi_end *e)
{
    return &e->chan->waitq[cspi_chan_is_rendezvous(e) ? CSPI_RX : e->side];
}

/** 0, or the status that @p e answers since it was closed. */
static inline int
cspi_chan_end_state(const struct cspi_end *e)
{
    struct cspi_end *end = (struct cspi_end *)(uintptr_t)e;

    // edge end-closed: seq_cst
    return (int)cspi_load(&end->closed, SEQ_CST);
}

#endif
