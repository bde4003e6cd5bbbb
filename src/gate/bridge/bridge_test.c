/* What all kinds promise, shown with raw bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "gate/bridge/bridge.h"

static struct bridge *raw_make(void)
{
    const struct bridge_options o = { .kind = BRIDGE_RAW };
    struct bridge *b = NULL;

    assert_int_equal(bridge_new(&b, &o), 0);
    return b;
}

/* Takes what is there for `to`, in sends of at most `step` bytes. */
static void take(struct bridge *b, enum bridge_side to, size_t step, struct buf *into)
{
    for (;;) {
        struct mw_span s = span_cut(bridge_out(b, to), 0, step);

        if (s.len == 0)
            return;
        buf_add(into, s);
        bridge_sent(b, to, s.len);
    }
}

static void bytes_pass_both_ways(void **state)
{
    struct bridge *b = raw_make();
    CLEANUP(buf_deinit) struct buf up = BUF_INIT(1000);
    CLEANUP(buf_deinit) struct buf down = BUF_INIT(1000);

    (void)state;
    assert_int_equal(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT("hel")), 0);
    assert_int_equal(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT("lo")), 0);
    assert_int_equal(bridge_feed(b, BRIDGE_SERVER, SPAN_LIT("world")), 0);
    take(b, BRIDGE_SERVER, 2, &up);
    take(b, BRIDGE_CLIENT, 100, &down);
    assert_true(span_eq(buf_span(&up), SPAN_LIT("hello")));
    assert_true(span_eq(buf_span(&down), SPAN_LIT("world")));
    assert_string_equal(bridge_protocol(b), "raw");
    assert_null(bridge_why(b, NULL));
    bridge_free(b);
}

static void a_half_close_goes_through(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        enum bridge_side quiet = first == 0 ? BRIDGE_CLIENT : BRIDGE_SERVER;
        enum bridge_side talks = first == 0 ? BRIDGE_SERVER : BRIDGE_CLIENT;
        struct bridge *b = raw_make();
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);

        assert_int_equal(bridge_feed(b, quiet, SPAN_LIT("last words")), 0);
        assert_int_equal(bridge_end(b, quiet, false), 0);
        assert_true(bridge_finished(b, talks) && !bridge_finished(b, quiet));
        assert_int_equal(bridge_room(b, quiet), 0);
        assert_int_equal(bridge_feed(b, talks, SPAN_LIT("a long answer")), 0);
        take(b, talks, 100, &got);
        take(b, quiet, 100, &got);
        assert_true(span_eq(buf_span(&got), SPAN_LIT("last wordsa long answer")));
        assert_false(bridge_over(b));
        assert_int_equal(bridge_end(b, talks, false), 0);
        assert_true(bridge_over(b) && bridge_finished(b, quiet));
        assert_null(bridge_why(b, NULL));
        bridge_free(b);
    }
}

static void a_cut_ends_both(void **state)
{
    struct bridge *b = raw_make();
    enum bridge_side by = BRIDGE_CLIENT;

    (void)state;
    assert_int_equal(bridge_feed(b, BRIDGE_SERVER, SPAN_LIT("half a")), 0);
    assert_int_equal(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT("never read")), 0);
    assert_int_equal(bridge_end(b, BRIDGE_SERVER, true), 0);
    assert_true(bridge_over(b));
    assert_non_null(bridge_why(b, &by));
    assert_int_equal(by, BRIDGE_SERVER);
    assert_true(span_eq(bridge_out(b, BRIDGE_CLIENT), SPAN_LIT("half a")));
    assert_int_equal(bridge_out(b, BRIDGE_SERVER).len, 0);
    assert_int_equal(bridge_feed(b, BRIDGE_CLIENT, SPAN_LIT("x")), 0);
    assert_int_equal(bridge_out(b, BRIDGE_SERVER).len, 0);
    bridge_free(b);
}

static void a_full_direction_says_so(void **state)
{
    static uint8_t bytes[10000];
    struct bridge *b = raw_make();
    size_t fed = 0, room;

    (void)state;
    while ((room = bridge_room(b, BRIDGE_CLIENT)) > 0) {
        room = room < sizeof(bytes) ? room : sizeof(bytes);
        assert_int_equal(bridge_feed(b, BRIDGE_CLIENT, span_of(bytes, room)), 0);
        fed += room;
    }
    assert_int_equal(fed, BRIDGE_HIGH_WATER);
    assert_int_equal(bridge_room(b, BRIDGE_SERVER), BRIDGE_HIGH_WATER);
    assert_true(bridge_out(b, BRIDGE_SERVER).len >= 16384); /* a TLS record is filled */
    bridge_sent(b, BRIDGE_SERVER, 5);
    assert_int_equal(bridge_room(b, BRIDGE_CLIENT), 5);
    bridge_free(b);
}

static void nothing_queued_is_nothing_held(void **state)
{
    struct queue q = QUEUE_INIT(100000);
    static const uint8_t bytes[50000];

    (void)state;
    assert_int_equal(queue_add(&q, span_of(bytes, sizeof(bytes))), 0);
    bridge_dropped(&q, 49999);
    assert_non_null(q.first);
    bridge_dropped(&q, 1);
    assert_null(q.first);
    assert_int_equal(queue_room(&q), 100000);
}

static void an_unknown_kind_is_refused(void **state)
{
    const struct bridge_options o = { .kind = (enum bridge_kind)99 };
    struct bridge *b = NULL;

    (void)state;
    assert_int_equal(bridge_new(&b, &o), -EINVAL);
    assert_null(b);
    bridge_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_both_ways),
        cmocka_unit_test(a_half_close_goes_through),
        cmocka_unit_test(a_cut_ends_both),
        cmocka_unit_test(a_full_direction_says_so),
        cmocka_unit_test(nothing_queued_is_nothing_held),
        cmocka_unit_test(an_unknown_kind_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
