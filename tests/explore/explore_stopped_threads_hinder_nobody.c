// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Thread 0 stops for ever, at each of its steps in turn: while it sends,
 * receives, closes, poisons, selects. The others, who only try, end all the
 * same, in every schedule, and their answers are right. (At a rendezvous they
 * may wait for the lock of its queue, if the thread stopped under it.) */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 1, .most = 1, .systematic = 1, .random = 30};

static const char *const heads[] = {"a:1",   "a:2+1", "a:1old", "a:1new",
                                    "a:inf", "a:0",   NULL};

static void
in_a_ring(void)
{
    static const char *const bodies[] = {
        "/ a!1. a?. a!5. / a!2. a?. / a?. a!3.",
        "/ a!1 a? / a!2. a?. / a?. a!3.", "/ a? a!1 / a!2. a?. / a?. a!3.",
        NULL};

    explore_stopped(&plan, heads, bodies);
}

static void
in_a_close(void)
{
    static const char *const bodies[] = {"/ a!x / a!2. a?. / a?. a!3.",
                                         "/ a?x / a!2. a?. / a?. a!3.",
                                         "/ a!p / a!2. a?. / a?. a!3.", NULL};

    explore_stopped(&plan, heads, bodies);
}

static void
in_a_select(void)
{
    static const char *const bodies[] = {"/ (a?|a!1) / a!2. a?. / a?. a!3.",
                                         "/ {a?|a!1} / a!2. a?. / a?. a!3.",
                                         NULL};

    explore_stopped(&plan, heads, bodies);
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(in_a_ring);
    TEST(in_a_close);
    TEST(in_a_select);
    return test_end();
}
