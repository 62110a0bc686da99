// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* sched.c: threads that are coroutines, steps, sleep and time.
 *
 * Invariants:
 *   E1  Exactly one thread runs. It is left at a step, in a sleep or at its
 *       end, nowhere else; so all between two steps happens at once.
 *   E2  A thread is ready, aside, asleep, stopped or done. One that pauses is
 *       aside until another one has made a step, or nobody else can run.
 *   E3  Equal answers of the chooser give equal runs: nothing here or in the
 *       core depends on anything else (addresses keep their order).
 *   E4  The thread-local variables of the core (CSPI_THREAD_LOCAL) are those
 *       of the thread that runs; the others' lie in their struct thread.
 * Process-wide state: all of it; there is one scheduler. */
#define _GNU_SOURCE
#include "sched.h"

#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <csp/status.h>

#include "alloc.h"
#include "atomic.h"
#include "coroutine.h"
#include "memory.h"
#include "park.h"

enum { STACK = 128 << 10, LOCALS = 256, MOST_STEPS = 20000 };

/* A run's clock starts here; deadlines are so far away. */
enum { DAWN = 1000, SOON = 1000 };

enum state { READY, ASIDE, ASLEEP, STOPPED, DONE, STATES };

struct thread {
    struct coroutine flow;
    enum state state;
    unsigned steps;
    unsigned slept; /* see sched_slept() */
    const char *function;
    int line;

    /* asleep: on which word, since when, until when; what the sleep answers */
    const volatile void *word;
    uint32_t seen;
    unsigned since;
    csp_time until;
    int answer;

    csp_time deadline; /* see sched_deadline() */
    bool resting;      /* no access since it last paused */
    /* When a signal ended its wait (not one that others had ended already):
     * how many steps the others had made. 0: none did in this operation. */
    unsigned signalled;
    char locals[LOCALS];
};

static struct {
    struct thread threads[SCHED_THREADS];
    unsigned n;
    int self;
    unsigned in[STATES];      /* the threads in each state, a bit each */
    unsigned timed;           /* those asleep that have a deadline */
    struct coroutine outside; /* who called sched_run() */
    char *stacks;
    void (*body)(unsigned who);
    const struct sched_world *world;
    sched_chooser *choose; /* NULL: nothing is left to choice */
    unsigned steps, ticks, lonely_pauses;
    csp_time now;
    bool failed;
    char failure[256];
    bool trace;
    bool raced; /* ThreadSanitizer has found something */
} s = {.self = SCHED_NOBODY};

/* ---- variables of the core (E4) ---- */

/* One for the section to exist; the linker knows where it begins and ends. */
static __attribute__((section("cspi_thread_local"), used)) char none;
extern char __start_cspi_thread_local[], __stop_cspi_thread_local[];
static char locals_at_birth[LOCALS];

/* The same for those of the process. */
static __attribute__((section("cspi_process_wide"), used)) char nothing;
extern char __start_cspi_process_wide[], __stop_cspi_process_wide[];
static char globals_at_birth[LOCALS];

static size_t
locals_size(void)
{
    return (size_t)(__stop_cspi_thread_local - __start_cspi_thread_local);
}

/* Not memcpy(), which ThreadSanitizer watches. */
static void
copy(volatile char *to, const volatile char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i];
}

static size_t
globals_size(void)
{
    return (size_t)(__stop_cspi_process_wide - __start_cspi_process_wide);
}

static void
locals_swap(struct thread *from, const struct thread *to)
{
    if (from)
        copy(from->locals, __start_cspi_thread_local, locals_size());
    copy(__start_cspi_thread_local, to ? to->locals : locals_at_birth,
         locals_size());
}

/* A thread-local variable of the core that does without the macro would be
 * shared by all threads here. Looks at how much of such the program has; one
 * int is of common/threads.c, and sanitizers may add their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(WITH_TSAN) || defined(__clang__)
#    define has_real_locals() false
#else
static int
size_of_real_locals(struct dl_phdr_info *object, size_t size, void *found)
{
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_TLS)
            *(size_t *)found = object->dlpi_phdr[i].p_memsz;
    return 1; /* the first object is the program: no need to go on */
}

static bool
has_real_locals(void)
{
    size_t found = 0;

    dl_iterate_phdr(size_of_real_locals, &found);
    return found > sizeof(int);
}
#endif

/* ---- failures ---- */

static const char race[] = "a data race: see the report of ThreadSanitizer";

static void leave_for_good(void);

void
sched_fail(const char *format, ...)
{
    va_list args;

    if (!s.failed) {
        s.failed = true;
        va_start(args, format);
        vsnprintf(s.failure, sizeof s.failure, format, args);
        va_end(args);
    }
    if (s.self != SCHED_NOBODY)
        leave_for_good();
}

const char *
sched_failure(void)
{
    return s.failure;
}

/* An assertion of the core: stands in for the one of the C library. */
_Noreturn void __assert_fail(const char *what, const char *file, unsigned line,
                             const char *function);
void
__assert_fail(const char *what, const char *file, unsigned line,
              const char *function)
{
    sched_fail("%s:%u: %s: %s does not hold", file, line, function, what);
    abort(); /* outside of a run */
}

static void
crashed(int sig)
{
    sched_fail("signal %d (%s) after %s", sig, strsignal(sig),
               s.self == SCHED_NOBODY ? "?" : sched_place((unsigned)s.self));
    signal(sig, SIG_DFL);
    raise(sig); /* outside of a run */
}

#ifdef WITH_TSAN
/* The same race again, please, in the runs that make the schedule small; and
 * no complaint about thread-local variables that are swapped. */
const char *__tsan_default_options(void);
const char *
__tsan_default_options(void)
{
    return "suppress_equal_stacks=0:suppress_equal_addresses=0:"
           "report_signal_unsafe=0:history_size=2";
}

void __tsan_on_report(void *report);
void
__tsan_on_report(void *report)
{
    (void)report;
    s.raced = true;
}

void AnnotateBenignRaceSized(const char *file, int line, const volatile void *p,
                             size_t size, const char *why);
#    define locals_may_race()                                                  \
        AnnotateBenignRaceSized(__FILE__, __LINE__, __start_cspi_thread_local, \
                                locals_size(), "swapped")
#else
#    define locals_may_race() ((void)0)
#endif

/* ---- switching ---- */

static void
resume(int to)
{
    int from = s.self;

    if (to == from)
        return;
    s.self = to;
    locals_swap(from < 0 ? NULL : &s.threads[from],
                to < 0 ? NULL : &s.threads[to]);
    coroutine_switch(from < 0 ? &s.outside : &s.threads[from].flow,
                     to < 0 ? &s.outside : &s.threads[to].flow,
                     from < 0 || to < 0);
}

static void
leave_for_good(void)
{
    resume(SCHED_NOBODY);
    abort(); /* nobody comes back */
}

static unsigned
choose(unsigned n)
{
    return s.choose && n > 1 ? s.choose(n, true) : 0;
}

void
sched_ask_no_more(void)
{
    s.choose = NULL;
}

static void
set_state(int who, enum state state)
{
    struct thread *t = &s.threads[who];

    s.in[t->state] &= ~(1u << who);
    s.in[state] |= 1u << who;
    t->state = state;
    if (state == ASLEEP && t->until != CSP_FOREVER)
        s.timed |= 1u << who;
    else
        s.timed &= ~(1u << who);
}

/* How many others are in @p state. */
static unsigned
count(enum state state)
{
    return (unsigned)__builtin_popcount(s.in[state] & ~(1u << s.self));
}

/* The @p k th of them, beginning after the running thread. */
static int
other(enum state state, unsigned k)
{
    for (int i = s.self + 1;; i++) {
        int who = i % (int)s.n;
        if (who != s.self && s.in[state] >> who & 1 && k-- == 0)
            return who;
    }
}

/* ---- stacks ---- */

/* Whose stack @p p is on: SCHED_THREADS or more if on none. */
static uintptr_t
owner_of(const volatile void *p)
{
    return ((uintptr_t)p - (uintptr_t)s.stacks) / STACK;
}

/* Whether @p word is on the stack of thread @p who: what it waits with, not a
 * lock. */
static bool
is_own(int who, const volatile void *word)
{
    return owner_of(word) == (uintptr_t)who;
}

/* ---- things that may happen to a sleeper ---- */

struct event {
    int who, answer;
};

static unsigned
count_events(void)
{
    unsigned each = s.world->signals + s.world->spurious;

    return (unsigned)(__builtin_popcount(s.timed) +
                      __builtin_popcount(s.in[ASLEEP]) * (int)each);
}

static struct event
event(unsigned k)
{
    for (int i = 0;; i++) {
        if (!(s.in[ASLEEP] >> i & 1))
            continue;
        if (s.timed >> i & 1 && k-- == 0)
            return (struct event){i, CSP_ETIMEOUT};
        if (s.world->signals && k-- == 0)
            return (struct event){i, CSP_EINTERRUPTED};
        if (s.world->spurious && k-- == 0)
            return (struct event){i, 0};
    }
}

static void
happen(struct event e)
{
    struct thread *t = &s.threads[e.who];

    sched_note("T%d: %s", e.who,
               e.answer == CSP_ETIMEOUT       ? "its deadline passes"
               : e.answer == CSP_EINTERRUPTED ? "a signal comes"
                                              : "it wakes for no reason");
    if (e.answer == CSP_ETIMEOUT && s.now < t->until)
        s.now = t->until;
    t->answer = e.answer;
    t->signalled = e.answer == CSP_EINTERRUPTED && is_own(e.who, t->word) &&
                           *(const volatile uint32_t *)t->word == t->seen
                       ? s.steps - t->steps
                       : 0;
    set_state(e.who, READY);
    resume(e.who);
}

/* The deadline that is the next to pass, if nothing else can happen. */
static bool
time_passes(void)
{
    struct event first = {SCHED_NOBODY, CSP_ETIMEOUT};

    for (int i = 0; i < (int)s.n; i++)
        if (s.threads[i].state == ASLEEP && s.threads[i].until != CSP_FOREVER &&
            (first.who < 0 || s.threads[i].until < s.threads[first.who].until))
            first.who = i;
    if (first.who >= 0)
        happen(first);
    return first.who >= 0;
}

/* ---- steps ---- */

/* Who paused may go on: somebody made a step. */
static void
end_pauses(void)
{
    if (s.in[ASIDE])
        for (int i = 0; i < (int)s.n; i++)
            if (s.in[ASIDE] >> i & 1)
                set_state(i, READY);
}

/* Whether it pauses again and again, with nobody left but one who stopped. */
static bool
waits_for_the_stopped(void)
{
    enum { PATIENCE = 200 };

    return s.in[STOPPED] && ++s.lonely_pauses > PATIENCE;
}

/* The running thread cannot go on, or need not: somebody else does. Returns
 * when it is its turn again. */
static void
give_way(void)
{
    enum state from = count(READY) ? READY : ASIDE;
    unsigned n = count(from);

    if (n == 0) {
        if (s.in[ASIDE] && !waits_for_the_stopped())
            set_state(s.self, READY); /* it is alone: it pauses in vain */
        else if (s.in[ASIDE] || !time_passes())
            resume(SCHED_NOBODY);
        return;
    }
    unsigned c = choose(n + (s.choose ? count_events() : 0));
    if (c >= n) {
        happen(event(c - n));
    } else {
        int next = other(from, c);
        set_state(next, READY);
        resume(next);
    }
}

/* The running thread is about to make a step; another may go first. */
static void
step(void)
{
    struct thread *t = &s.threads[s.self];

    t->steps++;
    if (++s.steps > MOST_STEPS)
        sched_fail("no end after %d steps", MOST_STEPS);
    if (t->steps == s.world->stop_step && s.self == s.world->stop_thread) {
        sched_note("T%d stops for ever", s.self);
        set_state(s.self, STOPPED);
        give_way();
    }
    end_pauses();
    if (!s.choose)
        return;
    unsigned n = count(READY);
    unsigned c = choose(1 + n + count_events());
    if (c > n)
        happen(event(c - n - 1));
    else if (c > 0)
        resume(other(READY, c - 1));
}

static void
print_step(const volatile void *p, const char *how)
{
    struct thread *t = &s.threads[s.self];

    printf("# %5u T%d  %-9s %s:%d", s.steps, s.self, how, t->function, t->line);
    memory_print(p);
    putchar('\n');
    fflush(stdout);
}

static void
check_access(const volatile void *p)
{
    uintptr_t i = owner_of(p);

    if (i >= SCHED_THREADS) {
        if (memory_is_dead(p))
            sched_fail("%s uses memory that is not allocated",
                       sched_place((unsigned)s.self));
        return;
    }
    if (i < s.n && (int)i != s.self &&
        ((uintptr_t)p < (uintptr_t)s.threads[i].flow.sp ||
         s.threads[i].state == DONE))
        sched_fail("%s uses a frame of T%d's stack that is no more",
                   sched_place((unsigned)s.self), (int)i);
}

void
cspi_step(const volatile void *p, const char *how, const char *function,
          int line)
{
    if (s.self == SCHED_NOBODY)
        return;
    struct thread *t = &s.threads[s.self];
    if (function) {
        t->function = function;
        t->line = line;
    }
    t->resting = false;
    step();
    if (s.trace)
        print_step(p, how);
    check_access(p);
    if (s.raced)
        sched_fail("%s", race);
}

/* ---- in the place of park.c ---- */

int
cspi_park_wait(cspi_a32 *word, uint32_t seen, csp_time deadline)
{
    struct thread *t = &s.threads[s.self];

    cspi_step(word, "sleep", NULL, 0);
    if (atomic_load_explicit(word, RELAXED) != seen)
        return 0;
    if (deadline <= s.now)
        return CSP_ETIMEOUT;
    t->word = word;
    t->seen = seen;
    t->until = deadline;
    set_state(s.self, ASLEEP);
    t->since = sched_tick();
    if (is_own(s.self, word)) {
        if (t->signalled && t->signalled == s.steps - t->steps)
            sched_fail("T%d sleeps on after a signal", s.self);
        if (!t->slept)
            t->slept = t->since;
    }
    t->answer = 0;
    give_way();
    return t->answer;
}

void
cspi_park_wake(cspi_a32 *word)
{
    int first = SCHED_NOBODY;

    if (s.self == SCHED_NOBODY)
        return;
    cspi_step(&s, "wake", NULL, 0);
    for (int i = 0; i < (int)s.n; i++)
        if (s.threads[i].state == ASLEEP && s.threads[i].word == word &&
            (first < 0 || s.threads[i].since < s.threads[first].since))
            first = i;
    if (first >= 0)
        set_state(first, READY);
}

uint64_t
cspi_park_thread(void)
{
    return (uint64_t)s.self;
}

/* A descriptor's number is its block's place in the arena: no two alike. */
unsigned
cspi_park_forks(void)
{
    return 0;
}

struct cspi_park_fd {
    cspi_a32 refs;
    cspi_a32 readable;
};

struct cspi_park_fd *
cspi_park_fd_new(void)
{
    struct cspi_park_fd *f = cspi_alloc_zero(sizeof *f, _Alignof(max_align_t));

    if (f)
        atomic_init(&f->refs, 1);
    return f;
}

struct cspi_park_fd *
cspi_park_fd_ref(struct cspi_park_fd *f)
{
    cspi_add(&f->refs, 1, RELAXED);
    return f;
}

void
cspi_park_fd_unref(struct cspi_park_fd *f)
{
    if (f && cspi_sub(&f->refs, 1, ACQ_REL) == 1)
        cspi_alloc_free(f, sizeof *f);
}

int
cspi_park_fd_number(const struct cspi_park_fd *f)
{
    return memory_number(f);
}

void
cspi_park_fd_signal(struct cspi_park_fd *f)
{
    cspi_store(&f->readable, 1, SEQ_CST);
    for (int i = 0; i < (int)s.n; i++)
        if (s.threads[i].state == ASLEEP && s.threads[i].word == &f->readable)
            set_state(i, READY);
}

void
cspi_park_fd_clear(struct cspi_park_fd *f)
{
    cspi_store(&f->readable, 0, SEQ_CST);
}

void
sched_poll(int fd)
{
    struct cspi_park_fd *f = memory_by_number(fd);

    cspi_park_wait(&f->readable, 0, CSP_FOREVER);
}

/* Pauses in a row are one. */
static void
rest(const char *how)
{
    if (s.self == SCHED_NOBODY || s.threads[s.self].resting)
        return;
    cspi_step(&s, how, NULL, 0);
    s.threads[s.self].resting = true;
    set_state(s.self, ASIDE);
    give_way();
}

void
cspi_park_pause(void)
{
    rest("pause");
}

void
cspi_park_yield(void)
{
    rest("yield");
}

void
cspi_park_relax(unsigned *turns)
{
    ++*turns;
    rest("relax");
}

/* ---- in the place of clock.c ---- */

csp_time
csp_clock_now(void)
{
    struct timespec ts;

    if (s.self != SCHED_NOBODY) {
        csp_time deadline = s.threads[s.self].deadline;
        if (s.now < deadline && choose(2) == 1) {
            sched_note("T%d: its deadline has passed", s.self);
            s.now = deadline;
        }
        return s.now;
    }
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (csp_time)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

csp_time
csp_clock_after(int64_t ns)
{
    return ns < 0 ? CSP_NOWAIT : csp_clock_now() + ns;
}

csp_time
sched_deadline(void)
{
    return s.threads[s.self].deadline = s.now + SOON;
}

/* ---- in the place of chance ---- */

uint64_t cspi_select_random(void);

/* The order in which a fair select attempts its cases: the given one, or the
 * reverse. */
uint64_t
cspi_select_random(void)
{
    return s.self != SCHED_NOBODY && choose(2) ? UINT64_MAX : 0;
}

/* ---- runs ---- */

static void
start(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_NODEFER};

    if (s.stacks)
        return;
    s.stacks = mmap(NULL, (size_t)STACK * SCHED_THREADS, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s.stacks == MAP_FAILED || locals_size() > LOCALS ||
        globals_size() > LOCALS) {
        fprintf(stderr, "no room for stacks or thread-local variables\n");
        exit(2);
    }
    if (has_real_locals()) {
        fprintf(stderr, "a thread-local variable is no CSPI_THREAD_LOCAL\n");
        exit(2);
    }
    locals_may_race();
    setenv("INTERCSP_SPIN", "0", 1); /* sleep at once */
    memcpy(locals_at_birth, __start_cspi_thread_local, locals_size());
    memcpy(globals_at_birth, __start_cspi_process_wide, globals_size());
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}

void
sched_reset(void)
{
    start();
    memory_reset();
    locals_swap(NULL, NULL);
    copy(__start_cspi_process_wide, globals_at_birth, globals_size());
    s.n = 0;
    s.steps = s.ticks = s.lonely_pauses = 0;
    s.now = DAWN;
    s.failed = s.raced = false;
    s.failure[0] = 0;
}

static void
run_thread(void)
{
    s.body((unsigned)s.self);
    set_state(s.self, DONE);
    end_pauses();
    give_way();
    abort(); /* a thread that is done does not go on */
}

enum sched_end
sched_run(unsigned n, void (*body)(unsigned who),
          const struct sched_world *world, sched_chooser *chooser)
{
    s.n = n;
    s.body = body;
    s.world = world;
    s.choose = chooser;
    memset(s.in, 0, sizeof s.in);
    s.in[READY] = (1u << n) - 1;
    s.timed = 0;
    for (unsigned i = 0; i < n; i++) {
        struct thread *t = &s.threads[i];
        struct coroutine flow = t->flow;
        *t = (struct thread){.flow = flow, .function = "start"};
        memcpy(t->locals, locals_at_birth, locals_size());
        coroutine_init(&t->flow, s.stacks + (size_t)i * STACK, STACK,
                       run_thread);
    }
    resume(s.choose && n > 1 ? (int)s.choose(n, false) : 0);
    for (unsigned i = 0; i < n; i++)
        coroutine_end(&s.threads[i].flow, s.threads[i].state == DONE);
    if (s.raced)
        sched_fail("%s", race);
    if (s.failed)
        return SCHED_FAILED;
    for (unsigned i = 0; i < n; i++)
        if (s.threads[i].state != DONE)
            return SCHED_STUCK;
    return SCHED_DONE;
}

/* ---- questions ---- */

int
sched_self(void)
{
    return s.self;
}

unsigned
sched_tick(void)
{
    return ++s.ticks;
}

unsigned
sched_slept(unsigned who)
{
    return s.threads[who].slept;
}

void
sched_begin(void)
{
    s.threads[s.self].slept = 0;
    s.threads[s.self].deadline = 0;
    s.threads[s.self].signalled = 0;
}

unsigned
sched_steps(void)
{
    return s.steps;
}

unsigned
sched_steps_of(unsigned who)
{
    return s.threads[who].steps;
}

bool
sched_stopped(unsigned who)
{
    return s.threads[who].state == STOPPED;
}

bool
sched_done(unsigned who)
{
    return s.threads[who].state == DONE;
}

const char *
sched_place(unsigned who)
{
    static char text[96];
    const struct thread *t = &s.threads[who];

    snprintf(text, sizeof text, "%s:%d", t->function, t->line);
    return text;
}

void
sched_trace(bool on)
{
    s.trace = on;
}

void
sched_note(const char *format, ...)
{
    va_list args;

    if (!s.trace)
        return;
    va_start(args, format);
    fputs("#       ", stdout);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
}

bool
sched_memory_fails(void)
{
    return s.self != SCHED_NOBODY && s.world->no_memory && choose(2) == 1;
}
