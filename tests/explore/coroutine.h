// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* coroutine.h: several flows of control in one thread, each on its own stack.
 *
 * On x86-64 a switch is a dozen instructions, elsewhere swapcontext(). Address
 * and Thread Sanitizer are told of it. */
#ifndef COROUTINE_H
#define COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

struct coroutine {
    void *sp; /* where its stack ends while it does not run */
    void (*body)(void);
    void *stack; /* NULL: the thread's own */
    size_t size;
    void *context; /* of swapcontext() */
    void *fake;    /* of AddressSanitizer */
    void *fiber;   /* of ThreadSanitizer */
};

/** Let @p c begin with body() at the next switch to it, on the @p size bytes
 *  at @p stack; body() must not return. What @p c did before is forgotten.
 *  All zero, it stands for the thread's own flow. */
void coroutine_init(struct coroutine *c, void *stack, size_t size,
                    void (*body)(void));

/** @p c will not be switched to again before it is begun anew. What it did
 *  comes before what happens from now on, for ThreadSanitizer. @p returned:
 *  it had come to its end. */
void coroutine_end(struct coroutine *c, bool returned);

/** Go on with @p to; @p from is the one that runs. @p ordered: what happened
 *  here comes before what happens there, for ThreadSanitizer. */
void coroutine_switch(struct coroutine *from, struct coroutine *to,
                      bool ordered);

#endif
