// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <csp/tree.h>
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

Test(value, complex_numbers_keep_every_bit)
{
    double odd_nan, imag = 1;
    uint64_t pattern = UINT64_C(0xfff8dead0000beef);

    memcpy(&odd_nan, &pattern, sizeof odd_nan);
    const double parts[] = {0.0, -0.0, 1.5, INFINITY, odd_nan};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            csp_value v;
            cr_assert(eq(int, csp_value_complex(parts[i], parts[k], &v), 0));
            cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_COMPLEX));
            double real = csp_value_as_complex(v, &imag);
            cr_assert(same_bits(real, parts[i]));
            cr_assert(same_bits(imag, parts[k]));
            csp_value_unref(&v);
        }
    cr_assert(same_bits(csp_value_as_complex(csp_value_float(1), &imag), 0));
    cr_assert(same_bits(imag, 0.0));
}

/* ---- buffers ---- */

static unsigned given_back;
static char lent[64] = "what somebody lends to others";

static void
give_back(void *arg)
{
    cr_assert(eq(ptr, arg, lent));
    given_back++;
}

static csp_value
lend(size_t size, unsigned flags)
{
    csp_value v;

    cr_assert(
        eq(int, csp_value_buffer(lent, size, flags, give_back, lent, &v), 0));
    return v;
}

Test(value, a_buffer_is_the_memory_itself)
{
    size_t size = 1;
    csp_value v = lend(sizeof lent, 0), w;

    cr_assert(eq(int, (int)csp_value_kind(v), CSP_KIND_BUFFER));
    cr_assert(eq(ptr, (void *)csp_value_data(&v, &size), lent));
    cr_assert(eq(sz, size, sizeof lent));
    cr_assert(eq(ptr, csp_value_writable(v, &size), NULL));
    cr_assert(eq(sz, size, 0));
    cr_assert(eq(ptr, csp_value_as_handle(v), NULL));
    w = csp_value_ref(v);
    csp_value_unref(&v);
    cr_assert(eq(uint, given_back, 0));
    csp_value_unref(&w);
    cr_assert(eq(uint, given_back, 1));
}

Test(value, what_is_lent_can_be_taken_back_by_the_last_who_has_it)
{
    csp_value v = lend(sizeof lent, CSP_VALUE_AS_BYTES), w, small;
    size_t size = 1;

    cr_assert(csp_value_is_unique(v));
    w = csp_value_ref(v);
    cr_assert(not(csp_value_is_unique(v)));
    cr_assert(eq(ptr, csp_value_reclaim(v, give_back), NULL));
    csp_value_unref(&w);
    cr_assert(eq(ptr, csp_value_reclaim(v, free), NULL));
    cr_assert(eq(ptr, csp_value_reclaim(v, give_back), lent));
    cr_assert(eq(ptr, csp_value_reclaim(v, give_back), NULL));
    csp_value_data(&v, &size);
    cr_assert(eq(sz, size, 0));
    csp_value_unref(&v);
    cr_assert(eq(uint, given_back, 0));

    small = csp_value_int(1);
    cr_assert(not(csp_value_is_unique(small)));
    cr_assert(eq(ptr, csp_value_reclaim(small, give_back), NULL));
    cr_assert(eq(ptr, csp_value_as_item(small), NULL));
}

Test(value, a_buffer_is_writable_only_if_it_was_lent_so)
{
    size_t size;
    csp_value v = lend(9, CSP_VALUE_WRITABLE), none = csp_value_none();

    cr_assert(eq(ptr, csp_value_writable(v, &size), lent));
    cr_assert(eq(sz, size, 9));
    ((char *)csp_value_writable(v, &size))[0] = 'W';
    cr_assert(eq(chr, csp_value_data(&v, &size)[0], 'W'));
    csp_value_unref(&v);
    cr_assert(eq(ptr, csp_value_writable(none, &size), NULL));
}

Test(value, lent_text_and_bytes_are_text_and_bytes)
{
    static const unsigned flags[] = {CSP_VALUE_AS_STR, CSP_VALUE_AS_BYTES};
    static const int kinds[] = {CSP_KIND_STR, CSP_KIND_BYTES};
    size_t size;

    for (int i = 0; i < 2; i++)
        for (size_t n = 0; n <= sizeof lent; n++) { /* short ones, too */
            csp_value v = lend(n, flags[i]);
            given_back = 0;
            cr_assert(eq(int, (int)csp_value_kind(v), kinds[i]));
            cr_assert(eq(ptr, (void *)csp_value_data(&v, &size), lent));
            cr_assert(eq(sz, size, n));
            cr_assert(eq(ptr, csp_value_writable(v, &size), NULL));
            csp_value_unref(&v);
            cr_assert(eq(uint, given_back, 1));
        }
}

Test(value, a_buffer_that_cannot_be_takes_nothing)
{
    static const unsigned bad[] = {8, 1u << 31, 3, 5, 6, 7};
    csp_value v;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(eq(int,
                     csp_value_buffer(lent, 1, bad[i], give_back, lent, &v),
                     CSP_EINVAL));
    cr_assert(
        eq(int, csp_value_buffer(NULL, 1, 0, give_back, lent, &v), CSP_EINVAL));
    cr_assert(eq(uint, given_back, 0));
}

Test(value, an_empty_buffer_needs_neither_memory_nor_release)
{
    size_t size = 1;
    csp_value v;

    cr_assert(eq(int, csp_value_buffer(NULL, 0, 0, NULL, NULL, &v), 0));
    cr_assert(ne(ptr, (void *)csp_value_data(&v, &size), NULL));
    cr_assert(eq(sz, size, 0));
    csp_value_unref(&v);
}

/* ---- comparing and hashing ---- */

static csp_value
str(const char *text)
{
    csp_value v;

    cr_assert(eq(int, csp_value_str(text, strlen(text), &v), 0));
    return v;
}

static csp_value
bytes(const char *text)
{
    csp_value v;

    cr_assert(eq(int, csp_value_bytes(text, strlen(text), &v), 0));
    return v;
}

static csp_value
big(const char *data, size_t size)
{
    csp_value v;

    cr_assert(eq(int, csp_value_bigint(data, size, &v), 0));
    return v;
}

static csp_value
complex_of(double real, double imag)
{
    csp_value v;

    cr_assert(eq(int, csp_value_complex(real, imag, &v), 0));
    return v;
}

static csp_value
nan_of(uint64_t payload)
{
    double d;

    payload |= UINT64_C(0x7ff8000000000000);
    memcpy(&d, &payload, sizeof d);
    return csp_value_float(d);
}

static csp_value
tuple(void)
{
    static const char code[] = {CSP_TREE_TUPLE, 1, CSP_TREE_INT8, 1};
    csp_value v;

    cr_assert(eq(int, csp_tree_new(code, sizeof code, NULL, 0, &v), 0));
    return v;
}

enum { DIFFERENT = 35 };

/* Values of which no two are equal. */
static void
make_different(csp_value v[DIFFERENT])
{
    int n = 0;

    v[n++] = csp_value_none();
    v[n++] = csp_value_bool(false);
    v[n++] = csp_value_bool(true);
    v[n++] = csp_value_int(0);
    v[n++] = csp_value_int(1);
    v[n++] = csp_value_int(-1);
    v[n++] = csp_value_float(0.0);
    v[n++] = csp_value_float(-0.0);
    v[n++] = csp_value_float(1);
    v[n++] = nan_of(0);
    v[n++] = nan_of(1);
    v[n++] = complex_of(0, 0);
    v[n++] = complex_of(-0.0, 0);
    v[n++] = complex_of(1, 0);
    v[n++] = complex_of(0, 1);
    v[n++] = str("");
    v[n++] = bytes("");
    v[n++] = str("1");
    v[n++] = bytes("1");
    v[n++] = str("12345678");
    v[n++] = bytes("12345678");
    v[n++] = str("123456789");
    v[n++] = bytes("123456789");
    v[n++] = str("1234567890");
    v[n++] = str("123456789\1");
    v[n++] = big("123456789", 9);
    v[n++] = big("1234567890", 10);
    v[n++] = big("\0\0\0\0\0\0\0\0\1", 9);
    v[n++] = big("\0\0\0\0\0\0\0\0\xff", 9);
    v[n++] = tuple();
    v[n++] = lend(9, 0);
    v[n++] = lend(9, CSP_VALUE_WRITABLE);
    v[n++] = lend(9, CSP_VALUE_AS_STR);
    v[n++] = lend(9, CSP_VALUE_AS_BYTES);
    v[n++] = csp_value_int(INT64_MIN);
    cr_assert(eq(int, n, DIFFERENT));
}

static bool
has_identity(csp_value v)
{
    return csp_value_kind(v) == CSP_KIND_BUFFER;
}

Test(value, values_are_equal_if_type_and_content_are)
{
    csp_value a[DIFFERENT], b[DIFFERENT];

    make_different(a);
    make_different(b);
    for (int i = 0; i < DIFFERENT; i++)
        for (int k = 0; k < DIFFERENT; k++) {
            bool equal = i == k && !has_identity(a[i]);
            cr_assert(eq(int, csp_value_equal(a[i], b[k]), equal), "%d and %d",
                      i, k);
            cr_assert(eq(int, csp_value_equal(a[i], a[k]), i == k));
            if (equal)
                cr_assert(eq(u64, csp_value_hash(a[i]), csp_value_hash(b[k])));
            if (i != k) /* not promised, but so few should not collide */
                cr_assert(ne(u64, csp_value_hash(a[i]), csp_value_hash(b[k])),
                          "%d and %d", i, k);
        }
    for (int i = 0; i < DIFFERENT; i++) {
        csp_value_unref(&a[i]);
        csp_value_unref(&b[i]);
    }
}

Test(value, lent_text_equals_its_copy)
{
    char copy[sizeof lent];

    for (size_t n = 0; n < 20; n++) {
        csp_value a = lend(n, CSP_VALUE_AS_STR),
                  b = lend(n, CSP_VALUE_AS_BYTES), v;
        memcpy(copy, lent, n);
        copy[n] = '\0';
        v = str(copy);
        cr_assert(csp_value_equal(a, v) && csp_value_equal(v, a));
        cr_assert(not(csp_value_equal(b, v)));
        cr_assert(eq(u64, csp_value_hash(a), csp_value_hash(v)));
        csp_value_unref(&v);
        v = bytes(copy);
        cr_assert(csp_value_equal(b, v) && !csp_value_equal(a, v));
        cr_assert(eq(u64, csp_value_hash(b), csp_value_hash(v)));
        csp_value_unref(&v);
        csp_value_unref(&a);
        csp_value_unref(&b);
    }
}

Test(value, handles_are_equal_if_they_are_one)
{
    struct unit_object o[2] = {{.released = 0}};

    UNIT_OBJECT_INIT(&o[0]);
    UNIT_OBJECT_INIT(&o[1]);
    csp_value a = csp_value_handle(&o[0].handle);
    csp_value b = csp_value_handle(&o[1].handle);
    csp_value again = csp_value_ref(a);
    cr_assert(csp_value_equal(a, again) && !csp_value_equal(a, b));
    cr_assert(eq(u64, csp_value_hash(a), csp_value_hash(again)));
    csp_value_unref(&a);
    csp_value_unref(&b);
    csp_value_unref(&again);
}

/* ---- printing ---- */

/* Takes over @p v. */
static void
check_print(csp_value v, const char *expected)
{
    char text[400];

    cr_assert(eq(sz, csp_value_print(v, text, sizeof text), strlen(expected)));
    cr_assert(eq(str, text, (char *)(uintptr_t)expected));
    csp_value_unref(&v);
}

Test(value, simple_values_print_as_python_has_them)
{
    check_print(csp_value_none(), "None");
    check_print(csp_value_bool(true), "True");
    check_print(csp_value_bool(false), "False");
    check_print(csp_value_int(0), "0");
    check_print(csp_value_int(INT64_MAX), "9223372036854775807");
    check_print(csp_value_int(INT64_MIN), "-9223372036854775808");
    check_print(csp_value_float(2.5), "2.5");
    check_print(csp_value_float(2), "2.0");
    check_print(csp_value_float(-0.0), "-0.0");
    check_print(csp_value_float(0.1), "0.1");
    check_print(csp_value_float(0.1 + 0.2), "0.30000000000000004");
    check_print(csp_value_float(1e300), "1e+300");
    check_print(csp_value_float(5e-324), "4.94065645841247e-324");
    check_print(csp_value_float(INFINITY), "inf");
    check_print(csp_value_float(-INFINITY), "-inf");
    check_print(nan_of(7), "nan");
    check_print(csp_value_float(-NAN), "nan");
    check_print(complex_of(1, -2.5), "(1-2.5j)");
    check_print(complex_of(-0.0, 0), "(-0+0j)");
    check_print(complex_of(NAN, INFINITY), "(nan+infj)");
}

Test(value, big_integers_print_in_hexadecimal)
{
    static const struct {
        const char *data, *text;
        size_t size;
    } rows[] = {
        {"\0\0\0\0\0\0\0\x80\0", "0x8000000000000000", 9},
        {"\0\0\0\0\0\0\0\x80\xff", NULL, 9}, /* INT64_MIN */
        {"\xff\xff\xff\xff\xff\xff\xff\x7f\xff", "-0x8000000000000001", 9},
        {"\0\0\0\0\0\0\0\0\xff", "-0x10000000000000000", 9},
        {"\0\0\0\0\0\0\0\0\x0f", "0xf0000000000000000", 9},
        {"\1\0\0\0\0\0\0\0\xf0", "-0xfffffffffffffffff", 9},
        {"\x10\x32\x54\x76\x98\xba\xdc\xfe\x01", "0x1fedcba9876543210", 9},
        {"\0\0\0\0\0\0\0\0\0\x80", "-0x80000000000000000000", 10},
        {"\0\0\0\0\0\0\0\0\0\x80\0", "0x80000000000000000000", 11},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].text)
            check_print(big(rows[i].data, rows[i].size), rows[i].text);
}

Test(value, text_and_bytes_print_in_quotes)
{
    check_print(str(""), "''");
    check_print(bytes(""), "b''");
    check_print(str("it's a \\ \n\t\x7f"), "'it\\'s a \\\\ \\n\\x09\\x7f'");
    check_print(bytes("it's\x80\xff\n"), "b'it\\'s\\x80\\xff\\n'");
    check_print(str("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82"),
                "'\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82'");
    check_print(bytes("\xc3\xa9"), "b'\\xc3\\xa9'");
    check_print(lend(4, CSP_VALUE_AS_STR), "'what'");
    check_print(lend(4, CSP_VALUE_AS_BYTES), "b'what'");
}

Test(value, what_is_no_character_is_escaped)
{
    static const char *const odd[][2] = {
        {"\xed\xa0\x80", "'\\xed\\xa0\\x80'"}, /* a surrogate */
        {"\xc2\x85", "'\\xc2\\x85'"},          /* a control character */
        {"\xc0\xaf", "'\\xc0\\xaf'"},          /* too long a form */
        {"\xe0\x9f\xbf", "'\\xe0\\x9f\\xbf'"}, /* the same */
        {"\xf0\x8f\xbf\xbf", "'\\xf0\\x8f\\xbf\\xbf'"}, /* the same */
        {"\xf4\x90\x80\x80", "'\\xf4\\x90\\x80\\x80'"}, /* behind the last */
        {"\xf5\x80\x80\x80", "'\\xf5\\x80\\x80\\x80'"}, /* the same */
        {"\xe2\x82", "'\\xe2\\x82'"},                   /* cut */
        {"\xe2\x82\x41", "'\\xe2\\x82A'"},
        {"\x80", "'\\x80'"},
        {"\xff", "'\\xff'"},
        {"\xf4\x8f\xbf\xbd", "'\xf4\x8f\xbf\xbd'"}, /* this one is */
        {"\xed\x9f\xbf", "'\xed\x9f\xbf'"},
    };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        check_print(str(odd[i][0]), odd[i][1]);
}

Test(value, what_is_shared_prints_what_it_is)
{
    check_print(lend(12, 0), "<buffer of 12 bytes>");
    check_print(lend(0, CSP_VALUE_WRITABLE), "<writable buffer of 0 bytes>");
}

/* Handles whose description is their text. */
struct described {
    csp_handle handle;
    const char *text;
};

static int
describe(const csp_handle *h, char *buffer, size_t size)
{
    const char *text = ((const struct described *)h)->text;

    return text ? snprintf(buffer, size, "%s", text) : -1;
}

static void
not_released(csp_handle *h)
{
    (void)h;
}

static const csp_handle_type described_type = {.size = sizeof described_type,
                                               .name = "thing",
                                               .release = not_released,
                                               .describe = describe};

static csp_value
described(struct described *d, const char *text)
{
    d->text = text;
    csp_handle_init(&d->handle, &described_type);
    return csp_value_handle(&d->handle);
}

Test(value, a_handle_prints_its_type_and_what_it_says)
{
    csp_handle_type old = {.size = offsetof(csp_handle_type, describe),
                           .name = "old thing",
                           .release = not_released,
                           .describe = describe};
    char longest[500], expected[400];
    struct unit_object o = {.released = 0};
    struct described d;

    UNIT_OBJECT_INIT(&o);
    check_print(csp_value_handle(&o.handle), "<object of a test>");
    check_print(described(&d, "chan-3"), "<thing \"chan-3\">");
    check_print(described(&d, "it's \"it\""), "<thing \"it's \\\"it\\\"\">");
    check_print(described(&d, ""), "<thing>");
    check_print(described(&d, NULL), "<thing>");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    snprintf(expected, sizeof expected, "<thing \"%.159s\"...>", longest);
    check_print(described(&d, longest), expected);
    csp_handle_init(&d.handle, &old); /* of a time before describe */
    check_print(csp_value_handle(&d.handle), "<old thing>");
}

Test(value, text_that_does_not_fit_is_cut)
{
    static const char whole[] = "'123456789 it\\'s'";
    csp_value v = str("123456789 it's");
    char text[40];

    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, '#', sizeof text);
        cr_assert(eq(sz, csp_value_print(v, text, size), sizeof whole - 1));
        size_t n = size < sizeof whole ? size : sizeof whole;
        if (n)
            cr_assert(eq(int, memcmp(text, whole, n - 1), 0));
        if (n)
            cr_assert(eq(chr, text[n - 1], '\0'));
        for (size_t i = n; i < sizeof text; i++)
            cr_assert(eq(chr, text[i], '#'));
    }
    cr_assert(eq(sz, csp_value_print(v, NULL, 0), sizeof whole - 1));
    csp_value_unref(&v);
}

static int
make_long_values(void)
{
    static const char data[] = "a longer text than fits";
    csp_value v[5];
    int rc, n = 0;

    if ((rc = csp_value_str(data, sizeof data, &v[n])) == 0 && ++n &&
        (rc = csp_value_bytes(data, sizeof data, &v[n])) == 0 && ++n &&
        (rc = csp_value_bigint(data, sizeof data, &v[n])) == 0 && ++n &&
        (rc = csp_value_complex(1, 2, &v[n])) == 0 && ++n &&
        (rc = csp_value_buffer(data, 5, 0, NULL, NULL, &v[n])) == 0)
        n++;
    while (n)
        csp_value_unref(&v[--n]);
    return rc;
}

Test(value, each_allocation_may_fail)
{
    cr_assert(eq(u64, unit_fail_each_allocation(make_long_values), 5));
}
