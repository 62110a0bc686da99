// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* Several threads use one object and let go of it at the same time: whoever is
 * the last releases it, and sees what all the others did with it. Most of what
 * can go wrong here only ThreadSanitizer sees. */
#include <csp/cancel.h>
#include <csp/chan.h>

#include "test.h"

enum { THREADS = 4, ROUNDS = 50000 };

struct shared {
    csp_handle handle;
    uint32_t round, wrote[THREADS]; /* plain */
};

static struct {
    struct test_barrier barrier;
    struct shared shared;
    csp_cancel *token;
    csp_tx *tx[THREADS];
    csp_rx *rx;
    uint32_t released;
    uint64_t rounds;
    bool over;
    void (*prepare)(uint32_t round);
    void (*use)(unsigned who, uint32_t round);
} run;

static void
shared_release(csp_handle *h)
{
    struct shared *s = (struct shared *)h;

    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(s->wrote[i], s->round);
    run.released++;
}

static void
prepare_handle(uint32_t round)
{
    static const csp_handle_type type = {
        .size = sizeof type, .name = "shared", .release = shared_release};

    CHECK_EQ(run.released, round);
    csp_handle_init(&run.shared.handle, &type);
    for (int i = 1; i < THREADS; i++)
        csp_handle_ref(&run.shared.handle);
    run.shared.round = round;
}

static void
use_handle(unsigned who, uint32_t round)
{
    run.shared.wrote[who] = round;
    csp_handle_unref(&run.shared.handle);
}

static void
prepare_token(uint32_t round)
{
    (void)round;
    CHECK_EQ(csp_cancel_new(&run.token), 0);
    for (int i = 1; i < THREADS; i++)
        csp_cancel_ref(run.token);
}

static void
use_token(unsigned who, uint32_t round)
{
    (void)round;
    csp_cancel_request(run.token, 1u << who);
    csp_cancel_unref(run.token);
}

static void
prepare_channel(uint32_t round)
{
    CHECK_EQ(csp_chan_new(1 + round % 3, NULL, &run.tx[0], &run.rx), 0);
    for (int i = 1; i < THREADS; i++)
        CHECK_EQ(csp_tx_clone(run.tx[0], &run.tx[i]), 0);
}

static void
use_channel(unsigned who, uint32_t round)
{
    csp_tx_try_send(run.tx[who], csp_value_int(round));
    csp_tx_unref(run.tx[who]);
    if (who == 0)
        csp_rx_unref(run.rx);
}

static void
work(unsigned who, void *unused)
{
    (void)unused;
    for (uint32_t round = 0;; round++) {
        if (who == 0) {
            run.over = round >= run.rounds || test_is_over(0.6);
            if (!run.over)
                run.prepare(round);
        }
        test_barrier_wait(&run.barrier);
        if (run.over)
            break;
        run.use(who, round);
        test_barrier_wait(&run.barrier);
    }
}

static void
play(void (*prepare)(uint32_t), void (*use)(unsigned, uint32_t))
{
    run.prepare = prepare;
    run.use = use;
    run.rounds = test_count(ROUNDS);
    test_barrier_init(&run.barrier, THREADS);
    test_parallel(THREADS, work, NULL);
    test_note("at most %llu rounds, %.2f s", (unsigned long long)run.rounds,
              test_elapsed());
}

static void
the_release_of_a_handle_sees_what_all_owners_wrote(void)
{
    play(prepare_handle, use_handle);
}

static void
the_end_of_a_token_comes_after_all_requests(void)
{
    play(prepare_token, use_token);
}

static void
the_end_of_a_channel_comes_after_all_its_uses(void)
{
    play(prepare_channel, use_channel);
}

int
main(void)
{
    TEST(the_release_of_a_handle_sees_what_all_owners_wrote);
    TEST(the_end_of_a_token_comes_after_all_requests);
    TEST(the_end_of_a_channel_comes_after_all_its_uses);
    return test_end();
}
