// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* act.c: what each verb does, through the public interface. */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "semantics.h"

/* ---- answers ---- */

static void
say(struct step *s, const char *format, ...)
{
    size_t n = strlen(s->answer);
    va_list args;

    va_start(args, format);
    vsnprintf(s->answer + n, sizeof s->answer - n, format, args);
    va_end(args);
}

/* Says @p v with @p before it, and gives it up. */
static void
say_value(struct step *s, const char *before, csp_value v)
{
    csp_handle *h = csp_value_as_handle(v);
    size_t size;
    const char *data = csp_value_data(&v, &size);

    if (h)
        say(s, "%s%s", before, csp_rx_from_handle(h) ? "rx" : "tx");
    else if (data)
        say(s, "%s\"%.*s\"", before, (int)size, data);
    else if (csp_value_kind(v) == CSP_KIND_INT)
        say(s, "%s%" PRId64, before, csp_value_as_int(v));
    else
        say(s, "%snone", before);
    csp_value_unref(&v);
}

/* Says @p status as the table does: CSP_OK is OK, CSP_ECLOSED is CLOSED; a
 * poisoned channel's comes with the reason. */
static void
say_status(struct step *s, int status, const struct end *e)
{
    csp_value reason;

    say(s, "%s", csp_status_name(status) + (status < 0 ? 5 : 4));
    if (status != CSP_EPOISONED || !e || !(e->tx || e->rx))
        return;
    if (e->tx)
        csp_tx_reason(e->tx, &reason);
    else
        csp_rx_reason(e->rx, &reason);
    say_value(s, " ", reason);
}

/* ---- values ---- */

static int
clone(const struct end *e, struct end *out)
{
    return e->tx   ? csp_tx_clone(e->tx, &out->tx)
           : e->rx ? csp_rx_clone(e->rx, &out->rx)
                   : csp_hub_tx_clone(e->hub_tx, &out->hub_tx);
}

/* Returns: 0, or why the end cannot be given away. */
static int
make_value(struct item *it)
{
    const char *w = it->word;
    struct end given = {.tx = NULL};

    if (it->given) {
        int rc = clone(it->given, &given);
        if (rc == 0)
            it->c.value = END_CALL(&given, as_value);
        return rc;
    }
    if (*w == '"')
        return csp_value_str(w + 1, strlen(w) - 2, &it->c.value);
    it->c.value = *w == 'n' ? csp_value_none() : csp_value_int(atoll(w));
    return 0;
}

/* Returns: 0, or why the step cannot be done. */
static int
begin(struct step *s)
{
    static const csp_time special[] = {CSP_NOWAIT, CSP_SPIN, CSP_FOREVER};
    csp_time now = csp_clock_now();
    int rc = 0;

    s->deadline = s->wait_ns < 0 ? special[-1 - s->wait_ns] : now + s->wait_ns;
    for (int i = 0; i < s->n && rc == 0; i++) {
        struct item *it = &s->items[i];
        if (it->word && (rc = make_value(it)) < 0)
            it->word = NULL;
        if (it->c.kind == CSP_CASE_SEND)
            it->c.on.tx = it->end->tx;
        if (it->c.kind == CSP_CASE_RECV)
            it->c.on.rx = it->end->rx;
        if (it->c.kind != CSP_CASE_TIMER)
            continue;
        it->timer = it->ticks ? csp_timer_tick(it->wait_ns)
                              : csp_timer_after(it->wait_ns);
        it->c.on.timer = &it->timer;
        it->due = now + it->wait_ns;
    }
    return rc;
}

void
act(struct actor *a)
{
    struct step *s = &a->step;
    int rc = begin(s);
    bool made = rc == 0;

    if (made)
        rc = s->verb->act(s);
    s->status = rc;
    if (!*s->answer)
        say_status(s, rc, s->end);
    if (rc == CSP_ETIMEOUT && s->wait_ns > 0 && csp_clock_now() < s->deadline)
        say(s, " too early");
    for (int i = 0; i < s->n; i++) {
        struct item *it = &s->items[i];
        it->taken |= made && s->verb->follows == 'v' && rc == 0;
        if (it->taken && it->given)
            END_CALL(it->given, moved);
        else if (!it->taken && it->word)
            csp_value_unref(&it->c.value);
    }
}

/* ---- one end ---- */

static int
do_send(struct step *s)
{
    csp_value v = s->items[0].c.value;

    return s->end->tx ? csp_tx_send(s->end->tx, v, s->deadline)
                      : csp_hub_tx_send(s->end->hub_tx, v, s->deadline);
}

static int
do_try_send(struct step *s)
{
    csp_value v = s->items[0].c.value;

    return s->end->tx ? csp_tx_try_send(s->end->tx, v)
                      : csp_hub_tx_try_send(s->end->hub_tx, v);
}

static int
say_received(struct step *s, int rc, csp_value v)
{
    csp_handle *h = csp_value_as_handle(v);

    if (h && s->as) {
        struct end *e = ends_add(s->as);
        if ((e->tx = csp_tx_from_handle(h)) != NULL)
            csp_tx_ref(e->tx);
        if ((e->rx = csp_rx_from_handle(h)) != NULL)
            csp_rx_ref(e->rx);
        if ((e->hub_tx = csp_hub_tx_from_handle(h)) != NULL)
            csp_hub_tx_ref(e->hub_tx);
    }
    if (rc == 0)
        say_value(s, "value ", v);
    return rc;
}

static int
do_recv(struct step *s)
{
    csp_value v;
    int rc = csp_rx_recv(s->end->rx, &v, s->deadline);

    return say_received(s, rc, v);
}

static int
do_try_recv(struct step *s)
{
    csp_value v;
    int rc = csp_rx_try_recv(s->end->rx, &v);

    return say_received(s, rc, v);
}

static int
do_send_many(struct step *s)
{
    csp_value values[MAX_ITEMS];
    size_t sent;

    for (int i = 0; i < s->n; i++)
        values[i] = s->items[i].c.value;
    int rc =
        csp_tx_send_many(s->end->tx, values, (size_t)s->n, &sent, s->deadline);
    for (size_t i = 0; i < sent; i++)
        s->items[i].taken = true;
    say_status(s, rc, s->end);
    say(s, " sent %zu", sent);
    return rc;
}

static int
do_recv_many(struct step *s)
{
    csp_value values[MAX_ITEMS];
    size_t n = 0;
    int rc = csp_rx_recv_many(s->end->rx, values, (size_t)atoi(s->word), &n,
                              s->deadline);

    for (size_t i = 0; i < n; i++)
        say_value(s, i ? " " : "values ", values[i]);
    return rc;
}

static int
do_clone(struct step *s)
{
    return clone(s->end, ends_add(s->as));
}

static int
do_subscribe(struct step *s)
{
    csp_chan_opts opts;
    uint32_t capacity = words_capacity(s->word, &opts);

    return csp_hub_subscribe(s->end->hub, capacity, *s->word ? &opts : NULL,
                             &ends_add(s->as)->rx);
}

static int
do_close(struct step *s)
{
    END_CALL(s->end, close);
    return 0;
}

static int
do_drop(struct step *s)
{
    ends_drop(s->end);
    return 0;
}

static int
do_poison(struct step *s)
{
    csp_value why = s->items[0].c.value;

    return s->end->tx   ? csp_tx_poison(s->end->tx, why)
           : s->end->rx ? csp_rx_poison(s->end->rx, why)
                        : csp_hub_tx_poison(s->end->hub_tx, why);
}

static int
do_make(struct step *s)
{
    return ends_make(s->word);
}

/* ---- select and selector ---- */

static void
say_case(struct step *s, int number, csp_case *c, const struct item *it)
{
    say(s, "case %d ", number);
    if (c->kind == CSP_CASE_RECV && c->status == 0)
        say_value(s, "value ", c->value);
    else
        say_status(s, c->status, it->end);
    if (c->kind == CSP_CASE_TIMER && csp_clock_now() < it->due)
        say(s, " too early");
}

static int
do_select(struct step *s)
{
    csp_case cases[MAX_ITEMS];

    for (int i = 0; i < s->n; i++)
        cases[i] = s->items[i].c;
    int i = csp_select(cases, (size_t)s->n,
                       s->priority ? CSP_SELECT_PRIORITY : CSP_SELECT_FAIR,
                       s->deadline);
    if (i < 0)
        return i;
    s->items[i].taken = cases[i].status == 0;
    say_case(s, i, &cases[i], &s->items[i]);
    return cases[i].status;
}

/* The cases of an actor's selector have numbers, from 0 up as they are added;
 * the ids of the library are used again. */
static int
do_add(struct step *s)
{
    struct selection *sel = &s->by->selection;
    struct item *it = &sel->item[sel->n]; /* a timer is to stay there */
    int id = sel->s ? 0 : csp_selector_new(&sel->s);

    *it = s->items[0];
    if (it->c.kind == CSP_CASE_TIMER)
        it->c.on.timer = &it->timer;
    if (id == 0)
        id = csp_selector_add(sel->s, &it->c);
    if (id < 0)
        return id;
    s->items[0].taken = true;
    sel->number_of[id] = sel->n++;
    return 0;
}

static int
do_remove(struct step *s)
{
    struct selection *sel = &s->by->selection;
    int number = atoi(s->word), id = 0;

    while (id < MAX_ITEMS && sel->number_of[id] != number)
        id++;
    sel->item[number].end = NULL;
    return csp_selector_remove(sel->s, id);
}

static int
do_wait(struct step *s)
{
    struct selection *sel = &s->by->selection;
    csp_case c;
    int id = csp_selector_wait(sel->s, &c, s->deadline);

    if (id < 0)
        return id;
    struct item *it = &sel->item[sel->number_of[id]];
    say_case(s, sel->number_of[id], &c, it);
    if (c.kind == CSP_CASE_SEND)
        csp_value_unref(&c.value); /* ours again if it was not sent */
    if (c.kind == CSP_CASE_SEND || c.status < 0)
        it->end = NULL;
    it->due += it->wait_ns;
    return c.status;
}

static int
do_free(struct step *s)
{
    csp_selector_free(s->by->selection.s);
    s->by->selection.s = NULL;
    return 0;
}

/* ---- other actors ---- */

static int
do_cancel(struct step *s)
{
    csp_cancel_request(actor_find(s->word)->token, 1);
    return 0;
}

static int
do_uncancel(struct step *s)
{
    return csp_cancel_take(actor_find(s->word)->token) ? 0 : CSP_ENOTFOUND;
}

/* ---- questions ---- */

static int
do_finished(struct step *s)
{
    say(s, CHAN_CALL(s->end, is_finished) ? "yes" : "no");
    return 0;
}

static int
do_state(struct step *s)
{
    return END_CALL(s->end, state);
}

static int
do_count(struct step *s)
{
    struct end *hub = ends_find("hub", 'h'), *e = s->end;
    csp_chan_stats t = {.size = sizeof t};

    if (e)
        (void)(e->tx ? csp_tx_stats(e->tx, &t) : csp_rx_stats(e->rx, &t));
    const struct {
        const char *name;
        uint64_t is;
    } counts[] = {
        {"len", e ? CHAN_CALL(e, len) : 0},
        {"capacity", e ? CHAN_CALL(e, capacity) : 0},
        {"sent", t.sent},
        {"received", t.received},
        {"dropped", t.dropped},
        {"undelivered", t.undelivered},
        {"length", t.length},
        {"high_water", t.high_water},
        {"send_waits", t.send_waits},
        {"recv_waits", t.recv_waits},
        {"open_tx", t.open_tx},
        {"open_rx", t.open_rx},
        {"waiting_tx", t.waiting_tx},
        {"waiting_rx", t.waiting_rx},
        {"hub_len", hub ? csp_hub_len(hub->hub) : 0},
        {"hub_dropped", hub ? csp_hub_dropped(hub->hub) : 0},
        {"cases",
         s->by->selection.s ? csp_selector_len(s->by->selection.s) : 0},
    };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(counts[i].name, s->said_verb) == 0)
            say(s, counts[i].is == CSP_CHAN_UNBOUNDED ? "inf" : "%" PRIu64,
                counts[i].is);
    if (!*s->answer)
        say(s, "no such word");
    return 0;
}

static const struct verb verbs[] = {
    {"send", 't', 'v', do_send},
    {"try_send", 't', 'v', do_try_send},
    {"send_many", 't', 'v', do_send_many},
    {"recv", 'r', 0, do_recv},
    {"try_recv", 'r', 0, do_try_recv},
    {"recv_many", 'r', 'w', do_recv_many},
    {"clone", 'e', 0, do_clone},
    {"close", 'e', 0, do_close},
    {"drop", 'e', 0, do_drop},
    {"poison", 'e', 'v', do_poison},
    {"make", 0, 'w', do_make},
    {"subscribe", 'h', 'w', do_subscribe},
    {"select", 0, 'c', do_select},
    {"add", 0, 'c', do_add},
    {"remove", 0, 'w', do_remove},
    {"wait", 0, 0, do_wait},
    {"free", 0, 0, do_free},
    {"cancel", 0, 'w', do_cancel},
    {"uncancel", 0, 'w', do_uncancel},
    {"finished", 's', 0, do_finished},
    {"state", 'e', 0, do_state},
    {NULL, 'o', 0, do_count}, /* any other word: of an end, if there is one */
};

const struct verb *
act_verb(const char *name)
{
    const struct verb *v = verbs;

    while (v->name && strcmp(v->name, name) != 0)
        v++;
    return v;
}
