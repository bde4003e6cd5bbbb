/* Out of memory at any point of a conversation: it ends, and what was promised stays true. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc_fail.h"
#include "content_stage.h"
#include "gate/bridge/bridge.h"

struct said {
    enum bridge_side from;
    const char *text;           /* NULL: it ends */
};

struct talking {
    enum bridge_kind kind;
    const struct said *said;
    size_t n;
    bool second_hand;
};

static void on_origin(void *context, struct mw_span host, uint16_t port)
{
    struct bridge **b = context;

    (void)host;
    (void)port;
    bridge_origin(*b, NULL);
}

static void on_fresh(void *context)
{
    struct bridge **b = context;

    bridge_origin(*b, NULL);
}

/* Takes everything for both sides. */
static void take(struct bridge *b)
{
    for (enum bridge_side to = BRIDGE_CLIENT; to <= BRIDGE_SERVER; to++) {
        struct mw_span s;

        while ((s = bridge_out(b, to)).len > 0)
            bridge_sent(b, to, s.len);
    }
}

static bool run(void *context, size_t nth)
{
    static const struct bridge_events events = { .on_origin = on_origin, .on_fresh = on_fresh };
    static const struct content_limits limits = { 1000, 1000 };
    const struct talking *c = context;
    struct test_stage twice = { .twice = true, .delay = 2 };
    const struct content_stage limit = content_limits_stage(&limits), stage = test_stage(&twice);
    const struct content_stage *stages[] = { &limit, &stage };
    const struct content_row row = { stages, 2 };
    struct bridge *b = NULL;
    const struct bridge_options o = {
        .kind = c->kind, .events = &events, .context = &b, .stages = &row, .via = "gate",
        .second_hand = c->second_hand
    };
    bool failed, broken = false;
    int r;

    alloc_fail_arm(nth);
    r = bridge_new(&b, &o);
    assert_true(r == 0 || r == -ENOMEM);
    for (size_t i = 0; i < c->n && r == 0; i++) {
        struct mw_span text = span_str(c->said[i].text);

        while (r == 0 && text.len > 0 && bridge_room(b, c->said[i].from) > 0) {
            struct mw_span piece = span_cut(text, 0, 40);

            r = bridge_feed(b, c->said[i].from, piece);
            text = span_cut(text, piece.len, SIZE_MAX);
            take(b);
        }
        if (r == 0 && c->said[i].text == NULL)
            r = bridge_end(b, c->said[i].from, false);
    }
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (r == -ENOMEM && failed));
    if (b != NULL) {
        broken = bridge_over(b);
        assert_true(r == 0 || broken);          /* nothing half-done goes on */
        assert_true(r == 0 || bridge_why(b, NULL) != NULL);
        assert_true(failed || !broken);
        bridge_free(b);
    }
    assert_int_equal(twice.open, 0);
    return failed;
}

static void h1_conversation(void **state)
{
    static const struct said said[] = {
        { BRIDGE_CLIENT, "POST /a/long/enough/path HTTP/1.1\r\nHost: a\r\nX: y\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 1\r\n\r\n"
                         "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { BRIDGE_SERVER, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 2\r\n\r\n" },
        { BRIDGE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789" },
    };
    struct talking c = { BRIDGE_H1, said, ARRAY_LEN(said), false };

    (void)state;
    assert_true(alloc_fail_each(run, &c) > 15);
}

/* The server says 408 to a connection that was used before: the request is said again. */
static void asked_again(void **state)
{
    static const struct said said[] = {
        { BRIDGE_CLIENT, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { BRIDGE_SERVER, "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n" },
        { BRIDGE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789" },
    };
    struct talking c = { BRIDGE_H1, said, ARRAY_LEN(said), true };

    (void)state;
    assert_true(alloc_fail_each(run, &c) > 8);
}

static void plain_proxying(void **state)
{
    static const struct said said[] = {
        { BRIDGE_CLIENT, "POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                         "GET http://b.test/ HTTP/1.1\r\nHost: b\r\n\r\n" },
        { BRIDGE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
        { BRIDGE_SERVER, "HTTP/1.1 200 OK\r\n\r\nhello" },
        { BRIDGE_SERVER, NULL },
    };
    struct talking c = { BRIDGE_H1_PROXY, said, ARRAY_LEN(said), false };

    (void)state;
    assert_true(alloc_fail_each(run, &c) > 10);
}

static void raw_bytes(void **state)
{
    static const struct said said[] = {
        { BRIDGE_CLIENT, "hello" }, { BRIDGE_SERVER, "world" }
    };
    struct talking c = { BRIDGE_RAW, said, ARRAY_LEN(said), false };

    (void)state;
    assert_true(alloc_fail_each(run, &c) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_conversation),
        cmocka_unit_test(asked_again),
        cmocka_unit_test(plain_proxying),
        cmocka_unit_test(raw_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
