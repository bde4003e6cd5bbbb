/* The ratchet tree, held against a model that remembers nothing. */
#include "meet/tree/kem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meet/tree/math.h"
#include "tree_model.h"

struct world {
    struct mw_crypto *crypto;
    struct suited s;
};

static int world_open(void **state)
{
    static struct world w;

    if (mw_crypto_new(&w.crypto) != 0)
        return -1;
    w.s = (struct suited){ suite_find(1), w.crypto };
    *state = &w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;

    mw_crypto_free(w->crypto);
    return 0;
}

static void freep(void *at)
{
    free(*(void **)at);
}

static struct model *model_new(const struct world *w)
{
    struct model *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    m->s = w->s;
    return m;
}

/* ------------------------------------------------------------------------- comparing ---- */

static void same_bytes(const struct tree *t, const struct model *m)
{
    CLEANUP(buf_deinit) struct buf is = BUF_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(1 << 20);

    tree_write(t, &is);
    model_write(m, &want);
    assert_int_equal(buf_error(&is), 0);
    assert_int_equal(buf_error(&want), 0);
    assert_true(span_eq(buf_span(&is), buf_span(&want)));
}

static void same_hashes(struct tree *t, const struct model *m, uint32_t from, uint32_t step)
{
    uint8_t is[CRYPT_HASH_MAX], want[CRYPT_HASH_MAX];

    for (uint32_t x = from; x < nodes_of(m->size); x += step) {
        assert_int_equal(tree_hash(t, x, is), 0);
        model_hash(m, x, want);
        assert_memory_equal(is, want, MODEL_NH);
    }
}

static void same_resolutions(const struct tree *t, const struct model *m)
{
    uint32_t is[MODEL_NODES], want[MODEL_NODES];

    for (uint32_t x = 0; x < nodes_of(m->size); x++) {
        size_t n = model_resolution(m, x, want);

        assert_int_equal(tree_resolution(t, x, is, MODEL_NODES), n);
        assert_memory_equal(is, want, n * sizeof(*is));
        assert_int_equal(tree_resolution(t, x, is, 0), n);
    }
}

static struct mw_span list_of(const struct leaf_node *v, enum census kind)
{
    switch (kind) {
    case CENSUS_VERSION:
        return v->capabilities.versions;
    case CENSUS_SUITE:
        return v->capabilities.suites;
    case CENSUS_EXTENSION:
        return v->capabilities.extensions;
    case CENSUS_PROPOSAL:
        return v->capabilities.proposals;
    case CENSUS_CREDENTIAL:
        return v->capabilities.credentials;
    }
    return (struct mw_span){ NULL, 0 };
}

static void same_census(const struct tree *t, const struct model *m)
{
    static const uint16_t values[] = { 1, 2, 3, 7, 8, 9, 0x0a0a, 0x1a1a, 0xf001, 0xf002, 0xffff };
    struct leaf_node leaf;

    for (int kind = CENSUS_VERSION; kind <= CENSUS_CREDENTIAL; kind++)
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            bool assumed = (kind == CENSUS_EXTENSION && values[i] <= 5)
                           || (kind == CENSUS_PROPOSAL && values[i] <= 7);
            uint32_t n = 0;

            for (uint32_t at = tree_next(t, 0); at != TREE_NONE; at = tree_next(t, at + 1)) {
                assert_true(tree_leaf(t, at, &leaf));
                n += assumed || u16_list_has(list_of(&leaf, (enum census)kind), values[i]);
            }
            assert_int_equal(tree_supporters(t, (enum census)kind, values[i]), n);
        }
    assert_int_equal(tree_members(t), model_members(m));
}

/* Who is there is found by its keys, in the order of the leaves. */
static void same_keys(const struct tree *t, const struct model *m)
{
    uint32_t basic = 0, x509 = 0, before = 0;
    struct parent_node parent;
    struct leaf_node leaf;

    for (uint32_t x = 0; x < nodes_of(m->size); x++) {
        const struct model_node *n = &m->nodes[x];

        if (node_is_leaf(x))
            assert_int_equal(tree_leaf(t, x / 2, &leaf), n->there);
        else
            assert_int_equal(tree_parent(t, x, &parent), n->there);
        if (!n->there)
            continue;
        assert_int_equal(tree_find_encryption_key(t, span_of(n->key, 32)), x);
        assert_true(tree_has_encryption_key(t, span_of(n->key, 32)));
        if (!node_is_leaf(x))
            continue;
        assert_int_equal(tree_find_signature_key(t, leaf.signature_key), x / 2);
        assert_int_equal(tree_next(t, before), x / 2);
        before = x / 2 + 1;
        basic += leaf.credential.type == CREDENTIAL_BASIC;
        x509 += leaf.credential.type == CREDENTIAL_X509;
    }
    assert_int_equal(tree_next(t, before), TREE_NONE);
    assert_int_equal(tree_users_of_credential(t, CREDENTIAL_BASIC), basic);
    assert_int_equal(tree_users_of_credential(t, CREDENTIAL_X509), x509);
    assert_int_equal(tree_credentials_in(t, SPAN_LIT("\0\1")), x509 == 0);
    assert_true(tree_credentials_in(t, SPAN_LIT("\0\2\0\1")));
}

static void same(struct tree *t, const struct model *m)
{
    assert_int_equal(tree_size(t), m->size);
    same_bytes(t, m);
    if (m->size > 0)
        same_hashes(t, m, node_root(m->size), MODEL_NODES);
}

static void same_throughout(struct tree *t, const struct model *m)
{
    same(t, m);
    same_hashes(t, m, 0, 1);
    same_resolutions(t, m);
    same_census(t, m);
    same_keys(t, m);
}

/* ------------------------------------------------------------------ random operations ---- */

static struct tree *tree_of(const struct model *m)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    struct tree *t = NULL;

    model_write(m, &b);
    assert_int_equal(tree_read(&t, m->s, buf_span(&b)), 0);
    return t;
}

/* Someone sets its path: merged into the tree, which is now and then read anew instead. */
static void set_path(struct tree **t, struct model *m, struct model_dice *d)
{
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(4096);
    uint32_t leaf = model_pick(m, d);
    struct update_path path;
    struct model_leaf made;
    struct model_path p;

    model_path_make(m, d, leaf, &p);
    model_leaf_make(&made, d, LEAF_COMMIT, span_of(p.hash, p.hash_len));
    model_set_leaf(m, leaf, &made.leaf);
    if (dice_below(d, 4) == 0) {
        tree_free(*t);
        *t = tree_of(m);
        return;
    }
    for (size_t i = 0; i < p.n; i++) {
        vector_write(&nodes, span_of(p.key[i], 32));
        vector_write(&nodes, (struct mw_span){ NULL, 0 });
    }
    path.leaf = made.leaf;
    path.nodes = buf_span(&nodes);
    assert_int_equal(path_merge(*t, leaf, &path), 0);
}

static void change(struct tree *t, struct model *m, struct model_dice *d)
{
    struct mw_span none = { NULL, 0 };
    struct model_leaf made;
    uint32_t leaf = m->size > 0 ? model_pick(m, d) : 0, want;

    switch (m->size > 0 ? dice_below(d, 5) : 4) {
    case 0:
        model_leaf_make(&made, d, LEAF_UPDATE, none);
        model_update(m, leaf, &made.leaf);
        assert_int_equal(tree_update(t, leaf, &made.leaf), 0);
        break;
    case 1:
    case 2:
        model_remove(m, leaf);
        assert_int_equal(tree_remove(t, leaf), 0);
        break;
    default:
        model_leaf_make(&made, d, LEAF_KEY_PACKAGE, none);
        model_add(m, &made.leaf, &want);
        assert_int_equal(tree_add(t, &made.leaf, &leaf), 0);
        assert_int_equal(leaf, want);
    }
}

/* Some changes as one, which are kept or undone. */
static void turn(struct tree *t, struct model *m, struct model *before, struct model_dice *d)
{
    uint32_t n = dice_below(d, 8);

    if (dice_below(d, 3) == 0) {
        change(t, m, d);
        return;
    }
    *before = *m;
    tree_begin(t);
    for (uint32_t i = 0; i < n; i++) {
        if (model_members(m) < MODEL_LEAVES / 4)
            change(t, m, d);
        if (dice_below(d, 2) == 0)
            same(t, m);
    }
    if (dice_below(d, 2) == 0) {
        tree_keep(t);
        return;
    }
    tree_undo(t);
    *m = *before;
}

static void random_changes(void **state)
{
    CLEANUP(freep) struct model *m = model_new(*state);
    CLEANUP(freep) struct model *before = model_new(*state);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct model_dice d = { .state = 20260420 };

    assert_int_equal(tree_new(&t, m->s), 0);
    for (int step = 0; step < 400; step++) {
        if (m->size > 0 && dice_below(&d, 4) == 0)
            set_path(&t, m, &d);
        turn(t, m, before, &d);
        if (step % 10 == 0)
            same_throughout(t, m);
        else
            same(t, m);
        assert_true(m->size == 0 || model_parents_hold(m));
        assert_int_equal(tree_check_parents(t), 0);
    }
}

/* What was read hashes as what came about step by step. */
static void grown_as_read(void **state)
{
    CLEANUP(freep) struct model *m = model_new(*state);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct model_dice d = { .state = 7 };

    assert_int_equal(tree_new(&t, m->s), 0);
    for (int step = 0; step < 100; step++) {
        CLEANUP(tree_freep) struct tree *again = NULL;

        change(t, m, &d);
        if (m->size == 0)
            continue;
        again = tree_of(m);
        same(t, m);
        same_throughout(again, m);
    }
}

/* 7.9: one path, then many adds: long lists, and hashes as of before. */
static void long_unmerged_lists(void **state)
{
    CLEANUP(freep) struct model *m = model_new(*state);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct model_dice d = { .state = 99 };
    struct mw_span none = { NULL, 0 };
    struct model_leaf made;
    struct parent_node root;
    uint32_t at;

    assert_int_equal(tree_new(&t, m->s), 0);
    for (int i = 0; i < 130; i++) {
        model_leaf_make(&made, &d, LEAF_KEY_PACKAGE, none);
        model_add(m, &made.leaf, &at);
        assert_int_equal(tree_add(t, &made.leaf, &at), 0);
    }
    for (int i = 0; i < 5; i++)
        set_path(&t, m, &d);
    tree_begin(t);
    for (int i = 0; i < 120; i++) {
        model_leaf_make(&made, &d, LEAF_KEY_PACKAGE, none);
        model_add(m, &made.leaf, &at);
        assert_int_equal(tree_add(t, &made.leaf, &at), 0);
    }
    tree_keep(t);
    same(t, m);
    assert_true(tree_parent(t, tree_root(t), &root));
    assert_int_equal(root.unmerged.len, 4 * 120);
    assert_int_equal(tree_check_parents(t), 0);
    set_path(&t, m, &d);
    same_throughout(t, m);
    assert_int_equal(tree_check_parents(t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes),
        cmocka_unit_test(grown_as_read),
        cmocka_unit_test(long_unmerged_lists),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
