/*
 * A meeting's rules (midwatch/mls_meeting.h): what every member refuses, whoever carries it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "meet/group/policy.h"
#include "mls_craft.h"
#include "mls_refuse.h"

static const struct mw_mls_commit_options plain = { 0 };

/* B's rules are the group's from now on. */
static void rule(struct people *p, const struct mw_mls_policy *policy)
{
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    is(mw_mls_policy_write(policy, mw_mls_context_extensions(p->all[B].g), &list), 0);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[B], &o);
    mw_mls_bytes_free(&list);
}

/* B alone is a host. */
static void rule_host(struct people *p, struct mw_mls_policy policy)
{
    policy.hosts = &p->all[B].id.signature_key;
    policy.hosts_count = 1;
    rule(p, &policy);
}

/* A commit with one proposal by value that its own maker's rules do not stand in the way of. */
static void refuse_list_from(struct people *p, size_t who, const struct proposal *v, int error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal_or_ref one = { .proposal = *v };
    struct commit c = { 0 };
    struct mw_mls_bytes m = { 0 };

    proposal_or_ref_write(&list, &one);
    c.proposals = buf_span(&list);
    commit_write(&b, &c);
    assert_int_equal(craft_own(p->all[who].g, CONTENT_COMMIT, buf_span(&b), &m), 0);
    refused(p, bytes_span(&m), error);
    mw_mls_bytes_free(&m);
}

static void ghost_from(struct people *p, size_t who, int error)
{
    struct proposal v = { .type = PROPOSAL_ADD, .add = package_of(p, OUTSIDER) };

    refuse_list_from(p, who, &v, error);
}

static int external(struct people *p, struct person *who, bool resync, bool link,
                    struct mw_mls_bytes *out)
{
    struct mw_mls_bytes info = { 0 };
    struct mw_span psk = SPAN_LIT("psk");
    int error = mw_mls_group_info(p->all[B].g, true, &info);

    if (error == 0)
        error = mw_mls_join_external(&who->g, &who->app, &who->id, bytes_span(&info), NONE, resync,
                                     &psk, link ? 1 : 0, PEOPLE_NOW, out);
    mw_mls_bytes_free(&info);
    return error;
}

static void written_and_read(void **state)
{
    struct people *p = *state;
    struct mw_span keys[2] = { p->all[B].id.signature_key, p->all[C].id.signature_key };
    struct mw_span hosts[MW_MLS_HOSTS_MAX];
    struct mw_mls_policy policy = { keys, 2, true, true, SPAN_LIT("psk") }, got;

    mw_mls_policy_of(p->all[A].g, &got, hosts);
    assert_int_equal(got.hosts_count, 0);
    assert_false(got.locked || got.external_removes_only);
    assert_int_equal(got.link_psk.len, 0);
    rule(p, &policy);
    mw_mls_policy_of(p->all[A].g, &got, hosts);
    assert_int_equal(got.hosts_count, 2);
    assert_true(span_eq(got.hosts[0], keys[0]) && span_eq(got.hosts[1], keys[1]));
    assert_true(got.locked && got.external_removes_only);
    assert_true(span_eq(got.link_psk, SPAN_LIT("psk")));
    /* One takes the other's place, other extensions stay. */
    rule(p, &(struct mw_mls_policy){ .hosts = keys, .hosts_count = 1 });
    mw_mls_policy_of(p->all[C].g, &got, hosts);
    assert_int_equal(got.hosts_count, 1);
    assert_false(got.locked);
}

static void malformed(void **state)
{
    struct people *p = *state;
    struct mw_span many[MW_MLS_HOSTS_MAX + 1], none = { 0 };
    struct mw_mls_policy policy = { .hosts = many, .hosts_count = MW_MLS_HOSTS_MAX + 1 };
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1u << 20);
    static const char *const bad[] = {
        "", "\x08\0\0", "\0\0", "\0\0\0!", "\0\x01\x40\0", "\0\x01\0\0",
    };
    static const size_t lens[] = { 0, 3, 2, 4, 4, 4 };
    static uint8_t long_key[1u << 16];
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    struct mw_mls_committed made = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = SPAN_LIT("key");
    is(mw_mls_policy_write(&policy, NONE, &list), MW_MLS_E_TOO_BIG);
    policy.hosts = &none;
    policy.hosts_count = 1;
    is(mw_mls_policy_write(&policy, NONE, &list), MW_MLS_E_MALFORMED);
    none = span_of(long_key, sizeof(long_key));
    is(mw_mls_policy_write(&policy, NONE, &list), MW_MLS_E_TOO_BIG);
    policy = (struct mw_mls_policy){ 0 };
    is(mw_mls_policy_write(&policy, SPAN_LIT("\1"), &list), MW_MLS_E_MALFORMED);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct extension x = { .type = MW_MLS_EXT_MEETING, .data = span_of(bad[i], lens[i]) };

        buf_truncate(&b, 0);
        extension_write(&b, &x);
        what.extensions = buf_span(&b);
        is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_EXTENSIONS);
    }
}

/* What the relay could try: a member of its own, let in by somebody who is no host. */
static void ghost_without_host(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };

    rule_host(p, (struct mw_mls_policy){ 0 });
    add.key_package = person_package(e);
    is(mw_mls_commit(p->all[C].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_ADD);
    ghost_from(p, C, MW_MLS_E_POLICY_ADD);
    is(external(p, e, false, false, &m), MW_MLS_E_POLICY_ADD);
    assert_null(e->g);
    /* The host's own word counts, by commit and by proposal. */
    add.key_package = person_package(e);
    people_commit(p, &p->all[B], &o);
    people_agree(p);
    add.key_package = person_package(&p->all[5]);
    people_propose(p, &p->all[B], &add);
    people_commit(p, &p->all[C], &plain);
    people_agree(p);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 6);
}

/* Somebody asks to be let in: no member's commit makes it so, a host's does. */
static void asks_without_host(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_committed made = { 0 };

    rule_host(p, (struct mw_mls_policy){ 0 });
    (void)person_package(e);
    is(mw_mls_ask_to_join(&e->app, e->kp, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), &m), 0);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    is(mw_mls_commit(p->all[C].g, &plain, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, 1);
    assert_int_equal(made.welcome.len, 0);
    mw_mls_drop(p->all[C].g);
    mw_mls_committed_free(&made);
    {
        struct mw_span ref = span_of(p->all[A].g->waiting->reference, 32);
        CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
        struct proposal_or_ref v = { .by_reference = true, .reference = ref };
        struct commit c = { 0 };

        proposal_or_ref_write(&list, &v);
        c.proposals = buf_span(&list);
        commit_write(&b, &c);
        assert_int_equal(craft_own(p->all[C].g, CONTENT_COMMIT, buf_span(&b), &m), 0);
        refused(p, bytes_span(&m), MW_MLS_E_POLICY_ADD);
        mw_mls_bytes_free(&m);
    }
    people_commit(p, &p->all[B], &plain);
    people_agree(p);
    assert_non_null(e->g);
}

/* Nor without the secret in the link, not even by a host. */
static void ghost_without_link(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD }, { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };

    rule_host(p, (struct mw_mls_policy){ .link_psk = SPAN_LIT("psk") });
    what[0].key_package = person_package(e);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_LINK);
    ghost_from(p, B, MW_MLS_E_POLICY_LINK);
    what[0].key_package = mw_mls_key_package_bytes(e->kp);
    people_commit(p, &p->all[B], &plain);       /* what adds nobody needs no link */
    o.count = 2;
    /* Whoever lacks the link's secret cannot read the Welcome. */
    e->has_psk = false;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), 0);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       MW_MLS_E_PSK_UNKNOWN);
    e->has_psk = true;
    people_deliver(p, &p->all[B], &made.commit);
    is(mw_mls_merge(p->all[B].g), 0);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       0);
    mw_mls_committed_free(&made);
    people_agree(p);
    mw_mls_bytes_free(&m);
}

/* Another secret than the link's is no link, nor is the group's own. */
static void ghost_with_another_psk(void **state)
{
    static const uint8_t nonce[32];
    struct people *p = *state;
    struct proposal v[2] = { { .type = PROPOSAL_ADD }, { .type = PROPOSAL_PSK } };

    rule(p, &(struct mw_mls_policy){ .link_psk = SPAN_LIT("psk") });
    v[0].add = package_of(p, OUTSIDER);
    v[1].psk = (struct psk_id){
        .type = PSK_EXTERNAL, .id = SPAN_LIT("psl"), .nonce = span_of(nonce, sizeof(nonce)),
    };
    refuse_list(p, v, 2, MW_MLS_E_POLICY_LINK);
    v[1].psk = (struct psk_id){
        .type = PSK_RESUMPTION, .usage = PSK_USE_APPLICATION, .group_id = SPAN_LIT("group"),
        .epoch = mw_mls_epoch(p->all[A].g), .nonce = span_of(nonce, sizeof(nonce)),
    };
    refuse_list(p, v, 2, MW_MLS_E_POLICY_LINK);
}

/* Who joins by themselves needs the link, and to be a host where there are some. */
static void external_with_link(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes m = { 0 };

    rule(p, &(struct mw_mls_policy){ .link_psk = SPAN_LIT("psk") });
    is(external(p, e, false, false, &m), MW_MLS_E_POLICY_LINK);
    is(external(p, e, false, true, &m), 0);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    people_agree(p);
}

/* A relay that lets somebody in by an external commit: made as if there were no such rule, and
 * signed under the rule. */
static void external_refused(struct people *p, const struct mw_mls_policy *policy, int error)
{
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes m = { 0 }, again = { 0 };
    struct mls_message v;

    is(external(p, e, false, false, &m), 0);
    mw_mls_free(e->g);
    e->g = NULL;
    rule(p, policy);
    assert_true(mls_message_read(&v, bytes_span(&m)));
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ .type = SENDER_NEW_COMMIT },
                                   CONTENT_COMMIT, v.public_message.content.content,
                                   bytes_span(&e->signing_key), NONE, &again),
                     0);
    refused(p, bytes_span(&again), error);
    mw_mls_bytes_free(&m);
    mw_mls_bytes_free(&again);
}

static void external_without_host(void **state)
{
    struct people *p = *state;
    struct mw_mls_policy policy = { .hosts = &p->all[B].id.signature_key, .hosts_count = 1 };

    external_refused(p, &policy, MW_MLS_E_POLICY_ADD);
}

static void external_without_link(void **state)
{
    external_refused(*state, &(struct mw_mls_policy){ .link_psk = SPAN_LIT("psk") },
                     MW_MLS_E_POLICY_LINK);
}

static void external_when_locked(void **state)
{
    external_refused(*state, &(struct mw_mls_policy){ .locked = true }, MW_MLS_E_POLICY_LOCKED);
}

/* Nobody comes in, not even with a host's word; then the host opens again. */
static void locked(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };

    rule_host(p, (struct mw_mls_policy){ .locked = true });
    add.key_package = person_package(e);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_LOCKED);
    is(mw_mls_propose(p->all[B].g, &add, PEOPLE_NOW, &m), MW_MLS_E_POLICY_LOCKED);
    ghost_from(p, B, MW_MLS_E_POLICY_LOCKED);
    is(external(p, e, false, false, &m), MW_MLS_E_POLICY_LOCKED);
    rule_host(p, (struct mw_mls_policy){ 0 });
    add.key_package = person_package(e);
    people_commit(p, &p->all[B], &o);
    people_agree(p);
}

/* The rules are the hosts' alone, in context extensions and in a ReInit. */
static void changed_by_another(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes list = { 0 }, m = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };

    rule_host(p, (struct mw_mls_policy){ 0 });
    /* To nobody's rules, and to their own. */
    is(mw_mls_commit(p->all[C].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_CHANGE);
    refuse_list_from(p, C, &v, MW_MLS_E_POLICY_CHANGE);
    is(mw_mls_policy_write(&(struct mw_mls_policy){ .hosts = &p->all[C].id.signature_key,
                                                    .hosts_count = 1 },
                           NONE, &list),
       0);
    v.extensions = bytes_span(&list);
    refuse_list_from(p, C, &v, MW_MLS_E_POLICY_CHANGE);
    v = (struct proposal){
        .type = PROPOSAL_REINIT,
        .reinit = { .group_id = SPAN_LIT("next"), .version = 1, .suite = 1 },
    };
    refuse_list_from(p, C, &v, MW_MLS_E_POLICY_CHANGE);
    what = (struct mw_mls_proposal){
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    is(mw_mls_commit(p->all[C].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_CHANGE);
    /* The host gives it away, by a proposal that C commits. */
    what = (struct mw_mls_proposal){
        .type = MW_MLS_CONTEXT_EXTENSIONS, .extensions = bytes_span(&list),
    };
    people_propose(p, &p->all[B], &what);
    people_commit(p, &p->all[C], &plain);
    what.extensions = NONE;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_POLICY_CHANGE);
    people_commit(p, &p->all[C], &o);
    mw_mls_bytes_free(&list);
    mw_mls_bytes_free(&m);
}

/* Other extensions beside the same rules are anybody's to change. */
static void changed_beside(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    rule_host(p, (struct mw_mls_policy){ 0 });
    is(mw_mls_external_senders_write(NULL, 0, mw_mls_context_extensions(p->all[C].g), &list), 0);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[C], &o);
    people_agree(p);
    mw_mls_bytes_free(&list);
}

static void external_sender_adds(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_external_sender sender = {
        .signature_key = bytes_span(&e->signature_key), .credential = e->id.credential,
    };
    static const enum mw_mls_proposal_type more[] = {
        MW_MLS_ADD, MW_MLS_PRE_SHARED_KEY, MW_MLS_RE_INIT, MW_MLS_CONTEXT_EXTENSIONS,
    };
    struct mw_mls_bytes list = { 0 }, m = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    is(mw_mls_external_senders_write(&sender, 1, NONE, &list), 0);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[B], &o);
    rule(p, &(struct mw_mls_policy){ .external_removes_only = true });
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        what = (struct mw_mls_proposal){ .type = more[i], .psk_id = SPAN_LIT("psk"), .suite = 1 };
        if (more[i] == MW_MLS_ADD)
            what.key_package = person_package(e);
        is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), 0,
                                   bytes_span(&e->signing_key), &what, &m),
           0);
        refused(p, bytes_span(&m), MW_MLS_E_POLICY_EXTERNAL);
        mw_mls_bytes_free(&m);
    }
    what = (struct mw_mls_proposal){ .type = MW_MLS_REMOVE, .leaf = D };
    is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), 0,
                               bytes_span(&e->signing_key), &what, &m),
       0);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    people_commit(p, &p->all[B], &plain);
    assert_false(mw_mls_active(p->all[D].g));
    mw_mls_bytes_free(&list);
}

/* A host that lost its state takes its own place again; nobody else does. */
static void host_comes_back(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[B], *c = &p->all[C];
    struct mw_mls_group *lost;
    struct mw_mls_bytes m = { 0 };

    rule_host(p, (struct mw_mls_policy){ 0 });
    lost = c->g;
    is(external(p, c, true, false, &m), MW_MLS_E_POLICY_ADD);
    assert_ptr_equal(c->g, lost);
    lost = b->g;
    is(external(p, b, true, false, &m), 0);
    mw_mls_free(lost);
    people_deliver(p, b, &m);
    mw_mls_bytes_free(&m);
    people_agree(p);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 4);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(written_and_read),
        test(malformed),
        test(ghost_without_host),
        test(asks_without_host),
        test(ghost_without_link),
        test(ghost_with_another_psk),
        test(external_with_link),
        test(external_without_host),
        test(external_without_link),
        test(external_when_locked),
        test(locked),
        test(changed_by_another),
        test(changed_beside),
        test(external_sender_adds),
        test(host_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
