// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
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
