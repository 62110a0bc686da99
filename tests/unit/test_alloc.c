// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <csp/hub.h>

#include "unit.h"

SUITE(alloc);

static uint64_t
blocks(void)
{
    uint64_t n, bytes;

    cspi_alloc_live(&n, &bytes);
    return n;
}

static uint64_t
bytes(void)
{
    uint64_t n, b;

    cspi_alloc_live(&n, &b);
    return b;
}

Test(alloc, live_counts_blocks_and_the_bytes_asked_for)
{
    uint64_t n = blocks(), b = bytes();
    void *p = cspi_alloc_raw(5), *q = cspi_alloc_zero(100, 64);

    cr_assert(p && q);
    cr_assert(eq(u64, blocks(), n + 2));
    cr_assert(eq(u64, bytes(), b + 105));
    cspi_alloc_free(p, 5);
    cr_assert(eq(u64, blocks(), n + 1));
    cr_assert(eq(u64, bytes(), b + 100));
    cspi_alloc_free(q, 100);
    cr_assert(eq(u64, bytes(), b));
}

Test(alloc, zeroed_memory_is_zero_and_aligned)
{
    for (size_t align = 8; align <= 128; align *= 2)
        for (size_t size = 1; size <= 1000; size += 111) {
            for (int again = 0; again < 2; again++) { /* reused memory too */
                unsigned char *p = cspi_alloc_zero(size, align);

                cr_assert(ne(ptr, p, NULL));
                cr_assert(eq(u64, (uintptr_t)p % align, 0));
                for (size_t i = 0; i < size; i++) {
                    cr_assert(eq(int, p[i], 0));
                    p[i] = 0xff;
                }
                cspi_alloc_free(p, size);
            }
        }
}

Test(alloc, freeing_null_changes_nothing)
{
    uint64_t n = blocks(), b = bytes();

    cspi_alloc_free(NULL, 7);
    cr_assert(eq(u64, blocks(), n));
    cr_assert(eq(u64, bytes(), b));
}

Test(alloc, exactly_the_nth_allocation_fails_and_is_not_counted)
{
    for (uint64_t nth = 1; nth <= 5; nth++) {
        uint64_t n = blocks();
        void *p[6];

        cspi_alloc_fail_nth(nth);
        for (uint64_t i = 1; i <= 6; i++) {
            p[i - 1] = i % 2 ? cspi_alloc_raw(16) : cspi_alloc_zero(16, 16);
            cr_assert(eq(int, p[i - 1] == NULL, i == nth));
            cr_assert(eq(int, cspi_alloc_failed(), i >= nth));
        }
        cr_assert(eq(u64, blocks(), n + 5));
        for (int i = 0; i < 6; i++)
            cspi_alloc_free(p[i], 16);
    }
    cspi_alloc_fail_nth(0);
}

Test(alloc, a_failure_asked_for_can_be_taken_back)
{
    cspi_alloc_fail_nth(1);
    cspi_alloc_fail_nth(0);
    void *p = cspi_alloc_raw(1);
    cr_assert(ne(ptr, p, NULL));
    cr_assert(not(cspi_alloc_failed()));
    cspi_alloc_free(p, 1);
}

/* ---- hubs: each of their calls that allocates ---- */

static csp_hub *hub;
static csp_hub_tx *tx;
static csp_rx *rx[2];
static csp_value v;

static void
make(unsigned subscribers)
{
    cr_assert(eq(int, csp_hub_new(1, NULL, &tx, &hub), 0));
    for (unsigned i = 0; i < subscribers; i++)
        cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &rx[i]), 0));
}

static void
drop(unsigned subscribers)
{
    for (unsigned i = 0; i < subscribers; i++)
        csp_rx_unref(rx[i]);
    csp_hub_tx_unref(tx);
    csp_hub_unref(hub);
}

/* A hub with a subscriber. */
static int
make_and_drop(void)
{
    csp_hub *h;
    csp_hub_tx *t;
    csp_rx *r;
    int rc = csp_hub_new(2, NULL, &t, &h);

    if (rc < 0)
        return rc;
    rc = csp_hub_subscribe(h, 3, NULL, &r);
    cr_assert(eq(sz, csp_hub_len(h), rc == 0));
    if (rc == 0)
        csp_rx_unref(r);
    csp_hub_tx_unref(t);
    csp_hub_unref(h);
    return rc;
}

static int
clone(void)
{
    csp_hub_tx *t;
    int rc = csp_hub_tx_clone(tx, &t);

    if (rc == 0)
        csp_hub_tx_unref(t);
    return rc;
}

static int
send_to_both(void)
{
    int rc = csp_hub_tx_send(tx, csp_value_int(1), CSP_NOWAIT);
    for (int i = 0; i < 2; i++)
        cr_assert(eq(int, csp_rx_try_recv(rx[i], &v), rc ? CSP_EEMPTY : 0));
    return rc;
}

Test(alloc, each_allocation_of_a_hub_and_a_subscription_may_fail)
{
    cr_assert(ge(u64, unit_fail_each_allocation(make_and_drop), 10));
}

Test(alloc, each_allocation_of_a_clone_of_a_hub_may_fail)
{
    make(1);
    cr_assert(eq(u64, unit_fail_each_allocation(clone), 2));
    csp_hub_tx_close(tx); /* no end was left counted */
    cr_assert(csp_rx_is_finished(rx[0]));
    drop(1);
}

Test(alloc, a_hub_that_finds_no_memory_reaches_nobody)
{
    make(2);
    cr_assert(eq(u64, unit_fail_each_allocation(send_to_both), 1));
    drop(2);
}

/* All that poisoning needs was set aside before. */
Test(alloc, a_poison_of_a_hub_needs_no_memory)
{
    make(2);
    cspi_alloc_fail_nth(1);
    cr_assert(eq(int, csp_hub_tx_poison(tx, csp_value_int(3)), 0));
    cspi_alloc_fail_nth(0);
    cr_assert(eq(int, csp_rx_try_recv(rx[0], &v), CSP_EPOISONED));
    cr_assert(eq(int, csp_rx_reason(rx[1], &v), 0));
    cr_assert(eq(i64, csp_value_as_int(v), 3));
    drop(2);
}
