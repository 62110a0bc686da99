// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pipe.c: a pipe of the kernel, between two threads: a number is a write and a
 * read.
 *
 * Usage: pipe stream
 *        pipe echo different|same    (cores) */
#include <stdbool.h>
#include <string.h>

#include "../bench.h"

struct pipes {
    int there[2], back[2]; /* each to read from, and to write to */
};

static void
put(int fd, int64_t n)
{
    if (write(fd, &n, sizeof n) != sizeof n)
        fail("a pipe failed");
}

/* Returns: false: it was closed. */
static bool
get(int fd, int64_t *n)
{
    return read(fd, n, sizeof *n) == sizeof *n;
}

static void *
answer(void *arg)
{
    struct pipes *p = arg;

    for (int64_t n; get(p->there[0], &n);)
        put(p->back[1], n);
    return NULL;
}

/* Says in the end how many there were. */
static void *
count(void *arg)
{
    struct pipes *p = arg;
    int64_t n = 0;

    for (int64_t got; get(p->there[0], &got); n++)
        if (got != n)
            fail("a number came out of order");
    put(p->back[1], n);
    return NULL;
}

static double
measure(bool echoes, int side)
{
    struct pipes p;
    pthread_t thread;
    int64_t n = 0, got;

    if (pipe(p.there) != 0 || pipe(p.back) != 0 ||
        pthread_create(&thread, NULL, echoes ? answer : count, &p) != 0)
        fail("no pipe or no thread");
    pin(0);
    pin_thread(thread, side);
    csp_time start = csp_clock_now();
    do
        for (int i = 0; i < 50; i++, n++) {
            put(p.there[1], n);
            if (echoes && (!get(p.back[0], &got) || got != n))
                fail("a wrong answer");
        }
    while (csp_clock_now() < start + BOX_NS);
    close(p.there[1]);
    if (!echoes && (!get(p.back[0], &got) || got != n))
        fail("not all have come");
    double took = (double)(csp_clock_now() - start);
    pthread_join(thread, NULL);
    return took / (double)n;
}

int
main(int argc, char **argv)
{
    bool echoes = argc == 3 && strcmp(argv[1], "echo") == 0;
    bool same = echoes && strcmp(argv[2], "same") == 0;

    if (!echoes && (argc != 2 || strcmp(argv[1], "stream")))
        fail("usage: pipe stream|echo different|echo same");
    figure(!echoes ? "pipe"
           : same  ? "same core: pipe"
                   : "different cores: pipe",
           measure(echoes, !same), "ns");
    return 0;
}
