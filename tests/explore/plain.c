// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plain.c: see plain.h. */
#include "plain.h"

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
