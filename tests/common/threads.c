// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* threads.c: random numbers, threads and the barrier of the test programs. */
#define _DEFAULT_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"

void
test_random_init(struct test_random *r, uint64_t stream)
{
    r->state = test_seed() * UINT64_C(0x9e3779b97f4a7c15) ^ stream << 32;
}

uint32_t
test_below(struct test_random *r, uint32_t n)
{
    /* splitmix64 */
    uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (uint32_t)((x & UINT32_MAX) * n >> 32);
}

struct thread {
    pthread_t id;
    unsigned who;
    void (*body)(unsigned who, void *arg);
    void *arg;
};

static void *
run(void *p)
{
    struct thread *t = p;

    t->body(t->who, t->arg);
    return NULL;
}

void
test_parallel(unsigned n, void (*body)(unsigned who, void *arg), void *arg)
{
    struct thread *t = calloc(n, sizeof *t);

    CHECK(t);
    for (unsigned i = 0; i < n; i++) {
        t[i] = (struct thread){.who = i, .body = body, .arg = arg};
        CHECK_EQ(pthread_create(&t[i].id, NULL, run, &t[i]), 0);
    }
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(pthread_join(t[i].id, NULL), 0);
    free(t);
}

void
test_relax(void)
{
    static _Thread_local unsigned turns;
    struct timespec moment = {0, 50000};

    turns++;
    if (turns % 4096 == 0) /* for machines that have other work, too */
        nanosleep(&moment, NULL);
    else if (turns % 32 == 0)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

void
test_barrier_init(struct test_barrier *b, unsigned n)
{
    b->n = n;
    atomic_init(&b->arrived, 0);
    atomic_init(&b->turn, 0);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
}

static void
sleep_until_turned(struct test_barrier *b, unsigned turn)
{
    pthread_mutex_lock(&b->lock);
    while (atomic_load(&b->turn) == turn)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

void
test_barrier_wait(struct test_barrier *b)
{
    unsigned turn = atomic_load(&b->turn);

    if (atomic_fetch_add(&b->arrived, 1) + 1 == b->n) {
        atomic_store(&b->arrived, 0);
        pthread_mutex_lock(&b->lock);
        atomic_store(&b->turn, turn + 1);
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
        return;
    }
    for (int i = 0; i < 300; i++) {
        if (atomic_load(&b->turn) != turn)
            return;
        test_relax();
    }
    sleep_until_turned(b, turn);
}
