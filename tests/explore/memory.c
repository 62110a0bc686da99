// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* memory.c: one arena; blocks are cut off its front, one after another.
 *
 * Each granule of 16 bytes has a mark: the number of the live block that it
 * belongs to, or 0. Blocks have a granule that is no one's behind them. */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"
#include "sched.h"

#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define WITH_ASAN 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#    define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#    include <sanitizer/asan_interface.h>
#    define forbid(p, size) __asan_poison_memory_region(p, size)
#    define permit(p, size) __asan_unpoison_memory_region(p, size)
#else
#    define forbid(p, size) ((void)0)
#    define permit(p, size) ((void)0)
#endif

enum { ARENA = 1 << 20, GRANULE = 16, BLOCKS = 1000, DEAD = 0xdb };

struct block {
    size_t at, size;
    bool freed;
};

static char *arena;
static size_t used;
static uint16_t mark[ARENA / GRANULE];
static struct block blocks[BLOCKS + 1]; /* from 1 */
static unsigned n_blocks;
static const char *fault;
static uint64_t fail_in;
static bool failed;

void
memory_reset(void)
{
    if (!arena)
        arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        abort();
    memset(mark, 0, used / GRANULE * sizeof *mark);
    forbid(arena, ARENA);
    used = 0;
    n_blocks = 0;
    fault = NULL;
}

static void
set_marks(const struct block *b, uint16_t value)
{
    for (size_t i = 0; i < (b->size + GRANULE - 1) / GRANULE; i++)
        mark[b->at / GRANULE + i] = value;
}

static void *
take(size_t size, size_t align)
{
    struct block *b = &blocks[n_blocks + 1];

    if ((fail_in && --fail_in == 0 && (failed = true)) || sched_memory_fails())
        return NULL;
    b->at = (used + align - 1) & ~(align - 1);
    b->size = size;
    b->freed = false;
    used = (b->at + size + 2 * GRANULE - 1) & ~(size_t)(GRANULE - 1);
    if (used > ARENA || n_blocks == BLOCKS) {
        fprintf(stderr, "a run needs more memory than it has\n");
        exit(2);
    }
    set_marks(b, (uint16_t)++n_blocks);
    permit(arena + b->at, size);
    return arena + b->at;
}

void *
cspi_alloc_raw(size_t size)
{
    void *p = take(size, GRANULE);

    if (p)
        memset(p, DEAD, size);
    return p;
}

void *
cspi_alloc_zero(size_t size, size_t align)
{
    void *p = take(size, align < GRANULE ? GRANULE : align);

    if (p)
        memset(p, 0, size);
    return p;
}

static unsigned
block_of(const volatile void *p)
{
    uintptr_t off = (uintptr_t)p - (uintptr_t)arena;

    return off < ARENA ? mark[off / GRANULE] : 0;
}

void
cspi_alloc_free(void *p, size_t size)
{
    unsigned i = block_of(p);

    if (!p)
        return;
    if (!i || arena + blocks[i].at != (char *)p || blocks[i].size != size) {
        fault = i ? "memory is freed as something else" : "a double free";
        sched_fail("%s", fault);
        return;
    }
    blocks[i].freed = true;
    set_marks(&blocks[i], 0);
    memset(p, DEAD, size);
    forbid(p, size);
}

bool
memory_is_dead(const volatile void *p)
{
    return (uintptr_t)p - (uintptr_t)arena < ARENA && block_of(p) == 0;
}

static bool
was_written(const struct block *b)
{
    permit(arena + b->at, b->size);
    for (size_t i = 0; i < b->size; i++)
        if ((unsigned char)arena[b->at + i] != DEAD)
            return true;
    forbid(arena + b->at, b->size);
    return false;
}

const char *
memory_fault(bool all)
{
    static char text[96];

    for (unsigned i = 1; i <= n_blocks && !fault; i++) {
        if (blocks[i].freed && was_written(&blocks[i])) {
            fault = "memory was written to after it was freed";
        } else if (!blocks[i].freed && all) {
            snprintf(text, sizeof text, "block %u of %zu bytes is not freed", i,
                     blocks[i].size);
            fault = text;
        }
    }
    return fault;
}

int
memory_number(const void *p)
{
    return (int)block_of(p);
}

void *
memory_by_number(int number)
{
    return arena + blocks[number].at;
}

void
memory_print(const volatile void *p)
{
    unsigned i = block_of(p);

    if (i)
        printf("  block %u + %zu", i,
               (size_t)((uintptr_t)p - (uintptr_t)arena) - blocks[i].at);
}

void
cspi_alloc_live(uint64_t *live, uint64_t *bytes)
{
    *live = *bytes = 0;
    for (unsigned i = 1; i <= n_blocks; i++)
        if (!blocks[i].freed) {
            ++*live;
            *bytes += blocks[i].size;
        }
}

void
cspi_alloc_fail_nth(uint64_t nth)
{
    failed = false;
    fail_in = nth;
}

bool
cspi_alloc_failed(void)
{
    return failed;
}
