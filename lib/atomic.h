// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* atomic.h: the one seam for atomics.
 *
 * Every atomic access of the library is one of the macros below, with its
 * order written out. A build for tests (CSPI_STEPS) makes each of them a step
 * at which a test may stop the thread or choose who runs next.
 *
 * An ordered access names its edge in a comment; the table of edges in
 * docs/design/memory-model.md is made from those comments.
 *
 * There are no stand-alone fences: ThreadSanitizer does not model them. */
#ifndef CSPI_ATOMIC_H
#define CSPI_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic(uint32_t) cspi_a32;
typedef _Atomic(uint64_t) cspi_a64;

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define ACQ_REL memory_order_acq_rel
#define SEQ_CST memory_order_seq_cst

#ifdef CSPI_STEPS
/* The test that links this build defines it: the calling thread is about to
 * touch *p, in this way, at this place. (Beware: p is evaluated twice then.) */
void cspi_step(const volatile void *p, const char *how, const char *function,
               int line);
#    define cspi_step_(p, how) cspi_step((p), (how), __func__, __LINE__)
#else
#    define cspi_step_(p, how) ((void)0)
#endif

#define cspi_load(p, order)                                                    \
    (cspi_step_(p, "load"), atomic_load_explicit((p), (order)))
#define cspi_store(p, v, order)                                                \
    (cspi_step_(p, "store"), atomic_store_explicit((p), (v), (order)))
#define cspi_exchange(p, v, order)                                             \
    (cspi_step_(p, "exchange"), atomic_exchange_explicit((p), (v), (order)))
#define cspi_add(p, v, order)                                                  \
    (cspi_step_(p, "add"), atomic_fetch_add_explicit((p), (v), (order)))
#define cspi_sub(p, v, order)                                                  \
    (cspi_step_(p, "sub"), atomic_fetch_sub_explicit((p), (v), (order)))
#define cspi_or(p, v, order)                                                   \
    (cspi_step_(p, "or"), atomic_fetch_or_explicit((p), (v), (order)))
/* Strong; on failure *seen is what was found, read with order relaxed. */
#define cspi_cas(p, seen, v, order)                                            \
    (cspi_step_(p, "cas"),                                                     \
     atomic_compare_exchange_strong_explicit((p), (seen), (v), (order),        \
                                             memory_order_relaxed))

/* A pair of 64-bit words that change together, by cspi_cas16() only; each may
 * be loaded by itself. C11 has no words for that: it relies on x86-64, and on
 * the single-copy atomicity of ARMv8, where word is the lower half. */
typedef struct cspi_pair {
    _Alignas(16) cspi_a64 word;
    cspi_a64 bits;
} cspi_pair;

__extension__ typedef unsigned __int128 cspi_u128 __attribute__((may_alias));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "word is low");

#if defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define CSPI_TSAN 1
#    endif
#endif
#if defined(__SANITIZE_THREAD__)
#    define CSPI_TSAN 1
#endif

/* Both ThreadSanitizer runtimes emulate the 16-byte exchange with a lock that
 * a plain store releases, which is no full barrier as the real instruction
 * is. A read-modify-write that is one restores the order of the real thing. */
#ifdef CSPI_TSAN
static inline void
cspi_tsan_barrier(void)
{
    static _Thread_local cspi_a32 dummy;

    // edge tsan-only: seq_cst, the barrier that the emulation lacks
    atomic_fetch_add_explicit(&dummy, 1, memory_order_seq_cst);
}
#else
#    define cspi_tsan_barrier() ((void)0)
#endif

#define cspi_cas16(p, word, bits, word2, bits2)                                \
    (cspi_step_(p, "cas16"), cspi_cas16_((p), (word), (bits), (word2), (bits2)))

/** cspi_cas16(): change *@p p from {word, bits} to {word2, bits2} in one step.
 *
 *  The __sync form, because gcc and clang make one instruction of it, where
 *  gcc's __atomic form calls a library that takes a lock.
 *
 *  - Orders: seq_cst, a full barrier; callers name their edges.
 *  - Returns: whether *@p p was {word, bits}. */
static inline bool
cspi_cas16_(cspi_pair *p, uint64_t word, uint64_t bits, uint64_t word2,
            uint64_t bits2)
{
    bool done = __sync_bool_compare_and_swap((cspi_u128 *)(void *)p,
                                             (cspi_u128)bits << 64 | word,
                                             (cspi_u128)bits2 << 64 | word2);
    cspi_tsan_barrier();
    return done;
}

#endif
