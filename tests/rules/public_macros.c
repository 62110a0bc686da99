// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* public_macros.c: expands every public macro once, as C11 and as C++17.
 * tests/rules/headers.py fails when one is missing here. */
#include <stdio.h>
#include <string.h>

#include <csp/chan.h>
#include <csp/version.h>

CSP_BEGIN_DECLS
CSP_API int public_macros_declared(void);
CSP_END_DECLS

int
public_macros_declared(void)
{
    return 1;
}

#define COUNT(name, code, text) +1
#define DIFFER(name, code, text) +(strcmp(csp_status_name(name), #name) != 0)

static int
statuses_agree(void)
{
    return (0 CSP_STATUS_TABLE(COUNT)) > 0 &&
           (0 CSP_STATUS_TABLE(DIFFER)) == 0 && CSP_OK == 0 && CSP_EINVAL < 0;
}

static int
times_are_ordered(void)
{
    return CSP_NOWAIT < CSP_SPIN && CSP_SPIN < csp_clock_now() &&
           csp_clock_now() < CSP_FOREVER;
}

static int
options_begin_with_their_size(void)
{
    csp_chan_opts opts = CSP_CHAN_OPTS_INIT;

    return opts.size == sizeof opts && !opts.name &&
           opts.overflow == CSP_OVERFLOW_BLOCK;
}

static int
limits_are_limits(void)
{
    return CSP_CHAN_MAX_CAPACITY > 1 && CSP_CHAN_MAX_NAME > 1 &&
           CSP_CHAN_UNBOUNDED > CSP_CHAN_MAX_CAPACITY;
}

static int
version_is_that_of_the_library(void)
{
    char text[32];

    snprintf(text, sizeof text, "%d.%d.%d", CSP_VERSION_MAJOR,
             CSP_VERSION_MINOR, CSP_VERSION_PATCH);
    return strcmp(text, csp_version_text()) == 0;
}

int
main(void)
{
    static const struct {
        const char *name;
        int (*holds)(void);
    } tests[] = {
        {"declared", public_macros_declared},
        {"statuses_agree", statuses_agree},
        {"times_are_ordered", times_are_ordered},
        {"options_begin_with_their_size", options_begin_with_their_size},
        {"limits_are_limits", limits_are_limits},
        {"version_is_that_of_the_library", version_is_that_of_the_library},
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (!tests[i].holds()) {
            fprintf(stderr, "%s does not hold\n", tests[i].name);
            failed = 1;
        }
    return failed;
}
