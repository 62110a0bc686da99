// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* box.h: the queues behind intercsp.pep554 and intercsp.queues; box.c has the
 * invariants. */
#ifndef CORE_BOX_H
#define CORE_BOX_H

#include <csp/chan.h>
#include <csp/handle.h>

#include "module.h"
#include "sleeper.h"

enum box_kind { BOX_QUEUE, BOX_CHANNEL, BOX_KINDS };
enum box_side { BOX_RECV, BOX_SEND, BOX_SIDES };
/* CLOSING: until it is empty. */
enum box_state { BOX_OPEN, BOX_CLOSING, BOX_CLOSED };

/* What becomes of an item when its sender's interpreter ends. */
enum box_policy {
    BOX_DEFAULT = -1,
    BOX_REMOVE = 1,
    BOX_ERROR = 2,
    BOX_REPLACE = 3,
    BOX_KEEP = 4
};

struct box_item {
    struct box_item *next;
    csp_value v;
    int64_t sender; /* its interpreter */
    enum box_policy policy;
    bool gone; /* it has ended: v is none */
    uint64_t number;
    csp_tx *receipt; /* X3, or NULL */
};

struct box_user {
    struct box_user *next;
    int64_t interpreter;
    bool released;
};

struct box {
    struct box *next, *prev; /* these and refs by boxes_lock */
    unsigned refs;
    enum box_kind kind;
    int64_t id, maxsize; /* at most so many items; 0 or less: any number */
    enum box_policy policy;
    pthread_mutex_t lock; /* guards the rest */
    enum box_state state;
    struct box_item *first, **last;
    size_t count;
    uint64_t last_number;
    struct sleeper *sleepers[BOX_SIDES]; /* who waits for items, and for room */
    struct box_user *users[BOX_SIDES];
};

/* Something that may have to wait. */
struct box_call {
    struct box *b;
    enum box_side side;
    struct box_item *item;             /* to be put, or what was got */
    bool was_met;                      /* somebody waited for it */
    int (*attempt)(struct box_call *); /* EEMPTY, EFULL: not now */
};

/** A new box; the box with a number; another handle of a box: a reference.
 *  Returns: NULL: there is no memory, or no such box. */
csp_handle *box_make(enum box_kind kind, int64_t maxsize,
                     enum box_policy policy);
csp_handle *box_find(enum box_kind kind, int64_t id);
csp_handle *box_clone(csp_handle *h);

/** The numbers of those that are open, at most @p room, the newest first.
 *  Returns: how many there are. */
size_t box_list(enum box_kind kind, int64_t *ids, size_t room);

/** What a handle is of: NULL if of no box; the box. Borrowed. */
void *box_from_handle(csp_handle *h);
struct box *box_behind(csp_handle *h);

/** A blocking_op: do @p arg, a box_call, until it can be done. */
int box_attempt(void *arg, csp_value *unused, csp_time deadline);

/** What to attempt. With the lock. Returns: 0, CSP_EFULL, CSP_EEMPTY,
 *  CSP_ECLOSED. */
int box_try_put(struct box_call *c);
int box_try_get(struct box_call *c);

/** Take an item back. Returns: false: it is not there any more. */
bool box_withdraw(struct box *b, uint64_t number);

/** Release a list of items. Threads: any; without the lock. */
void box_discard(struct box_item *items);

/** What is known of this interpreter as a user of a side. With the lock.
 *  Returns: NULL if there is no memory. */
struct box_user *box_user(struct box *b, enum box_side side);

/** Close it if all that have used it are released. With the lock. */
void box_close_if_unused(struct box *b);

/** With the lock. Returns: 0; CSP_EFULL: it is not empty; CSP_ECLOSED. What is
 *  discarded comes in *@p items. */
int box_close_side(struct box *b, enum box_side side, bool force,
                   struct box_item **items);

/** An interpreter ends: what it has sent and nobody has received meets the
 *  fate that its sender chose. Threads: with its GIL. */
void box_sweep(int64_t interpreter);

extern PyMethodDef box_functions[];
int box_exec(PyObject *module, core_state *st);

#endif
