// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* coroutine.c: see coroutine.h.
 *
 * Memory:  a stack belongs to the caller. A coroutine may be left where it is
 *          and begun anew: nothing is unwound. */
#include "coroutine.h"

#include <stdint.h>
#include <stdlib.h>

/* This file itself is built without ThreadSanitizer: see meson.build. */
#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define WITH_ASAN 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#    define WITH_ASAN 1
#endif

static struct coroutine *now; /* the one that is being switched to */

/* ---- what the sanitizers want to know ---- */

#ifdef WITH_ASAN
#    include <sanitizer/asan_interface.h>
#    include <sanitizer/common_interface_defs.h>

/* Its copies of stack frames would stay behind with every coroutine that is
 * left where it is. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}

static void
asan_init(struct coroutine *c)
{
    __asan_unpoison_memory_region(c->stack, c->size);
    c->fake = NULL;
}

static struct coroutine *left; /* the one that was switched from */

static void
asan_leave(struct coroutine *from, const struct coroutine *to)
{
    left = from;
    __sanitizer_start_switch_fiber(&from->fake, to->stack, to->size);
}

static void
asan_arrive(struct coroutine *c)
{
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(c->fake, &bottom, &size);
    if (!left->stack) { /* the thread's own: now we know where it is */
        left->stack = (void *)(uintptr_t)bottom;
        left->size = size;
    }
}
#else
#    define asan_init(c) ((void)(c))
#    define asan_leave(from, to) ((void)0)
#    define asan_arrive(c) ((void)(c))
#endif

#ifdef WITH_TSAN
#    include <sanitizer/tsan_interface.h>

static void *own; /* the fiber of the thread's own flow */

/* What was done here and there comes before what will be. */
static void
tsan_meet(struct coroutine *c)
{
    __tsan_switch_to_fiber(c->fiber, 0);
    __tsan_switch_to_fiber(own, 0);
}

static void
tsan_init(struct coroutine *c)
{
    if (!own)
        own = __tsan_get_current_fiber();
    if (!c->fiber)
        c->fiber = __tsan_create_fiber(0);
    tsan_meet(c);
}

static void
tsan_leave(struct coroutine *to, bool ordered)
{
    __tsan_switch_to_fiber(to->stack ? to->fiber : own,
                           ordered ? 0 : __tsan_switch_to_fiber_no_sync);
}

void
coroutine_end(struct coroutine *c, bool returned)
{
    if (!c->fiber)
        return;
    tsan_meet(c);
    if (!returned) { /* its record of calls would grow for ever */
        __tsan_destroy_fiber(c->fiber);
        c->fiber = NULL;
    }
}
#else
#    define tsan_init(c) ((void)(c))
#    define tsan_leave(to, ordered) ((void)(ordered))

void
coroutine_end(struct coroutine *c, bool returned)
{
    (void)c;
    (void)returned;
}
#endif

/* ---- the switch ---- */

static void
begin(void)
{
    asan_arrive(now);
    now->body();
    abort(); /* it must not return */
}

#if defined(__x86_64__) && defined(__ELF__) && !defined(COROUTINE_UCONTEXT)
void coroutine_swap(void **from, void *to);
__asm__(".text\n"
        ".type coroutine_swap, @function\n"
        "coroutine_swap:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size coroutine_swap, . - coroutine_swap\n");

/* A stack as coroutine_swap() leaves one: six registers and where to return,
 * and the frame of a caller that is nobody. */
static void
prepare(struct coroutine *c)
{
    void **top = (void **)(((uintptr_t)c->stack + c->size) & ~(uintptr_t)63);

    *--top = NULL;
    *--top = (void *)(uintptr_t)begin;
    for (int i = 0; i < 6; i++)
        *--top = NULL;
    c->sp = top;
}

static void
swap(struct coroutine *from, struct coroutine *to)
{
    coroutine_swap(&from->sp, to->sp);
}
#else
#    include <ucontext.h>

static ucontext_t *
context_of(struct coroutine *c)
{
    if (!c->context && !(c->context = calloc(1, sizeof(ucontext_t))))
        abort();
    return c->context;
}

static void
prepare(struct coroutine *c)
{
    ucontext_t *u = context_of(c);

    getcontext(u);
    u->uc_stack.ss_sp = c->stack;
    u->uc_stack.ss_size = c->size;
    u->uc_link = NULL;
    makecontext(u, begin, 0);
    c->sp = (char *)c->stack + c->size;
}

static void
swap(struct coroutine *from, struct coroutine *to)
{
    from->sp = __builtin_frame_address(0);
    swapcontext(context_of(from), context_of(to));
}
#endif

void
coroutine_init(struct coroutine *c, void *stack, size_t size,
               void (*body)(void))
{
    c->stack = stack;
    c->size = size;
    c->body = body;
    asan_init(c);
    tsan_init(c);
    prepare(c);
}

void
coroutine_switch(struct coroutine *from, struct coroutine *to, bool ordered)
{
    now = to;
    asan_leave(from, to);
    tsan_leave(to, ordered);
    swap(from, to);
    asan_arrive(from);
}
