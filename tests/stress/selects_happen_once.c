// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Selects against selects, where a mistake would show as a value that is
 * there twice or not at all: one value offered on several channels at once;
 * sends and receives of one channel in one select, by everybody; timers that
 * are due while values come. */
#include <csp/select.h>

#include "ledger.h"

enum { CHANS = 4, VALUES = 100000, PARTNERS = 4 };

static struct {
    struct ledger ledger;
    csp_tx *tx[CHANS];
    csp_rx *rx[CHANS];
    uint32_t values;
    struct test_barrier barrier;
} run;

static void
open_chans(unsigned n, uint32_t capacity)
{
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(csp_chan_new(capacity, NULL, &run.tx[i], &run.rx[i]), 0);
}

static void
drop_chans(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        csp_tx_unref(run.tx[i]);
        csp_rx_unref(run.rx[i]);
    }
}

/* ---- the same value on all channels, taken from one of them ---- */

static void
send_everywhere(void)
{
    csp_case cases[CHANS];

    for (uint32_t v = 0; v < run.values; v++) {
        for (unsigned i = 0; i < CHANS; i++)
            cases[i] = csp_case_send(run.tx[i], csp_value_int(v));
        int i = csp_select(cases, CHANS, 0, CSP_FOREVER);
        CHECK(i >= 0 && cases[i].status == 0);
    }
    for (unsigned i = 0; i < CHANS; i++)
        csp_tx_close(run.tx[i]);
}

/* With one sender, and no room to wait in, they come in order. */
static void
receive_anywhere(void)
{
    csp_case cases[CHANS];

    for (unsigned i = 0; i < CHANS; i++)
        cases[i] = csp_case_recv(run.rx[i]);
    for (uint32_t v = 0; v < run.values; v++) {
        int i = csp_select(cases, CHANS, 0, CSP_FOREVER);
        CHECK(i >= 0 && cases[i].status == 0);
        CHECK_EQ(csp_value_as_int(cases[i].value), v);
    }
    int i = csp_select(cases, CHANS, 0, CSP_FOREVER);
    CHECK(i >= 0 && cases[i].status == CSP_ECLOSED);
}

static void
double_select(unsigned who, void *unused)
{
    (void)unused;
    if (who == 0)
        send_everywhere();
    else
        receive_anywhere();
}

static void
a_value_offered_on_all_channels_is_taken_from_one(void)
{
    run.values = (uint32_t)test_count(VALUES);
    open_chans(CHANS, 0);
    test_parallel(2, double_select, NULL);
    drop_chans(CHANS);
    test_note("%u values, %.1f s", run.values, test_elapsed());
}

/* ---- both sides of one channel ---- */

/* The first who has sent all it has ends the channel for all. */
static void
meet_partners(unsigned who, void *unused)
{
    csp_tx *tx;
    csp_rx *rx;
    int status = 0;

    (void)unused;
    CHECK_EQ(csp_tx_clone(run.tx[0], &tx), 0);
    CHECK_EQ(csp_rx_clone(run.rx[0], &rx), 0);
    uint32_t v = who * run.values, end = v + run.values;
    while (v < end && status == 0) {
        csp_value mine = ledger_write(&run.ledger, v);
        csp_case cases[] = {csp_case_recv(rx), csp_case_send(tx, mine)};
        int i = csp_select(cases, 2, 0, CSP_FOREVER);
        CHECK(i >= 0);
        status = cases[i].status;
        if (i == 1 && status == 0)
            ledger_sent(&run.ledger, v++);
        else
            csp_value_unref(&mine);
        if (i == 0 && status == 0)
            ledger_take(&run.ledger, cases[0].value);
    }
    CHECK(status == 0 || status == CSP_EPOISONED);
    csp_tx_poison(tx, csp_value_none());
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

static void
who_sends_and_receives_on_one_channel_meets_others(void)
{
    run.values = (uint32_t)test_count(VALUES / PARTNERS);
    ledger_open(&run.ledger, PARTNERS * run.values);
    open_chans(1, 0);
    test_parallel(PARTNERS, meet_partners, NULL);
    drop_chans(1);
    ledger_close(&run.ledger);
}

/* ---- timers against values ---- */

static void
send_values(void)
{
    struct test_random r;

    test_random_init(&r, 0);
    for (uint32_t v = 0; v < run.values; v++) {
        CHECK_EQ(
            csp_tx_send(run.tx[0], ledger_write(&run.ledger, v), CSP_FOREVER),
            0);
        ledger_sent(&run.ledger, v);
        for (unsigned i = test_below(&r, 8) ? 0 : test_below(&r, 200); i; i--)
            test_relax();
    }
    csp_tx_close(run.tx[0]);
}

static void
receive_in_time(void)
{
    csp_timer tick = csp_timer_tick(20000), after = csp_timer_after(5000);
    uint32_t next = 0, ticks = 0, shots = 0;
    int status = 0;

    while (status == 0) {
        csp_case cases[] = {csp_case_timer(&tick), csp_case_recv(run.rx[0]),
                            csp_case_timer(&after)};
        csp_time due[] = {tick.when, 0, after.when};
        int i = csp_select(cases, 3, 0, CSP_FOREVER);
        CHECK(i >= 0);
        CHECK(csp_clock_now() >= due[i]);
        status = cases[i].status;
        if (i == 1 && status == 0)
            CHECK_EQ(ledger_take(&run.ledger, cases[1].value), next++);
        ticks += i == 0;
        if (i == 2) {
            shots++;
            after = csp_timer_after(5000);
        }
    }
    CHECK_EQ(status, CSP_ECLOSED);
    CHECK_EQ(next, run.values);
    test_note("%u values, %u ticks, %u shots", next, ticks, shots);
}

static void
race_with_time(unsigned who, void *unused)
{
    (void)unused;
    if (who == 0)
        send_values();
    else
        receive_in_time();
}

static void
timers_take_no_value(void)
{
    run.values = (uint32_t)test_count(VALUES);
    for (uint32_t capacity = 0; capacity < 2; capacity++) {
        ledger_open(&run.ledger, run.values);
        open_chans(1, capacity);
        test_parallel(2, race_with_time, NULL);
        drop_chans(1);
        ledger_close(&run.ledger);
    }
}

int
main(void)
{
    TEST(a_value_offered_on_all_channels_is_taken_from_one);
    TEST(who_sends_and_receives_on_one_channel_meets_others);
    TEST(timers_take_no_value);
    return test_end();
}
