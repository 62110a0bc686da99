// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <time.h>

#include <csp/clock.h>

#include "unit.h"

SUITE(clock);

Test(clock, now_never_goes_back)
{
    csp_time was = csp_clock_now();

    for (int i = 0; i < 100000; i++) {
        csp_time now = csp_clock_now();
        cr_assert(ge(i64, now, was));
        was = now;
    }
}

Test(clock, now_is_the_monotonic_clock_in_nanoseconds)
{
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC, &a);
    csp_time now = csp_clock_now();
    clock_gettime(CLOCK_MONOTONIC, &b);
    cr_assert(ge(i64, now, a.tv_sec * INT64_C(1000000000) + a.tv_nsec));
    cr_assert(le(i64, now, b.tv_sec * INT64_C(1000000000) + b.tv_nsec));
    cr_assert(gt(i64, now, CSP_SPIN));
    cr_assert(gt(i64, now, CSP_NOWAIT));
}

Test(clock, a_deadline_lies_as_far_ahead_as_asked)
{
    static const int64_t ns[] = {0, 1, 999999999, INT64_C(86400) * 1000000000};

    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        csp_time before = csp_clock_now();
        csp_time d = csp_clock_after(ns[i]);
        csp_time after = csp_clock_now();

        cr_assert(ge(i64, d, before + ns[i]));
        cr_assert(le(i64, d, after + ns[i]));
    }
}

Test(clock, deadlines_too_far_for_the_clock_are_forever)
{
    static const int64_t ns[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX - 2};

    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
        cr_assert(eq(i64, csp_clock_after(ns[i]), CSP_FOREVER));
    csp_time far = csp_clock_after(INT64_MAX - csp_clock_now() - 1000000000000);
    cr_assert(gt(i64, far, INT64_MAX - INT64_C(2000000000000)));
    cr_assert(lt(i64, far, CSP_FOREVER));
}

Test(clock, deadlines_before_now_are_nowait)
{
    static const int64_t ns[] = {-1, -1000000000, INT64_MIN + 1, INT64_MIN};

    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
        cr_assert(eq(i64, csp_clock_after(ns[i]), CSP_NOWAIT));
}
