// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* copies.h: that there is one copy of the core in this process. Another would
 * be a second registry: ids and ends made by one are unknown to the other. */
#ifndef CORE_COPIES_H
#define CORE_COPIES_H

/** Look at all that is loaded. Threads: with a GIL.
 *  Returns: 0; -1 with an ImportError that names two copies. */
int copies_check(void);

#endif
