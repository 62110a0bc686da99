// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdlib.h>

#include <csp/registry.h>

#include "unit.h"

SUITE(registry);

static csp_tx *tx;
static csp_rx *rx;
static csp_value v;

static uint64_t
make(void)
{
    cr_assert(eq(int, csp_chan_new(2, NULL, &tx, &rx), 0));
    return csp_tx_id(tx);
}

static void
assert_gone(uint64_t id)
{
    csp_tx *t;
    csp_rx *r;

    cr_assert(eq(int, csp_registry_find_tx(id, &t), CSP_ENOTFOUND));
    cr_assert(eq(int, csp_registry_find_rx(id, &r), CSP_ENOTFOUND));
}

Test(registry, an_id_finds_both_sides)
{
    uint64_t id = make();
    csp_tx *t;
    csp_rx *r;

    cr_assert(eq(int, csp_registry_find_tx(id, &t), 0));
    cr_assert(eq(int, csp_registry_find_rx(id, &r), 0));
    cr_assert(ne(ptr, t, tx)); /* ends of their own */
    cr_assert(ne(ptr, r, rx));
    cr_assert(eq(u64, csp_tx_id(t), id));
    cr_assert(eq(int, csp_tx_try_send(t, csp_value_int(6)), 0));
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
    cr_assert(eq(i64, csp_value_as_int(v), 6));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    cr_assert(not(csp_rx_is_finished(r)));
    csp_tx_unref(t);
    cr_assert(csp_rx_is_finished(r));
    csp_rx_unref(r);
    assert_gone(id);
}

Test(registry, a_side_is_found_until_its_last_end_closes)
{
    uint64_t id = make();
    csp_tx *t;
    csp_rx *r;

    csp_tx_close(tx);
    cr_assert(eq(int, csp_registry_find_tx(id, &t), CSP_ENOTFOUND));
    cr_assert(eq(int, csp_registry_find_rx(id, &r), 0));
    csp_rx_unref(r);
    csp_rx_close(rx);
    assert_gone(id);
    csp_tx_unref(tx); /* the channel is there as long as its ends are */
    assert_gone(id);
    csp_rx_unref(rx);
    assert_gone(id);
}

Test(registry, an_id_that_never_was_is_not_found)
{
    uint64_t id = make();

    assert_gone(0);
    assert_gone(id + 1);
    assert_gone(UINT64_MAX);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

static uint64_t id_to_find;

static int
find_both(void)
{
    csp_tx *t;
    csp_rx *r;
    int rc = csp_registry_find_tx(id_to_find, &t);

    if (rc < 0)
        return rc;
    rc = csp_registry_find_rx(id_to_find, &r);
    if (rc == 0)
        csp_rx_unref(r);
    csp_tx_unref(t);
    return rc;
}

Test(registry, each_allocation_of_a_look_up_may_fail)
{
    id_to_find = make();
    cr_assert(eq(u64, unit_fail_each_allocation(find_both), 2));
    csp_tx_close(tx);
    cr_assert(csp_rx_is_finished(rx)); /* no end was left counted */
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

Test(registry, counters_say_what_is_alive)
{
    csp_registry_counters none = unit_live(), one;

    make();
    one = unit_live();
    cr_assert(eq(u64, one.chans, none.chans + 1));
    cr_assert(gt(u64, one.blocks, none.blocks));
    cr_assert(gt(u64, one.bytes, none.bytes + 384));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    unit_assert_live(none);
}

Test(registry, counters_of_an_unknown_size_are_invalid)
{
    csp_registry_counters c = {.size = sizeof c - 1, .chans = 77};

    cr_assert(eq(int, csp_registry_count(&c), CSP_EINVAL));
    cr_assert(eq(u64, c.chans, 77));
}

Test(registry, many_channels_are_each_found)
{
    enum { N = 3000 };
    csp_tx **t = calloc(N, sizeof *t);
    csp_rx **r = calloc(N, sizeof *r);
    csp_tx *found;

    cr_assert(t && r);
    for (int i = 0; i < N; i++)
        cr_assert(eq(int, csp_chan_new(1, NULL, &t[i], &r[i]), 0));
    for (int i = 0; i < N; i++) {
        cr_assert(eq(int, csp_registry_find_tx(csp_tx_id(t[i]), &found), 0));
        cr_assert(eq(u64, csp_tx_id(found), csp_tx_id(t[i])));
        csp_tx_unref(found);
    }
    for (int i = 0; i < N; i++) {
        uint64_t id = csp_tx_id(t[i]);
        csp_tx_unref(t[i]);
        csp_rx_unref(r[i]);
        assert_gone(id);
    }
    free(t);
    free(r);
}

/* Without anybody asking for the counters. */
Test(registry, memory_of_channels_that_are_gone_does_not_pile_up)
{
    uint64_t blocks, bytes, at_start;

    cspi_alloc_live(&at_start, &bytes);
    for (int i = 0; i < 10000; i++) {
        make();
        csp_tx_unref(tx);
        csp_rx_unref(rx);
        cspi_alloc_live(&blocks, &bytes);
        cr_assert(le(u64, blocks, at_start + 64));
    }
}
