// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Any allocation may fail, in any schedule: the operation answers CSP_ENOMEM
 * and has had no effect, nothing is leaked, nobody who waits is forgotten. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 2, .most = 4, .systematic = 40000, .random = 1000};

static void
of_channels_that_grow(void)
{
    EXPLORE(&plan, "nomem a:inf / a!1 a!2 a!3 / a?~ a?~ a?~",
            "nomem a:inf / a!1. a!2. / a!3 a!4 / a?~ a?~",
            "nomem a:inf / a!1 a!2 a!x / a? a? a?",
            "nomem a:inf b:1 / (a!1|b?)~ (a!2|b?)~ / a?~ b!3~",
            "nomem a:inf / {a!1|a!2}~ {}~ / a?~ a?~");
}

static void
of_selects(void)
{
    EXPLORE(&plan, "nomem a:1 b:1 c:1 / (a?|b?|c?)~ / a!1~ / b!2~",
            "nomem a:0 b:0 c:0 / (a?|b?|c?)~ / a!1~ / b!2~",
            "nomem a:0 b:0 c:0 / (a?|b!1|c?)~ / (a!2|b?|c!3)~");
}

static void
of_ends_and_poison(void)
{
    EXPLORE(&plan, "nomem a:1 / a!c1 a1!1~ / a!x a?~",
            "nomem a:1 / a!f1 a1!1~ a1!u / a!u a?~",
            "nomem a:1 / a!p / a?p / a?~", "nomem a:0 / a!p / a? a?",
            "nomem a:1 / {a?}& / a!1");
}

static void
of_hubs(void)
{
    static const struct search_plan wide = {
        .least = 1, .most = 4, .systematic = 40000, .random = 1000};

    EXPLORE(&wide, "nomem a:1 b:1 hub / h!1~ h!2~ / a?~ a?~ / b?~ b?~",
            "nomem a:1 b:1 hub / h!1~ h!p / a?~ / b?~",
            "nomem a:1!2 b:1 hub / h!c2 h2!1~ h2!u / h1!2~ h1!u / a?~ / b?~");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(of_channels_that_grow);
    TEST(of_selects);
    TEST(of_ends_and_poison);
    TEST(of_hubs);
    return test_end();
}
