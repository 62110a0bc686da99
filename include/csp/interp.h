// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* interp.h: Python interpreters in a C program: plugins, each with a GIL and a
 * thread of its own.
 *
 * In libintercsp-embed-3.x, one for each Python; a program links libintercsp
 * and one of them, and never needs Python.h:
 *
 *     csp_interp *plugin;
 *     csp_value error, args, result;
 *
 *     csp_interp_runtime_start(NULL, &error);
 *     csp_interp_new(NULL, &plugin, CSP_FOREVER, &error);
 *     csp_interp_load(plugin, "greeter.py", CSP_FOREVER, &error);
 *     ... args: a tuple, see tree.h
 *     csp_interp_call(plugin, "greet", args, deadline, &result);
 *     csp_interp_destroy(plugin, deadline, NULL);
 *     csp_interp_runtime_stop(deadline);
 *
 * An interpreter works off what it is asked one after the other, in its own
 * thread; who asks waits on a channel. So a call that does not return in time
 * holds up later ones, until csp_interp_stop().
 *
 * Errors of Python code. A function that answers CSP_ERAISED has filled its
 * last argument with a tuple of three str: the name of the exception's type,
 * its text, and its traceback. After any other failure that value is NONE.
 *
 * What waits can also answer CSP_EINTERRUPTED, when a signal has come to its
 * thread; what was asked goes on then, as after CSP_ETIMEOUT. */
#ifndef CSP_INTERP_H
#define CSP_INTERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csp/chan.h>
#include <csp/clock.h>
#include <csp/export.h>
#include <csp/value.h>

/** An interpreter of this program; counted by nobody: destroy it once. */
typedef struct csp_interp csp_interp;

/** How Python starts; zero, but for size, stands for what python3 does. */
typedef struct csp_interp_runtime_opts {
    size_t size;      /**< sizeof(csp_interp_runtime_opts) */
    const char *home; /**< where Python is installed (PYTHONHOME), or NULL */

    /** sys.argv, and how many strings it has; 0: that of a program "". */
    const char *const *argv;
    size_t argc;

    /** Folders that come first in sys.path, of every interpreter. */
    const char *const *path;
    size_t n_path;

    /** No environment variables, no user's site-packages, no folder of the
     *  script in sys.path: what the options say, and nothing else. */
    bool isolated;

    /** Python does not handle SIGINT; the program does, or nobody. */
    bool no_signals;
} csp_interp_runtime_opts;

/** What an interpreter is; zero, but for size, is a good choice. */
typedef struct csp_interp_opts {
    size_t size;      /**< sizeof(csp_interp_opts) */
    const char *name; /**< for people, and of its thread; NULL: a number */
} csp_interp_opts;

/** What an interpreter has used, since it was made. */
typedef struct csp_interp_usage {
    size_t size;      /**< sizeof(csp_interp_usage), filled in by the caller */
    int64_t cpu_ns;   /**< processor time of its thread, nanoseconds */
    uint64_t objects; /**< objects that its garbage collector looks after */
    uint64_t calls;   /**< loads, binds and calls that it has worked off */
    uint64_t raised;  /**< of which so many raised */
    uint64_t threads; /**< other threads of it that are alive */
} csp_interp_usage;

CSP_BEGIN_DECLS

/** Start Python in this program, with an interpreter in which nothing runs.
 *  Takes some 30 ms.
 *
 *  - Owns: *@p error is a new value.
 *  - Threads: any; the one that stops it again. Not while another starts it.
 *  - Returns: 0; CSP_EINVAL: it was started before, or an option is wrong;
 *    CSP_ERAISED: intercsp cannot be imported, or Python does not start. */
CSP_API int csp_interp_runtime_start(const csp_interp_runtime_opts *opts,
                                     csp_value *error);

/** Stop all interpreters that are left, and then Python. Those are to be
 *  destroyed all the same, which frees what the program has of them.
 *
 *  CSP_ESTUCK: one is stuck in C code; then Python goes on, and so may the
 *  program. CPython cannot be relied on to start twice in a program, so this
 *  is the end of it.
 *
 *  - Threads: the owner: the one that started it. Others may wait for calls,
 *    which then end, but do not make, stop, interrupt or destroy interpreters
 *    meanwhile.
 *  - Blocks: until @p deadline.
 *  - Returns: 0; CSP_EINVAL: it was not started, or this is another thread;
 *    CSP_ESTUCK. */
CSP_API int csp_interp_runtime_stop(csp_time deadline);

/** Make an interpreter; takes some 20 ms.
 *
 *  - Owns: *@p out is a new reference, the only one, for csp_interp_destroy().
 *  - Threads: any.
 *  - Blocks: until it is there, or @p deadline.
 *  - Returns: 0; CSP_EINVAL: there is no runtime, or opts->size is unknown;
 *    CSP_ETIMEOUT; CSP_ENOMEM; CSP_ERAISED. */
CSP_API int csp_interp_new(const csp_interp_opts *opts, csp_interp **out,
                           csp_time deadline, csp_value *error);

/** Give what is loaded from now on a global variable @p name.
 *
 *  - Owns: @p v passes on success; ends of channels in it then belong to the
 *    interpreter.
 *  - Threads: any.
 *  - Blocks: until @p deadline, if it is at work.
 *  - Returns: 0; CSP_ETIMEOUT: it may still happen; CSP_ECLOSED: the
 *    interpreter was stopped; CSP_ENOMEM; CSP_ERAISED. */
CSP_API int csp_interp_bind(csp_interp *interp, const char *name, csp_value v,
                            csp_time deadline, csp_value *error);

/** Run the file @p what, if it ends in ".py", as a module of that name; or else
 *  import the module @p what. Its functions can be called from then on. A file
 *  that was loaded before is loaded again, as it is now.
 *
 *  - Threads, Blocks, Returns: as csp_interp_bind(). */
CSP_API int csp_interp_load(csp_interp *interp, const char *what,
                            csp_time deadline, csp_value *error);

/** Call @p function: of what was loaded last, or "module.function".
 *
 *  - Owns: @p args, a tuple or list, or NONE, passes on success and on
 *    CSP_ERAISED, and stays with the caller otherwise. *@p result is a new
 *    value: what the function returns, or what it raises.
 *  - Threads: any.
 *  - Blocks: until @p deadline.
 *  - Returns: 0; CSP_ETIMEOUT: the call goes on; CSP_ECLOSED: the interpreter
 *    was stopped, perhaps during the call; CSP_ENOMEM; CSP_EINVAL: @p args is
 *    something else; CSP_ERAISED. */
CSP_API int csp_interp_call(csp_interp *interp, const char *function,
                            csp_value args, csp_time deadline,
                            csp_value *result);

/** Begin a call, and return at once: *@p reply receives its answer.
 *
 *  That is two values: true and the result, or false and the tuple of three str
 *  for what was raised; then the channel is closed. It is closed without them
 *  if the interpreter is stopped.
 *
 *  - Owns: @p args passes on success; *@p reply is a new reference.
 *  - Threads: any.
 *  - Returns: 0; CSP_EFULL: too many calls wait (1,024); CSP_ECLOSED;
 *    CSP_ENOMEM; CSP_EINVAL. */
CSP_API int csp_interp_spawn(csp_interp *interp, const char *function,
                             csp_value args, csp_rx **reply);

/** Let its waits in channels raise intercsp.Cancelled, now and later: it ends
 *  what it is at and takes no more calls.
 *
 *  - Threads: any. Does not wait for that.
 *  - Returns: 0; CSP_EINVAL: there is no runtime. */
CSP_API int csp_interp_stop(csp_interp *interp);

/** Raise intercsp.Cancelled in the Python code that it runs; for code that
 *  waits for nothing. After csp_interp_stop(), and may be repeated.
 *
 *  - Threads: any. Does not wait for that.
 *  - Returns: 0, also if it has ended; CSP_EFULL: that cannot be asked for now,
 *    try again; CSP_EINVAL: there is no runtime. */
CSP_API int csp_interp_interrupt(csp_interp *interp);

/** What it has used so far.
 *
 *  - Threads: any.
 *  - Blocks: until @p deadline, if it is at work.
 *  - Returns: 0; CSP_EINVAL if usage->size is unknown; CSP_ETIMEOUT;
 *    CSP_ECLOSED; CSP_ENOMEM. */
CSP_API int csp_interp_measure(csp_interp *interp, csp_interp_usage *usage,
                               csp_time deadline);

/** End it: when it has worked off its calls, or by force at @p deadline.
 *  What it has used is put in @p usage, if that is not NULL and the interpreter
 *  could say.
 *
 *  - Owns: @p interp passes, unless this returns CSP_ESTUCK or
 *    CSP_EINTERRUPTED.
 *  - Threads: any; nobody else uses @p interp.
 *  - Blocks: until @p deadline, and then until it has noticed, at most a
 *    second more.
 *  - Returns: 0; CSP_ETIMEOUT: it is gone, by force; CSP_ESTUCK: it runs C code
 *    that does not return, or swallows intercsp.Cancelled; try again later. */
CSP_API int csp_interp_destroy(csp_interp *interp, csp_time deadline,
                               csp_interp_usage *usage);

CSP_END_DECLS

#endif
