// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* park.h: one thread sleeps on a 32-bit word until another wakes it.
 *
 * The word and what its values mean belong to the caller. The right loop:
 *
 *     while (load(word, ACQUIRE) == asleep)
 *         rc = cspi_park_wait(word, asleep, deadline);
 *
 * The word decides, not rc: a real wake-up can come together with a signal or
 * with the deadline, and it wins. */
#ifndef CSPI_PARK_H
#define CSPI_PARK_H

#include <csp/clock.h>

#include "atomic.h"

/** Sleep while *@p word is @p seen, until woken, @p deadline or a signal.
 *
 *  - Threads: any.
 *  - Blocks: until @p deadline. Spurious returns are allowed.
 *  - Returns: 0, CSP_ETIMEOUT, CSP_EINTERRUPTED. */
int cspi_park_wait(cspi_a32 *word, uint32_t seen, csp_time deadline);

/** Wake one thread that sleeps on @p word. Uses the address only: the memory
 *  behind it may be gone already. A waker that hits a new owner of the same
 *  address does no harm, since every sleeper looks at its word again.
 *
 *  - Threads: any, wait-free. */
void cspi_park_wake(cspi_a32 *word);

/* A file descriptor that another thread can make readable, for those who sleep
 * in poll(). Counted: who signals it holds a reference, so that the number is
 * not that of another file by then. */
struct cspi_park_fd;

/** How many forks lie between the first process and this one, whatever has been
 *  made so far. Threads: any. */
unsigned cspi_park_forks(void);

/** A new one with one reference. Returns: NULL: no memory or no descriptor. */
struct cspi_park_fd *cspi_park_fd_new(void);
struct cspi_park_fd *cspi_park_fd_ref(struct cspi_park_fd *f);

/** NULL does nothing; the last reference closes it. */
void cspi_park_fd_unref(struct cspi_park_fd *f);
int cspi_park_fd_number(const struct cspi_park_fd *f);

/** Make it readable; and not. Nothing happens to a descriptor of a parent.
 *  Threads: any. */
void cspi_park_fd_signal(struct cspi_park_fd *f);
void cspi_park_fd_clear(struct cspi_park_fd *f);

/** The system's number of the calling thread. Threads: any. */
uint64_t cspi_park_thread(void);

/** Tell the processor that this thread spins. Threads: any, wait-free. */
void cspi_park_pause(void);

/** Let another thread have this processor. Threads: any. */
void cspi_park_yield(void);

/** One turn of waiting for something that a running thread ends within a few
 *  steps: pauses, and now and then a yield in case it does not run. @p turns
 *  counts them, from 0. */
void cspi_park_relax(unsigned *turns);

#endif
