// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* registry.c: id -> channel, for all channels of the process.
 *
 * A hash table under RCU (liburcu: cds_lfht, the memb flavour), so that a
 * look-up takes no lock. A channel enters it when it is made and leaves it
 * with its last reference; its memory is freed after a grace period, a batch
 * at a time, by whichever thread completes the batch.
 *
 * Invariants:
 *   G1  Ids count up from 1 and are never used again.
 *   G2  What a reader may see of a channel whose last reference is gone is
 *       open[] (0) and its entry: the memory of both waits for the readers.
 *   G3  No thread of its own: the table is resized by the thread whose
 *       channel makes it too full or too empty, so neither AUTO_RESIZE nor
 *       call_rcu.
 *   G4  Threads need no registration that callers must remember: each is
 *       registered with liburcu on first use, and leaves when it ends. What
 *       its destructors do after that registers it for as long as it takes.
 *   G5  A list of all channels takes its time, as a reader. So nobody begins
 *       to wait for readers while it is under way, unless MOST have gone: it
 *       frees them in the end. Who waits for readers holds up nobody else.
 * Locks:   resizing (a flag: who finds it set goes on); rcu_calls, not taken
 *          inside a look-up.
 * Process-wide state: table, next_id, live, removed, n_removed, n_freeing,
 *          resizing, is_child; thread-local: registered, ending. */
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include <csp/registry.h>

#define _LGPL_SOURCE /* small readers are inlined; liburcu stays dynamic */
#include <urcu/rculfhash.h>
#include <urcu/urcu-memb.h>

#include "alloc.h"
#include "chan_priv.h"

enum { FIRST_BUCKETS = 64, BATCH = 64, MOST = 64 * BATCH, SLICE = 128 };

/* What finds a channel; it lies in the channel's keeper part. */
struct entry {
    struct cds_lfht_node node;
    struct entry *next_removed;
};
_Static_assert(sizeof(struct entry) <= sizeof(((csp_chan *)0)->keeper), "fits");
_Static_assert(sizeof(csp_chan) == 384, "what an idle channel costs");

static struct entry *
entry_of(csp_chan *c)
{
    return (struct entry *)(void *)c->keeper;
}

static csp_chan *
chan_of(struct entry *e)
{
    return cspi_container(e, csp_chan, keeper);
}

static struct cds_lfht *table;
static pthread_key_t leave_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local CSPI_EARLY bool registered, ending;

static bool is_child; /* of a fork; written by its only thread */

/* Around what takes a lock inside liburcu, so that a fork, the only writer,
 * finds none taken. */
static pthread_rwlock_t rcu_calls = PTHREAD_RWLOCK_INITIALIZER;

static cspi_a64 next_id;
static cspi_a64 live;
static cspi_a32 resizing;
static _Atomic(struct entry *) removed;
static cspi_a32 n_removed;
static cspi_a32 n_freeing; /* threads that free, or list and will */

/* ThreadSanitizer cannot look into liburcu, so it misses that a channel is
 * found after it was added, and freed after the look-ups that may have seen
 * it. In its builds, and only there, these accesses say that again. */
#ifdef CSPI_TSAN
static cspi_a32 tsan_added, tsan_looked;
// edges tsan-added, tsan-grace: release
#    define tsan_before(p) ((void)cspi_add(p, 1, RELEASE))
// edges tsan-added, tsan-grace: acquire
#    define tsan_after(p) ((void)cspi_load(p, ACQUIRE))
#else
#    define tsan_before(p) ((void)0)
#    define tsan_after(p) ((void)0)
#endif

static void
leave(void *unused)
{
    (void)unused;
    pthread_rwlock_rdlock(&rcu_calls);
    urcu_memb_unregister_thread();
    pthread_rwlock_unlock(&rcu_calls);
    registered = false;
    ending = true;
}

/* Follows each use, outside of look-ups: that leave() comes by once more is not
 * certain when destructors run. */
static void
exit_if_ending(void)
{
    if (unlikely(ending) && registered)
        leave(NULL);
}

static void before_fork(void);
static void parent(void);
static void child(void);

static void
start(void)
{
    if (pthread_atfork(before_fork, parent, child) != 0)
        return;
    if (pthread_key_create(&leave_key, leave) != 0)
        return;
    table = cds_lfht_new_flavor(FIRST_BUCKETS, FIRST_BUCKETS, 0, 0,
                                &urcu_memb_flavor, NULL);
}

/* Makes the calling thread a reader; false: no memory for that. */
static bool
enter(void)
{
    if (likely(registered))
        return true;
    pthread_once(&once, start);
    if (!table)
        return false;
    if (URCU_TLS(urcu_memb_reader).registered) /* the program does it itself */
        return true;
    if (!ending && pthread_setspecific(leave_key, &registered) != 0)
        return false;
    pthread_rwlock_rdlock(&rcu_calls);
    urcu_memb_register_thread();
    pthread_rwlock_unlock(&rcu_calls);
    registered = true;
    return true;
}

static unsigned long
hash(uint64_t id)
{
    id *= UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing */
    return (unsigned long)(id ^ id >> 32);
}

static int
has_id(struct cds_lfht_node *node, const void *id)
{
    tsan_after(&tsan_added);
    return chan_of(cspi_container(node, struct entry, node))->id ==
           *(const uint64_t *)id;
}

/* Keeps the number of buckets (16 bytes each) near that of the channels: it
 * grows beyond two a bucket, to one, and shrinks below one in eight. Not inside
 * a look-up. */
static void
fit(uint64_t n)
{
    static cspi_a64 buckets = FIRST_BUCKETS;
    uint64_t want = cspi_load(&buckets, RELAXED); // relaxed: a threshold
    uint32_t idle = 0;

    if (is_child ||
        likely(n <= want * 2 && (n >= want / 8 || want == FIRST_BUCKETS)))
        return;
    // edge resize: acquire and release; one at a time, the others go on
    if (!cspi_cas(&resizing, &idle, 1, ACQUIRE))
        return;
    want = cspi_load(&buckets, RELAXED); // relaxed: ours alone now
    while (want * 2 < n)
        want *= 2;
    while (want > FIRST_BUCKETS && want > n * 2)
        want /= 2;
    pthread_rwlock_rdlock(&rcu_calls);
    cds_lfht_resize(table, (unsigned long)want);
    pthread_rwlock_unlock(&rcu_calls);
    cspi_store(&buckets, want, RELAXED); // relaxed: a threshold
    cspi_store(&resizing, 0, RELEASE);   // edge resize: release
}

/* Waits for the readers, and frees what was removed before. */
static void
free_removed(void)
{
    if (urcu_memb_read_ongoing()) /* the program's: the next one frees them */
        return;
    // edge removed: acquire, what the removers wrote
    struct entry *e = cspi_exchange(&removed, NULL, ACQUIRE);

    cspi_store(&n_removed, 0, RELAXED); // relaxed: when to free, roughly
    if (!e || is_child)
        return;
    cspi_add(&n_freeing, 1, RELAXED); // relaxed: as above
    pthread_rwlock_rdlock(&rcu_calls);
    urcu_memb_synchronize_rcu();
    pthread_rwlock_unlock(&rcu_calls);
    tsan_after(&tsan_looked);
    for (struct entry *next; e; e = next) {
        next = e->next_removed;
        cspi_alloc_free(chan_of(e), sizeof(csp_chan));
    }
    fit(cspi_load(&live, RELAXED));   // relaxed: a figure
    cspi_sub(&n_freeing, 1, RELAXED); // relaxed: when to free, roughly
}

/* The same, when @p n were removed, unless those are few or somebody else will
 * see to them (G5). */
static void
free_batch(uint32_t n)
{
    // relaxed: roughly
    if (n >= MOST || (n >= BATCH && cspi_load(&n_freeing, RELAXED) == 0))
        free_removed();
}

static csp_chan *
create(void)
{
    csp_chan *c = cspi_alloc_zero(sizeof *c, _Alignof(csp_chan));

    if (c)
        c->id = cspi_add(&next_id, 1, RELAXED) + 1; // relaxed: a number
    return c;
}

static int
publish(csp_chan *c)
{
    struct entry *e = entry_of(c);

    if (!enter())
        return CSP_ENOMEM;
    cds_lfht_node_init(&e->node);
    tsan_before(&tsan_added);
    urcu_memb_read_lock();
    cds_lfht_add(table, hash(c->id), &e->node);
    urcu_memb_read_unlock();
    fit(cspi_add(&live, 1, RELAXED) + 1); // relaxed: a figure
    exit_if_ending();
    return 0;
}

static void
destroy(csp_chan *c, bool published)
{
    struct entry *e = entry_of(c);

    if (!published) {
        cspi_alloc_free(c, sizeof *c);
        return;
    }
    cspi_sub(&live, 1, RELAXED); // relaxed: a figure
    if (!enter())
        return; /* no reader could be made of this thread: it stays, leaked */
    urcu_memb_read_lock();
    cds_lfht_del(table, &e->node);
    urcu_memb_read_unlock();
    e->next_removed = cspi_load(&removed, RELAXED); // relaxed: CAS confirms
    // edge removed: release
    while (!cspi_cas(&removed, &e->next_removed, e, RELEASE))
        ;
    free_batch(cspi_add(&n_removed, 1, RELAXED) + 1); // relaxed: roughly
    exit_if_ending();
}

const struct cspi_chan_keeper cspi_chan_keeper = {create, publish, destroy};

static int
find(uint64_t id, enum cspi_side side, struct cspi_end **out)
{
    struct cds_lfht_iter iter;
    int rc = CSP_ENOTFOUND;

    if (!enter())
        return CSP_ENOMEM;
    urcu_memb_read_lock();
    cds_lfht_lookup(table, hash(id), has_id, &id, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    csp_chan *c =
        node ? chan_of(cspi_container(node, struct entry, node)) : NULL;
    if (c && !(c->hidden & 1 << side)) {
        rc = cspi_chan_end_new(c, side, out);
        if (rc == CSP_ECLOSED)
            rc = CSP_ENOTFOUND;
    }
    tsan_before(&tsan_looked);
    urcu_memb_read_unlock();
    exit_if_ending();
    return rc;
}

int
csp_registry_find_tx(uint64_t id, csp_tx **out)
{
    struct cspi_end *e;
    int rc = find(id, CSPI_TX, &e);

    if (rc == 0)
        *out = (csp_tx *)e;
    return rc;
}

int
csp_registry_find_rx(uint64_t id, csp_rx **out)
{
    struct cspi_end *e;
    int rc = find(id, CSPI_RX, &e);

    if (rc == 0)
        *out = (csp_rx *)e;
    return rc;
}

/* ---- snapshots ---- */

/* Ends the look-up that @p iter is of, at @p c, which is held, and begins
 * another there: who waits for a grace period waits for a slice at most. */
static void
let_others_free(csp_chan *c, struct cds_lfht_iter *iter)
{
    tsan_before(&tsan_looked);
    urcu_memb_read_unlock();
    urcu_memb_read_lock();
    cds_lfht_lookup(table, hash(c->id), has_id, &c->id, iter);
}

/* All channels, each with a reference to its memory. Returns: 0, CSP_ENOMEM.
 * References are given up outside the look-up: the last one may have to wait
 * for the readers. */
static int
hold_all(csp_chan ***out, size_t *n)
{
    // relaxed: a figure; what comes later is left out
    size_t room = (size_t)cspi_load(&live, RELAXED) + 16;
    struct cds_lfht_iter iter;

    *n = 0;
    if (!enter() || !(*out = cspi_alloc_raw(room * sizeof **out)))
        return CSP_ENOMEM;
    cspi_add(&n_freeing, 1, RELAXED); // relaxed: roughly
    urcu_memb_read_lock();
    cds_lfht_first(table, &iter);
    for (struct cds_lfht_node *node;
         *n < room && (node = cds_lfht_iter_get_node(&iter));
         cds_lfht_next(table, &iter)) {
        tsan_after(&tsan_added);
        csp_chan *c = chan_of(cspi_container(node, struct entry, node));
        if (!cspi_chan_hold(c))
            continue;
        (*out)[(*n)++] = c;
        if (*n % SLICE == 0)
            let_others_free(c, &iter);
    }
    tsan_before(&tsan_looked);
    urcu_memb_read_unlock();
    cspi_sub(&n_freeing, 1, RELAXED);           // relaxed: roughly
    free_batch(cspi_load(&n_removed, RELAXED)); // relaxed: as above
    exit_if_ending();
    for (size_t i = *n; i < room; i++)
        (*out)[i] = NULL;
    *n = room;
    return 0;
}

static void
drop_all(csp_chan **held, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (held[i])
            cspi_chan_drop(held[i]);
    cspi_alloc_free(held, n * sizeof *held);
}

static void
describe(csp_chan *c, csp_registry_chan *out)
{
    *out = (csp_registry_chan){
        .id = c->id,
        .capacity = c->chain ? CSP_CHAN_UNBOUNDED : c->ring.capacity,
        .stats.size = sizeof out->stats,
    };
    const char *name = c->name ? c->name : c->auto_name;
    snprintf(out->name, sizeof out->name, "%.*s",
             (int)cspi_chan_cut(name, sizeof out->name - 1), name);
    cspi_chan_stats(c, &out->stats);
}

/* Returns: how many. */
static size_t
waits(csp_chan *c, csp_registry_wait *out, size_t room)
{
    size_t found = 0;

    for (int side = CSPI_TX; side <= CSPI_RX; side++) {
        struct cspi_waitq *q = &c->waitq[side];
        struct cspi_waitq *lock =
            c->kind == CSPI_CHAN_RENDEZVOUS ? &c->waitq[CSPI_RX] : q;
        struct cspi_wakes wakes = {.n = 0};

        cspi_waitq_lock(lock);
        for (struct cspi_node *n = q->first; n; n = n->next, found++)
            if (found < room)
                out[found] = (csp_registry_wait){
                    .chan = c->id,
                    .sends = side == CSPI_TX,
                    // relaxed: figures, both
                    .thread = cspi_load(&n->waiter->thread, RELAXED),
                    .since = (csp_time)cspi_load(&n->waiter->since, RELAXED),
                };
        cspi_waitq_unlock(lock, &wakes);
    }
    return found;
}

int64_t
csp_registry_list(csp_registry_chan *out, size_t room)
{
    csp_chan **held;
    size_t n;
    int64_t found = 0;

    if (hold_all(&held, &n) < 0)
        return CSP_ENOMEM;
    for (size_t i = 0; i < n && held[i]; i++, found++)
        if ((size_t)found < room)
            describe(held[i], &out[found]);
    drop_all(held, n);
    return found;
}

int64_t
csp_registry_waits(csp_registry_wait *out, size_t room)
{
    csp_chan **held;
    size_t n, found = 0;

    if (hold_all(&held, &n) < 0)
        return CSP_ENOMEM;
    for (size_t i = 0; i < n && held[i]; i++)
        found += waits(held[i], found < room ? out + found : NULL,
                       found < room ? room - found : 0);
    drop_all(held, n);
    return (int64_t)found;
}

/* ---- fork ---- */

static void
before_fork(void)
{
    pthread_rwlock_wrlock(&rcu_calls);
}

static void
parent(void)
{
    pthread_rwlock_unlock(&rcu_calls);
}

/* In the child, whose only thread this is: what was inherited belongs to the
 * parent, with waiters and lock holders that do not exist here. Its channels
 * answer CSP_EFORKED from now on. Grace periods are not waited for any more,
 * as readers of the parent seem to be inside: what goes is leaked. */
static void
child(void)
{
    struct cds_lfht_iter iter;

    is_child = true;
    /* made anew: the thread that could unlock it was that of the parent, whose
     * number this one does not have */
    pthread_rwlock_init(&rcu_calls, NULL);
    if (!table)
        return;
    /* without a read lock: nobody else is there */
    cds_lfht_first(table, &iter);
    for (struct cds_lfht_node *node; (node = cds_lfht_iter_get_node(&iter));
         cds_lfht_next(table, &iter))
        cspi_chan_orphan(chan_of(cspi_container(node, struct entry, node)));
}

int
csp_registry_count(csp_registry_counters *counters)
{
    if (counters->size != sizeof *counters)
        return CSP_EINVAL;
    if (enter()) {
        free_removed();
        exit_if_ending();
    }
    counters->chans = cspi_load(&live, RELAXED); // relaxed: a figure
    cspi_alloc_live(&counters->blocks, &counters->bytes);
    return 0;
}
