// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* registry.h: every channel by its id, and what is alive in this process. */
#ifndef CSP_REGISTRY_H
#define CSP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csp/chan.h>
#include <csp/export.h>

/** What is alive. Begins with its size; the caller sets it. */
typedef struct csp_registry_counters {
    size_t size;     /**< sizeof(csp_registry_counters) */
    uint64_t chans;  /**< channels that have an open end */
    uint64_t blocks; /**< blocks of memory that the library holds */
    uint64_t bytes;  /**< their size */
} csp_registry_counters;

CSP_BEGIN_DECLS

/** A new send end of the channel @p id.
 *
 *  - Owns: *@p out is a new reference.
 *  - Threads: any; the look-up takes no lock.
 *  - Returns: 0; CSP_ENOMEM; CSP_ENOTFOUND if there is no such channel or its
 *    last send end was closed. */
CSP_API int csp_registry_find_tx(uint64_t id, csp_tx **out);

/** A new receive end of the channel @p id: see csp_registry_find_tx(). */
CSP_API int csp_registry_find_rx(uint64_t id, csp_rx **out);

/** A channel, as it was when it was looked at. */
typedef struct csp_registry_chan {
    uint64_t id;
    char name[64];        /**< cut where it is longer */
    uint32_t capacity;    /**< CSP_CHAN_UNBOUNDED for one without bound */
    csp_chan_stats stats; /**< its size is set */
} csp_registry_chan;

/** An operation that waits. */
typedef struct csp_registry_wait {
    uint64_t chan;   /**< the id of the channel */
    uint64_t thread; /**< the system's number of the thread */
    bool sends;      /**< it waits for room; otherwise for a value */
    csp_time since;  /**< when the wait began */
} csp_registry_wait;

/** The channels that are alive, in no order; no one channel is looked at at
 *  the same moment as another.
 *
 *  - Owns: @p out, with room for @p room, stays with the caller.
 *  - Threads: any; takes no lock that others need. It frees channels that go
 *    meanwhile; beyond some thousands of them, who drops one may have to wait
 *    until a part of the list (128 channels) is complete.
 *  - Blocks: at times for a grace period (microseconds).
 *  - Returns: how many there are, which may be more than @p room; CSP_ENOMEM.
 */
CSP_API int64_t csp_registry_list(csp_registry_chan *out, size_t room);

/** Who waits on which channel, in no order. A selector that waits is listed
 *  with each channel that it is enlisted at.
 *
 *  - Owns: @p out, with room for @p room, stays with the caller.
 *  - Threads: any; takes the locks of wait queues one by one, for a few steps
 *    each.
 *  - Returns: how many there are, which may be more than @p room; CSP_ENOMEM.
 */
CSP_API int64_t csp_registry_waits(csp_registry_wait *out, size_t room);

/** Count what is alive, after freeing what only waits for a grace period.
 *
 *  - Threads: any.
 *  - Blocks: for a grace period (microseconds).
 *  - Returns: 0; CSP_EINVAL if counters->size is unknown. */
CSP_API int csp_registry_count(csp_registry_counters *counters);

CSP_END_DECLS

#endif
