// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Ends are cloned, closed, found by id, dropped and sent through channels by
 * many threads: while a thread holds an open end, its side is open and can be
 * found; when all are gone, so is everything else.
 *
 * An end travels only through channels with a lower number than its own, so
 * that no channel's buffer keeps that channel alive. */
#include <string.h>

#include <csp/chan.h>
#include <csp/registry.h>

#include "test.h"

enum { CHANS = 6, THREADS = 6, POCKETS = 8, ROUNDS = 50000, SECONDS = 3 };

static struct {
    uint64_t id[CHANS];
    csp_tx *tx[CHANS]; /* the first ends: taken by thread 0 */
    csp_rx *rx[CHANS];
    struct test_barrier barrier;
    uint32_t rounds;
    bool over;
    atomic_ulong moved, found, missed;
} run;

/* What one thread holds. A closed end may lie in a pocket. */
struct hand {
    csp_value pockets[POCKETS];
    struct test_random random;
};

static csp_tx *
as_tx(csp_value v)
{
    return csp_tx_from_handle(csp_value_as_handle(v));
}

static csp_rx *
as_rx(csp_value v)
{
    return csp_rx_from_handle(csp_value_as_handle(v));
}

static bool
is_end(csp_value v)
{
    return csp_value_kind(v) == CSP_KIND_HANDLE;
}

static uint64_t
id_of(csp_value v)
{
    return as_tx(v) ? csp_tx_id(as_tx(v)) : csp_rx_id(as_rx(v));
}

static bool
is_open(csp_value v)
{
    return (as_tx(v) ? csp_tx_state(as_tx(v)) : csp_rx_state(as_rx(v))) == 0;
}

/* A random pocket, emptied. */
static csp_value *
empty_pocket(struct hand *h)
{
    csp_value *v = &h->pockets[test_below(&h->random, POCKETS)];

    csp_value_unref(v); /* NONE from here on */
    return v;
}

static csp_value
random_pocket(struct hand *h)
{
    return h->pockets[test_below(&h->random, POCKETS)];
}

/* Looks up both sides of a channel; NONE where it is not there. */
static csp_value
find(uint64_t id, bool tx)
{
    csp_value v = csp_value_none();
    csp_tx *t;
    csp_rx *r;
    int rc = tx ? csp_registry_find_tx(id, &t) : csp_registry_find_rx(id, &r);

    if (rc == 0)
        v = tx ? csp_tx_as_value(t) : csp_rx_as_value(r);
    else
        CHECK_EQ(rc, CSP_ENOTFOUND);
    atomic_fetch_add(rc == 0 ? &run.found : &run.missed, 1);
    return v;
}

static void
find_some(struct hand *h)
{
    *empty_pocket(h) =
        find(run.id[test_below(&h->random, CHANS)], test_below(&h->random, 2));
}

static void
clone_some(struct hand *h)
{
    csp_value from = csp_value_ref(random_pocket(h));
    csp_value *to = empty_pocket(h);
    csp_tx *tx;
    csp_rx *rx;

    if (is_end(from)) {
        int rc = as_tx(from) ? csp_tx_clone(as_tx(from), &tx)
                             : csp_rx_clone(as_rx(from), &rx);
        CHECK_EQ(rc, is_open(from) ? 0 : CSP_EENDCLOSED);
        if (rc == 0)
            *to = as_tx(from) ? csp_tx_as_value(tx) : csp_rx_as_value(rx);
    }
    csp_value_unref(&from);
}

static void
close_some(struct hand *h)
{
    csp_value v = random_pocket(h);

    if (is_end(v) && as_tx(v))
        csp_tx_close(as_tx(v));
    else if (is_end(v))
        csp_rx_close(as_rx(v));
}

/* Sends a pocket's end through another pocket's. */
static void
send_some(struct hand *h)
{
    csp_value by = random_pocket(h);
    csp_value *what = &h->pockets[test_below(&h->random, POCKETS)];

    if (!is_end(by) || !as_tx(by) || !is_end(*what) || !is_open(*what) ||
        id_of(by) >= id_of(*what))
        return;
    int rc = csp_tx_try_send(as_tx(by), *what);
    if (rc == 0) {
        *what = csp_value_none();
        atomic_fetch_add(&run.moved, 1);
        return;
    }
    CHECK(rc == CSP_EFULL ||
          rc == (is_open(by) ? CSP_ECLOSED : CSP_EENDCLOSED));
}

static void
receive_some(struct hand *h)
{
    csp_value by = random_pocket(h), v;

    if (!is_end(by) || !as_rx(by))
        return;
    bool open = is_open(by);
    int rc = csp_rx_try_recv(as_rx(by), &v);
    if (rc == 0) {
        CHECK(open && is_end(v) && id_of(v) > id_of(by));
        *empty_pocket(h) = v;
        return;
    }
    CHECK(rc == CSP_EEMPTY || rc == (open ? CSP_ECLOSED : CSP_EENDCLOSED));
}

/* An end that is open here keeps its side open. */
static void
check_some(struct hand *h)
{
    csp_value v = random_pocket(h);

    if (!is_end(v) || !is_open(v))
        return;
    csp_value same = find(id_of(v), as_tx(v) != NULL);
    CHECK(is_end(same) && is_open(same));
    CHECK(csp_value_as_handle(same) != csp_value_as_handle(v));
    CHECK_EQ(id_of(same), id_of(v));
    csp_value_unref(&same);
    csp_value other = find(id_of(v), as_tx(v) == NULL);
    if (is_end(other)) { /* both sides are held here: neither is finished */
        csp_value tx = as_tx(v) ? v : other, rx = as_tx(v) ? other : v;
        CHECK(!csp_tx_is_finished(as_tx(tx)));
        CHECK(!csp_rx_is_finished(as_rx(rx)));
    }
    csp_value_unref(&other);
}

static void
play(struct hand *h)
{
    static void (*const moves[])(struct hand *) = {
        find_some, clone_some,   close_some,   send_some,
        send_some, receive_some, receive_some, check_some,
    };

    moves[test_below(&h->random, sizeof moves / sizeof *moves)](h);
}

static void
drop_all(struct hand *h)
{
    for (int i = 0; i < POCKETS; i++)
        csp_value_unref(&h->pockets[i]);
}

/* Thread 0 makes the channels, and gives its ends up half-way. */
static void
make_channels(struct hand *h)
{
    for (int i = 0; i < CHANS; i++) {
        CHECK_EQ(csp_chan_new(1 + test_below(&h->random, 4), NULL, &run.tx[i],
                              &run.rx[i]),
                 0);
        run.id[i] = csp_tx_id(run.tx[i]);
    }
}

static void
drop_channels(void)
{
    for (int i = 0; i < CHANS; i++) {
        csp_tx_unref(run.tx[i]);
        csp_rx_unref(run.rx[i]);
    }
}

static void
check_all_are_gone(void)
{
    for (int i = 0; i < CHANS; i++) {
        CHECK(!is_end(find(run.id[i], true)));
        CHECK(!is_end(find(run.id[i], false)));
    }
}

static void
play_round(struct hand *h, bool first)
{
    if (first)
        make_channels(h);
    test_barrier_wait(&run.barrier);
    for (int i = 0; i < 50; i++) /* all can be found */
        play(h);
    test_barrier_wait(&run.barrier);
    if (first)
        drop_channels();
    for (int i = 0; i < 200; i++) /* sides end at any time */
        play(h);
    drop_all(h);
    test_barrier_wait(&run.barrier);
}

static void
work(unsigned who, void *rounds)
{
    struct hand h;

    memset(&h, 0, sizeof h);
    test_random_init(&h.random, who);
    do {
        play_round(&h, who == 0);
        if (who == 0) {
            check_all_are_gone();
            run.rounds++;
            run.over =
                run.rounds >= *(uint64_t *)rounds || test_is_over(SECONDS);
        }
        test_barrier_wait(&run.barrier);
    } while (!run.over);
}

static void
nothing_is_left_when_all_ends_are_gone(void)
{
    uint64_t rounds = test_count(ROUNDS);

    test_barrier_init(&run.barrier, THREADS);
    test_parallel(THREADS, work, &rounds);
    test_note("%u rounds, %.2f s; moved %lu, found %lu, not found %lu",
              run.rounds, test_elapsed(), run.moved, run.found, run.missed);
}

int
main(void)
{
    TEST(nothing_is_left_when_all_ends_are_gone);
    return test_end();
}
