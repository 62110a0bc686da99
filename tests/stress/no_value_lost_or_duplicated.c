// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Four producers and four consumers on one channel: each value arrives once,
 * those of one producer in order as far as one consumer can tell, and what the
 * producer wrote before the send is seen by who has the value. */
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>

#include "test.h"

enum { SIDE = 4, VALUES = 10000000, WHOLE_BLOCK = 64 };

static struct {
    csp_tx *tx[SIDE];
    csp_rx *rx[SIDE];
    uint32_t each;       /* values of one producer */
    uint32_t *plain;     /* by value; written and read plainly */
    atomic_uchar *taken; /* by value */
} run;

static uint32_t
secret(uint32_t v)
{
    return v * 2654435761u + 1;
}

/* Most values are integers; some are counted blocks. */
static csp_value
wrap(uint32_t v)
{
    char block[WHOLE_BLOCK] = {0};
    csp_value out = csp_value_int(v);

    if (v % 64 == 0) {
        memcpy(block, &v, sizeof v);
        CHECK_EQ(csp_value_bytes(block, sizeof block, &out), 0);
    }
    return out;
}

static uint32_t
unwrap(csp_value v)
{
    uint32_t n = (uint32_t)csp_value_as_int(v);
    size_t size;

    if (csp_value_kind(v) == CSP_KIND_BYTES) {
        memcpy(&n, csp_value_data(&v, &size), sizeof n);
        CHECK_EQ(size, WHOLE_BLOCK);
    }
    csp_value_unref(&v);
    return n;
}

static void
produce(uint32_t who)
{
    for (uint32_t v = who * run.each; v < (who + 1) * run.each; v++) {
        run.plain[v] = secret(v);
        CHECK_EQ(csp_tx_send(run.tx[who], wrap(v), CSP_FOREVER), 0);
    }
    csp_tx_unref(run.tx[who]);
}

static void
consume(uint32_t who)
{
    uint32_t next[SIDE] = {0}; /* by producer: the least that may come now */
    csp_value value;
    int rc;

    while ((rc = csp_rx_recv(run.rx[who], &value, CSP_FOREVER)) == 0) {
        uint32_t v = unwrap(value);
        uint32_t from = v / run.each, i = v % run.each;

        CHECK(from < SIDE);
        CHECK(i >= next[from]);
        next[from] = i + 1;
        CHECK_EQ(run.plain[v], secret(v));
        CHECK_EQ(
            atomic_fetch_add_explicit(&run.taken[v], 1, memory_order_relaxed),
            0);
    }
    CHECK_EQ(rc, CSP_ECLOSED);
    csp_rx_unref(run.rx[who]);
}

static void
work(unsigned who, void *unused)
{
    (void)unused;
    if (who < SIDE)
        produce(who);
    else
        consume(who - SIDE);
}

static void
flow(uint32_t capacity, uint32_t values)
{
    run.each = (uint32_t)(test_count(values) / SIDE) + 1;
    run.plain = calloc((size_t)SIDE * run.each, sizeof *run.plain);
    run.taken = calloc((size_t)SIDE * run.each, sizeof *run.taken);
    CHECK(run.plain && run.taken);
    CHECK_EQ(csp_chan_new(capacity, NULL, &run.tx[0], &run.rx[0]), 0);
    for (int i = 1; i < SIDE; i++) {
        CHECK_EQ(csp_tx_clone(run.tx[0], &run.tx[i]), 0);
        CHECK_EQ(csp_rx_clone(run.rx[0], &run.rx[i]), 0);
    }
    csp_time start = csp_clock_now();
    test_parallel(2 * SIDE, work, NULL);
    double s = (double)(csp_clock_now() - start) / 1e9;
    for (uint32_t v = 0; v < SIDE * run.each; v++)
        CHECK_EQ(run.taken[v], 1);
    test_note("%u values, %.2f s, %.1f million/s", SIDE * run.each, s,
              SIDE * run.each / s / 1e6);
    free(run.plain);
    free(run.taken);
}

static void
no_value_is_lost_or_duplicated_at_capacity_64(void)
{
    flow(64, VALUES);
}

static void
no_value_is_lost_or_duplicated_at_capacity_3(void)
{
    flow(3, VALUES);
}

static void
no_value_is_lost_or_duplicated_at_capacity_1(void)
{
    flow(1, VALUES / 10); /* a hand-over each: slow on a busy machine */
}

int
main(void)
{
    TEST(no_value_is_lost_or_duplicated_at_capacity_64);
    TEST(no_value_is_lost_or_duplicated_at_capacity_3);
    TEST(no_value_is_lost_or_duplicated_at_capacity_1);
    return test_end();
}
