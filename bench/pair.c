// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pair.c: what does a send and a receive cost in one thread, through the shared
 * library; and each of them (pair halves)? */
#include <string.h>

#include <csp/chan.h>

#include "bench.h"

enum { N = 5000000, FILL = 1024 };

static csp_tx *tx;
static csp_rx *rx;

static void
pairs(void)
{
    csp_value v;
    int64_t sum = 0;

    csp_time start = csp_clock_now();
    for (int64_t i = 0; i < N; i++) {
        csp_tx_send(tx, csp_value_int(i), CSP_FOREVER);
        csp_rx_recv(rx, &v, CSP_FOREVER);
        sum += csp_value_as_int(v);
    }
    double took = (double)(csp_clock_now() - start) / N;
    if (sum != (int64_t)N * (N - 1) / 2)
        fail("the sum is wrong");
    figure("intercsp", took, "ns");
}

/* Fills the channel and empties it, again and again. */
static void
halves(void)
{
    csp_time sending = 0, receiving = 0, start;
    csp_value v;
    int64_t n = 0, sum = 0;

    for (; n < N; n += FILL) {
        start = csp_clock_now();
        for (int i = 0; i < FILL; i++)
            csp_tx_send(tx, csp_value_int(n + i), CSP_FOREVER);
        sending += csp_clock_now() - start;
        start = csp_clock_now();
        for (int i = 0; i < FILL; i++) {
            csp_rx_recv(rx, &v, CSP_FOREVER);
            sum += csp_value_as_int(v);
        }
        receiving += csp_clock_now() - start;
    }
    if (sum != n * (n - 1) / 2)
        fail("the sum is wrong");
    figure("a send: intercsp", (double)sending / (double)n, "ns");
    figure("a receive: intercsp", (double)receiving / (double)n, "ns");
}

int
main(int argc, char **argv)
{
    csp_value v;

    if (argc > 2 || (argc == 2 && strcmp(argv[1], "halves")))
        fail("usage: pair [halves]");
    pin(0);
    if (csp_chan_new(argc == 2 ? FILL : 64, NULL, &tx, &rx) < 0)
        fail("no channel");
    for (int i = 0; i < 10000; i++) /* warm */
        if (csp_tx_send(tx, csp_value_int(0), CSP_FOREVER) < 0 ||
            csp_rx_recv(rx, &v, CSP_FOREVER) < 0)
            fail("the channel failed");
    if (argc == 2)
        halves();
    else
        pairs();
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    return 0;
}
