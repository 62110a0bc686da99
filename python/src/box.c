// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* box.c: queues whose items know which interpreter has put them there, and go
 * when it goes: what intercsp.pep554 and intercsp.queues are made of.
 *
 * They promise what channels do not have: items that are withdrawn from the
 * middle, and look-up by small numbers. So this is a list under a lock, and
 * who has to wait sleeps on a channel of his own.
 *
 * Invariants:
 *   X1  Who waits is on one list of the box; who takes him off it (with the
 *       lock) closes his channel, which wakes him to try again. On a list is
 *       nobody who could go on, but for those who have not tried since.
 *   X2  Nothing is listed or locked while a GIL is taken: a whole wait is one
 *       operation for blocking_run().
 *   X3  An item is on the list, or was received, or is discarded. Its sender,
 *       if he waits for that, has a channel that says which: a value comes, or
 *       it is closed.
 *   X4  refs counts handles, with boxes_lock: a box that is listed can be had.
 * Locks:   boxes_lock, in it a box's lock. Values are released under neither.
 * What Python sees of it is in box_object.c.
 * Process-wide state: the list of boxes, the last numbers given. */
#include "box.h"

#include <stdlib.h>

#include <csp/status.h>

/* What a value or a Python object has of a box. */
struct box_handle {
    csp_handle head;
    struct box *box;
};

static pthread_mutex_t boxes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct box *boxes;
static int64_t last_ids[BOX_KINDS];

/* ---- life ---- */

static void
discard(struct box_item *item)
{
    csp_value_unref(&item->v);
    csp_tx_unref(item->receipt);
    free(item);
}

void
box_discard(struct box_item *item)
{
    while (item) {
        struct box_item *next = item->next;
        discard(item);
        item = next;
    }
}

static void
box_free(struct box *b)
{
    box_discard(b->first);
    for (int side = 0; side < BOX_SIDES; side++)
        for (struct box_user *u = b->users[side], *next; u; u = next) {
            next = u->next;
            free(u);
        }
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void
handle_release(csp_handle *h)
{
    struct box_handle *handle = (struct box_handle *)h;
    struct box *b = handle->box;

    pthread_mutex_lock(&boxes_lock);
    bool last = --b->refs == 0;
    if (last) {
        *(b->prev ? &b->prev->next : &boxes) = b->next;
        if (b->next)
            b->next->prev = b->prev;
    }
    pthread_mutex_unlock(&boxes_lock);
    if (last)
        box_free(b);
    free(handle);
}

static const csp_handle_type handle_type = {
    .size = sizeof handle_type, .name = "box", .release = handle_release};

/* With boxes_lock. Returns: NULL if there is no memory. */
static struct box_handle *
handle_new(struct box *b)
{
    struct box_handle *handle = malloc(sizeof *handle);

    if (!handle)
        return NULL;
    csp_handle_init(&handle->head, &handle_type);
    handle->box = b;
    b->refs++;
    return handle;
}

void *
box_from_handle(csp_handle *h)
{
    return h && h->type == &handle_type ? h : NULL;
}

static struct box *
box_new(enum box_kind kind, int64_t maxsize, enum box_policy policy)
{
    struct box *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    b->kind = kind;
    b->maxsize = maxsize;
    b->policy = policy;
    b->last = &b->first;
    return b;
}

/* With boxes_lock. */
static void
enlist(struct box *b)
{
    b->id = ++last_ids[b->kind];
    b->next = boxes;
    if (boxes)
        boxes->prev = b;
    boxes = b;
}

csp_handle *
box_make(enum box_kind kind, int64_t maxsize, enum box_policy policy)
{
    struct box *b = box_new(kind, maxsize, policy);

    if (!b)
        return NULL;
    pthread_mutex_lock(&boxes_lock);
    struct box_handle *handle = handle_new(b);
    if (handle)
        enlist(b);
    pthread_mutex_unlock(&boxes_lock);
    if (!handle)
        box_free(b);
    return handle ? &handle->head : NULL;
}

csp_handle *
box_clone(csp_handle *h)
{
    pthread_mutex_lock(&boxes_lock);
    struct box_handle *handle = handle_new(box_behind(h));
    pthread_mutex_unlock(&boxes_lock);
    return handle ? &handle->head : NULL;
}

csp_handle *
box_find(enum box_kind kind, int64_t id)
{
    struct box_handle *handle = NULL;

    pthread_mutex_lock(&boxes_lock);
    struct box *b = boxes;
    while (b && !(b->kind == kind && b->id == id))
        b = b->next;
    if (b)
        handle = handle_new(b);
    pthread_mutex_unlock(&boxes_lock);
    return handle ? &handle->head : NULL;
}

size_t
box_list(enum box_kind kind, int64_t *ids, size_t room)
{
    size_t n = 0;

    pthread_mutex_lock(&boxes_lock);
    for (struct box *b = boxes; b; b = b->next) {
        pthread_mutex_lock(&b->lock);
        bool is_one = b->kind == kind && b->state == BOX_OPEN;
        pthread_mutex_unlock(&b->lock);
        if (is_one && n++ < room)
            ids[n - 1] = b->id;
    }
    pthread_mutex_unlock(&boxes_lock);
    return n;
}

struct box *
box_behind(csp_handle *h)
{
    return ((struct box_handle *)h)->box;
}

/* ---- sleeping ---- */

/* With the lock, as all below. */
static void
wake_all(struct box *b)
{
    for (int side = 0; side < BOX_SIDES; side++)
        while (b->sleepers[side])
            sleeper_wake(&b->sleepers[side]);
}

/* A blocking_op: attempt until it can be done. Once woken it is tried whatever
 * else has happened, as nobody else was woken for that. */
int
box_attempt(void *arg, csp_value *Py_UNUSED(v), csp_time deadline)
{
    struct box_call *c = arg;
    int slept = 0;

    pthread_mutex_lock(&c->b->lock);
    int rc = c->attempt(c);
    for (bool again = false; rc == CSP_EEMPTY || rc == CSP_EFULL;
         again = true) {
        if (deadline == CSP_NOWAIT)
            break;
        slept = sleeper_sleep(&c->b->sleepers[c->side], again, &c->b->lock,
                              deadline); /* in front if woken in vain */
        if (slept < 0) {
            rc = slept;
            break;
        }
        rc = c->attempt(c);
    }
    pthread_mutex_unlock(&c->b->lock);
    return rc;
}

/* ---- users of the ends of a channel ---- */

/* With the lock. Returns: NULL if there is no memory. */
struct box_user *
box_user(struct box *b, enum box_side side)
{
    int64_t id = PyInterpreterState_GetID(PyInterpreterState_Get());
    struct box_user *u = b->users[side];

    while (u && u->interpreter != id)
        u = u->next;
    if (u || !(u = calloc(1, sizeof *u)))
        return u;
    u->interpreter = id;
    u->next = b->users[side];
    b->users[side] = u;
    return u;
}

void
box_close_if_unused(struct box *b)
{
    for (int side = 0; side < BOX_SIDES; side++)
        for (struct box_user *u = b->users[side]; u; u = u->next)
            if (!u->released)
                return;
    if (b->state == BOX_OPEN)
        b->state = b->count ? BOX_CLOSING : BOX_CLOSED;
    wake_all(b);
}

/* ---- items ---- */

int
box_try_put(struct box_call *c)
{
    struct box *b = c->b;

    if (b->state != BOX_OPEN)
        return CSP_ECLOSED;
    if (b->maxsize > 0 && b->count >= (size_t)b->maxsize)
        return CSP_EFULL;
    c->item->number = ++b->last_number;
    *b->last = c->item;
    b->last = &c->item->next;
    b->count++;
    c->was_met = b->sleepers[BOX_RECV] != NULL;
    sleeper_wake(&b->sleepers[BOX_RECV]);
    return 0;
}

/* The item that *@p at refers to, which is on the list no longer. */
static struct box_item *
remove_at(struct box *b, struct box_item **at)
{
    struct box_item *item = *at;

    *at = item->next;
    if (!item->next)
        b->last = at;
    item->next = NULL;
    b->count--;
    sleeper_wake(&b->sleepers[BOX_SEND]);
    if (b->count == 0 && b->state == BOX_CLOSING) {
        b->state = BOX_CLOSED;
        wake_all(b);
    }
    return item;
}

int
box_try_get(struct box_call *c)
{
    struct box *b = c->b;

    if (!b->first)
        return b->state == BOX_OPEN ? CSP_EEMPTY : CSP_ECLOSED;
    c->item = remove_at(b, &b->first);
    if (c->item->receipt)
        csp_tx_try_send(c->item->receipt, csp_value_none());
    return 0;
}

/* Items that interpreter @p id has sent, and that go with it: as a list. */
static struct box_item *
sweep_one(struct box *b, int64_t id)
{
    struct box_item *gone = NULL;

    for (struct box_item **at = &b->first; *at;) {
        struct box_item *item = *at;
        if (item->sender != id || item->gone || item->policy == BOX_KEEP) {
            at = &item->next;
        } else if (item->policy == BOX_REMOVE) {
            item = remove_at(b, at);
            item->next = gone;
            gone = item;
        } else {
            item->gone = true;
            at = &item->next;
        }
    }
    for (int side = 0; side < BOX_SIDES; side++)
        for (struct box_user **at = &b->users[side], *u; (u = *at);)
            if (u->interpreter == id) {
                *at = u->next;
                free(u);
            } else {
                at = &u->next;
            }
    return gone;
}

void
box_sweep(int64_t interpreter)
{
    struct box_item *all = NULL;

    pthread_mutex_lock(&boxes_lock);
    for (struct box *b = boxes; b; b = b->next) {
        pthread_mutex_lock(&b->lock);
        struct box_item *gone = sweep_one(b, interpreter), **end = &gone;
        pthread_mutex_unlock(&b->lock);
        while (*end)
            end = &(*end)->next;
        *end = all;
        all = gone;
    }
    pthread_mutex_unlock(&boxes_lock);
    box_discard(all);
}

/* With the lock. Returns: a status; what is discarded, in *@p items. */
int
box_close_side(struct box *b, enum box_side side, bool force,
               struct box_item **items)
{
    if (b->state == BOX_CLOSED ||
        (b->state == BOX_CLOSING && side == BOX_SEND && !force))
        return CSP_ECLOSED;
    if (b->count && !force && side == BOX_RECV)
        return CSP_EFULL;
    if (force) {
        *items = b->first;
        b->first = NULL;
        b->last = &b->first;
        b->count = 0;
    }
    b->state = b->count ? BOX_CLOSING : BOX_CLOSED;
    wake_all(b);
    return 0;
}

/* Take an item back. Returns: false: it is not there any more. */
bool
box_withdraw(struct box *b, uint64_t number)
{
    struct box_item *found = NULL;

    pthread_mutex_lock(&b->lock);
    for (struct box_item **at = &b->first; *at && !found; at = &(*at)->next)
        if ((*at)->number == number) {
            found = remove_at(b, at);
            break;
        }
    pthread_mutex_unlock(&b->lock);
    if (found)
        discard(found);
    return found != NULL;
}
