// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Ends that are cloned, found, closed and given up while others do the same:
 * a side is open as long as one of its ends, its channel's memory is there as
 * long as somebody may use it, and what is left in a buffer is released once,
 * also when that is the last end of another channel. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 2, .most = 4, .systematic = 40000, .random = 1000};

static const char *const one_end[] = {"a:1", "a:0", "a:inf", "a:1old", NULL};

static void
when_clones_race_with_closes(void)
{
    static const char *const bodies[] = {"/ a!c1 a1!1 a1!x / a!x / a? a?",
                                         "/ a!c1 a1!1~ / a!x a?x",
                                         "/ a?c1 a1?~ / a?x / a!1~",
                                         "/ a!c1 a1!x / a!c2 a2!x / a!x a?",
                                         "/ a!x / a!x / a?",
                                         "/ a!m / a!x / a!1~",
                                         "/ a!c1 a!x / a!1~ / a? a1!x a?~",
                                         NULL};

    explore_product(&plan, one_end, bodies);
}

static void
when_ends_are_found_by_id(void)
{
    static const char *const bodies[] = {"/ a!f1 a1!1~ a1!u / a!u / a? a?",
                                         "/ a?f1 a1?u / a?u a!u",
                                         "/ a!f1 a1!u / a!f2 a2!u / a!u a?u",
                                         "/ a?f1 a1?~ / a?x / a!1~ a!u", NULL};

    explore_product(&plan, one_end, bodies);
}

static void
when_references_go(void)
{
    static const char *const heads[] = {
        "a:1!2?2", "a:0!2?2", "a:inf!2?2", "a:2+2!2?2", "a:1old+1!2?2", NULL};
    static const char *const bodies[] = {"/ a!u a?u / a1!u a1?u",
                                         "/ a!u a1?u / a1!u / a?u",
                                         "/ a!1~ a!u / a1!2~ a1!u / a?~ a?u",
                                         "/ a?u / a1?~ a1?u / a!1~ a!u",
                                         "/ a?u / a1?u / a!1~ a1!2.",
                                         "/ a!1. a!u a?u / a1!2. a1!u a1?u",
                                         "/ a!x / a!x / a1!1~ a1!2.",
                                         "/ a?x / a?x / a1!1~ a1?.",
                                         NULL};

    explore_product(&plan, heads, bodies);
}

static void
that_travel(void)
{
    EXPLORE(&plan, "a:1 b:1 / a!^b! / a?u / b?",
            "a:1 b:1 / a!^b! a!u / a? / b?", "a:0 b:1 / a!^b!~ b!u / a?~ / b?",
            "a:1 b:0 / a!^b?~ / a?p / b!1", "a:1old b:1 / a!^b! a!1 / a? / b?",
            "a:1 b:1!2 c:1 / a!^b! b? / b1!^c! b1!u / a?u / c?",
            "a:1 b:1 c:1 / b!^c!. a!^b!. b?u / a?u / c?",
            "a:inf b:1 / a!^b! a!^b? / a?u");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(when_clones_race_with_closes);
    TEST(when_ends_are_found_by_id);
    TEST(when_references_go);
    TEST(that_travel);
    return test_end();
}
