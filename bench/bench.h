// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* bench.h: what the C programs that run.py starts have in common: figures as
 * lines of JSON, two processors to be on, and a bare futex to compare with. */
#ifndef BENCH_H
#define BENCH_H

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csp/clock.h>

/* How long a measure goes on that has no count. */
#define BOX_NS ((int64_t)150000000)

static inline void
figure(const char *row, double value, const char *unit)
{
    printf("{\"row\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", row, value,
           unit);
}

_Noreturn static inline void
fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* Keep @p thread on the processor that run.py chose for side 0 or 1, in
 * BENCH_CPUS="0,1". */
static inline void
pin_thread(pthread_t thread, int side)
{
    const char *s = getenv("BENCH_CPUS");
    int cpus[2] = {0, 1};
    cpu_set_t set;

    if (s && sscanf(s, "%d,%d", &cpus[0], &cpus[1]) != 2)
        fail("BENCH_CPUS is not N,N");
    CPU_ZERO(&set);
    CPU_SET(cpus[side], &set);
    if (pthread_setaffinity_np(thread, sizeof set, &set) != 0)
        fail("cannot pin a thread to its processor");
}

static inline void
pin(int side)
{
    pin_thread(pthread_self(), side);
}

/* Whether the library's threads spin before they park. */
static inline int
spins(void)
{
    const char *s = getenv("INTERCSP_SPIN");

    return !s || s[0] != '0' || s[1] != 0;
}

/* A word that one thread sets, not to 0, and another waits for, and sleeps at
 * once. */
typedef _Atomic(uint32_t) flag;

static inline void
flag_raise(flag *f, uint32_t number)
{
    atomic_store(f, number);
    syscall(SYS_futex, f, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Returns: the number. */
static inline uint32_t
flag_await(flag *f)
{
    uint32_t number;

    while ((number = atomic_load(f)) == 0)
        syscall(SYS_futex, f, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    atomic_store(f, 0);
    return number;
}

struct futex_pair {
    _Alignas(64) flag ping;
    _Alignas(64) flag pong;
    _Alignas(64) flag stop;
    int side; /* of the thread that answers */
};

static inline void *
futex_answer(void *arg)
{
    struct futex_pair *p = arg;

    pin(p->side);
    for (;;) {
        uint32_t number = flag_await(&p->ping);
        if (atomic_load(&p->stop))
            return NULL;
        flag_raise(&p->pong, number);
    }
}

/* Round trips for @p ns nanoseconds. Returns: how long one took, in ns. */
static inline double
futex_round_trip(int side, int64_t ns)
{
    struct futex_pair p = {0, 0, 0, side};
    pthread_t thread;
    uint32_t n = 0;

    pin(0);
    if (pthread_create(&thread, NULL, futex_answer, &p) != 0)
        fail("no thread");
    csp_time start = csp_clock_now(), now;
    do
        for (int i = 0; i < 50; i++) {
            flag_raise(&p.ping, ++n);
            if (flag_await(&p.pong) != n)
                fail("a wrong answer");
        }
    while ((now = csp_clock_now()) < start + ns);
    atomic_store(&p.stop, 1);
    flag_raise(&p.ping, 1);
    pthread_join(thread, NULL);
    return (double)(now - start) / (double)n;
}

#endif
