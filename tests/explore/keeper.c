// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* keeper.c: what finds channels, in the place of registry.c: a list instead of
 * a table under RCU, whose look-ups and grace periods are no steps. A channel
 * that nobody can find any more is kept while a look-up is under way. */
#include "keeper.h"

#include <stddef.h>

#include <csp/registry.h>

#include "alloc.h"
#include "chan_priv.h"
#include "plain.h"

static csp_chan *known[KEEPER_CHANS];
static csp_chan *waiting[KEEPER_CHANS]; /* to be freed after the look-ups */
static unsigned n_known, n_waiting, n_looking;

/* What RCU orders: look-ups come before the end of what they may have found,
 * and that end before its memory is freed. */
static plain_handed grace;

void
keeper_reset(void)
{
    n_known = n_waiting = n_looking = 0;
}

static csp_chan *
create(void)
{
    csp_chan *c = cspi_alloc_zero(sizeof *c, _Alignof(csp_chan));

    if (c)
        c->id = n_known + 1;
    return c;
}

static int
publish(csp_chan *c)
{
    if (n_known == KEEPER_CHANS)
        return CSP_ENOMEM;
    known[n_known++] = c;
    return 0;
}

static void
destroy(csp_chan *c, bool published)
{
    if (published)
        known[c->id - 1] = NULL;
    plain_take_over(&grace);
    plain_hand_over(&grace);
    if (published && n_looking)
        waiting[n_waiting++] = c;
    else
        cspi_alloc_free(c, sizeof *c);
}

const struct cspi_chan_keeper cspi_chan_keeper = {create, publish, destroy};

static int
find(uint64_t id, enum cspi_side side, struct cspi_end **out)
{
    csp_chan *c = id && id <= n_known ? known[id - 1] : NULL;
    int rc = CSP_ENOTFOUND;

    n_looking++;
    if (c && (rc = cspi_chan_end_new(c, side, out)) == CSP_ECLOSED)
        rc = CSP_ENOTFOUND;
    plain_hand_over(&grace);
    plain_take_over(&grace);
    if (--n_looking == 0)
        while (n_waiting)
            cspi_alloc_free(waiting[--n_waiting], sizeof(csp_chan));
    return rc;
}

int
csp_registry_find_tx(uint64_t id, csp_tx **out)
{
    struct cspi_end *e;
    int rc = find(id, CSPI_TX, &e);

    if (rc == 0)
        *out = (csp_tx *)e;
    return rc;
}

int
csp_registry_find_rx(uint64_t id, csp_rx **out)
{
    struct cspi_end *e;
    int rc = find(id, CSPI_RX, &e);

    if (rc == 0)
        *out = (csp_rx *)e;
    return rc;
}

/* For common/test.c: nothing lives between two runs. */
int
csp_registry_count(csp_registry_counters *counters)
{
    *counters = (csp_registry_counters){.size = sizeof *counters};
    return 0;
}
