/*
 * Welcomes that must be refused: a case for each rule of RFC 9420 12.4.3.1, 8.4 and 12.4.3.3, named
 * by section.  A Welcome is opened with the new member's key, changed, and sealed again as its
 * maker would, so that what is refused is refused for the rule that it breaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"
#include "mls_welcome.h"

static const struct mw_mls_commit_options plain = { 0 };
static const struct mw_mls_commit_options without_path = { .no_path = true };

/* A group whose tree has no parents yet: a leaf can be another without any parent hash telling. */
static int bare_open(void **state)
{
    static struct people people;
    struct mw_mls_proposal adds[D];
    struct mw_mls_commit_options o = { .proposals = adds, .count = D, .no_path = true };

    people_open(&people, 1);
    for (size_t i = 0; i < PEOPLE_MAX; i++)
        people.all[i].app.public_handshakes = true;
    people_found(&people, NONE);
    for (size_t i = 0; i < D; i++)
        adds[i] = (struct mw_mls_proposal){
            .type = MW_MLS_ADD, .key_package = person_package(&people.all[i + 1]),
        };
    people_commit(&people, &people.all[A], &o);
    *state = &people;
    return 0;
}

/* B adds the outsider, with a PSK; the others follow. */
static void invite(struct people *p, struct taken_apart *o,
                   const struct mw_mls_commit_options *with)
{
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER]) },
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options options = with != NULL ? *with : plain;
    struct mw_mls_committed made = { 0 };

    options.proposals = what;
    options.count = 2;
    is(mw_mls_commit(p->all[B].g, &options, PEOPLE_NOW, &made), 0);
    people_deliver(p, &p->all[B], &made.commit);
    is(mw_mls_merge(p->all[B].g), 0);
    assert_true(welcome_open(o, p->all[OUTSIDER].kp, people_random(p), bytes_span(&made.welcome),
                             SPAN_LIT("a shared secret")));
    mw_mls_committed_free(&made);
}

static int join(struct people *p, struct mw_span welcome, struct mw_span tree)
{
    struct person *e = &p->all[OUTSIDER];

    return mw_mls_join(&e->g, &e->app, e->kp, welcome, tree, NULL, 0, PEOPLE_NOW);
}

/* Sealed again, with a GroupInfo that B signed again, and refused. */
static void refuse(struct people *p, const struct taken_apart *o, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

    assert_true(welcome_seal(o, bytes_span(&p->all[B].signing_key), &b));
    is(join(p, buf_span(&b), NONE), error);
    assert_null(p->all[OUTSIDER].g);
}

/* What was opened, unchanged, is good: so are all the refusals below for what they change. */
static void as_it_was(struct people *p, struct taken_apart *o)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

    assert_true(welcome_seal(o, bytes_span(&p->all[B].signing_key), &b));
    is(join(p, buf_span(&b), NONE), 0);
    welcome_close(o);
    people_agree(p);
}

static void sealed_again(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    invite(p, &o, NULL);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 5);
    as_it_was(p, &o);
}

/* 12.4.3.1: one of the secrets is for us, and opens. */
static void section_12_4_3_1_secrets(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_key_package *other = NULL, *ours;
    struct mls_message m;
    struct taken_apart o;

    invite(p, &o, NULL);
    ours = e->kp;
    e->kp = NULL;
    (void)person_package(e);
    other = e->kp;
    is(mw_mls_join(&e->g, &e->app, other, bytes_span(&o.welcome), NONE, NULL, 0, PEOPLE_NOW),
       MW_MLS_E_NOT_FOR_US);
    mw_mls_key_package_free(other);
    e->kp = ours;
    assert_true(mls_message_read(&m, bytes_span(&o.welcome)));
    {
        /* Any byte of what is sealed: of our secrets, and of the GroupInfo that both hang on. */
        struct mw_span parts[] = { m.welcome.secrets, m.welcome.encrypted_group_info };

        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            size_t last = (size_t)(parts[i].data - o.welcome.data) + parts[i].len - 1;

            o.welcome.data[last] ^= 1;
            is(join(p, bytes_span(&o.welcome), NONE), MW_MLS_E_SEALED);
            o.welcome.data[last] ^= 1;
        }
    }
    o.secrets.joiner_secret.len--;
    refuse(p, &o, MW_MLS_E_MALFORMED);
    o.secrets.joiner_secret.len++;
    as_it_was(p, &o);
}

/* 12.4.3.1: the suite of the GroupInfo is the Welcome's; 8.1: its version is MLS 1.0. */
static void section_12_4_3_1_context(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    invite(p, &o, NULL);
    o.info.context.suite = 3;
    refuse(p, &o, MW_MLS_E_SUITE);
    o.info.context.suite = 1;
    o.info.context.version = 2;
    refuse(p, &o, MW_MLS_E_VERSION);
    o.info.context.version = 1;
    as_it_was(p, &o);
}

/* 8.4, 12.4.3.1: every PSK is there, formed as it must be, and founding PSKs are alone. */
static void section_8_4_psks(void **state)
{
    static const uint8_t nonce[33];
    static const struct {
        struct psk_id id;
        int error;
    } bad[] = {
        { { .type = PSK_EXTERNAL, .id = { (const uint8_t *)"other", 5 }, .nonce = { nonce, 32 } },
          MW_MLS_E_PSK_UNKNOWN },
        { { .type = PSK_EXTERNAL, .id = { (const uint8_t *)"psk", 3 }, .nonce = { nonce, 31 } },
          MW_MLS_E_PSK_NONCE },
        { { .type = PSK_EXTERNAL, .id = { (const uint8_t *)"psk", 3 }, .nonce = { nonce, 33 } },
          MW_MLS_E_PSK_NONCE },
        { { .type = PSK_RESUMPTION, .usage = PSK_USE_APPLICATION, .epoch = 1,
            .group_id = { (const uint8_t *)"group", 5 }, .nonce = { nonce, 32 } },
          MW_MLS_E_PSK_UNKNOWN },
    };
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct psk_id founding = {
        .type = PSK_RESUMPTION, .usage = PSK_USE_REINIT, .group_id = SPAN_LIT("group"),
        .nonce = { nonce, 32 },
    };
    struct mw_span had;
    struct taken_apart o;

    invite(p, &o, NULL);
    had = o.secrets.psks;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_truncate(&b, 0);
        psk_id_write(&b, &bad[i].id);
        o.secrets.psks = buf_span(&b);
        refuse(p, &o, bad[i].error);
    }
    buf_truncate(&b, 0);
    psk_id_write(&b, &founding);
    founding.usage = PSK_USE_BRANCH;
    psk_id_write(&b, &founding);
    o.secrets.psks = buf_span(&b);
    refuse(p, &o, MW_MLS_E_PSK_USAGE);
    buf_truncate(&b, 0);
    buf_add(&b, had);
    buf_add(&b, had);
    o.secrets.psks = buf_span(&b);
    refuse(p, &o, MW_MLS_E_PROPOSAL_TWICE);
    o.secrets.psks = NONE;              /* another key than the GroupInfo was sealed with */
    refuse(p, &o, MW_MLS_E_SEALED);
    o.secrets.psks = had;
    as_it_was(p, &o);
}

/* 12.4.3: the GroupInfo is signed by a member, who has the leaf it says. */
static void section_12_4_3_signature(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct taken_apart o;

    invite(p, &o, NULL);
    o.info.signer = C;
    refuse(p, &o, MW_MLS_E_GROUP_INFO_SIGNATURE);
    o.info.signer = 6;
    refuse(p, &o, MW_MLS_E_GROUP_INFO_SIGNER);
    o.info.signer = UINT32_MAX;
    refuse(p, &o, MW_MLS_E_GROUP_INFO_SIGNER);
    o.info.signer = B;
    assert_true(welcome_seal(&o, bytes_span(&p->all[C].signing_key), &b));
    is(join(p, buf_span(&b), NONE), MW_MLS_E_GROUP_INFO_SIGNATURE);
    as_it_was(p, &o);
}

/* 12.4.3.1: signed by ourselves, who are only joining. */
static void section_12_4_3_1_signed_by_ourselves(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct taken_apart o;

    invite(p, &o, NULL);
    o.info.signer = OUTSIDER;
    assert_true(welcome_seal(&o, bytes_span(&p->all[OUTSIDER].signing_key), &b));
    is(join(p, buf_span(&b), NONE), MW_MLS_E_GROUP_INFO_SIGNER);
    o.info.signer = B;
    as_it_was(p, &o);
}

/* The list of extensions with another tree in the ratchet_tree extension. */
static void put_tree(struct taken_apart *o, struct mw_span tree, struct buf *out)
{
    struct reader r = { .rest = o->info.extensions };

    while (read_more(&r)) {
        struct extension x;

        extension_read(&x, &r);
        if (x.type == EXT_RATCHET_TREE)
            x.data = tree;
        if (x.data.data != NULL)
            extension_write(out, &x);
    }
    assert_int_equal(buf_error(out), 0);
}

/* 12.4.3.1: the tree is there, is a tree, and has the hash that the context says. */
static void section_12_4_3_1_tree(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_bytes tree = { 0 };
    struct mw_span had;
    static const uint8_t wrong[32];
    struct taken_apart o;

    is(mw_mls_tree(p->all[A].g, &tree), 0);             /* of the epoch before */
    invite(p, &o, NULL);
    had = o.info.extensions;
    put_tree(&o, NONE, &b);
    o.info.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_TREE_MISSING);
    buf_truncate(&b, 0);
    o.info.extensions = had;
    put_tree(&o, SPAN_LIT("\x02\x07\x07"), &b);
    o.info.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_TREE);
    buf_truncate(&b, 0);
    o.info.extensions = had;
    put_tree(&o, bytes_span(&tree), &b);
    o.info.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_TREE_HASH);
    o.info.extensions = had;
    had = o.info.context.tree_hash;
    o.info.context.tree_hash = span_of(wrong, 32);
    refuse(p, &o, MW_MLS_E_TREE_HASH);
    o.info.context.tree_hash = had;
    mw_mls_bytes_free(&tree);
    as_it_was(p, &o);
}

/* The tree that the application brings: as good as the one in the Welcome, and not better. */
static void tree_beside(void **state)
{
    struct people *p = *state;
    struct mw_mls_commit_options without = { .no_tree_in_welcome = true };
    struct mw_mls_bytes old = { 0 }, tree = { 0 };
    struct taken_apart o;

    is(mw_mls_tree(p->all[A].g, &old), 0);
    invite(p, &o, &without);
    is(join(p, bytes_span(&o.welcome), NONE), MW_MLS_E_TREE_MISSING);
    is(join(p, bytes_span(&o.welcome), bytes_span(&old)), MW_MLS_E_TREE_HASH);
    is(mw_mls_tree(p->all[A].g, &tree), 0);
    is(join(p, bytes_span(&o.welcome), span_of(tree.data, tree.len - 1)), MW_MLS_E_TREE);
    is(join(p, bytes_span(&o.welcome), bytes_span(&tree)), 0);
    mw_mls_bytes_free(&old);
    mw_mls_bytes_free(&tree);
    welcome_close(&o);
    people_agree(p);
}

/* The tree changed by `change`, its hash put into the context: what the creator of a whole group
 * could lie about. */
static void refuse_tree(struct people *p, struct taken_apart *o, void (*change)(struct tree *t),
                        int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_span had = o->info.extensions, had_hash = o->info.context.tree_hash;
    struct tree *t = NULL;
    uint8_t hash[CRYPT_HASH_MAX];
    struct mw_span data;
    struct reader r;
    size_t at;

    assert_true(extension_find(had, EXT_RATCHET_TREE, &data));
    r = (struct reader){ .rest = data };
    assert_int_equal(tree_read(&t, p->all[A].g->s, vector_read(&r)), 0);
    change(t);
    at = vector_open(&b);
    tree_write(t, &b);
    vector_close(&b, at);
    put_tree(o, buf_span(&b), &list);
    o->info.extensions = buf_span(&list);
    assert_int_equal(tree_hash(t, tree_root(t), hash), 0);
    o->info.context.tree_hash = span_of(hash, 32);
    tree_free(t);
    refuse(p, o, error);
    o->info.extensions = had;
    o->info.context.tree_hash = had_hash;
}

static struct people *crafting;         /* whose keys a change signs with */

static void leave(struct tree *t)
{
    assert_int_equal(tree_remove(t, OUTSIDER), 0);
}

static void signed_for_elsewhere(struct tree *t)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct leaf_node leaf;
    struct reader r;

    assert_true(tree_leaf(t, C, &leaf));
    leaf.source = LEAF_UPDATE;
    assert_int_equal(craft_leaf(crafting->all[B].g, &leaf, D,
                                bytes_span(&crafting->all[C].signing_key), &b),
                     0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(&leaf, &r);
    assert_true(read_done(&r));
    assert_int_equal(tree_set_leaf(t, C, &leaf), 0);
}

/* Takes `change` to C's leaf, which C signs. */
static void put_leaf(struct tree *t, struct leaf_node *leaf)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct reader r;

    assert_int_equal(craft_leaf(crafting->all[B].g, leaf, C,
                                bytes_span(&crafting->all[C].signing_key), &b),
                     0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(leaf, &r);
    assert_true(read_done(&r));
    assert_int_equal(tree_set_leaf(t, C, leaf), 0);
}

static void without_suite(struct tree *t)
{
    struct leaf_node leaf;

    assert_true(tree_leaf(t, C, &leaf));
    leaf.capabilities.suites = SPAN_LIT("\0\2");
    put_leaf(t, &leaf);
}

static void lives_too_long(struct tree *t)
{
    struct leaf_node leaf;

    assert_true(tree_leaf(t, C, &leaf));
    assert_int_equal(leaf.source, LEAF_KEY_PACKAGE);
    leaf.not_after = leaf.not_before + 91 * 86400;
    put_leaf(t, &leaf);
}

/* Long ago, but not for long: that is nobody's fault who joins now. */
static void lived_once(struct tree *t)
{
    struct leaf_node leaf;

    assert_true(tree_leaf(t, C, &leaf));
    leaf.not_before = 1;
    leaf.not_after = 2;
    put_leaf(t, &leaf);
}

static void takes_x509_only(struct tree *t)
{
    struct leaf_node leaf;

    assert_true(tree_leaf(t, C, &leaf));
    leaf.capabilities.credentials = SPAN_LIT("\0\2");
    leaf.credential = (struct credential){ .type = CREDENTIAL_X509, .body = SPAN_LIT("\1x") };
    put_leaf(t, &leaf);
}

/* 12.4.3.1: every leaf is valid (7.3), and ours is the one of our key package. */
static void section_12_4_3_1_leaves(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    crafting = p;
    invite(p, &o, &without_path);
    refuse_tree(p, &o, leave, MW_MLS_E_NOT_FOR_US);
    refuse_tree(p, &o, signed_for_elsewhere, MW_MLS_E_LEAF_SIGNATURE);
    refuse_tree(p, &o, without_suite, MW_MLS_E_LEAF_CAPABILITIES);
    refuse_tree(p, &o, takes_x509_only, MW_MLS_E_CREDENTIAL_UNSUPPORTED);
    refuse_tree(p, &o, lives_too_long, MW_MLS_E_LIFETIME);
    refuse_tree(p, &o, lived_once, MW_MLS_E_CONFIRMATION_TAG);      /* all of it but the hash */
    p->all[OUTSIDER].distrusts = true;
    refuse(p, &o, MW_MLS_E_CREDENTIAL);
    p->all[OUTSIDER].distrusts = false;
    as_it_was(p, &o);
}

/* Another leaf with our signature key, not bit for bit ours. */
static void other_leaf_of_ours(struct tree *t)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct leaf_node leaf;
    struct reader r;

    assert_true(tree_leaf(t, OUTSIDER, &leaf));
    leaf.not_after++;
    assert_int_equal(craft_leaf(crafting->all[B].g, &leaf, 0,
                                bytes_span(&crafting->all[OUTSIDER].signing_key), &b),
                     0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(&leaf, &r);
    assert_true(read_done(&r));
    assert_int_equal(tree_set_leaf(t, OUTSIDER, &leaf), 0);
}

static void section_12_4_3_1_our_leaf(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    crafting = p;
    invite(p, &o, &without_path);
    refuse_tree(p, &o, other_leaf_of_ours, MW_MLS_E_NOT_FOR_US);
    as_it_was(p, &o);
}

/* A parent that no leaf vouches for: C's leaf forgets the path that it came with. */
static void forgets_its_path(struct tree *t)
{
    struct leaf_node leaf;
    static const uint8_t wrong[32];

    assert_true(tree_leaf(t, C, &leaf));
    assert_int_equal(leaf.source, LEAF_COMMIT);
    leaf.parent_hash = span_of(wrong, sizeof(wrong));
    put_leaf(t, &leaf);
}

static void section_12_4_3_1_parent_hash(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    crafting = p;
    people_commit(p, &p->all[C], &plain);
    invite(p, &o, &without_path);
    refuse_tree(p, &o, forgets_its_path, MW_MLS_E_PARENT_HASH);
    as_it_was(p, &o);
}

/* 12.4.3.1: the path secret gives the keys that the tree has; 12.4.3: the confirmation tag. */
static void section_12_4_3_1_path_and_tag(void **state)
{
    static const uint8_t wrong[32];
    struct people *p = *state;
    struct mw_span had;
    struct taken_apart o;

    invite(p, &o, NULL);
    had = o.secrets.path_secret;
    assert_true(o.secrets.has_path_secret);
    o.secrets.path_secret = span_of(wrong, 32);
    refuse(p, &o, MW_MLS_E_PATH_SECRET);
    o.secrets.path_secret = span_of(wrong, 31);
    refuse(p, &o, MW_MLS_E_MALFORMED);
    o.secrets.path_secret = had;
    had = o.info.confirmation_tag;
    o.info.confirmation_tag = span_of(wrong, 32);
    refuse(p, &o, MW_MLS_E_CONFIRMATION_TAG);
    o.info.confirmation_tag = span_of(had.data, 31);
    refuse(p, &o, MW_MLS_E_CONFIRMATION_TAG);
    o.info.confirmation_tag = had;
    o.info.context.epoch++;             /* whatever of the context is another */
    refuse(p, &o, MW_MLS_E_CONFIRMATION_TAG);
    o.info.context.epoch--;
    as_it_was(p, &o);
}

/* 11.1, 12.1.7: the context's extensions are well formed, and every member takes them. */
static void section_12_4_3_1_context_extensions(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct extension x = { .type = 0xF00D };
    struct taken_apart o;

    invite(p, &o, NULL);
    extension_write(&b, &x);
    o.info.context.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_EXTENSIONS);
    buf_truncate(&b, 0);
    x = (struct extension){ .type = MW_MLS_EXT_MEETING, .data = SPAN_LIT("\x80\0\0") };
    extension_write(&b, &x);
    o.info.context.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_EXTENSIONS);
    buf_truncate(&b, 0);
    x = (struct extension){ .type = EXT_REQUIRED_CAPABILITIES, .data = SPAN_LIT("\1") };
    extension_write(&b, &x);
    o.info.context.extensions = buf_span(&b);
    refuse(p, &o, MW_MLS_E_EXTENSIONS);
    o.info.context.extensions = NONE;
    as_it_was(p, &o);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(sealed_again),
        test(tree_beside),
        test(section_8_4_psks),
        test(section_12_4_3_signature),
        test(section_12_4_3_1_signed_by_ourselves),
        test(section_12_4_3_1_secrets),
        test(section_12_4_3_1_context),
        test(section_12_4_3_1_tree),
        cmocka_unit_test_setup_teardown(section_12_4_3_1_leaves, bare_open, refuse_close),
        cmocka_unit_test_setup_teardown(section_12_4_3_1_our_leaf, bare_open, refuse_close),
        test(section_12_4_3_1_parent_hash),
        test(section_12_4_3_1_path_and_tag),
        test(section_12_4_3_1_context_extensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
