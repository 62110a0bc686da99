// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Three threads and more that wait for each other: whoever could go on is
 * woken, whatever comes in between: a barger, a deadline, a signal, a cancel,
 * a close, a thread that holds the lock of the queue. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 1, .most = 4, .systematic = 40000, .random = 1000};

static const char *const every_kind[] = {"a:1",    "a:2",   "a:0",
                                         "a:1old", "a:inf", NULL};
static const char *const blocking[] = {"a:1", "a:2+1", "a:0", NULL};

static void
among_senders_and_receivers(void)
{
    static const char *const bodies[] = {
        "/ a!1 a!2 / a!3 / a? a? a?",   "/ a? / a? / a!1 a!2",
        "/ a? a? / a!1 a?. / a!2",      "/ a!1 / a!2 / a? / a?",
        "/ a!1 a? / a!2 a? / a!3 a?",   "/ a!1 a!2 a!3 / a? a? a?",
        "/ a? / a? / a? / a!1 a!2 a!3", NULL};

    explore_product(&plan, every_kind, bodies);
    EXPLORE(&plan, "a:3+2 / a? / a? / a!1 a!2 a!3", /* a lap of 4 */
            "a:3old+3 / a!1 a!2 / a? a? a?~");
}

static void
in_batches(void)
{
    static const char *const bodies[] = {
        "/ a!1-3 / a?*3 a?",           "/ a!1-3 / a? a?*3~",
        "/ a!1-2~ / a!3 / a?*2 a?*2~", "/ a!1-3~ / a?*2 a?x",
        "/ a!1-3 a!x / a?*2 a?*2",     NULL};

    explore_product(&plan, every_kind, bodies);
}

static void
when_others_barge_in(void)
{
    static const char *const bodies[] = {
        "/ a? / a!1 a?. a!2 / a?.", "/ a!1 / a!2 a!3. / a? a? a?.",
        "/ a? / a? / a!1 a?. a!2", "/ a!1 / a!2 / a?. a!3. a? a?", NULL};

    explore_product(&plan, blocking, bodies);
}

static void
when_deadlines_pass(void)
{
    static const char *const bodies[] = {"/ a?~ / a? / a!1",
                                         "/ a?~ a?~ / a? / a!1 a!2",
                                         "/ a!1~ / a!2 / a? a?~",
                                         "/ a!1~ a!2~ / a? a?",
                                         "/ a!1~ / a!2~ / a?~ a?~",
                                         "/ a?~ / a?~ / a!1",
                                         NULL};

    explore_product(&plan, blocking, bodies);
}

static void
when_signals_come(void)
{
    static const char *const heads[] = {"signals a:1", "signals a:0",
                                        "spurious a:1", "spurious a:0", NULL};
    static const char *const bodies[] = {"/ a? / a? / a!1", "/ a!1 a!2 / a? a?",
                                         "/ a!1 / a!2 / a? a?",
                                         "/ a?~ / a? / a!1", NULL};

    explore_product(&plan, heads, bodies);
}

static void
when_waits_are_cancelled(void)
{
    static const char *const bodies[] = {"/ a? a? / a!1 k0 a!2",
                                         "/ a? / a? / a!1 k0",
                                         "/ a? / a? / k0 / a!1",
                                         "/ a!1 a!2 a!3 / k0 / a? a?",
                                         "/ a? / k0 / k0",
                                         "/ a?~ / k0 / a!1",
                                         NULL};

    explore_product(&plan, blocking, bodies);
}

static void
when_ends_are_closed(void)
{
    static const char *const heads[] = {"a:1!2?2", "a:0!2?2", "a:1old!2?2",
                                        "a:inf!2?2", NULL};
    static const char *const bodies[] = {"/ a? / a1? / a!1 a?x",
                                         "/ a? / a1? / a!1 a!x a1!x",
                                         "/ a!1 a!2 / a1!3 / a?x a1? a1?",
                                         "/ a? / a? / a!1 a?x",
                                         "/ a? / a1? / a!x / a1!x",
                                         "/ a!1 a!2 / a?x / a1?x",
                                         "/ a? a? / a!1 a!u / a1!2 a1!u",
                                         "/ a? / a?m / a!1",
                                         NULL};

    explore_product(&plan, heads, bodies);
}

static void
when_channels_are_poisoned(void)
{
    static const char *const bodies[] = {
        "/ a? / a? / a!1 a!p",      "/ a!1 a!2 / a!3 / a?p",
        "/ a? / a!1 a!2 / a?p",     "/ a? a? / a!p / a?p",
        "/ a!1 a!2 / a? a!x / a?p", NULL};

    explore_product(&plan, every_kind, bodies);
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(among_senders_and_receivers);
    TEST(in_batches);
    TEST(when_others_barge_in);
    TEST(when_deadlines_pass);
    TEST(when_signals_come);
    TEST(when_waits_are_cancelled);
    TEST(when_ends_are_closed);
    TEST(when_channels_are_poisoned);
    return test_end();
}
