// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* checksums.c: a worker in C, between two stages of Python.
 *
 * Python hands over the numbers of two channels; this finds their ends by them.
 * It needs no Python.h: what comes are values, and what it sends are values.
 *
 *     cc -shared -fPIC checksums.c $(pkg-config --cflags --libs intercsp) \
 *         -o checksums.so
 *
 * examples/python/c_worker.py loads it. */
#include <csp/chan.h>
#include <csp/registry.h>
#include <csp/status.h>

int checksums(uint64_t texts_id, uint64_t sums_id);

/* FNV-1a, with 32 bits. */
static uint32_t
checksum(const char *text, size_t size)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ (unsigned char)text[i]) * 16777619u;
    return sum;
}

static int
work(csp_rx *texts, csp_tx *sums)
{
    csp_value text;
    int rc;

    while ((rc = csp_rx_recv(texts, &text, CSP_FOREVER)) == 0) {
        size_t size;
        const char *data = csp_value_data(&text, &size);
        csp_value sum = csp_value_int(checksum(data, size));
        csp_value_unref(&text);
        if ((rc = csp_tx_send(sums, sum, CSP_FOREVER)) < 0)
            break;
    }
    return rc == CSP_ECLOSED ? 0 : rc;
}

/* Send the checksum of each text, until no more can come. The calling thread
 * must not hold a GIL. Returns: 0, or a status. */
int
checksums(uint64_t texts_id, uint64_t sums_id)
{
    csp_rx *texts;
    csp_tx *sums;
    int rc;

    if ((rc = csp_registry_find_rx(texts_id, &texts)) < 0)
        return rc;
    if ((rc = csp_registry_find_tx(sums_id, &sums)) == 0) {
        rc = work(texts, sums);
        csp_tx_unref(sums);
    }
    csp_rx_unref(texts);
    return rc;
}
