// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tree.c: a nested value in one counted cell: its code, then its handles.
 *
 * Invariants:
 *   T1  A reader never looks behind end_: take() is the only way forward.
 *   T2  pending_ is the number of items that the code must still have, at most
 *       that of the bytes that are left, as each item takes one: so it cannot
 *       overflow, and reading ends.
 *   T3  Whoever reads keeps nothing per container but counts in a fixed number
 *       of levels: depth costs no stack.
 *   T4  A REF means an item before it, and a cursor that follows it ends where
 *       the REF stands: so following ends, too.
 *   T5  In prefix order the counts alone say how items nest: two trees are
 *       equal if their items are, one after another. */
#include <string.h>

#include <csp/status.h>
#include <csp/tree.h>

#include "value_priv.h"

enum { LONG_COUNT = 255, PRINT_DEPTH = 16 };

int
csp_tree_new(const void *code, size_t size, csp_handle *const *handles,
             size_t n_handles, csp_value *out)
{
    if (size == 0)
        return CSP_EINVAL;
    struct cspi_cell *cell = cspi_value_cell_new(size, n_handles);
    if (!cell)
        return CSP_ENOMEM;
    memcpy(cell->data, code, size);
    if (n_handles)
        memcpy(cspi_value_cell_handles(cell), handles,
               n_handles * sizeof *handles);
    *out = (csp_value){(uint64_t)(uintptr_t)cell, CSP_TAG_TREE_, 0};
    return 0;
}

csp_handle *
csp_tree_handle(csp_value v, size_t index)
{
    if (v.tag_ != CSP_TAG_TREE_ || index >= cspi_value_cell(v)->n_handles)
        return NULL;
    return cspi_value_cell_handles(cspi_value_cell(v))[index];
}

csp_value
csp_tree_value(csp_value v, size_t index)
{
    csp_handle *h = csp_tree_handle(v, index);

    return h ? cspi_value_of_handle(h) : csp_value_none();
}

static bool
is_dict(int op)
{
    return op == CSP_TREE_DICT || op == CSP_TREE_FROZENDICT;
}

/* The fewest and the most elements that a container can have. */
static bool
can_have(int op, uint64_t n)
{
    switch (op) {
    case CSP_TREE_RANGE:
    case CSP_TREE_SLICE:
        return n == 3;
    case CSP_TREE_PICKLED:
    case CSP_TREE_VIEW:
        return n >= 2;
    }
    return true;
}

/* ---- reading ---- */

void
csp_tree_cursor_init(csp_tree_cursor *c, const csp_value *v)
{
    size_t size = 0;

    *c = (csp_tree_cursor){.value_ = v, .at_ = "", .pending_ = 1};
    if (v->tag_ == CSP_TAG_TREE_)
        c->at_ = csp_value_data(v, &size);
    c->end_ = c->at_ + size;
}

/* From here on there is an item too few: T2. */
static int
spoil(csp_tree_cursor *c)
{
    c->at_ = c->end_ = "";
    c->pending_ = 1;
    return CSP_EINVAL;
}

static size_t
left(const csp_tree_cursor *c)
{
    return (size_t)(c->end_ - c->at_);
}

static const char *
take(csp_tree_cursor *c, uint64_t n)
{
    const char *at = c->at_;

    if (n > left(c))
        return NULL;
    c->at_ += n;
    return at;
}

static bool
take_count(csp_tree_cursor *c, uint64_t *n)
{
    const char *at = take(c, 1);

    if (!at)
        return false;
    *n = (unsigned char)*at;
    if (*n != LONG_COUNT)
        return true;
    if (!(at = take(c, sizeof *n)))
        return false;
    memcpy(n, at, sizeof *n);
    return true;
}

/* An item that is a value of its own. */
static void
set_value(csp_tree_item *item, const csp_value *v)
{
    item->kind = csp_value_kind(*v);
    item->value = *v;
    if (item->kind == CSP_KIND_COMPLEX)
        item->real = csp_value_as_complex(*v, &item->imag);
    else
        item->data = csp_value_data(v, &item->size);
}

static bool
set_simple(csp_tree_item *item, csp_value v)
{
    item->kind = csp_value_kind(v);
    item->value = v;
    return true;
}

static bool
take_int(csp_tree_cursor *c, size_t size, csp_tree_item *item)
{
    const char *at = take(c, size);

    return at && set_simple(item, csp_value_int(cspi_value_int_load(at, size)));
}

static bool
take_floats(csp_tree_cursor *c, size_t n, csp_tree_item *item)
{
    double d[2] = {0, 0};
    const char *at = take(c, n * sizeof *d);

    if (!at)
        return false;
    memcpy(d, at, n * sizeof *d);
    if (n == 1)
        return set_simple(item, csp_value_float(d[0]));
    item->kind = CSP_KIND_COMPLEX;
    item->real = d[0];
    item->imag = d[1];
    return true;
}

static bool
take_block(csp_tree_cursor *c, csp_kind kind, csp_tree_item *item)
{
    uint64_t n;

    if (!take_count(c, &n) || !(item->data = take(c, n)))
        return false;
    item->kind = kind;
    item->size = (size_t)n;
    return true;
}

/* One that would fit 64 bits is an INT, here too (V3). */
static bool
take_bigint(csp_tree_cursor *c, csp_tree_item *item)
{
    if (!take_block(c, CSP_KIND_BIGINT, item) || item->size == 0)
        return false;
    item->size = cspi_value_int_size(item->data, item->size);
    if (item->size > sizeof(int64_t))
        return true;
    int64_t i = cspi_value_int_load(item->data, item->size);
    item->data = NULL;
    item->size = 0;
    return set_simple(item, csp_value_int(i));
}

static bool
take_container(csp_tree_cursor *c, csp_tree_item *item)
{
    uint64_t n;

    if (!take_count(c, &n) || n > left(c))
        return false;
    if (!can_have(item->op, n))
        return false;
    item->kind = CSP_KIND_TREE;
    item->count = is_dict(item->op) ? 2 * n : n;
    return true;
}

static bool
take_handle(csp_tree_cursor *c, csp_tree_item *item)
{
    uint64_t i;

    if (!take_count(c, &i) || i > SIZE_MAX)
        return false;
    csp_handle *h = csp_tree_handle(*c->value_, (size_t)i);
    if (!h)
        return false;
    csp_value v = cspi_value_of_handle(h);
    set_value(item, &v);
    return true;
}

/* There is no more to know of it here: it cannot have more objects before it
 * than bytes. */
static bool
take_object(csp_tree_cursor *c, csp_tree_item *item)
{
    uint64_t i;
    size_t size;

    if (!take_count(c, &i))
        return false;
    csp_value_data(c->value_, &size);
    item->kind = CSP_KIND_TREE;
    return i < size;
}

static bool take_again(csp_tree_cursor *c, csp_tree_item *item);

static bool
take_item(csp_tree_cursor *c, csp_tree_item *item)
{
    const char *at = take(c, 1);

    if (!at)
        return false;
    c->item_ = at;
    item->op = (unsigned char)*at & ~CSP_TREE_SHARED;
    item->shared = *at & CSP_TREE_SHARED;
    switch (item->op) {
    case CSP_TREE_NONE:
        return set_simple(item, csp_value_none());
    case CSP_TREE_FALSE:
    case CSP_TREE_TRUE:
        return set_simple(item, csp_value_bool(item->op == CSP_TREE_TRUE));
    case CSP_TREE_INT8:
        return take_int(c, 1, item);
    case CSP_TREE_INT16:
        return take_int(c, 2, item);
    case CSP_TREE_INT32:
        return take_int(c, 4, item);
    case CSP_TREE_INT64:
        return take_int(c, 8, item);
    case CSP_TREE_FLOAT:
        return take_floats(c, 1, item);
    case CSP_TREE_COMPLEX:
        return take_floats(c, 2, item);
    case CSP_TREE_BIGINT:
        return take_bigint(c, item);
    case CSP_TREE_STR:
        return take_block(c, CSP_KIND_STR, item);
    case CSP_TREE_BYTES:
        return take_block(c, CSP_KIND_BYTES, item);
    case CSP_TREE_BYTEARRAY:
        return take_block(c, CSP_KIND_TREE, item);
    case CSP_TREE_TUPLE:
    case CSP_TREE_LIST:
    case CSP_TREE_DICT:
    case CSP_TREE_SET:
    case CSP_TREE_FROZENSET:
    case CSP_TREE_FROZENDICT:
    case CSP_TREE_RANGE:
    case CSP_TREE_SLICE:
    case CSP_TREE_PICKLED:
    case CSP_TREE_VIEW:
        return take_container(c, item);
    case CSP_TREE_HANDLE:
        return take_handle(c, item);
    case CSP_TREE_OBJECT:
        return take_object(c, item);
    case CSP_TREE_REF:
        return !item->shared && take_again(c, item);
    }
    return false;
}

/* A cursor at what the item @p back bytes before c->item_ is. */
static bool
go_back(const csp_tree_cursor *c, uint64_t back, csp_tree_cursor *out)
{
    size_t size;
    const char *begin = csp_value_data(c->value_, &size);

    if (back > (uint64_t)(c->item_ - begin))
        return false;
    *out = (csp_tree_cursor){.value_ = c->value_,
                             .at_ = c->item_ - back,
                             .end_ = c->item_, /* T4 */
                             .pending_ = 1,
                             .part_ = true};
    return back && *out->at_ & CSP_TREE_SHARED &&
           (*out->at_ & ~CSP_TREE_SHARED) != CSP_TREE_REF;
}

/* What has no elements is given as if it stood here. */
static bool
take_again(csp_tree_cursor *c, csp_tree_item *item)
{
    csp_tree_cursor before;
    uint64_t back;

    if (!take_count(c, &back) || !go_back(c, back, &before) ||
        !take_item(&before, item))
        return false;
    item->back = back;
    if (item->kind == CSP_KIND_TREE && item->op != CSP_TREE_BYTEARRAY &&
        item->op != CSP_TREE_OBJECT) {
        item->op = CSP_TREE_REF;
        item->count = 0;
    }
    return true;
}

int
csp_tree_cursor_next(csp_tree_cursor *c, csp_tree_item *item)
{
    *item = (csp_tree_item){.kind = CSP_KIND_NONE};
    if (c->pending_ == 0)
        return c->at_ == c->end_ || c->part_ ? 0 : spoil(c);
    if (c->value_->tag_ != CSP_TAG_TREE_)
        set_value(item, c->value_);
    else if (!take_item(c, item))
        return spoil(c);
    c->pending_ += item->count - 1;
    return c->pending_ > left(c) ? spoil(c) : 1;
}

int
csp_tree_cursor_follow(const csp_tree_cursor *c, const csp_tree_item *item,
                       csp_tree_cursor *out)
{
    if (item->kind != CSP_KIND_TREE || item->op != CSP_TREE_REF)
        return CSP_EINVAL;
    return go_back(c, item->back, out) ? 0 : CSP_EINVAL;
}

int
csp_tree_cursor_skip(csp_tree_cursor *c, const csp_tree_item *item)
{
    csp_tree_item passed;

    if (item->count > c->pending_)
        return CSP_EINVAL;
    for (uint64_t rest = c->pending_ - item->count; c->pending_ > rest;)
        if (csp_tree_cursor_next(c, &passed) < 0)
            return CSP_EINVAL;
    return 0;
}

/* ---- what value.c asks ---- */

static bool
is_container(const csp_tree_item *item)
{
    return item->kind == CSP_KIND_TREE;
}

static void
atom_of(const csp_tree_item *item, struct cspi_atom *a)
{
    if (csp_value_kind(item->value) == item->kind) {
        cspi_value_atom(&item->value, a);
        return;
    }
    *a = (struct cspi_atom){
        .kind = item->kind, .data = item->data, .size = item->size};
    memcpy(&a->bits[0], &item->real, sizeof a->bits[0]);
    memcpy(&a->bits[1], &item->imag, sizeof a->bits[1]);
}

static bool
items_equal(const csp_tree_item *x, const csp_tree_item *y)
{
    struct cspi_atom a, b;

    if (is_container(x) || is_container(y))
        return x->kind == y->kind && x->op == y->op && x->count == y->count &&
               (x->op != CSP_TREE_REF || x->back == y->back) &&
               x->size == y->size &&
               (x->size == 0 || memcmp(x->data, y->data, x->size) == 0);
    atom_of(x, &a);
    atom_of(y, &b);
    return cspi_value_atom_equal(&a, &b);
}

static bool
same_code(struct cspi_cell *a, struct cspi_cell *b)
{
    return a->size == b->size && a->n_handles == b->n_handles &&
           memcmp(a->data, b->data, a->size) == 0 &&
           (a->n_handles == 0 ||
            memcmp(cspi_value_cell_handles(a), cspi_value_cell_handles(b),
                   a->n_handles * sizeof(csp_handle *)) == 0);
}

static bool
tree_equal(csp_value a, csp_value b)
{
    csp_tree_cursor c, d;
    csp_tree_item x, y;
    int more, other;

    if (same_code(cspi_value_cell(a), cspi_value_cell(b)))
        return true;
    csp_tree_cursor_init(&c, &a);
    csp_tree_cursor_init(&d, &b);
    do {
        more = csp_tree_cursor_next(&c, &x);
        other = csp_tree_cursor_next(&d, &y);
    } while (more > 0 && other > 0 && items_equal(&x, &y));
    return more == 0 && other == 0;
}

static uint64_t
tree_hash(csp_value v)
{
    csp_tree_cursor c;
    csp_tree_item item;
    struct cspi_atom a;
    uint64_t hash = CSP_KIND_TREE;

    csp_tree_cursor_init(&c, &v);
    while (csp_tree_cursor_next(&c, &item) > 0) {
        if (is_container(&item)) {
            hash = cspi_value_mix(hash, (uint64_t)item.op << 56 ^ item.count);
            if (item.op == CSP_TREE_REF)
                hash = cspi_value_mix(hash, item.back);
            hash = cspi_value_mix_bytes(hash, item.data, item.size);
        } else {
            atom_of(&item, &a);
            hash = cspi_value_atom_hash(hash, &a);
        }
    }
    return hash;
}

/* ---- printing ---- */

struct level {
    int op;
    uint64_t count, left; /* elements, and those that are not complete */
};

static const struct {
    const char *open, *close, *empty;
} brackets[CSP_TREE_OP_COUNT] = {
    [CSP_TREE_TUPLE] = {"(", ")", "()"},
    [CSP_TREE_LIST] = {"[", "]", "[]"},
    [CSP_TREE_DICT] = {"{", "}", "{}"},
    [CSP_TREE_SET] = {"{", "}", "set()"},
    [CSP_TREE_FROZENSET] = {"frozenset({", "})", "frozenset()"},
    [CSP_TREE_FROZENDICT] = {"frozendict({", "})", "frozendict()"},
    [CSP_TREE_RANGE] = {"range(", ")", NULL},
    [CSP_TREE_SLICE] = {"slice(", ")", NULL},
    [CSP_TREE_REF] = {NULL, NULL, "<again>"},
    [CSP_TREE_PICKLED] = {"pickled(", ")", NULL},
    [CSP_TREE_OBJECT] = {NULL, NULL, "<object>"},
    [CSP_TREE_VIEW] = {"memoryview(", ")", NULL},
};

/* What comes before the next element of @p l. */
static const char *
separator(const struct level *l)
{
    uint64_t index = l->count - l->left;

    return index == 0 ? "" : is_dict(l->op) && index % 2 ? ": " : ", ";
}

static void
put_close(struct cspi_text *t, int op, uint64_t count)
{
    if (op == CSP_TREE_TUPLE && count == 1)
        cspi_text_put(t, ",");
    cspi_text_put(t, brackets[op].close);
}

/* An item that needs no level. */
static void
put_whole(struct cspi_text *t, const csp_tree_item *item)
{
    struct cspi_atom a;

    if (!is_container(item)) {
        atom_of(item, &a);
        cspi_value_put_atom(t, &a);
    } else if (item->op == CSP_TREE_BYTEARRAY) {
        cspi_text_put(t, "bytearray(");
        cspi_text_bytes(t, item->data, item->size);
        cspi_text_put(t, ")");
    } else {
        cspi_text_put(t, brackets[item->op].empty);
    }
}

static void
tree_put(struct cspi_text *t, csp_value v)
{
    struct level levels[1 + PRINT_DEPTH], *l = levels;
    csp_tree_cursor c;
    csp_tree_item item;
    int rc;

    csp_tree_cursor_init(&c, &v);
    *l = (struct level){.op = CSP_TREE_LIST, .count = 1, .left = 1};
    while ((rc = csp_tree_cursor_next(&c, &item)) > 0) {
        cspi_text_put(t, separator(l));
        if (item.count == 0) {
            put_whole(t, &item);
        } else if (l < levels + PRINT_DEPTH) {
            cspi_text_put(t, brackets[item.op].open);
            *++l = (struct level){item.op, item.count, item.count};
            continue;
        } else {
            cspi_text_put(t, brackets[item.op].open);
            cspi_text_put(t, "...");
            put_close(t, item.op, 2);
            csp_tree_cursor_skip(&c, &item); /* next says if that failed */
        }
        while (--l->left == 0 && l > levels) {
            put_close(t, l->op, l->count);
            l--;
        }
    }
    if (rc < 0)
        cspi_text_put(t, "<malformed>");
}

const struct cspi_value_trees cspi_value_trees = {tree_equal, tree_hash,
                                                  tree_put};
