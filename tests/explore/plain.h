// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plain.h: plain memory behind the values that are sent, whose accesses are
 * built with ThreadSanitizer as the core's are: what the sender wrote before
 * must be seen by the receiver. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdint.h>

void plain_write(uint64_t *p, uint64_t value);
uint64_t plain_read(const uint64_t *p);

/* Threads that pass something to each other by means of their own: what came
 * before the one comes before what follows the other. */
typedef _Atomic(uint32_t) plain_handed;
void plain_hand_over(plain_handed *h);
void plain_take_over(plain_handed *h);

#endif
