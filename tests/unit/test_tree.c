// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdlib.h>

#include <csp/tree.h>

#include "unit.h"

SUITE(tree);

enum { MAX = 5 };

static struct unit_object objects[MAX];
static csp_handle *handles[MAX];

/* @p n objects with one reference each, which the tree will own. */
static void
make_objects(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        objects[i].released = 0;
        UNIT_OBJECT_INIT(&objects[i]);
        handles[i] = &objects[i].handle;
    }
}

Test(tree, code_and_handles_come_out_as_they_went_in)
{
    char code[40];
    csp_value v;
    size_t got;

    for (size_t size = 1; size <= sizeof code; size++)
        for (size_t n = 0; n <= MAX; n++) {
            memset(code, (int)size, sizeof code);
            make_objects(n);
            cr_assert(eq(int, csp_tree_new(code, size, handles, n, &v), 0));
            memset(code, 0, sizeof code);
            memset(handles, 0, sizeof handles); /* both were copied */
            cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_TREE));
            const char *data = csp_value_data(&v, &got);
            cr_assert(eq(sz, got, size));
            for (size_t i = 0; i < size; i++)
                cr_assert(eq(int, data[i], (int)size));
            for (size_t i = 0; i < n; i++)
                cr_assert(eq(ptr, csp_tree_handle(v, i), &objects[i].handle));
            csp_value_unref(&v);
        }
}

Test(tree, the_last_reference_releases_each_handle_once)
{
    csp_value v, w;

    make_objects(MAX);
    cr_assert(eq(int, csp_tree_new("x", 1, handles, MAX, &v), 0));
    w = csp_value_ref(v);
    csp_value_unref(&v);
    for (int i = 0; i < MAX; i++)
        cr_assert(eq(uint, objects[i].released, 0));
    csp_value_unref(&w);
    for (int i = 0; i < MAX; i++)
        cr_assert(eq(uint, objects[i].released, 1));
}

Test(tree, a_lent_value_comes_out_of_a_tree_as_itself)
{
    const unsigned char code[] = {CSP_TREE_LIST, 1, CSP_TREE_HANDLE, 0};
    csp_value lent, v;

    cr_assert(eq(
        int, csp_value_buffer("lent", 4, CSP_VALUE_AS_STR, NULL, NULL, &lent),
        0));
    csp_handle *h = csp_value_as_item(lent); /* its reference passes */
    cr_assert(eq(int, csp_tree_new(code, sizeof code, &h, 1, &v), 0));
    cr_assert(csp_value_equal(csp_tree_value(v, 0), lent));
    cr_assert(csp_value_is_unique(csp_tree_value(v, 0)));
    cr_assert(
        eq(int, (int)csp_value_kind(csp_tree_value(v, 1)), CSP_KIND_NONE));
    cr_assert(
        eq(int, (int)csp_value_kind(csp_tree_value(lent, 0)), CSP_KIND_NONE));
    csp_value_unref(&v);
}

Test(tree, a_handle_that_is_not_there_is_null)
{
    csp_value v, other;

    make_objects(2);
    cr_assert(eq(int, csp_tree_new("x", 1, handles, 2, &v), 0));
    cr_assert(eq(ptr, csp_tree_handle(v, 2), NULL));
    cr_assert(eq(ptr, csp_tree_handle(v, SIZE_MAX), NULL));
    cr_assert(eq(int, csp_value_bytes("0123456789", 10, &other), 0));
    cr_assert(eq(ptr, csp_tree_handle(other, 0), NULL));
    cr_assert(eq(ptr, csp_tree_handle(csp_value_int(1), 0), NULL));
    csp_value_unref(&other);
    csp_value_unref(&v);
}

Test(tree, a_tree_without_code_is_invalid_and_takes_nothing)
{
    csp_value v;

    make_objects(1);
    cr_assert(eq(int, csp_tree_new("", 0, handles, 1, &v), CSP_EINVAL));
    cr_assert(eq(uint, objects[0].released, 0));
}

static int
make_tree(void)
{
    csp_value v;

    make_objects(2);
    int rc = csp_tree_new("abc", 3, handles, 2, &v);
    if (rc == 0)
        csp_value_unref(&v);
    for (int i = 0; i < 2; i++) /* on failure they stayed here */
        cr_assert(eq(uint, objects[i].released, rc == 0));
    return rc;
}

Test(tree, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_tree), 1));
}

Test(tree, the_same_handle_twice_is_two_references)
{
    csp_value v;

    make_objects(1);
    handles[1] = csp_handle_ref(handles[0]);
    cr_assert(eq(int, csp_tree_new("x", 1, handles, 2, &v), 0));
    csp_value_unref(&v);
    cr_assert(eq(uint, objects[0].released, 1));
}

/* An object that holds a value. */
struct holder {
    csp_handle handle;
    csp_value value;
};

static unsigned holders_released, releasing, deepest;

static void
holder_release(csp_handle *h)
{
    struct holder *holder = (struct holder *)h;

    deepest = ++releasing > deepest ? releasing : deepest;
    csp_value_unref(&holder->value);
    free(holder);
    holders_released++;
    releasing--;
}

static const csp_handle_type holder_type = {
    .size = sizeof holder_type, .name = "holder", .release = holder_release};

Test(tree, trees_in_each_other_are_released_without_recursion)
{
    static const char code[] = {CSP_TREE_LIST, 1, CSP_TREE_HANDLE, 0};
    enum { DEPTH = 300000 };
    csp_value v = csp_value_none();

    for (int i = 0; i < DEPTH; i++) {
        struct holder *holder = malloc(sizeof *holder);
        csp_handle *h = &holder->handle;
        csp_handle_init(h, &holder_type);
        holder->value = v;
        cr_assert(eq(int, csp_tree_new(code, sizeof code, &h, 1, &v), 0));
    }
    csp_value_unref(&v);
    cr_assert(eq(uint, holders_released, DEPTH));
    cr_assert(eq(uint, deepest, 1));
}

/* ---- building ---- */

#define OK(call) cr_assert(eq(int, (call), 0))

static csp_value
code_value(const void *code, size_t size)
{
    csp_value v;

    OK(csp_tree_new(code, size, NULL, 0, &v));
    return v;
}

static csp_value
finish(csp_tree_builder *b)
{
    csp_value v = csp_value_none();

    OK(csp_tree_builder_finish(b, &v));
    return v;
}

static void
add_str(csp_tree_builder *b, const char *text)
{
    OK(csp_tree_builder_data(b, CSP_TREE_STR, text, strlen(text)));
}

static void
check_print(csp_value v, const char *expected)
{
    char text[600];

    csp_value_print(v, text, sizeof text);
    cr_assert(eq(str, text, (char *)(uintptr_t)expected));
}

/* Takes over both. */
static void
check_equal(csp_value a, csp_value b)
{
    cr_assert(csp_value_equal(a, b) && csp_value_equal(b, a));
    cr_assert(eq(u64, csp_value_hash(a), csp_value_hash(b)));
    csp_value_unref(&a);
    csp_value_unref(&b);
}

/* Takes over both. */
static void
check_different(csp_value a, csp_value b)
{
    cr_assert(not(csp_value_equal(a, b)));
    cr_assert(not(csp_value_equal(b, a)));
    cr_assert(ne(u64, csp_value_hash(a), csp_value_hash(b)));
    csp_value_unref(&a);
    csp_value_unref(&b);
}

Test(tree, what_is_built_has_the_code_of_the_header)
{
    static const unsigned char code[] = {CSP_TREE_LIST,
                                         9,
                                         /**/ CSP_TREE_NONE,
                                         CSP_TREE_TRUE,
                                         CSP_TREE_FALSE,
                                         /**/ CSP_TREE_INT8,
                                         0x85,
                                         CSP_TREE_INT16,
                                         0x00,
                                         0x80,
                                         /**/ CSP_TREE_FLOAT,
                                         0,
                                         0,
                                         0,
                                         0,
                                         0,
                                         0,
                                         0xf8,
                                         0x3f,
                                         /**/ CSP_TREE_STR,
                                         3,
                                         'o',
                                         'n',
                                         'e',
                                         /**/ CSP_TREE_DICT,
                                         1,
                                         CSP_TREE_BYTES,
                                         0,
                                         CSP_TREE_TUPLE,
                                         0,
                                         /**/ CSP_TREE_SLICE,
                                         3,
                                         CSP_TREE_NONE,
                                         CSP_TREE_NONE,
                                         CSP_TREE_NONE};
    csp_tree_builder b;
    size_t size;

    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_add(&b, csp_value_none()));
    OK(csp_tree_builder_add(&b, csp_value_bool(true)));
    OK(csp_tree_builder_add(&b, csp_value_bool(false)));
    OK(csp_tree_builder_add(&b, csp_value_int(-123)));
    OK(csp_tree_builder_add(&b, csp_value_int(-32768)));
    OK(csp_tree_builder_add(&b, csp_value_float(1.5)));
    add_str(&b, "one");
    OK(csp_tree_builder_begin(&b, CSP_TREE_DICT));
    OK(csp_tree_builder_data(&b, CSP_TREE_BYTES, NULL, 0));
    OK(csp_tree_builder_begin(&b, CSP_TREE_TUPLE));
    OK(csp_tree_builder_end(&b));
    OK(csp_tree_builder_end(&b));
    OK(csp_tree_builder_begin(&b, CSP_TREE_SLICE));
    for (int i = 0; i < 3; i++)
        OK(csp_tree_builder_add(&b, csp_value_none()));
    OK(csp_tree_builder_end(&b));
    OK(csp_tree_builder_end(&b));
    csp_value v = finish(&b);
    const char *got = csp_value_data(&v, &size);
    cr_assert(eq(sz, size, sizeof code));
    cr_assert(eq(int, memcmp(got, code, size), 0));
    check_print(v, "[None, True, False, -123, -32768, 1.5, 'one', {b'': ()}, "
                   "slice(None, None, None)]");
    csp_value_unref(&v);
}

Test(tree, integers_take_the_shortest_form_that_keeps_them)
{
    static const int64_t ints[] = {0,
                                   127,
                                   -128,
                                   128,
                                   -129,
                                   32767,
                                   32768,
                                   -32769,
                                   INT32_MAX,
                                   INT32_MIN,
                                   INT64_C(2147483648),
                                   INT64_MAX,
                                   INT64_MIN};
    static const size_t sizes[] = {1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8};
    csp_tree_builder b;
    csp_tree_cursor c;
    csp_tree_item item;
    size_t size;

    csp_tree_builder_init(&b);
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        OK(csp_tree_builder_begin(&b, CSP_TREE_TUPLE));
        OK(csp_tree_builder_add(&b, csp_value_int(ints[i])));
        OK(csp_tree_builder_end(&b));
        csp_value v = finish(&b);
        csp_value_data(&v, &size);
        cr_assert(eq(sz, size, 3 + sizes[i]));
        csp_tree_cursor_init(&c, &v);
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
        cr_assert(eq(int, (int)item.kind, CSP_KIND_INT));
        cr_assert(eq(i64, csp_value_as_int(item.value), ints[i]));
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0)); /* for good */
        csp_value_unref(&v);
    }
}

static csp_value
make(int (*maker)(const void *, size_t, csp_value *), const char *data)
{
    csp_value v;

    OK(maker(data, strlen(data), &v));
    return v;
}

static int
make_str(const void *data, size_t size, csp_value *out)
{
    return csp_value_str(data, size, out);
}

static int
make_complex(const void *data, size_t size, csp_value *out)
{
    (void)data;
    return csp_value_complex((double)size, -0.0, out);
}

static int
make_lent(const void *data, size_t size, csp_value *out)
{
    return csp_value_buffer(data, size, CSP_VALUE_AS_STR, NULL, NULL, out);
}

static int
make_buffer(const void *data, size_t size, csp_value *out)
{
    return csp_value_buffer(data, size, 0, NULL, NULL, out);
}

enum { SCALARS = 14 };

static void
make_scalars(csp_value v[SCALARS])
{
    int n = 0;

    make_objects(1);
    v[n++] = csp_value_none();
    v[n++] = csp_value_bool(false);
    v[n++] = csp_value_bool(true);
    v[n++] = csp_value_int(-5);
    v[n++] = csp_value_float(-0.0);
    v[n++] = make(make_complex, "2 bytes");
    v[n++] = make(make_str, "short");
    v[n++] = make(make_str, "long enough for a cell");
    v[n++] = make(csp_value_bytes, "short");
    v[n++] = make(csp_value_bytes, "long enough for a cell");
    v[n++] = make(csp_value_bigint, "a big integer");
    v[n++] = make(make_lent, "lent");
    v[n++] = make(make_buffer, "lent");
    v[n++] = csp_value_handle(handles[0]);
    cr_assert(eq(int, n, SCALARS));
}

/* That an item of a tree is @p v. */
static void
check_item(const csp_tree_item *item, csp_value v)
{
    csp_kind kind = csp_value_kind(v);
    double imag;
    size_t size;
    const char *data = csp_value_data(&v, &size);

    cr_assert(eq(int, (int)item->kind, (int)kind));
    cr_assert(eq(u64, item->count, 0));
    cr_assert(eq(sz, item->size, size));
    if (size)
        cr_assert(eq(int, memcmp(item->data, data, size), 0));
    if (csp_value_kind(item->value) == kind)
        cr_assert(csp_value_equal(item->value, v));
    else
        cr_assert(kind == CSP_KIND_COMPLEX || kind == CSP_KIND_STR ||
                  kind == CSP_KIND_BYTES || kind == CSP_KIND_BIGINT);
    if (kind == CSP_KIND_COMPLEX) {
        double real = csp_value_as_complex(v, &imag);
        cr_assert(eq(int, memcmp(&real, &item->real, sizeof real), 0));
        cr_assert(eq(int, memcmp(&imag, &item->imag, sizeof imag), 0));
    }
}

Test(tree, every_value_comes_out_of_a_tree_as_it_went_in)
{
    csp_value v[SCALARS], tree;
    csp_tree_builder b;
    csp_tree_cursor c;
    csp_tree_item item;

    make_scalars(v);
    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_FROZENSET));
    for (int i = 0; i < SCALARS; i++)
        OK(csp_tree_builder_add(&b, v[i]));
    OK(csp_tree_builder_end(&b));
    tree = finish(&b);
    csp_tree_cursor_init(&c, &tree);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, (int)item.kind, CSP_KIND_TREE));
    cr_assert(eq(int, item.op, CSP_TREE_FROZENSET));
    cr_assert(eq(u64, item.count, SCALARS));
    for (int i = 0; i < SCALARS; i++) {
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
        check_item(&item, v[i]);
    }
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
    for (int i = 0; i < SCALARS; i++)
        csp_value_unref(&v[i]);
    check_print(tree, "frozenset({None, False, True, -5, -0.0, (7-0j), "
                      "'short', 'long enough for a cell', b'short', "
                      "b'long enough for a cell', 0x726567"
                      "65746e692067696220"
                      "61, 'lent', <buffer of 4 bytes>, <object of a test>})");
    cr_assert(eq(uint, objects[0].released, 0));
    csp_value_unref(&tree);
    cr_assert(eq(uint, objects[0].released, 1));
}

Test(tree, a_value_that_is_all_is_built_as_itself)
{
    csp_value v[SCALARS], got;
    csp_tree_builder b;
    csp_tree_cursor c;
    csp_tree_item item;

    make_scalars(v);
    csp_tree_builder_init(&b);
    for (int i = 0; i < SCALARS; i++) {
        OK(csp_tree_builder_add(&b, v[i]));
        got = finish(&b);
        cr_assert(eq(int, (int)csp_value_kind(got), (int)csp_value_kind(v[i])));
        csp_tree_cursor_init(&c, &got); /* which reads it as one item */
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
        check_item(&item, v[i]);
        OK(csp_tree_cursor_skip(&c, &item));
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
        check_equal(got, v[i]);
    }
    add_str(&b, "text");
    check_equal(finish(&b), make(make_str, "text"));
    OK(csp_tree_builder_data(&b, CSP_TREE_BYTES, "some bytes", 10));
    check_equal(finish(&b), make(csp_value_bytes, "some bytes"));
    OK(csp_tree_builder_data(&b, CSP_TREE_BIGINT, "\x05\0", 2));
    check_equal(finish(&b), csp_value_int(5));
    OK(csp_tree_builder_data(&b, CSP_TREE_BYTEARRAY, "ab", 2));
    got = finish(&b);
    cr_assert(eq(int, (int)csp_value_kind(got), CSP_KIND_TREE));
    check_print(got, "bytearray(b'ab')");
    check_equal(got, code_value((char[]){CSP_TREE_BYTEARRAY, 2, 'a', 'b'}, 4));
}

Test(tree, lent_text_in_a_tree_is_not_copied)
{
    static const char text[] = "lent to a tree";
    csp_tree_builder b;
    csp_tree_cursor c;
    csp_tree_item item;
    csp_value v = make(make_lent, text), tree;

    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_add(&b, v));
    OK(csp_tree_builder_end(&b));
    tree = finish(&b);
    csp_tree_cursor_init(&c, &tree);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, (int)item.kind, CSP_KIND_STR));
    cr_assert(eq(ptr, (void *)(uintptr_t)item.data, (void *)(uintptr_t)text));
    cr_assert(csp_value_equal(item.value, v));
    csp_value_unref(&v);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST)); /* equals its copy */
    add_str(&b, text);
    OK(csp_tree_builder_end(&b));
    check_equal(tree, finish(&b));
}

/* A container of @p n elements, each @p each bytes of text. */
static csp_value
wide(int op, size_t n, size_t each)
{
    static char text[1000];
    csp_tree_builder b;

    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, op));
    for (size_t i = 0; i < n; i++)
        OK(csp_tree_builder_data(&b, CSP_TREE_STR, text, each));
    OK(csp_tree_builder_end(&b));
    return finish(&b);
}

Test(tree, containers_of_any_width_keep_their_elements)
{
    static const size_t widths[] = {0, 1, 2, 126, 128, 254, 256, 1000, 65536};
    static const int ops[] = {CSP_TREE_LIST, CSP_TREE_DICT, CSP_TREE_SET,
                              CSP_TREE_FROZENDICT};
    csp_tree_cursor c;
    csp_tree_item item;

    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
            for (size_t each = 0; each <= 1000; each += 250) {
                uint64_t n = 0;
                if ((k % 2 && widths[i] % 2) || widths[i] * each > 300000)
                    continue;
                csp_value v = wide(ops[k], widths[i], each);
                csp_tree_cursor_init(&c, &v);
                cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
                cr_assert(eq(int, item.op, ops[k]));
                cr_assert(eq(u64, item.count, widths[i]));
                for (; csp_tree_cursor_next(&c, &item) > 0; n++)
                    cr_assert(eq(sz, item.size, each));
                cr_assert(eq(u64, n, widths[i]));
                csp_value_unref(&v);
            }
}

Test(tree, small_containers_have_short_counts)
{
    size_t size;
    csp_value v = wide(CSP_TREE_LIST, 254, 0);

    csp_value_data(&v, &size);
    cr_assert(eq(sz, size, 10 + 2 * 254)); /* too large to be moved */
    csp_value_unref(&v);
    v = wide(CSP_TREE_LIST, 128, 0);
    csp_value_data(&v, &size);
    cr_assert(eq(sz, size, 2 + 2 * 128));
    csp_value_unref(&v);
}

/* A list in a list in a list... */
static csp_value
deep(size_t depth)
{
    csp_tree_builder b;

    csp_tree_builder_init(&b);
    for (size_t i = 0; i < depth; i++)
        OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_add(&b, csp_value_int(7)));
    for (size_t i = 0; i < depth; i++)
        OK(csp_tree_builder_end(&b));
    return finish(&b);
}

Test(tree, depth_takes_memory_and_no_stack)
{
    enum { DEPTH = 1000000 };
    csp_tree_cursor c;
    csp_tree_item item;
    csp_value v = deep(DEPTH);
    size_t n = 0;

    csp_tree_cursor_init(&c, &v);
    while (csp_tree_cursor_next(&c, &item) > 0)
        n++;
    cr_assert(eq(sz, n, DEPTH + 1));
    csp_tree_cursor_init(&c, &v);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    OK(csp_tree_cursor_skip(&c, &item));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
    check_print(v, "[[[[[[[[[[[[[[[[[...]]]]]]]]]]]]]]]]]");
    check_different(csp_value_ref(v), deep(DEPTH + 1));
    check_equal(v, deep(DEPTH));
}

Test(tree, sixteen_levels_are_printed)
{
    csp_value v = deep(16);

    check_print(v, "[[[[[[[[[[[[[[[[7]]]]]]]]]]]]]]]]");
    csp_value_unref(&v);
}

Test(tree, containers_print_as_python_has_them)
{
    static const struct {
        int op;
        const char *empty, *one, *two;
    } rows[] = {
        {CSP_TREE_TUPLE, "()", "(0,)", "(0, 1)"},
        {CSP_TREE_LIST, "[]", "[0]", "[0, 1]"},
        {CSP_TREE_SET, "set()", "{0}", "{0, 1}"},
        {CSP_TREE_FROZENSET, "frozenset()", "frozenset({0})",
         "frozenset({0, 1})"},
        {CSP_TREE_DICT, "{}", NULL, "{0: 1}"},
        {CSP_TREE_FROZENDICT, "frozendict()", NULL, "frozendict({0: 1})"},
    };
    csp_tree_builder b;

    csp_tree_builder_init(&b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int n = 0; n < 3; n++) {
            const char *text = n == 0   ? rows[i].empty
                               : n == 1 ? rows[i].one
                                        : rows[i].two;
            if (!text)
                continue;
            OK(csp_tree_builder_begin(&b, rows[i].op));
            for (int k = 0; k < n; k++)
                OK(csp_tree_builder_add(&b, csp_value_int(k)));
            OK(csp_tree_builder_end(&b));
            csp_value v = finish(&b);
            check_print(v, text);
            csp_value_unref(&v);
        }
}

Test(tree, a_nested_value_prints_as_the_header_says)
{
    csp_tree_builder b;

    make_objects(1);
    csp_value end = csp_value_handle(handles[0]);
    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_DICT));
    add_str(&b, "a");
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_add(&b, csp_value_int(1)));
    OK(csp_tree_builder_add(&b, csp_value_float(2.5)));
    OK(csp_tree_builder_add(&b, csp_value_none()));
    OK(csp_tree_builder_end(&b));
    add_str(&b, "b");
    OK(csp_tree_builder_add(&b, end));
    add_str(&b, "r");
    OK(csp_tree_builder_begin(&b, CSP_TREE_RANGE));
    for (int i = 0; i < 3; i++)
        OK(csp_tree_builder_add(&b, csp_value_int(i * 10)));
    OK(csp_tree_builder_end(&b));
    OK(csp_tree_builder_end(&b));
    csp_value v = finish(&b);
    check_print(v, "{'a': [1, 2.5, None], 'b': <object of a test>, "
                   "'r': range(0, 10, 20)}");
    csp_value_unref(&v);
    csp_value_unref(&end);
}

/* ---- misuse of a builder ---- */

/* Whatever is done to a builder that has failed, it answers @p rc. Empties it,
 * and shows that it can be used again. */
static void
check_failed(csp_tree_builder *b, int rc)
{
    csp_value v;

    for (int again = 0; again < 2; again++) {
        cr_assert(eq(int, csp_tree_builder_add(b, csp_value_int(1)), rc));
        cr_assert(eq(int, csp_tree_builder_begin(b, CSP_TREE_LIST), rc));
        cr_assert(eq(int, csp_tree_builder_data(b, CSP_TREE_STR, "", 0), rc));
        cr_assert(eq(int, csp_tree_builder_end(b), rc));
        cr_assert(eq(int, csp_tree_builder_finish(b, &v), rc));
    }
    csp_tree_builder_fini(b);
    OK(csp_tree_builder_add(b, csp_value_int(1)));
    v = finish(b);
    cr_assert(eq(i64, csp_value_as_int(v), 1));
}

Test(tree, a_builder_refuses_what_makes_no_tree)
{
    static const int ops[] = {CSP_TREE_NONE,     CSP_TREE_INT8,
                              CSP_TREE_STR,      CSP_TREE_HANDLE,
                              CSP_TREE_COMPLEX,  CSP_TREE_BYTEARRAY,
                              CSP_TREE_OP_COUNT, -1};
    static const int blocks[] = {CSP_TREE_NONE,     CSP_TREE_LIST,
                                 CSP_TREE_FLOAT,    CSP_TREE_HANDLE,
                                 CSP_TREE_OP_COUNT, -1};
    csp_tree_builder b;
    csp_value v;

    csp_tree_builder_init(&b);
    cr_assert(eq(int, csp_tree_builder_end(&b), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    cr_assert(eq(int, csp_tree_builder_finish(&b, &v), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    OK(csp_tree_builder_add(&b, csp_value_int(1)));
    cr_assert(eq(int, csp_tree_builder_add(&b, csp_value_int(1)), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_end(&b));
    cr_assert(eq(int, csp_tree_builder_begin(&b, CSP_TREE_LIST), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    cr_assert(eq(int, csp_tree_builder_finish(&b, &v), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    OK(csp_tree_builder_begin(&b, CSP_TREE_DICT));
    OK(csp_tree_builder_add(&b, csp_value_int(1)));
    cr_assert(eq(int, csp_tree_builder_end(&b), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    for (int n = 0; n < 6; n++) {
        OK(csp_tree_builder_begin(&b, n % 2 ? CSP_TREE_RANGE : CSP_TREE_SLICE));
        for (int i = 0; i < n; i++)
            OK(csp_tree_builder_add(&b, csp_value_int(i)));
        cr_assert(eq(int, csp_tree_builder_end(&b), n == 3 ? 0 : CSP_EINVAL));
        csp_tree_builder_fini(&b);
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        cr_assert(eq(int, csp_tree_builder_begin(&b, ops[i]), CSP_EINVAL));
        check_failed(&b, CSP_EINVAL);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        cr_assert(
            eq(int, csp_tree_builder_data(&b, blocks[i], "x", 1), CSP_EINVAL));
        check_failed(&b, CSP_EINVAL);
    }
    cr_assert(
        eq(int, csp_tree_builder_data(&b, CSP_TREE_BIGINT, "", 0), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
}

Test(tree, an_abandoned_builder_drops_what_it_holds)
{
    csp_tree_builder b;

    make_objects(2);
    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    for (int i = 0; i < 100; i++)
        OK(csp_tree_builder_add(&b, csp_value_handle(handles[0])));
    csp_tree_builder_fini(&b);
    csp_tree_builder_fini(&b);
    OK(csp_tree_builder_add(&b, csp_value_handle(handles[1])));
    csp_tree_builder_fini(&b);
    for (int i = 0; i < 2; i++) {
        cr_assert(eq(uint, objects[i].released, 0));
        csp_handle_unref(handles[i]);
        cr_assert(eq(uint, objects[i].released, 1));
    }
}

/* [h0, [h1, h0], (h2,)] from two trees, in the second of which h0 has another
 * number. */
Test(tree, a_tree_in_a_tree_keeps_its_handles)
{
    static const char expected[] = {CSP_TREE_LIST,   3, CSP_TREE_HANDLE, 0,
                                    CSP_TREE_LIST,   2, CSP_TREE_HANDLE, 1,
                                    CSP_TREE_HANDLE, 2, CSP_TREE_TUPLE,  1,
                                    CSP_TREE_HANDLE, 3};
    static const char inner_code[] = {CSP_TREE_LIST,   2, CSP_TREE_HANDLE, 1,
                                      CSP_TREE_HANDLE, 0};
    csp_handle *swapped[2];
    csp_tree_builder b;
    csp_value inner, v;
    size_t size;

    make_objects(3);
    swapped[0] = csp_handle_ref(handles[0]);
    swapped[1] = csp_handle_ref(handles[1]);
    OK(csp_tree_new(inner_code, sizeof inner_code, swapped, 2, &inner));
    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    OK(csp_tree_builder_add(&b, csp_value_handle(handles[0])));
    OK(csp_tree_builder_add(&b, inner));
    OK(csp_tree_builder_begin(&b, CSP_TREE_TUPLE));
    OK(csp_tree_builder_add(&b, csp_value_handle(handles[2])));
    OK(csp_tree_builder_end(&b));
    OK(csp_tree_builder_end(&b));
    csp_value_unref(&inner);
    v = finish(&b);
    const char *code = csp_value_data(&v, &size);
    cr_assert(eq(sz, size, sizeof expected));
    cr_assert(eq(int, memcmp(code, expected, size), 0));
    for (size_t i = 0; i < 4; i++) /* h0, h1, h0, h2 */
        cr_assert(eq(ptr, csp_tree_handle(v, i), handles[i == 3 ? 2 : i % 2]));
    csp_value_unref(&v);
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(uint, objects[i].released, 0));
        csp_handle_unref(handles[i]);
        cr_assert(eq(uint, objects[i].released, 1));
    }
}

Test(tree, a_malformed_tree_cannot_be_built_in)
{
    csp_tree_builder b;
    csp_value bad = code_value((char[]){CSP_TREE_LIST, 2, CSP_TREE_NONE}, 3);

    csp_tree_builder_init(&b);
    OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
    cr_assert(eq(int, csp_tree_builder_add(&b, bad), CSP_EINVAL));
    check_failed(&b, CSP_EINVAL);
    csp_value_unref(&bad);
}

static csp_value sorts[SCALARS];

static int
build_all_sorts(void)
{
    csp_tree_builder b;
    csp_value tree;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    for (int i = 0; i < SCALARS; i++) {
        csp_tree_builder_begin(&b, CSP_TREE_LIST);
        csp_tree_builder_add(&b, sorts[i]);
    }
    csp_tree_builder_data(&b, CSP_TREE_BYTES, "0123456789", 10);
    for (int i = 0; i <= SCALARS; i++)
        csp_tree_builder_end(&b);
    int rc = csp_tree_builder_finish(&b, &tree);
    csp_tree_builder_fini(&b);
    if (rc == 0)
        csp_value_unref(&tree);
    return rc;
}

static int
build_text_alone(void)
{
    csp_tree_builder b;
    csp_value v;

    csp_tree_builder_init(&b);
    csp_tree_builder_data(&b, CSP_TREE_STR, "long enough", 11);
    int rc = csp_tree_builder_finish(&b, &v);
    csp_tree_builder_fini(&b);
    if (rc == 0)
        csp_value_unref(&v);
    return rc;
}

Test(tree, each_allocation_of_a_builder_may_fail)
{
    make_scalars(sorts);
    cr_assert(ge(u64, unit_fail_each_allocation(build_all_sorts), 6));
    cr_assert(eq(u64, unit_fail_each_allocation(build_text_alone), 1));
    for (int i = 0; i < SCALARS; i++)
        csp_value_unref(&sorts[i]);
    cr_assert(eq(uint, objects[0].released, 1));
}

/* ---- comparing ---- */

#define CODE(...)                                                              \
    code_value((const unsigned char[]){__VA_ARGS__},                           \
               sizeof((const unsigned char[]){__VA_ARGS__}))

Test(tree, trees_are_equal_whatever_form_their_code_has)
{
    enum { I8 = CSP_TREE_INT8, I16 = CSP_TREE_INT16, BIG = CSP_TREE_BIGINT };

    check_equal(CODE(CSP_TREE_LIST, 1, I8, 5),
                CODE(CSP_TREE_LIST, 1, I16, 5, 0));
    check_equal(CODE(CSP_TREE_LIST, 1, I8, 0xfb),
                CODE(CSP_TREE_LIST, 1, I16, 0xfb, 0xff));
    check_equal(CODE(CSP_TREE_LIST, 1, I8, 5),
                CODE(CSP_TREE_LIST, 255, 1, 0, 0, 0, 0, 0, 0, 0, I8, 5));
    check_equal(CODE(CSP_TREE_LIST, 1, I8, 5),
                CODE(CSP_TREE_LIST, 1, BIG, 1, 5));
    check_equal(CODE(CSP_TREE_LIST, 1, BIG, 2, 0xff, 0),
                CODE(CSP_TREE_LIST, 1, I16, 0xff, 0));
    check_equal(
        CODE(CSP_TREE_LIST, 1, BIG, 9, 0, 0, 0, 0, 0, 0, 0, 0, 5),
        CODE(CSP_TREE_LIST, 1, BIG, 11, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0));
    check_equal(CODE(CSP_TREE_STR, 1, 'x'),
                CODE(CSP_TREE_STR, 255, 1, 0, 0, 0, 0, 0, 0, 0, 'x'));
    check_equal(CODE(CSP_TREE_LIST, 1, CSP_TREE_BYTEARRAY, 1, 'x'),
                CODE(CSP_TREE_LIST, 1, CSP_TREE_BYTEARRAY, 255, 1, 0, 0, 0, 0,
                     0, 0, 0, 'x'));
}

Test(tree, trees_that_differ_are_not_equal)
{
    enum { I8 = CSP_TREE_INT8, NONE = CSP_TREE_NONE };

    check_different(CODE(CSP_TREE_LIST, 1, I8, 5),
                    CODE(CSP_TREE_LIST, 1, I8, 6));
    check_different(CODE(CSP_TREE_LIST, 0), CODE(CSP_TREE_TUPLE, 0));
    check_different(CODE(CSP_TREE_SET, 0), CODE(CSP_TREE_FROZENSET, 0));
    check_different(CODE(CSP_TREE_LIST, 0), CODE(CSP_TREE_LIST, 1, NONE));
    check_different(CODE(CSP_TREE_LIST, 1, CSP_TREE_TRUE),
                    CODE(CSP_TREE_LIST, 1, I8, 1));
    check_different(CODE(CSP_TREE_LIST, 1, CSP_TREE_STR, 1, 'x'),
                    CODE(CSP_TREE_LIST, 1, CSP_TREE_BYTES, 1, 'x'));
    check_different(CODE(CSP_TREE_LIST, 1, CSP_TREE_BYTEARRAY, 1, 'x'),
                    CODE(CSP_TREE_LIST, 1, CSP_TREE_BYTES, 1, 'x'));
    check_different(CODE(CSP_TREE_BYTEARRAY, 1, 'x'),
                    CODE(CSP_TREE_BYTEARRAY, 1, 'y'));
    check_different(CODE(CSP_TREE_BYTEARRAY, 0), CODE(CSP_TREE_LIST, 0));
    /* [[1], 2], [[1, 2]]: the same elements, otherwise nested */
    check_different(CODE(CSP_TREE_LIST, 2, CSP_TREE_LIST, 1, I8, 1, I8, 2),
                    CODE(CSP_TREE_LIST, 1, CSP_TREE_LIST, 2, I8, 1, I8, 2));
    check_different(CODE(CSP_TREE_DICT, 1, I8, 1, I8, 2),
                    CODE(CSP_TREE_DICT, 1, I8, 2, I8, 1));
    check_different(CODE(CSP_TREE_INT8, 5), csp_value_int(5));
    check_different(CODE(CSP_TREE_NONE), csp_value_none());
}

Test(tree, the_same_handles_make_equal_trees)
{
    static const char code[] = {CSP_TREE_LIST,   2, CSP_TREE_HANDLE, 0,
                                CSP_TREE_HANDLE, 1};
    static const char other[] = {CSP_TREE_LIST,   2, CSP_TREE_HANDLE, 1,
                                 CSP_TREE_HANDLE, 0};
    csp_value v[3];

    make_objects(2);
    for (int i = 0; i < 3; i++) { /* [h0, h1], [h1, h0], [h0, h1] once more */
        csp_handle *h[2];
        h[0] = csp_handle_ref(handles[i != 0]);
        h[1] = csp_handle_ref(handles[i == 0]);
        OK(csp_tree_new(i < 2 ? code : other, sizeof code, h, 2, &v[i]));
    }
    check_different(csp_value_ref(v[0]), csp_value_ref(v[1]));
    check_equal(v[0], v[2]);
    csp_value_unref(&v[1]);
    for (int i = 0; i < 2; i++) {
        csp_handle_unref(handles[i]);
        cr_assert(eq(uint, objects[i].released, 1));
    }
}

/* ---- malformed trees ---- */

/* All that a reader can do with a tree that anybody may have made; takes it
 * over. Returns: what the cursor said last. */
static int
use(csp_value v)
{
    csp_tree_cursor c;
    csp_tree_item item;
    csp_tree_builder b;
    csp_value built, same;
    char text[50];
    size_t size;
    int rc;

    csp_tree_cursor_init(&c, &v);
    while ((rc = csp_tree_cursor_next(&c, &item)) > 0)
        for (size_t i = 0; i < item.size; i++) /* all of it can be read */
            text[i % sizeof text] = item.data[i];
    cr_assert(rc == 0 || rc == CSP_EINVAL);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), rc)); /* and stays so */

    csp_tree_cursor_init(&c, &v);
    if (csp_tree_cursor_next(&c, &item) > 0 &&
        csp_tree_cursor_skip(&c, &item) == 0)
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), rc));
    else
        cr_assert(eq(int, rc, CSP_EINVAL));

    const char *code = csp_value_data(&v, &size);
    same = code_value(code, size);
    if (!csp_tree_handle(v, 0)) {
        cr_assert(csp_value_equal(v, same));
        cr_assert(eq(u64, csp_value_hash(v), csp_value_hash(same)));
    }
    csp_value_unref(&same);
    cr_assert(lt(sz, csp_value_print(v, text, sizeof text), 20 * size + 100));

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_end(&b);
    int finished = csp_tree_builder_finish(&b, &built);
    csp_tree_builder_fini(&b);
    if (finished != rc) { /* a REF to the middle of an item: no reader knows */
        cr_assert(eq(int, finished, CSP_EINVAL));
        cr_assert(memchr(code, CSP_TREE_REF, size) != NULL);
    }
    if (finished == 0) { /* its items again, behind the head of the tuple */
        csp_tree_cursor d;
        csp_tree_item copy;
        csp_tree_cursor_init(&c, &v);
        csp_tree_cursor_init(&d, &built);
        csp_tree_cursor_next(&d, &copy);
        while (csp_tree_cursor_next(&c, &item) > 0) {
            cr_assert(eq(int, csp_tree_cursor_next(&d, &copy), 1));
            cr_assert(eq(int, copy.op, item.op));
            cr_assert(eq(u64, copy.count, item.count));
            cr_assert(csp_value_equal(copy.value, item.value));
        }
        cr_assert(eq(int, csp_tree_cursor_next(&d, &copy), 0));
        csp_value_unref(&built);
    }
    csp_value_unref(&v);
    return rc;
}

Test(tree, what_breaks_the_rules_is_malformed)
{
    enum { NONE = CSP_TREE_NONE, I8 = CSP_TREE_INT8 };

    cr_assert(eq(int, use(CODE(NONE)), 0));
    cr_assert(eq(int, use(CODE(CSP_TREE_OP_COUNT)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(255)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(NONE, NONE)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_LIST, 0, NONE)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_LIST, 2, NONE)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_DICT, 1, NONE)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_RANGE, 2, I8, 1, I8, 1)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_SLICE, 4, NONE, NONE, NONE, NONE)),
                 CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_BIGINT, 0)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_STR, 2, 'x')), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_HANDLE, 0)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_COMPLEX, 0, 0, 0, 0, 0, 0, 0, 0)),
                 CSP_EINVAL));
    for (int op = 0; op < CSP_TREE_OP_COUNT; op++) {
        unsigned char all[40] = {(unsigned char)op};
        memset(all + 1, 0xff, 9); /* a count of 2**64 - 1 */
        if (op >= CSP_TREE_BIGINT && op != CSP_TREE_COMPLEX)
            cr_assert(eq(int, use(code_value(all, 40)), CSP_EINVAL));
        memset(all + 1, 0xff, 1);
        memset(all + 2, 0, 7);
        all[9] = 0x80; /* of 2**63: twice that is 0 */
        if (op >= CSP_TREE_BIGINT && op != CSP_TREE_COMPLEX)
            cr_assert(eq(int, use(code_value(all, 10)), CSP_EINVAL));
    }
}

/* What is read, one letter an item, following no REF. */
static const char *
letters(csp_tree_cursor *c)
{
    static char text[100];
    csp_tree_item item;
    size_t n = 0;

    while (csp_tree_cursor_next(c, &item) > 0 && n < sizeof text - 1)
        text[n++] = item.kind == CSP_KIND_STR       ? item.data[0]
                    : item.kind == CSP_KIND_INT     ? 'i'
                    : item.op == CSP_TREE_REF       ? '^'
                    : item.op == CSP_TREE_OBJECT    ? 'o'
                    : item.op == CSP_TREE_BYTEARRAY ? item.data[0]
                                                    : '[';
    text[n] = 0;
    return text;
}

enum { SHARED_LIST = CSP_TREE_LIST | CSP_TREE_SHARED };

#define TWICE                                                                  \
    CSP_TREE_LIST, 2, SHARED_LIST, 2, CSP_TREE_STR | CSP_TREE_SHARED, 1, 'x',  \
        CSP_TREE_REF, 3, CSP_TREE_REF, 7

Test(tree, what_occurs_twice_is_read_twice)
{
    csp_value v = CODE(TWICE), w = csp_value_none();
    csp_tree_cursor c, again;
    csp_tree_item item;
    csp_tree_builder b;

    csp_tree_cursor_init(&c, &v);
    cr_assert(eq(str, (char *)letters(&c), "[[xx^"));
    csp_tree_cursor_init(&c, &v);
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, item.op, CSP_TREE_REF));
    OK(csp_tree_cursor_follow(&c, &item, &again));
    cr_assert(eq(str, (char *)letters(&again), "[xx"));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
    cr_assert(eq(int, csp_tree_cursor_follow(&c, &item, &again), CSP_EINVAL));
    check_print(v, "[['x', 'x'], <again>]");

    csp_tree_builder_init(&b); /* behind something, and in what is moved */
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    csp_tree_builder_add(&b, csp_value_int(1));
    csp_tree_builder_add(&b, v);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_end(&b);
    w = finish(&b);
    csp_tree_cursor_init(&c, &w);
    cr_assert(eq(str, (char *)letters(&c), "[i[[xx^[[xx^"));
    check_print(w, "(1, [['x', 'x'], <again>], [['x', 'x'], <again>])");
    cr_assert(eq(int, use(v), 0));
    cr_assert(eq(int, use(w), 0));
}

Test(tree, distances_change_with_the_numbers_of_handles)
{
    enum { MANY = 300 };
    unsigned char code[] = {
        CSP_TREE_LIST, 3, SHARED_LIST, 1, CSP_TREE_HANDLE, 0, CSP_TREE_NONE,
        CSP_TREE_REF,  5};
    csp_tree_cursor c, again;
    csp_tree_item item;
    csp_tree_builder b;

    make_objects(1);
    csp_handle *h = csp_handle_ref(handles[0]);
    csp_value v;
    OK(csp_tree_new(code, sizeof code, &h, 1, &v));
    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    for (int i = 0; i < MANY; i++)
        OK(csp_tree_builder_add(&b, v));
    csp_tree_builder_end(&b);
    csp_value w = finish(&b);
    csp_tree_cursor_init(&c, &w);
    int found = 0;
    while (csp_tree_cursor_next(&c, &item) > 0) {
        if (item.op != CSP_TREE_REF)
            continue;
        OK(csp_tree_cursor_follow(&c, &item, &again));
        cr_assert(eq(int, csp_tree_cursor_next(&again, &item), 1));
        cr_assert(eq(u64, item.count, 1));
        cr_assert(eq(int, csp_tree_cursor_next(&again, &item), 1));
        cr_assert(csp_value_as_handle(item.value) == handles[0]);
        cr_assert(eq(int, csp_tree_cursor_next(&again, &item), 0));
        found++;
    }
    cr_assert(eq(int, found, MANY));
    csp_value_unref(&v);
    csp_value_unref(&w);
    csp_handle_unref(handles[0]);
    cr_assert(eq(uint, objects[0].released, 1));
}

Test(tree, a_reference_leads_back_to_something_whole)
{
    enum { NONE = CSP_TREE_NONE, LIST = CSP_TREE_LIST, REF = CSP_TREE_REF };
    csp_value v =
        CODE(SHARED_LIST, 2, CSP_TREE_INT64, 0, 0, 0, 0, 0, 0, 0, 0, REF, 11);
    csp_tree_cursor c, again;
    csp_tree_item item;

    cr_assert(eq(int, use(CODE(LIST, 2, NONE, REF, 1)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(LIST, 1, REF, 0)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(LIST, 1, REF, 3)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(SHARED_LIST, 1, REF, 2)), CSP_EINVAL));
    cr_assert(
        eq(int, use(CODE(LIST, 1, REF | CSP_TREE_SHARED, 2)), CSP_EINVAL));
    csp_tree_cursor_init(&c, &v); /* inside itself: who follows finds out */
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    OK(csp_tree_cursor_follow(&c, &item, &again));
    cr_assert(eq(int, csp_tree_cursor_next(&again, &item), 1));
    cr_assert(eq(int, csp_tree_cursor_next(&again, &item), CSP_EINVAL));
    csp_value_unref(&v);
}

Test(tree, what_only_python_reads_can_be_passed_over)
{
    csp_value v = CODE(CSP_TREE_PICKLED, 2, CSP_TREE_BYTES, 1, 'p',
                       CSP_TREE_LIST, 2, CSP_TREE_OBJECT, 0, CSP_TREE_NONE);

    check_print(v, "pickled(b'p', [<object>, None])");
    cr_assert(eq(int, use(v), 0));
    cr_assert(
        eq(int, use(CODE(CSP_TREE_PICKLED, 1, CSP_TREE_NONE)), CSP_EINVAL));
    cr_assert(eq(int, use(CODE(CSP_TREE_OBJECT, 2)), CSP_EINVAL));
}

Test(tree, the_rest_of_a_malformed_tree_is_not_printed)
{
    csp_value v = CODE(CSP_TREE_LIST, 2, CSP_TREE_INT8, 1, 250);

    check_print(v, "[1<malformed>");
    csp_value_unref(&v);
    v = CODE(CSP_TREE_LIST, 0, CSP_TREE_INT8, 1);
    check_print(v, "[]<malformed>");
    csp_value_unref(&v);
}

Test(tree, skipping_passes_over_what_is_in_a_container)
{
    csp_value v = CODE(CSP_TREE_LIST, 3, CSP_TREE_DICT, 1, CSP_TREE_INT8, 1,
                       CSP_TREE_TUPLE, 1, CSP_TREE_NONE, CSP_TREE_INT8, 2,
                       CSP_TREE_LIST, 0);
    csp_tree_cursor c;
    csp_tree_item item;

    csp_tree_cursor_init(&c, &v);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, item.op, CSP_TREE_DICT));
    cr_assert(eq(u64, item.count, 2));
    OK(csp_tree_cursor_skip(&c, &item));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(i64, csp_value_as_int(item.value), 2));
    OK(csp_tree_cursor_skip(&c, &item)); /* it has no elements */
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, item.op, CSP_TREE_LIST));
    OK(csp_tree_cursor_skip(&c, &item));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 0));
    item.count = 5; /* misuse is noticed where it can be */
    cr_assert(eq(int, csp_tree_cursor_skip(&c, &item), CSP_EINVAL));
    csp_value_unref(&v);
}

/* ---- at random ---- */

static uint64_t random_state;

static uint32_t
below(uint32_t n)
{
    uint64_t x = random_state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((x ^ x >> 31) & UINT32_MAX) * n >> 32);
}

static void
seed(void)
{
    const char *s = getenv("INTERCSP_SEED");

    random_state = s && *s ? strtoull(s, NULL, 10) : 20261121;
}

/* Code of the same value that the builder makes, in forms that it would not
 * choose. */
struct code {
    unsigned char bytes[4096];
    size_t size;
};

static void
emit(struct code *c, const void *data, size_t n)
{
    if (n)
        memcpy(c->bytes + c->size, data, n);
    c->size += n;
}

static void
emit_op(struct code *c, int op)
{
    unsigned char byte = (unsigned char)op;

    emit(c, &byte, 1);
}

static void
emit_count(struct code *c, int op, uint64_t n)
{
    emit_op(c, op);
    if (n < 255 && below(2)) {
        emit_op(c, (int)n);
    } else {
        emit_op(c, 255);
        emit(c, &n, 8);
    }
}

static void
emit_int(struct code *c, int64_t i)
{
    size_t size = (size_t)1 << below(4); /* 1, 2, 4, 8 bytes */

    while (size < 8 && (i >= INT64_C(1) << (8 * size - 1) ||
                        i < -(INT64_C(1) << (8 * size - 1))))
        size *= 2;
    if (below(4)) {
        emit_op(c, size == 1   ? CSP_TREE_INT8
                   : size == 2 ? CSP_TREE_INT16
                   : size == 4 ? CSP_TREE_INT32
                               : CSP_TREE_INT64);
        emit(c, &i, size);
        return;
    }
    unsigned char wide[20];
    memset(wide, i < 0 ? 0xff : 0, sizeof wide);
    memcpy(wide, &i, sizeof i);
    size = 8 + below(13);
    emit_count(c, CSP_TREE_BIGINT, size);
    emit(c, wide, size);
}

static void
random_bytes(char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (char)below(256);
}

static void
random_scalar(csp_tree_builder *b, struct code *c)
{
    static const int blocks[] = {CSP_TREE_STR, CSP_TREE_BYTES,
                                 CSP_TREE_BYTEARRAY};
    char data[16];
    uint64_t bits = (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
    int64_t i = (int64_t)bits >> below(64);
    double d;
    size_t n = below(sizeof data);

    switch (below(6)) {
    case 0:
        OK(csp_tree_builder_add(b, csp_value_none()));
        emit_op(c, CSP_TREE_NONE);
        break;
    case 1:
        OK(csp_tree_builder_add(b, csp_value_bool(bits & 1)));
        emit_op(c, bits & 1 ? CSP_TREE_TRUE : CSP_TREE_FALSE);
        break;
    case 2:
    case 3:
        OK(csp_tree_builder_add(b, csp_value_int(i)));
        emit_int(c, i);
        break;
    case 4:
        memcpy(&d, &bits, sizeof d);
        OK(csp_tree_builder_add(b, csp_value_float(d)));
        emit_op(c, CSP_TREE_FLOAT);
        emit(c, &bits, sizeof bits);
        break;
    case 5:
        random_bytes(data, n);
        OK(csp_tree_builder_data(b, blocks[bits % 3], data, n));
        emit_count(c, blocks[bits % 3], n);
        emit(c, data, n);
        break;
    }
}

/* A few containers, nested at random; how many elements they have must be
 * known beforehand here. */
static void
random_value(csp_tree_builder *b, struct code *c, unsigned depth)
{
    static const int ops[] = {
        CSP_TREE_TUPLE,      CSP_TREE_LIST, CSP_TREE_SET,   CSP_TREE_FROZENSET,
        CSP_TREE_FROZENDICT, CSP_TREE_DICT, CSP_TREE_RANGE, CSP_TREE_SLICE};
    int op = ops[below(8)];
    unsigned n = below(4), each = 1;

    if (depth && (depth > 4 || below(2))) {
        random_scalar(b, c);
        return;
    }
    if (op == CSP_TREE_DICT || op == CSP_TREE_FROZENDICT)
        each = 2;
    if (op == CSP_TREE_RANGE || op == CSP_TREE_SLICE)
        n = 3;
    OK(csp_tree_builder_begin(b, op));
    emit_count(c, op, n);
    for (unsigned i = 0; i < n * each; i++)
        random_value(b, c, depth + 1);
    OK(csp_tree_builder_end(b));
}

Test(tree, random_values_are_equal_in_all_forms)
{
    static struct code c;

    seed();
    for (int round = 0; round < 3000; round++) {
        csp_tree_builder b;
        csp_tree_builder_init(&b);
        c.size = 0;
        random_value(&b, &c, 0);
        cr_assert(lt(sz, c.size, sizeof c.bytes / 2));
        csp_value v = finish(&b), w = code_value(c.bytes, c.size);
        cr_assert(eq(int, use(csp_value_ref(v)), 0));
        cr_assert(eq(int, use(csp_value_ref(w)), 0));
        check_equal(v, w);
    }
}

Test(tree, any_bytes_are_safe_to_read)
{
    static struct code c;
    unsigned well = 0, malformed = 0;

    seed();
    for (int round = 0; round < 20000; round++) {
        csp_tree_builder b;
        csp_tree_builder_init(&b);
        c.size = 0;
        random_value(&b, &c, 0);
        csp_tree_builder_fini(&b);
        for (unsigned i = below(4); i-- > 0;)
            c.bytes[below((uint32_t)c.size)] =
                below(2) ? (unsigned char)below(256)
                         : (unsigned char)below(CSP_TREE_OP_COUNT);
        if (below(3) == 0) /* cut, or followed by something */
            c.size = 1 + below((uint32_t)c.size + 3);
        *(use(code_value(c.bytes, c.size)) == 0 ? &well : &malformed) += 1;
    }
    cr_assert(gt(uint, well, 2000));
    cr_assert(gt(uint, malformed, 2000));
}

Test(tree, each_cut_of_a_tree_is_malformed)
{
    static struct code c;

    seed();
    for (int round = 0; round < 300; round++) {
        csp_tree_builder b;
        csp_tree_builder_init(&b);
        c.size = 0;
        random_value(&b, &c, 0);
        csp_tree_builder_fini(&b);
        for (size_t size = 1; size < c.size && size < 200; size++)
            cr_assert(eq(int, use(code_value(c.bytes, size)), CSP_EINVAL));
    }
}

/* As the whole of what is built, and as an element. */
Test(tree, a_malformed_tree_is_not_built_upon)
{
    static const char *const codes[] = {
        "\x0c\x05\x00", /* a list that ends early */
        "\x00\x00",     /* goes on */
        "\x16\x01",     /* a REF to nothing */
        "\x7f\x00"      /* no item */
    };
    static const size_t sizes[] = {3, 2, 2, 2};

    for (size_t i = 0; i < 8; i++) {
        csp_tree_builder b;
        csp_value v, out;
        cr_assert(
            eq(int, csp_tree_new(codes[i / 2], sizes[i / 2], NULL, 0, &v), 0));
        csp_tree_builder_init(&b);
        if (i % 2)
            OK(csp_tree_builder_begin(&b, CSP_TREE_LIST));
        cr_assert(eq(int, csp_tree_builder_add(&b, v), CSP_EINVAL));
        cr_assert(eq(int, csp_tree_builder_finish(&b, &out), CSP_EINVAL));
        csp_tree_builder_fini(&b);
        csp_value_unref(&v);
    }
}

Test(tree, a_tree_can_be_the_whole_of_what_is_built)
{
    /* [a, a], a shared, with the handles of both */
    static const char code[] = {CSP_TREE_LIST,
                                2,
                                (char)(CSP_TREE_LIST | CSP_TREE_SHARED),
                                1,
                                CSP_TREE_HANDLE,
                                0,
                                CSP_TREE_REF,
                                4};
    csp_tree_builder b;
    csp_value v;

    make_objects(1);
    cr_assert(eq(int, csp_tree_new(code, sizeof code, handles, 1, &v), 0));
    csp_tree_builder_init(&b);
    OK(csp_tree_builder_add(&b, v));
    cr_assert(eq(int, objects[0].released, 0));
    check_equal(v, finish(&b));
    cr_assert(eq(int, objects[0].released, 1));
}
