// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Threads that send and receive at the same time, on one to six channels of
 * every kind: each offers one value on some channel and takes from all, by a
 * selector whose cases stay registered, or by a select of its own each time.
 * So selectors meet selectors, selects and each other's other side. Waits end
 * early, by deadlines and cancels; cases are removed and added again.
 *
 * Rounds are short. A thread has sent all its values, closes its send ends and
 * goes on until every channel has ended: a wake-up or a match that was lost
 * hangs, and a case that happened twice, or although it was taken back, is a
 * value too many. */
#include <csp/cancel.h>
#include <csp/selector.h>

#include "ledger.h"

enum { THREADS = 4, MOST_CHANS = 6, MOST_VALUES = 60, ROUNDS = 6000 };

enum by { SELECTOR, SELECT, EITHER };

static struct {
    enum by by[THREADS];
    bool disturbed; /* by deadlines and cancels */
    const uint32_t *capacities;
    unsigned n_capacities;

    struct ledger ledger;
    unsigned chans;
    uint32_t each; /* values of one thread, in this round */
    csp_tx *tx[MOST_CHANS];
    csp_rx *rx[MOST_CHANS];
    csp_cancel *tokens[THREADS];
    unsigned round;
    bool over;
    atomic_uint at_work;
    struct test_barrier barrier;
} run;

/* One thread, in one round. */
struct worker {
    unsigned who;
    struct test_random random;
    csp_selector *selector;
    csp_tx *tx[MOST_CHANS]; /* its own ends; NULL once it has sent all */
    csp_rx *rx[MOST_CHANS]; /* NULL once the channel has ended */
    int recv_id[MOST_CHANS], send_id; /* registered; -1: not */
    unsigned to;                      /* the channel it offers on */
    uint32_t next, end;               /* values */
    unsigned left;                    /* channels that have not ended */
};

static csp_time
some_deadline(struct worker *w)
{
    unsigned dice = run.disturbed ? test_below(&w->random, 8) : 7;

    return dice == 0   ? CSP_NOWAIT
           : dice == 1 ? CSP_SPIN
           : dice == 2 ? csp_clock_after(test_below(
                             &w->random, 1u << test_below(&w->random, 18)))
                       : CSP_FOREVER;
}

static bool
has_values(const struct worker *w)
{
    return w->next < w->end;
}

/* ---- what happens to a case ---- */

static void
stop_sending(struct worker *w)
{
    for (unsigned i = 0; i < run.chans; i++) {
        csp_tx_unref(w->tx[i]);
        w->tx[i] = NULL;
    }
}

static void
was_sent(struct worker *w, int status)
{
    CHECK_EQ(status, 0);
    ledger_sent(&run.ledger, w->next++);
    w->to = test_below(&w->random, run.chans);
    if (!has_values(w))
        stop_sending(w);
}

static void
was_received(struct worker *w, unsigned chan, int status, csp_value v)
{
    if (status == 0) {
        ledger_take(&run.ledger, v);
        return;
    }
    CHECK_EQ(status, CSP_ECLOSED);
    csp_rx_unref(w->rx[chan]);
    w->rx[chan] = NULL;
    w->left--;
}

static void
check_failure(struct worker *w, int rc, csp_time deadline)
{
    if (rc == CSP_ECANCELLED)
        csp_cancel_take(run.tokens[w->who]);
    else
        CHECK(rc == CSP_ETIMEOUT && deadline != CSP_FOREVER);
}

/* ---- by a select ---- */

static void
do_select(struct worker *w)
{
    csp_case cases[MOST_CHANS + 1];
    csp_time deadline = some_deadline(w);
    csp_value v = csp_value_none();

    for (unsigned i = 0; i < run.chans; i++)
        cases[i] = w->rx[i] ? csp_case_recv(w->rx[i]) : csp_case_none();
    cases[run.chans] = csp_case_none();
    if (has_values(w)) {
        v = ledger_write(&run.ledger, w->next);
        cases[run.chans] = csp_case_send(w->tx[w->to], v);
    }
    int i = csp_select(cases, run.chans + 1,
                       test_below(&w->random, 2) ? CSP_SELECT_PRIORITY : 0,
                       deadline);
    if (i == (int)run.chans) {
        was_sent(w, cases[i].status);
        return;
    }
    csp_value_unref(&v);
    if (i < 0)
        check_failure(w, i, deadline);
    else
        was_received(w, (unsigned)i, cases[i].status, cases[i].value);
}

/* ---- by a selector ---- */

static int
add(struct worker *w, csp_case c)
{
    int id = csp_selector_add(w->selector, &c);

    CHECK(id >= 0);
    return id;
}

static void
drop(struct worker *w, int *id)
{
    if (*id >= 0)
        CHECK_EQ(csp_selector_remove(w->selector, *id), 0);
    *id = -1;
}

static void
drop_all(struct worker *w)
{
    for (unsigned i = 0; i < run.chans; i++)
        drop(w, &w->recv_id[i]);
    drop(w, &w->send_id);
    CHECK_EQ(csp_selector_len(w->selector), 0);
}

/* What should be registered is; now and then something is taken off first. */
static void
add_missing(struct worker *w)
{
    if (test_below(&w->random, 32) == 0)
        drop(w, &w->recv_id[test_below(&w->random, run.chans)]);
    if (test_below(&w->random, 32) == 0)
        drop(w, &w->send_id);
    for (unsigned i = 0; i < run.chans; i++)
        if (w->rx[i] && w->recv_id[i] < 0)
            w->recv_id[i] = add(w, csp_case_recv(w->rx[i]));
    if (has_values(w) && w->send_id < 0)
        w->send_id = add(
            w, csp_case_send(w->tx[w->to], ledger_write(&run.ledger, w->next)));
}

static void
do_wait(struct worker *w)
{
    csp_time deadline = some_deadline(w);
    csp_case c;

    add_missing(w);
    int id = csp_selector_wait(w->selector, &c, deadline);
    if (id < 0) {
        check_failure(w, id, deadline);
    } else if (c.kind == CSP_CASE_SEND) {
        CHECK_EQ(id, w->send_id);
        w->send_id = -1;
        was_sent(w, c.status);
    } else {
        unsigned i = 0;
        while (i < run.chans && w->recv_id[i] != id)
            i++;
        CHECK(i < run.chans && c.on.rx == w->rx[i]);
        if (c.status != 0)
            w->recv_id[i] = -1;
        was_received(w, i, c.status, c.value);
    }
}

/* ---- rounds ---- */

static void
begin(struct worker *w)
{
    CHECK_EQ(csp_selector_new(&w->selector), 0);
    for (unsigned i = 0; i < run.chans; i++) {
        CHECK_EQ(csp_tx_clone(run.tx[i], &w->tx[i]), 0);
        CHECK_EQ(csp_rx_clone(run.rx[i], &w->rx[i]), 0);
        w->recv_id[i] = -1;
    }
    w->send_id = -1;
    w->left = run.chans;
    w->to = test_below(&w->random, run.chans);
    w->next = w->who * run.each;
    w->end = w->next + run.each;
}

static void
play(struct worker *w)
{
    csp_cancel *was = csp_cancel_attach(run.tokens[w->who]);

    while (w->left) {
        bool select =
            run.by[w->who] == SELECT ||
            (run.by[w->who] == EITHER && test_below(&w->random, 4) == 0);
        if (select && run.by[w->who] == EITHER)
            drop_all(w); /* or it would offer twice */
        if (select)
            do_select(w);
        else
            do_wait(w);
    }
    csp_cancel_attach(was);
    csp_selector_free(w->selector);
}

/* Cancels waits while there are any. */
static void
disturb(void)
{
    struct test_random r;

    test_random_init(&r, 1000 + run.round);
    while (run.disturbed && atomic_load(&run.at_work)) {
        csp_cancel_request(run.tokens[test_below(&r, THREADS)], 1);
        for (unsigned i = test_below(&r, 2000); i; i--)
            test_relax();
    }
}

static void
set_up(struct test_random *r)
{
    run.chans = 1 + test_below(r, MOST_CHANS);
    run.each = 1 + test_below(r, MOST_VALUES);
    ledger_open(&run.ledger, THREADS * run.each);
    for (unsigned i = 0; i < run.chans; i++)
        CHECK_EQ(csp_chan_new(run.capacities[test_below(r, run.n_capacities)],
                              NULL, &run.tx[i], &run.rx[i]),
                 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(csp_cancel_new(&run.tokens[i]), 0);
    atomic_store(&run.at_work, THREADS);
}

static void
tear_down(void)
{
    for (unsigned i = 0; i < THREADS; i++)
        csp_cancel_unref(run.tokens[i]);
    ledger_close(&run.ledger);
}

/* When all have their ends nobody needs the first ones. */
static void
let_go_of_channels(void)
{
    for (unsigned i = 0; i < run.chans; i++) {
        csp_tx_unref(run.tx[i]);
        csp_rx_unref(run.rx[i]);
    }
}

static void
lead(void)
{
    struct test_random r;
    uint32_t rounds = (uint32_t)test_count(ROUNDS);

    test_random_init(&r, 0);
    for (run.round = 0; run.round < rounds && !test_is_over(2); run.round++) {
        set_up(&r);
        test_barrier_wait(&run.barrier);
        test_barrier_wait(&run.barrier); /* all have their ends */
        let_go_of_channels();
        disturb();
        test_barrier_wait(&run.barrier);
        tear_down();
    }
    run.over = true;
    test_barrier_wait(&run.barrier);
}

static void
work(unsigned who, void *unused)
{
    struct worker w = {.who = who};

    (void)unused;
    if (who == THREADS) {
        lead();
        return;
    }
    test_random_init(&w.random, 1 + who);
    for (;;) {
        test_barrier_wait(&run.barrier);
        if (run.over)
            return;
        begin(&w);
        test_barrier_wait(&run.barrier);
        play(&w);
        atomic_fetch_sub(&run.at_work, 1);
        test_barrier_wait(&run.barrier);
    }
}

static void
trade(enum by first, enum by others, bool disturbed, const uint32_t *capacities,
      unsigned n)
{
    for (unsigned i = 0; i < THREADS; i++)
        run.by[i] = i == 0 ? first : others;
    run.disturbed = disturbed;
    run.capacities = capacities;
    run.n_capacities = n;
    run.over = false;
    test_barrier_init(&run.barrier, THREADS + 1);
    test_parallel(THREADS + 1, work, NULL);
    test_note("%u rounds, %.1f s", run.round, test_elapsed());
}

static const uint32_t rendezvous[] = {0};
static const uint32_t mixed[] = {0, 0, 1, 1, 2, 3, 64, CSP_CHAN_UNBOUNDED};
#define OF(list) list, sizeof list / sizeof *list

static void
selectors_at_rendezvous(void)
{
    trade(SELECTOR, SELECTOR, false, OF(rendezvous));
}

static void
selectors_on_channels_of_all_kinds(void)
{
    trade(SELECTOR, SELECTOR, false, OF(mixed));
}

static void
selects_at_rendezvous(void)
{
    trade(SELECT, SELECT, false, OF(rendezvous));
}

static void
selects_on_channels_of_all_kinds(void)
{
    trade(SELECT, SELECT, true, OF(mixed));
}

static void
selectors_and_selects(void)
{
    trade(SELECTOR, EITHER, false, OF(mixed));
}

static void
selectors_whose_waits_end_early(void)
{
    trade(SELECTOR, EITHER, true, OF(mixed));
}

int
main(void)
{
    TEST(selectors_at_rendezvous);
    TEST(selectors_on_channels_of_all_kinds);
    TEST(selects_at_rendezvous);
    TEST(selects_on_channels_of_all_kinds);
    TEST(selectors_and_selects);
    TEST(selectors_whose_waits_end_early);
    return test_end();
}
