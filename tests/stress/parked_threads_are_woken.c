// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Threads that are known to be parked are woken by what concerns them, and by
 * nothing else: values or room for all of them at once, a close of their end
 * or of the other side, a request of their own token. In half of the rounds
 * nobody waits until they are parked, so that it comes at any moment. */
#include <semaphore.h>
#include <string.h>

#include <csp/cancel.h>
#include <csp/chan.h>

#include "test.h"

enum { WAITERS = 4, LEADER = WAITERS, HELPERS = 3 };
enum { MAX_CAPACITY = 4, ROUNDS = 20000, SECONDS = 1 };

/* Values are numbers: those of the waiters from 0, what fills the channel
 * before they come, and what the others send to wake them. */
enum { FILL = WAITERS, OFFER = FILL + MAX_CAPACITY, VALUES = OFFER + WAITERS };

static struct {
    csp_tx *tx; /* these keep the sides open */
    csp_rx *rx;
    bool sends;         /* the waiters want room, not values */
    csp_handle *end[2]; /* what waiters 0 and 1, 2 and 3 wait on */
    csp_cancel *token[WAITERS];
    int rc[WAITERS], expected[WAITERS];
    bool early; /* do not wait until they are parked */
    atomic_uint returned, offers;
    atomic_uint sent[VALUES], received[VALUES];
    sem_t go;
    void (*lead)(struct test_random *r);
    struct test_random random;
} run;

static int
send_number(csp_tx *tx, uint32_t n)
{
    int rc = csp_tx_send(tx, csp_value_int(n), CSP_FOREVER);

    if (rc == 0)
        atomic_fetch_add(&run.sent[n], 1);
    return rc;
}

static int
receive_number(csp_rx *rx, csp_time deadline)
{
    csp_value v;
    int rc = csp_rx_recv(rx, &v, deadline);

    if (rc == 0) {
        CHECK(csp_value_as_int(v) < VALUES);
        atomic_fetch_add(&run.received[csp_value_as_int(v)], 1);
    }
    return rc;
}

static void
be_waiter(unsigned who)
{
    csp_handle *end = run.end[who / 2];

    csp_cancel_attach(run.token[who]);
    run.rc[who] = run.sends
                      ? send_number(csp_tx_from_handle(end), who)
                      : receive_number(csp_rx_from_handle(end), CSP_FOREVER);
    csp_cancel_attach(NULL);
    atomic_fetch_add(&run.returned, 1);
}

/* Gives @p n waiters what they wait for: a value, or room. */
static void
satisfy(uint32_t n)
{
    while (n--)
        if (run.sends)
            CHECK_EQ(receive_number(run.rx, CSP_FOREVER), 0);
        else
            CHECK_EQ(
                send_number(run.tx, OFFER + atomic_fetch_add(&run.offers, 1)),
                0);
}

static size_t
parked(void)
{
    return run.sends ? csp_tx_waiting(run.tx) : csp_rx_waiting(run.rx);
}

static void
await_parked(size_t n)
{
    while (parked() != n)
        test_relax();
}

static void
await_returned(unsigned n)
{
    while (atomic_load(&run.returned) < n)
        test_relax();
}

static void
await_waiters(struct test_random *r)
{
    if (!run.early)
        await_parked(WAITERS);
    else
        for (uint32_t i = test_below(r, 1u << test_below(r, 12)); i; i--)
            test_relax();
}

static void
lead_burst(struct test_random *r)
{
    await_waiters(r);
    for (int i = 0; i < HELPERS; i++)
        sem_post(&run.go);
    satisfy(1); /* as each of the helpers does */
}

static void
close_end(csp_handle *h)
{
    if (csp_tx_from_handle(h))
        csp_tx_close(csp_tx_from_handle(h));
    else
        csp_rx_close(csp_rx_from_handle(h));
}

static void
lead_close_of_an_end(struct test_random *r)
{
    unsigned which = test_below(r, 2);

    run.expected[2 * which] = run.expected[2 * which + 1] = CSP_EENDCLOSED;
    await_waiters(r);
    close_end(run.end[which]);
    await_returned(2);
    await_parked(2); /* the others sleep on */
    satisfy(2);
}

static void
lead_close_of_the_other_side(struct test_random *r)
{
    for (int i = 0; i < WAITERS; i++)
        run.expected[i] = CSP_ECLOSED;
    await_waiters(r);
    if (run.sends)
        csp_rx_close(run.rx);
    else
        csp_tx_close(run.tx);
}

static void
lead_request(struct test_random *r)
{
    unsigned who = test_below(r, WAITERS);

    run.expected[who] = CSP_ECANCELLED;
    await_waiters(r);
    csp_cancel_request(run.token[who], 1);
    await_returned(1);
    await_parked(WAITERS - 1);
    satisfy(WAITERS - 1);
}

static void
work(unsigned who, void *unused)
{
    (void)unused;
    if (who < WAITERS) {
        be_waiter(who);
    } else if (who == LEADER) {
        run.lead(&run.random);
    } else {
        while (sem_wait(&run.go) != 0)
            ;
        satisfy(1);
    }
}

static csp_handle *
clone_end(void)
{
    csp_tx *tx;
    csp_rx *rx;

    if (run.sends) {
        CHECK_EQ(csp_tx_clone(run.tx, &tx), 0);
        return csp_value_as_handle(csp_tx_as_value(tx));
    }
    CHECK_EQ(csp_rx_clone(run.rx, &rx), 0);
    return csp_value_as_handle(csp_rx_as_value(rx));
}

static void
prepare(void)
{
    uint32_t capacity = 1 + test_below(&run.random, MAX_CAPACITY);

    run.sends = test_below(&run.random, 2);
    run.early = test_below(&run.random, 2);
    CHECK_EQ(csp_chan_new(capacity, NULL, &run.tx, &run.rx), 0);
    atomic_store(&run.returned, 0);
    atomic_store(&run.offers, 0);
    for (int i = 0; i < VALUES; i++) {
        atomic_store(&run.sent[i], 0);
        atomic_store(&run.received[i], 0);
    }
    for (uint32_t i = 0; run.sends && i < capacity; i++)
        CHECK_EQ(send_number(run.tx, FILL + i), 0);
    for (int i = 0; i < WAITERS; i++) {
        CHECK_EQ(csp_cancel_new(&run.token[i]), 0);
        run.expected[i] = 0;
    }
    run.end[0] = clone_end();
    run.end[1] = clone_end();
}

static void
account(void)
{
    bool discarded = csp_rx_state(run.rx) != 0; /* and so was the buffer */

    for (int i = 0; i < WAITERS; i++) {
        CHECK_EQ(run.rc[i], run.expected[i]);
        csp_cancel_unref(run.token[i]);
    }
    CHECK_EQ(csp_tx_waiting(run.tx), 0);
    CHECK_EQ(csp_rx_waiting(run.rx), 0);
    while (receive_number(run.rx, CSP_NOWAIT) == 0)
        ;
    for (int i = 0; i < VALUES; i++)
        CHECK_EQ(atomic_load(&run.received[i]),
                 discarded ? 0 : atomic_load(&run.sent[i]));
    csp_handle_unref(run.end[0]);
    csp_handle_unref(run.end[1]);
    csp_tx_unref(run.tx);
    csp_rx_unref(run.rx);
}

static void
play(void (*lead)(struct test_random *r), unsigned threads)
{
    uint64_t rounds = test_count(ROUNDS), n = 0;

    run.lead = lead;
    test_random_init(&run.random, threads);
    sem_init(&run.go, 0, 0);
    for (; n < rounds && !test_is_over(SECONDS); n++) {
        prepare();
        test_parallel(threads, work, NULL);
        account();
    }
    sem_destroy(&run.go);
    test_note("%llu rounds, %.2f s", (unsigned long long)n, test_elapsed());
}

static void
a_burst_wakes_everybody(void)
{
    play(lead_burst, WAITERS + 1 + HELPERS);
}

static void
closing_an_end_wakes_those_who_wait_on_it_and_no_others(void)
{
    play(lead_close_of_an_end, WAITERS + 1);
}

static void
closing_the_other_side_wakes_everybody(void)
{
    play(lead_close_of_the_other_side, WAITERS + 1);
}

static void
a_request_wakes_its_thread_and_no_other(void)
{
    play(lead_request, WAITERS + 1);
}

int
main(void)
{
    TEST(a_burst_wakes_everybody);
    TEST(closing_an_end_wakes_those_who_wait_on_it_and_no_others);
    TEST(closing_the_other_side_wakes_everybody);
    TEST(a_request_wakes_its_thread_and_no_other);
    return test_end();
}
