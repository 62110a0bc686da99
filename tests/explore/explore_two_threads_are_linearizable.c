// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Two threads, two operations each, every pair of pairs, on every kind of
 * channel and hub, and selects: all schedules with up to two preemptions. What
 * they answer is what a channel could answer that does one thing at a time;
 * nobody sleeps who could go on.
 *
 * All of that takes a quarter of an hour: with INTERCSP_SCALE=20. In shorter
 * runs the longer list of operations is searched in part: other parts with
 * other seeds. */
#include <stdio.h>
#include <string.h>

#include "explore.h"
#include "test.h"

/* From which scale on nothing is left out; before, how seldom the pairs are
 * searched that need not always be. */
enum { ALL_FROM_SCALE = 20, ONE_IN = 100 };

/* A deadline that passes is a deviation, which leaves one preemption less: when
 * nothing is left out, so many of the pairs with deadlines get one more. */
enum { DEEPER_ONE_IN = 200 };

/* What a thread may do: %u is a value. The first @p always of them are searched
 * in all pairs of pairs, in runs of any length. */
struct repertoire {
    const char *const *operations;
    unsigned n, always;
};

#define REPERTOIRE(always, ...)                                                \
    (struct repertoire)                                                        \
    {                                                                          \
        (const char *const[]){__VA_ARGS__},                                    \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),       \
            always                                                             \
    }

static unsigned
print_thread(char *to, size_t size, const struct repertoire *r, unsigned pair,
             unsigned value)
{
    unsigned n = (unsigned)snprintf(to, size, " / ");

    n += (unsigned)snprintf(to + n, size - n, r->operations[pair / r->n], value,
                            value + 1);
    n += (unsigned)snprintf(to + n, size - n, " ");
    n += (unsigned)snprintf(to + n, size - n, r->operations[pair % r->n],
                            value + 2, value + 3);
    return n;
}

static bool
is_always(const struct repertoire *r, unsigned pair)
{
    return pair / r->n < r->always && pair % r->n < r->always;
}

static bool
is_left_out(struct test_random *random)
{
    return test_count(1) < ALL_FROM_SCALE &&
           test_below(random, ONE_IN) >= test_count(1);
}

static bool
is_deeper(const char *text, struct test_random *random)
{
    return test_count(1) >= ALL_FROM_SCALE && strchr(text, '~') &&
           test_below(random, DEEPER_ONE_IN) == 0;
}

/* The threads are alike: which of two pairs is whose makes no difference. */
static void
search_kind(const char *head, const struct repertoire *r)
{
    static const struct search_plan usual = {.least = 2,
                                             .most = 2,
                                             .random = 50},
                                    deeper = {.least = 3, .most = 3};
    struct search_done done = {0};
    struct test_random random;
    uint64_t stream = 0;
    char text[100];

    for (const char *c = head; *c; c++)
        stream = stream * 31 + (unsigned char)*c;
    test_random_init(&random, stream);
    for (unsigned i = 0; i < r->n * r->n; i++)
        for (unsigned k = i; k < r->n * r->n; k++) {
            if (!(is_always(r, i) && is_always(r, k)) && is_left_out(&random))
                continue;
            unsigned n = (unsigned)snprintf(text, sizeof text, "%s", head);
            n += print_thread(text + n, sizeof text - n, r, i, 1);
            print_thread(text + n, sizeof text - n, r, k, 5);
            explore(text, is_deeper(text, &random) ? &deeper : &usual, &done);
        }
    explore_report(&done);
}

static void
search_channel(const char *head)
{
    search_kind(head, &REPERTOIRE(6, "a!%u", "a?", "a!%u.", "a?.", "a!x", "a?x",
                                  "a!%u~", "a?~", "a!p", "a?p"));
}

static void
bounded(void)
{
    search_channel("a:1");
    search_channel("a:2+1");
}

static void
rendezvous(void)
{
    search_channel("a:0");
}

static void
unbounded(void)
{
    search_channel("a:inf");
}

static void
dropping(void)
{
    search_channel("a:1new");
    search_channel("a:1old");
    search_channel("a:2old+1");
}

static void
selects(void)
{
    static const char *const heads[] = {"a:0 b:0", "a:1 b:1+1", "a:0 b:1",
                                        NULL};

    for (const char *const *head = heads; *head; head++)
        search_kind(*head, &REPERTOIRE(3, "(a!%u|b?)", "(a?|b!%u)", "(a?|b?)",
                                       "(a!%u|b!%u)", "[b?|a!%u]~", "a!%u",
                                       "b?.", "a?x", "b!p", "<a?|b!%u>~"));
}

/* A selector's second wait is written otherwise than its first. */
static void
selectors(void)
{
    static const struct search_plan plan = {
        .least = 2, .most = 4, .systematic = 1000, .random = 50};
    static const char *const heads[] = {"a:0 b:0", "a:1 b:1+1", "a:0 b:1",
                                        NULL};
    static const char *const bodies[] = {"/ {a?|b?} {} / {a!1|b!2} {}",
                                         "/ {a?|b!1} {} / {a!2|b?} {}",
                                         "/ {a?|b!1} {}~ / {a?|b!2} {}~",
                                         "/ {a?|b!1} {} / (a!2|b?) (a!3|b?)",
                                         "/ {a?|b?} {} / (a!1|b!2) b!3.",
                                         "/ {a?|b!1} {}~ / a!2 b?",
                                         "/ {a?|b?} {}, / a!2 b!x",
                                         "/ {a?|b?}& {}& / a!1 b!2",
                                         "/ {a?|b!1} a?. / <a!2|b?> a!3.",
                                         "/ {a!1|b!2} {} / b? a?x",
                                         NULL};

    explore_product(&plan, heads, bodies);
}

static void
hubs(void)
{
    static const char *const heads[] = {"a:1 hub", "a:1old hub", "a:1 b:1 hub",
                                        NULL};

    for (const char *const *head = heads; *head; head++)
        search_kind(*head, &REPERTOIRE(3, "h!%u", "a?", "h!%u.", "h!%u~", "a?~",
                                       "h!x", "a?x", "h!p", "a?p"));
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
    TEST(selects);
    TEST(selectors);
    TEST(hubs);
    return test_end();
}
