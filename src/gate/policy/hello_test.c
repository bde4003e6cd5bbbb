/*
 * ClientHellos as clients send them, as OpenSSL sends them, in any pieces, and malformed ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "gate/policy/hello_make.h"
#include "gate/policy/ja4.h"

enum { PLENTY = 1 << 18 };

static uint8_t *scratch;

static int scratch_make(void **state)
{
    (void)state;
    scratch = malloc(HELLO_MAX_BYTES);
    return scratch == NULL;
}

static int scratch_free(void **state)
{
    (void)state;
    free(scratch);
    return 0;
}

static enum hello_state read_all(struct hello *h, struct mw_span raw)
{
    return hello_read(h, raw, scratch);
}

/* Whatever has arrived so far, the answer is "more"; with the last byte it is "done", and what was
 * found is what one record would have given. */
static void assert_any_split(struct mw_span message, size_t most)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(PLENTY), one = BUF_INIT(PLENTY);
    struct hello h, expected;
    char ja4[JA4_TEXT], expected_ja4[JA4_TEXT];

    hello_wrap(&one, message, 1 << 14);
    assert_int_equal(hello_read(&expected, buf_span(&one), NULL), HELLO_DONE);
    ja4_text(&expected, 't', expected_ja4);
    hello_wrap(&raw, message, most);
    for (size_t n = 0; n < raw.len; n++) {
        /* A copy of exactly n bytes, so that the sanitizer sees a step too far. */
        uint8_t *arrived = malloc(n > 0 ? n : 1);

        assert_non_null(arrived);
        memcpy(arrived, raw.data, n);
        assert_int_equal(read_all(&h, span_of(arrived, n)), HELLO_MORE);
        free(arrived);
    }
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    assert_true(span_eq(h.message, message));
    assert_int_equal(h.records_len, raw.len);
    assert_true(span_eq(h.server_name, expected.server_name));
    assert_true(span_eq(h.alpn, expected.alpn));
    assert_int_equal(h.highest_version, expected.highest_version);
    ja4_text(&h, 't', ja4);
    assert_string_equal(ja4, expected_ja4);
    buf_str(&raw, "\x17\x03\x03 what follows is another's");
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    assert_int_equal(h.records_len, raw.len - strlen("\x17\x03\x03 what follows is another's"));
}

static void chrome_split_anywhere_in_records_of_any_size(void **state)
{
    static const size_t sizes[] = { 1, 2, 3, 4, 5, 7, 64, 500, 16384 };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY);

    (void)state;
    hello_make(&message, &hello_like_chrome);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_any_split(buf_span(&message), sizes[i]);
}

static void post_quantum_shares_split_anywhere(void **state)
{
    static const uint16_t suites[] = { 0x1301 };
    const struct hello_plan plan = { suites, 1, NULL, 0, 1216 + 32 };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY);

    (void)state;
    hello_make(&message, &plan);
    assert_true(message.len > 1200);
    assert_any_split(buf_span(&message), 1);
    assert_any_split(buf_span(&message), 1000);
    assert_any_split(buf_span(&message), 16384);
}

static void what_chrome_offers_is_read(void **state)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    struct hello h;

    (void)state;
    hello_make(&message, &hello_like_chrome);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    assert_true(h.has_server_name);
    assert_true(span_eq(h.server_name, SPAN_LIT("www.site.exampl")));
    assert_int_equal(h.legacy_version, 0x0303);
    assert_int_equal(h.highest_version, 0x0304);
    assert_int_equal(h.session_id.len, 32);
    assert_int_equal(h.suites.len, 2 * hello_like_chrome.n_suites);
    assert_true(hello_offers_alpn(&h, "h2"));
    assert_true(hello_offers_alpn(&h, "http/1.1"));
    assert_false(hello_offers_alpn(&h, "http/1"));
    assert_true(hello_takes_ecdsa(&h));
    assert_false(h.has_ech || h.has_psk || h.has_early_data);
}

/* The vectors of the JA4 documentation (FoxIO, technical details, "JA4"), and the one that
 * Chrome 143 gets from tls.browserleaks.com, which publishes the lists behind it. */
static void ja4_is_as_published(void **state)
{
    static const struct hello_part newer[] = { { 0x44cd, { NULL, 0 } }, { 0xfe0d, { NULL, 0 } } };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    struct hello_part parts[32];
    struct hello_plan plan = hello_like_chrome;
    uint8_t ech[] = { 0, 0, 1, 0, 1, 7, 0, 1, 'e', 0, 2, 'p', 'p' };
    char ja4[JA4_TEXT];
    struct hello h;

    (void)state;
    hello_make(&message, &plan);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    ja4_text(&h, 't', ja4);
    assert_string_equal(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    ja4_text(&h, 'q', ja4);
    assert_string_equal(ja4, "q13d1516h2_8daaf6152771_e5627efa2ab1");

    plan.parts = parts;
    plan.n_parts = 0;
    for (size_t i = 0; i < hello_like_chrome.n_parts; i++)
        if (hello_like_chrome.parts[i].type != 0x4469 && hello_like_chrome.parts[i].type != 0x15)
            parts[plan.n_parts++] = hello_like_chrome.parts[i];
    parts[plan.n_parts++] = newer[0];
    parts[plan.n_parts] = newer[1];
    parts[plan.n_parts++].body = span_of(ech, sizeof ech);
    buf_truncate(&message, 0);
    buf_truncate(&raw, 0);
    hello_make(&message, &plan);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    assert_true(h.has_ech);
    ja4_text(&h, 't', ja4);
    assert_string_equal(ja4, "t13d1516h2_8daaf6152771_d8a2da3f94cd");
}

static void ja4_of(const struct hello_part *parts, size_t n, const char *expected)
{
    static const uint16_t suites[] = { 0x0a0a };
    const struct hello_plan plan = { suites, 1, parts, n, 0 };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    char ja4[JA4_TEXT];
    struct hello h;

    hello_make(&message, &plan);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    ja4_text(&h, 't', ja4);
    assert_string_equal(ja4, expected);
}

static void ja4_of_little_is_zeros(void **state)
{
    static const uint8_t odd[] = { 0, 3, 2, 0xab, 0xcd }, half[] = { 0, 3, 2, '0', 0xab },
                         single[] = { 0, 2, 1, 'x' };
    const struct hello_part alpn[] = { { 16, { odd, sizeof odd } },
                                       { 16, { half, sizeof half } },
                                       { 16, { single, sizeof single } } };

    (void)state;
    ja4_of(NULL, 0, "t12i000000_000000000000_000000000000");
    ja4_of(&alpn[0], 1, "t12i0001ad_000000000000_000000000000");
    ja4_of(&alpn[1], 1, "t12i00013b_000000000000_000000000000");
    ja4_of(&alpn[2], 1, "t12i0001xx_000000000000_000000000000");
}

/* ---------------------------------------------------------------------------- OpenSSL's ---- */

static void openssl_hello(struct buf *raw, int most, const char *groups, const char *schemes)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    BIO *out = BIO_new(BIO_s_mem());
    SSL *ssl;
    char *data;
    long len;

    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, most), 1);
    ssl = SSL_new(ctx);
    assert_non_null(ssl);
    assert_int_equal(SSL_set_tlsext_host_name(ssl, "openssl.example"), 1);
    assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9), 0);
    if (groups != NULL)
        assert_int_equal(SSL_set1_groups_list(ssl, groups), 1);
    if (schemes != NULL)
        assert_int_equal(SSL_set1_sigalgs_list(ssl, schemes), 1);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    assert_int_equal(SSL_connect(ssl), -1);
    len = BIO_get_mem_data(out, &data);
    buf_add(raw, span_of(data, (size_t)len));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void openssl_hellos_are_read(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        CLEANUP(buf_deinit) struct buf raw = BUF_INIT(PLENTY);
        struct hello h;
        char ja4[JA4_TEXT];

        openssl_hello(&raw, versions[i], NULL, NULL);
        assert_int_equal(hello_read(&h, buf_span(&raw), NULL), HELLO_DONE);
        assert_true(span_eq(h.server_name, SPAN_LIT("openssl.example")));
        assert_int_equal(h.highest_version, versions[i]);
        assert_true(hello_offers_alpn(&h, "http/1.1"));
        assert_true(hello_takes_ecdsa(&h));
        assert_int_equal(h.records_len, raw.len);
        assert_any_split(span_cut(buf_span(&raw), 5, raw.len), 1);
        assert_any_split(span_cut(buf_span(&raw), 5, raw.len), 100);
        ja4_text(&h, 't', ja4);
        assert_memory_equal(ja4, i == 0 ? "t12d" : "t13d", 4);
        assert_memory_equal(ja4 + 8, "h1_", 3);
    }
}

static void who_takes_ecdsa(void **state)
{
    static const struct {
        int most;
        const char *groups, *schemes;
        bool takes;
    } clients[] = {
        { TLS1_3_VERSION, "X25519", "RSA-PSS+SHA256:RSA+SHA256", false },
        { TLS1_2_VERSION, "P-256", "ECDSA+SHA256:RSA+SHA256", true },
        { TLS1_2_VERSION, "P-384", "ECDSA+SHA256:RSA+SHA256", false },
        { TLS1_2_VERSION, "P-256", "ECDSA+SHA384:RSA+SHA256", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        CLEANUP(buf_deinit) struct buf raw = BUF_INIT(PLENTY);
        struct hello h;

        openssl_hello(&raw, clients[i].most, clients[i].groups, clients[i].schemes);
        assert_int_equal(hello_read(&h, buf_span(&raw), NULL), HELLO_DONE);
        assert_int_equal(hello_takes_ecdsa(&h), clients[i].takes);
    }
}

/* -------------------------------------------------------------------------------- wrong ---- */

static void not_tls_is_said_at_the_first_byte(void **state)
{
    static const char *const other[] = { "GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x05\x01",
                                         "\x15\x03\x03", "\x16\x02" };
    struct hello h;

    (void)state;
    assert_int_equal(read_all(&h, span_of(NULL, 0)), HELLO_MORE);
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_int_equal(read_all(&h, span_str(other[i])), HELLO_NOT_TLS);
}

/* It is TLS's own past, and a server might answer it: it must not pass as another protocol. */
static void sslv2_is_refused(void **state)
{
    static const uint8_t sslv2[] = { 0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15 };
    static const uint8_t compatible[] = { 0x80, 0x2e, 0x01, 0x03, 0x01, 0x00, 0x15 };
    static const uint8_t others[][5] = { { 0x80, 0x2e, 0x02, 0x00, 0x02 },
                                         { 0xff, 0xfd, 0x18, 0xff, 0xfd },
                                         { 0x80, 0x2e, 0x01, 0x00, 0x03 },
                                         { 0x80, 0x2e, 0x01, 0x07, 0x02 } };
    struct hello h;

    (void)state;
    for (size_t n = 0; n < 5; n++)
        assert_int_equal(read_all(&h, span_of(sslv2, n)), HELLO_MORE);
    assert_int_equal(read_all(&h, span_of(sslv2, sizeof sslv2)), HELLO_BAD);
    assert_string_equal(h.wrong, "a ClientHello of SSL 2.0");
    assert_int_equal(read_all(&h, span_of(compatible, sizeof compatible)), HELLO_BAD);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(read_all(&h, span_of(others[i], sizeof others[i])), HELLO_NOT_TLS);
}

static void bad_records_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum hello_state state;
        const char *wrong;
    } cases[] = {
        { "\x16\x03\x01\0\0", 5, HELLO_BAD, "empty" },
        { "\x16\x03\x01\x40\x01", 5, HELLO_BAD, "16384" },
        { "\x16\x03\x01\0\4\2", 6, HELLO_BAD, "no ClientHello" },
        { "\x16\x03\x01\0\1\1\x17\x03\x03", 9, HELLO_BAD, "inside" },
        { "\x16\x03\x01\0\1\1\x16\x02", 8, HELLO_BAD, "strange version" },
        { "\x16\x03\x01\0\4\1\1\0\0", 9, HELLO_TOO_BIG, "64 KiB" },
        { "\x16\x03\x01\0\4\1\0\0\0", 9, HELLO_BAD, "ends early" },
        { "\x16\x03\x01\0\5\1\0\0\0\0", 10, HELLO_BAD, "follows" },
    };
    struct hello h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(read_all(&h, span_of(cases[i].bytes, cases[i].len)), cases[i].state);
        assert_non_null(strstr(h.wrong, cases[i].wrong));
    }
}

static void bad_extension(uint16_t type, const char *body, size_t len, const char *wrong)
{
    static const uint16_t suites[] = { 0x1301 };
    const struct hello_part part = { type, { (const uint8_t *)body, len } };
    const struct hello_plan plan = { suites, 1, &part, 1, 0 };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    struct hello h;

    hello_make(&message, &plan);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_BAD);
    assert_non_null(strstr(h.wrong, wrong));
}

static void bad_extensions_are_refused(void **state)
{
    (void)state;
    bad_extension(0, "", 0, "server_name");
    bad_extension(0, "\0\0", 2, "server_name");
    bad_extension(0, "\0\4\0\0\1a\0", 7, "server_name");
    bad_extension(0, "\0\3\0\0\0", 5, "server_name");
    bad_extension(0, "\0\4\0\0\1\0", 6, "no host name has");
    bad_extension(0, "\0\4\0\0\1 ", 6, "no host name has");
    bad_extension(0, "\0\4\0\0\1\xc3", 6, "no host name has");
    bad_extension(0, "\0\10\0\0\1a\0\0\1b", 10, "two host names");
    bad_extension(10, "\0\0", 2, "supported_groups");
    bad_extension(10, "\0\1a", 3, "supported_groups");
    bad_extension(13, "\0\2a", 3, "signature_algorithms");
    bad_extension(16, "\0\1\0", 3, "ALPN");
    bad_extension(16, "\0\2\2h", 4, "ALPN");
    bad_extension(16, "\0\0", 2, "ALPN");
    bad_extension(42, "x", 1, "early_data");
    bad_extension(41, "\0\1", 2, "pre_shared_key");
    bad_extension(43, "\2\x7f\x17", 3, "no version");
    bad_extension(43, "\3\3\4\3", 4, "supported_versions");
    bad_extension(0xfe0d, "", 0, "encrypted_client_hello");
    bad_extension(0xfe0d, "\1x", 2, "encrypted_client_hello");
    bad_extension(0xfe0d, "\0\0\1\0\1\7\0\1e\0\0", 11, "encrypted_client_hello");
}

static enum hello_state read_parts(struct hello *h, struct buf *raw,
                                   const struct hello_part *parts, size_t n)
{
    static const uint16_t suites[] = { 0x1301 };
    const struct hello_plan plan = { suites, 1, parts, n, 0 };
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY);

    buf_truncate(raw, 0);
    hello_make(&message, &plan);
    hello_wrap(raw, buf_span(&message), 1 << 14);
    return read_all(h, buf_span(raw));
}

static void order_and_number_of_extensions(void **state)
{
    static const uint8_t psk[] = { 0, 0, 0, 0 };
    const struct hello_part twice[] = { { 21, { NULL, 0 } }, { 35, { NULL, 0 } },
                                        { 21, { NULL, 0 } } };
    const struct hello_part last[] = { { 35, { NULL, 0 } }, { 42, { NULL, 0 } },
                                       { 41, { psk, sizeof psk } } };
    const struct hello_part first[] = { { 41, { psk, sizeof psk } }, { 35, { NULL, 0 } } };
    const struct hello_part inner[] = { { 0xfe0d, { (const uint8_t *)"\1", 1 } } };
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(PLENTY);
    struct hello_part many[HELLO_MAX_EXTENSIONS + 1];
    struct hello h;

    (void)state;
    assert_int_equal(read_parts(&h, &raw, twice, ARRAY_LEN(twice)), HELLO_BAD);
    assert_non_null(strstr(h.wrong, "twice"));
    assert_int_equal(read_parts(&h, &raw, last, ARRAY_LEN(last)), HELLO_DONE);
    assert_true(h.has_psk && h.has_early_data);
    assert_int_equal(read_parts(&h, &raw, first, ARRAY_LEN(first)), HELLO_BAD);
    assert_non_null(strstr(h.wrong, "last"));
    assert_int_equal(read_parts(&h, &raw, inner, ARRAY_LEN(inner)), HELLO_DONE);
    assert_false(h.has_ech);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct hello_part){ (uint16_t)(1000 + i), { NULL, 0 } };
    assert_int_equal(read_parts(&h, &raw, many, HELLO_MAX_EXTENSIONS), HELLO_DONE);
    assert_int_equal(read_parts(&h, &raw, many, ARRAY_LEN(many)), HELLO_TOO_BIG);
}

static void a_byte_changed_anywhere_never_reads_too_far(void **state)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    size_t refused = 0;

    (void)state;
    hello_make(&message, &hello_like_chrome);
    hello_wrap(&raw, buf_span(&message), 1 << 14);
    for (size_t i = 0; i < raw.len; i++) {
        struct hello h;

        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            raw.data[i] = (uint8_t)(raw.data[i] ^ bit);
            refused += read_all(&h, buf_span(&raw)) != HELLO_DONE;
            raw.data[i] = (uint8_t)(raw.data[i] ^ bit);
        }
    }
    assert_true(refused > 100);
}

static void more_than_64_kib_ends(void **state)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(PLENTY), raw = BUF_INIT(PLENTY);
    static const uint16_t suites[] = { 0x1301 };
    const struct hello_plan plan = { suites, 1, NULL, 0, 20000 };
    struct hello h;

    (void)state;
    hello_make(&message, &plan);
    hello_wrap(&raw, buf_span(&message), 1);
    assert_true(raw.len > HELLO_MAX_BYTES);
    assert_int_equal(read_all(&h, span_cut(buf_span(&raw), 0, HELLO_MAX_BYTES - 1)), HELLO_MORE);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_TOO_BIG);
    buf_truncate(&raw, 0);
    hello_wrap(&raw, buf_span(&message), 4000);
    assert_int_equal(read_all(&h, buf_span(&raw)), HELLO_DONE);
    assert_int_equal(hello_read(&h, buf_span(&raw), NULL), HELLO_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chrome_split_anywhere_in_records_of_any_size),
        cmocka_unit_test(post_quantum_shares_split_anywhere),
        cmocka_unit_test(what_chrome_offers_is_read),
        cmocka_unit_test(ja4_is_as_published),
        cmocka_unit_test(ja4_of_little_is_zeros),
        cmocka_unit_test(openssl_hellos_are_read),
        cmocka_unit_test(who_takes_ecdsa),
        cmocka_unit_test(not_tls_is_said_at_the_first_byte),
        cmocka_unit_test(sslv2_is_refused),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(bad_extensions_are_refused),
        cmocka_unit_test(order_and_number_of_extensions),
        cmocka_unit_test(a_byte_changed_anywhere_never_reads_too_far),
        cmocka_unit_test(more_than_64_kib_ends),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_free);
}
