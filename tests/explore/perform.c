// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* perform.c: the operations of a scenario's threads. */
#include <csp/registry.h>
#include <csp/status.h>

#include "run.h"

enum { REASON = 7 }; /* of every poisoning */

csp_case
perform_case(const struct act *a, csp_timer *timer)
{
    switch (a->verb) {
    case SEND:
        return csp_case_send(run.tx[a->chan][a->end], value_of(a->value));
    case RECV:
        return csp_case_recv(run.rx[a->chan][a->end]);
    default:
        return csp_case_timer(timer);
    }
}

static void
did(struct record *r, const struct act *a, csp_value v)
{
    if (r->status != 0)
        return;
    if (a->verb == SEND)
        value_sent(r->values[0] = a->value);
    else if (a->verb == RECV)
        r->values[0] = value_received(v);
    r->n = 1;
}

static csp_time
deadline_of(const struct act *a)
{
    return a->mode == SOON     ? sched_deadline()
           : a->mode == NOWAIT ? CSP_NOWAIT
                               : CSP_FOREVER;
}

static void
do_select(struct record *r)
{
    const struct act *a = r->act;
    csp_case cases[MOST_CASES];
    csp_timer timer = {.when = CSP_FOREVER};
    csp_time deadline = deadline_of(a);

    for (unsigned i = 0; i < a->n_cases; i++) {
        if (a->cases[i]->verb == TIMER)
            timer.when = sched_deadline();
        cases[i] = perform_case(a->cases[i], &timer);
    }
    r->which = csp_select(cases, a->n_cases,
                          a->in_order ? CSP_SELECT_PRIORITY : CSP_SELECT_FAIR,
                          deadline);
    r->status = r->which < 0 ? r->which : cases[r->which].status;
    if (r->which >= 0)
        did(r, a->cases[r->which], cases[r->which].value);
}

/* A pending operation takes the values of its sends: so they get a reference
 * more, and the one that is too many is dropped when it is over. */
static void
ref_sends(csp_case *cases, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (cases[i].kind == CSP_CASE_SEND)
            csp_value_ref(cases[i].value);
}

static void
unref_sends(csp_case *cases, unsigned n, const csp_loop_op *pending, int sent)
{
    for (unsigned i = 0; i < n; i++)
        if (cases[i].kind == CSP_CASE_SEND && (!pending || (int)i == sent))
            csp_value_unref(&cases[i].value);
}

/* A select by a loop. If it could time out, it is cancelled at some time. */
static void
do_loop(struct record *r)
{
    const struct act *a = r->act;
    unsigned n = a->n_cases;
    csp_case cases[MOST_CASES], one = {.status = CSP_ENOMEM};
    csp_loop *l;
    csp_loop_op *op;
    void *user;

    r->status = r->which = csp_loop_new(&l);
    if (r->which < 0)
        return;
    for (unsigned i = 0; i < n; i++)
        cases[i] = perform_case(a->cases[i], NULL);
    ref_sends(cases, n);
    r->which = csp_loop_start(l, cases, n, 0, NULL, &op);
    if (r->which >= 0 && r->which < (int)n)
        one = cases[r->which];
    if (op && a->mode == SOON) {
        r->which = csp_loop_cancel(l, op, &one);
        if (r->which == CSP_ECANCELLED)
            r->which = CSP_ETIMEOUT;
    } else if (op) {
        do {
            while (csp_loop_next(l, &op, &user) == CSP_ETIMEOUT)
                sched_poll(csp_loop_fd(l));
            r->which = csp_loop_finish(l, op, &one);
        } while (r->which == CSP_ETIMEOUT);
    }
    r->status = r->which < 0 ? r->which : one.status;
    unref_sends(cases, n, op, r->status == 0 ? r->which : -1);
    if (r->which >= 0)
        did(r, a->cases[r->which], one.value);
    csp_loop_free(l);
}

/* The descriptor comes first: whatever happened before, it is to tell. */
static int
poll_and_wait(csp_selector *s, csp_case *out)
{
    int rc = CSP_ETIMEOUT, fd;

    while (rc == CSP_ETIMEOUT) {
        if ((fd = csp_selector_fd(s)) < 0)
            return fd;
        sched_poll(fd);
        rc = csp_selector_wait(s, out, CSP_NOWAIT);
    }
    return rc;
}

static void
do_wait(struct record *r)
{
    csp_selector *s = run.selectors[r->thread];
    csp_case one;

    if (r->act->mode == POLL)
        r->which = poll_and_wait(s, &one);
    else
        r->which = csp_selector_wait(s, &one, deadline_of(r->act));
    r->status = r->which < 0 ? r->which : one.status;
    if (r->which >= 0)
        did(r, r->act->cases[r->which], one.value);
}

static void
do_send(struct record *r)
{
    const struct act *a = r->act;
    csp_value v = value_of(a->value);

    if (a->chan == HUB && a->mode == TRY)
        r->status = csp_hub_tx_try_send(run.hub_tx[a->end], v);
    else if (a->chan == HUB)
        r->status = csp_hub_tx_send(run.hub_tx[a->end], v, deadline_of(a));
    else if (a->mode == TRY)
        r->status = csp_tx_try_send(run.tx[a->chan][a->end], v);
    else
        r->status = csp_tx_send(run.tx[a->chan][a->end], v, deadline_of(a));
    did(r, a, v);
}

static void
do_recv(struct record *r)
{
    const struct act *a = r->act;
    csp_rx *rx = run.rx[a->chan][a->end];
    csp_value v;

    r->status = a->mode == TRY ? csp_rx_try_recv(rx, &v)
                               : csp_rx_recv(rx, &v, deadline_of(a));
    did(r, a, v);
}

static void
do_batch(struct record *r)
{
    const struct act *a = r->act;
    csp_value values[MOST_IN_BATCH];
    size_t n = 0;

    for (unsigned i = 0; a->verb == SEND && i < a->batch; i++)
        values[i] = value_of(a->value + i);
    r->status = a->verb == SEND
                    ? csp_tx_send_many(run.tx[a->chan][a->end], values,
                                       a->batch, &n, deadline_of(a))
                    : csp_rx_recv_many(run.rx[a->chan][a->end], values,
                                       a->batch, &n, deadline_of(a));
    for (r->n = 0; r->n < n; r->n++)
        if (a->verb == SEND)
            value_sent(r->values[r->n] = (uint8_t)(a->value + r->n));
        else
            r->values[r->n] = value_received(values[r->n]);
}

static int
do_tx(const struct act *a)
{
    csp_tx **end = &run.tx[a->chan][a->end], *gone = *end;

    switch (a->verb) {
    case CLOSE:
        csp_tx_close(*end);
        return 0;
    case MOVED:
        csp_tx_moved(*end);
        return 0;
    case UNREF:
        *end = NULL;
        csp_tx_unref(gone);
        return 0;
    case CLONE:
        return csp_tx_clone(*end, &run.tx[a->chan][a->value]);
    case FIND:
        return csp_registry_find_tx(run.id[a->chan],
                                    &run.tx[a->chan][a->value]);
    default:
        return csp_tx_poison(*end, csp_value_int(REASON));
    }
}

static int
do_rx(const struct act *a)
{
    csp_rx **end = &run.rx[a->chan][a->end], *gone = *end;

    switch (a->verb) {
    case CLOSE:
        csp_rx_close(*end);
        return 0;
    case MOVED:
        csp_rx_moved(*end);
        return 0;
    case UNREF:
        *end = NULL;
        csp_rx_unref(gone);
        return 0;
    case CLONE:
        return csp_rx_clone(*end, &run.rx[a->chan][a->value]);
    case FIND:
        return csp_registry_find_rx(run.id[a->chan],
                                    &run.rx[a->chan][a->value]);
    default:
        return csp_rx_poison(*end, csp_value_int(REASON));
    }
}

static int
do_hub_tx(const struct act *a)
{
    csp_hub_tx **end = &run.hub_tx[a->end], *gone = *end;

    switch (a->verb) {
    case CLOSE:
        csp_hub_tx_close(*end);
        return 0;
    case MOVED:
        csp_hub_tx_moved(*end);
        return 0;
    case UNREF:
        *end = NULL;
        csp_hub_tx_unref(gone);
        return 0;
    case CLONE:
        return csp_hub_tx_clone(*end, &run.hub_tx[a->value]);
    default:
        return csp_hub_tx_poison(*end, csp_value_int(REASON));
    }
}

static void
do_operation(struct record *r)
{
    const struct act *a = r->act;

    switch (a->verb) {
    case SELECT:
        a->by_loop ? do_loop(r) : do_select(r);
        return;
    case WAIT:
        do_wait(r);
        return;
    case SEND:
        a->batch ? do_batch(r) : do_send(r);
        return;
    case RECV:
        a->batch ? do_batch(r) : do_recv(r);
        return;
    case CANCEL:
        csp_cancel_request(run.tokens[a->value], 1);
        return;
    default:
        r->status = a->chan == HUB  ? do_hub_tx(a)
                    : a->side == TX ? do_tx(a)
                                    : do_rx(a);
        if (a->verb == CLONE || a->verb == FIND)
            plain_hand_over(&run.handed[a->chan][a->side][a->value]);
    }
}

/* Who is told of a poisoning can read why. */
static void
check_reason(const struct record *r)
{
    const struct act *a = r->which >= 0 ? r->act->cases[r->which] : r->act;
    csp_value why;

    if (r->status != CSP_EPOISONED || a->chan == HUB)
        return;
    int rc = a->side == TX ? csp_tx_reason(run.tx[a->chan][a->end], &why)
                           : csp_rx_reason(run.rx[a->chan][a->end], &why);
    if (rc < 0 || csp_value_as_int(why) != REASON)
        sched_fail("poisoned for no reason");
}

/* Whether what @p a is done to is there. */
static bool
has_end(const struct act *a)
{
    if (a->verb < CANCEL)
        plain_take_over(&run.handed[a->chan][a->side][a->end]);
    if (a->verb >= CANCEL || a->verb == FIND)
        return true;
    if (a->chan == HUB)
        return run.hub_tx[a->end];
    return a->side == TX ? run.tx[a->chan][a->end] != NULL
                         : run.rx[a->chan][a->end] != NULL;
}

static void
do_act(unsigned who, const struct act *a)
{
    struct record *r = &run.history.list[run.history.n];

    if (!has_end(a))
        return;
    run.history.n++;
    *r = (struct record){.act = a, .thread = who, .which = -1};
    if (a->verb != WAIT || a == run.plan.selector[who])
        values_written(a);
    sched_begin();
    r->began = sched_tick();
    sched_note("T%u: %.*s", who, a->length, a->text);
    do_operation(r);
    r->slept = sched_slept(who);
    r->ended = sched_tick();
    check_reason(r);
    sched_note("T%u: %.*s: %s", who, a->length, a->text,
               csp_status_name(r->status));
    if (r->status == CSP_ECANCELLED)
        csp_cancel_take(run.tokens[who]);
}

void
perform(unsigned who)
{
    if (run.plan.cancels)
        csp_cancel_attach(run.tokens[who]);
    for (unsigned i = 0; i < run.plan.n_acts[who]; i++)
        do_act(who, run.plan.acts[who][i]);
    csp_cancel_attach(NULL);
}
