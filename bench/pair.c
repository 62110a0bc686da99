// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pair.c: what does a send and a receive cost in one thread, through the shared
 * library? */
#include <csp/chan.h>

#include "bench.h"

enum { N = 5000000 };

int
main(void)
{
    csp_tx *tx;
    csp_rx *rx;
    csp_value v;
    int64_t sum = 0;

    pin(0);
    if (csp_chan_new(64, NULL, &tx, &rx) < 0)
        fail("no channel");
    for (int i = 0; i < 10000; i++) /* warm */
        if (csp_tx_send(tx, csp_value_int(0), CSP_FOREVER) < 0 ||
            csp_rx_recv(rx, &v, CSP_FOREVER) < 0)
            fail("the channel failed");
    csp_time start = csp_clock_now();
    for (int64_t i = 0; i < N; i++) {
        csp_tx_send(tx, csp_value_int(i), CSP_FOREVER);
        csp_rx_recv(rx, &v, CSP_FOREVER);
        sum += csp_value_as_int(v);
    }
    double took = (double)(csp_clock_now() - start) / N;
    if (sum != (int64_t)N * (N - 1) / 2)
        fail("the sum is wrong");
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    figure("intercsp", took, "ns");
    return 0;
}
