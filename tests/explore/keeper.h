// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* keeper.h: see keeper.c. */
#ifndef KEEPER_H
#define KEEPER_H

enum { KEEPER_CHANS = 8 };

/** Forget the channels of the last run. */
void keeper_reset(void);

#endif
