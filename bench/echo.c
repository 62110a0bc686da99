// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* echo.c: how long is a round trip between two threads, over a channel each
 * way, and over two bare futexes?
 *
 * Usage: echo CAPACITY|futex different|same    (cores). With INTERCSP_SPIN=0
 * the threads of the channels park as those of the futexes do. */
#include <string.h>

#include <csp/chan.h>

#include "bench.h"

struct answer {
    csp_rx *in;
    csp_tx *out;
    int side;
};

static void *
answer(void *arg)
{
    struct answer *a = arg;
    csp_value v;

    pin(a->side);
    while (csp_rx_recv(a->in, &v, CSP_FOREVER) == 0)
        if (csp_tx_send(a->out, v, CSP_FOREVER) < 0)
            fail("the answer was refused");
    csp_tx_unref(a->out);
    csp_rx_unref(a->in);
    return NULL;
}

static double
channel_round_trip(uint32_t capacity, int side)
{
    struct answer a = {.side = side};
    pthread_t thread;
    csp_tx *tx;
    csp_rx *rx;
    csp_value v;
    int64_t n = 0;

    pin(0);
    if (csp_chan_new(capacity, NULL, &tx, &a.in) < 0 ||
        csp_chan_new(capacity, NULL, &a.out, &rx) < 0 ||
        pthread_create(&thread, NULL, answer, &a) != 0)
        fail("no channel or no thread");
    csp_time start = csp_clock_now(), now;
    do
        for (int i = 0; i < 50; i++, n++)
            if (csp_tx_send(tx, csp_value_int(n), CSP_FOREVER) < 0 ||
                csp_rx_recv(rx, &v, CSP_FOREVER) < 0 ||
                csp_value_as_int(v) != n)
                fail("a wrong answer");
    while ((now = csp_clock_now()) < start + BOX_NS);
    csp_tx_unref(tx);
    pthread_join(thread, NULL);
    csp_rx_unref(rx);
    return (double)(now - start) / (double)n;
}

int
main(int argc, char **argv)
{
    bool same = argc == 3 && strcmp(argv[2], "same") == 0;
    char row[80] = "intercsp";

    if (argc != 3 || (!same && strcmp(argv[2], "different")))
        fail("usage: echo CAPACITY|futex different|same");
    bool futex = strcmp(argv[1], "futex") == 0;
    if (futex || !spins())
        snprintf(row, sizeof row, "%s: %s",
                 same ? "same core" : "different cores",
                 futex ? "futex" : "intercsp");
    figure(row,
           futex ? futex_round_trip(!same, BOX_NS)
                 : channel_round_trip((uint32_t)atoi(argv[1]), !same),
           "ns");
    return 0;
}
