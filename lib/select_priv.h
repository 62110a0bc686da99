// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select_priv.h: what select.c and selector.c share. */
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

/** Attempt it. Returns: a status, or CSPI_CHAN_AGAIN. */
int cspi_select_attempt(struct cspi_op *o);

/** Wait until @p tx has room, sending nothing, or @p turn, through which
 *  nothing comes meanwhile, is closed. Blocks: until @p deadline.
 *  Returns: 0, or as csp_tx_send(). */
int cspi_select_wait_room(csp_tx *tx, csp_rx *turn, csp_time deadline);

/** How long to spin on one's own state once enlisted, if @p spins. */
struct cspi_linger cspi_select_linger(bool spins);

#endif
