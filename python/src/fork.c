// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* fork.c: fork() is refused while processes live.
 *
 * CPython's child of a fork dies, before any hook of its own runs, if another
 * interpreter with its own GIL was alive. What is forked to execute a program
 * (subprocess, posix_spawn) is not concerned, and raises other events. An audit
 * hook is the one place that can refuse; it is called for every event of every
 * interpreter, hence it begins with a comparison.
 *
 * Process-wide state: is_hooked. */
#include "fork.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "host.h"

static pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_hooked; /* guarded by hook_lock */

static int
refuse_fork(const char *event, PyObject *Py_UNUSED(args), void *Py_UNUSED(data))
{
    if (event[0] != 'o' ||
        (strcmp(event, "os.fork") != 0 && strcmp(event, "os.forkpty") != 0))
        return 0;
    if (host_list(NULL, 0) == 0)
        return 0;
    PyErr_SetString(PyExc_RuntimeError,
                    "fork() while processes of intercsp are alive: the child "
                    "would crash; end them before, or use subprocess, or "
                    "multiprocessing with its 'spawn' method");
    return -1;
}

int
fork_guard(void)
{
    pthread_mutex_lock(&hook_lock);
    bool is_first = !is_hooked;
    is_hooked = true;
    pthread_mutex_unlock(&hook_lock);
    return is_first ? PySys_AddAuditHook(refuse_fork, NULL) : 0;
}
