/* Conversations of honest peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h2_peer.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void get(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked, *served;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/a?b=c", true,
                                        FIELDS("accept: */*", "cookie: a=1", "cookie: b=2",
                                               "priority: u=1, i")));
    talk_run(&t);
    served = talk_served(&t, 0);
    assert_string_equal((char *)served->heads.data,
                        "[:method GET][:scheme https][:authority site.test][:path /a?b=c]"
                        "[accept */*][cookie a=1][cookie b=2][priority u=1, i]");
    assert_true(served->ended);
    talk_respond(&t, served, FIELDS(":status: 200", "content-length: 5", "x-a: b"), false);
    talk_say(&t.server, served, SPAN_LIT("hello"), true, NULL);
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data, "[:status 200][content-length 5][x-a b]");
    assert_string_equal((char *)asked->body.data, "hello");
    assert_true(asked->ended && asked->closed && served->closed);
    assert_int_equal(asked->code, NGHTTP2_NO_ERROR);
    assert_true(bridge_idle(t.bridge));
    assert_false(bridge_over(t.bridge));
    assert_null(bridge_why(t.bridge, NULL));
    assert_string_equal(bridge_protocol(t.bridge), "h2");
    assert_int_equal(bridge_counts(t.bridge).requests, 1);
    talk_end(&t);
}

static void bodies_both_ways(void **state)
{
    static uint8_t big[3000000];
    struct talk t = { .no_tables = false };
    struct peer_stream *asked, *served;

    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 31 + i / 1000);
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "POST", "/up", false, NULL));
    talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    served = talk_served(&t, 0);
    assert_int_equal(served->body.len, sizeof big);
    assert_memory_equal(served->body.data, big, sizeof big);
    assert_true(served->ended);
    talk_respond(&t, served, FIELDS(":status: 200"), false);
    talk_say(&t.server, served, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, sizeof big);
    assert_memory_equal(asked->body.data, big, sizeof big);
    assert_true(asked->closed && served->closed && bridge_idle(t.bridge));
    talk_end(&t);
}

/* RFC 9110 section 6.5; gRPC puts its status there, or in a head that is all there is. */
static void grpc(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked, *served;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "POST", "/pkg.Service/Method", false,
                                        FIELDS("te: trailers", "content-type: application/grpc")));
    talk_say(&t.client, asked, span_of("\0\0\0\0\2hi", 7), false, NULL);
    talk_run(&t);
    served = talk_served(&t, 0);
    assert_true(said(&served->heads, "[te trailers]"));
    assert_int_equal(served->body.len, 7);
    assert_false(served->ended);
    talk_respond(&t, served, FIELDS(":status: 200", "content-type: application/grpc"), false);
    talk_say(&t.server, served, span_of("\0\0\0\0\1a", 6), false, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, 6);       /* before the request has ended */
    talk_say(&t.client, asked, SPAN_LIT("more"), true, "client-says");
    talk_run(&t);
    assert_true(said(&served->heads, "[x-trailer client-says]") && served->ended);
    talk_say(&t.server, served, SPAN_LIT("rest"), true, "server-says");
    talk_run(&t);
    assert_true(said(&asked->heads, "[x-trailer server-says]") && asked->ended && asked->closed);
    assert_int_equal(asked->body.len, 10);

    asked = talk_asked(&t, talk_request(&t, "POST", "/pkg.Service/Fail", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200", "grpc-status: 5"), true);
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data, "[:status 200][grpc-status 5]");
    assert_true(asked->ended && asked->body.len == 0 && bridge_idle(t.bridge));
    talk_end(&t);
}

/* A head, no body at all, and trailers. */
static void trailers_without_a_body(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_run(&t);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT(""), true, "alone");
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data, "[:status 200][x-trailer alone]");
    assert_true(asked->ended && asked->closed && bridge_idle(t.bridge));
    talk_end(&t);
}

static void interim_answers(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, FIELDS("expect: 100-continue")));
    talk_run(&t);
    talk_interim(&t, talk_served(&t, 0), FIELDS(":status: 100"));
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data, "[:status 100]");
    talk_interim(&t, talk_served(&t, 0), FIELDS(":status: 103", "link: </a.css>"));
    talk_say(&t.client, asked, SPAN_LIT("body"), true, NULL);
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 204"), true);
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data,
                        "[:status 100][:status 103][link </a.css>][:status 204]");
    assert_int_equal(talk_served(&t, 0)->body.len, 4);
    assert_true(asked->closed && bridge_idle(t.bridge));
    talk_end(&t);
}

static void resets_pass(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_run(&t);
    talk_reset(&t.client, asked, NGHTTP2_CANCEL);
    talk_run(&t);
    assert_true(talk_served(&t, 0)->closed);
    assert_int_equal(talk_served(&t, 0)->code, NGHTTP2_CANCEL);

    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 1), SPAN_LIT("part"), false, NULL);
    talk_run(&t);
    talk_reset(&t.server, talk_served(&t, 1), NGHTTP2_HTTP_1_1_REQUIRED);
    talk_run(&t);
    assert_true(asked->closed && !asked->ended);
    assert_int_equal(asked->code, NGHTTP2_HTTP_1_1_REQUIRED);
    assert_true(bridge_idle(t.bridge) && !bridge_over(t.bridge));
    talk_end(&t);
}

/* RFC 9113 section 8.1: a whole response, then RST_STREAM NO_ERROR to stop the upload. */
static void early_response(void **state)
{
    static uint8_t big[300000];
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_run(&t);
    t.server.slow = true;
    talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 413"), false);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("too much"), true, NULL);
    talk_run(&t);
    assert_true(asked->ended && !asked->closed);
    talk_reset(&t.server, talk_served(&t, 0), NGHTTP2_NO_ERROR);
    talk_run(&t);
    assert_true(asked->closed);
    assert_int_equal(asked->code, NGHTTP2_NO_ERROR);
    assert_string_equal((char *)asked->body.data, "too much");
    assert_true(bridge_idle(t.bridge));

    /* What was dropped does not stay counted against the connection. */
    t.server.slow = false;
    assert_int_equal(nghttp2_session_consume_connection(t.server.session,
                                                        talk_served(&t, 0)->body.len), 0);
    asked = talk_asked(&t, talk_request(&t, "POST", "/again", false, NULL));
    talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(talk_served(&t, 1)->body.len, sizeof big);
    talk_end(&t);
}

/* One stream's reader sleeps; another stream's bytes go by. */
static void a_slow_stream_blocks_no_other(void **state)
{
    static uint8_t big[200000];
    struct talk t = { .no_tables = false };
    struct peer_stream *one, *two;

    (void)state;
    talk_begin(&t, NULL);
    one = talk_asked(&t, talk_request(&t, "GET", "/1", true, NULL));
    two = talk_asked(&t, talk_request(&t, "GET", "/2", true, NULL));
    talk_run(&t);
    t.client.slow = true;       /* its windows for stream 1 are used up; the connection's too */
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 0), span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(one->body.len, 65535);
    /* Held for stream 1: one window of the server's leg, and the bytes on their way. */
    assert_true(h2_memory_of(t.bridge)->used < 400 * 1024);
    t.client.slow = false;
    assert_int_equal(nghttp2_session_consume_connection(t.client.session, 65535), 0);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 1), span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(two->body.len, sizeof big);
    assert_true(two->closed);
    assert_int_equal(one->body.len, 65535);
    assert_int_equal(nghttp2_session_consume_stream(t.client.session, one->id, 65535), 0);
    talk_run(&t);
    assert_int_equal(one->body.len, sizeof big);
    assert_true(one->closed && bridge_idle(t.bridge));
    talk_end(&t);
}

static int32_t window_of(const struct talk *t, const struct peer_stream *s)
{
    return nghttp2_session_get_stream_remote_window_size(t->server.session, s->id);
}

/* A reader that takes what comes is sent more at once; one that stops holds what it was given, and
 * the growth of all streams together has its limit. */
static void windows_grow(void **state)
{
    static uint8_t big[2000000];
    struct talk t = { .no_tables = false };
    size_t sum = 0;

    (void)state;
    talk_begin(&t, NULL);
    assert_int_equal(nghttp2_submit_settings(t.client.session, 0, &(nghttp2_settings_entry){
                         NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24 }, 1), 0);
    assert_int_equal(nghttp2_session_set_local_window_size(t.client.session, 0, 0, 1 << 24), 0);
    talk_run(&t);
    for (size_t i = 0; i < 10; i++)
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 10; i++) {
        struct peer_stream *s = talk_served(&t, i);

        assert_int_equal(window_of(&t, s), 65535);
        talk_respond(&t, s, FIELDS(":status: 200"), false);
        talk_say(&t.server, s, span_of(big, sizeof big), false, NULL);
        talk_run(&t);
        sum += (size_t)nghttp2_session_get_stream_effective_local_window_size(
            ((const struct h2 *)t.bridge)->leg[BRIDGE_SERVER].session, s->id);
        if (i == 0)
            assert_in_range(sum, 300000, 65535 + H2_GROWTH_MAX);
    }
    assert_in_range(sum, 10 * 65535 + H2_GROWTH_MAX / 2, 10 * 65535 + H2_GROWTH_MAX);
    t.client.slow = true;
    for (size_t i = 0; i < 10; i++)     /* 20 MB for a connection window of 16 MiB */
        talk_say(&t.server, talk_served(&t, i), span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_true(h2_memory_of(t.bridge)->used < H2_CONNECTION_WINDOW + H2_GROWTH_MAX + 600 * 1024);
    assert_int_equal(((const struct h2 *)t.bridge)->leg[BRIDGE_SERVER].growth, sum - 10 * 65535);
    for (size_t i = 0; i < 10; i++)
        talk_reset(&t.client, t.client.streams[i], NGHTTP2_CANCEL);
    talk_run(&t);
    assert_int_equal(((const struct h2 *)t.bridge)->leg[BRIDGE_SERVER].growth, 0);
    talk_end(&t);
}

static void pings_and_settings(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    assert_int_equal(t.client.max_streams, 100);
    assert_int_equal(t.client.connect_protocol, 1);     /* the server offered it */
    assert_int_equal(nghttp2_submit_ping(t.client.session, 0, NULL), 0);
    assert_int_equal(nghttp2_submit_ping(t.server.session, 0, NULL), 0);
    talk_run(&t);
    assert_int_equal(t.client.pongs, 1);
    assert_int_equal(t.server.pongs, 1);
    assert_int_equal(nghttp2_session_get_remote_settings(t.server.session,
                                                         NGHTTP2_SETTINGS_ENABLE_PUSH), 0);
    /* A server that takes fewer streams: the client hears of it, and of more again. */
    assert_int_equal(nghttp2_submit_settings(t.server.session, 0, &(nghttp2_settings_entry){
                         NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7 }, 1), 0);
    talk_run(&t);
    assert_int_equal(t.client.max_streams, 7);
    assert_int_equal(nghttp2_submit_settings(t.server.session, 0, &(nghttp2_settings_entry){
                         NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 }, 1), 0);
    talk_run(&t);
    assert_int_equal(t.client.max_streams, 100);
    talk_end(&t);
}

static void goaway_of_the_server(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    assert_int_equal(nghttp2_submit_goaway(t.server.session, 0, 1, NGHTTP2_NO_ERROR, NULL, 0), 0);
    talk_run(&t);
    assert_int_equal(t.client.goaways, 1);
    assert_int_equal(t.client.goaway_last, 1);
    assert_false(bridge_over(t.bridge));
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(asked->ended && said(&asked->heads, "[:status 200]"));
    assert_true(bridge_finished(t.bridge, BRIDGE_CLIENT));
    assert_true(bridge_over(t.bridge));
    assert_null(bridge_why(t.bridge, NULL));
    talk_end(&t);
}

static void goaway_of_the_client(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    assert_int_equal(nghttp2_submit_goaway(t.client.session, 0, 0, NGHTTP2_NO_ERROR, NULL, 0), 0);
    talk_run(&t);
    assert_int_equal(t.server.goaways, 1);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(asked->ended);
    assert_true(bridge_over(t.bridge));
    talk_end(&t);
}

static void drain(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    bridge_drain(t.bridge);
    talk_run(&t);
    assert_int_equal(t.client.goaways, 2);      /* the notice and the last word */
    assert_int_equal(t.client.goaway_last, 1);  /* what crossed the notice is still served */
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(asked->ended);
    assert_true(bridge_over(t.bridge) && bridge_finished(t.bridge, BRIDGE_CLIENT) &&
                bridge_finished(t.bridge, BRIDGE_SERVER));
    assert_int_equal(t.server.goaways, 1);
    talk_end(&t);
}

static void the_server_is_gone(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *unanswered, *half;
    enum bridge_side by;

    (void)state;
    talk_begin(&t, NULL);
    unanswered = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    half = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 1), SPAN_LIT("part"), false, NULL);
    talk_run(&t);
    assert_int_equal(bridge_end(t.bridge, BRIDGE_SERVER, true), 0);
    talk_run(&t);
    assert_true(said(&unanswered->heads, "[:status 502]") && unanswered->ended);
    assert_true(half->closed && !half->ended);
    assert_int_equal(half->code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(t.client.goaways, 1);
    assert_true(bridge_over(t.bridge));
    assert_string_equal(bridge_why(t.bridge, &by), "HTTP/2: the connection was cut");
    assert_int_equal(by, BRIDGE_SERVER);
    talk_end(&t);
}

static void the_client_is_gone(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    assert_int_equal(bridge_end(t.bridge, BRIDGE_CLIENT, false), 0);
    talk_run(&t);
    assert_int_equal(t.server.goaways, 1);
    assert_true(bridge_over(t.bridge) && bridge_idle(t.bridge));
    talk_end(&t);
}

static void via(void **state)
{
    const struct bridge_options o = { .via = "gate.test" };
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, &o);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, FIELDS("via: 1.1 before.test")));
    talk_run(&t);
    assert_true(said(&talk_served(&t, 0)->heads, "[via 1.1 before.test][via 2 gate.test]"));
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(said(&asked->heads, "[via 2 gate.test]"));
    talk_end(&t);
}

/* An idle bridge gives back all its pages, as often as it gets there, and loses nothing by it. */
static void an_idle_one_holds_no_pages(void **state)
{
    static uint8_t big[100000];
    struct talk t = { 0 };

    (void)state;
    memset(big, 'b', sizeof big);
    talk_begin(&t, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 5; i++) {
        struct peer_stream *asked = talk_asked(&t, talk_request(&t, "POST", "/up", false, NULL));
        struct peer_stream *served;

        bridge_rest(t.bridge);  /* nothing happens: there is work */
        talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
        talk_run(&t);
        served = talk_served(&t, i);
        assert_int_equal(served->body.len, sizeof big);
        talk_respond(&t, served, FIELDS(":status: 200", "x-a: some value or other"), false);
        talk_run(&t);
        bridge_rest(t.bridge);
        talk_say(&t.server, served, SPAN_LIT("hello"), true, "end");
        talk_run(&t);
        assert_true(asked->ended);
        assert_true(said(&asked->heads, "[x-a some value or other]"));
        assert_true(said(&asked->heads, "[x-trailer end]"));
        assert_true(bridge_idle(t.bridge));
        assert_int_not_equal(h2_memory_full_pages(h2_memory_of(t.bridge)), 0);
        bridge_rest(t.bridge);
        assert_int_equal(h2_memory_full_pages(h2_memory_of(t.bridge)), 0);
        assert_in_range(h2_memory_of(t.bridge)->packed_size, 1, 4096);
    }
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

static void goes_to_rest(struct talk *t)
{
    talk_begin(t, NULL);
    talk_run(t);
    bridge_rest(t->bridge);
    assert_non_null(h2_memory_of(t->bridge)->packed);
    bridge_rest(t->bridge);
}

/* Whatever happens first after a rest finds all as it was. */
static void each_way_to_wake(void **state)
{
    struct talk t = { 0 };

    (void)state;
    goes_to_rest(&t);           /* nothing at all: it is freed so */
    talk_end(&t);
    for (int server = 0; server < 2; server++) {
        struct peer *p = server != 0 ? &t.server : &t.client;

        t = (struct talk){ 0 };
        goes_to_rest(&t);
        talk_frame(p, NGHTTP2_PING, 0, 0, SPAN_LIT("12345678"));
        talk_run(&t);
        assert_int_equal(p->pongs, 1);
        talk_end(&t);
        t = (struct talk){ 0 };
        goes_to_rest(&t);
        assert_int_equal(bridge_end(t.bridge, server != 0 ? BRIDGE_SERVER : BRIDGE_CLIENT, false),
                         0);
        talk_run(&t);
        assert_int_equal(server != 0 ? t.client.goaways : t.server.goaways, 1);
        assert_true(bridge_over(t.bridge));
        assert_null(bridge_why(t.bridge, NULL));
        talk_end(&t);
    }
    t = (struct talk){ 0 };
    goes_to_rest(&t);
    bridge_drain(t.bridge);
    talk_run(&t);
    assert_int_equal(t.client.goaways, 1);      /* enough for a client without streams */
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get),
        cmocka_unit_test(bodies_both_ways),
        cmocka_unit_test(grpc),
        cmocka_unit_test(trailers_without_a_body),
        cmocka_unit_test(interim_answers),
        cmocka_unit_test(resets_pass),
        cmocka_unit_test(early_response),
        cmocka_unit_test(a_slow_stream_blocks_no_other),
        cmocka_unit_test(windows_grow),
        cmocka_unit_test(pings_and_settings),
        cmocka_unit_test(goaway_of_the_server),
        cmocka_unit_test(goaway_of_the_client),
        cmocka_unit_test(drain),
        cmocka_unit_test(the_server_is_gone),
        cmocka_unit_test(the_client_is_gone),
        cmocka_unit_test(via),
        cmocka_unit_test(an_idle_one_holds_no_pages),
        cmocka_unit_test(each_way_to_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
