// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* scenario.h: threads that use channels, written in one line.
 *
 *     a:1 b:0 / a!1 b?~ / (a?|b!2) k0
 *
 * First the channels, a to c, then what each thread does, after a slash.
 *
 *     a:1       bounded, capacity 1      a:1old, a:1new   drops, when full
 *     a:0       rendezvous               a:inf            unbounded
 *     a:2+1     begins with one value    a:1!2?2          two ends on each side
 *     signals   sleeps may be interrupted
 *     spurious  sleeps may end for no reason
 *     nomem     any allocation may fail
 *
 *     a!5       send 5 (1 to 63)         a?       receive
 *     a!5.      try to                   a?.      try to
 *     a!5,      with a deadline past     a?,
 *     a!5~      with one that may pass   a?~
 *     a1!5, a1?   through end 1 of a, not 0
 *     a!x, a?x  close the end            a!u, a?u   give up the reference to it
 *     a!m, a?m  it was moved             a!c1, a?c1  make end 1, a clone
 *     a!p, a?p  poison
 *     (a?|b!5)  select, fair; then , or ~    [a?|b!5]  in this order
 *     (a?|t)    t: a timer, due at some time
 *     {a?|b!5}  wait with a selector that has these cases; {} again with it
 *     {a?|b!5}&  the same, by polling the descriptor of the selector
 *     k0        request the cancel token of thread 0
 *
 * No value is sent twice, in one scenario; but a case of a select may be.
 *
 * What is checked after each run: the history (history.h); each value that was
 * sent is received or released once, and none that was not; when all threads
 * have returned, nobody is listed in a wait queue, and closing all ends frees
 * all memory. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "search.h"

/** Search the scenario @p text. */
void explore(const char *text, const struct search_plan *plan,
             struct search_done *done);

/** Search it with one thread stopped for ever, at each of its steps. The
 *  others must end all the same: those whose operations are all tries; and
 *  those that only wait, if @p waiting_too. */
void explore_stopped(const char *text, unsigned stopped,
                     const struct search_plan *plan, struct search_done *done);

/** Print how far a search got. */
void explore_report(const struct search_done *done);

/** Search each of these scenarios, and print how far that got. */
#define EXPLORE(plan, ...)                                                     \
    explore_list(plan, (const char *const[]){__VA_ARGS__, NULL})
void explore_list(const struct search_plan *plan, const char *const *list);

/** Search each of @p bodies behind each of @p heads (both end with NULL). */
void explore_product(const struct search_plan *plan, const char *const *heads,
                     const char *const *bodies);

/** The arguments of a program:
 *      --replay 'TEXT @ SCHEDULE'   one schedule, step by step
 *      --try 'TEXT' [BOUND]         search a scenario
 *  Returns: whether there were any; then the program ends with *@p status. */
bool explore_arguments(int argc, char **argv, int *status);

#endif
