// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* value_priv.h: what the inside of the library knows of values. */
#ifndef CSPI_VALUE_PRIV_H
#define CSPI_VALUE_PRIV_H

#include <csp/value.h>

/* A counted block of bytes: long text, long bytes, big integers; a tree has
 * its handles behind the bytes. */
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

#endif
