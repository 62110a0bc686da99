// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* version.c: the version as text, from the numbers in version.h. */
#include <csp/version.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *
csp_version_text(void)
{
    return TEXT(CSP_VERSION_MAJOR) "." TEXT(CSP_VERSION_MINOR) "." TEXT(
        CSP_VERSION_PATCH);
}
