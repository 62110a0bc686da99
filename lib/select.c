// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* select.c: all that waits.
 *
 * One routine: attempt; spin; then a round of waiting: enlist, look, park,
 * withdraw; and from the start. docs/design/waitq-and-park.md has the proof
 * that no wake-up is lost.
 *
 * Invariants:
 *   S1  A waiter that was claimed attempts its operation before anything else,
 *       its deadline and its end's close included: the claim may stand for a
 *       value (or for room) that nobody else was woken for.
 *   S2  Whoever was overtaken after his claim goes back to the *front*: those
 *       who are parked keep their order.
 *   S3  ABORTED or CANCELLED: the operation has had no effect.
 *
 * Spinning adapts, per thread: pause_budget (0 to MAX_PAUSES) grows by 2 when
 * a wait ended within the pauses and shrinks by 1 when it did not; one wait in
 * 16 spins in full. Yields follow the pauses, so that on a busy machine who is
 * waited for can run. INTERCSP_SPIN=0 turns both off.
 *
 * Process-wide state: spin_on; thread-local: budget, spun, random state. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cancel_priv.h"
#include "park.h"
#include "select_priv.h"

/* Steps of 1, 1, 1, 1, 2, 4 .. 64 pauses: a hand-over that is on its way takes
 * as long as a few, and should not be met by a longer one. */
enum { MAX_PAUSES = 10, ALL_PAUSES = 130, MAX_YIELDS = 4 };

static bool spin_on;
static pthread_once_t spin_once = PTHREAD_ONCE_INIT;

static CSPI_THREAD_LOCAL unsigned pause_budget = MAX_PAUSES;
static CSPI_THREAD_LOCAL bool spun; /* the pauses of this wait are behind us */

static void
spin_read_environment(void)
{
    const char *s = getenv("INTERCSP_SPIN");

    spin_on = !s || strcmp(s, "0") != 0;
}

#ifdef CSPI_COROUTINES
uint64_t cspi_select_random(void); /* a choice of the exploration's */
#    define random64() cspi_select_random()
#else
/* Good enough for fairness: xorshift, a state per thread, begun with the
 * number of threads before it: an address or a clock could be the same for
 * one short-lived thread after another. */
static inline uint64_t
random64(void)
{
    static CSPI_THREAD_LOCAL uint64_t next;
    static CSPI_PROCESS_WIDE cspi_a32 threads;
    uint64_t x = next;

    if (unlikely(!x)) // relaxed: a number
        x = (cspi_add(&threads, 1, RELAXED) + 1) *
                UINT64_C(0x9e3779b97f4a7c15) |
            1;
    /* The next one is made here, where nobody has to wait for it. */
    next = x, next ^= next << 13, next ^= next >> 7, next ^= next << 17;
    return x;
}
#endif

struct spin {
    unsigned step, pauses, yields;
};

static struct spin
spin_new(csp_time deadline)
{
    struct spin s = {0, 0, 0};

    pthread_once(&spin_once, spin_read_environment);
    if (deadline <= CSP_NOWAIT || !spin_on)
        return s;
    s.pauses = random64() >> 60 ? pause_budget : MAX_PAUSES;
    s.yields = deadline == CSP_SPIN ? 0 : MAX_YIELDS;
    if (spun)
        s.step = s.pauses;
    spun = false;
    return s;
}

/* One step more, unless all are used up. */
static bool
spin_again(struct spin *s)
{
    unsigned step = s->step++;

    if (step < s->pauses)
        for (unsigned i = 0; i < (step < 4 ? 1u : 1u << (step - 3)); i++)
            cspi_park_pause();
    else if (step < s->pauses + s->yields)
        cspi_park_yield();
    else
        return false;
    return true;
}

static void
spin_learn(const struct spin *s)
{
    if (s->step == 0)
        return;
    if (s->step > s->pauses)
        pause_budget -= pause_budget > 0;
    else
        pause_budget =
            pause_budget + 2 < MAX_PAUSES ? pause_budget + 2 : MAX_PAUSES;
}

/* ---- attempts ---- */

/* Up to so many cases need no memory of their own. */
enum { FEW = CSPI_BOUND(8, 2) };

/* The first moment of @p t after @p now, if there is one. */
static csp_time
next_tick(const csp_timer *t, csp_time now)
{
    int64_t late, past;
    csp_time when;

    if (__builtin_sub_overflow(now, t->when, &late)) /* since for ever */
        return CSP_FOREVER;
    past = late / t->period_ns * t->period_ns;
    if (__builtin_add_overflow(t->when, past, &when) ||
        __builtin_add_overflow(when, t->period_ns, &when))
        return CSP_FOREVER;
    return when;
}

static int
attempt_timer(struct cspi_op *o)
{
    csp_timer *t = o->timer;
    csp_time now = csp_clock_now();

    if (now < t->when)
        return CSPI_CHAN_AGAIN;
    if (t->period_ns > 0)
        t->when = next_tick(t, now);
    else
        t->when = CSP_FOREVER;
    return 0;
}

/* The straight lines of send and receive. False says nothing. */
static inline bool
push_fast(csp_chan *c, csp_value v)
{
    if (unlikely(!cspi_ring_push_fast(&c->ring, &c->tail, v)))
        return false;
    cspi_waitq_notify(&c->waitq[CSPI_RX]);
    return true;
}

static inline bool
pop_fast(csp_chan *c, csp_value *v)
{
    if (unlikely(!cspi_ring_pop_fast(&c->ring, &c->head, v)))
        return false;
    cspi_waitq_notify(&c->waitq[CSPI_TX]);
    return true;
}

/* The same for a case. */
static inline bool
attempt_fast(struct cspi_op *o)
{
    return o->end->side == CSPI_RX
               ? pop_fast(o->end->chan, &o->value)
               : !o->room && push_fast(o->end->chan, o->value);
}

/* What the straight line leaves over. S1 and C5: the channel first, then
 * whether the end was closed. */
static int
attempt_slowly(struct cspi_op *o)
{
    if (unlikely(!o->end))
        return attempt_timer(o);
    int rc = unlikely(o->room) ? cspi_chan_room(o->end)
                               : cspi_chan_attempt(o->end, &o->value, o->me);
    if (likely(rc == 0))
        return 0;
    int closed = cspi_chan_end_state(o->end);
    return closed ? closed : rc;
}

int
cspi_select_attempt(struct cspi_op *o)
{
    return o->end && attempt_fast(o) ? 0 : attempt_slowly(o);
}

/* The order of attempts. A random walk i, i + d, i + 2d ... modulo the
 * smallest prime >= n, leaving out what is >= n: each of up to 8 ready cases,
 * whichever they are, comes first within 20 % of its share. (Modulo a power of
 * two it would be 38 %.) */
struct order {
    uint32_t i, d, p;
};

static CSPI_NOINLINE uint32_t
prime_from(uint32_t n)
{
    for (;; n++) {
        uint32_t k = 2;
        while (k * k <= n && n % k)
            k++;
        if (k * k > n)
            return n;
    }
}

static inline struct order
order_new(uint32_t n, bool priority)
{
    if (n == 1 || priority)
        return (struct order){0, 1, n};
    uint64_t p = n <= 3 ? n : n <= 5 ? 5 : n <= 7 ? 7 : prime_from(n);
    uint64_t r = random64(), low = r & UINT32_MAX, high = r >> 32;
    return (struct order){(uint32_t)(high * p >> 32),
                          1 + (uint32_t)(low * (p - 1) >> 32), (uint32_t)p};
}

static uint32_t
order_next(struct order *o, uint32_t n)
{
    uint32_t i;

    do {
        i = o->i;
        o->i = o->p - i > o->d ? i + o->d : i + o->d - o->p;
    } while (i >= n);
    return i;
}

int
cspi_select_attempt_all(struct cspi_op *ops, uint32_t n, bool priority,
                        bool entry, uint32_t *which)
{
    struct order order = order_new(n, priority);

    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = order_next(&order, n);
        int rc = entry && ops[i].end ? cspi_chan_end_state(ops[i].end) : 0;
        if (rc == 0)
            rc = cspi_select_attempt(&ops[i]);
        if (rc != CSPI_CHAN_AGAIN) {
            *which = i;
            return rc;
        }
    }
    return CSPI_CHAN_AGAIN;
}

/* ---- waiting ---- */

struct cspi_linger
cspi_select_linger(bool spins)
{
    struct cspi_linger none = {0, 0}, some = {ALL_PAUSES, MAX_YIELDS};

    pthread_once(&spin_once, spin_read_environment);
    return spins && spin_on ? some : none;
}

/* Two threads meet at a rendezvous only when one is enlisted: then the
 * spinning happens there, on the own state. */
static bool
has_rendezvous(const struct cspi_op *ops, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (ops[i].end && cspi_chan_is_rendezvous(ops[i].end))
            return true;
    return false;
}

bool
cspi_select_begin(struct cspi_round *r)
{
    int rc = CSPI_CHAN_AGAIN;
    uint32_t i;

    r->since = cspi_waitq_begin(&r->me);
    for (i = 0; i < r->n && rc == CSPI_CHAN_AGAIN; i++) {
        struct cspi_op *o = &r->ops[i];
        r->nodes[i] = (struct cspi_node){.waiter = &r->me,
                                         .index = i,
                                         .end = o->end,
                                         .ready = r->ready,
                                         .only_told = r->ready && o->end &&
                                                      o->end->side == CSPI_RX};
        if (!o->end)
            continue;
        if (i && cspi_waitq_is_decided(&r->me))
            break;
        rc = cspi_chan_enlist(o->end, &o->value, &r->nodes[i], r->front);
        r->which = i;
    }
    r->enlisted = i;
    r->exchanged = rc == 0;
    return rc == CSPI_CHAN_AGAIN && i == r->n;
}

/* Adds what a round has cost to the figures of its channels. */
static void
note_round(const struct cspi_round *r)
{
    uint64_t ns = (uint64_t)(csp_clock_now() - r->since);

    for (uint32_t i = 0; i < r->enlisted; i++)
        if (r->ops[i].end)
            cspi_chan_note_wait(r->ops[i].end, ns);
}

int
cspi_select_end(struct cspi_round *r)
{
    cspi_a32 *self = NULL;

    // edge enlist-then-look: something is ready, unless it was claimed before
    cspi_waitq_decide(&r->me, CSPI_WAITER_ABORTED, &self);
    for (uint32_t i = 0; i < r->enlisted; i++)
        if (r->ops[i].end)
            cspi_chan_withdraw(r->ops[i].end, &r->nodes[i]);
    note_round(r);
    uint32_t state = cspi_load(&r->me.state, ACQUIRE); // edge claim: acquire
    r->claimed = state >= CSPI_WAITER_CLAIMED;
    if (r->exchanged) /* while enlisting: by a claim of our own */
        return 0;
    if (!r->claimed)
        return state == CSPI_WAITER_CANCELLED ? CSP_ECANCELLED
                                              : CSPI_CHAN_AGAIN;
    r->which = state - CSPI_WAITER_CLAIMED;
    if (!r->nodes[r->which].exchanged)
        return CSPI_CHAN_AGAIN;
    r->ops[r->which].value = r->nodes[r->which].value;
    return 0;
}

/* One round of waiting. Returns: 0: case which has happened; AGAIN: attempt
 * again, case which first if claimed; else why the wait is over. */
static int
wait_round(struct cspi_round *r, csp_time deadline)
{
    struct cspi_linger linger =
        cspi_select_linger(has_rendezvous(r->ops, r->n));
    int parked = 0;

    // relaxed: nobody else knows it yet
    cspi_store(&r->me.state, CSPI_WAITER_WAITING, RELAXED);
    if (!cspi_cancel_enter(&r->me))
        return CSP_ECANCELLED;
    if (cspi_select_begin(r))
        parked = cspi_waitq_park(&r->me, linger, deadline);
    int rc = cspi_select_end(r);
    cspi_cancel_leave();
    return rc == CSPI_CHAN_AGAIN && !r->claimed && parked < 0 ? parked : rc;
}

/* The moment at which the next timer or the deadline comes. */
static csp_time
next_moment(const struct cspi_op *ops, uint32_t n, csp_time deadline)
{
    for (uint32_t i = 0; i < n; i++)
        if (!ops[i].end && ops[i].timer->when < deadline)
            deadline = ops[i].timer->when;
    return deadline;
}

/* Waits, once nothing was ready at entry. Returns: as operate(). */
static CSPI_NOINLINE int
wait(struct cspi_op *ops, uint32_t n, bool priority, csp_time deadline,
     uint32_t *which)
{
    struct cspi_node few[FEW];
    struct spin spin = spin_new(deadline);
    struct cspi_round r = {.ops = ops, .nodes = few, .n = n};
    bool rendezvous = has_rendezvous(ops, n), expired = false;
    int rc;

    for (;;) {
        *which = n;
        rc = CSP_ETIMEOUT;
        if (expired)
            break;
        if (rendezvous || !spin_again(&spin)) {
            if (deadline == CSP_SPIN) { /* learns when the wait proper ends */
                spun = true;
                return rc;
            }
            rc = CSP_ENOMEM;
            if (n > FEW && r.nodes == few &&
                !(r.nodes = cspi_alloc_raw(n * sizeof *r.nodes))) {
                r.nodes = few;
                break;
            }
            r.front = r.claimed; /* S2 */
            rc = wait_round(&r, next_moment(ops, n, deadline));
            if (rc == 0)
                *which = r.which;
            if (rc != CSPI_CHAN_AGAIN && rc != CSP_ETIMEOUT)
                break;
            expired = deadline != CSP_FOREVER && csp_clock_now() >= deadline;
            if (r.claimed) { /* S1 */
                spin = spin_new(deadline);
                *which = r.which;
                rc = cspi_select_attempt(&ops[r.which]);
                if (rc != CSPI_CHAN_AGAIN)
                    break;
            }
        }
        rc = cspi_select_attempt_all(ops, n, priority, false, which);
        if (rc != CSPI_CHAN_AGAIN)
            break;
    }
    spin_learn(&spin);
    if (r.nodes != few)
        cspi_alloc_free(r.nodes, n * sizeof *r.nodes);
    return rc;
}

/* The one routine that blocks. Returns: a status; 0, or a failure of case
 * *which, or with *which == n of the wait itself. */
static int
operate(struct cspi_op *ops, uint32_t n, bool priority, csp_time deadline,
        uint32_t *which)
{
    int rc = cspi_select_attempt_all(ops, n, priority, true, which);

    if (rc != CSPI_CHAN_AGAIN)
        return rc;
    *which = n;
    if (deadline <= CSP_NOWAIT)
        return CSP_ETIMEOUT;
    return wait(ops, n, priority, deadline, which);
}

/* ---- send, recv, select ---- */

/* What the straight lines below leave over. Not inlined, and given values by
 * value: so those keep to registers, and call nobody. */
static CSPI_NOINLINE int
send_slowly(struct cspi_end *e, csp_value v, csp_time deadline)
{
    struct cspi_op op = {.end = e, .value = v};
    uint32_t which;

    return operate(&op, 1, true, deadline, &which);
}

static CSPI_NOINLINE int
recv_slowly(struct cspi_end *e, csp_value *v, csp_time deadline)
{
    struct cspi_op op = {.end = e, .value = csp_value_none()};
    uint32_t which;
    int rc = operate(&op, 1, true, deadline, &which);

    *v = rc == 0 ? op.value : csp_value_none();
    return rc;
}

int
csp_tx_send(csp_tx *tx, csp_value v, csp_time deadline)
{
    if (likely(cspi_chan_end_state(&tx->end) == 0 &&
               push_fast(tx->end.chan, v)))
        return 0;
    return send_slowly(&tx->end, v, deadline);
}

int
csp_rx_recv(csp_rx *rx, csp_value *v, csp_time deadline)
{
    if (likely(cspi_chan_end_state(&rx->end) == 0 && pop_fast(rx->end.chan, v)))
        return 0;
    return recv_slowly(&rx->end, v, deadline);
}

int
cspi_select_wait_room(csp_tx *tx, csp_rx *turn, csp_time deadline)
{
    struct cspi_op ops[] = {{.end = &tx->end, .room = true},
                            {.end = &turn->end}};
    uint32_t which;

    return operate(ops, 2, true, deadline, &which);
}

int
cspi_select_take(const csp_case *c, uint32_t index, struct cspi_op *out)
{
    *out = (struct cspi_op){.index = index, .value = c->value};
    switch (c->kind) {
    case CSP_CASE_NONE:
        return 0;
    case CSP_CASE_SEND:
        out->end = &c->on.tx->end;
        return 1;
    case CSP_CASE_RECV:
        out->value = csp_value_none();
        out->end = &c->on.rx->end;
        return 1;
    case CSP_CASE_TIMER:
        out->timer = c->on.timer;
        return 1;
    }
    return CSP_EINVAL;
}

int
cspi_select_take_all(const csp_case *cases, size_t n, struct cspi_op *ops)
{
    int count = 0;

    for (size_t i = 0; i < n; i++) {
        int rc = cspi_select_take(&cases[i], (uint32_t)i, &ops[count]);
        if (rc < 0)
            return rc;
        count += rc;
    }
    return count;
}

int
cspi_select_report(const struct cspi_op *o, int status, csp_case *cases)
{
    csp_case *c = &cases[o->index];

    c->status = status;
    if (c->kind == CSP_CASE_RECV)
        c->value = status == 0 ? o->value : csp_value_none();
    return (int)o->index;
}

/* The straight line of a case. False says nothing. */
static inline bool
happen_fast(csp_case *c)
{
    switch (c->kind) {
    case CSP_CASE_SEND:
        return cspi_chan_end_state(&c->on.tx->end) == 0 &&
               push_fast(c->on.tx->end.chan, c->value);
    case CSP_CASE_RECV:
        return cspi_chan_end_state(&c->on.rx->end) == 0 &&
               pop_fast(c->on.rx->end.chan, &c->value);
    default:
        return false;
    }
}

/* One case, if it can happen now. Returns: whether; *@p rc: as csp_select(). */
static CSPI_NOINLINE bool
happen_slowly(csp_case *cases, uint32_t i, int *rc)
{
    struct cspi_op op;

    if ((*rc = cspi_select_take(&cases[i], i, &op)) <= 0)
        return *rc < 0;
    *rc = op.end ? cspi_chan_end_state(op.end) : 0;
    if (*rc == 0)
        *rc = attempt_slowly(&op);
    if (*rc == CSPI_CHAN_AGAIN)
        return false;
    *rc = cspi_select_report(&op, *rc, cases);
    return true;
}

/* The cases in turn, as the caller has them: to copy them costs more than to
 * attempt a few. Returns: as csp_select(), ETIMEOUT if none can happen now. */
static int
select_now(csp_case *cases, uint32_t n, bool priority)
{
    struct order order = order_new(n, priority);
    int rc;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = order_next(&order, n);
        if (likely(happen_fast(&cases[i]))) {
            cases[i].status = 0;
            return (int)i;
        }
        if (happen_slowly(cases, i, &rc))
            return rc;
    }
    return CSP_ETIMEOUT;
}

/* Whether one of them ever can: a timer that has been due for the last time
 * cannot. */
static bool
can_happen(const struct cspi_op *ops, int n)
{
    for (int i = 0; i < n; i++)
        if (ops[i].end || ops[i].timer->when != CSP_FOREVER)
            return true;
    return false;
}

/* Once none could happen at entry. */
static CSPI_NOINLINE int
select_wait(csp_case *cases, uint32_t n, bool priority, csp_time deadline)
{
    struct cspi_op few[FEW], *ops = few;
    uint32_t which;

    if (n > FEW && !(ops = cspi_alloc_raw(n * sizeof *ops)))
        return CSP_ENOMEM;
    int rc, count = cspi_select_take_all(cases, n, ops);
    if (count < 0 || (deadline == CSP_FOREVER && !can_happen(ops, count))) {
        rc = CSP_EINVAL;
    } else if (count > 0) {
        rc = wait(ops, (uint32_t)count, priority, deadline, &which);
        if (which < (uint32_t)count)
            rc = cspi_select_report(&ops[which], rc, cases);
    } else { /* only the deadline can come, a signal, or a cancel */
        struct cspi_round r = {.n = 0};
        rc = csp_clock_now() < deadline ? wait_round(&r, deadline)
                                        : CSP_ETIMEOUT;
    }
    if (ops != few)
        cspi_alloc_free(ops, n * sizeof *ops);
    return rc;
}

int
csp_tx_send_many(csp_tx *tx, const csp_value *values, size_t n, size_t *sent,
                 csp_time deadline)
{
    int rc = cspi_chan_end_state(&tx->end);

    for (*sent = 0; rc == 0 && *sent < n; *sent += rc == 0)
        rc = csp_tx_send(tx, values[*sent], deadline);
    return rc;
}

int
csp_rx_recv_many(csp_rx *rx, csp_value *values, size_t max, size_t *received,
                 csp_time deadline)
{
    csp_value v; /* a receive that fails writes, too */
    int rc;

    *received = 0;
    if (max == 0)
        return CSP_EINVAL;
    rc = csp_rx_recv(rx, &v, deadline);
    while (rc == 0) { /* what else may come has the straight line, too */
        values[(*received)++] = v;
        rc = *received < max ? csp_rx_recv(rx, &v, CSP_NOWAIT) : CSP_ETIMEOUT;
    }
    return *received ? 0 : rc;
}

int
csp_select(csp_case *cases, size_t n, unsigned flags, csp_time deadline)
{
    bool priority = flags & CSP_SELECT_PRIORITY;

    if (n > INT32_MAX || (flags & ~(unsigned)CSP_SELECT_PRIORITY))
        return CSP_EINVAL;
    for (size_t i = 0; i < n; i++)
        if (unlikely((unsigned)cases[i].kind > CSP_CASE_TIMER))
            return CSP_EINVAL;
    int rc = select_now(cases, (uint32_t)n, priority);
    if (rc != CSP_ETIMEOUT || deadline <= CSP_NOWAIT)
        return rc;
    return select_wait(cases, (uint32_t)n, priority, deadline);
}

csp_timer
csp_timer_after(int64_t ns)
{
    return (csp_timer){csp_clock_after(ns), 0};
}

csp_timer
csp_timer_tick(int64_t ns)
{
    int64_t period = ns > 0 ? ns : 1;

    return (csp_timer){csp_clock_after(period), period};
}
