// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* semantics.h: what the parts of the driver share. table.txt says what its
 * words mean. table.c splits it, words.c reads a step, act.c does what it says,
 * driver.c has the threads in which that happens, and plays the rows.
 *
 * Locks: none for the ends. The main thread looks them up while it reads a
 *        step; a step adds one at most, and is waited for before the next. */
#ifndef SEMANTICS_H
#define SEMANTICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <csp/cancel.h>
#include <csp/hub.h>
#include <csp/selector.h>

struct actor;

enum { MAX_TEXT = 200, MAX_WORDS = 48, MAX_ITEMS = 12, MAX_ACTORS = 4 };

/* ---- table.c ---- */

enum column { NAME, CAP, BEFORE, DO, DEADLINE, GIVES, AFTER, COLUMNS };

/** A row; before the first, all of it is 0. */
struct row {
    int line;
    char text[512], *column[COLUMNS];
};

/** Read the next row, with the line that it is on. Returns: whether there is
 *  one. If not, and the text is not empty, a column is missing. */
bool table_next(FILE *table, struct row *r);

/** Split @p text in place; parts are without blanks around, none is empty.
 *  Returns: how many, at most @p max. */
int table_split(char *text, const char *separator, char **parts, int max);

/* ---- words.c ---- */

/** An end by its name; one pointer is set. */
struct end {
    char name[16];
    csp_tx *tx;
    csp_rx *rx;
    csp_hub_tx *hub_tx;
    csp_hub *hub;
};

/** The call for @p e: an end of a channel; or of a hub, too. */
#define CHAN_CALL(e, call)                                                     \
    ((e)->tx ? csp_tx_##call((e)->tx) : csp_rx_##call((e)->rx))
#define END_CALL(e, call)                                                      \
    ((e)->hub_tx ? csp_hub_tx_##call((e)->hub_tx) : CHAN_CALL(e, call))

/** A value to send, or a case. */
struct item {
    csp_case c;
    struct end *end;
    const char *word;  /* the value as it is written, or NULL */
    struct end *given; /* the value is this end, given away */
    bool taken;        /* the value has passed to the library */
    bool ticks;        /* a timer's; so is what follows */
    int64_t wait_ns;
    csp_timer timer;
    csp_time due;
};

/** One thing that an actor does. Points into itself: not to be copied. */
struct step {
    struct actor *by;
    char said[MAX_TEXT], text[MAX_TEXT]; /* as written; cut into words */
    const char *said_verb;
    const struct verb *verb;
    struct end *end;
    struct item items[MAX_ITEMS];
    int n;
    const char *as, *word; /* the name of a new end; anything else */
    bool priority;
    int64_t wait_ns; /* or WAIT_ */
    csp_time deadline;
    int status;
    char answer[MAX_TEXT];
};

/** What may stand at the beginning of a step. @p side, of its end: 't', 'r',
 *  'h' a hub, 's' one of a channel, 'o' the same if there is one, 'e' any, 0
 *  none. What follows: 'v'alues, 'c'ases, a 'w'ord, 0 nothing. */
struct verb {
    const char *name;
    char side, follows;
    int (*act)(struct step *s); /* returns a status; may leave the answer */
};

/** Deadlines that are no time from now, as wait_ns. */
enum { WAIT_NOW = -1, WAIT_SPIN = -2, WAIT_FOREVER = -3 };

/** Read a deadline. Returns: whether it is one. */
bool words_deadline(const char *word, int64_t *wait_ns);

/** Read @p text, whose deadline is @p wait_ns unless it has its own. Returns:
 *  whether it is a step. */
bool words_step(struct step *s, const char *text, int64_t wait_ns);

/** What "2" or "2:drop_old" asks for. Returns: the capacity. */
uint32_t words_capacity(const char *word, csp_chan_opts *opts);

/** Make the channels that a column @p cap asks for. Returns: a status. */
int ends_make(const char *cap);

/** The end @p name that fits @p side, or NULL. */
struct end *ends_find(const char *name, char side);

/** A place for a new end. */
struct end *ends_add(const char *name);

/** Let go of an end, or of all. */
void ends_drop(struct end *e);
void ends_drop_all(void);

/** How many operations are parked on the side of @p e. */
size_t ends_waiting(const struct end *e);

/* ---- act.c ---- */

/** The verb @p name; any other word is a question for a number. */
const struct verb *act_verb(const char *name);

/** Do the step of @p a, on its thread; leaves the answer. */
void act(struct actor *a);

/* ---- driver.c ---- */

/** A selector and its cases, whose numbers go from 0 up as they are added. */
struct selection {
    csp_selector *s;
    int n, number_of[MAX_ITEMS]; /* by the id in the library */
    struct item item[MAX_ITEMS]; /* its end is NULL once it has gone */
};

struct actor {
    const char *name;
    pthread_t thread;
    pthread_mutex_t lock; /* guards busy, quit; step belongs to who is busy */
    pthread_cond_t changed;
    bool busy, quit;
    struct step step;
    csp_cancel *token;
    bool alive, asked; /* the conductor's: has a thread; its answer was used */
    struct selection selection;
};

/** The actor @p name, or NULL. */
struct actor *actor_find(const char *name);

#endif
