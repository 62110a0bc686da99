// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tree_builder.c: a tree item by item, without knowing beforehand how many.
 *
 * Invariants:
 *   B1  What a builder holds is one value: root_, or else what is in code_.
 *       handles_ owns a reference of each handle in it.
 *   B2  open_ has the places in code_ at which the open containers begin, the
 *       innermost last. The count of each has the long form there, and is the
 *       number of its elements so far.
 *   B3  Once a call has failed, nothing but fini changes the builder.
 * Memory:  the areas belong to the builder; finish copies them into a cell of
 *          the right size. */
#include <stdlib.h>
#include <string.h>

#include <csp/status.h>
#include <csp/tree.h>

#include "alloc.h"
#include "value_priv.h"

enum {
    LONG_COUNT = 255, /* the first byte of a count that has 8 more */
    HEAD = 10,        /* the size of an item with such a count */
    MOVED = 256       /* a container of at most so much is moved to save 8 */
};

/* @p n more bytes of an area. NULL: no memory. */
static char *
reserve(struct csp_tree_area_ *a, size_t n)
{
    if (n > SIZE_MAX / 4 - a->size)
        return NULL;
    if (n > a->room - a->size) {
        size_t room = a->room ? a->room : 64;
        while (room < a->size + n)
            room *= 2;
        char *more = cspi_alloc_raw(room);
        if (!more)
            return NULL;
        if (a->size)
            memcpy(more, a->data, a->size);
        cspi_alloc_free(a->data, a->room);
        a->data = more;
        a->room = room;
    }
    a->size += n;
    return a->data + a->size - n;
}

static void
area_free(struct csp_tree_area_ *a)
{
    cspi_alloc_free(a->data, a->room);
}

void
csp_tree_builder_init(csp_tree_builder *b)
{
    memset(b, 0, sizeof *b);
}

void
csp_tree_builder_fini(csp_tree_builder *b)
{
    csp_handle **handles = (csp_handle **)(void *)b->handles_.data;

    for (size_t i = 0; i < b->handles_.size / sizeof *handles; i++)
        csp_handle_unref(handles[i]);
    area_free(&b->handles_);
    area_free(&b->code_);
    area_free(&b->open_);
    csp_value_unref(&b->root_);
    csp_tree_builder_init(b);
}

static int
fail(csp_tree_builder *b, int rc)
{
    if (rc < 0)
        b->error_ = rc;
    return rc;
}

/* Where the innermost open container begins; NULL: none is open. */
static char *
innermost(csp_tree_builder *b)
{
    size_t at;

    if (b->open_.size == 0)
        return NULL;
    memcpy(&at, b->open_.data + b->open_.size - sizeof at, sizeof at);
    return b->code_.data + at;
}

/* Makes a place for one more item. */
static int
place(csp_tree_builder *b)
{
    char *container = innermost(b);
    uint64_t n;

    if (b->error_)
        return b->error_;
    if (!container)
        return fail(b, b->roots_++ ? CSP_EINVAL : 0);
    memcpy(&n, container + 2, sizeof n);
    n++;
    memcpy(container + 2, &n, sizeof n);
    return 0;
}

static int
put(csp_tree_builder *b, int op, const void *data, size_t n)
{
    char *at = reserve(&b->code_, n + 1);

    if (!at)
        return CSP_ENOMEM;
    at[0] = (char)op;
    if (n)
        memcpy(at + 1, data, n);
    return 0;
}

static int
put_count(csp_tree_builder *b, int op, uint64_t n)
{
    unsigned char small = (unsigned char)n, big[9] = {LONG_COUNT};

    if (n < LONG_COUNT)
        return put(b, op, &small, 1);
    memcpy(big + 1, &n, sizeof n);
    return put(b, op, big, sizeof big);
}

static int
put_code(csp_tree_builder *b, const char *code, size_t n)
{
    char *at = reserve(&b->code_, n);

    if (!at)
        return CSP_ENOMEM;
    memcpy(at, code, n);
    return 0;
}

static int
put_block(csp_tree_builder *b, int op, const char *data, size_t n)
{
    int rc = put_count(b, op, n);

    return rc < 0 || n == 0 ? rc : put_code(b, data, n);
}

static int
put_int(csp_tree_builder *b, int64_t i)
{
    if (i == (int8_t)i)
        return put(b, CSP_TREE_INT8, &i, 1);
    if (i == (int16_t)i)
        return put(b, CSP_TREE_INT16, &i, 2);
    if (i == (int32_t)i)
        return put(b, CSP_TREE_INT32, &i, 4);
    return put(b, CSP_TREE_INT64, &i, 8);
}

static int
put_handle(csp_tree_builder *b, csp_value v)
{
    csp_handle *h = (csp_handle *)(uintptr_t)v.bits_;
    size_t index = b->handles_.size / sizeof h;
    char *at = reserve(&b->handles_, sizeof h);

    if (!at)
        return CSP_ENOMEM;
    csp_handle_ref(h);
    memcpy(at, &h, sizeof h);
    return put_count(b, CSP_TREE_HANDLE, index);
}

/* Where a shared item of a tree is, and where it has been put: in the order of
 * both. */
struct place {
    size_t from, to;
};

static int
note_place(struct csp_tree_area_ *places, size_t from, size_t to)
{
    struct place p = {from, to};
    char *at = reserve(places, sizeof p);

    if (!at)
        return CSP_ENOMEM;
    memcpy(at, &p, sizeof p);
    return 0;
}

static int
compare_places(const void *from, const void *place)
{
    size_t a = *(const size_t *)from, b = ((const struct place *)place)->from;

    return a < b ? -1 : a > b;
}

/* A REF to the item that was at @p from: the distance can be another. */
static int
put_ref(csp_tree_builder *b, const struct csp_tree_area_ *places, size_t from)
{
    const struct place *p =
        places->size ? bsearch(&from, places->data, places->size / sizeof *p,
                               sizeof *p, compare_places)
                     : NULL;

    return p ? put_count(b, CSP_TREE_REF, b->code_.size - p->to) : CSP_EINVAL;
}

static int
put_item(csp_tree_builder *b, struct csp_tree_area_ *places,
         const csp_tree_cursor *c, const csp_tree_item *item)
{
    size_t to = b->code_.size, unused;
    size_t from = (size_t)(c->item_ - csp_value_data(c->value_, &unused));
    int rc;

    if (item->back)
        return put_ref(b, places, from - item->back);
    if (item->op == CSP_TREE_HANDLE)
        rc = put_handle(b, item->value);
    else
        rc = put_code(b, c->item_, (size_t)(c->at_ - c->item_));
    if (rc < 0 || !item->shared)
        return rc;
    b->code_.data[to] |= (char)CSP_TREE_SHARED;
    return note_place(places, from, to);
}

/* Item by item: it may be malformed, its handles get other numbers, and so
 * REFs other distances. These stay right when the container around it all is
 * moved. */
static int
put_tree(csp_tree_builder *b, csp_value v)
{
    struct csp_tree_area_ places = {0};
    csp_tree_cursor c;
    csp_tree_item item;
    int rc = 0, more;

    csp_tree_cursor_init(&c, &v);
    while (rc == 0 && (more = csp_tree_cursor_next(&c, &item)) > 0)
        rc = put_item(b, &places, &c, &item);
    area_free(&places);
    return rc < 0 ? rc : more;
}

static int
put_value(csp_tree_builder *b, csp_value v)
{
    struct cspi_atom a;

    if (v.tag_ == CSP_TAG_TREE_)
        return put_tree(b, v);
    if (v.tag_ == CSP_TAG_LENT_STR_ || v.tag_ == CSP_TAG_LENT_BYTES_)
        return put_handle(b, v);
    cspi_value_atom(&v, &a);
    switch (a.kind) {
    case CSP_KIND_NONE:
        return put(b, CSP_TREE_NONE, NULL, 0);
    case CSP_KIND_BOOL:
        return put(b, a.bits[0] ? CSP_TREE_TRUE : CSP_TREE_FALSE, NULL, 0);
    case CSP_KIND_INT:
        return put_int(b, (int64_t)a.bits[0]);
    case CSP_KIND_FLOAT:
        return put(b, CSP_TREE_FLOAT, a.bits, 8);
    case CSP_KIND_COMPLEX:
        return put(b, CSP_TREE_COMPLEX, a.bits, 16);
    case CSP_KIND_STR:
        return put_block(b, CSP_TREE_STR, a.data, a.size);
    case CSP_KIND_BYTES:
        return put_block(b, CSP_TREE_BYTES, a.data, a.size);
    case CSP_KIND_BIGINT:
        return put_block(b, CSP_TREE_BIGINT, a.data, a.size);
    case CSP_KIND_HANDLE:
    case CSP_KIND_BUFFER:
        return put_handle(b, v);
    case CSP_KIND_TREE:
    case CSP_KIND_COUNT:
        break;
    }
    return CSP_EINVAL;
}

int
csp_tree_builder_add(csp_tree_builder *b, csp_value v)
{
    int rc = place(b);

    if (rc < 0)
        return rc;
    if (innermost(b) || v.tag_ == CSP_TAG_TREE_)
        return fail(b, put_value(b, v));
    b->root_ = csp_value_ref(v);
    return 0;
}

int
csp_tree_builder_data(csp_tree_builder *b, int op, const void *data,
                      size_t size)
{
    int rc = place(b);

    if (rc < 0)
        return rc;
    if ((op != CSP_TREE_STR && op != CSP_TREE_BYTES && op != CSP_TREE_BIGINT &&
         op != CSP_TREE_BYTEARRAY) ||
        (op == CSP_TREE_BIGINT && size == 0))
        return fail(b, CSP_EINVAL);
    if (innermost(b) || op == CSP_TREE_BYTEARRAY)
        return fail(b, put_block(b, op, data, size));
    return fail(b, op == CSP_TREE_STR ? csp_value_str(data, size, &b->root_)
                   : op == CSP_TREE_BYTES
                       ? csp_value_bytes(data, size, &b->root_)
                       : csp_value_bigint(data, size, &b->root_));
}

static bool
is_container(int op)
{
    return op == CSP_TREE_TUPLE || op == CSP_TREE_LIST || op == CSP_TREE_DICT ||
           op == CSP_TREE_SET || op == CSP_TREE_FROZENSET ||
           op == CSP_TREE_FROZENDICT || op == CSP_TREE_RANGE ||
           op == CSP_TREE_SLICE;
}

int
csp_tree_builder_begin(csp_tree_builder *b, int op)
{
    const unsigned char none_yet[HEAD - 1] = {LONG_COUNT};
    int rc = place(b);

    if (rc < 0)
        return rc;
    if (!is_container(op))
        return fail(b, CSP_EINVAL);
    size_t start = b->code_.size;
    char *at = reserve(&b->open_, sizeof start);
    if (!at)
        return fail(b, CSP_ENOMEM);
    memcpy(at, &start, sizeof start);
    return fail(b, put(b, op, none_yet, sizeof none_yet));
}

/* Makes of the number of elements what is written as the count. Returns: 0;
 * CSP_EINVAL if there cannot be so many. */
static int
count_elements(int op, uint64_t *n)
{
    uint64_t elements = *n;

    switch (op) {
    case CSP_TREE_DICT:
    case CSP_TREE_FROZENDICT:
        *n = elements / 2;
        return elements % 2 ? CSP_EINVAL : 0;
    case CSP_TREE_RANGE:
    case CSP_TREE_SLICE:
        return elements == 3 ? 0 : CSP_EINVAL;
    }
    return 0;
}

int
csp_tree_builder_end(csp_tree_builder *b)
{
    char *at = innermost(b);
    uint64_t n;

    if (b->error_)
        return b->error_;
    if (!at)
        return fail(b, CSP_EINVAL);
    memcpy(&n, at + 2, sizeof n);
    if (count_elements((unsigned char)*at, &n) < 0)
        return fail(b, CSP_EINVAL);
    size_t size = (size_t)(b->code_.data + b->code_.size - (at + HEAD));
    if (n < LONG_COUNT && size <= MOVED) {
        at[1] = (char)n;
        memmove(at + 2, at + HEAD, size);
        b->code_.size -= HEAD - 2;
    } else {
        memcpy(at + 2, &n, sizeof n);
    }
    b->open_.size -= sizeof(size_t);
    return 0;
}

int
csp_tree_builder_finish(csp_tree_builder *b, csp_value *out)
{
    int rc = b->error_;

    if (rc == 0 && (b->roots_ == 0 || innermost(b)))
        rc = CSP_EINVAL;
    if (rc == 0 && b->code_.size)
        rc = csp_tree_new(b->code_.data, b->code_.size,
                          (csp_handle *const *)(void *)b->handles_.data,
                          b->handles_.size / sizeof(csp_handle *), out);
    else if (rc == 0)
        *out = b->root_;
    if (rc < 0)
        return fail(b, rc);
    b->handles_.size = 0; /* they have passed, and so has root_ */
    b->root_ = csp_value_none();
    csp_tree_builder_fini(b);
    return 0;
}
