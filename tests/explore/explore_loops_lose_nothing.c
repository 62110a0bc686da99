// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Operations that are pending in a loop: whoever polls its descriptor is told,
 * one case of each happens, and one that is cancelled has had no effect and
 * leaves what it was woken for to others. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 1, .most = 4, .systematic = 40000, .random = 1000};

static const char *const two_channels[] = {
    "a:0 b:0", "a:1 b:1", "a:0 b:1", "a:1+1 b:0", "a:1old b:inf", NULL};

static void
against_threads(void)
{
    static const char *const bodies[] = {
        "/ <a?> / a!1",           "/ <a!1> / a?",
        "/ <a?|b?> / a!1 / b!2~", "/ <a?|b?> <a?|b?> / a!1 b!2",
        "/ <a!1|b!2> / a?~ / b?", "/ <a?|b!1> <a?|b!3>~ / a!2 b?",
        "/ <a?> / a? / a!1 a!2",  NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
against_selects(void)
{
    static const char *const bodies[] = {
        "/ <a?|b!1> / (a!2|b?)", "/ <a!1|b!2> / (a?|b?) / (a?|b?)~",
        "/ <a?|b!1> / {a!2|b?}", "/ <a?|b?> <a?> / {a!1|b!2} a!3", NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
against_loops(void)
{
    static const char *const bodies[] = {
        "/ <a?> / <a!1>", "/ <a?|b!1> / <a!2|b?>",
        "/ <a?|b?> <a?|b?> / <a!1> <b!2>", "/ <a?> / <a?> / <a!1> <a!2>", NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
when_they_are_cancelled(void)
{
    static const char *const bodies[] = {"/ <a?>~ / a!1~",
                                         "/ <a?>~ / a? / a!1",
                                         "/ <a?>~ / <a?> / a!1",
                                         "/ <a!1>~ / <a!2> / a? a?~",
                                         "/ <a?|b!1>~ / <a!2|b?>",
                                         "/ <a?|b!1>~ / <a!2|b?>~",
                                         NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
when_channels_end(void)
{
    static const char *const bodies[] = {
        "/ <a?|b?> <a?> / a!1 a!x / b!2~", "/ <a!1|b!2> / a?x b?~",
        "/ <a?> / a?x / a!2~", "/ <a?|b!1> / a!p / b?~", NULL};

    explore_product(&plan, two_channels, bodies);
    EXPLORE(&plan, "a:0!2 / <a!1>~ / a1!2 / a!x / a?",
            "a:1+1!2 / <a!1>~ / a1!2 / a!x / a? a?~");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(against_threads);
    TEST(against_selects);
    TEST(against_loops);
    TEST(when_they_are_cancelled);
    TEST(when_channels_end);
    return test_end();
}
