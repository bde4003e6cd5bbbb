/* Connections to a server that outlive a session: which may, and how the next session uses one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"

#define CLIENT(t, text) assert_int_equal(talk_say((t), BRIDGE_CLIENT, SPAN_LIT(text)), 0)
#define SERVER(t, text) assert_int_equal(talk_say((t), BRIDGE_SERVER, SPAN_LIT(text)), 0)

#define GET "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const struct case_ {
    const char *name, *asks, *answer;
    bool reusable;
} cases[] = {
    { "an answer with a length", GET, OK, true },
    { "one in chunks", GET,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true },
    { "one without a body", "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true },
    { "an interim one before", GET, "HTTP/1.1 103 Early Hints\r\n\r\n" OK, true },
    { "one whose body is missing", GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false },
    { "none", GET, "", false },
    { "one until the end", GET, "HTTP/1.1 200 OK\r\n\r\nok", false },
    { "one that says close", GET,
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false },
    { "one of HTTP/1.0", GET, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false },
    { "two for one", GET, OK OK, false },
    { "a request with a body", POST, OK, false },
    { "credentials of a request",
      "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: bearer x\r\n\r\n", OK, true },
    { "credentials of the connection",
      "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: NTLM x\r\n\r\n", OK, false },
    { "both", "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: basic x\r\nAuthorization: "
              "Negotiate x\r\n\r\n", OK, false },
    { "a scheme that is only like one",
      "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basics x\r\n\r\n", OK, false },
    { "a challenge", GET,
      "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", false },
    { "WebSocket",
      "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false },
    { "WebSocket refused",
      "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", OK,
      false },
};

static void what_leaves_a_connection_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk t;

        talk_start(&t, BRIDGE_H1, NULL);
        assert_false(bridge_reusable(t.b));
        CLIENT(&t, GET);
        SERVER(&t, OK);
        assert_true(bridge_reusable(t.b));
        (void)talk_say(&t, BRIDGE_CLIENT, span_str(cases[i].asks));
        assert_false(bridge_reusable(t.b));
        (void)talk_say(&t, BRIDGE_SERVER, span_str(cases[i].answer));
        talk_end(&t, BRIDGE_CLIENT, false);
        if (bridge_reusable(t.b) != cases[i].reusable)
            fail_msg("%s", cases[i].name);
        talk_stop(&t);
    }
}

static void what_comes_late_spoils_it(void **state)
{
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, GET);
    SERVER(&t, OK);
    talk_end(&t, BRIDGE_CLIENT, false);
    assert_true(bridge_over(t.b) && bridge_reusable(t.b));
    SERVER(&t, "HTTP/1.1 200 OK\r\n");
    assert_false(bridge_reusable(t.b));
    talk_stop(&t);

    talk_start(&t, BRIDGE_H1, NULL);
    CLIENT(&t, GET);
    SERVER(&t, OK);
    talk_end(&t, BRIDGE_SERVER, false);
    assert_false(bridge_reusable(t.b));
    talk_stop(&t);

    talk_start(&t, BRIDGE_RAW, NULL);
    CLIENT(&t, "x");
    SERVER(&t, "y");
    assert_false(bridge_reusable(t.b));
    talk_stop(&t);
}

static void a_safe_request_uses_it(void **state)
{
    struct talk t;

    (void)state;
    talk_start_second_hand(&t, NULL);
    CLIENT(&t, GET);
    talk_expect(&t, BRIDGE_SERVER, GET);
    SERVER(&t, OK);
    talk_expect(&t, BRIDGE_CLIENT, OK);
    /* it answered: it is a connection like any other */
    CLIENT(&t, POST);
    talk_expect(&t, BRIDGE_SERVER, POST);
    assert_int_equal(t.fresh, 0);
    talk_end(&t, BRIDGE_SERVER, false);
    assert_int_equal(t.fresh, 0);
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

static void others_ask_for_a_fresh_one(void **state)
{
    static const char *const asks[] = {
        POST,
        "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
        "DELETE /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        "get /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct talk t;

        talk_start_second_hand(&t, NULL);
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, span_str(asks[i])), 0);
        talk_expect(&t, BRIDGE_SERVER, "");
        assert_int_equal(t.fresh, 1);
        assert_int_equal(t.asked, 1);
        bridge_origin(t.b, NULL);
        talk_take(&t);
        talk_expect(&t, BRIDGE_SERVER, asks[i]);
        assert_int_equal(t.asked, 1);
        SERVER(&t, OK);
        talk_expect(&t, BRIDGE_CLIENT, OK);
        assert_int_equal(t.fresh, 1);
        talk_stop(&t);
    }
}

/* However the end comes, and whatever was read of the request by then. */
static void a_silent_end_is_not_the_clients(void **state)
{
    (void)state;
    for (unsigned cut = 0; cut < 2; cut++) {
        for (unsigned sync = 0; sync < 2; sync++) {
            struct talk t;

            talk_start_second_hand(&t, NULL);
            t.sync_origin = sync == 1;
            CLIENT(&t, GET);
            talk_expect(&t, BRIDGE_SERVER, GET);
            talk_end(&t, BRIDGE_SERVER, cut == 1);
            assert_int_equal(t.fresh, 1);
            if (!t.sync_origin) {
                talk_expect(&t, BRIDGE_SERVER, "");
                assert_false(bridge_over(t.b));
                bridge_origin(t.b, NULL);
            }
            talk_take(&t);
            talk_expect(&t, BRIDGE_SERVER, GET);
            SERVER(&t, OK);
            talk_expect(&t, BRIDGE_CLIENT, OK);
            assert_int_equal(bridge_counts(t.b).requests, 1);
            assert_true(bridge_reusable(t.b));
            talk_stop(&t);
        }
    }
}

static void it_is_asked_once_more_and_no_oftener(void **state)
{
    struct talk t;

    (void)state;
    talk_start_second_hand(&t, NULL);
    t.sync_origin = true;
    CLIENT(&t, GET);
    talk_end(&t, BRIDGE_SERVER, true);
    talk_expect(&t, BRIDGE_SERVER, GET GET);
    talk_end(&t, BRIDGE_SERVER, true);
    assert_int_equal(t.fresh, 1);
    assert_string_equal(t.code, "bad-response");
    assert_true(bridge_over(t.b));
    talk_stop(&t);

    /* part of an answer is an answer */
    talk_start_second_hand(&t, NULL);
    CLIENT(&t, GET);
    SERVER(&t, "HTTP/1.1 2");
    talk_end(&t, BRIDGE_SERVER, true);
    assert_int_equal(t.fresh, 0);
    assert_string_equal(t.code, "bad-response");
    talk_stop(&t);

    talk_start_second_hand(&t, NULL);
    CLIENT(&t, GET);
    SERVER(&t, "HTTP/1.1 103 Early Hints\r\n\r\n");
    talk_end(&t, BRIDGE_SERVER, true);
    assert_int_equal(t.fresh, 0);
    talk_stop(&t);
}

static void one_that_went_before_the_request_is_replaced(void **state)
{
    struct talk t;

    (void)state;
    for (unsigned said = 0; said < 2; said++) {
        talk_start_second_hand(&t, NULL);
        if (said == 1)
            SERVER(&t, "HTTP/1.1 408 Late\r\n\r\n");
        assert_int_equal(bridge_room(t.b, BRIDGE_SERVER) == 0, said == 1);
        talk_end(&t, BRIDGE_SERVER, false);
        assert_false(bridge_over(t.b));
        CLIENT(&t, GET);
        assert_int_equal(t.fresh, 1);
        talk_expect(&t, BRIDGE_SERVER, "");
        bridge_origin(t.b, NULL);
        talk_take(&t);
        talk_expect(&t, BRIDGE_SERVER, GET);
        SERVER(&t, OK);
        talk_expect(&t, BRIDGE_CLIENT, OK);
        talk_stop(&t);
    }
    /* 408 to a request it cannot have seen */
    talk_start_second_hand(&t, NULL);
    t.sync_origin = true;
    CLIENT(&t, GET);
    SERVER(&t, "HTTP/1.1 408 Late\r\nContent-Length: 4\r\n\r\nlate");
    talk_expect(&t, BRIDGE_CLIENT, "");
    talk_expect(&t, BRIDGE_SERVER, GET GET);
    SERVER(&t, "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(t.fresh, 1);
    talk_stop(&t);
}

static void one_that_cannot_be_had_is_an_answer(void **state)
{
    const struct bridge_answer failed = { .status = 502, .body = SPAN_LIT("gone") };
    struct talk t;

    (void)state;
    /* never passed on: the next request may try again */
    talk_start_second_hand(&t, NULL);
    CLIENT(&t, "DELETE / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    bridge_origin(t.b, &failed);
    talk_take(&t);
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 502 Bad Gateway\r\nCache-Control: no-store\r\n"
                                   "Content-Length: 4\r\n\r\ngone");
    assert_false(bridge_over(t.b));
    CLIENT(&t, GET);
    assert_int_equal(t.fresh, 2);
    bridge_origin(t.b, NULL);
    talk_take(&t);
    talk_expect(&t, BRIDGE_SERVER, GET);
    talk_stop(&t);

    /* passed on: nobody knows how far it came */
    talk_start_second_hand(&t, NULL);
    CLIENT(&t, GET);
    talk_end(&t, BRIDGE_SERVER, true);
    bridge_origin(t.b, &failed);
    talk_take(&t);
    talk_expect(&t, BRIDGE_CLIENT,
                "HTTP/1.1 502 Bad Gateway\r\nCache-Control: no-store\r\nContent-Length: 4\r\n"
                "Connection: close\r\n\r\ngone");
    assert_true(bridge_over(t.b));
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_a_connection_good),
        cmocka_unit_test(what_comes_late_spoils_it),
        cmocka_unit_test(a_safe_request_uses_it),
        cmocka_unit_test(others_ask_for_a_fresh_one),
        cmocka_unit_test(a_silent_end_is_not_the_clients),
        cmocka_unit_test(it_is_asked_once_more_and_no_oftener),
        cmocka_unit_test(one_that_went_before_the_request_is_replaced),
        cmocka_unit_test(one_that_cannot_be_had_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
