/*
 * Anchors: which are public, what is refused and how it is said; the built-in lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "trust/policy.h"
#include "world.h"

static struct mw_policy *fresh(void)
{
    struct mw_policy *p;

    assert_int_equal(mw_policy_new(&p), 0);
    return p;
}

static void text_between_blocks_is_ignored(void **state)
{
    struct buf pem = BUF_INIT(1 << 16);
    struct mw_policy *p = fresh();
    struct world w;
    size_t n = 0;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    buf_str(&pem, "# our roots\r\n\r\n");
    mill_cert_pem(w.root, &pem);
    buf_str(&pem, "and another\n-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    mill_cert_pem(w.ca, &pem);
    assert_int_equal(mw_policy_add_anchors(p, MW_ANCHOR_LOCAL, buf_span(&pem), "f", &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(p->n_anchors, 2);
    /* Again, as public: it stays one anchor, and becomes public. */
    assert_int_equal(mw_policy_add_anchors(p, MW_ANCHOR_PUBLIC, buf_span(&pem), "g", &n), 0);
    assert_int_equal(p->n_anchors, 2);
    assert_int_equal(p->anchors[0].as, MW_ANCHOR_PUBLIC);
    assert_int_equal(p->anchors[1].as, MW_ANCHOR_PUBLIC);
    mw_policy_free(p);
    buf_deinit(&pem);
    world_close(&w);
}

static void broken_files_are_refused_whole(void **state)
{
    static const struct {
        const char *after;
        int error;
        const char *said;
    } cases[] = {
        { "-----BEGIN CERTIFICATE-----\nAAAA\n", MW_E_PEM, "no END line" },
        { "-----BEGIN CERTIFICATE-----\nA?AA\n-----END CERTIFICATE-----\n", MW_E_PEM,
          "not base64" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", MW_E_DER,
          "not an X.509" },
    };
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf pem = BUF_INIT(1 << 16);
        struct mw_policy *p = fresh();

        mill_cert_pem(w.root, &pem);
        buf_str(&pem, cases[i].after);
        assert_int_equal(mw_policy_add_anchors(p, MW_ANCHOR_LOCAL, buf_span(&pem), "roots.pem",
                                               NULL),
                         cases[i].error);
        assert_int_equal(p->n_anchors, 0);
        assert_non_null(strstr(mw_policy_error(p), "roots.pem:"));
        assert_non_null(strstr(mw_policy_error(p), cases[i].said));
        mw_policy_free(p);
        buf_deinit(&pem);
    }
    world_close(&w);
}

static void an_empty_file_is_no_set_of_anchors(void **state)
{
    struct mw_policy *p = fresh();

    (void)state;
    assert_int_equal(mw_policy_add_anchors(p, MW_ANCHOR_LOCAL, SPAN_LIT("hello\n"), "f", NULL),
                     MW_E_PEM);
    assert_non_null(strstr(mw_policy_error(p), "no certificate"));
    mw_policy_free(p);
}

static void the_built_in_lists_agree(void **state)
{
    struct mw_policy *p = fresh();

    (void)state;
    assert_true(p->roots.n > 200);
    for (size_t i = 0; i < p->roots.n_limits; i++) {
        const struct root_limit *l = &p->roots.limits[i];

        if (roots_find(&p->roots, l->sha256) == NULL)
            fail_msg("a limit on a root that is not listed: %s", l->why);
        assert_true(l->who[0] != '\0' && l->why[0] != '\0');
        assert_true(l->kind != ROOT_NOT_AFTER || l->after.s > 0);
        assert_true(l->kind != ROOT_ONLY_NAMES || l->names[0] == '.');
    }
    for (size_t i = 1; i < p->roots.n; i++)
        assert_true(memcmp(p->roots.items[i - 1].sha256, p->roots.items[i].sha256, 32) < 0);
    mw_policy_free(p);
}

/* A system's bundle plus somebody's own root: only the latter is local. */
static void a_system_mixes_both(void **state)
{
    struct buf pem = BUF_INIT(8 << 20);
    struct mw_policy *p = fresh();
    struct world w;
    size_t n = 0, local = 0;

    (void)state;
    if (file_read("/etc/ssl/certs/ca-certificates.crt", &pem) != 0)
        skip();
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    buf_str(&pem, "\n");
    mill_cert_pem(w.root, &pem);
    assert_int_equal(mw_policy_add_system(p, buf_span(&pem), "system", &n), 0);
    assert_true(n > 1);
    for (size_t i = 0; i < p->n_anchors; i++)
        if (p->anchors[i].as == MW_ANCHOR_LOCAL) {
            local++;
            assert_false(p->anchors[i].built_in);
        }
    assert_true(local >= 1);
    assert_true(local < n);
    mw_policy_free(p);
    world_close(&w);
    buf_deinit(&pem);
}

/* A root under a limit, as if the built-in list had named it. */
static void limit_set(struct mw_policy *p, struct root_limit *l, const struct mill_cert *root)
{
    struct cert *c;

    assert_int_equal(cert_parse(&c, mill_cert_der(root)), 0);
    memcpy(l->sha256, c->sha256, sizeof l->sha256);
    cert_free(c);
    p->roots.limits = l;
    p->roots.n_limits = 1;
}

static void limits_hold(void **state)
{
    static const struct {
        struct root_limit limit;
        enum mw_anchor_class as;
        enum mw_code code;
        int severity;           /* -1: no finding */
    } cases[] = {
        { { .kind = ROOT_DISTRUSTED }, MW_ANCHOR_PUBLIC, MW_DISTRUSTED_ROOT, MW_ERROR },
        { { .kind = ROOT_DISTRUSTED }, MW_ANCHOR_LOCAL, MW_DISTRUSTED_ROOT, MW_WARNING },
        { { .kind = ROOT_NOT_AFTER, .after = { WORLD_NOW - 20 * DAY_S } }, MW_ANCHOR_PUBLIC,
          MW_DISTRUSTED_ROOT, MW_ERROR },
        { { .kind = ROOT_NOT_AFTER, .after = { WORLD_NOW } }, MW_ANCHOR_PUBLIC,
          MW_DISTRUSTED_ROOT, -1 },
        { { .kind = ROOT_ONLY_NAMES, .names = ".tr,.fr" }, MW_ANCHOR_PUBLIC, MW_CONSTRAINED_ROOT,
          MW_ERROR },
        { { .kind = ROOT_ONLY_NAMES, .names = ".fr,.test" }, MW_ANCHOR_PUBLIC,
          MW_CONSTRAINED_ROOT, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct root_limit limit = cases[i].limit;
        const struct mw_finding *f;
        struct world w;

        limit.who = "Everybody";
        limit.why = "it failed";
        world_open(&w, cases[i].as, NULL, NULL);
        limit_set(w.policy, &limit, w.root);
        world_judge(&w);
        f = world_finding(&w, cases[i].code);
        if ((f == NULL) != (cases[i].severity < 0) ||
            (f != NULL && (int)f->severity != cases[i].severity))
            fail_msg("limit %zu", i);
        world_close(&w);
    }
}

/* The days a leaf may live, by the day it was issued; only below roots that are built in. */
static void lifetimes_follow_the_issue_date(void **state)
{
    static const struct {
        int64_t issued, days;
        bool too_long;
    } cases[] = {
        { 1781524800, 200, false },     /* 2026-06-15 */
        { 1781524800, 201, true },
        { 1767225600, 398, false },     /* 2026-01-01 */
        { 1767225600, 399, true },
        { 1577836800, 825, false },     /* 2020-01-01 */
        { 1577836800, 826, true },
        { 1805068800, 101, true },      /* 2027-03-15 */
        { 1868227200, 48, true },       /* 2029-03-15 */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int built_in = 0; built_in < 2; built_in++) {
            struct mill_spec leaf = world_leaf();
            struct world w;

            leaf.not_before.s = cases[i].issued;
            leaf.not_after.s = cases[i].issued + cases[i].days * DAY_S - 1;
            world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
            w.policy->anchors[0].built_in = built_in != 0;
            w.ev.now.s = cases[i].issued + DAY_S;
            world_judge(&w);
            if (world_has(&w, MW_VALIDITY_TOO_LONG) != (cases[i].too_long && built_in))
                fail_msg("%lld days", (long long)cases[i].days);
            world_close(&w);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_between_blocks_is_ignored),
        cmocka_unit_test(broken_files_are_refused_whole),
        cmocka_unit_test(an_empty_file_is_no_set_of_anchors),
        cmocka_unit_test(the_built_in_lists_agree),
        cmocka_unit_test(a_system_mixes_both),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(lifetimes_follow_the_issue_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
