/* Heads and bodies that come in parts: each cut gives the same, and limits hold on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/body.h"

/* Reads text as it grows, first `cut` bytes, then all. */
static enum http_state read_in_two(struct http_head *head, const char *text, size_t cut)
{
    struct http_mark mark = { 0 };
    struct mw_span all = span_str(text);
    enum http_state state = http_head_read(head, &mark, span_cut(all, 0, cut));

    return state != HTTP_MORE ? state : http_head_read(head, &mark, all);
}

static void a_head_reads_the_same_wherever_it_is_cut(void **state)
{
    static const char text[] = "GET /a?b HTTP/1.1\r\nHost: a.test\r\nX-Empty:\r\nX-Obs: \xe9\t!\r\n"
                               "Cookie:  a=b; c=d \t\r\n\r\nbody";

    (void)state;
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct http_head head;

        assert_int_equal(read_in_two(&head, text, cut), HTTP_DONE);
        assert_int_equal(head.len, sizeof(text) - 1 - 4);
        assert_int_equal(head.n_fields, 4);
        assert_true(span_eq(head.start_line, SPAN_LIT("GET /a?b HTTP/1.1")));
        assert_true(span_eq(head.fields[1].value, SPAN_LIT("")));
        assert_true(span_eq(head.fields[2].value, SPAN_LIT("\xe9\t!")));
        assert_true(span_eq(head.fields[3].value, SPAN_LIT("a=b; c=d")));
    }
}

static void every_byte_is_a_token_a_value_or_neither(void **state)
{
    static const char tokens[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint8_t text[20];

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            bool value = c == '\t' || (c >= ' ' && c != 0x7f);

            memset(text, 'x', sizeof(text));
            text[at] = (uint8_t)c;
            assert_int_equal(http_is_token(span_of(text, sizeof(text))),
                             c != 0 && strchr(tokens, (int)c) != NULL);
            assert_int_equal(http_is_value(span_of(text, sizeof(text))), value);
        }
    }
    assert_false(http_is_token(SPAN_LIT("")));
    assert_true(http_is_value(SPAN_LIT("")));
}

static void a_head_is_refused_as_soon_as_it_is_wrong(void **state)
{
    static const struct {
        const char *text;
        enum http_error error;
    } cases[] = {
        { "GET / HTTP/1.1\n", HTTP_E_START_LINE },
        { "GET / HTTP/1.1\r\nA: b\n", HTTP_E_FIELD },
        { "GET / HTTP/1.1\r\n A: b\r\n", HTTP_E_FIELD },
        { "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n", HTTP_E_FIELD },
        { "GET / HTTP/1.1\r\nA\r\n", HTTP_E_FIELD },
        { "GET / HTTP/1.1\r\nA: b\r\r\n", HTTP_E_FIELD },
        { "\n", HTTP_E_START_LINE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
            struct http_head head;

            assert_int_equal(read_in_two(&head, cases[i].text, cut), HTTP_BAD);
            assert_int_equal(head.error, cases[i].error);
            assert_int_equal(head.n_fields, 0);
        }
    }
}

static void too_many_fields_are_refused_wherever_they_are_cut(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 16);

    (void)state;
    buf_str(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HTTP_MAX_FIELDS; i++)
        buf_str(&text, "A: b\r\n");
    for (int more = 0; more < 2; more++) {
        size_t len = text.len;

        buf_str(&text, more == 1 ? "A: b\r\n\r\n" : "\r\n");
        for (size_t cut = 0; cut < text.len; cut += 7) {
            struct http_head head;

            assert_int_equal(read_in_two(&head, (const char *)text.data, cut),
                             more == 1 ? HTTP_BAD : HTTP_DONE);
            assert_int_equal(head.error, more == 1 ? HTTP_E_TOO_MANY : HTTP_E_OK);
            assert_int_equal(head.n_fields, more == 1 ? 0 : HTTP_MAX_FIELDS);
        }
        buf_truncate(&text, len);
    }
}

static void limits_hold_before_a_line_ends(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct http_head head;
    struct http_mark mark = { 0 };

    (void)state;
    buf_str(&text, "GET /");
    buf_fill(&text, 'a', HTTP_MAX_LINE - text.len + 1);
    assert_int_equal(http_head_read(&head, &mark, buf_span(&text)), HTTP_MORE);
    buf_fill(&text, 'a', 1);
    assert_int_equal(http_head_read(&head, &mark, buf_span(&text)), HTTP_BAD);
    assert_int_equal(head.error, HTTP_E_LONG_LINE);

    buf_truncate(&text, 0);
    mark = (struct http_mark){ 0 };
    buf_str(&text, "GET / HTTP/1.1\r\nA: ");
    buf_fill(&text, 'a', HTTP_MAX_HEAD - text.len - 1);
    assert_int_equal(http_head_read(&head, &mark, buf_span(&text)), HTTP_MORE);
    buf_fill(&text, 'a', 1);
    assert_int_equal(http_head_read(&head, &mark, buf_span(&text)), HTTP_BAD);
    assert_int_equal(head.error, HTTP_E_TOO_BIG);
}

/* Feeds text in steps; content to got. */
static enum http_state take_all(struct http_body *b, const char *text, size_t step,
                                struct buf *got, size_t *left)
{
    struct mw_span all = span_str(text), part = { NULL, 0 }, piece;
    enum http_state state = HTTP_MORE;

    while (state == HTTP_MORE && all.len > 0) {
        part = span_cut(all, 0, step);
        all = span_cut(all, part.len, SIZE_MAX);
        do {
            state = http_body_take(b, &part, &piece);
            buf_add(got, piece);
        } while (state == HTTP_MORE && part.len > 0);
    }
    *left = part.len + all.len;
    return state;
}

static void chunks_and_trailers_read_the_same_in_any_steps(void **state)
{
    static const char text[] = "4\r\nwiki\r\n05;a=\"b c\"\r\npedia\r\n"
                               "00\r\nX-Sum: 12\r\nY:\r\n\r\nGET";

    (void)state;
    for (size_t step = 1; step <= sizeof(text); step++) {
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
        struct http_body b = { 0 };
        struct http_head trailers;
        size_t left;

        http_body_start(&b, HTTP_BODY_CHUNKED, 0);
        assert_int_equal(take_all(&b, text, step, &got, &left), HTTP_DONE);
        assert_int_equal(left, 3);
        assert_true(span_eq(buf_span(&got), SPAN_LIT("wikipedia")));
        http_body_trailers(&b, &trailers);
        assert_int_equal(trailers.n_fields, 2);
        assert_true(span_eq(trailers.fields[0].value, SPAN_LIT("12")));
        http_body_deinit(&b);
        assert_null(b.trailer.data);
    }
}

static void an_empty_trailer_takes_no_memory(void **state)
{
    struct http_body b = { 0 };
    struct mw_span in = SPAN_LIT("1\r\na\r\n0\r\n\r\n"), piece;
    struct http_head trailers;

    (void)state;
    http_body_start(&b, HTTP_BODY_CHUNKED, 0);
    assert_int_equal(http_body_take(&b, &in, &piece), HTTP_MORE);
    assert_int_equal(http_body_take(&b, &in, &piece), HTTP_DONE);
    assert_null(b.trailer.data);
    http_body_trailers(&b, &trailers);
    assert_int_equal(trailers.n_fields, 0);
    http_body_deinit(&b);
}

static void trailers_are_bounded(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
    size_t left;

    (void)state;
    for (size_t step = 1; step < 40000; step = step * 7) {
        struct http_body b = { 0 };

        buf_truncate(&text, 0);
        buf_str(&text, "0\r\nA: ");
        buf_fill(&text, 'x', HTTP_MAX_TRAILER);
        http_body_start(&b, HTTP_BODY_CHUNKED, 0);
        assert_int_equal(take_all(&b, (const char *)text.data, step, &got, &left), HTTP_BAD);
        assert_int_equal(b.error, HTTP_E_TOO_BIG);
        http_body_deinit(&b);
    }
}

static void ends_are_told_apart(void **state)
{
    struct http_body close = { 0 }, length = { 0 }, chunked = { 0 };

    (void)state;
    http_body_start(&close, HTTP_BODY_UNTIL_CLOSE, 0);
    http_body_start(&length, HTTP_BODY_LENGTH, 1);
    http_body_start(&chunked, HTTP_BODY_CHUNKED, 0);
    assert_int_equal(http_body_end(&close), HTTP_DONE);
    assert_int_equal(http_body_end(&length), HTTP_BAD);
    assert_int_equal(http_body_end(&chunked), HTTP_BAD);
    assert_int_equal(chunked.error, HTTP_E_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_reads_the_same_wherever_it_is_cut),
        cmocka_unit_test(every_byte_is_a_token_a_value_or_neither),
        cmocka_unit_test(a_head_is_refused_as_soon_as_it_is_wrong),
        cmocka_unit_test(too_many_fields_are_refused_wherever_they_are_cut),
        cmocka_unit_test(limits_hold_before_a_line_ends),
        cmocka_unit_test(chunks_and_trailers_read_the_same_in_any_steps),
        cmocka_unit_test(an_empty_trailer_takes_no_memory),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(ends_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
