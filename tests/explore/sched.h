// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* sched.h: a deterministic scheduler for the core.
 *
 * The "threads" of a test are coroutines of one thread. The core is built so
 * (CSPI_STEPS, CSPI_COROUTINES) that each of its atomic accesses, and each
 * call of park.h, calls sched.c before it happens: a *step*, at which another
 * thread may go on instead. sched.c also stands in for park.c, clock.c,
 * alloc.c and registry.c: sleeping, time, memory and the look-up of channels
 * belong to the schedule.
 *
 * A schedule is the answers to a series of questions, "which of n?". Answer 0
 * is the way things go by themselves: the running thread runs on; when it
 * sleeps or ends, the next in turn that can run; when it pauses, yields or
 * relaxes, the next in turn, for as long as that runs; a deadline passes when
 * nobody can run; there is memory; no signal comes. Any other answer is a
 * *deviation*. search.c chooses the answers. The same answers give the same
 * run, step by step.
 *
 * Accesses happen one after another, as if all were seq_cst: a missing order
 * shows here only under ThreadSanitizer, as a race.
 *
 * Memory is checked at each step: an atomic access to what was freed, or to a
 * frame of a thread's stack that is no more, ends the run. Nothing that was
 * freed is used again within a run. */
#ifndef SCHED_H
#define SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csp/clock.h>

enum { SCHED_THREADS = 6, SCHED_NOBODY = -1 };

/** How a run ended. */
enum sched_end {
    SCHED_DONE,  /**< every thread has returned */
    SCHED_STUCK, /**< some sleep, and nobody will wake them */
    SCHED_FAILED /**< sched_fail() was called */
};

/** What may happen to a run; what is not asked for never does. */
struct sched_world {
    bool signals;       /**< a signal may end a sleep */
    bool spurious;      /**< a sleep may end for no reason */
    bool no_memory;     /**< any allocation may fail */
    int stop_thread;    /**< this one stops for ever, ... */
    unsigned stop_step; /**< ... before this step of its own, 1 the first */
};

/** All that a run leaves to choice: which of @p n (at least 2), 0 the way it
 *  goes by itself. Another answer is a deviation, if @p deviation: not at
 *  the first question, who starts. */
typedef unsigned sched_chooser(unsigned n, bool deviation);

/** Forget all that the last run left: memory, threads. Comes before what sets
 *  up a run, whose steps do not count. */
void sched_reset(void);

/** Run body(0) to body(n - 1), each a thread, until none can go on.
 *
 *  Returns: how it ended. What a thread has that did not return is lost. */
enum sched_end sched_run(unsigned n, void (*body)(unsigned who),
                         const struct sched_world *world,
                         sched_chooser *choose);

/** No more deviations in this run: sched_run() need not ask. */
void sched_ask_no_more(void);

/** The run has failed. From a thread: does not return. */
void sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Why, or the empty string. */
const char *sched_failure(void);

/** The number of the thread that runs, or SCHED_NOBODY. */
int sched_self(void);

/** A number that grows with each call: when something happened. */
unsigned sched_tick(void);

/** The running thread begins an operation: no deadline, no sleep so far. */
void sched_begin(void);

/** When thread @p who, in its operation, first went to sleep on a word of its
 *  own (not for a lock), or 0. */
unsigned sched_slept(unsigned who);

/** A deadline for what the running thread does next. Whether it has passed is
 *  a choice, each time that the thread looks at the clock or sleeps. */
csp_time sched_deadline(void);

/** Sleep until the descriptor @p fd is readable, as poll() does. */
void sched_poll(int fd);

/** How many steps the last run had, and thread @p who of it. */
unsigned sched_steps(void);
unsigned sched_steps_of(unsigned who);

/** Whether memory shall be short now: memory.c asks. */
bool sched_memory_fails(void);

/** Whether thread @p who was stopped for ever; whether it has returned. */
bool sched_stopped(unsigned who);
bool sched_done(unsigned who);

/** Where thread @p who is or was last: "function:line". */
const char *sched_place(unsigned who);

/** Print each step of the runs that follow, if @p on. */
void sched_trace(bool on);

/** A line for the trace, printf-like, if one is being printed. */
void sched_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
