// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* sleeper.h: lists of those who wait for a change of something with a lock.
 *
 * Everything here is done with that lock. */
#ifndef CORE_SLEEPER_H
#define CORE_SLEEPER_H

#include <pthread.h>
#include <stdbool.h>

#include <csp/chan.h>

/* One thread that sleeps, on its stack. */
struct sleeper {
    struct sleeper *next;
    bool listed;
    csp_tx *tx; /* closing it wakes him */
};

/** Wake the first of @p list, if there is one. */
void sleeper_wake(struct sleeper **list);

/** Sleep on @p list, in front or at its end, until woken or @p deadline; lets
 *  go of @p lock meanwhile.
 *  Returns: 0: woken; a status. */
int sleeper_sleep(struct sleeper **list, bool in_front, pthread_mutex_t *lock,
                  csp_time deadline);

#endif
