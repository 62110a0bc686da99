// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* region.h: memory of a frozen graph, which belongs to no interpreter. */
#ifndef CORE_REGION_H
#define CORE_REGION_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* What a frozen graph is made of: an object in its region, or one of
 * CPython's own that every interpreter has; or, marked, a shell. */
typedef uintptr_t node;

/* What each interpreter builds for itself when it opens the graph: frozensets
 * and records, which can be referred to weakly, and the containers above
 * them. Shells are built in the order of their numbers; all that one is made
 * of has lower ones. */
struct shell {
    struct shell *next;
    size_t number;
    enum shell_kind {
        SHELL_TUPLE,
        SHELL_MAPPING, /* items: keys, then values */
        SHELL_SET,
        SHELL_SLICE,
        SHELL_RECORD, /* items: what makes it, and its fields */
    } kind;
    Py_ssize_t n;
    node items[];
};

static inline node
node_of(const void *obj)
{
    return (node)obj;
}

static inline node
node_of_shell(const struct shell *s)
{
    return (node)s | 1;
}

/** The shell behind @p n; NULL: it is an object. */
static inline struct shell *
node_shell(node n)
{
    return n & 1 ? (struct shell *)(n - 1) : NULL;
}

static inline PyObject *
node_object(node n)
{
    return (PyObject *)n;
}

struct area {
    char *base, *at, *limit; /* limit: up to here without a closer look */
    char *end;               /* of the mapping */
};

struct region {
    struct area objects;
    struct area mappings; /* what mappings refer to; always read-only */
    node root;
    size_t nodes; /* objects and shells */
    struct shell *shells, **shells_end;
    size_t n_shells;

    /* The others are guarded by the lock in region.c. */
    struct region *next, *prev;
    size_t refs;      /* of handles, and of who builds it */
    int64_t *holders; /* interpreters that have opened it and are not gone */
    size_t n_holders, holders_room;
};

/** An empty region, not known to others before region_publish().
 *  Returns: one reference; NULL with MemoryError. */
struct region *region_new(void);

/** Zeroed memory for an object, and for what a mapping refers to, aligned to 8
 *  bytes. Returns: NULL with MemoryError. */
void *region_take(struct region *r, size_t size);
void *region_take_mapping(struct region *r, size_t size);

/** A new shell of @p n items, the next in order. Returns: NULL with
 *  MemoryError. */
struct shell *region_take_shell(struct region *r, enum shell_kind kind,
                                Py_ssize_t n);

/** Nothing is written to it from here on. @p protect: a write to its objects
 *  is a fault of memory; one to its mappings always is. */
void region_publish(struct region *r, bool protect);

/** Threads: any. The region goes with the last reference, if no interpreter
 *  has it open. */
void region_ref(struct region *r);
void region_unref(struct region *r);

/** Bytes in use. */
size_t region_bytes(const struct region *r);

/** Interpreter @p id opens it, and holds it until it is gone. The caller has a
 *  reference. Returns: 0; -1 with MemoryError. */
int region_hold(struct region *r, int64_t id);

/** Interpreter @p id is gone, for good. Threads: any, with or without a thread
 *  state. */
void region_interpreter_gone(int64_t id);

/** Lets go of what only interpreters hold that are gone. Threads: with a GIL.
 */
void region_sweep(void);

/** What the process has in regions. */
struct region_info {
    size_t bytes, nodes, shells, handles;
    size_t n_holders;
    int64_t *holders; /* PyMem_RawFree() */
};

/** All that are there. Returns: how many, in memory of its own in *@p out,
 *  PyMem_RawFree(); -1 with MemoryError. */
Py_ssize_t region_list(struct region_info **out);

#endif
