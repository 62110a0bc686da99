// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* explore.h: searching scenarios, for the programs explore_*.c.
 *
 * To add a scenario write its line (scenario.h) into one of the lists there.
 * Before, look at it:
 *
 *     explore_... --try 'a:1 / a!1 / a?' [BOUND]
 *     explore_... --replay 'a:1 / a!1 / a? @ 0=1 17'
 *
 * the first searches it, the second shows one schedule of it step by step;
 * any program does for any scenario. A schedule that fails is printed with the
 * command that shows it. */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "search.h"

/** Search the scenario @p text. */
void explore(const char *text, const struct search_plan *plan,
             struct search_done *done);

/** Print how far a search got. */
void explore_report(const struct search_done *done);

/** Search each of these scenarios, and print how far that got. */
#define EXPLORE(plan, ...)                                                     \
    explore_list(plan, (const char *const[]){__VA_ARGS__, NULL})
void explore_list(const struct search_plan *plan, const char *const *list);

/** Search each of @p bodies behind each of @p heads (both end with NULL). */
void explore_product(const struct search_plan *plan, const char *const *heads,
                     const char *const *bodies);

/** The same with thread 0 stopped for ever, at each of its steps in turn:
 *  those who only try must end all the same, unless it holds the lock of a
 *  rendezvous. */
void explore_stopped(const struct search_plan *plan, const char *const *heads,
                     const char *const *bodies);

/** Do what the arguments say, if there are any. Returns: whether there were;
 *  then the program ends with *@p status. */
bool explore_arguments(int argc, char **argv, int *status);

#endif
