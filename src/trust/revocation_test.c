/*
 * Four answers that stay apart: revoked, not revoked, could not check, no mechanism; and what
 * becomes of answers that cannot be used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

/* A leaf whose issuer publishes a list. */
static struct mill_spec listed_leaf(void)
{
    struct mill_spec leaf = world_leaf();

    leaf.crl_url = "http://crl.shop.test/ca.crl";
    return leaf;
}

/* Revocation evidence with room to change it. */
struct papers {
    struct buf staple, crl, root_crl;
    struct mw_span crls[2], ocsp[1];
};

#define PAPERS                                                                                     \
    {                                                                                              \
        BUF_INIT(1 << 16), BUF_INIT(1 << 16), BUF_INIT(1 << 16), { { 0 } },                        \
        {                                                                                          \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

static void papers_deinit(struct papers *p)
{
    buf_deinit(&p->staple);
    buf_deinit(&p->crl);
    buf_deinit(&p->root_crl);
}

static void staple(struct world *w, struct papers *p, const struct mill_cert *about,
                   enum mill_ocsp_status status, int64_t from, int64_t to)
{
    buf_truncate(&p->staple, 0);
    assert_int_equal(mill_ocsp(&p->staple, about, w->ca, w->ca, status, world_day(-2),
                               world_day(from), world_day(to)),
                     0);
    w->ev.staple = buf_span(&p->staple);
}

/* A list of the leaf's issuer; `revoked` NULL: an empty one. */
static void list(struct world *w, struct papers *p, const struct mill_cert *revoked, int reason,
                 int64_t from, int64_t to)
{
    struct mill_revoked entry = { revoked, world_day(-3), reason };

    buf_truncate(&p->crl, 0);
    assert_int_equal(
        mill_crl(&p->crl, w->ca, &entry, revoked != NULL, world_day(from), world_day(to)), 0);
    p->crls[0] = buf_span(&p->crl);
    w->ev.crls = p->crls;
    w->ev.n_crls = 1;
}

static void no_mechanism(void **state)
{
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_NO_MECHANISM);
    assert_int_equal(world_finding(&w, MW_REVOCATION_NONE)->severity, MW_NOTE);
    assert_true(world_says(&w, MW_REVOCATION_NONE, "no way to ask"));
    assert_false(world_has(&w, MW_REVOCATION_UNKNOWN));
    assert_false(w.v->missing & (MW_MISSING_CRL | MW_MISSING_OCSP));
    world_close(&w);

    /* A week or less needs none, and is not scolded for it. */
    leaf.not_before = world_day(-1);
    leaf.not_after = world_day(6);
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_NO_MECHANISM);
    assert_true(world_says(&w, MW_REVOCATION_NONE, "needs none"));
    world_close(&w);
}

static void could_not_check(void **state)
{
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    world_judge(&w);
    /* Nobody looked yet: the verdict says where to look. */
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_UNASKED);
    assert_true(w.v->missing & MW_MISSING_CRL);
    assert_int_equal(w.v->n_crl_urls, 1);
    assert_string_equal(w.v->crl_urls[0], "http://crl.shop.test/ca.crl");
    assert_false(world_has(&w, MW_REVOCATION_UNKNOWN));

    w.ev.revocation_fetch = MW_COULD_NOT_LOOK;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    assert_int_equal(world_finding(&w, MW_REVOCATION_UNKNOWN)->severity, MW_NOTE);
    assert_false(world_has(&w, MW_REVOCATION_NONE));
    assert_false(w.v->missing & MW_MISSING_CRL);
    assert_non_null(w.v->revocation.reason);
    world_close(&w);
}

static void only_ocsp_needs_consent(void **state)
{
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.ocsp_url = "http://ocsp.shop.test/";
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    world_judge(&w);
    assert_true(w.v->missing & MW_MISSING_OCSP);
    assert_false(w.v->missing & MW_MISSING_CRL);
    w.ev.revocation_fetch = MW_SEEN_NO;
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    assert_true(world_says(&w, MW_REVOCATION_UNKNOWN, "who visits what"));
    world_close(&w);
}

static void a_list_clears_or_condemns(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    list(&w, &p, NULL, -1, -1, 6);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_GOOD);
    assert_string_equal(w.v->revocation.how, "CRL");
    assert_int_equal(w.v->revocation.next_update.s, world_day(6).s);
    assert_false(w.v->missing & MW_MISSING_CRL);

    list(&w, &p, w.leaf, 1, -1, 6);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_REVOKED);
    assert_int_equal(w.v->revocation.revoked_at.s, world_day(-3).s);
    assert_string_equal(w.v->revocation.reason, "key compromise");
    assert_true(world_says(&w, MW_REVOKED, "2026-06-12: key compromise"));
    assert_int_equal(world_finding(&w, MW_REVOKED)->cert, 0);
    assert_int_equal(mw_attended_action(w.v), MW_REFUSE);
    world_close(&w);
}

static void a_revoked_authority_is_found(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_revoked entry;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    entry = (struct mill_revoked){ w.ca, world_day(-3), 2 };
    assert_int_equal(mill_crl(&p.root_crl, w.root, &entry, 1, world_day(-1), world_day(30)), 0);
    p.crls[0] = buf_span(&p.root_crl);
    w.ev.crls = p.crls;
    w.ev.n_crls = 1;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(world_finding(&w, MW_REVOKED)->cert, 1);
    assert_int_equal(w.v->revocation.intermediates, MW_REVOCATION_REVOKED);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_NO_MECHANISM);
    assert_string_equal(w.v->revocation.reason, "compromise of the authority");
    world_close(&w);
}

static void old_lists(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    /* Out of date: says nothing in favour … */
    list(&w, &p, NULL, -1, -9, -2);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    assert_int_equal(world_finding(&w, MW_REVOCATION_UNUSABLE)->severity, MW_WARNING);
    assert_true(world_says(&w, MW_REVOCATION_UNUSABLE, "out of date"));
    /* … but what it revoked stays revoked … */
    list(&w, &p, w.leaf, 1, -9, -2);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_REVOKED);
    /* … unless it was only held. */
    list(&w, &p, w.leaf, 6, -9, -2);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    /* Dated in the future: not believed yet. (A clock this slow is another matter.) */
    w.ev.now_chosen = true;
    list(&w, &p, NULL, -1, 2, 9);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    assert_true(world_says(&w, MW_REVOCATION_UNUSABLE, "future"));
    world_close(&w);
}

static void authoritative_lists_must_answer(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    w.ev.crls_authoritative = true;
    list(&w, &p, NULL, -1, -9, -2);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(world_finding(&w, MW_REVOCATION_UNUSABLE)->severity, MW_ERROR);
    /* Fresh for the leaf, none for its issuer. */
    list(&w, &p, NULL, -1, -1, 6);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_false(world_has(&w, MW_REVOCATION_UNUSABLE));
    assert_int_equal(world_finding(&w, MW_REVOCATION_UNKNOWN)->cert, 1);
    /* For all. */
    assert_int_equal(mill_crl(&p.root_crl, w.root, NULL, 0, world_day(-1), world_day(30)), 0);
    p.crls[1] = buf_span(&p.root_crl);
    w.ev.n_crls = 2;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.intermediates, MW_REVOCATION_GOOD);
    world_close(&w);
}

static void a_good_staple_is_enough(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    leaf.must_staple = true;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -1, 5);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_GOOD);
    assert_string_equal(w.v->revocation.how, "stapled OCSP");
    assert_false(world_has(&w, MW_STAPLE_REQUIRED));
    assert_false(w.v->missing & MW_MISSING_CRL);
    world_close(&w);
}

static void a_staple_that_revokes(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    staple(&w, &p, w.leaf, MILL_OCSP_REVOKED, -1, 5);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_says(&w, MW_REVOKED, "stapled OCSP"));
    world_close(&w);
}

static void bad_staples_are_told_apart(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    staple(&w, &p, w.ca, MILL_OCSP_GOOD, -1, 5);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_says(&w, MW_STAPLE_INVALID, "another certificate"));

    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -1, 5);
    p.staple.data[p.staple.len - 1] ^= 1;
    world_judge(&w);
    assert_true(world_says(&w, MW_STAPLE_INVALID, "signature"));

    w.ev.staple = SPAN_LIT("garbage");
    world_judge(&w);
    assert_true(world_says(&w, MW_STAPLE_INVALID, "well-formed"));

    w.ev.staple = SPAN_LIT("\x30\x03\x0a\x01\x03"); /* tryLater: the responder's trouble */
    world_judge(&w);
    assert_int_equal(world_finding(&w, MW_STAPLE_INVALID)->severity, MW_WARNING);
    assert_int_equal(w.v->outcome, MW_PRIVATE);

    staple(&w, &p, w.leaf, MILL_OCSP_UNKNOWN, -1, 5);
    world_judge(&w);
    assert_true(world_says(&w, MW_STAPLE_INVALID, "does not know"));
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);

    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -9, -2);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(world_finding(&w, MW_STAPLE_STALE)->severity, MW_WARNING);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_COULD_NOT_CHECK);
    world_close(&w);
}

static void must_staple_is_held_to_it(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    leaf.must_staple = true;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_true(world_says(&w, MW_STAPLE_REQUIRED, "none came"));
    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -9, -2);
    world_judge(&w);
    assert_true(world_says(&w, MW_STAPLE_REQUIRED, "does not count"));
    /* A list does not replace it. */
    list(&w, &p, NULL, -1, -1, 6);
    world_judge(&w);
    assert_true(world_has(&w, MW_STAPLE_REQUIRED));
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_GOOD);
    /* Without a handshake there was no staple to see. */
    w.ev.staple = (struct mw_span){ 0 };
    w.ev.reach = MW_REACH_NOT_TRIED;
    world_judge(&w);
    assert_false(world_has(&w, MW_STAPLE_REQUIRED));
    world_close(&w);
}

static void a_fetched_answer_counts(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -1, 5);
    w.ev.staple = (struct mw_span){ 0 };
    p.ocsp[0] = buf_span(&p.staple);
    w.ev.ocsp = p.ocsp;
    w.ev.n_ocsp = 1;
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_GOOD);
    assert_string_equal(w.v->revocation.how, "OCSP");
    /* About another certificate: just not for us. */
    staple(&w, &p, w.ca, MILL_OCSP_GOOD, -1, 5);
    w.ev.staple = (struct mw_span){ 0 };
    p.ocsp[0] = buf_span(&p.staple);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_NO_MECHANISM);
    assert_false(world_has(&w, MW_REVOCATION_UNUSABLE));
    world_close(&w);
}

/* One "revoked" outweighs any number of others, in whatever order they come. */
static void revoked_wins(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -1, 5);
    list(&w, &p, w.leaf, 1, -1, 6);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_REVOKED);
    assert_string_equal(w.v->revocation.how, "CRL");
    world_close(&w);
}

static void an_interceptor_hides_the_site(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_LOCAL, NULL, NULL);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_NO_MECHANISM);
    assert_true(world_says(&w, MW_REVOCATION_NONE, "the site's own certificate"));
    world_close(&w);
}

/* Nobody trusts the issuer: that it vouches for itself is no news. */
static void an_unknown_authority_clears_nothing(void **state)
{
    CLEANUP(papers_deinit) struct papers p = PAPERS;
    struct mill_spec leaf = listed_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    mw_policy_free(w.policy);
    assert_int_equal(mw_policy_new(&w.policy), 0);
    staple(&w, &p, w.leaf, MILL_OCSP_GOOD, -1, 5);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_UNASKED);
    staple(&w, &p, w.leaf, MILL_OCSP_REVOKED, -1, 5);
    world_judge(&w);
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_REVOKED);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mechanism),
        cmocka_unit_test(could_not_check),
        cmocka_unit_test(only_ocsp_needs_consent),
        cmocka_unit_test(a_list_clears_or_condemns),
        cmocka_unit_test(a_revoked_authority_is_found),
        cmocka_unit_test(old_lists),
        cmocka_unit_test(authoritative_lists_must_answer),
        cmocka_unit_test(a_good_staple_is_enough),
        cmocka_unit_test(a_staple_that_revokes),
        cmocka_unit_test(bad_staples_are_told_apart),
        cmocka_unit_test(must_staple_is_held_to_it),
        cmocka_unit_test(a_fetched_answer_counts),
        cmocka_unit_test(revoked_wins),
        cmocka_unit_test(an_interceptor_hides_the_site),
        cmocka_unit_test(an_unknown_authority_clears_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
