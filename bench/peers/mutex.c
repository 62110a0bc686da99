// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* mutex.c: the queue that everybody would write: a mutex, two condition
 * variables, an array.
 *
 * Usage: mutex pair
 *        mutex stream SENDERS RECEIVERS CAPACITY
 *        mutex echo */
#include <stdbool.h>
#include <string.h>

#include "../bench.h"

struct queue {
    pthread_mutex_t lock; /* guards all */
    pthread_cond_t room, some;
    unsigned capacity, head, n, senders;
    int64_t *items;
};

static csp_time until;
static bool in_order;            /* what comes is 0, 1, 2... */
static _Atomic(int64_t) balance; /* the sum of what was put and not got */

static struct queue *
queue_new(unsigned capacity, unsigned senders)
{
    struct queue *q = calloc(1, sizeof *q);

    if (!q || !(q->items = malloc(capacity * sizeof *q->items)))
        fail("no memory");
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->room, NULL);
    pthread_cond_init(&q->some, NULL);
    q->capacity = capacity;
    q->senders = senders;
    return q;
}

static void
put(struct queue *q, int64_t v)
{
    pthread_mutex_lock(&q->lock);
    while (q->n == q->capacity)
        pthread_cond_wait(&q->room, &q->lock);
    unsigned at = q->head + q->n++;
    q->items[at < q->capacity ? at : at - q->capacity] = v;
    pthread_cond_signal(&q->some);
    pthread_mutex_unlock(&q->lock);
}

/* Returns: false: nothing comes any more. */
static bool
get(struct queue *q, int64_t *v)
{
    pthread_mutex_lock(&q->lock);
    while (q->n == 0 && q->senders)
        pthread_cond_wait(&q->some, &q->lock);
    bool some = q->n > 0;
    if (some) {
        *v = q->items[q->head];
        q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
        q->n--;
        pthread_cond_signal(&q->room);
    }
    pthread_mutex_unlock(&q->lock);
    return some;
}

static void
leave(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    if (--q->senders == 0)
        pthread_cond_broadcast(&q->some);
    pthread_mutex_unlock(&q->lock);
}

static double
pair(void)
{
    struct queue *q = queue_new(64, 1);
    int64_t n = 0, v = 0, sum = 0;

    pin(0);
    csp_time start = csp_clock_now(), now;
    do
        for (int k = 0; k < 1000; k++, n++)
            put(q, n), get(q, &v), sum += v;
    while ((now = csp_clock_now()) < start + BOX_NS);
    if (sum != n * (n - 1) / 2)
        fail("the sum is wrong");
    return (double)(now - start) / (double)n;
}

static void *
produce(void *arg)
{
    int64_t i = 0;

    do // at least once, also where it starts late
        for (int k = 0; k < 1000; k++)
            put(arg, i++);
    while (csp_clock_now() < until);
    balance += i * (i - 1) / 2;
    leave(arg);
    return NULL;
}

static void *
consume(void *arg)
{
    intptr_t n = 0;
    int64_t sum = 0;

    for (int64_t v; get(arg, &v); n++) {
        sum += v;
        if (in_order && v != n)
            fail("a value came out of order");
    }
    balance -= sum;
    return (void *)n;
}

static double
stream(unsigned senders, unsigned receivers, unsigned capacity)
{
    struct queue *q = queue_new(capacity, senders);
    pthread_t threads[128];
    intptr_t count = 0;

    csp_time start = csp_clock_now();
    until = start + BOX_NS;
    in_order = senders == 1 && receivers == 1;
    for (unsigned i = 0; i < senders + receivers; i++) {
        if (pthread_create(&threads[i], NULL, i < senders ? produce : consume,
                           q) != 0)
            fail("no thread");
        if (in_order)
            pin_thread(threads[i], (int)i);
    }
    for (unsigned i = 0; i < senders + receivers; i++) {
        void *n;
        pthread_join(threads[i], &n);
        count += (intptr_t)n;
    }
    double took = (double)(csp_clock_now() - start);
    if (balance != 0)
        fail("what was got is not what was put");
    return took / (double)count;
}

static void *
answer(void *arg)
{
    struct queue **q = arg;

    pin(1);
    for (int64_t v; get(q[0], &v);)
        put(q[1], v);
    return NULL;
}

static double
echo(void)
{
    struct queue *q[] = {queue_new(1, 1), queue_new(1, 1)};
    pthread_t thread;
    int64_t n = 0, v;

    pin(0);
    if (pthread_create(&thread, NULL, answer, q) != 0)
        fail("no thread");
    csp_time start = csp_clock_now(), now;
    do
        for (int k = 0; k < 50; k++, n++)
            if (put(q[0], n), !get(q[1], &v) || v != n)
                fail("a wrong answer");
    while ((now = csp_clock_now()) < start + BOX_NS);
    leave(q[0]);
    pthread_join(thread, NULL);
    return (double)(now - start) / (double)n;
}

int
main(int argc, char **argv)
{
    double ns = argc == 2 && strcmp(argv[1], "pair") == 0   ? pair()
                : argc == 2 && strcmp(argv[1], "echo") == 0 ? echo()
                : argc == 5
                    ? stream((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]),
                             (unsigned)atoi(argv[4]))
                    : 0;

    if (ns == 0)
        fail("usage: see the file");
    figure("mutex queue", ns, "ns");
    return 0;
}
