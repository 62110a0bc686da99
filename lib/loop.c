// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* loop.c: selects whose thread does not sleep, but is told through a
 * descriptor.
 *
 * An operation is a round of waiting (select.c) that has begun and whose end
 * is put off until the round's waiter has been claimed and the caller says so.
 * Whoever has an event for a node pushes it on the loop's ready list before he
 * claims its waiter, both under the lock of the node's queue; the first push
 * signals the descriptor. So who finds a node on the list takes that lock
 * once, and then knows whether the claim was won.
 *
 * A claim never brings a value: a ring's notifications do not anyway, and a
 * receive at a rendezvous is only told of its peer (cspi_node.only_told). So
 * what was claimed can still be cancelled. A send at a rendezvous is exchanged
 * by the claim: if both sides were only told they would tell each other for
 * ever.
 *
 * Invariants:
 *   L1  A pending operation is WAITING with all its nodes enlisted, or decided
 *       and one of its nodes is on the ready list, or it is in `due`, or the
 *       caller was told of it.
 *   L2  The descriptor is cleared before the ready list is emptied: what is
 *       pushed after that signals again.
 *   L3  An operation is freed when its nodes are withdrawn and the ready list
 *       has been emptied after that: nobody knows its nodes then.
 * Locks:   those of the wait queues.
 * Memory:  operations belong to the loop. */
#include <csp/loop.h>
#include <csp/status.h>

#include "alloc.h"
#include "list.h"
#include "park.h"
#include "select_priv.h"

struct csp_loop_op {
    struct cspi_list of_loop;
    struct cspi_list of_due; /* to be looked at */
    struct cspi_round round;
    csp_case *cases;
    size_t n, size; /* cases; bytes in all */
    void *user;
    bool priority;
    bool told; /* the caller was */
};

struct csp_loop {
    struct cspi_ready ready;
    struct cspi_list ops, due;
    size_t len;
    unsigned forks; /* there were, when it was made */
    bool looked;    /* and cleared the descriptor, since there was no next */
};

int
csp_loop_new(csp_loop **out)
{
    csp_loop *l = cspi_alloc_zero(sizeof *l, CSPI_CACHE_LINE);

    if (!l)
        return CSP_ENOMEM;
    if (!(l->ready.fd = cspi_park_fd_new())) {
        cspi_alloc_free(l, sizeof *l);
        return CSP_ENOMEM;
    }
    cspi_list_init(&l->ops);
    cspi_list_init(&l->due);
    l->forks = cspi_park_forks();
    *out = l;
    return 0;
}

/* Whether the loop is a parent's: its descriptor tells nothing here, and what
 * its operations wait for does not happen in this process. */
static bool
is_inherited(const csp_loop *l)
{
    return l->forks != cspi_park_forks();
}

int
csp_loop_fd(const csp_loop *l)
{
    return cspi_park_fd_number(l->ready.fd);
}

void
csp_loop_wake(csp_loop *l)
{
    cspi_park_fd_signal(l->ready.fd);
}

size_t
csp_loop_len(const csp_loop *l)
{
    return l->len;
}

/* ---- operations ---- */

static csp_loop_op *
op_new(csp_loop *l, const csp_case *cases, size_t n, void *user)
{
    size_t size =
        sizeof(csp_loop_op) + n * (sizeof(csp_case) + sizeof(struct cspi_op) +
                                   sizeof(struct cspi_node));
    csp_loop_op *op = cspi_alloc_zero(size, _Alignof(csp_loop_op));

    if (!op)
        return NULL;
    op->size = size;
    op->user = user;
    op->cases = (csp_case *)(op + 1);
    for (; op->n < n; op->n++)
        op->cases[op->n] = cases[op->n];
    op->round.ops = (struct cspi_op *)(op->cases + n);
    op->round.nodes = (struct cspi_node *)(op->round.ops + n);
    op->round.ready = &l->ready;
    cspi_list_init(&op->of_loop);
    cspi_list_init(&op->of_due);
    return op;
}

static void
op_free(csp_loop_op *op)
{
    cspi_alloc_free(op, op->size);
}

/* The loop keeps @p op from now on. */
static void
keep(csp_loop *l, csp_loop_op *op)
{
    for (uint32_t i = 0; i < op->round.n; i++)
        csp_handle_ref(&op->round.ops[i].end->handle);
    cspi_list_append(&l->ops, &op->of_loop);
    l->len++;
}

/* Frees @p op, whose case @p happened has happened, or none (-1). */
static void
let_go(csp_loop *l, csp_loop_op *op, int happened)
{
    cspi_list_remove(&op->of_loop);
    cspi_list_remove(&op->of_due);
    l->len--;
    for (size_t i = 0; i < op->n; i++) {
        csp_case *c = &op->cases[i];
        bool sent = (int)i == happened && c->status == 0;
        if (c->kind == CSP_CASE_SEND && !sent)
            csp_value_unref(&c->value);
    }
    for (uint32_t i = 0; i < op->round.n; i++)
        csp_handle_unref(&op->round.ops[i].end->handle);
    op_free(op);
}

/* ---- rounds ---- */

/* Notes which operations have been decided. */
static void
collect(csp_loop *l)
{
    // edge ready: acquire
    struct cspi_node *n = cspi_exchange(&l->ready.head, NULL, ACQUIRE);
    struct cspi_node *next, *oldest = NULL;

    for (; n; n = next) {
        next = n->ready_next;
        n->ready_next = oldest;
        oldest = n;
    }
    for (n = oldest; n; n = next) {
        struct cspi_round *r = cspi_container(n->waiter, struct cspi_round, me);
        csp_loop_op *op = cspi_container(r, csp_loop_op, round);

        next = n->ready_next;
        // edge ready: acq_rel; who finds it set has pushed before this
        cspi_exchange(&n->on_ready, 0, ACQ_REL);
        cspi_chan_settle(r->ops[n->index].end);
        if (cspi_waitq_is_decided(n->waiter) && !op->told &&
            cspi_list_is_empty(&op->of_due))
            cspi_list_append(&l->due, &op->of_due);
    }
}

static void
begin(csp_loop_op *op)
{
    // relaxed: nobody else knows it, or not any more
    cspi_store(&op->round.me.state, CSPI_WAITER_WAITING, RELAXED);
}

/* Ends the round of @p op, so that nobody else knows it. Returns: as
 * cspi_select_end(). */
static int
end(csp_loop *l, csp_loop_op *op)
{
    int rc = cspi_select_end(&op->round);

    collect(l); /* L3 */
    cspi_list_remove(&op->of_due);
    return rc;
}

/* Goes on with @p op, whose round has ended with @p rc, until something has
 * happened or there is something to wait for. Returns: a status, that of case
 * round.which; AGAIN: it is pending. */
static int
go_on(csp_loop *l, csp_loop_op *op, int rc)
{
    struct cspi_round *r = &op->round;

    for (;;) {
        if (rc == CSPI_CHAN_AGAIN && r->claimed) /* S1 */
            rc = cspi_select_attempt(&r->ops[r->which]);
        if (rc == CSPI_CHAN_AGAIN)
            rc = cspi_select_attempt_all(r->ops, r->n, op->priority, false,
                                         &r->which);
        if (rc != CSPI_CHAN_AGAIN)
            return rc;
        r->front = r->claimed; /* S2 */
        begin(op);
        if (cspi_select_begin(r))
            return CSPI_CHAN_AGAIN;
        rc = end(l, op);
    }
}

/* Tells the caller what has happened to @p op, with @p status, and frees it.
 */
static int
report(csp_loop *l, csp_loop_op *op, int status, csp_case *out)
{
    int i =
        cspi_select_report(&op->round.ops[op->round.which], status, op->cases);

    *out = op->cases[i];
    if (out->kind == CSP_CASE_SEND)
        out->value = csp_value_none();
    let_go(l, op, i);
    return i;
}

/* ---- the interface ---- */

static int
prepare(csp_loop_op *op, unsigned flags)
{
    int n = cspi_select_take_all(op->cases, op->n, op->round.ops);

    for (int i = 0; i < n; i++)
        if (!op->round.ops[i].end)
            return CSP_EINVAL;
    if (n <= 0)
        return CSP_EINVAL;
    op->round.n = (uint32_t)n;
    op->priority = flags & CSP_SELECT_PRIORITY;
    return 0;
}

int
csp_loop_start(csp_loop *l, csp_case *cases, size_t n, unsigned flags,
               void *user, csp_loop_op **out)
{
    csp_loop_op *op;
    int rc;

    *out = NULL;
    if (is_inherited(l))
        return CSP_EFORKED;
    if (n > INT32_MAX || (flags & ~(unsigned)CSP_SELECT_PRIORITY))
        return CSP_EINVAL;
    if (!(op = op_new(l, cases, n, user)))
        return CSP_ENOMEM;
    if ((rc = prepare(op, flags)) == 0) {
        struct cspi_round *r = &op->round;
        rc = cspi_select_attempt_all(r->ops, r->n, op->priority, true,
                                     &r->which);
        if (rc == CSPI_CHAN_AGAIN)
            rc = go_on(l, op, rc);
        if (rc == CSPI_CHAN_AGAIN) {
            keep(l, op);
            *out = op;
            return (int)n;
        }
        rc = cspi_select_report(&r->ops[r->which], rc, cases);
    }
    op_free(op);
    return rc;
}

int
csp_loop_next(csp_loop *l, csp_loop_op **out, void **user)
{
    if (is_inherited(l))
        return CSP_EFORKED;
    // relaxed: what is pushed later makes the descriptor readable again
    if (cspi_list_is_empty(&l->due) &&
        (!l->looked || cspi_load(&l->ready.head, RELAXED))) {
        cspi_park_fd_clear(l->ready.fd); /* L2 */
        collect(l);
        l->looked = true;
    }
    if (cspi_list_is_empty(&l->due)) {
        l->looked = false;
        return CSP_ETIMEOUT;
    }
    csp_loop_op *op = cspi_container(l->due.next, csp_loop_op, of_due);
    cspi_list_remove(&op->of_due);
    op->told = true;
    *out = op;
    *user = op->user;
    return 0;
}

int
csp_loop_finish(csp_loop *l, csp_loop_op *op, csp_case *out)
{
    if (is_inherited(l))
        return CSP_EFORKED;
    if (!cspi_waitq_is_decided(&op->round.me))
        return CSP_ETIMEOUT;
    int rc = end(l, op);
    op->told = false;
    rc = go_on(l, op, rc);
    return rc == CSPI_CHAN_AGAIN ? CSP_ETIMEOUT : report(l, op, rc, out);
}

int
csp_loop_cancel(csp_loop *l, csp_loop_op *op, csp_case *out)
{
    struct cspi_round *r = &op->round;
    int rc = end(l, op);

    if (rc == 0)
        return report(l, op, 0, out);
    if (r->claimed)
        cspi_chan_pass_on(r->ops[r->which].end);
    let_go(l, op, -1);
    return CSP_ECANCELLED;
}

void
csp_loop_free(csp_loop *l)
{
    csp_case c;

    if (!l)
        return;
    while (!cspi_list_is_empty(&l->ops))
        if (csp_loop_cancel(
                l, cspi_container(l->ops.next, csp_loop_op, of_loop), &c) >= 0)
            csp_value_unref(&c.value);
    cspi_park_fd_unref(l->ready.fd);
    cspi_alloc_free(l, sizeof *l);
}
