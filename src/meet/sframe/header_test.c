/* Headers: RFC 9605 4.3 and some of its appendix C.1; the rest of that is vectors_test's. */
#include "meet/sframe/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

static void some_of_the_rfcs(void **state)
{
    static const struct {
        uint64_t kid, counter;
        const char *bytes;
        size_t len;
    } cases[] = {
        { 0, 0, "\x00", 1 },
        { 0, 1, "\x01", 1 },
        { 7, 7, "\x77", 1 },
        { 0, 255, "\x08\xff", 2 },
        { 0, 256, "\x09\x01\x00", 3 },
        { 1, 65536, "\x1a\x01\x00\x00", 4 },
        { 255, 0, "\x80\xff", 2 },
        { 8, 8, "\x88\x08\x08", 3 },
        { 0x123, 0x4567, "\x99\x01\x23\x45\x67", 5 },
        { UINT64_MAX, UINT64_MAX,
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 17 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t out[MW_SFRAME_HEADER_MAX];
        struct mw_sframe_header h;

        assert_int_equal(sframe_header_write(out, cases[i].kid, cases[i].counter), cases[i].len);
        assert_memory_equal(out, cases[i].bytes, cases[i].len);
        assert_int_equal(mw_sframe_read_header(span_of(out, cases[i].len), &h), 0);
        assert_int_equal(h.kid, cases[i].kid);
        assert_int_equal(h.counter, cases[i].counter);
        assert_int_equal(h.len, cases[i].len);
    }
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1dU;
}

/* A number of any width, not only wide ones. */
static uint64_t any_width(uint64_t *s)
{
    unsigned bits = (unsigned)(next(s) % 65);

    return bits == 0 ? 0 : next(s) >> (64 - bits);
}

static void any_two_numbers_come_back(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t kid = any_width(&seed), counter = any_width(&seed);
        uint8_t out[MW_SFRAME_HEADER_MAX + 3] = { 0 };
        size_t len = sframe_header_write(out, kid, counter);
        struct mw_sframe_header h;

        assert_int_equal(len, sframe_header_size(kid, counter));
        assert_int_equal(mw_sframe_read_header(span_of(out, len + (size_t)(i % 4)), &h), 0);
        assert_true(h.kid == kid && h.counter == counter && h.len == len);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(mw_sframe_read_header(span_of(out, cut), &h), MW_SFRAME_E_HEADER);
    }
}

/* Whatever is read, writing it gives the same bytes: there is one spelling only. */
static void one_spelling(void **state)
{
    uint64_t seed = 2;
    size_t refused = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint8_t in[MW_SFRAME_HEADER_MAX], again[MW_SFRAME_HEADER_MAX];
        struct mw_sframe_header h;

        for (size_t k = 0; k < sizeof in; k++)
            in[k] = next(&seed) % 4 == 0 ? 0 : (uint8_t)next(&seed);
        if (mw_sframe_read_header(span_of(in, sizeof in), &h) != 0) {
            refused++;
            continue;
        }
        assert_int_equal(sframe_header_write(again, h.kid, h.counter), h.len);
        assert_memory_equal(again, in, h.len);
    }
    assert_true(refused > 1000);
}

static void longer_than_need_be(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "\x80\x07", 2 },              /* a KID below 8 in a byte of its own */
        { "\x08\x00", 2 },              /* a counter likewise */
        { "\x90\x00\xff", 3 },          /* a zero in front */
        { "\x09\x00\xff", 3 },
        { "\x98\x01\x00\x07", 4 },
        { "\xf0\x00\x01\x02\x03\x04\x05\x06\x07", 9 },
        { "\x0f\x00\x01\x02\x03\x04\x05\x06\x07", 9 },
    };
    struct mw_sframe_header h = { .kid = 42 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(mw_sframe_read_header(span_of(cases[i].bytes, cases[i].len), &h),
                         MW_SFRAME_E_HEADER);
    assert_int_equal(h.kid, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_of_the_rfcs),
        cmocka_unit_test(any_two_numbers_come_back),
        cmocka_unit_test(one_spelling),
        cmocka_unit_test(longer_than_need_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
