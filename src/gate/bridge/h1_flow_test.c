/* However bytes are cut, and however slowly they are taken: the same comes out, in bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"
#include "content_stage.h"
#include "gate/bridge/h1.h"
#include "http/request.h"
#include "http/response.h"

/* ------------------------------------------------------------------- conversations ---- */

struct turn {
    enum bridge_side from;
    const char *text;           /* NULL: it ends */
};

struct conversation {
    const char *name;
    struct turn turns[12];
    size_t n;
};

#define C(text) { BRIDGE_CLIENT, text }
#define S(text) { BRIDGE_SERVER, text }

static const struct conversation conversations[] = {
    { "plain",
      { C("GET /1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y \r\n\r\nhello"),
        C("HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n") },
      4 },
    { "chunks and trailers",
      { C("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "Expect: 100-continue\r\n\r\n"),
        S("HTTP/1.1 100 Continue\r\n\r\n"),
        C("5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nSum: 1\r\nHost: b\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n000\r\nSum: 2\r\n\r\n"),
        C("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\n\r\nuntil the end"), S(NULL) },
      7 },
    { "pipelined",
      { C("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\n"
          "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"),
        S("HTTP/1.1 204 OK\r\n\r\n"),
        S("HTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3"),
        C(NULL) },
      5 },
    { "early answer",
      { C("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234"),
        S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        C("56789GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") },
      4 },
    { "cut",
      { C("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nX") },
      2 },
    { "websocket",
      { C("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        S("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"),
        C("\x81\x82zzzz\x12\x13\x88\x80zzzz"), S("\x88\x01x") },
      4 },
};

/* One message off the front of *rest, without its chunks' borders; false: not whole. */
static bool canon_one(struct mw_span *rest, bool request, struct buf *out)
{
    struct http_head head;
    struct http_mark mark = { 0 };
    struct http_body body = { 0 };
    enum http_body_kind kind = HTTP_BODY_NONE;
    uint64_t length = 0;
    enum http_state state;
    struct mw_span piece, method, target;
    int minor, status = 0;

    if (http_head_read(&head, &mark, *rest) != HTTP_DONE)
        return false;
    assert_int_equal(http_head_frame(&head, &kind, &length), HTTP_E_OK);
    if (request)
        assert_true(http_request_line(head.start_line, &method, &target, &minor));
    else
        assert_true(http_status_line(head.start_line, &minor, &status, &piece));
    buf_add(out, span_cut(*rest, 0, head.len));
    *rest = span_cut(*rest, head.len, SIZE_MAX);
    if (kind == HTTP_BODY_NONE)
        return true;
    http_body_start(&body, kind, length);
    do {
        state = http_body_take(&body, rest, &piece);
        buf_add(out, piece);
    } while (state == HTTP_MORE && rest->len > 0);
    buf_add(out, buf_span(&body.trailer));
    buf_str(out, state == HTTP_DONE ? "|" : "~");
    http_body_deinit(&body);
    return state == HTTP_DONE;
}

/* What was said to one side, made comparable: chunks are cut as bytes come. */
static void canon(const struct buf *got, bool request, struct buf *out)
{
    struct mw_span rest = buf_span(got);

    while (rest.len > 0 && (rest.data[0] == 'G' || rest.data[0] == 'P' || rest.data[0] == 'H') &&
           canon_one(&rest, request, out))
        continue;
    buf_add(out, rest);
}

struct outcome {
    struct buf to[2];
    bool over;
};

/* step 0: whole turns, but for a cut at `at` of all that is said.  seed: random steps. */
static void converse(const struct conversation *c, size_t at, size_t step, unsigned seed,
                     struct outcome *out)
{
    struct talk t;
    size_t said = 0;

    talk_start(&t, BRIDGE_H1, NULL);
    for (size_t i = 0; i < c->n; i++) {
        struct mw_span text = span_str(c->turns[i].text);

        if (c->turns[i].text == NULL) {
            talk_end(&t, c->turns[i].from, false);
            continue;
        }
        while (text.len > 0) {
            size_t n = step > 0 ? step : text.len;

            if (seed > 0)
                n = 1 + (seed = seed * 1103515245 + 12345) / 65536 % 20;
            else if (step == 0 && at > said && at < said + text.len)
                n = at - said;
            n = n < text.len ? n : text.len;
            assert_int_equal(talk_say(&t, c->turns[i].from, span_cut(text, 0, n)), 0);
            said += n;
            text = span_cut(text, n, SIZE_MAX);
        }
    }
    *out = (struct outcome){ .to = { BUF_INIT(1 << 16), BUF_INIT(1 << 16) },
                             .over = bridge_over(t.b) };
    canon(&t.got[BRIDGE_CLIENT], false, &out->to[BRIDGE_CLIENT]);
    canon(&t.got[BRIDGE_SERVER], true, &out->to[BRIDGE_SERVER]);
    talk_stop(&t);
}

static void same(const struct conversation *c, const struct outcome *want, size_t at, size_t step,
                 unsigned seed)
{
    struct outcome got;

    converse(c, at, step, seed, &got);
    for (int side = 0; side < 2; side++) {
        if (!span_eq(buf_span(&got.to[side]), buf_span(&want->to[side])))
            fail_msg("%s, cut at %zu, step %zu, seed %u: wanted\n%s\ngot\n%s", c->name, at, step,
                     seed, (const char *)want->to[side].data, (const char *)got.to[side].data);
        buf_deinit(&got.to[side]);
    }
    assert_int_equal(got.over, want->over);
}

static void every_cut_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++) {
        const struct conversation *c = &conversations[i];
        struct outcome want;
        size_t all = 0;

        converse(c, 0, 0, 0, &want);
        assert_true(want.to[0].len > 20 && want.to[1].len > 20);
        for (size_t k = 0; k < c->n; k++)
            all += c->turns[k].text != NULL ? strlen(c->turns[k].text) : 0;
        for (size_t at = 1; at < all; at++)
            same(c, &want, at, 0, 0);
        for (size_t step = 1; step < 9; step++)
            same(c, &want, 0, step, 0);
        for (unsigned seed = 1; seed < 100; seed++)
            same(c, &want, 0, 0, seed);
        buf_deinit(&want.to[0]);
        buf_deinit(&want.to[1]);
    }
}

/* ---------------------------------------------------------------------- pressure ---- */

static const struct h1 *inside(const struct talk *t)
{
    return (const struct h1 *)t->b;
}

static void a_slow_reader_stops_the_other_side(void **state)
{
    static const char post[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 41943040\r\n\r\n";
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 41943040\r\n\r\n";
    static uint8_t block[50000];
    enum { ALL = 40 << 20 };

    (void)state;
    for (int upload = 0; upload < 2; upload++) {
        enum bridge_side from = upload == 1 ? BRIDGE_CLIENT : BRIDGE_SERVER;
        enum bridge_side to = upload == 1 ? BRIDGE_SERVER : BRIDGE_CLIENT;
        struct talk t;
        size_t passed = 0;

        talk_start(&t, BRIDGE_H1, NULL);
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, SPAN_LIT(post)), 0);
        if (upload == 0)
            assert_int_equal(talk_say(&t, BRIDGE_SERVER, SPAN_LIT(ok)), 0);
        for (size_t said = 0; said < ALL;) {
            size_t before, room = bridge_room(t.b, from);
            struct mw_span piece = span_of(block, sizeof(block) < ALL - said ? sizeof(block)
                                                                             : ALL - said);

            t.stuck[to] = true;
            before = talk_say(&t, from, piece);
            said += piece.len - before;
            assert_true(inside(&t)->to[to].len <= BRIDGE_HIGH_WATER + 1000);
            assert_null(inside(&t)->from[from].kept.data);
            if (before == 0)
                continue;
            assert_int_equal(bridge_room(t.b, from), 0);
            assert_true(room < sizeof(block));
            /* chunks are full, so that TLS records are */
            assert_true(bridge_out(t.b, to).len >= 15000);
            t.stuck[to] = false;
            talk_take(&t);
            passed += t.got[to].len;
            buf_truncate(&t.got[to], 0);
            assert_int_equal(bridge_room(t.b, from), BRIDGE_HIGH_WATER);
        }
        t.stuck[to] = false;
        talk_take(&t);
        passed += t.got[to].len;
        assert_true(passed >= ALL && passed < ALL + 200);
        talk_stop(&t);
    }
}

/* A client that asks and asks, and never reads what we answer. */
static void answers_of_ours_are_bounded_too(void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct talk t;
    size_t fed = 0;

    (void)state;
    talk_start(&t, BRIDGE_H1, NULL);
    t.ruling = BRIDGE_ANSWER;
    t.stuck[BRIDGE_CLIENT] = true;
    while (talk_say(&t, BRIDGE_CLIENT, SPAN_LIT(get)) == 0 && fed++ < 100000)
        continue;
    assert_true(fed < 20000);
    assert_true(inside(&t)->to[BRIDGE_CLIENT].len < BRIDGE_HIGH_WATER + 1000);
    t.stuck[BRIDGE_CLIENT] = false;
    talk_take(&t);
    /* all that were taken are answered once it reads */
    assert_int_equal(bridge_counts(t.b).blocked, t.asked);
    assert_true(t.asked >= fed);
    talk_stop(&t);
}

static void an_idle_bridge_holds_nothing(void **state)
{
    static const char post[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n0\r\nSum: 1\r\n\r\n";
    static const char ok[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3\r\nabc\r\n0\r\nSum: 2\r\n\r\n";
    static const struct content_limits limits = { 1000, 1000 };
    struct content_stage stage = content_limits_stage(&limits);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    assert_true(sizeof(struct h1) <= 1200);
    talk_start(&t, BRIDGE_H1, &row);
    for (int i = 0; i < 3; i++) {
        const struct h1 *h = inside(&t);

        t.step = i == 1 ? 1 : 0;
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, SPAN_LIT(post)), 0);
        assert_int_equal(talk_say(&t, BRIDGE_SERVER, SPAN_LIT(ok)), 0);
        assert_true(bridge_idle(t.b));
        assert_null(h->x);
        assert_null(h->asked.text.data);
        for (int side = 0; side < 2; side++) {
            assert_null(h->to[side].first);
            assert_null(h->from[side].kept.data);
            assert_null(h->from[side].body.trailer.data);
        }
    }
    talk_stop(&t);
}

static void a_head_that_trickles_in_is_read_once(void **state)
{
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(1 << 17);
    struct talk t;

    (void)state;
    buf_str(&head, "GET / HTTP/1.1\r\nHost: a\r\nCookie: ");
    buf_fill(&head, 'x', HTTP_MAX_HEAD - head.len - 4);
    buf_str(&head, "\r\n\r\n");
    talk_start(&t, BRIDGE_H1, NULL);
    t.step = 1;
    for (size_t at = 0; at < head.len; at++) {
        assert_true(bridge_room(t.b, BRIDGE_CLIENT) > 0);
        assert_int_equal(talk_say(&t, BRIDGE_CLIENT, span_cut(buf_span(&head), at, 1)), 0);
        /* what was looked at is not looked at again: 64 KiB a byte at a time is no attack */
        assert_true(at + 1 == head.len ||
                    inside(&t)->from[BRIDGE_CLIENT].mark.seen + 1 >= at ||
                    inside(&t)->from[BRIDGE_CLIENT].mark.at + 1 >= at);
    }
    assert_int_equal(t.got[BRIDGE_SERVER].len, head.len);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(a_slow_reader_stops_the_other_side),
        cmocka_unit_test(answers_of_ours_are_bounded_too),
        cmocka_unit_test(an_idle_bridge_holds_nothing),
        cmocka_unit_test(a_head_that_trickles_in_is_read_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
