// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* stream.c: how fast do values go one way, from some threads to others?
 *
 * Usage: stream SENDERS RECEIVERS CAPACITY. One of each are pinned to two
 * processors; more are not. Prints ns per message. */
#include <csp/chan.h>

#include "bench.h"

enum { MAX_THREADS = 64 };

static csp_time until;
static bool in_order;            /* what comes is 0, 1, 2... */
static _Atomic(int64_t) balance; /* the sum of what was sent and not received */

static void *
produce(void *arg)
{
    csp_tx *tx = arg;
    int64_t i = 0;

    do // at least once, also where it starts late
        for (int k = 0; k < 1000; k++)
            if (csp_tx_send(tx, csp_value_int(i++), CSP_FOREVER) < 0)
                fail("a send failed");
    while (csp_clock_now() < until);
    balance += i * (i - 1) / 2;
    csp_tx_unref(tx);
    return NULL;
}

/* Returns: how many values came, as a pointer. */
static void *
consume(void *arg)
{
    csp_rx *rx = arg;
    csp_value v;
    intptr_t n = 0;
    int64_t sum = 0;

    for (; csp_rx_recv(rx, &v, CSP_FOREVER) == 0; n++) {
        sum += csp_value_as_int(v);
        if (in_order && csp_value_as_int(v) != n)
            fail("a value came out of order");
    }
    balance -= sum;
    csp_rx_unref(rx);
    return (void *)n;
}

/* Starts a thread with an end of its own. */
static pthread_t
start_thread(bool sends, csp_tx *tx, csp_rx *rx)
{
    pthread_t thread;
    int rc = sends ? csp_tx_clone(tx, &tx) : csp_rx_clone(rx, &rx);

    if (rc < 0 || pthread_create(&thread, NULL, sends ? produce : consume,
                                 sends ? (void *)tx : (void *)rx) != 0)
        fail("no end or no thread");
    return thread;
}

static double
stream(int senders, int receivers, uint32_t capacity)
{
    pthread_t threads[2 * MAX_THREADS];
    intptr_t count = 0;
    csp_tx *tx;
    csp_rx *rx;

    if (csp_chan_new(capacity, NULL, &tx, &rx) < 0)
        fail("no channel");
    csp_time start = csp_clock_now();
    until = start + BOX_NS;
    in_order = senders == 1 && receivers == 1;
    for (int i = 0; i < senders + receivers; i++) {
        threads[i] = start_thread(i < senders, tx, rx);
        if (in_order)
            pin_thread(threads[i], i);
    }
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    for (int i = 0; i < senders + receivers; i++) {
        void *n;
        pthread_join(threads[i], &n);
        count += (intptr_t)n;
    }
    double took = (double)(csp_clock_now() - start);
    if (balance != 0)
        fail("what was received is not what was sent");
    return took / (double)count;
}

int
main(int argc, char **argv)
{
    int senders = argc == 4 ? atoi(argv[1]) : 0;
    int receivers = argc == 4 ? atoi(argv[2]) : 0;

    if (senders < 1 || receivers < 1 || senders > MAX_THREADS ||
        receivers > MAX_THREADS)
        fail("usage: stream SENDERS RECEIVERS CAPACITY");
    figure(spins() ? "intercsp" : "intercsp, INTERCSP_SPIN=0",
           stream(senders, receivers, (uint32_t)atoi(argv[3])), "ns");
    return 0;
}
