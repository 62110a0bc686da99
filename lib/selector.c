// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* selector.c: a select whose cases stay registered.
 *
 * One waiter, and a node per case that stays linked in its wait queue from one
 * wait to the next. A peer that has an event for a node puts the node on the
 * selector's ready list *before* it claims the waiter, so that an event for a
 * selector that is not waiting is not lost: its next wait looks there.
 *
 * A wait (the numbers are those of docs/design/select.md): (1) attempt the
 * ready cases in turn; those that answer AGAIN go to the arm list; (2) state =
 * WAITING; (3) enlist the arm list; (4) look at the ready list; (5) park.
 *
 * Invariants:
 *   T1  A case is in its queue, or on the ready list, or in the queue to be
 *       attempted, or on the arm list of the wait in progress; never nowhere.
 *       A timer is in the queue to be attempted once it is due, before that in
 *       the heap of timers, by the moment that it had when it came there.
 *   T2  (2) comes before (3) and (4): push-then-claim of a peer against
 *       waiting-then-look of the owner; one of the two sees the other.
 *   T3  A node is written by peers under the lock of its queue, also by those
 *       whose claim is refused: the owner reads it under that lock.
 *   T4  on_ready is reset before the attempt, so an event after the attempt
 *       pushes the node again.
 *   T5  A slot without a case is in the chain of those that may be used again,
 *       or has never been used: it is at n_slots or above.
 * Locks:   those of the wait queues.
 * Memory:  nodes belong to the selector; after its withdrawal nobody else
 *          touches a node. */
#include <csp/selector.h>

#include "alloc.h"
#include "cancel_priv.h"
#include "list.h"
#include "park.h"
#include "select_priv.h"

struct sel_case {
    struct cspi_node node;
    struct cspi_op op;
    csp_case given;
    int id;
    struct cspi_list link; /* in the queue to be attempted, or the arm list */
    csp_time due; /* a timer's place in the heap, and why it is there */
    size_t place;
};

/* What there is of an id; and, since there are as many, a place in the heap. */
struct slot {
    struct sel_case *used; /* NULL: free */
    int next_free;         /* the next in the chain, or NO_SLOT */
    struct sel_case *timer;
};

struct csp_selector {
    struct cspi_waiter me;
    struct cspi_ready ready; /* peers push, the owner takes all */
    struct cspi_list queue;  /* to be attempted, in turn */
    struct cspi_list armed;
    struct slot *slots; /* by id */
    size_t room, n_slots, len, n_timers, n_heap;
    int first_free;
    unsigned forks; /* there were, when it was made */
};

enum { FIRST_ROOM = 8, NO_SLOT = -1 };
#define NO_PLACE SIZE_MAX

static struct sel_case *
case_of(struct cspi_node *n)
{
    return cspi_container(n, struct sel_case, node);
}

static void
enqueue(csp_selector *s, struct sel_case *c)
{
    if (cspi_list_is_empty(&c->link))
        cspi_list_append(&s->queue, &c->link);
}

/* Takes the first off one of the lists. */
static struct sel_case *
dequeue(struct cspi_list *list)
{
    if (cspi_list_is_empty(list))
        return NULL;
    struct sel_case *c = cspi_container(list->next, struct sel_case, link);
    cspi_list_remove(&c->link);
    return c;
}

/* Moves what peers have pushed to the queue, the oldest first. */
static void
collect(csp_selector *s)
{
    // edge ready: acquire
    struct cspi_node *n = cspi_exchange(&s->ready.head, NULL, ACQUIRE);
    struct cspi_node *oldest = NULL;

    while (n) {
        struct cspi_node *next = n->ready_next;
        n->ready_next = oldest;
        oldest = n;
        n = next;
    }
    while (oldest) {
        n = oldest;
        oldest = n->ready_next;
        // edge ready: acq_rel; who found it set before came before this (T4)
        cspi_exchange(&n->on_ready, 0, ACQ_REL);
        enqueue(s, case_of(n));
    }
}

/* ---- timers: a heap, the next one first ---- */

static csp_time
due_at(const csp_selector *s, size_t place)
{
    return s->slots[place].timer->due;
}

static void
put(csp_selector *s, size_t place, struct sel_case *c)
{
    s->slots[place].timer = c;
    c->place = place;
}

/* Puts @p c at @p place, which is free, or where it belongs above or below. */
static void
settle(csp_selector *s, size_t place, struct sel_case *c)
{
    for (size_t up; place && c->due < due_at(s, up = (place - 1) / 2);
         place = up)
        put(s, place, s->slots[up].timer);
    for (size_t down; (down = 2 * place + 1) < s->n_heap; place = down) {
        if (down + 1 < s->n_heap && due_at(s, down + 1) < due_at(s, down))
            down++;
        if (c->due <= due_at(s, down))
            break;
        put(s, place, s->slots[down].timer);
    }
    put(s, place, c);
}

static void
arm_timer(csp_selector *s, struct sel_case *c)
{
    c->due = c->op.timer->when;
    settle(s, s->n_heap++, c);
}

/* Takes @p c out of the heap, if it is there. */
static void
disarm_timer(csp_selector *s, struct sel_case *c)
{
    size_t place = c->place;

    if (place == NO_PLACE)
        return;
    c->place = NO_PLACE;
    struct sel_case *last = s->slots[--s->n_heap].timer;
    if (last != c)
        settle(s, place, last);
}

/* Moves the timers that are due to the queue. One that several cases have may
 * be due later meanwhile. */
static void
collect_due(csp_selector *s)
{
    if (s->n_heap == 0)
        return;
    for (csp_time now = csp_clock_now(); s->n_heap && due_at(s, 0) <= now;) {
        struct sel_case *c = s->slots[0].timer;
        disarm_timer(s, c);
        if (c->op.timer->when <= now)
            enqueue(s, c);
        else
            arm_timer(s, c);
    }
}

/* ---- cases ---- */

int
csp_selector_new(csp_selector **out)
{
    csp_selector *s = cspi_alloc_zero(sizeof *s, CSPI_CACHE_LINE);

    if (!s)
        return CSP_ENOMEM;
    // relaxed: nobody else knows it
    cspi_store(&s->me.state, CSPI_WAITER_ABORTED, RELAXED);
    cspi_list_init(&s->queue);
    cspi_list_init(&s->armed);
    s->first_free = NO_SLOT;
    s->forks = cspi_park_forks();
    *out = s;
    return 0;
}

/* Whether the selector is a parent's: what was to wake it does not happen in
 * this process. */
static bool
is_inherited(const csp_selector *s)
{
    return s->forks != cspi_park_forks();
}

static int
grow(csp_selector *s)
{
    size_t room = s->room ? s->room * 2 : FIRST_ROOM;
    struct slot *more = cspi_alloc_zero(room * sizeof *more, CSPI_CACHE_LINE);

    if (!more)
        return CSP_ENOMEM;
    for (size_t i = 0; i < s->n_slots; i++)
        more[i] = s->slots[i];
    cspi_alloc_free(s->slots, s->room * sizeof *more);
    s->slots = more;
    s->room = room;
    return 0;
}

/* Gives @p c an id. Returns: it, or CSP_ENOMEM. */
static int
take_id(csp_selector *s, struct sel_case *c)
{
    int id = s->first_free;

    if (id != NO_SLOT) {
        s->first_free = s->slots[id].next_free;
    } else {
        if (s->n_slots == s->room && grow(s) < 0)
            return CSP_ENOMEM;
        id = (int)s->n_slots++;
    }
    s->slots[id].used = c;
    s->len++;
    c->id = id;
    c->node.index = (uint32_t)id;
    return id;
}

static void
give_id(csp_selector *s, int id)
{
    s->slots[id].used = NULL;
    s->slots[id].next_free = s->first_free;
    s->first_free = id;
    s->len--;
}

int
csp_selector_add(csp_selector *s, const csp_case *given)
{
    struct cspi_op op;
    int rc = cspi_select_take(given, 0, &op);

    if (rc <= 0)
        return CSP_EINVAL;
    if (is_inherited(s))
        return CSP_EFORKED;
    rc = op.end ? cspi_chan_end_state(op.end) : 0;
    if (rc < 0)
        return rc;
    struct sel_case *c = cspi_alloc_zero(sizeof *c, CSPI_CACHE_LINE);
    if (!c)
        return CSP_ENOMEM;
    int id = take_id(s, c);
    if (id < 0) {
        cspi_alloc_free(c, sizeof *c);
        return id;
    }
    c->given = *given;
    c->op = op;
    c->op.me = &s->me;
    c->node.waiter = &s->me;
    c->node.end = op.end;
    c->node.ready = &s->ready;
    cspi_list_init(&c->link);
    c->place = NO_PLACE;
    if (op.end) {
        csp_handle_ref(&op.end->handle);
        enqueue(s, c);
    } else {
        s->n_timers++;
        arm_timer(s, c);
    }
    if (s->ready.fd)
        cspi_park_fd_signal(s->ready.fd); /* it may be ready: look */
    return id;
}

/* Takes @p c off everything and frees it; its value has gone elsewhere. */
static void
drop(csp_selector *s, struct sel_case *c)
{
    if (c->op.end)
        cspi_chan_withdraw(c->op.end, &c->node);
    collect(s); /* nobody pushes it any more */
    cspi_list_remove(&c->link);
    disarm_timer(s, c);
    give_id(s, c->id);
    if (c->op.end)
        csp_handle_unref(&c->op.end->handle);
    else
        s->n_timers--;
    cspi_alloc_free(c, sizeof *c);
}

static void
discard(csp_selector *s, struct sel_case *c)
{
    csp_value v = c->op.value;

    drop(s, c);
    csp_value_unref(&v);
}

int
csp_selector_remove(csp_selector *s, int id)
{
    if (id < 0 || (size_t)id >= s->n_slots || !s->slots[id].used)
        return CSP_ENOTFOUND;
    discard(s, s->slots[id].used);
    return 0;
}

void
csp_selector_free(csp_selector *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].used)
            discard(s, s->slots[i].used);
    cspi_park_fd_unref(s->ready.fd);
    cspi_alloc_free(s->slots, s->room * sizeof *s->slots);
    cspi_alloc_free(s, sizeof *s);
}

size_t
csp_selector_len(const csp_selector *s)
{
    return s->len;
}

int
csp_selector_fd(csp_selector *s)
{
    if (is_inherited(s))
        return CSP_EFORKED;
    if (!s->ready.fd) {
        struct cspi_park_fd *fd = cspi_park_fd_new();
        if (!fd)
            return CSP_ENOMEM;
        /* Peers read it under the locks of their queues: so the nodes leave
         * those, and come back when the next wait finds them not ready. */
        for (size_t i = 0; i < s->n_slots; i++) {
            struct sel_case *c = s->slots[i].used;
            if (c && c->op.end)
                cspi_chan_withdraw(c->op.end, &c->node);
        }
        s->ready.fd = fd;
        for (size_t i = 0; i < s->n_slots; i++) {
            struct sel_case *c = s->slots[i].used;
            if (c && c->op.end)
                enqueue(s, c);
        }
        cspi_park_fd_signal(fd);
    }
    return cspi_park_fd_number(s->ready.fd);
}

/* ---- waiting ---- */

/* The call ends, and somebody polls next: what is left to be attempted has no
 * peer that would tell. */
static void
tell_of_rest(csp_selector *s)
{
    if (s->ready.fd && !cspi_list_is_empty(&s->queue))
        cspi_park_fd_signal(s->ready.fd);
}

/* Case @p c has happened with @p status: tells the caller, and removes it if
 * that was the last time. */
static int
report(csp_selector *s, struct sel_case *c, int status, csp_case *out)
{
    int id = c->id;

    *out = c->given;
    out->status = status;
    bool received = c->given.kind == CSP_CASE_RECV && status == 0;
    bool unsent = c->given.kind == CSP_CASE_SEND && status != 0;
    out->value = received || unsent ? c->op.value : csp_value_none();
    c->op.value = csp_value_none();
    if (status != 0 || c->given.kind == CSP_CASE_SEND ||
        (c->given.kind == CSP_CASE_TIMER && c->given.on.timer->period_ns <= 0))
        drop(s, c);
    else if (!c->op.end)
        arm_timer(s, c);
    else
        enqueue(s, c); /* at the end: the others have their turn first */
    tell_of_rest(s);
    return id;
}

/* The call returns with no wait: what was not ready is enlisted all the same,
 * so that it need not be attempted again before something happens to it.
 * Returns: whether something has happened already. */
static bool
register_armed(csp_selector *s)
{
    struct sel_case *c;
    bool ready = false;

    while ((c = dequeue(&s->armed))) {
        if (!c->op.end) {
            arm_timer(s, c);
        } else if (cspi_chan_register(c->op.end, c->op.value, &c->node)) {
            ready = true;
            enqueue(s, c);
        }
    }
    return ready;
}

/* What a step answers when the wait goes on. */
#define NOBODY (-1000)

/* A case of an end that was closed answers that at once; what it may have been
 * woken for goes on to the next waiter. */
static int
attempt(struct sel_case *c)
{
    int closed = c->op.end ? cspi_chan_end_state(c->op.end) : 0;

    if (!closed)
        return cspi_select_attempt(&c->op);
    cspi_chan_pass_on(c->op.end);
    return closed;
}

/* (1) Attempts each queued case once. Returns: an id, or NOBODY. */
static int
attempt_queued(csp_selector *s, csp_case *out)
{
    struct sel_case *c;

    collect(s);
    while ((c = dequeue(&s->queue))) {
        int rc = attempt(c);
        if (rc != CSPI_CHAN_AGAIN) {
            register_armed(s);
            return report(s, c, rc, out);
        }
        cspi_list_append(&s->armed, &c->link);
    }
    return NOBODY;
}

/* (3) Enlists the arm list, until something may be ready: then the rest is
 * queued again. Timers have no peers. *exchanged: a case that was matched at
 * once. Returns: whether all are enlisted. */
static bool
enlist_armed(csp_selector *s, struct sel_case **exchanged)
{
    struct sel_case *c;
    bool go = true;

    while ((c = dequeue(&s->armed))) {
        if (!c->op.end) {
            arm_timer(s, c);
            continue;
        }
        if (go) {
            int rc = cspi_chan_enlist(c->op.end, &c->op.value, &c->node, false);
            if (rc == 0)
                *exchanged = c;
            go = rc == CSPI_CHAN_AGAIN && !cspi_waitq_is_decided(&s->me);
        }
        if (!go)
            enqueue(s, c);
    }
    return go;
}

/* The waiter was claimed for a case. Returns: its id, or NOBODY when somebody
 * else was faster (it is on the ready list). */
static int
finish_claim(csp_selector *s, uint32_t index, csp_case *out)
{
    struct sel_case *c = s->slots[index].used;

    if (cspi_chan_take_exchanged(c->op.end, &c->node, &c->op.value))
        return report(s, c, 0, out);
    int rc = attempt(c);
    return rc == CSPI_CHAN_AGAIN ? NOBODY : report(s, c, rc, out);
}

/* (2) to (5). Returns: an id; NOBODY: look again; a reason to end. */
static int
wait_round(csp_selector *s, csp_case *out, csp_time deadline)
{
    struct sel_case *exchanged = NULL;
    cspi_a32 *self = NULL;
    int rc = NOBODY;

    // edge ready-then-claim: seq_cst, before the look at the ready list (T2)
    cspi_store(&s->me.state, CSPI_WAITER_WAITING, SEQ_CST);
    cspi_waitq_begin(&s->me);
    bool cancelled = !cspi_cancel_enter(&s->me);
    bool all = enlist_armed(s, &exchanged);
    // edge ready-then-claim: seq_cst
    bool look = !all || cspi_load(&s->ready.head, SEQ_CST);
    if (look || cancelled)
        cspi_waitq_decide(&s->me, CSPI_WAITER_ABORTED, &self);
    else if (s->n_heap && due_at(s, 0) < deadline)
        rc = cspi_waitq_park(&s->me, cspi_select_linger(true), due_at(s, 0));
    else
        rc = cspi_waitq_park(&s->me, cspi_select_linger(true), deadline);
    cspi_cancel_leave();
    if (exchanged)
        return report(s, exchanged, 0, out);
    uint32_t state = cspi_load(&s->me.state, ACQUIRE); // edge claim: acquire
    if (state >= CSPI_WAITER_CLAIMED)
        return finish_claim(s, state - CSPI_WAITER_CLAIMED, out);
    if (cancelled || state == CSPI_WAITER_CANCELLED) {
        tell_of_rest(s);
        return CSP_ECANCELLED;
    }
    return look ? NOBODY : rc;
}

/* Whether any case ever can: not a timer that was due for the last time, in
 * another case. Follows collect_due(), so what the heap says is true. */
static bool
can_happen(const csp_selector *s)
{
    if (s->len > s->n_timers || (s->n_heap && due_at(s, 0) != CSP_FOREVER))
        return true;
    for (struct cspi_list *l = s->queue.next; l != &s->queue; l = l->next)
        if (cspi_container(l, struct sel_case, link)->op.timer->when !=
            CSP_FOREVER)
            return true;
    return false;
}

int
csp_selector_wait(csp_selector *s, csp_case *out, csp_time deadline)
{
    bool expired = deadline <= CSP_NOWAIT;

    if (unlikely(is_inherited(s)))
        return CSP_EFORKED;
    collect_due(s);
    if (deadline == CSP_FOREVER && !can_happen(s))
        return CSP_EINVAL;
    if (s->ready.fd)
        cspi_park_fd_clear(s->ready.fd); /* before the looks below */
    for (;;) {
        int rc = attempt_queued(s, out);
        if (rc != NOBODY)
            return rc;
        if (expired || deadline == CSP_SPIN) {
            if (register_armed(s))
                continue;
            return CSP_ETIMEOUT;
        }
        rc = wait_round(s, out, deadline);
        if (rc != NOBODY && rc != CSP_ETIMEOUT)
            return rc;
        expired = deadline != CSP_FOREVER && csp_clock_now() >= deadline;
        collect_due(s);
    }
}
