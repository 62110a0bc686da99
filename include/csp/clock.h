// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* clock.h: deadlines are points in time on the monotonic clock. */
#ifndef CSP_CLOCK_H
#define CSP_CLOCK_H

#include <stdint.h>

#include <csp/export.h>

/** A point on the monotonic clock, in nanoseconds. */
typedef int64_t csp_time;

/** A deadline that has passed: try once, never wait. */
#define CSP_NOWAIT ((csp_time)0)

/** Try, spin for at most a few microseconds, but neither yield the processor
 *  nor sleep. For callers that hold something (Python's GIL, say) which they
 *  would rather let go before a real wait: a waiting call of the same thread
 *  that follows at once does not spin again. */
#define CSP_SPIN ((csp_time)1)

/** No deadline. */
#define CSP_FOREVER INT64_MAX

CSP_BEGIN_DECLS

/** The current time.
 *
 *  - Threads: any, wait-free.
 *  - Returns: nanoseconds, greater than CSP_SPIN. */
CSP_API csp_time csp_clock_now(void);

/** The deadline @p ns nanoseconds from now.
 *
 *  - Threads: any, wait-free.
 *  - Returns: now + @p ns; CSP_FOREVER where that would overflow; CSP_NOWAIT
 *    for a negative @p ns. */
CSP_API csp_time csp_clock_after(int64_t ns);

CSP_END_DECLS

#endif
