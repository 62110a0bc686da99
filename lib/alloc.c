// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* alloc.c: malloc and free, with live counters and a failure on demand.
 *
 * The counters are striped over cache lines, a stripe per thread, so that
 * threads that allocate side by side do not share a line; the sum over the
 * stripes is what is alive (a block may be freed on another stripe than it
 * was allocated on, so single stripes mean nothing).
 *
 * Process-wide state: stripes, next_stripe, fail_in, failed. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "cc.h"

enum { STRIPES = 16 };

static struct {
    _Alignas(CSPI_CACHE_LINE) cspi_a64 blocks;
    cspi_a64 bytes;
} stripes[STRIPES];
static cspi_a32 next_stripe;
static cspi_a64 fail_in;
static cspi_a32 failed;

static unsigned
my_stripe(void)
{
    static _Thread_local CSPI_EARLY unsigned mine; /* its number + 1 */

    if (unlikely(!mine)) // relaxed: any spread over the stripes will do
        mine = cspi_add(&next_stripe, 1, RELAXED) % STRIPES + 1;
    return mine - 1;
}

static void
count(uint64_t blocks, uint64_t bytes)
{
    unsigned i = my_stripe();

    // relaxed: sums, read when nothing is in progress
    cspi_add(&stripes[i].blocks, blocks, RELAXED);
    cspi_add(&stripes[i].bytes, bytes, RELAXED); // relaxed: as above
}

static bool
must_fail(void)
{
    // relaxed: tests set it before they start what shall fail
    if (likely(cspi_load(&fail_in, RELAXED) == 0))
        return false;
    if (cspi_sub(&fail_in, 1, RELAXED) != 1) // relaxed: as above
        return false;
    cspi_store(&failed, 1, RELAXED); // relaxed: as above
    return true;
}

void *
cspi_alloc_raw(size_t size)
{
    void *p = unlikely(must_fail()) ? NULL : malloc(size);

    if (likely(p))
        count(1, size);
    return p;
}

void *
cspi_alloc_zero(size_t size, size_t align)
{
    size_t whole = (size + align - 1) & ~(align - 1);
    void *p = unlikely(must_fail()) ? NULL : aligned_alloc(align, whole);

    if (likely(p)) {
        memset(p, 0, size);
        count(1, size);
    }
    return p;
}

void
cspi_alloc_free(void *p, size_t size)
{
    if (!p)
        return;
    count((uint64_t)-1, (uint64_t)0 - size);
    free(p);
}

void
cspi_alloc_live(uint64_t *blocks, uint64_t *bytes)
{
    *blocks = *bytes = 0;
    for (unsigned i = 0; i < STRIPES; i++) {
        *blocks += cspi_load(&stripes[i].blocks, RELAXED); // relaxed: sums
        *bytes += cspi_load(&stripes[i].bytes, RELAXED);   // relaxed: sums
    }
}

void
cspi_alloc_fail_nth(uint64_t nth)
{
    cspi_store(&failed, 0, RELAXED);    // relaxed: a test, before it starts
    cspi_store(&fail_in, nth, RELAXED); // relaxed: as above
}

bool
cspi_alloc_failed(void)
{
    return cspi_load(&failed, RELAXED) != 0; // relaxed: a test, afterwards
}
