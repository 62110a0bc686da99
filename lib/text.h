// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* text.h: text for people, piece by piece into a buffer that may be too small:
 * what there is room for is written, all of it is counted. */
#ifndef CSPI_TEXT_H
#define CSPI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* One thread at a time writes. */
struct cspi_text {
    char *buffer;
    size_t size, length;
};

/** Write @p text as it is. */
void cspi_text_put(struct cspi_text *t, const char *text);

/** Write 'data'. What is no character to be seen (control characters, bytes
 *  that are no UTF-8) is escaped. */
void cspi_text_str(struct cspi_text *t, const char *data, size_t size);

/** Write "data", as above. */
void cspi_text_name(struct cspi_text *t, const char *data, size_t size);

/** Write b'data'. All but printable ASCII is escaped. */
void cspi_text_bytes(struct cspi_text *t, const char *data, size_t size);

/** Write @p d in the shortest form that reads back the same. */
void cspi_text_float(struct cspi_text *t, double d);

/** Write the complex number (real+imagj). */
void cspi_text_complex(struct cspi_text *t, double real, double imag);

/** Write an integer of @p size bytes (at least 1), two's complement, in
 *  hexadecimal: decimal digits of n bytes would take n * n steps. */
void cspi_text_bigint(struct cspi_text *t, const char *data, size_t size);

#endif
