// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include "ring.h"
#include "unit.h"

SUITE(ring);

static const uint32_t capacities[] = {1, 2, 3, 5, 7, 8, 64, 65, 1000};

#define EACH_CAPACITY(c)                                                       \
    for (size_t i_ = 0, c; i_ < sizeof capacities / sizeof *capacities &&      \
                           (c = capacities[i_], true);                         \
         i_++)

struct queue {
    struct cspi_ring ring;
    struct cspi_cursor tail, head;
    int64_t sent, received; /* values are numbers from 0 */
};

static void
setup(struct queue *q, size_t capacity)
{
    memset(q, 0, sizeof *q);
    cr_assert(eq(
        int, cspi_ring_init(&q->ring, &q->tail, &q->head, (uint32_t)capacity),
        0));
}

static void
teardown(struct queue *q)
{
    cspi_ring_fini(&q->ring);
}

static enum cspi_ring_answer
push(struct queue *q)
{
    enum cspi_ring_answer a =
        cspi_ring_push(&q->ring, &q->tail, csp_value_int(q->sent));

    q->sent += a == CSPI_RING_OK;
    return a;
}

/* What comes must be the next number. */
static enum cspi_ring_answer
pop(struct queue *q)
{
    csp_value v;
    enum cspi_ring_answer a = cspi_ring_pop(&q->ring, &q->head, &v);

    if (a == CSPI_RING_OK) {
        cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_INT));
        cr_assert(eq(i64, csp_value_as_int(v), q->received));
        q->received++;
    }
    return a;
}

static size_t
len(struct queue *q)
{
    uint64_t pushed, popped;

    cspi_ring_count(&q->ring, &q->tail, &q->head, &pushed, &popped);
    return (size_t)(pushed - popped);
}

#define ASSERT_OK(x) cr_assert(eq(int, (int)(x), CSPI_RING_OK))
#define ASSERT_AGAIN(x) cr_assert(eq(int, (int)(x), CSPI_RING_AGAIN))
#define ASSERT_SHUT(x) cr_assert(eq(int, (int)(x), CSPI_RING_SHUT))

static void
push_n(struct queue *q, size_t n)
{
    while (n--)
        ASSERT_OK(push(q));
}

static void
pop_n(struct queue *q, size_t n)
{
    while (n--)
        ASSERT_OK(pop(q));
}

Test(ring, holds_exactly_its_capacity)
{
    EACH_CAPACITY(c)
    {
        struct queue q;

        setup(&q, c);
        ASSERT_AGAIN(pop(&q));
        for (size_t n = 0; n < c; n++) {
            cr_assert(eq(sz, len(&q), n));
            ASSERT_OK(push(&q));
        }
        cr_assert(eq(sz, len(&q), c));
        ASSERT_AGAIN(push(&q));
        for (size_t n = c; n > 0; n--) {
            cr_assert(eq(sz, len(&q), n));
            ASSERT_OK(pop(&q));
        }
        ASSERT_AGAIN(pop(&q));
        teardown(&q);
    }
}

Test(ring, behaves_like_a_queue_over_many_laps)
{
    EACH_CAPACITY(c)
    {
        uint32_t x = 12345;
        struct queue q;

        setup(&q, c);
        for (int i = 0; i < 20000; i++) {
            size_t n = (size_t)(q.sent - q.received);
            x = x * 1664525 + 1013904223;
            /* Long runs of one kind, so that it gets full and empty. */
            if ((x >> 16) % (2 * c + 1) < ((i / (2 * c)) % 2 ? c + 1 : c))
                cr_assert(eq(int, (int)push(&q),
                             n < c ? CSPI_RING_OK : CSPI_RING_AGAIN));
            else
                cr_assert(eq(int, (int)pop(&q),
                             n > 0 ? CSPI_RING_OK : CSPI_RING_AGAIN));
            n = (size_t)(q.sent - q.received);
            cr_assert(eq(sz, len(&q), n));
            cr_assert(eq(int, cspi_ring_may_push(&q.ring, &q.tail), n < c));
            cr_assert(eq(int, (int)cspi_ring_peek(&q.ring, &q.head),
                         n > 0 ? CSPI_RING_OK : CSPI_RING_AGAIN));
        }
        teardown(&q);
    }
}

Test(ring, the_straight_lines_do_as_the_loops_do)
{
    EACH_CAPACITY(c)
    {
        struct queue q;
        csp_value v;

        setup(&q, c);
        for (int64_t lap = 0; lap < 5; lap++) {
            for (size_t n = 0; n < c; n++)
                cr_assert(cspi_ring_push_fast(&q.ring, &q.tail,
                                              csp_value_int(q.sent++)));
            cr_assert(
                not(cspi_ring_push_fast(&q.ring, &q.tail, csp_value_int(-1))));
            ASSERT_AGAIN(push(&q));
            for (size_t n = 0; n < c; n++) {
                cr_assert(cspi_ring_pop_fast(&q.ring, &q.head, &v));
                cr_assert(eq(i64, csp_value_as_int(v), q.received++));
            }
            cr_assert(not(cspi_ring_pop_fast(&q.ring, &q.head, &v)));
            ASSERT_AGAIN(pop(&q));
        }
        teardown(&q);
    }
}

Test(ring, keeps_every_tag_and_every_bit)
{
    static const uint64_t patterns[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63,
                                        UINT64_C(0x123456789abcdef0)};
    struct queue q;
    csp_value out;

    setup(&q, 3);
    for (uint32_t tag = 0; tag < 64; tag++)
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
            csp_value v = {patterns[i], tag, 0};

            ASSERT_OK(cspi_ring_push(&q.ring, &q.tail, v));
            ASSERT_OK(cspi_ring_pop(&q.ring, &q.head, &out));
            cr_assert(eq(int, memcmp(&v, &out, sizeof v), 0));
            cr_assert(cspi_ring_push_fast(&q.ring, &q.tail, v));
            cr_assert(cspi_ring_pop_fast(&q.ring, &q.head, &out));
            cr_assert(eq(int, memcmp(&v, &out, sizeof v), 0));
        }
    teardown(&q);
}

/* As if @p laps turns had gone before. Empty rings only. */
static void
wind_on(struct queue *q, uint64_t laps)
{
    uint64_t base = laps * cspi_ring_lap(&q->ring);

    for (uint32_t i = 0; i < q->ring.capacity; i++)
        cspi_store(&q->ring.slots[i].word, (base + i) << 8, RELAXED);
    cspi_store(&q->tail.pos, base, RELAXED);
    cspi_store(&q->head.pos, base, RELAXED);
}

Test(ring, positions_grow_beyond_32_bits)
{
    EACH_CAPACITY(c)
    {
        struct queue q;

        for (int bits = 23; bits <= 54; bits++) { /* and what they are << 8 */
            setup(&q, c);
            wind_on(&q, ((UINT64_C(1) << bits) / cspi_ring_lap(&q.ring)) - 1);
            for (int lap = 0; lap < 3; lap++) {
                push_n(&q, c);
                ASSERT_AGAIN(push(&q));
                cr_assert(eq(sz, len(&q), c));
                pop_n(&q, c);
                ASSERT_AGAIN(pop(&q));
            }
            teardown(&q);
        }
    }
}

Test(ring, a_full_ring_that_slides_stays_in_order)
{
    EACH_CAPACITY(c)
    {
        struct queue q;

        setup(&q, c);
        push_n(&q, c);
        for (size_t i = 0; i < 3 * c + 5; i++) {
            ASSERT_AGAIN(push(&q));
            ASSERT_OK(pop(&q));
            cr_assert(eq(sz, len(&q), c - 1));
            ASSERT_OK(push(&q));
        }
        pop_n(&q, c);
        teardown(&q);
    }
}

/* T or H, by the cursors, when nothing is in progress. */
static uint64_t
position(const struct cspi_ring *r, int64_t n)
{
    return (uint64_t)n / r->capacity * cspi_ring_lap(r) +
           (uint64_t)n % r->capacity;
}

Test(ring, the_cursors_follow)
{
    EACH_CAPACITY(c)
    {
        struct queue q;

        setup(&q, c);
        for (size_t i = 0; i < 3 * c + 1; i++) {
            ASSERT_OK(push(&q));
            cr_assert(eq(u64, q.tail.pos, position(&q.ring, q.sent)));
            ASSERT_OK(pop(&q));
            cr_assert(eq(u64, q.head.pos, position(&q.ring, q.received)));
        }
        teardown(&q);
    }
}

/* What a thread does that stalls before it stores its cursor. */
Test(ring, a_cursor_set_back_does_no_harm_and_is_mended)
{
    EACH_CAPACITY(c)
    {
        struct queue q;

        setup(&q, c);
        for (size_t fill = 0; fill <= c; fill += c > 8 ? c / 4 + 1 : 1)
            for (size_t back = 1; back <= 3 * c; back += c / 3 + 1) {
                push_n(&q, c);
                pop_n(&q, c);
                push_n(&q, fill);
                uint64_t t = q.sent < (int64_t)back ? 0 : q.sent - back;
                uint64_t h = q.received < (int64_t)back ? 0 : q.received - back;
                q.tail.pos = position(&q.ring, (int64_t)t);
                q.head.pos = position(&q.ring, (int64_t)h);
                cr_assert(eq(sz, len(&q), fill));
                cr_assert(eq(int, (int)push(&q),
                             fill < c ? CSPI_RING_OK : CSPI_RING_AGAIN));
                if (fill < c)
                    cr_assert(eq(u64, q.tail.pos, position(&q.ring, q.sent)));
                if (fill < c || fill > 0) {
                    ASSERT_OK(pop(&q));
                    cr_assert(
                        eq(u64, q.head.pos, position(&q.ring, q.received)));
                }
                while (pop(&q) == CSPI_RING_OK)
                    ;
                cr_assert(eq(i64, q.received, q.sent));
                q.tail.pos = position(&q.ring, q.sent);
            }
        teardown(&q);
    }
}

/* Closes with @p fill values after @p lead others have gone through. */
static void
check_close(size_t capacity, size_t lead, size_t fill)
{
    struct queue q;

    setup(&q, capacity);
    while (lead--) {
        ASSERT_OK(push(&q));
        ASSERT_OK(pop(&q));
    }
    push_n(&q, fill);
    cspi_ring_close(&q.ring, &q.tail);
    for (int again = 0; again < 2; again++) {
        ASSERT_SHUT(push(&q));
        cr_assert(not(cspi_ring_push_fast(&q.ring, &q.tail, csp_value_none())));
        cr_assert(cspi_ring_may_push(&q.ring, &q.tail)); /* no need to wait */
        cspi_ring_close(&q.ring, &q.tail);
    }
    for (size_t n = fill; n > 0; n--) {
        cr_assert(eq(sz, len(&q), n));
        ASSERT_OK(cspi_ring_peek(&q.ring, &q.head));
        ASSERT_OK(pop(&q));
        ASSERT_SHUT(push(&q)); /* the pop kept the mark */
    }
    cr_assert(eq(sz, len(&q), 0));
    ASSERT_SHUT(cspi_ring_peek(&q.ring, &q.head));
    ASSERT_SHUT(pop(&q));
    cspi_ring_close(&q.ring, &q.tail);
    ASSERT_SHUT(pop(&q));
    ASSERT_SHUT(push(&q));
    teardown(&q);
}

Test(ring, a_close_keeps_what_is_there_and_lets_nothing_in)
{
    EACH_CAPACITY(c)
    for (size_t lead = 0; lead <= 2 * c + 1; lead += c / 3 + 1) {
        check_close(c, lead, 0);
        check_close(c, lead, 1);
        check_close(c, lead, c / 2);
        check_close(c, lead, c - 1);
        check_close(c, lead, c);
    }
}

Test(ring, the_straight_line_pop_keeps_the_mark)
{
    EACH_CAPACITY(c)
    {
        struct queue q;
        csp_value v;

        setup(&q, c);
        push_n(&q, c);
        cspi_ring_close(&q.ring, &q.tail);
        for (size_t n = 0; n < c; n++) {
            cr_assert(cspi_ring_pop_fast(&q.ring, &q.head, &v));
            cr_assert(eq(i64, csp_value_as_int(v), q.received++));
            ASSERT_SHUT(push(&q));
        }
        ASSERT_SHUT(pop(&q));
        teardown(&q);
    }
}

Test(ring, an_allocation_that_fails_leaves_nothing)
{
    struct cspi_ring ring;
    struct cspi_cursor tail, head;

    cspi_alloc_fail_nth(1);
    cr_assert(eq(int, cspi_ring_init(&ring, &tail, &head, 7), CSP_ENOMEM));
}
