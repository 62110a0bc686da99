// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csp/selector.h>

#include "unit.h"

enum { CASES = 9 }; /* one more than there is room for at first */

static csp_tx *tx;
static csp_rx *rx;

static void
before(void)
{
    unit_before();
    cr_assert(eq(int, csp_chan_new(CSP_CHAN_UNBOUNDED, NULL, &tx, &rx), 0));
}

static void
after(void)
{
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    unit_after();
}

TestSuite(selector, .init = before, .fini = after);

/* Of what could not be added nothing is left, of the others nothing is lost. */
static int
make_and_fill(void)
{
    csp_selector *s;
    csp_case c = csp_case_recv(rx);
    int rc = csp_selector_new(&s), n = 0;

    if (rc < 0)
        return rc;
    while (rc >= 0 && n < CASES)
        if ((rc = csp_selector_add(s, &c)) >= 0)
            cr_assert(eq(int, rc, n++));
    cr_assert(eq(sz, csp_selector_len(s), (size_t)n));
    csp_selector_free(s);
    return rc < 0 ? rc : 0;
}

Test(selector, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_and_fill), CASES + 3));
}

/* A select of more cases than fit on its stack. */
static int
select_many(void)
{
    csp_case cases[CASES];

    for (int i = 0; i < CASES; i++)
        cases[i] = csp_case_recv(rx);
    int rc = csp_select(cases, CASES, 0, csp_clock_after(1));
    cr_assert(eq(sz, csp_rx_waiting(rx), 0));
    return rc == CSP_ETIMEOUT ? 0 : rc;
}

Test(selector, each_allocation_of_a_large_select_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(select_many), 2));
}

Test(selector, a_descriptor_tells_what_is_ready_until_it_was_looked_at)
{
    csp_selector *s;
    csp_case c = csp_case_recv(rx);
    struct pollfd p = {.events = POLLIN};

    cr_assert(eq(int, csp_selector_new(&s), 0));
    cr_assert(eq(int, csp_selector_add(s, &c), 0));
    p.fd = csp_selector_fd(s);
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), CSP_ETIMEOUT));
    cr_assert(eq(int, poll(&p, 1, 0), 0));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, poll(&p, 1, 0), 1));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), 0));
    cr_assert(eq(int, poll(&p, 1, 0), 1)); /* there may be more */
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), CSP_ETIMEOUT));
    cr_assert(eq(int, poll(&p, 1, 0), 0));
    csp_selector_free(s);
}

/* Adds a send of each number from 0 below @p n. Ids are from 0 up. */
static csp_selector *
selector_of_sends(int n)
{
    csp_selector *s;

    cr_assert(eq(int, csp_selector_new(&s), 0));
    for (int i = 0; i < n; i++) {
        csp_case c = csp_case_send(tx, csp_value_int(i));
        cr_assert(eq(int, csp_selector_add(s, &c), i));
    }
    return s;
}

/* What is left happens in the order in which it was added, @p n cases. */
static void
assert_sends(csp_selector *s, const int *left, int n)
{
    csp_case c;
    csp_value v;

    for (int i = 0; i < n; i++) {
        cr_assert(ge(int, csp_selector_wait(s, &c, CSP_NOWAIT), 0));
        cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
        cr_assert(eq(i64, csp_value_as_int(v), left[i]));
    }
    cr_assert(eq(sz, csp_selector_len(s), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), CSP_ETIMEOUT));
    csp_selector_free(s);
}

Test(selector, a_case_leaves_the_queue_wherever_it_stands)
{
    static const int left[][3] = {{1, 2, 3}, {0, 2, 3}, {0, 1, 3}, {0, 1, 2}};

    for (int gone = 0; gone < 4; gone++) {
        csp_selector *s = selector_of_sends(4);
        cr_assert(eq(int, csp_selector_remove(s, gone), 0));
        cr_assert(eq(int, csp_selector_remove(s, gone), CSP_ENOTFOUND));
        assert_sends(s, left[gone], 3);
    }
}

Test(selector, an_id_that_has_gone_is_used_again_no_other_is)
{
    static const int left[] = {0, 2, 4, 5, 6, 7, 8, 101, 102, 103};
    csp_selector *s = selector_of_sends(CASES);
    bool seen[CASES + 1] = {false};

    cr_assert(eq(int, csp_selector_remove(s, 1), 0));
    cr_assert(eq(int, csp_selector_remove(s, 3), 0));
    for (int i = 1; i <= 3; i++) {
        csp_case c = csp_case_send(tx, csp_value_int(100 + i));
        int id = csp_selector_add(s, &c);
        cr_assert(id == 1 || id == 3 || id == CASES);
        cr_assert(not(seen[id]));
        seen[id] = true;
    }
    cr_assert(eq(int, csp_selector_remove(s, CASES + 1), CSP_ENOTFOUND));
    assert_sends(s, left, CASES + 1);
}

static int64_t
cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The shortest of some: @p n cases are added, half of them happen, one with an
 * id used again after each; the others are removed, the last one first. */
static int64_t
cost(int n)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        csp_case c, again = csp_case_send(tx, csp_value_int(1));
        int64_t start = cpu_ns();
        csp_selector *s = selector_of_sends(n);
        for (int k = 0; k < n / 2; k++) {
            cr_assert(ge(int, csp_selector_wait(s, &c, CSP_NOWAIT), 0));
            cr_assert(ge(int, csp_selector_add(s, &again), 0));
        }
        for (int id = n; id-- > 0;)
            cr_assert(eq(int, csp_selector_remove(s, id), 0));
        csp_selector_free(s);
        int64_t took = cpu_ns() - start;
        least = took < least ? took : least;
    }
    return least;
}

Test(selector, the_cost_of_a_case_does_not_grow_with_the_others)
{
    enum { SOME = 1000, TIMES = 16 };

    cost(SOME); /* the memory is there */
    cr_assert(lt(i64, cost(SOME * TIMES), 6 * TIMES * cost(SOME)));
}

/* Adds @p n timers, which must live as long. */
static void
add_timers(csp_selector *s, csp_timer *timers, int n)
{
    for (int i = 0; i < n; i++) {
        csp_case c = csp_case_timer(&timers[i]);
        cr_assert(ge(int, csp_selector_add(s, &c), 0));
    }
}

Test(selector, timers_happen_in_the_order_of_their_moments)
{
    enum { TIMERS = 101, STRIDE = 37, GONE = 5 };
    csp_timer timers[TIMERS];
    csp_selector *s;
    csp_case c;

    cr_assert(eq(int, csp_selector_new(&s), 0));
    for (int i = 0; i < TIMERS; i++)
        timers[i] = (csp_timer){.when = i * STRIDE % TIMERS}; /* all are over */
    add_timers(s, timers, TIMERS);
    for (int id = 0; id < TIMERS; id += GONE)
        cr_assert(eq(int, csp_selector_remove(s, id), 0));
    for (int when = 0; when < TIMERS; when++) {
        int id = 0;
        while (id * STRIDE % TIMERS != when)
            id++;
        if (id % GONE)
            cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), id));
    }
    cr_assert(eq(sz, csp_selector_len(s), 0));
    csp_selector_free(s);
}

Test(selector, a_timer_of_two_cases_happens_once)
{
    csp_timer once = csp_timer_after(0);
    csp_selector *s;
    csp_case c = csp_case_timer(&once);

    cr_assert(eq(int, csp_selector_new(&s), 0));
    cr_assert(eq(int, csp_selector_add(s, &c), 0));
    cr_assert(eq(int, csp_selector_add(s, &c), 1));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), 0));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_NOWAIT), CSP_ETIMEOUT));
    cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), CSP_EINVAL));
    csp_selector_free(s);
}

/* The shortest of some: a value is received beside @p n timers. */
static int64_t
cost_beside(csp_timer *timers, int n)
{
    enum { WAITS = 1000 };
    int64_t least = INT64_MAX;
    csp_selector *s;
    csp_case c = csp_case_recv(rx);

    cr_assert(eq(int, csp_selector_new(&s), 0));
    cr_assert(eq(int, csp_selector_add(s, &c), 0));
    add_timers(s, timers, n);
    for (int i = 0; i < 3; i++) {
        int64_t start = cpu_ns();
        for (int k = 0; k < WAITS; k++) {
            cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
            cr_assert(eq(int, csp_selector_wait(s, &c, CSP_FOREVER), 0));
        }
        int64_t took = cpu_ns() - start;
        least = took < least ? took : least;
    }
    csp_selector_free(s);
    return least;
}

Test(selector, timers_that_are_not_due_cost_nothing)
{
    enum { TIMERS = 1000 };
    csp_timer timers[TIMERS];

    for (int i = 0; i < TIMERS; i++)
        timers[i] = csp_timer_tick(INT64_C(3600000000000) - i);
    cr_assert(lt(i64, cost_beside(timers, TIMERS), 6 * cost_beside(timers, 1)));
}

/* What a selector of the parent's answers. Returns: 0 if rightly. */
static int
use_as_child(csp_selector *s, int id)
{
    csp_tx *t;
    csp_rx *r;
    csp_case c;

    if (csp_chan_new(1, NULL, &t, &r) < 0)
        return 1;
    csp_case mine = csp_case_recv(r);
    bool right = csp_selector_wait(s, &c, CSP_FOREVER) == CSP_EFORKED &&
                 csp_selector_wait(s, &c, CSP_NOWAIT) == CSP_EFORKED &&
                 csp_selector_add(s, &mine) == CSP_EFORKED &&
                 csp_selector_fd(s) == CSP_EFORKED &&
                 csp_selector_remove(s, id) == 0;
    csp_selector_free(s);
    csp_tx_unref(t);
    csp_rx_unref(r);
    return right ? 0 : 1;
}

Test(selector, a_child_process_has_no_part_in_it)
{
    csp_selector *s;
    csp_case c = csp_case_recv(rx), out;
    int status;

    cr_assert(eq(int, csp_selector_new(&s), 0));
    int id = csp_selector_add(s, &c);
    cr_assert(eq(int, csp_selector_wait(s, &out, CSP_NOWAIT), CSP_ETIMEOUT));
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        _exit(use_as_child(s, id));
    }
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, csp_selector_wait(s, &out, CSP_NOWAIT), id));
    csp_selector_free(s);
}
