/* Plain requests through an explicit proxy: one origin at a time, asked of the session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"

#define CLIENT(t, text) assert_int_equal(talk_say((t), BRIDGE_CLIENT, SPAN_LIT(text)), 0)
#define SERVER(t, text) assert_int_equal(talk_say((t), BRIDGE_SERVER, SPAN_LIT(text)), 0)

static void origin_is(struct talk *t, unsigned times, const char *name)
{
    assert_int_equal(t->origins, times);
    assert_true(span_eq(buf_span(&t->origin), span_str(name)));
}

static void requests_wait_for_their_origin(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1_PROXY, NULL);
    CLIENT(&t, "POST http://A.test/x?y HTTP/1.1\r\nHost: other\r\nProxy-Authorization: Basic s\r\n"
               "Proxy-Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello");
    origin_is(&t, 1, "a.test:80");
    assert_true(span_eq(buf_span(&t.last), SPAN_LIT("POST http a.test /x?y")));
    talk_expect(&t, BRIDGE_SERVER, "");
    assert_false(bridge_idle(t.b));
    bridge_origin(t.b, NULL);
    talk_take(&t);
    talk_expect(&t, BRIDGE_SERVER,
                "POST /x?y HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    /* the same origin, written otherwise, is at hand */
    CLIENT(&t, "GET http://a.TEST:80 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(t.origins, 1);
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(bridge_idle(t.b));
    talk_stop(&t);
}

static void another_origin_waits_for_the_answer_before(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1_PROXY, NULL);
    t.sync_origin = true;
    CLIENT(&t, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
               "GET http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: b.test\r\n\r\n"
               "GET http://c.test/ HTTP/1.1\r\nHost: c.test\r\n\r\n");
    origin_is(&t, 1, "a.test:80");
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    t.sync_origin = false;
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    origin_is(&t, 2, "2001:db8::1:8080");
    talk_expect(&t, BRIDGE_SERVER, "");
    /* what the first one still says is not the second one's answer */
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    talk_end(&t, BRIDGE_SERVER, false);
    bridge_origin(t.b, NULL);
    talk_take(&t);
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n");
    SERVER(&t, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
    talk_end(&t, BRIDGE_SERVER, false);
    origin_is(&t, 3, "c.test:80");
    bridge_origin(t.b, NULL);
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nuntil the end\r\n"
                "0\r\n\r\n"
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(bridge_idle(t.b) && !bridge_over(t.b));
    /* it said that it would close: the next request asks for it anew */
    CLIENT(&t, "GET http://c.test/ HTTP/1.1\r\nHost: c.test\r\n\r\n");
    assert_int_equal(t.origins, 4);
    talk_stop(&t);
}

static void an_idle_origin_may_leave(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1_PROXY, NULL);
    t.sync_origin = true;
    CLIENT(&t, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    talk_end(&t, BRIDGE_SERVER, true);
    assert_false(bridge_over(t.b));
    CLIENT(&t, "GET http://a.test/2 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_int_equal(t.origins, 2);
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    /* so may one that said something nobody asked for */
    SERVER(&t, "HTTP/1.1 408 Too late\r\nContent-Length: 0\r\n\r\n");
    CLIENT(&t, "GET http://a.test/3 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_int_equal(t.origins, 3);
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                                   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    talk_end(&t, BRIDGE_CLIENT, false);
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

static void an_origin_that_cannot_be_reached_is_an_answer(void **state)
{
    const struct bridge_answer failed = { .status = 504, .body = SPAN_LIT("slow") };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1_PROXY, NULL);
    CLIENT(&t, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
               "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
    bridge_origin(t.b, &failed);
    talk_take(&t);
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 504 Gateway Timeout\r\nCache-Control: no-store\r\n"
                                   "Content-Length: 4\r\n\r\nslow");
    origin_is(&t, 2, "b.test:80");
    bridge_origin(t.b, NULL);
    talk_take(&t);
    talk_expect(&t, BRIDGE_SERVER, "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n");
    talk_stop(&t);
    /* with a body behind it the client's connection ends */
    talk_start(&t, BRIDGE_H1_PROXY, NULL);
    CLIENT(&t, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhel");
    bridge_origin(t.b, &failed);
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

static void what_is_not_for_a_proxy_is_refused(void **state)
{
    static const struct {
        const char *request, *status, *code;
    } cases[] = {
        { "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 501 ",
          "wrong-scheme" },
        { "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 400 ", "bad-request" },
        { "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 400 ", "bad-request" },
        { "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", "HTTP/1.1 501 ",
          "connect-inside" },
        { "GET http://a.test:99999/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 400 ",
          "bad-request" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk t;

        talk_start(&t, BRIDGE_H1_PROXY, NULL);
        (void)talk_say(&t, BRIDGE_CLIENT, span_str(cases[i].request));
        assert_memory_equal(t.got[BRIDGE_CLIENT].data, cases[i].status, 13);
        assert_string_equal(t.code, cases[i].code);
        assert_int_equal(t.origins, 0);
        assert_true(bridge_over(t.b));
        talk_stop(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_wait_for_their_origin),
        cmocka_unit_test(another_origin_waits_for_the_answer_before),
        cmocka_unit_test(an_idle_origin_may_leave),
        cmocka_unit_test(an_origin_that_cannot_be_reached_is_an_answer),
        cmocka_unit_test(what_is_not_for_a_proxy_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
