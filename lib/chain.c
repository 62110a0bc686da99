// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chain.c: unbounded, as a chain of rings.
 *
 * Pushes go to the last ring. When it is full a twice as large one is put
 * behind it and it is closed, by the same mark as any ring; pops go on to the
 * next when a ring is closed and drained.
 *
 * Invariants:
 *   N1  next goes from NULL to a link or to THE_END, once, before the ring is
 *       closed: a ring that is closed has a next.
 *   N2  Whoever sees next set on a ring that is not closed yet closes it
 *       before it goes on or answers. So nothing enters a ring before the one
 *       before it is closed, and order and "empty" are as exact as a ring's.
 *   N3  tail and head are hints: they may lag, never lead.
 * Memory:  links are freed with the chain, at most four times the room that
 *          was needed at once; so nobody holds a link that may go away. */
#include "chain.h"

#include <csp/status.h>

#include "alloc.h"

enum { FIRST_CAPACITY = CSPI_BOUND(16, 1), LAST_CAPACITY = 1 << 30 };

struct cspi_link {
    struct cspi_ring ring;
    _Atomic(struct cspi_link *) next;
    _Alignas(128) struct cspi_cursor tail;
    _Alignas(128) struct cspi_cursor head;
};

static struct cspi_link the_end;
#define THE_END (&the_end)

static struct cspi_link *
link_new(uint32_t capacity)
{
    struct cspi_link *l =
        cspi_alloc_zero(sizeof *l, _Alignof(struct cspi_link));

    if (l && cspi_ring_init(&l->ring, &l->tail, &l->head, capacity) < 0) {
        cspi_alloc_free(l, sizeof *l);
        l = NULL;
    }
    return l;
}

static void
link_free(struct cspi_link *l)
{
    cspi_ring_fini(&l->ring);
    cspi_alloc_free(l, sizeof *l);
}

int
cspi_chain_init(struct cspi_chain *c)
{
    c->first = link_new(FIRST_CAPACITY);
    if (!c->first)
        return CSP_ENOMEM;
    cspi_store(&c->tail, c->first, RELAXED); // relaxed: nobody else knows c
    cspi_store(&c->head, c->first, RELAXED); // relaxed: as above
    return 0;
}

void
cspi_chain_fini(struct cspi_chain *c)
{
    for (struct cspi_link *l = c->first, *next; l && l != THE_END; l = next) {
        next = cspi_load(&l->next, RELAXED); // relaxed: the owner alone
        link_free(l);
    }
}

/* Sets the successor of @p l, unless it has one, and closes @p l: N2.
 * Returns: the successor that it has. */
static struct cspi_link *
succeed(struct cspi_link *l, struct cspi_link *next)
{
    struct cspi_link *seen = NULL;

    // edge chain-next: release, the new ring; acquire, somebody else's
    if (!cspi_cas(&l->next, &seen, next, ACQ_REL)) {
        if (next != THE_END)
            link_free(next);
        next = cspi_load(&l->next, ACQUIRE); // edge chain-next: acquire
    }
    cspi_ring_close(&l->ring, &l->tail);
    return next;
}

/* The ring behind a full one; made if there is none. NULL: no memory. */
static struct cspi_link *
grow(struct cspi_link *l)
{
    // edge chain-next: acquire
    struct cspi_link *next = cspi_load(&l->next, ACQUIRE);

    if (!next) {
        uint32_t capacity = l->ring.capacity;
        next = link_new(capacity < LAST_CAPACITY ? capacity * 2 : capacity);
        if (!next)
            return NULL;
    } else if (next != THE_END) {
        cspi_ring_close(&l->ring, &l->tail); /* N2 */
        return next;
    }
    return succeed(l, next);
}

/* The ring after @p l, which is full (AGAIN) or closed, for the next push.
 * Returns: THE_END if there is none; NULL: no memory for one. */
static struct cspi_link *
advance(struct cspi_chain *c, struct cspi_link *l, enum cspi_ring_answer why)
{
    // edge chain-next: acquire; a ring that is closed has a next (N1)
    struct cspi_link *next =
        why == CSPI_RING_AGAIN ? grow(l) : cspi_load(&l->next, ACQUIRE);

    if (next && next != THE_END)
        // edge chain-hint: release; a late store sets it back, no more
        cspi_store(&c->tail, next, RELEASE);
    return next;
}

int
cspi_chain_push(struct cspi_chain *c, csp_value v)
{
    struct cspi_link *l = cspi_load(&c->tail, ACQUIRE); // edge chain-hint

    for (;;) {
        enum cspi_ring_answer r = cspi_ring_push(&l->ring, &l->tail, v);
        if (r == CSPI_RING_OK)
            return CSPI_RING_OK;
        if (!(l = advance(c, l, r)))
            return CSP_ENOMEM;
        if (l == THE_END)
            return CSPI_RING_SHUT;
    }
}

int
cspi_chain_reserve(struct cspi_chain *c)
{
    struct cspi_link *l = cspi_load(&c->tail, ACQUIRE); // edge chain-hint

    for (;;) {
        enum cspi_ring_answer r = cspi_ring_room(&l->ring, &l->tail);
        if (r == CSPI_RING_OK)
            return 0;
        if (!(l = advance(c, l, r)))
            return CSP_ENOMEM;
        if (l == THE_END)
            return 0; /* the push says so */
    }
}

/* Goes through the rings from the head's on until one answers for all. */
static enum cspi_ring_answer
first_answer(struct cspi_chain *c, csp_value *v)
{
    struct cspi_link *l = cspi_load(&c->head, ACQUIRE); // edge chain-hint

    for (;;) {
        enum cspi_ring_answer r = v ? cspi_ring_pop(&l->ring, &l->head, v)
                                    : cspi_ring_peek(&l->ring, &l->head);
        if (r != CSPI_RING_SHUT)
            return r;
        // edge chain-next: acquire
        struct cspi_link *next = cspi_load(&l->next, ACQUIRE);
        if (next == THE_END)
            return CSPI_RING_SHUT;
        cspi_store(&c->head, next, RELEASE); // edge chain-hint: release
        l = next;
    }
}

enum cspi_ring_answer
cspi_chain_pop(struct cspi_chain *c, csp_value *v)
{
    return first_answer(c, v);
}

enum cspi_ring_answer
cspi_chain_peek(struct cspi_chain *c)
{
    return first_answer(c, NULL);
}

void
cspi_chain_close(struct cspi_chain *c)
{
    struct cspi_link *l = cspi_load(&c->tail, ACQUIRE); // edge chain-hint

    while ((l = succeed(l, THE_END)) != THE_END)
        ;
}

void
cspi_chain_count(struct cspi_chain *c, uint64_t *pushed, uint64_t *popped)
{
    *pushed = *popped = 0;
    for (struct cspi_link *l = c->first; l && l != THE_END;) {
        uint64_t t, h;
        cspi_ring_count(&l->ring, &l->tail, &l->head, &t, &h);
        *pushed += t;
        *popped += h;
        l = cspi_load(&l->next, ACQUIRE); // edge chain-next: acquire
    }
}
