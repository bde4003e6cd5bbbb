/*
 * What a commit of ours takes of what waits, and what it leaves out (RFC 9420 12.2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_refuse.h"

static const struct mw_mls_commit_options plain = { 0 };

/* B commits; so many of what waited stay out. */
static void commit_leaving(struct people *p, const struct mw_mls_commit_options *o, size_t left_out)
{
    struct mw_mls_committed made = { 0 };

    is(mw_mls_commit(p->all[B].g, o, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, left_out);
    mw_mls_drop(p->all[B].g);
    mw_mls_committed_free(&made);
    people_commit(p, &p->all[B], o);
    people_agree(p);
}

static void remove_wins(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };

    people_propose(p, &p->all[D], &remove);
    people_propose(p, &p->all[C], &update);
    people_propose(p, &p->all[A], &remove);
    commit_leaving(p, &plain, 2);
    assert_false(mw_mls_active(p->all[C].g));
}

/* 12.2: of several Updates, the most recent. */
static void latest_update(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct leaf_node leaf;
    struct proposal last;
    struct reader r;

    people_propose(p, &p->all[C], &update);
    people_propose(p, &p->all[C], &update);
    r = (struct reader){ .rest = owned_span(p->all[B].g->waiting->next->bytes) };
    proposal_read(&last, &r);
    {
        CLEANUP(buf_deinit) struct buf key = BUF_INIT(100);

        buf_add(&key, last.update.encryption_key);
        commit_leaving(p, &plain, 1);
        leaf = leaf_of(p, C);
        assert_true(span_eq(leaf.encryption_key, buf_span(&key)));
    }
}

static void value_wins(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };
    struct mw_mls_commit_options o = { .proposals = &remove, .count = 1 };

    people_propose(p, &p->all[C], &update);
    commit_leaving(p, &o, 1);
    assert_false(mw_mls_active(p->all[C].g));
}

/* Our own Update is what the path does anyway. */
static void own_update(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };

    people_propose(p, &p->all[B], &update);
    commit_leaving(p, &plain, 1);
}

static void added_once(void **state)
{
    struct people *p = *state;
    struct mw_mls_key_package *first;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };

    add.key_package = person_package(&p->all[OUTSIDER]);
    people_propose(p, &p->all[C], &add);
    first = p->all[OUTSIDER].kp;
    p->all[OUTSIDER].kp = NULL;
    add.key_package = person_package(&p->all[OUTSIDER]);
    people_propose(p, &p->all[D], &add);
    mw_mls_key_package_free(p->all[OUTSIDER].kp);
    p->all[OUTSIDER].kp = first;
    commit_leaving(p, &plain, 1);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 5);
    assert_non_null(p->all[OUTSIDER].g);
}

static void member_already(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };

    add.key_package = person_package(&p->all[D]);
    people_propose(p, &p->all[C], &add);
    commit_leaving(p, &plain, 1);
    /* With the Remove of who they were, they are. */
    people_propose(p, &p->all[C], &add);
    people_propose(p, &p->all[A], &remove);
    people_commit(p, &p->all[B], &plain);
    mw_mls_free(p->all[D].g);
    p->all[D].g = NULL;
    assert_int_equal(mw_mls_member_count(p->all[A].g), 4);
    people_agree(p);
}

/* 12.2: a ReInit is put off for anything else. */
static void reinit_waits(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal reinit = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_committed made = { 0 };

    people_propose(p, &p->all[C], &reinit);
    people_propose(p, &p->all[D], &update);
    commit_leaving(p, &plain, 1);
    assert_true(mw_mls_active(p->all[A].g));
    /* Alone, it is taken: looked at, and dropped. */
    people_propose(p, &p->all[C], &reinit);
    is(mw_mls_commit(p->all[B].g, &plain, PEOPLE_NOW, &made), 0);
    assert_int_equal(made.left_out, 0);
    mw_mls_drop(p->all[B].g);
    mw_mls_committed_free(&made);
    commit_leaving(p, &(struct mw_mls_commit_options){ .leave_out_received = true }, 0);
}

static void last_extensions(void **state)
{
    struct people *p = *state;
    struct mw_mls_policy policy = { .external_removes_only = true };
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_proposal none = { .type = MW_MLS_CONTEXT_EXTENSIONS }, some = none;

    is(mw_mls_policy_write(&policy, NONE, &list), 0);
    some.extensions = bytes_span(&list);
    people_propose(p, &p->all[C], &none);
    people_propose(p, &p->all[D], &some);
    commit_leaving(p, &plain, 1);
    assert_true(span_eq(mw_mls_context_extensions(p->all[A].g), bytes_span(&list)));
    mw_mls_bytes_free(&list);
}

static void not_ours_to_give(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal psk = { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };

    people_propose(p, &p->all[C], &psk);
    p->all[B].has_psk = false;
    commit_leaving(p, &plain, 1);
    p->all[B].has_psk = true;
    people_propose(p, &p->all[C], &update);
    p->all[B].refuses = 1u << MW_MLS_UPDATED;
    commit_leaving(p, &plain, 1);
    p->all[B].refuses = 0;
}

/* Good by itself, but not under the context that the same commit brings. */
static void left_out_by_trying(void **state)
{
    struct people p;
    static const uint16_t types[] = { 0xF00D };
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(100);
    struct extension x = { .type = 0xF00D };
    struct proposal v = { .type = PROPOSAL_ADD };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    (void)state;
    people_open(&p, 1);
    for (size_t i = 0; i < OUTSIDER; i++) {
        p.all[i].id.extensions = types;
        p.all[i].id.extensions_count = 1;
    }
    for (size_t i = 0; i < PEOPLE_MAX; i++)
        p.all[i].app.public_handshakes = true;
    people_found(&p, NONE);
    people_gather(&p, 4);
    add.key_package = person_package(&p.all[OUTSIDER]);
    people_propose(&p, &p.all[C], &add);
    extension_write(&list, &x);
    what.extensions = buf_span(&list);
    commit_leaving(&p, &o, 1);
    assert_null(p.all[OUTSIDER].g);
    /* Nor does anybody take it from one who does not care. */
    v.add = package_of(&p, OUTSIDER);
    refuse_list(&p, &v, 1, MW_MLS_E_LEAF_UNSUPPORTED);
    people_close(&p);
}

/* What is given by value and does not hold makes the call fail, and nothing else. */
static void value_must_hold(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_REMOVE, .leaf = C }, { .type = MW_MLS_REMOVE, .leaf = C },
    };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2 };
    struct mw_mls_committed made = { 0 };

    people_propose(p, &p->all[D], &update);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PROPOSAL_TWICE);
    what[0].leaf = B;
    o.count = 1;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PROPOSAL_COMMITTER);
    what[0].leaf = 7;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PROPOSAL_REMOVE);
    what[0] = update;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PROPOSAL_COMMITTER);
    what[0] = (struct mw_mls_proposal){ .type = MW_MLS_ADD, .key_package = SPAN_LIT("x") };
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_MALFORMED);
    what[0].type = MW_MLS_EXTERNAL_INIT;
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PROPOSAL_EXTERNAL);
    assert_null(made.commit.data);
    commit_leaving(p, &plain, 0);
}

/* ------------------------------------------------------------------------ limits ---- */

static void full(void **state)
{
    struct people *p = *state;
    struct mw_mls_group *g = p->all[A].g;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_bytes m = { 0 };

    g->waiting_count = MW_MLS_PENDING_MAX;
    is(mw_mls_propose(g, &update, PEOPLE_NOW, &m), MW_MLS_E_FULL);
    g->waiting_count = 0;
    g->waiting_bytes = GROUP_WAITING_MAX;
    is(mw_mls_propose(g, &update, PEOPLE_NOW, &m), MW_MLS_E_FULL);
    is(mw_mls_propose(p->all[B].g, &update, PEOPLE_NOW, &m), 0);
    refused(p, bytes_span(&m), MW_MLS_E_FULL);
    g->waiting_bytes = 0;
    people_deliver(p, &p->all[B], &m);
    mw_mls_bytes_free(&m);
}

/* 14: making a commit MUST NOT modify the state: it may not be the one that counts. */
static void section_14_making(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_REMOVE, .leaf = D },
        { .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER]) },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2 };
    struct mw_mls_proposal psk = { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") };
    struct mw_mls_group *g = p->all[B].g;
    struct mw_mls_committed made = { 0 };

    people_propose(p, &p->all[C], &psk);        /* what waits goes on waiting */
    group_snapshot(g, &before);
    is(mw_mls_commit(g, &o, PEOPLE_NOW, &made), 0);
    group_snapshot(g, &after);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    mw_mls_drop(g);
    buf_truncate(&after, 0);
    group_snapshot(g, &after);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    mw_mls_committed_free(&made);
    people_commit(p, &p->all[A], &plain);       /* somebody else's counts */
}

/* 8.4, 12.4.1: who is welcomed gets the PSKs in the commit's order.  Their nonces are fresh, so any
 * other order is another secret, and who joins would not agree. */
static void section_8_4_order(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
        { .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER]) },
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 3 };

    people_propose(p, &p->all[C], &what[0]);    /* and one by reference */
    people_commit(p, &p->all[B], &o);
    assert_non_null(p->all[OUTSIDER].g);
    people_agree(p);
}

/* 12.4.1: whoever is added finds themselves in the Welcome. */
static void section_12_4_1_everybody(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal adds[PEOPLE_MAX - OUTSIDER];
    struct mw_mls_commit_options o = { .proposals = adds, .count = ARRAY_LEN(adds) };

    for (size_t i = 0; i < ARRAY_LEN(adds); i++)
        adds[i] = (struct mw_mls_proposal){
            .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER + i]),
        };
    people_commit(p, &p->all[B], &o);
    for (size_t i = 0; i < PEOPLE_MAX; i++)
        assert_non_null(p->all[i].g);
    people_agree(p);
}

/* 8.6: resumption PSKs are remembered for so many epochs, and no more. */
static void section_8_6_limit(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal psk = { .type = MW_MLS_PRE_SHARED_KEY, .resumption = true };
    struct mw_mls_commit_options o = { .proposals = &psk, .count = 1 };
    struct mw_mls_committed made = { 0 };

    psk.psk_epoch = mw_mls_epoch(p->all[A].g);
    for (size_t i = 0; i < GROUP_RESUMPTIONS; i++)
        people_commit(p, &p->all[B], &plain);
    is(mw_mls_commit(p->all[A].g, &o, PEOPLE_NOW, &made), 0);
    mw_mls_drop(p->all[A].g);
    mw_mls_committed_free(&made);
    people_commit(p, &p->all[B], &plain);
    is(mw_mls_commit(p->all[A].g, &o, PEOPLE_NOW, &made), MW_MLS_E_PSK_UNKNOWN);
}

/* The last epoch there can be. */
static void exhausted(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_group *g = p->all[A].g;
    struct group_context c = group_context_of(&g->now);
    struct mw_mls_committed made = { 0 };

    buf_add(&kept, owned_span(g->now.context));
    c.epoch = UINT64_MAX;
    group_context_write(&b, &c);
    assert_int_equal(owned_set(&g->now.context, buf_span(&b)), 0);
    is(mw_mls_commit(g, &plain, PEOPLE_NOW, &made), MW_MLS_E_EXHAUSTED);
    assert_int_equal(owned_set(&g->now.context, buf_span(&kept)), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(remove_wins),     test(latest_update),    test(value_wins),
        test(own_update),      test(added_once),       test(member_already),
        test(reinit_waits),    test(last_extensions),  test(not_ours_to_give),
        test(value_must_hold), test(full),             test(exhausted),
        test(section_14_making), test(section_8_4_order), test(section_12_4_1_everybody),
        test(section_8_6_limit),
        cmocka_unit_test(left_out_by_trying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
