// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <math.h>

#include <csp/value.h>

#include "unit.h"

SUITE(value);

static int
same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

Test(value, none_bool_and_integers_come_out_as_they_went_in)
{
    static const int64_t ints[] = {0, 1, -1, 255, INT64_MAX, INT64_MIN};

    cr_assert(eq(int, (int)csp_value_kind(csp_value_none()), CSP_KIND_NONE));
    for (int b = 0; b < 2; b++) {
        csp_value v = csp_value_bool(b);
        cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_BOOL));
        cr_assert(eq(int, csp_value_as_bool(v), b));
    }
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        csp_value v = csp_value_int(ints[i]);
        cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_INT));
        cr_assert(eq(i64, csp_value_as_int(v), ints[i]));
    }
}

Test(value, floats_keep_every_bit)
{
    double odd_nan;
    uint64_t pattern = UINT64_C(0x7ff8dead0000beef);

    memcpy(&odd_nan, &pattern, sizeof odd_nan);
    const double floats[] = {0.0,   -0.0,     1.5,       5e-324,
                             1e308, INFINITY, -INFINITY, odd_nan};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        csp_value v = csp_value_float(floats[i]);
        cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_FLOAT));
        cr_assert(same_bits(csp_value_as_float(v), floats[i]));
    }
}

Test(value, a_reader_of_another_kind_gets_zero)
{
    struct unit_object o = {.released = 0};
    csp_value others[4];
    size_t size = 1;

    UNIT_OBJECT_INIT(&o);
    others[0] = csp_value_none();
    others[1] = csp_value_handle(&o.handle);
    cr_assert(eq(int, csp_value_str("1", 1, &others[2]), 0));
    cr_assert(eq(int, csp_value_bytes("123456789", 9, &others[3]), 0));
    for (int i = 0; i < 4; i++) {
        cr_assert(not(csp_value_as_bool(others[i])));
        cr_assert(eq(i64, csp_value_as_int(others[i]), 0));
        cr_assert(same_bits(csp_value_as_float(others[i]), 0.0));
        if (i != 1)
            cr_assert(eq(ptr, csp_value_as_handle(others[i]), NULL));
    }
    cr_assert(not(csp_value_as_bool(csp_value_int(1))));
    cr_assert(eq(i64, csp_value_as_int(csp_value_bool(true)), 0));
    cr_assert(eq(i64, csp_value_as_int(csp_value_float(1)), 0));
    cr_assert(eq(ptr, (void *)csp_value_data(&others[1], &size), NULL));
    cr_assert(eq(sz, size, 0));
    for (int i = 0; i < 4; i++)
        csp_value_unref(&others[i]);
}

/* Text and bytes of every length around the limit, zero bytes included. */
static void
check_bytes(int (*make)(const void *, size_t, csp_value *), csp_kind kind)
{
    char data[300], *copy;
    size_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 64, 300};

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 37 % 251);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        csp_registry_counters before = unit_live();
        size_t size = 999;
        csp_value v;

        copy = malloc(sizes[i] + 1); /* exactly, for sanitizers */
        memcpy(copy, data, sizes[i]);
        cr_assert(eq(int, make(copy, sizes[i], &v), 0));
        free(copy);
        cr_assert(eq(int, (int)csp_value_kind(v), (int)kind));
        const char *got = csp_value_data(&v, &size);
        cr_assert(eq(sz, size, sizes[i]));
        cr_assert(eq(int, memcmp(got, data, size), 0));
        cr_assert(eq(u64, unit_live().blocks, before.blocks + (sizes[i] > 8)));
        csp_value_unref(&v);
        unit_assert_live(before);
    }
}

static int
make_str(const void *data, size_t size, csp_value *out)
{
    return csp_value_str(data, size, out);
}

Test(value, text_of_any_length_is_kept)
{
    check_bytes(make_str, CSP_KIND_STR);
}

Test(value, bytes_of_any_length_are_kept)
{
    check_bytes(csp_value_bytes, CSP_KIND_BYTES);
}

Test(value, equal_short_values_have_one_form)
{
    csp_value a, b;

    for (size_t n = 0; n <= 8; n++) {
        memset(&a, 0xff, sizeof a);
        memset(&b, 0, sizeof b);
        cr_assert(eq(int, csp_value_str("abcdefgh", n, &a), 0));
        cr_assert(eq(int, csp_value_str("abcdefgh", n, &b), 0));
        cr_assert(eq(int, memcmp(&a, &b, sizeof a), 0));
    }
}

Test(value, empty_text_and_bytes_need_no_data)
{
    csp_value v;
    size_t size = 1;

    cr_assert(eq(int, csp_value_str(NULL, 0, &v), 0));
    cr_assert(ne(ptr, (void *)csp_value_data(&v, &size), NULL));
    cr_assert(eq(sz, size, 0));
    cr_assert(eq(int, csp_value_bytes(NULL, 0, &v), 0));
}

/* Two's complement of @p i in @p size bytes. */
static void
spread(int64_t i, unsigned char *out, size_t size)
{
    for (size_t k = 0; k < size; k++)
        out[k] =
            k < 8 ? (unsigned char)((uint64_t)i >> 8 * k) : (i < 0 ? 0xff : 0);
}

Test(value, an_integer_that_fits_64_bits_is_an_int_whatever_its_length)
{
    static const int64_t ints[] = {
        0,     1,      -1,    127,           128,       -128,     -129,
        32767, -32768, 65535, 1234567890123, INT64_MAX, INT64_MIN};
    unsigned char data[40];

    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        for (size_t size = 8; size <= sizeof data; size++) {
            csp_value v;
            spread(ints[i], data, size);
            cr_assert(eq(int, csp_value_bigint(data, size, &v), 0));
            cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_INT));
            cr_assert(eq(i64, csp_value_as_int(v), ints[i]));
        }
}

Test(value, a_short_integer_keeps_its_sign)
{
    csp_value v;

    for (int i = -128; i < 128; i++) {
        unsigned char byte = (unsigned char)i;
        cr_assert(eq(int, csp_value_bigint(&byte, 1, &v), 0));
        cr_assert(eq(i64, csp_value_as_int(v), i));
    }
}

Test(value, a_bigger_integer_is_trimmed_to_its_shortest_form)
{
    /* 2**63, -2**63 - 1, 2**64, 2**71 - 1: 9 bytes each; 2**71: 10 bytes. */
    static const struct {
        size_t size;
        unsigned char bytes[10];
    } big[] = {
        {9, {0, 0, 0, 0, 0, 0, 0, 0x80, 0}},
        {9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff}},
        {9, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
        {9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
        {10, {0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0}},
    };

    for (size_t i = 0; i < sizeof big / sizeof *big; i++)
        for (size_t pad = 0; pad <= 3; pad++) {
            unsigned char data[16];
            size_t size, n = big[i].size;
            csp_value v;

            memcpy(data, big[i].bytes, n);
            memset(data + n, data[n - 1] & 0x80 ? 0xff : 0, pad);
            cr_assert(eq(int, csp_value_bigint(data, n + pad, &v), 0));
            cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_BIGINT));
            const char *got = csp_value_data(&v, &size);
            cr_assert(eq(sz, size, n));
            cr_assert(eq(int, memcmp(got, big[i].bytes, n), 0));
            csp_value_unref(&v);
        }
}

Test(value, an_integer_without_bytes_is_invalid)
{
    csp_value v;

    cr_assert(eq(int, csp_value_bigint("", 0, &v), CSP_EINVAL));
}

Test(value, a_size_beyond_all_memory_is_out_of_memory)
{
    csp_value v;

    cr_assert(eq(int, csp_value_bytes("", SIZE_MAX, &v), CSP_ENOMEM));
    cr_assert(eq(int, csp_value_str("", SIZE_MAX - 7, &v), CSP_ENOMEM));
}

Test(value, references_are_counted)
{
    csp_registry_counters before = unit_live();
    csp_value v, w;

    cr_assert(eq(int, csp_value_str("long enough", 11, &v), 0));
    w = csp_value_ref(v);
    cr_assert(eq(int, memcmp(&v, &w, sizeof v), 0));
    csp_value_unref(&v);
    cr_assert(eq(u64, unit_live().blocks, before.blocks + 1));
    csp_value_unref(&w);
    unit_assert_live(before);
}

Test(value, unref_leaves_none_and_is_harmless_from_then_on)
{
    csp_value values[] = {csp_value_none(), csp_value_int(3),
                          csp_value_bool(true), csp_value_float(1.5),
                          csp_value_none()};

    cr_assert(eq(int, csp_value_bytes("long enough", 11, &values[4]), 0));
    for (int i = 0; i < 5; i++)
        for (int again = 0; again < 2; again++) {
            csp_value_unref(&values[i]);
            cr_assert(eq(int, (int)csp_value_kind(values[i]), CSP_KIND_NONE));
        }
}

Test(value, a_handle_value_owns_one_reference)
{
    struct unit_object o = {.released = 0};

    UNIT_OBJECT_INIT(&o);
    csp_value v = csp_value_handle(&o.handle), w;
    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_HANDLE));
    cr_assert(eq(ptr, csp_value_as_handle(v), &o.handle));
    w = csp_value_ref(v);
    csp_value_unref(&v);
    cr_assert(eq(uint, o.released, 0));
    csp_value_unref(&w);
    cr_assert(eq(uint, o.released, 1));
}

static int
make_long_values(void)
{
    static const char data[] = "a longer text than fits";
    csp_value v[3];
    int rc;

    if ((rc = csp_value_str(data, sizeof data, &v[0])) < 0)
        return rc;
    if ((rc = csp_value_bytes(data, sizeof data, &v[1])) < 0)
        goto err0;
    if ((rc = csp_value_bigint(data, sizeof data, &v[2])) < 0)
        goto err1;
    csp_value_unref(&v[2]);
err1:
    csp_value_unref(&v[1]);
err0:
    csp_value_unref(&v[0]);
    return rc;
}

Test(value, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_long_values), 3));
}
