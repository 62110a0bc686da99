// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Thread 0 stops for ever, at each of its steps in turn: while it sends,
 * receives, closes, poisons, selects. The others, who only try, end all the
 * same, in every schedule, and their answers are right. (At a rendezvous they
 * may wait for the lock of its queues, if the thread stopped under it; and who
 * has to wake one of two waiters for the end of their match.) */
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

/* Two selects match at a, with offers on b; who tries on c meets neither. */
static void
in_a_match(void)
{
    static const char *const channels[] = {"a:0 b:1 c:1", "a:0 b:0 c:1", NULL};
    static const char *const bodies[] = {
        "/ (a!1|b?) / (a?|b!2) / b!3. b?. / c!4. c?.",
        "/ [b?|a!1] / [b!2|a?] / a?. / c!4. c?.",
        "/ {b?|a!1} / (a?|b!2) / b!3. b?. / c!4. c?.", NULL};

    explore_stopped(&plan, channels, bodies);
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
    TEST(in_a_match);
    return test_end();
}
