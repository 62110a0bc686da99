// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* search.c: see search.h.
 *
 * The systematic search goes through the tree of answers depth first: a run
 * follows the answers that are fixed, adds 0 for each further question, and
 * then the last question that has another answer left gets it. Once a run has
 * made its deviations no more questions are asked, so runs are short of
 * overhead from there on. */
#define _GNU_SOURCE
#include "search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { MOST_QUESTIONS = 30000 };

struct question {
    uint8_t n, answer;
};

struct deviation {
    uint32_t at;
    uint8_t answer;
};

static struct {
    struct question list[MOST_QUESTIONS];
    uint32_t fixed; /* answers that the run is given */
    uint32_t at;    /* questions of this run so far */
    unsigned bound, spent;

    /* of the run so far, and of the run that is to be followed */
    struct deviation made[MOST_QUESTIONS], given[MOST_QUESTIONS];
    uint32_t n_made, n_given, next_given;

    bool stopped; /* in some run: a thread that was to be stopped */
    struct test_random random;
    uint32_t one_in; /* deviate at one question in so many */
} q;

static unsigned
answered(unsigned answer)
{
    if (answer)
        q.made[q.n_made++] = (struct deviation){q.at, (uint8_t)answer};
    if (++q.at == MOST_QUESTIONS)
        sched_ask_no_more();
    return answer;
}

/* ---- choosers ---- */

static unsigned
systematically(unsigned n, bool deviation)
{
    struct question *k = &q.list[q.at];
    bool fixed = q.at < q.fixed;

    if (fixed && k->n != n) {
        fprintf(stderr, "question %u has %u answers, and had %u before\n", q.at,
                n, k->n);
        exit(2);
    }
    if (!fixed && deviation && q.spent == q.bound) {
        sched_ask_no_more();
        return 0;
    }
    if (!fixed)
        *k = (struct question){(uint8_t)n, 0};
    q.spent += k->answer && deviation;
    return answered(k->answer);
}

static unsigned
as_given(unsigned n, bool deviation)
{
    unsigned answer = 0;

    (void)deviation;
    if (q.next_given < q.n_given && q.given[q.next_given].at == q.at)
        answer = q.given[q.next_given++].answer;
    return answered(answer < n ? answer : 0);
}

static unsigned
at_random(unsigned n, bool deviation)
{
    unsigned one_in = deviation ? q.one_in : 2;
    bool deviate = test_below(&q.random, one_in) == 0;

    return answered(deviate ? 1 + test_below(&q.random, n - 1) : 0);
}

/* A few deviations, at questions that were drawn before. */
static unsigned
at_places(unsigned n, bool deviation)
{
    unsigned answer = 0;

    (void)deviation;
    while (q.next_given < q.n_given && q.given[q.next_given].at < q.at)
        q.next_given++; /* drawn twice */
    if (q.next_given < q.n_given && q.given[q.next_given].at == q.at) {
        q.next_given++;
        answer = 1 + test_below(&q.random, n - 1);
    }
    return answered(answer);
}

/* ---- runs ---- */

static bool
run(const struct subject *s, sched_chooser *choose)
{
    q.at = q.spent = q.n_made = q.next_given = 0;
    sched_reset();
    s->setup();
    enum sched_end end = sched_run(s->threads, s->body, &s->world, choose);
    if (end != SCHED_FAILED)
        s->check(end);
    if (s->world.stop_step)
        q.stopped |= sched_stopped((unsigned)s->world.stop_thread);
    return sched_failure()[0] == 0;
}

/* The next answers in the tree. False: there are none. */
static bool
advance(void)
{
    uint32_t n = q.at;

    while (n && q.list[n - 1].answer + 1 >= q.list[n - 1].n)
        n--;
    if (n == 0)
        return false;
    q.list[n - 1].answer++;
    q.fixed = n;
    return true;
}

/* ---- failures ---- */

static void
give_made(void)
{
    q.n_given = q.n_made;
    memcpy(q.given, q.made, q.n_made * sizeof *q.made);
}

/* Leaves out deviations while it fails without them. */
static void
shrink(const struct subject *s)
{
    uint32_t size = q.n_made;

    give_made();
    while (size) {
        bool shrunk = false;
        for (uint32_t from = 0; from < q.n_given; from += size) {
            static struct deviation kept[MOST_QUESTIONS];
            uint32_t n = q.n_given;
            uint32_t cut = from + size < n ? size : n - from;
            memcpy(kept, q.given, n * sizeof *kept);
            memmove(&q.given[from], &q.given[from + cut],
                    (n - from - cut) * sizeof *kept);
            q.n_given = n - cut;
            if (!run(s, as_given)) {
                give_made();
                shrunk = true;
                break;
            }
            memcpy(q.given, kept, n * sizeof *kept);
            q.n_given = n;
        }
        if (!shrunk)
            size /= 2;
        else if (size > q.n_given)
            size = q.n_given;
    }
}

static void
print_schedule(const struct subject *s)
{
    printf("%s @", s->text);
    for (uint32_t i = 0; i < q.n_given; i++) {
        printf(" %u", q.given[i].at);
        if (q.given[i].answer != 1)
            printf("=%u", q.given[i].answer);
    }
    if (s->world.stop_step)
        printf(" stop=%d.%u", s->world.stop_thread, s->world.stop_step);
}

/* What fails by an order alone ThreadSanitizer may report once only. */
static void
give_up(const struct subject *s)
{
    char why[256];

    snprintf(why, sizeof why, "%s", sched_failure());
    shrink(s);
    if (run(s, as_given))
        printf("# it did not fail again\n");
    else
        snprintf(why, sizeof why, "%s", sched_failure());
    printf("# %s\n", why);
    s->show();
    printf("# see it step by step:\n#   tools/run --no-build %s --replay '",
           program_invocation_name);
    print_schedule(s);
    printf("'\n");
    fflush(stdout);
    test_fail(__FILE__, __LINE__, "%s: %s", s->text, why);
}

bool
search_replay(const struct subject *s, const char *schedule)
{
    struct subject copy = *s;
    char *end;

    q.n_given = 0;
    for (const char *c = schedule; *c;) {
        unsigned thread, step;
        if (*c == ' ') {
            c++;
            continue;
        }
        if (sscanf(c, "stop=%u.%u", &thread, &step) == 2) {
            copy.world.stop_thread = (int)thread;
            copy.world.stop_step = step;
            break;
        }
        struct deviation *d = &q.given[q.n_given++];
        *d = (struct deviation){(uint32_t)strtoul(c, &end, 10), 1};
        if (*end == '=')
            d->answer = (uint8_t)strtoul(end + 1, &end, 10);
        if (end == c || q.n_given == MOST_QUESTIONS)
            return false;
        c = end;
    }
    sched_trace(true);
    bool failed = !run(&copy, as_given);
    sched_trace(false);
    printf("# %s\n", failed ? sched_failure() : "it did not fail");
    copy.show();
    return failed;
}

/* ---- the search ---- */

/* Returns: how many runs it took. */
static uint64_t
search_bound(const struct subject *s, unsigned bound, struct search_done *done)
{
    uint64_t runs = 0;

    q.bound = bound;
    q.fixed = 0;
    do {
        if (!run(s, systematically))
            give_up(s);
        runs++;
        done->steps += sched_steps();
    } while (advance());
    done->systematic += runs;
    return runs;
}

/* Draws how the next run at random deviates; @p questions: about how many it
 * will have. */
static sched_chooser *
draw(uint32_t questions)
{
    q.one_in = 2u << test_below(&q.random, 6);
    q.n_given = 0;
    if (test_below(&q.random, 2))
        return at_random;
    uint32_t few = 2 + test_below(&q.random, 7), n = 0;
    for (uint32_t i = 0; i < few; i++) {
        uint32_t at = test_below(&q.random, questions + 1), k = n++;
        for (; k && q.given[k - 1].at > at; k--)
            q.given[k] = q.given[k - 1];
        q.given[k] = (struct deviation){at, 1};
    }
    q.n_given = n;
    return at_places;
}

static void
search_random(const struct subject *s, uint64_t runs, struct search_done *done)
{
    uint32_t questions = 100;
    uint64_t stream = 0;

    for (const char *c = s->text; *c; c++)
        stream = stream * 31 + (unsigned char)*c;
    test_random_init(&q.random, stream);
    for (uint64_t i = 0; i < runs; i++) {
        if (!run(s, draw(questions)))
            give_up(s);
        questions = q.at;
        done->steps += sched_steps();
    }
    done->random += runs;
}

void
search(const struct subject *s, const struct search_plan *plan,
       struct search_done *done)
{
    double began = test_elapsed();
    uint64_t last = 1, budget = test_count(plan->systematic);
    unsigned bound = 0;

    q.stopped = false;
    for (;; bound++) {
        uint64_t runs = search_bound(s, bound, done);
        uint64_t next = runs * (runs / last + 1);
        last = runs;
        if (bound == plan->most || (bound >= plan->least && next > budget))
            break;
    }
    search_random(s, plan->random ? test_count(plan->random) : 0, done);
    if (done->subjects++ == 0 || bound < done->least_bound)
        done->least_bound = bound;
    if (bound > done->most_bound)
        done->most_bound = bound;
    done->stopped = q.stopped;
    done->seconds += test_elapsed() - began;
}
