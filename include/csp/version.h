// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* version.h: the one place that holds the version; meson.build reads it. */
#ifndef CSP_VERSION_H
#define CSP_VERSION_H

#include <csp/export.h>

#define CSP_VERSION_MAJOR 0
#define CSP_VERSION_MINOR 1
#define CSP_VERSION_PATCH 0

CSP_BEGIN_DECLS

/** The version of the library that is loaded, as "major.minor.patch".
 *
 *  - Threads: any, wait-free.
 *  - Returns: a static string. */
CSP_API const char *csp_version_text(void);

CSP_END_DECLS

#endif
