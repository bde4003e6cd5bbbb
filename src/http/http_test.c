/* HTTP/1.1 is read strictly: what two readers could read differently is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/request.h"
#include "http/response.h"

/* Feeds text in pieces of `step` bytes; *left is what was not taken. */
static enum http_state feed(struct http_response *r, const char *text, size_t step, size_t *left)
{
    struct mw_span rest = span_str(text), piece;
    enum http_state state = HTTP_MORE;
    size_t taken = 0;

    while (state == HTTP_MORE && rest.len > 0) {
        piece = span_cut(rest, 0, step);
        rest = span_cut(rest, piece.len, SIZE_MAX);
        taken += piece.len;
        state = http_response_feed(r, &piece);
        taken -= piece.len;
    }
    *left = strlen(text) - taken;
    return state;
}

static void responses_are_read_in_any_pieces(void **state)
{
    static const struct {
        const char *text, *body;
        int status;
        size_t left;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloNEXT", "hello", 200, 4 },
        { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", 200, 0 },
        { "HTTP/1.0 404 Not Found\r\ncontent-length:\t3 \r\n\r\nabc", "abc", 404, 0 },
        { "HTTP/1.1 204 No Content\r\n\r\nX", "", 204, 1 },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", 304, 0 },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200,
          0 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
          "4\r\nwiki\r\n5;ext=\"1\"\r\npedia\r\n0\r\nTrailer: x\r\n\r\nmore", "wikipedia", 200, 4 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n",
          "0123456789", 200, 0 },
    };
    size_t left;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step < 80; step += step < 4 ? 1 : 25) {
            struct http_response r = HTTP_RESPONSE_INIT(1000);

            assert_int_equal(feed(&r, cases[i].text, step, &left), HTTP_DONE);
            assert_int_equal(r.status, cases[i].status);
            assert_true(span_eq(buf_span(&r.m.body), span_str(cases[i].body)));
            if (step == 1)
                assert_int_equal(left, cases[i].left);
            http_response_deinit(&r);
        }
    }
}

static void bad_responses_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum http_error error;
    } cases[] = {
        { "HTTP/2 200 OK\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.2 200 OK\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1 20 OK\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1 2000 OK\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1  200 OK\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1 200 OK\nA: b\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTP_E_START_LINE },
        { "\r\n\r\n", HTTP_E_START_LINE },
        { "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\n: b\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nA\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          HTTP_E_LENGTH },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HTTP_E_CODING },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
          HTTP_E_CODING },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 4\r\nwiki\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4 \r\nwiki\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nwiki\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\nwiki\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwikiX\r\n", HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
          HTTP_E_CHUNK },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
          HTTP_E_FIELD },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", HTTP_E_TOO_BIG },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", HTTP_E_OK },
    };
    size_t left;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_response r = HTTP_RESPONSE_INIT(1000);
        enum http_state got = feed(&r, cases[i].text, 7, &left);

        if (r.m.error != cases[i].error || (got == HTTP_BAD) != (r.m.error != HTTP_E_OK))
            fail_msg("%s: state %d, %s", cases[i].text, got, http_error_text(r.m.error));
        http_response_deinit(&r);
    }
}

static void limits_hold(void **state)
{
    struct http_response many = HTTP_RESPONSE_INIT(10), big = HTTP_RESPONSE_INIT(10),
                         chunked = HTTP_RESPONSE_INIT(10), interim = HTTP_RESPONSE_INIT(10);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct mw_span in;

    (void)state;
    buf_str(&text, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i <= HTTP_MAX_FIELDS; i++)
        buf_printf(&text, "A%d: b\r\n", i);
    buf_str(&text, "\r\n");
    in = buf_span(&text);
    assert_int_equal(http_response_feed(&many, &in), HTTP_BAD);
    assert_int_equal(many.m.error, HTTP_E_TOO_MANY);
    http_response_deinit(&many);

    buf_truncate(&text, 0);
    buf_str(&text, "HTTP/1.1 200 OK\r\nA: ");
    buf_fill(&text, 'x', HTTP_MAX_HEAD);
    in = buf_span(&text);
    assert_int_equal(http_response_feed(&big, &in), HTTP_BAD);
    assert_int_equal(big.m.error, HTTP_E_TOO_BIG);
    http_response_deinit(&big);

    in = SPAN_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n");
    assert_int_equal(http_response_feed(&chunked, &in), HTTP_BAD);
    assert_int_equal(chunked.m.error, HTTP_E_TOO_BIG);
    http_response_deinit(&chunked);

    buf_truncate(&text, 0);
    for (int i = 0; i < 9; i++)
        buf_str(&text, "HTTP/1.1 103 Early Hints\r\n\r\n");
    in = buf_span(&text);
    assert_int_equal(http_response_feed(&interim, &in), HTTP_BAD);
    http_response_deinit(&interim);
}

static void the_end_ends_only_what_may_end(void **state)
{
    struct http_response r = HTTP_RESPONSE_INIT(100), cut = HTTP_RESPONSE_INIT(100);
    struct mw_span in = SPAN_LIT("HTTP/1.1 200 OK\r\n\r\nuntil the end");

    (void)state;
    assert_int_equal(http_response_feed(&r, &in), HTTP_MORE);
    assert_int_equal(http_response_end(&r), HTTP_DONE);
    assert_true(span_eq(buf_span(&r.m.body), SPAN_LIT("until the end")));
    http_response_deinit(&r);
    in = SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    assert_int_equal(http_response_feed(&cut, &in), HTTP_MORE);
    assert_int_equal(http_response_end(&cut), HTTP_BAD);
    assert_int_equal(cut.m.error, HTTP_E_CUT);
    http_response_deinit(&cut);
}

static void fields_are_found_by_name(void **state)
{
    struct http_response r = HTTP_RESPONSE_INIT(100);
    struct mw_span in = SPAN_LIT("HTTP/1.1 302 Found\r\nDATE:  Sat, 21 Nov 2026 22:00:00 GMT \r\n"
                                 "Location: http://portal.test/\r\nSet-Cookie: a\r\n"
                                 "Set-Cookie: b\r\nContent-Length: 0\r\n\r\n");

    (void)state;
    assert_int_equal(http_response_feed(&r, &in), HTTP_DONE);
    assert_true(span_eq(http_field_find(&r.m, "Date"), SPAN_LIT("Sat, 21 Nov 2026 22:00:00 GMT")));
    assert_true(span_eq(http_response_location(&r), SPAN_LIT("http://portal.test/")));
    assert_int_equal(http_field_find(&r.m, "set-cookie").len, 0);
    assert_int_equal(http_field_count(&r.m, "set-cookie"), 2);
    http_response_deinit(&r);
}

static void requests_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        enum http_error error;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", HTTP_E_OK },
        { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", HTTP_E_OK },
        { "GET / HTTP/1.0\r\n\r\n", HTTP_E_OK },
        { "GET / HTTP/1.1\r\n\r\n", HTTP_E_HOST },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HTTP_E_HOST },
        { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "GET / HTTP/3\r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "GET /\r\nHost: a\r\n\r\n", HTTP_E_START_LINE },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
          HTTP_E_LENGTH },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_request r = HTTP_REQUEST_INIT(100);
        struct mw_span in = span_str(cases[i].text);
        enum http_state got = http_request_feed(&r, &in);

        if (r.m.error != cases[i].error || got != (r.m.error != HTTP_E_OK ? HTTP_BAD : HTTP_DONE))
            fail_msg("%s: state %d, %s", cases[i].text, got, http_error_text(r.m.error));
        http_request_deinit(&r);
    }
}

static void what_is_written_reads_back(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
    const struct http_field field = { SPAN_LIT("Accept"), SPAN_LIT("*/*") };
    struct http_request r = HTTP_REQUEST_INIT(100);
    struct http_response answer = HTTP_RESPONSE_INIT(100);
    struct mw_span in;

    (void)state;
    assert_int_equal(http_request_write(&out, "POST", "/ocsp", "ocsp.test:80", &field, 1,
                                        SPAN_LIT("body")), 0);
    in = buf_span(&out);
    assert_int_equal(http_request_feed(&r, &in), HTTP_DONE);
    assert_true(span_eq(r.method, SPAN_LIT("POST")) && span_eq(r.target, SPAN_LIT("/ocsp")));
    assert_true(span_eq(http_field_find(&r.m, "host"), SPAN_LIT("ocsp.test:80")));
    assert_true(span_eq(buf_span(&r.m.body), SPAN_LIT("body")));
    http_request_deinit(&r);

    buf_truncate(&out, 0);
    assert_int_equal(http_response_write(&out, 200, &field, 1, SPAN_LIT("hi"), false), 0);
    in = buf_span(&out);
    assert_int_equal(http_response_feed(&answer, &in), HTTP_DONE);
    assert_true(span_eq(buf_span(&answer.m.body), SPAN_LIT("hi")));
    http_response_deinit(&answer);
}

static void nothing_can_be_smuggled_into_a_request(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
    const struct http_field evil = { SPAN_LIT("A"), SPAN_LIT("b\r\nC: d") };
    const struct http_field name = { SPAN_LIT("A:"), SPAN_LIT("b") };
    const struct mw_span none = { NULL, 0 };

    (void)state;
    assert_int_equal(http_request_write(&out, "GET", "/ x", "a", NULL, 0, none), -EINVAL);
    assert_int_equal(http_request_write(&out, "GET", "/\r\nX: y", "a", NULL, 0, none), -EINVAL);
    assert_int_equal(http_request_write(&out, "G T", "/", "a", NULL, 0, none), -EINVAL);
    assert_int_equal(http_request_write(&out, "GET", "/", "a\r\nb", NULL, 0, none), -EINVAL);
    assert_int_equal(http_request_write(&out, "GET", "/", "a", &evil, 1, none), -EINVAL);
    assert_int_equal(http_request_write(&out, "GET", "/", "a", &name, 1, none), -EINVAL);
    assert_int_equal(http_response_write(&out, 200, &evil, 1, none, true), -EINVAL);
    assert_int_equal(out.len, 0);
}

static void urls_are_cut(void **state)
{
    static const struct {
        const char *text, *host, *path;
        uint16_t port;
    } good[] = {
        { "http://crl.test/a.crl?x#y", "crl.test", "/a.crl?x", 80 },
        { "HTTPS://a.test", "a.test", "", 443 },
        { "http://[2001:db8::1]:8080/", "2001:db8::1", "/", 8080 },
        { "http://a.test:81#frag", "a.test", "", 81 },
    };
    static const char *const bad[] = {
        "", "ldap://a.test/", "http://", "http:///x", "http://a.test:0/", "http://a.test:x/",
        "http://u:p@a.test/", "http://a.test/ x", "http://a.test/\n", "http://[::1/", "a.test",
        "http://a.test?x",
    };
    struct http_url u;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(http_url_parse(&u, span_str(good[i].text)), 0);
        assert_true(span_eq(u.host, span_str(good[i].host)));
        assert_true(span_eq(u.path, span_str(good[i].path)));
        assert_int_equal(u.port, good[i].port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (http_url_parse(&u, span_str(bad[i])) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void requests_are_known_however_they_come(void **state)
{
    static const struct {
        const char *in;
        enum http_look look;
    } cases[] = {
        { "GET / HTTP/1.1\r\n", HTTP_LOOK_H1 },
        { "GET /", HTTP_LOOK_H1 },              /* refused then: HTTP/0.9 */
        { "G", HTTP_LOOK_MORE },
        { "PROPF", HTTP_LOOK_MORE },
        { "PROPFIND / HTTP", HTTP_LOOK_MORE },
        { "PROPFIND / HTTP/1.1\r\nHost: a\r\n", HTTP_LOOK_H1 },
        { "\r\n\r\nMADE-UP / http/1.0\n", HTTP_LOOK_H1 },
        { "\r", HTTP_LOOK_MAYBE },
        { "get", HTTP_LOOK_MAYBE },
        { "get\t/ HTTP/1.1\n", HTTP_LOOK_H1 },
        { "get / ", HTTP_LOOK_MAYBE },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", HTTP_LOOK_MORE },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_LOOK_H2 },
        { "PRI * HTTP/2.0\r\n\r\nXX\r\n", HTTP_LOOK_H1 },
        { "EHLO mail.test\r\n", HTTP_LOOK_NOT },
        { "QUIT\r\n", HTTP_LOOK_NOT },
        { "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", HTTP_LOOK_NOT },
        { "DESCRIBE rtsp://a.test RTSP/1.0\r\n", HTTP_LOOK_NOT },
        { "\x03\x01", HTTP_LOOK_NOT },
        { " GET / HTTP/1.1\r\n", HTTP_LOOK_NOT },
    };
    char many[HTTP_LOOK_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (http_look(span_str(cases[i].in)) != cases[i].look)
            fail_msg("\"%s\": %d", cases[i].in, (int)http_look(span_str(cases[i].in)));
    memset(many, 'A', sizeof(many));
    assert_int_equal(http_look(span_of(many, sizeof(many))), HTTP_LOOK_NOT);
    many[1] = ' ';
    assert_int_equal(http_look(span_of(many, sizeof(many))), HTTP_LOOK_H1);
    memset(many, '\n', sizeof(many));
    assert_int_equal(http_look(span_of(many, sizeof(many))), HTTP_LOOK_H1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_read_in_any_pieces),
        cmocka_unit_test(bad_responses_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(the_end_ends_only_what_may_end),
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(requests_are_read_strictly),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(nothing_can_be_smuggled_into_a_request),
        cmocka_unit_test(urls_are_cut),
        cmocka_unit_test(requests_are_known_however_they_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
