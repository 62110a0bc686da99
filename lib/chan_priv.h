// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* chan_priv.h: a channel as select.c and registry.c see it. */
#ifndef CSPI_CHAN_PRIV_H
#define CSPI_CHAN_PRIV_H

#include <csp/chan.h>

#include "ring.h"
#include "waitq.h"

typedef struct csp_chan csp_chan;

enum cspi_side { CSPI_TX, CSPI_RX };

/* Bits of a channel's state. */
enum { CSPI_TX_GONE = 1 << CSPI_TX, CSPI_RX_GONE = 1 << CSPI_RX };

/* Hot part first, by cache lines: what both sides read; what changes seldom;
 * each cursor by itself; what is not looked at while values flow. */
struct csp_chan {
    _Alignas(128) struct cspi_ring ring;
    struct cspi_waitq waitq[2]; /* by side: senders, receivers */

    cspi_a32 state;
    cspi_a32 open[2]; /* open ends of each side */
    cspi_a32 refs;    /* one per end object, one per side until it is shut */
    uint64_t id;
    char *name;         /* given, or NULL */
    char auto_name[26]; /* "chan-" and the id */

    _Alignas(128) struct cspi_cursor tail;
    _Alignas(128) struct cspi_cursor head;

    _Alignas(64) void *keeper[4]; /* what finds the channel: registry.c's */
};

/* One handle of one side; csp_tx and csp_rx are this. */
struct cspi_end {
    csp_handle handle;
    csp_chan *chan;
    cspi_a32 closed; /* 0 or the status that its operations answer */
    enum cspi_side side;
};

struct csp_tx {
    struct cspi_end end;
};

struct csp_rx {
    struct cspi_end end;
};

/* What a channel needs of the layer above it, which knows all channels.
 * registry.c provides it; the link binds it. */
struct cspi_chan_keeper {
    /** Memory for a channel, zeroed; its id is set. NULL: none left. */
    csp_chan *(*create)(void);
    /** Make it known. Returns: 0, CSP_ENOMEM. */
    int (*publish)(csp_chan *c);
    /** Free it, at once if it was never published, otherwise when nobody can
     *  be looking at it any more. */
    void (*destroy)(csp_chan *c, bool published);
};
extern const struct cspi_chan_keeper cspi_chan_keeper;

/** A new open end of @p side, if the side is still open.
 *  Returns: 0, CSP_ENOMEM, CSP_ECLOSED. Threads: any, lock-free. */
int cspi_chan_end_new(csp_chan *c, enum cspi_side side, struct cspi_end **out);

/** One attempt to send *@p v or to receive into it, through @p e; wakes who
 *  waits on the other side when it succeeds. Looks at the ring only, not at
 *  whether the end is closed. Threads: any, lock-free.
 *  Returns: 0, CSPI_CHAN_AGAIN, CSP_ECLOSED. */
int cspi_chan_attempt(struct cspi_end *e, csp_value *v);

/** What an attempt answers that would have to wait. */
#define CSPI_CHAN_AGAIN 1

/** Whether an attempt through @p e would not answer AGAIN, or the end was
 *  closed: the look that follows enlisting. Threads: any, lock-free. */
bool cspi_chan_is_ready(struct cspi_end *e);

/** 0, or the status that @p e answers since it was closed. */
int cspi_chan_end_state(const struct cspi_end *e);

#endif
