/*
 * Every allocation of judging an X.509 credential fails once, ours and OpenSSL's: the answer is
 * then -ENOMEM or a no, and yes only to whom it would be with memory to spare.
 */
#include "alloc_fail.h"

#include <errno.h>
#include <midwatch/mls_meeting.h>
#include <midwatch/trust.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/own.h"
#include "lab/mill.h"
#include "meet/wire/vector.h"

enum { DAY = 86400 };

#define NOW ((struct mw_wall){ 1795300000 })

struct badge {
    EVP_PKEY *key;
    uint8_t point[256];
    struct mw_span signature_key;
    struct buf body;
    struct mw_mls_credential who;
};

struct fixture {
    struct mw_policy *policy;
    EVP_PKEY *keys[2];
    struct mill_cert *root, *issuer;
    struct badge ada, renewed, ben, expired;
};

static struct mill_spec authority(const char *subject)
{
    return (struct mill_spec){
        .subject = subject, .ca = true,
        .not_before = { NOW.s - 900 * (int64_t)DAY }, .not_after = { NOW.s + 900 * (int64_t)DAY },
    };
}

/* A certificate of the issuer's for a fresh key, and the issuer's beside it. */
static void badge_make(struct badge *b, const char *subject, int64_t until,
                       const struct mill_cert *issuer)
{
    struct mill_spec spec = {
        .subject = subject, .names = "email:ada@lab.test", .ext_key_usage = "clientAuth",
        .not_before = { NOW.s - 10 * DAY }, .not_after = { until },
    };
    struct mill_cert *cert = NULL;
    size_t len = 0;

    b->body = (struct buf)BUF_INIT(1 << 16);
    assert_int_equal(mill_key_new(&b->key, MILL_P256, true), 0);
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(b->key, "pub", b->point, sizeof(b->point), &len), 1);
    b->signature_key = span_of(b->point, len);
    assert_int_equal(mill_issue(&cert, &spec, b->key, issuer), 0);
    vector_write(&b->body, mill_cert_der(cert));
    vector_write(&b->body, mill_cert_der(issuer));
    assert_int_equal(buf_error(&b->body), 0);
    b->who = (struct mw_mls_credential){ MW_MLS_X509, buf_span(&b->body) };
    mill_cert_free(cert);
}

static void badge_free(struct badge *b)
{
    EVP_PKEY_free(b->key);
    buf_deinit(&b->body);
}

static int setup(void **state)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);
    struct fixture *f = calloc(1, sizeof(*f));
    struct mill_spec root = authority("CN=Test Root,O=Lab");
    struct mill_spec issuer = authority("CN=Test Issuer,O=Lab");

    assert_non_null(f);
    for (size_t i = 0; i < ARRAY_LEN(f->keys); i++)
        assert_int_equal(mill_key_new(&f->keys[i], MILL_P256, true), 0);
    assert_int_equal(mill_issue(&f->root, &root, f->keys[0], NULL), 0);
    assert_int_equal(mill_issue(&f->issuer, &issuer, f->keys[1], f->root), 0);
    badge_make(&f->ada, "CN=ada,O=Lab", NOW.s + 20 * DAY, f->issuer);
    badge_make(&f->renewed, "CN=ada,O=Lab", NOW.s + 40 * DAY, f->issuer);
    badge_make(&f->ben, "CN=ben,O=Lab", NOW.s + 20 * DAY, f->issuer);
    badge_make(&f->expired, "CN=ada,O=Lab", NOW.s - DAY, f->issuer);
    mill_cert_pem(f->root, &pem);
    assert_int_equal(mw_policy_new(&f->policy), 0);
    assert_int_equal(mw_policy_add_anchors(f->policy, MW_ANCHOR_PUBLIC, buf_span(&pem), "root",
                                           NULL),
                     0);
    mw_policy_set_purpose(f->policy, MW_CLIENT_AUTH);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    badge_free(&f->ada);
    badge_free(&f->renewed);
    badge_free(&f->ben);
    badge_free(&f->expired);
    mw_policy_free(f->policy);
    mill_cert_free(f->issuer);
    mill_cert_free(f->root);
    for (size_t i = 0; i < ARRAY_LEN(f->keys); i++)
        EVP_PKEY_free(f->keys[i]);
    free(f);
    return 0;
}

struct scene {
    const struct fixture *f;
    const struct badge *who, *before;
    int error;                          /* with memory to spare */
};

static bool run_scene(void *context, size_t nth)
{
    const struct scene *s = context;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = mw_mls_judge_x509(s->f->policy, &s->who->who, s->who->signature_key,
                          s->before != NULL ? &s->before->who : NULL, NOW);
    failed = alloc_fail_disarm();
    if (!failed)
        assert_int_equal(r, s->error);
    else if (r < 0)
        assert_int_equal(r, -ENOMEM);
    else if (s->error != 0)
        assert_int_equal(r, s->error);
    return failed;
}

static void each_allocation_fails(struct scene s, size_t least)
{
    run_scene(&s, 0);                   /* what libraries make once is made here */
    assert_true(alloc_fail_each(run_scene, &s) >= least);
}

static void test_good(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, &f->ada, NULL, 0 }, 20);
}

static void test_renewed(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, &f->renewed, &f->ada, 0 }, 20);
}

static void test_expired(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, &f->expired, &f->ada, MW_MLS_E_CREDENTIAL }, 20);
}

/* Refused before anything is allocated. */
static void test_another(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, &f->ben, &f->ada, MW_MLS_E_CREDENTIAL }, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_expired),
        cmocka_unit_test(test_another),
    };

    /* Must come before OpenSSL's first allocation. */
    if (argc > 1 && strcmp(argv[1], "openssl") == 0 && !alloc_fail_openssl())
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, setup, teardown);
}
