// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Selects: one case happens, the others have no effect, and whoever could meet
 * does. Select against select, on rendezvous and on buffers; one channel in
 * several cases; both sides of one channel; deadlines, cancels, closes. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 2, .most = 4, .systematic = 20000, .random = 500};
static const struct search_plan wide = {
    .least = 1, .most = 4, .systematic = 40000, .random = 1000};

static const char *const two_channels[] = {
    "a:0 b:0", "a:1 b:1", "a:0 b:1", "a:1+1 b:0", "a:1old b:inf", NULL};

static void
of_two_threads(void)
{
    static const char *const bodies[] = {
        "/ (a!1|b?) / (a?|b!2)",
        "/ (a!1|b!2) / (a?|b?)",
        "/ (a!1|b!2) / b?",
        "/ (a?|b?) (a?|b?) / a!1 b!2",
        "/ (a?|b?) (a?|b?) / b!2 a!1",
        "/ [a!1|b?] / [b!2|a?]",
        "/ [a?|b?] [a?|b?] / [a!1|b!2] [b!3|a!4]",
        "/ (a!1|b?) (a?|b!2) / (a?|b!3) (a!4|b?)",
        NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
of_three_threads(void)
{
    static const char *const bodies[] = {"/ (a!1|b?) / (a?|b!2) / a?",
                                         "/ (a!1|b!2) / (a?|b?) / b?",
                                         "/ (a?|b?) / a!1 / b!2",
                                         "/ (a?|b?) (a?|b?) / a!1 / b!2",
                                         "/ (a?|b?) / (a?|b?) / a!1 b!2",
                                         "/ (a!1|b!2) / a? / b?",
                                         "/ [a!1|b?] / [b!2|a?] / [a?|b!3]",
                                         NULL};

    explore_product(&wide, two_channels, bodies);
}

static void
around_a_circle(void)
{
    EXPLORE(&wide, "a:0 b:0 c:0 / [a!1|b?] / [b!2|c?] / [c!3|a?]",
            "a:0 b:0 c:0 / (a!1|b!2|c!3) / (a?|b?|c?)",
            "a:1 b:1 c:1 / (a?|b?|c?) / a!1 / b!2",
            "a:0 b:0 c:0 / (a!1|b?) / (b!2|c?) / (c!3|a?)");
}

static void
with_a_channel_in_several_cases(void)
{
    static const char *const heads[] = {"a:0", "a:1", "a:1+1", NULL};
    static const char *const bodies[] = {"/ (a!1|a?) / (a!2|a?)",
                                         "/ (a?|a?) / a!1",
                                         "/ (a!1|a!2) / a?",
                                         "/ (a!1|a?) / a?~ / a!2~",
                                         "/ (a!1|a?) / (a!2|a?) / (a!3|a?)",
                                         NULL};

    explore_product(&wide, heads, bodies);
}

static void
when_deadlines_pass(void)
{
    static const char *const bodies[] = {"/ (a!1|b?)~ / (a?|b!2)~",
                                         "/ (a?|b?)~ a?~ / a!1~ b!2~",
                                         "/ (a?|t) / a!1~",
                                         "/ (a?|b?|t) / a!1~ / b!2~",
                                         "/ (a?|b?), / a!1~ b!2~",
                                         "/ (a?|t) (a?|t) / a!1~ a!2~",
                                         NULL};

    explore_product(&wide, two_channels, bodies);
}

static void
when_waits_are_cancelled(void)
{
    static const char *const bodies[] = {
        "/ (a!1|b?) / (a?|b!2) / k0", "/ (a?|b?) / a!1 k0",
        "/ (a?|b?) (a?|b?) / k0 / a!1~ b!2~", NULL};

    explore_product(&wide, two_channels, bodies);
}

static void
when_signals_come(void)
{
    EXPLORE(&wide, "signals a:0 b:0 / (a!1|b?) / (a?|b!2)",
            "signals a:1 b:1 / (a?|b?) / a!1 b!2",
            "spurious a:0 b:0 / (a!1|b?) / (a?|b!2)",
            "spurious a:1 b:1 / (a?|b?) / a!1 b!2");
}

static void
when_channels_end(void)
{
    static const char *const bodies[] = {"/ (a?|b?) (a?|b?) / a!1 a!x",
                                         "/ (a!1|b!2) / a?x b?",
                                         "/ (a?|b?) / a?x / b!2",
                                         "/ (a!1|b?) / (a?|b!2) / a?x",
                                         "/ (a?|b?) / a!p",
                                         "/ (a!1|b!2) / a?p / b?~",
                                         "/ (a!1|b?) / (a?|b!2) / b!p",
                                         "/ (a?|b?) / a!x / b!x",
                                         NULL};

    explore_product(&wide, two_channels, bodies);
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(of_two_threads);
    TEST(of_three_threads);
    TEST(around_a_circle);
    TEST(with_a_channel_in_several_cases);
    TEST(when_deadlines_pass);
    TEST(when_waits_are_cancelled);
    TEST(when_signals_come);
    TEST(when_channels_end);
    return test_end();
}
