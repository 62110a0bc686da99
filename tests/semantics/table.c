// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* table.c: the lines of the table. */
#include <string.h>

#include "semantics.h"

int
table_split(char *text, const char *separator, char **parts, int max)
{
    int n = 0;

    while (text && n < max) {
        char *end = strstr(text, separator);
        if (end) {
            *end = 0;
            end += strlen(separator);
        }
        text += strspn(text, " ");
        if (*text)
            parts[n++] = text;
        text = end;
    }
    return n;
}

bool
table_next(FILE *table, struct row *r)
{
    while (fgets(r->text, sizeof r->text, table)) {
        r->line++;
        r->text[strcspn(r->text, "\n")] = 0;
        if (!strchr("#[", *r->text)) /* or empty */
            return table_split(r->text, "  ", r->column, COLUMNS) == COLUMNS;
    }
    *r->text = 0;
    return false;
}
