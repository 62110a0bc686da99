// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* case.h: the cases of selects and selectors, as users write them. */
#ifndef CORE_CASE_H
#define CORE_CASE_H

#include <csp/select.h>

#include "codec.h"
#include "ends.h"

/** What a case is. */
enum case_sort {
    CASE_NONE,
    CASE_RECV,
    CASE_SEND,
    CASE_TIMER,
    CASE_THREAD /* the end of one: a receive that only ever closes */
};

/** A case as Python sees it, beside the csp_case that the core sees. Where it
 *  is parsed, there it must stay until it is done. */
struct choice {
    enum case_sort sort;
    PyObject *end;  /* what users are told: end, timer, process; borrowed */
    PyObject *held; /* what the case is on, if that is not end; or NULL */
    csp_timer timer;
    struct gifts gifts; /* of a send */
};

/** Understand @p obj, case number @p i of @p function. Send cases of one
 *  @p operation, of which one at most happens, may give away the same end.
 *
 *  - Owns: @p obj stays, and must stay alive with what it refers to; of a
 *    send, a new value is in @p c. case_done() for each that was parsed.
 *  - Returns: 0; -1 with an exception, and nothing to be done. */
int case_parse(core_state *st, PyObject *obj, const char *function,
               Py_ssize_t i, const void *operation, csp_case *c,
               struct choice *choice);

/** Understand a receive end, the commonest case. Returns: whether it is. */
static inline bool
case_parse_recv(core_state *st, PyObject *obj, csp_case *c,
                struct choice *choice)
{
    if (Py_TYPE(obj) != st->rx_type)
        return false;
    *c = csp_case_recv(((end_object *)obj)->end);
    choice->sort = CASE_RECV;
    choice->end = obj;
    choice->held = NULL;
    return true;
}

/** The case @p c that happened: what was received, None otherwise.
 *
 *  - Owns: the value in @p c passes; a new reference.
 *  - Returns: NULL with an exception. *closed: a receive end that has ended,
 *    which is no failure. */
PyObject *case_result(core_state *st, csp_case *c, struct choice *choice,
                      bool *closed);

/** Raises what @p status of the case means. Returns: NULL. */
void *case_fail(core_state *st, const struct choice *choice, int status);

/** No more of it: the value of a send that has not happened is released, and
 *  the ends in it, which are given away if it @p happened with success. Keeps
 *  an exception that is set. */
void case_done(csp_case *c, struct choice *choice, bool happened);

#endif
