// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* model.c: see model.h.
 *
 * Where channels promise less than one thing at a time, so does the model:
 *   - What a poisoning, or the close of the last receive end, discards goes
 *     one by one: meanwhile a value from the middle may be received.
 *   - The subscribers of a hub get a value one after another, all in the same
 *     order.
 *   - Of a rendezvous "not ready" is wrong only when somebody on the other
 *     side had gone to sleep before the attempt began, and was not met. */
#include "model.h"

#include <string.h>

void
model_init(struct model *m, const struct plan *plan)
{
    memset(m, 0, sizeof *m);
    m->plan = plan;
    for (unsigned i = 0; i < plan->n_chans; i++) {
        const struct chan_plan *p = &plan->chans[i];
        struct chan *c = &m->chans[i];
        unsigned tx = plan->hub ? plan->chans[0].ends[TX] : p->ends[TX];
        for (unsigned k = 0; k < p->filled; k++)
            c->values[c->n++] = plan_filling(i, k);
        c->open[TX] = (uint8_t)((1u << tx) - 1);
        c->open[RX] = (uint8_t)((1u << p->ends[RX]) - 1);
    }
}

static bool
is_over(const struct chan *c)
{
    return c->gone[TX] || c->gone[RX] || c->poisoned;
}

bool
model_is_ready(const struct model *m, unsigned chan, unsigned side)
{
    const struct chan_plan *p = &m->plan->chans[chan];
    const struct chan *c = &m->chans[chan];

    if (is_over(c))
        return true;
    if (p->kind == RENDEZVOUS)
        return false;
    if (side == RX)
        return c->n > 0;
    return p->kind != BLOCK || c->n < p->capacity;
}

/* ---- values ---- */

static void
drop_first(struct chan *c)
{
    memmove(c->values, c->values + 1, --c->n);
}

static bool
take(struct chan *c, uint8_t value)
{
    if (c->n == 0 || c->values[0] != value)
        return false;
    drop_first(c);
    return true;
}

static bool
put(struct model *m, const struct effect *e)
{
    const struct chan_plan *p = &m->plan->chans[e->chan];
    struct chan *c = &m->chans[e->chan];

    if (is_over(c) || !model_is_ready(m, e->chan, TX))
        return false;
    if (p->kind != UNBOUNDED && c->n == p->capacity) {
        if (p->kind == DROP_NEW)
            return true;
        drop_first(c); /* DROP_OLD */
    }
    if (c->n == MOST_VALUES)
        return false;
    c->values[c->n++] = e->value;
    return true;
}

/* All subscribers hear the same, in the same order. */
static bool
is_heard_in_order(const struct model *m, struct chan *c, uint8_t value)
{
    unsigned k = c->n_heard;

    if (k == MOST_VALUES)
        return false;
    c->heard[c->n_heard++] = value;
    for (unsigned i = 0; i < m->plan->n_chans; i++)
        if (m->chans[i].n_heard > k && m->chans[i].heard[k] != value)
            return false;
    return true;
}

static bool
was_sent(struct model *m, const struct effect *e)
{
    struct chan *c = &m->chans[e->chan];

    if (m->plan->chans[e->chan].kind == RENDEZVOUS)
        return false;
    if (!e->hub)
        return put(m, e);
    if (!is_heard_in_order(m, c, e->value))
        return false;
    return c->gone[RX] || c->poisoned /* it has left */ || put(m, e);
}

/* Whether somebody may be discarding what @p chan holds. */
static bool
is_being_discarded(unsigned chan, const struct effects *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        const struct effect *e = &all->list[i];
        if (!(all->done >> i & 1) && e->began <= all->until &&
            e->chan == chan &&
            (e->what == POISONS || (e->what == CLOSES && e->side == RX)))
            return true;
    }
    return false;
}

static bool
was_received(struct model *m, const struct effect *e, const struct effects *all)
{
    struct chan *c = &m->chans[e->chan];

    if (m->plan->chans[e->chan].kind == RENDEZVOUS)
        return false;
    if (take(c, e->value))
        return true;
    if (!memchr(c->values, e->value, c->n) || !is_being_discarded(e->chan, all))
        return false;
    while (!take(c, e->value))
        drop_first(c);
    return true;
}

/* ---- rendezvous ---- */

/* Whether somebody who slept before @p e began is still to be met. */
static bool
misses_a_sleeper(const struct effect *e, const struct effects *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        const struct effect *o = &all->list[i];
        if (!(all->done >> i & 1) && o->chan == e->chan &&
            o->what == (e->side == TX ? RECEIVED : SENT) && o->slept &&
            o->slept < e->began)
            return true;
    }
    return false;
}

static bool
was_not_ready(const struct model *m, const struct effect *e,
              const struct effects *all)
{
    if (m->plan->chans[e->chan].kind != RENDEZVOUS)
        return !model_is_ready(m, e->chan, e->side);
    return !is_over(&m->chans[e->chan]) &&
           (e->vague || !misses_a_sleeper(e, all));
}

bool
model_meet(const struct model *m, const struct effect *a,
           const struct effect *b)
{
    return m->plan->chans[a->chan].kind == RENDEZVOUS && a->what == SENT &&
           b->what == RECEIVED && a->chan == b->chan && a->value == b->value &&
           !is_over(&m->chans[a->chan]);
}

/* ---- ends ---- */

static bool
close_end(struct chan *c, const struct effect *e)
{
    c->open[e->side] &= (uint8_t)~(1u << e->end);
    if (!c->open[e->side]) {
        c->gone[e->side] = true;
        if (e->side == RX)
            c->n = 0;
    }
    return true;
}

static bool
open_end(struct chan *c, const struct effect *e)
{
    bool open = c->open[e->side] != 0;

    c->open[e->side] |= (uint8_t)(1u << e->value);
    return open;
}

/* The last end goes before its side is closed. */
static bool
has_no_end(const struct chan *c, const struct effect *e,
           const struct effects *all)
{
    unsigned open = c->open[e->side];

    for (unsigned i = 0; i < all->n; i++) {
        const struct effect *o = &all->list[i];
        if (!(all->done >> i & 1) && o->began <= all->until &&
            o->what == CLOSES && o->chan == e->chan && o->side == e->side)
            open &= ~(1u << o->end);
    }
    return open == 0;
}

bool
model_apply(struct model *m, const struct effect *e, const struct effects *all)
{
    struct chan *c = &m->chans[e->chan];

    switch (e->what) {
    case SENT:
        return was_sent(m, e);
    case RECEIVED:
        return was_received(m, e, all);
    case NOT_READY:
        return was_not_ready(m, e, all);
    case IS_CLOSED:
        return !c->poisoned && c->gone[!e->side] &&
               (e->side == TX || c->n == 0);
    case IS_POISONED:
        return c->poisoned;
    case HAS_NO_END:
        return has_no_end(c, e, all);
    case CLOSES:
        return close_end(c, e);
    case CLONES:
        return open_end(c, e);
    case POISONS:
        if (e->hub && c->gone[TX])
            return true; /* the hub has ended: it has no subscribers */
        c->poisoned = true;
        c->n = 0;
        return true;
    }
    return false;
}
