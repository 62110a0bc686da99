// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A side closes while four threads send: what a send said is what happened.
 *
 * Each round has a channel of its own. The leader closes once a random number
 * of sends has been tried, so that the close falls among them. */
#include <stdlib.h>

#include <csp/chan.h>

#include "test.h"

enum { SENDERS = 4, BURST = 6, VALUES = SENDERS * BURST };
enum { RECEIVER = SENDERS, LEADER, THREADS };
enum { ROUNDS = 100000 };

/* A value that knows what became of it. */
struct token {
    csp_handle handle;
    uint32_t secret; /* plain: of the round */
    bool sent;       /* the sender's: it was told so */
    bool received;   /* the receiver's */
    atomic_uint released;
};

static struct {
    csp_tx *tx;
    csp_rx *rx;
    struct token tokens[VALUES];
    atomic_uint tried;
    struct test_barrier barrier;
    uint32_t rounds;
    bool close_tx;
} run;

static void
token_release(csp_handle *h)
{
    struct token *t = (struct token *)h;

    CHECK_EQ(t->secret % VALUES, t - run.tokens); /* plain: edge last-ref */
    atomic_fetch_add(&t->released, 1);
}

static const csp_handle_type token_type = {sizeof token_type, "token",
                                           token_release};

static void
send_burst(uint32_t who, uint32_t round, struct test_random *r)
{
    for (uint32_t i = who * BURST; i < (who + 1) * BURST; i++) {
        struct token *t = &run.tokens[i];
        csp_value v = csp_value_handle(&t->handle);
        bool wait = test_below(r, 2);

        csp_handle_init(&t->handle, &token_type);
        t->secret = round * VALUES + i;
        int rc = wait ? csp_tx_send(run.tx, v, CSP_FOREVER)
                      : csp_tx_try_send(run.tx, v);
        atomic_fetch_add(&run.tried, 1);
        t->sent = rc == 0;
        if (rc == 0)
            continue;
        if (wait || rc != CSP_EFULL)
            CHECK_EQ(rc, run.close_tx ? CSP_EENDCLOSED : CSP_ECLOSED);
        csp_value_unref(&v);
    }
}

/* Until nothing comes any more. A receive end that is closed here may have
 * values left: they are released by the close. */
static void
receive_all(uint32_t round)
{
    csp_value v;
    int rc;

    while ((rc = csp_rx_recv(run.rx, &v, CSP_FOREVER)) == 0) {
        struct token *t = (struct token *)csp_value_as_handle(v);

        CHECK_EQ(t->secret, round * VALUES + (uint32_t)(t - run.tokens));
        CHECK(!t->received);
        t->received = true;
        csp_value_unref(&v);
    }
    CHECK_EQ(rc, run.close_tx ? CSP_ECLOSED : CSP_EENDCLOSED);
}

static void
open_round(struct test_random *r)
{
    static const uint32_t capacities[] = {1, 2, 3, 8, VALUES};

    CHECK_EQ(csp_chan_new(capacities[test_below(r, 5)], NULL, &run.tx, &run.rx),
             0);
    atomic_store(&run.tried, 0);
    for (int i = 0; i < VALUES; i++) {
        run.tokens[i].sent = run.tokens[i].received = false;
        atomic_store(&run.tokens[i].released, 0);
    }
}

static void
close_in_the_middle(struct test_random *r)
{
    uint32_t after = test_below(r, VALUES + 1);

    while (atomic_load(&run.tried) < after)
        test_relax();
    if (run.close_tx)
        csp_tx_close(run.tx);
    else
        csp_rx_close(run.rx);
}

static void
account_for(uint32_t round)
{
    for (uint32_t i = 0; i < VALUES; i++) {
        struct token *t = &run.tokens[i];

        CHECK_EQ(t->secret, round * VALUES + i);
        CHECK_EQ(atomic_load(&t->released), 1);
        CHECK(t->sent || !t->received);
        CHECK(!run.close_tx || t->received == t->sent);
    }
    CHECK_EQ(csp_tx_len(run.tx), 0);
    csp_tx_unref(run.tx);
    csp_rx_unref(run.rx);
}

static void
work(unsigned who, void *unused)
{
    struct test_random r;

    (void)unused;
    test_random_init(&r, who);
    for (uint32_t round = 0; round < run.rounds; round++) {
        if (who == LEADER)
            open_round(&r);
        test_barrier_wait(&run.barrier);
        if (who < SENDERS)
            send_burst(who, round, &r);
        else if (who == RECEIVER)
            receive_all(round);
        else
            close_in_the_middle(&r);
        test_barrier_wait(&run.barrier);
        if (who == LEADER)
            account_for(round);
    }
}

static void
race(bool close_tx)
{
    run.close_tx = close_tx;
    run.rounds = (uint32_t)test_count(ROUNDS);
    test_barrier_init(&run.barrier, THREADS);
    test_parallel(THREADS, work, NULL);
    test_note("%u rounds, %.2f s", run.rounds, test_elapsed());
}

static void
every_send_that_succeeded_before_the_close_is_received_once(void)
{
    race(true);
}

static void
every_value_is_released_once_when_the_receive_side_goes(void)
{
    race(false);
}

int
main(void)
{
    TEST(every_send_that_succeeded_before_the_close_is_received_once);
    TEST(every_value_is_released_once_when_the_receive_side_goes);
    return test_end();
}
