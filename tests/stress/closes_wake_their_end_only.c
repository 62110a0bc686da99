// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Many threads wait on a few ends of one side, by an operation, by a select
 * and by a selector. When one of the ends is closed its waiters are told, and
 * nobody else's wait ends; when the channel ends, everybody's does. */
#include <csp/selector.h>

#include "test.h"

enum { ENDS = 4, FEW = 12, MANY = 100, PENDING = 1, ROUNDS = 3000 };

static struct {
    bool sends; /* what the waiters want to do */
    unsigned n, each;
    uint32_t capacity;
    bool over;
    csp_tx *tx[ENDS]; /* of the channel: those of the waiters' side are many */
    csp_rx *rx[ENDS];
    csp_tx *idle_tx; /* of one on which nothing happens */
    csp_rx *idle_rx;
    atomic_int rc[MANY]; /* PENDING: it waits */
    struct test_barrier barrier;
} run;

/* ---- the waiters ---- */

static csp_case
own_case(unsigned who)
{
    unsigned end = who / run.each;

    return run.sends ? csp_case_send(run.tx[end], csp_value_int(1))
                     : csp_case_recv(run.rx[end]);
}

static int
operate(unsigned who)
{
    csp_value v;

    return run.sends ? csp_tx_send(run.tx[who / run.each], csp_value_int(1),
                                   CSP_FOREVER)
                     : csp_rx_recv(run.rx[who / run.each], &v, CSP_FOREVER);
}

static int
choose(unsigned who)
{
    csp_case cases[] = {csp_case_recv(run.idle_rx), own_case(who)};

    CHECK_EQ(csp_select(cases, 2, 0, CSP_FOREVER), 1);
    return cases[1].status;
}

static int
watch(unsigned who)
{
    csp_case idle = csp_case_recv(run.idle_rx), own = own_case(who), done;
    csp_selector *s;

    CHECK_EQ(csp_selector_new(&s), 0);
    CHECK_EQ(csp_selector_add(s, &idle), 0);
    CHECK_EQ(csp_selector_add(s, &own), 1);
    CHECK_EQ(csp_selector_wait(s, &done, CSP_FOREVER), 1);
    csp_selector_free(s);
    return done.status;
}

static void
be_waiter(unsigned who)
{
    atomic_store(&run.rc[who], who % 3 == 0   ? operate(who)
                               : who % 3 == 1 ? choose(who)
                                              : watch(who));
}

/* ---- the leader ---- */

static void
open_ends(void)
{
    CHECK_EQ(csp_chan_new(run.capacity, NULL, &run.tx[0], &run.rx[0]), 0);
    for (unsigned i = 1; i < ENDS; i++)
        if (run.sends)
            CHECK_EQ(csp_tx_clone(run.tx[0], &run.tx[i]), 0);
        else
            CHECK_EQ(csp_rx_clone(run.rx[0], &run.rx[i]), 0);
    CHECK_EQ(csp_chan_new(1, NULL, &run.idle_tx, &run.idle_rx), 0);
    for (uint32_t i = 0; run.sends && i < run.capacity; i++)
        CHECK_EQ(csp_tx_try_send(run.tx[0], csp_value_int(0)), 0);
    for (unsigned i = 0; i < run.n; i++)
        atomic_store(&run.rc[i], PENDING);
}

static void
drop_ends(void)
{
    for (unsigned i = 0; i < ENDS; i++) {
        csp_tx_unref(run.tx[i]);
        csp_rx_unref(run.rx[i]);
        run.tx[i] = NULL;
        run.rx[i] = NULL;
    }
    csp_tx_unref(run.idle_tx);
    csp_rx_unref(run.idle_rx);
}

static size_t
waiting(void)
{
    return run.sends ? csp_tx_waiting(run.tx[0]) : csp_rx_waiting(run.rx[0]);
}

static void
let_all_wait(void)
{
    test_barrier_wait(&run.barrier);
    while (waiting() < run.n)
        test_relax();
}

/* One value, or room for one: it ends one wait. */
static void
offer(void)
{
    csp_value v;

    if (run.sends)
        CHECK_EQ(csp_rx_recv(run.rx[0], &v, CSP_FOREVER), 0);
    else
        CHECK_EQ(csp_tx_send(run.tx[0], csp_value_int(2), CSP_FOREVER), 0);
}

/* Until the waiters of @p end have an answer. Returns: how many succeeded. */
static unsigned
await_end(unsigned end)
{
    unsigned succeeded = 0;

    for (unsigned i = end * run.each; i < (end + 1) * run.each; i++) {
        while (atomic_load(&run.rc[i]) == PENDING)
            test_relax();
        if (atomic_load(&run.rc[i]) != 0)
            CHECK_EQ(atomic_load(&run.rc[i]), CSP_EENDCLOSED);
        else
            succeeded++;
    }
    return succeeded;
}

/* Closes one end while @p early offers are made. A wait elsewhere ends by an
 * offer only, and each offer ends one: there are as many as it takes, and a
 * wake-up that was lost hangs. */
static void
close_one(unsigned end, unsigned early)
{
    let_all_wait();
    for (unsigned i = 0; i < early / 2; i++)
        offer();
    if (run.sends)
        csp_tx_close(run.tx[end]);
    else
        csp_rx_close(run.rx[end]);
    for (unsigned i = early / 2; i < early; i++)
        offer();
    unsigned left = run.n - run.each + await_end(end) - early;
    while (early == 0 && waiting() != run.n - run.each)
        test_relax(); /* somebody looks in vain, and is listed again */
    for (; left; left--)
        offer();
    test_barrier_wait(&run.barrier);
    for (unsigned i = 0; i < run.n; i++)
        if (i / run.each != end)
            CHECK_EQ(atomic_load(&run.rc[i]), 0);
}

/* Ends the channel under all of them. */
static void
end_all(int by)
{
    let_all_wait();
    if (by == CSP_EPOISONED)
        CHECK_EQ(run.sends ? csp_rx_poison(run.rx[0], csp_value_int(3))
                           : csp_tx_poison(run.tx[0], csp_value_int(3)),
                 0);
    else if (run.sends)
        csp_rx_close(run.rx[0]);
    else
        csp_tx_close(run.tx[0]);
    test_barrier_wait(&run.barrier);
    for (unsigned i = 0; i < run.n; i++)
        CHECK_EQ(atomic_load(&run.rc[i]), by);
}

/* ---- rounds ---- */

static void
play_round(struct test_random *r)
{
    static const uint32_t capacities[] = {0, 1, 2, CSP_CHAN_UNBOUNDED};

    run.sends = test_below(r, 2);
    run.capacity = capacities[test_below(r, run.sends ? 3 : 4)];
    open_ends();
    if (run.n == MANY || test_below(r, 4) == 0)
        end_all(test_below(r, 2) ? CSP_ECLOSED : CSP_EPOISONED);
    else
        close_one(test_below(r, ENDS),
                  test_below(r, 2) ? 0 : test_below(r, run.n - run.each + 1));
    drop_ends();
}

static void
work(unsigned who, void *rounds)
{
    struct test_random r;
    uint32_t left = *(const uint32_t *)rounds;

    if (who < run.n) {
        for (;;) {
            test_barrier_wait(&run.barrier);
            if (run.over)
                return;
            be_waiter(who);
            test_barrier_wait(&run.barrier);
        }
    }
    test_random_init(&r, who);
    while (left-- && !test_is_over(3))
        play_round(&r);
    run.over = true;
    test_barrier_wait(&run.barrier);
    test_note("%u rounds, %.1f s", *(const uint32_t *)rounds - left - 1,
              test_elapsed());
}

static void
play(unsigned n, uint32_t rounds)
{
    uint32_t count = (uint32_t)test_count(rounds);

    run.n = n;
    run.each = n / ENDS;
    run.over = false;
    test_barrier_init(&run.barrier, n + 1);
    test_parallel(n + 1, work, &count);
}

static void
a_close_ends_the_waits_of_its_end_and_no_others(void)
{
    play(FEW, ROUNDS);
}

static void
a_hundred_waits_end_with_their_channel(void)
{
    play(MANY, ROUNDS / 30);
}

int
main(void)
{
    TEST(a_close_ends_the_waits_of_its_end_and_no_others);
    TEST(a_hundred_waits_end_with_their_channel);
    return test_end();
}
