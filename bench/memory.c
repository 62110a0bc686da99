// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* memory.c: what does an idle channel of capacity 16 take, how long do a
 * million of them take to make and to free, and how long is a channel's life?
 *
 * Usage: memory live|life|chain COUNT */
#include <malloc.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/registry.h>

#include "bench.h"

struct ends {
    csp_tx *tx;
    csp_rx *rx;
};

static void
make(struct ends *e)
{
    if (csp_chan_new(16, NULL, &e->tx, &e->rx) < 0)
        fail("no channel");
}

static uint64_t
library_bytes(void)
{
    csp_registry_counters c = {.size = sizeof c};

    csp_registry_count(&c);
    return c.bytes;
}

static double
resident_mib(void)
{
    unsigned long all, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%lu %lu", &all, &resident) != 2)
        fail("/proc/self/statm cannot be read");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static double
since(csp_time start, long n)
{
    return (double)(csp_clock_now() - start) / (double)n;
}

static void
live(long n)
{
    struct ends *all = malloc((size_t)n * sizeof *all), one;

    if (!all)
        fail("no memory");
    memset(all, 1, (size_t)n * sizeof *all); /* resident from now on */
    make(&one); /* what is made once for all is there */
    uint64_t bytes = library_bytes();
    double before = resident_mib();
    csp_time start = csp_clock_now();
    for (long i = 0; i < n; i++)
        make(&all[i]);
    double make_ns = since(start, n), full = resident_mib() - before;
    bytes = library_bytes() - bytes;
    start = csp_clock_now();
    for (long i = 0; i < n; i++) {
        csp_tx_unref(all[i].tx);
        csp_rx_unref(all[i].rx);
    }
    double free_ns = since(start, n);
    csp_tx_unref(one.tx);
    csp_rx_unref(one.rx);
    library_bytes(); /* frees what waits for a grace period */
    malloc_trim(0);
    figure("an idle channel", (double)bytes / (double)n, "B");
    figure("live at once, resident", full, "MiB");
    figure("of it not given back", 100 * (resident_mib() - before) / full, "%");
    figure("to make each", make_ns, "ns");
    figure("to free each", free_ns, "ns");
    free(all);
}

static void
life(long n)
{
    csp_time start = csp_clock_now();

    for (long i = 0; i < n; i++) {
        struct ends e;
        make(&e);
        csp_tx_unref(e.tx);
        csp_rx_unref(e.rx);
    }
    figure("one after another, each", since(start, n), "ns");
}

/* Each channel buffers the last end of the next one. */
static void
chain(long n)
{
    struct ends next, e;

    make(&next);
    csp_tx_unref(next.tx);
    for (long i = 1; i < n; i++, next = e) {
        make(&e);
        if (csp_tx_send(e.tx, csp_rx_as_value(next.rx), CSP_NOWAIT) < 0)
            fail("an end was not sent");
        csp_tx_unref(e.tx);
    }
    csp_time start = csp_clock_now();
    csp_rx_unref(next.rx);
    figure("freed through the end that each buffers", since(start, n), "ns");
}

int
main(int argc, char **argv)
{
    long n = argc == 3 ? atol(argv[2]) : 0;

    if (n < 1)
        fail("usage: memory live|life|chain COUNT");
    pin(0);
    (strcmp(argv[1], "live") == 0   ? live
     : strcmp(argv[1], "life") == 0 ? life
                                    : chain)(n);
    return 0;
}
