// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Plugins that come and go leave nothing behind: memory grows by no more than
 * it does by interpreters of the bare C API, and of the library nothing lives.
 *
 * usage: test_cycles [COUNT [bare|plugins]]   (one kind alone: for valgrind) */
#include <Python.h>

#include <unistd.h>

#include "plugin.h"

enum { EVENTS = 5, SLACK_KIB = 256, TRIES = 4 };

static uint64_t cycles;
static const char *only; /* the kind of cycle, or NULL: both */

/* ---- the bare C API ---- */

static void *
be_bare(void *unused)
{
    const PyInterpreterConfig config = {
        .allow_threads = 1,
        .check_multi_interp_extensions = 1,
        .gil = PyInterpreterConfig_OWN_GIL,
    };
    PyThreadState *ts;

    CHECK(!PyStatus_Exception(Py_NewInterpreterFromConfig(&ts, &config)));
    Py_EndInterpreter(ts);
    return unused;
}

static void
bare_cycle(void)
{
    in_a_thread(be_bare);
}

/* ---- plugins ---- */

/* Load a plugin, let it work off events, unload it. */
static void
plugin_cycle(void)
{
    csp_interp *i = loaded("greeter");
    csp_interp_usage usage = {.size = sizeof usage};
    csp_tx *events_tx, *results_tx;
    csp_rx *events, *results, *reply;
    csp_value v;

    CHECK_EQ(csp_chan_new(EVENTS, NULL, &events_tx, &events), 0);
    CHECK_EQ(csp_chan_new(1, NULL, &results_tx, &results), 0);
    CHECK_EQ(csp_interp_spawn(
                 i, "relay",
                 tuple(2, csp_rx_as_value(events), csp_tx_as_value(results_tx)),
                 &reply),
             0);
    for (int n = 0; n < EVENTS; n++)
        CHECK_EQ(csp_tx_send(events_tx, str("an event that is not inline"),
                             after_ms(LONG_MS)),
                 0);
    csp_tx_unref(events_tx);
    for (int n = 0; n < EVENTS; n++) {
        CHECK_EQ(csp_rx_recv(results, &v, after_ms(LONG_MS)), 0);
        csp_value_unref(&v);
    }
    CHECK_EQ(csp_rx_recv(results, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    csp_rx_unref(results);
    csp_rx_unref(reply);
    CHECK_EQ(csp_interp_destroy(i, after_ms(LONG_MS), &usage), 0);
    CHECK_EQ(usage.calls, 2);
}

/* ---- what they leave ---- */

static long
resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    CHECK(f && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static long
growth_kib(void (*cycle)(void))
{
    long before = resident_kib();

    for (uint64_t n = 0; n < cycles; n++)
        cycle();
    return resident_kib() - before;
}

/* The least growth of some times as many cycles: memory that is kept for later
 * comes once, what is lost is lost each time. */
static long
least_growth_kib(void (*cycle)(void), long enough)
{
    long least = growth_kib(cycle);

    for (int n = 1; n < TRIES && least > enough; n++) {
        long kib = growth_kib(cycle);
        least = kib < least ? kib : least;
    }
    return least;
}

/* CPython 3.13 keeps the memory of every interpreter by itself; a sanitizer
 * keeps what was freed. */
static bool
memory_comes_back(void)
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    return Py_Version >= 0x030e0000;
#endif
}

static void
compare(void)
{
    if (!memory_comes_back()) {
        growth_kib(plugin_cycle);
        return;
    }
    long bare = least_growth_kib(bare_cycle, 0);
    long enough = (bare > 0 ? bare : 0) + SLACK_KIB;
    long plugins = least_growth_kib(plugin_cycle, enough);

    test_note("%llu cycles: bare %ld KiB, plugins %ld KiB",
              (unsigned long long)cycles, bare, plugins);
    CHECK(plugins <= enough);
}

static void *
run(void *unused)
{
    csp_value error;

    CHECK_EQ(csp_interp_runtime_start(NULL, &error), 0);
    if (!only || strcmp(only, "plugins") != 0)
        for (uint64_t n = 0; n < (only ? cycles : 3); n++)
            bare_cycle();
    if (!only || strcmp(only, "bare") != 0)
        for (uint64_t n = 0; n < (only ? cycles : 3); n++)
            plugin_cycle();
    if (!only)
        compare();
    CHECK_EQ(csp_interp_runtime_stop(after_ms(LONG_MS)), 0);
    return unused;
}

static void
plugins_leave_no_more_than_bare_interpreters(void)
{
    in_a_thread(run);
}

int
main(int argc, char **argv)
{
    cycles = argc > 1 ? strtoull(argv[1], NULL, 10) : test_count(20);
    only = argc > 2 ? argv[2] : NULL;
    TEST(plugins_leave_no_more_than_bare_interpreters);
    return test_end();
}
