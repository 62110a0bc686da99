// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#define _GNU_SOURCE
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csp/loop.h>

#include "unit.h"

static csp_loop *loop;
static csp_tx *tx, *meet_tx;
static csp_rx *rx, *meet_rx;
static csp_loop_op *op;
static csp_case happened;
static void *user;
static int a, b; /* users */

/* A loop, a channel of one value, and a rendezvous. */
static void
before(void)
{
    unit_before();
    cr_assert(eq(int, csp_loop_new(&loop), 0));
    cr_assert(eq(int, csp_chan_new(1, NULL, &tx, &rx), 0));
    cr_assert(eq(int, csp_chan_new(0, NULL, &meet_tx, &meet_rx), 0));
}

static void
after(void)
{
    csp_loop_free(loop);
    csp_tx_unref(tx);
    csp_rx_unref(rx);
    csp_tx_unref(meet_tx);
    csp_rx_unref(meet_rx);
    unit_after();
}

TestSuite(loop, .init = before, .fini = after);

static int
start(csp_case c, void *who)
{
    happened = c;
    return csp_loop_start(loop, &happened, 1, 0, who, &op);
}

static bool
is_readable(void)
{
    struct pollfd p = {.fd = csp_loop_fd(loop), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

/* The next that has happened is case @p index of @p who, with @p status. */
static void
assert_next(int index, void *who, int status)
{
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(int, csp_loop_finish(loop, op, &happened), index));
    cr_assert(eq(ptr, user, who));
    cr_assert(eq(int, happened.status, status));
}

static void
assert_no_next(void)
{
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), CSP_ETIMEOUT));
    cr_assert(not(is_readable()));
}

Test(loop, what_can_happen_at_once_does)
{
    cr_assert(eq(int, start(csp_case_send(tx, csp_value_int(1)), &a), 0));
    cr_assert(eq(int, happened.status, 0));
    cr_assert(eq(ptr, op, NULL));
    cr_assert(eq(int, start(csp_case_recv(rx), &a), 0));
    cr_assert(eq(i64, csp_value_as_int(happened.value), 1));
    cr_assert(eq(sz, csp_loop_len(loop), 0));
    assert_no_next();
}

Test(loop, a_receive_waits_for_its_value)
{
    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(ne(ptr, op, NULL));
    cr_assert(eq(sz, csp_loop_len(loop), 1));
    assert_no_next();
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(7)), 0));
    cr_assert(is_readable());
    assert_next(0, &a, 0);
    cr_assert(eq(i64, csp_value_as_int(happened.value), 7));
    assert_no_next();
    cr_assert(eq(sz, csp_loop_len(loop), 0));
}

Test(loop, a_send_waits_for_room)
{
    csp_value v;

    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, start(csp_case_send(tx, csp_value_int(2)), &a), 1));
    assert_no_next();
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
    assert_next(0, &a, 0);
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
    cr_assert(eq(i64, csp_value_as_int(v), 2));
}

Test(loop, both_sides_of_a_rendezvous_may_be_pending)
{
    csp_loop_op *receive;

    cr_assert(eq(int, start(csp_case_send(meet_tx, csp_value_int(3)), &a), 1));
    cr_assert(eq(int, start(csp_case_recv(meet_rx), &b), 0));
    cr_assert(eq(i64, csp_value_as_int(happened.value), 3));
    assert_next(0, &a, 0);
    cr_assert(eq(int, start(csp_case_recv(meet_rx), &b), 1));
    receive = op;
    cr_assert(eq(int, start(csp_case_send(meet_tx, csp_value_int(4)), &a), 1));
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(ptr, op, receive));
    cr_assert(eq(int, csp_loop_finish(loop, op, &happened), 0));
    cr_assert(eq(i64, csp_value_as_int(happened.value), 4));
    assert_next(0, &a, 0);
    assert_no_next();
}

Test(loop, those_who_wait_are_served_in_order)
{
    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(eq(int, start(csp_case_recv(rx), &b), 1));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    assert_next(0, &a, 0);
    assert_no_next();
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(2)), 0));
    assert_next(0, &b, 0);
}

Test(loop, whose_value_was_taken_keeps_its_place)
{
    csp_value v;

    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(eq(int, start(csp_case_recv(rx), &b), 1));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0)); /* overtakes a */
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(int, csp_loop_finish(loop, op, &happened), CSP_ETIMEOUT));
    assert_no_next();
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(2)), 0));
    assert_next(0, &a, 0);
}

Test(loop, one_case_of_an_operation_happens)
{
    csp_case cases[] = {csp_case_recv(rx), csp_case_none(),
                        csp_case_send(meet_tx, csp_value_int(9))};
    csp_value v;

    cr_assert(eq(int, csp_loop_start(loop, cases, 3, 0, &a, &op), 3));
    cr_assert(eq(int, csp_rx_try_recv(meet_rx, &v), 0));
    cr_assert(eq(i64, csp_value_as_int(v), 9));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    assert_next(2, &a, 0);
    assert_no_next();
    cr_assert(eq(sz, csp_rx_len(rx), 1));
}

Test(loop, a_cancelled_operation_has_had_no_effect)
{
    csp_value v;

    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(eq(int, csp_loop_cancel(loop, op, &happened), CSP_ECANCELLED));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    assert_no_next();
    cr_assert(eq(int, csp_rx_try_recv(rx, &v), 0));
    cr_assert(eq(sz, csp_rx_waiting(rx), 0));
}

Test(loop, what_a_cancelled_operation_was_woken_for_goes_to_the_next)
{
    csp_loop_op *first;

    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    first = op;
    cr_assert(eq(int, start(csp_case_recv(rx), &b), 1));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, csp_loop_cancel(loop, first, &happened), CSP_ECANCELLED));
    assert_next(0, &b, 0);
    cr_assert(eq(i64, csp_value_as_int(happened.value), 1));
}

Test(loop, a_send_at_a_rendezvous_happens_when_its_value_is_taken)
{
    csp_value v;

    cr_assert(eq(int, start(csp_case_send(meet_tx, csp_value_int(5)), &a), 1));
    cr_assert(eq(int, csp_rx_try_recv(meet_rx, &v), 0));
    cr_assert(eq(int, csp_loop_cancel(loop, op, &happened), 0));
    cr_assert(eq(int, happened.status, 0));
    assert_no_next();
}

Test(loop, a_receive_at_a_rendezvous_is_only_told)
{
    csp_loop_op *other, *first;

    cr_assert(eq(int, start(csp_case_recv(meet_rx), &a), 1));
    first = op;
    cr_assert(eq(int, csp_tx_try_send(meet_tx, csp_value_int(5)), CSP_EFULL));
    assert_no_next();
    cr_assert(eq(int, start(csp_case_recv(meet_rx), &b), 1));
    other = op;
    cr_assert(eq(int, start(csp_case_send(meet_tx, csp_value_int(6)), &a), 1));
    cr_assert(eq(int, csp_loop_cancel(loop, first, &happened), CSP_ECANCELLED));
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(ptr, op, other));
    cr_assert(eq(int, csp_loop_finish(loop, op, &happened), 0));
    cr_assert(eq(i64, csp_value_as_int(happened.value), 6));
    assert_next(0, &a, 0);
}

Test(loop, a_send_at_a_rendezvous_tells_one_receive)
{
    csp_loop_op *first;

    cr_assert(eq(int, start(csp_case_recv(meet_rx), &a), 1));
    first = op;
    cr_assert(eq(int, start(csp_case_recv(meet_rx), &b), 1));
    cr_assert(eq(int, start(csp_case_send(meet_tx, csp_value_int(6)), &a), 1));
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(ptr, op, first));
    assert_no_next();
    cr_assert(eq(int, csp_loop_finish(loop, op, &happened), 0));
    assert_next(0, &a, 0);
    assert_no_next();
}

Test(loop, what_was_told_may_be_finished_later)
{
    csp_loop_op *first;

    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    first = op;
    cr_assert(eq(int, csp_loop_finish(loop, first, &happened), CSP_ETIMEOUT));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    cr_assert(eq(int, csp_loop_next(loop, &op, &user), 0));
    cr_assert(eq(ptr, op, first));
    assert_no_next();
    cr_assert(eq(sz, csp_loop_len(loop), 1));
    cr_assert(eq(int, csp_loop_finish(loop, first, &happened), 0));
    cr_assert(eq(i64, csp_value_as_int(happened.value), 1));
}

Test(loop, the_end_of_a_channel_ends_what_waits)
{
    csp_rx *clone;

    cr_assert(eq(int, csp_rx_clone(rx, &clone), 0));
    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(eq(int, start(csp_case_recv(clone), &b), 1));
    csp_rx_close(clone);
    assert_next(0, &b, CSP_EENDCLOSED);
    csp_rx_unref(clone);
    csp_tx_close(tx);
    assert_next(0, &a, CSP_ECLOSED);
    cr_assert(eq(int, start(csp_case_recv(meet_rx), &a), 1));
    cr_assert(eq(int, csp_tx_poison(meet_tx, csp_value_none()), 0));
    assert_next(0, &a, CSP_EPOISONED);
}

Test(loop, values_that_were_not_sent_are_released)
{
    struct unit_object object = {.released = 0};
    csp_value v;

    UNIT_OBJECT_INIT(&object);
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    for (int i = 0; i < 3; i++) {
        csp_handle_ref(&object.handle);
        v = csp_value_handle(&object.handle);
        cr_assert(eq(int, start(csp_case_send(tx, v), &a), 1));
        if (i == 0)
            cr_assert(
                eq(int, csp_loop_cancel(loop, op, &happened), CSP_ECANCELLED));
    }
    csp_rx_close(rx);
    assert_next(0, &a, CSP_ECLOSED);
    cr_assert(eq(int, object.released, 0));
    csp_loop_free(loop);
    csp_handle_unref(&object.handle);
    cr_assert(eq(int, object.released, 1));
    cr_assert(eq(int, csp_loop_new(&loop), 0));
}

Test(loop, ends_live_while_an_operation_is_pending)
{
    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    csp_rx_unref(rx);
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    assert_next(0, &a, 0);
    cr_assert(csp_tx_is_finished(tx));
    rx = NULL;
}

Test(loop, nonsense_is_refused)
{
    csp_timer timer = csp_timer_after(0);
    csp_case cases[] = {csp_case_none(), csp_case_timer(&timer)};

    cr_assert(eq(int, csp_loop_start(loop, cases, 0, 0, &a, &op), CSP_EINVAL));
    cr_assert(eq(int, csp_loop_start(loop, cases, 1, 0, &a, &op), CSP_EINVAL));
    cr_assert(eq(int, csp_loop_start(loop, cases, 2, 0, &a, &op), CSP_EINVAL));
    cases[0] = csp_case_recv(rx);
    cr_assert(eq(int, csp_loop_start(loop, cases, 1, 2, &a, &op), CSP_EINVAL));
    cr_assert(eq(sz, csp_loop_len(loop), 0));
    csp_loop_free(NULL);
}

static int
make_and_start(void)
{
    csp_loop *l;
    csp_case c = csp_case_recv(rx);
    int rc = csp_loop_new(&l);

    if (rc < 0)
        return rc;
    rc = csp_loop_start(l, &c, 1, 0, NULL, &op);
    csp_loop_free(l);
    return rc < 0 ? rc : 0;
}

/* Frees what is its parent's, after asking it. Returns: 0 if it has nothing. */
static int
use_as_child(void)
{
    csp_case c = csp_case_recv(rx);
    csp_loop_op *mine, *theirs = op;
    bool right = csp_loop_next(loop, &mine, &user) == CSP_EFORKED &&
                 csp_loop_finish(loop, theirs, &c) == CSP_EFORKED &&
                 csp_loop_start(loop, &c, 1, 0, NULL, &mine) == CSP_EFORKED &&
                 !mine;

    csp_loop_free(loop);
    return right ? 0 : 1;
}

TestSuite(loop_first); /* makes no channel before */

Test(loop_first, a_child_process_knows_it_for_its_parents)
{
    csp_loop *l;
    csp_loop_op *mine;
    int status;

    cr_assert(eq(int, csp_loop_new(&l), 0));
    pid_t child = fork();
    if (child == 0) {
        int rc = csp_loop_next(l, &mine, &user);
        csp_loop_free(l);
        _exit(rc == CSP_EFORKED ? 0 : 1);
    }
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    csp_loop_free(l);
}

Test(loop, a_child_process_takes_no_wakeup_of_its_parent)
{
    int status;

    cr_assert(eq(int, start(csp_case_recv(rx), &a), 1));
    cr_assert(eq(int, csp_tx_try_send(tx, csp_value_int(1)), 0));
    pid_t child = fork();
    if (child == 0)
        _exit(use_as_child());
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, status, 0));
    cr_assert(is_readable());
    assert_next(0, &a, 0);
}

Test(loop, there_may_be_no_descriptor)
{
    struct rlimit limit, none;
    csp_loop *l;

    cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
    none = (struct rlimit){0, limit.rlim_max};
    cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &none), 0));
    int rc = csp_loop_new(&l);
    cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
    cr_assert(eq(int, rc, CSP_ENOMEM));
}

Test(loop, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_and_start), 3));
}

Test(loop, wakes_in_vain_when_asked_to)
{
    cr_assert(eq(int, start(csp_case_recv(rx), &rx), 1));
    assert_no_next();
    csp_loop_wake(loop);
    cr_assert(is_readable());
    assert_no_next();
    csp_tx_send(tx, csp_value_int(7), CSP_NOWAIT);
    assert_next(0, &rx, 0);
}
