// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* hub.h: broadcast: what is sent is received by every subscriber.
 *
 * A hub has send ends of its own type, counted and cloned as those of a
 * channel are, and subscribers, each with a channel of its own: an ordinary
 * csp_rx, with a capacity and an overflow policy. All subscribers see the same
 * order. With CSP_OVERFLOW_BLOCK the slowest sets the pace; with the others
 * each loses for itself, counted by its channel. Without subscribers values
 * are dropped and counted. When the last send end goes, all subscribers' ends
 * drain and then answer CSP_ECLOSED. */
#ifndef CSP_HUB_H
#define CSP_HUB_H

#include <csp/chan.h>
#include <csp/export.h>

/** What one subscribes to. */
typedef struct csp_hub csp_hub;

/** One send end of a hub; a select does not take it as a case. */
typedef struct csp_hub_tx csp_hub_tx;

CSP_BEGIN_DECLS

/** A hub whose subscribers get @p capacity (from 1 up), the overflow and the
 *  name of @p opts unless they ask for something else: csp_hub_subscribe().
 *
 *  - Owns: *@p tx and *@p hub are new references. @p opts (may be NULL) stays
 *    with the caller.
 *  - Threads: any.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL for a capacity of 0 or a combination
 *    that csp_chan_new() refuses. */
CSP_API int csp_hub_new(uint32_t capacity, const csp_chan_opts *opts,
                        csp_hub_tx **tx, csp_hub **hub);

/** A receive end for what is sent from now on; closing it unsubscribes.
 *  The memory of its channel is freed then, or by a later send, csp_hub_len()
 *  or subscription: a hub to which nobody sends keeps at most twice as many
 *  channels as were subscribed at one time, or 8.
 *
 *  A @p capacity of 0 stands for that of the hub, as does a NULL name in
 *  @p opts. An overflow in @p opts counts, CSP_OVERFLOW_BLOCK as any other:
 *  who wants another name but the overflow of the hub leaves it out, by a size
 *  of offsetof(csp_chan_opts, overflow). CSP_CHAN_UNBOUNDED leaves that of the
 *  hub aside: such a channel is never full.
 *
 *  - Owns: *@p out is a new reference. @p opts (may be NULL: all as the hub)
 *    stays with the caller.
 *  - Threads: any; takes the hub's lock for a few steps, for as many as there
 *    are subscribers at times.
 *  - Returns: 0; CSP_ENOMEM; CSP_EINVAL as csp_chan_new(); CSP_EFORKED;
 *    CSP_EPOISONED; CSP_ECLOSED if no send end is left. */
CSP_API int csp_hub_subscribe(csp_hub *hub, uint32_t capacity,
                              const csp_chan_opts *opts, csp_rx **out);

/** The name of the hub, which its subscribers' channels have as well unless
 *  they get their own.
 *
 *  - Owns: borrowed, lives as long as the hub.
 *  - Threads: any, wait-free. */
CSP_API const char *csp_hub_name(const csp_hub *hub);

/** The name of the hub: see csp_hub_name(). */
CSP_API const char *csp_hub_tx_name(const csp_hub_tx *tx);

/** The id of the hub: of the kind of those of channels.
 *
 *  - Threads: any, wait-free. */
CSP_API uint64_t csp_hub_id(const csp_hub *hub);

/** The id of the hub: see csp_hub_id(). */
CSP_API uint64_t csp_hub_tx_id(const csp_hub_tx *tx);

/** The capacity that subscribers get. Threads: any, wait-free. */
CSP_API uint32_t csp_hub_capacity(const csp_hub *hub);

/** How many subscribers it has. Threads: any; takes the hub's lock while it
 *  looks at each. */
CSP_API size_t csp_hub_len(csp_hub *hub);

/** How many values were sent while there was no subscriber. Threads: any,
 *  wait-free. */
CSP_API uint64_t csp_hub_dropped(csp_hub *hub);

/** One more reference.
 *
 *  - Owns: a new reference.
 *  - Threads: any, wait-free.
 *  - Returns: @p hub. */
CSP_API csp_hub *csp_hub_ref(csp_hub *hub);

/** Give up a reference; NULL does nothing.
 *
 *  - Owns: the reference passes.
 *  - Threads: any. */
CSP_API void csp_hub_unref(csp_hub *hub);

/** Send @p v to all subscribers, waiting until @p deadline for room with those
 *  that block. Either all get it (that are not gone), or none.
 *
 *  - Owns: @p v passes on success; on failure it stays with the caller.
 *  - Threads: any; one send at a time, the others wait for it. With CSP_NOWAIT
 *    they wait as well, but for one that waits for room itself: then, and if
 *    the calling thread is inside of a send to this hub, it is CSP_ETIMEOUT.
 *  - Blocks: until @p deadline; no Python thread state may be attached then.
 *  - Returns: 0, CSP_EENDCLOSED, CSP_EMOVED, CSP_EPOISONED, CSP_ETIMEOUT,
 *    CSP_EINTERRUPTED, CSP_ECANCELLED, CSP_ENOMEM. */
CSP_API int csp_hub_tx_send(csp_hub_tx *tx, csp_value v, csp_time deadline);

/** Send @p v to all subscribers if those that block have room now.
 *
 *  - Owns: @p v passes on success; on failure it stays with the caller.
 *  - Threads: any.
 *  - Returns: as csp_hub_tx_send() with CSP_NOWAIT, but CSP_EFULL instead of
 *    CSP_ETIMEOUT: a subscriber that blocks has no room, or another send waits
 *    for that. One that does not wait is let finish. */
CSP_API int csp_hub_tx_try_send(csp_hub_tx *tx, csp_value v);

/** One more open send end of the hub.
 *
 *  - Owns: *@p out is a new reference.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM, CSP_EENDCLOSED, CSP_EMOVED. */
CSP_API int csp_hub_tx_clone(csp_hub_tx *tx, csp_hub_tx **out);

/** Close this end; the last one ends the subscribers' channels.
 *
 *  - Owns: the reference stays with the caller.
 *  - Threads: any. */
CSP_API void csp_hub_tx_close(csp_hub_tx *tx);

/** Close this end because it was given away: see csp_tx_moved(). */
CSP_API void csp_hub_tx_moved(csp_hub_tx *tx);

/** Poison the channels of all subscribers; later ones are refused. Who poisons
 *  second may return while the first is at work.
 *
 *  - Owns: @p reason passes on success, and stays on failure.
 *  - Threads: any.
 *  - Returns: 0, CSP_ENOMEM, CSP_EENDCLOSED, CSP_EMOVED. */
CSP_API int csp_hub_tx_poison(csp_hub_tx *tx, csp_value reason);

/** Whether this end is usable: see csp_tx_state(). Threads: any, wait-free. */
CSP_API int csp_hub_tx_state(const csp_hub_tx *tx);

/** One more reference to this end.
 *
 *  - Owns: a new reference.
 *  - Threads: any, wait-free.
 *  - Returns: @p tx. */
CSP_API csp_hub_tx *csp_hub_tx_ref(csp_hub_tx *tx);

/** Give up a reference; the last one closes the end. NULL does nothing.
 *
 *  - Owns: the reference passes.
 *  - Threads: any. */
CSP_API void csp_hub_tx_unref(csp_hub_tx *tx);

/** A value that refers to the hub.
 *
 *  - Owns: the caller's reference passes to the value.
 *  - Threads: any, wait-free. */
CSP_API csp_value csp_hub_as_value(csp_hub *hub);

/** The hub that @p h is.
 *
 *  - Owns: borrowed from @p h.
 *  - Threads: any, wait-free.
 *  - Returns: NULL if it is something else, or NULL: what
 *    csp_value_as_handle() answers for a value that is no handle. */
CSP_API csp_hub *csp_hub_from_handle(csp_handle *h);

/** A value that refers to this end: see csp_hub_as_value(). */
CSP_API csp_value csp_hub_tx_as_value(csp_hub_tx *tx);

/** The send end of a hub that @p h is: see csp_hub_from_handle(). */
CSP_API csp_hub_tx *csp_hub_tx_from_handle(csp_handle *h);

CSP_END_DECLS

#endif
