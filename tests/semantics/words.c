// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* words.c: the ends of a row by their names, and the words of a step.
 *
 * Process-wide state: the ends of the row that is being played. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "semantics.h"

enum { MAX_ENDS = 16 };

static struct end ends[MAX_ENDS];
static int n_ends;

/* ---- ends ---- */

static bool
is_of(const struct end *e, char side)
{
    switch (side) {
    case 't':
        return e->tx || e->hub_tx;
    case 'r':
        return e->rx;
    case 's':
    case 'o':
        return e->tx || e->rx;
    case 'h':
        return e->hub;
    default:
        return true;
    }
}

/* "a", "b" stand for that end of these channels which fits. */
struct end *
ends_find(const char *name, char side)
{
    char full[sizeof ends->name];

    snprintf(full, sizeof full, "%s", name);
    if (strlen(name) == 1)
        snprintf(full, sizeof full, *name == 'a' ? "%.0s%s" : "%s.%s", name,
                 side == 'r' ? "rx" : "tx");
    for (int i = 0; i < n_ends; i++)
        if (strcmp(ends[i].name, full) == 0 && is_of(&ends[i], side))
            return &ends[i];
    return NULL;
}

struct end *
ends_add(const char *name)
{
    struct end *e = &ends[n_ends++];

    if (n_ends > MAX_ENDS)
        abort();
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}

void
ends_drop(struct end *e)
{
    if (e->tx || e->rx || e->hub_tx)
        END_CALL(e, unref);
    csp_hub_unref(e->hub);
    memset(e, 0, sizeof *e);
}

void
ends_drop_all(void)
{
    while (n_ends > 0)
        ends_drop(&ends[--n_ends]);
}

size_t
ends_waiting(const struct end *e)
{
    size_t sum = 0;

    if (e->tx)
        return csp_tx_waiting(e->tx);
    if (e->rx)
        return csp_rx_waiting(e->rx);
    for (int i = 0; i < n_ends; i++) { /* a hub's: at its subscribers */
        csp_chan_stats stats = {.size = sizeof stats};
        if (ends[i].rx && csp_rx_stats(ends[i].rx, &stats) == 0)
            sum += stats.waiting_tx;
    }
    return sum;
}

uint32_t
words_capacity(const char *word, csp_chan_opts *opts)
{
    *opts = (csp_chan_opts)CSP_CHAN_OPTS_INIT;
    if (strstr(word, ":drop_new"))
        opts->overflow = CSP_OVERFLOW_DROP_NEW;
    if (strstr(word, ":drop_old"))
        opts->overflow = CSP_OVERFLOW_DROP_OLD;
    return *word == 'i' ? CSP_CHAN_UNBOUNDED : (uint32_t)atoll(word);
}

int
ends_make(const char *cap)
{
    static const char *const names[][2] = {
        {"tx", "rx"}, {"b.tx", "b.rx"}, {"c.tx", "c.rx"}};
    char text[MAX_TEXT], *words[3];
    csp_chan_opts opts;
    int rc = 0;

    snprintf(text, sizeof text, "%s", cap);
    int n = table_split(text, " ", words, 3);
    for (int i = 0; i < n && rc == 0; i++) {
        char *hub = strncmp(words[i], "hub:", 4) ? NULL : words[i] + 4;
        struct end *tx = ends_add(names[i][0]);
        struct end *rx = ends_add(hub ? "hub" : names[i][1]);
        uint32_t capacity = words_capacity(hub ? hub : words[i], &opts);
        rc = hub ? csp_hub_new(capacity, &opts, &tx->hub_tx, &rx->hub)
                 : csp_chan_new(capacity, &opts, &tx->tx, &rx->rx);
    }
    return rc;
}

/* ---- words ---- */

bool
words_deadline(const char *word, int64_t *wait_ns)
{
    static const char *const names[] = {"now", "spin", "forever"};
    char *unit;

    for (int i = 0; i < 3; i++)
        if (strcmp(word, names[i]) == 0) {
            *wait_ns = -1 - i;
            return true;
        }
    *wait_ns = strtoll(word, &unit, 10) * 1000000;
    return unit != word && strcmp(unit, "ms") == 0;
}

/* What the words of a step are read from. */
struct words {
    char *word[MAX_WORDS];
    int n, i;
};

static const char *
next(struct words *w)
{
    return w->i < w->n ? w->word[w->i++] : "";
}

/* The end that the next word names, or the one that is meant without. */
static struct end *
read_end(struct words *w, char side)
{
    struct end *e = w->i < w->n ? ends_find(w->word[w->i], side) : NULL;

    if (e)
        w->i++;
    else if (!(e = ends_find("tx", side)) && !(e = ends_find("rx", side)))
        e = ends_find("hub", side);
    return e;
}

static bool
read_value(struct words *w, struct item *it)
{
    it->word = next(w);
    if (*it->word == '&')
        return (it->given = ends_find(it->word + 1, 'e')) != NULL;
    return strcmp(it->word, "none") == 0 || *it->word == '"' ||
           strspn(it->word, "-0123456789") > 0;
}

static bool
read_case(struct words *w, struct item *it)
{
    const char *word = next(w);

    if (strcmp(word, "send") == 0) {
        it->c.kind = CSP_CASE_SEND;
        return (it->end = read_end(w, 't')) && read_value(w, it);
    }
    if (strcmp(word, "recv") == 0) {
        it->c.kind = CSP_CASE_RECV;
        return (it->end = read_end(w, 'r')) != NULL;
    }
    it->ticks = strcmp(word, "tick") == 0;
    if (it->ticks || strcmp(word, "after") == 0) {
        it->c.kind = CSP_CASE_TIMER;
        return words_deadline(next(w), &it->wait_ns) && it->wait_ns >= 0;
    }
    return strcmp(word, "none") == 0; /* CSP_CASE_NONE is 0 */
}

static bool
read_item(struct step *s, struct words *w)
{
    if (s->verb->follows == 'w')
        return (s->word = next(w)) != NULL;
    if (!s->verb->follows || s->n == MAX_ITEMS)
        return false;
    struct item *it = &s->items[s->n++];
    return s->verb->follows == 'v' ? read_value(w, it) : read_case(w, it);
}

bool
words_step(struct step *s, const char *text, int64_t wait_ns)
{
    struct words w = {.i = 0};

    memset(s, 0, sizeof *s);
    snprintf(s->said, sizeof s->said, "%s", text);
    memcpy(s->text, s->said, sizeof s->text);
    s->wait_ns = wait_ns;
    s->word = "";
    w.n = table_split(s->text, " ", w.word, MAX_WORDS);
    s->said_verb = next(&w);
    s->verb = act_verb(s->said_verb);
    if (s->verb->side)
        s->end = read_end(&w, s->verb->side);
    bool ok = s->end || !s->verb->side || s->verb->side == 'o';
    while (ok && w.i < w.n) {
        const char *word = next(&w);
        if (strcmp(word, "as") == 0)
            s->as = next(&w);
        else if (strcmp(word, "within") == 0)
            ok = words_deadline(next(&w), &s->wait_ns);
        else if (strcmp(word, "priority") == 0)
            s->priority = true;
        else if (strcmp(word, "|") != 0) {
            w.i--;
            ok = read_item(s, &w);
        }
    }
    return ok;
}
