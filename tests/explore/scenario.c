// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* scenario.c: see scenario.h: reading, running, checking.
 *
 * Process-wide state: the scenario that was read last, and its run. */
#include "scenario.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csp/cancel.h>
#include <csp/selector.h>
#include <csp/status.h>

#include "chan_priv.h"
#include "history.h"
#include "keeper.h"
#include "memory.h"
#include "plain.h"
#include "test.h"

enum { ACTS = 8, POOL = 64, VALUES = 256, SEEN = 1 << 14 };

/* A value is a handle, so that its releases can be counted. */
struct thing {
    csp_handle handle;
    uint64_t plain; /* written by its sender, read by its receiver */
    unsigned sent, received, released;
};

static struct {
    /* the scenario */
    const char *text, *at; /* at: read up to here */
    struct subject subject;
    struct history plan; /* chans and what may happen */
    struct act pool[POOL];
    unsigned n_pool;
    struct act *acts[SCHED_THREADS][ACTS];
    unsigned n_acts[SCHED_THREADS];
    bool cancels;

    /* its run */
    struct history history;
    csp_tx *tx[MOST_CHANS][MOST_ENDS];
    csp_rx *rx[MOST_CHANS][MOST_ENDS];
    csp_cancel *tokens[SCHED_THREADS];
    csp_selector *selectors[SCHED_THREADS];
    const struct act *selected[SCHED_THREADS]; /* what it was made of */
    struct thing things[VALUES];
    uint8_t used[VALUES]; /* the values that occur */
    unsigned n_used;

    uint64_t seen[SEEN]; /* fingerprints of histories that are right */
} c;

/* ---- reading ---- */

static _Noreturn void
unreadable(const char *why)
{
    fprintf(stderr, "%s\n%*s^ %s\n", c.text, (int)(c.at - c.text), "", why);
    exit(2);
}

static bool
next_is(const char *word)
{
    size_t n = strlen(word);

    if (strncmp(c.at, word, n) != 0)
        return false;
    c.at += n;
    return true;
}

static unsigned
read_number(unsigned most)
{
    char *end;
    unsigned long n = strtoul(c.at, &end, 10);

    if (end == c.at || n > most)
        unreadable("a number?");
    c.at = end;
    return (unsigned)n;
}

static uint8_t
use(unsigned value)
{
    if (!memchr(c.used, (int)value, c.n_used))
        c.used[c.n_used++] = (uint8_t)value;
    return (uint8_t)value;
}

static void
read_chan(void)
{
    unsigned i = (unsigned)(*c.at - 'a');
    struct chan_plan *p = &c.plan.chans[i];

    if (i != c.plan.n_chans || i >= MOST_CHANS)
        unreadable("channels are a, b, c");
    c.at++;
    if (!next_is(":"))
        unreadable("a capacity?");
    *p = (struct chan_plan){.kind = UNBOUNDED, .ends = {1, 1}};
    if (!next_is("inf")) {
        p->capacity = (uint8_t)read_number(8);
        p->kind = next_is("old")     ? DROP_OLD
                  : next_is("new")   ? DROP_NEW
                  : p->capacity == 0 ? RENDEZVOUS
                                     : BLOCK;
    }
    if (next_is("+"))
        p->filled = (uint8_t)read_number(8);
    if (next_is("!"))
        p->ends[TX] = (uint8_t)read_number(MOST_ENDS);
    if (next_is("?"))
        p->ends[RX] = (uint8_t)read_number(MOST_ENDS);
    for (unsigned k = 0; k < p->filled; k++)
        use(FILLING + 10 * i + k);
    c.plan.n_chans++;
}

static struct act *
new_act(enum verb verb)
{
    struct act *a = &c.pool[c.n_pool++];

    if (c.n_pool == POOL)
        unreadable("too much");
    *a = (struct act){.verb = verb, .text = c.at};
    return a;
}

static enum mode
read_mode(void)
{
    return next_is(".")   ? TRY
           : next_is(",") ? NOWAIT
           : next_is("~") ? SOON
           : next_is("&") ? POLL
                          : FOREVER;
}

static struct act *
read_operation(void)
{
    struct act *a = new_act(RECV);

    a->chan = (uint8_t)(*c.at++ - 'a');
    if (a->chan >= c.plan.n_chans)
        unreadable("which channel?");
    if (isdigit((unsigned char)*c.at))
        a->end = (uint8_t)read_number(MOST_ENDS - 1);
    a->side = RX;
    if (next_is("!"))
        a->side = TX;
    else if (!next_is("?"))
        unreadable("! or ?");
    if (next_is("x"))
        a->verb = CLOSE;
    else if (next_is("u"))
        a->verb = UNREF;
    else if (next_is("m"))
        a->verb = MOVED;
    else if (next_is("p"))
        a->verb = POISON;
    else if (next_is("c")) {
        a->verb = CLONE;
        a->value = (uint8_t)read_number(MOST_ENDS - 1);
    } else if (a->side == TX) {
        a->verb = SEND;
        a->value = use(read_number(63));
    }
    return a;
}

static struct act *
read_cases(enum verb verb, const char *end)
{
    struct act *a = new_act(verb);

    c.at++;
    while (!next_is(end)) {
        struct act *one = NULL;
        if (a->n_cases == MOST_CASES)
            unreadable("too many cases");
        if (*c.at == 't') {
            one = new_act(TIMER);
            c.at++;
        } else {
            one = read_operation();
        }
        one->length = (uint8_t)(c.at - one->text);
        a->cases[a->n_cases++] = one;
        next_is("|");
    }
    return a;
}

static struct act *
read_act(void)
{
    struct act *a;

    if (*c.at == '(') {
        a = read_cases(SELECT, ")");
    } else if (*c.at == '[') {
        a = read_cases(SELECT, "]");
        a->in_order = true;
    } else if (*c.at == '{') {
        a = read_cases(WAIT, "}");
    } else if (*c.at == 'k') {
        a = new_act(CANCEL);
        c.at++;
        a->value = (uint8_t)read_number(SCHED_THREADS - 1);
        c.cancels = true;
    } else {
        a = read_operation();
    }
    a->mode = read_mode();
    a->length = (uint8_t)(c.at - a->text);
    return a;
}

static void
read_head(void)
{
    while (!next_is("/")) {
        if (next_is(" "))
            continue;
        if (next_is("signals"))
            c.subject.world.signals = c.plan.signals = true;
        else if (next_is("spurious"))
            c.subject.world.spurious = true;
        else if (next_is("nomem"))
            c.subject.world.no_memory = c.plan.no_memory = true;
        else
            read_chan();
    }
}

/* A selector has the cases of the first wait. */
static void
read_selector(unsigned who, struct act *a)
{
    const struct act *first = c.selected[who];

    if (!first)
        c.selected[who] = a;
    else if (a->n_cases)
        unreadable("only {} from the second time on");
    else
        for (unsigned i = 0; i < first->n_cases; i++)
            a->cases[a->n_cases++] = first->cases[i];
}

static void
read_thread(unsigned who)
{
    if (who == SCHED_THREADS)
        unreadable("too many threads");
    while (*c.at && *c.at != '/') {
        if (next_is(" "))
            continue;
        struct act *a = read_act();
        if (a->verb == WAIT)
            read_selector(who, a);
        if (c.n_acts[who] == ACTS)
            unreadable("too many operations");
        c.acts[who][c.n_acts[who]++] = a;
    }
}

static void setup(void);
static void body(unsigned who);
static void check(enum sched_end end);
static void show(void);

/* Up to the end, or to an @, which begins a schedule. */
static void
read_scenario(const char *text)
{
    memset(&c, 0, sizeof c);
    c.text = c.at = text;
    c.subject = (struct subject){.text = text,
                                 .setup = setup,
                                 .body = body,
                                 .check = check,
                                 .show = show};
    read_head();
    do
        read_thread(c.subject.threads++);
    while (next_is("/"));
}

/* ---- before a run ---- */

static void
released(csp_handle *h)
{
    struct thing *t = cspi_container(h, struct thing, handle);

    t->released++;
}

static const csp_handle_type thing_type = {
    .size = sizeof thing_type, .name = "thing", .release = released};

static csp_value
value_of(uint8_t v)
{
    return csp_value_handle(&c.things[v].handle);
}

static void
need(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s: set up: %s\n", c.text, csp_status_name(rc));
        exit(2);
    }
}

static void
make_chan(unsigned i)
{
    static const csp_overflow overflow[] = {[DROP_NEW] = CSP_OVERFLOW_DROP_NEW,
                                            [DROP_OLD] = CSP_OVERFLOW_DROP_OLD,
                                            [RENDEZVOUS] = CSP_OVERFLOW_BLOCK};
    const struct chan_plan *p = &c.plan.chans[i];
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.overflow = overflow[p->kind];
    need(csp_chan_new(p->kind == UNBOUNDED ? CSP_CHAN_UNBOUNDED : p->capacity,
                      &opts, &c.tx[i][0], &c.rx[i][0]));
    for (unsigned k = 1; k < p->ends[TX]; k++)
        need(csp_tx_clone(c.tx[i][0], &c.tx[i][k]));
    for (unsigned k = 1; k < p->ends[RX]; k++)
        need(csp_rx_clone(c.rx[i][0], &c.rx[i][k]));
    for (unsigned k = 0; k < p->filled; k++) {
        uint8_t v = (uint8_t)(FILLING + 10 * i + k);
        need(csp_tx_try_send(c.tx[i][0], value_of(v)));
        c.things[v].sent = 1;
    }
}

static csp_case
case_of(const struct act *a, csp_timer *timer)
{
    switch (a->verb) {
    case SEND:
        return csp_case_send(c.tx[a->chan][a->end], value_of(a->value));
    case RECV:
        return csp_case_recv(c.rx[a->chan][a->end]);
    default:
        return csp_case_timer(timer);
    }
}

static void
make_selector(unsigned who)
{
    const struct act *a = c.selected[who];

    need(csp_selector_new(&c.selectors[who]));
    for (unsigned i = 0; i < a->n_cases; i++) {
        csp_case one = case_of(a->cases[i], NULL);
        need(csp_selector_add(c.selectors[who], &one));
    }
}

static void
setup(void)
{
    keeper_reset();
    c.history = c.plan;
    memset(c.tx, 0, sizeof c.tx);
    memset(c.rx, 0, sizeof c.rx);
    for (unsigned i = 0; i < c.n_used; i++) {
        struct thing *t = &c.things[c.used[i]];
        *t = (struct thing){.plain = 0};
        csp_handle_init(&t->handle, &thing_type);
    }
    for (unsigned i = 0; i < c.plan.n_chans; i++)
        make_chan(i);
    for (unsigned i = 0; i < c.subject.threads; i++) {
        if (c.cancels)
            need(csp_cancel_new(&c.tokens[i]));
        if (c.selected[i])
            make_selector(i);
    }
}

/* ---- a thread ---- */

static void
got(struct record *r, csp_value v)
{
    struct thing *t = NULL;
    csp_handle *h = csp_value_as_handle(v);

    if (h)
        t = cspi_container(h, struct thing, handle);
    if (!t || t < c.things || t >= c.things + VALUES) {
        sched_fail("T%u received what is no value", r->thread);
        return;
    }
    r->value = (uint8_t)(t - c.things);
    t->received++;
    if (plain_read(&t->plain) != r->value && r->value < FILLING)
        sched_fail("T%u received %u before it was written", r->thread,
                   r->value);
}

static void
will_send(const struct act *a)
{
    if (a->verb == SEND)
        plain_write(&c.things[a->value].plain, a->value);
    for (unsigned i = 0; i < a->n_cases; i++)
        will_send(a->cases[i]);
}

static void
did(struct record *r, const struct act *a, csp_value v)
{
    if (r->status != 0)
        return;
    if (a->verb == SEND)
        c.things[a->value].sent++;
    if (a->verb == RECV)
        got(r, v);
}

static csp_time
deadline_of(const struct act *a)
{
    return a->mode == SOON     ? sched_deadline()
           : a->mode == NOWAIT ? CSP_NOWAIT
                               : CSP_FOREVER;
}

static void
do_select(struct record *r)
{
    const struct act *a = r->act;
    csp_case cases[MOST_CASES];
    csp_timer timer = {.when = CSP_FOREVER};
    csp_time deadline = deadline_of(a);

    for (unsigned i = 0; i < a->n_cases; i++) {
        if (a->cases[i]->verb == TIMER)
            timer.when = sched_deadline();
        cases[i] = case_of(a->cases[i], &timer);
    }
    r->which = csp_select(cases, a->n_cases,
                          a->in_order ? CSP_SELECT_PRIORITY : CSP_SELECT_FAIR,
                          deadline);
    r->status = r->which < 0 ? r->which : cases[r->which].status;
    if (r->which >= 0)
        did(r, a->cases[r->which], cases[r->which].value);
}

static void
do_wait(struct record *r)
{
    csp_selector *s = c.selectors[r->thread];
    csp_case one;

    if (r->act->mode == POLL)
        while ((r->which = csp_selector_wait(s, &one, CSP_NOWAIT)) ==
               CSP_ETIMEOUT)
            sched_poll(csp_selector_fd(s));
    else
        r->which = csp_selector_wait(s, &one, deadline_of(r->act));
    r->status = r->which < 0 ? r->which : one.status;
    if (r->which >= 0)
        did(r, r->act->cases[r->which], one.value);
}

static int
send(const struct act *a)
{
    csp_tx *tx = c.tx[a->chan][a->end];

    return a->mode == TRY ? csp_tx_try_send(tx, value_of(a->value))
                          : csp_tx_send(tx, value_of(a->value), deadline_of(a));
}

static int
recv(const struct act *a, csp_value *v)
{
    csp_rx *rx = c.rx[a->chan][a->end];

    return a->mode == TRY ? csp_rx_try_recv(rx, v)
                          : csp_rx_recv(rx, v, deadline_of(a));
}

/* What is done to an end, not through it. */
static int
do_end(const struct act *a)
{
    csp_tx **tx = &c.tx[a->chan][a->end];
    csp_rx **rx = &c.rx[a->chan][a->end];
    bool is_tx = a->side == TX;

    switch (a->verb) {
    case CLOSE:
        is_tx ? csp_tx_close(*tx) : csp_rx_close(*rx);
        return 0;
    case MOVED:
        is_tx ? csp_tx_moved(*tx) : csp_rx_moved(*rx);
        return 0;
    case UNREF:
        is_tx ? csp_tx_unref(*tx) : csp_rx_unref(*rx);
        *(is_tx ? (void **)tx : (void **)rx) = NULL;
        return 0;
    case CLONE:
        return is_tx ? csp_tx_clone(*tx, &c.tx[a->chan][a->value])
                     : csp_rx_clone(*rx, &c.rx[a->chan][a->value]);
    default:
        return is_tx ? csp_tx_poison(*tx, csp_value_int(7))
                     : csp_rx_poison(*rx, csp_value_int(7));
    }
}

static void
perform(struct record *r)
{
    csp_value v = csp_value_none();

    switch (r->act->verb) {
    case SELECT:
        do_select(r);
        return;
    case WAIT:
        do_wait(r);
        return;
    case SEND:
        r->status = send(r->act);
        break;
    case RECV:
        r->status = recv(r->act, &v);
        break;
    case CANCEL:
        csp_cancel_request(c.tokens[r->act->value], 1);
        break;
    default:
        r->status = do_end(r->act);
    }
    did(r, r->act, v);
}

static void
body(unsigned who)
{
    if (c.cancels)
        csp_cancel_attach(c.tokens[who]);
    for (unsigned i = 0; i < c.n_acts[who]; i++) {
        struct record *r = &c.history.list[c.history.n++];
        *r = (struct record){.act = c.acts[who][i], .thread = who, .which = -1};
        if (r->act->verb != WAIT || r->act == c.selected[who])
            will_send(r->act);
        sched_begin();
        r->began = sched_tick();
        sched_note("T%u: %.*s", who, r->act->length, r->act->text);
        perform(r);
        r->slept = sched_slept(who);
        r->ended = sched_tick();
        sched_note("T%u: %.*s: %s", who, r->act->length, r->act->text,
                   csp_status_name(r->status));
        if (r->status == CSP_ECANCELLED)
            csp_cancel_take(c.tokens[who]);
    }
    csp_cancel_attach(NULL);
}

/* ---- after a run ---- */

static void
check_queues(void)
{
    for (unsigned i = 0; i < c.plan.n_chans; i++)
        for (unsigned k = 0; k < MOST_ENDS; k++) {
            if (!c.tx[i][k] && !c.rx[i][k])
                continue;
            csp_chan *ch =
                c.tx[i][k] ? c.tx[i][k]->end.chan : c.rx[i][k]->end.chan;
            for (int side = 0; side < 2; side++) {
                struct cspi_waitq *q = &ch->waitq[side];
                if (q->first || q->last || atomic_load(&q->count) ||
                    atomic_load(&q->lock))
                    sched_fail("a wait queue of %c is not as it was", 'a' + i);
            }
        }
}

static void
close_all(void)
{
    for (unsigned i = 0; i < c.subject.threads; i++) {
        csp_selector_free(c.selectors[i]);
        csp_cancel_unref(c.tokens[i]);
        c.selectors[i] = NULL;
        c.tokens[i] = NULL;
    }
    check_queues();
    for (unsigned i = 0; i < c.plan.n_chans; i++)
        for (unsigned k = 0; k < MOST_ENDS; k++) {
            csp_tx_unref(c.tx[i][k]);
            csp_rx_unref(c.rx[i][k]);
        }
}

/* Where each value is, once the channels are gone. A selector owns the values
 * of its sends, and releases those that were not sent. */
static void
check_values(void)
{
    for (unsigned n = 0; n < c.n_used; n++) {
        uint8_t v = c.used[n];
        const struct thing *t = &c.things[v];
        unsigned gone = t->received + t->released;
        bool selected = false;
        for (unsigned i = 0; i < c.subject.threads && v < FILLING; i++)
            for (unsigned k = 0; c.selected[i] && k < c.selected[i]->n_cases;
                 k++)
                selected |= c.selected[i]->cases[k]->verb == SEND &&
                            c.selected[i]->cases[k]->value == v;
        if (gone != t->sent && !(selected && gone == 1))
            sched_fail("value %u: sent %u times, received %u, released %u", v,
                       t->sent, t->received, t->released);
    }
}

/* The history as it will be for all time. */
static void
settle_history(void)
{
    for (unsigned i = 0; i < c.history.n; i++)
        if (!c.history.list[i].ended)
            c.history.list[i].slept = sched_slept(c.history.list[i].thread);
}

static uint64_t
fingerprint(unsigned stopped)
{
    uint64_t x = 14695981039346656037u ^ stopped;

    for (unsigned i = 0; i < c.history.n; i++) {
        const struct record *r = &c.history.list[i];
        uint64_t all[] = {(uint64_t)(r->act - c.pool),
                          r->began,
                          r->ended,
                          r->slept,
                          (uint64_t)(int64_t)r->status,
                          r->value,
                          (uint64_t)(int64_t)r->which};
        for (unsigned k = 0; k < sizeof all / sizeof *all; k++)
            x = (x ^ all[k]) * 1099511628211u;
    }
    return x ? x : 1;
}

static void
check_history(void)
{
    unsigned stopped = 0;

    settle_history();
    for (unsigned i = 0; i < c.subject.threads; i++)
        stopped |= (unsigned)sched_stopped(i) << i;
    uint64_t print = fingerprint(stopped), *seen = &c.seen[print % SEEN];
    if (*seen == print)
        return;
    const char *fault = history_fault(&c.history, stopped);
    if (fault)
        sched_fail("%s", fault);
    else
        *seen = print;
}

static bool
only_tries(unsigned who)
{
    for (unsigned i = 0; i < c.n_acts[who]; i++)
        if (c.acts[who][i]->mode != TRY)
            return false;
    return true;
}

/* Who only tries must have ended, whoever was stopped. */
static void
check_progress(void)
{
    for (unsigned i = 0; i < c.subject.threads; i++)
        if (sched_stopped(i))
            for (unsigned k = 0; k < c.subject.threads; k++)
                if (!sched_stopped(k) && !sched_done(k) && only_tries(k))
                    sched_fail("T%u, stopped at %s, holds up T%u", i,
                               sched_place(i), k);
}

static void
check(enum sched_end end)
{
    if (end == SCHED_DONE) {
        close_all();
        check_values();
    } else {
        check_progress();
    }
    check_history();
    const char *fault = memory_fault(end == SCHED_DONE);
    if (fault)
        sched_fail("%s", fault);
}

static void
show(void)
{
    settle_history();
    history_print(&c.history);
    for (unsigned i = 0; i < c.subject.threads; i++)
        if (!sched_done(i))
            printf("#   T%u is at %s%s\n", i, sched_place(i),
                   sched_stopped(i) ? ", stopped" : "");
}

/* ---- searching ---- */

void
explore(const char *text, const struct search_plan *plan,
        struct search_done *done)
{
    read_scenario(text);
    search(&c.subject, plan, done);
}

void
explore_stopped(const char *text, unsigned stopped,
                const struct search_plan *plan, struct search_done *done)
{
    read_scenario(text);
    struct subject s = c.subject;
    s.world.stop_thread = (int)stopped;
    do {
        s.world.stop_step++;
        search(&s, plan, done);
    } while (sched_steps_of(stopped) >= s.world.stop_step);
}

void
explore_report(const struct search_done *d)
{
    test_note("%llu subjects, all schedules with up to %u deviations (some "
              "%u): %llu; at random: %llu; %.1f s, %.0f steps/s",
              (unsigned long long)d->subjects, d->least_bound, d->most_bound,
              (unsigned long long)d->systematic, (unsigned long long)d->random,
              d->seconds, (double)d->steps / (d->seconds + 1e-9));
}

void
explore_list(const struct search_plan *plan, const char *const *list)
{
    struct search_done done = {0};

    for (; *list; list++)
        explore(*list, plan, &done);
    explore_report(&done);
}

void
explore_product(const struct search_plan *plan, const char *const *heads,
                const char *const *bodies)
{
    struct search_done done = {0};
    char text[200];

    for (; *heads; heads++)
        for (const char *const *b = bodies; *b; b++) {
            snprintf(text, sizeof text, "%s %s", *heads, *b);
            explore(text, plan, &done);
        }
    explore_report(&done);
}

bool
explore_arguments(int argc, char **argv, int *status)
{
    static char text[1000];

    if (argc < 3)
        return false;
    snprintf(text, sizeof text, "%s", argv[2]);
    char *at = strchr(text, '@');
    if (at) {
        *at++ = 0;
        while (at - 2 >= text && at[-2] == ' ')
            *(--at - 1) = 0;
    }
    if (strcmp(argv[1], "--replay") == 0 && strchr(argv[2], '@')) {
        read_scenario(text);
        *status = search_replay(&c.subject, strchr(argv[2], '@') + 1);
        return true;
    }
    if (strcmp(argv[1], "--try") == 0) {
        struct search_done done = {0};
        struct search_plan plan = {
            .least = 2, .most = 9, .systematic = 100000, .random = 100000};
        if (argc > 3)
            plan.least = (unsigned)strtoul(argv[3], NULL, 10);
        explore(text, &plan, &done);
        explore_report(&done);
        *status = 0;
        return true;
    }
    return false;
}
