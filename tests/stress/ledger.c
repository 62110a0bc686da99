// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ledger.c: see ledger.h. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

enum { ONE_IN = 16, BLOCK = 64 };

static uint32_t
secret(uint32_t v)
{
    return v * 2654435761u + 1;
}

void
ledger_open(struct ledger *l, uint32_t n)
{
    l->n = n;
    l->plain = calloc(n, sizeof *l->plain);
    l->sent = calloc(n, sizeof *l->sent);
    l->taken = calloc(n, sizeof *l->taken);
    CHECK(l->plain && l->sent && l->taken);
}

csp_value
ledger_write(struct ledger *l, uint32_t v)
{
    char block[BLOCK] = {0};
    csp_value out = csp_value_int(v);

    CHECK(v < l->n);
    l->plain[v] = secret(v);
    if (v % ONE_IN == 0) {
        memcpy(block, &v, sizeof v);
        CHECK_EQ(csp_value_bytes(block, sizeof block, &out), 0);
    }
    return out;
}

/* Relaxed, here and below: the ledger is to order nothing by itself. */
static void
tick(atomic_uchar *box)
{
    CHECK_EQ(atomic_fetch_add_explicit(box, 1, memory_order_relaxed), 0);
}

void
ledger_sent(struct ledger *l, uint32_t v)
{
    tick(&l->sent[v]);
}

uint32_t
ledger_read(struct ledger *l, csp_value value)
{
    uint32_t v = (uint32_t)csp_value_as_int(value);
    size_t size;

    if (csp_value_kind(value) == CSP_KIND_BYTES) {
        memcpy(&v, csp_value_data(&value, &size), sizeof v);
        CHECK_EQ(size, BLOCK);
    }
    csp_value_unref(&value);
    CHECK(v < l->n);
    CHECK_EQ(l->plain[v], secret(v));
    return v;
}

uint32_t
ledger_take(struct ledger *l, csp_value value)
{
    uint32_t v = ledger_read(l, value);

    tick(&l->taken[v]);
    return v;
}

void
ledger_close(struct ledger *l)
{
    for (uint32_t v = 0; v < l->n; v++)
        if (l->sent[v] != l->taken[v])
            test_fail(__FILE__, __LINE__, "value %u: sent %u, arrived %u", v,
                      l->sent[v], l->taken[v]);
    free(l->plain);
    free(l->sent);
    free(l->taken);
}
