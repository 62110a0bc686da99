// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Operations that wait in loops, for threads that sleep in poll(): whatever is
 * cancelled meanwhile, each value that was sent is received exactly once, on
 * every kind of channel, from loops, to loops, and to and from threads that
 * wait in the usual way. A wake-up that is lost leaves a thread in poll(). */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/loop.h>

#include "test.h"

enum { KINDS = 4, THREADS = 6, LOOPS = 4, PENDING = 4, VALUES = 60000 };

static const uint32_t capacities[KINDS] = {0, 1, 3, CSP_CHAN_UNBOUNDED};

static struct {
    csp_tx *tx[THREADS][KINDS]; /* each thread has its own end */
    csp_rx *rx[THREADS][KINDS];
    uint64_t values; /* of each producer */
    atomic_uchar *seen;
} run;

/* Threads 0, 1: send by loops. 2, 3: receive by loops. 4: sends, 5: receives,
 * without. */
static bool
is_sender(unsigned who)
{
    return who < 2 || who == 4;
}

static void
prepare(void)
{
    run.values = test_count(VALUES);
    run.seen = calloc(THREADS * run.values, 1);
    CHECK(run.seen);
    for (int k = 0; k < KINDS; k++) {
        csp_tx *tx;
        csp_rx *rx;
        CHECK_EQ(csp_chan_new(capacities[k], NULL, &tx, &rx), 0);
        for (unsigned who = 0; who < THREADS; who++)
            if (is_sender(who))
                CHECK_EQ(csp_tx_clone(tx, &run.tx[who][k]), 0);
            else
                CHECK_EQ(csp_rx_clone(rx, &run.rx[who][k]), 0);
        csp_tx_unref(tx);
        csp_rx_unref(rx);
    }
}

static void
note(csp_value v)
{
    uint64_t n = (uint64_t)csp_value_as_int(v);

    CHECK(n < THREADS * run.values);
    CHECK_EQ(atomic_fetch_add(&run.seen[n], 1), 0);
}

static void
await(csp_loop *l)
{
    struct pollfd p = {.fd = csp_loop_fd(l), .events = POLLIN};

    while (poll(&p, 1, -1) != 1)
        ;
}

/* A pending operation of a thread. */
struct pending {
    csp_loop_op *op;
    uint64_t number; /* of a send */
};

/* ---- senders ---- */

/* Offers number n on one channel, or on either of two. */
static void
offer(csp_loop *l, unsigned who, struct pending *p, struct test_random *chance)
{
    csp_case cases[2];
    uint32_t n = 1 + test_below(chance, 2);

    for (uint32_t i = 0; i < n; i++)
        cases[i] = csp_case_send(run.tx[who][test_below(chance, KINDS)],
                                 csp_value_int((int64_t)p->number));
    int i = csp_loop_start(l, cases, n, 0, p, &p->op);
    CHECK(i >= 0);
    if (i < (int)n)
        CHECK_EQ(cases[i].status, 0);
    else
        CHECK(p->op);
}

/* Offers each number again and again, until it has been sent. */
static void
send_by_loop(csp_loop *l, unsigned who, struct test_random *chance)
{
    struct pending all[PENDING] = {{NULL, 0}};
    uint64_t next = who * run.values, end = next + run.values;
    csp_loop_op *op;
    csp_case c;
    void *user;

    while (next < end || csp_loop_len(l) > 0) {
        struct pending *p = &all[test_below(chance, PENDING)];
        if (!p->op && next < end) {
            p->number = next++;
            offer(l, who, p, chance);
        } else if (p->op && test_below(chance, 4) == 0) {
            int rc = csp_loop_cancel(l, p->op, &c);
            p->op = NULL;
            if (rc == CSP_ECANCELLED)
                offer(l, who, p, chance);
            else
                CHECK_EQ(c.status, 0);
        } else if (csp_loop_len(l) == PENDING || next == end) {
            if (test_below(chance, 2) == 0)
                await(l);
            while (csp_loop_next(l, &op, &user) == 0)
                if (csp_loop_finish(l, op, &c) >= 0) {
                    CHECK_EQ(c.status, 0);
                    ((struct pending *)user)->op = NULL;
                }
        }
    }
}

static void
send_plainly(unsigned who, struct test_random *chance)
{
    for (uint64_t i = 0; i < run.values; i++)
        CHECK_EQ(csp_tx_send(run.tx[who][test_below(chance, KINDS)],
                             csp_value_int((int64_t)(who * run.values + i)),
                             CSP_FOREVER),
                 0);
}

/* ---- receivers ---- */

/* Which channels a receiver has seen the end of. */
struct ended {
    bool is[KINDS];
    int count;
};

/* What has happened to a receive: a value, or the end of a channel. */
static void
take(unsigned who, struct ended *ended, const csp_case *c)
{
    int k = 0;

    if (c->status == 0) {
        note(c->value);
        return;
    }
    CHECK_EQ(c->status, CSP_ECLOSED);
    while (run.rx[who][k] != c->on.rx)
        k++;
    ended->count += !ended->is[k];
    ended->is[k] = true;
}

/* Waits for one of the channels that have not ended, or for any of them. */
static void
ask(csp_loop *l, unsigned who, struct ended *ended, struct pending *p,
    struct test_random *chance)
{
    csp_case cases[KINDS];
    uint32_t n = 0, from = 0;

    for (int k = 0; k < KINDS; k++)
        if (!ended->is[k])
            cases[n++] = csp_case_recv(run.rx[who][k]);
    if (test_below(chance, 2)) {
        from = test_below(chance, n);
        n = 1;
    }
    int i = csp_loop_start(l, cases + from, n, 0, p, &p->op);
    CHECK(i >= 0);
    if (i < (int)n)
        take(who, ended, &cases[from + (uint32_t)i]);
    else
        CHECK(p->op);
}

static void
recv_by_loop(csp_loop *l, unsigned who, struct test_random *chance)
{
    struct pending all[PENDING] = {{NULL, 0}};
    struct ended ended = {.count = 0};
    csp_loop_op *op;
    csp_case c;
    void *user;

    while (ended.count < KINDS || csp_loop_len(l) > 0) {
        struct pending *p = &all[test_below(chance, PENDING)];
        if (!p->op && ended.count < KINDS) {
            ask(l, who, &ended, p, chance);
        } else if (p->op && test_below(chance, 4) == 0) {
            if (csp_loop_cancel(l, p->op, &c) >= 0)
                take(who, &ended, &c);
            p->op = NULL;
        } else if (csp_loop_len(l) == PENDING) {
            if (test_below(chance, 2) == 0)
                await(l);
            while (csp_loop_next(l, &op, &user) == 0)
                if (csp_loop_finish(l, op, &c) >= 0) {
                    take(who, &ended, &c);
                    ((struct pending *)user)->op = NULL;
                }
        }
    }
}

static void
recv_plainly(unsigned who)
{
    csp_case cases[KINDS];
    struct ended ended = {.count = 0};

    for (int k = 0; k < KINDS; k++)
        cases[k] = csp_case_recv(run.rx[who][k]);
    while (ended.count < KINDS) {
        int i = csp_select(cases, KINDS, 0, CSP_FOREVER);
        CHECK(i >= 0);
        take(who, &ended, &cases[i]);
        if (cases[i].status != 0)
            cases[i] = csp_case_none();
    }
}

/* ---- the case ---- */

static void
body(unsigned who, void *arg)
{
    struct test_random chance;
    csp_loop *l = NULL;

    (void)arg;
    test_random_init(&chance, who);
    if (who < LOOPS)
        CHECK_EQ(csp_loop_new(&l), 0);
    if (l && is_sender(who))
        send_by_loop(l, who, &chance);
    else if (l)
        recv_by_loop(l, who, &chance);
    else if (is_sender(who))
        send_plainly(who, &chance);
    else
        recv_plainly(who);
    csp_loop_free(l);
    for (int k = 0; k < KINDS; k++) {
        csp_tx_unref(run.tx[who][k]);
        csp_rx_unref(run.rx[who][k]);
    }
}

static void
loops_lose_nothing(void)
{
    memset(&run, 0, sizeof run);
    prepare();
    test_parallel(THREADS, body, NULL);
    for (unsigned who = 0; who < THREADS; who++)
        for (uint64_t i = 0; is_sender(who) && i < run.values; i++)
            CHECK_EQ(atomic_load(&run.seen[who * run.values + i]), 1);
    free(run.seen);
}

int
main(void)
{
    TEST(loops_lose_nothing);
    return test_end();
}
