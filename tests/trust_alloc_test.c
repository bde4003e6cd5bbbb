/*
 * Every allocation of a judgement fails once. Out of memory must come out as -ENOMEM, or not at
 * all: a verdict that is returned is the one that plenty of memory gives.
 */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

struct run {
    struct world w;
    const struct mw_verdict *plenty;
};

static void same_verdict(const struct mw_verdict *a, const struct mw_verdict *b)
{
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->n_findings, b->n_findings);
    for (size_t i = 0; i < a->n_findings; i++) {
        assert_int_equal(a->findings[i].code, b->findings[i].code);
        assert_string_equal(a->findings[i].evidence, b->findings[i].evidence);
    }
    assert_int_equal(a->n_readers, b->n_readers);
    assert_int_equal(a->n_chain, b->n_chain);
    assert_int_equal(a->missing, b->missing);
}

static bool judge(void *context, size_t nth)
{
    struct run *run = context;
    struct mw_verdict *v = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = mw_judge(run->w.policy, &run->w.ev, &v);
    failed = alloc_fail_disarm();
    if (r == 0)
        same_verdict(v, run->plenty);
    else
        assert_int_equal(r, failed ? -ENOMEM : 0);
    mw_verdict_free(v);
    return failed;
}

static void every_failure_is_passed_up(struct run *run, size_t least)
{
    world_judge(&run->w);
    run->plenty = run->w.v;
    assert_true(alloc_fail_each(judge, run) >= least);
    world_close(&run->w);
}

static void an_ordinary_chain(void **state)
{
    struct run run = { 0 };

    (void)state;
    world_open(&run.w, MW_ANCHOR_PUBLIC, NULL, NULL);
    every_failure_is_passed_up(&run, 10);
}

/* With everything that a probe can bring: controls, CAA, clocks, an echo, the way. */
static void a_reader_with_all_evidence(void **state)
{
    static const uint8_t ours[32] = { 1 }, theirs[32] = { 2 };
    struct mw_clock_reading clocks[] = {
        {.source = MW_CLOCK_SNTP,  .server = "a.test", .ok = true, .offset_ms = 7200000},
        { .source = MW_CLOCK_SNTP, .server = "b.test", .ok = true, .offset_ms = 7200000},
    };
    struct mw_caa caa = { .tag = "issue", .value = "letsencrypt.org" };
    struct run run = { 0 };
    struct mw_control control = { .host = "www.news.example", .reach = MW_REACH_HANDSHAKE };

    (void)state;
    world_open(&run.w, MW_ANCHOR_LOCAL, NULL, NULL);
    control.sent = run.w.sent;
    control.n_sent = 2;
    run.w.ev.controls = &control;
    run.w.ev.n_controls = 1;
    run.w.ev.clocks = clocks;
    run.w.ev.n_clocks = 2;
    run.w.ev.caa_looked = MW_SEEN_YES;
    run.w.ev.caa = &caa;
    run.w.ev.n_caa = 1;
    run.w.ev.echo = (struct mw_echo){
        .answered = MW_SEEN_YES,
        .signature_good = true,
        .signer = "sha256/AAAA=",
        .exporter_ours = {ours,    sizeof(ours)  },
        .exporter_theirs = { theirs, sizeof(theirs)},
    };
    run.w.ev.local = (struct mw_local_facts){
        .looked = MW_SEEN_YES,
        .proxy = "http://proxy.test:3128",
        .proxy_used = true,
        .vpn_interface = "tun0",
        .hosts_file = "/etc/hosts:3",
    };
    every_failure_is_passed_up(&run, 20);
}

/* SCTs, a staple, a list, pins, a decision made before: each has texts of its own. */
static void documents_of_every_kind(void **state)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf staple = BUF_INIT(1 << 16), crl = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16);
    struct mill_log *logs[2] = { NULL, NULL };
    struct mw_decision *d = NULL;
    struct mw_span crls[1];
    struct run run = { 0 };
    struct world *w = &run.w;

    (void)state;
    world_open(w, MW_ANCHOR_PUBLIC, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mill_log_new(&logs[i], i == 0 ? "alpha" : "beta", "A"), 0);
        assert_int_equal(mill_sct_cert(&scts, logs[i], w->leaf, world_day(-1)), 0);
    }
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    assert_int_equal(mill_log_list(&json, logs, 1), 0);
    assert_int_equal(mw_policy_set_ct_logs(w->policy, buf_span(&json)), 0);
    assert_int_equal(mill_ocsp(&staple, w->leaf, w->ca, w->ca, MILL_OCSP_GOOD, world_day(-9),
                               world_day(-9), world_day(-2)),
                     0);
    assert_int_equal(mill_crl(&crl, w->ca, NULL, 0, world_day(-1), world_day(9)), 0);
    crls[0] = buf_span(&crl);
    w->ev.tls_scts = buf_span(&list);
    w->ev.staple = buf_span(&staple);
    w->ev.crls = crls;
    w->ev.n_crls = 1;
    w->ev.host = "other.test";
    world_judge(w);
    assert_int_equal(mw_decision_make(&d, w->v, false, w->ev.now, 0, "why"), 0);
    assert_int_equal(mw_policy_add_decision(w->policy, d), 0);
    assert_int_equal(mw_policy_add_pin(w->policy, &(struct mw_pin){ .host = "other.test",
                                                                    .spki = w->v->chain[1].spki }),
                     0);
    every_failure_is_passed_up(&run, 20);
    mw_decision_free(d);
    mill_log_free(logs[0]);
    mill_log_free(logs[1]);
}

static void a_connection_that_was_cut(void **state)
{
    struct run run = { 0 };

    (void)state;
    world_open(&run.w, MW_ANCHOR_PUBLIC, NULL, NULL);
    run.w.ev.n_sent = 0;
    run.w.ev.reach = MW_REACH_RESET;
    every_failure_is_passed_up(&run, 3);
}

static bool policy_make(void *context, size_t nth)
{
    struct mw_policy *p = NULL;
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = mw_policy_new(&p);
    failed = alloc_fail_disarm();
    assert_int_equal(r, failed ? -ENOMEM : 0);
    mw_policy_free(p);
    return failed;
}

static void a_policy_with_its_catalogue(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(policy_make, NULL) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_chain),           cmocka_unit_test(a_reader_with_all_evidence),
        cmocka_unit_test(documents_of_every_kind),     cmocka_unit_test(a_connection_that_was_cut),
        cmocka_unit_test(a_policy_with_its_catalogue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
