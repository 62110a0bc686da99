// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* history.h: what the threads of a run did to channels, and whether channels
 * that do one thing at a time could have answered so. */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stdint.h>

enum { MOST_CHANS = 3, MOST_ENDS = 4, MOST_CASES = 4, MOST_ACTS = 24 };

enum side { TX, RX };

enum kind { BLOCK, DROP_NEW, DROP_OLD, UNBOUNDED, RENDEZVOUS };

struct chan_plan {
    enum kind kind;
    uint8_t capacity, filled; /* filled: with values from FILLING up */
    uint8_t ends[2];          /* open ends of each side, 0 to that */
};

/** The first value that a channel begins with is FILLING + 10 * its index. */
enum { FILLING = 100 };

enum verb {
    SEND,
    RECV,
    CLOSE,
    UNREF, /* gives up the only reference to the end, which closes it */
    MOVED,
    CLONE, /* of the end into end `value` of the same side */
    POISON,
    CANCEL, /* requests the token of thread `value` */
    TIMER,  /* a case only */
    SELECT, /* one of the cases, fair or in order */
    WAIT    /* one of the cases, which stay registered with a selector */
};

enum mode {
    FOREVER,
    TRY,    /* the function that never waits */
    NOWAIT, /* the waiting function with a deadline that has passed */
    SOON,   /* with a deadline that may pass */
    POLL    /* a selector's: sleep until its descriptor is readable */
};

/** One operation, as it stands in the text of a scenario. */
struct act {
    enum verb verb;
    enum mode mode;
    uint8_t chan, side, end, value;
    bool in_order;
    uint8_t n_cases;
    struct act *cases[MOST_CASES];
    const char *text;
    uint8_t length; /* of text */
};

/** It in a run. */
struct record {
    const struct act *act;
    unsigned thread;
    unsigned began, ended; /* ticks; ended 0: never */
    unsigned slept;        /* when it first went to sleep, or 0 */
    int status;
    int which;     /* the case that happened, or -1 */
    uint8_t value; /* received */
};

struct history {
    struct chan_plan chans[MOST_CHANS];
    unsigned n_chans;
    bool signals, no_memory;
    struct record list[MOST_ACTS];
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
