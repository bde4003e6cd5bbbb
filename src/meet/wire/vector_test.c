/* Lengths of vectors (RFC 9420 2.1.2) and lists of numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "meet/wire/numbers.h"
#include "meet/wire/vector.h"

/* Reads a vector from a header of n bytes and as much after it as there could be. */
static bool reads(const char *header, size_t n, size_t *len)
{
    enum { MOST = 70000 };
    uint8_t *bytes = calloc(1, MOST);
    struct reader r = { .rest = { bytes, MOST } };

    assert_non_null(bytes);
    memcpy(bytes, header, n);
    *len = vector_read(&r).len;
    assert_true(r.failed || r.rest.len == MOST - n - *len);
    free(bytes);
    return !r.failed;
}

static void test_lengths_read(void **state)
{
    static const struct {
        const char *header;
        size_t n, len;
    } well[] = {
        { "\x00", 1, 0 },       { "\x25", 1, 37 },              { "\x3f", 1, 63 },
        { "\x40\x40", 2, 64 },  { "\x7b\xbd", 2, 15293 },       { "\x7f\xff", 2, 16383 },
        { "\x80\x00\x40\x00", 4, 16384 }, { "\x80\x01\x00\x00", 4, 65536 },
    };
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(well); i++) {
        assert_true(reads(well[i].header, well[i].n, &len));
        assert_int_equal(len, well[i].len);
    }
}

/* 2.1.2: more bits than necessary are malformed, and so is the prefix 11. */
static void test_lengths_refused(void **state)
{
    static const struct {
        const char *header;
        size_t n;
    } ill[] = {
        { "\x40\x00", 2 },         { "\x40\x25", 2 },         { "\x40\x3f", 2 },
        { "\x80\x00\x00\x00", 4 }, { "\x80\x00\x00\x40", 4 }, { "\x80\x00\x3f\xff", 4 },
        { "\xc0", 1 },             { "\xff\xff\xff\xff", 4 }, { "\xc0\x00\x00\x00", 4 },
        { "\xbf\xff\xff\xff", 4 }, { "\x9d\x7f\x3e\x7d", 4 }, /* longer than what is there */
    };
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ill); i++)
        if (reads(ill[i].header, ill[i].n, &len))
            fail_msg("number %zu", i);
}

static void test_truncated(void **state)
{
    static const uint8_t bytes[] = { 0x80, 0, 0x40, 0, 1 };

    (void)state;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct reader r = { .rest = { bytes, n } };

        assert_int_equal(vector_read(&r).len, 0);
        assert_true(r.failed);
    }
}

static void test_written(void **state)
{
    static const struct {
        size_t len, header;
    } lens[] = { { 0, 1 },     { 1, 1 },     { 63, 1 },    { 64, 2 },
                 { 16383, 2 }, { 16384, 4 }, { 70000, 4 } };
    static uint8_t zeros[70000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        CLEANUP(buf_deinit) struct buf one = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20);
        struct reader r;
        size_t at;

        vector_write(&one, span_of(zeros, lens[i].len));
        buf_u8(&other, 7);
        at = vector_open(&other);
        buf_add(&other, span_of(zeros, lens[i].len));
        vector_close(&other, at);
        assert_int_equal(one.len, lens[i].header + lens[i].len);
        assert_int_equal(vector_header(lens[i].len), lens[i].header);
        assert_true(span_eq(buf_span(&one), span_cut(buf_span(&other), 1, other.len)));
        r = (struct reader){ .rest = buf_span(&one) };
        assert_int_equal(vector_read(&r).len, lens[i].len);
        assert_true(read_done(&r));
    }
}

static void test_too_long_to_write(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(SIZE_MAX / 4);
    CLEANUP(buf_deinit) struct buf small = BUF_INIT(10);
    size_t at;

    (void)state;
    vector_write(&b, span_of("", (size_t)1 << 30));     /* refused before it is read */
    assert_int_equal(buf_error(&b), -EMSGSIZE);
    at = vector_open(&small);
    buf_str(&small, "eleven bytes");
    vector_close(&small, at);
    assert_int_equal(buf_error(&small), -EMSGSIZE);
}

static void test_nested(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 10);
    size_t outer = vector_open(&b), inner = vector_open(&b);

    (void)state;
    buf_fill(&b, 'x', 100);
    vector_close(&b, inner);
    vector_close(&b, outer);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.len, 104);
    assert_memory_equal(b.data, "\x40\x66\x40\x64xxx", 7);
}

static void test_number_lists(void **state)
{
    struct mw_span list = SPAN_LIT("\x01\x02\x03\x04\x02\x03");

    (void)state;
    assert_true(u16_list_has(list, 0x0102));
    assert_true(u16_list_has(list, 0x0203));
    assert_false(u16_list_has(list, 0x0401));           /* only across two entries */
    assert_false(u16_list_has(span_of(NULL, 0), 0));
    assert_int_equal(u32_list_at(SPAN_LIT("\x00\x00\x00\x07\xff\xfe\xfd\xfc"), 1), 0xfffefdfc);
}

static void test_grease(void **state)
{
    size_t n = 0;

    (void)state;
    for (uint32_t v = 0; v <= 0xffff; v++)
        n += wire_grease((uint16_t)v);
    assert_int_equal(n, 15);
    assert_true(wire_grease(0x0a0a) && wire_grease(0xeaea));
    assert_false(wire_grease(0xfafa) || wire_grease(0x0a1a) || wire_grease(0x0a0b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_read),
        cmocka_unit_test(test_lengths_refused),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_too_long_to_write),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_number_lists),
        cmocka_unit_test(test_grease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
