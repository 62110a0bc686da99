// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* registry.h: every channel by its id, and what is alive in this process. */
#ifndef CSP_REGISTRY_H
#define CSP_REGISTRY_H

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

/** Count what is alive, after freeing what only waits for a grace period.
 *
 *  - Threads: any.
 *  - Blocks: for a grace period (microseconds).
 *  - Returns: 0; CSP_EINVAL if counters->size is unknown. */
CSP_API int csp_registry_count(csp_registry_counters *counters);

CSP_END_DECLS

#endif
