// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chan.h: channels: bounded, unbounded, and rendezvous.
 *
 * A channel is a linearizable first-in first-out queue of values with two
 * sides. Its ends are counted handles: a csp_tx sends, a csp_rx receives, and
 * csp_tx_clone() / csp_rx_clone() make further ones. When the last open send
 * end is closed, receivers drain what is buffered and then get CSP_ECLOSED;
 * when the last open receive end is closed, what is buffered is discarded and
 * senders get CSP_ECLOSED. A send that returned 0 is received exactly once
 * (unless the last receive end goes first); a send that failed has stored
 * nothing. Both hold against every race with close, cancel and timeout.
 *
 * Threads: every function may be called from any thread at any time, while
 * the caller holds a reference to the end. What one does to an end that
 * another thread closes at the same time is either done or fails with
 * CSP_EENDCLOSED.
 *
 * A wait ends early when the thread's cancel token is requested (cancel.h)
 * and when a signal handler ran in the waiting thread. Both, and a deadline
 * that passes, have no effect on the channel. */
#ifndef CSP_CHAN_H
#define CSP_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csp/clock.h>
#include <csp/export.h>
#include <csp/status.h>
#include <csp/value.h>

/** One send end of a channel. */
typedef struct csp_tx csp_tx;

/** One receive end of a channel. */
typedef struct csp_rx csp_rx;

/** The largest capacity. */
#define CSP_CHAN_MAX_CAPACITY ((uint32_t)1 << 30)

/** The longest name in bytes; a longer one is cut. */
#define CSP_CHAN_MAX_NAME 255

/** The capacity of a channel that grows as it must. */
#define CSP_CHAN_UNBOUNDED UINT32_MAX

/** What a send does when the channel is full. */
typedef enum csp_overflow {
    CSP_OVERFLOW_BLOCK,    /**< it waits */
    CSP_OVERFLOW_DROP_NEW, /**< it succeeds; its value is dropped, counted */
    CSP_OVERFLOW_DROP_OLD  /**< it succeeds; the oldest value is dropped */
} csp_overflow;

/** Options of csp_chan_new(). Set the size, leave the rest zero. */
typedef struct csp_chan_opts {
    size_t size;           /**< sizeof(csp_chan_opts) */
    const char *name;      /**< for people, copied; NULL: "chan-" and the id */
    csp_overflow overflow; /**< not for capacity 0 or CSP_CHAN_UNBOUNDED */
    uint32_t mark;         /**< for the caller: csp_tx_mark() gives it back */
} csp_chan_opts;

/** Initial value of a csp_chan_opts. */
#define CSP_CHAN_OPTS_INIT {sizeof(csp_chan_opts), 0, CSP_OVERFLOW_BLOCK, 0}

CSP_BEGIN_DECLS

/** A channel that buffers at most @p capacity values; with 0 it is a
 *  rendezvous: a send returns when a receiver has taken the value.
 *
 *  The memory for all of them is there, and written, from the start: with
 *  2^24 that is 257 MiB, and takes about a second. An unbounded channel keeps
 *  the memory of the most that it ever held until it is freed.
 *
 *  - Owns: *@p tx and *@p rx are new references. @p opts (may be NULL) stays
 *    with the caller.
 *  - Threads: any.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL for a capacity above
 *    CSP_CHAN_MAX_CAPACITY that is not CSP_CHAN_UNBOUNDED, options whose size
 *    is unknown, or an overflow that does not go with the capacity. */
CSP_API int csp_chan_new(uint32_t capacity, const csp_chan_opts *opts,
                         csp_tx **tx, csp_rx **rx);

/** Send @p v, waiting for room until @p deadline.
 *
 *  - Owns: @p v passes to the channel on success; on failure it stays with
 *    the caller.
 *  - Threads: any. Lock-free while there is room, parks otherwise.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Orders: what the sender wrote before is seen by whoever receives @p v
 *    (edges slot-full, claim).
 *  - Returns: 0, CSP_ECLOSED, CSP_EPOISONED, CSP_EENDCLOSED, CSP_EMOVED,
 *    CSP_ETIMEOUT, CSP_EINTERRUPTED, CSP_ECANCELLED, CSP_ENOMEM (a channel
 *    without bound). */
CSP_API int csp_tx_send(csp_tx *tx, csp_value v, csp_time deadline);

/** Send @p v if there is room now.
 *
 *  - Owns: @p v passes to the channel on success; on failure it stays with
 *    the caller.
 *  - Threads: any, lock-free.
 *  - Orders: as csp_tx_send().
 *  - Returns: 0, CSP_EFULL, CSP_ECLOSED, CSP_EPOISONED, CSP_EENDCLOSED,
 *    CSP_EMOVED, CSP_ENOMEM (a channel without bound). */
CSP_API int csp_tx_try_send(csp_tx *tx, csp_value v);

/** Receive the oldest value into *@p v, waiting for one until @p deadline.
 *
 *  - Owns: *@p v is a new value on success, NONE on failure.
 *  - Threads: any. Lock-free while there are values, parks otherwise.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Orders: what the sender of *@p v wrote before is seen (edges slot-full,
 *    claim).
 *  - Returns: 0, CSP_ECLOSED, CSP_EPOISONED, CSP_EENDCLOSED, CSP_EMOVED,
 *    CSP_ETIMEOUT, CSP_EINTERRUPTED, CSP_ECANCELLED. */
CSP_API int csp_rx_recv(csp_rx *rx, csp_value *v, csp_time deadline);

/** Receive the oldest value into *@p v if there is one now.
 *
 *  - Owns: *@p v is a new value on success, NONE on failure.
 *  - Threads: any, lock-free.
 *  - Orders: as csp_rx_recv().
 *  - Returns: 0, CSP_EEMPTY, CSP_ECLOSED, CSP_EPOISONED, CSP_EENDCLOSED,
 *    CSP_EMOVED. */
CSP_API int csp_rx_try_recv(csp_rx *rx, csp_value *v);

/** Send @p n values in order, waiting for room until @p deadline.
 *
 *  - Owns: the values that were sent pass to the channel; the others, and the
 *    array, stay with the caller.
 *  - Threads: any. Lock-free while there is room, parks otherwise. Others may
 *    send in between.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Orders: as csp_tx_send().
 *  - Returns: 0 if all were sent, else as csp_tx_send(); in both cases the
 *    number of those that were sent in *@p sent. */
CSP_API int csp_tx_send_many(csp_tx *tx, const csp_value *values, size_t n,
                             size_t *sent, csp_time deadline);

/** Receive up to @p max values: waits for the first until @p deadline, then
 *  takes what is there.
 *
 *  - Owns: the first *@p received of @p values are new values, the others are
 *    left as they were; the array stays with the caller.
 *  - Threads: any. Lock-free while there are values, parks otherwise.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Orders: as csp_rx_recv().
 *  - Returns: 0, else as csp_rx_recv(); in both cases the number of values in
 *    *@p received, at least 1 with 0; CSP_EINVAL if @p max is 0. */
CSP_API int csp_rx_recv_many(csp_rx *rx, csp_value *values, size_t max,
                             size_t *received, csp_time deadline);

/** One more open send end of the same channel.
 *
 *  - Owns: *@p out is a new reference.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM, CSP_EENDCLOSED, CSP_EMOVED. */
CSP_API int csp_tx_clone(csp_tx *tx, csp_tx **out);

/** One more open receive end of the same channel: see csp_tx_clone(). */
CSP_API int csp_rx_clone(csp_rx *rx, csp_rx **out);

/** Close this end. Threads that wait on it wake with CSP_EENDCLOSED; with the
 *  last open one of its side the side is closed. Does nothing if it is closed
 *  already.
 *
 *  - Owns: the reference stays with the caller.
 *  - Threads: any; takes the lock of the channel's wait queue, and that of
 *    both when the side goes. */
CSP_API void csp_tx_close(csp_tx *tx);

/** Close this end: see csp_tx_close(). */
CSP_API void csp_rx_close(csp_rx *rx);

/** Close this end because a clone of it was given to somebody else: as
 *  csp_tx_close(), but from then on its operations answer CSP_EMOVED. */
CSP_API void csp_tx_moved(csp_tx *tx);

/** Close this end because it was given away: see csp_tx_moved(). */
CSP_API void csp_rx_moved(csp_rx *rx);

/** Poison the channel: what is buffered is discarded, and every present and
 *  later operation at all of its ends answers CSP_EPOISONED.
 *
 *  - Owns: @p reason passes on success, and stays on failure. The first
 *    reason is kept, later ones are released.
 *  - Threads: any; takes the locks of the channel's wait queues.
 *  - Returns: 0 (also when it was poisoned before); CSP_ENOMEM;
 *    CSP_EENDCLOSED, CSP_EMOVED. */
CSP_API int csp_tx_poison(csp_tx *tx, csp_value reason);

/** Poison the channel: see csp_tx_poison(). */
CSP_API int csp_rx_poison(csp_rx *rx, csp_value reason);

/** Why the channel was poisoned.
 *
 *  - Owns: *@p out is a new value.
 *  - Threads: any, wait-free.
 *  - Returns: 0; CSP_ENOTFOUND and NONE if it is not poisoned. */
CSP_API int csp_tx_reason(const csp_tx *tx, csp_value *out);

/** Why the channel was poisoned: see csp_tx_reason(). */
CSP_API int csp_rx_reason(const csp_rx *rx, csp_value *out);

/** One more reference to this end (not a further end: csp_tx_clone()).
 *
 *  - Owns: a new reference.
 *  - Threads: any, wait-free.
 *  - Returns: @p tx. */
CSP_API csp_tx *csp_tx_ref(csp_tx *tx);

/** One more reference to this end: see csp_tx_ref(). */
CSP_API csp_rx *csp_rx_ref(csp_rx *rx);

/** Give up a reference; the last one closes the end. NULL does nothing.
 *
 *  - Owns: the reference passes.
 *  - Threads: any; see csp_tx_close(). */
CSP_API void csp_tx_unref(csp_tx *tx);

/** Give up a reference: see csp_tx_unref(). */
CSP_API void csp_rx_unref(csp_rx *rx);

/** The id of the channel: never 0, never used again, the same at all ends.
 *
 *  - Threads: any, wait-free. */
CSP_API uint64_t csp_tx_id(const csp_tx *tx);

/** The id of the channel: see csp_tx_id(). */
CSP_API uint64_t csp_rx_id(const csp_rx *rx);

/** The name of the channel.
 *
 *  - Owns: borrowed, lives as long as the end.
 *  - Threads: any, wait-free. */
CSP_API const char *csp_tx_name(const csp_tx *tx);

/** The name of the channel: see csp_tx_name(). */
CSP_API const char *csp_rx_name(const csp_rx *rx);

/** The mark that the channel was made with. Threads: any, wait-free. */
CSP_API uint32_t csp_tx_mark(const csp_tx *tx);

/** The capacity of the channel. Threads: any, wait-free. */
CSP_API uint32_t csp_tx_capacity(const csp_tx *tx);

/** The capacity of the channel. Threads: any, wait-free. */
CSP_API uint32_t csp_rx_capacity(const csp_rx *rx);

/** How many values are buffered; exact when nothing is in progress.
 *
 *  - Threads: any, lock-free. */
CSP_API size_t csp_tx_len(csp_tx *tx);

/** How many values are buffered: see csp_tx_len(). */
CSP_API size_t csp_rx_len(csp_rx *rx);

/** What a channel has done so far, and what it is like now. Begins with its
 *  size; the caller sets it. Figures may be a little apart from each other
 *  while values flow. */
typedef struct csp_chan_stats {
    size_t size;          /**< sizeof(csp_chan_stats) */
    uint64_t sent;        /**< values that entered */
    uint64_t received;    /**< values that were received */
    uint64_t dropped;     /**< by the overflow policy */
    uint64_t undelivered; /**< discarded by poison or the last receive end */
    uint64_t length;      /**< buffered now */
    uint64_t high_water;  /**< the most that was seen buffered, by samples */
    uint64_t send_waits, recv_waits; /**< operations that had to wait */
    uint64_t wait_ns;                /**< for how long, both sides */
    uint32_t open_tx, open_rx;       /**< open ends */
    uint32_t waiting_tx, waiting_rx; /**< parked operations */
} csp_chan_stats;

/** The figures of the channel.
 *
 *  - Threads: any, lock-free.
 *  - Returns: 0; CSP_EINVAL if stats->size is unknown. */
CSP_API int csp_tx_stats(csp_tx *tx, csp_chan_stats *stats);

/** The figures of the channel: see csp_tx_stats(). */
CSP_API int csp_rx_stats(csp_rx *rx, csp_chan_stats *stats);

/** How many operations are parked on the channel's side of this end (senders
 *  that wait for room): for tests and diagnosis.
 *
 *  - Threads: any, wait-free. */
CSP_API size_t csp_tx_waiting(const csp_tx *tx);

/** How many receivers are parked on the channel: see csp_tx_waiting(). */
CSP_API size_t csp_rx_waiting(const csp_rx *rx);

/** Whether this end is usable.
 *
 *  - Threads: any, wait-free.
 *  - Returns: 0; CSP_EENDCLOSED, CSP_EMOVED if it was closed or given away. */
CSP_API int csp_tx_state(const csp_tx *tx);

/** Whether this end is usable: see csp_tx_state(). */
CSP_API int csp_rx_state(const csp_rx *rx);

/** Whether nobody will take what is sent: all receive ends are closed.
 *
 *  - Threads: any, wait-free. */
CSP_API bool csp_tx_is_finished(csp_tx *tx);

/** Whether nothing will come: all send ends are closed, all is received.
 *
 *  - Threads: any, lock-free. */
CSP_API bool csp_rx_is_finished(csp_rx *rx);

/** A value that refers to this end, to be sent through a channel.
 *
 *  - Owns: the caller's reference passes to the value.
 *  - Threads: any, wait-free. */
CSP_API csp_value csp_tx_as_value(csp_tx *tx);

/** A value that refers to this end: see csp_tx_as_value(). */
CSP_API csp_value csp_rx_as_value(csp_rx *rx);

/** The send end that @p h is.
 *
 *  - Owns: borrowed from @p h.
 *  - Threads: any, wait-free.
 *  - Returns: NULL if it is something else, or NULL: what
 *    csp_value_as_handle() answers for a value that is no handle. */
CSP_API csp_tx *csp_tx_from_handle(csp_handle *h);

/** The receive end that @p h is: see csp_tx_from_handle(). */
CSP_API csp_rx *csp_rx_from_handle(csp_handle *h);

CSP_END_DECLS

#endif
