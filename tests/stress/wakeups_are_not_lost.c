// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Many waiters on small channels, disturbed by deadlines, cancellations and
 * closed ends: a lost wake-up hangs (the watchdog sees it), a wake-up too many
 * or an operation that took effect although it failed is a value too many.
 *
 * Rounds are short, and each ends when all its values have arrived: a wake-up
 * that later traffic would make good for is missed at the end. Whose wait was
 * disturbed leaves the round, since by trying again he would find what he was
 * woken for; the patient ones, who wait for ever, must get it. */
#include <pthread.h>
#include <string.h>

#include <csp/cancel.h>
#include <csp/chan.h>

#include "test.h"

enum { SIDE = 4, WORKERS = 2 * SIDE, LEADER = WORKERS, THREADS };
enum { MAX_VALUES = 32, SECONDS = 2, ROUNDS = 100000 };

/* What disturbs the waits of a round. */
enum { DEADLINES = 1, CANCELS = 2, CLOSES = 4, ALL = 7 };

/* The operations of one side: numbers that are yet to be taken on, and how
 * many are done. One that failed is put back. */
struct work {
    pthread_mutex_t lock; /* guards what follows; nests in nothing */
    pthread_cond_t changed;
    uint32_t numbers[MAX_VALUES], n, done;
};

static struct {
    csp_tx *tx; /* these keep the sides open */
    csp_rx *rx;
    uint32_t disturb, values, round;
    struct work work[2]; /* sends, receives */
    uint32_t plain[MAX_VALUES];
    atomic_uint taken[MAX_VALUES];
    bool over;
    struct test_barrier barrier;
    atomic_ulong timed_out, cancelled, closed;
} run;

/* A worker's own end, which the leader may close under it. */
static struct worker {
    pthread_mutex_t lock; /* guards the pointer; nests in nothing */
    csp_handle *end;
    csp_cancel *cancel;
    bool patient; /* in this round */
    struct test_random random;
} workers[WORKERS];

static csp_handle *
new_end(unsigned who)
{
    csp_tx *tx;
    csp_rx *rx;

    if (who < SIDE) {
        CHECK_EQ(csp_tx_clone(run.tx, &tx), 0);
        return csp_value_as_handle(csp_tx_as_value(tx));
    }
    CHECK_EQ(csp_rx_clone(run.rx, &rx), 0);
    return csp_value_as_handle(csp_rx_as_value(rx));
}

static void
replace_end(unsigned who, csp_handle *by)
{
    struct worker *w = &workers[who];

    pthread_mutex_lock(&w->lock);
    csp_handle *was = w->end;
    w->end = by;
    pthread_mutex_unlock(&w->lock);
    csp_handle_unref(was);
}

static csp_time
some_deadline(struct worker *w)
{
    if (w->patient || !(run.disturb & DEADLINES))
        return CSP_FOREVER;
    switch (test_below(&w->random, 8)) {
    case 0:
        return CSP_NOWAIT;
    case 1:
        return CSP_SPIN;
    default: /* 0 to 2 ms, most of them short */
        return csp_clock_after(
            test_below(&w->random, 1u << test_below(&w->random, 21)));
    }
}

/* A wait fails only for a reason that there is. */
static void
check_failure(struct worker *w, int rc, csp_time deadline)
{
    uint32_t why;

    CHECK(!w->patient);
    switch (rc) {
    case CSP_ETIMEOUT:
        CHECK(deadline != CSP_FOREVER && csp_clock_now() >= deadline);
        atomic_fetch_add(&run.timed_out, 1);
        break;
    case CSP_ECANCELLED:
        CHECK(run.disturb & CANCELS);
        why = csp_cancel_take(w->cancel);
        CHECK(why && !(why & ~3u));
        atomic_fetch_add(&run.cancelled, 1);
        break;
    default:
        CHECK_EQ(rc, CSP_EENDCLOSED);
        CHECK(run.disturb & CLOSES);
        atomic_fetch_add(&run.closed, 1);
    }
}

/* Between rounds: what disturbed this worker. */
static void
clean_up(unsigned who)
{
    csp_handle *h = workers[who].end;
    int state = who < SIDE ? csp_tx_state(csp_tx_from_handle(h))
                           : csp_rx_state(csp_rx_from_handle(h));

    csp_cancel_take(workers[who].cancel);
    if (state)
        replace_end(who, new_end(who));
}

/* One more operation for this side, false: all are done. */
static bool
take_on(struct work *k, uint32_t *number)
{
    pthread_mutex_lock(&k->lock);
    while (k->n == 0 && k->done < run.values)
        pthread_cond_wait(&k->changed, &k->lock); /* one may be put back */
    bool some = k->n > 0;
    if (some)
        *number = k->numbers[--k->n];
    pthread_mutex_unlock(&k->lock);
    return some;
}

static void
settle(struct work *k, uint32_t number, bool done)
{
    pthread_mutex_lock(&k->lock);
    if (done)
        k->done++;
    else
        k->numbers[k->n++] = number;
    if (!done || k->done == run.values)
        pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

static int
send_one(struct worker *w, uint32_t v, csp_time deadline)
{
    run.plain[v] = run.round + v;
    return csp_tx_send(csp_tx_from_handle(w->end), csp_value_int(v), deadline);
}

static int
receive_one(struct worker *w, csp_time deadline)
{
    csp_value value;
    int rc = csp_rx_recv(csp_rx_from_handle(w->end), &value, deadline);

    if (rc < 0) {
        CHECK_EQ(csp_value_kind(value), CSP_KIND_NONE);
        return rc;
    }
    uint32_t v = (uint32_t)csp_value_as_int(value);
    CHECK(v < run.values);
    CHECK_EQ(run.plain[v], run.round + v);
    CHECK_EQ(atomic_fetch_add(&run.taken[v], 1), 0);
    return 0;
}

static void
work_a_round(unsigned who)
{
    struct worker *w = &workers[who];
    bool sends = who < SIDE;
    struct work *k = &run.work[!sends];
    uint32_t number;

    while (take_on(k, &number)) {
        csp_time deadline = some_deadline(w);
        int rc =
            sends ? send_one(w, number, deadline) : receive_one(w, deadline);
        settle(k, number, rc == 0);
        if (rc < 0) {
            check_failure(w, rc, deadline);
            break;
        }
    }
}

/* The leader, while the others work. */
static void
disturb(struct test_random *r)
{
    for (uint32_t n = run.disturb ? test_below(r, 16) : 0; n; n--) {
        struct worker *w = &workers[test_below(r, WORKERS)];

        for (uint32_t i = test_below(r, 64); i; i--)
            test_relax();
        if (w->patient)
            continue;
        if (run.disturb & CANCELS && test_below(r, 2))
            csp_cancel_request(w->cancel, 1u << test_below(r, 2));
        if (run.disturb & CLOSES && test_below(r, 2)) {
            pthread_mutex_lock(&w->lock);
            csp_handle *h = csp_handle_ref(w->end);
            pthread_mutex_unlock(&w->lock);
            if (csp_tx_from_handle(h))
                csp_tx_close(csp_tx_from_handle(h));
            else
                csp_rx_close(csp_rx_from_handle(h));
            csp_handle_unref(h);
        }
    }
}

static void
prepare(struct test_random *r, uint32_t rounds)
{
    uint32_t n = 1 + test_below(r, MAX_VALUES);

    run.over = run.round >= rounds || test_is_over(SECONDS);
    run.round++;
    run.disturb = test_below(r, 3) ? test_below(r, ALL + 1) : 0;
    run.values = n;
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i].patient = i % SIDE == 0 || !run.disturb || !test_below(r, 3);
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < n; i++)
            run.work[side].numbers[i] = n - 1 - i;
        run.work[side].n = n;
        run.work[side].done = 0;
    }
    for (uint32_t i = 0; i < n; i++)
        atomic_store(&run.taken[i], 0);
}

static void
account(void)
{
    for (uint32_t i = 0; i < run.values; i++)
        CHECK_EQ(atomic_load(&run.taken[i]), 1);
    CHECK_EQ(csp_tx_len(run.tx), 0);
    CHECK_EQ(csp_tx_waiting(run.tx), 0);
    CHECK_EQ(csp_rx_waiting(run.rx), 0);
}

static void
lead(uint32_t rounds)
{
    struct test_random r;

    test_random_init(&r, LEADER);
    for (;;) {
        prepare(&r, rounds);
        test_barrier_wait(&run.barrier);
        if (run.over)
            return;
        disturb(&r);
        test_barrier_wait(&run.barrier);
        account();
    }
}

static void
work(unsigned who, void *rounds)
{
    if (who == LEADER) {
        lead(*(uint32_t *)rounds);
        return;
    }
    struct worker *w = &workers[who];
    test_random_init(&w->random, who);
    csp_cancel_attach(w->cancel);
    for (;;) {
        clean_up(who);
        test_barrier_wait(&run.barrier);
        if (run.over)
            break;
        work_a_round(who);
        test_barrier_wait(&run.barrier);
    }
    csp_cancel_attach(NULL);
}

static void
work_init(struct work *k)
{
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->changed, NULL);
}

static void
waits(uint32_t capacity)
{
    uint32_t rounds = (uint32_t)test_count(ROUNDS);

    memset(&run, 0, sizeof run);
    CHECK_EQ(csp_chan_new(capacity, NULL, &run.tx, &run.rx), 0);
    test_barrier_init(&run.barrier, THREADS);
    for (int side = 0; side < 2; side++)
        work_init(&run.work[side]);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_mutex_init(&workers[i].lock, NULL);
        workers[i].end = new_end(i);
        CHECK_EQ(csp_cancel_new(&workers[i].cancel), 0);
    }
    test_parallel(THREADS, work, &rounds);
    for (unsigned i = 0; i < WORKERS; i++) {
        replace_end(i, NULL);
        csp_cancel_unref(workers[i].cancel);
        pthread_mutex_destroy(&workers[i].lock);
    }
    csp_tx_unref(run.tx);
    csp_rx_unref(run.rx);
    test_note("%u rounds, %.2f s; timed out %lu, cancelled %lu, closed %lu",
              run.round, test_elapsed(), run.timed_out, run.cancelled,
              run.closed);
}

static void
waits_at_capacity_1_lose_nothing(void)
{
    waits(1);
}

static void
waits_at_capacity_2_lose_nothing(void)
{
    waits(2);
}

static void
waits_at_capacity_3_lose_nothing(void)
{
    waits(3);
}

int
main(void)
{
    TEST(waits_at_capacity_1_lose_nothing);
    TEST(waits_at_capacity_2_lose_nothing);
    TEST(waits_at_capacity_3_lose_nothing);
    return test_end();
}
