// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* check.c: what must hold after a run. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "run.h"

enum { SEEN = 1 << 14 };

static uint64_t seen[SEEN]; /* fingerprints of histories that are right */

void
check_reset(void)
{
    memset(seen, 0, sizeof seen);
}

/* Ends by which a channel is still known. */
static bool
is_alive(unsigned i)
{
    for (unsigned k = 0; k < MOST_ENDS; k++)
        if (run.tx[i][k] || run.rx[i][k])
            return true;
    return false;
}

static void
check_queues(void)
{
    for (unsigned i = 0; i < run.plan.n_chans; i++)
        for (int side = 0; side < 2 && is_alive(i); side++) {
            struct cspi_waitq *q = &run.chan[i]->waitq[side];
            if (q->first || q->last || atomic_load(&q->count) ||
                atomic_load(&q->lock))
                sched_fail("a wait queue of %c is not as it was", 'a' + i);
        }
}

static void
close_all(void)
{
    for (unsigned i = 0; i < run.plan.n_threads; i++) {
        csp_selector_free(run.selectors[i]);
        csp_cancel_unref(run.tokens[i]);
    }
    check_queues();
    for (unsigned k = 0; k < MOST_ENDS; k++) {
        csp_hub_tx_unref(run.hub_tx[k]);
        for (unsigned i = 0; i < run.plan.n_chans; i++) {
            csp_tx_unref(run.tx[i][k]);
            csp_rx_unref(run.rx[i][k]);
        }
    }
    csp_hub_unref(run.hub);
}

/* The history as it will be for all time. */
static void
settle_history(void)
{
    for (unsigned i = 0; i < run.history.n; i++) {
        struct record *r = &run.history.list[i];
        if (!r->ended)
            r->slept = sched_slept(r->thread);
    }
}

static uint64_t
fingerprint(unsigned stopped)
{
    uint64_t x = UINT64_C(14695981039346656037) ^ stopped;

    for (unsigned i = 0; i < run.history.n; i++) {
        const struct record *r = &run.history.list[i];
        uint64_t all[] = {(uint64_t)(uintptr_t)r->act,
                          r->began,
                          r->ended,
                          r->slept,
                          (uint64_t)(int64_t)r->status,
                          (uint64_t)(int64_t)r->which,
                          r->n,
                          r->values[0],
                          r->values[1],
                          r->values[2],
                          r->values[3]};
        for (unsigned k = 0; k < sizeof all / sizeof *all; k++)
            x = (x ^ all[k]) * UINT64_C(1099511628211);
    }
    return x ? x : 1;
}

static void
check_history(void)
{
    unsigned stopped = 0;

    settle_history();
    for (unsigned i = 0; i < run.plan.n_threads; i++)
        stopped |= (unsigned)sched_stopped(i) << i;
    uint64_t print = fingerprint(stopped), *known = &seen[print % SEEN];
    if (*known == print)
        return;
    const char *fault = history_fault(&run.history, stopped);
    if (fault)
        sched_fail("%s", fault);
    else
        *known = print;
}

static bool
only_tries(unsigned who)
{
    for (unsigned i = 0; i < run.plan.n_acts[who]; i++)
        if (run.plan.acts[who][i]->mode != TRY)
            return false;
    return true;
}

/* Tries at a rendezvous wait for its lock, which a stopped thread may hold, or
 * have been woken to take. */
static bool
may_wait_for_lock(unsigned who)
{
    bool rendezvous = false;

    for (unsigned i = 0; i < run.plan.n_chans; i++)
        rendezvous |= run.plan.chans[i].kind == RENDEZVOUS;
    return rendezvous && strncmp(sched_place(who), "cspi_waitq_lock", 15) == 0;
}

/* Who only tries must have ended, whoever was stopped. */
static void
check_progress(void)
{
    for (unsigned i = 0; i < run.plan.n_threads; i++)
        for (unsigned k = 0; sched_stopped(i) && k < run.plan.n_threads; k++)
            if (!sched_stopped(k) && !sched_done(k) && only_tries(k) &&
                !may_wait_for_lock(k))
                sched_fail("T%u, which was stopped, holds up T%u", i, k);
}

void
check(enum sched_end end)
{
    if (end == SCHED_DONE) {
        close_all();
        values_check();
    } else {
        check_progress();
    }
    check_history();
    const char *fault = memory_fault(end == SCHED_DONE);
    if (fault)
        sched_fail("%s", fault);
}

void
check_show(void)
{
    settle_history();
    history_print(&run.history);
    for (unsigned i = 0; i < run.plan.n_threads; i++)
        if (!sched_done(i))
            printf("#   T%u is at %s%s\n", i, sched_place(i),
                   sched_stopped(i) ? ", stopped" : "");
}
