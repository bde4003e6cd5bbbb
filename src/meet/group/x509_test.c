/* X.509 credentials: a group of people with certificates, and credentials that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <midwatch/trust.h>

#include "base/own.h"
#include "lab/mill.h"
#include "meet/group/steps.h"
#include "mls_people.h"

#define is(expression, error)                                                                      \
    assert_string_equal(mw_mls_error_name(expression), mw_mls_error_name(error))

#define DAY 86400
#define NOW PEOPLE_NOW

struct office {
    struct people p;
    struct mw_policy *policy;
    EVP_PKEY *key, *other_key;
    struct mill_cert *root, *other_root;
};

static struct mill_cert *root_make(EVP_PKEY *key, const char *subject)
{
    struct mill_spec spec = { .subject = subject, .ca = true,
                              .not_before = { NOW.s - 900 * (int64_t)DAY },
                              .not_after = { NOW.s + 900 * (int64_t)DAY } };
    struct mill_cert *root = NULL;

    assert_int_equal(mill_issue(&root, &spec, key, NULL), 0);
    return root;
}

static int office_open(void **state)
{
    static struct office office;
    struct office *o = &office;
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);

    *o = (struct office){ 0 };
    people_open(&o->p, 2);
    assert_int_equal(mill_key_new(&o->key, MILL_P256, true), 0);
    assert_int_equal(mill_key_new(&o->other_key, MILL_P256, true), 0);
    o->root = root_make(o->key, "CN=Office Root,O=Lab");
    o->other_root = root_make(o->other_key, "CN=Other Root,O=Lab");
    mill_cert_pem(o->root, &pem);
    assert_int_equal(mw_policy_new(&o->policy), 0);
    assert_int_equal(mw_policy_add_anchors(o->policy, MW_ANCHOR_PUBLIC, buf_span(&pem), "office",
                                           NULL),
                     0);
    mw_policy_set_purpose(o->policy, MW_CLIENT_AUTH);
    *state = o;
    return 0;
}

static int office_close(void **state)
{
    struct office *o = *state;

    people_close(&o->p);
    mw_policy_free(o->policy);
    mill_cert_free(o->root);
    mill_cert_free(o->other_root);
    EVP_PKEY_free(o->key);
    EVP_PKEY_free(o->other_key);
    return 0;
}

/* A certificate for the key `signer` (its private bytes are OpenSSL's), as a credential's body. */
struct badge {
    EVP_PKEY *key;
    uint8_t point[256];
    struct mw_span signature_key;
    struct buf body;
    struct mw_mls_credential who;
};

static struct mill_spec badge_spec(void)
{
    return (struct mill_spec){
        .subject = "CN=ada,O=Lab", .names = "email:ada@lab.test", .ext_key_usage = "clientAuth",
        .not_before = { NOW.s - DAY }, .not_after = { NOW.s + 30 * DAY },
    };
}

static void badge_add(struct badge *b, const struct mill_cert *cert)
{
    vector_write(&b->body, mill_cert_der(cert));
    assert_int_equal(buf_error(&b->body), 0);
    b->who = (struct mw_mls_credential){ MW_MLS_X509, buf_span(&b->body) };
}

static void badge_make(struct badge *b, enum mill_key kind, const struct mill_spec *spec,
                       const struct mill_cert *issuer)
{
    struct mill_cert *cert = NULL;
    size_t len = sizeof(b->point);

    *b = (struct badge){ .body = BUF_INIT(1 << 16) };
    assert_int_equal(mill_key_new(&b->key, kind, true), 0);
    if (kind == MILL_ED25519)
        assert_int_equal(EVP_PKEY_get_raw_public_key(b->key, b->point, &len), 1);
    else
        assert_int_equal(EVP_PKEY_get_octet_string_param(b->key, "pub", b->point,
                                                         sizeof(b->point), &len),
                         1);
    b->signature_key = span_of(b->point, len);
    assert_int_equal(mill_issue(&cert, spec, b->key, issuer), 0);
    badge_add(b, cert);
    mill_cert_free(cert);
}

static void badge_free(struct badge *b)
{
    EVP_PKEY_free(b->key);
    buf_deinit(&b->body);
}

static int judge(struct office *o, const struct badge *b, const struct mw_mls_credential *before)
{
    return mw_mls_judge_x509(o->policy, &b->who, b->signature_key, before, NOW);
}

static void good(void **state)
{
    static const enum mill_key kinds[] = { MILL_P256, MILL_P384, MILL_P521 };
    struct office *o = *state;
    struct mill_spec spec = badge_spec();

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct badge b;

        badge_make(&b, kinds[i], &spec, o->root);
        is(judge(o, &b, NULL), 0);
        is(judge(o, &b, &b.who), 0);
        badge_add(&b, o->root);         /* with its root beside it */
        is(judge(o, &b, NULL), 0);
        badge_free(&b);
    }
}

/* Through an authority between, which has to be there. */
static void between(void **state)
{
    struct office *o = *state;
    struct mill_spec spec = badge_spec();
    struct mill_spec middle = { .subject = "CN=Floor,O=Lab", .ca = true,
                                .not_before = { NOW.s - DAY },
                                .not_after = { NOW.s + 90 * DAY } };
    struct mill_cert *floor = NULL;
    struct badge b;

    assert_int_equal(mill_issue(&floor, &middle, o->other_key, o->root), 0);
    badge_make(&b, MILL_P256, &spec, floor);
    is(judge(o, &b, NULL), MW_MLS_E_CREDENTIAL);
    badge_add(&b, floor);
    is(judge(o, &b, NULL), 0);
    badge_free(&b);
    mill_cert_free(floor);
}

static void bad_certificates(void **state)
{
    struct office *o = *state;
    struct mill_spec expired = badge_spec(), future = badge_spec(), server = badge_spec();
    struct mill_spec forged = badge_spec(), good_one = badge_spec();
    struct badge b;

    expired.not_after.s = NOW.s - 1;
    future.not_before.s = NOW.s + DAY;
    server.ext_key_usage = "serverAuth";
    forged.wrong_signature = true;
    {
        const struct {
            const struct mill_spec *spec;
            const struct mill_cert *issuer;
        } bad[] = {
            { &expired, o->root }, { &future, o->root },        { &server, o->root },
            { &forged, o->root },  { &good_one, o->other_root }, { &good_one, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            badge_make(&b, MILL_P256, bad[i].spec, bad[i].issuer);
            is(judge(o, &b, NULL), MW_MLS_E_CREDENTIAL);
            badge_free(&b);
        }
    }
}

/* The very same certificate is good on the day before it expires. */
static void time_decides(void **state)
{
    struct office *o = *state;
    struct mill_spec spec = badge_spec();
    struct badge b;

    badge_make(&b, MILL_P256, &spec, o->root);
    is(mw_mls_judge_x509(o->policy, &b.who, b.signature_key, NULL, spec.not_after), 0);
    is(mw_mls_judge_x509(o->policy, &b.who, b.signature_key, NULL,
                         (struct mw_wall){ spec.not_after.s + 1 }),
       MW_MLS_E_CREDENTIAL);
    badge_free(&b);
}

static void other_key(void **state)
{
    struct office *o = *state;
    struct mill_spec spec = badge_spec();
    struct badge b, other;

    badge_make(&b, MILL_P256, &spec, o->root);
    badge_make(&other, MILL_P256, &spec, o->root);
    is(mw_mls_judge_x509(o->policy, &b.who, other.signature_key, NULL, NOW), MW_MLS_E_CREDENTIAL);
    is(mw_mls_judge_x509(o->policy, &b.who, span_of(b.point, b.signature_key.len - 1), NULL, NOW),
       MW_MLS_E_CREDENTIAL);
    is(mw_mls_judge_x509(o->policy, &b.who, (struct mw_span){ 0 }, NULL, NOW),
       MW_MLS_E_CREDENTIAL);
    badge_free(&b);
    badge_free(&other);
}

static void malformed(void **state)
{
    struct office *o = *state;
    struct mill_spec spec = badge_spec();
    struct mw_mls_credential who;
    struct badge b;

    badge_make(&b, MILL_P256, &spec, o->root);
    who = b.who;
    who.type = MW_MLS_BASIC;
    is(mw_mls_judge_x509(o->policy, &who, b.signature_key, NULL, NOW), MW_MLS_E_CREDENTIAL);
    who = (struct mw_mls_credential){ MW_MLS_BASIC, SPAN_LIT("ada") };
    is(mw_mls_judge_x509(o->policy, &who, b.signature_key, NULL, NOW), MW_MLS_E_CREDENTIAL);
    for (size_t len = 0; len < b.who.body.len; len++) {
        who = (struct mw_mls_credential){ MW_MLS_X509, span_of(b.who.body.data, len) };
        is(mw_mls_judge_x509(o->policy, &who, b.signature_key, NULL, NOW), MW_MLS_E_CREDENTIAL);
    }
    /* Within the certificate: whatever byte is another, it is not the one that was signed. */
    for (size_t i = 2; i < b.body.len; i++) {
        b.body.data[i] ^= 1;
        is(mw_mls_judge_x509(o->policy, &b.who, b.signature_key, NULL, NOW), MW_MLS_E_CREDENTIAL);
        b.body.data[i] ^= 1;
    }
    is(judge(o, &b, NULL), 0);
    for (size_t n = 1; n < 20; n++)
        badge_add(&b, o->root);
    is(judge(o, &b, NULL), 0);
    badge_add(&b, o->root);             /* the 21st */
    is(judge(o, &b, NULL), MW_MLS_E_CREDENTIAL);
    badge_free(&b);
}

/* Ada, Ada with a newer certificate, somebody else, and somebody without a name. */
struct cast {
    struct badge ada, renewed, other, unnamed;
};

static void cast_make(struct cast *c, const struct office *o)
{
    struct mill_spec spec = badge_spec(), ben = badge_spec(), nobody = badge_spec();

    ben.subject = "CN=ben,O=Lab";
    nobody.subject = "";
    nobody.names_critical = true;
    badge_make(&c->ada, MILL_P256, &spec, o->root);
    badge_make(&c->renewed, MILL_P384, &spec, o->root);
    badge_make(&c->other, MILL_P256, &ben, o->root);
    badge_make(&c->unnamed, MILL_P256, &nobody, o->root);
}

static void cast_free(struct cast *c)
{
    badge_free(&c->ada);
    badge_free(&c->renewed);
    badge_free(&c->other);
    badge_free(&c->unnamed);
}

/* In another's place: the same kind, and the same subject. */
static void in_the_place_of(void **state)
{
    struct office *o = *state;
    struct cast c;
    struct mw_mls_credential basic = { MW_MLS_BASIC, SPAN_LIT("ada") };

    cast_make(&c, o);
    is(judge(o, &c.renewed, &c.ada.who), 0);
    is(judge(o, &c.other, &c.ada.who), MW_MLS_E_CREDENTIAL);
    is(judge(o, &c.other, NULL), 0);
    is(judge(o, &c.ada, &basic), MW_MLS_E_CREDENTIAL);
    is(judge(o, &c.unnamed, NULL), 0);
    is(judge(o, &c.unnamed, &c.unnamed.who), MW_MLS_E_CREDENTIAL);
    cast_free(&c);
}

/* Who somebody is: the subject, in whichever certificate. */
static void names(void **state)
{
    struct office *o = *state;
    struct cast c;
    struct mw_mls_credential who;
    struct mw_span one = { NULL, 0 }, two = { NULL, 0 };

    cast_make(&c, o);
    is(mw_mls_name_x509(NULL, &c.ada.who, &one), 0);
    is(mw_mls_name_x509(NULL, &c.renewed.who, &two), 0);
    assert_true(one.len > 0 && span_eq(one, two));
    is(mw_mls_name_x509(NULL, &c.other.who, &two), 0);
    assert_false(span_eq(one, two));
    is(mw_mls_name_x509(NULL, &c.unnamed.who, &two), MW_MLS_E_CREDENTIAL);
    who = (struct mw_mls_credential){ MW_MLS_BASIC, c.ada.who.body };
    is(mw_mls_name_x509(NULL, &who, &two), MW_MLS_E_CREDENTIAL);
    who = (struct mw_mls_credential){ MW_MLS_X509, span_cut(c.ada.who.body, 0,
                                                            c.ada.who.body.len - 1) };
    is(mw_mls_name_x509(NULL, &who, &two), MW_MLS_E_CREDENTIAL);
    cast_free(&c);
}

/* An authority that was added on this computer may also certify Ed25519 keys. */
static void local_anchor(void **state)
{
    struct office *o = *state;
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);
    struct mill_spec spec = badge_spec();
    struct badge b;

    mill_cert_pem(o->other_root, &pem);
    assert_int_equal(mw_policy_add_anchors(o->policy, MW_ANCHOR_LOCAL, buf_span(&pem), "here",
                                           NULL),
                     0);
    badge_make(&b, MILL_P256, &spec, o->other_root);
    is(judge(o, &b, NULL), 0);
    badge_free(&b);
    badge_make(&b, MILL_ED25519, &spec, o->other_root);
    is(judge(o, &b, NULL), 0);
    badge_free(&b);
    badge_make(&b, MILL_ED25519, &spec, o->root);
    is(judge(o, &b, NULL), MW_MLS_E_CREDENTIAL);
    badge_free(&b);
}

/* Two people with certificates meet, in a group that judges them. */
static void meets(void **state)
{
    struct office *o = *state;
    struct people *p = &o->p;
    struct mill_spec spec = badge_spec();
    struct badge b[2];
    uint8_t scalar[2][32];

    for (size_t i = 0; i < 2; i++) {
        struct person *who = &p->all[i];
        BIGNUM *n = NULL;

        badge_make(&b[i], MILL_P256, &spec, o->root);
        assert_int_equal(EVP_PKEY_get_bn_param(b[i].key, "priv", &n), 1);
        assert_int_equal(BN_bn2binpad(n, scalar[i], 32), 32);
        BN_free(n);
        who->id.credential = b[i].who;
        who->id.signature_key = b[i].signature_key;
        who->id.signing_key = span_of(scalar[i], 32);
        who->app.judge = mw_mls_judge_x509;
        who->app.context = o->policy;
        who->app.find_psk = NULL;
        who->app.allow = NULL;
        spec.subject = "CN=ben,O=Lab";
    }
    people_found(p, (struct mw_span){ 0 });
    people_gather(p, 2);
    people_agree(p);
    {
        struct mw_mls_proposal add = {
            .type = MW_MLS_ADD, .key_package = person_package(&p->all[2]),
        };
        struct mw_mls_commit_options with = { .proposals = &add, .count = 1 };
        struct mw_mls_committed made = { 0 };

        is(mw_mls_commit(p->all[0].g, &with, NOW, &made), MW_MLS_E_CREDENTIAL);
    }
    badge_free(&b[0]);
    badge_free(&b[1]);
}

#define test(name) cmocka_unit_test_setup_teardown(name, office_open, office_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(good),      test(between),        test(bad_certificates), test(time_decides),
        test(other_key), test(malformed),      test(in_the_place_of),  test(local_anchor),
        test(names),     test(meets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
