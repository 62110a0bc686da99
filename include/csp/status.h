// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* status.h: the one table of what a call can answer.
 *
 * Functions that can fail return int: 0 (or an index, a count) on success,
 * one of the negative codes below otherwise. After a failure nothing has
 * changed, unless the function says otherwise. */
#ifndef CSP_STATUS_H
#define CSP_STATUS_H

#include <csp/export.h>

/** X(name, code, text) for each status. */
#define CSP_STATUS_TABLE(X)                                                    \
    X(CSP_OK, 0, "success")                                                    \
    X(CSP_EINVAL, -1, "invalid argument")                                      \
    X(CSP_ENOMEM, -2, "out of memory")                                         \
    X(CSP_ECLOSED, -3, "the other side of the channel is gone")                \
    X(CSP_EENDCLOSED, -4, "this end was closed here")                          \
    X(CSP_EMOVED, -5, "this end was given away")                               \
    X(CSP_EFULL, -6, "the channel is full")                                    \
    X(CSP_EEMPTY, -7, "the channel is empty")                                  \
    X(CSP_ETIMEOUT, -8, "the deadline has passed")                             \
    X(CSP_EINTERRUPTED, -9, "a signal interrupted the wait")                   \
    X(CSP_ECANCELLED, -10, "the wait was cancelled")                           \
    X(CSP_ENOTFOUND, -11, "no such channel")                                   \
    X(CSP_EPOISONED, -12, "the channel was poisoned")                          \
    X(CSP_EFORKED, -13, "the channel belongs to the parent process")           \
    X(CSP_ERAISED, -14, "Python code raised an exception")                     \
    X(CSP_ESTUCK, -15, "an interpreter cannot be stopped")

CSP_BEGIN_DECLS

#define CSP_STATUS_ENUM_(name, code, text) name = code,
enum { CSP_STATUS_TABLE(CSP_STATUS_ENUM_) };
#undef CSP_STATUS_ENUM_

/** What @p status means, in a few words, for people.
 *
 *  - Threads: any, wait-free.
 *  - Returns: a static string; for an unknown code "unknown status". */
CSP_API const char *csp_status_text(int status);

/** The name of @p status as in this header, e.g. "CSP_ECLOSED".
 *
 *  - Threads: any, wait-free.
 *  - Returns: a static string; for an unknown code "unknown status". */
CSP_API const char *csp_status_name(int status);

CSP_END_DECLS

#endif
