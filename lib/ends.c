// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ends.c: the counted ends of a channel.
 *
 * Invariants:
 *   C1  open[side] counts the open ends of a side. It leaves 0 never: the
 *       side is shut then, once, by the close that took it there.
 *   C4  A channel's memory is held by each end object and, for each side,
 *       until that side's shut has returned.
 * C2, C3 and C5 are in chan.c.
 * Locks:   those of waitq.c.
 * Memory:  an end belongs to its references; the channel to C4. */
#include <stdio.h>

#include "alloc.h"
#include "chan_priv.h"

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
    cspi_waitq_wake_all(cspi_chan_lock_of(e), cspi_chan_queue_of(e), e);
    // edge last-ref: acquire and release; a side's ends, then its shut
    if (cspi_sub(&e->chan->open[e->side], 1, ACQ_REL) == 1) {
        cspi_chan_shut(e->chan,
                       e->side == CSPI_TX ? CSPI_TX_GONE : CSPI_RX_GONE);
        cspi_chan_drop(e->chan);
    }
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
    cspi_chan_drop(c);
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
        cspi_chan_count(end->end.chan, &sent, &taken);                         \
        return (size_t)(sent - taken);                                         \
    }                                                                          \
    size_t csp_##xx##_waiting(const csp_##xx *end)                             \
    { /* relaxed: a figure for people and tests */                             \
        return cspi_load(&cspi_chan_queue_of(&end->end)->count, RELAXED);      \
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
        return h && h->type == &types[SIDE]                                    \
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
