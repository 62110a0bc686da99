// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Batches, sent and received, that end early: by a deadline, a cancel, or the
 * end of the channel. What a batch says of how many it has done is exact: so
 * many were sent, the others were not, and are the caller's still. The values
 * of a sender keep their order, and rounds end only when all have arrived. */
#include <csp/cancel.h>
#include <csp/chan.h>

#include "ledger.h"

enum { SENDERS = 3, RECEIVERS = 2, THREADS = SENDERS + RECEIVERS };
enum { EACH = 100, BATCH = 24, ROUNDS = 4000 };

static const uint32_t capacities[] = {0, 1, 2, 5, 64, CSP_CHAN_UNBOUNDED};

static struct {
    struct ledger ledger;
    csp_tx *tx[SENDERS];
    csp_rx *rx[RECEIVERS];
    csp_cancel *tokens[THREADS];
    struct test_random random[THREADS];
    uint32_t stop; /* a receiver leaves after so many; the last ends all */
    bool over;
    atomic_uint at_work;
    atomic_ulong cut; /* batches that ended early */
    struct test_barrier barrier;
} run;

static csp_time
some_deadline(struct test_random *r)
{
    unsigned dice = test_below(r, 6);

    return dice == 0   ? CSP_NOWAIT
           : dice == 1 ? csp_clock_after(test_below(r, 100000))
                       : CSP_FOREVER;
}

/* Returns: whether to go on. */
static bool
check_failure(unsigned who, int rc, csp_time deadline)
{
    if (rc == CSP_ECANCELLED)
        csp_cancel_take(run.tokens[who]);
    else if (rc == CSP_ETIMEOUT)
        CHECK(deadline != CSP_FOREVER);
    else
        CHECK_EQ(rc, CSP_ECLOSED);
    atomic_fetch_add(&run.cut, 1);
    return rc != CSP_ECLOSED;
}

static void
be_sender(unsigned who)
{
    struct test_random *r = &run.random[who];
    uint32_t v = who * EACH, end = v + EACH;
    bool more = true;

    while (more && v < end) {
        csp_value values[BATCH];
        uint32_t n = test_below(r, BATCH + 1);
        size_t sent;
        csp_time deadline = some_deadline(r);

        n = n < end - v ? n : end - v;
        for (uint32_t i = 0; i < n; i++)
            values[i] = ledger_write(&run.ledger, v + i);
        int rc = csp_tx_send_many(run.tx[who], values, n, &sent, deadline);
        CHECK(sent <= n);
        CHECK((rc == 0) == (sent == n) || n == 0);
        for (uint32_t i = 0; i < sent; i++)
            ledger_sent(&run.ledger, v + i);
        for (size_t i = sent; i < n; i++)
            csp_value_unref(&values[i]);
        v += (uint32_t)sent;
        if (rc < 0)
            more = check_failure(who, rc, deadline);
    }
    csp_tx_unref(run.tx[who]);
}

static void
be_receiver(unsigned who)
{
    struct test_random *r = &run.random[who];
    csp_rx *rx = run.rx[who - SENDERS];
    uint32_t next[SENDERS] = {0}, got = 0;
    bool more = true;

    while (more && got < run.stop) {
        csp_value values[BATCH];
        size_t max = 1 + test_below(r, BATCH), n;
        csp_time deadline = some_deadline(r);
        int rc = csp_rx_recv_many(rx, values, max, &n, deadline);
        CHECK(n <= max && (rc == 0) == (n > 0));
        for (size_t i = 0; i < n; i++) {
            uint32_t v = ledger_take(&run.ledger, values[i]);
            CHECK(v >= next[v / EACH]);
            next[v / EACH] = v + 1;
        }
        got += (uint32_t)n;
        if (rc < 0)
            more = check_failure(who, rc, deadline);
    }
    csp_rx_unref(rx);
}

static void
set_up(struct test_random *r)
{
    uint32_t capacity =
        capacities[test_below(r, sizeof capacities / sizeof *capacities)];

    ledger_open(&run.ledger, SENDERS * EACH);
    CHECK_EQ(csp_chan_new(capacity, NULL, &run.tx[0], &run.rx[0]), 0);
    for (unsigned i = 1; i < SENDERS; i++)
        CHECK_EQ(csp_tx_clone(run.tx[0], &run.tx[i]), 0);
    for (unsigned i = 1; i < RECEIVERS; i++)
        CHECK_EQ(csp_rx_clone(run.rx[0], &run.rx[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(csp_cancel_new(&run.tokens[i]), 0);
    run.stop = test_below(r, 4) ? UINT32_MAX : test_below(r, EACH);
    atomic_store(&run.at_work, THREADS);
}

static void
tear_down(void)
{
    for (unsigned i = 0; i < THREADS; i++)
        csp_cancel_unref(run.tokens[i]);
    for (uint32_t v = 0; run.stop != UINT32_MAX && v < run.ledger.n; v++)
        if (!run.ledger.taken[v])
            run.ledger.sent[v] = 0; /* released: nothing may live */
    ledger_close(&run.ledger);
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
        while (atomic_load(&run.at_work)) {
            csp_cancel_request(run.tokens[test_below(&r, THREADS)], 1);
            for (unsigned i = test_below(&r, 2000); i; i--)
                test_relax();
        }
        test_barrier_wait(&run.barrier);
        tear_down();
    }
    run.over = true;
    test_barrier_wait(&run.barrier);
    test_note("%u rounds, %lu batches cut short, %.1f s", round,
              atomic_load(&run.cut), test_elapsed());
}

static void
work(unsigned who, void *unused)
{
    (void)unused;
    if (who == THREADS) {
        lead();
        return;
    }
    test_random_init(&run.random[who], 1 + who);
    for (;;) {
        test_barrier_wait(&run.barrier);
        if (run.over)
            return;
        csp_cancel_attach(run.tokens[who]);
        if (who < SENDERS)
            be_sender(who);
        else
            be_receiver(who);
        csp_cancel_attach(NULL);
        atomic_fetch_sub(&run.at_work, 1);
        test_barrier_wait(&run.barrier);
    }
}

static void
what_a_batch_says_is_what_it_did(void)
{
    test_barrier_init(&run.barrier, THREADS + 1);
    test_parallel(THREADS + 1, work, NULL);
}

int
main(void)
{
    TEST(what_a_batch_says_is_what_it_did);
    return test_end();
}
