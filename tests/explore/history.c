// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* history.c: see history.h.
 *
 * Each record has effects on a model (model.h). A history is right if they can
 * be put in an order that the model allows, each between the beginning and the
 * end of its operation. All orders are tried, depth first.
 *
 * What a record means:
 *     sent, received        one effect on the channel; a rendezvous is one
 *                           moment of two operations
 *     full, empty, timeout,
 *     cancelled, interrupt  there was a moment at which it was not ready (for
 *                           a select: one for each case, not all at the same)
 *     closed, poisoned      there was a moment at which it was so
 *     end closed            somebody had begun to close that end; and no other
 *                           answer may come once that close has ended
 * An operation that goes on while its own end is being closed may succeed. Of
 * channels whose ends travel through others nothing is said: when one is
 * closed is not known. */
#include "history.h"

#include <limits.h>
#include <stdio.h>

#include <csp/status.h>

#include "model.h"

static struct {
    const struct history *h;
    unsigned stopped;
    struct effects all;
    const char *fault;
} now;

/* ---- what records say of each other ---- */

static bool
closes(const struct act *a, const struct act *of)
{
    return (a->verb == CLOSE || a->verb == UNREF || a->verb == MOVED) &&
           a->chan == of->chan && a->side == of->side && a->end == of->end;
}

/* Whether a close of the end of @p a began before @p until. */
static bool
close_began(const struct act *a, unsigned until)
{
    for (unsigned i = 0; i < now.h->n; i++)
        if (closes(now.h->list[i].act, a) && now.h->list[i].began < until)
            return true;
    return false;
}

static bool
close_ended(const struct act *a, unsigned until)
{
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *r = &now.h->list[i];
        if (closes(r->act, a) && r->ended && r->ended < until)
            return true;
    }
    return false;
}

/* Whether @p verb was done, to channel @p chan or thread @p value, from before
 * @p until on. */
static bool
was_done(enum verb verb, unsigned chan, unsigned value, unsigned until)
{
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *r = &now.h->list[i];
        if (r->act->verb == verb && r->began < until &&
            (verb == CANCEL ? r->act->value == value : r->act->chan == chan))
            return true;
    }
    return false;
}

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
waits(const struct act *a)
{
    return a->verb == SEND || a->verb == RECV || a->verb == SELECT ||
           a->verb == WAIT;
}

static bool
is_unknown(const struct act *a)
{
    return a->chan < MOST_CHANS && now.h->plan->travels[a->chan];
}

/* ---- from records to effects ---- */

/* From when on @p r, a send or a receive, could be met until it was; or 0. */
static unsigned
slept(const struct record *r)
{
    return r->act->mode == FOREVER && r->act->verb <= RECV && !r->act->batch &&
                   !now.h->plan->world.signals && !close_began(r->act, UINT_MAX)
               ? r->slept
               : 0;
}

static struct effect *
add(const struct record *r, const struct act *a, enum what what)
{
    static struct effect ignored;
    struct effects *all = &now.all;
    struct effect *e = is_unknown(a) || all->n == MOST_EFFECTS
                           ? &ignored
                           : &all->list[all->n++];

    *e = (struct effect){.what = what,
                         .chan = a->chan,
                         .side = a->side,
                         .end = a->end,
                         .value = a->value,
                         .maybe = !r->ended,
                         .vague = r->act != a || now.stopped,
                         .began = r->began,
                         .ended = r->ended ? r->ended : UINT_MAX,
                         .slept = slept(r)};
    return e;
}

static void
add_not_ready(const struct record *r)
{
    const struct act *a = r->act;

    for (int i = 0; i < a->n_cases; i++)
        if (a->cases[i]->verb != TIMER && !is_used_up(r, i))
            add(r, a->cases[i], NOT_READY);
    if (a->n_cases == 0 && a->chan != HUB)
        add(r, a, NOT_READY)->follows = r->n > 0; /* the rest of a batch */
}

static const char *
add_closed(const struct record *r, const struct act *a, enum what what)
{
    if (a->chan == HUB)
        return what == IS_POISONED && was_done(POISON, HUB, 0, r->ended)
                   ? NULL
                   : "so a hub does not answer";
    add(r, a, what);
    return a->verb == SEND || a->verb == RECV ? NULL : "so it does not answer";
}

static const char *
unless(bool right, const char *fault)
{
    return right ? NULL : fault;
}

/* Not done because it would have had to wait, or waited in vain. */
static const char *
add_in_vain(const struct record *r, const struct act *a)
{
    add_not_ready(r);
    if (r->status == CSP_EFULL || r->status == CSP_EEMPTY)
        return unless(a->mode == TRY &&
                          a->verb == (r->status == CSP_EFULL ? SEND : RECV),
                      "an answer that only a try gives");
    if (!waits(a))
        return "it does not wait";
    if (r->status == CSP_ETIMEOUT)
        return unless(a->mode == NOWAIT || a->mode == SOON, "no deadline");
    if (r->status == CSP_ECANCELLED)
        return unless(was_done(CANCEL, 0, r->thread, r->ended),
                      "cancelled by nobody");
    return unless(now.h->plan->world.signals, "interrupted by nothing");
}

/* Returns: NULL, or why it should not have failed so. */
static const char *
add_failure(const struct record *r, const struct act *a)
{
    switch (r->status) {
    case CSP_EFULL:
    case CSP_EEMPTY:
    case CSP_ETIMEOUT:
    case CSP_ECANCELLED:
    case CSP_EINTERRUPTED:
        return add_in_vain(r, r->act);
    case CSP_ECLOSED:
        return add_closed(r, a, IS_CLOSED);
    case CSP_EPOISONED:
        return add_closed(r, a, IS_POISONED);
    case CSP_ENOTFOUND:
        add(r, a, HAS_NO_END);
        return unless(a->verb == FIND, "it looked for nothing");
    case CSP_EENDCLOSED:
    case CSP_EMOVED:
        return unless(close_began(a, r->ended), "nobody closed its end");
    case CSP_ENOMEM:
        return unless(now.h->plan->world.no_memory, "there was memory");
    default:
        return csp_status_text(r->status);
    }
}

/* Whether @p a and @p b end the same end, or a hub. */
static bool
end_the_same(const struct act *a, const struct act *b)
{
    return closes(a, b) ||
           (a->chan == HUB && b->chan == HUB && a->verb != SEND &&
            a->verb != CLONE && b->verb != SEND && b->verb != CLONE);
}

/* The close of an end that several close, or of a hub that others poison: who
 * comes second may return while the first is at work. Of a hub it takes as
 * long as the sends that go on. */
static struct effect *
add_end(const struct record *r, enum what what)
{
    struct effect *e = add(r, r->act, what);

    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *o = &now.h->list[i];
        bool same = end_the_same(o->act, r->act);
        bool sends = r->act->chan == HUB && o->act->chan == HUB &&
                     o->act->verb == SEND && o->began < e->ended;
        if (same && o->began < e->began)
            e->began = o->began;
        if ((same || sends) && !o->ended)
            e->ended = UINT_MAX;
        else if ((same || sends) && o->ended > e->ended)
            e->ended = o->ended;
    }
    return e;
}

static void
add_values(const struct record *r, const struct act *a, enum what what)
{
    for (unsigned i = 0; i < r->n; i++) {
        struct effect *e = add(r, a, what);
        e->value = r->values[i];
        e->follows = i > 0;
    }
}

/* What is done to a hub is done to each subscriber, one after another. */
static void
add_to_subscribers(const struct record *r, enum what what)
{
    for (unsigned i = 0; i < now.h->plan->n_chans; i++) {
        struct effect *e =
            what == SENT ? add(r, r->act, what) : add_end(r, what);
        e->chan = (uint8_t)i;
        e->hub = true;
    }
}

/* What @p a receives, if @p sends is what it was sent. */
static void
add_recv_of(const struct record *r, const struct act *a,
            const struct act *sends)
{
    if (sends->verb == SEND && sends->chan == a->chan)
        add(r, a, RECEIVED)->value = sends->value;
}

/* What a stopped thread may have received: whatever nobody else did. */
static void
add_stopped_recv(const struct record *r, const struct act *a)
{
    for (unsigned k = 0; k < now.h->plan->chans[a->chan].filled; k++)
        add(r, a, RECEIVED)->value = plan_filling(a->chan, k);
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct act *o = now.h->list[i].act;
        add_recv_of(r, a, o);
        for (unsigned k = 0; k < o->n_cases; k++)
            add_recv_of(r, a, o->cases[k]);
    }
}

/* One that succeeded, or that a stopped thread may have done. */
static void
add_success(const struct record *r, const struct act *a)
{
    static const enum what whats[] = {
        [SEND] = SENT,    [RECV] = RECEIVED, [CLOSE] = CLOSES,
        [UNREF] = CLOSES, [MOVED] = CLOSES,  [CLONE] = CLONES,
        [FIND] = CLONES,  [POISON] = POISONS};

    if (a->verb >= CANCEL)
        return;
    if (a->chan == HUB)
        add_to_subscribers(r, whats[a->verb]);
    else if (a->verb == RECV && !r->ended)
        add_stopped_recv(r, a);
    else if (whats[a->verb] == CLOSES)
        add_end(r, CLOSES);
    else if (r->n)
        add_values(r, a, whats[a->verb]);
    else
        add(r, a, whats[a->verb]);
}

static bool
is_rendezvous(const struct act *a)
{
    return (a->verb == SEND || a->verb == RECV) && a->chan != HUB &&
           now.h->plan->chans[a->chan].kind == RENDEZVOUS;
}

static const char *
add_unended(const struct record *r)
{
    const struct act *a = r->act;

    for (unsigned i = 0; a->verb == SEND && i < a->batch; i++) {
        struct effect *e = add(r, a, SENT); /* so many or fewer */
        e->value = (uint8_t)(a->value + i);
        e->follows = i > 0;
    }
    if (now.stopped) { /* it stopped, or waits for one that did */
        add_success(r, a);
        for (unsigned i = 0; i < a->n_cases; i++)
            add_success(r, a->cases[i]);
    } else if (slept(r) && is_rendezvous(a)) /* it could have been met */
        add(r, a, a->verb == SEND ? SENT : RECEIVED)->value =
            (uint8_t)(VALUES + a->verb);
    return unless(now.stopped ||
                      (waits(a) && (a->mode == FOREVER || a->mode == POLL)),
                  "it does not end");
}

static const char *
add_record(const struct record *r)
{
    const struct act *a = r->which >= 0 ? r->act->cases[r->which] : r->act;

    if (!r->ended)
        return add_unended(r);
    if (close_ended(a, r->began) && !closes(a, a) && a->verb < CANCEL &&
        a->verb != FIND && r->status != CSP_EENDCLOSED &&
        r->status != CSP_EMOVED)
        return "its end was closed before";
    if (r->status == 0 || r->n) /* a batch may do both */
        add_success(r, a);
    return r->status == 0 ? NULL : add_failure(r, a);
}

/* ---- in the end ---- */

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

/* A hub's send could: all that block have room. */
static bool
hub_could_go_on(const struct model *m)
{
    for (unsigned i = 0; i < m->plan->n_chans; i++)
        if (!model_is_ready(m, i, TX))
            return false;
    return true;
}

/* Whether @p a, of @p r, could go on. */
static bool
could_go_on(const struct model *m, const struct record *r, const struct act *a)
{
    if ((a->verb != SEND && a->verb != RECV) || is_unknown(a))
        return false;
    if (close_began(a, UINT_MAX))
        return true;
    if (a->chan == HUB)
        return hub_could_go_on(m);
    if (model_is_ready(m, a->chan, a->side))
        return true;
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *o = &now.h->list[i];
        if (m->plan->chans[a->chan].kind == RENDEZVOUS && !o->ended &&
            o->thread != r->thread && offers(o, a->chan, !a->side))
            return true;
    }
    return false;
}

/* Whether the wait of @p r, which goes on, was cancelled. (An earlier request
 * may have been taken back after an earlier wait; who polls is not told.) */
static bool
was_cancelled(const struct record *r)
{
    if (r->act->mode == POLL)
        return false;
    for (unsigned i = 0; i < now.h->n; i++) {
        const struct record *o = &now.h->list[i];
        if (o->act->verb == CANCEL && o->act->value == r->thread &&
            o->began > r->began)
            return true;
    }
    return false;
}

static bool
all_wait_rightly(const struct model *m)
{
    for (unsigned i = 0; i < now.h->n && !now.stopped; i++) {
        const struct record *r = &now.h->list[i];
        bool could = could_go_on(m, r, r->act);
        for (int k = 0; k < r->act->n_cases; k++)
            could |= !is_used_up(r, k) && could_go_on(m, r, r->act->cases[k]);
        if (!r->ended && (could || was_cancelled(r))) {
            now.fault = "a thread sleeps though it could go on";
            return false;
        }
    }
    return true;
}

/* ---- all orders ---- */

static bool can_be_ordered(const struct model *m);

/* Goes on with effect @p i done, and @p k if it is another; then takes that
 * back. */
static bool
goes_on(const struct model *m, unsigned i, unsigned k)
{
    uint32_t done = now.all.done;
    unsigned until = now.all.until;

    now.all.done |= UINT32_C(1) << i | UINT32_C(1) << k;
    bool can = can_be_ordered(m);
    now.all.done = done;
    now.all.until = until;
    return can;
}

static bool
can_happen(unsigned i)
{
    const struct effect *e = &now.all.list[i];

    return !(now.all.done >> i & 1) && e->began <= now.all.until &&
           !(e->follows && !(now.all.done >> (i - 1) & 1));
}

/* Whether what is not done yet can be put in an order. */
static bool
can_be_ordered(const struct model *m)
{
    struct effects *all = &now.all;
    bool left = false;

    all->until = UINT_MAX;
    for (unsigned i = 0; i < all->n; i++)
        if (!(all->done >> i & 1) && !all->list[i].maybe) {
            left = true;
            if (all->list[i].ended < all->until)
                all->until = all->list[i].ended;
        }
    if (!left && all_wait_rightly(m))
        return true;
    for (unsigned i = 0; i < all->n; i++) {
        struct model next = *m;
        if (!can_happen(i))
            continue;
        if (model_apply(&next, &all->list[i], all) && goes_on(&next, i, i))
            return true;
        for (unsigned k = 0; k < all->n; k++)
            if (can_happen(k) && model_meet(m, &all->list[i], &all->list[k]) &&
                goes_on(m, i, k))
                return true;
    }
    return false;
}

const char *
history_fault(const struct history *h, unsigned stopped)
{
    static char text[128];
    struct model m;

    now.h = h;
    now.stopped = stopped;
    now.all.n = 0;
    now.all.done = 0;
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
    model_init(&m, h->plan);
    return can_be_ordered(&m) ? NULL : now.fault;
}

/* ---- for people ---- */

static void
print_answer(const struct record *r)
{
    const struct act *a = r->act;

    printf("%4u]  %s", r->ended, csp_status_name(r->status));
    if (r->which >= 0) {
        a = a->cases[r->which];
        printf(" %.*s", a->length, a->text);
    }
    for (unsigned i = 0; a->verb == RECV && i < r->n; i++)
        printf("%s %u", i ? "," : " =", r->values[i]);
    putchar('\n');
}

void
history_print(const struct history *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        const struct record *r = &h->list[i];
        printf("#   T%u  %-12.*s [%2u, ", r->thread, r->act->length,
               r->act->text, r->began);
        if (r->ended)
            print_answer(r);
        else
            printf("never]%s\n", r->slept ? "  asleep" : "");
    }
}
