// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* export.h: what every public header opens and closes with.
 *
 * A struct of options or of figures begins with its size, which the caller sets
 * to its sizeof. Later versions add members at the end only; a library reads or
 * fills in a struct of any earlier version as far as it goes, and answers
 * CSP_EINVAL to a size that it does not know. Options that are not there, as
 * the struct ends before them, are not asked for. */
#ifndef CSP_EXPORT_H
#define CSP_EXPORT_H

#if defined(__GNUC__)
#    define CSP_API __attribute__((visibility("default")))
#else
#    define CSP_API
#endif

#ifdef __cplusplus
#    define CSP_BEGIN_DECLS extern "C" {
#    define CSP_END_DECLS }
#else
#    define CSP_BEGIN_DECLS
#    define CSP_END_DECLS
#endif

#endif
