// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* hub.c: broadcast, above channels: a list of ordinary ones.
 *
 * A send: (1) takes the token; (2) waits for each subscriber that blocks until
 * it has room or is gone, sending nothing; (3) pushes to all, which cannot
 * fail for lack of room; (4) gives the token back.
 *
 * Invariants:
 *   B1  Only the holder of the token pushes into subscribers' channels, so
 *       room that was seen stays; and all see one order.
 *   B2  Until (3) nothing was sent: a deadline, a cancel, a signal have no
 *       effect on anybody.
 *   B3  The token lies in a channel of capacity 1: taking it has a deadline
 *       and can be cancelled as any receive can.
 *   B4  Nobody tells the hub that a subscriber has gone. A send that fails to
 *       reach it takes it off; so does who counts, and who subscribes when
 *       there are twice as many as the last look left.
 *   B5  Who holds the token says so before it waits for room (in_wait). Until
 *       then, and afterwards, it gives it back within some steps: a send that
 *       does not wait gives up only because of the former, or because the
 *       thread holds it itself: what is released in (3) may send.
 * Locks:   hub.lock guards first, n, look_at, ended; held for a few steps,
 *          under it nobody waits, allocates or calls out.
 * Memory:  the hub is held by its references and by each send end. */
#include <stddef.h>

#include <csp/hub.h>

#include "alloc.h"
#include "park.h"
#include "select_priv.h"

struct csp_hub {
    csp_handle handle;
    uint32_t capacity;
    csp_overflow overflow;
    csp_tx *token_tx;
    csp_rx *token_rx;
    cspi_a32 open;    /* open send ends */
    cspi_a32 reasons; /* poisoned */
    cspi_a32 in_wait; /* who holds the token waits for room: B5 */
    cspi_a64 dropped;
    bool is_named;

    cspi_a32 lock;
    struct sub *first; /* newest first */
    size_t n;
    size_t look_at; /* so many: look for those that are gone */
    bool ended;
};

struct sub {
    struct sub *next;
    csp_tx *tx;
    struct cspi_reason *reason; /* room for that of a poisoning */
    bool blocks; /* a push may have to wait, or fail for lack of memory */
};

struct csp_hub_tx {
    csp_handle handle;
    csp_hub *hub;
    csp_rx *turn;    /* takes the token; closed with this end: wakes it */
    cspi_a32 closed; /* 0 or the status that its operations answer */
};

/* Whether the hub is a parent's, whose lock may be held by nobody here. */
static bool
is_inherited(const csp_hub *hub)
{
    return hub->token_tx && hub->token_tx->end.chan->kind == CSPI_CHAN_ORPHAN;
}

static void
lock(csp_hub *hub)
{
    uint32_t s = 0;

    if (is_inherited(hub))
        return;
    // edge hub-lock: acquire
    for (unsigned turns = 0; !cspi_cas(&hub->lock, &s, 1, ACQUIRE); s = 0)
        cspi_park_relax(&turns);
}

static void
unlock(csp_hub *hub)
{
    cspi_store(&hub->lock, 0, RELEASE); // edge hub-lock: release
}

/* Takes all subscribers off the hub; a later subscription is refused. */
static struct sub *
end_list(csp_hub *hub)
{
    lock(hub);
    struct sub *first = hub->first;
    hub->first = NULL;
    hub->n = 0;
    hub->ended = true;
    unlock(hub);
    return first;
}

static void
free_subs(struct sub *s)
{
    for (struct sub *next; s; s = next) {
        next = s->next;
        csp_tx_unref(s->tx);
        cspi_alloc_free(s->reason, sizeof *s->reason);
        cspi_alloc_free(s, sizeof *s);
    }
}

/* Whether nothing that is sent reaches @p s any more. */
static bool
is_gone(const struct sub *s)
{
    // relaxed: a bit that stays; nothing is read because of it
    return cspi_load(&s->tx->end.chan->state, RELAXED) != 0;
}

/* Takes the subscribers that are gone off the list, whose lock is held. */
static struct sub *
take_gone(csp_hub *hub)
{
    enum { FEW = 8 };
    struct sub *gone = NULL, *s;

    for (struct sub **p = &hub->first; (s = *p);) {
        if (is_gone(s)) {
            *p = s->next;
            s->next = gone;
            gone = s;
            hub->n--;
        } else
            p = &s->next;
    }
    hub->look_at = hub->n < FEW ? FEW : 2 * hub->n;
    return gone;
}

static void
hub_release(csp_handle *h)
{
    csp_hub *hub = cspi_container(h, csp_hub, handle);

    free_subs(end_list(hub));
    csp_tx_unref(hub->token_tx);
    csp_rx_unref(hub->token_rx);
    cspi_alloc_free(hub, sizeof *hub);
}

static void
tx_close(csp_hub_tx *tx, int why)
{
    uint32_t open = 0;

    // edge hub-end: acq_rel
    if (!cspi_cas(&tx->closed, &open, (uint32_t)why, ACQ_REL))
        return;
    if (why == CSP_EMOVED)
        csp_rx_moved(tx->turn);
    csp_rx_close(tx->turn);
    // edge hub-end: acq_rel; all sends come before the end
    if (cspi_sub(&tx->hub->open, 1, ACQ_REL) == 1)
        free_subs(end_list(tx->hub));
}

static void
tx_release(csp_handle *h)
{
    csp_hub_tx *tx = cspi_container(h, csp_hub_tx, handle);
    csp_hub *hub = tx->hub;

    tx_close(tx, CSP_EENDCLOSED);
    csp_rx_unref(tx->turn);
    cspi_alloc_free(tx, sizeof *tx);
    csp_hub_unref(hub);
}

static const csp_handle_type hub_type = {
    .size = sizeof hub_type, .name = "hub", .release = hub_release};
static const csp_handle_type tx_type = {
    .size = sizeof tx_type, .name = "send end of a hub", .release = tx_release};

/* ---- making ---- */

static csp_hub_tx *
tx_new(csp_hub *hub)
{
    csp_hub_tx *tx = cspi_alloc_zero(sizeof *tx, CSPI_CACHE_LINE);

    if (tx && csp_rx_clone(hub->token_rx, &tx->turn) < 0) {
        cspi_alloc_free(tx, sizeof *tx);
        return NULL;
    }
    if (tx) {
        csp_handle_init(&tx->handle, &tx_type);
        tx->hub = csp_hub_ref(hub);
    }
    return tx;
}

/* Checks what subscribers would be given, by making a channel of it. */
static int
check(uint32_t capacity, const csp_chan_opts *opts)
{
    csp_tx *tx;
    csp_rx *rx;
    int rc = capacity ? csp_chan_new(capacity, opts, &tx, &rx) : CSP_EINVAL;

    if (rc == 0) {
        csp_tx_unref(tx);
        csp_rx_unref(rx);
    }
    return rc;
}

int
csp_hub_new(uint32_t capacity, const csp_chan_opts *opts, csp_hub_tx **tx,
            csp_hub **out)
{
    csp_chan_opts own;
    int rc = check(capacity, opts);

    if (rc < 0 || (rc = cspi_chan_read_options(opts, &own)) < 0)
        return rc;
    csp_hub *hub = cspi_alloc_zero(sizeof *hub, CSPI_CACHE_LINE);
    if (!hub)
        return CSP_ENOMEM;
    csp_handle_init(&hub->handle, &hub_type);
    hub->capacity = capacity;
    hub->overflow = own.overflow;
    csp_hub_tx *first = NULL;
    csp_chan_opts token = CSP_CHAN_OPTS_INIT;
    token.name = own.name;
    hub->is_named = token.name != NULL;
    rc = csp_chan_new(1, &token, &hub->token_tx, &hub->token_rx);
    if (rc == 0 && !(first = tx_new(hub)))
        rc = CSP_ENOMEM;
    if (rc < 0) {
        csp_hub_unref(hub);
        return rc;
    }
    cspi_store(&hub->open, 1, RELAXED); // relaxed: nobody else knows it
    hub->token_tx->end.chan->hidden = 1 << CSPI_TX | 1 << CSPI_RX;
    csp_tx_try_send(hub->token_tx, csp_value_none());
    *tx = first;
    *out = hub;
    return 0;
}

/* What a subscriber with @p capacity gets that asks for @p given. */
static int
read_options(const csp_hub *hub, uint32_t capacity, const csp_chan_opts *given,
             csp_chan_opts *out)
{
    int rc = cspi_chan_read_options(given, out);

    if (rc < 0)
        return rc;
    bool asks = given && given->size > offsetof(csp_chan_opts, overflow);
    if (!asks && capacity != CSP_CHAN_UNBOUNDED) /* which has none */
        out->overflow = hub->overflow;
    if (!out->name && hub->is_named)
        out->name = csp_hub_name(hub);
    return 0;
}

int
csp_hub_subscribe(csp_hub *hub, uint32_t capacity, const csp_chan_opts *given,
                  csp_rx **out)
{
    csp_chan_opts opts;
    csp_rx *rx;

    if (is_inherited(hub))
        return CSP_EFORKED;
    if (capacity == 0)
        capacity = hub->capacity;
    int rc = read_options(hub, capacity, given, &opts);
    if (rc < 0)
        return rc;
    struct sub *s = cspi_alloc_raw(sizeof *s);
    if (!s)
        return CSP_ENOMEM;
    rc = CSP_ENOMEM;
    if ((s->reason = cspi_alloc_raw(sizeof *s->reason)))
        rc = csp_chan_new(capacity, &opts, &s->tx, &rx);
    if (rc < 0) {
        cspi_alloc_free(s->reason, sizeof *s->reason);
        cspi_alloc_free(s, sizeof *s);
        return rc;
    }
    csp_chan *c = s->tx->end.chan;
    c->hidden = 1 << CSPI_TX; /* B1 */
    s->blocks = c->kind == CSPI_CHAN_BLOCK || c->chain;
    s->next = NULL;
    lock(hub);
    bool ended = hub->ended;
    struct sub *gone = hub->n < hub->look_at ? NULL : take_gone(hub); /* B4 */
    if (!ended) {
        s->next = hub->first;
        hub->first = s;
        hub->n++;
    }
    unlock(hub);
    free_subs(gone);
    if (!ended) {
        *out = rx;
        return 0;
    }
    free_subs(s);
    csp_rx_unref(rx);
    // edge hub-end: acquire
    return cspi_load(&hub->reasons, ACQUIRE) ? CSP_EPOISONED : CSP_ECLOSED;
}

const char *
csp_hub_name(const csp_hub *hub)
{
    return csp_tx_name(hub->token_tx);
}

const char *
csp_hub_tx_name(const csp_hub_tx *tx)
{
    return csp_hub_name(tx->hub);
}

uint64_t
csp_hub_id(const csp_hub *hub)
{
    return csp_tx_id(hub->token_tx);
}

uint64_t
csp_hub_tx_id(const csp_hub_tx *tx)
{
    return csp_hub_id(tx->hub);
}

uint32_t
csp_hub_capacity(const csp_hub *hub)
{
    return hub->capacity;
}

size_t
csp_hub_len(csp_hub *hub)
{
    lock(hub);
    struct sub *gone = is_inherited(hub) ? NULL : take_gone(hub);
    size_t n = hub->n;
    unlock(hub);
    free_subs(gone);
    return n;
}

uint64_t
csp_hub_dropped(csp_hub *hub)
{
    return cspi_load(&hub->dropped, RELAXED); // relaxed: a figure
}

/* ---- sending ---- */

/* How many are on the list. */
static size_t
count(csp_hub *hub)
{
    lock(hub);
    size_t n = hub->n;
    unlock(hub);
    return n;
}

/* The subscribers of this moment, each with a reference. Fewer than *n when
 * there is no memory: CSP_ENOMEM. */
static int
snapshot(csp_hub *hub, struct sub **subs, size_t *n)
{
    for (*subs = NULL, *n = 0;;) {
        size_t room = count(hub);
        if (room && !(*subs = cspi_alloc_raw(room * sizeof **subs)))
            return CSP_ENOMEM;
        lock(hub);
        if (hub->n <= room) {
            for (struct sub *s = hub->first; s; s = s->next) {
                (*subs)[*n] = *s;
                csp_tx_ref(s->tx);
                ++*n;
            }
            unlock(hub);
            if (*n < room) { /* somebody left meanwhile: the rest is empty */
                for (size_t i = *n; i < room; i++)
                    (*subs)[i].tx = NULL;
                *n = room;
            }
            return 0;
        }
        unlock(hub);
        cspi_alloc_free(*subs, room * sizeof **subs);
    }
}

static void
free_snapshot(struct sub *subs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        csp_tx_unref(subs[i].tx);
    cspi_alloc_free(subs, n * sizeof *subs);
}

/* (2) Returns: 0 when each has room or is gone; else why not. */
static int
wait_for_room(csp_hub_tx *tx, struct sub *subs, size_t n, csp_time deadline)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!subs[i].tx || !subs[i].blocks)
            continue;
        rc = cspi_select_wait_room(subs[i].tx, tx->turn, CSP_NOWAIT);
        if (rc != CSP_ETIMEOUT || deadline == CSP_NOWAIT)
            continue;
        // relaxed, both: a hint; a try that reads another value looks again,
        // or fails as it may while another send waits
        cspi_store(&tx->hub->in_wait, 1, RELAXED);
        rc = cspi_select_wait_room(subs[i].tx, tx->turn, deadline);
        cspi_store(&tx->hub->in_wait, 0, RELAXED); // relaxed: as above
    }
    return rc;
}

/* Takes a subscriber that is gone off the list. */
static void
unsubscribe(csp_hub *hub, csp_tx *tx)
{
    struct sub *gone = NULL;

    lock(hub);
    for (struct sub **p = &hub->first; *p; p = &(*p)->next)
        if ((*p)->tx == tx) {
            gone = *p;
            *p = gone->next;
            gone->next = NULL;
            hub->n--;
            break;
        }
    unlock(hub);
    free_subs(gone);
}

/* (3) Returns: how many got it. */
static size_t
push_to_all(csp_hub *hub, struct sub *subs, size_t n, csp_value v)
{
    size_t reached = 0;

    for (size_t i = n; i-- > 0;) { /* the oldest first */
        if (!subs[i].tx)
            continue;
        csp_value mine = csp_value_ref(v);
        int rc = csp_tx_try_send(subs[i].tx, mine);
        if (rc == 0) {
            reached++;
            continue;
        }
        csp_value_unref(&mine);
        unsubscribe(hub, subs[i].tx);
    }
    return reached;
}

/* Nobody is there to hear @p tx. Returns: 0, which drops the value, or that it
 * was closed meanwhile: then the list was ended, whoever was on it. */
static int
drop_value(csp_hub_tx *tx)
{
    csp_hub *hub = tx->hub;

    lock(hub);
    bool ended = hub->ended;
    unlock(hub);
    if (!ended) {
        cspi_add(&hub->dropped, 1, RELAXED); // relaxed: a figure
        return 0;
    }
    // edge hub-end: acquire
    return cspi_load(&hub->reasons, ACQUIRE) ? CSP_EPOISONED
                                             : csp_hub_tx_state(tx);
}

static int
send_with_token(csp_hub_tx *tx, csp_value v, csp_time deadline)
{
    csp_hub *hub = tx->hub;
    struct sub *subs;
    size_t n;
    int rc = snapshot(hub, &subs, &n);

    if (rc < 0)
        return rc;
    rc = wait_for_room(tx, subs, n, deadline);
    // edge hub-end: acquire
    if (rc == 0 && cspi_load(&hub->reasons, ACQUIRE))
        rc = CSP_EPOISONED; /* while this send waited */
    if (rc == 0 && push_to_all(hub, subs, n, v) == 0)
        rc = drop_value(tx);
    free_snapshot(subs, n);
    return rc;
}

/* The hubs whose tokens this thread holds, the latest first. */
static CSPI_THREAD_LOCAL struct holding {
    const csp_hub *hub;
    struct holding *outer;
} *holding;

static bool
holds_token(const csp_hub *hub)
{
    for (const struct holding *h = holding; h; h = h->outer)
        if (h->hub == hub)
            return true;
    return false;
}

/* (1) Without a deadline it waits for who neither waits nor calls us: B5. */
static int
take_token(csp_hub_tx *tx, csp_value *token, csp_time deadline)
{
    unsigned turns = 0;

    for (;;) {
        int rc = csp_rx_recv(tx->turn, token, deadline);
        // relaxed: as in wait_for_room()
        if (rc != CSP_ETIMEOUT || deadline != CSP_NOWAIT ||
            cspi_load(&tx->hub->in_wait, RELAXED) || holds_token(tx->hub))
            return rc;
        cspi_park_relax(&turns);
    }
}

int
csp_hub_tx_send(csp_hub_tx *tx, csp_value v, csp_time deadline)
{
    csp_hub *hub = tx->hub;
    csp_value token;
    int rc = csp_hub_tx_state(tx);

    if (rc < 0)
        return rc;
    // edge hub-end: acquire
    if (cspi_load(&hub->reasons, ACQUIRE))
        return CSP_EPOISONED;
    if ((rc = take_token(tx, &token, deadline)) < 0)
        return rc;
    struct holding mine = {hub, holding};
    holding = &mine;
    rc = send_with_token(tx, v, deadline);
    holding = mine.outer;
    csp_tx_try_send(hub->token_tx, token); /* (4) */
    if (rc == 0)
        csp_value_unref(&v);
    return rc;
}

int
csp_hub_tx_try_send(csp_hub_tx *tx, csp_value v)
{
    int rc = csp_hub_tx_send(tx, v, CSP_NOWAIT);

    return rc == CSP_ETIMEOUT ? CSP_EFULL : rc;
}

/* ---- ends ---- */

int
csp_hub_tx_clone(csp_hub_tx *tx, csp_hub_tx **out)
{
    int rc = csp_hub_tx_state(tx);

    if (rc < 0)
        return rc;
    csp_hub_tx *clone = tx_new(tx->hub);
    if (!clone)
        return CSP_ENOMEM;
    // relaxed: the CAS confirms it
    uint32_t open = cspi_load(&tx->hub->open, RELAXED);
    do {
        if (open == 0) { /* closed meanwhile */
            csp_hub_unref(clone->hub);
            csp_rx_unref(clone->turn);
            cspi_alloc_free(clone, sizeof *clone);
            return CSP_EENDCLOSED;
        }
        // relaxed: an open end keeps the hub open
    } while (!cspi_cas(&tx->hub->open, &open, open + 1, RELAXED));
    *out = clone;
    return 0;
}

void
csp_hub_tx_close(csp_hub_tx *tx)
{
    tx_close(tx, CSP_EENDCLOSED);
}

void
csp_hub_tx_moved(csp_hub_tx *tx)
{
    tx_close(tx, CSP_EMOVED);
}

int
csp_hub_tx_poison(csp_hub_tx *tx, csp_value reason)
{
    int rc = csp_hub_tx_state(tx);

    if (rc < 0)
        return rc;
    if (is_inherited(tx->hub))
        return CSP_EFORKED;
    cspi_store(&tx->hub->reasons, 1, RELEASE); // edge hub-end: release
    struct sub *subs = end_list(tx->hub);
    for (struct sub *s = subs; s; s = s->next) {
        s->reason->value = csp_value_ref(reason);
        cspi_chan_poison(s->tx->end.chan, s->reason);
        s->reason = NULL;
    }
    free_subs(subs);
    csp_value_unref(&reason);
    return 0;
}

int
csp_hub_tx_state(const csp_hub_tx *tx)
{
    csp_hub_tx *t = (csp_hub_tx *)(uintptr_t)tx;

    return (int)cspi_load(&t->closed, ACQUIRE); // edge hub-end: acquire
}

csp_hub *
csp_hub_ref(csp_hub *hub)
{
    csp_handle_ref(&hub->handle);
    return hub;
}

void
csp_hub_unref(csp_hub *hub)
{
    if (hub)
        csp_handle_unref(&hub->handle);
}

csp_hub_tx *
csp_hub_tx_ref(csp_hub_tx *tx)
{
    csp_handle_ref(&tx->handle);
    return tx;
}

void
csp_hub_tx_unref(csp_hub_tx *tx)
{
    if (tx)
        csp_handle_unref(&tx->handle);
}

csp_value
csp_hub_as_value(csp_hub *hub)
{
    return csp_value_handle(&hub->handle);
}

csp_hub *
csp_hub_from_handle(csp_handle *h)
{
    return h && h->type == &hub_type ? cspi_container(h, csp_hub, handle)
                                     : NULL;
}

csp_value
csp_hub_tx_as_value(csp_hub_tx *tx)
{
    return csp_value_handle(&tx->handle);
}

csp_hub_tx *
csp_hub_tx_from_handle(csp_handle *h)
{
    return h && h->type == &tx_type ? cspi_container(h, csp_hub_tx, handle)
                                    : NULL;
}
