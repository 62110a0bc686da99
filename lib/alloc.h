// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* alloc.h: the library's memory, counted. */
#ifndef CSPI_ALLOC_H
#define CSPI_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/** @p size bytes, zeroed, aligned to @p align (a power of two, at most 128).
 *
 *  - Owns: the caller; freed by cspi_alloc_free() with the same size.
 *  - Threads: any.
 *  - Returns: NULL when there is no memory. */
void *cspi_alloc_zero(size_t size, size_t align);

/** @p size bytes, not zeroed, aligned as malloc() does: see above. */
void *cspi_alloc_raw(size_t size);

/** Free what the two above gave; NULL does nothing. Threads: any. */
void cspi_alloc_free(void *p, size_t size);

/** How much is held: blocks, and their bytes. Exact when nothing is in
 *  progress. Threads: any. */
void cspi_alloc_live(uint64_t *blocks, uint64_t *bytes);

/** Tests: let the @p nth allocation from now (1: the next one) of this
 *  process fail, once; 0: none. */
void cspi_alloc_fail_nth(uint64_t nth);

/** Tests: whether the failure asked for has happened. */
_Bool cspi_alloc_failed(void);

#endif
