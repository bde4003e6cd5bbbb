/*
 * The door, at every split of what a client says: whole messages are taken or nothing, and what
 * is refused is refused in the client's own language.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "gate/door/door_test_talk.h"
#include "net/sock.h"

struct http_case {
    const char *said;
    enum door_state state;
    const char *host;           /* or, with DOOR_BAD, how the answer begins */
    uint16_t port;
    const char *path, *rest;    /* what is left for others; NULL: not looked at */
};

static void check_http(const struct gate_config *c, const struct http_case *k)
{
    size_t len = strlen(k->said);

    for (size_t step = 1; step <= len; step = step < 8 ? step + 1 : step == 8 ? len : len + 1) {
        struct talk t = talk(c, GATE_ENTRANCE_HTTP, span_str(k->said), step);

        if (t.state != k->state)
            fail_msg("%s, in steps of %zu: state %d, not %d: %s", k->said, step, t.state, k->state,
                     door_why(t.door));
        if (k->state == DOOR_BAD) {
            if (strncmp(talk_out(t.door), k->host, strlen(k->host)) != 0)
                fail_msg("%s: the answer is %.60s", k->said, talk_out(t.door));
            assert_string_not_equal(door_why(t.door), "");
        } else if (k->host != NULL) {
            assert_string_equal(door_host(t.door), k->host);
            assert_int_equal(door_port(t.door), k->port);
        }
        if (k->path != NULL)
            assert_string_equal(door_path(t.door), k->path);
        if (k->rest != NULL) {
            assert_int_equal(t.left, strlen(k->rest));
        }
        door_free(t.door);
    }
}

#define HOST "Host: x.test\r\n\r\n"

static void http_tells_where_to(void **state)
{
    static const struct http_case cases[] = {
        { "CONNECT a.test:443 HTTP/1.1\r\n" HOST "\x16\x03\x01", DOOR_TUNNEL, "a.test", 443, NULL,
          "\x16\x03\x01" },
        { "CONNECT A.Test.:1 HTTP/1.0\r\n\r\n", DOOR_TUNNEL, "a.test", 1, NULL, "" },
        { "\r\nCONNECT a.test:65535 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "a.test", 65535, NULL, "" },
        { "CONNECT [2001:DB8::1]:443 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "2001:db8::1", 443, NULL,
          "" },
        { "CONNECT 192.0.2.7:443 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "192.0.2.7", 443, NULL, "" },
        { "CONNECT [::ffff:192.0.2.7]:443 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "192.0.2.7", 443, NULL,
          "" },
        { "CONNECT xn--mnchen-3ya.test:443 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "xn--mnchen-3ya.test",
          443, NULL, "" },
        { "CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 0\r\n" HOST, DOOR_TUNNEL, "a.test", 443,
          NULL, "" },
        { "GET http://a.test/x?y=1 HTTP/1.1\r\n" HOST, DOOR_REQUEST, "a.test", 80, NULL,
          "GET http://a.test/x?y=1 HTTP/1.1\r\n" HOST },
        { "POST http://a.test:8080 HTTP/1.1\r\nContent-Length: 100000000\r\n" HOST "abc",
          DOOR_REQUEST, "a.test", 8080, NULL,
          "POST http://a.test:8080 HTTP/1.1\r\nContent-Length: 100000000\r\n" HOST "abc" },
        { "GET http://[2001:db8::2]/ HTTP/1.1\r\n" HOST, DOOR_REQUEST, "2001:db8::2", 80, NULL,
          NULL },
        { "GET /proxy.pac?1 HTTP/1.1\r\n" HOST "more", DOOR_LOCAL, NULL, 0, "/proxy.pac?1",
          "more" },
        { "HEAD / HTTP/1.1\r\n" HOST, DOOR_LOCAL, NULL, 0, "/", "" },
        { "GET http://MIDWATCH.gate HTTP/1.1\r\n" HOST, DOOR_LOCAL, NULL, 0, "/", "" },
        { "GET http://midwatch.gate/install HTTP/1.1\r\n" HOST, DOOR_LOCAL, NULL, 0, "/install",
          "" },
        { "GET http://192.0.2.1:3128/ca.pem HTTP/1.1\r\n" HOST, DOOR_LOCAL, NULL, 0, "/ca.pem",
          "" },
        { "CONNECT midwatch.gate:80 HTTP/1.1\r\n" HOST "GET /ca.crt HTTP/1.1\r\n" HOST, DOOR_LOCAL,
          NULL, 0, "/ca.crt", "" },
        /* Its pages over TLS, and another port of its own: not ours to answer here. */
        { "CONNECT midwatch.gate:443 HTTP/1.1\r\n" HOST, DOOR_TUNNEL, "midwatch.gate", 443, NULL,
          "" },
        { "GET http://midwatch.gate:81/ HTTP/1.1\r\n" HOST, DOOR_REQUEST, "midwatch.gate", 81,
          NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_http(&open_gate, &cases[i]);
}

#define BAD_400 "HTTP/1.1 400 Bad Request\r\n"

static void http_refuses(void **state)
{
    static const char *const bad[] = {
        "CONNECT a.test HTTP/1.1\r\n" HOST,             /* no port */
        "CONNECT a.test: HTTP/1.1\r\n" HOST,
        "CONNECT a.test:0 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:65536 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:0443 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:+443 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:443x HTTP/1.1\r\n" HOST,
        "CONNECT :443 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:443/ HTTP/1.1\r\n" HOST,
        "CONNECT a.test:443:443 HTTP/1.1\r\n" HOST,
        "CONNECT u@a.test:443 HTTP/1.1\r\n" HOST,
        "CONNECT http://a.test:443 HTTP/1.1\r\n" HOST,
        "CONNECT 2001:db8::1:443 HTTP/1.1\r\n" HOST,
        "CONNECT [2001:db8::1] HTTP/1.1\r\n" HOST,
        "CONNECT [2001:db8::1:443 HTTP/1.1\r\n" HOST,
        "CONNECT [fe80::1%25eth0]:443 HTTP/1.1\r\n" HOST,
        "CONNECT [a.test]:443 HTTP/1.1\r\n" HOST,
        "CONNECT [192.0.2.1]:443 HTTP/1.1\r\n" HOST,
        "CONNECT [[::1]]:443 HTTP/1.1\r\n" HOST,
        "CONNECT 127.1:443 HTTP/1.1\r\n" HOST,          /* what some resolvers take */
        "CONNECT 0x7f000001:443 HTTP/1.1\r\n" HOST,
        "CONNECT 2130706433:443 HTTP/1.1\r\n" HOST,
        "CONNECT a..test:443 HTTP/1.1\r\n" HOST,
        "CONNECT a%2etest:443 HTTP/1.1\r\n" HOST,
        "CONNECT m\xc3\xbcnchen.test:443 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 5\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\r\n\r\n",          /* RFC 9112 section 3.2: Host */
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "CONNECT  a.test:443 HTTP/1.1\r\n" HOST,
        "CONNECT a.test:443 HTTP/2.0\r\n" HOST,
        "CONNECT a.test:443\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\r\nX : y\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\r\nX: y\r\n z\r\n" HOST,
        "CONNECT a.test:443 HTTP/1.1\nX: y\r\n" HOST,
        "GET https://a.test/ HTTP/1.1\r\n" HOST,
        "GET ftp://a.test/ HTTP/1.1\r\n" HOST,
        "GET http://a.test/#x HTTP/1.1\r\n" HOST,
        "GET http://u:p@a.test/ HTTP/1.1\r\n" HOST,
        "GET http://[a.test]/ HTTP/1.1\r\n" HOST,
        "GET http:///x HTTP/1.1\r\n" HOST,
        "GET a.test HTTP/1.1\r\n" HOST,
        "HEAD * HTTP/1.1\r\n" HOST,
        "GET http://a.test/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" HOST,
        "GET http://a.test/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" HOST,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_case k = { bad[i], DOOR_BAD, BAD_400, 0, NULL, NULL };

        check_http(&open_gate, &k);
    }
}

static void http_refuses_within_its_own_tunnel(void **state)
{
    static const char *const inner[] = {
        "CONNECT a.test:443 HTTP/1.1\r\n" HOST,
        "GET http://a.test/ HTTP/1.1\r\n" HOST,
        "\x16\x03\x01",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        char said[512];
        struct http_case k = { said, DOOR_BAD, "HTTP/1.1 200 Connection Established\r\n\r\n"
                                               "HTTP/1.1 400 ", 0, NULL, NULL };

        snprintf(said, sizeof(said), "CONNECT midwatch.gate:80 HTTP/1.1\r\n" HOST "%s", inner[i]);
        check_http(&open_gate, &k);
    }
}

/* A client that never ends its line is told so at once if its first byte betrays it. */
static void http_knows_what_it_is_not(void **state)
{
    static const struct http_case cases[] = {
        { "\x16", DOOR_BAD, BAD_400, 0, NULL, NULL },
        { "\x05", DOOR_BAD, BAD_400, 0, NULL, NULL },
        { " ", DOOR_BAD, BAD_400, 0, NULL, NULL },
        { "\n", DOOR_BAD, BAD_400, 0, NULL, NULL },
        { "\r", DOOR_MORE, NULL, 0, NULL, NULL },
        { "CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r", DOOR_MORE, NULL, 0, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_case k = cases[i];

        if (k.state == DOOR_MORE)
            k.host = "";
        check_http(&open_gate, &k);
    }
}

static void http_bounds_the_head(void **state)
{
    CLEANUP(own_free) char *said = malloc(DOOR_MAX_BYTES + 64);
    struct http_case k = { said, DOOR_BAD, "HTTP/1.1 431 ", 0, NULL, NULL };
    int start;

    (void)state;
    assert_non_null(said);
    start = snprintf(said, 64, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nX: ");
    memset(said + start, 'a', (size_t)(DOOR_MAX_BYTES - start - 4));
    memcpy(said + DOOR_MAX_BYTES - 4, "\r\n\r\n", 5);
    k.state = DOOR_TUNNEL;                      /* exactly the limit */
    k.host = "a.test";
    k.port = 443;
    check_http(&open_gate, &k);
    memcpy(said + DOOR_MAX_BYTES - 4, "a\r\n\r\n", 6);
    k.state = DOOR_BAD;
    k.host = "HTTP/1.1 431 ";
    check_http(&open_gate, &k);
    memset(said + start, 'a', (size_t)(DOOR_MAX_BYTES + 60 - start));
    said[DOOR_MAX_BYTES + 60] = '\0';
    check_http(&open_gate, &k);
}

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void local_takes_what_it_should(void **state)
{
    static const struct {
        const char *said;
        enum door_state state;
        enum door_method method;
    } cases[] = {
        { "GET / HTTP/1.1\r\n" HOST, DOOR_LOCAL, DOOR_GET },
        { "HEAD / HTTP/1.1\r\n" HOST, DOOR_LOCAL, DOOR_HEAD },
        { "POST /.midwatch/continue/" TOKEN " HTTP/1.1\r\nContent-Length: 3\r\n" HOST "a=b",
          DOOR_LOCAL, DOOR_POST },
        { "POST /.midwatch/continue/" TOKEN " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST
          "1\r\na\r\n0\r\n\r\n", DOOR_LOCAL, DOOR_POST },
        { "POST /.midwatch/continue/" TOKEN "0 HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "POST /.midwatch/continue/" TOKEN "?a HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "POST /.midwatch/continue/G HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "POST / HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "OPTIONS * HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "DELETE /ca.pem HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },
        { "get / HTTP/1.1\r\n" HOST, DOOR_BAD, DOOR_GET },      /* methods mind their case */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_case k = { cases[i].said, cases[i].state, NULL, 0, NULL, "" };
        struct talk t;

        if (k.state == DOOR_BAD) {
            k.host = "HTTP/1.1 405 Method Not Allowed\r\n";
            k.rest = NULL;
        }
        check_http(&open_gate, &k);
        t = talk(&open_gate, GATE_ENTRANCE_HTTP, span_str(cases[i].said), 1);
        assert_int_equal(door_method(t.door), cases[i].method);
        if (k.state == DOOR_BAD)
            assert_non_null(strstr(talk_out(t.door), "\r\nAllow: GET, HEAD\r\n"));
        door_free(t.door);
    }
}

static void a_form_is_bounded(void **state)
{
    struct http_case k = { "POST /.midwatch/continue/" TOKEN " HTTP/1.1\r\n"
                           "Content-Length: 1025\r\n" HOST, DOOR_BAD, "HTTP/1.1 413 ", 0, NULL,
                           NULL };

    (void)state;
    check_http(&open_gate, &k);
}

/* ------------------------------------------------------------------------ sign-in ---- */

#define ALICE "Proxy-Authorization: Basic YWxpY2U6b3BlbjpzZXNhbWU=\r\n"
#define BOB   "Proxy-Authorization: basic Ym9iOg==\r\n"
#define EVE   "Proxy-Authorization: Basic ZXZlOng=\r\n"
#define TO_A  "CONNECT a.test:443 HTTP/1.1\r\n"
#define ASKED "HTTP/1.1 407 Proxy Authentication Required\r\n"

static size_t count(const char *in, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(in, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

static void http_asks_to_sign_in(void **state)
{
    static const struct {
        const char *said;
        enum door_state state;
        size_t asked;
        const char *user;
    } cases[] = {
        { TO_A ALICE HOST, DOOR_TUNNEL, 0, "alice" },
        { TO_A BOB HOST, DOOR_TUNNEL, 0, "bob" },
        { TO_A HOST, DOOR_MORE, 1, NULL },
        { TO_A EVE HOST TO_A BOB HOST, DOOR_TUNNEL, 1, "bob" },     /* on the same connection */
        { TO_A HOST "GET http://a.test/ HTTP/1.1\r\n" ALICE HOST, DOOR_REQUEST, 1, "alice" },
        { TO_A EVE HOST TO_A EVE HOST TO_A EVE HOST TO_A BOB HOST, DOOR_BAD, 3, NULL },
        { TO_A HOST TO_A HOST TO_A HOST TO_A HOST TO_A HOST TO_A HOST TO_A HOST TO_A HOST
          TO_A HOST TO_A ALICE HOST, DOOR_BAD, 9, NULL },
        { TO_A ALICE BOB HOST, DOOR_MORE, 1, NULL },
        { TO_A "Proxy-Authorization: Basic *\r\n" HOST, DOOR_MORE, 1, NULL },
        { TO_A "Proxy-Authorization: Basic\r\n" HOST, DOOR_MORE, 1, NULL },
        { TO_A "Proxy-Authorization: Basic Ym9i\r\n" HOST, DOOR_MORE, 1, NULL },
        { TO_A "Proxy-Authorization: Digest Ym9iOg==\r\n" HOST, DOOR_MORE, 1, NULL },
        { TO_A "Authorization: Basic Ym9iOg==\r\n" HOST, DOOR_MORE, 1, NULL },
        { "CONNECT a.test:443 HTTP/1.0\r\n\r\n", DOOR_BAD, 1, NULL },
        /* The body of what was refused is not to be read as a request. */
        { "POST http://a.test/ HTTP/1.1\r\nContent-Length: 9\r\n" HOST, DOOR_BAD, 1, NULL },
        /* What somebody needs before they can sign in. */
        { "GET /ca.pem HTTP/1.1\r\n" HOST, DOOR_LOCAL, 0, NULL },
        { "CONNECT midwatch.gate:80 HTTP/1.1\r\n" HOST "GET / HTTP/1.1\r\n" HOST, DOOR_LOCAL, 0,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].said);

        for (size_t step = 1; step <= len; step = step < 3 ? step + 1 : step == 3 ? len : len + 1) {
            struct talk t = talk(&users_gate, GATE_ENTRANCE_HTTP, span_str(cases[i].said), step);

            if (t.state != cases[i].state)
                fail_msg("%s: state %d", cases[i].said, t.state);
            assert_int_equal(count(talk_out(t.door), ASKED), cases[i].asked);
            assert_int_equal(count(talk_out(t.door), "\r\nProxy-Authenticate: Basic realm="),
                             cases[i].asked);
            assert_int_equal(count(talk_out(t.door), "\r\nConnection: close\r\n"),
                             cases[i].state == DOOR_BAD ? 1 : 0);
            if (cases[i].user == NULL)
                assert_null(door_user(t.door));
            else
                assert_string_equal(door_user(t.door), cases[i].user);
            door_free(t.door);
        }
    }
}

static void groups_are_known(void **state)
{
    struct talk t = talk(&users_gate, GATE_ENTRANCE_HTTP, SPAN_LIT(TO_A ALICE HOST), 7);

    (void)state;
    assert_string_equal(door_groups(t.door)[0], "staff");
    assert_string_equal(door_groups(t.door)[1], "finance");
    assert_null(door_groups(t.door)[2]);
    assert_int_equal(t.asked, 1);
    assert_null(door_question(t.door)); /* this one is the test's own, and none */
    door_free(t.door);
    t = talk(&open_gate, GATE_ENTRANCE_HTTP, SPAN_LIT(TO_A ALICE HOST), 7);
    assert_null(door_user(t.door));             /* nobody signs in where nobody is asked */
    assert_null(door_groups(t.door));
    door_free(t.door);
}

/* ------------------------------------------------------------------------ answers ---- */

static void accepting_says_so_once(void **state)
{
    struct talk t = talk(&open_gate, GATE_ENTRANCE_HTTP, SPAN_LIT(TO_A HOST), 100);

    (void)state;
    assert_int_equal(door_out(t.door).len, 0);
    door_accept(t.door);
    door_accept(t.door);
    door_refuse(t.door, DOOR_BY_POLICY, span_of(NULL, 0));
    assert_string_equal(talk_out(t.door), "HTTP/1.1 200 Connection Established\r\n\r\n");
    door_sent(t.door, 5);
    assert_memory_equal(door_out(t.door).data, "1.1 200", 7);
    door_free(t.door);
}

static void refusing_names_the_reason(void **state)
{
    static const struct {
        enum door_refusal why;
        const char *http, *error;
        uint8_t socks;
    } cases[] = {
        { DOOR_BY_POLICY, "HTTP/1.1 403 Forbidden\r\n", "error=http_request_denied", 2 },
        { DOOR_NO_NAME, "HTTP/1.1 502 Bad Gateway\r\n", "error=dns_error", 4 },
        { DOOR_UNREACHABLE, "HTTP/1.1 502 Bad Gateway\r\n", "error=destination_ip_unroutable", 3 },
        { DOOR_TIMED_OUT, "HTTP/1.1 504 Gateway Timeout\r\n", "error=connection_timeout", 6 },
        { DOOR_CONNECTION_REFUSED, "HTTP/1.1 502 Bad Gateway\r\n", "error=connection_refused", 5 },
        { DOOR_OVERLOADED, "HTTP/1.1 503 Service Unavailable\r\n", "\r\nRetry-After: 10\r\n", 1 },
    };
    static const char socks[] = "\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk t = talk(&open_gate, GATE_ENTRANCE_HTTP, SPAN_LIT(TO_A HOST), 100);

        door_refuse(t.door, cases[i].why, SPAN_LIT("<p>page"));
        assert_memory_equal(talk_out(t.door), cases[i].http, strlen(cases[i].http));
        assert_non_null(strstr(talk_out(t.door), cases[i].error));
        assert_non_null(strstr(talk_out(t.door), "\r\nContent-Type: text/html; charset=utf-8\r\n"));
        assert_non_null(strstr(talk_out(t.door), "\r\nConnection: close\r\n"));
        assert_non_null(strstr(talk_out(t.door), "\r\n\r\n<p>page"));
        door_free(t.door);

        t = talk(&open_gate, GATE_ENTRANCE_HTTP, SPAN_LIT("GET http://a.test/ HTTP/1.1\r\n" HOST),
                 100);
        door_refuse(t.door, cases[i].why, span_of(NULL, 0));
        assert_memory_equal(talk_out(t.door), cases[i].http, strlen(cases[i].http));
        assert_non_null(strstr(talk_out(t.door), "\r\nContent-Type: text/plain"));
        door_free(t.door);

        t = talk(&open_gate, GATE_ENTRANCE_SOCKS5, span_of(socks, sizeof(socks) - 1), 100);
        door_sent(t.door, 2);
        door_refuse(t.door, cases[i].why, SPAN_LIT("<p>page"));
        assert_int_equal(door_out(t.door).len, 10);
        assert_int_equal(door_out(t.door).data[1], cases[i].socks);
        door_free(t.door);
    }
}

static void a_door_is_for_proxies_only(void **state)
{
    struct door *d = NULL;

    (void)state;
    assert_int_equal(door_new(&d, GATE_ENTRANCE_TPROXY, &open_gate), -EINVAL);
    assert_null(d);
    door_free(d);
}

/* --------------------------------------------------------------------- destination ---- */

/* A connection that nobody redirected has no other destination: not one to be served.  The
 * redirected ones are route_test's. */
static void a_listener_is_no_destination(void **state)
{
    CLEANUP(own_close) int listening = -1, client = -1, accepted = -1;
    struct addr at, to;

    (void)state;
    at = addr_make(AF_INET, "\x7f\x00\x00\x01", 0);
    assert_int_equal(sock_listen(&listening, &at, 1), 0);
    assert_int_equal(sock_tcp_begin(&client, &at), 0);
    for (int i = 0; i < 1000 && accepted < 0; i++) {
        accepted = accept(listening, NULL, NULL);
        if (accepted < 0)
            usleep(1000);
    }
    assert_true(accepted >= 0);
    assert_int_equal(door_original(accepted, GATE_ENTRANCE_TPROXY, &to), -ELOOP);
    assert_true(door_original(accepted, GATE_ENTRANCE_REDIRECT, &to) < 0);
    assert_int_equal(door_original(accepted, GATE_ENTRANCE_HTTP, &to), -EINVAL);
    assert_int_equal(door_original(-1, GATE_ENTRANCE_TPROXY, &to), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_tells_where_to),
        cmocka_unit_test(http_refuses),
        cmocka_unit_test(http_refuses_within_its_own_tunnel),
        cmocka_unit_test(http_knows_what_it_is_not),
        cmocka_unit_test(http_bounds_the_head),
        cmocka_unit_test(local_takes_what_it_should),
        cmocka_unit_test(a_form_is_bounded),
        cmocka_unit_test(http_asks_to_sign_in),
        cmocka_unit_test(groups_are_known),
        cmocka_unit_test(accepting_says_so_once),
        cmocka_unit_test(refusing_names_the_reason),
        cmocka_unit_test(a_door_is_for_proxies_only),
        cmocka_unit_test(a_listener_is_no_destination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
