/* HTTP/1.1 through the bridge: what goes in, and exactly what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"

#define CLIENT(t, text) assert_int_equal(talk_say((t), BRIDGE_CLIENT, SPAN_LIT(text)), 0)
#define SERVER(t, text) assert_int_equal(talk_say((t), BRIDGE_SERVER, SPAN_LIT(text)), 0)

static void a_request_and_its_answer_pass(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    assert_true(bridge_idle(t.b));
    CLIENT(&t, "GET /a?b HTTP/1.1\r\nAccept:  */* \r\nHost: A.Test:443\r\nX: y\r\n\r\n");
    assert_true(span_eq(buf_span(&t.last), SPAN_LIT("GET https a.test:443 /a?b")));
    talk_expect(&t, BRIDGE_SERVER,
                "GET /a?b HTTP/1.1\r\nHost: a.test:443\r\nAccept: */*\r\nX: y\r\n\r\n");
    assert_false(bridge_idle(t.b));
    SERVER(&t, "HTTP/1.1 200 Fine\r\nContent-Length: 005\r\nSet-Cookie: a\r\n\r\nhello");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nSet-Cookie: a\r\n\r\nhello");
    assert_true(bridge_idle(t.b));
    /* and once more on the same connections */
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    talk_expect(&t, BRIDGE_SERVER,
                "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    SERVER(&t, "HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 204 \r\n\r\n");
    assert_true(bridge_idle(t.b) && !bridge_over(t.b));
    assert_int_equal(bridge_counts(t.b).requests, 2);
    assert_int_equal(bridge_counts(t.b).blocked, 0);
    assert_string_equal(bridge_protocol(t.b), "h1");
    talk_end(&t, BRIDGE_CLIENT, false);
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) == NULL);
    talk_stop(&t);
}

static void hop_by_hop_fields_stay_on_their_hop(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a.test\r\n"
               "Connection: keep-alive, X-Mine,,te , HTTP2-Settings\r\n"
               "Keep-Alive: timeout=5\r\nx-mine: 1\r\nProxy-Authorization: Basic x\r\n"
               "Proxy-Connection: keep-alive\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AA\r\n"
               "TE: gzip, trailers\r\nTrailer: Sum\r\nCookie: a=b\r\nExpect: 100-continue\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER,
                "GET / HTTP/1.1\r\nHost: a.test\r\nCookie: a=b\r\nExpect: 100-continue\r\n"
                "Connection: TE\r\nTE: trailers\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nConnection: X-Other\r\nX-Other: 1\r\nKeep-Alive: max=3\r\n"
               "Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n"
               "ETag: \"x\"\r\n\r\n0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    talk_stop(&t);
}

static void chunks_are_written_anew_and_trailers_checked(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: Chunked\r\n"
               "Trailer: Sum\r\n\r\n"
               "0005;name=value\r\nhello\r\n000\r\nSum: 1\r\nContent-Length: 3\r\nHost: b\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER,
                "POST / HTTP/1.1\r\nHost: a.test\r\nTrailer: Sum\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n0\r\nSum: 1\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n"
               "1\r\nx\r\n0\r\nSet-Cookie: a\r\nx-sum: 2\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n"
                "1\r\nx\r\n0\r\nx-sum: 2\r\n\r\n");
    assert_true(bridge_idle(t.b));
    talk_stop(&t);
}

static void pipelined_requests_go_one_by_one(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
               "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\n"
               "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4");
    talk_expect(&t, BRIDGE_SERVER, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    talk_expect(&t, BRIDGE_SERVER, "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
    SERVER(&t, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_end(&t, BRIDGE_CLIENT, false);
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    /* the client stopped in the middle of the fourth */
    assert_true(bridge_over(t.b));
    assert_non_null(bridge_why(t.b, NULL));
    talk_stop(&t);
}

static void a_client_that_half_closed_gets_its_answer(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_end(&t, BRIDGE_CLIENT, false);
    assert_false(bridge_over(t.b) || bridge_finished(t.b, BRIDGE_SERVER));
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) == NULL);
    talk_stop(&t);
}

static void interim_answers_pass(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER,
                "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    SERVER(&t, "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n"
               "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 100 Continue\r\n\r\n"
                                   "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    CLIENT(&t, "ab");
    talk_expect(&t, BRIDGE_SERVER, "ab");
    SERVER(&t, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    /* without end they are an abuse */
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 65 && !bridge_over(t.b); i++)
        SERVER(&t, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_true(bridge_over(t.b));
    assert_string_equal(t.code, "bad-response");
    talk_stop(&t);
}

static void answers_without_body_have_none(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    CLIENT(&t, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\n\r\n");
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_true(bridge_idle(t.b));
    talk_stop(&t);
}

static void a_body_until_close_is_told_from_a_cut_one(void **state)
{
    struct talk t;

    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        talk_start(&t, BRIDGE_H1, NULL);
        CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        SERVER(&t, "HTTP/1.1 200 OK\r\n\r\nabc");
        talk_end(&t, BRIDGE_SERVER, cut == 1);
        talk_expect(&t, BRIDGE_CLIENT,
                    cut == 0 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                               "Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                             : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                               "Connection: close\r\n\r\n3\r\nabc\r\n");
        assert_true(bridge_over(t.b) && bridge_finished(t.b, BRIDGE_CLIENT));
        assert_int_equal(bridge_why(t.b, NULL) != NULL, cut == 1);
        assert_false(bridge_cut_short(t.b));
        talk_stop(&t);
    }
    /* To a client of HTTP/1.0 nothing else than the end of the connection tells. */
    for (int cut = 0; cut < 2; cut++) {
        talk_start(&t, BRIDGE_H1, NULL);
        CLIENT(&t, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        SERVER(&t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        if (cut == 0)
            SERVER(&t, "0\r\n\r\n");
        else
            talk_end(&t, BRIDGE_SERVER, false);
        talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
        assert_true(bridge_over(t.b));
        assert_int_equal(bridge_cut_short(t.b), cut == 1);
        talk_stop(&t);
    }
}

static void old_clients_are_understood(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "POST / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n"
               "Content-Length: 1\r\n\r\nx");
    talk_expect(&t, BRIDGE_SERVER, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    SERVER(&t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\ny");
    CLIENT(&t, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    SERVER(&t, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\ny");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\ny");
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

static void either_side_may_close_after_an_answer(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_true(bridge_over(t.b));
    talk_stop(&t);

    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "");
    assert_true(bridge_over(t.b));
    /* what the client still says is read and dropped, so that it sees the answer */
    assert_true(bridge_room(t.b, BRIDGE_CLIENT) > 0);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "");
    talk_stop(&t);
}

static void an_early_answer_does_not_stop_the_request(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_false(bridge_over(t.b) || bridge_idle(t.b));
    CLIENT(&t, "defGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef"
                                   "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_stop(&t);

    /* unless the server closes */
    for (int how = 0; how < 2; how++) {
        talk_start(&t, BRIDGE_H1, NULL);
        CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
        if (how == 0) {
            SERVER(&t, "HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        } else {
            SERVER(&t, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
            assert_false(bridge_over(t.b));
            talk_end(&t, BRIDGE_SERVER, false);
        }
        assert_true(bridge_over(t.b) && bridge_finished(t.b, BRIDGE_CLIENT));
        assert_null(bridge_why(t.b, NULL));
        CLIENT(&t, "def");
        assert_int_equal(bridge_out(t.b, BRIDGE_SERVER).len, 0);
        talk_stop(&t);
    }
}

static void a_server_that_leaves_is_told_apart(void **state)
{
    enum bridge_side by = BRIDGE_CLIENT;
    struct talk t;

    (void)state;
    /* before the first answer: a page */
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_end(&t, BRIDGE_SERVER, true);
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\n"
                "Cache-Control: no-store\r\nContent-Length: 12\r\n"
                "Connection: close\r\n\r\nbad-response");
    assert_true(bridge_over(t.b) && bridge_why(t.b, &by) != NULL && by == BRIDGE_SERVER);
    talk_stop(&t);

    /* on a connection that was used before: silence, so that the client asks again */
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_end(&t, BRIDGE_SERVER, false);
    talk_expect(&t, BRIDGE_CLIENT, "");
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) == NULL);
    talk_stop(&t);

    /* while nothing is asked, with or without a last word */
    for (int word = 0; word < 2; word++) {
        talk_start(&t, BRIDGE_H1, NULL);
        if (word == 1)
            SERVER(&t, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
        else
            talk_end(&t, BRIDGE_SERVER, false);
        talk_expect(&t, BRIDGE_CLIENT, "");
        assert_true(bridge_over(t.b));
        talk_stop(&t);
    }
}

static void a_bad_answer_becomes_a_page_or_a_cut(void **state)
{
    static const char *const bad[] = {
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n",
    };
    struct talk t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        talk_start(&t, BRIDGE_H1, NULL);
        CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        talk_say(&t, BRIDGE_SERVER, span_str(bad[i]));
        if (t.got[BRIDGE_CLIENT].len < 12 ||
            memcmp(t.got[BRIDGE_CLIENT].data, "HTTP/1.1 502", 12) != 0)
            fail_msg("no 502 for:\n%s", bad[i]);
        assert_string_equal(t.code, "bad-response");
        assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) != NULL);
        talk_stop(&t);
    }
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) != NULL);
    talk_stop(&t);
}

static void the_session_may_answer_by_itself(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    t.ruling = BRIDGE_ANSWER;
    CLIENT(&t, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
                "Content-Length: 2\r\n\r\nno"
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
                "Content-Length: 2\r\n\r\n");
    t.type = "text/html; charset=utf-8";        /* a page with a button may not be framed */
    CLIENT(&t, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\n"
                "Content-Security-Policy: frame-ancestors 'none'\r\nCache-Control: no-store\r\n"
                "Content-Length: 2\r\n\r\nno");
    t.ruling = BRIDGE_GO;
    CLIENT(&t, "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    buf_truncate(&t.got[BRIDGE_CLIENT], 0);
    t.ruling = BRIDGE_MISDIRECTED;
    CLIENT(&t, "POST /4 HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\n\r\nx");
    assert_memory_equal(t.got[BRIDGE_CLIENT].data, "HTTP/1.1 421 Misdirected Request\r\n", 34);
    /* with a body on its way the connection cannot be used any more */
    assert_true(bridge_over(t.b));
    talk_expect(&t, BRIDGE_SERVER, "");
    assert_int_equal(bridge_counts(t.b).requests, 1);
    assert_int_equal(bridge_counts(t.b).blocked, 4);
    talk_stop(&t);
}

static void draining_ends_after_what_is_under_way(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    bridge_drain(t.b);
    assert_true(bridge_over(t.b));
    talk_stop(&t);
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    bridge_drain(t.b);
    assert_false(bridge_over(t.b));
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

static void websockets_pass_and_are_watched(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
               "Upgrade: WebSocket\r\n"
               "Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x81zzzz\x1b");
    assert_true(span_eq(buf_span(&t.last), SPAN_LIT("GET https a /ws upgrade")));
    talk_expect(&t, BRIDGE_SERVER,
                "GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: eA==\r\n"
                "Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    SERVER(&t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: x\r\n\r\n\x81\x02hi");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
    talk_expect(&t, BRIDGE_SERVER, "\x81\x81zzzz\x1b");
    assert_string_equal(bridge_protocol(t.b), "websocket");
    assert_false(bridge_idle(t.b));
    /* a server must not mask */
    SERVER(&t, "\x81\x81zzzz\x1b");
    talk_expect(&t, BRIDGE_CLIENT, "\x88\x02\x03\xea");
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) != NULL);
    talk_stop(&t);

    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    SERVER(&t, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    assert_true(bridge_idle(t.b));
    CLIENT(&t, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    SERVER(&t, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    talk_end(&t, BRIDGE_CLIENT, false);
    assert_true(bridge_finished(t.b, BRIDGE_SERVER) && !bridge_over(t.b));
    SERVER(&t, "\x81\x02hi");
    talk_end(&t, BRIDGE_SERVER, false);
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) == NULL);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer_pass),
        cmocka_unit_test(hop_by_hop_fields_stay_on_their_hop),
        cmocka_unit_test(chunks_are_written_anew_and_trailers_checked),
        cmocka_unit_test(pipelined_requests_go_one_by_one),
        cmocka_unit_test(a_client_that_half_closed_gets_its_answer),
        cmocka_unit_test(interim_answers_pass),
        cmocka_unit_test(answers_without_body_have_none),
        cmocka_unit_test(a_body_until_close_is_told_from_a_cut_one),
        cmocka_unit_test(old_clients_are_understood),
        cmocka_unit_test(either_side_may_close_after_an_answer),
        cmocka_unit_test(an_early_answer_does_not_stop_the_request),
        cmocka_unit_test(a_server_that_leaves_is_told_apart),
        cmocka_unit_test(a_bad_answer_becomes_a_page_or_a_cut),
        cmocka_unit_test(the_session_may_answer_by_itself),
        cmocka_unit_test(draining_ends_after_what_is_under_way),
        cmocka_unit_test(websockets_pass_and_are_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
