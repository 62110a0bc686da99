// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* park.c: futexes and eventfds; the only file with Linux-only calls.
 *
 * Invariants:
 *   P1  A wait returns at once unless the word is what the caller has seen:
 *       the kernel compares and sleeps in one step, so a waker that changes
 *       the word first and wakes then is never missed.
 *   P2  A wake is the waker's last use of the word, and uses its address only.
 * Memory:  none of its own.
 * Process-wide state: forks, written in the child of one by its only thread;
 *          thread-local: a thread's number. */
#define _GNU_SOURCE
#include "park.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csp/status.h>

#include "alloc.h"
#include "cc.h"

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

uint64_t
cspi_park_thread(void)
{
    static CSPI_THREAD_LOCAL uint64_t mine;

    if (!mine)
        mine = (uint64_t)syscall(SYS_gettid);
    return mine;
}

struct cspi_park_fd {
    cspi_a32 refs;
    int fd;
    unsigned forks; /* there were, when it was made: see below */
};

/* How many forks lie between the first process and this one. A descriptor of a
 * parent is shared with it: what the child does to it the parent would miss. */
static unsigned forks;

static void
count_fork(void)
{
    forks++;
}

/* When the library is loaded, so before anything is made that must know. It
 * fails if there is no memory, when the process has hardly begun. */
__attribute__((constructor)) static void
watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, count_fork);
}

unsigned
cspi_park_forks(void)
{
    return forks;
}

struct cspi_park_fd *
cspi_park_fd_new(void)
{
    struct cspi_park_fd *f = cspi_alloc_raw(sizeof *f);

    if (!f)
        return NULL;
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->fd < 0) {
        cspi_alloc_free(f, sizeof *f);
        return NULL;
    }
    f->forks = forks;
    cspi_store(&f->refs, 1, RELAXED); // relaxed: nobody else knows it
    return f;
}

struct cspi_park_fd *
cspi_park_fd_ref(struct cspi_park_fd *f)
{
    cspi_add(&f->refs, 1, RELAXED); // relaxed: the caller's lock holds one
    return f;
}

void
cspi_park_fd_unref(struct cspi_park_fd *f)
{
    // edge last-ref: acquire and release
    if (!f || cspi_sub(&f->refs, 1, ACQ_REL) != 1)
        return;
    close(f->fd);
    cspi_alloc_free(f, sizeof *f);
}

int
cspi_park_fd_number(const struct cspi_park_fd *f)
{
    return f->fd;
}

void
cspi_park_fd_signal(struct cspi_park_fd *f)
{
    uint64_t one = 1;

    /* It fails only when 2^64 - 2 signals were not cleared: readable then. */
    while (f->forks == forks && write(f->fd, &one, sizeof one) < 0 &&
           errno == EINTR)
        ;
}

void
cspi_park_fd_clear(struct cspi_park_fd *f)
{
    uint64_t n;

    while (f->forks == forks && read(f->fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
}
