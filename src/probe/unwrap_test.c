#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "base/clock.h"
#include "lab/mill.h"
#include "probe/unwrap.h"

static const struct mw_wall now = { 1795000000 };

static struct mill_cert *make_ca(const char *subject)
{
    const struct mill_spec spec = { .subject = subject, .ca = true,
                                    .not_before = { 1790000000 },
                                    .not_after = { 1800000000 } };
    struct mill_cert *ca;
    EVP_PKEY *key;

    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&ca, &spec, key, NULL), 0);
    EVP_PKEY_free(key);
    return ca;
}

/* Certs-only PKCS#7 as AIA servers send it. */
static void pkcs7_write(struct buf *out, struct mill_cert *const *cas, size_t n, bool pem)
{
    PKCS7 *p7 = PKCS7_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    long len;

    assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
    assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(PKCS7_add_certificate(p7, mill_cert_x509(cas[i])), 1);
    assert_int_equal(pem ? PEM_write_bio_PKCS7(bio, p7) : i2d_PKCS7_bio(bio, p7), 1);
    len = BIO_get_mem_data(bio, &at);
    buf_add(out, span_of(at, (size_t)len));
    BIO_free(bio);
    PKCS7_free(p7);
}

static void certs_come_in_every_wrapping(void **state)
{
    struct mill_cert *cas[] = { make_ca("CN=One"), make_ca("CN=Two") };
    struct arena arena = ARENA_INIT(1 << 20);
    struct mw_span certs[UNWRAP_MAX_CERTS];
    size_t n;

    (void)state;
    for (int form = 0; form < 4; form++) {
        CLEANUP(buf_deinit) struct buf body = BUF_INIT(1 << 16);
        size_t expect = 2;

        switch (form) {
        case 0:
            buf_add(&body, mill_cert_der(cas[0]));
            expect = 1;
            break;
        case 1:
            buf_str(&body, "some text\n");
            mill_cert_pem(cas[0], &body);
            mill_cert_pem(cas[1], &body);
            break;
        default:
            pkcs7_write(&body, cas, 2, form == 3);
            break;
        }
        assert_int_equal(unwrap_certs(buf_span(&body), &arena, certs, &n), 0);
        assert_int_equal(n, expect);
        for (size_t i = 0; i < expect; i++)
            assert_true(span_eq(certs[i], mill_cert_der(cas[i])));
    }
    arena_deinit(&arena);
    mill_cert_free(cas[0]);
    mill_cert_free(cas[1]);
}

static void other_bytes_hold_no_certs(void **state)
{
    static const char *const bodies[] = {
        "", "<html>", "\x30\x03\x02\x01", "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    };
    struct arena arena = ARENA_INIT(1 << 20);
    struct mw_span certs[UNWRAP_MAX_CERTS], crl;
    struct mw_wall next;
    size_t n = 9;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_equal(unwrap_certs(span_str(bodies[i]), &arena, certs, &n), 0);
        assert_int_equal(n, 0);
        assert_true(unwrap_crl(span_str(bodies[i]), &arena, &crl, &next) > 0);
    }
    arena_deinit(&arena);
}

static void a_thousand_certs_are_cut(void **state)
{
    struct mill_cert *ca = make_ca("CN=One");
    struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(4 << 20);
    struct mw_span certs[UNWRAP_MAX_CERTS];
    size_t n;

    (void)state;
    for (int i = 0; i < 1000; i++)
        mill_cert_pem(ca, &body);
    assert_int_equal(unwrap_certs(buf_span(&body), &arena, certs, &n), 0);
    assert_int_equal(n, UNWRAP_MAX_CERTS);
    arena_deinit(&arena);
    mill_cert_free(ca);
}

static void crls_come_as_der_or_pem(void **state)
{
    struct mill_cert *ca = make_ca("CN=One");
    struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16), pem = BUF_INIT(1 << 16);
    struct mw_span out;
    struct mw_wall next;
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    long len;

    (void)state;
    assert_int_equal(mill_crl(&der, ca, NULL, 0, now, (struct mw_wall){ now.s + 86400 }), 0);
    assert_int_equal(unwrap_crl(buf_span(&der), &arena, &out, &next), 0);
    assert_true(span_eq(out, buf_span(&der)));
    assert_int_equal(next.s, now.s + 86400);

    assert_int_equal(PEM_write_bio(bio, "X509 CRL", "", der.data, (long)der.len) > 0, 1);
    len = BIO_get_mem_data(bio, &at);
    buf_add(&pem, span_of(at, (size_t)len));
    BIO_free(bio);
    assert_int_equal(unwrap_crl(buf_span(&pem), &arena, &out, &next), 0);
    assert_true(span_eq(out, buf_span(&der)));

    buf_truncate(&der, 0);
    assert_int_equal(mill_crl(&der, ca, NULL, 0, now, (struct mw_wall){ 0 }), 0);
    assert_int_equal(unwrap_crl(buf_span(&der), &arena, &out, &next), 0);
    assert_int_equal(next.s, 0);
    arena_deinit(&arena);
    mill_cert_free(ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certs_come_in_every_wrapping),
        cmocka_unit_test(other_bytes_hold_no_certs),
        cmocka_unit_test(a_thousand_certs_are_cut),
        cmocka_unit_test(crls_come_as_der_or_pem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
