/* Update paths that MUST be refused, each with its section of RFC 9420. */
#include "meet/tree/path.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kem_stage.h"

static void tree_bytes(const struct tree *t, struct buf *out)
{
    buf_truncate(out, 0);
    tree_write(t, out);
    assert_int_equal(buf_error(out), 0);
}

/* Member 4 merges `path`, is told `want`, and stands where it stood. */
static void merge_refused(struct kem_stage *st, const struct update_path *path, int want)
{
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(1 << 16);
    struct tree *t = st->w.members[4].tree;
    uint8_t hash[2][CRYPT_HASH_MAX] = { { 0 }, { 0 } };

    tree_bytes(t, &before);
    assert_int_equal(tree_hash(t, tree_root(t), hash[0]), 0);
    tree_begin(t);
    assert_int_equal(path_merge(t, 0, path), want);
    tree_undo(t);
    tree_bytes(t, &after);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    assert_int_equal(tree_hash(t, tree_root(t), hash[1]), 0);
    assert_memory_equal(hash[0], hash[1], sizeof(hash[0]));
}

/* ------------------------------------------------------------------------- merging ---- */

static void of_another_length_7_6(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    struct update_path bad;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    p = kem_parts_of(&st.made.path);
    assert_int_equal(p.n, 3);
    p.n = 2;
    bad = kem_parts_join(&st.made.path, &p, &nodes);
    merge_refused(&st, &bad, TREE_E_PATH_LENGTH);
    p.n = 4;
    p.keys[3] = SPAN_LIT("0123456789abcdef0123456789abcdef");
    bad = kem_parts_join(&st.made.path, &p, &nodes);
    merge_refused(&st, &bad, TREE_E_PATH_LENGTH);
    bad.nodes = (struct mw_span){ NULL, 0 };
    merge_refused(&st, &bad, TREE_E_PATH_LENGTH);
}

static void keys_that_are_there_12_4_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    struct update_path bad;
    struct leaf_node leaf;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    for (uint32_t at = 0; at < KEM_STAGE_MEMBERS; at++) {
        p = kem_parts_of(&st.made.path);
        assert_true(tree_leaf(st.w.members[4].tree, at, &leaf));
        p.keys[1] = leaf.encryption_key;
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        merge_refused(&st, &bad, TREE_E_KEY_TWICE);
    }
    /* One for two nodes, and the new leaf's own. */
    p = kem_parts_of(&st.made.path);
    p.keys[2] = p.keys[0];
    bad = kem_parts_join(&st.made.path, &p, &nodes);
    merge_refused(&st, &bad, TREE_E_KEY_TWICE);
    p.keys[2] = st.made.path.leaf.encryption_key;
    bad = kem_parts_join(&st.made.path, &p, &nodes);
    merge_refused(&st, &bad, TREE_E_KEY_TWICE);
}

static void a_parents_key_that_is_there_12_4_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct tree *t;

    (void)state;
    kem_stage_init(&st, 1);
    t = st.w.members[4].tree;
    assert_int_equal(path_merge(t, 0, &st.made.path), 0);
    merge_refused(&st, &st.made.path, TREE_E_KEY_TWICE);    /* the very same once more */
}

static void a_leaf_key_that_is_not_new_12_4_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct mw_span hash;
    struct update_path bad;
    struct leaf_node old;
    struct model_leaf made;

    (void)state;
    kem_stage_init(&st, 1);
    hash = st.made.path.leaf.parent_hash;
    bad = st.made.path;
    for (uint32_t at = 0; at < 2; at++) {
        assert_true(tree_leaf(st.w.members[4].tree, at, &old));
        model_leaf_keyed(&made, &st.w.dice, LEAF_COMMIT, hash, old.encryption_key,
                         st.made.path.leaf.signature_key);
        bad.leaf = made.leaf;
        merge_refused(&st, &bad, TREE_E_KEY_TWICE);
    }
}

static void a_signature_key_of_another_7_3(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct update_path bad;
    struct leaf_node other;
    struct model_leaf made;

    (void)state;
    kem_stage_init(&st, 1);
    bad = st.made.path;
    assert_true(tree_leaf(st.w.members[4].tree, 3, &other));
    model_leaf_keyed(&made, &st.w.dice, LEAF_COMMIT, bad.leaf.parent_hash,
                     bad.leaf.encryption_key, other.signature_key);
    bad.leaf = made.leaf;
    merge_refused(&st, &bad, TREE_E_KEY_TWICE);
}

static void another_parent_hash_7_9_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    uint8_t hash[CRYPT_HASH_MAX], key[32] = { 9, 9 };
    struct mw_span own;
    struct update_path bad;
    struct model_leaf made;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    bad = st.made.path;
    own = bad.leaf.parent_hash;
    memcpy(hash, own.data, own.len);
    hash[own.len - 1] ^= 1;
    for (size_t len = 0; len <= own.len; len += own.len) {
        model_leaf_keyed(&made, &st.w.dice, LEAF_COMMIT, span_of(hash, len),
                         st.made.path.leaf.encryption_key, st.made.path.leaf.signature_key);
        bad.leaf = made.leaf;
        merge_refused(&st, &bad, TREE_E_PARENT_HASH);
    }
    /* Not the leaf but a key above it is another. */
    p = kem_parts_of(&st.made.path);
    for (size_t i = 0; i < p.n; i++) {
        struct mw_span was = p.keys[i];

        p.keys[i] = span_of(key, sizeof(key));
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        merge_refused(&st, &bad, TREE_E_PARENT_HASH);
        p.keys[i] = was;
    }
}

static void a_leaf_of_another_source_12_4_2(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct update_path bad;
    struct model_leaf made;
    struct mw_span none = { NULL, 0 };

    (void)state;
    kem_stage_init(&st, 1);
    for (int source = LEAF_KEY_PACKAGE; source <= LEAF_UPDATE; source++) {
        bad = st.made.path;
        model_leaf_keyed(&made, &st.w.dice, (uint8_t)source, none, bad.leaf.encryption_key,
                         bad.leaf.signature_key);
        bad.leaf = made.leaf;
        merge_refused(&st, &bad, TREE_E_PARENT_HASH);
    }
}

static void keys_that_are_none_5_1_1(void **state)
{
    static const uint16_t suites[] = { 1, 2, 4 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        CLEANUP(kem_stage_deinit) struct kem_stage st;
        CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
        uint8_t off[CRYPT_POINT_MAX] = { 0 };
        struct update_path bad;
        struct kem_parts p;

        kem_stage_init(&st, suites[i]);
        p = kem_parts_of(&st.made.path);
        off[0] = suites[i] == 2 ? 4 : 0;        /* no point of the curve; of small order */
        p.keys[2] = span_of(off, st.w.s.suite->npk);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        merge_refused(&st, &bad, TREE_E_KEY);
        p.keys[2].len--;
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        merge_refused(&st, &bad, TREE_E_KEY);
    }
}

static void from_nobody(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    struct tree *t;

    (void)state;
    kem_stage_init(&st, 1);
    t = st.w.members[4].tree;
    assert_int_equal(path_merge(t, 5, &st.made.path), TREE_E_BLANK);
    assert_int_equal(path_merge(t, 800, &st.made.path), TREE_E_BLANK);
    assert_int_equal(tree_set_leaf(t, 6, &st.made.path.leaf), TREE_E_BLANK);
}

/* ------------------------------------------------------------------------- opening ---- */

static void a_ciphertext_more_or_less_7_6(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 16);
    const uint32_t skip[] = { 4, 3 };
    struct update_path bad;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    /* Also where it is not our own that is missing. */
    for (size_t i = 0; i < 3; i++) {
        struct mw_span was;

        p = kem_parts_of(&st.made.path);
        was = p.sealed[i];
        p.sealed[i].len = was.len - (1 + 32 + 1 + 48);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_CIPHERTEXTS);
        buf_truncate(&list, 0);
        buf_add(&list, was);
        buf_add(&list, span_cut(was, 0, 1 + 32 + 1 + 48));
        p.sealed[i] = buf_span(&list);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_CIPHERTEXTS);
        buf_str(&list, "\1a\1");            /* one more that is cut off */
        p.sealed[i] = buf_span(&list);
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_CIPHERTEXTS);
    }
    assert_int_equal(kem_stage_open(&st, &st.made.path, NULL, 0), 0);
    /* New leaves are none of the recipients: the count is one too many. */
    assert_int_equal(kem_stage_open(&st, &st.made.path, skip, 2), TREE_E_PATH_CIPHERTEXTS);
}

static void a_ciphertext_that_does_not_open_7_5(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 16);
    struct hpke_ciphertext short_one;
    struct update_path bad;
    struct reader r;
    struct kem_parts p;

    (void)state;
    kem_stage_init(&st, 1);
    p = kem_parts_of(&st.made.path);
    buf_add(&list, p.sealed[2]);
    p.sealed[2] = buf_span(&list);
    for (size_t at = 2; at < list.len; at += 20) {
        list.data[at] ^= 4;
        bad = kem_parts_join(&st.made.path, &p, &nodes);
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_SEALED);
        list.data[at] ^= 4;
    }
    assert_int_equal(kem_stage_open(&st, &st.made.path, NULL, 0), 0);
    /* Of the length of no path secret. */
    r = (struct reader){ .rest = buf_span(&list) };
    hpke_ciphertext_read(&short_one, &r);
    short_one.ciphertext.len--;
    buf_truncate(&list, 0);
    hpke_ciphertext_write(&list, &short_one);
    p.sealed[2] = buf_span(&list);
    bad = kem_parts_join(&st.made.path, &p, &nodes);
    assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), TREE_E_PATH_SEALED);
    st.w.epoch++;                           /* 7.6: the context is the epoch's */
    assert_int_equal(kem_stage_open(&st, &st.made.path, NULL, 0), TREE_E_PATH_SEALED);
}

/* The maker announces keys that its secrets do not give: all else is in order. */
static void other_keys_than_announced_7_5(void **state)
{
    (void)state;
    for (uint32_t wrong = 0; wrong < 3; wrong++) {
        CLEANUP(kem_stage_deinit) struct kem_stage st;
        CLEANUP(path_maker_freep) struct path_maker *maker = NULL;
        CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(1 << 16);
        uint8_t keys[PATH_NODES][32], hash[CRYPT_HASH_MAX], context[160];
        struct mw_span spans[PATH_NODES];
        struct update_path bad;
        struct model_leaf made;
        struct kem_member *m;
        struct path p;
        size_t len;

        kem_stage_init(&st, 1);
        m = &st.w.members[0];
        path_filter(m->tree, 0, &p);
        assert_int_equal(path_derive(&maker, m->tree, m->keys, st.w.random), 0);
        for (uint32_t i = 0; i < p.n; i++) {
            memcpy(keys[i], node_key(m->tree->nodes[p.node[i]]).data, 32);
            keys[i][5] ^= i == wrong;
            spans[i] = span_of(keys[i], 32);
        }
        assert_int_equal(path_put(m->tree, 0, &p, spans, hash, &len), 0);
        model_leaf_keyed(&made, &st.w.dice, LEAF_COMMIT, span_of(hash, len),
                         path_maker_leaf_key(maker), st.made.path.leaf.signature_key);
        assert_int_equal(tree_set_leaf(m->tree, 0, &made.leaf), 0);
        assert_int_equal(path_seal(maker, m->tree, st.w.random,
                                   kem_context(&st.w, m->tree, context), NULL, 0, &nodes), 0);
        bad = (struct update_path){ .leaf = made.leaf, .nodes = buf_span(&nodes) };
        /* Member 4 meets the maker at the root only and sees no further down. */
        assert_int_equal(kem_stage_open(&st, &bad, NULL, 0), wrong == 2 ? TREE_E_PATH_KEY : 0);
    }
}

static void without_a_key_for_it(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(secret_wipe) struct secret commit = { .len = 0 };
    CLEANUP(tree_keys_freep) struct tree_keys *other = NULL;
    const uint32_t skip[] = { 4 };
    uint8_t scalar[32] = { 1 };
    struct kem_member *m;

    (void)state;
    kem_stage_init(&st, 1);
    m = &st.w.members[4];
    assert_int_equal(path_merge(m->tree, 0, &st.made.path), 0);
    /* The sender itself, a leaf that is blank, one that is out of the tree. */
    assert_int_equal(path_open(st.w.members[0].keys, m->tree, 0, &st.made.path,
                               span_of("", 0), NULL, 0, &commit), TREE_E_NO_KEY);
    assert_int_equal(tree_keys_new(&other, 7, span_of(scalar, 32)), 0);
    assert_int_equal(path_open(other, m->tree, 0, &st.made.path, span_of("", 0), NULL, 0,
                               &commit), TREE_E_NO_KEY);
    assert_int_equal(path_open(m->keys, m->tree, 9, &st.made.path, span_of("", 0), skip, 1,
                               &commit), TREE_E_BLANK);
    assert_int_equal(commit.len, 0);
}

/* ------------------------------------------------------------- joining, private keys ---- */

static void a_path_secret_of_another_12_4_3_1(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(secret_wipe) struct secret secret = { .len = 0 };
    struct kem_member *m;

    (void)state;
    kem_stage_init(&st, 1);
    m = kem_stage_joiner(&st, &secret);
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 0, secret_span(&secret)), 0);
    secret.bytes[0] ^= 1;
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 0, secret_span(&secret)),
                     TREE_E_PATH_KEY);
    secret.len--;
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 0, secret_span(&secret)),
                     TREE_E_PATH_KEY);
    assert_int_equal(tree_keys_implant(m->keys, st.w.s, m->tree, 4, secret_span(&secret)),
                     TREE_E_BLANK);
    assert_int_equal(path_maker_secret_for(st.made.maker, m->tree, 0, &secret), TREE_E_BLANK);
    assert_int_equal(path_maker_secret_for(st.made.maker, m->tree, 64, &secret), TREE_E_BLANK);
}

static void saved_keys(void **state)
{
    CLEANUP(kem_stage_deinit) struct kem_stage st;
    CLEANUP(buf_deinit) struct buf saved = BUF_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(1 << 16);
    CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
    struct reader r;

    (void)state;
    kem_stage_init(&st, 3);
    tree_keys_write(st.w.members[0].keys, &saved);
    for (size_t len = 0; len < saved.len; len++) {
        CLEANUP(tree_keys_freep) struct tree_keys *none = NULL;

        r = (struct reader){ .rest = { saved.data, len } };
        assert_int_equal(tree_keys_read(&none, &r), TREE_E_MALFORMED);
        assert_null(none);
    }
    r = (struct reader){ .rest = buf_span(&saved) };
    assert_int_equal(tree_keys_read(&keys, &r), 0);
    assert_true(read_done(&r));
    tree_keys_write(keys, &again);
    assert_true(span_eq(buf_span(&saved), buf_span(&again)));
    /* A node that is not above the leaf. */
    saved.data[8] = 200;
    r = (struct reader){ .rest = buf_span(&saved) };
    assert_int_equal(tree_keys_read(&keys, &r), TREE_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_another_length_7_6),
        cmocka_unit_test(keys_that_are_there_12_4_2),
        cmocka_unit_test(a_parents_key_that_is_there_12_4_2),
        cmocka_unit_test(a_leaf_key_that_is_not_new_12_4_2),
        cmocka_unit_test(a_signature_key_of_another_7_3),
        cmocka_unit_test(another_parent_hash_7_9_2),
        cmocka_unit_test(a_leaf_of_another_source_12_4_2),
        cmocka_unit_test(keys_that_are_none_5_1_1),
        cmocka_unit_test(from_nobody),
        cmocka_unit_test(a_ciphertext_more_or_less_7_6),
        cmocka_unit_test(a_ciphertext_that_does_not_open_7_5),
        cmocka_unit_test(other_keys_than_announced_7_5),
        cmocka_unit_test(without_a_key_for_it),
        cmocka_unit_test(a_path_secret_of_another_12_4_3_1),
        cmocka_unit_test(saved_keys),
    };

    return cmocka_run_group_tests(tests, kem_crypto_open, kem_crypto_close);
}
