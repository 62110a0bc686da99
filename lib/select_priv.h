// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select_priv.h: what select.c, selector.c and loop.c share. */
#ifndef CSPI_SELECT_PRIV_H
#define CSPI_SELECT_PRIV_H

#include <csp/select.h>

#include "chan_priv.h"

/* A case: an end and its value, or a timer. */
struct cspi_op {
    struct cspi_end *end; /* NULL: a timer */
    csp_timer *timer;
    csp_value value;
    uint32_t index;         /* the caller's case */
    bool room;              /* only wait until a send would find room */
    struct cspi_waiter *me; /* of the selector that has it, or NULL */
};

/** What @p c says, as an op. Returns: 1; 0 if it can never happen; CSP_EINVAL.
 */
int cspi_select_take(const csp_case *c, uint32_t index, struct cspi_op *out);

/** Those of @p n cases that can happen, as ops. Returns: how many;
 *  CSP_EINVAL. */
int cspi_select_take_all(const csp_case *cases, size_t n, struct cspi_op *ops);

/** Tell the caller that the case of @p o has happened with @p status.
 *  Returns: its index. */
int cspi_select_report(const struct cspi_op *o, int status, csp_case *cases);

/** Attempt it. Returns: a status, or CSPI_CHAN_AGAIN. */
int cspi_select_attempt(struct cspi_op *o);

/** Attempt each once, in turn if @p priority, in an order by chance if not.
 *  @p entry: nobody has been told to attempt it, so an end that is closed need
 *  not be. Returns: the answer of the first that does not say AGAIN, and its
 *  number in *@p which; AGAIN if all do. */
int cspi_select_attempt_all(struct cspi_op *ops, uint32_t n, bool priority,
                            bool entry, uint32_t *which);

/* One round of waiting until one of some cases can happen. */
struct cspi_round {
    struct cspi_op *ops;
    struct cspi_node *nodes; /* as many as ops */
    uint32_t n;
    bool front;               /* enlist before those who wait already */
    struct cspi_ready *ready; /* whom to tell, if nobody sleeps; or NULL */
    struct cspi_waiter me;    /* WAITING before the round begins */

    /* What cspi_select_end() says. */
    bool claimed;   /* somebody claimed it, for case which */
    uint32_t which; /* the case that happened, or to attempt first */

    /* Between begin and end. */
    uint32_t enlisted;
    bool exchanged;
    csp_time since;
};

/** Enlist the cases. Threads: takes the locks of their queues in turn.
 *  Returns: whether there is something to wait for; otherwise end it. */
bool cspi_select_begin(struct cspi_round *r);

/** Withdraw them; afterwards nobody else touches *@p r. Threads: as begin.
 *  Returns: 0: case which has been exchanged; CSPI_CHAN_AGAIN: attempt again,
 *  case which first if claimed; CSP_ECANCELLED. */
int cspi_select_end(struct cspi_round *r);

/** Wait until @p tx has room or nobody receives any more, sending nothing; or
 *  until @p turn, through which nothing comes meanwhile, is closed.
 *  Blocks: until @p deadline.
 *  Returns: 0; CSP_EENDCLOSED, CSP_EMOVED: @p turn was closed; CSP_ETIMEOUT,
 *  CSP_EINTERRUPTED, CSP_ECANCELLED. */
int cspi_select_wait_room(csp_tx *tx, csp_rx *turn, csp_time deadline);

/** How long to spin on one's own state once enlisted, if @p spins. */
struct cspi_linger cspi_select_linger(bool spins);

#endif
