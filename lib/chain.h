// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chain.h: an unbounded queue: rings, each twice the last, one after another.
 * chain.c has the protocol. The answers are those of ring.h. */
#ifndef CSPI_CHAIN_H
#define CSPI_CHAIN_H

#include "ring.h"

struct cspi_link;

/* Hints, as a ring's cursors are; first is for freeing. */
struct cspi_chain {
    struct cspi_link *first;
    _Atomic(struct cspi_link *) tail, head;
};

/** Make an empty chain. Returns: 0, CSP_ENOMEM. Threads: the owner. */
int cspi_chain_init(struct cspi_chain *c);

/** Free it; what it holds is not released. Threads: the owner. */
void cspi_chain_fini(struct cspi_chain *c);

/** Append @p v. Threads: any, lock-free but for the allocator.
 *  Returns: 0; CSPI_RING_SHUT; CSP_ENOMEM, nothing changed. */
int cspi_chain_push(struct cspi_chain *c, csp_value v);

/** See to it that the next push finds room, if nobody else pushes.
 *  Threads: as a push. Returns: 0; CSP_ENOMEM, nothing changed. */
int cspi_chain_reserve(struct cspi_chain *c);

/** As cspi_ring_pop(), cspi_ring_peek(), cspi_ring_close(). */
enum cspi_ring_answer cspi_chain_pop(struct cspi_chain *c, csp_value *v);
enum cspi_ring_answer cspi_chain_peek(struct cspi_chain *c);
void cspi_chain_close(struct cspi_chain *c);

/** How many values it holds, exact when nothing is in progress; and how many
 *  were ever pushed and popped. Threads: any, lock-free. */
void cspi_chain_count(struct cspi_chain *c, uint64_t *pushed, uint64_t *popped);

#endif
