/* Stages see each message whole, may hold, change and stop it, and are held to their word. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/bridge/exchange.h"
#include "content_stage.h"

static const struct content_head request = {
    .side = CONTENT_REQUEST, .method = { (const uint8_t *)"GET", 3 }, .protocol = "h1"
};
static const struct content_head response = { .side = CONTENT_RESPONSE, .status = 200 };

static void count_wake(void *owner)
{
    (*(int *)owner)++;
}

static struct content_exchange *open_row(const struct content_stage *const *stages, size_t n,
                                         int *wakes)
{
    const struct content_row row = { stages, n };
    struct content_exchange *x = NULL;

    assert_int_equal(exchange_open(&x, &row, &request, count_wake, wakes), 0);
    return x;
}

static void without_stages_everything_passes(void **state)
{
    struct content_block why;
    struct mw_span out;
    static const struct content_limits none = { 0, 0 };
    struct content_stage limits = content_limits_stage(&none);
    const struct content_stage *row[] = { &limits };

    (void)state;
    assert_null(open_row(NULL, 0, NULL));
    assert_null(open_row(row, 1, NULL));
    assert_int_equal(exchange_head(NULL, &request, &why), CONTENT_PASS);
    assert_int_equal(exchange_body(NULL, CONTENT_REQUEST, SPAN_LIT("a"), &out, &why),
                     CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("a")));
    assert_int_equal(exchange_end(NULL, CONTENT_REQUEST, &out, &why), CONTENT_PASS);
    assert_int_equal(out.len, 0);
    assert_false(exchange_changes(NULL));
}

/* Passes text through x in pieces of `step`; what came out is appended to got. */
static int pass(struct content_exchange *x, enum content_side side, const char *text, size_t step,
                struct buf *got, struct content_block *why)
{
    struct mw_span rest = span_str(text), out;
    int answer = exchange_head(x, side == CONTENT_REQUEST ? &request : &response, why);

    for (size_t at = 0; answer == CONTENT_PASS && at < rest.len; at += step) {
        answer = exchange_body(x, side, span_cut(rest, at, step), &out, why);
        if (answer == CONTENT_PASS)
            buf_add(got, out);
    }
    if (answer == CONTENT_PASS)
        answer = exchange_end(x, side, &out, why);
    if (answer == CONTENT_PASS)
        buf_add(got, out);
    return answer;
}

static void limits_count_and_believe(void **state)
{
    static const struct content_limits ten = { 10, 5 };
    struct content_stage limits = content_limits_stage(&ten);
    const struct content_stage *row[] = { &limits };

    (void)state;
    for (size_t step = 1; step < 12; step++) {
        struct content_exchange *x = open_row(row, 1, NULL);
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
        struct content_block why = { 0 };
        struct content_head head = response;

        assert_int_equal(pass(x, CONTENT_REQUEST, "0123456789", step, &got, &why), CONTENT_PASS);
        assert_true(span_eq(buf_span(&got), SPAN_LIT("0123456789")));
        assert_int_equal(pass(x, CONTENT_RESPONSE, "012345", step, &got, &why), CONTENT_BLOCK);
        assert_int_equal(why.status, 502);
        assert_string_equal(why.code, "body-too-large");
        exchange_free(x);

        x = open_row(row, 1, NULL);
        assert_int_equal(pass(x, CONTENT_REQUEST, "0123456789a", step, &got, &why), CONTENT_BLOCK);
        assert_int_equal(why.status, 413);
        exchange_free(x);

        x = open_row(row, 1, NULL);
        head.has_length = true;
        head.length = 5;
        assert_int_equal(exchange_head(x, &head, &why), CONTENT_PASS);
        head.length = 6;
        assert_int_equal(exchange_head(x, &head, &why), CONTENT_BLOCK);
        assert_false(exchange_changes(x));
        exchange_free(x);
    }
}

static void a_word_across_pieces_is_found(void **state)
{
    struct test_stage watch = { .word = "secret", .delay = 5 };
    struct content_stage stage = test_stage(&watch);
    const struct content_stage *row[] = { &stage };

    (void)state;
    for (size_t step = 1; step < 30; step++) {
        struct content_exchange *x = open_row(row, 1, NULL);
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
        struct content_block why = { 0 };

        assert_int_equal(pass(x, CONTENT_REQUEST, "nothing of the sort here: secre", step, &got,
                              &why), CONTENT_PASS);
        assert_true(span_eq(buf_span(&got), SPAN_LIT("nothing of the sort here: secre")));
        buf_truncate(&got, 0);
        assert_int_equal(pass(x, CONTENT_RESPONSE, "this is a secret of ours", step, &got, &why),
                         CONTENT_BLOCK);
        assert_string_equal(why.code, "word");
        /* Not a byte of the word got through. */
        assert_true(got.len <= 10);
        exchange_free(x);
    }
    assert_int_equal(watch.open, 0);
}

static void stages_work_in_a_row(void **state)
{
    struct test_stage twice = { .twice = true }, late = { .delay = 7 };
    struct test_stage watch = { .word = "aabb", .delay = 3 };
    struct content_stage a = test_stage(&late), b = test_stage(&twice), c = test_stage(&watch);
    static const struct content_limits limit = { 8, 0 };
    struct content_stage d = content_limits_stage(&limit);
    const struct content_stage *row[] = { &a, &b, &c, &d };

    (void)state;
    for (size_t step = 1; step < 6; step++) {
        struct content_exchange *x = open_row(row, 4, NULL);
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
        struct content_block why = { 0 };

        assert_true(exchange_changes(x));
        assert_int_equal(pass(x, CONTENT_REQUEST, "wxyz", step, &got, &why), CONTENT_PASS);
        assert_true(span_eq(buf_span(&got), SPAN_LIT("wwxxyyzz")));
        assert_int_equal(pass(x, CONTENT_RESPONSE, "xab", step, &got, &why), CONTENT_BLOCK);
        assert_string_equal(why.code, "word");
        exchange_free(x);
        x = open_row(row, 4, NULL);
        assert_int_equal(pass(x, CONTENT_REQUEST, "vwxyz", step, &got, &why), CONTENT_BLOCK);
        assert_string_equal(why.code, "body-too-large");
        exchange_free(x);
    }
}

static void what_is_held_goes_on_when_woken(void **state)
{
    struct test_stage first = { .twice = true }, hold = { .hold = true, .delay = 2, .claims = 9 };
    struct content_stage a = test_stage(&first), b = test_stage(&hold);
    const struct content_stage *row[] = { &a, &b, &a };
    struct content_block why;
    struct mw_span out;
    int wakes = 0;
    struct content_exchange *x = open_row(row, 3, &wakes);

    (void)state;
    assert_int_equal(exchange_head(x, &request, &why), CONTENT_HOLD);
    assert_int_equal(exchange_head(x, &request, &why), CONTENT_HOLD);
    hold.hold = false;
    content_wake(x);
    assert_int_equal(wakes, 1);
    assert_int_equal(exchange_head(x, &request, &why), CONTENT_PASS);
    content_wake(x);
    assert_int_equal(wakes, 1);         /* nothing is held: nobody is woken */
    hold.hold = true;
    assert_int_equal(exchange_body(x, CONTENT_REQUEST, SPAN_LIT("ab"), &out, &why), CONTENT_HOLD);
    assert_int_equal(out.len, 0);
    hold.hold = false;
    content_wake(x);
    assert_int_equal(wakes, 2);
    assert_int_equal(exchange_body(x, CONTENT_REQUEST, (struct mw_span){ NULL, 0 }, &out, &why),
                     CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("aaaa")));
    hold.hold = true;
    assert_int_equal(exchange_end(x, CONTENT_REQUEST, &out, &why), CONTENT_HOLD);
    hold.hold = false;
    content_wake(x);
    assert_int_equal(exchange_end(x, CONTENT_REQUEST, &out, &why), CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("bbbb")));
    exchange_free(x);
    assert_int_equal(hold.open + first.open, 0);
}

static void one_side_is_held_and_the_other_goes_on(void **state)
{
    struct test_stage hold = { .hold = true, .looks = true };
    struct content_stage a = test_stage(&hold);
    const struct content_stage *row[] = { &a };
    struct content_block why;
    struct mw_span out;
    int wakes = 0;
    struct content_exchange *x = open_row(row, 1, &wakes);

    (void)state;
    assert_int_equal(exchange_body(x, CONTENT_REQUEST, SPAN_LIT("up"), &out, &why), CONTENT_HOLD);
    hold.hold = false;
    assert_int_equal(exchange_body(x, CONTENT_RESPONSE, SPAN_LIT("down"), &out, &why),
                     CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("down")));
    assert_int_equal(exchange_body(x, CONTENT_REQUEST, (struct mw_span){ NULL, 0 }, &out, &why),
                     CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("up")));
    exchange_free(x);
}

static void a_stage_may_wake_while_it_is_asked(void **state)
{
    struct test_stage hold = { .hold_once = true, .looks = true };
    struct content_stage a = test_stage(&hold);
    const struct content_stage *row[] = { &a };
    struct content_block why;
    struct mw_span out;
    int wakes = 0;
    struct content_exchange *x = open_row(row, 1, &wakes);

    (void)state;
    assert_int_equal(exchange_head(x, &request, &why), CONTENT_PASS);
    hold.hold_once = true;
    assert_int_equal(exchange_body(x, CONTENT_REQUEST, SPAN_LIT("abc"), &out, &why),
                     CONTENT_PASS);
    assert_true(span_eq(out, SPAN_LIT("abc")));
    hold.hold_once = true;
    assert_int_equal(exchange_end(x, CONTENT_REQUEST, &out, &why), CONTENT_PASS);
    assert_int_equal(wakes, 0);
    exchange_free(x);
}

static void stages_are_held_to_their_word(void **state)
{
    struct test_stage greedy = { .delay = 100, .claims = 10 };
    struct test_stage loses = { .delay = 5, .loses = true };
    struct content_stage a = test_stage(&greedy), b = test_stage(&loses);
    const struct content_stage *one[] = { &a }, *two[] = { &b };
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(100);
    struct content_block why = { 0 };
    struct content_exchange *x = open_row(one, 1, NULL);

    (void)state;
    assert_int_equal(pass(x, CONTENT_REQUEST, "0123456789abc", 3, &got, &why), CONTENT_BLOCK);
    assert_string_equal(why.code, "stage-failed");
    exchange_free(x);
    x = open_row(two, 1, NULL);
    assert_int_equal(pass(x, CONTENT_REQUEST, "0123456789abc", 3, &got, &why), CONTENT_BLOCK);
    assert_string_equal(why.code, "stage-failed");
    exchange_free(x);
}

static void an_open_that_fails_stops_the_exchange(void **state)
{
    struct test_stage good = { .looks = true }, broken = { .open_error = -EIO };
    struct content_stage a = test_stage(&good), b = test_stage(&broken);
    const struct content_stage *stages[] = { &a, &b };
    const struct content_row row = { stages, 2 };
    struct content_exchange *x = NULL;

    (void)state;
    assert_int_equal(exchange_open(&x, &row, &request, count_wake, NULL), -EIO);
    assert_null(x);
    assert_int_equal(good.open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_stages_everything_passes),
        cmocka_unit_test(limits_count_and_believe),
        cmocka_unit_test(a_word_across_pieces_is_found),
        cmocka_unit_test(stages_work_in_a_row),
        cmocka_unit_test(what_is_held_goes_on_when_woken),
        cmocka_unit_test(one_side_is_held_and_the_other_goes_on),
        cmocka_unit_test(a_stage_may_wake_while_it_is_asked),
        cmocka_unit_test(stages_are_held_to_their_word),
        cmocka_unit_test(an_open_that_fails_stops_the_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
