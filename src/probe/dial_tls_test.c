/*
 * Old, weak, broken and oversized TLS: what a dial still finds out, and what it must not
 * believe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/param_build.h>

#include "base/reader.h"
#include "dial_fixture.h"
#include "peer.h"

static struct dial_result *dial_peer(peer_part *part, void *context,
                                     const struct probe_limits *limits, unsigned *connections)
{
    struct peer *p = peer_start(part, context);
    struct probe_target t = { .host = "site.lab.test", .port = 443, .connect_to = peer_at(p) };
    struct dial_result *r = fixture_dial(&t, limits, NULL);

    if (connections != NULL)
        *connections = peer_count(p);
    peer_stop(p);
    return r;
}

/* ---------------------------------------------------------------------------- old ---- */

static void an_old_version_is_found_by_the_second_offer(void **state)
{
    static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };
    struct fixture_site site;
    struct dial_result *r;
    unsigned connections;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        fixture_site_open(&site, versions[i], versions[i]);
        r = dial_peer(peer_tls, site.ctx, NULL, &connections);
        assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
        assert_int_equal(r->offer, DIAL_OFFER_LEGACY);
        assert_int_equal(r->tls.version, versions[i]);
        assert_int_equal(r->tls.downgrade_mark, MW_NOT_LOOKED);
        assert_int_equal(r->n_certs, 2);
        assert_int_equal(connections, 2);
        fixture_says(r, "only an older offer");
        dial_result_free(r);
        fixture_site_close(&site);
    }
}

static void controls_are_asked_only_once(void **state)
{
    struct dial_options once = { .modern_only = true };
    struct fixture_site site;
    struct dial_result *r;
    struct peer *p;

    (void)state;
    fixture_site_open(&site, TLS1_VERSION, TLS1_VERSION);
    p = peer_start(peer_tls, site.ctx);
    r = fixture_dial(&(struct probe_target){ .host = "site.lab.test", .port = 443,
                                             .connect_to = peer_at(p) }, NULL, &once);
    assert_int_equal(r->reach, MW_REACH_ALERT);
    assert_int_equal(r->tls.alert, 70);
    assert_int_equal(peer_count(p), 1);
    dial_result_free(r);
    peer_stop(p);
    fixture_site_close(&site);
}

static void weak_groups_and_suites_are_described(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, TLS1_2_VERSION, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(site.ctx, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->offer, DIAL_OFFER_LEGACY);
    assert_int_equal(r->tls.cipher_suite, 0xc006);
    assert_string_equal(r->tls.cipher_name, "ECDHE-ECDSA-NULL-SHA");
    assert_int_equal(r->tls.group, 29);
    dial_result_free(r);
    fixture_site_close(&site);
}

/* Nobody proved anything: such a handshake must not pass for one with the server. */
static void anonymous_tls_is_no_handshake(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, TLS1_2_VERSION, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(site.ctx, "AECDH-AES128-SHA:@SECLEVEL=0"), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_FAILED);
    assert_int_equal(r->n_certs, 0);
    fixture_says(r, "anonymous TLS, without a certificate (AECDH-AES128-SHA)");
    dial_result_free(r);
    fixture_site_close(&site);
}

/* RFC 2409 section 6.1: 768 bits. */
static EVP_PKEY *small_group(void)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *p = BN_get_rfc2409_prime_768(NULL), *g = BN_new();
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    OSSL_PARAM *params;
    EVP_PKEY *dh = NULL;

    assert_true(BN_set_word(g, 2) == 1 && OSSL_PARAM_BLD_push_BN(bld, "p", p) == 1 &&
                OSSL_PARAM_BLD_push_BN(bld, "g", g) == 1);
    params = OSSL_PARAM_BLD_to_param(bld);
    assert_true(EVP_PKEY_fromdata_init(make) == 1 &&
                EVP_PKEY_fromdata(make, &dh, EVP_PKEY_KEY_PARAMETERS, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(make);
    BN_free(p);
    BN_free(g);
    return dh;
}

static int allow_all(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other,
                     void *unused)
{
    (void)ssl, (void)ctx, (void)op, (void)bits, (void)nid, (void)other, (void)unused;
    return 1;
}

/* A server with an RSA key and these suites. */
static void rsa_site_open(struct fixture_site *s, const char *suites)
{
    struct mw_wall from = { 1780000000 }, to = { 1900000000 };
    struct mill_cert *leaf;
    EVP_PKEY *key;

    fixture_site_open(s, TLS1_2_VERSION, TLS1_2_VERSION);
    assert_int_equal(mill_key_new(&key, MILL_RSA2048, false), 0);
    assert_int_equal(mill_issue(&leaf, &(struct mill_spec){ .subject = "CN=site.lab.test",
                                                            .names = "DNS:site.lab.test",
                                                            .not_before = from, .not_after = to },
                                key, s->intermediate), 0);
    SSL_CTX_free(s->ctx);
    s->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_callback(s->ctx, allow_all);
    assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(s->ctx, suites), 1);
    assert_int_equal(SSL_CTX_use_certificate(s->ctx, mill_cert_x509(leaf)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, mill_cert_key(leaf)), 1);
    assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(s->ctx, small_group()), 1);
    mill_cert_free(leaf);
    EVP_PKEY_free(key);
}

static void classic_dh_tells_its_size(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    rsa_site_open(&site, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0");
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->tls.dh_bits, 768);
    assert_int_equal(r->tls.group, 0);
    assert_int_equal(r->tls.cipher_suite, 0x009e);
    dial_result_free(r);
    fixture_site_close(&site);

    rsa_site_open(&site, "AES128-GCM-SHA256:@SECLEVEL=0");
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->tls.cipher_suite, 0x009c);
    assert_int_equal(r->tls.dh_bits, 0);
    assert_int_equal(r->tls.group, 0);
    dial_result_free(r);
    fixture_site_close(&site);
}

/* ------------------------------------------------ what OpenSSL does not speak ---- */

struct museum {
    const struct fixture_site *site;
    uint16_t version, suite;
    bool broken_cert;
    bool always;                /* answer every hello, not just one that offers the suite */
};

static bool offers(const uint8_t *hello, size_t len, uint16_t suite)
{
    struct reader r = { .rest = span_of(hello, len) }, suites;

    (void)read_bytes(&r, 5 + 4 + 2 + 32);
    (void)read_vec8(&r);
    suites = (struct reader){ .rest = read_vec16(&r) };
    while (read_more(&suites)) {
        if (read_u16(&suites) == suite)
            return true;
    }
    return false;
}

static void add_message(struct buf *out, uint8_t type, struct mw_span body)
{
    buf_u8(out, type);
    buf_u24(out, (uint32_t)body.len);
    buf_add(out, body);
}

/* ServerHello, Certificate, ServerHelloDone in the clear: static RSA, TLS 1.2 at most. */
static void museum_part(int fd, void *context)
{
    const struct museum *m = context;
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(65536), messages = BUF_INIT(65536),
                                   record = BUF_INIT(65536);
    struct mw_span der = m->broken_cert ? SPAN_LIT("not a certificate")
                                        : mill_cert_der(m->site->leaf);
    uint8_t hello[4096];
    size_t n = peer_read(fd, hello, sizeof(hello));

    if (!m->always && !offers(hello, n, m->suite)) {
        peer_send(fd, "\x15\x03\x03\x00\x02\x02\x28", 7);
        return;
    }
    buf_u16(&body, m->version);
    buf_fill(&body, 7, 32);
    buf_u8(&body, 0);
    buf_u16(&body, m->suite);
    buf_u8(&body, 0);
    add_message(&messages, 2, buf_span(&body));
    buf_truncate(&body, 0);
    buf_u24(&body, (uint32_t)der.len + 3);
    buf_u24(&body, (uint32_t)der.len);
    buf_add(&body, der);
    add_message(&messages, 11, buf_span(&body));
    add_message(&messages, 14, (struct mw_span){ NULL, 0 });
    buf_u8(&record, 22);
    buf_u16(&record, m->version);
    buf_u16(&record, (uint16_t)messages.len);
    buf_add(&record, buf_span(&messages));
    peer_send(fd, record.data, record.len);
    peer_wait_for_end(fd);
}

static void suites_that_nobody_builds_are_read(void **state)
{
    static const struct {
        uint16_t version, suite;
        const char *name;
    } cases[] = {
        { 0x0303, 0x0005, "RC4-SHA" },
        { 0x0302, 0x000a, "DES-CBC3-SHA" },
        { 0x0301, 0x0003, "EXP-RC4-MD5" },
        { 0x0300, 0x0004, "RC4-MD5" },
    };
    struct fixture_site site;

    (void)state;
    fixture_site_open(&site, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct museum m = { .site = &site, .version = cases[i].version, .suite = cases[i].suite };
        struct dial_result *r = dial_peer(museum_part, &m, NULL, NULL);

        assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
        assert_int_equal(r->offer, DIAL_OFFER_ANCIENT);
        assert_int_equal(r->tls.version, cases[i].version);
        assert_int_equal(r->tls.cipher_suite, cases[i].suite);
        assert_string_equal(r->tls.cipher_name, cases[i].name);
        assert_int_equal(r->n_certs, 1);
        assert_true(span_eq(r->certs[0], mill_cert_der(site.leaf)));
        assert_int_equal(r->tls.alert, 0);
        dial_result_free(r);
    }
    fixture_site_close(&site);
}

/* ------------------------------------------------------------ copied certificates ---- */

/* Somebody without the key can send the chain all the same.  With nothing wrong about version
 * and suite it would look like the server itself. */
static void a_copied_chain_is_not_the_server(void **state)
{
    struct fixture_site site;
    struct museum m = { .site = &site, .version = 0x0303, .suite = 0x002f };
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, 0, 0);
    m.always = true;            /* then it cannot finish */
    r = dial_peer(museum_part, &m, &(struct probe_limits){ .handshake_ms = 400 }, NULL);
    assert_int_not_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->n_certs, 1);
    dial_result_free(r);
    fixture_site_close(&site);
}

/* Plays the server, but one bit of its ServerKeyExchange signature is wrong. */
static void spoil_proof(int fd, void *context)
{
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    uint8_t bytes[16384];
    char *flight;
    size_t n = peer_read(fd, bytes, sizeof(bytes));
    struct reader r;

    SSL_set_bio(ssl, in, out);
    BIO_write(in, bytes, (int)n);
    (void)SSL_accept(ssl);
    n = (size_t)BIO_get_mem_data(out, &flight);
    r = (struct reader){ .rest = span_of(flight, n) };
    while (read_more(&r)) {
        (void)read_bytes(&r, 3);
        struct mw_span record = read_vec16(&r);

        /* OpenSSL puts each of these messages into a record of its own. */
        if (record.len > 4 && record.data[0] == 12)
            flight[(const char *)record.data - flight + (ptrdiff_t)record.len - 1] ^= 1;
    }
    peer_send(fd, flight, n);
    (void)peer_read(fd, bytes, sizeof(bytes));
    SSL_free(ssl);
}

static void a_wrong_proof_of_the_key_is_no_handshake(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, TLS1_2_VERSION, TLS1_2_VERSION);
    r = dial_peer(spoil_proof, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_FAILED);
    assert_int_equal(r->n_certs, 2);
    fixture_says(r, "after the certificates: bad signature");
    dial_result_free(r);
    fixture_site_close(&site);
}

/* ------------------------------------------------------------------ cut and broken ---- */

static void a_leaf_that_is_no_certificate_arrives(void **state)
{
    struct museum m = { .version = 0x0303, .suite = 0x002f, .broken_cert = true, .always = true };
    struct dial_result *r = dial_peer(museum_part, &m, NULL, NULL);

    (void)state;
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->n_certs, 1);
    assert_true(span_eq(r->certs[0], SPAN_LIT("not a certificate")));
    fixture_says(r, "does not parse");
    dial_result_free(r);
}

/* The server's flight, of which the last half is missing. */
static void send_half(int fd, void *context)
{
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    uint8_t bytes[16384];
    char *flight;
    size_t n = peer_read(fd, bytes, sizeof(bytes));

    SSL_set_bio(ssl, in, out);
    BIO_write(in, bytes, (int)n);
    (void)SSL_accept(ssl);
    n = (size_t)BIO_get_mem_data(out, &flight);
    peer_send(fd, flight, n / 2);
    SSL_free(ssl);
}

static void a_cut_handshake_was_closed_half_way(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, TLS1_2_VERSION, TLS1_2_VERSION);
    r = dial_peer(send_half, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_CLOSED);
    fixture_says(r, "in the middle of the handshake");
    dial_result_free(r);
    fixture_site_close(&site);
}

static void garbage_in_a_record_breaks_the_protocol_part(int fd, void *unused)
{
    uint8_t bytes[4096];

    (void)unused;
    (void)peer_read(fd, bytes, sizeof(bytes));
    peer_send(fd, "\x16\x03\x03\x00\x08\x02\x00\x00\x04" "abcd", 13);
    peer_wait_for_end(fd);
}

static void garbage_in_a_record_breaks_the_protocol(void **state)
{
    struct dial_result *r = dial_peer(garbage_in_a_record_breaks_the_protocol_part, NULL, NULL,
                                      NULL);

    (void)state;
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_FAILED);
    fixture_says(r, "ServerHello");
    dial_result_free(r);
}

/* --------------------------------------------------------------------- client cert ---- */

static void a_wanted_client_certificate_is_noted(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        fixture_site_open(&site, versions[i], versions[i]);
        SSL_CTX_set_verify(site.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        r = dial_peer(peer_tls, site.ctx, NULL, NULL);
        assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
        assert_true(r->tls.client_cert_wanted);
        assert_int_equal(r->tls.alert, 0);
        assert_int_equal(r->n_certs, 2);
        assert_int_equal(r->offer, DIAL_OFFER_MODERN);
        dial_result_free(r);
        fixture_site_close(&site);
    }
}

/* ------------------------------------------------------------------------- bounds ---- */

static void large_certificates_pass_up_to_the_limit(void **state)
{
    struct fixture_site site;
    struct mill_cert *wide;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, 0, 0);
    wide = fixture_wide_leaf(&site, 10000);
    assert_true(mill_cert_der(wide).len > 150000);
    assert_int_equal(SSL_CTX_use_certificate(site.ctx, mill_cert_x509(wide)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(site.ctx, mill_cert_key(wide)), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_true(span_eq(r->certs[0], mill_cert_der(wide)));
    dial_result_free(r);
    r = dial_peer(peer_tls, site.ctx, &(struct probe_limits){ .chain_bytes = 100000 }, NULL);
    assert_int_equal(r->reach, MW_REACH_TOO_BIG);
    dial_result_free(r);
    mill_cert_free(wide);
    fixture_site_close(&site);
}

static void a_mebibyte_of_certificate_passes(void **state)
{
    struct fixture_site site;
    struct mill_cert *wide;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, TLS1_3_VERSION, 0);
    wide = fixture_wide_leaf(&site, 54000);
    assert_in_range(mill_cert_der(wide).len, 1 << 20, 2 << 20);
    assert_int_equal(SSL_CTX_use_certificate(site.ctx, mill_cert_x509(wide)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(site.ctx, mill_cert_key(wide)), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_true(span_eq(r->certs[0], mill_cert_der(wide)));
    dial_result_free(r);
    mill_cert_free(wide);
    fixture_site_close(&site);
}

static void the_count_of_certificates_is_limited(void **state)
{
    struct fixture_site site;
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, 0, 0);
    for (int i = 1; i < 100; i++)
        assert_int_equal(SSL_CTX_add1_chain_cert(site.ctx, mill_cert_x509(site.intermediate)), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->n_certs, 101);
    dial_result_free(r);
    for (int i = 100; i < 300; i++)
        assert_int_equal(SSL_CTX_add1_chain_cert(site.ctx, mill_cert_x509(site.intermediate)), 1);
    r = dial_peer(peer_tls, site.ctx, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_TOO_BIG);
    fixture_says(r, "256 certificates");
    dial_result_free(r);
    fixture_site_close(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_version_is_found_by_the_second_offer),
        cmocka_unit_test(controls_are_asked_only_once),
        cmocka_unit_test(weak_groups_and_suites_are_described),
        cmocka_unit_test(anonymous_tls_is_no_handshake),
        cmocka_unit_test(classic_dh_tells_its_size),
        cmocka_unit_test(suites_that_nobody_builds_are_read),
        cmocka_unit_test(a_copied_chain_is_not_the_server),
        cmocka_unit_test(a_wrong_proof_of_the_key_is_no_handshake),
        cmocka_unit_test(a_leaf_that_is_no_certificate_arrives),
        cmocka_unit_test(a_cut_handshake_was_closed_half_way),
        cmocka_unit_test(garbage_in_a_record_breaks_the_protocol),
        cmocka_unit_test(a_wanted_client_certificate_is_noted),
        cmocka_unit_test(large_certificates_pass_up_to_the_limit),
        cmocka_unit_test(a_mebibyte_of_certificate_passes),
        cmocka_unit_test(the_count_of_certificates_is_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
