// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tree.h: containers, flat: one block of bytes for a whole nested value.
 *
 * The code of a tree is a sequence of items in prefix order: a container is
 * followed by its elements (a dict by key, value, key, value...). An item is
 * one byte that says what it is, then its operand. Numbers are little-endian.
 * A *count* is one byte if it is below 255, else the byte 255 and 8 bytes.
 *
 *   op            operand                  elements
 *   NONE FALSE TRUE
 *   INT8 INT16 INT32 INT64   1, 2, 4, 8 bytes, signed
 *   FLOAT         8 bytes, IEEE binary64
 *   BIGINT        count, then that many bytes, two's complement
 *   STR BYTES     count, then that many bytes
 *   TUPLE LIST    count                    count items
 *   DICT          count                    2 * count items
 *   HANDLE        count: an index into the tree's handles
 *
 * Readers check everything: a tree may come from anybody. */
#ifndef CSP_TREE_H
#define CSP_TREE_H

#include <stddef.h>

#include <csp/export.h>
#include <csp/value.h>

/** The first byte of an item. */
enum {
    CSP_TREE_NONE,
    CSP_TREE_FALSE,
    CSP_TREE_TRUE,
    CSP_TREE_INT8,
    CSP_TREE_INT16,
    CSP_TREE_INT32,
    CSP_TREE_INT64,
    CSP_TREE_FLOAT,
    CSP_TREE_BIGINT,
    CSP_TREE_STR,
    CSP_TREE_BYTES,
    CSP_TREE_TUPLE,
    CSP_TREE_LIST,
    CSP_TREE_DICT,
    CSP_TREE_HANDLE,
    CSP_TREE_OP_COUNT
};

CSP_BEGIN_DECLS

/** A tree of @p size bytes of code (copied) and @p n_handles handles.
 *
 *  - Owns: @p code stays with the caller. The references in @p handles pass
 *    to the tree on success and stay with the caller on failure; the array
 *    itself stays.
 *  - Threads: any.
 *  - Returns: 0 and *@p out; CSP_ENOMEM; CSP_EINVAL if @p size is 0. */
CSP_API int csp_tree_new(const void *code, size_t size,
                         csp_handle *const *handles, size_t n_handles,
                         csp_value *out);

/** The handle at @p index of a TREE.
 *
 *  - Owns: borrowed from @p v.
 *  - Threads: any, wait-free.
 *  - Returns: NULL if @p v is no tree or has no such handle. */
CSP_API csp_handle *csp_tree_handle(csp_value v, size_t index);

CSP_END_DECLS

#endif
