/*
 * Each rule of RFC 5280 sections 5 and 6.3.3 that decides whether a list may be believed, by a
 * list that breaks it and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <openssl/x509v3.h>
#include <cmocka.h>

#include "lab/mill.h"
#include "trust/cert.h"
#include "trust/crl.h"

#define NOW 1781524800
#define DAY 86400

/* A CA, a leaf and a second leaf, minted and parsed. */
struct scene {
    EVP_PKEY *key, *leaf_key;
    struct mill_cert *ca, *leaf, *other;
    struct cert *ca_cert, *leaf_cert, *other_cert;
};

/* How the list under test differs from a good one. */
struct wrong {
    bool no_number, number_critical, delta, no_next, other_key, flipped, v1;
    const char *scope; /* an OpenSSL config value for issuingDistributionPoint */
    bool unknown_critical, entry_critical, sha1, listed;
    int reason;
    EVP_PKEY *signer;
    X509 *named; /* whose name it bears, NULL: the CA's */
};

static struct cert *parsed(const struct mill_cert *c)
{
    struct cert *out = NULL;

    assert_int_equal(cert_parse(&out, mill_cert_der(c)), 0);
    return out;
}

static struct mill_cert *issued(const struct mill_spec *spec, EVP_PKEY *key,
                                const struct mill_cert *issuer)
{
    struct mill_cert *c = NULL;

    assert_int_equal(mill_issue(&c, spec, key, issuer), 0);
    return c;
}

static struct mill_spec ca_spec(void)
{
    return (struct mill_spec){ .subject = "CN=Lists CA",
                               .ca = true,
                               .not_before = { NOW - 400 * DAY },
                               .not_after = { NOW + 400 * DAY } };
}

static struct mill_spec leaf_spec(void)
{
    return (struct mill_spec){ .subject = "CN=a.test",
                               .names = "DNS:a.test",
                               .crl_url = "http://crl.test/1.crl",
                               .not_before = { NOW - DAY },
                               .not_after = { NOW + 80 * DAY } };
}

static void scene_open(struct scene *s, const struct mill_spec *ca)
{
    struct mill_spec usual = ca_spec(), leaf = leaf_spec();

    assert_int_equal(mill_key_new(&s->key, MILL_P256, true), 0);
    assert_int_equal(mill_key_new(&s->leaf_key, MILL_P256, true), 0);
    s->ca = issued(ca != NULL ? ca : &usual, s->key, NULL);
    s->leaf = issued(&leaf, s->leaf_key, s->ca);
    leaf.serial = SPAN_LIT("another");
    s->other = issued(&leaf, s->leaf_key, s->ca);
    s->ca_cert = parsed(s->ca);
    s->leaf_cert = parsed(s->leaf);
    s->other_cert = parsed(s->other);
}

static void scene_close(struct scene *s)
{
    cert_free(s->ca_cert);
    cert_free(s->leaf_cert);
    cert_free(s->other_cert);
    mill_cert_free(s->leaf);
    mill_cert_free(s->other);
    mill_cert_free(s->ca);
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->leaf_key);
}

static void entry_add(X509_CRL *crl, const struct scene *s, const struct wrong *w)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, NOW - DAY);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    X509 *x = mill_cert_x509(w->listed ? s->leaf : s->other);

    assert_int_equal(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(x)), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, at), 1);
    if (w->reason > 0) {
        assert_int_equal(ASN1_ENUMERATED_set(reason, w->reason), 1);
        assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0), 1);
    }
    if (w->entry_critical) {
        ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *e;

        ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05", 1);
        e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
        assert_int_equal(X509_REVOKED_add_ext(entry, e, -1), 1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(oid);
    }
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    ASN1_TIME_free(at);
    ASN1_ENUMERATED_free(reason);
}

static void extension_add(X509_CRL *crl, const struct scene *s, int nid, const char *value)
{
    X509_EXTENSION *e;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, mill_cert_x509(s->ca), NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&ctx);
    e = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_CRL_add_ext(crl, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void extensions_add(X509_CRL *crl, const struct scene *s, const struct wrong *w)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    ASN1_INTEGER_set(number, 7);
    if (!w->other_key && w->named == NULL && w->signer == NULL)
        extension_add(crl, s, NID_authority_key_identifier, "keyid");
    if (w->other_key) {
        AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();

        aki->keyid = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(aki->keyid, (const unsigned char *)"another key's id", 16);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0), 1);
        AUTHORITY_KEYID_free(aki);
    }
    if (!w->no_number)
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, w->number_critical, 0),
                         1);
    if (w->delta)
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0), 1);
    if (w->unknown_critical)
        extension_add(crl, s, NID_freshest_crl, "critical,URI:http://crl.test/delta");
    if (w->scope != NULL)
        extension_add(crl, s, NID_issuing_distribution_point, w->scope);
    ASN1_INTEGER_free(number);
}

static void list_make(const struct scene *s, const struct wrong *w, struct buf *out)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, NOW - DAY), *to = ASN1_TIME_set(NULL, NOW + DAY);
    X509 *named = w->named != NULL ? w->named : mill_cert_x509(s->ca);
    unsigned char *der = NULL;
    int n;

    X509_CRL_set_version(crl, w->v1 ? X509_CRL_VERSION_1 : X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(named));
    X509_CRL_set1_lastUpdate(crl, from);
    if (!w->no_next)
        X509_CRL_set1_nextUpdate(crl, to);
    entry_add(crl, s, w);
    if (!w->v1)
        extensions_add(crl, s, w);
    X509_CRL_sort(crl);
    assert_true(X509_CRL_sign(crl, w->signer != NULL ? w->signer : s->key,
                              w->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    n = i2d_X509_CRL(crl, &der);
    assert_true(n > 0);
    if (w->flipped)
        der[n - 1] ^= 1;
    buf_add(out, span_of(der, (size_t)n));
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
}

/* The fault found, 0 for none. */
static int fault_of(const struct scene *s, const struct wrong *w, struct status_answer *answer)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);
    struct crl l;

    list_make(s, w, &der);
    assert_int_equal(crl_parse(&l, buf_span(&der)), 0);
    return crl_check(&l, s->leaf_cert, s->ca_cert, answer);
}

static void a_good_list_answers(void **state)
{
    struct scene s;
    struct status_answer a;
    struct wrong listed = { .listed = true, .reason = 1 };

    (void)state;
    scene_open(&s, NULL);
    assert_int_equal(fault_of(&s, &(struct wrong){ 0 }, &a), 0);
    assert_int_equal(a.status, STATUS_GOOD);
    assert_int_equal(a.this_update.s, NOW - DAY);
    assert_int_equal(a.until.s, NOW + DAY);
    assert_int_equal(fault_of(&s, &listed, &a), 0);
    assert_int_equal(a.status, STATUS_REVOKED);
    assert_int_equal(a.revoked_at.s, NOW - DAY);
    assert_string_equal(status_reason(a.reason), "key compromise");
    scene_close(&s);
}

static void each_broken_rule_is_named(void **state)
{
    static const struct {
        struct wrong wrong;
        int fault;
    } cases[] = {
        { { .no_number = true }, CRL_NO_NUMBER },
        { { .number_critical = true }, CRL_NUMBER_CRITICAL },
        { { .v1 = true }, CRL_NO_NUMBER },
        { { .delta = true }, CRL_DELTA },
        { { .no_next = true }, CRL_NO_NEXT_UPDATE },
        { { .other_key = true }, CRL_OTHER_KEY },
        { { .flipped = true }, CRL_BAD_SIGNATURE },
        { { .sha1 = true }, CRL_WEAK_SIGNATURE },
        { { .unknown_critical = true }, CRL_UNKNOWN_CRITICAL },
        { { .entry_critical = true }, CRL_BAD_ENTRY },
        { { .listed = true, .entry_critical = true }, CRL_BAD_ENTRY },
        { { .reason = 8 }, CRL_BAD_ENTRY },
        { { .scope = "critical,onlyAA:TRUE" }, CRL_OUT_OF_SCOPE },
        { { .scope = "critical,onlyCA:TRUE" }, CRL_OUT_OF_SCOPE },
        { { .scope = "critical,onlyuser:TRUE" }, 0 },
        { { .scope = "critical,indirectCRL:TRUE" }, CRL_INDIRECT },
        { { .scope = "critical,onlysomereasons:keyCompromise" }, CRL_SOME_REASONS },
        { { .scope = "critical,fullname:URI:http://crl.test/1.crl" }, 0 },
        { { .scope = "critical,fullname:URI:http://crl.test/2.crl" }, CRL_OUT_OF_SCOPE },
        { { .listed = true, .scope = "critical,fullname:URI:http://crl.test/2.crl" },
          CRL_OUT_OF_SCOPE },
    };
    struct scene s;

    (void)state;
    scene_open(&s, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status_answer a = { .status = STATUS_UNKNOWN };

        if (fault_of(&s, &cases[i].wrong, &a) != cases[i].fault)
            fail_msg("case %zu: not %s", i, crl_fault_text((enum crl_fault)cases[i].fault));
        if (cases[i].fault != 0)
            assert_int_equal(a.status, STATUS_UNKNOWN);
    }
    scene_close(&s);
}

static void some_reasons_still_revoke(void **state)
{
    struct wrong w = { .listed = true, .scope = "critical,onlysomereasons:keyCompromise" };
    struct status_answer a;
    struct scene s;

    (void)state;
    scene_open(&s, NULL);
    assert_int_equal(fault_of(&s, &w, &a), 0);
    assert_int_equal(a.status, STATUS_REVOKED);
    scene_close(&s);
}

static void a_list_for_users_says_nothing_of_an_authority(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);
    struct mill_spec sub = ca_spec();
    struct mill_cert *sub_ca;
    struct cert *sub_cert;
    struct status_answer a;
    struct scene s;
    struct crl l;

    (void)state;
    scene_open(&s, NULL);
    sub.subject = "CN=Sub CA";
    sub_ca = issued(&sub, s.leaf_key, s.ca);
    sub_cert = parsed(sub_ca);
    list_make(&s, &(struct wrong){ .scope = "critical,onlyuser:TRUE" }, &der);
    assert_int_equal(crl_parse(&l, buf_span(&der)), 0);
    assert_int_equal(crl_check(&l, sub_cert, s.ca_cert, &a), CRL_OUT_OF_SCOPE);
    buf_truncate(&der, 0);
    list_make(&s, &(struct wrong){ .scope = "critical,onlyCA:TRUE" }, &der);
    assert_int_equal(crl_parse(&l, buf_span(&der)), 0);
    assert_int_equal(crl_check(&l, sub_cert, s.ca_cert, &a), 0);
    cert_free(sub_cert);
    mill_cert_free(sub_ca);
    scene_close(&s);
}

static void only_the_issuer_speaks(void **state)
{
    struct mill_spec stranger = ca_spec();
    EVP_PKEY *key = NULL;
    struct mill_cert *c;
    struct status_answer a;
    struct scene s;

    (void)state;
    scene_open(&s, NULL);
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    stranger.subject = "CN=Somebody Else";
    c = issued(&stranger, key, NULL);
    assert_int_equal(
        fault_of(&s, &(struct wrong){ .signer = key, .named = mill_cert_x509(c), .listed = true },
                 &a),
        CRL_OTHER_ISSUER);
    /* Bears the issuer's name, but not its key's signature. */
    assert_int_equal(fault_of(&s, &(struct wrong){ .signer = key, .listed = true }, &a),
                     CRL_BAD_SIGNATURE);
    mill_cert_free(c);
    EVP_PKEY_free(key);
    scene_close(&s);
}

static void key_usage_decides_who_may_sign_lists(void **state)
{
    static const struct {
        const char *usage;
        int fault;
    } cases[] = {
        { "keyCertSign", CRL_ISSUER_MAY_NOT_SIGN },
        { "keyCertSign,cRLSign", 0 },
        { "", 0 }, /* no such extension: no limit (RFC 5280 6.3.3 (f)) */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mill_spec ca = ca_spec();
        struct status_answer a;
        struct scene s;

        ca.key_usage = cases[i].usage;
        scene_open(&s, &ca);
        assert_int_equal(fault_of(&s, &(struct wrong){ 0 }, &a), cases[i].fault);
        scene_close(&s);
    }
}

static void damaged_bytes_are_malformed(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);
    struct scene s;
    struct crl l;

    (void)state;
    scene_open(&s, NULL);
    list_make(&s, &(struct wrong){ .listed = true }, &der);
    for (size_t n = 0; n < der.len; n++)
        assert_int_equal(crl_parse(&l, span_cut(buf_span(&der), 0, n)), CRL_MALFORMED);
    buf_u8(&der, 0);
    assert_int_equal(crl_parse(&l, buf_span(&der)), CRL_MALFORMED);
    scene_close(&s);
}

static void the_points_are_read(void **state)
{
    struct mw_span urls[4];
    struct scene s;

    (void)state;
    scene_open(&s, NULL);
    assert_true(crl_points_named(s.leaf_cert));
    assert_int_equal(crl_urls(s.leaf_cert, urls, 4), 1);
    assert_true(span_eq(urls[0], SPAN_LIT("http://crl.test/1.crl")));
    assert_int_equal(crl_urls(s.leaf_cert, urls, 0), 0);
    assert_false(crl_points_named(s.ca_cert));
    assert_int_equal(crl_urls(s.ca_cert, urls, 4), 0);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_list_answers),
        cmocka_unit_test(each_broken_rule_is_named),
        cmocka_unit_test(some_reasons_still_revoke),
        cmocka_unit_test(a_list_for_users_says_nothing_of_an_authority),
        cmocka_unit_test(only_the_issuer_speaks),
        cmocka_unit_test(key_usage_decides_who_may_sign_lists),
        cmocka_unit_test(damaged_bytes_are_malformed),
        cmocka_unit_test(the_points_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
