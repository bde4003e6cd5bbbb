/* Every allocation fails once in a conversation over HTTP/2: the bridge says so and is over, and
 * nothing leaks.  The conversation is held once, taken down, and played again for each failure. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/reader.h"
#include "content_stage.h"
#include "h2_peer.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct test_stage late = { .delay = 3 };

static const struct bridge_options *options(void)
{
    static struct content_stage stage;
    static const struct content_stage *stages[] = { &stage };
    static const struct content_row row = { stages, 1 };
    static const struct bridge_options o = { .kind = BRIDGE_H2, .stages = &row,
                                             .via = "gate.test" };

    stage = test_stage(&late);
    return &o;
}

static void converse(struct buf *tape)
{
    static uint8_t body[40000];
    struct talk t = { .tape = tape };
    struct peer_stream *post, *socket;

    talk_begin(&t, options());
    talk_run(&t);
    post = talk_asked(&t, talk_request(&t, "POST", "/", false, FIELDS("accept: */*")));
    talk_say(&t.client, post, span_of(body, sizeof body), true, "trailing");
    socket = talk_asked(&t, talk_request_raw(&t, FIELDS(":method: CONNECT", ":scheme: https",
                                                        ":authority: site.test", ":path: /chat",
                                                        ":protocol: websocket"), false));
    talk_say(&t.client, socket, SPAN_LIT("\x81\x81\1\2\3\4x"), false, NULL);
    talk_request(&t, "GET", "/bad#path", true, NULL);
    talk_run(&t);
    talk_interim(&t, talk_served(&t, 0), FIELDS(":status: 103", "link: x"));
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 0), span_of(body, sizeof body), true, "bye");
    talk_respond(&t, talk_served(&t, 1), FIELDS(":status: 200"), false);
    talk_say(&t.server, talk_served(&t, 1), SPAN_LIT("\x81\1x\xc1\1x"), false, NULL);
    talk_run(&t);
    assert_true(post->closed && socket->closed);
    talk_request(&t, "GET", "/", true, NULL);
    talk_run(&t);
    assert_int_equal(nghttp2_submit_goaway(t.server.session, 0, 5, NGHTTP2_NO_ERROR, NULL, 0), 0);
    talk_run(&t);
    talk_end(&t);
}

/* What the bridge says is thrown away. */
static void throw_away(struct bridge *b)
{
    for (int side = 0; side < 2; side++)
        for (struct mw_span out; (out = bridge_out(b, (enum bridge_side)side)).len > 0;)
            bridge_sent(b, (enum bridge_side)side, out.len);
}

static bool play(void *context, size_t nth)
{
    struct reader tape = { .rest = *(struct mw_span *)context };
    struct bridge *b = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = bridge_new(&b, options());
    while (r == 0 && read_more(&tape)) {
        enum bridge_side side = (enum bridge_side)read_u8(&tape);
        struct mw_span piece = read_bytes(&tape, read_u32(&tape));

        r = bridge_feed(b, side, piece);
        throw_away(b);
    }
    if (r == 0)
        r = bridge_end(b, BRIDGE_SERVER, true);
    failed = alloc_fail_disarm();
    /* One that failed in bridge_sent() is told by the next call. */
    assert_true(failed || r == 0);
    assert_true(r == 0 || r == -ENOMEM);
    if (b != NULL && failed) {
        r = r == 0 ? bridge_end(b, BRIDGE_CLIENT, true) : r;
        /* The stage of the tests blocks when its own memory ends. */
        assert_true(r == -ENOMEM || bridge_counts(b).blocked == 1);
        assert_true(bridge_over(b));
        assert_non_null(bridge_why(b, NULL));
    }
    bridge_free(b);
    assert_int_equal(late.open, 0);
    return failed;
}

static void each_allocation(void **state)
{
    struct buf tape = BUF_INIT(1 << 20);
    struct mw_span bytes;

    (void)state;
    converse(&tape);
    bytes = buf_span(&tape);
    assert_true(alloc_fail_each(play, &bytes) > 100);
    buf_deinit(&tape);
}

/* No memory to pack into: then it does not rest, and goes on. */
static void resting_needs_none(void **state)
{
    struct talk t = { 0 };
    struct peer_stream *asked;

    (void)state;
    talk_begin(&t, NULL);
    talk_run(&t);
    alloc_fail_arm(1);
    bridge_rest(t.bridge);
    assert_true(alloc_fail_disarm());
    assert_null(h2_memory_of(t.bridge)->packed);
    asked = talk_asked(&t, talk_request(&t, "GET", "/", true, NULL));
    talk_run(&t);
    talk_respond(&t, talk_served(&t, 0), FIELDS(":status: 200"), true);
    talk_run(&t);
    assert_true(asked->ended);
    bridge_rest(t.bridge);
    assert_non_null(h2_memory_of(t.bridge)->packed);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation),
        cmocka_unit_test(resting_needs_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
