// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Owners lend memory to readers in other threads: each piece is released once,
 * by its owner, after the last reader is done with it, and an owner that only
 * looks when it is prodded gets everything back. When an owner closes, what it
 * has not released by then is orphaned, each piece once. */
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/owner.h>
#include <csp/tree.h>

#include "test.h"

enum { OWNERS = 2, READERS = 4, PIECES = 1000000, TURNS = 50000 };
enum { ROUNDS = 5000, SECONDS = 3 };
enum { SIZE = 40, OUT = 64, POCKETS = 8 };

/* A piece of memory that is lent. */
struct piece {
    struct owner *owner;
    unsigned char text[SIZE];
};

struct owner {
    csp_owner *o;
    sem_t prodded;
    unsigned who;
    uint64_t lent, released, waits;
    atomic_ulong orphaned;
    atomic_bool closed, done;
};

static struct {
    struct owner owners[OWNERS];
    csp_tx *tx, *again[READERS]; /* to lend, and to pass on */
    csp_rx *rx;
    atomic_uint lending; /* owners that are not done yet */
    struct test_barrier barrier;
    uint64_t rounds;
} run;

static _Thread_local struct owner *self; /* of an owner's thread */

static void
prod(void *arg)
{
    struct owner *w = arg;

    CHECK(!atomic_load(&w->done));
    CHECK_EQ(sem_post(&w->prodded), 0);
}

static void
fill(struct piece *p, unsigned char with)
{
    memset(p->text, with, sizeof p->text);
}

/* What readers find is what was lent, all of it. */
static void
check_text(const unsigned char *text, size_t size)
{
    CHECK_EQ(size, SIZE);
    CHECK(text[0] != 0);
    for (size_t i = 1; i < SIZE; i++)
        CHECK_EQ(text[i], text[0]);
}

static void
release(void *arg)
{
    struct piece *p = arg;

    CHECK(self && p->owner == self); /* this is its owner's thread */
    CHECK(!atomic_load(&self->closed));
    check_text(p->text, SIZE);
    fill(p, 0);       /* whoever still reads it fails */
    self->released++; /* plainly: one thread does it */
    free(p);
}

static void
orphan(void *arg, void *release_arg)
{
    struct owner *w = arg;
    struct piece *p = release_arg;

    CHECK(p->owner == w);
    CHECK(atomic_load(&w->closed));
    CHECK(!atomic_load(&w->done));
    fill(p, 0);
    atomic_fetch_add(&w->orphaned, 1);
    free(p);
}

static void
done(void *arg)
{
    struct owner *w = arg;

    CHECK(!atomic_exchange(&w->done, true));
}

static void
owner_init(struct owner *w, unsigned who)
{
    csp_owner_opts opts = {.size = sizeof opts,
                           .prod = prod,
                           .orphan = orphan,
                           .done = done,
                           .arg = w};

    memset(w, 0, sizeof *w);
    w->who = who;
    CHECK_EQ(sem_init(&w->prodded, 0, 0), 0);
    CHECK_EQ(csp_owner_new(&opts, &w->o), 0);
}

static uint64_t
out(struct owner *w)
{
    csp_owner_counters now = {.size = sizeof now};

    CHECK_EQ(csp_owner_count(w->o, &now), 0);
    CHECK_EQ(now.released, w->released);
    return now.lent;
}

/* A prod that is lost hangs here. */
static void
wait_and_drain(struct owner *w)
{
    CHECK_EQ(sem_wait(&w->prodded), 0);
    csp_owner_drain(w->o);
    w->waits++;
}

/* A new piece of w's, alone or in a tree. */
static csp_value
lend(struct owner *w, struct test_random *r)
{
    struct piece *p = malloc(sizeof *p);
    unsigned flags = test_below(r, 2) ? CSP_VALUE_AS_BYTES : 0;
    csp_tree_builder b;
    csp_value v, tree;

    CHECK(p);
    p->owner = w;
    fill(p, (unsigned char)(1 + test_below(r, 255)));
    CHECK_EQ(csp_owner_buffer(w->o, p->text, SIZE, flags, release, p, &v), 0);
    w->lent++;
    if (test_below(r, 2))
        return v;
    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_LIST);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_add(&b, v);
    csp_tree_builder_end(&b);
    CHECK_EQ(csp_tree_builder_finish(&b, &tree), 0);
    csp_value_unref(&v);
    return tree;
}

static void
check_value(csp_value v)
{
    csp_tree_cursor c;
    csp_tree_item item;
    int pieces = 0, more;

    csp_tree_cursor_init(&c, &v);
    while ((more = csp_tree_cursor_next(&c, &item)) > 0)
        if (item.data) {
            check_text((const unsigned char *)item.data, item.size);
            pieces++;
        }
    CHECK_EQ(more, 0);
    CHECK(pieces == 1 || pieces == 2);
}

/* Keeps some of what it receives for a while, shared with other readers. */
static void
read_all(unsigned who, uint64_t stream)
{
    csp_tx *again = run.again[who - OWNERS];
    csp_value pockets[POCKETS] = {{0, 0, 0}}, v;
    struct test_random r;

    test_random_init(&r, stream);
    while (csp_rx_recv(run.rx, &v, CSP_FOREVER) == 0) {
        check_value(v);
        csp_value *pocket = &pockets[test_below(&r, POCKETS)];
        if (csp_value_kind(*pocket) != CSP_KIND_NONE)
            check_value(*pocket);
        csp_value_unref(pocket);
        if (test_below(&r, 2))
            *pocket = csp_value_ref(v);
        /* Nothing is passed on for ever: half, then a quarter... */
        if (!test_below(&r, 2) || csp_tx_try_send(again, v) != 0)
            csp_value_unref(&v);
    }
    for (int i = 0; i < POCKETS; i++)
        csp_value_unref(&pockets[i]);
}

static void
lend_pieces(struct owner *w, uint64_t pieces)
{
    struct test_random r;

    self = w;
    test_random_init(&r, 100 + w->who);
    while (w->lent < pieces && !test_is_over(SECONDS)) {
        csp_value v = lend(w, &r);
        CHECK_EQ(csp_tx_send(run.tx, v, CSP_FOREVER), 0);
        if (w->who % 2 && test_below(&r, 8) == 0)
            csp_owner_drain(w->o); /* now and then; others when prodded */
        while (out(w) > OUT)
            wait_and_drain(w);
    }
}

static void
open_channel(void)
{
    CHECK_EQ(csp_chan_new(16, NULL, &run.tx, &run.rx), 0);
    for (int i = 0; i < READERS; i++)
        CHECK_EQ(csp_tx_clone(run.tx, &run.again[i]), 0);
    atomic_store(&run.lending, OWNERS);
}

static void
drop_channel(void)
{
    csp_tx_unref(run.tx);
    csp_rx_unref(run.rx);
    for (int i = 0; i < READERS; i++)
        csp_tx_unref(run.again[i]);
}

/* The last of the owners that has lent all lets the readers go. */
static void
lending_is_over(void)
{
    if (atomic_fetch_sub(&run.lending, 1) != 1)
        return;
    csp_tx_close(run.tx);
    for (int i = 0; i < READERS; i++)
        csp_tx_close(run.again[i]);
}

static void
lend_or_read(unsigned who, void *pieces)
{
    if (who < OWNERS) {
        struct owner *w = &run.owners[who];
        lend_pieces(w, *(uint64_t *)pieces);
        lending_is_over();
        while (out(w))
            wait_and_drain(w);
        CHECK_EQ(w->released, w->lent);
        atomic_store(&w->closed, true);
        csp_owner_close(w->o);
        csp_owner_unref(w->o);
        return;
    }
    read_all(who, who);
}

static void
an_owner_that_waits_for_prods_gets_everything_back(void)
{
    uint64_t pieces = test_count(PIECES), lent = 0, waits = 0;

    open_channel();
    for (unsigned i = 0; i < OWNERS; i++)
        owner_init(&run.owners[i], i);
    test_parallel(OWNERS + READERS, lend_or_read, &pieces);
    drop_channel();
    for (unsigned i = 0; i < OWNERS; i++) {
        struct owner *w = &run.owners[i];
        CHECK(atomic_load(&w->done));
        CHECK_EQ(atomic_load(&w->orphaned), 0);
        lent += w->lent;
        waits += w->waits;
        sem_destroy(&w->prodded);
    }
    test_note("%llu pieces, %.2f s, %llu waits for a prod",
              (unsigned long long)lent, test_elapsed(),
              (unsigned long long)waits);
}

/* ---- one piece at a time ---- */

static struct {
    struct owner owner;
    csp_value piece;
    csp_value held[READERS];
} single;

/* All readers hold the one piece, and drop it as nearly at once as can be. */
static void
drop_together(unsigned who, void *turns)
{
    struct owner *w = &single.owner;
    struct test_random r;

    test_random_init(&r, 200 + who);
    if (who == 0)
        self = w;
    for (uint64_t turn = 0; turn < *(uint64_t *)turns; turn++) {
        if (who == 0) {
            single.piece = lend(w, &r);
            for (int i = 0; i < READERS; i++)
                single.held[i] = csp_value_ref(single.piece);
        }
        test_barrier_wait(&run.barrier);
        if (who) {
            csp_value_unref(&single.held[who - 1]);
        } else {
            csp_value_unref(&single.piece);
            while (w->released == turn)
                wait_and_drain(w);
            CHECK_EQ(out(w), 0);
        }
        test_barrier_wait(&run.barrier);
    }
}

static void
each_last_reference_prods(void)
{
    uint64_t turns = test_count(TURNS);
    struct owner *w = &single.owner;
    csp_owner_counters now = {.size = sizeof now};

    owner_init(w, 0);
    test_barrier_init(&run.barrier, READERS + 1);
    test_parallel(READERS + 1, drop_together, &turns);
    CHECK_EQ(csp_owner_count(w->o, &now), 0);
    CHECK_EQ(now.prods, turns);
    CHECK_EQ(now.released, turns);
    csp_owner_unref(w->o);
    sem_destroy(&w->prodded);
}

/* ---- closing ---- */

/* The owners close at any moment, with pieces on their way back. */
static void
lend_and_close(unsigned who, void *arg)
{
    struct test_random r;

    (void)arg;
    if (who >= OWNERS) {
        read_all(who, 100000 * run.rounds + who);
        return;
    }
    struct owner *w = self = &run.owners[who];
    test_random_init(&r, 100000 * run.rounds + who);
    for (unsigned n = test_below(&r, 200); n-- > 0;) {
        CHECK_EQ(csp_tx_send(run.tx, lend(w, &r), CSP_FOREVER), 0);
        if (test_below(&r, 16) == 0)
            csp_owner_drain(w->o);
    }
    bool first = test_below(&r, 2); /* readers end before the owner does */
    if (first)
        lending_is_over();
    csp_owner_drain(w->o);
    atomic_store(&w->closed, true);
    csp_owner_close(w->o);
    csp_owner_unref(w->o);
    if (!first)
        lending_is_over();
}

static void
what_a_closed_owner_has_not_released_is_orphaned(void)
{
    uint64_t rounds = test_count(ROUNDS), released = 0, orphaned = 0;

    for (run.rounds = 0; run.rounds < rounds && !test_is_over(SECONDS);
         run.rounds++) {
        open_channel();
        for (unsigned i = 0; i < OWNERS; i++)
            owner_init(&run.owners[i], i);
        test_parallel(OWNERS + READERS, lend_and_close, NULL);
        drop_channel();
        for (unsigned i = 0; i < OWNERS; i++) {
            struct owner *w = &run.owners[i];
            CHECK(atomic_load(&w->done)); /* with the last piece */
            CHECK_EQ(w->released + atomic_load(&w->orphaned), w->lent);
            released += w->released;
            orphaned += atomic_load(&w->orphaned);
            sem_destroy(&w->prodded);
        }
    }
    test_note("%llu rounds, %.2f s, %llu released, %llu orphaned",
              (unsigned long long)run.rounds, test_elapsed(),
              (unsigned long long)released, (unsigned long long)orphaned);
}

int
main(void)
{
    TEST(an_owner_that_waits_for_prods_gets_everything_back);
    TEST(each_last_reference_prods);
    TEST(what_a_closed_owner_has_not_released_is_orphaned);
    return test_end();
}
