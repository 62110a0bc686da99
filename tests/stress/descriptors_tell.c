// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* One thread serves many selectors as an event loop does: it sleeps in poll()
 * on their descriptors, and calls a selector only if its descriptor is
 * readable. Others send to it, receive from it, and close. An event of which a
 * descriptor did not tell hangs; when all is over none is readable. */
#include <poll.h>

#include <csp/selector.h>

#include "ledger.h"

enum { SELECTORS = 3, CHANS = 2, PEERS = 4, EACH = 60, ROUNDS = 3000 };
enum { ALL = SELECTORS * CHANS };

static const uint32_t capacities[] = {0, 0, 1, 3, CSP_CHAN_UNBOUNDED};

/* Values of peers, then those of the loop, one number range each. */
enum { OF_PEERS = PEERS * EACH, OF_LOOP = SELECTORS * EACH };

static struct {
    struct ledger ledger;
    csp_tx *in_tx[ALL]; /* to the loop: each peer has clones of all */
    csp_rx *in_rx[ALL];
    csp_tx *out_tx[SELECTORS]; /* from it */
    csp_rx *out_rx[SELECTORS];
    bool over;
    struct test_barrier barrier;
    struct test_random random[PEERS + 1];
} run;

/* ---- the loop ---- */

struct served {
    csp_selector *s;
    uint32_t next, end; /* what it sends */
};

static void
offer(unsigned i, struct served *to)
{
    if (to->next == to->end) {
        csp_tx_unref(run.out_tx[i]);
        return;
    }
    csp_case c =
        csp_case_send(run.out_tx[i], ledger_write(&run.ledger, to->next));
    CHECK(csp_selector_add(to->s, &c) >= 0);
}

static void
start(unsigned i, struct served *to)
{
    CHECK_EQ(csp_selector_new(&to->s), 0);
    to->next = OF_PEERS + i * EACH;
    to->end = to->next + EACH;
    for (unsigned k = 0; k < CHANS; k++) {
        csp_case c = csp_case_recv(run.in_rx[i * CHANS + k]);
        CHECK(csp_selector_add(to->s, &c) >= 0);
        if (test_below(&run.random[PEERS], 2))
            csp_selector_fd(to->s); /* first asked for at any time */
    }
    offer(i, to);
}

static void
serve(unsigned i, struct served *to)
{
    csp_case c;
    int id;

    while ((id = csp_selector_wait(to->s, &c, CSP_NOWAIT)) >= 0)
        if (c.kind == CSP_CASE_RECV && c.status == 0) {
            ledger_take(&run.ledger, c.value);
        } else if (c.kind == CSP_CASE_RECV) {
            CHECK_EQ(c.status, CSP_ECLOSED);
        } else {
            CHECK_EQ(c.status, 0);
            ledger_sent(&run.ledger, to->next++);
            offer(i, to);
        }
    CHECK_EQ(id, CSP_ETIMEOUT);
}

static void
be_loop(void)
{
    struct served served[SELECTORS];
    struct pollfd fds[SELECTORS];
    unsigned left = SELECTORS;

    for (unsigned i = 0; i < SELECTORS; i++) {
        start(i, &served[i]);
        fds[i] = (struct pollfd){csp_selector_fd(served[i].s), POLLIN, 0};
        CHECK(fds[i].fd >= 0);
    }
    while (left) {
        CHECK(poll(fds, SELECTORS, -1) > 0);
        for (unsigned i = 0; i < SELECTORS; i++)
            if (fds[i].revents) {
                serve(i, &served[i]);
                if (csp_selector_len(served[i].s) == 0) {
                    fds[i].fd = -1;
                    fds[i].revents = 0;
                    left--;
                }
            }
    }
    for (unsigned i = 0; i < SELECTORS; i++)
        csp_selector_free(served[i].s);
}

/* ---- the others: each sends to the loop, and receives from one selector ----
 */

static void
be_peer(unsigned who)
{
    struct test_random *r = &run.random[who];
    csp_rx *rx = run.out_rx[who % SELECTORS];
    csp_tx *tx[ALL];
    uint32_t v = who * EACH, end = v + EACH;
    bool more = true; /* comes from the loop */

    for (unsigned i = 0; i < ALL; i++)
        CHECK_EQ(csp_tx_clone(run.in_tx[i], &tx[i]), 0);
    csp_rx_ref(rx);
    test_barrier_wait(&run.barrier);
    while (more || v < end) {
        csp_case cases[] = {csp_case_none(), csp_case_none()};
        if (v < end)
            cases[0] = csp_case_send(tx[test_below(r, ALL)],
                                     ledger_write(&run.ledger, v));
        if (more)
            cases[1] = csp_case_recv(rx);
        csp_value mine = cases[0].value;
        int i = csp_select(cases, 2, 0, CSP_FOREVER);
        CHECK(i >= 0);
        if (i == 0) {
            CHECK_EQ(cases[0].status, 0);
            ledger_sent(&run.ledger, v++);
            continue;
        }
        csp_value_unref(&mine);
        if ((more = cases[1].status == 0))
            ledger_take(&run.ledger, cases[1].value);
        else
            CHECK_EQ(cases[1].status, CSP_ECLOSED);
    }
    csp_rx_unref(rx);
    for (unsigned i = 0; i < ALL; i++)
        csp_tx_unref(tx[i]);
}

/* ---- rounds ---- */

static uint32_t
some_capacity(struct test_random *r)
{
    return capacities[test_below(r, sizeof capacities / sizeof *capacities)];
}

static void
set_up(struct test_random *r)
{
    ledger_open(&run.ledger, OF_PEERS + OF_LOOP);
    for (unsigned i = 0; i < ALL; i++)
        CHECK_EQ(
            csp_chan_new(some_capacity(r), NULL, &run.in_tx[i], &run.in_rx[i]),
            0);
    for (unsigned i = 0; i < SELECTORS; i++)
        CHECK_EQ(csp_chan_new(some_capacity(r), NULL, &run.out_tx[i],
                              &run.out_rx[i]),
                 0);
}

static void
lead(void)
{
    struct test_random *r = &run.random[PEERS];
    uint32_t rounds = (uint32_t)test_count(ROUNDS), round;

    for (round = 0; round < rounds && !test_is_over(4); round++) {
        set_up(r);
        test_barrier_wait(&run.barrier);
        test_barrier_wait(&run.barrier); /* all have their ends */
        for (unsigned i = 0; i < ALL; i++)
            csp_tx_unref(run.in_tx[i]);
        be_loop();
        test_barrier_wait(&run.barrier);
        for (unsigned i = 0; i < ALL; i++)
            csp_rx_unref(run.in_rx[i]);
        for (unsigned i = 0; i < SELECTORS; i++)
            csp_rx_unref(run.out_rx[i]);
        ledger_close(&run.ledger);
    }
    run.over = true;
    test_barrier_wait(&run.barrier);
    test_note("%u rounds, %.1f s", round, test_elapsed());
}

static void
work(unsigned who, void *unused)
{
    (void)unused;
    test_random_init(&run.random[who], who);
    if (who == PEERS) {
        lead();
        return;
    }
    for (;;) {
        test_barrier_wait(&run.barrier);
        if (run.over)
            return;
        be_peer(who);
        test_barrier_wait(&run.barrier);
    }
}

static void
a_loop_that_polls_hears_of_everything(void)
{
    test_barrier_init(&run.barrier, PEERS + 1);
    test_parallel(PEERS + 1, work, NULL);
}

int
main(void)
{
    TEST(a_loop_that_polls_hears_of_everything);
    return test_end();
}
