/*
 * OCSP responses: who may sign them, what they are about, and how long they count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <openssl/ocsp.h>
#include <cmocka.h>

#include "lab/mill.h"
#include "trust/cert.h"
#include "trust/staple.h"

#define NOW 1781524800
#define DAY 86400

static const struct mw_wall now = { NOW }, from = { NOW - DAY }, to = { NOW + 3 * DAY };

struct scene {
    EVP_PKEY *key, *leaf_key;
    struct mill_cert *ca, *leaf, *other;
    struct cert *ca_cert, *leaf_cert;
};

static struct mill_spec ca_spec(void)
{
    return (struct mill_spec){ .subject = "CN=Answers CA",
                               .ca = true,
                               .not_before = { NOW - 400 * DAY },
                               .not_after = { NOW + 400 * DAY } };
}

static struct mill_spec leaf_spec(void)
{
    return (struct mill_spec){ .subject = "CN=a.test",
                               .names = "DNS:a.test",
                               .not_before = { NOW - DAY },
                               .not_after = { NOW + 80 * DAY } };
}

static struct mill_spec delegate_spec(void)
{
    return (struct mill_spec){ .subject = "CN=Responder",
                               .ext_key_usage = "OCSPSigning",
                               .key_usage = "digitalSignature",
                               .not_before = { NOW - 30 * DAY },
                               .not_after = { NOW + 30 * DAY } };
}

static struct mill_cert *issued(const struct mill_spec *spec, EVP_PKEY *key,
                                const struct mill_cert *issuer)
{
    struct mill_cert *c = NULL;

    assert_int_equal(mill_issue(&c, spec, key, issuer), 0);
    return c;
}

static int scene_open(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct mill_spec ca = ca_spec(), leaf = leaf_spec();

    assert_int_equal(mill_key_new(&s->key, MILL_P256, true), 0);
    assert_int_equal(mill_key_new(&s->leaf_key, MILL_P256, true), 0);
    s->ca = issued(&ca, s->key, NULL);
    s->leaf = issued(&leaf, s->leaf_key, s->ca);
    leaf.subject = "CN=b.test";
    s->other = issued(&leaf, s->leaf_key, s->ca);
    assert_int_equal(cert_parse(&s->ca_cert, mill_cert_der(s->ca)), 0);
    assert_int_equal(cert_parse(&s->leaf_cert, mill_cert_der(s->leaf)), 0);
    *state = s;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *s = *state;

    cert_free(s->ca_cert);
    cert_free(s->leaf_cert);
    mill_cert_free(s->leaf);
    mill_cert_free(s->other);
    mill_cert_free(s->ca);
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->leaf_key);
    free(s);
    return 0;
}

static int checked(const struct scene *s, struct mw_span der, struct status_answer *out)
{
    struct staple parsed;

    assert_int_equal(staple_parse(&parsed, der), 0);
    return staple_check(&parsed, s->leaf_cert, s->ca_cert, out, NULL);
}

/* What comes of an answer about `about`, signed by `signer`. */
static int answered(const struct scene *s, const struct mill_cert *about,
                    const struct mill_cert *signer, enum mill_ocsp_status status,
                    struct status_answer *out)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);

    assert_int_equal(mill_ocsp(&der, about, s->ca, signer, status, from, from, to), 0);
    return checked(s, buf_span(&der), out);
}

static void the_issuer_answers(void **state)
{
    const struct scene *s = *state;
    struct status_answer a;

    assert_int_equal(answered(s, s->leaf, s->ca, MILL_OCSP_GOOD, &a), 0);
    assert_int_equal(a.status, STATUS_GOOD);
    assert_int_equal(a.this_update.s, from.s);
    assert_int_equal(a.until.s, to.s);
    assert_int_equal(answered(s, s->leaf, s->ca, MILL_OCSP_REVOKED, &a), 0);
    assert_int_equal(a.status, STATUS_REVOKED);
    assert_int_equal(a.revoked_at.s, from.s);
    assert_int_equal(answered(s, s->leaf, s->ca, MILL_OCSP_UNKNOWN, &a), 0);
    assert_int_equal(a.status, STATUS_UNKNOWN);
}

static void an_answer_about_another_is_none(void **state)
{
    const struct scene *s = *state;
    struct status_answer a;

    assert_int_equal(answered(s, s->other, s->ca, MILL_OCSP_GOOD, &a), STAPLE_OTHER_CERT);
}

static void an_answer_of_another_issuer_is_none(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);
    const struct scene *s = *state;
    struct mill_spec spec = ca_spec();
    struct mill_cert *twin; /* same name, other key */
    EVP_PKEY *key = NULL;
    struct status_answer a;

    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    twin = issued(&spec, key, NULL);
    assert_int_equal(mill_ocsp(&der, s->leaf, twin, twin, MILL_OCSP_GOOD, from, from, to), 0);
    assert_int_equal(checked(s, buf_span(&der), &a), STAPLE_OTHER_CERT);
    buf_truncate(&der, 0);
    /* About the right certificate, in the issuer's name, with the twin's signature. */
    assert_int_equal(mill_ocsp(&der, s->leaf, s->ca, twin, MILL_OCSP_GOOD, from, from, to), 0);
    assert_int_not_equal(checked(s, buf_span(&der), &a), 0);
    mill_cert_free(twin);
    EVP_PKEY_free(key);
}

/* What a delegate that differs from a good one in what `change` did comes to. */
static int delegated(const struct scene *s, const struct mill_spec *spec,
                     const struct mill_cert *issuer, struct status_answer *a)
{
    struct mill_cert *delegate = issued(spec, s->leaf_key, issuer);
    int r = answered(s, s->leaf, delegate, MILL_OCSP_GOOD, a);

    mill_cert_free(delegate);
    return r;
}

static void a_delegate_answers(void **state)
{
    const struct scene *s = *state;
    struct mill_spec spec = delegate_spec();
    struct status_answer a;

    assert_int_equal(delegated(s, &spec, s->ca, &a), 0);
    assert_int_equal(a.status, STATUS_GOOD);
    /* What it signed counts no longer than itself. */
    spec.not_after.s = NOW + DAY;
    assert_int_equal(delegated(s, &spec, s->ca, &a), 0);
    assert_int_equal(a.until.s, NOW + DAY);
}

static void a_false_delegate_does_not(void **state)
{
    const struct scene *s = *state;
    struct mill_spec no_purpose = delegate_spec(), other_purpose = delegate_spec(),
                     any_purpose = delegate_spec(), no_usage = delegate_spec(),
                     expired = delegate_spec(), forged = delegate_spec();
    struct status_answer a;

    no_purpose.ext_key_usage = "";
    assert_int_equal(delegated(s, &no_purpose, s->ca, &a), STAPLE_BAD_DELEGATE);
    other_purpose.ext_key_usage = "serverAuth";
    assert_int_equal(delegated(s, &other_purpose, s->ca, &a), STAPLE_BAD_DELEGATE);
    any_purpose.ext_key_usage = "anyExtendedKeyUsage";
    assert_int_equal(delegated(s, &any_purpose, s->ca, &a), STAPLE_BAD_DELEGATE);
    no_usage.key_usage = "keyEncipherment";
    assert_int_equal(delegated(s, &no_usage, s->ca, &a), STAPLE_BAD_DELEGATE);
    expired.not_after.s = from.s - 1;
    assert_int_equal(delegated(s, &expired, s->ca, &a), STAPLE_DELEGATE_EXPIRED);
    forged.wrong_signature = true;
    assert_int_equal(delegated(s, &forged, s->ca, &a), STAPLE_BAD_DELEGATE);
    /* A certificate of the same authority for a web site must not speak for it. */
    assert_int_equal(answered(s, s->leaf, s->other, MILL_OCSP_GOOD, &a), STAPLE_BAD_DELEGATE);
}

static void a_delegate_of_another_issuer_does_not(void **state)
{
    const struct scene *s = *state;
    struct mill_spec stranger = ca_spec(), spec = delegate_spec();
    struct mill_cert *ca;
    EVP_PKEY *key = NULL;
    struct status_answer a;

    stranger.subject = "CN=Another CA";
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    ca = issued(&stranger, key, NULL);
    assert_int_equal(delegated(s, &spec, ca, &a), STAPLE_BAD_DELEGATE);
    mill_cert_free(ca);
    EVP_PKEY_free(key);
}

static void damage_is_found(void **state)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(1 << 16);
    const struct scene *s = *state;
    struct status_answer a;
    struct staple parsed;

    assert_int_equal(mill_ocsp(&der, s->leaf, s->ca, s->ca, MILL_OCSP_GOOD, from, from, to), 0);
    for (size_t n = 0; n < der.len; n++)
        assert_int_equal(staple_parse(&parsed, span_cut(buf_span(&der), 0, n)), STAPLE_MALFORMED);
    der.data[der.len - 1] ^= 1;
    assert_int_equal(checked(s, buf_span(&der), &a), STAPLE_BAD_SIGNATURE);
    der.data[der.len - 1] ^= 1;
    /* Every single bit that still parses must not make an answer other than the signed one. */
    for (size_t i = 0; i < der.len * 8; i += 3) {
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (staple_parse(&parsed, buf_span(&der)) == 0)
            assert_true(staple_check(&parsed, s->leaf_cert, s->ca_cert, &a, NULL) != 0 ||
                        a.status == STATUS_GOOD);
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void an_error_is_not_an_answer(void **state)
{
    const struct scene *s = *state;
    struct status_answer a;

    assert_int_equal(checked(s, SPAN_LIT("\x30\x03\x0a\x01\x03"), &a), STAPLE_UNSUCCESSFUL);
}

/* The digest in CertID is the responder's choice; SHA-256 is as good. */
static void certid_with_sha256_matches(void **state)
{
    const struct scene *s = *state;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), mill_cert_x509(s->leaf), mill_cert_x509(s->ca));
    ASN1_TIME *at = ASN1_GENERALIZEDTIME_set(NULL, NOW - DAY);
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    struct status_answer a;
    int n;

    assert_non_null(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, at, NULL));
    assert_int_equal(OCSP_basic_sign(basic, mill_cert_x509(s->ca), s->key, EVP_sha256(), NULL,
                                     OCSP_RESPID_KEY | OCSP_NOCERTS),
                     1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    n = i2d_OCSP_RESPONSE(response, &der);
    assert_int_equal(checked(s, span_of(der, (size_t)n), &a), 0);
    assert_int_equal(a.status, STATUS_GOOD);
    assert_int_equal(a.until.s, NOW - DAY + 7 * DAY); /* without nextUpdate: a week */
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(at);
    OCSP_BASICRESP_free(basic);
}

static void age_is_judged_with_grace(void **state)
{
    const struct status_answer a = { .this_update = from, .until = to };
    const struct status_answer held = { .status = STATUS_REVOKED, .reason = 6 };
    const struct status_answer stolen = { .status = STATUS_REVOKED, .reason = 1 };

    (void)state;
    assert_int_equal(status_age(&a, now, 0), STATUS_FRESH);
    assert_int_equal(status_age(&a, from, 0), STATUS_FRESH);
    assert_int_equal(status_age(&a, (struct mw_wall){ from.s - 1 }, 0), STATUS_EARLY);
    assert_int_equal(status_age(&a, (struct mw_wall){ from.s - 1 }, 1), STATUS_FRESH);
    assert_int_equal(status_age(&a, to, 0), STATUS_FRESH);
    assert_int_equal(status_age(&a, (struct mw_wall){ to.s + 1 }, 0), STATUS_STALE);
    assert_int_equal(status_age(&a, (struct mw_wall){ to.s + 1 }, 1), STATUS_FRESH);
    assert_true(status_is_final(&stolen));
    assert_false(status_is_final(&held));
    assert_false(status_is_final(&a));
}

static void must_staple_is_read(void **state)
{
    const struct scene *s = *state;
    struct mill_spec spec = leaf_spec();
    struct mill_cert *c;
    struct cert *parsed = NULL;

    assert_false(staple_required(s->leaf_cert));
    assert_false(staple_responder_named(s->leaf_cert));
    spec.must_staple = true;
    spec.ocsp_url = "http://ocsp.test/";
    c = issued(&spec, s->leaf_key, s->ca);
    assert_int_equal(cert_parse(&parsed, mill_cert_der(c)), 0);
    assert_true(staple_required(parsed));
    assert_true(staple_responder_named(parsed));
    cert_free(parsed);
    mill_cert_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_issuer_answers),
        cmocka_unit_test(an_answer_about_another_is_none),
        cmocka_unit_test(an_answer_of_another_issuer_is_none),
        cmocka_unit_test(a_delegate_answers),
        cmocka_unit_test(a_false_delegate_does_not),
        cmocka_unit_test(a_delegate_of_another_issuer_does_not),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(an_error_is_not_an_answer),
        cmocka_unit_test(certid_with_sha256_matches),
        cmocka_unit_test(age_is_judged_with_grace),
        cmocka_unit_test(must_staple_is_read),
    };

    return cmocka_run_group_tests(tests, scene_open, scene_close);
}
