/*
 * Known ways to smuggle a request past one parser to another.  None of their bytes reaches the
 * server, or only what both sides must read the same.
 * Sources: RFC 9112 section 11.2, the published variants of CL.TE, TE.CL, TE.TE, CL.CL, CL.0,
 * chunk-extension and header-name tricks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"

#define EVIL "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

/* A string with NULs in it. */
#define BYTES(s) { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct {
    int status;
    struct mw_span request;
} refused[] = {
    /* two lengths */
    { 400, BYTES(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 0\r\nContent-Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31\r\nContent-Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31, 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 0, 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "content-length: 0\r\nCONTENT-LENGTH: 31\r\n\r\n" EVIL) },
    /* lengths that are none */
    { 400, BYTES(POST "Content-Length: -31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: +31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 0x1f\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 3 1\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31;\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31.0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: \"31\"\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 1e1\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 3_1\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: \xd9\xa3\r\n\r\n" EVIL) },      /* a digit elsewhere */
    { 400, BYTES(POST "Content-Length:\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 18446744073709551616\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 9223372036854775808\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31\0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length: 31\x0b\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length:\x0c""31\r\n\r\n" EVIL) },
    /* names that are none */
    { 400, BYTES(POST "Content-Length : 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST " Content-Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "\tContent-Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length\0: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Content-Length\r\n: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST ": 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding\x80: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "(Transfer-Encoding): chunked\r\n\r\n0\r\n\r\n" EVIL) },
    /* codings that are not chunked */
    { 501, BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: identity\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chun\xc4\xb1""ked\r\n\r\n0\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding:\r\n\r\n" EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                 EVIL) },
    { 501, BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding: \x0b""chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "0\r\n\r\n" EVIL) },
    /* lines that are none */
    { 400, BYTES(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "X: y\r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
    { 400, BYTES(POST "X: y\n\r\n" EVIL) },
    { 400, BYTES("POST / HTTP/1.1\nHost: a\nContent-Length: 31\n\n" EVIL) },
    { 400, BYTES("POST / HTTP/1.1\r\n Host: a\r\n\r\n" EVIL) },
    /* request lines that are none */
    { 400, BYTES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES(" GET / HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1 \r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.2\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/01.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / http/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET /\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("G\x80T / HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET a HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET * HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
    { 400, BYTES("\r\n\r\n" EVIL) },
    { 400, BYTES("\x16\x03\x01\x02\r\n") },
    /* hosts */
    { 400, BYTES("GET / HTTP/1.1\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a:0\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: a%00\r\n\r\n" EVIL) },
    { 400, BYTES("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" EVIL) },
    { 400, BYTES("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },       /* the other scheme */
    { 400, BYTES("GET https://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET https:///x HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n" EVIL) },
    { 400, BYTES("GET https://a/ HTTP/1.1\r\n\r\n" EVIL) },
    { 501, BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" EVIL) },
    /* fields talked away */
    { 400, BYTES(POST "Connection: Content-Length\r\nContent-Length: 31\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Connection: close, Host\r\n\r\n" EVIL) },
    { 400, BYTES(POST "Connection: a b\r\n\r\n" EVIL) },
};

static void no_byte_of_a_doubtful_request_is_passed_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        for (size_t step = 0; step < 3; step++) {
            char status[32];
            struct talk t;

            talk_start(&t, BRIDGE_H1, NULL);
            t.step = step * step;
            (void)talk_say(&t, BRIDGE_CLIENT, refused[i].request);
            snprintf(status, sizeof(status), "HTTP/1.1 %d ", refused[i].status);
            if (t.got[BRIDGE_SERVER].len > 0)
                fail_msg("%zu reached the server: %.*s", i, (int)t.got[BRIDGE_SERVER].len,
                         (const char *)t.got[BRIDGE_SERVER].data);
            if (t.got[BRIDGE_CLIENT].len < strlen(status) ||
                memcmp(t.got[BRIDGE_CLIENT].data, status, strlen(status)) != 0)
                fail_msg("%zu, wanted %s, got: %.*s", i, status, (int)t.got[BRIDGE_CLIENT].len,
                         (const char *)t.got[BRIDGE_CLIENT].data);
            /* one answer, and the connection is closed */
            assert_true(bridge_over(t.b) && bridge_finished(t.b, BRIDGE_CLIENT));
            assert_non_null(bridge_why(t.b, NULL));
            assert_int_equal(t.asked, 0);
            talk_stop(&t);
        }
    }
}

/* What is wrong only inside the body: the head is at the server already, the rest never comes. */
static const struct mw_span cut_chunks[] = {
    BYTES("\n0\r\n\r\n" EVIL),
    BYTES("5\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5\rhello\r\n0\r\n\r\n" EVIL),
    BYTES("0\n\n" EVIL),
    BYTES("0\r\r\n" EVIL),
    BYTES("5 \r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES(" 5\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("0x5\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("+5\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("-5\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5h\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5_0\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES(";x\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5;x\ny\r\nhello\r\n0\r\n\r\n" EVIL),        /* a bare LF inside an extension */
    BYTES("5;x\ry\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5;x\0\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5\0\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("10000000000000005\r\nhello\r\n0\r\n\r\n" EVIL),       /* 5 in 64 bits */
    BYTES("100000005000000000\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("0000000000000000000005\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("0\r\nX : y\r\n\r\n" EVIL),
    BYTES("0\r\n folded\r\n\r\n" EVIL),
    BYTES("0\r\nX: y\n\r\n" EVIL),
    BYTES("0\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"),
};

/* A chunk is longer or shorter than it says. */
static const struct mw_span cut_data[] = {
    BYTES("5\r\nhello0\r\n\r\n" EVIL),
    BYTES("4\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("6\r\nhello\r\n0\r\n\r\n" EVIL),
    BYTES("5\r\nhello\n0\r\n\r\n" EVIL),
    BYTES("5\r\nhello\r0\r\n\r\n" EVIL),
};

static bool holds(const struct buf *b, const char *text)
{
    return b->data != NULL && strstr((const char *)b->data, text) != NULL;
}

static void chunks_refused(const struct mw_span *bodies, size_t n, const char *only)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t step = 0; step < 2; step++) {
            struct talk t;

            talk_start(&t, BRIDGE_H1, NULL);
            t.step = step;
            assert_int_equal(talk_say(&t, BRIDGE_CLIENT,
                                      SPAN_LIT(POST "Transfer-Encoding: chunked\r\n\r\n")), 0);
            talk_expect(&t, BRIDGE_SERVER, POST "Transfer-Encoding: chunked\r\n\r\n");
            (void)talk_say(&t, BRIDGE_CLIENT, bodies[i]);
            if (only[0] == '\0')
                talk_expect(&t, BRIDGE_SERVER, only);
            if (holds(&t.got[BRIDGE_SERVER], "0\r\n\r\n") ||
                holds(&t.got[BRIDGE_SERVER], "evil"))
                fail_msg("%zu reached the server: %s", i,
                         (const char *)t.got[BRIDGE_SERVER].data);
            assert_true(bridge_over(t.b) && bridge_finished(t.b, BRIDGE_SERVER));
            assert_memory_equal(t.got[BRIDGE_CLIENT].data, "HTTP/1.1 400 ", 13);
            assert_int_equal(t.asked, 1);
            talk_stop(&t);
        }
    }
}

static void a_body_that_is_doubtful_is_never_ended(void **state)
{
    (void)state;
    chunks_refused(cut_chunks, ARRAY_LEN(cut_chunks), "");
    chunks_refused(cut_data, ARRAY_LEN(cut_data), "data");
}

static void a_long_chunk_extension_is_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(1000);
    struct mw_span body;

    (void)state;
    buf_str(&line, "5;");
    buf_fill(&line, 'x', 300);
    buf_str(&line, "\r\nhello\r\n0\r\n\r\n");
    body = buf_span(&line);
    chunks_refused(&body, 1, "");
}

/* Lenient by the RFC, but each reads them the same once we have written them. */
static const struct {
    struct mw_span request;
    const char *passed;
} normalised[] = {
    { BYTES("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
    { BYTES("GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /x HTTP/1.1\r\nHost: b\r\n\r\n" },
    { BYTES("GET https://a:8443 HTTP/1.1\r\nHost: a\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a:8443\r\n\r\n" },
    { BYTES("OPTIONS https://a HTTP/1.1\r\nHost: a\r\n\r\n"),
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" },
    { BYTES("OPTIONS * HTTP/1.1\r\nHost: A.:\r\n\r\n"), "OPTIONS * HTTP/1.1\r\nHost: a.\r\n\r\n" },
    { BYTES("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8\r\n\r\n" },
    { BYTES(POST "Content-Length: 0000000003\r\n\r\nabc"), POST "Content-Length: 3\r\n\r\nabc" },
    { BYTES(POST "TRANSFER-ENCODING: \t chUnked \t\r\n\r\n0003;a\r\nabc\r\n0;b=c\r\n\r\n"),
      POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
    { BYTES(POST "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    /* CL.0: a body where none is expected stays this request's body */
    { BYTES("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\n" EVIL),
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\n" EVIL },
    /* h2c upgrades are a tunnel past us */
    { BYTES("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
    /* underscores make other names of them */
    { BYTES(POST "Content_Length: 31\r\n\r\n"), POST "Content_Length: 31\r\n\r\n" },
};

static void what_is_passed_on_has_one_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(normalised); i++) {
        struct talk t;

        talk_start(&t, BRIDGE_H1, NULL);
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, normalised[i].request), 0);
        talk_expect(&t, BRIDGE_SERVER, normalised[i].passed);
        assert_int_equal(t.asked, 1);
        assert_false(bridge_over(t.b));
        talk_stop(&t);
    }
}

static void limits_have_their_own_answers(void **state)
{
    static const struct {
        const char *before;
        size_t fill;
        const char *status;
    } cases[] = {
        { "GET /", HTTP_MAX_LINE, "HTTP/1.1 414 " },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: ", HTTP_MAX_HEAD, "HTTP/1.1 431 " },
    };
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct talk t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_truncate(&text, 0);
        buf_str(&text, cases[i].before);
        buf_fill(&text, 'x', cases[i].fill);
        talk_start(&t, BRIDGE_H1, NULL);
        (void)talk_say(&t, BRIDGE_CLIENT, buf_span(&text));
        assert_memory_equal(t.got[BRIDGE_CLIENT].data, cases[i].status, 13);
        assert_int_equal(t.got[BRIDGE_SERVER].len, 0);
        assert_true(bridge_over(t.b));
        talk_stop(&t);
    }
    buf_truncate(&text, 0);
    buf_str(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_MAX_FIELDS; i++)
        buf_printf(&text, "X%d: y\r\n", i);
    buf_str(&text, "\r\n");
    talk_start(&t, BRIDGE_H1, NULL);
    (void)talk_say(&t, BRIDGE_CLIENT, buf_span(&text));
    assert_memory_equal(t.got[BRIDGE_CLIENT].data, "HTTP/1.1 431 ", 13);
    talk_stop(&t);
}

/* Answers that would be taken for the next request's (response splitting, queue poisoning). */
static void an_answer_never_stands_in_for_the_next(void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char *const answers[] = {
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        "HTTP/1.1 204 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 304 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nevil",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct talk t;

        talk_start(&t, BRIDGE_H1, NULL);
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, SPAN_LIT(get)), 0);
        (void)talk_say(&t, BRIDGE_SERVER, span_str(answers[i]));
        (void)talk_say(&t, BRIDGE_CLIENT, SPAN_LIT(get));
        assert_false(holds(&t.got[BRIDGE_CLIENT], "evil"));
        assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) != NULL);
        talk_stop(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_a_doubtful_request_is_passed_on),
        cmocka_unit_test(a_body_that_is_doubtful_is_never_ended),
        cmocka_unit_test(a_long_chunk_extension_is_refused),
        cmocka_unit_test(what_is_passed_on_has_one_meaning),
        cmocka_unit_test(limits_have_their_own_answers),
        cmocka_unit_test(an_answer_never_stands_in_for_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
