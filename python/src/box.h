// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* box.h: the queues behind intercsp.pep554 and intercsp.queues. */
#ifndef CORE_BOX_H
#define CORE_BOX_H

#include <csp/handle.h>

#include "module.h"

/** The box of a handle; NULL if it is none: borrowed. */
void *box_from_handle(csp_handle *h);

/** An interpreter ends: what it has sent and nobody has received meets the
 *  fate that its sender chose. Threads: with its GIL. */
void box_sweep(int64_t interpreter);

extern PyMethodDef box_functions[];
int box_exec(PyObject *module, core_state *st);

#endif
