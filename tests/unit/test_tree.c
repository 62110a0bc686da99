// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
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
