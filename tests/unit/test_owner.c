// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdlib.h>

#include <csp/owner.h>
#include <csp/tree.h>

#include "unit.h"

SUITE(owner);

enum { MAX = 40 };

/* What the callbacks saw. */
static struct {
    unsigned prods, done;
    int released[MAX], n_released; /* in their order */
    int orphaned[MAX], n_orphaned;
} seen;

static int numbers[MAX];

static void
prod(void *arg)
{
    cr_assert(eq(ptr, arg, &seen));
    seen.prods++;
}

static void
orphan(void *arg, void *release_arg)
{
    cr_assert(eq(ptr, arg, &seen));
    seen.orphaned[seen.n_orphaned++] = (int)((int *)release_arg - numbers);
}

static void
done(void *arg)
{
    cr_assert(eq(ptr, arg, &seen));
    seen.done++;
}

static csp_owner *
new_owner(bool with_orphan)
{
    csp_owner_opts opts = {.size = sizeof opts,
                           .prod = prod,
                           .orphan = with_orphan ? orphan : NULL,
                           .done = done,
                           .arg = &seen};
    csp_owner *o;

    memset(&seen, 0, sizeof seen);
    cr_assert(eq(int, csp_owner_new(&opts, &o), 0));
    return o;
}

static void
note_release(void *arg)
{
    seen.released[seen.n_released++] = (int)((int *)arg - numbers);
}

/* Buffer number @p i. */
static csp_value
lend(csp_owner *o, int i)
{
    csp_value v;

    cr_assert(eq(int,
                 csp_owner_buffer(o, &numbers[i], sizeof(int), 0, note_release,
                                  &numbers[i], &v),
                 0));
    return v;
}

static void
lend_and_drop(csp_owner *o, int i)
{
    csp_value v = lend(o, i);

    csp_value_unref(&v);
}

static csp_owner_counters
count(csp_owner *o)
{
    csp_owner_counters now = {.size = sizeof now};

    cr_assert(eq(int, csp_owner_count(o, &now), 0));
    return now;
}

Test(owner, what_is_dropped_is_released_when_the_owner_drains)
{
    csp_owner *o = new_owner(true);
    csp_value v = lend(o, 3), w = csp_value_ref(v);
    size_t size;

    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_BUFFER));
    cr_assert(
        eq(ptr, (void *)(uintptr_t)csp_value_data(&v, &size), &numbers[3]));
    cr_assert(eq(sz, size, sizeof(int)));
    csp_value_unref(&v);
    cr_assert(eq(sz, csp_owner_drain(o), 0));
    cr_assert(eq(uint, seen.prods, 0));
    csp_value_unref(&w);
    cr_assert(eq(uint, seen.prods, 1));
    cr_assert(eq(int, seen.n_released, 0));
    cr_assert(eq(u64, count(o).lent, 1));
    cr_assert(eq(sz, csp_owner_drain(o), 1));
    cr_assert(eq(int, seen.n_released, 1));
    cr_assert(eq(int, seen.released[0], 3));
    cr_assert(eq(u64, count(o).lent, 0));
    cr_assert(eq(u64, count(o).released, 1));
    csp_owner_unref(o);
    cr_assert(eq(int, seen.n_orphaned, 0));
    cr_assert(eq(uint, seen.done, 1));
}

Test(owner, a_batch_has_one_prod_and_keeps_its_order)
{
    csp_owner *o = new_owner(true);

    for (unsigned batch = 1; batch <= 3; batch++) {
        seen.n_released = 0;
        for (int i = 0; i < MAX; i++)
            lend_and_drop(o, i);
        cr_assert(eq(uint, seen.prods, batch));
        cr_assert(eq(sz, csp_owner_drain(o), MAX));
        for (int i = 0; i < MAX; i++)
            cr_assert(eq(int, seen.released[i], i));
        cr_assert(eq(sz, csp_owner_drain(o), 0));
    }
    cr_assert(eq(u64, count(o).prods, 3));
    csp_owner_unref(o);
}

Test(owner, without_an_owner_the_dropping_thread_releases)
{
    memset(&seen, 0, sizeof seen);
    lend_and_drop(NULL, 5);
    cr_assert(eq(int, seen.n_released, 1));
    cr_assert(eq(int, seen.released[0], 5));
}

Test(owner, lent_text_is_released_by_the_owner_too)
{
    csp_owner *o = new_owner(false);
    csp_value v;

    cr_assert(eq(int,
                 csp_owner_buffer(o, "a long text", 11, CSP_VALUE_AS_STR,
                                  note_release, &numbers[1], &v),
                 0));
    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_STR));
    csp_value_unref(&v);
    cr_assert(eq(sz, csp_owner_drain(o), 1));
    cr_assert(eq(int, seen.released[0], 1));
    csp_owner_unref(o);
}

Test(owner, a_buffer_in_a_tree_comes_back_with_it)
{
    csp_owner *o = new_owner(false);
    csp_value v = lend(o, 2), tree;
    csp_tree_builder b;
    csp_tree_cursor c;
    csp_tree_item item;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_end(&b);
    cr_assert(eq(int, csp_tree_builder_finish(&b, &tree), 0));
    csp_value_unref(&v);
    csp_tree_cursor_init(&c, &tree);
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, csp_tree_cursor_next(&c, &item), 1));
    cr_assert(eq(int, (int)item.kind, CSP_KIND_BUFFER));
    cr_assert(eq(ptr, (void *)(uintptr_t)item.data, &numbers[2]));
    cr_assert(eq(sz, csp_owner_drain(o), 0));
    csp_value_unref(&tree);
    cr_assert(eq(sz, csp_owner_drain(o), 1));
    csp_owner_unref(o);
}

/* ---- inside a release ---- */

static struct {
    csp_owner *owner;
    csp_value held; /* dropped by the release */
    bool drain, close;
} inside;

static void
release_and_act(void *arg)
{
    note_release(arg);
    csp_value_unref(&inside.held);
    if (inside.drain)
        cr_assert(eq(sz, csp_owner_drain(inside.owner), 0));
    if (inside.close)
        csp_owner_close(inside.owner);
}

static void
act_and_drop(csp_owner *o, int i)
{
    csp_value v;

    inside.owner = o;
    cr_assert(
        eq(int, csp_owner_buffer(o, "", 0, 0, release_and_act, &numbers[i], &v),
           0));
    csp_value_unref(&v);
}

Test(owner, what_a_release_drops_is_released_by_the_same_drain)
{
    csp_owner *o = new_owner(false);

    inside.held = lend(o, 7);
    inside.drain = true; /* which is left to the one at work */
    act_and_drop(o, 6);
    lend_and_drop(o, 8);
    cr_assert(eq(sz, csp_owner_drain(o), 3));
    cr_assert(eq(int, seen.released[0], 6));
    cr_assert(eq(int, seen.released[1], 8));
    cr_assert(eq(int, seen.released[2], 7));
    cr_assert(eq(uint, seen.prods, 1)); /* none while it drains */
    csp_owner_unref(o);
}

Test(owner, closing_inside_a_release_orphans_the_rest)
{
    csp_owner *o = new_owner(true);

    inside.held = lend(o, 7);
    inside.close = true;
    act_and_drop(o, 6);
    lend_and_drop(o, 8);
    cr_assert(eq(sz, csp_owner_drain(o), 3));
    cr_assert(eq(int, seen.n_released, 1));
    cr_assert(eq(int, seen.n_orphaned, 2));
    cr_assert(eq(int, seen.orphaned[0], 8));
    cr_assert(eq(int, seen.orphaned[1], 7));
    cr_assert(eq(uint, seen.done, 0));
    csp_owner_unref(o);
    cr_assert(eq(uint, seen.done, 1));
}

/* A chain of buffers, each of whose releases drops the next. */
struct link {
    csp_value next;
};

static unsigned links_released, depth, deepest;

static void
release_link(void *arg)
{
    struct link *l = arg;

    deepest = ++depth > deepest ? depth : deepest;
    csp_value_unref(&l->next);
    free(l);
    links_released++;
    depth--;
}

Test(owner, a_long_chain_is_released_without_recursion)
{
    enum { LENGTH = 500000 };
    csp_owner *owners[2];
    csp_value v = csp_value_none();

    for (int i = 0; i < 2; i++)
        owners[i] = new_owner(false);
    for (int i = 0; i < LENGTH; i++) { /* of either owner, or of none */
        struct link *l = malloc(sizeof *l);
        csp_owner *o = i % 3 < 2 ? owners[i % 3] : NULL;
        l->next = v;
        cr_assert(eq(
            int, csp_owner_buffer(o, l, sizeof *l, 0, release_link, l, &v), 0));
    }
    csp_value_unref(&v);
    while (csp_owner_drain(owners[0]) + csp_owner_drain(owners[1]))
        ;
    cr_assert(eq(uint, links_released, LENGTH));
    cr_assert(le(uint, deepest, 2)); /* one that has no owner inside one */
    csp_owner_unref(owners[0]);
    csp_owner_unref(owners[1]);
}

/* ---- a push that is under way ---- */

/* In the place of liburcu's, whose enqueue has two steps: between them another
 * thread can stop. Here it goes on with something else instead. */
struct cds_wfcq_node {
    struct cds_wfcq_node *next;
};

bool cds_wfcq_enqueue(struct cds_wfcq_node *head, struct cds_wfcq_node **tail,
                      struct cds_wfcq_node *node);

static void (*meanwhile)(void);

bool
cds_wfcq_enqueue(struct cds_wfcq_node *head, struct cds_wfcq_node **tail,
                 struct cds_wfcq_node *node)
{
    struct cds_wfcq_node *last = *tail;
    void (*act)(void) = meanwhile;

    *tail = node;
    meanwhile = NULL;
    if (act)
        act();
    last->next = node;
    return last != head;
}

/* Not a buffer: what drops one inside a release drops it later. */
static struct number {
    csp_owner_item item;
} queued[MAX];

static void
number_release(csp_owner_item *item)
{
    seen.released[seen.n_released++] = (int)((struct number *)item - queued);
}

static void
number_orphan(csp_owner_item *item)
{
    seen.orphaned[seen.n_orphaned++] = (int)((struct number *)item - queued);
}

static void
push_number(csp_owner *o, int i)
{
    queued[i].item.release = number_release;
    queued[i].item.orphan = number_orphan;
    csp_owner_lend(o);
    csp_owner_push(o, &queued[i].item);
}

static csp_owner *owner;
static int before;

static void
drop_and_drain(void)
{
    push_number(owner, 8);
    cr_assert(eq(uint, seen.prods, 1));
    /* Those before it are in sight, but for the last, which it is to follow. */
    cr_assert(eq(sz, csp_owner_drain(owner), before ? before - 1 : 0));
    push_number(owner, 9);
    cr_assert(eq(uint, seen.prods, 2)); /* for nothing: */
    cr_assert(eq(sz, csp_owner_drain(owner), 0));
}

Test(owner, a_push_under_way_hides_what_came_later_and_prods_for_it)
{
    for (before = 0; before < 3; before++) {
        owner = new_owner(false);
        for (int i = 0; i < before; i++)
            push_number(owner, i);
        meanwhile = drop_and_drain;
        push_number(owner, 7);
        cr_assert(eq(uint, seen.prods, 3));
        csp_owner_drain(owner);
        cr_assert(eq(int, seen.n_released, before + 3));
        for (int i = 0; i < 3; i++)
            cr_assert(eq(int, seen.released[before + i], 7 + i));
        cr_assert(eq(u64, count(owner).lent, 0));
        csp_owner_unref(owner);
    }
}

static void
drop_and_close(void)
{
    push_number(owner, 8);
    csp_owner_close(owner);
    cr_assert(eq(int, seen.n_orphaned, 0));
}

Test(owner, a_push_under_way_while_the_owner_closes_orphans_what_it_hid)
{
    owner = new_owner(true);
    meanwhile = drop_and_close;
    push_number(owner, 7);
    cr_assert(eq(int, seen.n_orphaned, 2));
    cr_assert(eq(int, seen.orphaned[0], 7));
    cr_assert(eq(int, seen.orphaned[1], 8));
    csp_owner_unref(owner);
    cr_assert(eq(uint, seen.done, 1));
}

/* ---- when the owner goes ---- */

Test(owner, a_closed_owner_gets_nothing_more)
{
    csp_owner *o = new_owner(true);
    csp_value late = lend(o, 9);

    lend_and_drop(o, 1);
    lend_and_drop(o, 2);
    csp_owner_close(o);
    cr_assert(eq(int, seen.n_orphaned, 2));
    cr_assert(eq(int, seen.orphaned[0], 1));
    cr_assert(eq(int, seen.orphaned[1], 2));
    csp_owner_close(o);
    csp_value_unref(&late);
    cr_assert(eq(int, seen.n_orphaned, 3));
    cr_assert(eq(int, seen.orphaned[2], 9));
    cr_assert(eq(sz, csp_owner_drain(o), 0));
    cr_assert(eq(int, seen.n_released, 0));
    cr_assert(eq(uint, seen.prods, 1));
    cr_assert(eq(u64, count(o).orphaned, 3));
    cr_assert(eq(u64, count(o).lent, 0));
    csp_owner_unref(o);
}

Test(owner, what_is_orphaned_is_leaked_unless_somebody_takes_it)
{
    csp_owner *o = new_owner(false);
    csp_value late = lend(o, 9);

    lend_and_drop(o, 1);
    csp_owner_close(o);
    csp_value_unref(&late);
    cr_assert(eq(int, seen.n_released, 0));
    cr_assert(eq(u64, count(o).orphaned, 2));
    csp_owner_unref(o);
}

Test(owner, what_is_lent_keeps_the_owner_until_it_comes_back)
{
    csp_owner *o = new_owner(true);
    csp_value v = lend(o, 4), w = lend(o, 5);

    csp_owner_ref(o);
    csp_owner_unref(o);
    csp_owner_unref(o); /* and nobody will drain */
    cr_assert(eq(uint, seen.done, 0));
    csp_value_unref(&v);
    cr_assert(eq(uint, seen.prods, 1));
    cr_assert(eq(int, seen.n_orphaned, 0));
    cr_assert(eq(uint, seen.done, 0));
    csp_value_unref(&w);
    cr_assert(eq(int, seen.n_orphaned, 2));
    cr_assert(eq(int, seen.n_released, 0));
    cr_assert(eq(uint, seen.done, 1));
}

Test(owner, unref_of_null_does_nothing)
{
    csp_owner_unref(NULL);
}

Test(owner, an_owner_may_do_without_callbacks)
{
    csp_owner *o;

    memset(&seen, 0, sizeof seen);
    cr_assert(eq(int, csp_owner_new(NULL, &o), 0));
    lend_and_drop(o, 1);
    cr_assert(eq(sz, csp_owner_drain(o), 1));
    cr_assert(eq(int, seen.n_released, 1));
    csp_value late = lend(o, 2);
    csp_owner_close(o);
    csp_value_unref(&late);
    csp_owner_unref(o);
}

Test(owner, a_release_may_be_nothing)
{
    csp_owner *o = new_owner(false);
    csp_value v;

    cr_assert(eq(int, csp_owner_buffer(o, NULL, 0, 0, NULL, NULL, &v), 0));
    csp_value_unref(&v);
    cr_assert(eq(sz, csp_owner_drain(o), 1));
    csp_owner_unref(o);
}

/* ---- things of somebody else's ---- */

struct thing {
    csp_owner_item item;
    int released, orphaned;
};

static void
thing_release(csp_owner_item *item)
{
    ((struct thing *)item)->released++;
}

static void
thing_orphan(csp_owner_item *item)
{
    ((struct thing *)item)->orphaned++;
}

Test(owner, other_things_can_be_queued)
{
    csp_owner *o = new_owner(false);
    struct thing things[4] = {{.released = 0}};

    for (int i = 0; i < 4; i++) {
        things[i].item.release = thing_release;
        things[i].item.orphan = i == 3 ? NULL : thing_orphan;
        csp_owner_lend(o);
    }
    cr_assert(eq(u64, count(o).lent, 4));
    csp_owner_push(o, &things[0].item);
    csp_owner_push(o, &things[1].item);
    cr_assert(eq(uint, seen.prods, 1));
    cr_assert(eq(sz, csp_owner_drain(o), 2));
    csp_owner_close(o);
    csp_owner_push(o, &things[2].item);
    csp_owner_push(o, &things[3].item);
    for (int i = 0; i < 4; i++) {
        cr_assert(eq(int, things[i].released, i < 2));
        cr_assert(eq(int, things[i].orphaned, i == 2));
    }
    cr_assert(eq(u64, count(o).lent, 0));
    cr_assert(eq(u64, count(o).released, 2));
    cr_assert(eq(u64, count(o).orphaned, 2));
    csp_owner_unref(o);
}

/* ---- misuse and failures ---- */

Test(owner, what_cannot_be_is_refused)
{
    csp_owner_opts opts = {.size = sizeof opts - 1};
    csp_owner_counters counters = {.size = 1};
    csp_owner *o = new_owner(false), *other;
    csp_value v;

    cr_assert(eq(int, csp_owner_new(&opts, &other), CSP_EINVAL));
    cr_assert(eq(int, csp_owner_count(o, &counters), CSP_EINVAL));
    cr_assert(
        eq(int, csp_owner_buffer(o, "", 0, 8, NULL, NULL, &v), CSP_EINVAL));
    cr_assert(
        eq(int, csp_owner_buffer(o, NULL, 1, 0, NULL, NULL, &v), CSP_EINVAL));
    cr_assert(eq(u64, count(o).lent, 0));
    csp_owner_unref(o);
    cr_assert(eq(uint, seen.done, 1));
}

static void
unref_owner_and_check(void *arg)
{
    csp_owner_unref(arg);
    cr_assert(eq(uint, seen.done, 0));
}

Test(owner, a_release_may_give_up_the_last_reference)
{
    csp_owner *o = new_owner(true);
    csp_value v;

    cr_assert(eq(
        int, csp_owner_buffer(o, "", 0, 0, unref_owner_and_check, o, &v), 0));
    csp_value_unref(&v);
    lend_and_drop(o, 1);
    cr_assert(eq(sz, csp_owner_drain(o), 2));
    cr_assert(eq(int, seen.n_released, 1));
    cr_assert(eq(int, seen.n_orphaned, 0));
    cr_assert(eq(uint, seen.done, 1));
}

static csp_owner *orphans_owner;

static void
unref_orphan(csp_owner_item *item)
{
    (void)item;
    csp_owner_unref(orphans_owner);
    cr_assert(eq(uint, seen.done, 0));
}

Test(owner, an_orphan_may_give_up_the_last_reference)
{
    csp_owner_item item = {.orphan = unref_orphan};

    orphans_owner = new_owner(true);
    csp_owner_lend(orphans_owner);
    csp_owner_push(orphans_owner, &item);
    csp_owner_close(orphans_owner);
    cr_assert(eq(uint, seen.done, 1));
}

static int
lend_once(void)
{
    csp_owner *o;
    csp_value v;
    int rc = csp_owner_new(NULL, &o);

    memset(&seen, 0, sizeof seen);
    if (rc < 0)
        return rc;
    rc = csp_owner_buffer(o, "", 0, 0, note_release, &numbers[0], &v);
    if (rc == 0)
        csp_value_unref(&v);
    cr_assert(eq(sz, csp_owner_drain(o), rc == 0));
    cr_assert(eq(int, seen.n_released, rc == 0));
    csp_owner_unref(o);
    return rc;
}

Test(owner, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(lend_once), 2));
}
