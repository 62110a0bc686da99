// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* search.h: which schedules of a subject are run.
 *
 * Systematically: all with at most k deviations (sched.h), for k = 0, 1, 2...
 * For two threads those are all schedules with at most k preemptions. Then at
 * random, by the seed of the program. The first schedule that fails is made
 * as small as it gets, shown, and ends the program. */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdint.h>

#include "sched.h"

/** What is run. */
struct subject {
    const char *text; /**< its name: what --replay is given */
    unsigned threads;
    struct sched_world world;
    void (*setup)(void);               /**< before the run: no steps */
    void (*body)(unsigned who);        /**< a thread */
    void (*check)(enum sched_end end); /**< after it: sched_fail() if wrong */
    void (*show)(void);                /**< prints what happened, for people */
};

/** How far. */
struct search_plan {
    unsigned least;      /**< this many deviations, however long it takes */
    unsigned most;       /**< never more than this many */
    uint64_t systematic; /**< between the two: while it takes this many runs */
    uint64_t random;     /**< runs at random */
};

/** How far it got: added to what was there. */
struct search_done {
    uint64_t subjects, systematic, random, steps;
    unsigned least_bound, most_bound; /**< complete for so many deviations */
    bool stopped; /**< in the last search a thread came to where it stops */
    double seconds;
};

/** Search @p s; add to @p done. A failure ends the program. */
void search(const struct subject *s, const struct search_plan *plan,
            struct search_done *done);

/** Run one schedule, "0=1 17 40=2": the questions that are not answered 0,
 *  and how (1 if not said). Prints each step. Returns: whether it failed. */
bool search_replay(const struct subject *s, const char *schedule);

#endif
