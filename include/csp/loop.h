// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* loop.h: operations that wait while their thread does something else.
 *
 * For threads that already have one place where they wait, such as poll() or
 * the event loop of a framework. An operation that cannot happen at once
 * stays pending in a csp_loop; when it has happened, the loop's descriptor
 * becomes readable:
 *
 *     csp_case c = csp_case_recv(rx);
 *     csp_loop_op *op;
 *     if (csp_loop_start(loop, &c, 1, 0, request, &op) == 0)
 *         done(request, &c);                        // at once
 *
 *     // poll() says that csp_loop_fd(loop) is readable
 *     while (csp_loop_next(loop, &op, &request) == 0)
 *         if (csp_loop_finish(loop, op, &c) >= 0)
 *             done(request, &c);
 *
 * A pending operation is a csp_select() whose thread is not there: it waits in
 * line with others, and is told when it can go on. However many are pending, a
 * loop has one descriptor, and looks at those only to which something has
 * happened.
 *
 * Nothing is received, and nothing sent to a buffer, but by csp_loop_finish():
 * until then a cancel has no effect. A send at a rendezvous is different, a
 * receiver takes its value as soon as there is one. So csp_tx_try_send() finds
 * a rendezvous full while only loops wait to receive; and a csp_selector whose
 * send there is only ever polled (CSP_NOWAIT) never meets them: let it wait.
 *
 * A loop that was told is the next in line, as a thread that was woken is:
 * until it looks, others who wait are not told of the same value. So look soon,
 * or cancel. */
#ifndef CSP_LOOP_H
#define CSP_LOOP_H

#include <stddef.h>

#include <csp/export.h>
#include <csp/select.h>

/** The pending operations of one event loop. */
typedef struct csp_loop csp_loop;

/** One of them: a choice over cases. */
typedef struct csp_loop_op csp_loop_op;

CSP_BEGIN_DECLS

/** A loop without operations.
 *
 *  - Owns: *@p out is a new reference, the only one: csp_loop_free().
 *  - Threads: any; each loop by one thread at a time. In the child of a fork
 *    it can only be freed: what else may fail answers CSP_EFORKED, and its
 *    descriptor is the parent's.
 *  - Returns: 0; CSP_ENOMEM, also if no descriptor can be had. */
CSP_API int csp_loop_new(csp_loop **out);

/** Free it with its pending operations, which have no effect; NULL does
 *  nothing.
 *
 *  - Owns: @p l passes; values that were to be sent are released.
 *  - Threads: one at a time; takes the locks of the wait queues. */
CSP_API void csp_loop_free(csp_loop *l);

/** A file descriptor for poll() and the like. It is readable (level-triggered)
 *  from when an operation can go on until csp_loop_next() has answered
 *  CSP_ETIMEOUT. It may be readable in vain, never the other way round.
 *
 *  - Owns: borrowed from @p l, which closes it. Do not read or write it.
 *  - Threads: any, wait-free.
 *  - Returns: the descriptor. */
CSP_API int csp_loop_fd(const csp_loop *l);

/** Make the descriptor readable although nothing may be able to go on: for a
 *  thread that is to look around.
 *
 *  - Threads: any, while @p l lives, wait-free. */
CSP_API void csp_loop_wake(csp_loop *l);

/** How many operations are pending. Threads: one at a time. */
CSP_API size_t csp_loop_len(const csp_loop *l);

/** Let one of @p n cases happen now, or as soon as one can.
 *
 *  - Owns: if a case happens at once, as csp_select() with a deadline that has
 *    passed, and *@p op is NULL. Otherwise *@p op is the operation, which the
 *    loop owns until it has happened or was cancelled; it takes a reference to
 *    each end, and the values that are to be sent pass to it.
 *  - Threads: one at a time; as csp_select().
 *  - Returns: the index of the case that happened, its status set; @p n if the
 *    operation is pending; CSP_ENOMEM; CSP_EFORKED; CSP_EINVAL as csp_select(),
 * and for a timer: those are the event loop's business. */
CSP_API int csp_loop_start(csp_loop *l, csp_case *cases, size_t n,
                           unsigned flags, void *user, csp_loop_op **op);

/** The next operation that can go on: csp_loop_finish() or csp_loop_cancel()
 *  it, now or later. Call this until it answers CSP_ETIMEOUT, or the
 *  descriptor stays silent about the others.
 *
 *  - Owns: *@p op stays with the loop. *@p user is what csp_loop_start() was
 *    given.
 *  - Threads: one at a time; takes the locks of the wait queues. Never waits.
 *  - Returns: 0; CSP_ETIMEOUT if there is none; CSP_EFORKED. */
CSP_API int csp_loop_next(csp_loop *l, csp_loop_op **op, void **user);

/** Let a case of @p op happen, if it still can.
 *
 *  - Owns: if a case happened, @p op passes; *@p out is the case, and holds a
 *    new value if something was received. Values that were not sent are
 *    released.
 *  - Threads: one at a time; takes the locks of the wait queues. Never waits.
 *  - Returns: the index of the case, its status in *@p out; CSP_ETIMEOUT if
 *    somebody else was faster: it is pending again, with its place in line;
 *    CSP_EFORKED. */
CSP_API int csp_loop_finish(csp_loop *l, csp_loop_op *op, csp_case *out);

/** End the pending operation @p op.
 *
 *  - Owns: @p op passes. If it had happened already, *@p out is as with
 *    csp_loop_finish(). Otherwise values that were to be sent are released.
 *  - Threads: one at a time; takes the locks of the wait queues.
 *  - Returns: CSP_ECANCELLED: it has had no effect, and what it may have been
 *    told of goes on to the next in line; otherwise the index of the case that
 *    had happened: a send at a rendezvous. */
CSP_API int csp_loop_cancel(csp_loop *l, csp_loop_op *op, csp_case *out);

CSP_END_DECLS

#endif
