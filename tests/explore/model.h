// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* model.h: channels that do one thing at a time. */
#ifndef MODEL_H
#define MODEL_H

#include "plan.h"

enum { MOST_EFFECTS = 32, MOST_VALUES = 16 };

enum what {
    SENT,
    RECEIVED,
    NOT_READY, /* there was nothing to receive, no room, nobody to meet */
    IS_CLOSED,
    IS_POISONED,
    HAS_NO_END, /* no open end is left on the side */
    CLOSES,
    CLONES,
    POISONS
};

/* What an operation did to a channel, or saw of it, at some moment between its
 * beginning and its end. */
struct effect {
    enum what what;
    uint8_t chan, side, end, value;
    bool maybe;   /* of a stopped thread: it need not have happened */
    bool follows; /* it comes after the one before it in the list */
    bool vague;   /* a NOT_READY of which nothing more can be said */
    bool hub;     /* of a hub, at this subscriber */
    unsigned began, ended;
    unsigned slept; /* from when on it could be met, or 0 */
};

struct chan {
    uint8_t n, open[2]; /* open: a bit per end */
    bool gone[2], poisoned;
    uint8_t values[MOST_VALUES];
    uint8_t n_heard, heard[MOST_VALUES]; /* what a hub sent it, in order */
};

struct model {
    const struct plan *plan;
    struct chan chans[MOST_CHANS];
};

/* The effects among which one happens. */
struct effects {
    struct effect list[MOST_EFFECTS];
    unsigned n;
    uint32_t done;  /* a bit each: those that have happened */
    unsigned until; /* the others can happen if they began by then */
};

void model_init(struct model *m, const struct plan *plan);

/** Let effect @p e happen. Returns: whether it can. A rendezvous can not. */
bool model_apply(struct model *m, const struct effect *e,
                 const struct effects *all);

/** Whether @p a and @p b are the two halves of a rendezvous now. */
bool model_meet(const struct model *m, const struct effect *a,
                const struct effect *b);

/** Whether an operation would not wait; of a rendezvous: because it is over. */
bool model_is_ready(const struct model *m, unsigned chan, unsigned side);

#endif
