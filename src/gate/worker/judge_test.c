/* Origins judged, remembered and judged again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gate/worker/judge_cache.h"
#include "judge_fixture.h"

static void a_good_origin_is_judged_once(void **state)
{
    struct fixture f;
    struct origin *a, *b;

    (void)state;
    fixture_init(&f);
    start(&f);
    a = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(a->verdict->outcome, MW_PRIVATE);
    assert_int_equal(a->verdict->revocation.leaf, MW_REVOCATION_GOOD);
    assert_true(span_eq(a->leaf, mill_cert_der(f.leaf)));
    assert_false(a->own_ca);
    assert_int_equal(a->until.s, f.now.s + JUDGING_FRESH_S);
    assert_int_equal(asked(&f), 2);     /* both lists */
    f.now.s += JUDGING_FRESH_S - 1;
    b = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_ptr_equal(a, b);
    assert_int_equal(judging_counts(f.judging).judged, 1);
    assert_int_equal(judging_counts(f.judging).hits, 1);
    f.now.s += 1;
    b = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_ptr_not_equal(a, b);
    assert_int_equal(judging_counts(f.judging).judged, 2);
    assert_int_equal(asked(&f), 2);     /* the lists are still good */
    fixture_deinit(&f);
}

/* Another leaf, staple or handshake is another verdict; the next client's TLS 1.3 suite is not. */
static void what_differs_is_judged_anew(void **state)
{
    CLEANUP(buf_deinit) struct buf staple = BUF_INIT(1 << 16);
    struct fixture f;
    struct origin *first, *o;

    (void)state;
    fixture_init(&f);
    start(&f);
    assert_int_equal(mill_ocsp(&staple, f.leaf, f.issuer, f.issuer, MILL_OCSP_GOOD,
                               (struct mw_wall){ 0 }, (struct mw_wall){ f.now.s - HOUR },
                               (struct mw_wall){ f.now.s + 600 }), 0);
    first = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0xc02f });
    assert_ptr_not_equal(o, first);
    assert_memory_equal(o->key, first->key, sizeof o->key);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, buf_span(&staple), 0 });
    assert_ptr_not_equal(o, first);
    assert_memory_equal(o->key, first->key, sizeof o->key);
    assert_string_equal(o->verdict->revocation.how, "stapled OCSP");
    assert_int_equal(o->until.s, f.now.s + 600);        /* nextUpdate */
    o = judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 });
    assert_memory_not_equal(o->key, first->key, sizeof o->key);
    assert_memory_not_equal(o->leaf_sha256, first->leaf_sha256, sizeof o->leaf_sha256);
    assert_int_equal(judging_counts(f.judging).judged, 4);
    assert_int_equal(judging_counts(f.judging).cached, 4);
    assert_ptr_equal(judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 }), first);
    fixture_deinit(&f);
}

/* What the handshake has read saves work, and is never taken for another. */
static void what_was_seen_is_the_same(void **state)
{
    struct fixture f;
    struct origin *first, *o;
    const unsigned char *at;
    X509 *leaf, *other;

    (void)state;
    fixture_init(&f);
    start(&f);
    at = mill_cert_der(f.leaf).data;
    leaf = d2i_X509(NULL, &at, (long)mill_cert_der(f.leaf).len);
    at = mill_cert_der(f.other).data;
    other = d2i_X509(NULL, &at, (long)mill_cert_der(f.other).len);
    assert_true(leaf != NULL && other != NULL);
    judging_seen(f.judging, mill_cert_der(f.leaf), other);
    first = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(first->verdict->outcome, MW_PRIVATE);
    judging_seen(f.judging, mill_cert_der(f.other), other);
    judging_seen(f.judging, mill_cert_der(f.leaf), leaf);
    X509_free(leaf);
    X509_free(other);
    o = judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 });
    assert_memory_not_equal(o->leaf_sha256, first->leaf_sha256, sizeof o->leaf_sha256);
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    f.now.s += JUDGING_FRESH_S + 1;
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_memory_equal(o->leaf_sha256, first->leaf_sha256, sizeof o->leaf_sha256);
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    fixture_deinit(&f);
}

static void a_missing_intermediate_is_fetched(void **state)
{
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, NULL, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    assert_int_equal(o->verdict->n_path, 3);
    assert_int_equal(asked(&f), 3);     /* the issuer, then both lists */
    told_forget(&f);
    judging_free(f.judging);

    f.config.upstream.fetch = false;
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, NULL, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_UNTRUSTED);
    assert_true(has(o, MW_MISSING_INTERMEDIATE));
    assert_int_equal(asked(&f), 3);
    fixture_deinit(&f);
}

static void a_revoked_leaf_is_found(void **state)
{
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    crls_make(&f, true);
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_UNTRUSTED);
    assert_true(has(o, MW_REVOKED));
    assert_int_equal(judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 })->verdict->outcome,
                     MW_PRIVATE);
    assert_int_equal(asked(&f), 2);
    fixture_deinit(&f);
}

/* Without the permission to fetch, "could not check" is said, so that policy can speak of it. */
static void what_may_not_be_fetched_is_said(void **state)
{
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    f.config.upstream.fetch = false;
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    assert_true(has(o, MW_REVOCATION_UNKNOWN));
    assert_int_equal(o->until.s, f.now.s + JUDGING_FRESH_S);
    assert_int_equal(asked(&f), 0);
    fixture_deinit(&f);
}

static void what_could_not_be_fetched_is_tried_again_soon(void **state)
{
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    f.route[1].status = 503;
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_true(has(o, MW_REVOCATION_UNKNOWN));
    assert_int_equal(o->until.s, f.now.s + JUDGING_RETRY_S);
    f.route[1].status = 200;
    f.now.s += JUDGING_RETRY_S;
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->revocation.leaf, MW_REVOCATION_GOOD);
    assert_int_equal(asked(&f), 3);
    fixture_deinit(&f);
}

static void a_silent_server_does_not_hold_us_up(void **state)
{
    struct fixture f;
    struct mill_spec spec;
    struct mono began = mono_now();
    struct origin *o;

    (void)state;
    fixture_init(&f);
    start(&f);
    spec = leaf_spec(&f);
    spec.crl_url = f.slow_url;
    mill_cert_free(f.other);
    f.other = mint(&f, spec, 60, f.issuer);
    o = judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 });
    assert_true(mono_diff_ns(began, mono_now()) / 1000000 >= JUDGING_FETCH_MS - 50);
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    assert_true(has(o, MW_REVOCATION_UNKNOWN));
    assert_int_equal(o->until.s, f.now.s + JUDGING_RETRY_S);
    fixture_deinit(&f);
}

static void a_verdict_ends_with_its_certificate(void **state)
{
    struct fixture f;
    struct mill_spec spec;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    start(&f);
    spec = leaf_spec(&f);
    spec.not_after.s = f.now.s + 100;
    mill_cert_free(f.other);
    f.other = mint(&f, spec, 0, f.issuer);
    o = judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    assert_int_equal(o->until.s, f.now.s + 101);
    f.now.s += 100;
    assert_ptr_equal(judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 }), o);
    f.now.s += 1;
    o = judged(&f, (struct shown){ f.other, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->outcome, MW_UNTRUSTED);
    assert_true(has(o, MW_EXPIRED));
    fixture_deinit(&f);
}

static void many_wait_for_one_judgement(void **state)
{
    struct fixture f;
    struct judging_wait *waits[3];
    struct origin *found;

    (void)state;
    fixture_init(&f);
    start(&f);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        waits[i] = ask(&f, (struct shown){ f.leaf, NULL, .suite = 0 }, &found);
        assert_null(found);
    }
    assert_int_equal(judging_counts(f.judging).under_way, 1);
    judging_cancel(waits[1]);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(f.n_told, 2);
    assert_ptr_equal(f.told[0], f.told[1]);
    assert_int_equal(judging_counts(f.judging).judged, 1);
    assert_int_equal(judging_counts(f.judging).under_way, 0);
    fixture_deinit(&f);
}

/* A reload while one is under way: who asked before gets the answer, who asks after is judged
 * by the new roots. */
static void a_reload_judges_anew(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct fixture f;
    struct origin *found, *before;

    (void)state;
    fixture_init(&f);
    start(&f);
    ask(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 }, &found);
    assert_null(found);
    f.config.sha256[0] = 2;
    f.bundle.files[0] = buf_span(&f.own_pem);           /* another root */
    assert_int_equal(judging_reload(f.judging, &f.config, &f.bundle, &error), 0);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(f.n_told, 1);
    before = f.told[0];
    assert_int_equal(before->verdict->outcome, MW_PRIVATE);
    assert_int_equal(judging_counts(f.judging).cached, 0);
    found = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(found->verdict->outcome, MW_UNTRUSTED);
    assert_memory_not_equal(found->key, before->key, sizeof found->key);

    /* One that cannot be loaded changes nothing. */
    f.bundle.names[0] = "elsewhere.pem";
    assert_true(judging_reload(f.judging, &f.config, &f.bundle, &error) > 0);
    assert_non_null(strstr((const char *)error.data, "roots.pem"));
    assert_ptr_equal(judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 }), found);
    fixture_deinit(&f);
}

/* The host that runs the gate often trusts the gate's CA.  A server that shows it is refused
 * all the same, whether with all of its chain or a piece of it. */
static void our_own_ca_is_no_anchor(void **state)
{
    CLEANUP(buf_deinit) struct buf both = BUF_INIT(1 << 16), error = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf local = BUF_INIT(1 << 16);
    struct fixture f;
    struct mill_cert *forged, *between, *deep;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    buf_add(&both, buf_span(&f.root_pem));
    buf_add(&both, buf_span(&f.own_pem));
    f.bundle = (struct gate_bundle){ { "roots.pem", GATE_FILE_OWN_CA },
                                     { buf_span(&both), buf_span(&f.own_pem) } };
    forged = mint(&f, (struct mill_spec){ .names = "DNS:site.lab.test" }, 60, f.own);
    between = mint(&f, (struct mill_spec){ .subject = "CN=Between", .ca = true }, 60, f.own);
    deep = mint(&f, (struct mill_spec){ .names = "DNS:site.lab.test" }, 60, between);
    start(&f);
    o = judged(&f, (struct shown){ forged, NULL, .suite = 0 });
    assert_true(o->own_ca);
    assert_int_equal(o->verdict->outcome, MW_UNTRUSTED);
    assert_int_equal(o->verdict->anchor, MW_ANCHOR_NONE);
    o = judged(&f, (struct shown){ deep, between, .suite = 0 });
    assert_true(o->own_ca);
    assert_int_equal(o->verdict->outcome, MW_UNTRUSTED);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_false(o->own_ca);
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);

    /* Nor where somebody trusts what our root has signed. */
    mill_cert_pem(between, &local);
    f.config.upstream.local_roots = f.bundle.names[2] = "local.pem";
    f.bundle.files[2] = buf_span(&local);
    f.config.sha256[0]++;
    assert_int_equal(judging_reload(f.judging, &f.config, &f.bundle, &error), 0);
    o = judged(&f, (struct shown){ deep, between, .suite = 0 });
    assert_int_equal(o->verdict->anchor, MW_ANCHOR_LOCAL);
    assert_true(o->own_ca);

    f.bundle.files[0] = buf_span(&f.own_pem);
    assert_true(judging_reload(f.judging, &f.config, &f.bundle, &error) > 0);
    assert_non_null(strstr((const char *)error.data, "own CA"));
    mill_cert_free(forged);
    mill_cert_free(between);
    mill_cert_free(deep);
    fixture_deinit(&f);
}

static void system_roots_are_sorted(void **state)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    f.config.upstream.roots = NULL;
    assert_true(judging_new(&f.judging, &f.loop, f.dns, &f.config, &f.bundle, &error) > 0);
    assert_non_null(strstr((const char *)error.data, "upstream.roots"));
    f.judging = NULL;
    f.bundle.names[0] = GATE_FILE_SYSTEM_ROOTS;
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(o->verdict->anchor, MW_ANCHOR_LOCAL);
    fixture_deinit(&f);
}

/* Certificates may not send us to our own services. */
static void local_destinations_are_refused(void **state)
{
    struct fixture f;
    struct origin *o;

    (void)state;
    fixture_init(&f);
    f.config.upstream.private_destinations = false;
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, NULL, .suite = 0 });
    assert_true(has(o, MW_MISSING_INTERMEDIATE));
    assert_int_equal(asked(&f), 0);
    fixture_deinit(&f);
}

static void bad_questions_are_refused(void **state)
{
    struct fixture f;
    struct judging_wait *wait;
    struct origin *found;
    struct mw_evidence ev = { .host = "not a name", .reach = MW_REACH_HANDSHAKE };

    (void)state;
    fixture_init(&f);
    start(&f);
    ev.now = f.now;
    assert_int_equal(judging_ask(f.judging, &ev, &found, on_judged, &f, &wait), -EINVAL);
    assert_null(found);
    ev.host = "site.lab.test";          /* no certificate at all is a verdict */
    assert_int_equal(judging_ask(f.judging, &ev, &found, on_judged, &f, &wait), 0);
    assert_non_null(found);
    assert_int_not_equal(found->verdict->outcome, MW_PRIVATE);
    assert_int_equal(found->leaf.len, 0);
    origin_unref(found);
    fixture_deinit(&f);
}

/* By number and by size; what is in a session's hands outlives it. */
static void the_cache_is_bounded(void **state)
{
    struct judge_cache c;
    struct fixture f;
    struct judge_key key = { 0 }, first = { 0 };
    struct origin *o;
    size_t each;

    (void)state;
    fixture_init(&f);
    start(&f);
    o = judged(&f, (struct shown){ f.leaf, f.issuer, .suite = 0 });
    assert_int_equal(judge_cache_init(&c), 0);
    c.most = 3;
    for (uint8_t i = 0; i < 4; i++) {
        key.verdict[0] = i;
        assert_int_equal(judge_cache_add(&c, &key, o), 0);
        assert_non_null(judge_cache_find(&c, &first, f.now));   /* it stays: it is used */
    }
    assert_int_equal(c.n, 3);
    key.verdict[0] = 1;
    assert_null(judge_cache_find(&c, &key, f.now));
    each = c.bytes / c.n;
    assert_in_range(each, 8 << 10, 64 << 10);
    c.most_bytes = 2 * each;
    assert_int_equal(judge_cache_add(&c, &key, o), 0);
    assert_int_equal(c.n, 2);
    assert_null(judge_cache_find(&c, &key, (struct mw_wall){ f.now.s - 1 }));  /* set back */
    assert_int_equal(c.n, 1);
    judge_cache_deinit(&c);
    assert_int_equal(o->verdict->outcome, MW_PRIVATE);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_origin_is_judged_once),
        cmocka_unit_test(what_differs_is_judged_anew),
        cmocka_unit_test(what_was_seen_is_the_same),
        cmocka_unit_test(a_missing_intermediate_is_fetched),
        cmocka_unit_test(a_revoked_leaf_is_found),
        cmocka_unit_test(what_may_not_be_fetched_is_said),
        cmocka_unit_test(what_could_not_be_fetched_is_tried_again_soon),
        cmocka_unit_test(a_silent_server_does_not_hold_us_up),
        cmocka_unit_test(a_verdict_ends_with_its_certificate),
        cmocka_unit_test(many_wait_for_one_judgement),
        cmocka_unit_test(a_reload_judges_anew),
        cmocka_unit_test(our_own_ca_is_no_anchor),
        cmocka_unit_test(system_roots_are_sorted),
        cmocka_unit_test(local_destinations_are_refused),
        cmocka_unit_test(bad_questions_are_refused),
        cmocka_unit_test(the_cache_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
