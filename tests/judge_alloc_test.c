/*
 * Every allocation of a judgement fails once, ours and OpenSSL's: the result is then -ENOMEM or
 * a verdict that lets through nothing that it would not have let through with memory to spare.
 */
#include "alloc_fail.h"

#include <errno.h>
#include <midwatch/trust.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "lab/mill.h"

/* OpenSSL makes thousands of allocations a judgement; a prime step meets others in each scene. */
static size_t step = 1;

enum { NOW = 1795300000, DAY = 86400, PEM_BYTES = 1 << 16 };

/* root -> issuer -> leaf, a CRL of each authority and a staple. */
struct fixture {
    EVP_PKEY *keys[4];
    struct mill_cert *root, *issuer, *leaf, *old_leaf;
    struct buf root_pem, crl_good, crl_revoking, root_crl, staple;
};

/* What is judged, and how it must end. */
struct scene {
    const struct fixture *f;
    const char *host;
    enum mw_anchor_class anchor;
    const struct mill_cert *leaf;
    const struct buf *crl;
    enum mw_outcome outcome;
};

static void mint_certs(struct fixture *f)
{
    struct mill_spec root = { .subject = "CN=Test Root,O=Lab", .ca = true,
                              .not_before = { NOW - 900 * (int64_t)DAY },
                              .not_after = { NOW + 900 * (int64_t)DAY } };
    struct mill_spec issuer = { .subject = "CN=Test Issuer,O=Lab", .ca = true, .path_len = 1,
                                .crl_url = "http://crl.lab.test/root.crl",
                                .not_before = { NOW - 800 * (int64_t)DAY },
                                .not_after = { NOW + 800 * (int64_t)DAY } };
    struct mill_spec leaf = { .subject = "CN=site.lab.test",
                              .names = "DNS:site.lab.test,DNS:*.lab.test,IP:192.0.2.1",
                              .crl_url = "http://crl.lab.test/issuer.crl",
                              .not_before = { NOW - 10 * DAY },
                              .not_after = { NOW + 20 * DAY } };

    for (size_t i = 0; i < ARRAY_LEN(f->keys); i++)
        assert_int_equal(mill_key_new(&f->keys[i], MILL_P256, true), 0);
    assert_int_equal(mill_issue(&f->root, &root, f->keys[0], NULL), 0);
    assert_int_equal(mill_issue(&f->issuer, &issuer, f->keys[1], f->root), 0);
    assert_int_equal(mill_issue(&f->leaf, &leaf, f->keys[2], f->issuer), 0);
    leaf.not_before.s = NOW - 40 * DAY;
    leaf.not_after.s = NOW - 5 * DAY;
    assert_int_equal(mill_issue(&f->old_leaf, &leaf, f->keys[3], f->issuer), 0);
}

static void mint_revocation(struct fixture *f)
{
    struct mw_wall from = { NOW - DAY }, until = { NOW + DAY };
    struct mill_revoked leaf = { f->leaf, { NOW - 2 * DAY }, 1 };

    assert_int_equal(mill_crl(&f->root_crl, f->root, NULL, 0, from, until), 0);
    assert_int_equal(mill_crl(&f->crl_good, f->issuer, NULL, 0, from, until), 0);
    assert_int_equal(mill_crl(&f->crl_revoking, f->issuer, &leaf, 1, from, until), 0);
    assert_int_equal(mill_ocsp(&f->staple, f->leaf, f->issuer, f->issuer, MILL_OCSP_GOOD,
                               (struct mw_wall){ 0 }, from, until), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->root_pem.max = f->crl_good.max = f->crl_revoking.max = PEM_BYTES;
    f->root_crl.max = f->staple.max = PEM_BYTES;
    mint_certs(f);
    mint_revocation(f);
    mill_cert_pem(f->root, &f->root_pem);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mill_cert_free(f->leaf);
    mill_cert_free(f->old_leaf);
    mill_cert_free(f->issuer);
    mill_cert_free(f->root);
    for (size_t i = 0; i < ARRAY_LEN(f->keys); i++)
        EVP_PKEY_free(f->keys[i]);
    buf_deinit(&f->root_pem);
    buf_deinit(&f->crl_good);
    buf_deinit(&f->crl_revoking);
    buf_deinit(&f->root_crl);
    buf_deinit(&f->staple);
    free(f);
    return 0;
}

static int judge(const struct scene *s, struct mw_policy **policy, struct mw_verdict **v)
{
    static const struct mw_pin pin = { "pinned.lab.test", false,
                                       "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false,
                                       { 0 } };
    static const struct mw_clock_reading clocks[] = {
        { MW_CLOCK_ROUGHTIME, "time.lab.test", true, false, 100, 50 },
        { MW_CLOCK_SNTP, "sntp.lab.test", true, false, 120, 60 },
    };
    const struct mw_span sent[] = { mill_cert_der(s->leaf), mill_cert_der(s->f->issuer) };
    const struct mw_span crls[] = { buf_span(s->crl), buf_span(&s->f->root_crl) };
    struct mw_evidence ev = {
        .host = s->host, .port = 443, .now = { NOW }, .reach = MW_REACH_HANDSHAKE,
        .tls = { .version = 0x0304, .cipher_suite = 0x1301, .group = 0x001d },
        .sent = sent, .n_sent = ARRAY_LEN(sent), .crls = crls, .n_crls = ARRAY_LEN(crls),
        .staple = s->crl == &s->f->crl_good ? buf_span(&s->f->staple) : (struct mw_span){ 0 },
        .clocks = clocks, .n_clocks = ARRAY_LEN(clocks),
    };
    int r = mw_policy_new(policy);

    if (r == 0)
        r = mw_policy_add_anchors(*policy, s->anchor, buf_span(&s->f->root_pem), "roots.pem",
                                  NULL);
    if (r == 0)
        r = mw_policy_add_pin(*policy, &pin);
    if (r == 0)
        r = mw_judge(*policy, &ev, v);
    return r;
}

/* A judgement that somebody could act on: nothing half-made. */
static void assert_whole(const struct scene *s, const struct mw_verdict *v, bool failed)
{
    assert_non_null(v);
    assert_int_not_equal(v->outcome, MW_UNJUDGED);
    assert_string_equal(v->host, s->host);
    for (size_t i = 0; i < v->n_findings; i++)
        assert_non_null(v->findings[i].evidence);
    for (size_t i = 0; i < v->n_chain; i++)
        assert_non_null(v->chain[i].subject);
    if (!failed)
        assert_int_equal(v->outcome, s->outcome);
    if (s->outcome != MW_PRIVATE) {
        assert_int_not_equal(v->outcome, MW_PRIVATE);
        assert_false(mw_may_proceed_unattended(v, NULL));
    }
}

static bool run_scene(void *context, size_t nth)
{
    const struct scene *s = context;
    struct mw_policy *policy = NULL;
    struct mw_verdict *v = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = judge(s, &policy, &v);
    failed = alloc_fail_disarm();
    if (r == 0)
        assert_whole(s, v, failed);
    else
        assert_null(v);
    if (!failed)
        assert_int_equal(r, 0);
    else if (r != 0)
        assert_int_equal(r, -ENOMEM);
    mw_verdict_free(v);
    mw_policy_free(policy);
    return failed;
}

static void each_allocation_fails(struct scene s)
{
    run_scene(&s, 0);                   /* what libraries make once is made here */
    assert_true(alloc_fail_some(run_scene, &s, step) > 20);
}

static void test_good(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "site.lab.test", MW_ANCHOR_PUBLIC, f->leaf,
                                          &f->crl_good, MW_PRIVATE });
}

static void test_wrong_name(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "a.b.lab.test", MW_ANCHOR_PUBLIC, f->leaf,
                                          &f->crl_good, MW_UNTRUSTED });
}

static void test_pinned(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "pinned.lab.test", MW_ANCHOR_PUBLIC, f->leaf,
                                          &f->crl_good, MW_UNTRUSTED });
}

static void test_expired(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "site.lab.test", MW_ANCHOR_PUBLIC, f->old_leaf,
                                          &f->root_crl, MW_UNTRUSTED });
}

static void test_revoked(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "site.lab.test", MW_ANCHOR_PUBLIC, f->leaf,
                                          &f->crl_revoking, MW_UNTRUSTED });
}

static void test_inspected(void **state)
{
    struct fixture *f = *state;

    each_allocation_fails((struct scene){ f, "site.lab.test", MW_ANCHOR_LOCAL, f->leaf,
                                          &f->crl_good, MW_INSPECTED });
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_wrong_name),
        cmocka_unit_test(test_pinned),  cmocka_unit_test(test_expired),
        cmocka_unit_test(test_revoked), cmocka_unit_test(test_inspected),
    };

    /* Must come before OpenSSL's first allocation. */
    if (argc > 1 && strcmp(argv[1], "openssl") == 0) {
        if (!alloc_fail_openssl())
            return EXIT_FAILURE;
        step = 61;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
