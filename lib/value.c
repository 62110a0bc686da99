// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* value.c: immutable counted values.
 *
 * Invariants:
 *   V1  A value with a tag from CSP_TAG_COUNTED_ to CSP_TAG_LENT_BYTES_ owns
 *       one reference of the csp_handle that bits_ points at; no other does.
 *   V2  A cell is written by its maker only, before anybody else knows it; so
 *       is a buffer, whose memory is for others to agree about.
 *   V3  Text and bytes of at most 8 bytes lie inside the value unless they are
 *       lent, and a BIGINT never fits 64 bits.
 *   V4  What is compared, hashed and printed is the atom: it does not show
 *       which form a value had. So V3 is for speed, not for the answers.
 *   V5  All handles of type buffer_type are the head of a cspi_buffer, and all
 *       of those have that type: that is how one is known inside a tree. */
#include <stdio.h>

#include <csp/status.h>
#include <csp/value.h>

#include "alloc.h"
#include "cc.h"
#include "value_priv.h"

_Static_assert(sizeof(csp_value) == 16, "two registers");
_Static_assert(CSP_TAG_LENT_BYTES_ < CSP_TAG_SHORT_STR_, "tags do not meet");
_Static_assert(CSP_TAG_SHORT_BYTES_ + 8 < 64, "6 bits in a slot");

/* ---- cells ---- */

static bool
is_counted(csp_value v)
{
    return v.tag_ >= CSP_TAG_COUNTED_ && v.tag_ <= CSP_TAG_LENT_BYTES_;
}

static size_t
handles_offset(size_t size)
{
    size_t a = _Alignof(csp_handle *);

    return (size + a - 1) & ~(a - 1);
}

static size_t
cell_size(size_t size, size_t n_handles)
{
    return offsetof(struct cspi_cell, data) +
           (n_handles ? handles_offset(size) + n_handles * sizeof(csp_handle *)
                      : size);
}

csp_handle **
cspi_value_cell_handles(struct cspi_cell *cell)
{
    return (csp_handle **)(void *)(cell->data + handles_offset(cell->size));
}

static void
cell_release(csp_handle *h)
{
    struct cspi_cell *cell = cspi_container(h, struct cspi_cell, handle);

    for (size_t i = 0; i < cell->n_handles; i++)
        csp_handle_unref(cspi_value_cell_handles(cell)[i]);
    cspi_alloc_free(cell, cell_size(cell->size, cell->n_handles));
}

struct cspi_cell *
cspi_value_cell_new(size_t size, size_t n_handles)
{
    static const csp_handle_type type = {
        .size = sizeof type, .name = "cell", .release = cell_release};

    if (size > SIZE_MAX / 4 || n_handles > SIZE_MAX / 64)
        return NULL;
    struct cspi_cell *cell = cspi_alloc_raw(cell_size(size, n_handles));
    if (!cell)
        return NULL;
    csp_handle_init(&cell->handle, &type);
    cell->size = size;
    cell->n_handles = n_handles;
    return cell;
}

static int
cell_value(uint32_t tag, const void *data, size_t size, csp_value *out)
{
    struct cspi_cell *cell = cspi_value_cell_new(size, 0);

    if (!cell)
        return CSP_ENOMEM;
    memcpy(cell->data, data, size);
    *out = (csp_value){(uint64_t)(uintptr_t)cell, tag, 0};
    return 0;
}

/* Copies @p size bytes into the value, or into a cell when they do not fit. */
static int
copy_in(uint32_t short_tag, uint32_t long_tag, const void *data, size_t size,
        csp_value *out)
{
    csp_value v = {0, short_tag + (uint32_t)size, 0};

    if (size > sizeof v.bits_)
        return cell_value(long_tag, data, size, out);
    if (size)
        memcpy(&v.bits_, data, size);
    *out = v;
    return 0;
}

int
csp_value_str(const char *text, size_t size, csp_value *out)
{
    return copy_in(CSP_TAG_SHORT_STR_, CSP_TAG_STR_, text, size, out);
}

int
csp_value_bytes(const void *data, size_t size, csp_value *out)
{
    return copy_in(CSP_TAG_SHORT_BYTES_, CSP_TAG_BYTES_, data, size, out);
}

int
csp_value_complex(double real, double imag, csp_value *out)
{
    const double both[2] = {real, imag};

    return cell_value(CSP_TAG_COMPLEX_, both, sizeof both, out);
}

double
csp_value_as_complex(csp_value v, double *imag)
{
    double both[2] = {0, 0};

    if (v.tag_ == CSP_TAG_COMPLEX_)
        memcpy(both, cspi_value_cell(v)->data, sizeof both);
    *imag = both[1];
    return both[0];
}

/* ---- integers ---- */

size_t
cspi_value_int_size(const void *data, size_t size)
{
    const unsigned char *p = data;
    int sign = p[size - 1] & 0x80;

    while (size > 1 && p[size - 1] == (sign ? 0xff : 0) &&
           (p[size - 2] & 0x80) == sign)
        size--;
    return size;
}

int64_t
cspi_value_int_load(const void *data, size_t size)
{
    int64_t i = ((const unsigned char *)data)[size - 1] & 0x80 ? -1 : 0;

    memcpy(&i, data, size);
    return i;
}

int
csp_value_bigint(const void *data, size_t size, csp_value *out)
{
    if (size == 0)
        return CSP_EINVAL;
    size = cspi_value_int_size(data, size);
    if (size > sizeof(int64_t))
        return cell_value(CSP_TAG_BIGINT_, data, size, out);
    *out = csp_value_int(cspi_value_int_load(data, size));
    return 0;
}

/* ---- buffers ---- */

static void
buffer_release(csp_handle *h)
{
    struct cspi_buffer *b = cspi_container(h, struct cspi_buffer, handle);

    b->gone(b);
}

static const csp_handle_type buffer_type = {
    .size = sizeof buffer_type, .name = "buffer", .release = buffer_release};

bool
cspi_value_buffer_is_valid(const void *data, size_t size, unsigned flags)
{
    const unsigned known =
        CSP_VALUE_WRITABLE | CSP_VALUE_AS_STR | CSP_VALUE_AS_BYTES;

    return (flags & ~known) == 0 && (flags & (flags - 1)) == 0 &&
           (data || size == 0);
}

csp_value
cspi_value_buffer_init(struct cspi_buffer *b, unsigned flags)
{
    csp_handle_init(&b->handle, &buffer_type);
    if (!b->data)
        b->data = "";
    b->writable = flags & CSP_VALUE_WRITABLE;
    b->tag = flags & CSP_VALUE_AS_STR     ? CSP_TAG_LENT_STR_
             : flags & CSP_VALUE_AS_BYTES ? CSP_TAG_LENT_BYTES_
                                          : CSP_TAG_BUFFER_;
    return cspi_value_of_handle(&b->handle);
}

csp_value
cspi_value_of_handle(csp_handle *h)
{
    csp_value v = csp_value_handle(h);

    if (h->type == &buffer_type)
        v.tag_ = cspi_container(h, struct cspi_buffer, handle)->tag;
    return v;
}

static void
buffer_gone(struct cspi_buffer *b)
{
    void (*release)(void *arg) = b->release;
    void *arg = b->arg;

    cspi_alloc_free(b, sizeof *b);
    if (release)
        release(arg);
}

bool
csp_value_is_unique(csp_value v)
{
    csp_handle *h = (csp_handle *)(uintptr_t)v.bits_;

    return v.tag_ >= CSP_TAG_COUNTED_ && v.tag_ <= CSP_TAG_LENT_BYTES_ &&
           csp_handle_is_unique(h);
}

void *
csp_value_reclaim(csp_value v, void (*release)(void *arg))
{
    csp_handle *h = csp_value_as_item(v);

    if (!h || h->type != &buffer_type || !csp_handle_is_unique(h))
        return NULL;
    struct cspi_buffer *b = cspi_container(h, struct cspi_buffer, handle);
    if (b->gone != buffer_gone || b->release != release)
        return NULL;
    b->release = NULL;
    b->data = "";
    b->size = 0;
    return b->arg;
}

int
csp_value_buffer(const void *data, size_t size, unsigned flags,
                 void (*release)(void *arg), void *arg, csp_value *out)
{
    if (!cspi_value_buffer_is_valid(data, size, flags))
        return CSP_EINVAL;
    struct cspi_buffer *b = cspi_alloc_raw(sizeof *b);
    if (!b)
        return CSP_ENOMEM;
    b->data = data;
    b->size = size;
    b->release = release;
    b->arg = arg;
    b->gone = buffer_gone;
    *out = cspi_value_buffer_init(b, flags);
    return 0;
}

void *
csp_value_writable(csp_value v, size_t *size)
{
    if (v.tag_ == CSP_TAG_BUFFER_ && cspi_value_buffer(v)->writable) {
        *size = cspi_value_buffer(v)->size;
        return (void *)(uintptr_t)cspi_value_buffer(v)->data;
    }
    *size = 0;
    return NULL;
}

/* ---- reading, references ---- */

const char *
csp_value_data(const csp_value *v, size_t *size)
{
    uint32_t tag = v->tag_;

    if (tag >= CSP_TAG_SHORT_STR_) {
        *size = tag - (tag < CSP_TAG_SHORT_BYTES_ ? CSP_TAG_SHORT_STR_
                                                  : CSP_TAG_SHORT_BYTES_);
        return (const char *)&v->bits_;
    }
    if (tag >= CSP_TAG_STR_ && tag <= CSP_TAG_TREE_) {
        *size = cspi_value_cell(*v)->size;
        return cspi_value_cell(*v)->data;
    }
    if (tag >= CSP_TAG_BUFFER_) {
        *size = cspi_value_buffer(*v)->size;
        return cspi_value_buffer(*v)->data;
    }
    *size = 0;
    return NULL;
}

csp_value
csp_value_ref(csp_value v)
{
    if (is_counted(v))
        csp_handle_ref((csp_handle *)(uintptr_t)v.bits_);
    return v;
}

void
csp_value_unref(csp_value *v)
{
    csp_value was = *v;

    *v = csp_value_none();
    if (is_counted(was))
        csp_handle_unref((csp_handle *)(uintptr_t)was.bits_);
}

/* ---- comparing and hashing ---- */

void
cspi_value_atom(const csp_value *v, struct cspi_atom *a)
{
    *a = (struct cspi_atom){.kind = csp_value_kind(*v)};
    switch (a->kind) {
    case CSP_KIND_BOOL:
    case CSP_KIND_INT:
    case CSP_KIND_FLOAT:
    case CSP_KIND_HANDLE:
        a->bits[0] = v->bits_;
        break;
    case CSP_KIND_COMPLEX:
        memcpy(a->bits, cspi_value_cell(*v)->data, sizeof a->bits);
        break;
    case CSP_KIND_BUFFER:
        a->bits[0] = v->bits_; /* and its bytes, as of a STR */
        a->data = csp_value_data(v, &a->size);
        break;
    case CSP_KIND_STR:
    case CSP_KIND_BYTES:
    case CSP_KIND_BIGINT:
        a->data = csp_value_data(v, &a->size);
        break;
    case CSP_KIND_NONE:
    case CSP_KIND_TREE:
    case CSP_KIND_COUNT:
        break;
    }
}

/* The bytes of others may change: a buffer is what it is by its address. */
static size_t
constant_size(const struct cspi_atom *a)
{
    return a->kind == CSP_KIND_BUFFER ? 0 : a->size;
}

bool
cspi_value_atom_equal(const struct cspi_atom *a, const struct cspi_atom *b)
{
    size_t size = constant_size(a);

    return a->kind == b->kind && a->bits[0] == b->bits[0] &&
           a->bits[1] == b->bits[1] && constant_size(b) == size &&
           (size == 0 || memcmp(a->data, b->data, size) == 0);
}

uint64_t
cspi_value_mix(uint64_t hash, uint64_t x)
{
    hash = (hash ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t
cspi_value_mix_bytes(uint64_t hash, const char *data, size_t size)
{
    uint64_t x = 0;

    hash = cspi_value_mix(hash, size);
    for (; size >= sizeof x; data += sizeof x, size -= sizeof x) {
        memcpy(&x, data, sizeof x);
        hash = cspi_value_mix(hash, x);
    }
    x = 0;
    if (size)
        memcpy(&x, data, size);
    return cspi_value_mix(hash, x);
}

uint64_t
cspi_value_atom_hash(uint64_t hash, const struct cspi_atom *a)
{
    hash = cspi_value_mix(hash, (uint64_t)a->kind + 1);
    if (constant_size(a))
        return cspi_value_mix_bytes(hash, a->data, a->size);
    hash = cspi_value_mix(hash, a->bits[0]);
    return a->bits[1] ? cspi_value_mix(hash, a->bits[1]) : hash;
}

bool
csp_value_equal(csp_value a, csp_value b)
{
    struct cspi_atom x, y;

    if (a.tag_ == b.tag_ && a.bits_ == b.bits_)
        return true;
    if (a.tag_ == CSP_TAG_TREE_ && b.tag_ == CSP_TAG_TREE_)
        return cspi_value_trees.equal(a, b);
    cspi_value_atom(&a, &x);
    cspi_value_atom(&b, &y);
    return x.kind != CSP_KIND_TREE && cspi_value_atom_equal(&x, &y);
}

uint64_t
csp_value_hash(csp_value v)
{
    struct cspi_atom a;

    if (v.tag_ == CSP_TAG_TREE_)
        return cspi_value_trees.hash(v);
    cspi_value_atom(&v, &a);
    return cspi_value_atom_hash(0, &a);
}

/* ---- text for people ---- */

static double
float_of(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof d);
    return d;
}

static void
put_buffer(struct cspi_text *t, const struct cspi_atom *a)
{
    struct cspi_buffer *b = (struct cspi_buffer *)(uintptr_t)a->bits[0];
    char text[64];

    snprintf(text, sizeof text, "<%sbuffer of %zu bytes>",
             b->writable ? "writable " : "", a->size);
    cspi_text_put(t, text);
}

static void
put_handle(struct cspi_text *t, const csp_handle *h)
{
    const size_t known = offsetof(csp_handle_type, describe) +
                         sizeof h->type->describe; /* older ones end before */
    char text[160];
    int n = h->type->size >= known && h->type->describe
                ? h->type->describe(h, text, sizeof text)
                : 0;

    cspi_text_put(t, "<");
    cspi_text_put(t, h->type->name);
    if (n > 0) {
        size_t size = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        cspi_text_put(t, " ");
        cspi_text_name(t, text, size);
        cspi_text_put(t, size < (size_t)n ? "..." : "");
    }
    cspi_text_put(t, ">");
}

void
cspi_value_put_atom(struct cspi_text *t, const struct cspi_atom *a)
{
    char text[24];

    switch (a->kind) {
    case CSP_KIND_NONE:
        cspi_text_put(t, "None");
        break;
    case CSP_KIND_BOOL:
        cspi_text_put(t, a->bits[0] ? "True" : "False");
        break;
    case CSP_KIND_INT:
        snprintf(text, sizeof text, "%lld", (long long)a->bits[0]);
        cspi_text_put(t, text);
        break;
    case CSP_KIND_FLOAT:
        cspi_text_float(t, float_of(a->bits[0]));
        break;
    case CSP_KIND_COMPLEX:
        cspi_text_complex(t, float_of(a->bits[0]), float_of(a->bits[1]));
        break;
    case CSP_KIND_STR:
        cspi_text_str(t, a->data, a->size);
        break;
    case CSP_KIND_BYTES:
        cspi_text_bytes(t, a->data, a->size);
        break;
    case CSP_KIND_BIGINT:
        cspi_text_bigint(t, a->data, a->size);
        break;
    case CSP_KIND_BUFFER:
        put_buffer(t, a);
        break;
    case CSP_KIND_HANDLE:
        put_handle(t, (csp_handle *)(uintptr_t)a->bits[0]);
        break;
    case CSP_KIND_TREE:
    case CSP_KIND_COUNT:
        break;
    }
}

size_t
csp_value_print(csp_value v, char *buffer, size_t size)
{
    struct cspi_text t = {buffer, size ? size - 1 : 0, 0};
    struct cspi_atom a;

    if (v.tag_ == CSP_TAG_TREE_) {
        cspi_value_trees.put(&t, v);
    } else {
        cspi_value_atom(&v, &a);
        cspi_value_put_atom(&t, &a);
    }
    if (size)
        buffer[t.length < size ? t.length : size - 1] = '\0';
    return t.length;
}
