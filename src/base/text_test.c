#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MAX = 4096 };

static const char *text_of(const struct buf *b)
{
    assert_int_equal(buf_error(b), 0);
    return b->len > 0 ? (const char *)b->data : "";
}

static void test_hex(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX);

    (void)state;
    text_hex(&b, span_of("\x00\xff\x1a", 3), ':');
    assert_string_equal(text_of(&b), "00:ff:1a");
    buf_truncate(&b, 0);
    text_hex(&b, span_of("\x00\xff", 2), 0);
    assert_string_equal(text_of(&b), "00ff");
    buf_truncate(&b, 0);
    assert_int_equal(text_unhex(&b, SPAN_LIT("00:Ff 1A")), 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "\x00\xff\x1a", 3);
    assert_int_equal(text_unhex(&b, SPAN_LIT("0")), -EINVAL);
    assert_int_equal(text_unhex(&b, SPAN_LIT("0g")), -EINVAL);
}

static void test_base64_vectors(void **state)
{
    /* RFC 4648 section 10. */
    static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
    static const char *const coded[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        CLEANUP(buf_deinit) struct buf there = BUF_INIT(MAX), back = BUF_INIT(MAX);

        text_base64(&there, span_str(plain[i]));
        assert_string_equal(text_of(&there), coded[i]);
        assert_int_equal(text_unbase64(&back, buf_span(&there)), 0);
        assert_string_equal(text_of(&back), plain[i]);
    }
}

static void test_base64_every_byte(void **state)
{
    CLEANUP(buf_deinit) struct buf there = BUF_INIT(MAX), back = BUF_INIT(MAX);
    uint8_t bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(255 - i);
    text_base64(&there, span_of(bytes, sizeof(bytes)));
    assert_int_equal(text_unbase64(&back, buf_span(&there)), 0);
    assert_true(span_eq(buf_span(&back), span_of(bytes, sizeof(bytes))));
}

static void test_unbase64_takes_and_refuses(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX), tight = BUF_INIT(2);

    (void)state;
    assert_int_equal(text_unbase64(&b, SPAN_LIT(" Zm\r\n9v Y\tg")), 0);
    assert_string_equal(text_of(&b), "foob");
    assert_int_equal(text_unbase64(&b, SPAN_LIT("Zg=\n=\n")), 0);
    assert_int_equal(text_unbase64(&b, SPAN_LIT("Zm9v-_")), -EINVAL);
    assert_int_equal(text_unbase64(&b, span_of("Zm\0v", 4)), -EINVAL);
    assert_int_equal(text_unbase64(&b, span_of("Zg=\0", 4)), -EINVAL);
    assert_int_equal(text_unbase64(&b, SPAN_LIT("Zg==Zg==")), -EINVAL);
    assert_int_equal(text_unbase64(&b, SPAN_LIT("Z")), -EINVAL);
    assert_int_equal(text_unbase64(&b, SPAN_LIT("Zm9vY")), -EINVAL);
    assert_int_equal(text_unbase64(&tight, SPAN_LIT("Zm9v")), -EMSGSIZE);
}

static void safe(const char *from, size_t len, size_t max, const char *want)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX);

    text_safe(&b, span_of(from, len), max);
    assert_string_equal(text_of(&b), want);
}

static void test_safe(void **state)
{
    (void)state;
    safe("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 15, 0,
         "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    safe("a\x1b[31mb\n\r\t\x7f", 11, 0, "a\\x1b[31mb\\x0a\\x0d\\x09\\x7f");
    safe("a\0b", 3, 0, "a\\x00b");
    safe("\xc2\x9b", 2, 0, "\\xc2\\x9b"); /* C1 control sequence introducer */
    safe("\xe2\x80\xae"
         "cod",
         6, 0,
         "\\xe2\\x80\\xae"
         "cod"); /* right-to-left override */
    safe("\xe2\x81\xa6", 3, 0, "\\xe2\\x81\\xa6");
    safe("\xe2\x80\x8b", 3, 0, "\\xe2\\x80\\x8b"); /* zero-width space */
    safe("\xef\xbb\xbf", 3, 0, "\\xef\\xbb\\xbf");
    safe("\xff", 1, 0, "\\xff");
    safe("\xc3", 1, 0, "\\xc3");                            /* cut short */
    safe("\xc0\xaf", 2, 0, "\\xc0\\xaf");                   /* overlong "/" */
    safe("\xed\xa0\x80", 3, 0, "\\xed\\xa0\\x80");          /* surrogate */
    safe("\xf4\x90\x80\x80", 4, 0, "\\xf4\\x90\\x80\\x80"); /* over U+10FFFF */
    safe("", 0, 0, "");
}

static void test_safe_cannot_be_forged(void **state)
{
    (void)state;
    safe("\xd8\x9c", 2, 0, "\\xd8\\x9c");                   /* Arabic letter mark */
    safe("\xf3\xa0\x81\x81", 4, 0, "\\xf3\\xa0\\x81\\x81"); /* a tag character */
    safe("\xe2\x81\xa0", 3, 0, "\\xe2\\x81\\xa0");          /* word joiner */
    safe("\xc2\xad", 2, 0, "\\xc2\\xad");                   /* soft hyphen */
    safe("\xe3\x85\xa4", 3, 0, "\\xe3\\x85\\xa4");          /* Hangul filler */
    safe("\xef\xb8\x80", 3, 0, "\\xef\\xb8\\x80");          /* variation selector */
}

static void test_safe_is_fit_for_xml(void **state)
{
    (void)state;
    safe("\xef\xbf\xbf", 3, 0, "\\xef\\xbf\\xbf"); /* U+FFFF, no character */
    safe("\xef\xbf\xbe", 3, 0, "\\xef\\xbf\\xbe");
    safe("\xf4\x8f\xbf\xbf", 4, 0, "\\xf4\\x8f\\xbf\\xbf");
    safe("\xef\xbf\xbd", 3, 0, "\xef\xbf\xbd"); /* the replacement character */
}

static void test_safe_cuts_on_a_border(void **state)
{
    (void)state;
    safe("abcdef", 6, 6, "abcdef");
    safe("abcdefg", 7, 6, "abcdef…");
    safe("ab\xc3\xa4z", 5, 3, "ab…");
    safe("ab\nz", 4, 5, "ab…");
}

static void test_number(void **state)
{
    int64_t v = 7;

    (void)state;
    assert_int_equal(text_number(SPAN_LIT("0"), 0, 10, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(text_number(SPAN_LIT("-9223372036854775808"), INT64_MIN, INT64_MAX, &v), 0);
    assert_true(v == INT64_MIN);
    assert_int_equal(text_number(SPAN_LIT("9223372036854775807"), INT64_MIN, INT64_MAX, &v), 0);
    assert_true(v == INT64_MAX);
    v = 7;
    assert_int_equal(text_number(SPAN_LIT("9223372036854775808"), INT64_MIN, INT64_MAX, &v),
                     -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("11"), 0, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("-1"), 0, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT(""), 0, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("-"), -10, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("+1"), 0, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("1 "), 0, 10, &v), -EINVAL);
    assert_int_equal(text_number(SPAN_LIT("0x1"), 0, 10, &v), -EINVAL);
    assert_int_equal(v, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_every_byte),
        cmocka_unit_test(test_unbase64_takes_and_refuses),
        cmocka_unit_test(test_safe),
        cmocka_unit_test(test_safe_cannot_be_forged),
        cmocka_unit_test(test_safe_is_fit_for_xml),
        cmocka_unit_test(test_safe_cuts_on_a_border),
        cmocka_unit_test(test_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
