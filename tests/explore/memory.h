// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* memory.h: the memory of a run, in the place of alloc.c. Within a run nothing
 * that was freed is given out again, and uses of it are noticed. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

/** All that was given out is gone. */
void memory_reset(void);

/** Whether @p p is in memory that nobody may use. */
bool memory_is_dead(const volatile void *p);

/** Whether something was freed twice, freed with another size, written to
 *  after it was freed, or (if @p all) not freed at all: what, or NULL. */
const char *memory_fault(bool all);

/** A number for the block at @p p, and the block of a number. */
int memory_number(const void *p);
void *memory_by_number(int number);

/** Print which block @p p is in, and where, if in one. */
void memory_print(const volatile void *p);

#endif
