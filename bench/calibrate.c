// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* calibrate.c: what this machine can do at present, to judge the rest by. */
#include <stdbool.h>
#include <string.h>

#include "bench.h"

enum { MS = 1000000, COPY_BYTES = 32 << 20 };

static double
fetch_add(void)
{
    static _Atomic(uint64_t) word;
    enum { N = 10000000 };

    csp_time start = csp_clock_now();
    for (int i = 0; i < N; i++)
        atomic_fetch_add(&word, 1);
    return (double)(csp_clock_now() - start) / N;
}

static double
copy_gb_per_s(void)
{
    char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
    int n = 0;

    if (!from || !to)
        fail("no memory");
    memset(from, 1, COPY_BYTES);
    memset(to, 2, COPY_BYTES);
    csp_time start = csp_clock_now(), now;
    do {
        from[n % COPY_BYTES] = (char)n;
        memcpy(to, from, COPY_BYTES);
        __asm__ __volatile__("" ::"r"(to) : "memory");
        n++;
    } while ((now = csp_clock_now()) < start + 50 * MS);
    free(from);
    free(to);
    return (double)n * COPY_BYTES / (double)(now - start);
}

/* What any hand-over to another core and back takes at least: two words, each
 * on a line of its own, that two threads write by turns. */
static struct {
    _Alignas(128) _Atomic(uint32_t) ping;
    _Alignas(128) _Atomic(uint32_t) pong;
} lines;

enum { ROUND_TRIPS = 200000 };

static void
line_wait(_Atomic(uint32_t) *line, uint32_t n)
{
    for (unsigned turns = 1; atomic_load(line) != n; turns++)
        if (turns % 1024 == 0)
            sched_yield(); /* the other one may not have begun */
}

static void *
line_answer(void *unused)
{
    pin(1);
    for (uint32_t i = 1; i <= ROUND_TRIPS; i++) {
        line_wait(&lines.ping, i);
        atomic_store(&lines.pong, i);
    }
    return unused;
}

static double
line_round_trip(void)
{
    pthread_t thread;

    atomic_store(&lines.ping, 0);
    atomic_store(&lines.pong, 0);
    pin(0);
    if (pthread_create(&thread, NULL, line_answer, NULL) != 0)
        fail("no thread");
    csp_time start = csp_clock_now();
    for (uint32_t i = 1; i <= ROUND_TRIPS; i++) {
        atomic_store(&lines.ping, i);
        line_wait(&lines.pong, i);
    }
    double took = (double)(csp_clock_now() - start) / ROUND_TRIPS;
    pthread_join(thread, NULL);
    return took;
}

struct worker {
    int side;
    csp_time until;
    uint64_t done;
};

static void *
work(void *arg)
{
    struct worker *w = arg;
    volatile uint64_t x = 1;

    pin(w->side);
    while (csp_clock_now() < w->until) {
        for (int i = 0; i < 1000; i++)
            x = x * 3 + 1;
        w->done++;
    }
    return NULL;
}

/* What n threads, each on its processor, do together in a while. */
static double
work_of(int n)
{
    struct worker workers[2] = {{0, 0, 0}, {1, 0, 0}};
    pthread_t threads[2];
    uint64_t done = 0;

    for (int i = 0; i < n; i++) {
        workers[i].until = csp_clock_after(40 * MS);
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            fail("no thread");
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        done += workers[i].done;
    }
    return (double)done;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What two threads usually do, over what one does at best: what disturbs the
 * one alone must not look like a third core. */
static double
two_cores(void)
{
    double one[5], two[5];

    for (int i = 0; i < 5; i++) {
        one[i] = work_of(1);
        two[i] = work_of(2);
    }
    qsort(one, 5, sizeof *one, by_size);
    qsort(two, 5, sizeof *two, by_size);
    return two[2] / one[4];
}

/* Usage: calibrate          all
 *        calibrate cores    only whether there are two free ones
 *        calibrate line     only the round trip of a cache line */
int
main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    bool all = !*only;

    if (all || strcmp(only, "cores") == 0)
        figure("two cores do the work of", two_cores(), "");
    if (all || strcmp(only, "line") == 0)
        figure("a cache line, there and back", line_round_trip(), "ns");
    if (!all)
        return 0;
    figure("fetch-add", fetch_add(), "ns");
    figure("futex round trip, different cores",
           futex_round_trip(1, 200 * MS) / 1000, "us");
    figure("futex round trip, same core", futex_round_trip(0, 100 * MS) / 1000,
           "us");
    figure("memcpy, 32 MiB", copy_gb_per_s(), "GB/s");
    return 0;
}
