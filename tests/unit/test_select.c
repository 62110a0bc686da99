// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <csp/selector.h>

#include "unit.h"

static csp_tx *tx, *full_tx;
static csp_rx *rx, *full_rx;
static csp_value v;

/* One channel that is empty and one that is full. */
static void
before(void)
{
    unit_before();
    cr_assert(eq(int, csp_chan_new(2, NULL, &tx, &rx), 0));
    cr_assert(eq(int, csp_chan_new(1, NULL, &full_tx, &full_rx), 0));
    cr_assert(eq(int, csp_tx_try_send(full_tx, csp_value_int(1)), 0));
}

static void
after(void)
{
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    csp_tx_unref(full_tx);
    csp_rx_unref(full_rx);
    unit_after();
}

TestSuite(select, .init = before, .fini = after);

/* Both ways of having to wait fail with @p rc and leave nothing behind. */
static void
assert_fails(csp_time deadline, int rc)
{
    v = csp_value_int(9);
    cr_assert(eq(int, csp_rx_recv(rx, &v, deadline), rc));
    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_NONE));
    cr_assert(eq(int, csp_tx_send(full_tx, csp_value_int(2), deadline), rc));
    cr_assert(eq(sz, csp_rx_waiting(rx), 0));
    cr_assert(eq(sz, csp_tx_waiting(full_tx), 0));
    cr_assert(eq(sz, csp_tx_len(full_tx), 1));
}

Test(select, deadlines_that_have_passed_do_not_wait)
{
    csp_time now = csp_clock_now();
    const csp_time past[] = {CSP_NOWAIT,   CSP_SPIN, 2,  1000,  now / 2,
                             now - 1,      now,      -1, -1000, INT64_MIN,
                             INT64_MIN + 1};

    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        assert_fails(past[i], CSP_ETIMEOUT);
}

Test(select, deadlines_that_have_passed_still_try)
{
    static const csp_time past[] = {CSP_NOWAIT, CSP_SPIN, 1000, -1, INT64_MIN};

    for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
        cr_assert(
            eq(int, csp_tx_send(tx, csp_value_int((int64_t)i), past[i]), 0));
        cr_assert(eq(int, csp_rx_recv(rx, &v, past[i]), 0));
        cr_assert(eq(i64, csp_value_as_int(v), (int64_t)i));
    }
}

Test(select, a_timeout_is_never_early)
{
    for (int64_t ns = 1; ns <= 3000000; ns = ns * 2 + 1) {
        csp_time deadline = csp_clock_after(ns);

        cr_assert(eq(int, csp_rx_recv(rx, &v, deadline), CSP_ETIMEOUT));
        cr_assert(ge(i64, csp_clock_now(), deadline));
        deadline = csp_clock_after(ns);
        cr_assert(eq(int, csp_tx_send(full_tx, csp_value_none(), deadline),
                     CSP_ETIMEOUT));
        cr_assert(ge(i64, csp_clock_now(), deadline));
        cr_assert(eq(sz, csp_rx_waiting(rx), 0));
        cr_assert(eq(sz, csp_tx_waiting(full_tx), 0));
    }
}

Test(select, spinning_does_not_sleep)
{
    struct rusage was, is;

    getrusage(RUSAGE_SELF, &was);
    for (int i = 0; i < 1000; i++)
        assert_fails(CSP_SPIN, CSP_ETIMEOUT);
    getrusage(RUSAGE_SELF, &is);
    cr_assert(eq(long, is.ru_nvcsw, was.ru_nvcsw));
}

static void
on_alarm(int sig)
{
    (void)sig;
}

Test(select, a_signal_ends_the_wait_without_effect)
{
    struct itimerval each_ms = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL);
    for (int i = 0; i < 20; i++) {
        assert_fails(CSP_FOREVER, CSP_EINTERRUPTED);
        assert_fails(csp_clock_after(INT64_C(60000000000)), CSP_EINTERRUPTED);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    cr_assert(eq(int, csp_tx_send(tx, csp_value_int(4), CSP_FOREVER), 0));
    cr_assert(eq(int, csp_rx_recv(rx, &v, CSP_FOREVER), 0));
}

Test(select, what_can_be_done_at_once_is_done_whatever_the_deadline)
{
    static const csp_time deadlines[] = {CSP_NOWAIT, CSP_SPIN, CSP_FOREVER};

    for (int64_t i = 0; i < 1000; i++) {
        csp_time d = deadlines[i % 3];
        cr_assert(eq(int, csp_tx_send(tx, csp_value_int(i), d), 0));
        cr_assert(eq(int, csp_rx_recv(rx, &v, d), 0));
        cr_assert(eq(i64, csp_value_as_int(v), i));
    }
}

/* ---- which of several ready cases is taken ---- */

enum { MOST = 8, DRAWS = 10000 };

static csp_tx *send_ends[MOST];
static csp_rx *recv_ends[MOST];
static int taken[MOST];

/* Those of @p ready have a value. */
static void
open_chans(unsigned ready)
{
    for (unsigned i = 0; i < MOST; i++) {
        taken[i] = 0;
        cr_assert(
            eq(int, csp_chan_new(1, NULL, &send_ends[i], &recv_ends[i]), 0));
        if (ready >> i & 1)
            csp_tx_try_send(send_ends[i], csp_value_int(i));
    }
}

static void
drop_chans(void)
{
    for (unsigned i = 0; i < MOST; i++) {
        csp_tx_unref(send_ends[i]);
        csp_rx_unref(recv_ends[i]);
    }
}

/* What was taken is put back. */
static void
count_taken(int i, const csp_case *c)
{
    if (i < 0 || c->status != 0 || csp_value_as_int(c->value) != i ||
        csp_tx_try_send(send_ends[i], c->value) != 0)
        cr_fatal("case %d, which is not as it should be", i);
    taken[i]++;
}

/* Of the first @p n cases those of @p ready each have the same share, within
 * @p percent. */
static void
assert_shares(unsigned n, unsigned ready, int percent)
{
    int share = DRAWS / __builtin_popcount(ready);
    csp_case cases[MOST];

    open_chans(ready);
    for (unsigned i = 0; i < n; i++)
        cases[i] = csp_case_recv(recv_ends[i]);
    for (int k = 0; k < DRAWS; k++) {
        int i = csp_select(cases, n, 0, CSP_FOREVER);
        count_taken(i, &cases[i]);
    }
    for (unsigned i = 0; i < n; i++)
        if (!(ready >> i & 1))
            cr_assert(eq(int, taken[i], 0));
        else
            cr_assert(abs(taken[i] - share) <= share * percent / 100 + 1,
                      "%u cases, ready %#x: %u was taken %d times", n, ready, i,
                      taken[i]);
    drop_chans();
}

Test(select, of_cases_that_all_are_ready_each_has_its_share)
{
    for (unsigned n = 1; n <= MOST; n++)
        assert_shares(n, (1u << n) - 1, 20);
}

Test(select, of_some_that_are_ready_each_has_its_share)
{
    for (unsigned n = 2; n <= MOST; n += n == 2 ? 1 : n == 3 ? 2 : 3)
        for (unsigned ready = 1; ready < 1u << n; ready++)
            assert_shares(n, ready, 30);
}

Test(select, a_selector_takes_turns)
{
    csp_selector *s;
    csp_case c;

    open_chans(0xff);
    cr_assert(eq(int, csp_selector_new(&s), 0));
    for (int i = 0; i < MOST; i++) {
        c = csp_case_recv(recv_ends[i]);
        cr_assert(eq(int, csp_selector_add(s, &c), i));
    }
    for (int k = 0; k < DRAWS; k++)
        count_taken(csp_selector_wait(s, &c, CSP_FOREVER), &c);
    for (int i = 0; i < MOST; i++)
        cr_assert(eq(int, taken[i], DRAWS / MOST));
    csp_selector_free(s);
    drop_chans();
}

Test(select, timers_at_the_ends_of_time_are_due_once)
{
    csp_timer far = {csp_clock_now(), INT64_MAX};
    csp_timer old = {INT64_MIN, 1000000000};
    csp_case c = csp_case_timer(&far);

    cr_assert(eq(int, csp_select(&c, 1, 0, CSP_NOWAIT), 0));
    cr_assert(eq(i64, far.when, CSP_FOREVER));
    c = csp_case_timer(&old);
    cr_assert(eq(int, csp_select(&c, 1, 0, CSP_NOWAIT), 0));
    cr_assert(eq(i64, old.when, CSP_FOREVER));
}

/* No deadline, and nothing to wait for: an answer, not a sleep. */
Test(select, a_timer_that_has_been_due_for_the_last_time_is_not_waited_for)
{
    csp_timer once = csp_timer_after(1), last = {1, INT64_MAX};
    csp_case cases[] = {csp_case_timer(&once), csp_case_none(),
                        csp_case_timer(&last)};

    cr_assert(ge(int, csp_select(cases, 3, 0, CSP_FOREVER), 0));
    cr_assert(ge(int, csp_select(cases, 3, 0, CSP_FOREVER), 0));
    cr_assert(eq(i64, once.when, CSP_FOREVER));
    cr_assert(eq(i64, last.when, CSP_FOREVER));
    cr_assert(eq(int, csp_select(cases, 3, 0, CSP_FOREVER), CSP_EINVAL));
    cr_assert(
        eq(int, csp_select(cases, 3, 0, csp_clock_after(1000)), CSP_ETIMEOUT));
}

Test(select, a_selector_does_not_wait_for_such_timers_either)
{
    csp_timer spent = {CSP_FOREVER, 0}, last = {1, INT64_MAX};
    csp_case c = csp_case_timer(&spent), tick = csp_case_timer(&last);
    csp_selector *s;

    cr_assert(eq(int, csp_selector_new(&s), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), CSP_EINVAL));
    cr_assert(eq(int, csp_selector_add(s, &c), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), CSP_EINVAL));
    cr_assert(eq(int, csp_selector_add(s, &tick), 1));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), 1));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), CSP_EINVAL));
    tick = csp_case_recv(rx);
    cr_assert(eq(int, csp_selector_add(s, &tick), 2));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(7)), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), 2));
    cr_assert(eq(int, csp_selector_remove(s, 2), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), CSP_EINVAL));
    csp_selector_free(s);
}

Test(select, a_batch_writes_no_more_than_it_received)
{
    csp_value a[4];
    size_t n;

    for (int i = 0; i < 4; i++)
        a[i] = csp_value_int(100 + i);
    cr_assert(
        eq(int, csp_rx_recv_many(rx, a, 4, &n, CSP_NOWAIT), CSP_ETIMEOUT));
    cr_assert(eq(sz, n, 0));
    cr_assert(eq(i64, csp_value_as_int(a[0]), 100));
    for (int i = 0; i < 2; i++)
        cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(i)), 0));
    cr_assert(eq(int, csp_rx_recv_many(rx, a, 4, &n, CSP_NOWAIT), 0));
    cr_assert(eq(sz, n, 2));
    for (int i = 0; i < 4; i++)
        cr_assert(eq(i64, csp_value_as_int(a[i]), i < 2 ? i : 100 + i));
}
