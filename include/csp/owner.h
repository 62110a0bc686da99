// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* owner.h: releases that must happen where the memory belongs.
 *
 * Some memory that a value lends may be given back by one thread only, or in
 * one interpreter only: its *owner*. Readers drop their references anywhere.
 * So what nobody uses any more is queued for the owner, who is prodded, and
 * releases it when it drains its queue:
 *
 *     csp_owner *o;                          // the owner, in the beginning
 *     csp_owner_opts opts = {.size = sizeof opts, .prod = wake, .arg = me};
 *     csp_owner_new(&opts, &o);
 *
 *     csp_value v;                           // the owner lends; v is sent
 *     csp_owner_buffer(o, data, size, 0, give_back, thing, &v);
 *
 *     csp_owner_drain(o);                    // the owner, when it is prodded,
 *                                            // and now and then
 *     csp_owner_close(o);                    // the owner, in the end
 *     csp_owner_unref(o);
 *
 * "The owner" stands for whoever has the right to release: a thread, or any
 * thread that holds the lock of an interpreter. Whoever that is drains one at
 * a time. */
#ifndef CSP_OWNER_H
#define CSP_OWNER_H

#include <stddef.h>
#include <stdint.h>

#include <csp/export.h>
#include <csp/value.h>

/** A queue of releases. Counted: each thing that is lent holds a reference. */
typedef struct csp_owner csp_owner;

/** Options of csp_owner_new(). Set the size, leave zero what is not needed. */
typedef struct csp_owner_opts {
    size_t size; /**< sizeof(csp_owner_opts) */

    /** There is something to drain, since the last drain for the first time.
     *  Runs on the thread that dropped a last reference, which may be the
     *  owner's; must neither wait nor touch Python nor drain. A call can still
     *  be under way when csp_owner_close() returns. NULL: the owner drains
     *  often enough by itself. */
    void (*prod)(void *arg);

    /** The owner is closed: what csp_owner_buffer() was to release by calling
     *  release(release_arg) will not be. Runs on the thread that dropped the
     *  last reference, or that closes; must neither wait nor touch Python.
     *  NULL: it is leaked. */
    void (*orphan)(void *arg, void *release_arg);

    /** The last reference to the owner has gone: arg is not used any more.
     *  Runs on the thread that dropped it; under the rules of prod. */
    void (*done)(void *arg);

    void *arg; /**< of the functions above */
} csp_owner_opts;

/** What happened so far. Begins with its size; the caller sets it. */
typedef struct csp_owner_counters {
    size_t size;       /**< sizeof(csp_owner_counters) */
    uint64_t lent;     /**< things that are lent now, the queued ones too */
    uint64_t released; /**< things released by the owner */
    uint64_t orphaned; /**< things that came back when it was closed */
    uint64_t prods;    /**< calls of prod */
} csp_owner_counters;

/** What is queued: part of an object of somebody's own, for which
 *  csp_owner_buffer() is not enough. The members but the last are set before
 *  csp_owner_push(). */
typedef struct csp_owner_item csp_owner_item;
struct csp_owner_item {
    /** Runs when the owner drains, on its thread, under no lock and inside no
     *  other release. What the owner may do, it may. */
    void (*release)(csp_owner_item *item);

    /** Runs instead if the owner is closed: see csp_owner_opts.orphan. NULL:
     *  nothing happens to the item; it is leaked. */
    void (*orphan)(csp_owner_item *item);

    void *link_;
};

CSP_BEGIN_DECLS

/** A new owner.
 *
 *  - Owns: *@p out is a new reference. @p opts (may be NULL) stays with the
 *    caller; its arg is borrowed until done is called.
 *  - Threads: any.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL for options whose size is unknown. */
CSP_API int csp_owner_new(const csp_owner_opts *opts, csp_owner **out);

/** One more reference to @p o.
 *
 *  - Owns: a new reference.
 *  - Threads: any, wait-free.
 *  - Returns: @p o. */
CSP_API csp_owner *csp_owner_ref(csp_owner *o);

/** Give up a reference to @p o. The last one closes it; given up inside a
 *  release or an orphan, it does so when the drain has come to its end.
 *
 *  - Owns: the caller's reference passes. NULL does nothing.
 *  - Threads: any, wait-free but for what done and orphans do. */
CSP_API void csp_owner_unref(csp_owner *o);

/** A value that refers to memory as csp_value_buffer() has it, with the same
 *  arguments, but released by the owner: @p release(@p arg) runs in
 *  csp_owner_drain(), and may do there what the owner may.
 *
 *  - Owns: as csp_value_buffer(); @p o stays with the caller. *@p out is a new
 *    value.
 *  - Threads: the owner. If @p o is NULL, any: it is csp_value_buffer().
 *  - Returns: 0, CSP_ENOMEM, CSP_EINVAL: see csp_value_buffer(). */
CSP_API int csp_owner_buffer(csp_owner *o, const void *data, size_t size,
                             unsigned flags, void (*release)(void *arg),
                             void *arg, csp_value *out);

/** Something of the caller's own is lent, which comes back by one call of
 *  csp_owner_push().
 *
 *  - Threads: the owner; wait-free. */
CSP_API void csp_owner_lend(csp_owner *o);

/** What csp_owner_lend() noted comes back: queue its @p item for the owner, and
 *  prod if nothing was queued since the last drain. If the owner is closed, the
 *  item's orphan runs instead.
 *
 *  - Owns: @p item is borrowed until its release or orphan is called, which
 *    can be before this returns.
 *  - Threads: any; wait-free but for what prod and orphans do.
 *  - Orders: what was done with the thing before is seen by its release (edge
 *    owner-push). */
CSP_API void csp_owner_push(csp_owner *o, csp_owner_item *item);

/** Release what is queued, in the order in which it came, until there is
 *  nothing left; what comes meanwhile, too, without a prod. Does nothing, and
 *  costs a look, if nothing is queued, if a drain is at work (up the stack, or
 *  in another thread of the owner's), and if @p o is closed.
 *
 *  Everything that was pushed before this call is released by it or by the
 *  drain at work, but for what a push that is still under way hides: what came
 *  after it, and the one before. It will prod for them.
 *
 *  - Threads: the owner. It never waits for those who push.
 *  - Returns: how many things were released. */
CSP_API size_t csp_owner_drain(csp_owner *o);

/** The owner is no more: from now on nothing is released; what is queued, and
 *  what comes back later, is orphaned on the thread that brings it. Closing it
 *  again does nothing. Inside a release it stops the drain that called.
 *
 *  - Threads: the owner, while no other thread of it drains. */
CSP_API void csp_owner_close(csp_owner *o);

/** Count what happened: exact for the owner while it does not drain, as far as
 *  others are not in the middle of something.
 *
 *  - Threads: any, wait-free.
 *  - Returns: 0; CSP_EINVAL if counters->size is unknown. */
CSP_API int csp_owner_count(csp_owner *o, csp_owner_counters *counters);

CSP_END_DECLS

#endif
