// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.h: one choice over several operations.
 *
 * A select is given cases: sends, receives, timers. It waits until one of them
 * can happen, does that one, and leaves all others without effect. */
#ifndef CSP_SELECT_H
#define CSP_SELECT_H

#include <stdint.h>

#include <csp/chan.h>
#include <csp/clock.h>
#include <csp/export.h>
#include <csp/value.h>

/** What a case is. */
typedef enum csp_case_kind {
    CSP_CASE_NONE, /**< never happens: it keeps its place, as a guard */
    CSP_CASE_SEND,
    CSP_CASE_RECV,
    CSP_CASE_TIMER
} csp_case_kind;

/** A moment, or a series of them. One thread at a time. */
typedef struct csp_timer {
    csp_time when;     /**< the next moment; CSP_FOREVER: none is left */
    int64_t period_ns; /**< 0: only one; else when moves on by this */
} csp_timer;

/** One operation on offer. */
typedef struct csp_case {
    csp_case_kind kind;
    int status; /**< set if this case happened: what a send or recv returns */
    union {
        csp_tx *tx;       /**< SEND: borrowed */
        csp_rx *rx;       /**< RECV: borrowed */
        csp_timer *timer; /**< TIMER: borrowed */
    } on;
    /** SEND: what to send; passes to the channel if this case happens with
     *  status 0, stays with the caller otherwise. RECV: the received value, a
     *  new one, if this case happens with status 0. */
    csp_value value;
} csp_case;

/** Flags of csp_select(). */
enum {
    CSP_SELECT_FAIR = 0,    /**< any of the ready cases, by chance */
    CSP_SELECT_PRIORITY = 1 /**< the first of them in the given order */
};

CSP_BEGIN_DECLS

/** A case that sends @p v.
 *
 *  - Owns: @p v stays with the caller until the case happens: see csp_case.
 *  - Threads: any, wait-free. */
static inline csp_case
csp_case_send(csp_tx *tx, csp_value v)
{
    csp_case c;

    c.kind = CSP_CASE_SEND;
    c.status = 0;
    c.on.tx = tx;
    c.value = v;
    return c;
}

/** A case that receives. Threads: any, wait-free. */
static inline csp_case
csp_case_recv(csp_rx *rx)
{
    csp_case c;

    c.kind = CSP_CASE_RECV;
    c.status = 0;
    c.on.rx = rx;
    c.value = csp_value_none();
    return c;
}

/** A case that happens when @p t is due. Threads: any, wait-free. */
static inline csp_case
csp_case_timer(csp_timer *t)
{
    csp_case c;

    c.kind = CSP_CASE_TIMER;
    c.status = 0;
    c.on.timer = t;
    c.value = csp_value_none();
    return c;
}

/** A case that never happens. Threads: any, wait-free. */
static inline csp_case
csp_case_none(void)
{
    csp_case c;

    c.kind = CSP_CASE_NONE;
    c.status = 0;
    c.on.tx = 0;
    c.value = csp_value_none();
    return c;
}

/** A timer that is due once, @p ns nanoseconds from now. Threads: any. */
CSP_API csp_timer csp_timer_after(int64_t ns);

/** A timer that is due every @p ns nanoseconds (at least 1) from now on. What
 *  falls due while nobody looks counts as one. Threads: any. */
CSP_API csp_timer csp_timer_tick(int64_t ns);

/** Wait until one of @p n cases can happen, and let it happen.
 *
 *  A case is also ready when its channel has ended, was poisoned, or its end
 *  was closed: then it happens with that as its status. The same end may be in
 *  several cases; a send and a receive case of one channel never meet each
 *  other in one select. Among up to 8 ready cases each is taken with a
 *  probability within 20 % of the others'; none that stays ready starves.
 *
 *  - Owns: @p cases stays with the caller; see csp_case for the values.
 *  - Threads: any; lock-free while a case is ready and none is a rendezvous.
 *    No system call when one is ready.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Orders: as the operation that happens.
 *  - Returns: the index of the case that happened, its status set;
 *    CSP_ETIMEOUT (each case was not ready at some moment, not all at the
 *    same); CSP_EINTERRUPTED; CSP_ECANCELLED; CSP_ENOMEM (more than 8 cases);
 *    CSP_EINVAL for more than INT32_MAX cases, unknown flags or kinds, or no
 *    case that could ever happen and no deadline. */
CSP_API int csp_select(csp_case *cases, size_t n, unsigned flags,
                       csp_time deadline);

CSP_END_DECLS

#endif
