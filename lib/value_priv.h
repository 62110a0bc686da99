// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* value_priv.h: what the inside of the library knows of values. */
#ifndef CSPI_VALUE_PRIV_H
#define CSPI_VALUE_PRIV_H

#include <csp/value.h>

#include "text.h"

/* A counted block of bytes: long text, long bytes, big integers, a complex
 * number; a tree has its handles behind the bytes. */
struct cspi_cell {
    csp_handle handle;
    size_t size;      /* of data */
    size_t n_handles; /* trees only: behind data, aligned */
    char data[];
};

static inline struct cspi_cell *
cspi_value_cell(csp_value v)
{
    return (struct cspi_cell *)(uintptr_t)v.bits_;
}

/** A cell of @p size bytes and @p n_handles handles, neither filled in, with
 *  one reference. Returns: NULL when there is no memory. */
struct cspi_cell *cspi_value_cell_new(size_t size, size_t n_handles);

/** Where the handles of a cell lie. */
csp_handle **cspi_value_cell_handles(struct cspi_cell *cell);

/* Memory that somebody lends; whoever makes it adds what gone() needs. */
struct cspi_buffer {
    csp_handle handle;
    const void *data;
    size_t size;
    uint32_t tag; /* of the value: BUFFER, LENT_STR or LENT_BYTES */
    bool writable;
    void (*release)(void *arg); /* may be NULL */
    void *arg;
    void (*gone)(struct cspi_buffer *b); /* the last reference is: frees b */
};

static inline struct cspi_buffer *
cspi_value_buffer(csp_value v)
{
    return (struct cspi_buffer *)(uintptr_t)v.bits_;
}

/** Whether a buffer can be like that. */
bool cspi_value_buffer_is_valid(const void *data, size_t size, unsigned flags);

/** Make a buffer of @p b, in which data, size, release, arg and gone are set,
 *  with one reference. Returns: the value that owns it. */
csp_value cspi_value_buffer_init(struct cspi_buffer *b, unsigned flags);

/** The value that refers to @p h: a buffer's own, or a HANDLE; borrowed. */
csp_value cspi_value_of_handle(csp_handle *h);

/** Leave out leading bytes of an integer that only repeat its sign. */
size_t cspi_value_int_size(const void *data, size_t size);

/** The integer of at most 8 bytes at @p data. */
int64_t cspi_value_int_load(const void *data, size_t size);

/* What a value or an item of a tree is, whatever its form: no container. */
struct cspi_atom {
    csp_kind kind;
    uint64_t bits[2]; /* BOOL, INT, FLOAT, COMPLEX; HANDLE, BUFFER: address */
    const char *data; /* STR, BYTES, BIGINT, BUFFER */
    size_t size;
};

void cspi_value_atom(const csp_value *v, struct cspi_atom *a);
bool cspi_value_atom_equal(const struct cspi_atom *a,
                           const struct cspi_atom *b);

/** The hash of what came before, and of @p a. */
uint64_t cspi_value_atom_hash(uint64_t hash, const struct cspi_atom *a);

/** The hash of what came before, and of @p x, or of @p size bytes. */
uint64_t cspi_value_mix(uint64_t hash, uint64_t x);
uint64_t cspi_value_mix_bytes(uint64_t hash, const char *data, size_t size);

/** Write @p a as text. */
void cspi_value_put_atom(struct cspi_text *t, const struct cspi_atom *a);

/* What value.c asks about TREEs; tree.c, above it, has the answers. */
struct cspi_value_trees {
    bool (*equal)(csp_value a, csp_value b);
    uint64_t (*hash)(csp_value v);
    void (*put)(struct cspi_text *t, csp_value v);
};
extern const struct cspi_value_trees cspi_value_trees;

#endif
