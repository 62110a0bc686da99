// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* driver.c: plays the rows of the table against the library, and says in TAP
 * which hold. The main thread conducts: it gives one step after the other to
 * the actors, each a thread, and waits for what they answer, so it is the
 * watchdog, too.
 *
 * Usage: semantics TABLE [PART]     only rows whose names contain PART
 *
 * Process-wide state: the actors; the row that they play, and why it fails. */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <csp/registry.h>

#include "semantics.h"

enum { PATIENCE = 5 /* seconds that a step may take */ };

static struct actor actors[MAX_ACTORS] = {
    {.name = "me"}, {.name = "peer"}, {.name = "peer2"}, {.name = "peer3"}};
static struct actor *const me = actors;

static const char *row_name;
static char why[4 * MAX_TEXT]; /* the row does not hold */

/* Notes the first reason. Returns: false. */
static bool
fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!*why)
        vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return false;
}

/* ---- actors ---- */

struct actor *
actor_find(const char *name)
{
    for (int i = 0; i < MAX_ACTORS; i++)
        if (strcmp(actors[i].name, name) == 0)
            return &actors[i];
    return NULL;
}

static void *
live(void *p)
{
    struct actor *a = p;

    csp_cancel_attach(a->token);
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->busy && !a->quit)
            pthread_cond_wait(&a->changed, &a->lock);
        if (a->quit)
            break;
        pthread_mutex_unlock(&a->lock);
        act(a);
        pthread_mutex_lock(&a->lock);
        a->busy = false;
        pthread_cond_signal(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void
set(struct actor *a, bool *what)
{
    pthread_mutex_lock(&a->lock);
    *what = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static bool
is_busy(struct actor *a)
{
    pthread_mutex_lock(&a->lock);
    bool busy = a->busy;
    pthread_mutex_unlock(&a->lock);
    return busy;
}

static void
come(struct actor *a)
{
    const char *name = a->name;
    pthread_condattr_t attr;

    *a = (struct actor){.name = name, .alive = true, .asked = true};
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (csp_cancel_new(&a->token) < 0 ||
        pthread_create(&a->thread, NULL, live, a))
        abort();
}

/* Waits until @p a has done its step. */
static bool
wait_for(struct actor *a)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock(&a->lock);
    while (a->busy && rc == 0)
        rc = pthread_cond_timedwait(&a->changed, &a->lock, &until);
    bool done = !a->busy;
    pthread_mutex_unlock(&a->lock);
    if (done)
        return true;
    fail("%s hangs at: %s", a->name, a->step.said);
    for (int i = 0; i < MAX_ACTORS; i++)
        if (actors[i].alive && is_busy(&actors[i]))
            printf("# %s: %s is at: %s\n", row_name, actors[i].name,
                   actors[i].step.said);
    return false;
}

/* Calls back whom nobody asked, and ends them all. */
static void
part(void)
{
    for (struct actor *a = actors; a < actors + MAX_ACTORS; a++) {
        if (!a->alive)
            continue;
        if (!a->asked)
            fail("nobody asks what %s answers", a->name);
        csp_cancel_request(a->token, 1);
        if (!wait_for(a)) {
            printf("Bail out! %s: %s\n", row_name, why);
            exit(1);
        }
        set(a, &a->quit);
        pthread_join(a->thread, NULL);
        pthread_cond_destroy(&a->changed);
        csp_selector_free(a->selection.s);
        csp_cancel_unref(a->token);
        a->alive = false;
    }
    ends_drop_all();
}

/* ---- steps ---- */

/* The ends at which @p a will be parked in its step. Returns: how many. */
static int
offers(const struct actor *a, bool selector, const struct end **on)
{
    const struct item *items = selector ? a->selection.item : a->step.items;
    int n_items = selector ? a->selection.n : a->step.n, n = 0;

    if (a->step.end)
        on[n++] = a->step.end;
    for (int i = 0; i < n_items; i++)
        if (items[i].end)
            on[n++] = items[i].end;
    return n;
}

/* Lets @p a do its step, and waits until it is parked at all its ends. (A
 * selector's cases may have been counted before.) */
static bool
park(struct actor *a)
{
    bool selector = strcmp(a->step.said_verb, "wait") == 0;
    const struct end *on[MAX_ITEMS + 1];
    size_t wanted[MAX_ITEMS + 1];
    int n = offers(a, selector, on);

    for (int i = 0; i < n; i++) {
        wanted[i] = selector ? 0 : ends_waiting(on[i]);
        for (int j = 0; j < n; j++)
            wanted[i] += on[j] == on[i];
    }
    csp_time until = csp_clock_after(PATIENCE * INT64_C(1000000000));
    set(a, &a->busy);
    for (int i = 0; i < n; i++)
        while (ends_waiting(on[i]) < wanted[i]) {
            if (!is_busy(a))
                return fail("%s does not park: %s: gives %s", a->name,
                            a->step.said, a->step.answer);
            if (csp_clock_now() > until)
                return fail("%s does not park: %s", a->name, a->step.said);
            sched_yield();
        }
    return true;
}

/* Whether @p a, asked now, answers @p expected: alternatives with "or". NULL:
 * whether it succeeds. */
static bool
answers(struct actor *a, const char *expected)
{
    char text[MAX_TEXT], *any[4];

    if (!a->alive || !wait_for(a))
        return fail("%s is not there", a->name);
    a->asked = true;
    if (!expected)
        return a->step.status >= 0 ||
               fail("%s: gives %s", a->step.said, a->step.answer);
    snprintf(text, sizeof text, "%s", expected);
    int n = table_split(text, " or ", any, 4);
    for (int i = 0; i < n; i++)
        if (strcmp(a->step.answer, any[i]) == 0)
            return true;
    return fail("%s: gives %s, not %s", a->step.said, a->step.answer, expected);
}

/* Lets a peer begin the step @p text, "parks STEP" or "STEP". */
static bool
begin(struct actor *peer, const char *text)
{
    bool parks = strncmp(text, "parks ", 6) == 0;

    if (!peer->alive)
        come(peer);
    else if (!wait_for(peer) || peer->step.status < 0)
        return fail("%s: %s: gives %s", peer->name, peer->step.said,
                    peer->step.answer);
    if (!words_step(&peer->step, parks ? text + 6 : text, WAIT_FOREVER))
        return fail("no step: %s", text);
    peer->step.by = peer;
    peer->asked = false;
    if (parks)
        return park(peer);
    set(peer, &peer->busy);
    return true;
}

/* Whether the step @p text of me gives @p expected. */
static bool
do_step(const char *text, int64_t wait_ns, const char *expected)
{
    if (!words_step(&me->step, text, wait_ns))
        return fail("no step: %s", text);
    me->step.by = me;
    set(me, &me->busy);
    return answers(me, expected);
}

/* Plays the steps in @p text; each gives what @p gives has in its place, or
 * succeeds if there is no @p gives. */
static bool
play(char *text, int64_t wait_ns, char *gives)
{
    char *steps[MAX_WORDS], *expected[MAX_WORDS] = {NULL};
    int n = table_split(text, ", ", steps, MAX_WORDS);

    if (gives && table_split(gives, ", ", expected, MAX_WORDS) != n)
        return fail("there are not as many answers as steps");
    for (int i = 0; i < n; i++) {
        char *rest = strchr(steps[i], ' ');
        struct actor *peer = NULL;
        if (rest) {
            *rest = 0;
            peer = actor_find(steps[i]);
            *rest++ = ' ';
        }
        if (strcmp(steps[i], "-") == 0)
            continue;
        if (!(!peer ? do_step(steps[i], wait_ns, expected[i])
              : strcmp(rest, "answers") == 0 ? answers(peer, expected[i])
                                             : begin(peer, rest)))
            return false;
    }
    return true;
}

/* Whether @p text holds: "peer ANSWER", "peer waits", or a question of one
 * word or more and the answer to it, the last word. */
static bool
check(char *text)
{
    char *word = strchr(text, ' '), *last = strrchr(text, ' ');
    struct actor *a;

    if (strcmp(text, "-") == 0)
        return true;
    if (!word)
        return fail("no check: %s", text);
    *word = 0;
    if ((a = actor_find(text))) {
        bool waits = strcmp(word + 1, "waits") == 0;
        if (waits)
            csp_cancel_request(a->token, 1);
        return answers(a, waits ? "CANCELLED" : word + 1);
    }
    *word = ' ';
    *last = 0;
    return do_step(text, WAIT_NOW, last + 1);
}

/* ---- rows ---- */

static bool
play_row(const struct row *r)
{
    char *const *c = r->column;
    char *checks[MAX_WORDS];
    int64_t wait_ns = WAIT_NOW;

    if (strcmp(c[CAP], "-") && ends_make(c[CAP]) < 0)
        return fail("no such channels");
    come(me);
    if (strcmp(c[DEADLINE], "-") && !words_deadline(c[DEADLINE], &wait_ns))
        return fail("no deadline: %s", c[DEADLINE]);
    if (!play(c[BEFORE], WAIT_NOW, NULL) || !play(c[DO], wait_ns, c[GIVES]))
        return false;
    int n = table_split(c[AFTER], ", ", checks, MAX_WORDS);
    for (int i = 0; i < n; i++)
        if (!check(checks[i]))
            return false;
    return true;
}

static void
count_living(csp_registry_counters *now)
{
    *now = (csp_registry_counters){.size = sizeof *now};
    csp_registry_count(now);
}

static bool
hold(const struct row *r)
{
    csp_registry_counters before, after;

    *why = 0;
    row_name = r->column[NAME];
    count_living(&before);
    play_row(r);
    part();
    count_living(&after);
    if (memcmp(&before, &after, sizeof before) != 0)
        fail("it leaves %lld channels, %lld blocks, %lld bytes",
             (long long)(after.chans - before.chans),
             (long long)(after.blocks - before.blocks),
             (long long)(after.bytes - before.bytes));
    return !*why;
}

int
main(int argc, char **argv)
{
    FILE *table = fopen(argc > 1 ? argv[1] : "table.txt", "r");
    const char *part = argc > 2 ? argv[2] : "";
    struct row r = {.line = 0};
    int played = 0, failed = 0;

    if (!table) {
        perror("the table");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (table_next(table, &r)) {
        const char *name = r.column[NAME];
        if (!strstr(name, part))
            continue;
        bool holds = hold(&r);
        printf("%s %d - %s\n", holds ? "ok" : "not ok", ++played, name);
        if (!holds)
            printf("# line %d: %s\n", r.line, why);
        failed += !holds;
    }
    if (*r.text) {
        printf("Bail out! line %d: a column is missing\n", r.line);
        return 1;
    }
    fclose(table);
    printf("1..%d\n", played);
    return played == 0 || failed > 0;
}
