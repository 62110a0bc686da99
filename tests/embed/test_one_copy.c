// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A program and its plugins have one copy of the core, and see the same
 * channels; where there are two, intercsp refuses to be imported, and names
 * both.
 *
 * usage: test_one_copy COPY   (another copy of libintercsp) */
#include <dlfcn.h>

#include <csp/registry.h>

#include "plugin.h"

static const char *copy;

static csp_value
call(csp_interp *i, const char *function, csp_value args)
{
    csp_value v;

    CHECK_EQ(csp_interp_call(i, function, args, after_ms(LONG_MS), &v), 0);
    return v;
}

/* The plugin finds ours by its number, and we find its. */
static void
channels_are_the_same(csp_interp *i)
{
    csp_tx *tx, *theirs;
    csp_rx *rx;
    csp_value v;
    csp_chan_opts opts = {.size = sizeof opts, .name = "of the host"};

    CHECK_EQ(csp_chan_new(1, &opts, &tx, &rx), 0);
    v = call(i, "name_of", tuple(1, csp_value_int((int64_t)csp_tx_id(tx))));
    CHECK(says(v, "of the host"));
    v = call(i, "open_channel", csp_value_none());
    CHECK_EQ(csp_registry_find_tx((uint64_t)csp_value_as_int(v), &theirs), 0);
    CHECK_EQ(csp_tx_send(theirs, csp_value_int(5), after_ms(LONG_MS)), 0);
    v = call(i, "receive", csp_value_none());
    CHECK_EQ(csp_value_as_int(v), 5);
    csp_tx_unref(theirs);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

/* Also a copy that nobody else can see. */
static void
another_copy_is_refused(void)
{
    csp_value error;
    csp_interp *i;
    void *second = dlopen(copy, RTLD_NOW | RTLD_LOCAL);

    CHECK(second != NULL);
    CHECK_EQ(csp_interp_new(NULL, &i, after_ms(LONG_MS), &error), CSP_ERAISED);
    csp_value_ref(error);
    CHECK(says(error, "libintercsp.so"));
    CHECK(says(error, copy));
    dlclose(second);
}

static void *
run(void *unused)
{
    csp_value error;

    CHECK_EQ(csp_interp_runtime_start(NULL, &error), 0);
    csp_interp *i = loaded("greeter");
    channels_are_the_same(i);
    another_copy_is_refused();
    CHECK_EQ(csp_interp_destroy(i, after_ms(LONG_MS), NULL), 0);
    CHECK_EQ(csp_interp_runtime_stop(after_ms(LONG_MS)), 0);
    return unused;
}

static void
there_is_one_copy_of_the_core(void)
{
    in_a_thread(run);
}

int
main(int argc, char **argv)
{
    CHECK_EQ(argc, 2);
    copy = argv[1];
    TEST(there_is_one_copy_of_the_core);
    return test_end();
}
