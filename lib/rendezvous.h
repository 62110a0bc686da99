// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* rendezvous.h: a channel of capacity 0, as chan.c sees it. */
#ifndef CSPI_RENDEZVOUS_H
#define CSPI_RENDEZVOUS_H

#include "chan_priv.h"

/** Meet somebody who waits on the other side of @p e: give him *@p v, or take
 *  it from him. @p me: the waiter of the selector that it is for, or NULL.
 *  Threads: any; takes the lock of the queues.
 *  Returns: 0, CSPI_CHAN_AGAIN, CSP_ECLOSED, CSP_EPOISONED. */
int cspi_rendezvous_try(struct cspi_end *e, csp_value *v,
                        struct cspi_waiter *me);

/** The same for @p n, which is about to be enlisted: its waiter is claimed,
 *  and that of the other, or neither. If it is only to be told, nobody is met.
 *  Lock held; who to wake is left in *@p wakes.
 *  Returns: as above; CSPI_CHAN_READY: an attempt would meet somebody. */
int cspi_rendezvous_offer(struct cspi_end *e, csp_value *v, struct cspi_node *n,
                          struct cspi_wakes *wakes);

/** Whether an attempt for @p me would find it over, could meet somebody, or
 *  would tell another selector to look. Lock held. */
bool cspi_rendezvous_has_peer(const struct cspi_end *e,
                              const struct cspi_waiter *me);

#endif
