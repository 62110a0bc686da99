// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plugin.h: what the test hosts share. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csp/interp.h>
#include <csp/status.h>
#include <csp/tree.h>

#include "test.h"

/* The file of a plugin of these tests; valid until the next call. */
static inline const char *
plugin(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s.py", getenv("PLUGINS"), name);
    return path;
}

/* A tuple of @p n values, whose references pass. */
static inline csp_value
tuple(int n, ...)
{
    csp_tree_builder b;
    csp_value v = csp_value_none();
    va_list list;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    va_start(list, n);
    while (n-- > 0) {
        csp_value item = va_arg(list, csp_value);
        csp_tree_builder_add(&b, item);
        csp_value_unref(&item);
    }
    va_end(list);
    csp_tree_builder_end(&b);
    CHECK_EQ(csp_tree_builder_finish(&b, &v), 0);
    csp_tree_builder_fini(&b);
    return v;
}

static inline csp_value
str(const char *text)
{
    csp_value v;

    CHECK_EQ(csp_value_str(text, strlen(text), &v), 0);
    return v;
}

/* Whether printing @p v gives something with @p text in it; @p v passes. */
static inline bool
says(csp_value v, const char *text)
{
    char buffer[8192];

    csp_value_print(v, buffer, sizeof buffer);
    csp_value_unref(&v);
    if (!strstr(buffer, text))
        test_note("%s is not in %s", text, buffer);
    return strstr(buffer, text) != NULL;
}

static inline csp_time
after_ms(int64_t ms)
{
    return csp_clock_after(ms * 1000000);
}

enum { LONG_MS = 30000 };

/* An interpreter with the plugin @p name. */
static inline csp_interp *
loaded(const char *name)
{
    csp_interp *interp;
    csp_value error;

    CHECK_EQ(csp_interp_new(NULL, &interp, after_ms(LONG_MS), &error), 0);
    CHECK_EQ(csp_interp_load(interp, plugin(name), after_ms(LONG_MS), &error),
             0);
    return interp;
}

/* Interrupts it, also if it ends meanwhile. */
static inline void
interrupt(csp_interp *interp)
{
    csp_time end = after_ms(LONG_MS);
    int rc;

    while ((rc = csp_interp_interrupt(interp)) == CSP_EFULL)
        CHECK(csp_clock_now() < end);
    CHECK_EQ(rc, 0);
}

/* Runs the case in a thread: what waits keeps something for its thread until
 * that ends. */
static inline void
in_a_thread(void *(*run)(void *))
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

#endif
