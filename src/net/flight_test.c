/* A server's messages, byte by byte: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/flight.h"

static void message(struct buf *out, uint8_t type, struct mw_span body)
{
    buf_truncate(out, 0);
    buf_u8(out, type);
    buf_u24(out, (uint32_t)body.len);
    buf_add(out, body);
}

static void give(struct flight *f, uint8_t type, struct mw_span body)
{
    CLEANUP(buf_deinit) struct buf m = BUF_INIT(1 << 20);

    message(&m, type, body);
    assert_int_equal(flight_read(f, buf_span(&m)), 0);
}

static void hello(struct flight *f, const char *random_tail, struct mw_span extensions)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(4096);

    buf_u16(&body, 0x0303);
    buf_fill(&body, 'r', 24);
    buf_add(&body, span_of(random_tail, 8));
    buf_u8(&body, 0);
    buf_u16(&body, 0xc02f);
    buf_u8(&body, 0);
    if (extensions.data != NULL) {
        buf_u16(&body, (uint16_t)extensions.len);
        buf_add(&body, extensions);
    }
    give(f, 2, buf_span(&body));
}

#define FLIGHT CLEANUP(flight_deinit) struct flight f = FLIGHT_INIT(1 << 20)

static void hello_settles_the_parameters(void **state)
{
    FLIGHT;

    (void)state;
    hello(&f, "abcdefgh", SPAN_LIT("\0\x10\0\5\0\3\2h2" "\0\x12\0\4\0\2\0\0"));
    assert_int_equal(f.error, FLIGHT_OK);
    assert_int_equal(f.tls.version, 0x0303);
    assert_int_equal(f.tls.cipher_suite, 0xc02f);
    assert_string_equal(f.alpn, "h2");
    assert_int_equal(f.scts.len, 4);
    assert_int_equal(f.tls.downgrade_mark, MW_SEEN_NO);
}

static void the_downgrade_mark_is_seen(void **state)
{
    FLIGHT;

    (void)state;
    hello(&f, "DOWNGRD\1", (struct mw_span){ NULL, 0 });
    assert_int_equal(f.tls.downgrade_mark, MW_SEEN_YES);
    hello(&f, "DOWNGRD\1", SPAN_LIT("\0\x2b\0\2\3\4"));
    assert_int_equal(f.tls.version, 0x0304);
    assert_int_equal(f.tls.downgrade_mark, MW_SEEN_NO);
}

static void strange_protocol_names_are_dropped(void **state)
{
    FLIGHT;

    (void)state;
    hello(&f, "abcdefgh", SPAN_LIT("\0\x10\0\6\0\4\3\x1b[m"));
    assert_string_equal(f.alpn, "");
}

static void both_forms_of_certificate_are_read(void **state)
{
    FLIGHT;
    CLEANUP(flight_deinit) struct flight g = FLIGHT_INIT(1 << 20);

    (void)state;
    hello(&f, "abcdefgh", (struct mw_span){ NULL, 0 });
    give(&f, 11, SPAN_LIT("\0\0\x0b" "\0\0\3abc" "\0\0\2de"));
    assert_int_equal(f.error, FLIGHT_OK);
    assert_int_equal(f.n_certs, 2);
    assert_true(span_eq(f.certs[0], SPAN_LIT("abc")));
    assert_true(span_eq(f.certs[1], SPAN_LIT("de")));
    give(&f, 22, SPAN_LIT("\1\0\0\2OK"));
    assert_true(span_eq(buf_span(&f.staple), SPAN_LIT("OK")));

    hello(&g, "abcdefgh", SPAN_LIT("\0\x2b\0\2\3\4"));
    give(&g, 11, SPAN_LIT("\0\0\0\x20" "\0\0\3abc\0\x10" "\0\5\0\6\1\0\0\2OK" "\0\x12\0\2\0\0"
                          "\0\0\3def\0\0"));
    assert_int_equal(g.error, FLIGHT_OK);
    assert_int_equal(g.n_certs, 2);
    assert_true(span_eq(buf_span(&g.staple), SPAN_LIT("OK")));
    assert_int_equal(g.scts.len, 2);
}

static void key_exchanges_are_told_apart(void **state)
{
    FLIGHT;

    (void)state;
    hello(&f, "abcdefgh", (struct mw_span){ NULL, 0 });
    give(&f, 11, SPAN_LIT("\0\0\6\0\0\3abc"));
    give(&f, 12, SPAN_LIT("\3\0\x1d\2xy\4\3\0\2ss"));
    assert_int_equal(f.tls.group, 29);
    assert_int_equal(f.tls.signature_scheme, 0x0403);
    assert_int_equal(f.tls.dh_bits, 0);
    assert_true(f.signed_seen);
    assert_false(f.key_proof_seen);
    give(&f, 14, (struct mw_span){ NULL, 0 });
    assert_true(f.key_proof_seen && f.done_seen);
    give(&f, 12, SPAN_LIT("\0\3\0\x7f\xff\0\1\2\0\1\5\4\1\0\2ss"));
    assert_int_equal(f.tls.dh_bits, 15);
    assert_int_equal(f.tls.signature_scheme, 0x0401);
}

static void broken_messages_are_named(void **state)
{
    static const struct {
        uint8_t type;
        const char *body, *in;
        size_t len;
    } cases[] = {
        { 2, "\3\3short", "ServerHello", 7 },
        { 8, "\0\4\0\x10\0\1", "EncryptedExtensions", 6 },
        { 11, "\0\0\5\0\0\3abc", "Certificate", 9 },
        { 11, "\0\0\6\0\0\4abc", "Certificate", 9 },
        { 11, "\0\0\6\0\0\3abcx", "Certificate", 10 },
        { 11, "\0\0\6\0\0\0\0\0\0", "Certificate", 9 },
        { 12, "\3\0", "ServerKeyExchange", 2 },
        { 15, "\4\3\0\2s", "CertificateVerify", 5 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FLIGHT;

        f.tls.version = 0x0303;
        give(&f, cases[i].type, span_of(cases[i].body, cases[i].len));
        assert_int_equal(f.error, FLIGHT_MALFORMED);
        assert_string_equal(f.error_in, cases[i].in);
    }
}

static void size_and_count_are_limited(void **state)
{
    CLEANUP(flight_deinit) struct flight small = FLIGHT_INIT(8);
    CLEANUP(buf_deinit) struct buf many = BUF_INIT(8192);
    FLIGHT;

    (void)state;
    give(&small, 11, SPAN_LIT("\0\0\6\0\0\3abc"));
    assert_int_equal(small.error, FLIGHT_TOO_BIG);
    assert_int_equal(small.n_certs, 0);
    buf_u24(&many, 4 * (MW_MAX_CERTS + 1));
    for (int i = 0; i <= MW_MAX_CERTS; i++)
        buf_u32(&many, 0x00000130);
    f.tls.version = 0x0303;
    give(&f, 11, buf_span(&many));
    assert_int_equal(f.error, FLIGHT_TOO_BIG);
    assert_int_equal(f.n_certs, MW_MAX_CERTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_settles_the_parameters),
        cmocka_unit_test(the_downgrade_mark_is_seen),
        cmocka_unit_test(strange_protocol_names_are_dropped),
        cmocka_unit_test(both_forms_of_certificate_are_read),
        cmocka_unit_test(key_exchanges_are_told_apart),
        cmocka_unit_test(broken_messages_are_named),
        cmocka_unit_test(size_and_count_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
