// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tree.h: containers, flat: one block of bytes for a whole nested value.
 *
 * Make one with a builder, read it with a cursor:
 *
 *     csp_tree_builder b;
 *     csp_value v; // [1, 'two']
 *
 *     csp_tree_builder_init(&b);
 *     csp_tree_builder_begin(&b, CSP_TREE_LIST);
 *     csp_tree_builder_add(&b, csp_value_int(1));
 *     csp_tree_builder_data(&b, CSP_TREE_STR, "two", 3);
 *     csp_tree_builder_end(&b);
 *     int rc = csp_tree_builder_finish(&b, &v); // 0 if all went well
 *     csp_tree_builder_fini(&b);
 *
 *     csp_tree_cursor c;
 *     csp_tree_item item;
 *
 *     csp_tree_cursor_init(&c, &v);
 *     while ((rc = csp_tree_cursor_next(&c, &item)) > 0)
 *         ...
 *
 * The code of a tree is a sequence of items in prefix order: a container is
 * followed by its elements (a dict by key, value, key, value...). An item is
 * one byte that says what it is, then its operand. Numbers are little-endian.
 * A *count* is one byte if it is below 255, or the byte 255 and 8 bytes.
 *
 *   op            operand                  elements
 *   NONE FALSE TRUE
 *   INT8 INT16 INT32 INT64   1, 2, 4, 8 bytes, signed
 *   FLOAT         8 bytes, IEEE binary64
 *   BIGINT        count, then that many bytes, two's complement, at least 1
 *   STR BYTES     count, then that many bytes
 *   TUPLE LIST    count                    count items
 *   DICT          count                    2 * count items
 *   HANDLE        count: an index into the tree's handles
 *   COMPLEX       16 bytes, two IEEE binary64
 *   BYTEARRAY     count, then that many bytes
 *   SET FROZENSET count                    count items
 *   FROZENDICT    count                    2 * count items
 *   RANGE SLICE   count: 3                 start, stop, step
 *   REF           count: how many bytes before this one the item begins that
 *                 stands here again
 *   PICKLED       count, at least 2        a pickle, what it refers to..., and
 *                                          the value, which has OBJECTs in it
 *   OBJECT        count: an index into the objects of the innermost pickle
 *   VIEW          count, at least 2        a buffer, its format, its shape...
 *
 * An item that a REF means has the bit SHARED in its first byte, and is whole
 * where the REF stands: nothing is inside itself. PICKLED, OBJECT and VIEW are
 * made and understood by Python; others hand them on.
 *
 * What the elements may be (keys that can be hashed, integers in a range) is
 * not checked here. Readers check everything: a tree may come from anybody. One
 * that breaks the rules above, ends early or goes on behind its value is
 * *malformed*. */
#ifndef CSP_TREE_H
#define CSP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    CSP_TREE_COMPLEX,
    CSP_TREE_BYTEARRAY,
    CSP_TREE_SET,
    CSP_TREE_FROZENSET,
    CSP_TREE_FROZENDICT,
    CSP_TREE_RANGE,
    CSP_TREE_SLICE,
    CSP_TREE_REF,
    CSP_TREE_PICKLED,
    CSP_TREE_OBJECT,
    CSP_TREE_VIEW,
    CSP_TREE_OP_COUNT,
    CSP_TREE_SHARED = 0x80 /**< added to an op: REFs mean this item */
};

/** Memory that grows; its members belong to the library. */
struct csp_tree_area_ {
    char *data;
    size_t size, room;
};

/** A tree that is being made; its members belong to the library. One thread at
 *  a time uses it.
 *
 *  The first call that fails makes the builder useless: all later ones but
 *  csp_tree_builder_fini() do nothing and answer the same. So it is enough to
 *  look at what csp_tree_builder_finish() returns. */
typedef struct csp_tree_builder {
    struct csp_tree_area_ code_, handles_, open_;
    csp_value root_;
    int roots_, error_;
} csp_tree_builder;

/** Where somebody is in a value; its members belong to the library. */
typedef struct csp_tree_cursor {
    const csp_value *value_;
    const char *at_, *end_, *item_;
    uint64_t pending_;
    int part_;
} csp_tree_cursor;

/** An item of a value. What is not named under its kind is 0. */
typedef struct csp_tree_item {
    /** What it is; TREE: a container, a bytearray, a REF or an OBJECT. What
     *  has no elements and occurs again is given again as itself; only a
     *  container that does is a REF: see csp_tree_cursor_follow(). */
    csp_kind kind;
    int op; /**< of a TREE: CSP_TREE_TUPLE, CSP_TREE_BYTEARRAY... */
    /** Of a TREE: how many items are its elements (a dict: 2 for each pair). */
    uint64_t count;
    /** Not 0: this occurred so many bytes of code before. */
    uint64_t back;
    bool shared; /**< it occurs again, or may */
    /** NONE, BOOL, INT, FLOAT, HANDLE, BUFFER, and a STR or BYTES that is
     *  lent: itself. Borrowed: csp_value_ref() it to keep it. */
    csp_value value;
    double real, imag; /**< COMPLEX */
    const char *data;  /**< STR, BYTES, BIGINT, BUFFER, bytearray; borrowed */
    size_t size;       /**< the number of bytes at data */
} csp_tree_item;

CSP_BEGIN_DECLS

/** A tree of @p size bytes of code (copied) and @p n_handles handles, such as
 *  csp_value_as_item() gives.
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

/** The value that the handle at @p index of a TREE stands for: a HANDLE, a
 *  BUFFER, or a STR or BYTES that is lent.
 *
 *  - Owns: borrowed from @p v.
 *  - Threads: any, wait-free.
 *  - Returns: NONE if @p v is no tree or has no such handle. */
CSP_API csp_value csp_tree_value(csp_value v, size_t index);

/** Let @p b be empty. Threads: the owner. */
CSP_API void csp_tree_builder_init(csp_tree_builder *b);

/** Drop all that is in @p b; it is empty afterwards.
 *
 *  - Threads: the owner. */
CSP_API void csp_tree_builder_fini(csp_tree_builder *b);

/** Append @p v: to the innermost container that is open, or as the whole of
 *  what is built.
 *
 *  - Owns: @p v stays with the caller. What it refers to is copied (STR, BYTES
 *    and BIGINT that are not lent, the items of a TREE) or referred to, too.
 *  - Threads: the owner.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL for a second value where no container
 *    is open, and for a TREE that is malformed. */
CSP_API int csp_tree_builder_add(csp_tree_builder *b, csp_value v);

/** Append a STR, BYTES, BIGINT or BYTEARRAY (@p op, CSP_TREE_...) of the
 *  @p size bytes at @p data.
 *
 *  - Owns: @p data stays with the caller.
 *  - Threads: the owner.
 *  - Returns: as csp_tree_builder_add(); CSP_EINVAL also for another @p op and
 *    for a BIGINT without bytes. */
CSP_API int csp_tree_builder_data(csp_tree_builder *b, int op, const void *data,
                                  size_t size);

/** Append a container, which is open until csp_tree_builder_end(): a TUPLE,
 *  LIST, SET, FROZENSET; a DICT or FROZENDICT, with key, value, key, value...;
 *  a RANGE or SLICE, with start, stop and step (@p op, CSP_TREE_...).
 *
 *  - Threads: the owner.
 *  - Returns: as csp_tree_builder_add(); CSP_EINVAL also for another @p op. */
CSP_API int csp_tree_builder_begin(csp_tree_builder *b, int op);

/** The innermost open container is complete.
 *
 *  - Threads: the owner.
 *  - Returns: 0; CSP_EINVAL if none is open, a dict lacks its last value, or a
 *    range or slice does not have 3 elements. */
CSP_API int csp_tree_builder_end(csp_tree_builder *b);

/** What was built; @p b is empty afterwards.
 *
 *  - Owns: *@p out is a new value; on failure all stays in @p b.
 *  - Threads: the owner.
 *  - Returns: 0 or the first failure of all calls; CSP_EINVAL if nothing was
 *    added or a container is open. */
CSP_API int csp_tree_builder_finish(csp_tree_builder *b, csp_value *out);

/** Set @p c before the first item of @p v, which may be of any kind: what is
 *  no TREE is one item.
 *
 *  - Owns: *@p v is borrowed as long as @p c and its items are used.
 *  - Threads: the owner of @p c. */
CSP_API void csp_tree_cursor_init(csp_tree_cursor *c, const csp_value *v);

/** The next item, in prefix order: after a container come its elements. Any
 *  bytes that a tree may have are safe to read.
 *
 *  - Owns: what *@p item points to is borrowed from the value.
 *  - Threads: the owner of @p c; wait-free.
 *  - Returns: 1 and *@p item; 0 when the whole value has been read; CSP_EINVAL
 *    where it is malformed, from then on. */
CSP_API int csp_tree_cursor_next(csp_tree_cursor *c, csp_tree_item *item);

/** Set @p out before the container that the REF @p item stands for, which
 *  csp_tree_cursor_next() of @p c has just given. It reads that container with
 *  its elements, and ends behind it. It can meet REFs in turn: who follows all
 *  of them may have to read exponentially much.
 *
 *  - Owns: the value is borrowed by *@p out, too.
 *  - Threads: the owner of @p c; wait-free.
 *  - Returns: 0; CSP_EINVAL if @p item is no REF. */
CSP_API int csp_tree_cursor_follow(const csp_tree_cursor *c,
                                   const csp_tree_item *item,
                                   csp_tree_cursor *out);

/** Pass over the elements of the container @p item, which
 *  csp_tree_cursor_next() has just given. Others have none. Takes time in
 *  proportion to what is passed over.
 *
 *  - Threads: the owner of @p c.
 *  - Returns: 0; CSP_EINVAL where the tree is malformed. */
CSP_API int csp_tree_cursor_skip(csp_tree_cursor *c, const csp_tree_item *item);

CSP_END_DECLS

#endif
