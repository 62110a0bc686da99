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

static bool
is_rendezvous(const struct act *a)
{
    return a->chan < MOST_CHANS && run.plan.chans[a->chan].kind == RENDEZVOUS;
}

/* Whether @p a offers to be matched at a rendezvous, and at @p chan as well. */
static bool
is_matched_while_at(const struct act *a, unsigned chan)
{
    bool matched = false, at = false;

    for (unsigned i = 0; i < a->n_cases; i++) {
        matched |= is_rendezvous(a->cases[i]);
        at |= a->cases[i]->chan == chan;
    }
    return matched && at;
}

static bool
may_meet_match(const struct act *of)
{
    for (unsigned i = 0; i < run.plan.n_threads; i++)
        for (unsigned k = 0; k < run.plan.n_acts[i]; k++)
            if (is_matched_while_at(run.plan.acts[i][k], of->chan))
                return true;
    return false;
}

/* Tries at a rendezvous wait for its lock, which a stopped thread may hold, or
 * have been woken to take; who wakes a waiter waits while that is matched. */
static bool
may_wait(unsigned who)
{
    const char *place = sched_place(who);
    bool locks = strncmp(place, "cspi_waitq_lock:", 16) == 0;
    bool settles = strncmp(place, "settled:", 8) == 0;

    for (unsigned i = 0; i < run.plan.n_acts[who]; i++) {
        const struct act *a = run.plan.acts[who][i];
        if ((is_rendezvous(a) && (locks || settles)) ||
            (settles && may_meet_match(a)))
            return true;
    }
    return false;
}

/* Who only tries must have ended, whoever was stopped. */
static void
check_progress(void)
{
    for (unsigned i = 0; i < run.plan.n_threads; i++)
        for (unsigned k = 0; sched_stopped(i) && k < run.plan.n_threads; k++)
            if (!sched_stopped(k) && !sched_done(k) && only_tries(k) &&
                !may_wait(k))
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
