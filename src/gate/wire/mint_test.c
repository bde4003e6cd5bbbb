/* Asks and answers are read back as they were written, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>

#include <cmocka.h>

#include "gate/wire/channel.h"
#include "gate/wire/mint.h"

static const struct mint_ask ask = {
    .id = 0x0102030405060708,
    .ca = MINT_UNTRUSTED,
    .key = MINT_RSA2048,
    .spki = { (const uint8_t *)"spki", 4 },
    .host = { (const uint8_t *)"www.shop.test", 13 },
    .origin = { (const uint8_t *)"certificate", 11 },
    .now = { 1795262400 },
};

static void an_ask_is_read_back(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct mint_ask back = { 0 };

    (void)state;
    mint_ask_write(&b, &ask);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.data[0], GATE_MINT_ASK);
    assert_int_equal(mint_ask_read(&back, buf_span(&b)), 0);
    assert_true(back.id == ask.id);
    assert_int_equal(back.ca, ask.ca);
    assert_int_equal(back.key, ask.key);
    assert_int_equal(back.now.s, ask.now.s);
    assert_true(span_eq(back.spki, ask.spki));
    assert_true(span_eq(back.host, ask.host));
    assert_true(span_eq(back.origin, ask.origin));
}

static void answers_are_read_back(void **state)
{
    static const struct mint_answer answers[] = {
        { .id = 1,
          .status = MINT_OK,
          .leaf = { (const uint8_t *)"leaf", 4 },
          .intermediate = { (const uint8_t *)"inter", 5 },
          .not_after = { 1795262400 } },
        { .id = UINT64_MAX, .status = MINT_REFUSED, .why = { (const uint8_t *)"no", 2 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);
        struct mint_answer back;

        mint_answer_write(&b, &answers[i]);
        assert_int_equal(mint_answer_read(&back, buf_span(&b)), 0);
        assert_true(back.id == answers[i].id);
        assert_int_equal(back.status, answers[i].status);
        assert_int_equal(back.not_after.s, answers[i].not_after.s);
        assert_true(span_eq(back.why, answers[i].why));
        assert_true(span_eq(back.leaf, answers[i].leaf));
        assert_true(span_eq(back.intermediate, answers[i].intermediate));
    }
}

static void every_cut_and_every_tail_is_malformed(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct mint_ask back = { .id = 5 };

    (void)state;
    mint_ask_write(&b, &ask);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(mint_ask_read(&back, span_of(b.data, n)), -EINVAL);
    buf_u8(&b, 0);
    assert_int_equal(mint_ask_read(&back, buf_span(&b)), -EINVAL);
    assert_int_equal(back.id, 5);
}

/* One byte of a good message, replaced. */
static int read_with(size_t at, uint8_t value)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct mint_ask back;

    mint_ask_write(&b, &ask);
    b.data[at] = value;
    return mint_ask_read(&back, buf_span(&b));
}

static void unknown_kinds_are_malformed(void **state)
{
    (void)state;
    assert_int_equal(read_with(0, GATE_MINT_ANSWER), -EINVAL);
    assert_int_equal(read_with(9, MINT_UNTRUSTED + 1), -EINVAL);
    assert_int_equal(read_with(10, MINT_RSA2048 + 1), -EINVAL);
    assert_int_equal(read_with(9, MINT_TRUSTED), 0);
}

/* A certificate without MINT_OK, or MINT_OK without one, is no answer. */
static void half_answers_are_malformed(void **state)
{
    static const struct mint_answer halves[] = {
        { .status = MINT_OK },
        { .status = MINT_OK, .leaf = { (const uint8_t *)"leaf", 4 } },
        { .status = MINT_REFUSED },
        { .status = MINT_BUSY,
          .why = { (const uint8_t *)"busy", 4 },
          .leaf = { (const uint8_t *)"leaf", 4 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(CHANNEL_MAX_MESSAGE);
        struct mint_answer back;

        mint_answer_write(&b, &halves[i]);
        assert_int_equal(buf_error(&b), 0);
        assert_int_equal(mint_answer_read(&back, buf_span(&b)), -EINVAL);
    }
}

static void what_is_too_long_is_not_written(void **state)
{
    static uint8_t large[CHANNEL_MAX_MESSAGE + 1];
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    struct mint_ask a = ask;

    (void)state;
    a.origin = span_of(large, sizeof(large));
    mint_ask_write(&b, &a);
    assert_int_equal(buf_error(&b), -EMSGSIZE);
    b.error = 0;
    a = ask;
    a.host = span_of(large, UINT16_MAX + 1);
    mint_ask_write(&b, &a);
    assert_int_equal(buf_error(&b), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ask_is_read_back),
        cmocka_unit_test(answers_are_read_back),
        cmocka_unit_test(every_cut_and_every_tail_is_malformed),
        cmocka_unit_test(unknown_kinds_are_malformed),
        cmocka_unit_test(half_answers_are_malformed),
        cmocka_unit_test(what_is_too_long_is_not_written),
    };

    return cmocka_run_group_tests_name("mint", tests, NULL, NULL);
}
