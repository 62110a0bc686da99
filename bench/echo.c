// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* echo.c: how long is a round trip between two threads, over a channel of
 * capacity 1 each way, and over two bare futexes?
 *
 * Usage: echo channel|futex different|same    (cores). With INTERCSP_SPIN=0
 * the threads of the channels park as those of the futexes do. */
#include <string.h>

#include <csp/chan.h>

#include "bench.h"

static const int64_t box_ns = 300000000;

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
channel_round_trip(int side)
{
    struct answer a = {.side = side};
    pthread_t thread;
    csp_tx *tx;
    csp_rx *rx;
    csp_value v;
    int64_t n = 0;

    pin(0);
    if (csp_chan_new(1, NULL, &tx, &a.in) < 0 ||
        csp_chan_new(1, NULL, &a.out, &rx) < 0 ||
        pthread_create(&thread, NULL, answer, &a) != 0)
        fail("no channel or no thread");
    csp_time start = csp_clock_now(), now;
    do
        for (int i = 0; i < 50; i++, n++)
            if (csp_tx_send(tx, csp_value_int(n), CSP_FOREVER) < 0 ||
                csp_rx_recv(rx, &v, CSP_FOREVER) < 0 ||
                csp_value_as_int(v) != n)
                fail("a wrong answer");
    while ((now = csp_clock_now()) < start + box_ns);
    csp_tx_unref(tx);
    pthread_join(thread, NULL);
    csp_rx_unref(rx);
    return (double)(now - start) / (double)n;
}

int
main(int argc, char **argv)
{
    const char *spin = getenv("INTERCSP_SPIN");
    char row[80];

    if (argc != 3 || (strcmp(argv[1], "channel") && strcmp(argv[1], "futex")) ||
        (strcmp(argv[2], "different") && strcmp(argv[2], "same")))
        fail("usage: echo channel|futex different|same");
    bool channel = strcmp(argv[1], "channel") == 0;
    int side = strcmp(argv[2], "different") == 0;
    bool parks = !channel || (spin && strcmp(spin, "0") == 0);
    double ns =
        channel ? channel_round_trip(side) : futex_round_trip(side, box_ns);
    snprintf(row, sizeof row, "%s %s, %s", parks ? "parked" : "hot", argv[1],
             side ? "different cores" : "same core");
    figure(row, ns / 1000, "us");
    return 0;
}
