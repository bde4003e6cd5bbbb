/* What dishonest peers do, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h2_peer.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* "big: " and as much behind it as makes it `size` bytes with the NUL. */
static void field_make(char *field, size_t size)
{
    snprintf(field, size, "big: %0*d", (int)size - 6, 0);
}

static struct peer *peer_of(struct talk *t, enum bridge_side side)
{
    return side == BRIDGE_CLIENT ? &t->client : &t->server;
}

/* It ends with GOAWAY ENHANCE_YOUR_CALM to whom it was, and this reason; memory stayed bounded. */
static void calmed(struct talk *t, enum bridge_side by, const char *why)
{
    enum bridge_side blamed;

    talk_run(t);
    assert_true(bridge_over(t->bridge));
    assert_non_null(bridge_why(t->bridge, &blamed));
    assert_string_equal(bridge_why(t->bridge, NULL), why);
    assert_int_equal(blamed, by);
    assert_int_equal(peer_of(t, by)->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(h2_memory_of(t->bridge)->peak <= H2_MEMORY_MAX);
    assert_true(bridge_idle(t->bridge));
    talk_end(t);
}

/* CVE-2023-44487. */
static void rapid_reset(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 250 && !bridge_over(t.bridge); i++) {
        int32_t id = talk_request(&t, "GET", "/", true, NULL);

        talk_run(&t);
        talk_reset(&t.client, talk_asked(&t, id), NGHTTP2_CANCEL);
    }
    assert_true(t.server.n <= 202);
    calmed(&t, BRIDGE_CLIENT,
           "HTTP/2: a flood of resets: far more streams than were let finish");
}

/* As many again as were let finish: a person who leaves pages early is no attack. */
static void resets_of_a_person(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    for (size_t i = 0; i < 120; i++) {
        int32_t keep = talk_request(&t, "GET", "/", true, NULL);
        int32_t drop = talk_request(&t, "GET", "/", true, NULL);

        talk_run(&t);
        talk_reset(&t.client, talk_asked(&t, drop), NGHTTP2_CANCEL);
        talk_respond(&t, talk_served(&t, 2 * i), FIELDS(":status: 200"), true);
        talk_run(&t);
        assert_true(talk_asked(&t, keep)->ended);
    }
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

/* CVE-2025-8671: the client makes us reset its streams instead. */
static void made_you_reset(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 250 && !bridge_over(t.bridge); i++) {
        int32_t id = talk_request(&t, "GET", "/", true, NULL);

        talk_run(&t);   /* a window over 2^31-1: a stream error of type FLOW_CONTROL_ERROR */
        talk_frame(&t.client, NGHTTP2_WINDOW_UPDATE, 0, id, SPAN_LIT("\x7f\xff\xff\xff"));
    }
    assert_true(t.server.n <= 202);
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_int_equal(t.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    talk_end(&t);
}

/* Streams the client gave up count until the server's side is over: it has no more work done for
 * it than twice its streams, even if the server is deaf to RST_STREAM. */
static void abandoned_streams_count(void **state)
{
    const struct bridge_options o = { .max_streams = 10 };
    struct talk t = { .no_tables = false };
    struct mw_span out;
    int32_t id = 0;

    (void)state;
    talk_begin(&t, &o);
    talk_run(&t);
    for (size_t i = 0; i < 40; i++) {
        id = talk_request(&t, "GET", "/", true, NULL);
        for (int turn = 0; turn < 2; turn++) {          /* the server's socket stands still */
            const uint8_t *data;
            ssize_t n = nghttp2_session_mem_send(t.client.session, &data);

            if (n > 0)
                assert_int_equal(bridge_feed(t.bridge, BRIDGE_CLIENT, span_of(data, (size_t)n)),
                                 0);
            while ((out = bridge_out(t.bridge, BRIDGE_CLIENT)).len > 0) {
                assert_true(nghttp2_session_mem_recv(t.client.session, out.data, out.len) >= 0);
                bridge_sent(t.bridge, BRIDGE_CLIENT, out.len);
            }
            if (turn == 0 && !talk_asked(&t, id)->closed)
                talk_reset(&t.client, talk_asked(&t, id), NGHTTP2_CANCEL);
        }
    }
    talk_run(&t);
    assert_true(t.server.n <= 40);
    assert_true(h2_memory_of(t.bridge)->peak < 300 * 1024);
    talk_end(&t);
}

static void flood(enum bridge_side by, uint8_t type, uint8_t flags, int32_t id,
                  struct mw_span payload, size_t frames, const char *why)
{
    struct talk t = { .no_tables = false };

    talk_begin(&t, NULL);
    talk_request(&t, "POST", "/", false, NULL);
    talk_run(&t);
    for (size_t i = 0; i < frames; i++)
        talk_frame(peer_of(&t, by), type, flags, id, payload);
    calmed(&t, by, why);
}

static void floods(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        enum bridge_side by = (enum bridge_side)i;

        flood(by, NGHTTP2_SETTINGS, 0, 0, SPAN_LIT(""), 100,
              "HTTP/2: a flood of SETTINGS frames");
        flood(by, NGHTTP2_PING, 0, 0, SPAN_LIT("12345678"), 300,
              "HTTP/2: a flood of PING frames");
        flood(by, NGHTTP2_WINDOW_UPDATE, 0, 0, SPAN_LIT("\0\0\0\1"), 2100,
              "HTTP/2: a flood of WINDOW_UPDATE frames");
        flood(by, NGHTTP2_WINDOW_UPDATE, 0, 1, SPAN_LIT("\0\0\0\1"), 2100,
              "HTTP/2: a flood of WINDOW_UPDATE frames");
        flood(by, 0xee, 0, 0, SPAN_LIT(""), 1100,
              "HTTP/2: a flood of frames without use");
        flood(by, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, SPAN_LIT("12345678"), 1100,
              "HTTP/2: a flood of frames without use");
    }
    flood(BRIDGE_CLIENT, NGHTTP2_DATA, 0, 1, SPAN_LIT(""), 200, "HTTP/2: a flood of empty frames");
    flood(BRIDGE_CLIENT, NGHTTP2_PRIORITY, 0, 1, SPAN_LIT("\0\0\0\0\1"), 1100,
          "HTTP/2: a flood of frames without use");
}

/* INITIAL_WINDOW_SIZE up and down is work for each stream. */
static void window_size_tricks(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    for (size_t i = 0; i < 100; i++)
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 100; i++)
        talk_frame(&t.client, NGHTTP2_SETTINGS, 0, 0,
                   i % 2 != 0 ? SPAN_LIT("\0\4\x7f\xff\xff\xff") : SPAN_LIT("\0\4\0\0\0\0"));
    calmed(&t, BRIDGE_CLIENT, "HTTP/2: a flood of SETTINGS frames");

    talk_begin(&t, NULL);
    talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    talk_frame(&t.client, NGHTTP2_SETTINGS, 0, 0, SPAN_LIT("\0\4\xff\xff\xff\xff"));
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_int_equal(t.client.goaway_code, NGHTTP2_FLOW_CONTROL_ERROR);
    talk_end(&t);
}

/* Keep-alive pings of a day on an idle connection: one a read. */
static void patient_pings(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 9000; i++) {
        assert_int_equal(nghttp2_submit_ping(t.client.session, 0, NULL), 0);
        talk_run(&t);
    }
    assert_int_equal(t.client.pongs, 9000);
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

/* Pings whose answers are never read: our queue is bounded before the meter's patience ends. */
static void unread_answers(void **state)
{
    static const uint8_t ping[] = { 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    struct talk t = { .no_tables = false };
    size_t before;

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    before = h2_memory_of(t.bridge)->used;
    for (size_t i = 0; i < 100000 && !bridge_over(t.bridge); i++)
        assert_int_equal(bridge_feed(t.bridge, BRIDGE_CLIENT, span_of(ping, sizeof ping)), 0);
    assert_true(bridge_over(t.bridge));
    assert_string_equal(bridge_why(t.bridge, NULL),
                        "HTTP/2: a flood of frames that ask for answers nobody reads");
    assert_true(h2_memory_of(t.bridge)->peak < before + 600 * 1024);
    talk_end(&t);
}

/* CVE-2024-27316. */
static void continuations(void **state)
{
    static uint8_t block[16384];
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    talk_frame(&t.client, NGHTTP2_HEADERS, 0, 1, SPAN_LIT("\x82\x87\x84\x41\x09site.test"));
    for (size_t i = 0; i < 9; i++)
        talk_frame(&t.client, NGHTTP2_CONTINUATION, 0, 1, SPAN_LIT("\x90"));
    calmed(&t, BRIDGE_CLIENT,
           "HTTP/2: a flood of CONTINUATION frames: more than 8 for one header block");

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = 0x90;        /* accept-encoding: gzip, deflate: 58 bytes of list each */
    talk_begin(&t, NULL);
    talk_run(&t);
    talk_frame(&t.client, NGHTTP2_HEADERS, 0, 1, span_of(block, sizeof block));
    for (size_t i = 0; i < 5; i++)
        talk_frame(&t.client, NGHTTP2_CONTINUATION, 0, 1, span_of(block, sizeof block));
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_int_equal(t.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(h2_memory_of(t.bridge)->peak < 300 * 1024);
    talk_end(&t);
}

/* A big field put into the table once and pointed at with one byte, again and again. */
static void hpack_bomb(void **state)
{
    struct talk t = { .no_tables = false };
    struct buf block = BUF_INIT(1 << 20);

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    buf_add(&block, SPAN_LIT("\x82\x87\x84\x41\x09site.test\x40\x01x\x7f\x81\x1d"));
    buf_fill(&block, 'a', 127 + 1 + 0x1d * 128);        /* fits a table of 4,096 bytes */
    buf_fill(&block, (char)0xbe, 9000);                 /* 62: the newest entry */
    talk_frame(&t.client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
               buf_span(&block));
    calmed(&t, BRIDGE_CLIENT, "HTTP/2: a header list of more than 1 MiB, packed small");
    buf_deinit(&block);
}

/* Too big, but no bomb: 431 for the client, 502 for what a server says; the others go on. */
static void heads_too_big(void **state)
{
    static char value[16000];
    const char *fields[6] = { value, value, value, value, value, NULL };
    const char *answer[7] = { ":status: 200", value, value, value, value, value, NULL };
    struct talk t = { .no_tables = false };
    struct peer_stream *asked, *served;

    (void)state;
    field_make(value, sizeof value);
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, fields));
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 431]") && asked->ended);
    assert_int_equal(t.server.n, 0);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    served = talk_served(&t, 0);
    talk_respond(&t, served, answer, true);
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 502]"));
    assert_false(bridge_over(t.bridge));
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 200]"));
    talk_end(&t);
}

/* Requests with large heads while the server's socket stands still: refused, to be tried again. */
static void heads_of_many_streams(void **state)
{
    static char value[14000];
    const char *fields[4] = { value, value, value, NULL };
    struct talk t = { .no_tables = false };
    struct mw_span out;
    const uint8_t *data;
    ssize_t n;
    size_t refused = 0;

    (void)state;
    field_make(value, sizeof value);
    talk_begin(&t, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 90; i++) {
        int32_t id = talk_request(&t, "GET", "/", true, fields);

        while ((n = nghttp2_session_mem_send(t.client.session, &data)) > 0)
            assert_int_equal(bridge_feed(t.bridge, BRIDGE_CLIENT, span_of(data, (size_t)n)), 0);
        while ((out = bridge_out(t.bridge, BRIDGE_CLIENT)).len > 0) {
            assert_true(nghttp2_session_mem_recv(t.client.session, out.data, out.len) >= 0);
            bridge_sent(t.bridge, BRIDGE_CLIENT, out.len);
        }
        refused += talk_asked(&t, id)->closed &&
                   talk_asked(&t, id)->code == NGHTTP2_REFUSED_STREAM;
    }
    assert_true(refused > 0);
    assert_true(h2_memory_of(t.bridge)->peak < H2_MEMORY_MAX);
    talk_run(&t);
    assert_int_equal(t.server.n + refused, 90);
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

/* A server whose answers' heads nobody reads is not read itself, and goes on afterwards. */
static void answers_nobody_reads(void **state)
{
    static char value[8000];
    const char *answer[5] = { ":status: 200", value, value, value, NULL };
    struct talk t = { .no_tables = false };
    const uint8_t *data;
    ssize_t n;

    (void)state;
    field_make(value, sizeof value);
    talk_begin(&t, NULL);
    for (size_t i = 0; i < 60; i++)
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 60; i++)
        talk_respond(&t, talk_served(&t, i), answer, true);
    while ((n = nghttp2_session_mem_send(t.server.session, &data)) > 0)
        buf_add(&t.server.raw, span_of(data, (size_t)n));
    for (size_t room; t.server.raw.len > 0 && (room = bridge_room(t.bridge, BRIDGE_SERVER)) > 0;) {
        room = room < t.server.raw.len ? room : t.server.raw.len;
        assert_int_equal(bridge_feed(t.bridge, BRIDGE_SERVER, span_of(t.server.raw.data, room)), 0);
        buf_drop(&t.server.raw, room);
    }
    assert_true(t.server.raw.len > 0);
    assert_int_equal(bridge_room(t.bridge, BRIDGE_SERVER), 0);
    assert_true(bridge_room(t.bridge, BRIDGE_CLIENT) > 0);
    assert_true(h2_memory_of(t.bridge)->peak < 700 * 1024);
    talk_run(&t);
    for (size_t i = 0; i < 60; i++)
        assert_true(t.client.streams[i]->ended);
    assert_true(bridge_idle(t.bridge));
    talk_end(&t);
}

/* Windows shut for good while bodies come: what is held is what the windows say. */
static void stalled_windows(void **state)
{
    static uint8_t big[100000];
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    t.client.slow = true;
    for (size_t i = 0; i < 20; i++)
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    for (size_t i = 0; i < 20; i++) {
        talk_respond(&t, talk_served(&t, i), FIELDS(":status: 200"), false);
        talk_say(&t.server, talk_served(&t, i), span_of(big, sizeof big), true, NULL);
    }
    talk_run(&t);
    /* The client took one connection window; held: the bridge's own towards the server, in pipes
     * that are at most twice as big as what is in them. */
    assert_true(h2_memory_of(t.bridge)->used < 2 * (size_t)H2_CONNECTION_WINDOW + 300 * 1024);
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

static void too_many_streams(void **state)
{
    const struct bridge_options o = { .max_streams = 5 };
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, &o);
    for (size_t i = 0; i < 8; i++)      /* before it heard of the limit */
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    assert_int_equal(t.server.n, 5);
    for (size_t i = 5; i < 8; i++)
        assert_int_equal(t.client.streams[i]->code, NGHTTP2_REFUSED_STREAM);
    assert_false(bridge_over(t.bridge));
    /* Afterwards it is a breach. */
    talk_frame(&t.client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 101,
               SPAN_LIT("\x82\x87\x84\x41\x09site.test"));
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_int_equal(t.client.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    talk_end(&t);
}

/* RFC 9113 section 8.4: we said ENABLE_PUSH 0. */
static void push(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;
    enum bridge_side by;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_frame(&t.server, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1,
               SPAN_LIT("\0\0\0\2\x82\x87\x84\x41\x09site.test"));
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_non_null(bridge_why(t.bridge, &by));
    assert_int_equal(by, BRIDGE_SERVER);
    assert_int_equal(t.server.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    assert_true(said(&asked->heads, "[:status 502]"));
    talk_end(&t);
}

static void no_preface(void **state)
{
    struct talk t = { .no_tables = false };

    (void)state;
    talk_begin(&t, NULL);
    assert_int_equal(bridge_feed(t.bridge, BRIDGE_CLIENT,
                                 SPAN_LIT("GET / HTTP/1.1\r\n\r\n________")), 0);
    assert_true(bridge_over(t.bridge));
    assert_string_equal(bridge_why(t.bridge, NULL),
                        "HTTP/2: it does not begin with the connection preface");
    talk_end(&t);
}

static void interim_flood(void **state)
{
    struct talk t = { .no_tables = false };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    for (size_t i = 0; i < 20; i++)
        talk_interim(&t, talk_served(&t, 0), FIELDS(":status: 103"));
    talk_run(&t);
    assert_true(asked->ended && said(&asked->heads, "[:status 502]"));
    assert_string_equal(bridge_why(t.bridge, NULL), "The server sent too many interim answers.");
    assert_true(talk_served(&t, 0)->closed);
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

/* What an open connection with nothing to do holds. */
static void an_idle_bridge(void **state)
{
    struct talk t = { .no_tables = false };
    size_t fresh;

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    fresh = h2_memory_of(t.bridge)->used;
    for (size_t i = 0; i < 100; i++) {
        int32_t id = talk_request(&t, "GET", "/some/path", true,
                                  FIELDS("user-agent: agent/1.0", "cookie: some=thing"));

        talk_run(&t);
        talk_respond(&t, talk_served(&t, i), FIELDS(":status: 200", "server: a server"), false);
        talk_say(&t.server, talk_served(&t, i), SPAN_LIT("hello"), true, NULL);
        talk_run(&t);
        assert_true(talk_asked(&t, id)->closed);
    }
    print_message("idle HTTP/2 bridge: %zu bytes when new, %zu after 100 exchanges, peak %zu\n",
                  fresh, h2_memory_of(t.bridge)->used, h2_memory_of(t.bridge)->peak);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rapid_reset),
        cmocka_unit_test(resets_of_a_person),
        cmocka_unit_test(made_you_reset),
        cmocka_unit_test(abandoned_streams_count),
        cmocka_unit_test(floods),
        cmocka_unit_test(window_size_tricks),
        cmocka_unit_test(patient_pings),
        cmocka_unit_test(unread_answers),
        cmocka_unit_test(continuations),
        cmocka_unit_test(hpack_bomb),
        cmocka_unit_test(heads_too_big),
        cmocka_unit_test(heads_of_many_streams),
        cmocka_unit_test(answers_nobody_reads),
        cmocka_unit_test(stalled_windows),
        cmocka_unit_test(too_many_streams),
        cmocka_unit_test(push),
        cmocka_unit_test(no_preface),
        cmocka_unit_test(interim_flood),
        cmocka_unit_test(an_idle_bridge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
