// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* history.h: what the threads of a run did to channels, and whether channels
 * that do one thing at a time could have answered so. */
#ifndef HISTORY_H
#define HISTORY_H

#include "plan.h"

/** An operation in a run. */
struct record {
    const struct act *act;
    unsigned thread;
    unsigned began, ended; /* ticks; ended 0: never */
    unsigned slept;        /* when it first went to sleep, or 0 */
    int status;
    int which; /* the case that happened, or -1 */
    uint8_t n; /* values sent or received */
    uint8_t values[MOST_IN_BATCH];
};

struct history {
    const struct plan *plan;
    struct record list[MOST_IN_ALL];
    unsigned n;
};

/** Whether some order of the operations, one that respects which of them ended
 *  before which began, gives these answers when they are done one at a time;
 *  and in the end none of those that never ended could go on.
 *
 *  @p stopped: the threads that were stopped (a bit each): what they were
 *  doing is done or not.
 *  Returns: NULL, or what is wrong. */
const char *history_fault(const struct history *h, unsigned stopped);

/** Print it. */
void history_print(const struct history *h);

#endif
