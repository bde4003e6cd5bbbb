/* Path secrets and private keys that MUST be refused or forgotten, each with its section of
 * RFC 9420. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kem_stage.h"

/* ------------------------------------------------------------------------- opening ---- */

/* A member seals something of another length than a path secret's, in good order otherwise. */
static void of_another_length_7_5(void **state)
{
    static const size_t lengths[] = { 0, 1, 31, 33, 64, CRYPT_HASH_MAX + 1, 600 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        CLEANUP(kem_stage_deinit) struct kem_stage st;
        CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
        CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 16);
        uint8_t plain[600] = { 7 }, sealed[600 + CRYPT_TAG], enc[CRYPT_POINT_MAX], context[160];
        struct update_path bad;
        struct kem_parts p;
        struct tree *t;

        kem_stage_init(&st, 1);
        t = st.w.members[0].tree; /* as it is once the path is in it */
        assert_int_equal(label_seal(st.w.s, st.w.random, node_key(t->nodes[node_of_leaf(4)]),
                                    "UpdatePathNode", kem_context(&st.w, t, context),
                                    span_of(plain, lengths[i]), enc, sealed),
                         0);
        vector_write(&list, span_of(enc, st.w.s.suite->npk));
        vector_write(&list, span_of(sealed, lengths[i] + CRYPT_TAG));
        p = kem_parts_of(&st.made.path);
        p.sealed[2] = buf_span(&list);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_SEALED);
    }
}

/* As long as two, but no more than one. */
static void counted_by_their_lengths_7_6(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 16);
    const size_t one = 1 + 32 + 1 + 48;
    struct update_path bad;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    p = kem_parts_of(&st.made.path);
    assert_int_equal(p.sealed[1].len, 2 * one);
    for (size_t at = one; at <= one + 33; at += 33) { /* either of its lengths */
        buf_truncate(&list, 0);
        buf_add(&list, p.sealed[1]);
        list.data[at] = 0xff;
        p.sealed[1] = buf_span(&list);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_CIPHERTEXTS);
        p = kem_parts_of(&st.made.path);
    }
}

/* The only member has nobody to vouch for its leaf, which is a commit's all the same. */
static void alone_with_another_source_12_4_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct mw_span none = { NULL, 0 };
    struct update_path path = { .nodes = none };
    struct leaf_node old;
    struct model_leaf made;
    struct tree *t;

    (void)state;
    kem_stage_init(&st, 1);
    t = st.w.members[0].tree;
    for (uint32_t leaf = 1; leaf < KEM_STAGE_MEMBERS; leaf++)
        assert_int_equal(tree_remove(t, leaf), 0);
    assert_true(tree_leaf(t, 0, &old));
    for (int source = LEAF_KEY_PACKAGE; source <= LEAF_COMMIT; source++) {
        model_leaf_keyed(&made, &st.w.dice, (uint8_t)source, none, none, old.signature_key);
        path.leaf = made.leaf;
        assert_int_equal(path_merge(t, 0, &path), source == LEAF_COMMIT ? 0 : TREE_E_PARENT_HASH);
        assert_true(tree_leaf(t, 0, &old));
    }
}

static void by_who_is_not_there(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(secret_wipe) struct secret commit = { .len = 0 };
    struct path_maker *maker = NULL;
    uint8_t scalar[32] = { 1 };
    struct tree *t;

    (void)state;
    kem_stage_init(&st, 1);
    t = st.w.members[4].tree;
    for (uint32_t leaf = 5; leaf <= 64; leaf += 59) { /* blank; out of the tree */
        CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;

        assert_int_equal(tree_keys_new(&keys, leaf, span_of(scalar, 32)), 0);
        assert_int_equal(path_derive(&maker, t, keys, st.w.random), TREE_E_BLANK);
        assert_int_equal(path_open(keys, t, 0, &st.made.path, span_of("", 0), NULL, 0, &commit),
                         leaf == 5 ? TREE_E_NO_KEY : TREE_E_BLANK);
        assert_int_equal(tree_set_leaf(t, leaf, &st.made.path.leaf), TREE_E_BLANK);
        assert_int_equal(tree_keys_implant(keys, st.w.s, t, 4, secret_span(&st.made.commit)),
                         TREE_E_BLANK);
    }
    assert_null(maker);
}

/* -------------------------------------------------------------------------- making ---- */

/* Good for so many, then not, then again. */
static int random_fails(void *context, uint8_t *out, size_t len)
{
    struct mw_random good = mw_random_system();
    int *left = context;

    return (*left)-- == 0 ? -EIO : good.fill(good.context, out, len);
}

/* 7.4: without fresh randomness there is no path. */
static void randomness_that_fails_7_4(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    int enough = 0;

    (void)state;
    kem_stage_init(&st, 1);
    for (int most = 0; enough == 0; most++) {
        CLEANUP(path_maker_freep) struct path_maker *maker = NULL;
        CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
        struct kem_member *m = &st.w.members[0];
        int left = most, error;

        assert_int_equal(tree_keys_copy(&keys, m->keys), 0);
        tree_begin(m->tree);
        error = path_derive(&maker, m->tree, keys, (struct mw_random){ random_fails, &left });
        tree_undo(m->tree);
        if (error == 0)
            enough = most;
        else
            assert_int_equal(error, -EIO);
    }
    assert_int_equal(enough, 2); /* the leaf's key, and the first path secret */
}

/* A tree may come with keys that nobody could have made: they are met when one is sealed to. */
static void sealed_to_no_key_5_1_1(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(path_maker_freep) struct path_maker *maker = NULL;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    struct mw_span none = { NULL, 0 };
    uint8_t off[32] = { 0 };
    struct kem_member *m;

    (void)state;
    kem_stage_init(&st, 1);
    m = &st.w.members[0];
    assert_int_equal(tree_put(m->tree, 5, node_new_parent(span_of(off, 32), none, none)), 0);
    assert_int_equal(path_derive(&maker, m->tree, m->keys, st.w.random), 0);
    assert_int_equal(path_seal(maker, m->tree, st.w.random, none, NULL, 0, &nodes), TREE_E_KEY);
}

static void sealed_in_another_tree(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    struct mw_span none = { NULL, 0 };
    struct tree *t;

    (void)state;
    kem_stage_init(&st, 1);
    t = st.w.members[0].tree;
    assert_int_equal(tree_blank_path(t, 4), 0);
    assert_int_equal(path_seal(st.made.maker, t, st.w.random, none, NULL, 0, &nodes), TREE_E_BLANK);
    assert_int_equal(tree_remove(t, 4), 0);
    assert_int_equal(path_seal(st.made.maker, t, st.w.random, none, NULL, 0, &nodes), TREE_E_BLANK);
}

/* ------------------------------------------------------------- joining, private keys ---- */

/* The tree of a Welcome has nobody's key where the path secret is of. */
static void a_blank_on_the_way_12_4_3_1(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(secret_wipe) struct secret secret = { .len = 0 };
    struct kem_member *m;

    (void)state;
    kem_stage_init(&st, 1);
    m = kem_stage_joiner(&st, &secret);
    assert_int_equal(tree_blank_path(m->tree, 4), 0);
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 0, secret_span(&secret)),
                     TREE_E_PATH_KEY);
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 64, secret_span(&secret)),
                     TREE_E_BLANK);
}

/* A key that is no longer the tree's. */
static void outdated_7_5(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    uint8_t scalar[32] = { 1 };
    struct kem_member *m;
    struct mw_span got;
    uint32_t root;

    (void)state;
    kem_stage_init(&st, 1);
    m = &st.w.members[4];
    assert_int_equal(path_merge(m->tree, 0, &st.made.path), 0);
    root = tree_root(m->tree);
    assert_int_equal(
        tree_keys_set(m->keys, root, span_of(scalar, 32), node_key(m->tree->nodes[root])), 0);
    tree_keys_prune(m->keys, m->tree);
    assert_true(tree_keys_get(m->keys, root, &got));
    assert_int_equal(tree_keys_set(m->keys, root, span_of(scalar, 32),
                                   node_key(m->tree->nodes[node_of_leaf(4)])),
                     0);
    tree_keys_prune(m->keys, m->tree);
    assert_false(tree_keys_get(m->keys, root, &got));
}

/* Saved by who knows what: this leaf, this many keys, each of a node and of two lengths. */
static int saved_result(uint32_t leaf, uint8_t n, const uint32_t (*keys)[3])
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);
    CLEANUP(tree_keys_freep) struct tree_keys *made = NULL;
    uint8_t bytes[600] = { 0 };
    struct reader r;

    buf_u32(&b, leaf);
    buf_u8(&b, n);
    for (uint8_t i = 0; i < n; i++) {
        const uint32_t *key = keys[n == UINT8_MAX ? 0 : i];

        buf_u32(&b, key[0]);
        vector_write(&b, span_of(bytes, key[1]));
        vector_write(&b, span_of(bytes, key[2]));
    }
    r = (struct reader){ .rest = buf_span(&b) };
    return tree_keys_read(&made, &r);
}

static void saved_keys_of_no_tree(void **state)
{
    static const uint32_t good[][3] = { { 8, 32, 0 }, { 9, 32, 32 } };
    static const uint32_t bad[][2][3] = {
        { { 8, 0, 0 } }, /* no key; longer than any */
        { { 8, CRYPT_SCALAR_MAX + 1, 0 } },
        { { 8, 32, CRYPT_POINT_MAX + 1 } },
        { { 8, 32, 0 }, { 9, 0, 32 } },
        { { 8, 32, 0 }, { 13, 32, 32 } },        /* not above the leaf */
        { { 8, 32, 0 }, { 0x3ffffff, 32, 32 } }, /* above all trees */
        { { 9, 32, 32 }, { 7, 32, 32 } },        /* not the leaf's */
        { { 8, 32, 0 }, { 8, 32, 0 } },          /* one level twice */
        { { 9, 32, 32 }, { 8, 32, 0 } },         /* downwards */
    };

    (void)state;
    assert_int_equal(saved_result(4, 2, good), 0);
    assert_int_equal(saved_result(4, 0, good), TREE_E_MALFORMED);
    assert_int_equal(saved_result(4, UINT8_MAX, good), TREE_E_MALFORMED);
    assert_int_equal(
        saved_result(TREE_LEAVES_MAX, 1, (const uint32_t[1][3]){ { 2 * TREE_LEAVES_MAX, 32, 0 } }),
        TREE_E_MALFORMED);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(saved_result(4, i < 3 ? 1 : 2, bad[i]), TREE_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_another_length_7_5),
        cmocka_unit_test(counted_by_their_lengths_7_6),
        cmocka_unit_test(alone_with_another_source_12_4_2),
        cmocka_unit_test(by_who_is_not_there),
        cmocka_unit_test(randomness_that_fails_7_4),
        cmocka_unit_test(sealed_to_no_key_5_1_1),
        cmocka_unit_test(sealed_in_another_tree),
        cmocka_unit_test(a_blank_on_the_way_12_4_3_1),
        cmocka_unit_test(outdated_7_5),
        cmocka_unit_test(saved_keys_of_no_tree),
    };

    return cmocka_run_group_tests(tests, kem_crypto_open, kem_crypto_close);
}
