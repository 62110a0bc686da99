// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Senders and subscribers of one hub, of every policy, some of which come and
 * go: those that block hear everything that was sent, all in one order, in
 * which each sender's values keep theirs; those that drop hear a part of it in
 * that order, the last value included if they drop the old; who came later and
 * left earlier heard a part of it without gaps. A send that failed, by its
 * deadline or because there was no room, was heard by nobody. Where nobody can
 * lack room, no send fails, however little it waits. */
#include <stdlib.h>
#include <string.h>

#include <csp/hub.h>

#include "ledger.h"

enum { SENDERS = 3, STAYING = 4, VISITORS = 2, EACH = 40, ROUNDS = 4000 };
enum { ALL = SENDERS * EACH, THREADS = SENDERS + STAYING + VISITORS };

/* What a subscriber has heard: places in the common order, once that is known;
 * until then values. */
struct heard {
    csp_rx *rx;
    csp_overflow overflow;
    unsigned n;
    uint32_t list[ALL];
};

static struct {
    struct ledger ledger;
    csp_hub *hub;
    csp_hub_tx *tx[SENDERS];
    struct heard staying[STAYING];
    unsigned place[ALL]; /* by value: its place in the order, from 1 */
    unsigned n_sent;
    unsigned patience; /* of senders: 0 for ever, 1 some, 2 none */
    bool over;
    struct test_barrier barrier;
    struct test_random random[THREADS]; /* the leader has its own */
} run;

static void
hear(struct heard *h, csp_value v)
{
    CHECK(h->n < ALL);
    h->list[h->n++] = ledger_read(&run.ledger, v);
}

/* ---- what the threads do ---- */

static int
send_one(unsigned who, uint32_t v)
{
    csp_value value = ledger_write(&run.ledger, v);
    struct test_random *r = &run.random[who];
    int rc = run.patience == 2 || (run.patience && test_below(r, 4) == 0)
                 ? csp_hub_tx_try_send(run.tx[who], value)
             : run.patience
                 ? csp_hub_tx_send(run.tx[who], value,
                                   csp_clock_after(test_below(r, 200000)))
                 : csp_hub_tx_send(run.tx[who], value, CSP_FOREVER);

    if (rc < 0) {
        CHECK(run.patience && (rc == CSP_ETIMEOUT || rc == CSP_EFULL));
        csp_value_unref(&value);
    }
    return rc;
}

static void
be_sender(unsigned who)
{
    for (uint32_t v = who * EACH; v < (who + 1) * EACH; v++)
        if (send_one(who, v) == 0)
            ledger_sent(&run.ledger, v);
    csp_hub_tx_unref(run.tx[who]);
}

static void
be_staying(struct heard *h)
{
    csp_value v;
    int rc;

    while ((rc = csp_rx_recv(h->rx, &v, CSP_FOREVER)) == 0)
        hear(h, v);
    CHECK_EQ(rc, CSP_ECLOSED);
    csp_rx_unref(h->rx);
}

/* A piece of the common order, without gaps. */
static void
check_visit(const struct heard *h)
{
    for (unsigned i = 1; i < h->n; i++)
        CHECK_EQ(run.place[h->list[i]], run.place[h->list[i - 1]] + 1);
}

/* Comes and goes until the hub has ended. What it hears is checked when the
 * round is over. */
static void
be_visitor(struct test_random *r, struct heard *visits, unsigned *n,
           unsigned most)
{
    csp_value v;

    for (*n = 0; *n < most; ++*n) {
        struct heard *h = &visits[*n];
        h->n = 0;
        int rc = csp_hub_subscribe(run.hub, 1 + test_below(r, 3), NULL, &h->rx);
        if (rc == CSP_ECLOSED)
            return;
        CHECK_EQ(rc, 0);
        for (unsigned i = test_below(r, 8); i; i--) {
            if (csp_rx_recv(h->rx, &v, CSP_FOREVER) < 0)
                break;
            hear(h, v);
        }
        csp_rx_unref(h->rx);
    }
}

/* ---- rounds ---- */

static void
set_up(struct test_random *r)
{
    static const csp_overflow policies[] = {
        CSP_OVERFLOW_BLOCK, CSP_OVERFLOW_BLOCK, CSP_OVERFLOW_DROP_OLD,
        CSP_OVERFLOW_DROP_NEW};

    ledger_open(&run.ledger, ALL);
    CHECK_EQ(csp_hub_new(1 + test_below(r, 4), NULL, &run.tx[0], &run.hub), 0);
    for (unsigned i = 1; i < SENDERS; i++)
        CHECK_EQ(csp_hub_tx_clone(run.tx[0], &run.tx[i]), 0);
    for (unsigned i = 0; i < STAYING; i++) {
        csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
        opts.overflow = policies[i];
        run.staying[i].overflow = policies[i];
        run.staying[i].n = 0;
        CHECK_EQ(csp_hub_subscribe(run.hub, 1 + test_below(r, 3), &opts,
                                   &run.staying[i].rx),
                 0);
    }
    run.patience = test_below(r, 3);
}

/* The order is what the first that blocks has heard: all that was sent, and
 * each sender's values in theirs. */
static void
find_order(void)
{
    const struct heard *h = &run.staying[0];
    uint32_t next[SENDERS] = {0};

    memset(run.place, 0, sizeof run.place);
    for (unsigned i = 0; i < h->n; i++) {
        uint32_t v = h->list[i], who = v / EACH;
        CHECK_EQ(run.place[v], 0);
        CHECK(v >= next[who]);
        next[who] = v + 1;
        run.place[v] = i + 1;
        run.ledger.taken[v] = 1; /* ledger_close() compares */
    }
    run.n_sent = h->n;
}

static void
check_staying(const struct heard *h)
{
    if (h->overflow == CSP_OVERFLOW_BLOCK) {
        CHECK_EQ(h->n, run.n_sent);
        CHECK(memcmp(h->list, run.staying[0].list, h->n * sizeof *h->list) ==
              0);
    }
    for (unsigned i = 0; i < h->n; i++) {
        CHECK(run.place[h->list[i]]);
        CHECK(i == 0 || run.place[h->list[i]] > run.place[h->list[i - 1]]);
    }
    if (h->overflow == CSP_OVERFLOW_DROP_OLD && run.n_sent)
        CHECK_EQ(run.place[h->list[h->n - 1]], run.n_sent);
}

static void
lead(void)
{
    struct test_random r;
    uint32_t rounds = (uint32_t)test_count(ROUNDS), round;

    test_random_init(&r, 0);
    for (round = 0; round < rounds && !test_is_over(4); round++) {
        set_up(&r);
        test_barrier_wait(&run.barrier);
        test_barrier_wait(&run.barrier); /* all have done their part */
        find_order();
        for (unsigned i = 0; i < STAYING; i++)
            check_staying(&run.staying[i]);
        test_barrier_wait(&run.barrier); /* visitors look at the order */
        test_barrier_wait(&run.barrier);
        ledger_close(&run.ledger);
        csp_hub_unref(run.hub);
    }
    run.over = true;
    test_barrier_wait(&run.barrier);
    test_note("%u rounds, %.1f s", round, test_elapsed());
}

static void
play(unsigned who, struct heard *visits, unsigned most)
{
    unsigned n = 0;

    if (who < SENDERS)
        be_sender(who);
    else if (who < SENDERS + STAYING)
        be_staying(&run.staying[who - SENDERS]);
    else
        be_visitor(&run.random[who], visits, &n, most);
    test_barrier_wait(&run.barrier);
    test_barrier_wait(&run.barrier);
    for (unsigned i = 0; i < n; i++)
        check_visit(&visits[i]);
    test_barrier_wait(&run.barrier);
}

static void
work(unsigned who, void *unused)
{
    enum { VISITS = 50 };
    struct heard *visits = calloc(VISITS, sizeof *visits);

    (void)unused;
    CHECK(visits);
    if (who == THREADS)
        lead();
    else
        test_random_init(&run.random[who], 1 + who);
    while (who < THREADS) {
        test_barrier_wait(&run.barrier);
        if (run.over)
            break;
        play(who, visits, VISITS);
    }
    free(visits);
}

static void
all_hear_the_same_in_one_order(void)
{
    test_barrier_init(&run.barrier, THREADS + 1);
    test_parallel(THREADS + 1, work, NULL);
}

/* ---- those who never lack room ---- */

static void
send_without_waiting(unsigned who, void *tx)
{
    uint32_t n = (uint32_t)test_count(20000);

    (void)who;
    for (uint32_t i = 0; i < n && !test_is_over(4); i++) {
        CHECK_EQ(csp_hub_tx_try_send(tx, csp_value_int(i)), 0);
        CHECK_EQ(csp_hub_tx_send(tx, csp_value_int(i), CSP_NOWAIT), 0);
    }
}

static void
a_try_fails_only_for_lack_of_room(void)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    csp_hub_tx *tx;
    csp_hub *hub;
    csp_rx *rx;

    opts.overflow = CSP_OVERFLOW_DROP_OLD;
    CHECK_EQ(csp_hub_new(4, &opts, &tx, &hub), 0);
    CHECK_EQ(csp_hub_subscribe(hub, 0, NULL, &rx), 0);
    test_parallel(SENDERS, send_without_waiting, tx);
    csp_rx_unref(rx);
    csp_hub_tx_unref(tx);
    csp_hub_unref(hub);
}

int
main(void)
{
    TEST(a_try_fails_only_for_lack_of_room);
    TEST(all_hear_the_same_in_one_order);
    return test_end();
}
