// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csp/hub.h>

#include "unit.h"

SUITE(hub);

static csp_hub_tx *tx;
static csp_hub *hub;
static csp_rx *rx;

static void
make(const char *name)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.name = name;
    cr_assert(eq(int, csp_hub_new(3, &opts, &tx, &hub), 0));
}

static void
drop(void)
{
    csp_hub_tx_unref(tx);
    csp_hub_unref(hub);
}

Test(hub, its_name_is_that_of_its_subscribers)
{
    csp_chan_opts own = {
        .size = sizeof own, .name = "own", .overflow = CSP_OVERFLOW_DROP_OLD};
    csp_chan_opts unnamed = CSP_CHAN_OPTS_INIT;

    make("news");
    cr_assert(eq(str, (char *)(uintptr_t)csp_hub_name(hub), "news"));
    cr_assert(eq(str, (char *)(uintptr_t)csp_hub_tx_name(tx), "news"));
    const struct {
        const csp_chan_opts *opts;
        char *name;
    } asked[] = {{NULL, "news"}, {&unnamed, "news"}, {&own, "own"}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        cr_assert(eq(int, csp_hub_subscribe(hub, 0, asked[i].opts, &rx), 0));
        cr_assert(eq(str, (char *)(uintptr_t)csp_rx_name(rx), asked[i].name));
        cr_assert(eq(u32, csp_rx_capacity(rx), csp_hub_capacity(hub)));
        csp_rx_unref(rx);
    }
    drop();
}

Test(hub, without_a_name_its_subscribers_have_names_of_their_own)
{
    make(NULL);
    cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &rx), 0));
    cr_assert(ne(str, (char *)(uintptr_t)csp_rx_name(rx),
                 (char *)(uintptr_t)csp_hub_name(hub)));
    csp_rx_unref(rx);
    drop();
}

Test(hub, subscribers_that_are_gone_are_not_kept)
{
    csp_rx *staying[20];
    uint64_t most = 0;

    make(NULL);
    csp_registry_counters before = unit_live();
    for (int i = 0; i < 20; i++)
        cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &staying[i]), 0));
    for (int i = 0; i < 1000; i++) {
        cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &rx), 0));
        csp_rx_unref(rx);
        uint64_t n = unit_live().chans - before.chans;
        most = n > most ? n : most;
    }
    cr_assert(le(u64, most, 41)); /* twice, and the one that goes */
    cr_assert(eq(sz, csp_hub_len(hub), 20));
    cr_assert(eq(u64, unit_live().chans, before.chans + 20));
    for (int i = 0; i < 20; i++)
        csp_rx_unref(staying[i]);
    cr_assert(eq(sz, csp_hub_len(hub), 0));
    unit_assert_live(before);
    drop();
}

Test(hub, its_id_is_the_same_at_all_ends)
{
    csp_hub_tx *clone;

    make("news");
    cr_assert(eq(int, csp_hub_tx_clone(tx, &clone), 0));
    cr_assert(eq(u64, csp_hub_id(hub), csp_hub_tx_id(tx)));
    cr_assert(eq(u64, csp_hub_id(hub), csp_hub_tx_id(clone)));
    cr_assert(ne(u64, csp_hub_id(hub), 0));
    csp_hub_tx_unref(clone);
    drop();
}

Test(hub, options_of_an_unknown_size_are_refused)
{
    csp_chan_opts odd = {.size = sizeof odd + 8};

    make("news");
    cr_assert(eq(int, csp_hub_subscribe(hub, 0, &odd, &rx), CSP_EINVAL));
    drop();
}

/* How many of 5 values a subscriber to a hub, of which each with room for 3
 * values has the latest, receives; or what it was answered. */
static int
hear(uint32_t capacity, const csp_chan_opts *asked, int last)
{
    csp_chan_opts latest = {.size = sizeof latest,
                            .name = "latest",
                            .overflow = CSP_OVERFLOW_DROP_OLD};
    csp_value v;
    int64_t got = -1;
    int n = 0;

    cr_assert(eq(int, csp_hub_new(3, &latest, &tx, &hub), 0));
    int rc = csp_hub_subscribe(hub, capacity, asked, &rx);
    if (rc == 0) {
        for (int i = 0; i < 5; i++)
            csp_hub_tx_try_send(tx, csp_value_int(i));
        for (; csp_rx_try_recv(rx, &v) == 0; n++)
            got = csp_value_as_int(v);
        cr_assert(eq(i64, got, last));
        csp_rx_unref(rx);
    }
    drop();
    return rc < 0 ? rc : n;
}

Test(hub, subscribers_get_its_overflow_unless_they_ask_for_another)
{
    csp_chan_opts name = {.size = offsetof(csp_chan_opts, overflow),
                          .name = "own"};
    csp_chan_opts block = CSP_CHAN_OPTS_INIT, first = CSP_CHAN_OPTS_INIT;

    first.overflow = CSP_OVERFLOW_DROP_NEW;
    cr_assert(eq(int, hear(0, NULL, 4), 3));
    cr_assert(eq(int, hear(2, NULL, 4), 2));
    cr_assert(eq(int, hear(0, &name, 4), 3));
    cr_assert(eq(int, hear(0, &block, 2), 3));
    cr_assert(eq(int, hear(0, &first, 2), 3));
    cr_assert(eq(int, hear(CSP_CHAN_UNBOUNDED, NULL, 4), 5));
    cr_assert(eq(int, hear(CSP_CHAN_UNBOUNDED, &name, 4), 5));
    cr_assert(eq(int, hear(CSP_CHAN_UNBOUNDED, &block, 4), 5));
    cr_assert(eq(int, hear(CSP_CHAN_UNBOUNDED, &first, 4), CSP_EINVAL));
}

Test(hub, no_id_leads_to_what_belongs_to_the_hub)
{
    csp_tx *t;
    csp_rx *r;

    make("news");
    cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &rx), 0));
    uint64_t token = csp_hub_id(hub), sub = csp_rx_id(rx);
    cr_assert(eq(int, csp_registry_find_tx(token, &t), CSP_ENOTFOUND));
    cr_assert(eq(int, csp_registry_find_rx(token, &r), CSP_ENOTFOUND));
    cr_assert(eq(int, csp_registry_find_tx(sub, &t), CSP_ENOTFOUND));
    cr_assert(eq(int, csp_registry_find_rx(sub, &r), 0));
    csp_rx_unref(r);
    csp_rx_unref(rx);
    drop();
}

/* A send that needs a new ring for an unbounded subscriber. */
static int
send_beyond(void)
{
    csp_value v;
    csp_rx *other;
    int rc;

    make(NULL);
    cr_assert(eq(int, csp_hub_subscribe(hub, 64, NULL, &other), 0));
    cr_assert(
        eq(int, csp_hub_subscribe(hub, CSP_CHAN_UNBOUNDED, NULL, &rx), 0));
    for (int i = 0; i < 16; i++)
        cr_assert(eq(int, csp_hub_tx_try_send(tx, csp_value_int(i)), 0));
    cspi_alloc_fail_nth(2); /* the first is the list of subscribers */
    rc = csp_hub_tx_try_send(tx, csp_value_int(16));
    cspi_alloc_fail_nth(0);
    cr_assert(eq(sz, csp_hub_len(hub), 2));
    cr_assert(eq(sz, csp_rx_len(rx), rc == 0 ? 17 : 16));
    cr_assert(eq(sz, csp_rx_len(other), rc == 0 ? 17 : 16));
    cr_assert(eq(int, csp_hub_tx_try_send(tx, csp_value_int(17)), 0));
    while (csp_rx_try_recv(rx, &v) == 0)
        ;
    csp_rx_unref(rx);
    csp_rx_unref(other);
    drop();
    return rc;
}

Test(hub, a_send_without_memory_reaches_nobody)
{
    cr_assert(eq(int, send_beyond(), CSP_ENOMEM));
}

Test(hub, options_of_an_older_size_are_read_as_far_as_they_go)
{
    struct {
        csp_chan_opts opts;
    } old = {{.size = offsetof(csp_chan_opts, overflow),
              .overflow = (csp_overflow)77}};

    cr_assert(eq(int, csp_hub_new(3, &old.opts, &tx, &hub), 0));
    cr_assert(eq(int, csp_hub_subscribe(hub, 0, NULL, &rx), 0));
    csp_rx_unref(rx);
    cr_assert(eq(int, csp_hub_subscribe(hub, 0, &old.opts, &rx), 0));
    csp_rx_unref(rx);
    drop();
}

/* A value of a hub's, whose release sends to the hub. */
static csp_handle sender;
static int answers[2];

static void
send_again(csp_handle *unused)
{
    (void)unused;
    answers[0] = csp_hub_tx_try_send(tx, csp_value_int(1));
    answers[1] = csp_hub_tx_send(tx, csp_value_int(1), CSP_NOWAIT);
}

Test(hub, what_a_send_releases_cannot_send_and_does_not_wait)
{
    static const csp_handle_type type = {
        .size = sizeof type, .name = "sender", .release = send_again};
    csp_chan_opts latest = {.size = sizeof latest,
                            .overflow = CSP_OVERFLOW_DROP_OLD};

    make(NULL);
    cr_assert(eq(int, csp_hub_subscribe(hub, 1, &latest, &rx), 0));
    csp_handle_init(&sender, &type);
    cr_assert(eq(int, csp_hub_tx_try_send(tx, csp_value_handle(&sender)), 0));
    cr_assert(eq(int, csp_hub_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, answers[0], CSP_EFULL));
    cr_assert(eq(int, answers[1], CSP_ETIMEOUT));
    csp_rx_unref(rx);
    drop();
}

Test(hub, what_is_no_handle_is_no_hub)
{
    cr_assert(eq(ptr, csp_hub_from_handle(NULL), NULL));
    cr_assert(eq(ptr, csp_hub_tx_from_handle(NULL), NULL));
}

static int
use_as_child(void)
{
    bool right =
        csp_hub_subscribe(hub, 0, NULL, &rx) == CSP_EFORKED &&
        csp_hub_tx_send(tx, csp_value_int(1), CSP_FOREVER) == CSP_EFORKED &&
        csp_hub_tx_poison(tx, csp_value_none()) == CSP_EFORKED;
    drop();
    return right ? 0 : 1;
}

Test(hub, a_child_process_has_no_part_in_it)
{
    int status;

    make(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(use_as_child());
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    drop();
}
