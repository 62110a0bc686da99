// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* clock.c: the monotonic clock. */
#include <time.h>

#include <csp/clock.h>

csp_time
csp_clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    csp_time now = (csp_time)ts.tv_sec * 1000000000 + ts.tv_nsec;
    return now > CSP_SPIN ? now : CSP_SPIN + 1;
}

csp_time
csp_clock_after(int64_t ns)
{
    if (ns < 0)
        return CSP_NOWAIT;
    csp_time now = csp_clock_now();
    return ns > CSP_FOREVER - now ? CSP_FOREVER : now + ns;
}
