// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* run.h: what the parts of a scenario share: values.c, perform.c, check.c, and
 * scenario.c, which sets it up. */
#ifndef RUN_H
#define RUN_H

#include <csp/cancel.h>
#include <csp/hub.h>
#include <csp/loop.h>
#include <csp/select.h>
#include <csp/selector.h>

#include "chan_priv.h"
#include "history.h"
#include "plain.h"

/* A value is a handle, so that its releases can be counted. */
struct thing {
    csp_handle handle;
    uint64_t plain; /* written by its sender, read by its receiver */
    unsigned sent, received, released;
};

struct run {
    struct plan plan;
    struct history history;
    csp_tx *tx[MOST_CHANS][MOST_ENDS];
    csp_rx *rx[MOST_CHANS][MOST_ENDS];
    uint64_t id[MOST_CHANS];
    csp_chan *chan[MOST_CHANS];
    csp_hub *hub;
    csp_hub_tx *hub_tx[MOST_ENDS];
    csp_cancel *tokens[SCHED_THREADS];
    csp_selector *selectors[SCHED_THREADS];
    plain_handed handed[MOST_CHANS + 1][2][MOST_ENDS]; /* ends; HUB: the last */
    struct thing things[VALUES];
    csp_handle *travellers[FILLING - ENDS]; /* ends that are sent */
};

extern struct run run;

/* values.c */

/** Make all values anew, none of them sent. */
void values_reset(void);

csp_value value_of(unsigned value);

/** Value @p value was sent. */
void value_sent(uint8_t value);

/** @p v was received. Returns: its number. */
uint8_t value_received(csp_value v);

/** The values that @p a may send are about to be sent. */
void values_written(const struct act *a);

/** Fail unless each value is where it should be, once all channels are gone.
 */
void values_check(void);

/* perform.c */

/** A thread of the run. */
void perform(unsigned who);

/** Case @p a; if it is a timer, of @p timer. */
csp_case perform_case(const struct act *a, csp_timer *timer);

/* check.c */

/** After a run: fail if something is wrong. */
void check(enum sched_end end);

/** A new scenario: forget what was right. */
void check_reset(void);

/** Print what happened. */
void check_show(void);

#endif
