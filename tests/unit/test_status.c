// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <stdio.h>

#include <csp/version.h>

#include "unit.h"

SUITE(status);

static const struct {
    const char *name;
    int code;
    const char *text;
} table[] = {
#define ROW(name, code, text) {#name, name, text},
    CSP_STATUS_TABLE(ROW)
#undef ROW
};

enum { ROWS = sizeof table / sizeof *table };

Test(status, every_code_has_its_name_and_its_text)
{
    for (int i = 0; i < ROWS; i++) {
        cr_assert_str_eq(csp_status_name(table[i].code), table[i].name);
        cr_assert_str_eq(csp_status_text(table[i].code), table[i].text);
        cr_assert_str_neq(csp_status_text(table[i].code), "");
    }
}

Test(status, no_two_codes_share_number_name_or_text)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < i; j++) {
            cr_assert(ne(int, table[i].code, table[j].code));
            cr_assert_str_neq(table[i].name, table[j].name);
            cr_assert_str_neq(table[i].text, table[j].text);
        }
}

Test(status, only_success_is_not_negative)
{
    for (int i = 0; i < ROWS; i++)
        cr_assert(eq(int, table[i].code >= 0, table[i].code == CSP_OK));
}

Test(status, an_unknown_code_is_said_to_be_unknown)
{
    static const int unknown[] = {1, 1000, -1000, INT32_MIN};

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        cr_assert_str_eq(csp_status_name(unknown[i]), "unknown status");
        cr_assert_str_eq(csp_status_text(unknown[i]), "unknown status");
    }
}

Test(status, the_version_as_text_says_the_numbers)
{
    char text[64];

    snprintf(text, sizeof text, "%d.%d.%d", CSP_VERSION_MAJOR,
             CSP_VERSION_MINOR, CSP_VERSION_PATCH);
    cr_assert_str_eq(csp_version_text(), text);
}
