/* Every allocation fails once while a tree changes and a path is made and followed: the call
 * says so, tree_undo() puts everything back, and the same commit goes well afterwards. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kem_world.h"

static struct mw_crypto *crypto;
static bool libcrypto;          /* its allocations fail, too; some it can do without */

/* Two of four members; the others are only leaves.  The leaves that come are made beforehand. */
struct life {
    struct kem_world w;
    struct model_leaf added, updated, own;
    struct buf before, nodes;       /* both had their memory before it gets scarce */
    uint8_t hash[32];
};

static void life_init(struct life *l)
{
    static const uint8_t any[32] = { 1 };
    struct mw_span none = { NULL, 0 };
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct leaf_node first;
    uint32_t at;

    kem_world_init(&l->w, (struct suited){ suite_find(1), crypto }, 5);
    l->before = (struct buf)BUF_INIT(1 << 16);
    l->nodes = (struct buf)BUF_INIT(1 << 16);
    assert_non_null(buf_reserve(&l->before, 1 << 15));
    assert_non_null(buf_reserve(&l->nodes, 1 << 15));
    assert_int_equal(kem_found(&l->w), 0);
    for (uint32_t i = 1; i < 4; i++) {
        assert_int_equal(kem_leaf_make(&l->w, &l->added, LEAF_KEY_PACKAGE, none, scalar), 0);
        assert_int_equal(tree_add(l->w.members[0].tree, &l->added.leaf, &at), 0);
    }
    assert_int_equal(kem_join(&l->w, 0, 3, span_of(scalar, 32)), 0);
    assert_int_equal(kem_leaf_make(&l->w, &l->added, LEAF_KEY_PACKAGE, none, scalar), 0);
    assert_int_equal(kem_leaf_make(&l->w, &l->updated, LEAF_UPDATE, none, scalar), 0);
    assert_true(tree_leaf(l->w.members[0].tree, 0, &first));
    model_leaf_keyed(&l->own, &l->w.dice, LEAF_COMMIT, span_of(any, 32), span_of(any, 32),
                     first.signature_key);
}

static void life_deinit(struct life *l)
{
    kem_world_deinit(&l->w);
    buf_deinit(&l->before);
    buf_deinit(&l->nodes);
}

static void remember(struct life *l)
{
    struct tree *t = l->w.members[0].tree;

    buf_truncate(&l->before, 0);
    tree_write(t, &l->before);
    assert_int_equal(buf_error(&l->before), 0);
    assert_int_equal(tree_hash(t, tree_root(t), l->hash), 0);
}

static void as_remembered(struct life *l, struct tree *t)
{
    CLEANUP(buf_deinit) struct buf now = BUF_INIT(1 << 16);
    uint8_t hash[32];

    tree_write(t, &now);
    assert_true(span_eq(buf_span(&now), buf_span(&l->before)));
    assert_int_equal(tree_hash(t, tree_root(t), hash), 0);
    assert_memory_equal(hash, l->hash, sizeof(hash));
}

static bool said(bool failed, int error)
{
    return error == 0 ? !failed || libcrypto : failed && (error == -ENOMEM || error == -EIO);
}

/* -------------------------------------------------------------------------- the steps ---- */

/* The tree grows, shrinks, and grows again. */
static int propose(struct life *l, struct tree *t)
{
    uint32_t at;
    int error = tree_update(t, 1, &l->updated.leaf);

    if (error == 0)
        error = tree_add(t, &l->added.leaf, &at);
    if (error == 0)
        error = tree_remove(t, at);
    if (error == 0)
        error = tree_add(t, &l->added.leaf, &at);
    if (error == 0)
        error = tree_remove(t, 2);
    return error;
}

/* The leaf made beforehand gets the path's key and parent hash where they belong. */
static void own_leaf(struct life *l, const struct path_maker *m)
{
    struct leaf_node *v = &l->own.leaf;
    size_t key = (size_t)(v->encryption_key.data - l->own.wire);
    size_t hash = (size_t)(v->parent_hash.data - l->own.wire);

    memcpy(l->own.wire + key, path_maker_leaf_key(m).data, 32);
    memcpy(l->own.wire + hash, path_maker_parent_hash(m).data, 32);
}

static int make(struct life *l, struct tree_keys *keys, struct path_maker **m)
{
    const uint32_t skip[] = { 4 };
    struct tree *t = l->w.members[0].tree;
    uint8_t context[160];
    int error = path_derive(m, t, keys, l->w.random);

    if (error != 0)
        return error;
    own_leaf(l, *m);
    error = tree_set_leaf(t, 0, &l->own.leaf);
    buf_truncate(&l->nodes, 0);
    if (error == 0)
        error = tree_hash(t, tree_root(t), context);
    return error != 0 ? error : path_seal(*m, t, l->w.random, kem_context(&l->w, t, context), skip,
                                          1, &l->nodes);
}

static int follow(struct life *l, struct tree_keys *keys, struct secret *commit)
{
    const struct update_path path = { .leaf = l->own.leaf, .nodes = buf_span(&l->nodes) };
    const uint32_t skip[] = { 4 };
    struct tree *t = l->w.members[3].tree;
    uint8_t context[160];
    int error = path_merge(t, 0, &path);

    if (error == 0)
        error = tree_hash(t, tree_root(t), context);
    return error != 0 ? error : path_open(keys, t, 0, &path, kem_context(&l->w, t, context), skip,
                                          1, commit);
}

/* One commit of member 0 followed by member 3, all or nothing. */
static int commit(struct life *l, bool *agreed)
{
    CLEANUP(tree_keys_freep) struct tree_keys *own = NULL;
    CLEANUP(tree_keys_freep) struct tree_keys *others = NULL;
    CLEANUP(path_maker_freep) struct path_maker *m = NULL;
    CLEANUP(secret_wipe) struct secret got = { .len = 0 };
    struct tree *a = l->w.members[0].tree, *b = l->w.members[3].tree;
    int error;

    tree_begin(a);
    tree_begin(b);
    error = tree_keys_copy(&own, l->w.members[0].keys);
    if (error == 0)
        error = tree_keys_copy(&others, l->w.members[3].keys);
    if (error == 0)
        error = propose(l, a);
    if (error == 0)
        error = propose(l, b);
    if (error == 0)
        error = make(l, own, &m);
    if (error == 0)
        error = follow(l, others, &got);
    if (error == 0)
        error = tree_check_parents(b);
    if (error != 0) {
        tree_undo(a);
        tree_undo(b);
        return error;
    }
    tree_keep(a);
    tree_keep(b);
    *agreed = span_eq(secret_span(&got), secret_span(path_maker_commit_secret(m)));
    return 0;
}

static bool run_commit(void *context, size_t nth)
{
    CLEANUP(life_deinit) struct life l;
    bool failed, agreed = false;
    int error;

    (void)context;
    life_init(&l);
    remember(&l);
    alloc_fail_arm(nth);
    error = commit(&l, &agreed);
    failed = alloc_fail_disarm();
    assert_true(said(failed, error));
    if (error != 0) {
        as_remembered(&l, l.w.members[0].tree);
        as_remembered(&l, l.w.members[3].tree);
        assert_int_equal(commit(&l, &agreed), 0);
    }
    assert_true(agreed);
    remember(&l);
    as_remembered(&l, l.w.members[3].tree);
    return failed;
}

static void a_commit(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_commit, NULL) >= 20);
}

/* Unmerged leaves, so that joining needs the hashes of before. */
static bool run_join(void *context, size_t nth)
{
    CLEANUP(life_deinit) struct life l;
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct model_leaf *late = &l.updated;
    bool failed, agreed;
    uint32_t at;
    int error;

    (void)context;
    life_init(&l);
    assert_int_equal(commit(&l, &agreed), 0);
    model_leaf_make(late, &l.w.dice, LEAF_KEY_PACKAGE, (struct mw_span){ NULL, 0 });
    assert_int_equal(tree_add(l.w.members[0].tree, &late->leaf, &at), 0);
    remember(&l);
    alloc_fail_arm(nth);
    error = tree_read(&t, l.w.s, buf_span(&l.before));
    if (error == 0)
        error = tree_check_parents(t);
    failed = alloc_fail_disarm();
    assert_true(said(failed, error));
    if (t != NULL) {
        as_remembered(&l, t);
        assert_int_equal(tree_check_parents(t), 0);
    }
    return failed;
}

static void joining(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_join, NULL) >= 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit),
        cmocka_unit_test(joining),
    };
    int failed;

    libcrypto = argc > 1 && strcmp(argv[1], "openssl") == 0;
    if (libcrypto && !alloc_fail_openssl())
        return 1;
    if (mw_crypto_new(&crypto) != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    mw_crypto_free(crypto);
    return failed;
}
