// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Many channels at once, one after another, and each in the buffer of the one
 * before: they stay small, are found while the registry grows and shrinks, and
 * are released whole, however deep they lie. (With INTERCSP_SCALE=20 a million
 * at once, with 50 ten million one after another; bench/memory.c has what they
 * cost.) */
#include <stdlib.h>

#include <csp/chan.h>
#include <csp/registry.h>

#include "test.h"

enum { CREW = 2, AT_ONCE = 25000, IN_TURN = 100000, DEEP = 50000 };
enum { CAPACITY = 16, MOST_BYTES = 768, STACK_BYTES = 256 << 10 };

struct ends {
    csp_tx *tx;
    csp_rx *rx;
};

static void
make(struct ends *e)
{
    CHECK_EQ(csp_chan_new(CAPACITY, NULL, &e->tx, &e->rx), 0);
}

static void
drop(struct ends *e)
{
    csp_tx_unref(e->tx);
    csp_rx_unref(e->rx);
}

static csp_registry_counters
alive(void)
{
    csp_registry_counters c = {.size = sizeof c};

    CHECK_EQ(csp_registry_count(&c), 0);
    return c;
}

static void
idle_channels_are_small(void)
{
    enum { N = 1000 };
    struct ends all[N];
    csp_registry_counters before = alive();

    for (int i = 0; i < N; i++)
        make(&all[i]);
    csp_registry_counters full = alive();
    CHECK_EQ(full.chans - before.chans, N);
    CHECK((full.bytes - before.bytes) / N <= MOST_BYTES);
    for (int i = 0; i < N; i++)
        drop(&all[i]);
}

static void
be_one_of_a_crowd(unsigned who, void *arg)
{
    size_t n = test_count(AT_ONCE);
    struct ends *all = calloc(n, sizeof *all);
    struct test_random r;

    (void)arg;
    CHECK(all);
    test_random_init(&r, who);
    for (size_t i = 0; i < n; i++)
        make(&all[i]);
    for (size_t i = 0; i < n; i++) {
        size_t k = i + test_below(&r, (uint32_t)(n - i)); /* alive still */
        csp_tx *tx;
        CHECK_EQ(csp_registry_find_tx(csp_tx_id(all[k].tx), &tx), 0);
        csp_tx_unref(tx);
        drop(&all[i]);
    }
    free(all);
}

static void
a_crowd_is_found_until_it_is_gone(void)
{
    test_parallel(CREW, be_one_of_a_crowd, NULL);
    CHECK_EQ(alive().chans, 0);
}

static void
live_and_die(unsigned who, void *arg)
{
    (void)who;
    (void)arg;
    for (uint64_t i = test_count(IN_TURN); i; i--) {
        struct ends e;
        make(&e);
        drop(&e);
    }
}

static void
short_lives_leave_nothing(void)
{
    uint64_t n = test_count(IN_TURN);

    test_parallel(CREW, live_and_die, NULL);
    CHECK_EQ(alive().chans, 0);
    test_note("%d times %llu channels, %.0f ns each", CREW,
              (unsigned long long)n, test_elapsed() * 1e9 / (double)n);
}

/* Each channel buffers the last end of the next; a few frames for each would
 * not fit on this stack. */
static void *
release_a_chain(void *unused)
{
    struct ends next, e;

    make(&next);
    csp_tx_unref(next.tx);
    for (uint64_t i = test_count(DEEP); i; i--, next = e) {
        make(&e);
        CHECK_EQ(csp_tx_try_send(e.tx, csp_rx_as_value(next.rx)), 0);
        csp_tx_unref(e.tx);
    }
    csp_rx_unref(next.rx);
    CHECK_EQ(alive().chans, 0);
    return unused;
}

static void
a_chain_is_released_without_recursion(void)
{
    pthread_attr_t attr;
    pthread_t thread;

    CHECK_EQ(pthread_attr_init(&attr), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attr, STACK_BYTES), 0);
    CHECK_EQ(pthread_create(&thread, &attr, release_a_chain, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(pthread_attr_destroy(&attr), 0);
}

int
main(void)
{
    TEST(idle_channels_are_small);
    TEST(a_crowd_is_found_until_it_is_gone);
    TEST(short_lives_leave_nothing);
    TEST(a_chain_is_released_without_recursion);
    return test_end();
}
