// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* value.c: immutable counted values.
 *
 * Invariants:
 *   V1  A value with a tag from CSP_TAG_COUNTED_ to CSP_TAG_HANDLE_ owns one
 *       reference of the csp_handle that bits_ points at; no other does.
 *   V2  A cell is written by its maker only, before anybody else knows it.
 *   V3  Text and bytes of at most 8 bytes are always inside the value, and a
 *       BIGINT never fits 64 bits: equal values have one form. */
#include <stdbool.h>

#include <csp/status.h>
#include <csp/value.h>

#include "alloc.h"
#include "cc.h"
#include "value_priv.h"

_Static_assert(sizeof(csp_value) == 16, "two registers");
_Static_assert(CSP_TAG_SHORT_BYTES_ + 8 < 64, "6 bits in a slot");

static bool
is_counted(csp_value v)
{
    return v.tag_ >= CSP_TAG_COUNTED_ && v.tag_ <= CSP_TAG_HANDLE_;
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
    static const csp_handle_type type = {sizeof type, "cell", cell_release};

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

/* Copies @p size bytes into the value, or into a cell when they do not fit. */
static int
copy_in(uint32_t short_tag, uint32_t long_tag, const void *data, size_t size,
        csp_value *out)
{
    csp_value v = {0, short_tag + (uint32_t)size, 0};

    if (size <= sizeof v.bits_) {
        if (size)
            memcpy(&v.bits_, data, size);
    } else {
        struct cspi_cell *cell = cspi_value_cell_new(size, 0);
        if (!cell)
            return CSP_ENOMEM;
        memcpy(cell->data, data, size);
        v = (csp_value){(uint64_t)(uintptr_t)cell, long_tag, 0};
    }
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
csp_value_bigint(const void *data, size_t size, csp_value *out)
{
    const unsigned char *p = data;

    if (size == 0)
        return CSP_EINVAL;
    bool negative = p[size - 1] & 0x80;
    /* Leading bytes that only repeat the sign say nothing. */
    while (size > 1 && p[size - 1] == (negative ? 0xff : 0) &&
           !!(p[size - 2] & 0x80) == negative)
        size--;
    if (size <= sizeof(int64_t)) {
        int64_t i = negative ? -1 : 0;
        memcpy(&i, p, size);
        *out = csp_value_int(i);
        return 0;
    }
    struct cspi_cell *cell = cspi_value_cell_new(size, 0);
    if (!cell)
        return CSP_ENOMEM;
    memcpy(cell->data, p, size);
    *out = (csp_value){(uint64_t)(uintptr_t)cell, CSP_TAG_BIGINT_, 0};
    return 0;
}

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
