// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* timer.h: what after() and tick() make. */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include <csp/select.h>

#include "module.h"

typedef struct {
    PyObject_HEAD
    csp_timer timer; /* a select waits on a copy: others may use it meanwhile */
} timer_object;

static inline csp_timer
timer_of(PyObject *op)
{
    return ((timer_object *)op)->timer;
}

static inline void
timer_set(PyObject *op, csp_timer timer)
{
    ((timer_object *)op)->timer = timer;
}

#endif
