// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* scenario.c: sets up what a scenario says.
 *
 * Process-wide state: run, the scenario that was made last. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csp/status.h>

#include "keeper.h"
#include "plain.h"
#include "run.h"

struct run run;

static void
need(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s: set up: %s\n", run.plan.text, csp_status_name(rc));
        exit(2);
    }
}

static csp_chan_opts
options_of(const struct chan_plan *p)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.overflow = p->kind == DROP_NEW   ? CSP_OVERFLOW_DROP_NEW
                    : p->kind == DROP_OLD ? CSP_OVERFLOW_DROP_OLD
                                          : CSP_OVERFLOW_BLOCK;
    return opts;
}

static void
fill(unsigned i)
{
    for (unsigned k = 0; k < run.plan.chans[i].filled; k++) {
        uint8_t v = plan_filling(i, k);
        plain_write(&run.things[v].plain, v);
        need(csp_tx_try_send(run.tx[i][0], value_of(v)));
        run.things[v].sent = 1;
    }
}

static void
make_chan(unsigned i)
{
    const struct chan_plan *p = &run.plan.chans[i];
    csp_chan_opts opts = options_of(p);
    uint32_t capacity = p->kind == UNBOUNDED ? CSP_CHAN_UNBOUNDED : p->capacity;

    if (run.plan.hub)
        need(csp_hub_subscribe(run.hub, capacity, &opts, &run.rx[i][0]));
    else
        need(csp_chan_new(capacity, &opts, &run.tx[i][0], &run.rx[i][0]));
    for (unsigned k = 1; !run.plan.hub && k < p->ends[TX]; k++)
        need(csp_tx_clone(run.tx[i][0], &run.tx[i][k]));
    for (unsigned k = 1; k < p->ends[RX]; k++)
        need(csp_rx_clone(run.rx[i][0], &run.rx[i][k]));
    run.id[i] = csp_rx_id(run.rx[i][0]);
    run.chan[i] = run.rx[i][0]->end.chan;
    fill(i);
}

/* As many send ends as the first channel says. */
static void
make_hub(void)
{
    need(csp_hub_new(1, NULL, &run.hub_tx[0], &run.hub));
    for (unsigned k = 1; k < run.plan.chans[0].ends[TX]; k++)
        need(csp_hub_tx_clone(run.hub_tx[0], &run.hub_tx[k]));
}

static void
make_selector(unsigned who)
{
    const struct act *a = run.plan.selector[who];

    need(csp_selector_new(&run.selectors[who]));
    for (unsigned i = 0; i < a->n_cases; i++) {
        csp_case one = perform_case(a->cases[i], NULL);
        need(csp_selector_add(run.selectors[who], &one));
    }
}

static void
setup(void)
{
    keeper_reset();
    memset(&run.history, 0,
           offsetof(struct run, things) - offsetof(struct run, history));
    run.history.plan = &run.plan;
    values_reset();
    if (run.plan.hub)
        make_hub();
    for (unsigned i = 0; i < run.plan.n_chans; i++)
        make_chan(i);
    for (unsigned i = 0; i < run.plan.n_threads; i++) {
        if (run.plan.cancels)
            need(csp_cancel_new(&run.tokens[i]));
        if (run.plan.selector[i])
            make_selector(i);
    }
}

struct subject
scenario_subject(const char *text)
{
    plan_read(&run.plan, text);
    check_reset();
    return (struct subject){.text = text,
                            .threads = run.plan.n_threads,
                            .world = run.plan.world,
                            .setup = setup,
                            .body = perform,
                            .check = check,
                            .show = check_show};
}
