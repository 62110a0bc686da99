// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plan.c: reads the text of a scenario; scenario.h describes it.
 *
 * Process-wide state: where it reads, and the operations it has read. */
#include "plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 64 };

static struct {
    struct plan *plan;
    const char *at;
    struct act pool[POOL];
    unsigned n_pool;
} r;

/* ---- words and numbers ---- */

static _Noreturn void
unreadable(const char *why)
{
    fprintf(stderr, "%s\n%*s^ %s\n", r.plan->text, (int)(r.at - r.plan->text),
            "", why);
    exit(2);
}

static bool
next_is(const char *word)
{
    size_t n = strlen(word);

    if (strncmp(r.at, word, n) != 0)
        return false;
    r.at += n;
    return true;
}

static uint8_t
read_number(unsigned most)
{
    char *end;
    unsigned long n = strtoul(r.at, &end, 10);

    if (end == r.at || n > most)
        unreadable("a number?");
    r.at = end;
    return (uint8_t)n;
}

static uint8_t
read_end(void)
{
    return isdigit((unsigned char)*r.at) ? read_number(MOST_ENDS - 1) : 0;
}

static uint8_t
read_side(void)
{
    if (next_is("!"))
        return TX;
    if (!next_is("?"))
        unreadable("! or ?");
    return RX;
}

static uint8_t
use(unsigned value)
{
    struct plan *p = r.plan;

    if (!memchr(p->used, (int)value, p->n_used))
        p->used[p->n_used++] = (uint8_t)value;
    return (uint8_t)value;
}

uint8_t
plan_filling(unsigned chan, unsigned k)
{
    return (uint8_t)(FILLING + 10 * chan + k);
}

/* ---- the head ---- */

static enum kind
read_kind(unsigned capacity)
{
    return next_is("old")   ? DROP_OLD
           : next_is("new") ? DROP_NEW
           : capacity == 0  ? RENDEZVOUS
                            : BLOCK;
}

static void
read_chan(void)
{
    unsigned i = (unsigned)(*r.at - 'a');
    struct chan_plan *c = &r.plan->chans[i];

    if (i != r.plan->n_chans || i >= MOST_CHANS)
        unreadable("channels are a, b, c");
    r.at++;
    if (!next_is(":"))
        unreadable("a capacity?");
    *c = (struct chan_plan){.kind = UNBOUNDED, .ends = {1, 1}};
    if (!next_is("inf")) {
        c->capacity = read_number(8);
        c->kind = read_kind(c->capacity);
    }
    if (next_is("+"))
        c->filled = read_number(8);
    if (next_is("!"))
        c->ends[TX] = read_number(MOST_ENDS);
    if (next_is("?"))
        c->ends[RX] = read_number(MOST_ENDS);
    for (unsigned k = 0; k < c->filled; k++)
        use(plan_filling(i, k));
    r.plan->n_chans++;
}

static void
read_head(void)
{
    struct plan *p = r.plan;

    while (!next_is("/")) {
        if (next_is(" "))
            continue;
        else if (next_is("signals"))
            p->world.signals = true;
        else if (next_is("spurious"))
            p->world.spurious = true;
        else if (next_is("nomem"))
            p->world.no_memory = true;
        else if (next_is("hub"))
            p->hub = true;
        else
            read_chan();
    }
}

/* ---- operations ---- */

static struct act *
new_act(enum verb verb)
{
    struct act *a = &r.pool[r.n_pool++];

    if (r.n_pool == POOL)
        unreadable("too much");
    *a = (struct act){.verb = verb, .text = r.at};
    return a;
}

static uint8_t
read_chan_name(void)
{
    unsigned i = (unsigned)(*r.at++ - 'a');

    if (r.at[-1] == 'h' && r.plan->hub)
        return HUB;
    if (i >= r.plan->n_chans)
        unreadable("which channel?");
    return (uint8_t)i;
}

/* An end that is sent through a channel. */
static uint8_t
read_traveller(void)
{
    unsigned chan = read_chan_name(), end = read_end(), side = read_side();

    r.plan->travels[chan] = true;
    return (uint8_t)(ENDS + chan * 8 + side * 4 + end);
}

static void
read_what_is_sent(struct act *a)
{
    a->verb = SEND;
    if (next_is("^")) {
        a->value = read_traveller();
        return;
    }
    a->value = use(read_number(ENDS - 1));
    if (!next_is("-"))
        return;
    a->batch = (uint8_t)(read_number(ENDS - 1) - a->value + 1);
    if (a->batch < 1 || a->batch > MOST_IN_BATCH)
        unreadable("a batch of how many?");
    for (unsigned i = 1; i < a->batch; i++)
        use(a->value + i);
}

static struct act *
read_operation(void)
{
    struct act *a = new_act(RECV);

    a->chan = read_chan_name();
    a->end = read_end();
    a->side = read_side();
    if (next_is("x"))
        a->verb = CLOSE;
    else if (next_is("u"))
        a->verb = UNREF;
    else if (next_is("m"))
        a->verb = MOVED;
    else if (next_is("p"))
        a->verb = POISON;
    else if (*r.at == 'c' || *r.at == 'f') {
        a->verb = *r.at++ == 'c' ? CLONE : FIND;
        a->value = read_number(MOST_ENDS - 1);
    } else if (a->side == TX)
        read_what_is_sent(a);
    else if (next_is("*"))
        a->batch = read_number(MOST_IN_BATCH);
    return a;
}

static struct act *
read_case(void)
{
    struct act *a;

    if (*r.at == 't') {
        a = new_act(TIMER);
        r.at++;
    } else {
        a = read_operation();
    }
    a->length = (uint8_t)(r.at - a->text);
    return a;
}

static struct act *
read_cases(enum verb verb, const char *end)
{
    struct act *a = new_act(verb);

    r.at++;
    while (!next_is(end)) {
        if (a->n_cases == MOST_CASES)
            unreadable("too many cases");
        a->cases[a->n_cases++] = read_case();
        next_is("|");
    }
    return a;
}

static struct act *
read_cancel(void)
{
    struct act *a = new_act(CANCEL);

    r.at++;
    a->value = read_number(SCHED_THREADS - 1);
    r.plan->cancels = true;
    return a;
}

static struct act *
read_act(void)
{
    struct act *a;

    switch (*r.at) {
    case '(':
        a = read_cases(SELECT, ")");
        break;
    case '[':
        a = read_cases(SELECT, "]");
        a->in_order = true;
        break;
    case '<':
        a = read_cases(SELECT, ">");
        a->by_loop = true;
        break;
    case '{':
        a = read_cases(WAIT, "}");
        break;
    case 'k':
        a = read_cancel();
        break;
    default:
        a = read_operation();
    }
    a->mode = next_is(".")   ? TRY
              : next_is(",") ? NOWAIT
              : next_is("~") ? SOON
              : next_is("&") ? POLL
                             : FOREVER;
    a->length = (uint8_t)(r.at - a->text);
    return a;
}

/* ---- threads ---- */

/* A selector has the cases of the first wait. */
static void
read_selector(unsigned who, struct act *a)
{
    const struct act *first = r.plan->selector[who];

    if (!first)
        r.plan->selector[who] = a;
    else if (a->n_cases)
        unreadable("only {} from the second time on");
    else
        for (unsigned i = 0; i < first->n_cases; i++)
            a->cases[a->n_cases++] = first->cases[i];
}

static void
read_thread(void)
{
    struct plan *p = r.plan;
    unsigned who = p->n_threads++;

    if (who == SCHED_THREADS)
        unreadable("too many threads");
    while (*r.at && *r.at != '/') {
        if (next_is(" "))
            continue;
        struct act *a = read_act();
        if (a->verb == WAIT)
            read_selector(who, a);
        if (p->n_acts[who] == MOST_ACTS)
            unreadable("too many operations");
        p->acts[who][p->n_acts[who]++] = a;
    }
}

void
plan_read(struct plan *plan, const char *text)
{
    unsigned all = 0;

    memset(plan, 0, sizeof *plan);
    plan->text = text;
    r.plan = plan;
    r.at = text;
    r.n_pool = 0;
    read_head();
    do
        read_thread();
    while (next_is("/"));
    for (unsigned i = 0; i < plan->n_threads; i++)
        all += plan->n_acts[i];
    if (all > MOST_IN_ALL)
        unreadable("too many operations");
}
