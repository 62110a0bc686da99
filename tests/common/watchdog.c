// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* watchdog.c: ends a case that hangs, after showing where its threads are.
 *
 * Each thread is sent a signal whose handler prints its stack and then stays
 * where it is, so that the interruption causes nothing that looks like a
 * failure. None of this is safe in a signal handler; the program is lost
 * anyway. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<execinfo.h>)
#    include <execinfo.h>
#    define HAVE_BACKTRACE 1
#else
#    define HAVE_BACKTRACE 0
#endif

#include "test.h"

static struct {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopped;
    const char *name;
    struct timespec until;
    pthread_t thread;
} dog = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_uint shown;

static void
show_stack(int sig)
{
    (void)sig;
#if HAVE_BACKTRACE
    void *frames[64];
    fprintf(stderr, "--- thread %ld\n", (long)syscall(SYS_gettid));
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
#endif
    atomic_fetch_add(&shown, 1);
    for (;;)
        pause();
}

static void
show_all_stacks(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct timespec step = {0, 10000000};
    struct dirent *d;
    unsigned sent = 0;

    signal(SIGUSR2, show_stack);
    while (tasks && (d = readdir(tasks))) {
        long tid = strtol(d->d_name, NULL, 10);
        if (tid <= 0 || tid == (long)syscall(SYS_gettid))
            continue;
        sent += syscall(SYS_tgkill, (long)getpid(), tid, SIGUSR2) == 0;
        for (int i = 0; i < 50 && atomic_load(&shown) < sent; i++)
            nanosleep(&step, NULL); /* one after the other, if it answers */
    }
}

static void *
watch(void *unused)
{
    int rc = 0;

    (void)unused;
    pthread_mutex_lock(&dog.lock);
    while (!dog.stopped && rc == 0)
        rc = pthread_cond_timedwait(&dog.changed, &dog.lock, &dog.until);
    if (!dog.stopped) {
        fprintf(stderr, "%s hangs; INTERCSP_SEED=%llu\n", dog.name,
                (unsigned long long)test_seed());
        show_all_stacks();
        fflush(NULL);
        abort();
    }
    pthread_mutex_unlock(&dog.lock);
    return NULL;
}

void
watchdog_start(const char *name, double seconds)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dog.changed, &attr);
    pthread_condattr_destroy(&attr);
    clock_gettime(CLOCK_MONOTONIC, &dog.until);
    dog.until.tv_sec += (time_t)seconds;
    dog.name = name;
    dog.stopped = false;
    CHECK_EQ(pthread_create(&dog.thread, NULL, watch, NULL), 0);
}

void
watchdog_stop(void)
{
    pthread_mutex_lock(&dog.lock);
    dog.stopped = true;
    pthread_cond_signal(&dog.changed);
    pthread_mutex_unlock(&dog.lock);
    pthread_join(dog.thread, NULL);
    pthread_cond_destroy(&dog.changed);
}
