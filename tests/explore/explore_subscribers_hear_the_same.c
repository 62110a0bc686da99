// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Hubs: what is sent reaches every subscriber that has not left, once, in one
 * order; a send that failed reached nobody; sends wait for the slowest, for no
 * longer than their deadline, and for nobody who is gone. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 1, .most = 4, .systematic = 40000, .random = 1000};

static const char *const heads[] = {
    "a:1 b:1 hub", "a:1 b:2 hub", "a:1old b:1 hub", "a:1new b:1old hub", NULL};

static void
of_two_threads(void)
{
    static const struct search_plan deep = {
        .least = 2, .most = 4, .systematic = 20000, .random = 500};
    static const char *const one[] = {"a:1 hub", NULL};
    static const char *const two[] = {"a:1 b:1 hub", NULL};
    static const char *const bodies[] = {
        "/ h!1 h!2 / a? a?",       "/ h!1 a? / h!2 a?",
        "/ h!1~ h!2~ / a?~ a?.",   "/ h!1. h!2. / a?. a?.",
        "/ h!1 h!x / a? a?",       "/ h!1 h!p / a? a?",
        "/ h!1 h!2 / a? a?x",      "/ h!1 a?x / h!2 h!x",
        "/ h!1 h!2~ h!3 / a? a?~", NULL};
    static const char *const both[] = {"/ h!1 h!2 / a? b?", "/ h!1 a? / h!2 b?",
                                       "/ h!1 h!x / b? a?", NULL};

    explore_product(&deep, one, bodies);
    explore_product(&deep, two, both);
}

static void
of_one_sender(void)
{
    static const char *const bodies[] = {
        "/ h!1 h!2 / a? a?~ / b? b?~", "/ h!1 h!2~ / a? / b? b?~",
        "/ h!1. h!2. / a?~ / b?~", "/ h!1 h!2 h!x / a? a? / b? b? b?", NULL};

    explore_product(&plan, heads, bodies);
}

static void
of_two_senders(void)
{
    static const char *const bodies[] = {
        "/ h!1 / h!2 / a? a?~ / b? b?~", "/ h!1~ / h!2~ / a?~ b?~",
        "/ h!1. / h!2. / a?~ a?~ b?~ b?~", "/ h!1 k1 / h!2 / a?~ b?~", NULL};

    explore_product(&plan, heads, bodies);
}

static void
who_leave(void)
{
    static const char *const bodies[] = {"/ h!1 h!2 / a?x / b?~ b?~",
                                         "/ h!1 h!2 h!3 / a? a?u / b?u",
                                         "/ h!1 / h!2 / a?x b?~ b?~", NULL};

    explore_product(&plan, heads, bodies);
}

static void
when_it_ends(void)
{
    static const char *const bodies[] = {"/ h!1 / h!x / a? a? / b? b?",
                                         "/ h!1 h!p / a? a? / b? b?",
                                         "/ h!1~ h!2~ / h!p / a?~ b?~", NULL};

    explore_product(&plan, heads, bodies);
    EXPLORE(&plan, "a:1!2 b:1 hub / h!1~ h!u / h1!2~ h1!u / a? a? a? / b?~",
            "a:1!2 b:1 hub / h!1~ h!u / h1!u a?u / b? b?");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(of_two_threads);
    TEST(of_one_sender);
    TEST(of_two_senders);
    TEST(who_leave);
    TEST(when_it_ends);
    return test_end();
}
