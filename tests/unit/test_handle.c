// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdlib.h>

#include <csp/handle.h>

#include "unit.h"

SUITE(handle);

Test(handle, the_last_unref_releases_once)
{
    struct unit_object o = {.released = 0};

    UNIT_OBJECT_INIT(&o);
    cr_assert(eq(ptr, csp_handle_ref(&o.handle), &o.handle));
    csp_handle_ref(&o.handle);
    csp_handle_unref(&o.handle);
    csp_handle_unref(&o.handle);
    cr_assert(eq(uint, o.released, 0));
    csp_handle_unref(&o.handle);
    cr_assert(eq(uint, o.released, 1));
}

Test(handle, unref_of_null_does_nothing)
{
    csp_handle_unref(NULL);
}

Test(handle, an_address_can_be_used_again_after_its_release)
{
    struct unit_object o = {.released = 0};

    for (unsigned i = 1; i <= 3; i++) {
        UNIT_OBJECT_INIT(&o);
        csp_handle_unref(&o.handle);
        cr_assert(eq(uint, o.released, i));
    }
}

/* A handle that holds further ones. */
struct parent {
    csp_handle handle;
    csp_handle *children[3];
};

static unsigned depth, deepest, released;

static void
parent_release(csp_handle *h)
{
    struct parent *p = (struct parent *)h;

    deepest = ++depth > deepest ? depth : deepest;
    for (int i = 0; i < 3; i++)
        csp_handle_unref(p->children[i]);
    free(p);
    released++;
    depth--;
}

static const csp_handle_type parent_type = {
    .size = sizeof parent_type, .name = "parent", .release = parent_release};

static csp_handle *
parent_new(csp_handle *a, csp_handle *b, csp_handle *c)
{
    struct parent *p = malloc(sizeof *p);

    cr_assert(ne(ptr, p, NULL));
    csp_handle_init(&p->handle, &parent_type);
    p->children[0] = a;
    p->children[1] = b;
    p->children[2] = c;
    return &p->handle;
}

static csp_handle *
family(int generations)
{
    if (generations == 0)
        return NULL;
    return parent_new(family(generations - 1), family(generations - 1),
                      family(generations - 1));
}

Test(handle, no_release_runs_inside_another)
{
    csp_handle_unref(family(7));
    cr_assert(eq(uint, released, (3 * 3 * 3 * 3 * 3 * 3 * 3 - 1) / 2));
    cr_assert(eq(uint, deepest, 1));
}

Test(handle, a_million_in_a_row_are_released_without_recursion)
{
    csp_handle *h = NULL;

    for (int i = 0; i < 1000000; i++)
        h = parent_new(h, NULL, NULL);
    csp_handle_unref(h);
    cr_assert(eq(uint, released, 1000000));
    cr_assert(eq(uint, deepest, 1));
}

Test(handle, a_child_with_another_owner_stays)
{
    struct unit_object o = {.released = 0};

    UNIT_OBJECT_INIT(&o);
    csp_handle_unref(
        parent_new(csp_handle_ref(&o.handle), NULL, csp_handle_ref(&o.handle)));
    cr_assert(eq(uint, o.released, 0));
    csp_handle_unref(&o.handle);
    cr_assert(eq(uint, o.released, 1));
}
