// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* handle.h: the counted object behind everything that a value can refer to:
 * ends of channels, buffers, processes, whatever a host adds.
 *
 * A host embeds a csp_handle as the first member of its own struct, with a
 * static csp_handle_type that says what it is and how it is released. The
 * address of the type is its identity. */
#ifndef CSP_HANDLE_H
#define CSP_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csp/export.h>

typedef struct csp_handle csp_handle;

/** What a handle is. Begins with its size, so that members can be added:
 *  initialise them by name. */
typedef struct csp_handle_type {
    size_t size;      /**< sizeof(csp_handle_type) */
    const char *name; /**< for people, e.g. "send end" */

    /** Frees the object once the last reference has gone. Runs on the thread
     *  that dropped it, under no lock of the library; it may drop further
     *  references (they are worked off after it has returned, so that long
     *  chains use no stack), and must neither wait nor touch Python. What only
     *  one thread may free goes there by way of owner.h. */
    void (*release)(csp_handle *h);

    /** What tells @p h from others of its type, e.g. the name of a channel;
     *  csp_value_print() shows it behind the name. Writes as snprintf() does,
     *  at most @p size bytes, and returns the length of all of it. Runs on any
     *  thread that holds a reference; must neither wait nor touch Python.
     *  NULL: there is nothing to say. */
    int (*describe)(const csp_handle *h, char *buffer, size_t size);
} csp_handle_type;

/** The head of a counted object; its members belong to the library. */
struct csp_handle {
    const csp_handle_type *type;
    uint64_t refs_;
    csp_handle *next_;
};

CSP_BEGIN_DECLS

/** Make @p h a handle of @p type with one reference, the caller's.
 *
 *  - Threads: the owner, before anybody else knows @p h. */
CSP_API void csp_handle_init(csp_handle *h, const csp_handle_type *type);

/** Take one more reference to @p h.
 *
 *  - Threads: any that holds a reference; wait-free.
 *  - Returns: @p h. */
CSP_API csp_handle *csp_handle_ref(csp_handle *h);

/** Whether the caller's reference to @p h is the only one.
 *
 *  - Threads: any that holds a reference; wait-free.
 *  - Orders: what others did with @p h before they let go is seen (edge
 *    last-ref). */
CSP_API bool csp_handle_is_unique(csp_handle *h);

/** Give up a reference to @p h; with the last one it is released.
 *
 *  - Owns: the caller's reference passes. NULL does nothing.
 *  - Threads: any; wait-free but for what the release does.
 *  - Orders: whatever was done through a reference is seen by the release
 *    (edge last-ref). */
CSP_API void csp_handle_unref(csp_handle *h);

CSP_END_DECLS

#endif
