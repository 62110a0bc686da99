// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chan.c: a ring, two wait queues and counted ends.
 *
 * Single attempts, closing, and everything about ends is here; what waits is
 * in select.c.
 *
 * Invariants:
 *   C1  open[side] counts the open ends of a side. It leaves 0 never: the
 *       side is shut then, once, by the close that took it there.
 *   C2  A side's bit in state is set before the ring is marked closed, so who
 *       meets the mark sees why.
 *   C3  After the shut of RX, and after a poisoning, the ring is marked and
 *       empty: what entered before the mark was received or released, and
 *       nothing enters after it.
 *   C4  A channel's memory is held by each end object and, for each side,
 *       until that side's shut has returned.
 *   C5  An attempt comes before the look at whether the end is closed: in the
 *       other order a waiter claimed for a value could go without trying to
 *       take it, and the value's wake-up would be lost.
 * Locks:   those of waitq.c.
 * Memory:  an end belongs to its references; the channel to C4. */
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "chan_priv.h"

_Static_assert(offsetof(csp_chan, state) == 64, "line 0: ring and queues");
_Static_assert(offsetof(csp_chan, tail) == 128, "line 1: the rest");

static struct cspi_waitq *
queue_of(const struct cspi_end *e)
{
    return &e->chan->waitq[e->side];
}

/* The queue whose lock guards queue_of(e). */
static struct cspi_waitq *
lock_of(const struct cspi_end *e)
{
    return &e->chan->waitq[cspi_chan_is_rendezvous(e) ? CSPI_RX : e->side];
}

/* Frees what set_name() and make_parts() made. */
static void
free_parts(csp_chan *c)
{
    if (c->chain) {
        cspi_chain_fini(c->chain);
        cspi_alloc_free(c->chain, sizeof *c->chain);
    }
    cspi_ring_fini(&c->ring);
    if (c->name)
        cspi_alloc_free(c->name, strlen(c->name) + 1);
}

static void
chan_unref(csp_chan *c)
{
    // edge last-ref: acquire and release
    if (cspi_sub(&c->refs, 1, ACQ_REL) != 1 || c->kind == CSPI_CHAN_ORPHAN)
        return;
    // edge reason: acquire
    struct cspi_reason *reason = cspi_load(&c->reason, ACQUIRE);
    if (reason) {
        csp_value_unref(&reason->value);
        cspi_alloc_free(reason, sizeof *reason);
    }
    free_parts(c);
    cspi_chan_keeper.destroy(c, true);
}

static enum cspi_ring_answer
pop(csp_chan *c, csp_value *v)
{
    return c->chain ? cspi_chain_pop(c->chain, v)
                    : cspi_ring_pop(&c->ring, &c->head, v);
}

/* Releases what is buffered. Complete only when the channel is marked. */
static void
drain(csp_chan *c)
{
    csp_value v;

    while (pop(c, &v) == CSPI_RING_OK) {
        cspi_add(&c->undelivered, 1, RELAXED); // relaxed: a figure
        csp_value_unref(&v);
    }
}

/* No more values enter, for the reason @p why. */
static void
shut(csp_chan *c, uint32_t why)
{
    struct cspi_waitq *tx = &c->waitq[CSPI_TX], *rx = &c->waitq[CSPI_RX];
    bool rendezvous = c->kind == CSPI_CHAN_RENDEZVOUS;

    // edge closed: release, before the mark in the ring (C2)
    cspi_or(&c->state, why, RELEASE);
    if (c->chain)
        cspi_chain_close(c->chain);
    else if (!rendezvous)
        cspi_ring_close(&c->ring, &c->tail);
    if (why != CSPI_TX_GONE && !rendezvous)
        drain(c);
    cspi_waitq_wake_all(rendezvous ? rx : tx, tx, NULL);
    cspi_waitq_wake_all(rx, rx, NULL);
}

/* Closes @p e; from now on its operations answer @p why. */
static void
end_close(struct cspi_end *e, int why)
{
    uint32_t open = 0;

    // edge end-closed: seq_cst; a waiter of this end that is enlisted before
    // it is woken below, one that enlists after it sees it when it looks
    if (!cspi_cas(&e->closed, &open, (uint32_t)why, SEQ_CST))
        return;
    if (e->chan->kind == CSPI_CHAN_ORPHAN)
        return;
    cspi_waitq_wake_all(lock_of(e), queue_of(e), e);
    // edge last-ref: acquire and release; a side's ends, then its shut
    if (cspi_sub(&e->chan->open[e->side], 1, ACQ_REL) == 1) {
        shut(e->chan, e->side == CSPI_TX ? CSPI_TX_GONE : CSPI_RX_GONE);
        chan_unref(e->chan);
    }
}

void
cspi_chan_poison(csp_chan *c, struct cspi_reason *r)
{
    struct cspi_reason *none = NULL;

    // edge reason: release, before the state that says it is there
    if (!cspi_cas(&c->reason, &none, r, RELEASE)) {
        csp_value_unref(&r->value);
        cspi_alloc_free(r, sizeof *r);
    }
    shut(c, CSPI_POISONED);
}

/* Poisons the channel, for the first reason that anybody gives. */
static int
end_poison(struct cspi_end *e, csp_value reason)
{
    struct cspi_reason *r;
    int closed = cspi_chan_end_state(e);

    if (closed)
        return closed;
    if (e->chan->kind == CSPI_CHAN_ORPHAN)
        return CSP_EFORKED;
    if (!(r = cspi_alloc_raw(sizeof *r)))
        return CSP_ENOMEM;
    r->value = reason;
    cspi_chan_poison(e->chan, r);
    return 0;
}

static int
end_reason(const struct cspi_end *e, csp_value *out)
{
    csp_chan *c = e->chan;

    *out = csp_value_none();
    // edge closed: acquire
    if (!(cspi_load(&c->state, ACQUIRE) & CSPI_POISONED))
        return CSP_ENOTFOUND;
    *out = csp_value_ref(cspi_load(&c->reason, ACQUIRE)->value); // edge reason
    return 0;
}

static void
end_release(csp_handle *h)
{
    struct cspi_end *e = cspi_container(h, struct cspi_end, handle);
    csp_chan *c = e->chan;

    end_close(e, CSP_EENDCLOSED);
    cspi_alloc_free(e, sizeof *e);
    chan_unref(c);
}

static int
end_describe(const csp_handle *h, char *buffer, size_t size)
{
    const csp_chan *c = cspi_container(h, struct cspi_end, handle)->chan;

    return snprintf(buffer, size, "%s", c->name ? c->name : c->auto_name);
}

static const csp_handle_type types[2] = {
    [CSPI_TX] = {.size = sizeof types[CSPI_TX],
                 .name = "send end",
                 .release = end_release,
                 .describe = end_describe},
    [CSPI_RX] = {.size = sizeof types[CSPI_RX],
                 .name = "receive end",
                 .release = end_release,
                 .describe = end_describe},
};

int
cspi_chan_end_new(csp_chan *c, enum cspi_side side, struct cspi_end **out)
{
    struct cspi_end *e = cspi_alloc_raw(sizeof *e);

    if (!e)
        return CSP_ENOMEM;
    // relaxed: the CAS confirms it
    uint32_t open = cspi_load(&c->open[side], RELAXED);
    do
        if (open == 0) {
            cspi_alloc_free(e, sizeof *e);
            return CSP_ECLOSED;
        }
    // relaxed: an open end of this side keeps the channel (C4)
    while (!cspi_cas(&c->open[side], &open, open + 1, RELAXED));
    cspi_add(&c->refs, 1, RELAXED); // relaxed: as above
    csp_handle_init(&e->handle, &types[side]);
    e->chan = c;
    e->side = side;
    cspi_store(&e->closed, 0, RELAXED); // relaxed: nobody else knows e
    *out = e;
    return 0;
}

static int
end_clone(struct cspi_end *e, struct cspi_end **out)
{
    int closed = cspi_chan_end_state(e);

    if (closed)
        return closed;
    int rc = cspi_chan_end_new(e->chan, e->side, out);
    return rc == CSP_ECLOSED ? CSP_EENDCLOSED : rc; /* closed meanwhile */
}

int
cspi_chan_read_options(const csp_chan_opts *opts, csp_chan_opts *out)
{
    *out = (csp_chan_opts)CSP_CHAN_OPTS_INIT;
    if (!opts)
        return 0;
    if (opts->size < offsetof(csp_chan_opts, overflow) ||
        opts->size > sizeof *out)
        return CSP_EINVAL;
    memcpy(out, opts, opts->size);
    return 0;
}

/* The kind of channel that is asked for, or CSP_EINVAL. */
static int
kind_of(uint32_t capacity, csp_overflow overflow)
{
    if (capacity == CSP_CHAN_UNBOUNDED || capacity == 0) {
        if (overflow != CSP_OVERFLOW_BLOCK)
            return CSP_EINVAL;
        return capacity ? CSPI_CHAN_UNBOUNDED : CSPI_CHAN_RENDEZVOUS;
    }
    if (capacity > CSP_CHAN_MAX_CAPACITY)
        return CSP_EINVAL;
    switch (overflow) {
    case CSP_OVERFLOW_BLOCK:
        return CSPI_CHAN_BLOCK;
    case CSP_OVERFLOW_DROP_NEW:
        return CSPI_CHAN_DROP_NEW;
    case CSP_OVERFLOW_DROP_OLD:
        return CSPI_CHAN_DROP_OLD;
    }
    return CSP_EINVAL;
}

/* Makes what buffers the values. */
static int
make_parts(csp_chan *c, uint32_t capacity)
{
    if (c->kind < CSPI_CHAN_UNBOUNDED)
        return cspi_ring_init(&c->ring, &c->tail, &c->head, capacity);
    cspi_ring_init_never(&c->ring, &c->tail, &c->head);
    if (c->kind == CSPI_CHAN_RENDEZVOUS)
        return 0;
    c->chain = cspi_alloc_raw(sizeof *c->chain);
    int rc = c->chain ? cspi_chain_init(c->chain) : CSP_ENOMEM;
    if (rc < 0) {
        cspi_alloc_free(c->chain, sizeof *c->chain);
        c->chain = NULL;
    }
    return rc;
}

size_t
cspi_chan_cut(const char *name, size_t size)
{
    size_t n = strnlen(name, size);

    while (n && name[n] != 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static int
set_name(csp_chan *c, const char *name)
{
    snprintf(c->auto_name, sizeof c->auto_name, "chan-%llu",
             (unsigned long long)c->id);
    if (!name)
        return 0;
    size_t n = cspi_chan_cut(name, CSP_CHAN_MAX_NAME);
    if (!(c->name = cspi_alloc_raw(n + 1)))
        return CSP_ENOMEM;
    memcpy(c->name, name, n);
    c->name[n] = 0;
    return 0;
}

int
csp_chan_new(uint32_t capacity, const csp_chan_opts *given, csp_tx **tx,
             csp_rx **rx)
{
    struct cspi_end *ends[2];
    csp_chan_opts opts;
    int rc = cspi_chan_read_options(given, &opts);

    if (rc < 0 || (rc = kind_of(capacity, opts.overflow)) < 0)
        return rc;
    csp_chan *c = cspi_chan_keeper.create();
    if (!c)
        return CSP_ENOMEM;
    c->kind = (uint8_t)rc;
    // relaxed, the next three: nobody else knows c; the sides' own counts
    cspi_store(&c->open[CSPI_TX], 1, RELAXED);
    cspi_store(&c->open[CSPI_RX], 1, RELAXED);
    cspi_store(&c->refs, 2, RELAXED); // relaxed: as above
    if ((rc = make_parts(c, capacity)) < 0)
        goto err0;
    c->mark = opts.mark;
    if ((rc = set_name(c, opts.name)) < 0)
        goto err1;
    if ((rc = cspi_chan_end_new(c, CSPI_TX, &ends[CSPI_TX])) < 0)
        goto err1;
    if ((rc = cspi_chan_end_new(c, CSPI_RX, &ends[CSPI_RX])) < 0)
        goto err2;
    // relaxed, the next two: each side counts its end only from here on
    cspi_store(&c->open[CSPI_TX], 1, RELAXED);
    cspi_store(&c->open[CSPI_RX], 1, RELAXED);
    if ((rc = cspi_chan_keeper.publish(c)) < 0)
        goto err3;
    *tx = (csp_tx *)ends[CSPI_TX];
    *rx = (csp_rx *)ends[CSPI_RX];
    return 0;

err3: /* nobody knows the channel: its ends are memory, no more */
    cspi_alloc_free(ends[CSPI_RX], sizeof *ends[CSPI_RX]);
err2:
    cspi_alloc_free(ends[CSPI_TX], sizeof *ends[CSPI_TX]);
err1:
    free_parts(c);
err0:
    cspi_chan_keeper.destroy(c, false);
    return rc;
}

/* ---- attempts ---- */

/* Why the ring, or the state, says that it is over. Who reports a poisoning
 * has first seen to it that nothing is left: see K5 in lifetime.md. */
static int
why_shut(csp_chan *c)
{
    // edge closed: acquire
    if (!(cspi_load(&c->state, ACQUIRE) & CSPI_POISONED))
        return CSP_ECLOSED;
    if (c->kind != CSPI_CHAN_RENDEZVOUS)
        drain(c);
    return CSP_EPOISONED;
}

static int
send_over(csp_chan *c, csp_value v)
{
    csp_value old;
    bool evicted = false;
    enum cspi_ring_answer r =
        cspi_ring_push_over(&c->ring, &c->tail, v, &old, &evicted);

    if (evicted) {
        cspi_add(&c->dropped, 1, RELAXED); // relaxed: a figure
        csp_value_unref(&old);
    }
    return (int)r;
}

static int
push(csp_chan *c, csp_value v)
{
    if (unlikely(c->chain))
        return cspi_chain_push(c->chain, v);
    int r = (int)cspi_ring_push(&c->ring, &c->tail, v);
    if (r != CSPI_RING_AGAIN || c->kind == CSPI_CHAN_BLOCK)
        return r;
    if (c->kind == CSPI_CHAN_DROP_OLD)
        return send_over(c, v);
    cspi_add(&c->dropped, 1, RELAXED); // relaxed: a figure
    csp_value_unref(&v);
    return CSPI_RING_OK;
}

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

    // relaxed: set before the closer takes this lock, or seen next time
    if (cspi_load(&c->state, RELAXED))
        return why_shut(c);
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
            /* n lives: its owner cannot withdraw it without our lock */
            cspi_waitq_unlink(q, n);
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

static CSPI_NOINLINE int
try_meet(struct cspi_end *e, csp_value *v, struct cspi_waiter *me)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(lock_of(e));
    int rc = meet(e, v, me, NULL, &wakes);
    cspi_waitq_unlock(lock_of(e), &wakes);
    return rc;
}

int
cspi_chan_attempt(struct cspi_end *e, csp_value *v, struct cspi_waiter *me)
{
    csp_chan *c = e->chan;

    if (unlikely(c->kind >= CSPI_CHAN_RENDEZVOUS))
        return c->kind == CSPI_CHAN_ORPHAN ? CSP_EFORKED : try_meet(e, v, me);
    int r = e->side == CSPI_TX ? push(c, *v) : (int)pop(c, v);
    if (likely(r == CSPI_RING_OK)) {
        cspi_waitq_notify(&c->waitq[!e->side]);
        return 0;
    }
    return r == CSPI_RING_AGAIN  ? CSPI_CHAN_AGAIN
           : r == CSPI_RING_SHUT ? why_shut(c)
                                 : r;
}

/* Asks the ring, not the state: until the ring is marked it may hold values
 * that are not to be drained (K5 in lifetime.md). */
int
cspi_chan_room(struct cspi_end *e)
{
    csp_chan *c = e->chan;

    if (c->kind == CSPI_CHAN_ORPHAN)
        return CSP_EFORKED;
    if (c->chain)
        return cspi_chain_reserve(c->chain);
    return c->kind != CSPI_CHAN_BLOCK || cspi_ring_may_push(&c->ring, &c->tail)
               ? 0
               : CSPI_CHAN_AGAIN;
}

/* Whether an attempt would not answer AGAIN, or the end was closed. */
static bool
is_ready(struct cspi_end *e)
{
    csp_chan *c = e->chan;

    if (cspi_chan_end_state(e))
        return true;
    if (cspi_chan_is_rendezvous(e))
        return false; /* enlisting has looked */
    if (e->side == CSPI_TX)
        return c->kind != CSPI_CHAN_BLOCK ||
               cspi_ring_may_push(&c->ring, &c->tail);
    return (c->chain ? cspi_chain_peek(c->chain)
                     : cspi_ring_peek(&c->ring, &c->head)) != CSPI_RING_AGAIN;
}

/* Whether an attempt at a rendezvous for @p me would find it over, could meet
 * somebody, or would tell another selector to look. Lock held. (A thread that
 * is decided has only to take its node away: nothing to wait for.) */
static bool
has_peer(const struct cspi_end *e, const struct cspi_waiter *me)
{
    csp_chan *c = e->chan;

    // relaxed: set before the closer takes this lock, or it wakes the node
    if (cspi_load(&c->state, RELAXED))
        return true;
    for (struct cspi_node *n = c->waitq[!e->side].first; n; n = n->next)
        if (n->waiter != me && (n->ready || !cspi_waitq_is_decided(n->waiter)))
            return true;
    return false;
}

int
cspi_chan_enlist(struct cspi_end *e, csp_value *v, struct cspi_node *n,
                 bool front)
{
    struct cspi_wakes wakes = {.n = 0};
    int rc = CSPI_CHAN_AGAIN;

    cspi_waitq_lock(lock_of(e));
    /* A selector's node is here to stay: its waiter may have been claimed for
     * it meanwhile, and its value be what was received. */
    if (n->ready && cspi_waitq_is_decided(n->waiter))
        rc = CSPI_CHAN_READY;
    else if (n->only_told && cspi_chan_is_rendezvous(e))
        rc = has_peer(e, n->waiter) ? CSPI_CHAN_READY : CSPI_CHAN_AGAIN;
    else if (cspi_chan_is_rendezvous(e))
        rc = meet(e, v, n->waiter, n, &wakes);
    if (rc == CSPI_CHAN_AGAIN && !n->linked) {
        n->value = *v;
        cspi_waitq_link(queue_of(e), n, front);
    }
    cspi_waitq_unlock(lock_of(e), &wakes);
    if (rc != CSPI_CHAN_AGAIN)
        return rc == 0 ? 0 : CSPI_CHAN_READY;
    return is_ready(e) ? CSPI_CHAN_READY : CSPI_CHAN_AGAIN;
}

bool
cspi_chan_register(struct cspi_end *e, csp_value v, struct cspi_node *n)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(lock_of(e));
    if (!n->linked) {
        n->value = v; /* the next wait may find it linked, and leave it */
        cspi_waitq_link(queue_of(e), n, false);
    }
    bool met = cspi_chan_is_rendezvous(e) && has_peer(e, n->waiter);
    cspi_waitq_unlock(lock_of(e), &wakes);
    return met || is_ready(e); // edge enlist-then-look
}

bool
cspi_chan_take_exchanged(struct cspi_end *e, struct cspi_node *n, csp_value *v)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(lock_of(e)); /* until the claimer has let go of n */
    bool exchanged = n->exchanged;
    if (exchanged)
        *v = n->value;
    cspi_waitq_unlock(lock_of(e), &wakes);
    return exchanged;
}

void
cspi_chan_settle(struct cspi_end *e)
{
    struct cspi_wakes wakes = {.n = 0};

    if (e->chan->kind == CSPI_CHAN_ORPHAN) /* who held its locks is not here */
        return;
    cspi_waitq_lock(lock_of(e));
    cspi_waitq_unlock(lock_of(e), &wakes);
}

void
cspi_chan_pass_on(struct cspi_end *e)
{
    if (lock_of(e) == queue_of(e))
        cspi_waitq_notify(queue_of(e));
}

void
cspi_chan_withdraw(struct cspi_end *e, struct cspi_node *n)
{
    if (e->chan->kind != CSPI_CHAN_ORPHAN) /* as above */
        cspi_waitq_withdraw(lock_of(e), queue_of(e), n);
}

/* An attempt that never waits, with the public answers. */
static int
try_once(struct cspi_end *e, csp_value *v, int again)
{
    int closed = cspi_chan_end_state(e);

    if (closed)
        return closed;
    int rc = cspi_chan_attempt(e, v, NULL);
    if (rc == 0)
        return 0;
    if ((closed = cspi_chan_end_state(e))) /* meanwhile: then that is why */
        return closed;
    return rc == CSPI_CHAN_AGAIN ? again : rc;
}

int
csp_tx_try_send(csp_tx *tx, csp_value v)
{
    return try_once(&tx->end, &v, CSP_EFULL);
}

int
csp_rx_try_recv(csp_rx *rx, csp_value *v)
{
    *v = csp_value_none();
    return try_once(&rx->end, v, CSP_EEMPTY);
}

static void
note_depth(csp_chan *c, uint64_t depth)
{
    // relaxed: a figure
    uint64_t high = cspi_load(&c->high_water, RELAXED);

    // relaxed: a figure
    while (depth > high && !cspi_cas(&c->high_water, &high, depth, RELAXED))
        ;
}

void
cspi_chan_note_wait(struct cspi_end *e, uint64_t ns)
{
    csp_chan *c = e->chan;

    cspi_add(&c->waits[e->side], 1, RELAXED); // relaxed: a figure
    cspi_add(&c->wait_ns, ns, RELAXED);       // relaxed: a figure
    if (e->side == CSPI_TX)
        note_depth(c, c->ring.capacity); /* it waited: the channel was full */
    else
        cspi_chan_sample(c);
}

/* What entered the buffer, and what left it. */
static void
count(csp_chan *c, uint64_t *sent, uint64_t *taken)
{
    if (c->chain)
        cspi_chain_count(c->chain, sent, taken);
    else if (c->kind == CSPI_CHAN_RENDEZVOUS)
        *sent = *taken = cspi_load(&c->exchanged, RELAXED); // relaxed: figure
    else
        cspi_ring_count(&c->ring, &c->tail, &c->head, sent, taken);
}

void
cspi_chan_sample(csp_chan *c)
{
    uint64_t sent, taken;

    count(c, &sent, &taken);
    note_depth(c, sent - taken);
}

int
cspi_chan_stats(csp_chan *c, csp_chan_stats *out)
{
    uint64_t sent, taken;

    if (out->size != sizeof *out)
        return CSP_EINVAL;
    cspi_chan_sample(c);
    count(c, &sent, &taken);
    // relaxed: figures
    uint64_t dropped = cspi_load(&c->dropped, RELAXED);
    uint64_t undelivered = cspi_load(&c->undelivered, RELAXED);
    uint64_t evicted = c->kind == CSPI_CHAN_DROP_OLD ? dropped : 0;
    *out = (csp_chan_stats){
        .size = sizeof *out,
        .sent = sent,
        .received = taken - evicted - undelivered,
        .dropped = dropped,
        .undelivered = undelivered,
        .length = sent - taken,
        // relaxed: figures
        .high_water = cspi_load(&c->high_water, RELAXED),
        .send_waits = cspi_load(&c->waits[CSPI_TX], RELAXED),
        .recv_waits = cspi_load(&c->waits[CSPI_RX], RELAXED),
        // relaxed: figures
        .wait_ns = cspi_load(&c->wait_ns, RELAXED),
        .open_tx = cspi_load(&c->open[CSPI_TX], RELAXED),
        .open_rx = cspi_load(&c->open[CSPI_RX], RELAXED),
        // relaxed: figures
        .waiting_tx = cspi_load(&c->waitq[CSPI_TX].count, RELAXED),
        .waiting_rx = cspi_load(&c->waitq[CSPI_RX].count, RELAXED),
    };
    return 0;
}

bool
cspi_chan_hold(csp_chan *c)
{
    // relaxed: the CAS confirms it
    uint32_t refs = cspi_load(&c->refs, RELAXED);

    while (refs && c->kind != CSPI_CHAN_ORPHAN)
        // edge last-ref: acquire, what came before the reference that is there
        if (cspi_cas(&c->refs, &refs, refs + 1, ACQUIRE))
            return true;
    return false;
}

void
cspi_chan_drop(csp_chan *c)
{
    chan_unref(c);
}

void
cspi_chan_orphan(csp_chan *c)
{
    c->kind = CSPI_CHAN_ORPHAN; /* this is the only thread */
    c->chain = NULL;
    cspi_ring_init_never(&c->ring, &c->tail, &c->head);
}

/* Ends: the same for both sides, under the names of each. */
#define END_FUNCTIONS(xx, SIDE)                                                \
    int csp_##xx##_clone(csp_##xx *end, csp_##xx **out)                        \
    {                                                                          \
        struct cspi_end *e;                                                    \
        int rc = end_clone(&end->end, &e);                                     \
        if (rc == 0)                                                           \
            *out = (csp_##xx *)e;                                              \
        return rc;                                                             \
    }                                                                          \
    void csp_##xx##_close(csp_##xx *end)                                       \
    {                                                                          \
        end_close(&end->end, CSP_EENDCLOSED);                                  \
    }                                                                          \
    void csp_##xx##_moved(csp_##xx *end)                                       \
    {                                                                          \
        end_close(&end->end, CSP_EMOVED);                                      \
    }                                                                          \
    int csp_##xx##_stats(csp_##xx *end, csp_chan_stats *out)                   \
    {                                                                          \
        return cspi_chan_stats(end->end.chan, out);                            \
    }                                                                          \
    int csp_##xx##_poison(csp_##xx *end, csp_value reason)                     \
    {                                                                          \
        return end_poison(&end->end, reason);                                  \
    }                                                                          \
    int csp_##xx##_reason(const csp_##xx *end, csp_value *out)                 \
    {                                                                          \
        return end_reason(&end->end, out);                                     \
    }                                                                          \
    csp_##xx *csp_##xx##_ref(csp_##xx *end)                                    \
    {                                                                          \
        csp_handle_ref(&end->end.handle);                                      \
        return end;                                                            \
    }                                                                          \
    void csp_##xx##_unref(csp_##xx *end)                                       \
    {                                                                          \
        if (end)                                                               \
            csp_handle_unref(&end->end.handle);                                \
    }                                                                          \
    uint64_t csp_##xx##_id(const csp_##xx *end)                                \
    {                                                                          \
        return end->end.chan->id;                                              \
    }                                                                          \
    const char *csp_##xx##_name(const csp_##xx *end)                           \
    {                                                                          \
        csp_chan *c = end->end.chan;                                           \
        return c->name ? c->name : c->auto_name;                               \
    }                                                                          \
    uint32_t csp_##xx##_capacity(const csp_##xx *end)                          \
    {                                                                          \
        const csp_chan *c = end->end.chan;                                     \
        return c->chain ? CSP_CHAN_UNBOUNDED : c->ring.capacity;               \
    }                                                                          \
    size_t csp_##xx##_len(csp_##xx *end)                                       \
    {                                                                          \
        uint64_t sent, taken;                                                  \
        count(end->end.chan, &sent, &taken);                                   \
        return (size_t)(sent - taken);                                         \
    }                                                                          \
    size_t csp_##xx##_waiting(const csp_##xx *end)                             \
    { /* relaxed: a figure for people and tests */                             \
        return cspi_load(&queue_of(&end->end)->count, RELAXED);                \
    }                                                                          \
    int csp_##xx##_state(const csp_##xx *end)                                  \
    {                                                                          \
        return cspi_chan_end_state(&end->end);                                 \
    }                                                                          \
    csp_value csp_##xx##_as_value(csp_##xx *end)                               \
    {                                                                          \
        return csp_value_handle(&end->end.handle);                             \
    }                                                                          \
    csp_##xx *csp_##xx##_from_handle(csp_handle *h)                            \
    {                                                                          \
        return h->type == &types[SIDE]                                         \
                   ? (csp_##xx *)cspi_container(h, struct cspi_end, handle)    \
                   : NULL;                                                     \
    }

END_FUNCTIONS(tx, CSPI_TX)
END_FUNCTIONS(rx, CSPI_RX)

bool
csp_tx_is_finished(csp_tx *tx)
{
    // edge closed: acquire
    return cspi_load(&tx->end.chan->state, ACQUIRE) &
           (CSPI_RX_GONE | CSPI_POISONED);
}

bool
csp_rx_is_finished(csp_rx *rx)
{
    csp_chan *c = rx->end.chan;

    if (c->kind == CSPI_CHAN_RENDEZVOUS) // edge closed: acquire
        return cspi_load(&c->state, ACQUIRE) != 0;
    return (c->chain ? cspi_chain_peek(c->chain)
                     : cspi_ring_peek(&c->ring, &c->head)) == CSPI_RING_SHUT;
}

uint32_t
csp_tx_mark(const csp_tx *tx)
{
    return tx->end.chan->mark;
}
