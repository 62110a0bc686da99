// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* perturb.c: at some of the library's atomic accesses the thread lets others
 * go first, for a moment or for a while. Linked with a core built with
 * CSPI_STEPS. Finds what takes two threads that stop at bad places, which on
 * few processors almost never happens by itself. */
#define _DEFAULT_SOURCE
#include <sched.h>
#include <time.h>

#include "test.h"

void cspi_step(const volatile void *p, const char *how, const char *function,
               int line);

void
cspi_step(const volatile void *p, const char *how, const char *function,
          int line)
{
    (void)p, (void)how, (void)function, (void)line;
    static atomic_uint threads;
    static _Thread_local struct test_random r;
    static _Thread_local unsigned left;

    if (left--)
        return;
    if (r.state == 0)
        test_random_init(&r, 0x70000000u + atomic_fetch_add(&threads, 1));
    left = test_below(&r, 1u << test_below(&r, 11)); /* often, or seldom */
    if (test_below(&r, 16)) {
        sched_yield();
    } else {
        struct timespec ts = {0, 1000 + (long)test_below(&r, 50000)};
        nanosleep(&ts, NULL);
    }
}
