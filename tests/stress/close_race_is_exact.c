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
    uint32_t number; /* plain: of the value, over all rounds */
    bool sent;       /* the sender's: it was told so */
    bool received;   /* the receiver's */
    atomic_uint released;
};

struct round {
    csp_tx *tx;
    csp_rx *rx;
    struct token tokens[VALUES];
    atomic_uint tried;
    uint32_t number;
};

/* The leader accounts for a round while the next one goes on. */
static struct {
    struct round at[2];
    struct test_barrier barrier;
    uint32_t rounds;
    bool close_tx;
} run;

static uint32_t
number_of(const struct round *n, const struct token *t)
{
    return n->number * VALUES + (uint32_t)(t - n->tokens);
}

static void
token_release(csp_handle *h)
{
    struct token *t = (struct token *)h;
    struct round *n = &run.at[t->number / VALUES % 2]; /* plain: last-ref */

    CHECK_EQ(t->number, number_of(n, t));
    atomic_fetch_add(&t->released, 1);
}

static const csp_handle_type token_type = {
    .size = sizeof token_type, .name = "token", .release = token_release};

static void
send_burst(struct round *n, uint32_t who, struct test_random *r)
{
    for (uint32_t i = who * BURST; i < (who + 1) * BURST; i++) {
        struct token *t = &n->tokens[i];
        csp_value v = csp_value_handle(&t->handle);
        bool wait = test_below(r, 2);

        csp_handle_init(&t->handle, &token_type);
        t->number = number_of(n, t);
        int rc = wait ? csp_tx_send(n->tx, v, CSP_FOREVER)
                      : csp_tx_try_send(n->tx, v);
        atomic_fetch_add(&n->tried, 1);
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
receive_all(struct round *n)
{
    csp_value v;
    int rc;

    while ((rc = csp_rx_recv(n->rx, &v, CSP_FOREVER)) == 0) {
        struct token *t = (struct token *)csp_value_as_handle(v);

        CHECK_EQ(t->number, number_of(n, t));
        CHECK(!t->received);
        t->received = true;
        csp_value_unref(&v);
    }
    CHECK_EQ(rc, run.close_tx ? CSP_ECLOSED : CSP_EENDCLOSED);
}

static void
open_round(struct round *n, uint32_t number, struct test_random *r)
{
    static const uint32_t capacities[] = {1, 2, 3, 8, VALUES};

    CHECK_EQ(csp_chan_new(capacities[test_below(r, 5)], NULL, &n->tx, &n->rx),
             0);
    atomic_store(&n->tried, 0);
    n->number = number;
    for (int i = 0; i < VALUES; i++) {
        n->tokens[i].sent = n->tokens[i].received = false;
        atomic_store(&n->tokens[i].released, 0);
    }
}

static void
close_in_the_middle(struct round *n, struct test_random *r)
{
    uint32_t after = test_below(r, VALUES + 1);

    while (atomic_load(&n->tried) < after)
        test_relax();
    if (run.close_tx)
        csp_tx_close(n->tx);
    else
        csp_rx_close(n->rx);
}

static void
account_for(struct round *n)
{
    for (uint32_t i = 0; i < VALUES; i++) {
        struct token *t = &n->tokens[i];

        CHECK_EQ(t->number, number_of(n, t));
        CHECK_EQ(atomic_load(&t->released), 1);
        CHECK(t->sent || !t->received);
        CHECK(!run.close_tx || t->received == t->sent);
    }
    CHECK_EQ(csp_tx_len(n->tx), 0);
    csp_tx_unref(n->tx);
    csp_rx_unref(n->rx);
}

static void
lead(void)
{
    struct test_random r;

    test_random_init(&r, LEADER);
    open_round(&run.at[0], 0, &r);
    for (uint32_t i = 0; i < run.rounds; i++) {
        test_barrier_wait(&run.barrier);
        close_in_the_middle(&run.at[i % 2], &r);
        if (i > 0)
            account_for(&run.at[(i - 1) % 2]);
        if (i + 1 < run.rounds)
            open_round(&run.at[(i + 1) % 2], i + 1, &r);
    }
    test_barrier_wait(&run.barrier);
    account_for(&run.at[(run.rounds - 1) % 2]);
}

static void
work(unsigned who, void *unused)
{
    struct test_random r;

    (void)unused;
    if (who == LEADER) {
        lead();
        return;
    }
    test_random_init(&r, who);
    for (uint32_t i = 0; i < run.rounds; i++) {
        test_barrier_wait(&run.barrier);
        if (who < SENDERS)
            send_burst(&run.at[i % 2], who, &r);
        else
            receive_all(&run.at[i % 2]);
    }
    test_barrier_wait(&run.barrier);
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
