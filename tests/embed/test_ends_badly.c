// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Plugins that loop, wait for ever or leave are ended, and the host goes on. */
#include <signal.h>

#include "plugin.h"

static void
what_loops_is_interrupted(const char *function)
{
    csp_interp *i = loaded("greeter");
    csp_value result;

    CHECK_EQ(
        csp_interp_call(i, function, csp_value_none(), after_ms(20), &result),
        CSP_ETIMEOUT);
    CHECK_EQ(csp_interp_stop(i), 0);
    interrupt(i);
    CHECK_EQ(csp_interp_destroy(i, after_ms(LONG_MS), NULL), 0);
}

static void
what_loops_is_ended_by_destroy(void)
{
    csp_interp *i = loaded("greeter");
    csp_rx *reply;
    csp_value v;

    CHECK_EQ(csp_interp_spawn(i, "loop", csp_value_none(), &reply), 0);
    CHECK_EQ(csp_interp_destroy(i, after_ms(50), NULL), CSP_ETIMEOUT);
    CHECK_EQ(csp_rx_recv(reply, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    csp_rx_unref(reply);
}

/* In the thread that has started Python: the others see no signals. */
static pthread_t owner;

static void *
signal_owner(void *waits)
{
    csp_value v;

    CHECK_EQ(csp_rx_recv(waits, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    CHECK_EQ(pthread_kill(owner, SIGINT), 0);
    return NULL;
}

/* Closes what it was given, then loops: the one who waits for its end sees
 * Ctrl-C, and still has it. */
static void
a_signal_ends_the_wait_alone(void)
{
    csp_interp *i = loaded("greeter");
    csp_tx *tx;
    csp_rx *rx, *reply;
    pthread_t other;

    CHECK_EQ(csp_chan_new(1, NULL, &tx, &rx), 0);
    owner = pthread_self();
    CHECK_EQ(csp_interp_spawn(i, "close_and_loop",
                              tuple(1, csp_tx_as_value(tx)), &reply),
             0);
    CHECK_EQ(pthread_create(&other, NULL, signal_owner, rx), 0);
    CHECK_EQ(csp_interp_destroy(i, after_ms(LONG_MS), NULL), CSP_EINTERRUPTED);
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK_EQ(csp_interp_destroy(i, after_ms(50), NULL), CSP_ETIMEOUT);
    csp_rx_unref(rx);
    csp_rx_unref(reply);
}

static void
what_waits_is_stopped(void)
{
    csp_interp *i = loaded("greeter");
    csp_tx *tx;
    csp_rx *rx, *reply;
    csp_value v;

    CHECK_EQ(csp_chan_new(1, NULL, &tx, &rx), 0);
    CHECK_EQ(csp_interp_spawn(i, "wait", tuple(1, csp_rx_as_value(rx)), &reply),
             0);
    CHECK_EQ(csp_interp_stop(i), 0);
    CHECK_EQ(csp_rx_recv(reply, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    CHECK_EQ(
        csp_interp_call(i, "greet", csp_value_none(), after_ms(LONG_MS), &v),
        CSP_ECLOSED);
    interrupt(i); /* there is nothing left of it, in a moment */
    CHECK_EQ(csp_tx_send(tx, csp_value_int(1), after_ms(LONG_MS)), CSP_ECLOSED);
    CHECK_EQ(csp_interp_destroy(i, after_ms(LONG_MS), NULL), 0);
    csp_rx_unref(reply);
    csp_tx_unref(tx);
}

static void *
run(void *unused)
{
    csp_value error;

    CHECK_EQ(csp_interp_runtime_start(NULL, &error), 0);
    what_loops_is_interrupted("loop");
    what_loops_is_interrupted("swallow");
    what_loops_is_ended_by_destroy();
    what_waits_is_stopped();
    a_signal_ends_the_wait_alone();
    CHECK_EQ(csp_interp_destroy(NULL, CSP_NOWAIT, NULL), CSP_EINVAL);
    CHECK_EQ(csp_interp_stop(NULL), CSP_EINVAL);
    CHECK_EQ(csp_interp_interrupt(NULL), CSP_EINVAL);
    CHECK_EQ(csp_interp_load(NULL, "os", CSP_NOWAIT, NULL), CSP_EINVAL);
    for (uint64_t n = test_count(5); n > 0; n--)
        CHECK_EQ(csp_interp_destroy(loaded("greeter"), after_ms(LONG_MS), NULL),
                 0);
    csp_interp *left = loaded("greeter");
    CHECK_EQ(csp_interp_runtime_stop(after_ms(LONG_MS)), 0);
    CHECK_EQ(csp_interp_destroy(left, CSP_FOREVER, NULL), 0);
    return unused;
}

static void
plugins_end_badly(void)
{
    in_a_thread(run);
}

int
main(void)
{
    TEST(plugins_end_badly);
    return test_end();
}
