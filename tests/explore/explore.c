// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* explore.c: see explore.h. */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "test.h"

void
explore(const char *text, const struct search_plan *plan,
        struct search_done *done)
{
    struct subject s = scenario_subject(text);

    search(&s, plan, done);
}

/* Until thread 0 ends before it would stop. */
static void
stop_everywhere(const char *text, const struct search_plan *plan,
                struct search_done *done)
{
    struct subject s = scenario_subject(text);

    do {
        s.world.stop_thread = 0;
        s.world.stop_step++;
        search(&s, plan, done);
    } while (done->stopped);
}

void
explore_report(const struct search_done *d)
{
    unsigned long long subjects = d->subjects, systematic = d->systematic,
                       random = d->random;

    test_note("%llu subjects, complete up to %u deviations, some to %u: %llu "
              "schedules; at random %llu; %.1f s, %.1f million steps/s",
              subjects, d->least_bound, d->most_bound, systematic, random,
              d->seconds, (double)d->steps / 1e6 / (d->seconds + 1e-9));
}

void
explore_list(const struct search_plan *plan, const char *const *list)
{
    struct search_done done = {0};

    for (; *list; list++)
        explore(*list, plan, &done);
    explore_report(&done);
}

typedef void explorer(const char *text, const struct search_plan *plan,
                      struct search_done *done);

static void
each(explorer *f, const struct search_plan *plan, const char *const *heads,
     const char *const *bodies)
{
    struct search_done done = {0};
    char text[200];

    for (; *heads; heads++)
        for (const char *const *b = bodies; *b; b++) {
            snprintf(text, sizeof text, "%s %s", *heads, *b);
            f(text, plan, &done);
        }
    explore_report(&done);
}

void
explore_product(const struct search_plan *plan, const char *const *heads,
                const char *const *bodies)
{
    each(explore, plan, heads, bodies);
}

void
explore_stopped(const struct search_plan *plan, const char *const *heads,
                const char *const *bodies)
{
    each(stop_everywhere, plan, heads, bodies);
}

/* ---- arguments ---- */

static int
replay(char *text)
{
    char *at = strchr(text, '@');

    if (!at)
        return 2;
    char *schedule = at + 1;
    while (at > text && at[-1] == ' ')
        at--;
    *at = 0;
    struct subject s = scenario_subject(text);
    return search_replay(&s, schedule);
}

static int
try_out(const char *text, const char *bound)
{
    struct search_done done = {0};
    struct search_plan plan = {
        .least = 2, .most = 9, .systematic = 100000, .random = 100000};

    if (bound)
        plan.least = (unsigned)strtoul(bound, NULL, 10);
    explore(text, &plan, &done);
    explore_report(&done);
    return 0;
}

bool
explore_arguments(int argc, char **argv, int *status)
{
    if (argc == 1)
        return false;
    *status = 2;
    if (argc == 3 && strcmp(argv[1], "--replay") == 0)
        *status = replay(argv[2]);
    else if (argc >= 3 && strcmp(argv[1], "--try") == 0)
        *status = try_out(argv[2], argv[3]);
    else
        fprintf(stderr, "usage: --try 'SCENARIO' [BOUND] | --replay 'SCENARIO "
                        "@ SCHEDULE'; see explore.h\n");
    return true;
}
