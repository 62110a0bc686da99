// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* trees.c: whatever bytes a tree has, the core reads them safely.
 *
 * Values come from builders of this process only, so an input is one of
 *   'c' bytes   the code of a tree, whose handles are HANDLES below
 *   'n' bytes   the same without handles: nothing lies behind the code then
 *   'p' bytes   a program for a builder, two bytes a step; what it makes must
 *               be well-formed
 *   'e' bytes   the codes of two trees, one half each, to be compared
 *   't' bytes   text, bytes, and a big integer, to be printed.
 * Each must leave no memory behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/registry.h>
#include <csp/tree.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HANDLES = 4, FEW = 64 };

#define MUST(condition)                                                        \
    ((condition) ? (void)0                                                     \
                 : (fprintf(stderr, "not so: %s\n", #condition), abort()))

static volatile unsigned char sink;

static void
touch(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sink ^= (unsigned char)data[i];
}

static void
touch_item(const csp_tree_item *item)
{
    size_t size;
    const char *data = csp_value_data(&item->value, &size);

    touch(item->data, item->size);
    touch(data, data ? size : 0);
}

static void
follow(const csp_tree_cursor *c, const csp_tree_item *item)
{
    csp_tree_cursor there;
    csp_tree_item element;

    if (csp_tree_cursor_follow(c, item, &there) < 0)
        return;
    for (int i = 0; i < FEW && csp_tree_cursor_next(&there, &element) > 0; i++)
        touch_item(&element);
}

/* Walks through @p v; passes over every @p nth container, if not 0. Returns:
 * what ended it. */
static int
walk(const csp_value *v, unsigned nth)
{
    csp_tree_cursor c;
    csp_tree_item item;
    unsigned containers = 0;
    int rc;

    csp_tree_cursor_init(&c, v);
    while ((rc = csp_tree_cursor_next(&c, &item)) > 0) {
        touch_item(&item);
        follow(&c, &item);
        if (nth && item.kind == CSP_KIND_TREE && ++containers % nth == 0)
            csp_tree_cursor_skip(&c, &item);
    }
    MUST(csp_tree_cursor_next(&c, &item) == rc);
    return rc;
}

/* Its text, in memory of the size that is needed, and in less. */
static char *
printed(csp_value v)
{
    size_t size = csp_value_print(v, NULL, 0);
    char *all = malloc(size + 1);
    char *part = malloc(size / 2 + 1);

    MUST(all && part);
    MUST(csp_value_print(v, all, size + 1) == size && strlen(all) == size);
    MUST(csp_value_print(v, part, size / 2 + 1) == size);
    MUST(strncmp(part, all, strlen(part)) == 0);
    free(part);
    return all;
}

/* As an element of another tree. Returns: whether it may be one. */
static bool
inside(csp_value v)
{
    csp_tree_builder b;
    csp_value whole;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_end(&b);
    int rc = csp_tree_builder_finish(&b, &whole);
    csp_tree_builder_fini(&b);
    if (rc < 0)
        return false;
    MUST(walk(&whole, 0) == 0);
    free(printed(whole));
    csp_value_unref(&whole);
    return true;
}

static int
read_all(csp_value v)
{
    int rc = walk(&v, 0);

    walk(&v, 1);
    walk(&v, 3);
    free(printed(v));
    csp_value_hash(v);
    MUST(csp_value_equal(v, v));
    if (inside(v))
        MUST(rc == 0);
    return rc;
}

/* ---- making values ---- */

static void
nothing(void *unused)
{
    (void)unused;
}

static csp_value handles[HANDLES]; /* made once; each tree has references */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    csp_tx *tx;
    csp_rx *rx;

    (void)argc, (void)argv;
    MUST(csp_chan_new(1, NULL, &tx, &rx) == 0);
    handles[0] = csp_value_handle((csp_handle *)tx);
    handles[1] = csp_value_handle((csp_handle *)rx);
    MUST(csp_value_buffer("lent", 4, CSP_VALUE_AS_STR, nothing, NULL,
                          &handles[2]) == 0);
    MUST(csp_value_buffer("memory", 6, 0, nothing, NULL, &handles[3]) == 0);
    return 0;
}

static bool
make_tree(const uint8_t *code, size_t size, size_t n_handles, csp_value *out)
{
    csp_handle *references[HANDLES];

    for (size_t i = 0; i < n_handles; i++)
        references[i] = csp_value_as_item(csp_value_ref(handles[i]));
    if (csp_tree_new(code, size, references, n_handles, out) == 0)
        return true;
    for (size_t i = 0; i < n_handles; i++) {
        csp_value v = handles[i];
        csp_value_unref(&v);
    }
    return false;
}

/* One step of a program. */
static void
build(csp_tree_builder *b, uint8_t step, uint8_t operand, const uint8_t *rest,
      size_t n)
{
    csp_value v;

    switch (step % 6) {
    case 0:
        csp_tree_builder_begin(b, operand % CSP_TREE_OP_COUNT);
        break;
    case 1:
        csp_tree_builder_end(b);
        break;
    case 2:
        csp_tree_builder_data(b, operand % CSP_TREE_OP_COUNT, rest,
                              n < operand ? n : operand);
        break;
    case 3:
        csp_tree_builder_add(b,
                             csp_value_int((int64_t)operand << operand % 56));
        break;
    case 4:
        csp_tree_builder_add(b, csp_value_float(operand / 3.0));
        break;
    case 5:
        if (!make_tree(rest, n < operand ? n : operand, HANDLES, &v))
            break;
        if (walk(&v, 0) == 0) /* a fault would end the program */
            csp_tree_builder_add(b, v);
        csp_value_unref(&v);
    }
}

static void
run_program(const uint8_t *data, size_t size)
{
    csp_tree_builder b;
    csp_value v;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    for (size_t i = 0; i + 1 < size; i += 2)
        build(&b, data[i], data[i + 1], data + i, size - i);
    csp_tree_builder_end(&b);
    if (csp_tree_builder_finish(&b, &v) == 0) {
        MUST(read_all(v) == 0);
        csp_value_unref(&v);
    }
    csp_tree_builder_fini(&b);
}

/* ---- an input ---- */

static void
read_code(const uint8_t *data, size_t size, size_t n_handles)
{
    csp_value v;

    if (!make_tree(data, size, n_handles, &v))
        return;
    read_all(v);
    csp_value_unref(&v);
}

static void
compare(const uint8_t *data, size_t size)
{
    csp_value a, b;

    if (!make_tree(data, size / 2, 0, &a))
        return;
    if (make_tree(data + size / 2, size / 2, 0, &b)) {
        bool equal = csp_value_equal(a, b);
        MUST(csp_value_equal(b, a) == equal);
        MUST(!equal || csp_value_hash(a) == csp_value_hash(b));
        csp_value_unref(&b);
    }
    csp_value_unref(&a);
}

static void
print_text(const uint8_t *data, size_t size)
{
    csp_value v;

    MUST(csp_value_str((const char *)data, size, &v) == 0);
    free(printed(v));
    csp_value_unref(&v);
    MUST(csp_value_bytes(data, size, &v) == 0);
    free(printed(v));
    csp_value_unref(&v);
    if (size && csp_value_bigint(data, size, &v) == 0) {
        free(printed(v));
        csp_value_unref(&v);
    }
}

static csp_registry_counters
live(void)
{
    csp_registry_counters c = {.size = sizeof c};

    csp_registry_count(&c);
    return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    csp_registry_counters before = live();
    const uint8_t *rest = data + 1;
    switch (data[0]) {
    case 'p':
        run_program(rest, size - 1);
        break;
    case 'e':
        compare(rest, size - 1);
        break;
    case 't':
        print_text(rest, size - 1);
        break;
    default:
        read_code(rest, size - 1, data[0] == 'n' ? 0 : HANDLES);
    }
    csp_registry_counters after = live();
    MUST(after.chans == before.chans && after.bytes == before.bytes);
    return 0;
}
