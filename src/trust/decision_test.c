/*
 * "Trust anyway" cannot widen: it covers one host, one port, one key and what was accepted, and
 * it never changes what is true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "trust/decision.h"
#include "world.h"

static void decision_freep(struct mw_decision **at)
{
    mw_decision_free(*at);
}

/* A world nobody trusts: its root is not known here. */
static void open_unknown(struct world *w)
{
    world_open(w, MW_ANCHOR_PUBLIC, NULL, NULL);
    mw_policy_free(w->policy);
    w->policy = NULL;
    assert_int_equal(mw_policy_new(&w->policy), 0);
}

static struct mw_decision *decide(const struct world *w, bool ca_key)
{
    struct mw_decision *d = NULL;

    assert_int_equal(mw_decision_make(&d, w->v, ca_key, w->ev.now, 0, "known to me"), 0);
    return d;
}

static void an_accepted_verdict_stays_what_it_is(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    const char *why = NULL;
    struct world w;

    (void)state;
    open_unknown(&w);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    d = decide(&w, false);
    assert_string_equal(d->host, WORLD_HOST);
    assert_int_equal(d->port, 443);
    assert_string_equal(d->key, w.v->chain[0].spki);
    assert_int_equal(d->until.s, WORLD_NOW + 7 * DAY_S);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);

    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    assert_true(world_says(&w, MW_TRUSTED_ANYWAY, "known to me"));
    for (size_t i = 0; i < w.v->n_findings; i++)
        assert_true(w.v->findings[i].accepted == decision_needed(&w.v->findings[i]));
    /* Unattended never hears of it. */
    assert_false(mw_may_proceed_unattended(w.v, &why));
    assert_non_null(why);
    assert_int_not_equal(mw_code_find(why), MW_CODE_NONE);
    world_close(&w);
}

static void another_host_port_or_key_is_not_covered(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    struct mill_spec other = world_leaf();
    struct mill_cert *leaf;
    struct world w;

    (void)state;
    other.names = "DNS:" WORLD_HOST ",DNS:mail.shop.test";
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &other);
    mw_policy_free(w.policy);
    assert_int_equal(mw_policy_new(&w.policy), 0);
    world_judge(&w);
    d = decide(&w, false);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);

    w.ev.port = 8443;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_false(world_has(&w, MW_DECISION_TOO_NARROW));
    w.ev.port = 443;
    w.ev.host = "mail.shop.test";
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    w.ev.host = WORLD_HOST;
    leaf = world_issue(&other, w.ca_key, w.ca); /* the same certificate with another key */
    w.sent[0] = mill_cert_der(leaf);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_false(world_has(&w, MW_TRUSTED_ANYWAY));
    mill_cert_free(leaf);
    world_close(&w);
}

static void a_new_finding_is_not_covered(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    struct world w;

    (void)state;
    open_unknown(&w);
    world_judge(&w);
    d = decide(&w, false);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    w.ev.now_chosen = true;
    d->until = world_day(400);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    w.ev.now = world_day(100); /* by now it has expired as well */
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_says(&w, MW_DECISION_TOO_NARROW, "expired"));
    for (size_t i = 0; i < w.v->n_findings; i++)
        assert_false(w.v->findings[i].accepted);
    world_close(&w);
}

/* "expired" accepted for the server says nothing of the authority above it. */
static void a_finding_about_another_certificate_is_new(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    struct mill_spec ca = world_ca(), leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.not_after = world_day(-1);
    ca.not_after = world_day(2);
    world_open(&w, MW_ANCHOR_PUBLIC, &ca, &leaf);
    w.ev.now_chosen = true;
    world_judge(&w);
    d = decide(&w, false);
    assert_string_equal(d->findings, "expired");
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    w.ev.now = world_day(3);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_says(&w, MW_DECISION_TOO_NARROW, "expired@1"));
    world_close(&w);
}

static void it_expires(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    struct world w;

    (void)state;
    open_unknown(&w);
    world_judge(&w);
    d = decide(&w, false);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    w.ev.now.s = d->until.s - 1;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    w.ev.now.s = d->until.s;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_has(&w, MW_DECISION_EXPIRED));
    /* A clock set back to before it was made does not revive it … */
    w.ev.now.s = d->made.s - DAY_S;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_says(&w, MW_DECISION_EXPIRED, "does not hold yet"));
    /* … nor one set back into its week, when it is known to be slow. */
    w.ev.now.s = d->made.s + DAY_S;
    w.ev.built = world_day(10);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_has(&w, MW_DECISION_EXPIRED));
    world_close(&w);
}

/* An interceptor mints a new leaf every fortnight; its CA key stays. */
static void an_interceptors_key_covers_what_it_mints(void **state)
{
    CLEANUP(decision_freep) struct mw_decision *d = NULL;
    struct mill_spec other = world_leaf();
    struct mill_cert *leaf;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_LOCAL, NULL, NULL);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_INSPECTED);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    d = decide(&w, true);
    assert_true(d->key_is_ca);
    assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_INSPECTED);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    assert_false(mw_may_proceed_unattended(w.v, NULL));

    other.serial = SPAN_LIT("fortnight");
    leaf = world_issue(&other, w.root_key, w.ca);
    w.sent[0] = mill_cert_der(leaf);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    w.ev.port = 444;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    mill_cert_free(leaf);
    world_close(&w);
}

/* The key of a public authority would cover half the web. */
static void a_public_authoritys_key_covers_nothing(void **state)
{
    struct mw_decision wide = { .host = "other.test",
                                .port = 443,
                                .key_is_ca = true,
                                .findings = "name-mismatch,name-www,name-other-tenant",
                                .made = { WORLD_NOW },
                                .until = { WORLD_NOW + DAY_S } };
    struct mw_decision *d = NULL;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    w.ev.host = "other.test";
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(mw_decision_make(&d, w.v, true, w.ev.now, 0, NULL), MW_E_SYNTAX);
    assert_null(d);
    wide.key = w.v->chain[1].spki;
    assert_int_equal(mw_policy_add_decision(w.policy, &wide), 0);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_false(world_has(&w, MW_TRUSTED_ANYWAY));
    world_close(&w);
}

/* Somebody who merely sends the interceptor's certificate along did not sign with its key. */
static void a_ca_that_did_not_sign_covers_nothing(void **state)
{
    struct mw_decision d = { .host = WORLD_HOST,
                             .port = 443,
                             .key_is_ca = true,
                             .findings = "bad-signature,missing-intermediate,self-signed,"
                                         "unknown-authority,unknown-authority@1",
                             .made = { WORLD_NOW },
                             .until = { WORLD_NOW + DAY_S } };
    struct mill_spec forged = world_leaf();
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_LOCAL, NULL, NULL);
    world_judge(&w);
    d.key = w.v->chain[1].spki;
    forged.wrong_signature = true;
    mill_cert_free(w.leaf);
    w.leaf = world_issue(&forged, w.leaf_key, w.ca);
    w.sent[0] = mill_cert_der(w.leaf);
    assert_int_equal(mw_policy_add_decision(w.policy, &d), 0);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_false(world_has(&w, MW_TRUSTED_ANYWAY));
    world_close(&w);
}

static void some_things_nobody_may_accept(void **state)
{
    CLEANUP(buf_deinit) struct buf crl = BUF_INIT(1 << 16);
    struct mill_revoked entry;
    struct mw_span crls[1];
    struct mw_decision *d = NULL;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    entry = (struct mill_revoked){ w.leaf, world_day(-1), 1 };
    assert_int_equal(mill_crl(&crl, w.ca, &entry, 1, world_day(-1), world_day(5)), 0);
    crls[0] = buf_span(&crl);
    w.ev.crls = crls;
    w.ev.n_crls = 1;
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_REFUSE);
    assert_int_equal(mw_decision_make(&d, w.v, false, w.ev.now, 0, NULL), MW_E_SYNTAX);
    /* Not even if somebody writes it into the store by hand. */
    struct mw_decision by_hand = { .host = WORLD_HOST,
                                   .port = 443,
                                   .key = w.v->chain[0].spki,
                                   .findings = "revoked",
                                   .made = { WORLD_NOW },
                                   .until = { WORLD_NOW + DAY_S } };
    assert_int_equal(mw_policy_add_decision(w.policy, &by_hand), MW_E_SYNTAX);
    world_close(&w);
}

static void a_private_verdict_needs_no_decision(void **state)
{
    struct mw_decision *d = NULL;
    const char *why = "untouched";
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    world_judge(&w);
    assert_true(mw_may_proceed_unattended(w.v, &why));
    assert_null(why);
    assert_int_equal(mw_attended_action(w.v), MW_PROCEED);
    assert_int_equal(mw_decision_make(&d, w.v, false, w.ev.now, 0, NULL), MW_E_SYNTAX);
    world_close(&w);
}

static void nothing_to_judge_is_refused(void **state)
{
    struct mw_verdict zero = { .outcome = MW_UNJUDGED };
    const char *why = NULL;
    struct world w;

    (void)state;
    assert_false(mw_may_proceed_unattended(NULL, &why));
    assert_non_null(why);
    assert_false(mw_may_proceed_unattended(&zero, &why));
    assert_int_equal(mw_attended_action(NULL), MW_REFUSE);
    assert_int_equal(mw_attended_action(&zero), MW_REFUSE);
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    w.ev.n_sent = 0;
    w.ev.reach = MW_REACH_RESET;
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_BLOCKED);
    assert_int_equal(mw_attended_action(w.v), MW_REFUSE);
    assert_false(mw_may_proceed_unattended(w.v, &why));
    assert_string_equal(why, "reset-in-handshake");
    world_close(&w);
}

static void a_chain_for_no_host_is_refused(void **state)
{
    const char *why = NULL;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    w.ev.host = NULL;
    world_judge(&w);
    assert_false(mw_may_proceed_unattended(w.v, &why));
    assert_string_equal(why, "unjudged");
    assert_int_equal(mw_attended_action(w.v), MW_REFUSE);
    world_close(&w);
}

static void bad_decisions_are_refused(void **state)
{
    const struct mw_decision good = { .host = "a.test",
                                      .port = 443,
                                      .key = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      .findings = "expired,expired@1",
                                      .made = { 1 },
                                      .until = { 2 } };
    struct mw_decision bad[] = { good, good, good, good, good, good, good, good };
    struct mw_policy *p = NULL;

    (void)state;
    bad[0].host = NULL;
    bad[1].key = "sha256/AAAA";
    bad[2].findings = "";
    bad[3].findings = "expired,no-such-code";
    bad[4].findings = "expired,pin-mismatch";
    bad[5].findings = "expired@0";
    bad[6].findings = "expired,,";
    bad[7].until.s = 1;
    assert_int_equal(mw_policy_new(&p), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_true(mw_policy_add_decision(p, &bad[i]) > 0);
        assert_non_null(strstr(mw_policy_error(p), "decision"));
    }
    assert_int_equal(mw_policy_add_decision(p, &good), 0);
    mw_policy_free(p);
}

/* ------------------------------------------------------------------ the property ---- */

enum { FAULTS = 5 };

/* Evidence with any subset of five faults, each of which makes one finding. */
static void faults_set(struct world *w, unsigned faults, struct mill_cert *const leaves[2])
{
    w->sent[0] = mill_cert_der(leaves[(faults & 1) != 0]); /* expired */
    w->ev.tls.version = (faults & 2) != 0 ? 0x0301 : 0x0304;
    w->ev.tls.dh_bits = (faults & 4) != 0 ? 512 : 0;
    w->ev.tls.cipher_suite = (faults & 8) != 0 ? 0x0005 : 0x1301;
    w->ev.tls.cipher_name = (faults & 8) != 0 ? "RC4-SHA" : "TLS_AES_128_GCM_SHA256";
    w->ev.tls.downgrade_mark = (faults & 16) != 0 ? MW_SEEN_YES : MW_SEEN_NO;
}

/* The codes that must be accepted, as a set of bits. */
static void needed(const struct mw_verdict *v, bool set[MW_CODES])
{
    memset(set, 0, MW_CODES * sizeof(set[0]));
    for (size_t i = 0; i < v->n_findings; i++)
        if (decision_needed(&v->findings[i]))
            set[v->findings[i].code] = true;
}

static bool subset(const bool a[MW_CODES], const bool b[MW_CODES])
{
    for (size_t i = 0; i < MW_CODES; i++)
        if (a[i] && !b[i])
            return false;
    return true;
}

/* For every pair of fault sets A and B: what was accepted of A lets B pass exactly if B has
 * nothing that A had not. */
static void a_decision_never_widens(void **state)
{
    bool in_a[MW_CODES], in_b[MW_CODES];
    struct mill_spec late = world_leaf();
    struct mill_cert *leaves[2];
    size_t passed = 0, asked = 0;
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    late.not_after = world_day(-1);
    leaves[0] = w.leaf;
    leaves[1] = world_issue(&late, w.leaf_key, w.ca);
    w.ev.now_chosen = true;
    for (unsigned a = 1; a < 1U << FAULTS; a++) {
        CLEANUP(decision_freep) struct mw_decision *d = NULL;

        world_policy(&w);
        faults_set(&w, a, leaves);
        world_judge(&w);
        needed(w.v, in_a);
        d = decide(&w, false);
        assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
        for (unsigned b = 0; b < 1U << FAULTS; b++) {
            bool covered;

            faults_set(&w, b, leaves);
            world_judge(&w);
            needed(w.v, in_b);
            covered = subset(in_b, in_a);
            assert_int_equal(mw_attended_action(w.v), covered ? MW_PROCEED : MW_ASK);
            assert_int_equal(w.v->outcome, b == 0 ? MW_PRIVATE : MW_UNTRUSTED);
            assert_true(mw_may_proceed_unattended(w.v, NULL) == (b == 0));
            passed += covered;
            asked += !covered;
        }
    }
    /* No empty exercise: each fault is a finding of its own, so a set of five has 3^5 pairs of
     * a subset in a set, without the one of nothing in nothing. */
    assert_int_equal(passed, 242);
    assert_int_equal(asked, 31 * 32 - 242);
    mill_cert_free(leaves[1]);
    world_close(&w);
}

/* Two narrow decisions do not add up to a wide one. */
static void decisions_do_not_add_up(void **state)
{
    struct mill_spec late = world_leaf();
    struct mill_cert *leaves[2];
    struct world w;

    (void)state;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, NULL);
    late.not_after = world_day(-1);
    leaves[0] = w.leaf;
    leaves[1] = world_issue(&late, w.leaf_key, w.ca);
    w.ev.now_chosen = true;
    for (unsigned a = 1; a <= 2; a++) {
        CLEANUP(decision_freep) struct mw_decision *d = NULL;

        faults_set(&w, a, leaves);
        world_judge(&w);
        d = decide(&w, false);
        assert_int_equal(mw_policy_add_decision(w.policy, d), 0);
    }
    faults_set(&w, 3, leaves);
    world_judge(&w);
    assert_int_equal(mw_attended_action(w.v), MW_ASK);
    assert_true(world_has(&w, MW_DECISION_TOO_NARROW));
    mill_cert_free(leaves[1]);
    world_close(&w);
}

static void a_decision_is_one_safe_line(void **state)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(2000);
    const struct mw_decision d = { .host = "a.test",
                                   .port = 443,
                                   .key = "sha256/k",
                                   .key_is_ca = true,
                                   .findings = "expired",
                                   .until = { WORLD_NOW },
                                   .reason = "ours\x1b[2J\nsecond" };

    (void)state;
    decision_format(&d, &line);
    assert_string_equal((const char *)line.data,
                        "a.test:443 signed by sha256/k accepts expired until "
                        "2026-06-15T12:00:00Z: ours\\x1b[2J\\x0asecond");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_verdict_stays_what_it_is),
        cmocka_unit_test(another_host_port_or_key_is_not_covered),
        cmocka_unit_test(a_new_finding_is_not_covered),
        cmocka_unit_test(a_finding_about_another_certificate_is_new),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(an_interceptors_key_covers_what_it_mints),
        cmocka_unit_test(a_public_authoritys_key_covers_nothing),
        cmocka_unit_test(a_ca_that_did_not_sign_covers_nothing),
        cmocka_unit_test(some_things_nobody_may_accept),
        cmocka_unit_test(a_private_verdict_needs_no_decision),
        cmocka_unit_test(nothing_to_judge_is_refused),
        cmocka_unit_test(a_chain_for_no_host_is_refused),
        cmocka_unit_test(bad_decisions_are_refused),
        cmocka_unit_test(a_decision_never_widens),
        cmocka_unit_test(decisions_do_not_add_up),
        cmocka_unit_test(a_decision_is_one_safe_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
