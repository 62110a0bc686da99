// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <csp/cancel.h>
#include <csp/chan.h>

#include "cancel_priv.h"
#include "unit.h"

SUITE(cancel);

static csp_cancel *
token(void)
{
    csp_cancel *k;

    cr_assert(eq(int, csp_cancel_new(&k), 0));
    return k;
}

Test(cancel, reasons_add_up_until_they_are_taken)
{
    csp_cancel *k = token();

    cr_assert(eq(u32, csp_cancel_take(k), 0));
    csp_cancel_request(k, 1);
    csp_cancel_request(k, 4);
    csp_cancel_request(k, 4);
    cr_assert(eq(u32, csp_cancel_take(k), 5));
    cr_assert(eq(u32, csp_cancel_take(k), 0));
    csp_cancel_request(k, UINT32_C(1) << 31);
    cr_assert(eq(u32, csp_cancel_take(k), UINT32_C(1) << 31));
    csp_cancel_unref(k);
}

Test(cancel, attaching_gives_back_what_was_attached)
{
    csp_cancel *a = token(), *b = token();

    cr_assert(eq(ptr, csp_cancel_attach(a), NULL));
    cr_assert(eq(ptr, csp_cancel_attach(b), a));
    cr_assert(eq(ptr, csp_cancel_attach(NULL), b));
    cr_assert(eq(ptr, csp_cancel_attach(NULL), NULL));
    csp_cancel_unref(a);
    csp_cancel_unref(b);
}

Test(cancel, references_are_counted)
{
    csp_registry_counters before = unit_live();
    csp_cancel *k = token();

    cr_assert(eq(ptr, csp_cancel_ref(k), k));
    csp_cancel_unref(k);
    csp_cancel_request(k, 1); /* still there */
    csp_cancel_unref(k);
    csp_cancel_unref(NULL);
    unit_assert_live(before);
}

Test(cancel, a_request_ends_every_wait_until_it_is_taken)
{
    csp_cancel *k = token();
    csp_value v;
    csp_tx *tx;
    csp_rx *rx;

    cr_assert(eq(int, csp_chan_new(1, NULL, &tx, &rx), 0));
    csp_cancel_attach(k);
    csp_cancel_request(k, 2);
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, csp_rx_recv(rx, &v, CSP_FOREVER), CSP_ECANCELLED));
    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_NONE));
    cr_assert(eq(sz, csp_rx_waiting(rx), 0));
    cr_assert(eq(u32, csp_cancel_take(k), 2));
    cr_assert(
        eq(int, csp_rx_recv(rx, &v, csp_clock_after(1000)), CSP_ETIMEOUT));
    csp_cancel_attach(NULL);
    csp_cancel_unref(k);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

Test(cancel, operations_that_need_not_wait_are_not_cancelled)
{
    csp_cancel *k = token();
    csp_value v;
    csp_tx *tx;
    csp_rx *rx;

    cr_assert(eq(int, csp_chan_new(1, NULL, &tx, &rx), 0));
    csp_cancel_attach(k);
    csp_cancel_request(k, 1);
    cr_assert(eq(int, csp_tx_send(tx, csp_value_int(5), CSP_FOREVER), 0));
    cr_assert(eq(int, csp_tx_send(tx, csp_value_int(6), CSP_FOREVER),
                 CSP_ECANCELLED));
    cr_assert(
        eq(int, csp_tx_send(tx, csp_value_int(6), CSP_NOWAIT), CSP_ETIMEOUT));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(6)), CSP_EFULL));
    cr_assert(eq(int, csp_rx_recv(rx, &v, CSP_FOREVER), 0));
    cr_assert(eq(i64, csp_value_as_int(v), 5)); /* the 6 had no effect */
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), CSP_EEMPTY));
    csp_cancel_attach(NULL);
    csp_cancel_unref(k);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

Test(cancel, a_thread_without_the_token_is_not_cancelled)
{
    csp_cancel *k = token();
    csp_value v;
    csp_tx *tx;
    csp_rx *rx;

    cr_assert(eq(int, csp_chan_new(1, NULL, &tx, &rx), 0));
    csp_cancel_request(k, 1);
    cr_assert(
        eq(int, csp_rx_recv(rx, &v, csp_clock_after(1000)), CSP_ETIMEOUT));
    csp_cancel_unref(k);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

Test(cancel, a_request_decides_the_wait_in_progress_and_no_other)
{
    struct cspi_waiter first = {.state = CSPI_WAITER_PARKED},
                       second = {.state = CSPI_WAITER_WAITING};
    csp_cancel *k = token();

    csp_cancel_attach(k);
    cr_assert(cspi_cancel_enter(&first));
    cspi_cancel_leave();
    csp_cancel_request(k, 1);
    cr_assert(eq(u32, first.state, CSPI_WAITER_PARKED));
    cr_assert(not(cspi_cancel_enter(&second)));
    csp_cancel_take(k);
    cr_assert(cspi_cancel_enter(&second));
    csp_cancel_request(k, 1);
    cr_assert(eq(u32, second.state, CSPI_WAITER_CANCELLED));
    cspi_cancel_leave();
    csp_cancel_attach(NULL);
    csp_cancel_unref(k);
}

Test(cancel, a_claim_that_came_first_stands)
{
    struct cspi_waiter w = {.state = CSPI_WAITER_CLAIMED};
    csp_cancel *k = token();

    csp_cancel_attach(k);
    cr_assert(cspi_cancel_enter(&w));
    csp_cancel_request(k, 1);
    cr_assert(eq(u32, w.state, CSPI_WAITER_CLAIMED));
    cspi_cancel_leave();
    csp_cancel_attach(NULL);
    csp_cancel_unref(k);
}

static int
make_token(void)
{
    csp_cancel *k;
    int rc = csp_cancel_new(&k);

    if (rc == 0)
        csp_cancel_unref(k);
    return rc;
}

Test(cancel, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_token), 1));
}
