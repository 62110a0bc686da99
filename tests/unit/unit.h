// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* unit.h: what the unit tests share. Criterion runs each test in a process of
 * its own, without further threads. */
#ifndef UNIT_H
#define UNIT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include <csp/registry.h>
#include <csp/status.h>

#include "alloc.h"

/** A suite whose tests must leave nothing behind. */
#define SUITE(name) TestSuite(name, .init = unit_before, .fini = unit_after)

static csp_registry_counters unit_at_start;

/** What is alive. */
static inline csp_registry_counters
unit_live(void)
{
    csp_registry_counters now = {.size = sizeof now};

    cr_assert(eq(int, csp_registry_count(&now), 0));
    return now;
}

/** Fail unless what is alive is @p as. */
static inline void
unit_assert_live(csp_registry_counters as)
{
    csp_registry_counters now = unit_live();

    cr_assert(eq(u64, now.chans, as.chans));
    cr_assert(eq(u64, now.blocks, as.blocks));
    cr_assert(eq(u64, now.bytes, as.bytes));
}

static inline void
unit_before(void)
{
    alarm(30); /* the watchdog */
    unit_at_start = unit_live();
}

static inline void
unit_after(void)
{
    unit_assert_live(unit_at_start);
}

/** Call @p attempt, which cleans up after itself, with its first allocation
 *  failing, then the second, until none is left to fail. Each time the answer
 *  must be CSP_ENOMEM, and nothing left. Returns: how many there are. */
static inline uint64_t
unit_fail_each_allocation(int (*attempt)(void))
{
    for (uint64_t nth = 1;; nth++) {
        csp_registry_counters before = unit_live();

        cspi_alloc_fail_nth(nth);
        int rc = attempt();
        bool failed = cspi_alloc_failed();
        cspi_alloc_fail_nth(0);
        unit_assert_live(before);
        cr_assert(eq(int, rc, failed ? CSP_ENOMEM : 0));
        if (!failed)
            return nth - 1;
    }
}

/** A counted object that tells when it is released. */
struct unit_object {
    csp_handle handle;
    unsigned released;
};

static inline void
unit_object_release(csp_handle *h)
{
    ((struct unit_object *)h)->released++;
}

static const csp_handle_type unit_object_type = {
    .size = sizeof unit_object_type,
    .name = "object of a test",
    .release = unit_object_release};

#define UNIT_OBJECT_INIT(o) csp_handle_init(&(o)->handle, &unit_object_type)

#endif
