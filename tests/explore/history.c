// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* history.c: see history.h.
 *
 * Each record has effects on a model that does one thing at a time; a history
 * is right if the effects can be put in an order that the model allows, each
 * between the beginning and the end of its operation. All orders are tried,
 * depth first.
 *
 * What a record means:
 *     sent, received        one effect on the channel; a rendezvous is one
 *                           effect of two operations
 *     full, empty, timeout,
 *     cancelled, interrupt  there was a moment at which it was not ready (for
 *                           a select: one for each case, not all at the same)
 *     closed, poisoned      there was a moment at which it was so
 *     end closed            somebody had begun to close that end; and no other
 *                           answer may come once that close has ended
 * An end is closed together with its side, if it is the last. An operation
 * that goes on while its own end is being closed may succeed nevertheless.
 *
 * What a poisoning, or the close of the last receive end, discards goes one by
 * one: meanwhile somebody may still receive a value from the middle.
 *
 * Of a rendezvous "not ready" is wrong when somebody on the other side had
 * gone to sleep before the attempt began, and was met by a later one. */
#include "history.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <csp/status.h>

enum { MOST_EFFECTS = 32, MOST_VALUES = 16 };

enum what {
    NOTHING,
    SENT,
    RECEIVED,
    NOT_READY,
    IS_CLOSED,
    IS_POISONED,
    CLOSES,
    CLONES,
    POISONS
};

struct effect {
    enum what what;
    uint8_t chan, side, end, value;
    bool maybe; /* of a stopped thread: it need not have happened */
    bool vague; /* a not ready of a select */
    unsigned began, ended, slept;
};

struct chan {
    uint8_t n, open[2]; /* open: a bit per end */
    bool gone[2], poisoned;
    uint8_t values[MOST_VALUES];
};

struct model {
    struct chan chans[MOST_CHANS];
};

static struct {
    const struct history *h;
    unsigned stopped;
    struct effect list[MOST_EFFECTS];
    unsigned n;
    const char *fault;
} now;

/* ---- what channels do ---- */

static bool
is_over(const struct chan *c)
{
    return c->gone[TX] || c->gone[RX] || c->poisoned;
}

/* Whether an operation of @p side would not wait; not for a rendezvous. */
static bool
is_ready(const struct chan *c, const struct chan_plan *plan, int side)
{
    if (is_over(c))
        return true;
    if (side == RX)
        return c->n > 0;
    return plan->kind != BLOCK || c->n < plan->capacity;
}

static bool
take(struct chan *c, uint8_t value)
{
    if (c->n == 0 || c->values[0] != value)
        return false;
    memmove(c->values, c->values + 1, --c->n);
    return true;
}

static bool
put(struct chan *c, const struct chan_plan *plan, uint8_t value)
{
    if (is_over(c) || !is_ready(c, plan, TX))
        return false;
    if (plan->kind != UNBOUNDED && c->n == plan->capacity) {
        if (plan->kind == DROP_NEW)
            return true;
        memmove(c->values, c->values + 1, --c->n); /* DROP_OLD */
    }
    if (c->n == MOST_VALUES)
        return false;
    c->values[c->n++] = value;
    return true;
}

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
clone_end(struct chan *c, const struct effect *e)
{
    bool open = c->open[e->side] != 0;

    c->open[e->side] |= (uint8_t)(1u << e->value);
    return open;
}

static bool
closes(const struct act *a, const struct act *of)
{
    return (a->verb == CLOSE || a->verb == UNREF || a->verb == MOVED) &&
           a->chan == of->chan && a->side == of->side && a->end == of->end;
}

/* A close of the end of @p a that began before @p until (ended before it, if
 * @p ended), or NULL. */
static const struct record *
closed_before(const struct act *a, unsigned until, bool ended)
{
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *r = &now.h->list[i];
        unsigned when = ended ? r->ended : r->began;
        if (closes(r->act, a) && when && when < until)
            return r;
    }
    return NULL;
}

/* Whether once asleep @p r can be met until it is. */
static bool
sleeps_on(const struct record *r)
{
    return r->act->mode == FOREVER && !now.h->signals &&
           !closed_before(r->act, UINT_MAX, false);
}

/* Whether somebody who slept before @p e began, and whom somebody met later
 * or nobody ever, is still there. */
static bool
sleeper_was_missed(const struct effect *e, unsigned done)
{
    const struct history *h = now.h;

    for (unsigned i = 0; i < now.n; i++) {
        const struct effect *o = &now.list[i];
        if (!(done >> i & 1) && o->what == (e->side == TX ? RECEIVED : SENT) &&
            o->chan == e->chan && o->slept && o->slept < e->began && !o->vague)
            return true;
    }
    for (unsigned i = 0; i < h->n; i++) {
        const struct record *r = &h->list[i];
        if (!r->ended && r->act->verb == (e->side == TX ? RECV : SEND) &&
            r->act->chan == e->chan && r->slept && r->slept < e->began &&
            sleeps_on(r))
            return true;
    }
    return false;
}

static bool
was_not_ready(const struct chan *c, const struct effect *e, unsigned done)
{
    const struct chan_plan *plan = &now.h->chans[e->chan];

    if (plan->kind != RENDEZVOUS)
        return !is_ready(c, plan, e->side);
    return !is_over(c) &&
           (e->vague || now.stopped || !sleeper_was_missed(e, done));
}

/* Whether somebody may be discarding what channel @p chan holds: has begun by
 * @p until, and is not among @p done. */
static bool
is_being_discarded(unsigned chan, unsigned done, unsigned until)
{
    for (unsigned i = 0; i < now.n; i++) {
        const struct effect *e = &now.list[i];
        if (!(done >> i & 1) && e->began <= until && e->chan == chan &&
            (e->what == POISONS || (e->what == CLOSES && e->side == RX)))
            return true;
    }
    return false;
}

static bool
take_from_the_middle(struct chan *c, uint8_t value)
{
    while (!take(c, value))
        take(c, c->values[0]);
    return true;
}

/* Lets @p e happen, if it can, while others that began by @p until do. */
static bool
apply(struct model *m, const struct effect *e, unsigned done, unsigned until)
{
    const struct chan_plan *plan = &now.h->chans[e->chan];
    struct chan *c = &m->chans[e->chan];

    switch (e->what) {
    case NOTHING:
        return true;
    case SENT:
        return plan->kind != RENDEZVOUS && put(c, plan, e->value);
    case RECEIVED:
        return plan->kind != RENDEZVOUS &&
               (take(c, e->value) ||
                (memchr(c->values, e->value, c->n) &&
                 is_being_discarded(e->chan, done, until) &&
                 take_from_the_middle(c, e->value)));
    case NOT_READY:
        return was_not_ready(c, e, done);
    case IS_CLOSED:
        return !c->poisoned && c->gone[!e->side] &&
               (e->side == TX || c->n == 0);
    case IS_POISONED:
        return c->poisoned;
    case CLOSES:
        return close_end(c, e);
    case CLONES:
        return clone_end(c, e);
    case POISONS:
        c->poisoned = true;
        c->n = 0;
        return true;
    }
    return false;
}

/* Whether @p a and @p b are the two halves of a rendezvous. */
static bool
meet(const struct model *m, const struct effect *a, const struct effect *b)
{
    return now.h->chans[a->chan].kind == RENDEZVOUS && a->what == SENT &&
           b->what == RECEIVED && a->chan == b->chan && a->value == b->value &&
           !is_over(&m->chans[a->chan]);
}

/* ---- in the end ---- */

/* Whether case @p i of @p r has left its selector: it happened for the last
 * time, in an earlier wait. */
static bool
is_used_up(const struct record *r, int i)
{
    const struct record *o = now.h->list;

    for (; r->act->verb == WAIT && o < r; o++)
        if (o->thread == r->thread && o->act->verb == WAIT && o->which == i &&
            (o->status != 0 || o->act->cases[i]->verb == SEND))
            return true;
    return false;
}

static bool
is_offer(const struct act *a, int chan, int side)
{
    return (a->verb == SEND || a->verb == RECV) && a->chan == chan &&
           a->side == side;
}

static bool
offers(const struct record *r, int chan, int side)
{
    for (int i = 0; i < r->act->n_cases; i++)
        if (is_offer(r->act->cases[i], chan, side) && !is_used_up(r, i))
            return true;
    return is_offer(r->act, chan, side);
}

/* Whether @p a, which thread @p who waits in, could go on. */
static bool
could_go_on(const struct model *m, const struct act *a, unsigned who)
{
    const struct history *h = now.h;

    if (a->verb != SEND && a->verb != RECV)
        return false;
    if (closed_before(a, UINT_MAX, false))
        return true;
    if (h->chans[a->chan].kind != RENDEZVOUS)
        return is_ready(&m->chans[a->chan], &h->chans[a->chan], a->side);
    if (is_over(&m->chans[a->chan]))
        return true;
    for (unsigned i = 0; i < h->n; i++)
        if (!h->list[i].ended && h->list[i].thread != who &&
            offers(&h->list[i], a->chan, !a->side))
            return true;
    return false;
}

static bool
was_cancelled(unsigned who, unsigned until)
{
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *r = &now.h->list[i];
        if (r->act->verb == CANCEL && r->act->value == who && r->began < until)
            return true;
    }
    return false;
}

static bool
all_wait_rightly(const struct model *m)
{
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *r = &now.h->list[i];
        if (r->ended || now.stopped)
            continue;
        bool could = could_go_on(m, r->act, r->thread);
        for (int k = 0; k < r->act->n_cases; k++)
            could |= !is_used_up(r, k) &&
                     could_go_on(m, r->act->cases[k], r->thread);
        if (could) {
            now.fault = "a thread sleeps though it could go on";
            return false;
        }
    }
    return true;
}

/* ---- all orders ---- */

/* Whether what is left after @p done can be put in an order. */
static bool
can_be_ordered(const struct model *m, unsigned done)
{
    unsigned first_end = UINT_MAX;
    bool left = false;

    for (unsigned i = 0; i < now.n; i++)
        if (!(done >> i & 1) && !now.list[i].maybe) {
            left = true;
            if (now.list[i].ended < first_end)
                first_end = now.list[i].ended;
        }
    if (!left)
        return all_wait_rightly(m);
    for (unsigned i = 0; i < now.n; i++) {
        const struct effect *e = &now.list[i];
        struct model next = *m;
        if (done >> i & 1 || e->began > first_end)
            continue;
        if (apply(&next, e, done, first_end) &&
            can_be_ordered(&next, done | 1u << i))
            return true;
        for (unsigned k = 0; k < now.n; k++)
            if (!(done >> k & 1) && now.list[k].began <= first_end &&
                meet(m, e, &now.list[k]) &&
                can_be_ordered(m, done | 1u << i | 1u << k))
                return true;
    }
    return false;
}

/* ---- from records to effects ---- */

static struct effect *
add(const struct record *r, const struct act *a, enum what what)
{
    struct effect *e = &now.list[now.n < MOST_EFFECTS ? now.n++ : 0];

    *e = (struct effect){.what = what,
                         .chan = a->chan,
                         .side = a->side,
                         .end = a->end,
                         .value = a->value,
                         .maybe = !r->ended,
                         .vague = r->act != a,
                         .began = r->began,
                         .ended = r->ended ? r->ended : UINT_MAX,
                         .slept = sleeps_on(r) ? r->slept : 0};
    return e;
}

static void
add_not_ready(const struct record *r)
{
    const struct act *a = r->act;

    for (int i = 0; i < a->n_cases; i++)
        if (a->cases[i]->verb != TIMER && !is_used_up(r, i))
            add(r, a->cases[i], NOT_READY);
    if (a->n_cases == 0)
        add(r, a, NOT_READY);
}

static bool
waits(const struct act *a)
{
    return a->verb == SEND || a->verb == RECV || a->verb == SELECT ||
           a->verb == WAIT;
}

/* A record whose operation did not take place. Returns: NULL, or why it should
 * not have failed so. */
static const char *
add_failure(const struct record *r, const struct act *a)
{
    bool one = a->verb == SEND || a->verb == RECV;

    switch (r->status) {
    case CSP_EFULL:
    case CSP_EEMPTY:
        add_not_ready(r);
        return one && a->mode == TRY &&
                       (r->status == CSP_EFULL) == (a->verb == SEND)
                   ? NULL
                   : "an answer that only a try gives";
    case CSP_ETIMEOUT:
        add_not_ready(r);
        return waits(a) && (r->act->mode == NOWAIT || r->act->mode == SOON)
                   ? NULL
                   : "a timeout";
    case CSP_ECANCELLED:
        add_not_ready(r);
        return waits(a) && was_cancelled(r->thread, r->ended)
                   ? NULL
                   : "cancelled by nobody";
    case CSP_EINTERRUPTED:
        add_not_ready(r);
        return waits(a) && now.h->signals ? NULL : "interrupted by nothing";
    case CSP_ECLOSED:
        add(r, a, IS_CLOSED);
        return one ? NULL : "closed";
    case CSP_EPOISONED:
        add(r, a, IS_POISONED);
        return one ? NULL : "poisoned";
    case CSP_EENDCLOSED:
    case CSP_EMOVED:
        return closed_before(a, r->ended, false) ? NULL
                                                 : "nobody closed its end";
    case CSP_ENOMEM:
        return now.h->no_memory ? NULL : "there was memory";
    default:
        return csp_status_text(r->status);
    }
}

/* The close of an end that several close: who comes second may return while
 * the first is at work. */
static void
add_close(const struct record *r)
{
    struct effect *e = add(r, r->act, CLOSES);

    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *o = &now.h->list[i];
        if (!closes(o->act, r->act))
            continue;
        if (o->began < e->began)
            e->began = o->began;
        if (!o->ended)
            e->ended = UINT_MAX;
        else if (o->ended > e->ended)
            e->ended = o->ended;
    }
}

/* One that succeeded, or that a stopped thread may have done. */
static void
add_success(const struct record *r, const struct act *a)
{
    switch (a->verb) {
    case SEND:
        add(r, a, SENT);
        break;
    case RECV:
        add(r, a, RECEIVED)->value = r->value;
        break;
    case CLOSE:
    case UNREF:
    case MOVED:
        add_close(r);
        break;
    case CLONE:
        add(r, a, CLONES);
        break;
    case POISON:
        add(r, a, POISONS);
        break;
    default:
        break;
    }
}

/* What a stopped thread may have received: whatever nobody else did. */
static void
add_stopped_recv(const struct record *r)
{
    for (unsigned i = 0; i < now.h->n_chans; i++)
        for (unsigned k = 0; i == r->act->chan && k < now.h->chans[i].filled;
             k++)
            add(r, r->act, RECEIVED)->value = (uint8_t)(FILLING + 10 * i + k);
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct act *a = now.h->list[i].act;
        if (a->verb == SEND && a->chan == r->act->chan)
            add(r, r->act, RECEIVED)->value = a->value;
    }
}

static const char *
add_record(const struct record *r)
{
    const struct act *a = r->which >= 0 ? r->act->cases[r->which] : r->act;

    if (!r->ended) {
        if (!(now.stopped >> r->thread & 1))
            return now.stopped ||
                           (waits(a) && (a->mode == FOREVER || a->mode == POLL))
                       ? NULL
                       : "it does not end";
        if (a->verb == RECV)
            add_stopped_recv(r);
        else
            add_success(r, a);
        return NULL;
    }
    bool closed = closed_before(a, r->began, true) &&
                  (a->verb == SEND || a->verb == RECV || a->verb == CLONE ||
                   a->verb == POISON);
    if (closed && r->status != CSP_EENDCLOSED && r->status != CSP_EMOVED)
        return "its end was closed before";
    if (r->status != 0)
        return add_failure(r, a);
    add_success(r, a);
    return NULL;
}

static void
model_init(struct model *m, const struct history *h)
{
    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < h->n_chans; i++) {
        struct chan *c = &m->chans[i];
        for (unsigned k = 0; k < h->chans[i].filled; k++)
            c->values[c->n++] = (uint8_t)(FILLING + 10 * i + k);
        c->open[TX] = (uint8_t)((1u << h->chans[i].ends[TX]) - 1);
        c->open[RX] = (uint8_t)((1u << h->chans[i].ends[RX]) - 1);
    }
}

const char *
history_fault(const struct history *h, unsigned stopped)
{
    static char text[128];
    struct model m;

    now.h = h;
    now.stopped = stopped;
    now.n = 0;
    now.fault = "no order of these operations gives these answers";
    for (unsigned i = 0; i < h->n; i++) {
        const struct record *r = &h->list[i];
        const char *fault = add_record(r);
        if (fault) {
            snprintf(text, sizeof text, "T%u %.*s: %s", r->thread,
                     r->act->length, r->act->text, fault);
            return text;
        }
    }
    model_init(&m, h);
    return can_be_ordered(&m, 0) ? NULL : now.fault;
}

void
history_print(const struct history *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        const struct record *r = &h->list[i];
        printf("#   T%u  %-12.*s [%2u, ", r->thread, r->act->length,
               r->act->text, r->began);
        if (!r->ended) {
            printf("never]%s\n", r->slept ? "  asleep" : "");
            continue;
        }
        printf("%4u]  %s", r->ended, csp_status_name(r->status));
        const struct act *a = r->act;
        if (r->which >= 0) {
            a = a->cases[r->which];
            printf(" %.*s", a->length, a->text);
        }
        if (a->verb == RECV && r->status == 0)
            printf(" = %u", r->value);
        putchar('\n');
    }
}
