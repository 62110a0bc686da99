// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* owner.c: releases queued for their owner.
 *
 * A queue (liburcu: wfcqueue, whose enqueue is one exchange) and a word. The
 * word counts what was queued and nobody has taken on yet; who raises it from
 * 0 prods. The one who drains takes the count on, as a debt (due), and pays it
 * off node by node.
 *
 * Invariants:
 *   O1  A push queues its node first and counts it afterwards; so the queue
 *       has at least COUNT(word) + due nodes.
 *   O2  Who finds DRAINING set does not touch the queue's head nor due. The
 *       bit is given back only when the count is 0 (by one exchange).
 *   O3  Nodes that are not counted yet, and what is counted and lies behind
 *       them, are covered by the counting that is still to come: it finds the
 *       word at 0 and prods, or DRAINING, or a count for which there was a
 *       prod that no drain has followed yet.
 *   O4  Once CLOSED is set nothing is released; whoever counts sees it, and
 *       drains for orphans unless somebody is at it.
 *   O5  A thing that is lent holds a reference; the push that brings it back
 *       gives it up as its last act. Nothing that pushes finds o freed, though
 *       its node may be.
 *   O6  Whoever has the turn holds a reference while he settles, for a release
 *       or an orphan may give up the caller's; or it was the last one he had.
 * Locks:   none: DRAINING is a turn that nobody waits for.
 * Memory:  a node belongs to whoever pushed it until it is taken from the
 *          queue, then to its release or orphan.
 *
 * docs/design/values.md has the proof. */
#include <stdbool.h>

#include <csp/owner.h>
#include <csp/status.h>

/* Not _LGPL_SOURCE: the calls go to the shared library, whose accesses
 * ThreadSanitizer would otherwise see as plain ones. */
#include <urcu/wfcqueue.h>

#include "alloc.h"
#include "atomic.h"
#include "cc.h"
#include "value_priv.h"

#define CLOSED (UINT64_C(1) << 63)
#define DRAINING (UINT64_C(1) << 62)
#define COUNT(word) ((word) & (DRAINING - 1))

/* By who writes: everybody; whose turn it is. */
struct csp_owner {
    cspi_a64 word; /* CLOSED, DRAINING, count */
    struct cds_wfcq_tail tail;
    cspi_a64 refs;
    cspi_a64 lent, prods;

    _Alignas(CSPI_CACHE_LINE) struct __cds_wfcq_head head;
    uint64_t due; /* nodes that were counted, and not taken from the queue */
    cspi_a64 released, orphaned;

    csp_owner_opts opts;
#ifdef CSPI_TSAN
    cspi_a32 queued;
#endif
};

_Static_assert(sizeof(struct cds_wfcq_node) ==
                   sizeof(((csp_owner_item *)0)->link_),
               "a node fits");

/* ThreadSanitizer cannot look into liburcu, so it misses that a node is taken
 * after it was queued. In its builds, and only there, these say that again. */
#ifdef CSPI_TSAN
// edge tsan-queued: release
#    define tsan_before(o) ((void)cspi_add(&(o)->queued, 1, RELEASE))
// edge tsan-queued: acquire
#    define tsan_after(o) ((void)cspi_load(&(o)->queued, ACQUIRE))
#else
#    define tsan_before(o) ((void)0)
#    define tsan_after(o) ((void)0)
#endif

static struct cds_wfcq_node *
node_of(csp_owner_item *item)
{
    return (struct cds_wfcq_node *)(void *)&item->link_;
}

static csp_owner_item *
item_of(struct cds_wfcq_node *node)
{
    return cspi_container(node, csp_owner_item, link_);
}

static void shut(csp_owner *o);

/* ---- the owner ---- */

int
csp_owner_new(const csp_owner_opts *opts, csp_owner **out)
{
    if (opts && opts->size != sizeof *opts)
        return CSP_EINVAL;
    csp_owner *o = cspi_alloc_zero(sizeof *o, _Alignof(csp_owner));
    if (!o)
        return CSP_ENOMEM;
    __cds_wfcq_init(&o->head, &o->tail);
    cspi_store(&o->refs, 1, RELAXED); // relaxed: nobody else knows it
    if (opts)
        o->opts = *opts;
    *out = o;
    return 0;
}

csp_owner *
csp_owner_ref(csp_owner *o)
{
    cspi_add(&o->refs, 1, RELAXED); // relaxed: the caller holds one
    return o;
}

void
csp_owner_unref(csp_owner *o)
{
    // edge last-ref: acq_rel; all uses come before it is freed
    if (!o || cspi_sub(&o->refs, 1, ACQ_REL) != 1)
        return;
    shut(o);
    CSP_INVARIANT(o->due == 0); /* O5: no push is under way */
    if (o->opts.done)
        o->opts.done(o->opts.arg);
    cspi_alloc_free(o, sizeof *o);
}

/* ---- draining ---- */

static void
settle(csp_owner *o, csp_owner_item *item)
{
    cspi_sub(&o->lent, 1, RELAXED); // relaxed: a figure
    // relaxed: who has the turn closed it, or saw it closed when he took it
    if (cspi_load(&o->word, RELAXED) & CLOSED) {
        cspi_add(&o->orphaned, 1, RELAXED); // relaxed: a figure
        if (item->orphan)
            item->orphan(item);
    } else {
        cspi_add(&o->released, 1, RELAXED); // relaxed: a figure
        item->release(item);
    }
}

/* Settles what is due, as far as it can be reached: a push that is under way
 * hides what came after it, and the one before. Returns: how many that were. */
static size_t
settle_due(csp_owner *o)
{
    size_t n = 0;

    for (; o->due; n++) {
        struct cds_wfcq_node *node =
            __cds_wfcq_dequeue_nonblocking(&o->head, &o->tail);
        CSP_INVARIANT(node); /* O1 */
        if (node == CDS_WFCQ_WOULDBLOCK)
            break;
        tsan_after(o);
        o->due--;
        settle(o, item_of(node));
    }
    return n;
}

static size_t
take_turn(csp_owner *o)
{
    size_t n = 0;
    // edge owner-turn: acquire, due and the queue's head
    uint64_t word = cspi_or(&o->word, DRAINING, ACQUIRE);

    if (word & DRAINING)
        return 0;
    do {
        uint64_t count = COUNT(word);
        // edge owner-push: acquire, also after a CAS that failed
        cspi_sub(&o->word, count, ACQUIRE);
        o->due += count;
        n += settle_due(o);
        word = cspi_load(&o->word, RELAXED); // relaxed: the CAS confirms it
    } while (COUNT(word) ||
             // edge owner-turn: release, due and the queue's head
             !cspi_cas(&o->word, &word, word & ~DRAINING, RELEASE));
    return n;
}

size_t
csp_owner_drain(csp_owner *o)
{
    // relaxed: who counts after this look prods
    uint64_t word = cspi_load(&o->word, RELAXED);

    if (likely(!COUNT(word)) || word & (DRAINING | CLOSED))
        return 0;
    csp_owner_ref(o); /* O6 */
    size_t n = take_turn(o);
    csp_owner_unref(o);
    return n;
}

void
csp_owner_push(csp_owner *o, csp_owner_item *item)
{
    cds_wfcq_node_init(node_of(item));
    tsan_before(o);
    cds_wfcq_enqueue(&o->head, &o->tail, node_of(item));
    // edge owner-push: release; *item may be gone as soon as this is visible
    uint64_t was = cspi_add(&o->word, 1, RELEASE);
    if (was & CLOSED) {
        take_turn(o);
    } else if (was == 0 && o->opts.prod) {
        cspi_add(&o->prods, 1, RELAXED); // relaxed: a figure
        o->opts.prod(o->opts.arg);
    }
    csp_owner_unref(o); /* O5 */
}

static void
shut(csp_owner *o)
{
    // edge owner-turn: release, what the owner did before it left
    if (!(cspi_or(&o->word, CLOSED, RELEASE) & CLOSED))
        take_turn(o); /* unless a drain is at work, which then goes on so */
}

void
csp_owner_close(csp_owner *o)
{
    csp_owner_ref(o); /* O6 */
    shut(o);
    csp_owner_unref(o);
}

/* ---- what is lent ---- */

void
csp_owner_lend(csp_owner *o)
{
    csp_owner_ref(o);
    cspi_add(&o->lent, 1, RELAXED); // relaxed: a figure
}

/* A buffer that is released by its owner. */
struct lent {
    struct cspi_buffer buffer;
    csp_owner_item item;
    csp_owner *owner;
};

static void
lent_gone(struct cspi_buffer *b)
{
    struct lent *l = cspi_container(b, struct lent, buffer);

    csp_owner_push(l->owner, &l->item);
}

static void
lent_release(csp_owner_item *item)
{
    struct lent *l = cspi_container(item, struct lent, item);
    void (*release)(void *arg) = l->buffer.release;
    void *arg = l->buffer.arg;

    cspi_alloc_free(l, sizeof *l);
    if (release)
        release(arg);
}

/* Whoever settles holds a reference to the owner. */
static void
lent_orphan(csp_owner_item *item)
{
    struct lent *l = cspi_container(item, struct lent, item);
    const csp_owner_opts *opts = &l->owner->opts;
    void *arg = l->buffer.arg;

    cspi_alloc_free(l, sizeof *l);
    if (opts->orphan)
        opts->orphan(opts->arg, arg);
}

int
csp_owner_buffer(csp_owner *o, const void *data, size_t size, unsigned flags,
                 void (*release)(void *arg), void *arg, csp_value *out)
{
    if (!o)
        return csp_value_buffer(data, size, flags, release, arg, out);
    if (!cspi_value_buffer_is_valid(data, size, flags))
        return CSP_EINVAL;
    struct lent *l = cspi_alloc_raw(sizeof *l);
    if (!l)
        return CSP_ENOMEM;
    l->buffer.data = data;
    l->buffer.size = size;
    l->buffer.release = release;
    l->buffer.arg = arg;
    l->buffer.gone = lent_gone;
    l->item.release = lent_release;
    l->item.orphan = lent_orphan;
    l->owner = o;
    csp_owner_lend(o);
    *out = cspi_value_buffer_init(&l->buffer, flags);
    return 0;
}

int
csp_owner_count(csp_owner *o, csp_owner_counters *counters)
{
    if (counters->size != sizeof *counters)
        return CSP_EINVAL;
    counters->lent = cspi_load(&o->lent, RELAXED);         // relaxed: figures
    counters->released = cspi_load(&o->released, RELAXED); // relaxed: as above
    counters->orphaned = cspi_load(&o->orphaned, RELAXED); // relaxed: as above
    counters->prods = cspi_load(&o->prods, RELAXED);       // relaxed: as above
    return 0;
}
