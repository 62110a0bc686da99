// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* values.c: what is sent in a run: things whose releases are counted, and ends
 * of channels. */
#include <string.h>

#include <csp/status.h>

#include "plain.h"
#include "run.h"

static void
released(csp_handle *h)
{
    cspi_container(h, struct thing, handle)->released++;
}

static const csp_handle_type thing_type = {
    .size = sizeof thing_type, .name = "thing", .release = released};

void
values_reset(void)
{
    memset(run.travellers, 0, sizeof run.travellers);
    for (unsigned i = 0; i < run.plan.n_used; i++) {
        struct thing *t = &run.things[run.plan.used[i]];
        *t = (struct thing){.plain = 0};
        csp_handle_init(&t->handle, &thing_type);
    }
}

static bool
is_traveller(unsigned value)
{
    return value >= ENDS && value < FILLING;
}

/* Where an end that may be sent is kept. */
static void **
place_of(unsigned value)
{
    unsigned chan = (value - ENDS) / 8, end = value % 4;

    return (value - ENDS) / 4 % 2 == TX ? (void **)&run.tx[chan][end]
                                        : (void **)&run.rx[chan][end];
}

csp_value
value_of(unsigned value)
{
    if (!is_traveller(value))
        return csp_value_handle(&run.things[value].handle);
    if ((value - ENDS) / 4 % 2 == TX)
        return csp_tx_as_value(*place_of(value));
    return csp_rx_as_value(*place_of(value));
}

void
values_written(const struct act *a)
{
    if (a->verb == SEND && is_traveller(a->value))
        run.travellers[a->value - ENDS] =
            csp_value_as_handle(value_of(a->value));
    else if (a->verb == SEND)
        for (unsigned i = 0; i == 0 || i < a->batch; i++)
            plain_write(&run.things[a->value + i].plain, a->value + i);
    for (unsigned i = 0; i < a->n_cases; i++)
        values_written(a->cases[i]);
}

void
value_sent(uint8_t value)
{
    if (is_traveller(value))
        *place_of(value) = NULL;
    else
        run.things[value].sent++;
}

/* The number of what was received; FILLING + VALUES if it is no value. */
static unsigned
number_of(csp_value v)
{
    csp_handle *h = csp_value_as_handle(v);

    for (unsigned i = 0; h && i < FILLING - ENDS; i++)
        if (run.travellers[i] == h)
            return ENDS + i;
    struct thing *t = h ? cspi_container(h, struct thing, handle) : NULL;
    return t && t >= run.things && t < run.things + VALUES
               ? (unsigned)(t - run.things)
               : VALUES;
}

uint8_t
value_received(csp_value v)
{
    unsigned value = number_of(v);

    if (value == VALUES) {
        sched_fail("received what is no value");
        return 0;
    }
    if (is_traveller(value)) {
        run.travellers[value - ENDS] = NULL;
        csp_value_unref(&v);
        return (uint8_t)value;
    }
    run.things[value].received++;
    if (plain_read(&run.things[value].plain) != value)
        sched_fail("received %u before it was written", value);
    return (uint8_t)value;
}

/* A selector owns the values of its sends: releases those it did not send. */
static bool
is_of_a_selector(unsigned value)
{
    for (unsigned i = 0; i < run.plan.n_threads; i++) {
        const struct act *a = run.plan.selector[i];
        for (unsigned k = 0; a && k < a->n_cases; k++)
            if (a->cases[k]->verb == SEND && a->cases[k]->value == value)
                return true;
    }
    return false;
}

/* Where each value is, once the channels are gone. (What a hub sends it counts
 * by itself: the sender's reference, and one for each subscriber.) */
void
values_check(void)
{
    for (unsigned i = 0; i < run.plan.n_used; i++) {
        unsigned v = run.plan.used[i];
        const struct thing *t = &run.things[v];
        unsigned gone = t->received + t->released;
        if (run.plan.hub && t->sent && t->handle.refs_ == t->received)
            continue;
        if (gone != t->sent && !(gone == 1 && is_of_a_selector(v)))
            sched_fail("value %u: sent %u times, received %u, released %u", v,
                       t->sent, t->received, t->released);
    }
}
