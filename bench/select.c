// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.c: what does a choice cost?
 *
 * Usage: select echo CASES     a round trip: a value into one of the channels
 *                              in turn, over which another thread selects; the
 *                              answer comes back through one channel
 *        select READY CASES    one thread: some of the channels hold a value;
 *                              one is selected, and filled again */
#include <string.h>

#include <csp/chan.h>
#include <csp/select.h>

#include "bench.h"

enum { MAX_CASES = 64 };

static int n_cases;
static csp_tx *txs[MAX_CASES], *back;
static csp_rx *rxs[MAX_CASES];

/* Selects over all for a receive. Returns: the case, or -1 at its end. */
static int
choose(csp_value *v)
{
    csp_case cases[MAX_CASES];

    for (int i = 0; i < n_cases; i++)
        cases[i] = csp_case_recv(rxs[i]);
    int i = csp_select(cases, (size_t)n_cases, CSP_SELECT_FAIR, CSP_FOREVER);
    if (i < 0 || cases[i].status < 0)
        return -1;
    *v = cases[i].value;
    return i;
}

static void *
answer(void *unused)
{
    csp_value v;

    (void)unused;
    pin(1);
    while (choose(&v) >= 0)
        if (csp_tx_send(back, v, CSP_FOREVER) < 0)
            fail("the answer was refused");
    csp_tx_unref(back);
    return NULL;
}

static double
echo(void)
{
    pthread_t thread;
    csp_rx *rx;
    csp_value v;
    int64_t n = 0;

    if (csp_chan_new(1, NULL, &back, &rx) < 0 ||
        pthread_create(&thread, NULL, answer, NULL) != 0)
        fail("no channel or no thread");
    csp_time start = csp_clock_now(), now;
    do
        for (int i = 0; i < 48; i++, n++)
            if (csp_tx_send(txs[n % n_cases], csp_value_int(n), CSP_FOREVER) <
                    0 ||
                csp_rx_recv(rx, &v, CSP_FOREVER) < 0 ||
                csp_value_as_int(v) != n)
                fail("a wrong answer");
    while ((now = csp_clock_now()) < start + BOX_NS);
    csp_tx_close(txs[0]); /* ends the other thread */
    pthread_join(thread, NULL);
    csp_rx_unref(rx);
    return (double)(now - start) / (double)n;
}

static double
ready(int full)
{
    csp_value v;
    int64_t n = 0, sum = 0; /* of what was sent, and not received */

    for (; n < full; n++, sum += n)
        csp_tx_send(txs[n_cases - 1 - n], csp_value_int(n + 1), CSP_FOREVER);
    csp_time start = csp_clock_now(), now;
    do
        for (int k = 0; k < 1000; k++) {
            int i = choose(&v);
            sum += ++n - csp_value_as_int(v);
            if (i < 0 || csp_tx_send(txs[i], csp_value_int(n), CSP_FOREVER) < 0)
                fail("a wrong choice");
        }
    while ((now = csp_clock_now()) < start + BOX_NS);
    for (int i = 0; i < full; i++)
        sum -= choose(&v) < 0 ? 0 : csp_value_as_int(v);
    if (sum != 0)
        fail("what was received is not what was sent");
    return (double)(now - start) / (double)(n - full);
}

int
main(int argc, char **argv)
{
    bool echoes = argc == 3 && strcmp(argv[1], "echo") == 0;
    int full = argc == 3 ? atoi(argv[1]) : 0;

    n_cases = argc == 3 ? atoi(argv[2]) : 0;
    if (n_cases < 1 || n_cases > MAX_CASES || full > n_cases ||
        (!echoes && full < 1))
        fail("usage: select echo|READY CASES");
    for (int i = 0; i < n_cases; i++)
        if (csp_chan_new(1, NULL, &txs[i], &rxs[i]) < 0)
            fail("no channel");
    pin(0);
    figure("intercsp", echoes ? echo() : ready(full), "ns");
    for (int i = 0; i < n_cases; i++) {
        csp_tx_unref(txs[i]);
        csp_rx_unref(rxs[i]);
    }
    return 0;
}
