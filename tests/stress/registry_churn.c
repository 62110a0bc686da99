// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Threads come and go, each making channels, looking up its own and others',
 * and dropping them: what is open is found, what is closed is not, no id comes
 * twice, and nothing is left in the end, whichever thread freed it. */
#include <stdlib.h>

#include <csp/chan.h>
#include <csp/registry.h>

#include "test.h"

enum { CREW = 6, GENERATIONS = 5000, SECONDS = 2 };
enum { LIVES = 40, MAX_HELD = 24, BOARD = 64 };

static struct {
    atomic_uchar *used; /* by id */
    uint64_t first_id, ids;
    _Atomic uint64_t board[BOARD]; /* ids that others have or had */
    atomic_ulong found, missed;
} run;

struct pair {
    csp_tx *tx;
    csp_rx *rx;
};

static void
check_new_id(uint64_t id)
{
    CHECK(id >= run.first_id && id - run.first_id < run.ids);
    CHECK_EQ(atomic_exchange(&run.used[id - run.first_id], 1), 0);
}

static void
make(struct pair *p, struct test_random *r)
{
    uint64_t id;

    CHECK_EQ(csp_chan_new(1 + test_below(r, 3), NULL, &p->tx, &p->rx), 0);
    id = csp_tx_id(p->tx);
    CHECK_EQ(csp_rx_id(p->rx), id);
    check_new_id(id);
    atomic_store(&run.board[test_below(r, BOARD)], id);
}

/* Own channels are found through both sides, and carry what is sent. */
static void
check_is_found(const struct pair *p)
{
    uint64_t id = csp_tx_id(p->tx);
    csp_value v;
    csp_tx *tx;

    CHECK_EQ(csp_registry_find_tx(id, &tx), 0);
    if (csp_tx_try_send(tx, csp_value_int((int64_t)id)) == 0) {
        CHECK_EQ(csp_rx_try_recv(p->rx, &v), 0);
        /* Or what a stranger sent, which is the same: meet_strangers(). */
        CHECK_EQ(csp_value_as_int(v), id);
    }
    csp_tx_unref(tx);
}

static void
drop(struct pair *p)
{
    csp_tx_unref(p->tx);
    csp_rx_unref(p->rx);
    p->tx = NULL;
}

/* A channel of somebody else: there or not, but never another one. */
static void
meet_strangers(struct test_random *r)
{
    uint64_t id = atomic_load(&run.board[test_below(r, BOARD)]);
    csp_tx *tx;
    csp_rx *rx;
    int rc = csp_registry_find_tx(id, &tx);

    if (rc == 0) {
        CHECK_EQ(csp_tx_id(tx), id);
        rc = csp_tx_try_send(tx, csp_value_int((int64_t)id));
        CHECK(rc == 0 || rc == CSP_EFULL || rc == CSP_ECLOSED);
        csp_tx_unref(tx);
        rc = 0;
    }
    CHECK(rc == 0 || rc == CSP_ENOTFOUND);
    atomic_fetch_add(rc == 0 ? &run.found : &run.missed, 1);
    rc = csp_registry_find_rx(id, &rx);
    CHECK(rc == 0 || rc == CSP_ENOTFOUND);
    if (rc == 0) {
        CHECK_EQ(csp_rx_id(rx), id);
        csp_rx_unref(rx);
    }
}

static void
live(unsigned who, void *generation)
{
    struct pair held[MAX_HELD] = {{NULL, NULL}};
    struct test_random r;

    test_random_init(&r, *(uint64_t *)generation * CREW + who);
    for (int i = 0; i < LIVES; i++) {
        struct pair *p = &held[test_below(&r, MAX_HELD)];

        if (p->tx)
            drop(p);
        make(p, &r);
        check_is_found(p);
        meet_strangers(&r);
    }
    for (int i = 0; i < MAX_HELD; i++)
        if (held[i].tx)
            drop(&held[i]);
}

static void
check_ids_are_gone(void)
{
    csp_tx *tx;
    csp_rx *rx;

    for (int i = 0; i < BOARD; i++) {
        uint64_t id = atomic_load(&run.board[i]);
        CHECK_EQ(csp_registry_find_tx(id, &tx), CSP_ENOTFOUND);
        CHECK_EQ(csp_registry_find_rx(id, &rx), CSP_ENOTFOUND);
    }
}

static uint64_t
newest_id(void)
{
    csp_tx *tx;
    csp_rx *rx;

    CHECK_EQ(csp_chan_new(1, NULL, &tx, &rx), 0);
    uint64_t id = csp_tx_id(tx);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    return id;
}

static void
threads_that_come_and_go_leave_nothing(void)
{
    uint64_t generations = test_count(GENERATIONS), g;

    run.first_id = newest_id() + 1;
    run.ids = generations * CREW * LIVES;
    run.used = calloc(run.ids, sizeof *run.used);
    CHECK(run.used);
    for (g = 0; g < generations && !test_is_over(SECONDS); g++) {
        test_parallel(CREW, live, &g);
        check_ids_are_gone();
    }
    free(run.used);
    test_note("%llu generations, %.2f s; found %lu, not found %lu",
              (unsigned long long)g, test_elapsed(), run.found, run.missed);
}

/* So many at once that the table grows under the look-ups. */
enum { CROWD = 5000 };

static struct pair crowd[CREW][CROWD];

static void
join_crowd(unsigned who, void *n)
{
    uint32_t each = *(uint32_t *)n;
    struct test_random r;

    test_random_init(&r, 1000 + who);
    for (uint32_t i = 0; i < each; i++) {
        make(&crowd[who][i], &r);
        check_is_found(&crowd[who][test_below(&r, i + 1)]);
    }
    for (uint32_t i = 0; i < each; i++) {
        check_is_found(&crowd[who][i]);
        drop(&crowd[who][i]);
    }
}

static void
a_crowd_of_channels_is_found_while_the_table_grows(void)
{
    uint32_t each = (uint32_t)test_count(CROWD);

    if (each > CROWD)
        each = CROWD;
    run.first_id = newest_id() + 1;
    run.ids = (uint64_t)CREW * each;
    run.used = calloc(run.ids, sizeof *run.used);
    CHECK(run.used);
    test_parallel(CREW, join_crowd, &each);
    check_ids_are_gone();
    free(run.used);
    test_note("%u channels, %.2f s", CREW * each, test_elapsed());
}

#ifndef WITH_TSAN

/* A destructor may run again and again, after that of the library. */
static pthread_key_t last_breath;

static void
breathe(void *again)
{
    struct test_random r;
    struct pair p;

    test_random_init(&r, 2000);
    make(&p, &r);
    drop(&p);
    pthread_setspecific(last_breath, again);
}

static void
end_slowly(unsigned who, void *again)
{
    (void)who;
    CHECK_EQ(pthread_setspecific(last_breath, again), 0);
}

static void
threads_may_use_channels_while_they_end(void)
{
    enum { TIMES = 100, DESTRUCTIONS = 8 };

    run.first_id = newest_id() + 1; /* the library's key is the first */
    run.ids = TIMES * CREW * DESTRUCTIONS;
    run.used = calloc(run.ids, sizeof *run.used);
    CHECK(run.used);
    CHECK_EQ(pthread_key_create(&last_breath, breathe), 0);
    for (int i = 0; i < TIMES; i++) {
        csp_registry_counters c = {.size = sizeof c};
        test_parallel(CREW, end_slowly, &run);
        CHECK_EQ(csp_registry_count(&c), 0); /* waits for all readers */
    }
    CHECK_EQ(pthread_key_delete(last_breath), 0);
    free(run.used);
}

#endif

int
main(void)
{
    TEST(threads_that_come_and_go_leave_nothing);
    TEST(a_crowd_of_channels_is_found_while_the_table_grows);
#ifndef WITH_TSAN /* which cannot follow a thread as far as that */
    TEST(threads_may_use_channels_while_they_end);
#endif
    return test_end();
}
