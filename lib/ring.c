// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ring.c: the ring.
 *
 * Each send has a position, a number that only grows; index = position modulo
 * the lap, and positions whose index is not below the capacity are skipped.
 * Slot i goes through the words
 *
 *     E(i), F(i), E(i + lap), F(i + lap), ...    E(p) = p << 8
 *                                                F(p) = p << 8 | FULL | tag
 *
 * where F(p) also carries the payload. T is the first position that no push
 * has taken, H the first that no pop has taken.
 *
 * Invariants:
 *   R1  Every write to a live slot is one 16-byte compare-and-swap, and words
 *       only grow: an expected word never comes back, so there is no ABA.
 *   R2  tail <= T and head <= H, always: cursors are hints that may lag.
 *   R3  Positions are taken in order, by pushes and by pops.
 *   R4  CLOSED is set once, on the slot of T, full or not; T is frozen then.
 *       A pop keeps the mark.
 *   R5  Full means exactly capacity values, empty exactly none, at the load
 *       that finds it.
 * docs/design/ring.md has the proofs. No thread holds anything in between two
 * steps: one that stops for ever, anywhere, stops nobody.
 *
 * Memory:  the owner (the channel) frees the slots when no operation can be
 *          in progress; values left in them are its business. */
#include "ring.h"

#include <csp/status.h>

#include "alloc.h"
#include "park.h"

/* What an operation found at the true tail or head. */
struct place {
    cspi_pair *slot;
    uint64_t hint; /* the cursor as it was loaded */
    uint64_t pos;
    uint64_t word;
};

/* The slot of T, as of its load (see ring.md, A1). */
static inline struct place
find_tail(const struct cspi_ring *r, struct cspi_cursor *tail)
{
    struct place at;

    at.hint = at.pos = cspi_load(&tail->pos, ACQUIRE); // edge hint: acquire
    for (;;) {
        at.slot = cspi_ring_slot(r, at.pos);
        // edges slot-free, enlist-then-look: seq_cst, so that what a send
        // and a waiting receiver see of each other has one order
        at.word = cspi_load(&at.slot->word, SEQ_CST);
        if (likely(at.word < (at.pos << 8 | CSPI_RING_FULL)))
            return at;
        uint64_t taken = at.word >> 8;
        if (!(at.word & CSPI_RING_FULL)) /* E(p): the lap before was popped */
            taken -= cspi_ring_lap(r);
        at.pos = cspi_ring_next(r, taken);
    }
}

/* The slot of H, as of its load (see ring.md, A2). */
static inline struct place
find_head(const struct cspi_ring *r, struct cspi_cursor *head)
{
    struct place at;

    at.hint = at.pos = cspi_load(&head->pos, ACQUIRE); // edge hint: acquire
    for (;;) {
        at.slot = cspi_ring_slot(r, at.pos);
        // edges slot-full, enlist-then-look: seq_cst, as in find_tail
        at.word = cspi_load(&at.slot->word, SEQ_CST);
        if (likely(at.word < ((at.pos + 1) << 8)))
            return at;
        at.pos = cspi_ring_next(r, (at.word >> 8) - cspi_ring_lap(r));
    }
}

/* After a lost exchange: leave the winner alone for a moment, so that it works
 * in batches. Bounded, so what is lock-free stays so. */
static CSPI_COLD unsigned
contended(unsigned k)
{
    for (unsigned i = 0; i < 1u << k; i++)
        cspi_park_pause();
    return k < 6 ? k + 1 : k;
}

enum cspi_ring_answer
cspi_ring_push(const struct cspi_ring *r, struct cspi_cursor *tail, csp_value v)
{
    for (unsigned k = 0;; k = contended(k)) {
        struct place at = find_tail(r, tail);

        CSP_INVARIANT(at.pos < UINT64_C(1) << 56);
        if (unlikely(at.word != at.pos << 8)) /* linearizes at its load */
            return at.word & CSPI_RING_CLOSED ? CSPI_RING_SHUT
                                              : CSPI_RING_AGAIN;
        // edges slot-full, enlist-then-look: a push linearizes here
        if (likely(cspi_cas16(at.slot, at.word, 0,
                              at.pos << 8 | CSPI_RING_FULL | v.tag_,
                              v.bits_))) {
            cspi_ring_advance(tail, at.hint, cspi_ring_next(r, at.pos));
            return CSPI_RING_OK;
        }
    }
}

enum cspi_ring_answer
cspi_ring_pop(const struct cspi_ring *r, struct cspi_cursor *head, csp_value *v)
{
    for (unsigned k = 0;; k = contended(k)) {
        struct place at = find_head(r, head);

        if (unlikely(at.word < (at.pos << 8 | CSPI_RING_FULL))) /* its load */
            return at.word & CSPI_RING_CLOSED ? CSPI_RING_SHUT
                                              : CSPI_RING_AGAIN;
        // relaxed: the exchange confirms it
        uint64_t bits = cspi_load(&at.slot->bits, RELAXED);
        // edges slot-free, enlist-then-look: a pop linearizes here
        if (likely(cspi_cas16(at.slot, at.word, bits,
                              (at.pos + cspi_ring_lap(r)) << 8 |
                                  (at.word & CSPI_RING_CLOSED),
                              0))) {
            cspi_ring_advance(head, at.hint, cspi_ring_next(r, at.pos));
            *v = cspi_ring_value(at.word, bits);
            return CSPI_RING_OK;
        }
    }
}

void
cspi_ring_close(const struct cspi_ring *r, struct cspi_cursor *tail)
{
    for (;;) {
        struct place at = find_tail(r, tail);

        if (at.word & CSPI_RING_CLOSED)
            return;
        // relaxed: the exchange confirms it
        uint64_t bits = cspi_load(&at.slot->bits, RELAXED);
        // edges closed, enlist-then-look: a close linearizes here
        if (cspi_cas16(at.slot, at.word, bits, at.word | CSPI_RING_CLOSED,
                       bits))
            return;
    }
}

enum cspi_ring_answer
cspi_ring_room(const struct cspi_ring *r, struct cspi_cursor *tail)
{
    struct place at = find_tail(r, tail);

    if (at.word == at.pos << 8)
        return CSPI_RING_OK;
    return at.word & CSPI_RING_CLOSED ? CSPI_RING_SHUT : CSPI_RING_AGAIN;
}

enum cspi_ring_answer
cspi_ring_peek(const struct cspi_ring *r, struct cspi_cursor *head)
{
    struct place at = find_head(r, head);

    if (at.word >= (at.pos << 8 | CSPI_RING_FULL))
        return CSPI_RING_OK;
    return at.word & CSPI_RING_CLOSED ? CSPI_RING_SHUT : CSPI_RING_AGAIN;
}

/* How many positions that exist come before @p pos. */
static uint64_t
ordinal(const struct cspi_ring *r, uint64_t pos)
{
    return pos / cspi_ring_lap(r) * r->capacity + (pos & r->mask);
}

void
cspi_ring_count(const struct cspi_ring *r, struct cspi_cursor *tail,
                struct cspi_cursor *head, uint64_t *pushed, uint64_t *popped)
{
    uint64_t h = ordinal(r, find_head(r, head).pos);
    uint64_t t = ordinal(r, find_tail(r, tail).pos);

    *pushed = t;
    *popped = t < h ? t : t - h > r->capacity ? t - r->capacity : h;
}

enum cspi_ring_answer
cspi_ring_push_over(const struct cspi_ring *r, struct cspi_cursor *tail,
                    csp_value v, csp_value *old, bool *evicted)
{
    for (unsigned k = 0;; k = contended(k)) {
        struct place at = find_tail(r, tail);

        if (at.word & CSPI_RING_CLOSED)
            return CSPI_RING_SHUT;
        // relaxed: the exchange confirms it
        uint64_t bits = cspi_load(&at.slot->bits, RELAXED);
        // edges slot-full, slot-free, enlist-then-look: in a full ring the
        // slot of T is that of H, so this pops and pushes in one step
        if (cspi_cas16(at.slot, at.word, bits,
                       at.pos << 8 | CSPI_RING_FULL | v.tag_, v.bits_)) {
            cspi_ring_advance(tail, at.hint, cspi_ring_next(r, at.pos));
            *evicted = at.word & CSPI_RING_FULL;
            *old = cspi_ring_value(at.word, bits);
            return CSPI_RING_OK;
        }
    }
}

void
cspi_ring_init_never(struct cspi_ring *r, struct cspi_cursor *tail,
                     struct cspi_cursor *head)
{
    static cspi_pair never = {.word = CSPI_RING_FULL}; /* F(0); read only */

    *r = (struct cspi_ring){&never, 0, 0};
    cspi_store(&tail->pos, 1, RELAXED); // relaxed: nobody else knows them
    cspi_store(&head->pos, 1, RELAXED); // relaxed: as above
}

int
cspi_ring_init(struct cspi_ring *r, struct cspi_cursor *tail,
               struct cspi_cursor *head, uint32_t capacity)
{
    uint32_t lap = 1;

    CSP_INVARIANT(capacity > 0 && capacity <= UINT32_C(1) << 30);
    while (lap < capacity)
        lap *= 2;
    r->slots = cspi_alloc_zero(capacity * sizeof *r->slots, CSPI_CACHE_LINE);
    if (!r->slots)
        return CSP_ENOMEM;
    r->capacity = capacity;
    r->mask = lap - 1;
    for (uint32_t i = 0; i < capacity; i++) // relaxed: nobody else knows them
        cspi_store(&r->slots[i].word, (uint64_t)i << 8, RELAXED);
    cspi_store(&tail->pos, 0, RELAXED); // relaxed: as above
    cspi_store(&head->pos, 0, RELAXED); // relaxed: as above
    return 0;
}

void
cspi_ring_fini(struct cspi_ring *r)
{
    if (r->capacity == 0) /* init_never */
        return;
    cspi_alloc_free(r->slots, r->capacity * sizeof *r->slots);
    r->slots = NULL;
}
