// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* ends.h: the end objects: what ends.c, send.c, recv.c, channel.c and select.c
 * share, and what the codec sees of them. */
#ifndef CORE_ENDS_H
#define CORE_ENDS_H

#include <csp/chan.h>
#include <csp/handle.h>

#include "codec.h"
#include "module.h"

/** The functions of the core that exist for each sort of end. */
struct side {
    const char *type_name;
    bool is_shared; /* nobody loses it when it is sent */
    int (*send)(void *, csp_value, csp_time);
    int (*try_send)(void *, csp_value);
    void (*close)(void *);
    void (*moved)(void *);
    void (*unref)(void *);
    int (*clone)(void *, void **);
    int (*poison)(void *, csp_value);
    int (*reason)(const void *, csp_value *);
    uint64_t (*id)(const void *);
    const char *(*name)(const void *);
    uint32_t (*capacity)(const void *);
    size_t (*len)(void *);
    int (*stats)(void *, csp_chan_stats *);
    int (*state)(const void *);
    bool (*finished)(void *);
    size_t (*waiting)(const void *);
    csp_handle *(*handle)(void *);
};

/** Of a side whose ends are csp_handles, which are shared and never closed. */
void ends_handle_close(void *handle);
void ends_handle_unref(void *handle);
int ends_handle_state(const void *handle);
csp_handle *ends_handle_itself(void *handle);

#define ENDS_OF_A_HANDLE                                                       \
    .is_shared = true, .close = ends_handle_close, .unref = ends_handle_unref, \
    .state = ends_handle_state, .handle = ends_handle_itself

extern const struct side ends_tx_side, ends_rx_side;
extern const struct side hub_tx_side, hub_side, box_side, tasks_side;

typedef struct end_object {
    PyObject_HEAD
    core_state *st;
    const struct side *side;
    void *end; /* csp_tx or csp_rx, E1 */
    struct end_link link;
    const void *giving; /* the operation that gives it away, E2 */
    const void *giver;  /* what of that operation did so last */
    unsigned givers;    /* how many do */
    PyObject *weakrefs;
} end_object;

/** Whether @p obj travels as a handle: an end, a hub or an end of it. */
bool ends_check(core_state *st, PyObject *obj);

/** Whether @p obj is an end of a channel. */
bool ends_check_channel(core_state *st, PyObject *obj);

/** A new end object; the reference to @p end passes in any case.
 *
 *  - Returns: NULL with an exception. */
PyObject *ends_new(core_state *st, const struct side *side, void *end);

/** Raises what @p status means at this end's channel. Returns: NULL. */
void *ends_fail(const end_object *self, int status);

/** Marks of channels (csp_tx_mark): nothing is pickled for it. */
enum { ENDS_STRICT = 1 };

/** How the codec is to encode what @p self, a send end, sends. */
static inline unsigned
ends_flags(const end_object *self)
{
    if (self->side != &ends_tx_side)
        return CODEC_MANY; /* a hub */
    return csp_tx_mark(self->end) & ENDS_STRICT ? CODEC_STRICT : 0;
}

/** The name of the channel. */
static inline const char *
ends_name(const end_object *self)
{
    return self->side->name(self->end);
}

/** The object that @p v, received at @p self, stands for. Errors say where it
 *  came from.
 *
 *  - Owns: @p v passes; a new reference.
 *  - Returns: NULL with an exception. */
static inline PyObject *
ends_decode(const end_object *self, csp_value v)
{
    PyObject *obj = codec_decode_taken(self->st, v);

    if (!obj)
        errors_in_value(ends_name(self));
    return obj;
}

/** Begin to give @p obj (an end) away: a clone of it is made, and until
 *  ends_give_done() no other operation may give it away. One operation may
 *  offer it in several places of which one will be (cases of a select), each
 *  with a giver of its own.
 *
 *  - Owns: *@p out is a new reference.
 *  - Returns: 0; -1 with an exception (Moved, EndClosed, MemoryError). */
int ends_give(PyObject *obj, const void *operation, const void *giver,
              csp_handle **out);

/** One place less offers it; it was given away there (it becomes Moved), or
 *  was not. */
void ends_give_done(PyObject *obj, bool given);

/** A new end object for a clone of @p h.
 *
 *  - Owns: @p h is borrowed; a new reference.
 *  - Returns: NULL with an exception; NULL without one: @p h is no end. */
PyObject *ends_from_handle(core_state *st, csp_handle *h);

/** The arguments (obj, timeout=None) or (timeout=None): what is not positional
 *  may be named timeout.
 *
 *  - Returns: 0 and nanoseconds in *@p ns; -1 with an exception. */
int ends_parse_timeout(const char *function, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *names, Py_ssize_t required,
                       int64_t *ns);

/** The methods of each side, and what a loop over a receive end calls. */
extern PyMethodDef send_methods[], recv_methods[], hub_send_methods[];
PyObject *recv_next(PyObject *op);

/** The methods that all ends have, for those tables. */
#define ENDS_METHODS_OF_CHANNELS                                               \
    {"same_channel", ends_same_channel, METH_O, ends_same_channel_doc},        \
        {"stats", ends_stats, METH_NOARGS, ends_stats_doc}, ENDS_METHODS
#define ENDS_METHODS                                                           \
    {"poison", (PyCFunction)(void (*)(void))ends_poison, METH_FASTCALL,        \
     ends_poison_doc},                                                         \
        {"clone", ends_clone, METH_NOARGS, ends_clone_doc},                    \
        {"close", ends_close, METH_NOARGS, ends_close_doc},                    \
        {"__enter__", ends_enter, METH_NOARGS, NULL},                          \
        {"__exit__", (PyCFunction)(void (*)(void))ends_exit, METH_FASTCALL,    \
         NULL},                                                                \
        {"__aenter__", await_enter, METH_NOARGS, NULL},                        \
        {"__aexit__", (PyCFunction)(void (*)(void))await_exit, METH_FASTCALL,  \
         NULL},                                                                \
        {"__copy__", ends_copy, METH_NOARGS, NULL},                            \
        {"__deepcopy__", ends_copy, METH_O, NULL},                             \
        {"__reduce__", ends_reduce, METH_NOARGS, NULL},                        \
        {"__reduce_ex__", ends_reduce, METH_O, NULL},                          \
    {                                                                          \
        "__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL        \
    }

extern const char ends_poison_doc[], ends_clone_doc[], ends_close_doc[],
    ends_same_channel_doc[], ends_stats_doc[];
PyObject *ends_poison(PyObject *op, PyObject *const *args, Py_ssize_t nargs);
PyObject *ends_clone(PyObject *op, PyObject *unused);
PyObject *ends_close(PyObject *op, PyObject *unused);
PyObject *ends_same_channel(PyObject *op, PyObject *other);
PyObject *ends_stats(PyObject *op, PyObject *unused);
PyObject *ends_enter(PyObject *op, PyObject *unused);
PyObject *ends_exit(PyObject *op, PyObject *const *args, Py_ssize_t nargs);
PyObject *ends_copy(PyObject *op, PyObject *unused);
PyObject *ends_reduce(PyObject *op, PyObject *unused);

/** The same for slots and attributes. */
extern PyMemberDef ends_members[];
void ends_dealloc(PyObject *op);
int ends_bool(PyObject *op);
PyObject *ends_get_id(PyObject *op, void *unused);
PyObject *ends_get_name(PyObject *op, void *unused);
PyObject *ends_get_closed(PyObject *op, void *unused);

#endif
