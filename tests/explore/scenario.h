// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* scenario.h: threads that use channels, written in one line.
 *
 *     a:1 b:0 / a!1 b?~ / (a?|b!2) k0
 *
 * First the channels, a to c, then what each thread does, after a slash.
 *
 *     a:1       bounded, capacity 1      a:1old, a:1new   drops, when full
 *     a:0       rendezvous               a:inf            unbounded
 *     a:2+1     begins with one value    a:1!2?2          two ends on each side
 *     hub       the channels are the subscribers of a hub, h
 *     signals   sleeps may be interrupted
 *     spurious  sleeps may end for no reason
 *     nomem     any allocation may fail
 *
 *     a!5       send 5 (0 to 63)         a?       receive
 *     a!5.      try to                   a?.      try to
 *     a!5,      with a deadline past     a?,
 *     a!5~      with one that may pass   a?~
 *     a!5-7     send 5, 6, 7             a?*3     receive up to 3
 *     a!^b?     send that end of b (b1? is its end 1); who receives it drops it
 *     a1!5, a1?   through end 1 of a, not 0
 *     a!x, a?x  close the end            a!u, a?u   give up the reference to it
 *     a!m, a?m  it was moved             a!c1, a?c1  make end 1, a clone
 *     a!p, a?p  poison                   a!f1, a?f1  find end 1 by the id
 *     h!5, h!x ...   the same with the hub
 *     (a?|b!5)  select, fair; then , or ~    [a?|b!5]  in this order
 *     (a?|t)    t: a timer, due at some time
 *     <a?|b!5>  a select that is pending in a loop, whose descriptor is polled
 *     <a?|b!5>~  the same, cancelled if it is pending
 *     {a?|b!5}  wait with a selector that has these cases; {} again with it
 *     {a?|b!5}&  the same, by polling the descriptor of the selector
 *     k0        request the cancel token of thread 0
 *
 * An end that is not there (a clone that failed) is left alone.
 *
 * What is checked after each run: the history (history.h); each value that was
 * sent is received or released once, and none that was not; when all threads
 * have returned, nobody is listed in a wait queue, and closing all ends frees
 * all memory. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "search.h"

/** Make a subject of the scenario @p text, which must live as long; it holds
 *  until the next one is made. */
struct subject scenario_subject(const char *text);

#endif
