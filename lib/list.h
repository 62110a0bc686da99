// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* list.h: a circular doubly linked list; the links lie in the members. A link
 * that is in no list is linked to itself. One thread at a time. */
#ifndef CSPI_LIST_H
#define CSPI_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cspi_list {
    struct cspi_list *next, *prev;
};

/** Make @p l an empty list, or a link that is in none. */
static inline void
cspi_list_init(struct cspi_list *l)
{
    l->next = l->prev = l;
}

/** Whether @p l is an empty list, or a link that is in none. */
static inline bool
cspi_list_is_empty(const struct cspi_list *l)
{
    return l->next == l;
}

/** Put @p link, which is in none, at the end of @p list. */
static inline void
cspi_list_append(struct cspi_list *list, struct cspi_list *link)
{
    link->next = list;
    link->prev = list->prev;
    list->prev->next = link;
    list->prev = link;
}

/** Take @p link out of its list, if it is in one. */
static inline void
cspi_list_remove(struct cspi_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    cspi_list_init(link);
}

#endif
