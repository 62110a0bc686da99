// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* idle.c: how much processor time does a receive burn that has to wait for
 * long? */
#include <time.h>

#include <csp/chan.h>

#include "bench.h"

static double
processor_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int
main(void)
{
    csp_tx *tx;
    csp_rx *rx;
    csp_value v;

    if (csp_chan_new(1, NULL, &tx, &rx) < 0)
        fail("no channel");
    csp_time start = csp_clock_now();
    double used = processor_ns();
    if (csp_rx_recv(rx, &v, csp_clock_after(BOX_NS)) != CSP_ETIMEOUT)
        fail("a value out of nowhere");
    used = processor_ns() - used;
    figure("processor time of a wait",
           100 * used / (double)(csp_clock_now() - start), "%");
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    return 0;
}
