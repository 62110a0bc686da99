// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ledger.h: which values were sent, and which have arrived. A value is a
 * number; some travel as counted blocks, so that a lost one is a leak. What
 * the sender wrote plainly before the send must be seen by who has the value:
 * ThreadSanitizer sees whether it is. */
#ifndef LEDGER_H
#define LEDGER_H

#include <csp/value.h>

#include "test.h"

struct ledger {
    uint32_t n;
    uint32_t *plain;
    atomic_uchar *sent, *taken;
};

/** For the numbers below @p n. */
void ledger_open(struct ledger *l, uint32_t n);

/** The value that stands for @p v, before it is sent. */
csp_value ledger_write(struct ledger *l, uint32_t v);

/** @p v was sent. */
void ledger_sent(struct ledger *l, uint32_t v);

/** @p value has arrived, for the first time. Owns: it passes. Returns: the
 *  number. */
uint32_t ledger_take(struct ledger *l, csp_value value);

/** What @p value is, if others receive it too. Owns: it passes. */
uint32_t ledger_read(struct ledger *l, csp_value value);

/** Fail unless what was sent is what has arrived. */
void ledger_close(struct ledger *l);

#endif
