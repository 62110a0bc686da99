// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* cancel_priv.h: how a wait takes part in cancellation. */
#ifndef CSPI_CANCEL_PRIV_H
#define CSPI_CANCEL_PRIV_H

#include <csp/cancel.h>

#include "waitq.h"

/** Let the calling thread's token end the wait of @p w. Until
 *  cspi_cancel_leave() the token may move it to CANCELLED.
 *  Returns: false if the token is requested already. */
bool cspi_cancel_enter(struct cspi_waiter *w);

/** The wait is over: afterwards the token does not touch the waiter. */
void cspi_cancel_leave(void);

#endif
