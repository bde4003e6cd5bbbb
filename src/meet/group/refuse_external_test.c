/*
 * Who is outside: external senders, people who ask to be added, external commits, and what of it
 * must be refused (RFC 9420 12.1.8, 12.2, 12.4.3.2).
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

/* ---------------------------------------------------------------- proposals from outside ---- */

/* The group agrees on E as external sender 0, under a policy or none. */
static void let_in(struct people *p, const struct mw_mls_policy *policy)
{
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_external_sender sender = {
        .signature_key = bytes_span(&e->signature_key), .credential = e->id.credential,
    };
    struct mw_mls_bytes list = { 0 }, both = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    is(mw_mls_external_senders_write(&sender, 1, NONE, &list), 0);
    what.extensions = bytes_span(&list);
    if (policy != NULL) {
        is(mw_mls_policy_write(policy, bytes_span(&list), &both), 0);
        what.extensions = bytes_span(&both);
    }
    people_commit(p, &p->all[B], &o);
    mw_mls_bytes_free(&list);
    mw_mls_bytes_free(&both);
}

static void external_propose(struct people *p, uint32_t index, const struct mw_mls_proposal *what,
                             struct mw_mls_bytes *out)
{
    struct person *e = &p->all[OUTSIDER];

    is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), index,
                               bytes_span(&e->signing_key), what, out),
       0);
}

static void external_sender(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };
    struct mw_mls_bytes m = { 0 };
    const struct mw_mls_change *changes;
    size_t count;

    let_in(p, NULL);
    external_propose(p, 0, &remove, &m);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    people_commit(p, &p->all[B], &plain);
    people_agree(p);
    assert_false(mw_mls_active(p->all[D].g));
    changes = mw_mls_changes(p->all[A].g, &count);
    assert_int_equal(changes[0].kind, MW_MLS_REMOVED);
    assert_int_equal(changes[0].sender, MW_MLS_EXTERNAL);
    assert_int_equal(changes[0].committer, B);
}

static void section_12_1_8_external_sender(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_policy removes_only = { .external_removes_only = true };
    struct mw_mls_proposal what = { .type = MW_MLS_REMOVE, .leaf = D };
    struct mw_mls_bytes m = { 0 };

    let_in(p, &removes_only);
    external_propose(p, 1, &what, &m);
    refused(p, bytes_span(&m), MW_MLS_E_SENDER);
    mw_mls_bytes_free(&m);
    what = (struct mw_mls_proposal){ .type = MW_MLS_ADD, .key_package = person_package(e) };
    external_propose(p, 0, &what, &m);
    refused(p, bytes_span(&m), MW_MLS_E_POLICY_EXTERNAL);
    mw_mls_bytes_free(&m);
    what = (struct mw_mls_proposal){ .type = MW_MLS_REMOVE, .leaf = 9 };
    external_propose(p, 0, &what, &m);
    refused(p, bytes_span(&m), MW_MLS_E_PROPOSAL_REMOVE);
    mw_mls_bytes_free(&m);
    person_renew(p, e, NULL);
    what.leaf = D;
    external_propose(p, 0, &what, &m);
    refused(p, bytes_span(&m), MW_MLS_E_SIGNATURE);
    mw_mls_bytes_free(&m);
}

/* External sender 0 is not leaf 0: that one is a host, and this one may add nobody by itself. */
static void external_sender_is_no_host(void **state)
{
    struct people *p = *state;
    struct mw_mls_policy policy = { .hosts = &p->all[A].id.signature_key, .hosts_count = 1 };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_bytes m = { 0 };
    struct mw_span ref;

    let_in(p, &policy);
    add.key_package = person_package(&p->all[5]);
    external_propose(p, 0, &add, &m);
    people_deliver(p, NULL, &m);
    mw_mls_bytes_free(&m);
    ref = span_of(p->all[A].g->waiting->reference, 32);
    refuse_refs(p, &ref, 1, MW_MLS_E_POLICY_ADD);
    people_commit(p, &p->all[A], &plain);
    assert_non_null(p->all[5].g);
}

/* A PublicMessage without any care for who may say it. */
static void refuse_from(struct people *p, struct sender sender, const struct proposal *v)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    static const uint8_t zeros[64];
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_PUBLIC_MESSAGE };

    proposal_write(&content, v);
    m.public_message = (struct public_message){
        .content = {
            .group_id = SPAN_LIT("group"), .epoch = mw_mls_epoch(p->all[A].g), .sender = sender,
            .content_type = CONTENT_PROPOSAL, .content = buf_span(&content),
        },
        .auth.signature = span_of(zeros, sizeof(zeros)),
    };
    mls_message_write(&b, &m);
    assert_int_equal(buf_error(&b), 0);
    refused(p, buf_span(&b), MW_MLS_E_SENDER);
}

static void section_12_1_8_kinds(void **state)
{
    struct people *p = *state;
    static const uint8_t point[32] = { 9 };
    struct sender external = { SENDER_EXTERNAL, 0 }, new = { .type = SENDER_NEW_PROPOSAL };
    struct proposal update = { .type = PROPOSAL_UPDATE, .update = leaf_of(p, C) };
    struct proposal init = { .type = PROPOSAL_EXTERNAL_INIT, .kem_output = span_of(point, 32) };
    struct proposal remove = { .type = PROPOSAL_REMOVE, .remove = C };
    struct proposal joins = { .type = PROPOSAL_EXTENSIONS };

    let_in(p, NULL);
    update.update = leaf_of(p, C);
    refuse_from(p, external, &update);
    refuse_from(p, external, &init);
    refuse_from(p, new, &update);
    refuse_from(p, new, &remove);
    refuse_from(p, new, &joins);
    refuse_from(p, (struct sender){ .type = SENDER_NEW_COMMIT }, &remove);
}

static void asks(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes m = { 0 };

    assert_true(person_package(e).len > 0);
    is(mw_mls_ask_to_join(&e->app, e->kp, SPAN_LIT("group"), mw_mls_epoch(p->all[A].g), &m), 0);
    p->all[A].refuses = 1u << MW_MLS_ADDED;
    refused(p, bytes_span(&m), MW_MLS_E_REFUSED);
    p->all[A].refuses = 0;
    people_deliver(p, e, &m);
    refused(p, bytes_span(&m), MW_MLS_E_PROPOSAL_TWICE);
    mw_mls_bytes_free(&m);
    people_commit(p, &p->all[C], &plain);
    assert_non_null(e->g);
    people_agree(p);
}

/* --------------------------------------------------------------------- external commits ---- */

static void join(struct people *p, struct person *who, bool resync, struct mw_mls_bytes *commit)
{
    struct mw_mls_bytes info = { 0 };
    struct mw_span psk = SPAN_LIT("psk");

    is(mw_mls_group_info(p->all[B].g, true, &info), 0);
    is(mw_mls_join_external(&who->g, &who->app, &who->id, bytes_span(&info), NONE, resync, &psk, 1,
                            PEOPLE_NOW, commit),
       0);
    mw_mls_bytes_free(&info);
}

static void external_commit(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes m = { 0 };
    const struct mw_mls_change *changes;
    size_t count;

    join(p, e, false, &m);
    people_deliver(p, e, &m);
    mw_mls_bytes_free(&m);
    people_agree(p);
    changes = mw_mls_changes(p->all[A].g, &count);
    assert_int_equal(count, 2);
    assert_int_equal(changes[0].kind, MW_MLS_PSK);
    assert_int_equal(changes[1].kind, MW_MLS_JOINED);
    assert_int_equal(changes[1].who.leaf, 4);
    assert_int_equal(changes[1].committer, 4);
    assert_true(span_eq(changes[1].who.signature_key, e->id.signature_key));
}

/* Who lost everything takes their own former place, with another key if they like. */
static void resync(void **state)
{
    struct people *p = *state;
    struct person *c = &p->all[C];
    struct mw_mls_bytes m = { 0 };

    mw_mls_free(c->g);
    c->g = NULL;
    join(p, c, true, &m);
    people_deliver(p, c, &m);
    mw_mls_bytes_free(&m);
    people_agree(p);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 4);
    assert_int_equal(mw_mls_own_leaf(c->g), C);
}

struct taken {
    struct mw_mls_bytes message;
    struct mls_message m;
    struct commit c;
};

static void take(struct people *p, struct taken *t)
{
    struct person *e = &p->all[OUTSIDER];
    struct reader r;

    *t = (struct taken){ 0 };
    join(p, e, false, &t->message);
    mw_mls_free(e->g);
    e->g = NULL;
    assert_true(mls_message_read(&t->m, bytes_span(&t->message)));
    r = (struct reader){ .rest = t->m.public_message.content.content };
    commit_read(&t->c, &r);
    assert_true(read_done(&r));
}

/* Signed again by who joins. */
static void refuse_taken(struct people *p, const struct commit *c, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_bytes m = { 0 };

    commit_write(&b, c);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ .type = SENDER_NEW_COMMIT },
                                   CONTENT_COMMIT, buf_span(&b),
                                   bytes_span(&p->all[OUTSIDER].signing_key), NONE, &m),
                     0);
    refused(p, bytes_span(&m), error);
    mw_mls_bytes_free(&m);
}

/* The list of t, with more behind it; first: without what it begins with. */
static void refuse_with(struct people *p, const struct taken *t, bool without_first,
                        const struct proposal_or_ref *more, size_t n, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct reader r = { .rest = t->c.proposals };
    struct commit changed = t->c;
    struct proposal_or_ref v;

    for (size_t i = 0; read_more(&r); i++) {
        proposal_or_ref_read(&v, &r);
        if (i > 0 || !without_first)
            proposal_or_ref_write(&b, &v);
    }
    for (size_t i = 0; i < n; i++)
        proposal_or_ref_write(&b, &more[i]);
    changed.proposals = buf_span(&b);
    refuse_taken(p, &changed, error);
}

static void section_12_2_external_commit(void **state)
{
    struct people *p = *state;
    static const uint8_t reference[32], point[32] = { 9 };
    struct proposal_or_ref by_reference = {
        .by_reference = true, .reference = span_of(reference, 32),
    };
    struct proposal_or_ref init = {
        .proposal = { .type = PROPOSAL_EXTERNAL_INIT, .kem_output = span_of(point, 32) },
    };
    struct proposal_or_ref context = { .proposal = { .type = PROPOSAL_EXTENSIONS } };
    struct proposal_or_ref removes[] = {
        { .proposal = { .type = PROPOSAL_REMOVE, .remove = C } },
        { .proposal = { .type = PROPOSAL_REMOVE, .remove = D } },
    };
    struct proposal_or_ref add = { .proposal = { .type = PROPOSAL_ADD } };
    struct taken t;

    take(p, &t);
    refuse_with(p, &t, true, NULL, 0, MW_MLS_E_PROPOSAL_EXTERNAL);
    refuse_with(p, &t, false, &init, 1, MW_MLS_E_PROPOSAL_EXTERNAL);
    refuse_with(p, &t, false, &by_reference, 1, MW_MLS_E_PROPOSAL_EXTERNAL);
    refuse_with(p, &t, false, &context, 1, MW_MLS_E_PROPOSAL_EXTERNAL);
    refuse_with(p, &t, false, removes, 2, MW_MLS_E_PROPOSAL_EXTERNAL);
    add.proposal.add = package_of(p, 5);
    refuse_with(p, &t, false, &add, 1, MW_MLS_E_PROPOSAL_EXTERNAL);
    mw_mls_bytes_free(&t.message);
}

/* 8.3: what is not even a key brings no secret. */
static void section_8_3_kem_output(void **state)
{
    struct people *p = *state;
    static const uint8_t low_order[33];
    struct proposal_or_ref init = { .proposal = { .type = PROPOSAL_EXTERNAL_INIT } };
    struct taken t;

    take(p, &t);
    for (size_t len = 31; len <= 33; len++) {
        init.proposal.kem_output = span_of(low_order, len);
        refuse_with(p, &t, true, &init, 1, MW_MLS_E_KEY);
    }
    mw_mls_bytes_free(&t.message);
}

static void section_12_4_3_2_path(void **state)
{
    struct people *p = *state;
    struct commit changed;
    struct taken t;

    take(p, &t);
    changed = t.c;
    changed.has_path = false;
    refuse_taken(p, &changed, MW_MLS_E_PATH_MISSING);
    /* Signed by whom the path says (12.4.3.2): not if it says another. */
    changed = t.c;
    changed.path.leaf.signature_key = leaf_of(p, C).signature_key;
    refuse_taken(p, &changed, MW_MLS_E_SIGNATURE);
    /* The tag was left out by refuse_taken(): all else of it is good. */
    refuse_taken(p, &t.c, MW_MLS_E_CONFIRMATION_TAG);
    p->all[A].refuses = 1u << MW_MLS_JOINED;
    refused(p, bytes_span(&t.message), MW_MLS_E_REFUSED);
    p->all[A].refuses = 0;
    mw_mls_bytes_free(&t.message);
}

/* 12.2: who is removed is the joiner's former self: the application judges the new credential by
 * the one that it takes the place of. */
static void section_12_2_removes_another(void **state)
{
    struct people *p = *state;
    struct person *d = &p->all[D];
    struct proposal_or_ref nobody = { .proposal = { .type = PROPOSAL_REMOVE, .remove = 9 } };
    struct mw_mls_bytes m = { 0 };
    struct taken t;

    take(p, &t);
    refuse_with(p, &t, false, &nobody, 1, MW_MLS_E_PROPOSAL_REMOVE);
    mw_mls_bytes_free(&t.message);
    mw_mls_free(d->g);
    d->g = NULL;
    d->id.credential.body = SPAN_LIT("somebody else");
    join(p, d, true, &m);
    p->all[A].strict = true;
    refused(p, bytes_span(&m), MW_MLS_E_CREDENTIAL);
    p->all[A].strict = false;
    people_deliver(p, d, &m);
    mw_mls_bytes_free(&m);
    people_agree(p);
}

/* Anybody who knows the GroupInfo can write an external commit that removes us: it throws us out
 * only if it is good otherwise, and the newcomer may take our place. */
static void section_12_2_removes_us(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct proposal_or_ref remove = { .proposal = { .type = PROPOSAL_REMOVE, .remove = A } };
    struct mw_mls_bytes m = { 0 };
    struct person thief = p->all[A];
    struct taken t;

    /* The path is made for another place: a removal pasted into a commit. */
    take(p, &t);
    refuse_with(p, &t, false, &remove, 1, MW_MLS_E_PATH_LENGTH);
    mw_mls_bytes_free(&t.message);
    /* Well made, but by somebody else than us. */
    thief.g = NULL;
    thief.app.context = e;
    thief.id.credential.body = SPAN_LIT("somebody else");
    join(p, &thief, true, &m);
    p->all[A].strict = true;
    refused(p, bytes_span(&m), MW_MLS_E_CREDENTIAL);
    p->all[A].strict = false;
    mw_mls_bytes_free(&m);
    mw_mls_free(thief.g);
    thief.g = NULL;
    /* And by ourselves, from elsewhere. */
    thief.id.credential.body = p->all[A].id.credential.body;
    join(p, &thief, true, &m);
    people_deliver(p, NULL, &m);
    assert_false(mw_mls_active(p->all[A].g));
    mw_mls_bytes_free(&m);
    mw_mls_free(p->all[A].g);
    p->all[A].g = thief.g;
    people_agree(p);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(external_sender),
        test(section_12_1_8_external_sender),
        test(external_sender_is_no_host),
        test(section_12_1_8_kinds),
        test(asks),
        test(external_commit),
        test(resync),
        test(section_12_2_external_commit),
        test(section_8_3_kem_output),
        test(section_12_4_3_2_path),
        test(section_12_2_removes_another),
        test(section_12_2_removes_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
