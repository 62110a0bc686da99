// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Selectors, whose cases stay registered: what happens while nobody waits is
 * not lost, what was claimed for one case is not taken for another, values are
 * given and taken once. Selectors against threads, selects and selectors. */
#include "explore.h"
#include "test.h"

static const struct search_plan plan = {
    .least = 1, .most = 4, .systematic = 40000, .random = 1000};

static const char *const two_channels[] = {
    "a:0 b:0", "a:1 b:1", "a:0 b:1", "a:1+1 b:0", "a:1old b:inf", NULL};

static void
of_two_threads(void)
{
    static const struct search_plan deep = {
        .least = 2, .most = 4, .systematic = 20000, .random = 500};
    static const char *const bodies[] = {
        "/ {a?|b?} {} / a!1 b!2", "/ {a!1|b!2} {} / a? b?",
        "/ {a?|b!1} {} / a!2 b?", "/ {a?|b!1} {}~ / {a!2|b?} {}~", NULL};

    explore_product(&deep, two_channels, bodies);
}

static void
against_threads(void)
{
    static const char *const bodies[] = {"/ {a?|b?} {} / a!1 / b!2",
                                         "/ {a?|b?} {} / a!1 b!2",
                                         "/ {a!1|b!2} {} / a? / b?",
                                         "/ {a!1|b!2} {} / a? b?",
                                         "/ {a?|b!1} {} / a!2 b?",
                                         "/ {a?|b?} {} {} / a!1 a!2 / b!3",
                                         "/ {a?|b?} a? / a!1 / b!2",
                                         "/ {a?|b?} a?. {}~ / a!1 / b!2~",
                                         NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
against_selects(void)
{
    static const char *const bodies[] = {
        "/ {a?|b!1} / (a!2|b?)", "/ {a?|b?} {} / (a!1|b!2) (a!3|b!4)",
        "/ {a!1|b!2} / (a?|b?) / (a?|b?)~", NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
against_selectors(void)
{
    static const char *const bodies[] = {
        "/ {a?|b!1} / {a!2|b?}", "/ {a?|b?} {} / {a!1|b!2} {}",
        "/ {a?|b!1} {}~ / {a!2|b?} {}~", "/ {a?|b?} / {a?|b?} / a!1 b!2", NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
of_one_channel(void)
{
    static const char *const heads[] = {"a:0", "a:1", "a:1+1", NULL};
    static const char *const bodies[] = {"/ {a?|a!1} / {a?|a!2}",
                                         "/ {a?|a?} {} / a!1 a!2",
                                         "/ {a?} {} / a!1 / a?~", NULL};

    explore_product(&plan, heads, bodies);
}

/* Thread 2 matches thread 1, and fails because thread 3 claims it: thread 0,
 * which met thread 1 in between, is not to take it for gone. */
static void
that_meet_a_match(void)
{
    static const struct search_plan deep = {
        .least = 2, .most = 3, .systematic = 200000, .random = 1000};

    EXPLORE(&deep, "a:0 b:0 c:0 / {a?}, {} / (a!1|b!2) / [c?|b?] / c!3.",
            "a:0 b:0 c:0 / (a!1|b!2) / [c?|b?] / c!3. / [a?]");
}

static void
when_waits_end_early(void)
{
    static const char *const bodies[] = {
        "/ {a?|b?}~ {}~ / a!1~ / b!2~", "/ {a?|b?}, {} / a!1 b!2",
        "/ {a?|b?} {}~ / a!1~ k0 / b!2~", "/ {a?|b!1}~ {}, / a!2~ b?~", NULL};

    explore_product(&plan, two_channels, bodies);
}

static void
when_signals_come(void)
{
    EXPLORE(&plan, "signals a:0 b:0 / {a?|b?} {} / a!1 b!2",
            "signals a:1 b:1 / {a?|b?} {} / a!1 b!2",
            "spurious a:0 b:0 / {a?|b?} {} / a!1 b!2",
            "spurious a:1 b:1 / {a?|b?} {} / a!1 b!2");
}

static void
when_channels_end(void)
{
    static const char *const bodies[] = {
        "/ {a?|b?} {} / a!1 a!x / b!2", "/ {a!1|b!2} {} / a?x b?",
        "/ {a?|b?} {} / a?x / b!2~", "/ {a?|b!1} {} / a!p / b?~", NULL};

    explore_product(&plan, two_channels, bodies);
}

/* Who was woken for something passes that on if his own end is closed. */
static void
when_ends_are_closed(void)
{
    static const char *const heads[] = {"a:1!2?2", "a:1+1!2?2", "a:0!2?2",
                                        "a:inf!2?2", NULL};
    static const char *const bodies[] = {
        "/ {a?} / a1? / a?x a!1",     "/ {a?} / a1? / a?x / a!1",
        "/ {a!1} / a1!2 / a!x / a?",  "/ {a!1} / a1!2 / a!x a1? a1?~",
        "/ {a?} / {a1?} / a?x / a!1", NULL};

    explore_product(&plan, heads, bodies);
}

static void
that_are_polled(void)
{
    static const char *const bodies[] = {
        "/ {a?|b?}& {}& / a!1 / b!2", "/ {a?|b?}& {}& / a!1 b!2",
        "/ {a!1|b!2}& {}& / a? / b?", "/ {a?|b?}& {}& / a!1 a!x / b!2~", NULL};

    explore_product(&plan, two_channels, bodies);
    EXPLORE(&plan, "a:1+1 b:1 / {a?|b?}& {} {}& / k0 / a!1",
            "a:1+1 b:0 / {a?|b?}& {} {}& / k0 / b!1",
            "a:1 b:0 / {a?|b!1}, {}& / a!2 / b?");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(of_two_threads);
    TEST(against_threads);
    TEST(against_selects);
    TEST(against_selectors);
    TEST(of_one_channel);
    TEST(that_meet_a_match);
    TEST(when_waits_end_early);
    TEST(when_signals_come);
    TEST(when_channels_end);
    TEST(when_ends_are_closed);
    TEST(that_are_polled);
    return test_end();
}
