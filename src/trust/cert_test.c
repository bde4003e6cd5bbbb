/*
 * One certificate: read whole or not at all, shown as people read it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/provider.h>

#include "base/text.h"
#include "trust/cert.h"
#include "trust/key.h"
#include "trust/url.h"
#include "world.h"

static void opened(struct world *w, struct cert **c, const struct mill_spec *leaf)
{
    world_open(w, MW_ANCHOR_PUBLIC, NULL, leaf);
    assert_int_equal(cert_parse(c, mill_cert_der(w->leaf)), 0);
}

static void the_fields_are_read(void **state)
{
    struct mill_spec spec = world_leaf();
    struct world w;
    struct cert *c, *ca;

    (void)state;
    spec.names = "DNS:www.shop.test,IP:192.0.2.1,email:a@shop.test,URI:http://shop.test/";
    opened(&w, &c, &spec);
    assert_int_equal(cert_parse(&ca, mill_cert_der(w.ca)), 0);
    assert_int_equal(c->version, 3);
    assert_int_equal(c->n_sans, 4);
    assert_int_equal(c->sans[1].kind, SAN_IP);
    assert_int_equal(c->sans[1].value.len, 4);
    assert_true(span_eq(c->sans[0].value, SPAN_LIT("www.shop.test")));
    assert_false(c->is_ca || c->self_issued || c->san_malformed);
    assert_true(ca->is_ca);
    assert_int_equal(c->not_before.s, spec.not_before.s);
    assert_int_equal(c->not_after.s, spec.not_after.s);
    assert_true(span_eq(c->aki, ca->ski) && c->aki.len > 0);
    assert_true(span_eq(c->issuer, ca->subject));
    assert_int_equal(cert_signed_by(c, ca), 1);
    assert_int_equal(cert_signed_by(ca, c), 0);
    assert_false(cert_same(c, ca));
    assert_true(cert_same(c, c));
    cert_free(ca);
    cert_free(c);
    world_close(&w);
}

static void nothing_may_follow(void **state)
{
    struct world w;
    struct cert *c = NULL, *kept = NULL;
    struct buf der = BUF_INIT(1 << 16);

    (void)state;
    opened(&w, &c, NULL);
    buf_add(&der, mill_cert_der(w.leaf));
    buf_u8(&der, 0);
    assert_int_equal(cert_parse(&kept, buf_span(&der)), MW_E_DER);
    for (size_t len = 0; len + 1 < der.len; len += 7)
        assert_int_equal(cert_parse(&kept, span_of(der.data, len)), MW_E_DER);
    assert_null(kept);
    buf_deinit(&der);
    cert_free(c);
    world_close(&w);
}

/* Whatever is parsed bare gets its key when asked, and verifies alike. */
static void a_bare_certificate_has_its_key_later(void **state)
{
    OSSL_LIB_CTX *bare = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *none = OSSL_PROVIDER_load(bare, "null");
    struct world w;
    struct cert *c, *ca;

    (void)state;
    opened(&w, &c, NULL);
    assert_int_equal(cert_parse_bare(&ca, mill_cert_der(w.ca), bare), 0);
    assert_null(X509_get0_pubkey(ca->x509));
    assert_int_equal(cert_signed_by(c, ca), 1);
    assert_non_null(X509_get0_pubkey(cert_whole(ca)));
    assert_ptr_equal(cert_whole(ca), cert_whole(ca));
    cert_free(ca);
    cert_free(c);
    world_close(&w);
    OSSL_PROVIDER_unload(none);
    OSSL_LIB_CTX_free(bare);
}

/* Without OpenSSL's view all fields are the same; no signature on it counts. */
static void fields_alone_are_the_same(void **state)
{
    struct cert *c, *fields, *kept = NULL;
    struct world w;
    struct mw_span der;

    (void)state;
    opened(&w, &c, NULL);
    der = mill_cert_der(w.leaf);
    assert_int_equal(cert_parse_fields(&fields, der), 0);
    assert_null(fields->x509);
    assert_true(span_eq(fields->subject, c->subject));
    assert_true(span_eq(fields->spki, c->spki));
    assert_true(span_eq(fields->aki, c->aki));
    assert_int_equal(fields->n_sans, c->n_sans);
    assert_int_equal(fields->n_extensions, c->n_extensions);
    assert_int_equal(fields->not_after.s, c->not_after.s);
    assert_int_equal(cert_signed_by(fields, c), 0);
    assert_non_null(X509_get0_pubkey(cert_whole(fields)));
    assert_ptr_equal(cert_whole(fields), cert_whole(fields));
    for (size_t len = 0; len < der.len; len += 7)
        assert_int_equal(cert_parse_fields(&kept, span_of(der.data, len)), MW_E_DER);
    assert_null(kept);
    cert_free(fields);
    cert_free(c);
    world_close(&w);
}

static void keys_are_described(void **state)
{
    static const struct {
        enum mill_key kind;
        const char *text;
    } keys[] = {
        { MILL_P256, "EC P-256" },       { MILL_P384, "EC P-384" },
        { MILL_P192, "EC P-192" },       { MILL_RSA2048, "RSA 2048" },
        { MILL_RSA1024, "RSA 1024" },    { MILL_RSA2052, "RSA 2052" },
        { MILL_ED25519, "Ed25519" },     { MILL_P256_EXPLICIT, "EC with its own curve" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct mill_spec spec = world_root();
        EVP_PKEY *key = world_key(keys[i].kind), *again;
        struct mill_cert *minted = world_issue(&spec, key, NULL);
        struct buf text = BUF_INIT(64);
        struct key_facts facts;
        struct cert *c;

        assert_int_equal(cert_parse(&c, mill_cert_der(minted)), 0);
        facts = key_facts_read(c->spki);
        key_facts_format(&text, &facts);
        assert_string_equal((char *)text.data, keys[i].text);
        again = key_open(c->spki);
        assert_non_null(again);
        assert_int_equal(EVP_PKEY_eq(again, key), 1);
        EVP_PKEY_free(again);
        buf_deinit(&text);
        cert_free(c);
        mill_cert_free(minted);
        EVP_PKEY_free(key);
    }
}

static void subject_text(struct buf *out, const char *subject,
                         void (*format)(struct buf *, struct mw_span))
{
    struct mill_spec spec = world_leaf();
    struct world w;
    struct cert *c;

    spec.subject = subject;
    opened(&w, &c, &spec);
    buf_truncate(out, 0);
    format(out, c->subject);
    cert_free(c);
    world_close(&w);
}

static void names_are_shown_as_rfc_4514_says(void **state)
{
    struct buf text = BUF_INIT(4096);

    (void)state;
    subject_text(&text, "CN=shop.test,O=Lab,C=DE", name_format);
    assert_non_null(strstr((char *)text.data, "CN=shop.test"));
    assert_non_null(strstr((char *)text.data, "O=Lab"));
    subject_text(&text, "CN=shop.test,O=Lab", name_format_short);
    assert_string_equal((char *)text.data, "shop.test");
    subject_text(&text, "O=Lab", name_format_short);
    assert_string_equal((char *)text.data, "Lab");
    buf_deinit(&text);
}

/* SEQUENCE { SET { SEQUENCE { id-at-commonName, UTF8String value } } } */
static void cn_write(struct buf *out, const char *value)
{
    uint8_t n = (uint8_t)strlen(value);

    buf_truncate(out, 0);
    buf_u8(out, 0x30);
    buf_u8(out, (uint8_t)(n + 11));
    buf_u8(out, 0x31);
    buf_u8(out, (uint8_t)(n + 9));
    buf_u8(out, 0x30);
    buf_u8(out, (uint8_t)(n + 7));
    buf_add(out, SPAN_LIT("\x06\x03\x55\x04\x03\x0c"));
    buf_u8(out, n);
    buf_str(out, value);
}

static void names_cannot_forge_the_report(void **state)
{
    static const struct {
        const char *value, *shown;
    } cases[] = {
        { "a,O=Google", "CN=a\\,O=Google" },
        { "\x1b[31mred", "CN=\\x1b[31mred" },
        { " edge ", "CN=\\ edge\\ " },
        { "#5", "CN=\\#5" },
        { "two\nlines", "CN=two\\x0alines" },
    };
    struct buf der = BUF_INIT(256), text = BUF_INIT(1024);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cn_write(&der, cases[i].value);
        buf_truncate(&text, 0);
        name_format(&text, buf_span(&der));
        assert_string_equal((char *)text.data, cases[i].shown);
    }
    buf_deinit(&text);
    buf_deinit(&der);
}

static void names_compare_without_case_and_folded(void **state)
{
    struct buf a = BUF_INIT(256), b = BUF_INIT(256);

    (void)state;
    cn_write(&a, "Some  Name ");
    cn_write(&b, "some name");
    assert_true(name_within(buf_span(&a), buf_span(&b)));
    cn_write(&b, "some names");
    assert_false(name_within(buf_span(&a), buf_span(&b)));
    assert_true(name_within(buf_span(&a), SPAN_LIT("\x30\x00")));
    assert_false(name_within(SPAN_LIT("\x30\x00"), buf_span(&a)));
    assert_true(name_is_readable(buf_span(&a)));
    assert_false(name_is_readable(span_of(a.data, a.len - 1)));
    buf_deinit(&b);
    buf_deinit(&a);
}

static void addresses_are_found_and_odd_ones_left_out(void **state)
{
    struct mill_spec spec = world_leaf();
    struct arena arena = ARENA_INIT(1 << 16);
    const char *const *urls;
    struct world w;
    struct cert *c;
    size_t n;

    (void)state;
    spec.aia_issuer_url = "http://ca.shop.test/ca.cer";
    spec.ocsp_url = "http://ocsp.shop.test/";
    spec.crl_url = "ldap://ca.shop.test/cn=crl";
    opened(&w, &c, &spec);
    assert_int_equal(urls_read(&arena, c, URL_ISSUER, &urls, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(urls[0], "http://ca.shop.test/ca.cer");
    assert_int_equal(urls_read(&arena, c, URL_OCSP, &urls, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(urls_read(&arena, c, URL_CRL, &urls, &n), 0);
    assert_int_equal(n, 0);
    arena_deinit(&arena);
    cert_free(c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_read),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(a_bare_certificate_has_its_key_later),
        cmocka_unit_test(fields_alone_are_the_same),
        cmocka_unit_test(keys_are_described),
        cmocka_unit_test(names_are_shown_as_rfc_4514_says),
        cmocka_unit_test(names_cannot_forge_the_report),
        cmocka_unit_test(names_compare_without_case_and_folded),
        cmocka_unit_test(addresses_are_found_and_odd_ones_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
