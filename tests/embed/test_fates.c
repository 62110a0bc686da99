// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Plugins that return, raise, leave, loop or wait for ever, at random and side
 * by side: each is ended, and what became of it is reported. */
#include <unistd.h>

#include "plugin.h"

enum { HOSTS = 4 };

enum fate { RETURNS, RAISES, LEAVES, LOOPS, SWALLOWS, WAITS, FATES };

static const char *const functions[FATES] = {
    [RETURNS] = "greet", [RAISES] = "fail",      [LEAVES] = "leave",
    [LOOPS] = "loop",    [SWALLOWS] = "swallow", [WAITS] = "wait",
};

/* A plugin, and what the host keeps of it. */
struct subject {
    enum fate fate;
    csp_interp *interp;
    csp_rx *reply;
    csp_tx *tx; /* of what it waits on */
};

static csp_value
args_of(struct subject *s)
{
    csp_rx *rx;

    switch (s->fate) {
    case RETURNS:
    case RAISES:
        return tuple(1, str("a text that is not inline"));
    case LEAVES:
        return tuple(1, csp_value_int(3));
    case WAITS:
        CHECK_EQ(csp_chan_new(1, NULL, &s->tx, &rx), 0);
        return tuple(1, csp_rx_as_value(rx));
    default:
        return csp_value_none();
    }
}

/* What ends by itself has answered: true and a result, or false and why. */
static void
expect_answer(struct subject *s, const char *text)
{
    csp_value v;

    CHECK_EQ(csp_rx_recv(s->reply, &v, after_ms(LONG_MS)), 0);
    CHECK_EQ(csp_value_as_bool(v), s->fate == RETURNS);
    CHECK_EQ(csp_rx_recv(s->reply, &v, after_ms(LONG_MS)), 0);
    CHECK(says(v, text));
    CHECK_EQ(csp_interp_destroy(s->interp, after_ms(LONG_MS), NULL), 0);
}

/* What does not is ended by force, at once or by hand. */
static void
end_by_force(struct subject *s, struct test_random *random)
{
    uint32_t patience_ms = test_below(random, 30);

    if (test_below(random, 2)) {
        int rc = csp_interp_destroy(s->interp, after_ms(patience_ms), NULL);

        CHECK(rc == CSP_ETIMEOUT || rc == CSP_ESTUCK);
        if (rc == CSP_ESTUCK) /* this machine is busy: later, then */
            CHECK(csp_interp_destroy(s->interp, after_ms(LONG_MS), NULL) !=
                  CSP_ESTUCK);
        return;
    }
    CHECK_EQ(csp_interp_stop(s->interp), 0);
    interrupt(s->interp);
    CHECK_EQ(csp_interp_destroy(s->interp, after_ms(LONG_MS), NULL), 0);
}

static void
expect_no_answer(struct subject *s)
{
    csp_value v;

    CHECK_EQ(csp_rx_recv(s->reply, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    if (s->fate != WAITS)
        return;
    CHECK_EQ(csp_tx_send(s->tx, csp_value_int(1), after_ms(LONG_MS)),
             CSP_ECLOSED);
    csp_tx_unref(s->tx);
}

static void
one_plugin(struct test_random *random)
{
    struct subject s = {.fate = test_below(random, FATES),
                        .interp = loaded("greeter")};
    csp_value args = args_of(&s);

    CHECK_EQ(csp_interp_spawn(s.interp, functions[s.fate], args, &s.reply), 0);
    switch (s.fate) {
    case RETURNS:
        expect_answer(&s, "hello");
        break;
    case RAISES:
        expect_answer(&s, "'LookupError', 'a text that is not inline'");
        break;
    case LEAVES:
        expect_answer(&s, "'SystemExit', '3'");
        break;
    default:
        end_by_force(&s, random);
        expect_no_answer(&s);
    }
    csp_rx_unref(s.reply);
}

static void
host(unsigned who, void *unused)
{
    struct test_random random;

    (void)unused;
    test_random_init(&random, who);
    for (uint64_t n = test_count(3); n > 0; n--)
        one_plugin(&random);
}

static void *
run(void *unused)
{
    csp_value error;

    CHECK_EQ(csp_interp_runtime_start(NULL, &error), 0);
    test_parallel(HOSTS, host, NULL);
    CHECK_EQ(csp_interp_runtime_stop(after_ms(LONG_MS)), 0);
    return unused;
}

static void
every_plugin_is_ended_and_reported(void)
{
    in_a_thread(run);
}

int
main(void)
{
    TEST(every_plugin_is_ended_and_reported);
    return test_end();
}
