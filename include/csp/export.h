// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* export.h: what every public header opens and closes with. */
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
