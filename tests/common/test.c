// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* test.c: cases, their output as TAP, seed and scale. */
#include "test.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <csp/clock.h>
#include <csp/registry.h>

#ifndef TEST_DIVISOR
#    define TEST_DIVISOR 1
#endif

enum { CASE_SECONDS = 100 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t seed;
static double scale = 1;
static csp_time started;
static unsigned cases;

static void
read_environment(void)
{
    const char *s = getenv("INTERCSP_SEED"), *f = getenv("INTERCSP_SCALE");

    seed = s && *s ? strtoull(s, NULL, 10)
                   : ((uint64_t)csp_clock_now() ^ (uint64_t)getpid() << 32) %
                         1000000007;
    if (f && strtod(f, NULL) > 0)
        scale = strtod(f, NULL);
}

uint64_t
test_seed(void)
{
    pthread_once(&once, read_environment);
    return seed;
}

uint64_t
test_count(uint64_t n)
{
    pthread_once(&once, read_environment);
    double scaled = (double)n * scale / TEST_DIVISOR;
    return scaled < 1 ? 1 : (uint64_t)scaled;
}

double
test_elapsed(void)
{
    return (double)(csp_clock_now() - started) / 1e9;
}

bool
test_is_over(double seconds)
{
    return test_elapsed() >= seconds * scale;
}

void
test_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("# ", stdout);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
}

void
test_fail(const char *file, int line, const char *format, ...)
{
    static atomic_flag failing = ATOMIC_FLAG_INIT;
    va_list args;

    while (atomic_flag_test_and_set(&failing))
        pause(); /* one is enough: another thread ends the program */
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nrepeat with INTERCSP_SEED=%llu\n",
            (unsigned long long)test_seed());
    va_end(args);
    printf("not ok %u - see stderr\n", cases + 1);
    fflush(stdout);
    abort();
}

/* What a case has made must be gone. */
static void
check_nothing_lives(void)
{
    csp_registry_counters now = {.size = sizeof now};

    CHECK_EQ(csp_registry_count(&now), 0);
    CHECK_EQ(now.chans, 0);
    CHECK_EQ(now.blocks, 0);
    CHECK_EQ(now.bytes, 0);
}

void
test_case(const char *name, void (*body)(void))
{
    if (cases == 0)
        test_note("INTERCSP_SEED=%llu", (unsigned long long)test_seed());
    watchdog_start(name, CASE_SECONDS * (scale > 1 ? scale : 1));
    started = csp_clock_now();
    body();
    check_nothing_lives();
    watchdog_stop();
    printf("ok %u - %s\n", ++cases, name);
    fflush(stdout);
}

int
test_end(void)
{
    printf("1..%u\n", cases);
    return 0;
}
