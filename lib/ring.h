// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ring.h: a bounded queue of values that any number of threads may push to
 * and pop from; lock-free, never waits, closed by one bit. ring.c has the
 * protocol. The straight-line cases are here, to be inlined. */
#ifndef CSPI_RING_H
#define CSPI_RING_H

#include <stddef.h>
#include <string.h>

#include <csp/value.h>

#include "atomic.h"
#include "cc.h"

/* A slot's word is position << 8 | FULL | CLOSED | tag; bits is the payload. */
#define CSPI_RING_FULL UINT64_C(0x80)
#define CSPI_RING_CLOSED UINT64_C(0x40)
#define CSPI_RING_TAG UINT64_C(0x3f)

/* Answers of an attempt. CLOSED for a pop: and nothing is left. */
enum cspi_ring_answer { CSPI_RING_OK, CSPI_RING_AGAIN, CSPI_RING_SHUT };

struct cspi_ring {
    cspi_pair *slots;
    uint32_t capacity; /* slots in use */
    uint32_t mask;     /* lap - 1; lap: the power of two >= capacity */
};

/* A hint where the next operation should look. Its owner gives it a pair of
 * cache lines of its own, since processors fetch them in pairs. */
struct cspi_cursor {
    cspi_a64 pos;
};

/** Make an empty ring. Returns: 0, CSP_ENOMEM. Threads: the owner. */
int cspi_ring_init(struct cspi_ring *r, struct cspi_cursor *tail,
                   struct cspi_cursor *head, uint32_t capacity);

/** Free its slots; what they hold is not released. Threads: the owner. */
void cspi_ring_fini(struct cspi_ring *r);

/** Append @p v. Threads: any, lock-free.
 *  Returns: OK, AGAIN (full), SHUT. */
enum cspi_ring_answer cspi_ring_push(const struct cspi_ring *r,
                                     struct cspi_cursor *tail, csp_value v);

/** Take the oldest value. Threads: any, lock-free.
 *  Returns: OK, AGAIN (empty), SHUT (closed and empty). */
enum cspi_ring_answer cspi_ring_pop(const struct cspi_ring *r,
                                    struct cspi_cursor *head, csp_value *v);

/** After this no push succeeds. Idempotent. Threads: any, lock-free. */
void cspi_ring_close(const struct cspi_ring *r, struct cspi_cursor *tail);

/** What a push would answer. Threads: any, lock-free. */
enum cspi_ring_answer cspi_ring_room(const struct cspi_ring *r,
                                     struct cspi_cursor *tail);

/** Whether a push would not answer AGAIN. Threads: any, lock-free. */
static inline bool
cspi_ring_may_push(const struct cspi_ring *r, struct cspi_cursor *tail)
{
    return cspi_ring_room(r, tail) != CSPI_RING_AGAIN;
}

/** What a pop would answer. Threads: any, lock-free. */
enum cspi_ring_answer cspi_ring_peek(const struct cspi_ring *r,
                                     struct cspi_cursor *head);

/** How many values were ever pushed and popped (or evicted). Their difference
 *  is what it holds; exact when nothing is in progress, never more than the
 *  capacity. Threads: any, lock-free. */
void cspi_ring_count(const struct cspi_ring *r, struct cspi_cursor *tail,
                     struct cspi_cursor *head, uint64_t *pushed,
                     uint64_t *popped);

/** As cspi_ring_push(), but a full ring loses its oldest value to *@p old.
 *  *@p evicted: whether it did. Returns: OK, SHUT. */
enum cspi_ring_answer cspi_ring_push_over(const struct cspi_ring *r,
                                          struct cspi_cursor *tail, csp_value v,
                                          csp_value *old, bool *evicted);

/** Make a ring that answers AGAIN to every push and pop: where the straight
 *  lines above shall fail, without a test of their own. */
void cspi_ring_init_never(struct cspi_ring *r, struct cspi_cursor *tail,
                          struct cspi_cursor *head);

static inline uint64_t
cspi_ring_lap(const struct cspi_ring *r)
{
    return (uint64_t)r->mask + 1;
}

static inline cspi_pair *
cspi_ring_slot(const struct cspi_ring *r, uint64_t pos)
{
    return &r->slots[pos & r->mask];
}

/* The position after @p pos: the next index, or the start of the next lap. */
static inline uint64_t
cspi_ring_next(const struct cspi_ring *r, uint64_t pos)
{
    return likely((uint32_t)(pos & r->mask) + 1 < r->capacity)
               ? pos + 1
               : (pos | r->mask) + 1;
}

/* The value in a slot, whose two halves are stored as such: the receiver will
 * load it in as large pieces, and wait if they were stored in smaller ones. */
static inline csp_value
cspi_ring_value(uint64_t word, uint64_t bits)
{
    uint64_t halves[2] = {bits, word & CSPI_RING_TAG};
    csp_value v;

    _Static_assert(sizeof v == sizeof halves, "bits, then tag and zero");
    memcpy(&v, halves, sizeof v);
    return v;
}

/* Move a cursor on after success, unless somebody else did: a plain store. A
 * thread that stalls before the store sets the cursor back; the others then
 * walk over the slots (at most capacity steps), and the next success mends it.
 * @p hint is what this operation *loaded*: comparing with the position it
 * found instead would leave the cursor stuck behind for ever. */
static inline void
cspi_ring_advance(struct cspi_cursor *c, uint64_t hint, uint64_t to)
{
    // relaxed: a guess. edge hint: release, what the storer saw of the slots
    if (likely(cspi_load(&c->pos, RELAXED) == hint))
        cspi_store(&c->pos, to, RELEASE);
}

/* The common case of a push in one straight line. False says nothing: ask
 * cspi_ring_push(). */
static inline bool
cspi_ring_push_fast(const struct cspi_ring *r, struct cspi_cursor *tail,
                    csp_value v)
{
    uint64_t t = cspi_load(&tail->pos, ACQUIRE); // edge hint: acquire
    cspi_pair *s = cspi_ring_slot(r, t);

    // edge slot-free: acquire; only success counts here, so no seq_cst
    if (unlikely(cspi_load(&s->word, ACQUIRE) != t << 8))
        return false;
    // edges slot-full, enlist-then-look: linearizes here, as in the loop
    if (unlikely(!cspi_cas16(s, t << 8, 0, t << 8 | CSPI_RING_FULL | v.tag_,
                             v.bits_)))
        return false;
    cspi_ring_advance(tail, t, cspi_ring_next(r, t));
    return true;
}

/* The common case of a pop: see cspi_ring_push_fast(). */
static inline bool
cspi_ring_pop_fast(const struct cspi_ring *r, struct cspi_cursor *head,
                   csp_value *v)
{
    uint64_t h = cspi_load(&head->pos, ACQUIRE); // edge hint: acquire
    cspi_pair *s = cspi_ring_slot(r, h);
    uint64_t w = cspi_load(&s->word, ACQUIRE); // edge slot-full: acquire

    if (unlikely((w & ~(CSPI_RING_TAG | CSPI_RING_CLOSED)) !=
                 (h << 8 | CSPI_RING_FULL)))
        return false;
    uint64_t bits = cspi_load(&s->bits, RELAXED); // relaxed: CAS confirms it
    // edges slot-free, enlist-then-look: linearizes here, as in the loop
    if (unlikely(!cspi_cas16(
            s, w, bits, (h + cspi_ring_lap(r)) << 8 | (w & CSPI_RING_CLOSED),
            0)))
        return false;
    cspi_ring_advance(head, h, cspi_ring_next(r, h));
    *v = cspi_ring_value(w, bits);
    return true;
}

#endif
