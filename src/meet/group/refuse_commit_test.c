/*
 * Commits that must be refused: a case for each rule of RFC 9420 12.4.2, named by section.  Each is
 * signed and authenticated as by the member that sends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

static void section_12_4_path_missing(void **state)
{
    struct people *p = *state;
    struct proposal remove = { .type = PROPOSAL_REMOVE, .remove = C };
    struct proposal context = { .type = PROPOSAL_EXTENSIONS };

    refuse_list(p, NULL, 0, MW_MLS_E_PATH_MISSING);
    refuse_list(p, &remove, 1, MW_MLS_E_PATH_MISSING);
    refuse_list(p, &context, 1, MW_MLS_E_PATH_MISSING);
}

/* B's own commit, taken apart. */
struct taken {
    struct mw_mls_committed made;
    struct mls_message m;
    struct commit c;
};

static void take_commit(struct people *p, struct taken *t, const struct mw_mls_commit_options *o)
{
    struct reader r;

    *t = (struct taken){ 0 };
    is(mw_mls_commit(p->all[B].g, o, PEOPLE_NOW, &t->made), 0);
    mw_mls_drop(p->all[B].g);
    assert_true(mls_message_read(&t->m, bytes_span(&t->made.commit)));
    assert_int_equal(t->m.format, WIRE_PUBLIC_MESSAGE);
    r = (struct reader){ .rest = t->m.public_message.content.content };
    commit_read(&t->c, &r);
    assert_true(read_done(&r));
}

/* The commit put together again, with the confirmation tag that it had. */
static void refuse_taken(struct people *p, const struct taken *t, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_bytes m = { 0 };

    commit_write(&b, &t->c);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ SENDER_MEMBER, B },
                                   CONTENT_COMMIT, buf_span(&b),
                                   bytes_span(&p->all[B].signing_key),
                                   t->m.public_message.auth.confirmation_tag, &m),
                     0);
    refused(p, bytes_span(&m), error);
    mw_mls_bytes_free(&m);
}

/* Framing, before anything of the commit is looked at. */
static void section_12_4_2_framing(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    struct taken t;
    size_t len;

    take_commit(p, &t, &plain);
    len = t.made.commit.len;
    t.made.commit.data[len - 1] ^= 1;           /* the membership tag ends it */
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_MEMBERSHIP_TAG);
    t.made.commit.data[len - 1] ^= 1;
    t.made.commit.data[4 + 1 + 5 + 7] ^= 1;     /* the epoch's last byte */
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_EPOCH);
    t.made.commit.data[4 + 1 + 5 + 7] ^= 1;
    t.made.commit.data[4 + 1] ^= 1;             /* the group id */
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_GROUP);
    t.made.commit.data[4 + 1] ^= 1;
    t.made.commit.data[1] = 2;
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_VERSION);
    t.made.commit.data[1] = 1;
    refused(p, span_of(t.made.commit.data, len - 1), MW_MLS_E_MALFORMED);
    refused(p, person_package(&p->all[OUTSIDER]), MW_MLS_E_KIND);
    mw_mls_committed_free(&t.made);
}

static void section_12_4_2_signature(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct taken t;

    take_commit(p, &t, &plain);
    /* A member who signs as another. */
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ SENDER_MEMBER, C },
                                   CONTENT_COMMIT, t.m.public_message.content.content,
                                   bytes_span(&p->all[B].signing_key), NONE, &m),
                     0);
    refused(p, bytes_span(&m), MW_MLS_E_SIGNATURE);
    mw_mls_bytes_free(&m);
    mw_mls_committed_free(&t.made);
}

static void section_12_4_2_confirmation_tag(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    static const uint8_t wrong[32];
    struct taken t;

    take_commit(p, &t, &plain);
    t.m.public_message.auth.confirmation_tag = span_of(wrong, sizeof(wrong));
    refuse_taken(p, &t, MW_MLS_E_CONFIRMATION_TAG);
    t.m.public_message.auth.confirmation_tag = span_of(wrong, 0);
    refuse_taken(p, &t, MW_MLS_E_CONFIRMATION_TAG);
    mw_mls_committed_free(&t.made);
}

/* The path's leaf, changed and signed again. */
static void refuse_leaf(struct people *p, const struct taken *t, const struct leaf_node *leaf,
                        int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct taken changed = *t;
    struct reader r;

    assert_int_equal(craft_leaf(p->all[B].g, leaf, B, bytes_span(&p->all[B].signing_key), &b), 0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(&changed.c.path.leaf, &r);
    assert_true(read_done(&r));
    refuse_taken(p, &changed, error);
}

static void section_12_4_2_path_leaf(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    static const uint8_t wrong[32], x509[] = { 0, CREDENTIAL_X509 };
    struct leaf_node leaf, other = leaf_of(p, C);
    struct taken t;

    take_commit(p, &t, &plain);
    leaf = t.c.path.leaf;
    leaf.source = LEAF_UPDATE;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_LEAF_SOURCE);
    leaf = t.c.path.leaf;
    leaf.encryption_key = leaf_of(p, B).encryption_key;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_KEY_SAME);
    leaf.encryption_key = other.encryption_key;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_KEY_TWICE);
    leaf = t.c.path.leaf;
    leaf.parent_hash = span_of(wrong, sizeof(wrong));
    refuse_leaf(p, &t, &leaf, MW_MLS_E_PARENT_HASH);
    leaf = t.c.path.leaf;
    leaf.signature_key = other.signature_key;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_LEAF_SIGNATURE);
    leaf = t.c.path.leaf;                       /* 7.3: it does not take the others' credentials */
    leaf.credential = (struct credential){ CREDENTIAL_X509, SPAN_LIT("\4cert") };
    leaf.capabilities.credentials = span_of(x509, sizeof(x509));
    refuse_leaf(p, &t, &leaf, MW_MLS_E_CREDENTIAL_UNSUPPORTED);
    mw_mls_committed_free(&t.made);
}

/* C's Update with this leaf, which A takes by itself, and then B's commit of it. */
static void refuse_update(struct people *p, const struct taken *t, const struct leaf_node *leaf,
                          int error)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal_or_ref one = { .by_reference = true };
    struct proposal update = { .type = PROPOSAL_UPDATE };
    struct mw_mls_event event = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct taken changed = *t;
    struct reader r;

    assert_int_equal(craft_leaf(p->all[C].g, leaf, C, bytes_span(&p->all[C].signing_key), &wire),
                     0);
    r = (struct reader){ .rest = buf_span(&wire) };
    leaf_node_read(&update.update, &r);
    proposal_write(&b, &update);
    assert_int_equal(craft_own(p->all[C].g, CONTENT_PROPOSAL, buf_span(&b), &m), 0);
    is(mw_mls_receive(p->all[A].g, bytes_span(&m), PEOPLE_NOW, &event), 0);
    mw_mls_bytes_free(&m);
    one.reference = span_of(p->all[A].g->waiting->reference, 32);
    proposal_or_ref_write(&list, &one);
    changed.c.proposals = buf_span(&list);
    refuse_taken(p, &changed, error);
    group_forget_waiting(p->all[A].g);
}

/* 12.2, 7.3: an Update's keys are nobody's, and it takes everybody's credential. */
static void section_12_2_update(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    static const uint8_t x509[] = { 0, CREDENTIAL_X509 };
    static const uint8_t fresh[32] = { 9 };
    struct leaf_node leaf = leaf_of(p, C);
    struct taken t;

    take_commit(p, &t, &plain);
    leaf.source = LEAF_UPDATE;
    leaf.encryption_key = leaf_of(p, D).encryption_key;
    refuse_update(p, &t, &leaf, MW_MLS_E_KEY_TWICE);
    leaf.encryption_key = span_of(fresh, sizeof(fresh));
    leaf.credential = (struct credential){ CREDENTIAL_X509, SPAN_LIT("\4cert") };
    leaf.capabilities.credentials = span_of(x509, sizeof(x509));
    refuse_update(p, &t, &leaf, MW_MLS_E_CREDENTIAL_UNSUPPORTED);
    mw_mls_committed_free(&t.made);
}

/* Nodes of the path written again, each through `change`. */
static void refuse_nodes(struct people *p, const struct taken *t,
                         void (*change)(struct people *p, size_t at, struct path_node *v,
                                        struct buf *room),
                         size_t take, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(MW_MLS_BYTES_MAX);
    struct reader r = { .rest = t->c.path.nodes };
    struct taken changed = *t;

    for (size_t i = 0; read_more(&r) && i < take; i++) {
        struct path_node v;

        path_node_read(&v, &r);
        if (change != NULL)
            change(p, i, &v, &room);
        path_node_write(&b, &v);
    }
    changed.c.path.nodes = buf_span(&b);
    refuse_taken(p, &changed, error);
}

/* Of the root, since A is in the left half like B: its ciphertext is in the first node. */
static void spoil_ciphertext(struct people *p, size_t at, struct path_node *v, struct buf *room)
{
    (void)p;
    if (at != 0)
        return;
    buf_truncate(room, 0);
    buf_add(room, v->ciphertexts);
    room->data[room->len - 1] ^= 1;
    v->ciphertexts = buf_span(room);
}

static void double_ciphertext(struct people *p, size_t at, struct path_node *v, struct buf *room)
{
    (void)p;
    if (at != 1)
        return;
    buf_truncate(room, 0);
    buf_add(room, v->ciphertexts);
    buf_add(room, v->ciphertexts);
    v->ciphertexts = buf_span(room);
}

static void key_of_another(struct people *p, size_t at, struct path_node *v, struct buf *room)
{
    (void)room;
    if (at == 0)
        v->encryption_key = leaf_of(p, D).encryption_key;
}

static void section_12_4_2_path_nodes(void **state)
{
    struct people *p = *state;
    static const struct mw_mls_commit_options plain = { 0 };
    struct taken t;

    take_commit(p, &t, &plain);
    refuse_nodes(p, &t, NULL, 1, MW_MLS_E_PATH_LENGTH);
    refuse_nodes(p, &t, spoil_ciphertext, 2, MW_MLS_E_PATH_SECRET);
    refuse_nodes(p, &t, double_ciphertext, 2, MW_MLS_E_PATH_LENGTH);
    refuse_nodes(p, &t, key_of_another, 2, MW_MLS_E_KEY_TWICE);
    mw_mls_committed_free(&t.made);
}

/* 12.4.2: a commit that removes us is held to all the rest of it, its secrets apart. */
static void section_12_4_2_removes_us(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = A };
    struct mw_mls_commit_options o = { .proposals = &remove, .count = 1 };
    static const uint8_t wrong[32];
    struct leaf_node leaf;
    struct taken t;

    take_commit(p, &t, &o);
    leaf = t.c.path.leaf;
    leaf.parent_hash = span_of(wrong, sizeof(wrong));
    refuse_leaf(p, &t, &leaf, MW_MLS_E_PARENT_HASH);
    leaf = t.c.path.leaf;
    leaf.source = LEAF_UPDATE;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_LEAF_SOURCE);
    leaf = t.c.path.leaf;
    leaf.credential.body = SPAN_LIT("somebody else");
    p->all[A].strict = true;
    refuse_leaf(p, &t, &leaf, MW_MLS_E_CREDENTIAL);
    p->all[A].strict = false;
    refuse_nodes(p, &t, key_of_another, 1, MW_MLS_E_KEY_TWICE);
    refuse_nodes(p, &t, NULL, 0, MW_MLS_E_PATH_LENGTH);
    mw_mls_committed_free(&t.made);
    people_commit(p, &p->all[B], &o);
    assert_false(mw_mls_active(p->all[A].g));
}

/* A proposal that only A refused, and that B commits: what happened is said, and A can let it pass
 * after all, or come back. */
struct refused_here {
    struct mw_mls_bytes proposal;
    struct mw_mls_committed made;
};

static void commit_what_a_refused(struct people *p, struct refused_here *r)
{
    static const struct mw_mls_commit_options plain = { 0 };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };
    struct mw_mls_event event;

    *r = (struct refused_here){ 0 };
    is(mw_mls_propose(p->all[C].g, &remove, PEOPLE_NOW, &r->proposal), 0);
    p->all[A].refuses = 1u << MW_MLS_REMOVED;
    refused(p, bytes_span(&r->proposal), MW_MLS_E_REFUSED);
    is(mw_mls_receive(p->all[B].g, bytes_span(&r->proposal), PEOPLE_NOW, &event), 0);
    is(mw_mls_receive(p->all[D].g, bytes_span(&r->proposal), PEOPLE_NOW, &event), 0);
    is(mw_mls_commit(p->all[B].g, &plain, PEOPLE_NOW, &r->made), 0);
    refused(p, bytes_span(&r->made.commit), MW_MLS_E_PROPOSAL_REFUSED);
    is(mw_mls_receive(p->all[C].g, bytes_span(&r->made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_receive(p->all[D].g, bytes_span(&r->made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_merge(p->all[B].g), 0);
}

static void refused_here_free(struct refused_here *r)
{
    mw_mls_bytes_free(&r->proposal);
    mw_mls_committed_free(&r->made);
}

static void refused_then_taken(void **state)
{
    struct people *p = *state;
    struct refused_here r;
    struct mw_mls_event event;

    commit_what_a_refused(p, &r);
    p->all[A].refuses = 0;
    is(mw_mls_receive(p->all[A].g, bytes_span(&r.proposal), PEOPLE_NOW, &event), 0);
    /* What the application refuses again is refused by its own name. */
    p->all[A].refuses = 1u << MW_MLS_REMOVED;
    refused(p, bytes_span(&r.made.commit), MW_MLS_E_REFUSED);
    p->all[A].refuses = 0;
    is(mw_mls_receive(p->all[A].g, bytes_span(&r.made.commit), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.kind, MW_MLS_GOT_COMMIT);
    people_agree(p);
    /* The next epoch knows nothing of it. */
    assert_int_equal(p->all[A].g->refused_count, 0);
    refused_here_free(&r);
}

/* The same in private messages, whose keys a refusal does not burn. */
static void refused_then_taken_privately(void **state)
{
    struct people *p = *state;

    for (size_t i = A; i <= D; i++)
        p->all[i].g->app.public_handshakes = false;
    refused_then_taken(state);
}

static void refused_then_rejoined(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[A];
    struct mw_mls_bytes info = { 0 }, commit = { 0 };
    struct refused_here r;

    commit_what_a_refused(p, &r);
    mw_mls_free(a->g);
    a->g = NULL;
    is(mw_mls_group_info(p->all[B].g, true, &info), 0);
    is(mw_mls_join_external(&a->g, &a->app, &a->id, bytes_span(&info), NONE, true, NULL, 0,
                            PEOPLE_NOW, &commit),
       0);
    people_deliver(p, a, &commit);
    people_agree(p);
    mw_mls_bytes_free(&info);
    mw_mls_bytes_free(&commit);
    refused_here_free(&r);
}

/* However many are refused, the latest are remembered, and no more than those. */
static void refused_often(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal psk = { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") };
    struct mw_span refs[2];
    uint8_t first[CRYPT_HASH_MAX];

    p->all[A].refuses = 1u << MW_MLS_PSK;
    for (size_t i = 0; i < GROUP_REFUSED + 1; i++) {
        struct mw_mls_bytes m = { 0 };

        is(mw_mls_propose(p->all[B].g, &psk, PEOPLE_NOW, &m), 0);
        refused(p, bytes_span(&m), MW_MLS_E_REFUSED);
        mw_mls_bytes_free(&m);
        if (i == 0)
            memcpy(first, p->all[A].g->refused[0], sizeof(first));
    }
    refs[0] = span_of(p->all[A].g->refused[0], 32);
    refs[1] = span_of(first, 32);
    refuse_refs(p, &refs[0], 1, MW_MLS_E_PROPOSAL_REFUSED);
    refuse_refs(p, &refs[1], 1, MW_MLS_E_PROPOSAL_UNKNOWN);
    group_forget_waiting(p->all[B].g);
}

static void set_epoch(struct people *p, uint8_t byte)
{
    for (size_t i = A; i <= B; i++)     /* after version, suite and a group id of five bytes */
        memset(p->all[i].g->now.context.data + 2 + 2 + 1 + 5, byte, 8);
}

/* 12.4: the epoch counts up by one, and does not come round. */
static void section_12_4_last_epoch(void **state)
{
    static const struct mw_mls_commit_options plain = { 0 };
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf had = BUF_INIT(1000);
    struct proposal add = { .type = PROPOSAL_ADD, .add = package_of(p, OUTSIDER) };
    struct mw_mls_committed made = { 0 };

    buf_add(&had, span_of(p->all[A].g->now.context.data + 10, 8));
    set_epoch(p, 0xFF);
    assert_true(mw_mls_epoch(p->all[A].g) == UINT64_MAX);
    refuse_list(p, &add, 1, MW_MLS_E_EXHAUSTED);
    is(mw_mls_commit(p->all[B].g, &plain, PEOPLE_NOW, &made), MW_MLS_E_EXHAUSTED);
    for (size_t i = A; i <= B; i++)
        memcpy(p->all[i].g->now.context.data + 10, had.data, 8);
}

/* What the application refuses, it refuses before anything changes. */
static void application_refuses(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct proposal v = { .type = PROPOSAL_ADD, .add = package_of(p, OUTSIDER) };
    struct taken t;

    add.key_package = mw_mls_key_package_bytes(p->all[OUTSIDER].kp);
    take_commit(p, &t, &o);
    p->all[A].refuses = 1u << MW_MLS_ADDED;
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_REFUSED);
    refuse_proposal(p, &v, MW_MLS_E_REFUSED);
    p->all[A].refuses = 0;
    p->all[A].distrusts = true;
    refused(p, bytes_span(&t.made.commit), MW_MLS_E_CREDENTIAL);
    refuse_proposal(p, &v, MW_MLS_E_CREDENTIAL);
    p->all[A].distrusts = false;
    mw_mls_committed_free(&t.made);
}

/* 6: application data is never public. */
static void section_6_public_application(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    static const uint8_t zeros[64];
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_PUBLIC_MESSAGE };

    m.public_message = (struct public_message){
        .content = {
            .group_id = SPAN_LIT("group"), .epoch = mw_mls_epoch(p->all[A].g),
            .sender = { SENDER_MEMBER, B }, .content_type = CONTENT_APPLICATION,
            .content = SPAN_LIT("data"),
        },
        .auth.signature = span_of(zeros, sizeof(zeros)),
        .membership_tag = span_of(zeros, 32),
    };
    mls_message_write(&b, &m);
    assert_int_equal(buf_error(&b), 0);
    refused(p, buf_span(&b), MW_MLS_E_PUBLIC_APPLICATION);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_12_4_path_missing),
        test(section_12_4_2_framing),
        test(section_12_4_2_signature),
        test(section_12_4_2_confirmation_tag),
        test(section_12_4_2_path_leaf),
        test(section_12_2_update),
        test(section_12_4_2_path_nodes),
        test(section_12_4_2_removes_us),
        test(application_refuses),
        test(refused_then_taken),
        test(refused_then_taken_privately),
        test(refused_then_rejoined),
        test(refused_often),
        test(section_12_4_last_epoch),
        test(section_6_public_application),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
