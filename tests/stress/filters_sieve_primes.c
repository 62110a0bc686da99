// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* The sieve of Eratosthenes as a chain of threads, each of which takes out the
 * multiples of the prime it heard first. Every number goes through as many
 * channels as there are smaller primes: one that is lost, or overtaken, shows
 * as a wrong prime. */
#include <csp/chan.h>

#include "test.h"

enum { PRIMES = 1000, USUALLY = 300 };

/* A thread of the chain: the first makes numbers, the others filter. */
struct stage {
    pthread_t thread;
    csp_rx *rx;
    csp_tx *tx;
    int64_t prime;
};

static struct stage stages[PRIMES + 1];

/* Ends when nobody listens any more. */
static void *
generate(void *stage)
{
    struct stage *s = stage;

    for (int64_t n = 2; csp_tx_send(s->tx, csp_value_int(n), CSP_FOREVER) == 0;)
        n++;
    csp_tx_unref(s->tx);
    return NULL;
}

static void *
filter(void *stage)
{
    struct stage *s = stage;
    csp_value v;
    int rc = 0;

    while (rc == 0 && csp_rx_recv(s->rx, &v, CSP_FOREVER) == 0)
        if (csp_value_as_int(v) % s->prime)
            rc = csp_tx_send(s->tx, v, CSP_FOREVER);
    csp_rx_unref(s->rx);
    csp_tx_unref(s->tx);
    return NULL;
}

static csp_rx *
start(struct stage *s, void *(*body)(void *), uint32_t capacity)
{
    csp_rx *rx;

    CHECK_EQ(csp_chan_new(capacity, NULL, &s->tx, &rx), 0);
    CHECK_EQ(pthread_create(&s->thread, NULL, body, s), 0);
    return rx;
}

static bool
is_prime(int64_t n)
{
    for (int64_t k = 2; k * k <= n; k++)
        if (n % k == 0)
            return false;
    return true;
}

static void
sieve(uint32_t capacity)
{
    uint64_t count = test_count(USUALLY);
    unsigned n = count < PRIMES ? (unsigned)count : PRIMES;
    csp_rx *rx = start(&stages[0], generate, capacity);
    int64_t expected = 2;
    csp_value v;

    for (unsigned i = 1; i <= n; i++) {
        CHECK_EQ(csp_rx_recv(rx, &v, CSP_FOREVER), 0);
        CHECK_EQ(csp_value_as_int(v), expected);
        stages[i].rx = rx;
        stages[i].prime = expected++;
        while (!is_prime(expected))
            expected++;
        rx = start(&stages[i], filter, capacity);
    }
    csp_rx_unref(rx); /* the last filter ends, then the one before it ... */
    for (unsigned i = 0; i <= n; i++)
        pthread_join(stages[i].thread, NULL);
    test_note("%u primes, %.1f s", n, test_elapsed());
}

static void
through_rendezvous(void)
{
    sieve(0);
}

static void
through_buffers(void)
{
    sieve(10);
}

int
main(void)
{
    TEST(through_rendezvous);
    TEST(through_buffers);
    return test_end();
}
