// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* handle.c: counted objects, and releasing chains of them without recursion.
 *
 * Invariants:
 *   H1  An object is released once: by the thread that takes its count to 0.
 *   H2  No release runs inside another one of the same thread: what a release
 *       drops goes on the thread's list and is worked off by the outermost
 *       cspi_handle_... call (a buffered value may hold the last end of a
 *       channel whose buffer holds the next one, a million times over).
 *
 * Process-wide state: the thread-local list. */
#include <csp/handle.h>

#include "atomic.h"
#include "cc.h"

static CSPI_THREAD_LOCAL csp_handle *dead; /* waits to be released */
static CSPI_THREAD_LOCAL bool releasing;   /* a loop below is at work */

static cspi_a64 *
refs(csp_handle *h)
{
    return (cspi_a64 *)(void *)&h->refs_;
}

void
csp_handle_init(csp_handle *h, const csp_handle_type *type)
{
    h->type = type;
    h->next_ = NULL;
    cspi_store(refs(h), 1, RELAXED); // relaxed: nobody else knows h
}

csp_handle *
csp_handle_ref(csp_handle *h)
{
    uint64_t was = cspi_add(refs(h), 1, RELAXED); // relaxed: caller holds one

    CSP_INVARIANT(was > 0);
    (void)was;
    return h;
}

bool
csp_handle_is_unique(csp_handle *h)
{
    // edge last-ref: acquire; all uses of others come before the caller's
    return cspi_load(refs(h), ACQUIRE) == 1;
}

void
csp_handle_unref(csp_handle *h)
{
    // edge last-ref: acquire and release; all uses, then the release
    if (!h || cspi_sub(refs(h), 1, ACQ_REL) != 1)
        return;
    h->next_ = dead;
    dead = h;
    if (releasing)
        return;
    releasing = true;
    while ((h = dead)) {
        dead = h->next_;
        h->type->release(h);
    }
    releasing = false;
}
