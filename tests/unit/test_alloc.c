// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include "unit.h"

SUITE(alloc);

static uint64_t
blocks(void)
{
    uint64_t n, bytes;

    cspi_alloc_live(&n, &bytes);
    return n;
}

static uint64_t
bytes(void)
{
    uint64_t n, b;

    cspi_alloc_live(&n, &b);
    return b;
}

Test(alloc, live_counts_blocks_and_the_bytes_asked_for)
{
    uint64_t n = blocks(), b = bytes();
    void *p = cspi_alloc_raw(5), *q = cspi_alloc_zero(100, 64);

    cr_assert(p && q);
    cr_assert(eq(u64, blocks(), n + 2));
    cr_assert(eq(u64, bytes(), b + 105));
    cspi_alloc_free(p, 5);
    cr_assert(eq(u64, blocks(), n + 1));
    cr_assert(eq(u64, bytes(), b + 100));
    cspi_alloc_free(q, 100);
    cr_assert(eq(u64, bytes(), b));
}

Test(alloc, zeroed_memory_is_zero_and_aligned)
{
    for (size_t align = 8; align <= 128; align *= 2)
        for (size_t size = 1; size <= 1000; size += 111) {
            for (int again = 0; again < 2; again++) { /* reused memory too */
                unsigned char *p = cspi_alloc_zero(size, align);

                cr_assert(ne(ptr, p, NULL));
                cr_assert(eq(u64, (uintptr_t)p % align, 0));
                for (size_t i = 0; i < size; i++) {
                    cr_assert(eq(int, p[i], 0));
                    p[i] = 0xff;
                }
                cspi_alloc_free(p, size);
            }
        }
}

Test(alloc, freeing_null_changes_nothing)
{
    uint64_t n = blocks(), b = bytes();

    cspi_alloc_free(NULL, 7);
    cr_assert(eq(u64, blocks(), n));
    cr_assert(eq(u64, bytes(), b));
}

Test(alloc, exactly_the_nth_allocation_fails_and_is_not_counted)
{
    for (uint64_t nth = 1; nth <= 5; nth++) {
        uint64_t n = blocks();
        void *p[6];

        cspi_alloc_fail_nth(nth);
        for (uint64_t i = 1; i <= 6; i++) {
            p[i - 1] = i % 2 ? cspi_alloc_raw(16) : cspi_alloc_zero(16, 16);
            cr_assert(eq(int, p[i - 1] == NULL, i == nth));
            cr_assert(eq(int, cspi_alloc_failed(), i >= nth));
        }
        cr_assert(eq(u64, blocks(), n + 5));
        for (int i = 0; i < 6; i++)
            cspi_alloc_free(p[i], 16);
    }
    cspi_alloc_fail_nth(0);
}

Test(alloc, a_failure_asked_for_can_be_taken_back)
{
    cspi_alloc_fail_nth(1);
    cspi_alloc_fail_nth(0);
    void *p = cspi_alloc_raw(1);
    cr_assert(ne(ptr, p, NULL));
    cr_assert(not(cspi_alloc_failed()));
    cspi_alloc_free(p, 1);
}
