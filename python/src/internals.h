// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* internals.h: the private headers of CPython that layout.c needs, which are
 * not made for our warnings. To be included first. */
#ifndef CORE_INTERNALS_H
#define CORE_INTERNALS_H

#pragma GCC system_header

#define Py_BUILD_CORE_MODULE 1
#include <Python.h>

#include "internal/pycore_dict.h"
#include "internal/pycore_global_objects.h"
#include "internal/pycore_runtime.h"

#endif
