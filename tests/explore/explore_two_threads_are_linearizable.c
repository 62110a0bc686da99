// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Two threads, two operations each, every pair of pairs, on every kind of
 * channel: all schedules with up to two preemptions. What they answer is what
 * a channel could answer that does one thing at a time; nobody sleeps who
 * could go on.
 *
 * In short runs the longer list of operations is searched in part: other parts
 * with other seeds. */
#include <stdio.h>

#include "explore.h"
#include "test.h"

/* %u: a value. */
static const char *const operations[] = {
    "a!%u",  "a?",  "a!%u.", "a?.", "a!x", "a?x", /* always */
    "a!%u~", "a?~", "a!p",   "a?p",               /* now and then */
};
enum { ALWAYS = 6, ALL = 10 };

static unsigned
print_thread(char *to, size_t size, unsigned pair, unsigned value)
{
    unsigned n = 0;

    n += (unsigned)snprintf(to, size, " / ");
    n += (unsigned)snprintf(to + n, size - n, operations[pair / ALL], value);
    n += (unsigned)snprintf(to + n, size - n, " ");
    n +=
        (unsigned)snprintf(to + n, size - n, operations[pair % ALL], value + 1);
    return n;
}

static bool
is_always(unsigned pair)
{
    return pair / ALL < ALWAYS && pair % ALL < ALWAYS;
}

static void
search_kind(const char *kind)
{
    static const struct search_plan plan = {
        .least = 2, .most = 4, .systematic = 1000, .random = 50};
    struct search_done done = {0};
    struct test_random random;
    char text[100];

    test_random_init(&random, (uint64_t)kind[2] << 8 | (uint64_t)kind[3]);
    for (unsigned i = 0; i < ALL * ALL; i++)
        for (unsigned k = i; k < ALL * ALL; k++) {
            if (!(is_always(i) && is_always(k)) &&
                test_below(&random, 1000000) >= test_count(30000))
                continue;
            unsigned n = (unsigned)snprintf(text, sizeof text, "%s", kind);
            n += print_thread(text + n, sizeof text - n, i, 1);
            print_thread(text + n, sizeof text - n, k, 3);
            explore(text, &plan, &done);
        }
    explore_report(&done);
}

static void
bounded(void)
{
    search_kind("a:1");
    search_kind("a:2+1");
}

static void
rendezvous(void)
{
    search_kind("a:0");
}

static void
unbounded(void)
{
    search_kind("a:inf");
}

static void
dropping(void)
{
    search_kind("a:1new");
    search_kind("a:1old");
    search_kind("a:2old+1");
}

int
main(int argc, char **argv)
{
    int status;

    if (explore_arguments(argc, argv, &status))
        return status;
    TEST(bounded);
    TEST(rendezvous);
    TEST(unbounded);
    TEST(dropping);
    return test_end();
}
