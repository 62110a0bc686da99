// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* test.h: what the plain test programs share.
 *
 * A program is a list of cases, each a sentence that can be false:
 *
 *     int
 *     main(void)
 *     {
 *         TEST(no_value_is_lost);
 *         return test_end();
 *     }
 *
 * It prints TAP. A case that fails says where and with which seed, and ends
 * the program at once: the threads of a broken case cannot be called back.
 * After each case nothing of the library may be alive.
 *
 * Environment, read once:
 *     INTERCSP_SEED   repeats the choices of a run (not its timing)
 *     INTERCSP_SCALE  multiplies counts and times, 1 by default; 0.1, 30...
 *
 * Build: TEST_DIVISOR divides counts, for builds that are slow. */
#ifndef TEST_H
#define TEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Run the case @p body under its own name. */
#define TEST(body) test_case(#body, body)

/** Fail unless @p x. Any thread. */
#define CHECK(x) ((x) ? (void)0 : test_fail(__FILE__, __LINE__, "%s", #x))

/** Fail unless the integers @p a and @p b are equal; says both. */
#define CHECK_EQ(a, b)                                                         \
    do {                                                                       \
        long long a_ = (long long)(a), b_ = (long long)(b);                    \
        if (a_ != b_)                                                          \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %s = %lld", #a, a_, \
                      #b, b_);                                                 \
    } while (0)

/** Run one case under the watchdog, then check that nothing is alive. */
void test_case(const char *name, void (*body)(void));

/** The plan line, and the exit status of main(). */
int test_end(void);

/** Say what, where and the seed; end the program. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** A line of information in the output. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The seed of this run. */
uint64_t test_seed(void);

/** @p n times the scale, divided by TEST_DIVISOR; at least 1. */
uint64_t test_count(uint64_t n);

/** Whether the case has run for @p seconds times the scale. */
bool test_is_over(double seconds);

/** How long the case has run, in seconds. */
double test_elapsed(void);

/** A sequence of random numbers. */
struct test_random {
    uint64_t state;
};

/** Start sequence number @p stream of this run. */
void test_random_init(struct test_random *r, uint64_t stream);

/** A random number below @p n (at least 1). */
uint32_t test_below(struct test_random *r, uint32_t n);

/** Run body(0, arg) to body(n - 1, arg) at the same time, each in a thread of
 *  its own; return when all have. */
void test_parallel(unsigned n, void (*body)(unsigned who, void *arg),
                   void *arg);

/** @p n threads wait for each other. Spins for a while, since a test that uses
 *  it wants them to leave together, then sleeps. */
struct test_barrier {
    unsigned n;
    atomic_uint arrived, turn;
    pthread_mutex_t lock; /* turn changes under it; nests in nothing */
    pthread_cond_t changed;
};

void test_barrier_init(struct test_barrier *b, unsigned n);
void test_barrier_wait(struct test_barrier *b);

/** One turn of waiting for another thread. */
void test_relax(void);

/* Of common/watchdog.c, for test.c. */
void watchdog_start(const char *name, double seconds);
void watchdog_stop(void);

#endif
