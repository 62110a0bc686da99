// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A thread stops for ever in the middle of an operation: at each of its atomic
 * accesses in turn. However unlucky the place, two other threads go on, and
 * when it is let go again everything is accounted for.
 *
 * The core is built with CSPI_STEPS: each atomic access of the library calls
 * cspi_step(). The victim runs one operation alone; at its k-th step it blocks
 * on a semaphore, the two others complete their operations, and it goes on.
 * Then the same with k + 1, until it is through before its k-th step. */
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/registry.h>

#include "ring.h"
#include "test.h"

enum { OTHERS = 2, OPERATIONS = 1000, MAX_CAPACITY = 2 };
enum { VALUES = MAX_CAPACITY + 1 + OTHERS * OPERATIONS };

/* ---- the victim's steps */

static _Thread_local unsigned stop_at; /* this many more; 0: never */
static sem_t stopped, let_go;

void cspi_step(const volatile void *p, const char *how, const char *function,
               int line);

static void
block(sem_t *s)
{
    while (sem_wait(s) != 0)
        ;
}

void
cspi_step(const volatile void *p, const char *how, const char *function,
          int line)
{
    (void)p, (void)how, (void)function, (void)line;
    if (stop_at && --stop_at == 0) {
        sem_post(&stopped);
        block(&let_go);
    }
}

/* ---- what is operated on: a bare ring, or a channel. Sends and receives
 * answer 0, a positive number for "would have to wait", or a negative one for
 * "closed". */

static struct {
    struct cspi_ring ring;
    struct cspi_cursor tail, head;
    csp_tx *tx;
    csp_rx *rx;
} thing;

struct kind {
    void (*open)(uint32_t capacity);
    void (*free)(void);
    void (*close)(void);
    int (*send)(int64_t v);
    int (*recv)(int64_t *v);
    int (*recv_rest)(int64_t *v); /* never waits */
    bool waits;
};

static void
ring_open(uint32_t capacity)
{
    memset(&thing, 0, sizeof thing);
    CHECK_EQ(cspi_ring_init(&thing.ring, &thing.tail, &thing.head, capacity),
             0);
}

static void
ring_free(void)
{
    cspi_ring_fini(&thing.ring);
}

static void
ring_close(void)
{
    cspi_ring_close(&thing.ring, &thing.tail);
}

static int
ring_answer(enum cspi_ring_answer a)
{
    return a == CSPI_RING_OK ? 0 : a == CSPI_RING_AGAIN ? 1 : -1;
}

static int
ring_send(int64_t v)
{
    return ring_answer(
        cspi_ring_push(&thing.ring, &thing.tail, csp_value_int(v)));
}

static int
ring_recv(int64_t *v)
{
    csp_value value;
    int rc = ring_answer(cspi_ring_pop(&thing.ring, &thing.head, &value));

    if (rc == 0)
        *v = csp_value_as_int(value);
    return rc;
}

static void
chan_open(uint32_t capacity)
{
    CHECK_EQ(csp_chan_new(capacity, NULL, &thing.tx, &thing.rx), 0);
}

static void
chan_free(void)
{
    csp_tx_unref(thing.tx);
    csp_rx_unref(thing.rx);
}

static void
chan_close(void)
{
    csp_tx_close(thing.tx);
}

static int
chan_answer(int rc, csp_value v, int64_t *out)
{
    if (rc == 0 && out)
        *out = csp_value_as_int(v);
    if (rc == CSP_EFULL || rc == CSP_EEMPTY || rc == CSP_ETIMEOUT)
        return 1;
    CHECK(rc == 0 || rc == CSP_ECLOSED || rc == CSP_EENDCLOSED);
    return rc;
}

static int
try_send(int64_t v)
{
    return chan_answer(csp_tx_try_send(thing.tx, csp_value_int(v)),
                       csp_value_none(), NULL);
}

static int
try_recv(int64_t *v)
{
    csp_value value;
    int rc = csp_rx_try_recv(thing.rx, &value);

    return chan_answer(rc, value, v);
}

static int
send_now(int64_t v)
{
    return chan_answer(csp_tx_send(thing.tx, csp_value_int(v), CSP_NOWAIT),
                       csp_value_none(), NULL);
}

static int
recv_now(int64_t *v)
{
    csp_value value;
    int rc = csp_rx_recv(thing.rx, &value, CSP_NOWAIT);

    return chan_answer(rc, value, v);
}

static int
send_waiting(int64_t v)
{
    return chan_answer(csp_tx_send(thing.tx, csp_value_int(v), CSP_FOREVER),
                       csp_value_none(), NULL);
}

static int
recv_waiting(int64_t *v)
{
    csp_value value;
    int rc = csp_rx_recv(thing.rx, &value, CSP_FOREVER);

    return chan_answer(rc, value, v);
}

static const struct kind bare_ring = {
    ring_open, ring_free, ring_close, ring_send, ring_recv, ring_recv, false};
static const struct kind tries = {chan_open, chan_free, chan_close, try_send,
                                  try_recv,  try_recv,  false};
static const struct kind nowait = {chan_open, chan_free, chan_close, send_now,
                                   recv_now,  try_recv,  false};
static const struct kind waiting = {chan_open,    chan_free,    chan_close,
                                    send_waiting, recv_waiting, try_recv,
                                    true};

/* ---- one experiment */

enum operation { SEND, RECV, CLOSE };

static struct {
    const struct kind *kind;
    enum operation operation;
    uint32_t capacity, filled;
    bool closed;  /* before the victim begins */
    unsigned k;   /* where it stops */
    bool through; /* it did not come to stop */
    atomic_uchar sent[VALUES], received[VALUES];
} run;

static void
note(atomic_uchar *what, int64_t v)
{
    CHECK(v >= 0 && v < VALUES);
    CHECK_EQ(atomic_exchange(&what[v], 1), 0);
}

static void
be_victim(void)
{
    int64_t v = run.filled; /* the first that is not in the buffer */

    stop_at = run.k;
    if (run.operation == CLOSE)
        run.kind->close();
    else if (run.operation == SEND && run.kind->send(v) == 0)
        note(run.sent, v);
    else if (run.operation == RECV && run.kind->recv(&v) == 0)
        note(run.received, v);
    if (stop_at) {
        run.through = true;
        sem_post(&stopped);
    }
    stop_at = 0;
}

/* Each operation answers; what would have to wait is tried again. */
static void
send_and_receive(unsigned who)
{
    int64_t v = MAX_CAPACITY + 1 + who * OPERATIONS, got;

    for (int done = 0; done < OPERATIONS;) {
        int rc = run.kind->send(v);
        if (rc == 0)
            note(run.sent, v++);
        done += rc <= 0; /* CLOSED is an answer too */
        if (run.kind->recv(&got) == 0)
            note(run.received, got);
    }
}

/* One sends, one receives, and they wait for each other. */
static void
send_or_receive(unsigned who)
{
    int64_t v = MAX_CAPACITY + 1;

    for (int done = 0; done < OPERATIONS; done++)
        if (who == 0) {
            CHECK_EQ(run.kind->send(v), 0);
            note(run.sent, v++);
        } else {
            int64_t got;
            CHECK_EQ(run.kind->recv(&got), 0);
            note(run.received, got);
        }
}

static void
be_other(unsigned who, void *unused)
{
    (void)unused;
    if (run.kind->waits)
        send_or_receive(who);
    else
        send_and_receive(who);
}

static void
play(unsigned who, void *unused)
{
    if (who == 0) {
        be_victim();
        return;
    }
    block(&stopped);
    if (run.through)
        return;
    test_parallel(OTHERS, be_other, unused);
    sem_post(&let_go);
}

static void
account(void)
{
    int64_t v;

    while (run.kind->recv_rest(&v) == 0)
        note(run.received, v);
    for (int i = 0; i < VALUES; i++)
        CHECK_EQ(run.sent[i], run.received[i]);
    if (run.operation == CLOSE || run.closed)
        CHECK(run.kind->send(0) < 0);
}

/* Returns: at how many places the victim was stopped. */
static unsigned
stop_everywhere(void)
{
    run.through = false;
    for (run.k = 1;; run.k++) {
        memset(&run.sent, 0, sizeof run.sent);
        memset(&run.received, 0, sizeof run.received);
        run.kind->open(run.capacity);
        for (uint32_t v = 0; v < run.filled; v++) {
            CHECK_EQ(run.kind->send(v), 0);
            note(run.sent, v);
        }
        if (run.closed)
            run.kind->close();
        test_parallel(2, play, NULL);
        account();
        run.kind->free();
        if (run.through)
            return run.k - 1;
    }
}

/* Whether the victim would wait for the others, which is not stopping. */
static bool
would_wait(void)
{
    if (run.closed)
        return true; /* the others wait for each other, which now they can't */
    return run.operation == SEND   ? run.filled == run.capacity
           : run.operation == RECV ? run.filled == 0
                                   : true;
}

static void
explore(const struct kind *kind)
{
    unsigned places = 0, scenes = 0;

    run.kind = kind;
    sem_init(&stopped, 0, 0);
    sem_init(&let_go, 0, 0);
    for (run.capacity = 1; run.capacity <= MAX_CAPACITY; run.capacity++)
        for (run.filled = 0; run.filled <= run.capacity; run.filled++)
            for (int closed = 0; closed < 2; closed++)
                for (int op = SEND; op <= CLOSE; op++) {
                    run.closed = closed;
                    run.operation = (enum operation)op;
                    if (kind->waits && would_wait())
                        continue;
                    unsigned n = stop_everywhere();
                    CHECK(n > 0);
                    places += n;
                    scenes++;
                }
    sem_destroy(&stopped);
    sem_destroy(&let_go);
    test_note("stopped at %u places of %u operations, %.2f s", places, scenes,
              test_elapsed());
}

static void
a_push_pop_or_close_of_a_ring_that_stops_stops_nobody(void)
{
    explore(&bare_ring);
}

static void
a_try_that_stops_stops_nobody(void)
{
    explore(&tries);
}

static void
a_send_or_recv_without_waiting_that_stops_stops_nobody(void)
{
    explore(&nowait);
}

static void
a_send_or_recv_that_stops_stops_nobody_who_waits(void)
{
    explore(&waiting);
}

/* ---- a list of all channels */

enum { LISTED = 3, LIVES = 500 };

static void
open_and_free(unsigned who, void *unused)
{
    (void)who, (void)unused;
    for (int i = 0; i < LIVES; i++) {
        csp_tx *tx;
        csp_rx *rx;
        CHECK_EQ(csp_chan_new(1, NULL, &tx, &rx), 0);
        csp_tx_unref(tx);
        csp_rx_unref(rx);
    }
}

/* The others have never had a channel: they become readers, and leave. */
static void
list(unsigned who, void *unused)
{
    if (who == 0) {
        stop_at = run.k;
        CHECK(csp_registry_list(NULL, 0) >= LISTED);
        run.through = stop_at != 0;
        stop_at = 0;
        if (run.through)
            sem_post(&stopped);
        return;
    }
    block(&stopped);
    if (run.through)
        return;
    test_parallel(OTHERS, open_and_free, unused);
    sem_post(&let_go);
}

static void
a_list_of_all_channels_that_stops_stops_nobody(void)
{
    csp_tx *tx[LISTED];
    csp_rx *rx[LISTED];

    sem_init(&stopped, 0, 0);
    sem_init(&let_go, 0, 0);
    for (int i = 0; i < LISTED; i++)
        CHECK_EQ(csp_chan_new(1, NULL, &tx[i], &rx[i]), 0);
    run.through = false;
    for (run.k = 1; !run.through; run.k++)
        test_parallel(2, list, NULL);
    CHECK(run.k > LISTED);
    for (int i = 0; i < LISTED; i++) {
        csp_tx_unref(tx[i]);
        csp_rx_unref(rx[i]);
    }
    sem_destroy(&stopped);
    sem_destroy(&let_go);
    test_note("stopped at %u places, %.2f s", run.k - 2, test_elapsed());
}

int
main(void)
{
    TEST(a_push_pop_or_close_of_a_ring_that_stops_stops_nobody);
    TEST(a_try_that_stops_stops_nobody);
    TEST(a_send_or_recv_without_waiting_that_stops_stops_nobody);
    TEST(a_send_or_recv_that_stops_stops_nobody_who_waits);
    TEST(a_list_of_all_channels_that_stops_stops_nobody);
    return test_end();
}
