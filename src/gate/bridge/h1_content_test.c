/* Content stages on HTTP/1.1: what they hold waits, what they stop is a page or a cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge_talk.h"
#include "content_stage.h"

#define CLIENT(t, text) assert_int_equal(talk_say((t), BRIDGE_CLIENT, SPAN_LIT(text)), 0)
#define SERVER(t, text) assert_int_equal(talk_say((t), BRIDGE_SERVER, SPAN_LIT(text)), 0)
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static void expect_page(struct talk *t, int status, const char *code)
{
    char line[20];

    snprintf(line, sizeof(line), "HTTP/1.1 %d", status);
    assert_true(t->got[BRIDGE_CLIENT].len > 12);
    assert_memory_equal(t->got[BRIDGE_CLIENT].data, line, 12);
    assert_string_equal(t->code, code);
    buf_truncate(&t->got[BRIDGE_CLIENT], 0);
}

static void limits_stop_bodies(void **state)
{
    static const struct content_limits limits = { 5, 5 };
    struct content_stage stage = content_limits_stage(&limits);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    /* announced: nothing reaches the server */
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "");
    expect_page(&t, 413, "body-too-large");
    assert_true(bridge_over(t.b) && bridge_why(t.b, NULL) == NULL);
    assert_int_equal(bridge_counts(t.b).blocked, 1);
    talk_stop(&t);
    /* counted: the request is never ended */
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    CLIENT(&t, "1\r\n!\r\n0\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER,
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    expect_page(&t, 413, "body-too-large");
    talk_stop(&t);
    /* an answer, announced, then counted */
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, GET);
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    expect_page(&t, 502, "body-too-large");
    assert_true(bridge_over(t.b));
    talk_stop(&t);
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, GET);
    SERVER(&t, "HTTP/1.1 200 OK\r\n\r\nhello");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                   "Connection: close\r\n\r\n5\r\nhello\r\n");
    SERVER(&t, "!");
    talk_expect(&t, BRIDGE_CLIENT, "");
    assert_true(bridge_over(t.b));
    talk_stop(&t);
    /* what is within them passes as it is; HEAD announces a body that never comes */
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n");
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n"
                                   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(bridge_idle(t.b));
    talk_stop(&t);
}

static void a_refused_head_leaves_the_connection_usable(void **state)
{
    struct test_stage watch = { .delay = 3, .word = "evil" };
    struct content_stage stage = test_stage(&watch);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "GET /1 HTTP/1.1\r\nHost: a\r\nX-Stop: 1\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"
                                   "Cache-Control: no-store\r\nContent-Length: 5\r\n\r\nfield");
    CLIENT(&t, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    talk_expect(&t, BRIDGE_SERVER, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nX-Stop: 1\r\nContent-Length: 0\r\n\r\n");
    expect_page(&t, 403, "field");
    assert_true(bridge_over(t.b));
    assert_int_equal(watch.open, 0);
    talk_stop(&t);
}

static void a_word_is_stopped_on_both_ways(void **state)
{
    struct test_stage watch = { .delay = 3, .word = "evil" };
    struct content_stage stage = test_stage(&watch);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };

    (void)state;
    for (size_t step = 1; step < 40; step++) {
        struct talk t;

        talk_start(&t, BRIDGE_H1, &row);
        t.step = step;
        CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nnothing evi.");
        talk_expect(&t, BRIDGE_SERVER,
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nnothing evi.");
        SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nso evil a th");
        assert_null(strstr((char *)t.got[BRIDGE_CLIENT].data, "evi"));
        assert_true(bridge_over(t.b));
        talk_stop(&t);

        talk_start(&t, BRIDGE_H1, &row);
        t.step = step;
        CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "1\r\ne\r\n1\r\nv\r\n1\r\ni\r\n1\r\nl\r\n0\r\n\r\n");
        /* the head, if it was sent before the word came */
        assert_true(t.got[BRIDGE_SERVER].len == 0 || t.got[BRIDGE_SERVER].len == 56);
        expect_page(&t, 403, "word");
        talk_stop(&t);
        assert_int_equal(watch.open, 0);
    }
}

static void changed_bodies_are_framed_anew(void **state)
{
    struct test_stage twice = { .twice = true };
    struct content_stage stage = test_stage(&twice);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\nabc");
    talk_expect(&t, BRIDGE_SERVER, "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n6\r\naabbcc\r\n0\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxy");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "4\r\nxxyy\r\n0\r\n\r\n");
    CLIENT(&t, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxy");
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nxxyy");
    assert_true(bridge_over(t.b) && !bridge_cut_short(t.b));
    talk_stop(&t);
}

static void what_is_held_waits_and_goes_on(void **state)
{
    struct test_stage hold = { .hold = true, .delay = 0, .claims = 100000 };
    struct content_stage stage = test_stage(&hold);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2");
    talk_expect(&t, BRIDGE_SERVER, "");
    assert_int_equal(t.asked, 1);
    /* the head may go; the body is held then */
    hold.hold = false;
    content_wake(hold.last);
    assert_int_equal(t.wakes, 1);
    talk_take(&t);
    talk_expect(&t, BRIDGE_SERVER, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(t.asked, 1);
    hold.hold = true;
    SERVER(&t, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    talk_expect(&t, BRIDGE_CLIENT, "");
    hold.hold = false;
    content_wake(hold.last);
    talk_take(&t);
    talk_expect(&t, BRIDGE_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    hold.hold = true;
    SERVER(&t, "ans");
    SERVER(&t, "wer");
    talk_end(&t, BRIDGE_SERVER, false);
    talk_expect(&t, BRIDGE_CLIENT, "");
    assert_false(bridge_over(t.b));
    hold.hold = false;
    content_wake(hold.last);
    talk_take(&t);
    talk_expect(&t, BRIDGE_CLIENT, "answer");
    /* the exchange is over, the server is gone, and so is the half request behind it */
    assert_true(bridge_over(t.b));
    assert_int_equal(hold.open, 0);
    talk_stop(&t);
}

static void a_held_side_is_not_read_without_end(void **state)
{
    struct test_stage hold = { .hold = false, .claims = 1 << 20 };
    struct content_stage stage = test_stage(&hold);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(1 << 20);
    struct talk t;
    size_t left;

    (void)state;
    buf_fill(&body, 'x', 500000);
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    hold.hold = true;
    left = talk_say(&t, BRIDGE_CLIENT, buf_span(&body));
    /* one piece is the stage's, a little more is read ahead */
    assert_true(left >= 500000 - BRIDGE_HIGH_WATER - 16384 && left < 500000);
    assert_int_equal(bridge_room(t.b, BRIDGE_CLIENT), 0);
    hold.hold = false;
    content_wake(hold.last);
    talk_take(&t);
    assert_int_equal(talk_say(&t, BRIDGE_CLIENT, span_cut(buf_span(&body), 0, left)), 0);
    assert_int_equal(t.got[BRIDGE_SERVER].len,
                     strlen("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n") +
                         500000);
    talk_stop(&t);
}

static void a_stage_that_cannot_open_lets_nothing_pass(void **state)
{
    struct test_stage broken = { .open_error = -EIO };
    struct content_stage stage = test_stage(&broken);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, GET);
    talk_expect(&t, BRIDGE_SERVER, "");
    expect_page(&t, 502, "stage-failed");
    talk_stop(&t);
}

static void a_bridge_may_be_freed_while_a_stage_holds(void **state)
{
    struct test_stage hold = { .hold = true };
    struct content_stage stage = test_stage(&hold);
    const struct content_stage *stages[] = { &stage };
    const struct content_row row = { stages, 1 };
    struct talk t;

    (void)state;
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, GET);
    assert_int_equal(hold.open, 1);
    talk_stop(&t);
    assert_int_equal(hold.open, 0);
    /* and a client that goes away closes it */
    talk_start(&t, BRIDGE_H1, &row);
    CLIENT(&t, GET);
    talk_end(&t, BRIDGE_CLIENT, true);
    assert_true(bridge_over(t.b));
    assert_int_equal(hold.open, 0);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_stop_bodies),
        cmocka_unit_test(a_refused_head_leaves_the_connection_usable),
        cmocka_unit_test(a_word_is_stopped_on_both_ways),
        cmocka_unit_test(changed_bodies_are_framed_anew),
        cmocka_unit_test(what_is_held_waits_and_goes_on),
        cmocka_unit_test(a_held_side_is_not_read_without_end),
        cmocka_unit_test(a_stage_that_cannot_open_lets_nothing_pass),
        cmocka_unit_test(a_bridge_may_be_freed_while_a_stage_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
