/*
 * What a member or a relay tries while it keeps to every rule for messages: proposals that are
 * good by themselves, made so that somebody else's commit does what only its sender wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

static const struct mw_mls_commit_options plain = { 0 };

/* B commits context extensions. */
static void agree_on(struct people *p, struct mw_span extensions)
{
    struct mw_mls_proposal what = {
        .type = MW_MLS_CONTEXT_EXTENSIONS, .extensions = extensions,
    };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    people_commit(p, &p->all[B], &o);
}

static void rule_host(struct people *p, size_t host)
{
    struct mw_mls_policy policy = {
        .hosts = &p->all[host].id.signature_key, .hosts_count = 1,
    };
    struct mw_mls_bytes list = { 0 };

    is(mw_mls_policy_write(&policy, NONE, &list), 0);
    agree_on(p, bytes_span(&list));
    mw_mls_bytes_free(&list);
}

/* --------------------------------------------------------------------------- the meeting ---- */

static bool is_host(const struct mw_mls_group *g, const struct person *who)
{
    struct mw_span hosts[MW_MLS_HOSTS_MAX];
    struct mw_mls_policy now;

    mw_mls_policy_of(g, &now, hosts);
    return now.hosts_count == 1 && span_eq(now.hosts[0], who->id.signature_key);
}

/* C asks everybody to make C the host, or to have no rules, and waits for the host to commit
 * whatever waits. */
static void takes_over(void **state)
{
    struct people *p = *state;
    struct mw_mls_policy wish = {
        .hosts = &p->all[C].id.signature_key, .hosts_count = 1,
    };
    struct mw_mls_bytes list = { 0 }, m = { 0 };
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };

    rule_host(p, B);
    is(mw_mls_policy_write(&wish, NONE, &list), 0);
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
        struct mw_mls_event event;

        v.extensions = what.extensions = i == 0 ? bytes_span(&list) : NONE;
        is(mw_mls_propose(p->all[C].g, &what, PEOPLE_NOW, &m), MW_MLS_E_POLICY_CHANGE);
        proposal_write(&b, &v);
        assert_int_equal(craft_own(p->all[C].g, CONTENT_PROPOSAL, buf_span(&b), &m), 0);
        refused(p, bytes_span(&m), MW_MLS_E_POLICY_CHANGE);
        is(mw_mls_receive(p->all[B].g, bytes_span(&m), PEOPLE_NOW, &event),
           MW_MLS_E_POLICY_CHANGE);
        mw_mls_bytes_free(&m);
    }
    people_commit(p, &p->all[B], &plain);
    people_agree(p);
    assert_true(is_host(p->all[A].g, &p->all[B]));
    mw_mls_bytes_free(&list);
}

/* The relay, as an external sender, tries the same. */
static void relay_relaxes(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_external_sender sender = {
        .signature_key = bytes_span(&e->signature_key), .credential = e->id.credential,
    };
    static const enum mw_mls_proposal_type kinds[] = {
        MW_MLS_CONTEXT_EXTENSIONS, MW_MLS_RE_INIT,
    };
    struct mw_mls_policy policy = {
        .hosts = &p->all[B].id.signature_key, .hosts_count = 1,
    };
    struct mw_mls_bytes list = { 0 }, both = { 0 }, m = { 0 };

    is(mw_mls_external_senders_write(&sender, 1, NONE, &list), 0);
    is(mw_mls_policy_write(&policy, bytes_span(&list), &both), 0);
    agree_on(p, bytes_span(&both));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct mw_mls_proposal what = {
            .type = kinds[i], .group_id = SPAN_LIT("next"), .suite = 1,
        };

        is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), 0,
                                   bytes_span(&e->signing_key), &what, &m),
           0);
        refused(p, bytes_span(&m), MW_MLS_E_POLICY_CHANGE);
        mw_mls_bytes_free(&m);
    }
    mw_mls_bytes_free(&list);
    mw_mls_bytes_free(&both);
}

/* Somebody asks, or is brought by C, and the host commits for a reason of its own.  Its word counts
 * as a host's only when its application was asked. */
static void host_is_not_asked(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[B], *e = &p->all[OUTSIDER];
    int (*allow)(void *, const struct mw_mls_change *) = b->app.allow;
    struct mw_mls_committed made = { 0 };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_bytes m = { 0 };

    rule_host(p, B);
    (void)person_package(e);
    is(mw_mls_ask_to_join(&e->app, e->kp, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), &m), 0);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    add.key_package = person_package(&p->all[5]);
    people_propose(p, &p->all[C], &add);
    b->g->app.allow = NULL;
    is(mw_mls_commit(b->g, &plain, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, 2);
    assert_int_equal(made.welcome.len, 0);
    mw_mls_committed_free(&made);
    mw_mls_drop(b->g);
    /* By value it is the host's own. */
    is(mw_mls_commit(b->g, &(struct mw_mls_commit_options){ .proposals = &add, .count = 1 },
                     PEOPLE_NOW, &made),
       0);
    assert_int_equal(made.left_out, 2);
    assert_true(made.welcome.len > 0);
    mw_mls_committed_free(&made);
    mw_mls_drop(b->g);
    b->g->app.allow = allow;
    people_commit(p, b, &plain);
    people_agree(p);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 6);
}

/* ------------------------------------------------------------------------------ a crowd ---- */

/* Who is to be removed lets many in who cannot be: each is good by itself, none in this group. */
static void crowd_before_a_remove(void **state)
{
    static const uint8_t need_more[] = { 0, 3, 5, 2, 0xF0, 0x0D, 0, 0 };
    static const uint16_t able[] = { 0xF00D };
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };

    for (size_t i = A; i <= D; i++) {
        struct mw_mls_identity id = p->all[i].id;

        id.extensions = able;
        id.extensions_count = 1;
        people_commit(p, &p->all[i], &(struct mw_mls_commit_options){ .who = &id });
    }
    agree_on(p, span_of(need_more, sizeof(need_more)));
    for (int i = 0; i < 20; i++) {
        person_renew(p, e, NULL);
        add.key_package = person_package(e);
        people_propose(p, &p->all[D], &add);
    }
    people_propose(p, &p->all[A], &remove);
    people_commit(p, &p->all[C], &plain);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 3);
    assert_false(mw_mls_active(p->all[D].g));
}

/* ------------------------------------------------------------------------------ how big ---- */

/* Who is large enough to fill the tree: application_id may be as long as one likes. */
static void fatten(struct person *who, struct buf *list, size_t bytes)
{
    static const uint8_t zeros[1u << 20];
    struct extension id = { .type = EXT_APPLICATION_ID, .data = span_of(zeros, bytes) };

    buf_truncate(list, 0);
    extension_write(list, &id);
    assert_int_equal(buf_error(list), 0);
    who->id.leaf_extensions = buf_span(list);
}

/* 7.2 has no limit.  Everybody holds every leaf, and sends all of them to whoever joins. */
static void leaves_have_a_limit(void **state)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(2u << 20);
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(2u << 20);
    CLEANUP(buf_deinit) struct buf package = BUF_INIT(2u << 20);
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_wall from = { PEOPLE_NOW.s - 60 }, until = { PEOPLE_NOW.s + 60 };
    struct key_package v = package_of(p, OUTSIDER);
    struct proposal add = { .type = PROPOSAL_ADD };
    struct mw_mls_key_package *kp = NULL;
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_committed made = { 0 };
    struct reader r;

    fatten(e, &list, MW_MLS_LEAF_MAX);
    is(mw_mls_key_package_new(&kp, &e->app, &e->id, from, until), MW_MLS_E_TOO_BIG);
    fatten(&p->all[B], &list, MW_MLS_LEAF_MAX);
    is(mw_mls_commit(p->all[B].g, &(struct mw_mls_commit_options){ .who = &p->all[B].id },
                     PEOPLE_NOW, &made),
       MW_MLS_E_TOO_BIG);
    is(mw_mls_propose(p->all[B].g,
                      &(struct mw_mls_proposal){ .type = MW_MLS_UPDATE, .who = &p->all[B].id },
                      PEOPLE_NOW, &m),
       MW_MLS_E_TOO_BIG);
    /* What somebody else's program makes all the same. */
    v.leaf.extensions = buf_span(&list);
    is(craft_leaf(p->all[B].g, &v.leaf, 0, bytes_span(&e->signing_key), &leaf), 0);
    r = (struct reader){ .rest = buf_span(&leaf) };
    leaf_node_read(&v.leaf, &r);
    is(craft_package(p->all[B].g, &v, bytes_span(&e->signing_key), &package), 0);
    r = (struct reader){ .rest = buf_span(&package) };
    key_package_read(&add.add, &r);
    assert_true(read_done(&r));
    refuse_proposal(p, &add, MW_MLS_E_TOO_BIG);
    refuse_list(p, &add, 1, MW_MLS_E_TOO_BIG);
}

/* A context is no longer for who joins than for who may change it. */
static void contexts_have_a_limit(void **state)
{
    static const uint8_t zeros[GROUP_CONTEXT_MAX];
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(2u << 20);
    CLEANUP(buf_deinit) struct buf big = BUF_INIT(4u << 20);
    struct extension id = {
        .type = EXT_APPLICATION_ID, .data = span_of(zeros, sizeof(zeros)),
    };
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes info = { 0 }, commit = { 0 };
    struct mls_message m;

    extension_write(&list, &id);
    is(mw_mls_group_info(p->all[A].g, true, &info), 0);
    assert_true(mls_message_read(&m, bytes_span(&info)));
    m.group_info.context.extensions = buf_span(&list);
    mls_message_write(&big, &m);
    assert_int_equal(buf_error(&list) | buf_error(&big), 0);
    is(mw_mls_join_external(&e->g, &e->app, &e->id, buf_span(&big), NONE, false, NULL, 0,
                            PEOPLE_NOW, &commit),
       MW_MLS_E_TOO_BIG);
    mw_mls_bytes_free(&info);
}

/* So many want to be let in that no Welcome could hold them all: who is to be removed is. */
static void too_many_to_welcome(void **state)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(2u << 20);
    struct people *p = *state;
    struct mw_mls_group *c = p->all[C].g;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_committed made = { 0 };
    size_t asked = 0;
    int error = 0;

    for (size_t i = A; i <= C; i++) {
        fatten(&p->all[i], &list, MW_MLS_LEAF_MAX - 1000);
        people_commit(p, &p->all[i], &(struct mw_mls_commit_options){ .who = &p->all[i].id });
    }
    people_propose(p, &p->all[A], &remove);
    for (; error == 0; asked++) {
        struct mw_mls_bytes m = { 0 };
        struct mw_mls_event event;

        person_renew(p, e, NULL);
        fatten(e, &list, MW_MLS_LEAF_MAX - 1000);
        (void)person_package(e);
        is(mw_mls_ask_to_join(&e->app, e->kp, SPAN_LIT("group"), mw_mls_epoch(c), &m), 0);
        error = mw_mls_receive(c, bytes_span(&m), PEOPLE_NOW, &event);
        mw_mls_bytes_free(&m);
    }
    is(error, MW_MLS_E_FULL);
    is(mw_mls_commit(c, &plain, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, asked - 1);
    people_deliver(p, &p->all[C], &made.commit);
    is(mw_mls_merge(c), 0);
    mw_mls_committed_free(&made);
    assert_int_equal(mw_mls_member_count(c), 3);
    assert_false(mw_mls_active(p->all[D].g));
    person_renew(p, e, NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(takes_over),
        test(relay_relaxes),
        test(host_is_not_asked),
        test(crowd_before_a_remove),
        test(leaves_have_a_limit),
        test(contexts_have_a_limit),
        test(too_many_to_welcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
