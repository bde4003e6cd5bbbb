/* What is let through HTTP/2 and what is not: rulings, malformed messages, content stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "content_stage.h"
#include "h2_peer.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct host {
    enum bridge_ruling ruling;
    char seen[256];
    unsigned wakes, blocks;
    const char *code;
};

static enum bridge_ruling on_request(void *context, const struct bridge_request *r,
                                     struct bridge_answer *answer)
{
    struct host *h = context;

    snprintf(h->seen, sizeof h->seen, "%.*s %.*s %.*s %.*s", (int)r->method.len, r->method.data,
             (int)r->scheme.len, r->scheme.data, (int)r->authority.len, r->authority.data,
             (int)r->path.len, r->path.data);
    *answer = (struct bridge_answer){ .status = 403, .body = SPAN_LIT("<p>no"),
                                      .type = "text/html" };
    return h->ruling;
}

static void on_block(void *context, const struct bridge_request *r,
                     const struct content_block *why, struct bridge_answer *answer)
{
    struct host *h = context;

    assert_true(r->method.len > 0);
    h->blocks++;
    h->code = why->code;
    *answer = (struct bridge_answer){ .status = why->status, .body = SPAN_LIT("<p>page"),
                                      .type = "text/html" };
}

static void on_wake(void *context)
{
    struct host *h = context;

    h->wakes++;
}

static const struct bridge_events events = {
    .on_request = on_request, .on_block = on_block, .on_wake = on_wake
};

static void begin(struct talk *t, struct host *host, const struct content_row *row)
{
    const struct bridge_options o = { .events = &events, .context = host, .stages = row };

    *host = (struct host){ .ruling = BRIDGE_GO };
    talk_begin(t, &o);
    talk_run(t);
}

static void rulings(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, NULL);
    talk_request(&t, "GET", "/x?y", true, FIELDS(":authority: SITE.test:8443"));
    talk_run(&t);
    assert_string_equal(host.seen, "GET https site.test:8443 /x?y");
    assert_true(said(&talk_served(&t, 0)->heads, "[:authority site.test:8443]"));

    host.ruling = BRIDGE_ANSWER;
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    assert_string_equal((char *)asked->heads.data, "[:status 403][content-length 5]"
                        "[cache-control no-store][content-type text/html]"
                        "[content-security-policy frame-ancestors 'none']");
    assert_string_equal((char *)asked->body.data, "<p>no");
    assert_true(asked->closed);
    assert_int_equal(bridge_counts(t.bridge).blocked, 1);

    asked = talk_asked(&t, talk_request(&t, "HEAD", "/", true, NULL));
    talk_run(&t);
    assert_true(said(&asked->heads, "[content-length 5]") && asked->closed);
    assert_int_equal(asked->body.len, 0);

    /* An upload that is refused: answered at once, then told to stop (RFC 9113 section 8.1). */
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_run(&t);
    assert_true(asked->ended && asked->closed);
    assert_int_equal(asked->code, NGHTTP2_NO_ERROR);

    host.ruling = BRIDGE_MISDIRECTED;
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, FIELDS(":authority: other.test")));
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 421]"));
    assert_int_equal(t.server.n, 1);
    assert_int_equal(bridge_counts(t.bridge).requests, 5);
    assert_null(bridge_why(t.bridge, NULL));
    talk_end(&t);
}

/* Refused with this status, and nothing of it reaches the server. */
static void refused(const char *const *fields, const char *status)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    begin(&t, &host, NULL);
    asked = talk_asked(&t, talk_request_raw(&t, fields, true));
    talk_run(&t);
    assert_int_equal(t.server.n, 0);
    assert_true(asked->closed);
    if (status != NULL) {
        assert_true(said(&asked->heads, status));
    } else {
        assert_int_equal(asked->heads.len, 0);
        assert_int_equal(asked->code, NGHTTP2_PROTOCOL_ERROR);
    }
    assert_non_null(bridge_why(t.bridge, NULL));
    assert_false(bridge_over(t.bridge));        /* only the stream */
    talk_end(&t);
}

#define GOOD ":method: GET", ":scheme: https", ":authority: site.test", ":path: /"

static void malformed_requests(void **state)
{
    static char path[9000];

    (void)state;
    snprintf(path, sizeof path, ":path: /%0*d", (int)sizeof path - 9, 0);
    refused(FIELDS(GOOD, "host: other.test"), "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: me@site.test", ":path: /"),
            "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test:other.test",
                   ":path: /"), "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test,other.test",
                   ":path: /"), "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test:99999", ":path: /"),
            "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test", ":path: /a#b"),
            "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: ftp", ":authority: site.test", ":path: /"),
            "[:status 400]");
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test", path),
            "[:status 414]");
    refused(FIELDS(":method: CONNECT", ":scheme: https", ":authority: site.test", ":path: /",
                   ":protocol: connect-udp"), "[:status 501]");
    /* nghttp2's part: RFC 9113 sections 8.2 and 8.3 */
    refused(FIELDS(GOOD, "connection: close"), NULL);
    refused(FIELDS(GOOD, "transfer-encoding: chunked"), NULL);
    refused(FIELDS(GOOD, "upgrade: h2c"), NULL);
    refused(FIELDS(GOOD, "te: gzip"), NULL);
    refused(FIELDS(GOOD, "bad name: x"), NULL);
    refused(FIELDS(GOOD, "x: a\nb: c"), NULL);
    refused(FIELDS(GOOD, "x:  leading"), NULL);
    refused(FIELDS(GOOD, ":path: /2"), NULL);
    refused(FIELDS("x: y", GOOD), NULL);
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test"), NULL);
    refused(FIELDS(":method: GET", ":scheme: https", ":path: /"), NULL);
    refused(FIELDS(":method: G T", ":scheme: https", ":authority: site.test", ":path: /"), NULL);
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test", ":path: x"), NULL);
    refused(FIELDS(":method: GET", ":scheme: https", ":authority: site.test", ":path: /a b"), NULL);
    refused(FIELDS(GOOD, "content-length: 5"), NULL);
    refused(FIELDS(GOOD, "content-length: 0", "content-length: 0"), NULL);
}

/* nghttp2 would not send this one: a field name in capitals (RFC 9113 section 8.2.1). */
static void capitals(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;

    (void)state;
    begin(&t, &host, NULL);
    talk_frame(&t.client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
               SPAN_LIT("\x82\x87\x84\x41\x09site.test\0\5Upper\4case"));
    talk_run(&t);
    assert_int_equal(t.server.n, 0);
    assert_non_null(bridge_why(t.bridge, NULL));
    talk_end(&t);
}

/* Only Host, as some clients that translate from HTTP/1.1: it becomes :authority. */
static void host_alone(void **state)
{
    struct talk t = { .no_tables = false };
    struct host host;

    (void)state;
    begin(&t, &host, NULL);
    talk_request_raw(&t, FIELDS(":method: GET", ":scheme: https", ":path: /", "host: Site.test"),
                     true);
    talk_run(&t);
    assert_string_equal((char *)talk_served(&t, 0)->heads.data,
                        "[:method GET][:scheme https][:authority site.test][:path /]");
    talk_end(&t);
}

static void malformed_response(const char *const *fields, bool end, struct mw_span body)
{
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    begin(&t, &host, NULL);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), fields, end);
    if (!end)
        talk_say(&t.server, talk_served(&t, 0), body, true, NULL);
    talk_run(&t);
    assert_true(asked->closed && !asked->ended);
    assert_int_not_equal(asked->code, NGHTTP2_NO_ERROR);
    assert_non_null(bridge_why(t.bridge, NULL));
    assert_false(bridge_over(t.bridge));
    talk_end(&t);
}

static void malformed_responses(void **state)
{
    (void)state;
    malformed_response(FIELDS(":status: 200", "connection: close"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: 200", "transfer-encoding: chunked"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: 200", "x: a\rb"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: 101"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: abc"), true, SPAN_LIT(""));
    malformed_response(FIELDS("x: y"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: 200", "content-length: 3"), true, SPAN_LIT(""));
    malformed_response(FIELDS(":status: 200", "content-length: 3"), false, SPAN_LIT("four"));
}

/* ------------------------------------------------------------------------- content stages ---- */

static void stages_delay_and_change(void **state)
{
    struct test_stage late = { .delay = 10 }, twice = { .twice = true, .claims = 1 << 20 };
    const struct content_stage a = test_stage(&late), b = test_stage(&twice);
    const struct content_stage *const stages[] = { &a, &b };
    const struct content_row row = { stages, 2 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, FIELDS("content-length: 6")));
    talk_say(&t.client, asked, SPAN_LIT("abcdef"), true, "trailing");
    talk_run(&t);
    assert_false(said(&talk_served(&t, 0)->heads, "content-length"));   /* it may change */
    assert_string_equal((char *)talk_served(&t, 0)->body.data, "aabbccddeeff");
    assert_true(said(&talk_served(&t, 0)->heads, "[x-trailer trailing]"));
    assert_true(talk_served(&t, 0)->ended);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT("0123456789xyz"), false, NULL);
    talk_run(&t);
    assert_string_equal((char *)asked->body.data, "001122");
    talk_say(&t.server, talk_served(&t, 0), SPAN_LIT(""), true, NULL);
    talk_run(&t);
    assert_string_equal((char *)asked->body.data, "00112233445566778899xxyyzz");
    assert_true(asked->ended && bridge_idle(t.bridge));
    assert_int_equal(late.open, 0);
    talk_end(&t);
}

static void stages_and_large_bodies(void **state)
{
    static uint8_t big[1000000];
    struct test_stage late = { .delay = 100000 }, twice = { .twice = true, .claims = 1 << 20 };
    const struct content_stage a = test_stage(&late), b = test_stage(&twice);
    const struct content_stage *const stages[] = { &a, &b };
    const struct content_row row = { stages, 2 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(talk_served(&t, 0)->body.len, 2 * sizeof big);
    assert_true(talk_served(&t, 0)->ended);
    assert_true(h2_memory_of(t.bridge)->peak < 1024 * 1024);
    talk_end(&t);
}

static void stages_stop(void **state)
{
    struct test_stage word = { .word = "virus", .delay = 4 };
    const struct content_stage a = test_stage(&word);
    const struct content_stage *const stages[] = { &a };
    const struct content_row row = { stages, 1 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, FIELDS("x-stop: 1")));
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 403]"));
    assert_string_equal((char *)asked->body.data, "<p>page");
    assert_string_equal(host.code, "field");
    assert_int_equal(t.server.n, 0);

    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_say(&t.client, asked, SPAN_LIT("a vir"), false, NULL);
    talk_run(&t);
    talk_say(&t.client, asked, SPAN_LIT("us"), false, NULL);
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 403]") && asked->closed);
    assert_string_equal((char *)talk_served(&t, 0)->body.data, "a");
    assert_true(talk_served(&t, 0)->closed && !talk_served(&t, 0)->ended);

    /* In an answer that has begun there is no room for a page. */
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 1), SPAN_LIT("here it is: virus"), false, NULL);
    talk_run(&t);
    assert_true(asked->closed && !asked->ended);
    assert_int_equal(asked->code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(host.blocks, 2);
    assert_int_equal(bridge_counts(t.bridge).blocked, 3);
    assert_int_equal(word.open, 0);
    assert_true(bridge_idle(t.bridge) && !bridge_over(t.bridge));
    talk_end(&t);
}

static void stages_hold(void **state)
{
    static uint8_t big[200000];
    struct test_stage held = { .hold = true, .claims = 1 << 20 };
    const struct content_stage a = test_stage(&held);
    const struct content_stage *const stages[] = { &a };
    const struct content_row row = { stages, 1 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request(&t, "POST", "/", false, NULL));
    talk_say(&t.client, asked, span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(t.server.n, 0);            /* the head is held, the body behind it */
    held.hold = false;
    content_wake(held.last);
    assert_int_equal(host.wakes, 1);
    talk_run(&t);
    assert_int_equal(talk_served(&t, 0)->body.len, sizeof big);
    assert_true(talk_served(&t, 0)->ended);

    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_run(&t);
    held.hold = true;
    talk_say(&t.server, talk_served(&t, 0), span_of(big, sizeof big), true, NULL);
    talk_run(&t);
    assert_int_equal(asked->body.len, 0);       /* a piece of the body is held */
    assert_true(h2_memory_of(t.bridge)->used < 250 * 1024);
    content_wake(held.last);                    /* not yet */
    talk_run(&t);
    assert_int_equal(asked->body.len, 0);
    held.hold = false;
    content_wake(held.last);
    talk_run(&t);
    assert_int_equal(asked->body.len, sizeof big);
    assert_true(asked->ended && bridge_idle(t.bridge));

    /* Given up while it is held. */
    held.hold = true;
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_reset(&t.client, asked, NGHTTP2_CANCEL);
    talk_run(&t);
    assert_int_equal(held.open, 0);
    assert_true(bridge_idle(t.bridge));
    talk_end(&t);
}

/* More than a connection may hold: heads of answers, each within its limit, that a stage sits on.
 * The connection ends, and says why; it is not our memory that ended. */
static void stages_hold_too_much(void **state)
{
    static char value[4][15000];
    const char *answer[] = { ":status: 200", value[0], value[1], value[2], value[3], NULL };
    struct test_stage held = { .hold = false };
    const struct content_stage a = test_stage(&held);
    const struct content_stage *const stages[] = { &a };
    const struct content_row row = { stages, 1 };
    struct talk t = { .no_tables = false };
    struct host host;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        snprintf(value[i], sizeof value[i], "x-%zu: %0*d", i, 14990, 0);
    begin(&t, &host, &row);
    for (size_t i = 0; i < 90; i++)
        talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    held.hold = true;
    for (size_t i = 0; i < 90; i++)
        talk_respond(&t, talk_served(&t, i), answer, true);
    talk_run(&t);
    assert_true(bridge_over(t.bridge));
    assert_string_equal(bridge_why(t.bridge, NULL),
                        "HTTP/2: what is under way needs more than 4 MiB");
    assert_true(h2_memory_of(t.bridge)->peak <= H2_MEMORY_MAX);
    talk_end(&t);
    assert_int_equal(held.open, 0);
}

static void a_broken_stage(void **state)
{
    struct test_stage broken = { .open_error = -5 };
    const struct content_stage a = test_stage(&broken);
    const struct content_stage *const stages[] = { &a };
    const struct content_row row = { stages, 1 };
    struct talk t = { .no_tables = false };
    struct host host;
    struct peer_stream *asked;

    (void)state;
    begin(&t, &host, &row);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    assert_true(said(&asked->heads, "[:status 502]"));
    assert_string_equal(host.code, "stage-failed");
    assert_int_equal(t.server.n, 0);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rulings),
        cmocka_unit_test(malformed_requests),
        cmocka_unit_test(capitals),
        cmocka_unit_test(host_alone),
        cmocka_unit_test(malformed_responses),
        cmocka_unit_test(stages_delay_and_change),
        cmocka_unit_test(stages_and_large_bodies),
        cmocka_unit_test(stages_stop),
        cmocka_unit_test(stages_hold),
        cmocka_unit_test(stages_hold_too_much),
        cmocka_unit_test(a_broken_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
