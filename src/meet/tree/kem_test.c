/* TreeKEM among members who each keep a tree (RFC 9420 7.4 to 7.6). */
#include "meet/tree/kem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kem_world.h"
#include "meet/tree/math.h"

static struct mw_crypto *crypto;

static int crypto_open(void **state)
{
    (void)state;
    return mw_crypto_new(&crypto);
}

static int crypto_close(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

static struct suited suite(uint16_t number)
{
    return (struct suited){ suite_find(number), crypto };
}

/* --------------------------------------------------------------------- invariants ---- */

static void same_trees(struct kem_world *w, uint32_t by)
{
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(1 << 20);

    tree_write(w->members[by].tree, &want);
    assert_int_equal(buf_error(&want), 0);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++) {
        CLEANUP(buf_deinit) struct buf is = BUF_INIT(1 << 20);

        if (w->members[i].tree == NULL)
            continue;
        tree_write(w->members[i].tree, &is);
        assert_true(span_eq(buf_span(&is), buf_span(&want)));
        assert_int_equal(tree_check_parents(w->members[i].tree), 0);
    }
}

/* 4.2: whoever is below a node knows its private key, unless it is unmerged there; nobody else
 * does. */
static void tree_invariant(struct kem_world *w, uint32_t leaf)
{
    const struct kem_member *m = &w->members[leaf];

    for (uint32_t x = 0; x < nodes_of(tree_size(m->tree)); x++) {
        uint8_t point[CRYPT_POINT_MAX];
        struct mw_span scalar, key = { NULL, 0 };
        struct parent_node parent;
        struct leaf_node own;
        bool knows;

        if (node_is_leaf(x)) {
            knows = x == node_of_leaf(leaf);
            if (knows && tree_leaf(m->tree, leaf, &own))
                key = own.encryption_key;
        } else {
            knows = node_covers(x, leaf) && tree_parent(m->tree, x, &parent);
            for (size_t i = 0; knows && i < parent.unmerged.len / 4; i++)
                knows = u32_list_at(parent.unmerged, i) != leaf;
            if (knows)
                key = parent.encryption_key;
        }
        assert_int_equal(tree_keys_get(m->keys, x, &scalar), knows);
        if (!knows)
            continue;
        assert_int_equal(crypt_public(crypto, w->s.suite->group, scalar, point), 0);
        assert_true(span_eq(key, span_of(point, w->s.suite->npk)));
    }
}

static void all_hold(struct kem_world *w, uint32_t by)
{
    same_trees(w, by);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        if (w->members[i].tree != NULL) {
            tree_keys_prune(w->members[i].keys, w->members[i].tree);
            tree_invariant(w, i);
        }
}

/* ------------------------------------------------------------------------- a script ---- */

/* Leaves changed in one commit, and who is new. */
struct change {
    uint32_t added[2], removed;
    size_t n_added;
    uint8_t scalars[2][CRYPT_SCALAR_MAX];
};

static uint32_t members(const struct kem_world *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        n += w->members[i].tree != NULL;
    return n;
}

static uint32_t pick(struct kem_world *w)
{
    uint32_t leaf = dice_below(&w->dice, KEM_MEMBERS);

    while (w->members[leaf].tree == NULL)
        leaf = (leaf + 1) % KEM_MEMBERS;
    return leaf;
}

static void each_adds(struct kem_world *w, const struct leaf_node *v, uint32_t *leaf)
{
    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        if (w->members[i].tree != NULL)
            assert_int_equal(tree_add(w->members[i].tree, v, leaf), 0);
}

static void each_removes(struct kem_world *w, uint32_t leaf)
{
    kem_leave(w, leaf);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        if (w->members[i].tree != NULL)
            assert_int_equal(tree_remove(w->members[i].tree, leaf), 0);
}

static void each_updates(struct kem_world *w, uint32_t leaf)
{
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct mw_span none = { NULL, 0 };
    struct model_leaf made;

    assert_int_equal(kem_leaf_make(w, &made, LEAF_UPDATE, none, scalar), 0);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        if (w->members[i].tree != NULL)
            assert_int_equal(tree_update(w->members[i].tree, leaf, &made.leaf), 0);
    assert_int_equal(tree_keys_set_leaf(w->members[leaf].keys,
                                        span_of(scalar, w->s.suite->nsk)), 0);
}

static void propose(struct kem_world *w, uint32_t sender, struct change *c)
{
    struct mw_span none = { NULL, 0 };
    uint32_t other = pick(w), adds = dice_below(&w->dice, 3);
    struct model_leaf made;

    *c = (struct change){ .removed = TREE_NONE };
    if (other != sender && dice_below(&w->dice, 3) == 0)
        each_updates(w, other);
    other = pick(w);
    if (other != sender && members(w) > 2 && dice_below(&w->dice, 3) == 0)
        each_removes(w, other);
    for (uint32_t i = 0; i < adds && members(w) + i < KEM_MEMBERS - 4; i++) {
        assert_int_equal(kem_leaf_make(w, &made, LEAF_KEY_PACKAGE, none, c->scalars[i]), 0);
        each_adds(w, &made.leaf, &c->added[i]);
        c->n_added++;
    }
}

static void welcome(struct kem_world *w, uint32_t sender, const struct change *c,
                    const struct path_maker *maker)
{
    for (size_t i = 0; i < c->n_added; i++) {
        CLEANUP(secret_wipe) struct secret secret = { .len = 0 };
        struct kem_member *m = &w->members[c->added[i]];

        assert_int_equal(kem_join(w, sender, c->added[i],
                                  span_of(c->scalars[i], w->s.suite->nsk)), 0);
        if (maker == NULL)
            continue;
        assert_int_equal(path_maker_secret_for(maker, m->tree, c->added[i], &secret), 0);
        assert_int_equal(tree_keys_implant(m->keys, w->s, m->tree, sender, secret_span(&secret)),
                         0);
    }
}

/* One commit by somebody, followed by everybody. */
static void commit(struct kem_world *w)
{
    CLEANUP(kem_path_deinit) struct kem_path path = { .maker = NULL };
    uint32_t sender = pick(w);
    struct change c;

    w->epoch++;
    propose(w, sender, &c);
    if (c.n_added > 0 && dice_below(&w->dice, 3) == 0) {
        welcome(w, sender, &c, NULL);
        return;
    }
    assert_int_equal(kem_path_make(w, sender, c.added, c.n_added, &path), 0);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++) {
        CLEANUP(secret_wipe) struct secret got = { .len = 0 };

        if (i == sender || w->members[i].tree == NULL)
            continue;
        assert_int_equal(kem_path_follow(w, i, sender, &path.path, c.added, c.n_added, &got), 0);
        assert_true(span_eq(secret_span(&got), secret_span(&path.commit)));
    }
    welcome(w, sender, &c, path.maker);
}

/* Someone from outside comes with a path of its own (12.4.3.2). */
static void come_from_outside(struct kem_world *w)
{
    CLEANUP(kem_path_deinit) struct kem_path path = { .maker = NULL };
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct mw_span none = { NULL, 0 };
    struct model_leaf made;
    uint32_t leaf = 0, at, from = pick(w);
    struct kem_member *m;

    while (w->members[leaf].tree != NULL)
        leaf++;
    m = &w->members[leaf];
    assert_int_equal(kem_leaf_make(w, &made, LEAF_KEY_PACKAGE, none, scalar), 0);
    assert_int_equal(kem_join(w, from, leaf, span_of(scalar, w->s.suite->nsk)), 0);
    assert_int_equal(tree_add(m->tree, &made.leaf, &at), 0);
    assert_int_equal(at, leaf);
    w->epoch++;
    assert_int_equal(kem_path_make(w, leaf, NULL, 0, &path), 0);
    for (uint32_t i = 0; i < KEM_MEMBERS; i++) {
        CLEANUP(secret_wipe) struct secret got = { .len = 0 };
        struct kem_member *other = &w->members[i];
        uint8_t context[160];

        if (i == leaf || other->tree == NULL)
            continue;
        assert_int_equal(path_merge_new(other->tree, &path.path, &at), 0);
        assert_int_equal(at, leaf);
        assert_int_equal(path_open(other->keys, other->tree, leaf, &path.path,
                                   kem_context(w, other->tree, context), NULL, 0, &got), 0);
        assert_true(span_eq(secret_span(&got), secret_span(&path.commit)));
    }
    all_hold(w, leaf);
}

static void life(uint16_t number, int commits)
{
    CLEANUP(kem_world_deinit) struct kem_world w;

    kem_world_init(&w, suite(number), 4711u + number);
    assert_int_equal(kem_found(&w), 0);
    for (int i = 0; i < commits; i++) {
        commit(&w);
        all_hold(&w, pick(&w));
        if (i % 8 == 7 && members(&w) < KEM_MEMBERS - 2)
            come_from_outside(&w);
    }
}

static void a_life_of_suite_1(void **state)
{
    (void)state;
    life(1, 60);
}

static void a_life_of_the_others(void **state)
{
    (void)state;
    for (uint16_t number = 2; number <= 7; number++)
        life(number, number == 2 || number == 3 ? 9 : 3);
}

/* 4.1.2: alone there is nobody to seal to, and the leaf carries no parent hash. */
static void a_path_alone(void **state)
{
    CLEANUP(kem_world_deinit) struct kem_world w;
    CLEANUP(kem_path_deinit) struct kem_path path = { .maker = NULL };

    (void)state;
    kem_world_init(&w, suite(1), 1);
    assert_int_equal(kem_found(&w), 0);
    assert_int_equal(kem_path_make(&w, 0, NULL, 0, &path), 0);
    assert_int_equal(path.path.nodes.len, 0);
    assert_int_equal(path.path.leaf.parent_hash.len, 0);
    assert_int_equal(path.commit.len, 32);
    tree_invariant(&w, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_alone),
        cmocka_unit_test(a_life_of_suite_1),
        cmocka_unit_test(a_life_of_the_others),
    };

    return cmocka_run_group_tests(tests, crypto_open, crypto_close);
}
