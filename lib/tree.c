// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* tree.c: a nested value in one counted cell: its code, then its handles. */
#include <string.h>

#include <csp/status.h>
#include <csp/tree.h>

#include "value_priv.h"

int
csp_tree_new(const void *code, size_t size, csp_handle *const *handles,
             size_t n_handles, csp_value *out)
{
    if (size == 0)
        return CSP_EINVAL;
    struct cspi_cell *cell = cspi_value_cell_new(size, n_handles);
    if (!cell)
        return CSP_ENOMEM;
    memcpy(cell->data, code, size);
    if (n_handles)
        memcpy(cspi_value_cell_handles(cell), handles,
               n_handles * sizeof *handles);
    *out = (csp_value){(uint64_t)(uintptr_t)cell, CSP_TAG_TREE_, 0};
    return 0;
}

csp_handle *
csp_tree_handle(csp_value v, size_t index)
{
    if (v.tag_ != CSP_TAG_TREE_ || index >= cspi_value_cell(v)->n_handles)
        return NULL;
    return cspi_value_cell_handles(cspi_value_cell(v))[index];
}
