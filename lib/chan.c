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
 *   C3  After shut(RX) the ring is marked and empty: what entered before the
 *       mark was received or released, and nothing enters after it.
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

static void
chan_unref(csp_chan *c)
{
    // edge last-ref: acq_rel
    if (cspi_sub(&c->refs, 1, ACQ_REL) != 1)
        return;
    cspi_ring_fini(&c->ring);
    if (c->name)
        cspi_alloc_free(c->name, strlen(c->name) + 1);
    cspi_chan_keeper.destroy(c, true);
}

static void
drain(csp_chan *c)
{
    csp_value v;

    while (cspi_ring_pop(&c->ring, &c->head, &v) == CSPI_RING_OK)
        csp_value_unref(&v);
}

/* The last end of @p side was closed. */
static void
shut(csp_chan *c, enum cspi_side side)
{
    // edge closed: release, before the mark in the ring (C2)
    cspi_or(&c->state, side == CSPI_TX ? CSPI_TX_GONE : CSPI_RX_GONE, RELEASE);
    cspi_ring_close(&c->ring, &c->tail);
    if (side == CSPI_RX)
        drain(c);
    cspi_waitq_wake_all(&c->waitq[CSPI_TX], NULL);
    cspi_waitq_wake_all(&c->waitq[CSPI_RX], NULL);
    chan_unref(c);
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
    cspi_waitq_wake_all(queue_of(e), e);
    // edge last-ref: acq_rel; the ends of a side come before its shut
    if (cspi_sub(&e->chan->open[e->side], 1, ACQ_REL) == 1)
        shut(e->chan, e->side);
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

static const csp_handle_type types[2] = {
    [CSPI_TX] = {sizeof(csp_handle_type), "send end", end_release},
    [CSPI_RX] = {sizeof(csp_handle_type), "receive end", end_release},
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

static int
check_options(uint32_t capacity, const csp_chan_opts *opts)
{
    if (capacity == 0 || capacity > CSP_CHAN_MAX_CAPACITY)
        return CSP_EINVAL;
    return opts && opts->size != sizeof *opts ? CSP_EINVAL : 0;
}

static int
set_name(csp_chan *c, const char *name)
{
    snprintf(c->auto_name, sizeof c->auto_name, "chan-%llu",
             (unsigned long long)c->id);
    if (!name)
        return 0;
    size_t n = strnlen(name, CSP_CHAN_MAX_NAME);
    while (n && name[n] != 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--; /* do not cut through a character */
    if (!(c->name = cspi_alloc_raw(n + 1)))
        return CSP_ENOMEM;
    memcpy(c->name, name, n);
    c->name[n] = 0;
    return 0;
}

int
csp_chan_new(uint32_t capacity, const csp_chan_opts *opts, csp_tx **tx,
             csp_rx **rx)
{
    struct cspi_end *ends[2];
    int rc = check_options(capacity, opts);

    if (rc < 0)
        return rc;
    csp_chan *c = cspi_chan_keeper.create();
    if (!c)
        return CSP_ENOMEM;
    // relaxed, the next three: nobody else knows c; the sides' own counts
    cspi_store(&c->open[CSPI_TX], 1, RELAXED);
    cspi_store(&c->open[CSPI_RX], 1, RELAXED);
    cspi_store(&c->refs, 2, RELAXED); // relaxed: as above
    if ((rc = set_name(c, opts ? opts->name : NULL)) < 0)
        goto err0;
    if ((rc = cspi_ring_init(&c->ring, &c->tail, &c->head, capacity)) < 0)
        goto err1;
    if ((rc = cspi_chan_end_new(c, CSPI_TX, &ends[CSPI_TX])) < 0)
        goto err2;
    if ((rc = cspi_chan_end_new(c, CSPI_RX, &ends[CSPI_RX])) < 0)
        goto err3;
    // relaxed, the next two: each side counts its end only from here on
    cspi_store(&c->open[CSPI_TX], 1, RELAXED);
    cspi_store(&c->open[CSPI_RX], 1, RELAXED);
    if ((rc = cspi_chan_keeper.publish(c)) < 0)
        goto err4;
    *tx = (csp_tx *)ends[CSPI_TX];
    *rx = (csp_rx *)ends[CSPI_RX];
    return 0;

err4: /* nobody knows the channel: its ends are memory, no more */
    cspi_alloc_free(ends[CSPI_RX], sizeof *ends[CSPI_RX]);
err3:
    cspi_alloc_free(ends[CSPI_TX], sizeof *ends[CSPI_TX]);
err2:
    cspi_ring_fini(&c->ring);
err1:
    if (c->name)
        cspi_alloc_free(c->name, strlen(c->name) + 1);
err0:
    cspi_chan_keeper.destroy(c, false);
    return rc;
}

int
cspi_chan_end_state(const struct cspi_end *e)
{
    struct cspi_end *end = (struct cspi_end *)(uintptr_t)e;

    // edge end-closed: seq_cst
    return (int)cspi_load(&end->closed, SEQ_CST);
}

static int
answer(enum cspi_ring_answer r, struct cspi_waitq *other)
{
    if (likely(r == CSPI_RING_OK)) {
        cspi_waitq_notify(other);
        return 0;
    }
    return r == CSPI_RING_AGAIN ? CSPI_CHAN_AGAIN : CSP_ECLOSED;
}

int
cspi_chan_attempt(struct cspi_end *e, csp_value *v)
{
    csp_chan *c = e->chan;

    if (e->side == CSPI_TX)
        return answer(cspi_ring_push(&c->ring, &c->tail, *v),
                      &c->waitq[CSPI_RX]);
    return answer(cspi_ring_pop(&c->ring, &c->head, v), &c->waitq[CSPI_TX]);
}

bool
cspi_chan_is_ready(struct cspi_end *e)
{
    csp_chan *c = e->chan;

    if (cspi_chan_end_state(e))
        return true;
    return e->side == CSPI_TX
               ? cspi_ring_may_push(&c->ring, &c->tail)
               : cspi_ring_peek(&c->ring, &c->head) != CSPI_RING_AGAIN;
}

/* An attempt that never waits, with the public answers. */
static int
try_once(struct cspi_end *e, csp_value *v, int again)
{
    int closed = cspi_chan_end_state(e);

    if (closed)
        return closed;
    int rc = cspi_chan_attempt(e, v);
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
        return end->end.chan->ring.capacity;                                   \
    }                                                                          \
    size_t csp_##xx##_len(csp_##xx *end)                                       \
    {                                                                          \
        csp_chan *c = end->end.chan;                                           \
        return cspi_ring_len(&c->ring, &c->tail, &c->head);                    \
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
    return cspi_load(&tx->end.chan->state, ACQUIRE) & CSPI_RX_GONE;
}

bool
csp_rx_is_finished(csp_rx *rx)
{
    csp_chan *c = rx->end.chan;

    return cspi_ring_peek(&c->ring, &c->head) == CSPI_RING_SHUT;
}
