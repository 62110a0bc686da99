// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* value.h: what travels through channels.
 *
 * A csp_value is 16 bytes, passed by value. Small values (none, bool, 64-bit
 * integers, floats, text and bytes of at most 8 bytes) lie inside it; anything
 * else is one counted, immutable object that it points to. Values belong to no
 * interpreter and to no thread.
 *
 *   made by                            read by
 *   csp_value_none ... _float          csp_value_kind, csp_value_as_...
 *   csp_value_str, _bytes, _bigint     csp_value_data
 *   csp_value_complex                  csp_value_as_complex
 *   csp_value_buffer, csp_owner_buffer csp_value_data, csp_value_writable
 *   csp_value_handle                   csp_value_as_handle
 *   csp_tree_builder_...               csp_tree_cursor_... (tree.h)
 *
 * Ownership: a csp_value owns one reference. Copying the struct copies no
 * reference: csp_value_ref() does, csp_value_unref() gives one up. Values that
 * lie inside need neither, and both calls are harmless for them. There is no
 * deep copy: what cannot change need not be copied. Where the last reference
 * goes, everything that the value holds is released, without recursion however
 * deep it is (handle.h). */
#ifndef CSP_VALUE_H
#define CSP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <csp/export.h>
#include <csp/handle.h>

/** What a value is. */
typedef enum csp_kind {
    CSP_KIND_NONE,
    CSP_KIND_BOOL,
    CSP_KIND_INT,     /**< fits 64 bits, signed */
    CSP_KIND_FLOAT,   /**< IEEE binary64 */
    CSP_KIND_STR,     /**< text: UTF-8, in which lone surrogates may occur */
    CSP_KIND_BYTES,   /**< bytes */
    CSP_KIND_BIGINT,  /**< an integer that does not fit 64 bits */
    CSP_KIND_TREE,    /**< tuples, lists, dicts and what they hold: tree.h */
    CSP_KIND_HANDLE,  /**< a counted object: handle.h */
    CSP_KIND_COMPLEX, /**< two IEEE binary64 */
    CSP_KIND_BUFFER,  /**< memory that somebody lends: csp_value_buffer() */
    CSP_KIND_COUNT
} csp_kind;

/** A value; its members belong to the library. */
typedef struct csp_value {
    uint64_t bits_;
    uint32_t tag_;
    uint32_t zero_;
} csp_value;

/** What the memory of csp_value_buffer() is. */
enum {
    CSP_VALUE_WRITABLE = 1, /**< whoever has the BUFFER may write to it */
    CSP_VALUE_AS_STR = 2,   /**< never changes, is UTF-8: the value is a STR */
    CSP_VALUE_AS_BYTES = 4  /**< never changes: the value is a BYTES */
};

/* Tags. They take 6 bits, all that a slot of a channel has room for. */
#define CSP_TAG_NONE_ 0u
#define CSP_TAG_BOOL_ 1u
#define CSP_TAG_INT_ 2u
#define CSP_TAG_FLOAT_ 3u
#define CSP_TAG_COUNTED_ 4u /* the first of those that hold a reference */
#define CSP_TAG_STR_ 4u
#define CSP_TAG_BYTES_ 5u
#define CSP_TAG_BIGINT_ 6u
#define CSP_TAG_TREE_ 7u
#define CSP_TAG_HANDLE_ 8u
#define CSP_TAG_COMPLEX_ 9u
#define CSP_TAG_BUFFER_ 10u
#define CSP_TAG_LENT_STR_ 11u
#define CSP_TAG_LENT_BYTES_ 12u  /* the last that holds a reference */
#define CSP_TAG_SHORT_STR_ 16u   /* + length, 0 to 8 */
#define CSP_TAG_SHORT_BYTES_ 32u /* + length, 0 to 8 */

CSP_BEGIN_DECLS

/** The kind of @p v. Threads: any, wait-free. */
static inline csp_kind
csp_value_kind(csp_value v)
{
    static const unsigned char kinds[] = {
        CSP_KIND_NONE,   CSP_KIND_BOOL,    CSP_KIND_INT,    CSP_KIND_FLOAT,
        CSP_KIND_STR,    CSP_KIND_BYTES,   CSP_KIND_BIGINT, CSP_KIND_TREE,
        CSP_KIND_HANDLE, CSP_KIND_COMPLEX, CSP_KIND_BUFFER, CSP_KIND_STR,
        CSP_KIND_BYTES,
    };

    if (v.tag_ <= CSP_TAG_LENT_BYTES_)
        return (csp_kind)kinds[v.tag_];
    return v.tag_ < CSP_TAG_SHORT_BYTES_ ? CSP_KIND_STR : CSP_KIND_BYTES;
}

/** None. Threads: any, wait-free. */
static inline csp_value
csp_value_none(void)
{
    csp_value v = {0, CSP_TAG_NONE_, 0};

    return v;
}

/** The boolean @p b. Threads: any, wait-free. */
static inline csp_value
csp_value_bool(bool b)
{
    csp_value v = {b, CSP_TAG_BOOL_, 0};

    return v;
}

/** The integer @p i. Threads: any, wait-free. */
static inline csp_value
csp_value_int(int64_t i)
{
    csp_value v = {(uint64_t)i, CSP_TAG_INT_, 0};

    return v;
}

/** The float @p d, bit for bit. Threads: any, wait-free. */
static inline csp_value
csp_value_float(double d)
{
    csp_value v = {0, CSP_TAG_FLOAT_, 0};

    memcpy(&v.bits_, &d, sizeof d);
    return v;
}

/** What a BOOL holds. Anything else: false. Threads: any, wait-free. */
static inline bool
csp_value_as_bool(csp_value v)
{
    return v.tag_ == CSP_TAG_BOOL_ && v.bits_ != 0;
}

/** What an INT holds. Anything else: 0. Threads: any, wait-free. */
static inline int64_t
csp_value_as_int(csp_value v)
{
    return v.tag_ == CSP_TAG_INT_ ? (int64_t)v.bits_ : 0;
}

/** What a FLOAT holds. Anything else: 0. Threads: any, wait-free. */
static inline double
csp_value_as_float(csp_value v)
{
    double d = 0;

    if (v.tag_ == CSP_TAG_FLOAT_)
        memcpy(&d, &v.bits_, sizeof d);
    return d;
}

/** What a HANDLE refers to. Anything else: NULL.
 *
 *  - Owns: borrowed from @p v.
 *  - Threads: any, wait-free. */
static inline csp_handle *
csp_value_as_handle(csp_value v)
{
    return v.tag_ == CSP_TAG_HANDLE_ ? (csp_handle *)(uintptr_t)v.bits_ : NULL;
}

/** A value that refers to @p h.
 *
 *  - Owns: the caller's reference passes to the value.
 *  - Threads: any, wait-free. */
static inline csp_value
csp_value_handle(csp_handle *h)
{
    csp_value v = {(uint64_t)(uintptr_t)h, CSP_TAG_HANDLE_, 0};

    return v;
}

/** Text: @p size bytes of UTF-8 at @p text, copied. (Lone surrogates, encoded
 *  as UTF-8 would if it could, are allowed, as Python's "surrogatepass" has
 *  it; the bytes are not checked here.)
 *
 *  - Owns: @p text stays with the caller; *@p out is a new value.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM. */
CSP_API int csp_value_str(const char *text, size_t size, csp_value *out);

/** Bytes: @p size of them at @p data, copied.
 *
 *  - Owns: @p data stays with the caller; *@p out is a new value.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM. */
CSP_API int csp_value_bytes(const void *data, size_t size, csp_value *out);

/** An integer of any size: @p size bytes at @p data, two's complement,
 *  little-endian, copied. One that fits 64 bits becomes an INT.
 *
 *  - Owns: @p data stays with the caller; *@p out is a new value.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM, CSP_EINVAL if @p size is 0. */
CSP_API int csp_value_bigint(const void *data, size_t size, csp_value *out);

/** The complex number @p real + @p imag j, bit for bit.
 *
 *  - Owns: *@p out is a new value.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM. */
CSP_API int csp_value_complex(double real, double imag, csp_value *out);

/** What a COMPLEX holds; the imaginary part in *@p imag. Anything else: 0 and
 *  0. Threads: any, wait-free. */
CSP_API double csp_value_as_complex(csp_value v, double *imag);

/** A value that refers to the @p size bytes at @p data, which are not copied:
 *  a BUFFER, or what @p flags (CSP_VALUE_..., or 0) say. Once the last
 *  reference has gone, @p release(@p arg) is called; it is under the rules of
 *  csp_handle_type.release. For memory from malloc():
 *  csp_value_buffer(p, size, 0, free, p, &v).
 *
 *  - Owns: @p data is borrowed until @p release is called. *@p out is a new
 *    value. On failure @p release is not called.
 *  - Threads: any. @p release (may be NULL) runs on the thread that drops the
 *    last reference. Those who write to WRITABLE memory, and those who read it
 *    meanwhile, agree among themselves.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL for unknown flags, more than one of
 *    them, or no @p data where @p size is not 0. */
CSP_API int csp_value_buffer(const void *data, size_t size, unsigned flags,
                             void (*release)(void *arg), void *arg,
                             csp_value *out);

/** The memory of a BUFFER that may be written to.
 *
 *  - Owns: borrowed from @p v.
 *  - Threads: any, wait-free.
 *  - Returns: its first byte, the number of bytes in *@p size; NULL and 0 for
 *    anything else. */
CSP_API void *csp_value_writable(csp_value v, size_t *size);

/** Whether @p v refers to something to which there is no other reference: then
 *  nobody else can come to have one, as long as the caller keeps @p v to
 * itself.
 *
 *  - Threads: any, wait-free.
 *  - Orders: what others did with it is seen (edge last-ref). */
CSP_API bool csp_value_is_unique(csp_value v);

/** Take back what csp_value_buffer() lent with this @p release, instead of
 *  having it released: @p v is unique, and is empty afterwards. For who knows
 *  what the memory belongs to, and can use it as a whole.
 *
 *  - Owns: what @p release would have been called with passes to the caller;
 *    @p v stays with the caller.
 *  - Threads: any, wait-free.
 *  - Returns: the argument of @p release; NULL if @p v is not unique, or not
 *    lent like that. */
CSP_API void *csp_value_reclaim(csp_value v, void (*release)(void *arg));

/** What a HANDLE, a BUFFER, or a STR or BYTES that is lent refers to, as
 *  csp_tree_new() takes it. Anything else: NULL.
 *
 *  - Owns: borrowed from @p v.
 *  - Threads: any, wait-free. */
static inline csp_handle *
csp_value_as_item(csp_value v)
{
    return v.tag_ == CSP_TAG_HANDLE_ || v.tag_ == CSP_TAG_BUFFER_ ||
                   v.tag_ == CSP_TAG_LENT_STR_ || v.tag_ == CSP_TAG_LENT_BYTES_
               ? (csp_handle *)(uintptr_t)v.bits_
               : NULL;
}

/** The bytes of a STR, BYTES, BIGINT, BUFFER or TREE (its code, tree.h).
 *
 *  - Owns: borrowed: the result points into *@p v or into what it refers to,
 *    so it lives as long as *@p v and its reference.
 *  - Threads: any, wait-free.
 *  - Returns: the first byte, their number in *@p size; NULL and 0 for other
 *    kinds. There is no NUL behind them. */
CSP_API const char *csp_value_data(const csp_value *v, size_t *size);

/** One more reference to what @p v refers to.
 *
 *  - Threads: any, wait-free.
 *  - Returns: @p v. */
CSP_API csp_value csp_value_ref(csp_value v);

/** Give up a reference: *@p v is NONE afterwards.
 *
 *  - Owns: the reference passes.
 *  - Threads: any; see csp_handle_unref(). */
CSP_API void csp_value_unref(csp_value *v);

/** Whether @p a and @p b are the same, type by type: numbers of different
 *  kinds differ (1, 1.0 and true do), floats and complex numbers are compared
 *  bit by bit (a NaN equals one with the same payload; 0.0 is not -0.0). STR,
 *  BYTES and BIGINT are compared by content. So are TREEs, whatever the form of
 *  their numbers and counts; the elements of a dict or set in the order in
 * which they stand; a REF (tree.h) only equals one that means as many bytes
 * before. HANDLEs and BUFFERs are equal if they are the same object: their
 * content may change. A TREE that is malformed (tree.h) equals only one of the
 * same code and handles. Takes time in proportion to the size.
 *
 *  - Threads: any, wait-free. */
CSP_API bool csp_value_equal(csp_value a, csp_value b);

/** A number that equal values have in common, in this process. It has no key:
 *  who may choose the values can make them collide.
 *
 *  - Threads: any, wait-free. */
CSP_API uint64_t csp_value_hash(csp_value v);

/** Write @p v as text for people, much as Python would, e.g.
 *  {'a': [1, 2.5, None], 'b': <send end "chan-3">}. What lies deeper than 16
 *  containers is shown as "..."; where a TREE is malformed, "<malformed>".
 *
 *  - Threads: any; what csp_handle_type.describe needs.
 *  - Returns: the length of all of the text. As with snprintf(), at most
 *    @p size - 1 bytes of it and a NUL are written; nothing if @p size is 0. */
CSP_API size_t csp_value_print(csp_value v, char *buffer, size_t size);

CSP_END_DECLS

#endif
