// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* selector.h: a select whose cases stay registered.
 *
 * A wait costs as much as there are cases that became ready since the last
 * one, however many other cases there are. Adding and removing one costs the
 * same at any number; a timer, each time, a little more the more timers there
 * are (the logarithm). Of the cases that stay ready each has its turn. */
#ifndef CSP_SELECTOR_H
#define CSP_SELECTOR_H

#include <csp/export.h>
#include <csp/select.h>

typedef struct csp_selector csp_selector;

CSP_BEGIN_DECLS

/** A selector without cases.
 *
 *  - Owns: *@p out is a new reference, the only one: csp_selector_free().
 *  - Threads: any; each selector by one thread at a time. In the child of a
 *    fork it can only be freed, with its cases or after they were removed:
 *    what else may fail answers CSP_EFORKED.
 *  - Returns: 0, CSP_ENOMEM. */
CSP_API int csp_selector_new(csp_selector **out);

/** Free it with its cases; NULL does nothing.
 *
 *  - Owns: @p s passes; values of send cases that have not happened are
 *    released.
 *  - Threads: one at a time; takes the locks of the wait queues. */
CSP_API void csp_selector_free(csp_selector *s);

/** Add a case. It stays until it is removed, by csp_selector_remove() or
 *  because it has happened for the last time: a send; a timer without period;
 *  any case that happens with a failure as its status.
 *
 *  - Owns: the selector takes a reference to the end; the value of a send
 *    passes on success; a timer stays with the caller, must live as long
 *    as the case, and may be set to an earlier moment only while it has none.
 *  - Threads: one at a time.
 *  - Returns: its id, from 0 up, which may be used again once it has gone;
 *    CSP_ENOMEM; CSP_EENDCLOSED, CSP_EMOVED; CSP_EFORKED; CSP_EINVAL for a
 * CSP_CASE_NONE or an unknown kind. */
CSP_API int csp_selector_add(csp_selector *s, const csp_case *c);

/** Remove the case @p id.
 *
 *  - Owns: nothing passes; the value of a send case that has not happened
 *    is released.
 *  - Threads: one at a time; takes the lock of the wait queue.
 *  - Returns: 0; CSP_ENOTFOUND if there is none. */
CSP_API int csp_selector_remove(csp_selector *s, int id);

/** How many cases it has. Threads: one at a time. */
CSP_API size_t csp_selector_len(const csp_selector *s);

/** A file descriptor for poll() and the like. It is readable (level-triggered)
 *  from when a case may have become ready until the next csp_selector_wait(),
 *  which clears it and is to be called with CSP_NOWAIT until it answers
 *  CSP_ETIMEOUT. It may be readable in vain, never the other way round. Timers
 *  do not make it readable. A selector that is never asked has none, and pays
 *  nothing.
 *
 *  - Owns: borrowed from @p s, which closes it. Do not read or write it.
 *  - Threads: one at a time.
 *  - Returns: the descriptor; CSP_ENOMEM if none can be had; CSP_EFORKED. */
CSP_API int csp_selector_fd(csp_selector *s);

/** Wait until a case can happen, and let it happen: see csp_select().
 *
 *  - Owns: out->value is a new value of the caller's if a receive happened
 *    with status 0, or a send did with another status.
 *  - Threads: one at a time; lock-free while a case is ready and none is a
 *    rendezvous.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Returns: the id of the case that happened, and it in *@p out;
 *    CSP_ETIMEOUT, CSP_EINTERRUPTED, CSP_ECANCELLED, CSP_EFORKED; CSP_EINVAL if
 * it has no case that could ever happen and there is no deadline. */
CSP_API int csp_selector_wait(csp_selector *s, csp_case *out,
                              csp_time deadline);

CSP_END_DECLS

#endif
