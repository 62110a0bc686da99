// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* text.c: text for people: see text.h.
 *
 * Invariants:
 *   X1  Nothing is written at or behind buffer + size; length counts on. */
#include "text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put(struct cspi_text *t, const char *p, size_t n)
{
    size_t room = t->length < t->size ? t->size - t->length : 0;

    if (room)
        memcpy(t->buffer + t->length, p, n < room ? n : room);
    t->length += n;
}

void
cspi_text_put(struct cspi_text *t, const char *text)
{
    put(t, text, strlen(text));
}

/* ---- text and bytes ---- */

/* How many bytes of UTF-8 begin with @p first; 0: none do. */
static size_t
utf8_size(unsigned char first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

/* The size of the character at @p p if it can be seen; otherwise 0. */
static size_t
visible_size(const unsigned char *p, size_t left)
{
    size_t n = utf8_size(*p);

    if (n == 1)
        return *p >= ' ' && *p < 0x7f;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    switch (*p) {
    case 0xc2:
    case 0xe0: /* below: control characters; longer than need be */
        return p[1] < 0xa0 ? 0 : n;
    case 0xed: /* above: surrogates */
        return p[1] >= 0xa0 ? 0 : n;
    case 0xf0: /* below: longer than need be */
        return p[1] < 0x90 ? 0 : n;
    case 0xf4: /* above: behind the last character */
        return p[1] >= 0x90 ? 0 : n;
    }
    return n;
}

static void
put_escaped(struct cspi_text *t, unsigned char c)
{
    char text[8];

    if (c == '\n')
        cspi_text_put(t, "\\n");
    else
        put(t, text, (size_t)snprintf(text, sizeof text, "\\x%02x", c));
}

/* Characters of more than @p longest bytes are escaped, too. */
static void
put_quoted(struct cspi_text *t, const char *quote, const char *data,
           size_t size, size_t longest)
{
    cspi_text_put(t, quote);
    for (size_t i = 0, n; i < size; i += n ? n : 1) {
        const unsigned char *p = (const unsigned char *)data + i;
        n = visible_size(p, size - i);
        if (n > longest)
            n = 0;
        if (*p == *quote || *p == '\\')
            cspi_text_put(t, "\\");
        if (n)
            put(t, data + i, n);
        else
            put_escaped(t, *p);
    }
    cspi_text_put(t, quote);
}

void
cspi_text_str(struct cspi_text *t, const char *data, size_t size)
{
    put_quoted(t, "'", data, size, 4);
}

void
cspi_text_name(struct cspi_text *t, const char *data, size_t size)
{
    put_quoted(t, "\"", data, size, 4);
}

void
cspi_text_bytes(struct cspi_text *t, const char *data, size_t size)
{
    cspi_text_put(t, "b");
    put_quoted(t, "'", data, size, 1);
}

/* ---- numbers ---- */

enum { FLOAT_ROOM = 48 };

/* With a point, whatever the locale has for one. */
static void
format_float(char text[FLOAT_ROOM], double d)
{
    const char *point = localeconv()->decimal_point;
    char *found;

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, FLOAT_ROOM, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    if (d != d) /* without a sign */
        snprintf(text, FLOAT_ROOM, "nan");
    if (*point && (found = strstr(text, point))) {
        char *behind = found + strlen(point);
        *found = '.';
        memmove(found + 1, behind, strlen(behind) + 1);
    }
}

void
cspi_text_float(struct cspi_text *t, double d)
{
    char text[FLOAT_ROOM];

    format_float(text, d);
    cspi_text_put(t, text);
    if (!strpbrk(text, ".en")) /* 1, but not 1.5, 1e+20, inf, nan */
        cspi_text_put(t, ".0");
}

void
cspi_text_complex(struct cspi_text *t, double real, double imag)
{
    char text[FLOAT_ROOM];

    format_float(text, real);
    cspi_text_put(t, "(");
    cspi_text_put(t, text);
    format_float(text, imag);
    if (*text != '-')
        cspi_text_put(t, "+");
    cspi_text_put(t, text);
    cspi_text_put(t, "j)");
}

/* Byte @p i of the absolute value, @p lowest being the lowest that is not 0:
 * negating inverts all bits above the lowest one that is set. */
static unsigned
magnitude(const unsigned char *p, size_t i, size_t lowest, bool negative)
{
    if (!negative || i < lowest)
        return p[i];
    return i == lowest ? 0x100u - p[i] : 0xffu - p[i];
}

void
cspi_text_bigint(struct cspi_text *t, const char *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    bool negative = p[size - 1] & 0x80;
    bool leading = true;
    char text[12];
    size_t lowest = 0;

    while (lowest < size - 1 && p[lowest] == 0)
        lowest++;
    cspi_text_put(t, negative ? "-0x" : "0x");
    for (size_t i = size; i-- > 0;) {
        unsigned byte = magnitude(p, i, lowest, negative);
        if (leading && byte == 0 && i > 0)
            continue;
        snprintf(text, sizeof text, leading ? "%x" : "%02x", byte);
        cspi_text_put(t, text);
        leading = false;
    }
}
