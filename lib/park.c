// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* park.c: futexes; the only file with Linux-only calls.
 *
 * Invariants:
 *   P1  A wait returns at once unless the word is what the caller has seen:
 *       the kernel compares and sleeps in one step, so a waker that changes
 *       the word first and wakes then is never missed.
 *   P2  A wake is the waker's last use of the word, and uses its address only.
 * Memory:  none of its own. */
#define _GNU_SOURCE
#include "park.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csp/status.h>

int
cspi_park_wait(cspi_a32 *word, uint32_t seen, csp_time deadline)
{
    struct timespec ts = {(time_t)(deadline / 1000000000),
                          (long)(deadline % 1000000000)};

    /* _BITSET, because it takes an absolute time on the monotonic clock. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen,
                      deadline == CSP_FOREVER ? NULL : &ts, NULL,
                      FUTEX_BITSET_MATCH_ANY);
    if (rc == 0)
        return 0;
    return errno == ETIMEDOUT ? CSP_ETIMEOUT
           : errno == EINTR   ? CSP_EINTERRUPTED
                              : 0; /* EAGAIN: the word has changed */
}

void
cspi_park_wake(cspi_a32 *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
cspi_park_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#endif
}

void
cspi_park_yield(void)
{
    sched_yield();
}

void
cspi_park_relax(unsigned *turns)
{
    if (++*turns % 64)
        cspi_park_pause();
    else
        cspi_park_yield();
}
