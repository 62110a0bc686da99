// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Unbounded channels while they grow: a chain goes from one ring to the next
 * only a few times in its life, so each of many lives is short. Senders send
 * bursts, some one by one and some in batches; receivers come late, early or
 * never wait; the channel ends by the last sender, the last receiver, or
 * poison. Each value arrives once, those of a sender in order; after a close
 * by senders all do, after the others those that do not are released. */
#include <csp/chan.h>

#include "ledger.h"

enum { SENDERS = 2, RECEIVERS = 2, THREADS = SENDERS + RECEIVERS };
enum { MOST = 200, BATCH = 32, ROUNDS = 20000 };

enum end { BY_SENDERS, BY_A_RECEIVER, BY_POISON, ENDS };

static struct {
    struct ledger ledger;
    csp_tx *tx[SENDERS];
    csp_rx *rx[RECEIVERS];
    uint32_t each;
    enum end end;
    unsigned late; /* how many values receivers let come first */
    bool over;
    atomic_uint sent;
    struct test_barrier barrier;
} run;

/* The channel may have been ended by others. */
static bool
is_over(int rc)
{
    CHECK(rc == 0 || (run.end == BY_A_RECEIVER && rc == CSP_ECLOSED) ||
          (run.end == BY_POISON && rc == CSP_EPOISONED));
    return rc != 0;
}

static void
send_batch(unsigned who, uint32_t from, uint32_t n)
{
    csp_value values[BATCH];
    size_t sent;

    for (uint32_t i = 0; i < n; i++)
        values[i] = ledger_write(&run.ledger, from + i);
    int rc = n == 1
                 ? csp_tx_send(run.tx[who], values[0], CSP_FOREVER)
                 : csp_tx_send_many(run.tx[who], values, n, &sent, CSP_FOREVER);
    if (n == 1)
        sent = rc == 0;
    CHECK(is_over(rc) || sent == n);
    for (uint32_t i = 0; i < n; i++)
        if (i < sent)
            ledger_sent(&run.ledger, from + i);
        else
            csp_value_unref(&values[i]);
    atomic_fetch_add(&run.sent, n);
}

static void
be_sender(unsigned who, struct test_random *r)
{
    uint32_t v = who * run.each, end = v + run.each;

    while (v < end) {
        uint32_t n = test_below(r, 2) ? 1 : 1 + test_below(r, BATCH);
        n = n < end - v ? n : end - v;
        send_batch(who, v, n);
        v += n;
    }
    csp_tx_unref(run.tx[who]);
}

static void
take(uint32_t *next, csp_value value)
{
    uint32_t v = ledger_take(&run.ledger, value), who = v / run.each;

    CHECK(v >= next[who]);
    next[who] = v + 1;
}

static void
be_receiver(unsigned who, struct test_random *r)
{
    uint32_t next[SENDERS] = {0};
    csp_value values[BATCH];
    size_t n;
    int rc = 0;

    while (atomic_load(&run.sent) < run.late)
        test_relax();
    uint32_t patience = test_below(r, SENDERS * run.each);
    while (rc == 0) {
        size_t max = test_below(r, 2) ? 1 : 1 + test_below(r, BATCH);
        rc = csp_rx_recv_many(run.rx[who], values, max, &n, CSP_FOREVER);
        for (size_t i = 0; rc == 0 && i < n; i++)
            take(next, values[i]);
        if (who == 0 && run.end != BY_SENDERS && patience-- == 0)
            break;
    }
    if (rc == 0 && run.end == BY_POISON)
        csp_rx_poison(run.rx[who], csp_value_int(1));
    else if (rc != 0)
        CHECK(rc == CSP_ECLOSED || is_over(rc));
    csp_rx_unref(run.rx[who]);
}

static void
set_up(struct test_random *r)
{
    run.each = 1 + test_below(r, MOST);
    run.end = test_below(r, ENDS);
    run.late = test_below(r, 2) ? 0 : test_below(r, SENDERS * run.each);
    atomic_store(&run.sent, 0);
    ledger_open(&run.ledger, SENDERS * run.each);
    CHECK_EQ(csp_chan_new(CSP_CHAN_UNBOUNDED, NULL, &run.tx[0], &run.rx[0]), 0);
    for (unsigned i = 1; i < SENDERS; i++)
        CHECK_EQ(csp_tx_clone(run.tx[0], &run.tx[i]), 0);
    for (unsigned i = 1; i < RECEIVERS; i++)
        CHECK_EQ(csp_rx_clone(run.rx[0], &run.rx[i]), 0);
}

/* What was discarded did not arrive, and was released: nothing may live. */
static void
write_off(void)
{
    for (uint32_t v = 0; run.end != BY_SENDERS && v < run.ledger.n; v++)
        if (!run.ledger.taken[v])
            run.ledger.sent[v] = 0;
    ledger_close(&run.ledger);
}

static void
lead(void)
{
    struct test_random r;
    uint32_t rounds = (uint32_t)test_count(ROUNDS), round;

    test_random_init(&r, 0);
    for (round = 0; round < rounds && !test_is_over(5); round++) {
        set_up(&r);
        test_barrier_wait(&run.barrier);
        test_barrier_wait(&run.barrier);
        write_off();
    }
    run.over = true;
    test_barrier_wait(&run.barrier);
    test_note("%u channels, %.1f s", round, test_elapsed());
}

static void
work(unsigned who, void *unused)
{
    struct test_random r;

    (void)unused;
    test_random_init(&r, 1 + who);
    if (who == THREADS) {
        lead();
        return;
    }
    for (;;) {
        test_barrier_wait(&run.barrier);
        if (run.over)
            return;
        if (who < SENDERS)
            be_sender(who, &r);
        else
            be_receiver(who - SENDERS, &r);
        test_barrier_wait(&run.barrier);
    }
}

static void
no_value_is_lost_or_overtaken_while_a_chain_grows(void)
{
    test_barrier_init(&run.barrier, THREADS + 1);
    test_parallel(THREADS + 1, work, NULL);
}

int
main(void)
{
    TEST(no_value_is_lost_or_overtaken_while_a_chain_grows);
    return test_end();
}
