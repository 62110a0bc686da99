// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <poll.h>

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
