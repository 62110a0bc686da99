// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include "unit.h"
#include "waitq.h"

SUITE(waitq);

enum { N = 40 }; /* more than are woken at once after unlocking */

static struct cspi_waitq q;
static struct cspi_waiter waiters[N];
static struct cspi_node nodes[N];

static void
enlist(unsigned i, const void *end, bool front)
{
    waiters[i].state = CSPI_WAITER_WAITING;
    nodes[i] =
        (struct cspi_node){.waiter = &waiters[i], .index = i, .end = end};
    cspi_waitq_lock(&q);
    cspi_waitq_link(&q, &nodes[i], front);
    cspi_waitq_unlock(&q, &(struct cspi_wakes){.n = 0});
}

static void
enlist_all(void)
{
    for (unsigned i = 0; i < N; i++)
        enlist(i, NULL, false);
}

static void
withdraw_all(void)
{
    for (unsigned i = 0; i < N; i++)
        cspi_waitq_withdraw(&q, &q, &nodes[i]);
    cr_assert(eq(u32, q.count, 0));
    cr_assert(eq(u32, q.lock, 0));
    cr_assert(eq(ptr, q.first, NULL));
    cr_assert(eq(ptr, q.last, NULL));
}

static bool
is_claimed(unsigned i)
{
    return waiters[i].state == CSPI_WAITER_CLAIMED + i;
}

Test(waitq, waiters_are_claimed_in_the_order_they_came)
{
    enlist_all();
    for (unsigned i = 0; i < N; i++) {
        cr_assert(eq(u32, q.count, N - i));
        cr_assert(not(is_claimed(i)));
        cspi_waitq_wake_one(&q);
        cr_assert(is_claimed(i));
        cr_assert(not(nodes[i].linked));
    }
    cspi_waitq_wake_one(&q); /* nobody left: nothing */
    withdraw_all();
}

Test(waitq, who_enlists_at_the_front_is_claimed_first)
{
    enlist(0, NULL, false);
    enlist(1, NULL, true);
    enlist(2, NULL, true);
    cspi_waitq_wake_one(&q);
    cr_assert(is_claimed(2));
    cspi_waitq_wake_one(&q);
    cr_assert(is_claimed(1));
    cspi_waitq_wake_one(&q);
    cr_assert(is_claimed(0));
    withdraw_all();
}

Test(waitq, withdrawn_nodes_are_passed_over)
{
    static const unsigned gone[] = {0, 1, 20, 38, 39};

    enlist_all();
    for (int again = 0; again < 2; again++) /* the second time: nothing */
        for (int i = 0; i < 5; i++)
            cspi_waitq_withdraw(&q, &q, &nodes[gone[i]]);
    cr_assert(eq(u32, q.count, N - 5));
    for (unsigned i = 0; i < N - 5; i++)
        cspi_waitq_wake_one(&q);
    for (unsigned i = 0; i < N; i++)
        cr_assert(eq(int, is_claimed(i), i > 1 && i != 20 && i < 38));
    withdraw_all();
}

Test(waitq, a_wake_up_that_is_refused_goes_to_the_next)
{
    cspi_a32 *word = NULL;

    for (unsigned i = 0; i < 4; i++)
        enlist(i, NULL, false);
    cr_assert(cspi_waitq_decide(&waiters[0], CSPI_WAITER_ABORTED, &word));
    cr_assert(cspi_waitq_decide(&waiters[1], CSPI_WAITER_CANCELLED, &word));
    cspi_waitq_wake_one(&q);
    cr_assert(eq(u32, waiters[0].state, CSPI_WAITER_ABORTED));
    cr_assert(eq(u32, waiters[1].state, CSPI_WAITER_CANCELLED));
    cr_assert(is_claimed(2));
    cr_assert(not(is_claimed(3)));
    withdraw_all();
}

Test(waitq, wake_all_claims_those_of_one_end)
{
    int a, b;

    for (unsigned i = 0; i < N; i++)
        enlist(i, i % 3 ? (void *)&a : (void *)&b, false);
    cspi_waitq_wake_all(&q, &q, &b);
    for (unsigned i = 0; i < N; i++)
        cr_assert(eq(int, is_claimed(i), i % 3 == 0));
    cspi_waitq_wake_all(&q, &q, &b);
    cspi_waitq_wake_all(&q, &q, NULL);
    for (unsigned i = 0; i < N; i++)
        cr_assert(is_claimed(i));
    withdraw_all();
}

Test(waitq, a_waiter_is_decided_once)
{
    cspi_a32 *word = NULL;
    struct cspi_waiter w = {.state = CSPI_WAITER_WAITING};

    cr_assert(cspi_waitq_decide(&w, CSPI_WAITER_CLAIMED + 7, &word));
    cr_assert(eq(ptr, (void *)word, NULL)); /* it was not asleep */
    cr_assert(not(cspi_waitq_decide(&w, CSPI_WAITER_ABORTED, &word)));
    cr_assert(not(cspi_waitq_decide(&w, CSPI_WAITER_CLAIMED, &word)));
    cr_assert(eq(u32, w.state, CSPI_WAITER_CLAIMED + 7));
}

Test(waitq, deciding_a_sleeper_says_whom_to_wake)
{
    cspi_a32 *word = NULL;
    struct cspi_waiter w = {.state = CSPI_WAITER_PARKED};

    cr_assert(cspi_waitq_decide(&w, CSPI_WAITER_CANCELLED, &word));
    cr_assert(eq(ptr, (void *)word, (void *)&w.state));
}

Test(waitq, parking_when_decided_returns_at_once)
{
    struct cspi_waiter w = {.state = CSPI_WAITER_CLAIMED};

    cr_assert(eq(
        int, cspi_waitq_park(&w, (struct cspi_linger){0, 0}, CSP_FOREVER), 0));
    cr_assert(eq(u32, w.state, CSPI_WAITER_CLAIMED));
}

Test(waitq, parking_until_a_deadline_aborts_and_is_never_early)
{
    for (int64_t ns = 0; ns <= 2000000; ns = ns * 5 + 1) {
        struct cspi_waiter w = {.state = CSPI_WAITER_WAITING};
        csp_time deadline = csp_clock_after(ns);

        cr_assert(eq(int,
                     cspi_waitq_park(&w, (struct cspi_linger){0, 0}, deadline),
                     CSP_ETIMEOUT));
        cr_assert(ge(i64, csp_clock_now(), deadline));
        cr_assert(eq(u32, w.state, CSPI_WAITER_ABORTED));
    }
}

/* The lock word as waitq.c has it. */
enum { LOCKED = 1, DELEGATED = 4 };

Test(waitq, a_wake_up_is_left_to_who_holds_the_lock)
{
    for (unsigned i = 0; i < 4; i++)
        enlist(i, NULL, false);
    q.lock = LOCKED; /* as if somebody held it */
    cspi_waitq_wake_one(&q);
    cspi_waitq_wake_one(&q);
    cr_assert(eq(u32, q.lock, LOCKED + 2 * DELEGATED));
    cr_assert(not(is_claimed(0)));
    q.lock = 2 * DELEGATED; /* the next holder frees it */
    cspi_waitq_withdraw(&q, &q, &nodes[1]);
    cr_assert(is_claimed(0));
    cr_assert(not(is_claimed(1)));
    cr_assert(is_claimed(2));
    cr_assert(not(is_claimed(3)));
    withdraw_all();
}

Test(waitq, delegating_more_than_there_are_waiters_does_no_harm)
{
    enlist(0, NULL, false);
    q.lock = LOCKED;
    for (int i = 0; i < 100; i++)
        cspi_waitq_wake_one(&q);
    q.lock &= ~(uint32_t)LOCKED;
    enlist(1, NULL, false); /* its unlock does what was delegated */
    cr_assert(is_claimed(0));
    cr_assert(is_claimed(1));
    withdraw_all();
}

Test(waitq, notifying_an_empty_queue_takes_no_lock)
{
    q.lock = LOCKED;
    cspi_waitq_notify(&q);
    cr_assert(eq(u32, q.lock, LOCKED));
    q.lock = 0;
    enlist(0, NULL, false);
    cspi_waitq_notify(&q);
    cr_assert(is_claimed(0));
    withdraw_all();
}
