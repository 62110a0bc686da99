// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* sleeper.c: each sleeps on a channel of his own, which can be cancelled as
 * any wait can. */
#include "sleeper.h"

#include <csp/status.h>

void
sleeper_wake(struct sleeper **list)
{
    struct sleeper *s = *list;

    if (!s)
        return;
    *list = s->next;
    s->listed = false;
    csp_tx_close(s->tx);
}

static void
enlist(struct sleeper **list, struct sleeper *s, bool in_front)
{
    while (*list && !in_front)
        list = &(*list)->next;
    s->next = *list;
    s->listed = true;
    *list = s;
}

static void
unlist(struct sleeper **list, const struct sleeper *s)
{
    while (*list != s)
        list = &(*list)->next;
    *list = s->next;
}

int
sleeper_sleep(struct sleeper **list, bool in_front, pthread_mutex_t *lock,
              csp_time deadline)
{
    struct sleeper s = {0};
    csp_value unused;
    csp_rx *rx;
    int rc = csp_chan_new(1, NULL, &s.tx, &rx);

    if (rc < 0)
        return rc;
    enlist(list, &s, in_front);
    pthread_mutex_unlock(lock);
    rc = csp_rx_recv(rx, &unused, deadline);
    pthread_mutex_lock(lock);
    bool woken = !s.listed;
    if (!woken)
        unlist(list, &s);
    csp_tx_unref(s.tx);
    csp_rx_unref(rx);
    return woken ? 0 : rc;
}
