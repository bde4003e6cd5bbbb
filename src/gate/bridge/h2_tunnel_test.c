/* Tunnels over HTTP/2: WebSocket (RFC 8441), and a plain CONNECT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "content_stage.h"
#include "h2_peer.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct host {
    bool upgrade;
};

static enum bridge_ruling on_request(void *context, const struct bridge_request *r,
                                     struct bridge_answer *answer)
{
    struct host *h = context;

    (void)answer;
    h->upgrade = r->upgrade;
    return BRIDGE_GO;
}

static const struct bridge_events events = { .on_request = on_request };

static void begin(struct talk *t, struct host *host, const struct content_row *row)
{
    const struct bridge_options o = { .events = &events, .context = host, .stages = row };

    *host = (struct host){ .upgrade = false };
    talk_begin(t, &o);
    talk_run(t);
}

#define SOCKET ":method: CONNECT", ":scheme: https", ":authority: site.test", ":path: /chat", \
               ":protocol: websocket"

static void websocket_talk(struct talk *t, struct host *host, struct peer_stream **asked,
                           const char *extensions)
{
    begin(t, host, NULL);
    *asked = talk_asked(t, talk_request_raw(t, FIELDS(SOCKET, "sec-websocket-version: 13"), false));
    talk_say(&t->client, *asked, SPAN_LIT("\x81\x81\1\2\3\4x"), false, NULL);   /* too early */
    talk_run(t);
    assert_true(host->upgrade);
    assert_true(said(&talk_served(t, 0)->heads, "[:protocol websocket]"));
    assert_int_equal(talk_served(t, 0)->body.len, 0);
    talk_respond(t, talk_served(t, 0), FIELDS(":status: 200", extensions), false);
    talk_run(t);
    assert_int_equal(talk_served(t, 0)->body.len, 7);
}

static void websocket_passes(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    websocket_talk(&t, &host, &asked, "sec-websocket-extensions: permessage-deflate");
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("\xc1\x02hi"), false, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, 4);
    talk_say(&t.client, asked, SPAN_LIT("\x88\x80\1\2\3\4"), true, NULL);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("\x88\0"), true, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, 6);
    assert_int_equal(talk_served(&t, 0)->body.len, 13);
    assert_true(asked->closed && asked->ended && talk_served(&t, 0)->ended);
    assert_null(bridge_why(t.bridge, NULL));
    assert_true(bridge_idle(t.bridge));
    talk_end(&t);
}

/* A violation: both hear 1002, and the streams end. */
static void websocket_violation(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;
    enum bridge_side by;

    (void)state;
    websocket_talk(&t, &host, &asked, "x: y");
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("\x81\x02hi\xc1\x02hi"), false, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, 8);
    assert_memory_equal(asked->body.data, "\x81\x02hi\x88\x02\x03\xea", 8);
    assert_memory_equal(talk_served(&t, 0)->body.data + 7, "\x88\x82\0\0\0\0\x03\xea", 8);
    assert_true(asked->ended && asked->closed);
    assert_true(talk_served(&t, 0)->ended && talk_served(&t, 0)->closed);
    assert_string_equal(bridge_why(t.bridge, &by), "a reserved bit that no extension explains");
    assert_int_equal(by, BRIDGE_SERVER);
    assert_true(bridge_idle(t.bridge) && !bridge_over(t.bridge));
    talk_end(&t);
}

static void websocket_violation_inside_a_frame(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    websocket_talk(&t, &host, &asked, "x: y");
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("\x81\x05hi"), false, NULL);
    talk_run(&t);
    talk_say(&t.client, asked, SPAN_LIT("\x81\x01x"), false, NULL);
    talk_run(&t);
    assert_true(asked->closed && !asked->ended);        /* a Close would have been payload */
    assert_int_equal(asked->code, NGHTTP2_CANCEL);
    assert_memory_equal(talk_served(&t, 0)->body.data + 7, "\x88\x82\0\0\0\0\x03\xea", 8);
    assert_true(bridge_idle(t.bridge));
    talk_end(&t);
}

static void websocket_refused(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, NULL);
    asked = talk_asked(&t, talk_request_raw(&t, FIELDS(SOCKET), false));
    talk_say(&t.client, asked, SPAN_LIT("early bytes"), false, NULL);
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 403"), false);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("no frames, a page"), true, NULL);
    talk_run(&t);
    talk_say(&t.client, asked, SPAN_LIT("more"), true, NULL);
    talk_run(&t);
    assert_string_equal((char *)asked->body.data, "no frames, a page");
    assert_int_equal(talk_served(&t, 0)->body.len, 0);
    assert_true(asked->closed && talk_served(&t, 0)->ended && bridge_idle(t.bridge));
    talk_end(&t);
}

/* Stages see its head and its answer, and not one byte of the tunnel. */
static void websocket_and_stages(void **state)
{
    struct test_stage word = { .word = "hi", .delay = 100 };
    const struct content_stage a = test_stage(&word);
    const struct content_stage *const stages[] = { &a };
    const struct content_row row = { stages, 1 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request_raw(&t, FIELDS(SOCKET), false));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("\x81\x02hi"), false, NULL);
    talk_run(&t);
    assert_int_equal(word.heads, 2);
    assert_int_equal(word.open, 0);
    assert_int_equal(asked->body.len, 4);
    talk_end(&t);
}

/* RFC 9113 section 8.5: bytes both ways once the answer is good. */
static void plain_connect(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, NULL);
    asked = talk_asked(&t, talk_request_raw(&t, FIELDS(":method: CONNECT",
                                                       ":authority: deep.test:443"), false));
    talk_run(&t);
    assert_string_equal((char *)talk_served(&t, 0)->heads.data,
                        "[:method CONNECT][:authority deep.test:443]");
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_say(&t.client, asked, SPAN_LIT("ping"), false, NULL);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("pong"), false, NULL);
    talk_run(&t);
    assert_string_equal((char *)asked->body.data, "pong");
    assert_string_equal((char *)talk_served(&t, 0)->body.data, "ping");
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(websocket_passes),
        cmocka_unit_test(websocket_violation),
        cmocka_unit_test(websocket_violation_inside_a_frame),
        cmocka_unit_test(websocket_refused),
        cmocka_unit_test(websocket_and_stages),
        cmocka_unit_test(plain_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
