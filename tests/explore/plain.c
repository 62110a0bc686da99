// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plain.c: see plain.h. */
#include "plain.h"

#include <stdatomic.h>

void
plain_write(uint64_t *p, uint64_t value)
{
    *p = value;
}

uint64_t
plain_read(const uint64_t *p)
{
    return *p;
}

void
plain_hand_over(plain_handed *h)
{
    atomic_fetch_add_explicit(h, 1, memory_order_release);
}

void
plain_take_over(plain_handed *h)
{
    atomic_load_explicit(h, memory_order_acquire);
}
