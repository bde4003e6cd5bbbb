#include "gate/bridge/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

struct passed {
    uint8_t bytes[512];
    size_t len;
    enum websocket_state state;
    const char *why;
};

/* Feeds it in pieces of `step` bytes. */
static struct passed pass(bool from_client, enum websocket_extensions agreed, struct mw_span all,
                          size_t step)
{
    struct passed p = { .len = 0 };
    struct websocket w;
    struct mw_span in, go;

    websocket_init(&w, from_client, agreed);
    for (size_t at = 0; at < all.len; at += step) {
        in = span_cut(all, at, step);
        do {
            p.state = websocket_take(&w, &in, &go);
            assert_true(p.len + go.len <= sizeof p.bytes);
            if (go.len > 0)
                memcpy(p.bytes + p.len, go.data, go.len);
            p.len += go.len;
        } while (in.len > 0);
    }
    p.why = websocket_why(&w);
    return p;
}

/* Every split gives the same: these bytes of it pass, and that is why not the rest. */
static void expect(bool from_client, enum websocket_extensions agreed, struct mw_span all,
                   size_t n_pass, enum websocket_state state, const char *why)
{
    for (size_t step = 1; step <= all.len; step++) {
        struct passed p = pass(from_client, agreed, all, step);

        assert_int_equal(p.state, state);
        assert_int_equal(p.len, n_pass);
        assert_memory_equal(p.bytes, all.data, n_pass);
        if (why == NULL)
            assert_null(p.why);
        else
            assert_string_equal(p.why, why);
    }
}

#define GOOD(client, bytes)                                                                        \
    expect(client, WEBSOCKET_PLAIN, SPAN_LIT(bytes), sizeof(bytes) - 1, WEBSOCKET_OPEN, NULL)
#define BAD(client, n, bytes, why)                                                                 \
    expect(client, WEBSOCKET_PLAIN, SPAN_LIT(bytes), n, WEBSOCKET_BAD, why)

/* RFC 6455 section 5.7. */
static void examples_of_the_rfc(void **state)
{
    (void)state;
    GOOD(false, "\x81\x05Hello");
    GOOD(true, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    GOOD(false, "\x01\x03Hel\x80\x02lo");
    GOOD(false, "\x89\x05Hello");
    GOOD(true, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    GOOD(false, "\x01\x03Hel\x89\x01p\x80\x02lo");      /* a ping between fragments (5.4) */
    GOOD(false, "\x82\x00\x81\x00\x89\x00");
}

static void long_lengths(void **state)
{
    static uint8_t frame[10 + 70000] = { 0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70 };
    struct websocket w;
    struct mw_span in = span_of(frame, sizeof frame), go;

    (void)state;
    websocket_init(&w, false, WEBSOCKET_PLAIN);
    assert_int_equal(websocket_take(&w, &in, &go), WEBSOCKET_OPEN);
    assert_int_equal(go.len, sizeof frame);
    assert_true(websocket_at_border(&w));
    in = SPAN_LIT("\x82\x7e\x01\x00");
    assert_int_equal(websocket_take(&w, &in, &go), WEBSOCKET_OPEN);
    assert_int_equal(go.len, 4);
    assert_false(websocket_at_border(&w));
    in = span_of(frame + 10, 256);
    assert_int_equal(websocket_take(&w, &in, &go), WEBSOCKET_OPEN);
    assert_true(websocket_at_border(&w));
}

static void violations(void **state)
{
    (void)state;
    BAD(true, 0, "\x81\x05Hello", "a frame of the client's that is not masked");
    BAD(false, 0, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        "a frame of the server's that is masked");
    BAD(false, 0, "\xc1\x05Hello", "a reserved bit that no extension explains");
    BAD(false, 0, "\x83\x01x", "an unknown opcode");
    BAD(false, 0, "\x8b\x01x", "an unknown opcode");
    BAD(false, 7, "\x81\x05Hello\x80\x01x", "a continuation without a message");
    BAD(false, 5, "\x01\x03Hel\x81\x02lo", "a new message inside another");
    BAD(false, 0, "\x09\x01x", "a control frame in fragments");
    BAD(false, 0, "\x89\x7e\x00\x7ex", "a control frame of more than 125 bytes");
    BAD(false, 0, "\x88\x01x", "a Close frame with half a status code");
    BAD(false, 0, "\x82\x7f\x80\0\0\0\0\0\0\1x", "a length of more than 63 bits");
    BAD(false, 0, "\x82\x7e\x00\x7dx", "a length that is longer than it needs to be");
    BAD(false, 0, "\x82\x7f\0\0\0\0\0\0\xff\xffx", "a length that is longer than it needs to be");
}

static void close_ends_the_direction(void **state)
{
    (void)state;
    expect(false, WEBSOCKET_PLAIN, SPAN_LIT("\x88\x02\x03\xe8\x81\x05Hello"), 4, WEBSOCKET_CLOSED,
           NULL);
    expect(false, WEBSOCKET_PLAIN, SPAN_LIT("\x81\x01x\x88\x00rubbish"), 5, WEBSOCKET_CLOSED, NULL);
}

/* RFC 7692 section 6: RSV1 marks a compressed message on its first frame alone. */
static void deflate(void **state)
{
    const char *bit = "a reserved bit that no extension explains";

    (void)state;
    expect(false, WEBSOCKET_DEFLATE, SPAN_LIT("\xc1\x01x\x41\x01x\x80\x01x\x81\x01x"), 12,
           WEBSOCKET_OPEN, NULL);
    expect(false, WEBSOCKET_DEFLATE, SPAN_LIT("\x41\x01x\xc0\x01x"), 3, WEBSOCKET_BAD, bit);
    expect(false, WEBSOCKET_DEFLATE, SPAN_LIT("\xc9\x01x"), 0, WEBSOCKET_BAD, bit);
    expect(false, WEBSOCKET_DEFLATE, SPAN_LIT("\xe1\x01x"), 0, WEBSOCKET_BAD, bit);
    expect(false, WEBSOCKET_OTHER, SPAN_LIT("\xf3\x01x\xc9\x01x"), 6, WEBSOCKET_OPEN, NULL);
}

static void what_was_agreed(void **state)
{
    (void)state;
    assert_int_equal(websocket_agreed(SPAN_LIT("")), WEBSOCKET_PLAIN);
    assert_int_equal(websocket_agreed(SPAN_LIT("permessage-deflate")), WEBSOCKET_DEFLATE);
    assert_int_equal(websocket_agreed(SPAN_LIT(" Permessage-Deflate ; client_max_window_bits=12")),
                     WEBSOCKET_DEFLATE);
    assert_int_equal(websocket_agreed(SPAN_LIT("permessage-deflate, x-webkit-deflate-frame")),
                     WEBSOCKET_OTHER);
    assert_int_equal(websocket_agreed(SPAN_LIT(", ,")), WEBSOCKET_PLAIN);
}

/* Our own Close passes our own check, in both directions. */
static void goodbyes(void **state)
{
    uint8_t frame[WEBSOCKET_CLOSE_BYTES];
    size_t n = websocket_goodbye(frame, 1002, true);

    (void)state;
    assert_int_equal(n, 8);
    expect(true, WEBSOCKET_PLAIN, span_of(frame, n), n, WEBSOCKET_CLOSED, NULL);
    n = websocket_goodbye(frame, 1002, false);
    assert_int_equal(n, 4);
    assert_memory_equal(frame, "\x88\x02\x03\xea", 4);
    expect(false, WEBSOCKET_PLAIN, span_of(frame, n), n, WEBSOCKET_CLOSED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc), cmocka_unit_test(long_lengths),
        cmocka_unit_test(violations),          cmocka_unit_test(close_ends_the_direction),
        cmocka_unit_test(deflate),             cmocka_unit_test(what_was_agreed),
        cmocka_unit_test(goodbyes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
