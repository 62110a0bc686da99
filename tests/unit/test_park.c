// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "park.h"
#include "unit.h"

SUITE(park);

Test(park, a_wait_for_a_word_that_has_changed_returns_at_once)
{
    cspi_a32 word = 2;

    cr_assert(eq(int, cspi_park_wait(&word, 1, CSP_FOREVER), 0));
}

Test(park, a_deadline_that_has_passed_is_a_timeout)
{
    static const csp_time past[] = {CSP_NOWAIT, CSP_SPIN, 1000, 5000000000};
    cspi_a32 word = 1;

    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        if (past[i] < csp_clock_now())
            cr_assert(eq(int, cspi_park_wait(&word, 1, past[i]), CSP_ETIMEOUT));
}

Test(park, a_timeout_is_never_early)
{
    cspi_a32 word = 1;

    for (int64_t ns = 1; ns <= 3000000; ns = ns * 3 + 1) {
        csp_time deadline = csp_clock_after(ns);
        int rc;

        while ((rc = cspi_park_wait(&word, 1, deadline)) == 0)
            ;
        cr_assert(eq(int, rc, CSP_ETIMEOUT));
        cr_assert(ge(i64, csp_clock_now(), deadline));
    }
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

Test(park, a_signal_ends_the_wait)
{
    struct itimerval each_ms = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    cspi_a32 word = 1;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL); /* again, lest one come too soon */
    int rc = cspi_park_wait(&word, 1, csp_clock_after(INT64_C(60000000000)));
    setitimer(ITIMER_REAL, &off, NULL);
    cr_assert(eq(int, rc, CSP_EINTERRUPTED));
    cr_assert(gt(int, (int)alarms, 0));
}

Test(park, a_wake_without_a_sleeper_does_nothing)
{
    cspi_a32 word = 7;

    cspi_park_wake(&word);
    cr_assert(eq(u32, word, 7));
}

Test(park, a_wake_does_not_touch_the_word)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(ne(ptr, page, MAP_FAILED));
    munmap(page, 4096);
    cspi_park_wake(page); /* a crash if it looked */
}

Test(park, relaxing_counts_its_turns)
{
    unsigned turns = 0;

    for (unsigned i = 1; i <= 1000; i++) {
        cspi_park_relax(&turns);
        cr_assert(eq(uint, turns, i));
    }
}
