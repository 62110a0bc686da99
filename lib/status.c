// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* status.c: texts and names of the codes, from the table in status.h. */
#include <csp/status.h>

#define UNKNOWN "unknown status"

const char *
csp_status_text(int status)
{
#define CASE(name, code, text)                                                 \
    case code:                                                                 \
        return text;
    switch (status) {
        CSP_STATUS_TABLE(CASE)
    }
#undef CASE
    return UNKNOWN;
}

const char *
csp_status_name(int status)
{
#define CASE(name, code, text)                                                 \
    case code:                                                                 \
        return #name;
    switch (status) {
        CSP_STATUS_TABLE(CASE)
    }
#undef CASE
    return UNKNOWN;
}
