// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plan.h: a scenario after it was read. */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "sched.h"

enum {
    MOST_CHANS = 3,
    MOST_ENDS = 4,
    MOST_CASES = 4,
    MOST_ACTS = 8, /* of a thread */
    MOST_IN_ALL = 24,
    MOST_IN_BATCH = 4
};

enum side { TX, RX };

enum kind { BLOCK, DROP_NEW, DROP_OLD, UNBOUNDED, RENDEZVOUS };

struct chan_plan {
    enum kind kind;
    uint8_t capacity, filled; /* filled: with values from FILLING up */
    uint8_t ends[2];          /* open ends of each side, 0 to that */
};

/* Values are numbers: those that are written in the text are below ENDS; ENDS
 * + something is an end that travels; FILLING + 10 * its index is the first
 * that a channel begins with. */
enum { ENDS = 64, FILLING = 100, VALUES = 140 };

/** The channel whose operations those with a hub have in common. */
enum { HUB = MOST_CHANS };

enum verb {
    SEND,
    RECV,
    CLOSE,
    UNREF, /* gives up the only reference to the end, which closes it */
    MOVED,
    CLONE, /* of the end, into end `value` of the same side */
    FIND,  /* of a further end, by the id of the channel, into end `value` */
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

/** One operation, as it stands in the text. */
struct act {
    enum verb verb;
    enum mode mode;
    uint8_t chan, side, end, value;
    uint8_t batch; /* how many values, from `value` up; 0: no batch */
    bool in_order;
    bool by_loop;
    uint8_t n_cases;
    struct act *cases[MOST_CASES];
    const char *text;
    uint8_t length; /* of text */
};

struct plan {
    const char *text;
    struct chan_plan chans[MOST_CHANS];
    unsigned n_chans;
    bool hub;                 /* whose subscribers the channels are */
    bool travels[MOST_CHANS]; /* ends of it are sent through others */
    bool cancels;
    struct sched_world world;
    unsigned n_threads;
    struct act *acts[SCHED_THREADS][MOST_ACTS];
    unsigned n_acts[SCHED_THREADS];
    const struct act *selector[SCHED_THREADS]; /* its first wait, or NULL */
    uint8_t used[VALUES];                      /* the values that occur */
    unsigned n_used;
};

/** Read @p text, which must live as long as the plan. Ends the program if it
 *  cannot be read. @p plan: one at a time. */
void plan_read(struct plan *plan, const char *text);

/** The values that channel @p chan begins with: number @p k. */
uint8_t plan_filling(unsigned chan, unsigned k);

#endif
