// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* fork.h: see fork.c. */
#ifndef CORE_FORK_H
#define CORE_FORK_H

#include <Python.h>

/** From now on fork() raises while processes are alive.
 *  Returns: 0, -1 with an exception. */
int fork_guard(void);

#endif
