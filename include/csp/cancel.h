// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* cancel.h: ending a wait of another thread.
 *
 * A thread attaches a token to itself. When somebody requests the token, the
 * wait that the thread is in, or the next one it would enter, ends with
 * CSP_ECANCELLED and has had no effect. The request stays until it is taken.
 * Operations that need not wait do not look at it. */
#ifndef CSP_CANCEL_H
#define CSP_CANCEL_H

#include <stdint.h>

#include <csp/export.h>

typedef struct csp_cancel csp_cancel;

CSP_BEGIN_DECLS

/** A new token, attached to no thread.
 *
 *  - Owns: *@p out is a new reference.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM. */
CSP_API int csp_cancel_new(csp_cancel **out);

/** One more reference. Threads: any, wait-free. Returns: @p k. */
CSP_API csp_cancel *csp_cancel_ref(csp_cancel *k);

/** Give up a reference. NULL does nothing.
 *
 *  - Owns: the reference passes.
 *  - Threads: any, wait-free. */
CSP_API void csp_cancel_unref(csp_cancel *k);

/** Make @p k (may be NULL) the token of the calling thread.
 *
 *  - Owns: borrowed: it must live until another is attached.
 *  - Threads: any; a token is attached to at most one thread at a time.
 *  - Returns: the token that was attached before, or NULL. */
CSP_API csp_cancel *csp_cancel_attach(csp_cancel *k);

/** End the wait of the thread that @p k is attached to, for the reasons
 *  @p why (any bits but none; they add up until taken).
 *
 *  - Threads: any, but not a signal handler: it takes the token's lock for a
 *    few steps, and the thread that the handler interrupted may hold that.
 *  - Orders: what the caller wrote before is seen by the thread whose wait
 *    ends (edges cancel, claim). */
CSP_API void csp_cancel_request(csp_cancel *k, uint32_t why);

/** Take the request back.
 *
 *  - Threads: any, wait-free.
 *  - Returns: the reasons that had been requested, 0 if none. */
CSP_API uint32_t csp_cancel_take(csp_cancel *k);

CSP_END_DECLS

#endif
