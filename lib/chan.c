// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chan.c: a ring and two wait queues: single attempts, offers, closing.
 *
 * What waits is in select.c; who may still send or receive, in ends.c; what is
 * passed without a ring, in rendezvous.c.
 *
 * Invariants (C1 and C4 are in ends.c):
 *   C2  A side's bit in state is set before the ring is marked closed, so who
 *       meets the mark sees why.
 *   C3  After the shut of RX, and after a poisoning, the ring is marked and
 *       empty: what entered before the mark was received or released, and
 *       nothing enters after it.
 *   C5  An attempt comes before the look at whether the end is closed: in the
 *       other order a waiter claimed for a value could go without trying to
 *       take it, and the value's wake-up would be lost.
 * Locks:   those of waitq.c.
 * Memory:  a channel belongs to what C4 says. */
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "chan_priv.h"
#include "rendezvous.h"

_Static_assert(offsetof(csp_chan, state) == 64, "line 0: ring and queues");
_Static_assert(offsetof(csp_chan, tail) == 128, "line 1: the rest");

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

void
cspi_chan_drop(csp_chan *c)
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

void
cspi_chan_shut(csp_chan *c, uint32_t why)
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

void
cspi_chan_poison(csp_chan *c, struct cspi_reason *r)
{
    struct cspi_reason *none = NULL;

    // edge reason: release, before the state that says it is there
    if (!cspi_cas(&c->reason, &none, r, RELEASE)) {
        csp_value_unref(&r->value);
        cspi_alloc_free(r, sizeof *r);
    }
    cspi_chan_shut(c, CSPI_POISONED);
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
    out->size = sizeof *out;
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

/* Why the ring says that it is over. Who reports a poisoning
 * has first seen to it that nothing is left: lifetime.md, claim 10. */
static int
why_shut(csp_chan *c)
{
    // edge closed: acquire
    if (!(cspi_load(&c->state, ACQUIRE) & CSPI_POISONED))
        return CSP_ECLOSED;
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

int
cspi_chan_attempt(struct cspi_end *e, csp_value *v, struct cspi_waiter *me)
{
    csp_chan *c = e->chan;

    if (unlikely(c->kind >= CSPI_CHAN_RENDEZVOUS))
        return c->kind == CSPI_CHAN_ORPHAN ? CSP_EFORKED
                                           : cspi_rendezvous_try(e, v, me);
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
 * that are not to be drained (lifetime.md, claim 10). */
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

int
cspi_chan_enlist(struct cspi_end *e, csp_value *v, struct cspi_node *n,
                 bool front)
{
    struct cspi_wakes wakes = {.n = 0};
    int rc = CSPI_CHAN_AGAIN;

    cspi_waitq_lock(cspi_chan_lock_of(e));
    /* A selector's node is here to stay: its waiter may have been claimed for
     * it meanwhile, and its value be what was received. */
    if (n->ready && cspi_waitq_is_decided(n->waiter))
        rc = CSPI_CHAN_READY;
    else if (cspi_chan_is_rendezvous(e))
        rc = cspi_rendezvous_offer(e, v, n, &wakes);
    if (rc == CSPI_CHAN_AGAIN && !n->linked) {
        n->value = *v;
        cspi_waitq_link(cspi_chan_queue_of(e), n, front);
    }
    cspi_waitq_unlock(cspi_chan_lock_of(e), &wakes);
    if (rc != CSPI_CHAN_AGAIN)
        return rc == 0 ? 0 : CSPI_CHAN_READY;
    return is_ready(e) ? CSPI_CHAN_READY : CSPI_CHAN_AGAIN;
}

bool
cspi_chan_register(struct cspi_end *e, csp_value v, struct cspi_node *n)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(cspi_chan_lock_of(e));
    if (!n->linked) {
        n->value = v; /* the next wait may find it linked, and leave it */
        cspi_waitq_link(cspi_chan_queue_of(e), n, false);
    }
    bool met =
        cspi_chan_is_rendezvous(e) && cspi_rendezvous_has_peer(e, n->waiter);
    cspi_waitq_unlock(cspi_chan_lock_of(e), &wakes);
    return met || is_ready(e); // edge enlist-then-look
}

bool
cspi_chan_take_exchanged(struct cspi_end *e, struct cspi_node *n, csp_value *v)
{
    struct cspi_wakes wakes = {.n = 0};

    cspi_waitq_lock(
        cspi_chan_lock_of(e)); /* until the claimer has let go of n */
    bool exchanged = n->exchanged;
    if (exchanged)
        *v = n->value;
    cspi_waitq_unlock(cspi_chan_lock_of(e), &wakes);
    return exchanged;
}

void
cspi_chan_settle(struct cspi_end *e)
{
    struct cspi_wakes wakes = {.n = 0};

    if (e->chan->kind == CSPI_CHAN_ORPHAN) /* who held its locks is not here */
        return;
    cspi_waitq_lock(cspi_chan_lock_of(e));
    cspi_waitq_unlock(cspi_chan_lock_of(e), &wakes);
}

void
cspi_chan_pass_on(struct cspi_end *e)
{
    if (cspi_chan_lock_of(e) == cspi_chan_queue_of(e))
        cspi_waitq_notify(cspi_chan_queue_of(e));
}

void
cspi_chan_withdraw(struct cspi_end *e, struct cspi_node *n)
{
    if (e->chan->kind != CSPI_CHAN_ORPHAN) /* as above */
        cspi_waitq_withdraw(cspi_chan_lock_of(e), cspi_chan_queue_of(e), n);
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

void
cspi_chan_count(csp_chan *c, uint64_t *sent, uint64_t *taken)
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

    cspi_chan_count(c, &sent, &taken);
    note_depth(c, sent - taken);
}

int
cspi_chan_stats(csp_chan *c, csp_chan_stats *out)
{
    uint64_t sent, taken;

    if (out->size != sizeof *out)
        return CSP_EINVAL;
    cspi_chan_sample(c);
    /* Before the count: what left the ring undelivered is counted after it
     * left. Nothing orders the two for others, and an orphan's ring has
     * forgotten all; so the difference may still be below 0, and is 0 then. */
    // relaxed: figures
    uint64_t dropped = cspi_load(&c->dropped, RELAXED);
    uint64_t undelivered = cspi_load(&c->undelivered, RELAXED);
    uint64_t lost = undelivered + (c->kind == CSPI_CHAN_DROP_OLD ? dropped : 0);
    cspi_chan_count(c, &sent, &taken);
    *out = (csp_chan_stats){
        .size = sizeof *out,
        .sent = sent,
        .received = taken > lost ? taken - lost : 0,
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
cspi_chan_orphan(csp_chan *c)
{
    c->kind = CSPI_CHAN_ORPHAN; /* this is the only thread */
    c->chain = NULL;
    cspi_ring_init_never(&c->ring, &c->tail, &c->head);
}
