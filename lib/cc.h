// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* cc.h: words for the compiler, and assertions. */
#ifndef CSPI_CC_H
#define CSPI_CC_H

#include <assert.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define CSPI_COLD __attribute__((noinline, cold))
#define CSPI_NOINLINE __attribute__((noinline))
#define CSPI_CACHE_LINE 64

/* glibc gives a library that was loaded late its thread-local variables when a
 * thread first uses them, and ends the program if memory is short then. Small
 * ones it gives with the thread itself, if they ask for it; musl always does.
 */
#ifdef __GLIBC__
#    define CSPI_EARLY __attribute__((tls_model("initial-exec")))
#else
#    define CSPI_EARLY
#endif

/* A variable of which each thread has its own, and one of the process on which
 * depends what a thread does. In a build whose threads are coroutines of one
 * (CSPI_COROUTINES, tests/explore) they lie in sections: the scheduler of the
 * test swaps the first when it switches, and sets both back before each run. */
#ifdef CSPI_COROUTINES
#    define CSPI_THREAD_LOCAL __attribute__((section("cspi_thread_local")))
#    define CSPI_PROCESS_WIDE __attribute__((section("cspi_process_wide")))
#else
#    define CSPI_THREAD_LOCAL _Thread_local CSPI_EARLY
#    define CSPI_PROCESS_WIDE
#endif

/* A bound that has a great many steps before it, and the one that explorations
 * use in its place, so that they get to what comes behind it. */
#ifdef CSPI_COROUTINES
#    define CSPI_BOUND(usual, explored) (explored)
#else
#    define CSPI_BOUND(usual, explored) (usual)
#endif

/** The struct of type @p type whose member @p member is at @p ptr. */
#define cspi_container(ptr, type, member)                                      \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* What must hold inside the library whatever its callers do: checked in debug
 * builds only. */
#define CSP_INVARIANT(x) assert(x)

#endif
