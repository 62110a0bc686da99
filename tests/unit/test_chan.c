// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csp/chan.h>
#include <csp/tree.h>

#include "chan_priv.h"
#include "unit.h"

SUITE(chan);

static csp_tx *tx;
static csp_rx *rx;
static csp_value v;

static void
make(uint32_t capacity)
{
    cr_assert(eq(int, csp_chan_new(capacity, NULL, &tx, &rx), 0));
}

static void
drop(void)
{
    csp_tx_unref(tx);
    csp_rx_unref(rx);
}

#define ASSERT_RC(call, rc) cr_assert(eq(int, (call), (rc)))

static void
send_ints(int from, int n)
{
    for (int i = from; i < from + n; i++)
        ASSERT_RC(csp_tx_try_send(tx, csp_value_int(i)), 0);
}

static void
recv_ints(int from, int n)
{
    for (int i = from; i < from + n; i++) {
        ASSERT_RC(csp_rx_try_recv(rx, &v), 0);
        cr_assert(eq(i64, csp_value_as_int(v), i));
    }
}

/* ---- making */

Test(chan, a_capacity_out_of_range_is_invalid)
{
    ASSERT_RC(csp_chan_new(CSP_CHAN_MAX_CAPACITY + 1, NULL, &tx, &rx),
              CSP_EINVAL);
    ASSERT_RC(csp_chan_new(CSP_CHAN_UNBOUNDED - 1, NULL, &tx, &rx), CSP_EINVAL);
}

Test(chan, an_overflow_that_does_not_go_with_the_capacity_is_invalid)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.overflow = CSP_OVERFLOW_DROP_NEW;
    ASSERT_RC(csp_chan_new(0, &opts, &tx, &rx), CSP_EINVAL);
    ASSERT_RC(csp_chan_new(CSP_CHAN_UNBOUNDED, &opts, &tx, &rx), CSP_EINVAL);
    opts.overflow = (csp_overflow)3;
    ASSERT_RC(csp_chan_new(1, &opts, &tx, &rx), CSP_EINVAL);
}

Test(chan, a_capacity_of_0_buffers_nothing)
{
    make(0);
    ASSERT_RC(csp_tx_try_send(tx, csp_value_int(1)), CSP_EFULL);
    ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EEMPTY);
}

Test(chan, a_channel_without_bound_is_never_full)
{
    make(CSP_CHAN_UNBOUNDED);
    send_ints(0, 5000);
    recv_ints(0, 5000);
    ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EEMPTY);
}

Test(chan, options_of_an_unknown_size_are_invalid)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.size = 0;
    ASSERT_RC(csp_chan_new(1, &opts, &tx, &rx), CSP_EINVAL);
    opts.size = sizeof opts + 8;
    ASSERT_RC(csp_chan_new(1, &opts, &tx, &rx), CSP_EINVAL);
}

Test(chan, a_new_channel_is_open_empty_and_nobody_waits)
{
    make(5);
    cr_assert(eq(u32, csp_tx_capacity(tx), 5));
    cr_assert(eq(u32, csp_rx_capacity(rx), 5));
    cr_assert(eq(sz, csp_tx_len(tx), 0));
    cr_assert(eq(sz, csp_rx_len(rx), 0));
    cr_assert(eq(sz, csp_tx_waiting(tx), 0));
    cr_assert(eq(sz, csp_rx_waiting(rx), 0));
    ASSERT_RC(csp_tx_state(tx), 0);
    ASSERT_RC(csp_rx_state(rx), 0);
    cr_assert(not(csp_tx_is_finished(tx)));
    cr_assert(not(csp_rx_is_finished(rx)));
    ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EEMPTY);
    drop();
}

Test(chan, ids_are_never_zero_and_never_come_again)
{
    uint64_t last = 0;

    for (int i = 0; i < 1000; i++) {
        make(1);
        cr_assert(eq(u64, csp_tx_id(tx), csp_rx_id(rx)));
        cr_assert(gt(u64, csp_tx_id(tx), last));
        last = csp_tx_id(tx);
        drop();
    }
}

static int
make_named(void)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.name = "a name";
    int rc = csp_chan_new(3, &opts, &tx, &rx);
    if (rc == 0)
        drop();
    return rc;
}

Test(chan, each_allocation_of_a_new_channel_may_fail)
{
    cr_assert(ge(u64, unit_fail_each_allocation(make_named), 5));
    make(2); /* and then it works */
    send_ints(0, 2);
    recv_ints(0, 2);
    drop();
}

static int
clone_both(void)
{
    csp_tx *t;
    csp_rx *r;
    int rc = csp_tx_clone(tx, &t);

    if (rc < 0)
        return rc;
    rc = csp_rx_clone(rx, &r);
    if (rc == 0)
        csp_rx_unref(r);
    csp_tx_unref(t);
    return rc;
}

Test(chan, each_allocation_of_a_clone_may_fail)
{
    make(1);
    cr_assert(eq(u64, unit_fail_each_allocation(clone_both), 2));
    csp_tx_close(tx); /* no end was left counted */
    cr_assert(csp_rx_is_finished(rx));
    drop();
}

/* ---- names */

static void
check_name(const char *given, const char *got)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;
    char *copy = strdup(given);

    opts.name = copy;
    ASSERT_RC(csp_chan_new(1, &opts, &tx, &rx), 0);
    memset(copy, 'x', strlen(copy));
    free(copy);
    cr_assert_str_eq(csp_tx_name(tx), got);
    cr_assert_str_eq(csp_rx_name(rx), got);
    drop();
}

Test(chan, a_name_is_copied)
{
    check_name("results", "results");
    check_name("", "");
}

Test(chan, a_channel_without_a_name_is_called_after_its_id)
{
    char name[64];

    make(1);
    snprintf(name, sizeof name, "chan-%llu", (unsigned long long)csp_tx_id(tx));
    cr_assert_str_eq(csp_tx_name(tx), name);
    cr_assert_str_eq(csp_rx_name(rx), name);
    drop();
}

Test(chan, a_long_name_is_cut_between_characters)
{
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80"};

    for (size_t c = 0; c < 4; c++)
        for (size_t lead = CSP_CHAN_MAX_NAME - 6; lead <= CSP_CHAN_MAX_NAME;
             lead++) {
            size_t width = strlen(characters[c]), kept = lead;
            char name[300], cut[300];

            memset(name, 'n', lead);
            name[lead] = 0;
            for (int i = 0; i < 8; i++)
                strcat(name, characters[c]);
            while (kept + width <= CSP_CHAN_MAX_NAME)
                kept += width;
            memcpy(cut, name, kept);
            cut[kept] = 0;
            check_name(name, cut);
        }
}

/* ---- values */

Test(chan, values_come_in_order_and_no_more_than_the_capacity)
{
    static const uint32_t capacities[] = {1, 2, 3, 7, 64, 1000};

    for (int i = 0; i < 6; i++) {
        int c = (int)capacities[i];
        make(capacities[i]);
        for (int lap = 0; lap < 3; lap++) {
            send_ints(lap * c, c);
            ASSERT_RC(csp_tx_try_send(tx, csp_value_int(-1)), CSP_EFULL);
            cr_assert(eq(sz, csp_tx_len(tx), (size_t)c));
            cr_assert(eq(sz, csp_rx_len(rx), (size_t)c));
            recv_ints(lap * c, c);
            ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EEMPTY);
            cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_NONE));
        }
        drop();
    }
}

Test(chan, every_kind_of_value_passes_as_it_is)
{
    struct unit_object o = {.released = 0};
    csp_value in[8], out;

    UNIT_OBJECT_INIT(&o);
    in[0] = csp_value_none();
    in[1] = csp_value_bool(true);
    in[2] = csp_value_float(-0.5);
    ASSERT_RC(csp_value_str("short", 5, &in[3]), 0);
    ASSERT_RC(csp_value_str("longer than that", 16, &in[4]), 0);
    ASSERT_RC(csp_value_bytes("12345678", 8, &in[5]), 0);
    ASSERT_RC(csp_tree_new("\0", 1, NULL, 0, &in[6]), 0);
    in[7] = csp_value_handle(&o.handle);
    make(3);
    for (int i = 0; i < 8; i++) {
        ASSERT_RC(csp_tx_try_send(tx, in[i]), 0);
        ASSERT_RC(csp_rx_try_recv(rx, &out), 0);
        cr_assert(eq(int, memcmp(&in[i], &out, sizeof out), 0));
        csp_value_unref(&out);
    }
    cr_assert(eq(uint, o.released, 1));
    drop();
}

static csp_value
object_value(struct unit_object *o)
{
    o->released = 0;
    UNIT_OBJECT_INIT(o);
    return csp_value_handle(&o->handle);
}

Test(chan, a_value_that_was_not_sent_stays_with_the_sender)
{
    struct unit_object o;

    make(1);
    send_ints(0, 1);
    v = object_value(&o);
    ASSERT_RC(csp_tx_try_send(tx, v), CSP_EFULL);
    ASSERT_RC(csp_tx_send(tx, v, CSP_NOWAIT), CSP_ETIMEOUT);
    csp_rx_close(rx);
    ASSERT_RC(csp_tx_try_send(tx, v), CSP_ECLOSED);
    ASSERT_RC(csp_tx_send(tx, v, CSP_FOREVER), CSP_ECLOSED);
    csp_tx_close(tx);
    ASSERT_RC(csp_tx_try_send(tx, v), CSP_EENDCLOSED);
    drop();
    cr_assert(eq(uint, o.released, 0));
    csp_value_unref(&v);
    cr_assert(eq(uint, o.released, 1));
}

/* ---- closing */

Test(chan, what_was_buffered_is_received_after_the_send_side_closed)
{
    for (uint32_t c = 1; c <= 4; c++)
        for (int n = 0; n <= (int)c; n++) {
            make(c);
            send_ints(0, n);
            csp_tx_close(tx);
            cr_assert(eq(int, csp_rx_is_finished(rx), n == 0));
            cr_assert(not(csp_tx_is_finished(tx)));
            recv_ints(0, n);
            cr_assert(csp_rx_is_finished(rx));
            for (int again = 0; again < 2; again++) {
                ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_ECLOSED);
                ASSERT_RC(csp_rx_recv(rx, &v, CSP_FOREVER), CSP_ECLOSED);
                ASSERT_RC(csp_rx_recv(rx, &v, CSP_NOWAIT), CSP_ECLOSED);
            }
            ASSERT_RC(csp_rx_state(rx), 0); /* this end was not closed */
            drop();
        }
}

Test(chan, what_was_buffered_is_released_when_the_receive_side_closes)
{
    struct unit_object objects[4];

    for (uint32_t c = 1; c <= 4; c++)
        for (uint32_t n = 0; n <= c; n++) {
            make(c);
            for (uint32_t i = 0; i < n; i++)
                ASSERT_RC(csp_tx_try_send(tx, object_value(&objects[i])), 0);
            cr_assert(not(csp_tx_is_finished(tx)));
            csp_rx_close(rx);
            cr_assert(csp_tx_is_finished(tx));
            for (uint32_t i = 0; i < n; i++)
                cr_assert(eq(uint, objects[i].released, 1));
            cr_assert(eq(sz, csp_tx_len(tx), 0));
            ASSERT_RC(csp_tx_try_send(tx, csp_value_int(1)), CSP_ECLOSED);
            ASSERT_RC(csp_tx_send(tx, csp_value_int(1), CSP_FOREVER),
                      CSP_ECLOSED);
            ASSERT_RC(csp_tx_state(tx), 0);
            drop();
        }
}

Test(chan, a_closed_end_says_so_whatever_the_channel_holds)
{
    for (int n = 0; n <= 2; n++) {
        make(2);
        send_ints(0, n);
        csp_rx *other;
        ASSERT_RC(csp_rx_clone(rx, &other), 0);
        csp_rx_close(rx);
        csp_tx_close(tx);
        ASSERT_RC(csp_tx_state(tx), CSP_EENDCLOSED);
        ASSERT_RC(csp_rx_state(rx), CSP_EENDCLOSED);
        ASSERT_RC(csp_tx_try_send(tx, csp_value_int(1)), CSP_EENDCLOSED);
        ASSERT_RC(csp_tx_send(tx, csp_value_int(1), CSP_FOREVER),
                  CSP_EENDCLOSED);
        ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EENDCLOSED);
        cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_NONE));
        ASSERT_RC(csp_rx_recv(rx, &v, CSP_FOREVER), CSP_EENDCLOSED);
        csp_tx *t;
        ASSERT_RC(csp_tx_clone(tx, &t), CSP_EENDCLOSED);
        cr_assert(eq(sz, csp_rx_len(other), (size_t)n));
        csp_rx_unref(other);
        drop();
    }
}

Test(chan, close_counts_once_however_often_it_is_called)
{
    csp_tx *t;
    csp_rx *r;

    make(1);
    ASSERT_RC(csp_tx_clone(tx, &t), 0);
    ASSERT_RC(csp_rx_clone(rx, &r), 0);
    for (int i = 0; i < 3; i++) {
        csp_tx_close(tx);
        csp_rx_close(rx);
        csp_tx_moved(tx);
        csp_rx_moved(rx);
    }
    ASSERT_RC(csp_tx_state(tx), CSP_EENDCLOSED); /* the first word stands */
    ASSERT_RC(csp_tx_try_send(t, csp_value_int(3)), 0);
    ASSERT_RC(csp_rx_try_recv(r, &v), 0);
    cr_assert(not(csp_tx_is_finished(t)));
    cr_assert(not(csp_rx_is_finished(r)));
    csp_tx_unref(t);
    cr_assert(csp_rx_is_finished(r));
    csp_rx_unref(r);
    drop();
}

Test(chan, an_end_given_away_says_so)
{
    csp_tx *t;
    csp_rx *r;

    make(1);
    ASSERT_RC(csp_tx_clone(tx, &t), 0);
    ASSERT_RC(csp_rx_clone(rx, &r), 0);
    csp_tx_moved(tx);
    csp_rx_moved(rx);
    csp_tx_close(tx);
    csp_rx_close(rx);
    ASSERT_RC(csp_tx_state(tx), CSP_EMOVED);
    ASSERT_RC(csp_rx_state(rx), CSP_EMOVED);
    ASSERT_RC(csp_tx_try_send(tx, csp_value_int(1)), CSP_EMOVED);
    ASSERT_RC(csp_tx_send(tx, csp_value_int(1), CSP_FOREVER), CSP_EMOVED);
    ASSERT_RC(csp_rx_try_recv(rx, &v), CSP_EMOVED);
    ASSERT_RC(csp_rx_recv(rx, &v, CSP_FOREVER), CSP_EMOVED);
    ASSERT_RC(csp_tx_clone(tx, &t), CSP_EMOVED);
    ASSERT_RC(csp_rx_clone(rx, &r), CSP_EMOVED);
    ASSERT_RC(csp_tx_try_send(t, csp_value_int(7)), 0);
    ASSERT_RC(csp_rx_try_recv(r, &v), 0);
    cr_assert(eq(i64, csp_value_as_int(v), 7));
    csp_tx_unref(t);
    csp_rx_unref(r);
    drop();
}

Test(chan, a_side_is_open_until_its_last_end_closes)
{
    enum { N = 10 };
    csp_tx *t[N];

    make(1);
    for (int i = 0; i < N; i++)
        ASSERT_RC(csp_tx_clone(i ? t[i - 1] : tx, &t[i]), 0);
    csp_tx_close(tx);
    for (int i = 0; i < N; i++) {
        cr_assert(not(csp_rx_is_finished(rx)));
        csp_tx_unref(t[i]); /* the last reference closes too */
    }
    cr_assert(csp_rx_is_finished(rx));
    drop();
}

Test(chan, a_reference_is_no_further_end)
{
    make(1);
    cr_assert(eq(ptr, csp_tx_ref(tx), tx));
    cr_assert(eq(ptr, csp_rx_ref(rx), rx));
    csp_tx_close(tx);
    cr_assert(csp_rx_is_finished(rx));
    csp_tx_unref(tx);
    ASSERT_RC(csp_tx_state(tx), CSP_EENDCLOSED); /* one is left */
    csp_rx_unref(rx);
    ASSERT_RC(csp_rx_state(rx), 0);
    drop();
    csp_tx_unref(NULL);
    csp_rx_unref(NULL);
}

Test(chan, the_channel_lives_as_long_as_its_last_end)
{
    csp_registry_counters before = unit_live();

    make(2);
    send_ints(0, 2);
    csp_tx_unref(tx);
    cr_assert(eq(u64, unit_live().chans, before.chans + 1));
    recv_ints(0, 2);
    cr_assert(eq(u32, csp_rx_capacity(rx), 2));
    csp_rx_unref(rx);
    unit_assert_live(before);
    make(2);
    send_ints(0, 2);
    csp_rx_unref(rx);
    cr_assert(eq(u32, csp_tx_capacity(tx), 2));
    csp_tx_unref(tx);
    unit_assert_live(before);
}

/* ---- ends as values */

Test(chan, an_end_travels_as_a_value)
{
    csp_tx *inner_tx;
    csp_rx *inner_rx;

    make(2);
    ASSERT_RC(csp_chan_new(1, NULL, &inner_tx, &inner_rx), 0);
    uint64_t id = csp_tx_id(inner_tx);
    ASSERT_RC(csp_tx_try_send(tx, csp_tx_as_value(inner_tx)), 0);
    ASSERT_RC(csp_tx_try_send(tx, csp_rx_as_value(inner_rx)), 0);

    ASSERT_RC(csp_rx_try_recv(rx, &v), 0);
    cr_assert(eq(ptr, csp_rx_from_handle(csp_value_as_handle(v)), NULL));
    csp_tx *t = csp_tx_from_handle(csp_value_as_handle(v));
    cr_assert(eq(ptr, t, inner_tx));
    ASSERT_RC(csp_rx_try_recv(rx, &v), 0);
    cr_assert(eq(ptr, csp_tx_from_handle(csp_value_as_handle(v)), NULL));
    csp_rx *r = csp_rx_from_handle(csp_value_as_handle(v));
    cr_assert(eq(u64, csp_rx_id(r), id));

    ASSERT_RC(csp_tx_try_send(t, csp_value_int(8)), 0);
    ASSERT_RC(csp_rx_try_recv(r, &v), 0);
    csp_tx_unref(t);
    csp_rx_unref(r);
    drop();
}

Test(chan, what_is_no_handle_is_no_end)
{
    cr_assert(eq(ptr, csp_tx_from_handle(NULL), NULL));
    cr_assert(eq(ptr, csp_rx_from_handle(NULL), NULL));
}

Test(chan, another_handle_is_no_end)
{
    struct unit_object o = {.released = 0};

    UNIT_OBJECT_INIT(&o);
    cr_assert(eq(ptr, csp_tx_from_handle(&o.handle), NULL));
    cr_assert(eq(ptr, csp_rx_from_handle(&o.handle), NULL));
}

Test(chan, an_end_in_a_buffer_is_open_until_the_buffer_goes)
{
    csp_tx *inner_tx;
    csp_rx *inner_rx;

    make(1);
    ASSERT_RC(csp_chan_new(1, NULL, &inner_tx, &inner_rx), 0);
    ASSERT_RC(csp_tx_try_send(tx, csp_rx_as_value(inner_rx)), 0);
    cr_assert(not(csp_tx_is_finished(inner_tx)));
    csp_tx_close(tx); /* it may still be received */
    cr_assert(not(csp_tx_is_finished(inner_tx)));
    csp_rx_close(rx);
    cr_assert(csp_tx_is_finished(inner_tx));
    csp_tx_unref(inner_tx);
    drop();
}

static uintptr_t bottom; /* where the stack of the release was */

static void
note_stack(csp_handle *h)
{
    (void)h;
    bottom = (uintptr_t)__builtin_frame_address(0);
}

Test(chan, a_chain_of_100000_buffered_ends_is_released_without_recursion)
{
    static const csp_handle_type type = {
        .size = sizeof type, .name = "bottom", .release = note_stack};
    csp_registry_counters before = unit_live();
    csp_handle end_of_chain;

    csp_handle_init(&end_of_chain, &type);
    v = csp_value_handle(&end_of_chain);
    for (int i = 0; i < 100000; i++) { /* each buffers the one before */
        make(1);
        ASSERT_RC(csp_tx_try_send(tx, v), 0);
        csp_tx_unref(tx);
        v = csp_rx_as_value(rx);
    }
    cr_assert(eq(u64, unit_live().chans, before.chans + 100000));
    csp_value_unref(&v);
    cr_assert(ne(u64, bottom, 0));
    uintptr_t top = (uintptr_t)__builtin_frame_address(0);
    cr_assert(lt(u64, top > bottom ? top - bottom : bottom - top, 8192));
}

Test(chan, an_end_prints_the_name_of_its_channel)
{
    csp_chan_opts opts = {.size = sizeof opts, .name = "jobs"};
    char text[40];
    csp_tx *a;
    csp_rx *b;

    cr_assert(eq(int, csp_chan_new(1, &opts, &a, &b), 0));
    csp_value s = csp_tx_as_value(a), r = csp_rx_as_value(b);
    csp_value_print(s, text, sizeof text);
    cr_assert(eq(str, text, "<send end \"jobs\">"));
    csp_value_print(r, text, sizeof text);
    cr_assert(eq(str, text, "<receive end \"jobs\">"));
    csp_value_unref(&s);
    csp_value_unref(&r);
}

static int
poison(void)
{
    csp_tx *t;
    csp_rx *r;
    int rc = csp_chan_new(1, NULL, &t, &r);

    if (rc == 0) {
        rc = csp_tx_poison(t, csp_value_none());
        cr_assert(eq(int, csp_tx_is_finished(t), rc == 0));
        csp_tx_unref(t);
        csp_rx_unref(r);
    }
    return rc;
}

Test(chan, each_allocation_of_a_poison_may_fail)
{
    cr_assert(ge(u64, unit_fail_each_allocation(poison), 5));
}

/* A channel that has to grow, and can not. */
static int
fill(void)
{
    csp_tx *t;
    csp_rx *r;
    int64_t sent = 0, received = 0;
    int rc = csp_chan_new(CSP_CHAN_UNBOUNDED, NULL, &t, &r);

    if (rc < 0)
        return rc;
    while (rc == 0 && sent < 100)
        if ((rc = csp_tx_try_send(t, csp_value_int(sent))) == 0)
            sent++;
    while (csp_rx_try_recv(r, &v) == 0)
        cr_assert(eq(i64, csp_value_as_int(v), received++));
    cr_assert(eq(i64, received, sent));
    csp_tx_unref(t);
    csp_rx_unref(r);
    return rc;
}

Test(chan, each_allocation_of_an_unbounded_channel_may_fail)
{
    cr_assert(ge(u64, unit_fail_each_allocation(fill), 8));
}

Test(chan, the_mark_of_a_channel_is_its_makers)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.mark = 0xfeedbeef;
    cr_assert(eq(int, csp_chan_new(1, &opts, &tx, &rx), 0));
    cr_assert(eq(u32, csp_tx_mark(tx), 0xfeedbeef));
    drop();
}

Test(chan, an_unbounded_one_with_a_steady_backlog_stays_as_large_as_it_is)
{
    enum { BACKLOG = 40, VALUES = 10000 };
    csp_tx *t;
    csp_rx *r;
    uint64_t bytes = 0;

    cr_assert(eq(int, csp_chan_new(CSP_CHAN_UNBOUNDED, NULL, &t, &r), 0));
    for (int i = 0; i < BACKLOG + VALUES; i++) {
        cr_assert(eq(int, csp_tx_try_send(t, csp_value_int(i)), 0));
        if (i >= BACKLOG)
            cr_assert(eq(int, csp_rx_try_recv(r, &v), 0));
        if (i == BACKLOG + 200)
            bytes = unit_live().bytes;
    }
    cr_assert(eq(u64, unit_live().bytes, bytes));
    csp_tx_unref(t);
    csp_rx_unref(r);
}

/* ---- figures of a channel that drops what is old ---- */

static void
make_dropping(void)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    opts.overflow = CSP_OVERFLOW_DROP_OLD;
    ASSERT_RC(csp_chan_new(4, &opts, &tx, &rx), 0);
}

static csp_chan_stats
stats(void)
{
    csp_chan_stats s = {.size = sizeof s};

    ASSERT_RC(csp_tx_stats(tx, &s), 0);
    return s;
}

Test(chan, a_child_process_has_received_nothing)
{
    int status;

    make_dropping();
    send_ints(0, 9);
    ASSERT_RC(csp_tx_poison(tx, csp_value_none()), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(stats().received == 0 ? 0 : 1);
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    drop();
}
