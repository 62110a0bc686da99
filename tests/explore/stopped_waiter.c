// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A wake-up meets a thread that is about to give up: two threads wait on a
 * channel, one of them until its deadline, until it is cancelled, or until its
 * end is closed. One value (or room for one) is offered. Whoever it was that
 * was woken, one of the two has it in the end; if the impatient one goes
 * without, the patient one must have been told.
 *
 * The impatient one, the victim, is stopped at its k-th atomic access, for
 * every k, while the offer and what disturbs it happen in either order. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include <csp/cancel.h>
#include <csp/chan.h>

#include "test.h"

enum disturbance { NOTHING, DEADLINE, CANCEL, CLOSE, DISTURBANCES };
enum { VICTIM, PATIENT, FILL, VALUES = FILL + 4 };

static struct {
    /* The scene. */
    uint32_t capacity;
    bool sends; /* the two want room, not values */
    enum disturbance disturbance;
    bool offer_first, patient_first;
    unsigned k;

    csp_tx *tx; /* the leader's */
    csp_rx *rx;
    csp_handle *end[2];
    csp_cancel *token;
    csp_time deadline;
    int rc[2];
    atomic_uint sent[VALUES], received[VALUES];
    uint32_t offers;

    /* The victim, as others see it. */
    atomic_uint steps;
    atomic_bool stopped, free, returned, disturbed;
    bool through; /* it did not come to its k-th step */
    sem_t let_go;
} run;

/* ---- the victim's steps */

static _Thread_local bool is_victim;

void cspi_step(const volatile void *p, const char *how, const char *function,
               int line);

void
cspi_step(const volatile void *p, const char *how, const char *function,
          int line)
{
    (void)p, (void)how, (void)function, (void)line;
    if (!is_victim || atomic_fetch_add(&run.steps, 1) + 1 != run.k)
        return;
    run.through = false;
    if (atomic_load(&run.free))
        return;
    atomic_store(&run.stopped, true);
    while (sem_wait(&run.let_go) != 0)
        ;
}

/* Until the victim has stopped, has returned, or seems to be asleep: this only
 * makes it likely that it is where it is wanted. */
static void
settle(void)
{
    unsigned seen = 0;

    for (int calm = 0; calm < 64; calm++) {
        unsigned steps = atomic_load(&run.steps);

        if (atomic_load(&run.stopped) || atomic_load(&run.returned))
            return;
        if (steps != seen)
            calm = 0;
        seen = steps;
        for (int i = 0; i < 32; i++)
            test_relax();
    }
}

/* ---- what the threads do */

static int
send_number(csp_tx *tx, uint32_t n, csp_time deadline)
{
    int rc = csp_tx_send(tx, csp_value_int(n), deadline);

    if (rc == 0)
        atomic_fetch_add(&run.sent[n], 1);
    return rc;
}

static int
receive_number(csp_rx *rx, csp_time deadline)
{
    csp_value v;
    int rc = csp_rx_recv(rx, &v, deadline);

    if (rc == 0)
        atomic_fetch_add(&run.received[csp_value_as_int(v)], 1);
    return rc;
}

static int
wait_on(uint32_t who, csp_time deadline)
{
    csp_handle *end = run.end[who];

    return run.sends ? send_number(csp_tx_from_handle(end), who, deadline)
                     : receive_number(csp_rx_from_handle(end), deadline);
}

static void *
be_victim(void *unused)
{
    csp_cancel_attach(run.token);
    is_victim = true;
    run.rc[VICTIM] = wait_on(VICTIM, run.deadline);
    is_victim = false;
    csp_cancel_attach(NULL);
    atomic_store(&run.returned, true);
    return unused;
}

static void *
be_patient(void *unused)
{
    run.rc[PATIENT] = wait_on(PATIENT, CSP_FOREVER);
    return unused;
}

/* In a thread of its own: it may have to wait for the stopped victim, which
 * may hold the lock that this takes. */
static void *
be_disturber(void *unused)
{
    switch (run.disturbance) {
    case CANCEL:
        csp_cancel_request(run.token, 1);
        break;
    case CLOSE:
        if (run.sends)
            csp_tx_close(csp_tx_from_handle(run.end[VICTIM]));
        else
            csp_rx_close(csp_rx_from_handle(run.end[VICTIM]));
        break;
    default:
        break;
    }
    atomic_store(&run.disturbed, true);
    return unused;
}

static pthread_t
start(void *(*body)(void *))
{
    pthread_t t;

    CHECK_EQ(pthread_create(&t, NULL, body, NULL), 0);
    return t;
}

/* A value, or room. The first does not wait, wherever the victim stopped. */
static void
offer(csp_time deadline)
{
    if (run.sends)
        CHECK_EQ(receive_number(run.rx, deadline), 0);
    else
        CHECK_EQ(send_number(run.tx, FILL + run.offers++, deadline), 0);
}

static pthread_t
disturb(void)
{
    pthread_t t = start(be_disturber);

    if (run.disturbance == DEADLINE)
        while (csp_clock_now() <= run.deadline)
            test_relax();
    for (int i = 0; i < 256 && !atomic_load(&run.disturbed); i++)
        test_relax();
    return t;
}

static size_t
enlisted(void)
{
    return run.sends ? csp_tx_waiting(run.tx) : csp_rx_waiting(run.rx);
}

static pthread_t
start_patient(void)
{
    size_t before = enlisted();
    pthread_t t = start(be_patient);

    /* If the victim holds the lock, it is not enlisted before that goes on. */
    for (int i = 0; enlisted() == before && (run.patient_first || i < 512); i++)
        test_relax();
    return t;
}

/* ---- one experiment */

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
    CHECK_EQ(csp_chan_new(run.capacity, NULL, &run.tx, &run.rx), 0);
    CHECK_EQ(csp_cancel_new(&run.token), 0);
    for (int i = 0; i < 2; i++)
        run.end[i] = clone_end();
    for (int i = 0; i < VALUES; i++) {
        atomic_store(&run.sent[i], 0);
        atomic_store(&run.received[i], 0);
    }
    for (run.offers = 0; run.sends && run.offers < run.capacity; run.offers++)
        CHECK_EQ(send_number(run.tx, FILL + run.offers, CSP_NOWAIT), 0);
    atomic_store(&run.steps, 0);
    atomic_store(&run.stopped, false);
    atomic_store(&run.free, false);
    atomic_store(&run.returned, false);
    atomic_store(&run.disturbed, false);
    run.through = true;
    sem_init(&run.let_go, 0, 0);
}

static void
account(void)
{
    static const int failure[] = {0, CSP_ETIMEOUT, CSP_ECANCELLED,
                                  CSP_EENDCLOSED};

    CHECK_EQ(run.rc[PATIENT], 0);
    if (run.rc[VICTIM] != 0)
        CHECK_EQ(run.rc[VICTIM], failure[run.disturbance]);
    CHECK_EQ(enlisted(), 0);
    while (receive_number(run.rx, CSP_NOWAIT) == 0)
        ;
    for (int i = 0; i < VALUES; i++)
        CHECK_EQ(run.sent[i], run.received[i]);
    for (int i = 0; i < 2; i++)
        csp_handle_unref(run.end[i]);
    csp_cancel_unref(run.token);
    csp_tx_unref(run.tx);
    csp_rx_unref(run.rx);
    sem_destroy(&run.let_go);
}

static void
experiment(void)
{
    pthread_t victim, disturber, patient = 0;

    prepare();
    if (run.patient_first)
        patient = start_patient();
    run.deadline =
        run.disturbance == DEADLINE ? csp_clock_after(300000) : CSP_FOREVER;
    victim = start(be_victim);
    settle();
    if (!run.patient_first)
        patient = start_patient();
    if (run.offer_first) {
        offer(CSP_NOWAIT);
        settle();
        disturber = disturb();
    } else {
        disturber = disturb();
        settle();
        offer(CSP_NOWAIT);
    }
    settle();
    atomic_store(&run.free, true);
    sem_post(&run.let_go);
    pthread_join(disturber, NULL);
    if (run.disturbance == NOTHING) {
        offer(CSP_FOREVER); /* one each */
    } else {
        pthread_join(victim, NULL);
        if (run.rc[VICTIM] == 0)
            offer(CSP_FOREVER); /* the victim has had the first one */
    }
    pthread_join(patient, NULL); /* hangs if its wake-up was lost */
    if (run.disturbance == NOTHING)
        pthread_join(victim, NULL);
    account();
}

static unsigned
stop_everywhere(void)
{
    for (run.k = 1;; run.k++) {
        experiment();
        if (run.through)
            return run.k - 1;
    }
}

static void
explore(enum disturbance disturbance)
{
    unsigned places = 0;

    run.disturbance = disturbance;
    for (unsigned scene = 0; scene < 16; scene++) {
        run.capacity = 1 + (scene & 1);
        run.sends = scene & 2;
        run.patient_first = scene & 4;
        run.offer_first = scene & 8;
        if (disturbance == NOTHING && run.offer_first)
            continue; /* the same */
        places += stop_everywhere();
    }
    test_note("stopped at %u places, %.2f s", places, test_elapsed());
}

static void
two_who_wait_are_both_woken_wherever_one_stops(void)
{
    explore(NOTHING);
}

static void
a_timeout_loses_no_wakeup_wherever_it_stops(void)
{
    explore(DEADLINE);
}

static void
a_cancelled_wait_loses_no_wakeup_wherever_it_stops(void)
{
    explore(CANCEL);
}

static void
a_closed_end_loses_no_wakeup_wherever_it_stops(void)
{
    explore(CLOSE);
}

int
main(void)
{
    setenv("INTERCSP_SPIN", "0", 1); /* straight to the wait */
    TEST(two_who_wait_are_both_woken_wherever_one_stops);
    TEST(a_timeout_loses_no_wakeup_wherever_it_stops);
    TEST(a_cancelled_wait_loses_no_wakeup_wherever_it_stops);
    TEST(a_closed_end_loses_no_wakeup_wherever_it_stops);
    return test_end();
}
