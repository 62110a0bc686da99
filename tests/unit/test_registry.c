// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csp/loop.h>
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

/* ---- what is there ---- */

/* The entry of channel @p id among all of them. */
static csp_registry_chan
listed(uint64_t id)
{
    csp_registry_chan all[8] = {{.id = 0}};
    int64_t n = csp_registry_list(all, 8);

    cr_assert(le(i64, n, 8));
    for (int64_t i = 0; i < n; i++)
        if (all[i].id == id)
            return all[i];
    cr_fail("channel %llu is not listed", (unsigned long long)id);
    return all[0];
}

Test(registry, channels_are_listed_with_what_they_are_like)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    csp_tx *unbounded_tx;
    csp_rx *unbounded_rx;
    uint64_t id = make();

    opts.name = "letters";
    cr_assert(eq(
        int,
        csp_chan_new(CSP_CHAN_UNBOUNDED, &opts, &unbounded_tx, &unbounded_rx),
        0));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(i64, csp_registry_list(NULL, 0), 2));
    csp_registry_chan one = listed(id);
    cr_assert(eq(u32, one.capacity, 2));
    cr_assert(eq(str, one.name, (char *)csp_tx_name(tx)));
    cr_assert(eq(u64, one.stats.sent, 1));
    cr_assert(eq(u64, one.stats.length, 1));
    csp_registry_chan other = listed(csp_tx_id(unbounded_tx));
    cr_assert(eq(u32, other.capacity, CSP_CHAN_UNBOUNDED));
    cr_assert(eq(str, other.name, "letters"));
    csp_tx_unref(unbounded_tx);
    csp_rx_unref(unbounded_rx);
    cr_assert(eq(i64, csp_registry_list(NULL, 0), 1));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    cr_assert(eq(i64, csp_registry_list(NULL, 0), 0));
}

Test(registry, who_waits_is_listed)
{
    csp_loop *loop;
    csp_loop_op *op;
    csp_registry_wait waits[2];
    csp_time before = csp_clock_now();
    uint64_t id = make();
    csp_case c = csp_case_recv(rx);

    cr_assert(eq(int, csp_loop_new(&loop), 0));
    cr_assert(eq(i64, csp_registry_waits(NULL, 0), 0));
    cr_assert(eq(int, csp_loop_start(loop, &c, 1, 0, NULL, &op), 1));
    cr_assert(eq(int, csp_loop_start(loop, &c, 1, 0, NULL, &op), 1));
    cr_assert(eq(i64, csp_registry_waits(waits, 1), 2));
    cr_assert(eq(i64, csp_registry_waits(waits, 2), 2));
    for (int i = 0; i < 2; i++) {
        cr_assert(eq(u64, waits[i].chan, id));
        cr_assert(eq(u64, waits[i].thread, (uint64_t)gettid()));
        cr_assert(not(waits[i].sends));
        cr_assert(ge(i64, waits[i].since, before));
    }
    csp_loop_free(loop);
    cr_assert(eq(i64, csp_registry_waits(waits, 2), 0));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

static int
list(void)
{
    int64_t n = csp_registry_list(NULL, 0);

    return n < 0 ? (int)n : 0;
}

static int
list_waits(void)
{
    int64_t n = csp_registry_waits(NULL, 0);

    return n < 0 ? (int)n : 0;
}

Test(registry, a_list_may_find_no_memory)
{
    make();
    cr_assert(eq(u64, unit_fail_each_allocation(list), 1));
    cr_assert(eq(u64, unit_fail_each_allocation(list_waits), 1));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

/* ---- fork ---- */

/* What channels of the parent answer in the child. Returns: 0 if rightly. */
static int
use_as_child(void)
{
    csp_tx *t;
    csp_rx *r;
    bool right =
        csp_tx_try_send(tx, csp_value_int(1)) == CSP_EFORKED &&
        csp_tx_send(tx, csp_value_int(1), CSP_FOREVER) == CSP_EFORKED &&
        csp_rx_recv(rx, &v, CSP_FOREVER) == CSP_EFORKED &&
        csp_tx_poison(tx, csp_value_none()) == CSP_EFORKED;

    csp_tx_unref(tx);
    csp_rx_unref(rx);
    /* but new ones work */
    return right && csp_chan_new(1, NULL, &t, &r) == 0 &&
                   csp_tx_try_send(t, csp_value_int(1)) == 0 &&
                   csp_rx_try_recv(r, &v) == 0
               ? 0
               : 1;
}

Test(registry, a_child_process_has_no_part_in_its_parents_channels)
{
    int status;

    make();
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(3)), 0));
    pid_t child = fork();
    if (child == 0)
        _exit(use_as_child());
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

/* In a child, and in a child of that. */
static int
live_as_child(bool has_child)
{
    csp_tx *t;
    csp_rx *r;
    int status = 0;

    if (csp_chan_new(1, NULL, &t, &r) < 0)
        return 1;
    csp_tx_unref(t);
    csp_rx_unref(r);
    pid_t child = has_child ? fork() : -1;
    if (child == 0)
        _exit(live_as_child(false));
    if (child > 0 && waitpid(child, &status, 0) != child)
        return 1;
    return status;
}

Test(registry, a_child_process_has_children)
{
    int status;

    make();
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        _exit(live_as_child(true));
    }
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}
