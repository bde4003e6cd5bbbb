/* Bytes: span, reader, buf and arena. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "base/span.h"

static struct mw_span lit(const char *s)
{
    return span_str(s);
}

static void assert_span(struct mw_span got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.len > 0 ? (const void *)got.data : "", want, got.len);
}

static void test_span_compares(void **state)
{
    (void)state;
    assert_true(span_eq(lit("ab"), SPAN_LIT("ab")));
    assert_false(span_eq(lit("ab"), lit("abc")));
    assert_true(span_eq(span_of(NULL, 0), lit("")));
    assert_true(span_eq_nocase(lit("ExAmple"), lit("eXaMPLE")));
    assert_false(span_eq_nocase(lit("a@"), lit("a`"))); /* 0x40 and 0x60 */
    assert_false(span_eq_nocase(lit("\xc3\x84"), lit("\xc3\xa4")));
    assert_true(span_ends_nocase(lit("www.EXAMPLE.com"), lit(".example.COM")));
    assert_true(span_ends_nocase(lit("abc"), lit("")));
    assert_false(span_ends_nocase(lit("com"), lit("example.com")));
    assert_true(span_cmp(lit("ab"), lit("abc")) < 0);
    assert_true(span_cmp(lit("\x80"), lit("\x7f")) > 0);
    assert_int_equal(span_cmp(span_of(NULL, 0), lit("")), 0);
}

static void test_span_cuts(void **state)
{
    (void)state;
    assert_span(span_cut(lit("abcdef"), 2, 3), "cde");
    assert_span(span_cut(lit("abcdef"), 4, 99), "ef");
    assert_span(span_cut(lit("abcdef"), 4, SIZE_MAX), "ef");
    assert_span(span_cut(lit("abcdef"), SIZE_MAX, SIZE_MAX), "");
    assert_null(span_cut(lit("abc"), 3, 1).data);
    assert_span(span_trim(lit(" \t a b\t ")), "a b");
    assert_span(span_trim(lit(" \t ")), "");
}

static void test_span_lines_and_fields(void **state)
{
    struct mw_span rest = lit("one\r\n\ntwo\rx\nlast"), piece;

    (void)state;
    assert_true(span_line(&rest, &piece));
    assert_span(piece, "one");
    assert_true(span_line(&rest, &piece));
    assert_span(piece, "");
    assert_true(span_line(&rest, &piece));
    assert_span(piece, "two\rx");
    assert_true(span_line(&rest, &piece));
    assert_span(piece, "last");
    assert_false(span_line(&rest, &piece));

    rest = lit("a,,b,");
    assert_true(span_field(&rest, ',', &piece));
    assert_span(piece, "a");
    assert_true(span_field(&rest, ',', &piece));
    assert_span(piece, "");
    assert_true(span_field(&rest, ',', &piece));
    assert_span(piece, "b");
    assert_false(span_field(&rest, ',', &piece));
}

static void test_span_dup_keeps_zero_bytes(void **state)
{
    char *copy = span_dup(span_of("a\0b", 3));

    (void)state;
    assert_non_null(copy);
    assert_memory_equal(copy, "a\0b", 4);
    free(copy);
}

static void test_reader_reads_network_order(void **state)
{
    static const uint8_t wire[] = { 1,    0x12, 0x34, 0xab, 0xcd, 0xef, 0x89, 0xab, 0xcd,
                                    0xef, 0x80, 0,    0,    0,    0,    0,    0,    1,
                                    2,    'h',  'i',  0,    1,    'x',  0,    0,    0 };
    struct reader r = {
        .rest = {wire, sizeof(wire)}
    };

    (void)state;
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x1234);
    assert_int_equal(read_u24(&r), 0xabcdef);
    assert_int_equal(read_u32(&r), 0x89abcdef);
    assert_true(read_u64(&r) == 0x8000000000000001);
    assert_span(read_vec8(&r), "hi");
    assert_span(read_vec16(&r), "x");
    assert_false(read_done(&r));
    assert_true(read_more(&r));
    assert_span(read_vec24(&r), "");
    assert_true(read_done(&r));
    assert_false(read_more(&r));
}

static void test_reader_remembers_its_first_failure(void **state)
{
    static const uint8_t wire[] = { 5, 'a', 'b', 0x77 };
    struct reader r = {
        .rest = {wire, sizeof(wire)}
    };

    (void)state;
    assert_int_equal(read_vec8(&r).len, 0);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(read_u32(&r), 0);
    assert_false(read_more(&r));
    assert_false(read_done(&r));

    r = (struct reader){
        .rest = {wire, 1}
    };
    assert_int_equal(read_u16(&r), 0);
    assert_false(read_done(&r));
    r = (struct reader){
        .rest = {NULL, 0}
    };
    assert_true(read_done(&r));
    assert_int_equal(read_bytes(&r, 0).len, 0);
    assert_true(read_done(&r));
    read_fail(&r);
    assert_false(read_done(&r));
}

static void test_buf_writes(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

    (void)state;
    buf_str(&b, "a");
    buf_add(&b, span_of(NULL, 0));
    buf_fill(&b, '-', 3);
    buf_printf(&b, "%s=%d", "x", 7);
    buf_u8(&b, 0xfe);
    buf_u16(&b, 0x0102);
    buf_u24(&b, 0x030405);
    buf_u32(&b, 0x06070809);
    buf_u64(&b, 0x0a0b0c0d0e0f1011);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.len, 25);
    assert_memory_equal(b.data,
                        "a---x=7\xfe\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
                        "\x0d\x0e\x0f\x10\x11",
                        26); /* the NUL behind it too */
}

static void test_buf_never_passes_its_maximum(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(5), never = { 0 };

    (void)state;
    buf_str(&b, "12345");
    assert_int_equal(buf_error(&b), 0);
    buf_str(&b, "6");
    assert_int_equal(buf_error(&b), -EMSGSIZE);
    buf_truncate(&b, 0);
    buf_str(&b, "x"); /* still broken: a hole must not go unnoticed */
    assert_int_equal(b.len, 0);
    assert_null(buf_steal(&b));
    assert_int_equal(b.error, 0); /* and stolen means new again */
    buf_str(&b, "x");
    assert_span(buf_span(&b), "x");

    buf_str(&never, "x");
    assert_int_equal(buf_error(&never), -EMSGSIZE);
}

static void test_buf_size_cannot_wrap(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(SIZE_MAX);

    (void)state;
    buf_str(&b, "abc");
    assert_null(buf_reserve(&b, SIZE_MAX - 3));
    assert_true(buf_error(&b) < 0);
}

static void test_buf_drops(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);

    (void)state;
    buf_drop(&b, 5); /* of nothing */
    buf_str(&b, "abcdef");
    buf_drop(&b, 2);
    assert_string_equal((char *)b.data, "cdef");
    buf_truncate(&b, 3);
    assert_string_equal((char *)b.data, "cde");
    buf_truncate(&b, 9);
    assert_int_equal(b.len, 3);
    buf_drop(&b, 99);
    assert_int_equal(b.len, 0);
    assert_string_equal((char *)b.data, "");
}

static void test_buf_steal(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
    char *text = buf_steal(&b);

    (void)state;
    assert_string_equal(text, "");
    free(text);
    buf_str(&b, "kept");
    text = buf_steal(&b);
    assert_string_equal(text, "kept");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 100);
    free(text);
}

static void test_arena_pieces_are_apart_zero_and_aligned(void **state)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(1 << 20);
    uint8_t *pieces[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t len = 1 + i * 37 % 5000;

        pieces[i] = arena_alloc(&a, len);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < len; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)i + 1, len);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        for (size_t k = 0; k < 1 + i * 37 % 5000; k++)
            assert_int_equal(pieces[i][k], (uint8_t)(i + 1));
}

static void test_arena_is_bounded(void **state)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(100), none = { 0 };
    struct mw_span copy = { NULL, 7 };

    (void)state;
    assert_non_null(arena_alloc(&a, 60));
    assert_null(arena_alloc(&a, 41));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_calloc(&a, SIZE_MAX / 2, 4));
    assert_non_null(arena_alloc(&a, 40));
    assert_int_equal(arena_copy(&a, SPAN_LIT("x"), &copy), -ENOMEM);
    assert_int_equal(copy.len, 7);
    assert_null(arena_alloc(&none, 1));
}

static void test_arena_size_cannot_wrap(void **state)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(SIZE_MAX);

    (void)state;
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 4));
    assert_null(arena_alloc(&a, SIZE_MAX - 40));
    assert_non_null(arena_alloc(&a, 1));
}

static void test_arena_empty_pieces_do_not_collect(void **state)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(1000);
    const char *last = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_non_null(arena_alloc(&a, 0));
    assert_int_equal(a.used_bytes, 0);
    last = arena_strdup(&a, "text");
    assert_string_equal(last, "text");
}

static void test_arena_strings(void **state)
{
    CLEANUP(arena_deinit) struct arena a = ARENA_INIT(100000);
    struct mw_span copy;

    (void)state;
    assert_string_equal(arena_strdup(&a, ""), "");
    assert_string_equal(arena_printf(&a, "%05d %s", 42, "x"), "00042 x");
    assert_int_equal(arena_copy(&a, span_of("a\0b", 3), &copy), 0);
    assert_memory_equal(copy.data, "a\0b", 4);
    assert_int_equal(strlen(arena_printf(&a, "%*s", 9000, "")), 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span_compares),
        cmocka_unit_test(test_span_cuts),
        cmocka_unit_test(test_span_lines_and_fields),
        cmocka_unit_test(test_span_dup_keeps_zero_bytes),
        cmocka_unit_test(test_reader_reads_network_order),
        cmocka_unit_test(test_reader_remembers_its_first_failure),
        cmocka_unit_test(test_buf_writes),
        cmocka_unit_test(test_buf_never_passes_its_maximum),
        cmocka_unit_test(test_buf_size_cannot_wrap),
        cmocka_unit_test(test_buf_drops),
        cmocka_unit_test(test_buf_steal),
        cmocka_unit_test(test_arena_pieces_are_apart_zero_and_aligned),
        cmocka_unit_test(test_arena_is_bounded),
        cmocka_unit_test(test_arena_size_cannot_wrap),
        cmocka_unit_test(test_arena_empty_pieces_do_not_collect),
        cmocka_unit_test(test_arena_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
