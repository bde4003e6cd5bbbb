/* Trees and changes that MUST be refused, each with its section of RFC 9420, and keys that mean
 * to make the index slow. */
#include "meet/tree/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meet/tree/key_index.h"
#include "meet/tree/math.h"
#include "tree_model.h"

static struct mw_crypto *crypto;
static struct suited s;
static const struct mw_span none;

static int crypto_open(void **state)
{
    (void)state;
    if (mw_crypto_new(&crypto) != 0)
        return -1;
    s = (struct suited){ suite_find(1), crypto };
    return 0;
}

static int crypto_close(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

static void freep(void *at)
{
    free(*(void **)at);
}

/* Members 0 to n - 1, of whom each has set a path in turn but the last `cold`. */
static struct model *model_of(struct model_dice *d, uint32_t n, uint32_t cold)
{
    struct model *m = calloc(1, sizeof(*m));
    struct model_leaf made;
    struct model_path p;
    uint32_t leaf;

    assert_non_null(m);
    m->s = s;
    for (uint32_t i = 0; i < n; i++) {
        model_leaf_make(&made, d, LEAF_KEY_PACKAGE, none);
        model_add(m, &made.leaf, &leaf);
        if (i + 1 != n - cold)
            continue;
        for (uint32_t by = 0; by <= i; by++) {
            model_path_make(m, d, by, &p);
            model_leaf_make(&made, d, LEAF_COMMIT, span_of(p.hash, p.hash_len));
            model_set_leaf(m, by, &made.leaf);
        }
    }
    return m;
}

static int read_bytes_of(struct tree **out, const struct buf *b)
{
    assert_int_equal(buf_error(b), 0);
    return tree_read(out, s, buf_span(b));
}

static int read_model(const struct model *m)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;

    model_write(m, &b);
    return read_bytes_of(&t, &b);
}

static int check_model(const struct model *m)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;

    model_write(m, &b);
    assert_int_equal(read_bytes_of(&t, &b), 0);
    return tree_check_parents(t);
}

/* ------------------------------------------------------------- 12.4.3.3: the array ---- */

static int read_changed(const struct model *m, size_t cut, const char *add, size_t add_len)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;
    int error;

    model_write(m, &b);
    buf_truncate(&b, b.len - cut);
    buf_add(&b, span_of(add, add_len));
    error = read_bytes_of(&t, &b);
    assert_true(error == 0 || t == NULL);
    return error;
}

static void ends_in_a_blank_12_4_3_3(void **state)
{
    struct model_dice d = { 1 };
    CLEANUP(freep) struct model *m = model_of(&d, 3, 0);

    (void)state;
    assert_int_equal(read_changed(m, 0, "", 0), 0);
    assert_int_equal(read_changed(m, 0, "\0", 1), TREE_E_MALFORMED);
    assert_int_equal(read_changed(m, 0, "\0\0", 2), TREE_E_MALFORMED);
}

static void not_well_formed_12_4_3_3(void **state)
{
    struct model_dice d = { 2 };
    CLEANUP(freep) struct model *m = model_of(&d, 3, 0);
    CLEANUP(tree_freep) struct tree *t = NULL;

    (void)state;
    assert_int_equal(tree_read(&t, s, none), TREE_E_MALFORMED);
    assert_int_equal(tree_read(&t, s, SPAN_LIT("\0")), TREE_E_MALFORMED);
    for (size_t cut = 1; cut < 80; cut++)
        assert_int_equal(read_changed(m, cut, "", 0), TREE_E_MALFORMED);
    assert_int_equal(read_changed(m, 0, "\2", 1), TREE_E_MALFORMED);      /* neither 0 nor 1 */
    assert_int_equal(read_changed(m, 0, "\0\1\3", 3), TREE_E_MALFORMED);  /* of no kind */
}

/* A parent at a leaf's place, and an array that ends in a parent: of even length. */
static void of_the_wrong_kind_12_4_3_3(void **state)
{
    struct model_dice d = { 3 };
    CLEANUP(freep) struct model *m = model_of(&d, 3, 0);
    CLEANUP(buf_deinit) struct buf parent = BUF_INIT(100);

    (void)state;
    buf_str(&parent, "\1\2\40");
    buf_fill(&parent, 'k', 32);
    buf_u16(&parent, 0);
    assert_int_equal(read_changed(m, 0, (const char *)parent.data, parent.len), TREE_E_MALFORMED);
    buf_drop(&parent, 1);
    parent.data[0] = 0;
    assert_int_equal(read_changed(m, 0, (const char *)parent.data, parent.len), TREE_E_MALFORMED);
}

/* Three nodes, of these kinds and contents, the second behind this presence octet. */
static int read_three(const struct mw_span content[3], const uint8_t kind[3], uint8_t present)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;

    for (size_t i = 0; i < 3; i++) {
        buf_u8(&b, i == 1 ? present : 1);
        buf_u8(&b, kind[i]);
        buf_add(&b, content[i]);
    }
    return read_bytes_of(&t, &b);
}

/* What a node says that it is, where it stands and what it holds: all three the same. */
static void of_another_kind_12_4_3_3(void **state)
{
    struct model_dice d = { 33 };
    CLEANUP(buf_deinit) struct buf parent = BUF_INIT(100);
    struct model_leaf leaf[2];
    struct mw_span content[3];
    uint8_t kind[3] = { 1, 2, 1 };

    (void)state;
    model_leaf_make(&leaf[0], &d, LEAF_KEY_PACKAGE, none);
    model_leaf_make(&leaf[1], &d, LEAF_KEY_PACKAGE, none);
    buf_u8(&parent, 32);
    buf_fill(&parent, 'k', 32);
    buf_u16(&parent, 0);
    content[0] = leaf[0].leaf.wire;
    content[1] = buf_span(&parent);
    content[2] = leaf[1].leaf.wire;
    assert_int_equal(read_three(content, kind, 1), 0);
    for (size_t at = 0; at < 3; at++) {
        uint8_t right = kind[at];
        struct mw_span was = content[at];

        for (kind[at] = 0; kind[at] <= 3; kind[at]++)
            if (kind[at] != right)
                assert_int_equal(read_three(content, kind, 1), TREE_E_MALFORMED);
        kind[at] = at % 2 == 0 ? 2 : 1;
        content[at] = at % 2 == 0 ? content[1] : leaf[1].leaf.wire;
        assert_int_equal(read_three(content, kind, 1), TREE_E_MALFORMED);
        kind[at] = right;
        content[at] = was;
    }
    /* 2.1.1: there or not, and nothing else. */
    assert_int_equal(read_three(content, kind, 2), TREE_E_MALFORMED);
    assert_int_equal(read_three(content, kind, 255), TREE_E_MALFORMED);
}

static void too_many_leaves(void **state)
{
    CLEANUP(freep) uint8_t *blanks = calloc(1, 2 * TREE_LEAVES_MAX);
    CLEANUP(tree_freep) struct tree *t = NULL;

    (void)state;
    assert_non_null(blanks);
    assert_int_equal(tree_read(&t, s, span_of(blanks, 2 * TREE_LEAVES_MAX)), TREE_E_TOO_BIG);
    assert_int_equal(tree_read(&t, s, span_of(blanks, 2 * TREE_LEAVES_MAX - 1)),
                     TREE_E_MALFORMED);
}

/* ------------------------------------------------------------------ 7.3: unique keys ---- */

static int read_with_leaf(const struct model *m, uint32_t leaf, struct mw_span key,
                          struct mw_span signer)
{
    CLEANUP(freep) struct model *copy = malloc(sizeof(*copy));
    struct model_dice d = { 44 };
    struct model_leaf made;

    assert_non_null(copy);
    *copy = *m;
    model_leaf_keyed(&made, &d, LEAF_KEY_PACKAGE, none, key, signer);
    memcpy(copy->nodes[2 * leaf].wire, made.wire, made.leaf.wire.len);
    copy->nodes[2 * leaf].wire_len = made.leaf.wire.len;
    return read_model(copy);
}

static void a_key_twice_7_3(void **state)
{
    struct model_dice d = { 4 };
    CLEANUP(freep) struct model *m = model_of(&d, 4, 0);
    const struct model_node *other = &m->nodes[4], *parent = &m->nodes[1];
    struct reader r = { .rest = { other->wire, other->wire_len } };
    struct leaf_node v;

    (void)state;
    leaf_node_read(&v, &r);
    assert_int_equal(read_with_leaf(m, 3, none, none), 0);
    assert_int_equal(read_with_leaf(m, 3, v.encryption_key, none), TREE_E_KEY_TWICE);
    assert_int_equal(read_with_leaf(m, 3, none, v.signature_key), TREE_E_KEY_TWICE);
    /* 12.4.3.1: nor does a parent's appear anywhere else. */
    assert_int_equal(read_with_leaf(m, 3, span_of(parent->key, 32), none), TREE_E_KEY_TWICE);
    memcpy(m->nodes[5].key, parent->key, 32);
    assert_int_equal(read_model(m), TREE_E_KEY_TWICE);
}

static void a_key_of_no_size_5_1(void **state)
{
    struct model_dice d = { 5 };
    CLEANUP(freep) struct model *m = model_of(&d, 4, 0);

    (void)state;
    assert_int_equal(read_with_leaf(m, 3, SPAN_LIT("short"), none), TREE_E_KEY);
}

/* A leaf may come with no key that is there; an update not with its old one (12.1.2). */
static void changes_with_a_key_twice_7_3(void **state)
{
    struct model_dice d = { 6 };
    CLEANUP(freep) struct model *m = model_of(&d, 4, 0);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct mw_span parent = span_of(m->nodes[3].key, 32), zero = span_of((uint8_t[32]){ 0 }, 32);
    struct leaf_node own, other;
    struct model_leaf made;
    uint32_t at;

    (void)state;
    model_write(m, &b);
    assert_int_equal(read_bytes_of(&t, &b), 0);
    assert_true(tree_leaf(t, 1, &own));
    assert_true(tree_leaf(t, 2, &other));
    model_leaf_keyed(&made, &d, LEAF_KEY_PACKAGE, none, own.encryption_key, none);
    assert_int_equal(tree_add(t, &made.leaf, &at), TREE_E_KEY_TWICE);
    assert_int_equal(tree_update(t, 1, &made.leaf), TREE_E_KEY_TWICE);
    model_leaf_keyed(&made, &d, LEAF_KEY_PACKAGE, none, parent, none);
    assert_int_equal(tree_add(t, &made.leaf, &at), TREE_E_KEY_TWICE);
    model_leaf_keyed(&made, &d, LEAF_KEY_PACKAGE, none, none, other.signature_key);
    assert_int_equal(tree_add(t, &made.leaf, &at), TREE_E_KEY_TWICE);
    assert_int_equal(tree_update(t, 1, &made.leaf), TREE_E_KEY_TWICE);
    model_leaf_keyed(&made, &d, LEAF_KEY_PACKAGE, none, zero, none);
    assert_int_equal(tree_add(t, &made.leaf, &at), TREE_E_KEY);
    assert_int_equal(tree_update(t, 1, &made.leaf), TREE_E_KEY);
    /* One's own signature key may stay (7.3). */
    model_leaf_keyed(&made, &d, LEAF_UPDATE, none, none, own.signature_key);
    assert_int_equal(tree_update(t, 1, &made.leaf), 0);
}

static void nobody_there_12_1_3(void **state)
{
    struct model_dice d = { 7 };
    CLEANUP(freep) struct model *m = model_of(&d, 3, 0);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct model_leaf made;
    struct parent_node parent;
    struct leaf_node leaf;
    uint8_t hash[32];

    (void)state;
    model_write(m, &b);
    assert_int_equal(read_bytes_of(&t, &b), 0);
    model_leaf_make(&made, &d, LEAF_UPDATE, none);
    for (uint32_t at = 3; at < 6; at++) {
        assert_int_equal(tree_remove(t, at), TREE_E_BLANK);
        assert_int_equal(tree_update(t, at, &made.leaf), TREE_E_BLANK);
        assert_false(tree_leaf(t, at, &leaf));
        assert_int_equal(tree_next(t, at), TREE_NONE);
    }
    assert_int_equal(tree_hash(t, 7, hash), TREE_E_BLANK);
    assert_false(tree_parent(t, 7, &parent));
    assert_false(tree_parent(t, 4, &parent));
    assert_int_equal(tree_resolution(t, 7, NULL, 0), 0);
}

/* ----------------------------------------------------- 12.4.3.1: unmerged leaves ---- */

static int with_unmerged(const struct model *m, uint32_t x, size_t n, uint16_t a, uint16_t b)
{
    CLEANUP(freep) struct model *copy = malloc(sizeof(*copy));

    assert_non_null(copy);
    *copy = *m;
    copy->nodes[x].n_unmerged = n;
    copy->nodes[x].unmerged[0] = a;
    copy->nodes[x].unmerged[1] = b;
    return read_model(copy);
}

static void unmerged_leaves_12_4_3_1(void **state)
{
    struct model_dice d = { 8 };
    CLEANUP(freep) struct model *m = model_of(&d, 15, 2);

    (void)state;
    /* Leaves 13 and 14 came last: the root, 15, lists both, and 23 below it, too. */
    assert_true(m->nodes[15].there && m->nodes[23].there && m->nodes[7].there);
    assert_int_equal(m->nodes[15].n_unmerged, 2);
    assert_int_equal(m->nodes[23].unmerged[1], 14);
    assert_int_equal(read_model(m), 0);
    assert_int_equal(with_unmerged(m, 15, 2, 13, 15), TREE_E_UNMERGED); /* a blank leaf */
    assert_int_equal(with_unmerged(m, 15, 2, 13, 900), TREE_E_UNMERGED); /* no leaf at all */
    assert_int_equal(with_unmerged(m, 7, 1, 13, 0), TREE_E_UNMERGED);   /* not below it */
    assert_int_equal(with_unmerged(m, 15, 2, 12, 13), TREE_E_UNMERGED); /* 12 is none of 23's */
    assert_int_equal(with_unmerged(m, 23, 0, 0, 0), TREE_E_UNMERGED);   /* none, but 15 says so */
    assert_int_equal(with_unmerged(m, 23, 1, 13, 0), TREE_E_UNMERGED);  /* 14 is missing */
    assert_int_equal(with_unmerged(m, 15, 1, 13, 0), 0);                /* 23 may say more */
    /* 7.1: MUST be in order, and none twice. */
    assert_int_equal(with_unmerged(m, 15, 2, 14, 13), TREE_E_MALFORMED);
    assert_int_equal(with_unmerged(m, 15, 2, 13, 13), TREE_E_MALFORMED);
}

/* ------------------------------------------------------------- 7.9.2: parent hashes ---- */

static void parent_hashes_7_9_2(void **state)
{
    struct model_dice d = { 9 };
    CLEANUP(freep) struct model *m = model_of(&d, 8, 3);
    CLEANUP(freep) struct model *copy = malloc(sizeof(*copy));
    unsigned parents = 0;

    (void)state;
    assert_non_null(copy);
    assert_int_equal(check_model(m), 0);
    for (uint32_t x = 0; x < nodes_of(m->size); x++) {
        *copy = *m;
        if (!m->nodes[x].there)
            continue;
        if (!node_is_leaf(x)) {
            parents++;
            /* Another key, another hash of its own, or none: nobody vouches for it. */
            copy->nodes[x].key[3] ^= 1;
            assert_int_equal(check_model(copy), TREE_E_PARENT_HASH);
            copy->nodes[x].key[3] ^= 1;
            copy->nodes[x].hash_len = copy->nodes[x].hash_len == 0 ? MODEL_NH : 0;
            assert_int_equal(check_model(copy), TREE_E_PARENT_HASH);
            continue;
        }
        /* A leaf that the last path, leaf 4's, took for granted is another now. */
        if (x / 2 >= 4)
            continue;
        copy->nodes[x].wire[copy->nodes[x].wire_len - 1] ^= 1;
        assert_false(model_parents_hold(copy));
        assert_int_equal(check_model(copy), TREE_E_PARENT_HASH);
    }
    assert_true(parents >= 4);
}

/* Leaves that came later change nothing of what was vouched for. */
static void later_leaves_do_not_count_7_9(void **state)
{
    struct model_dice d = { 10 };
    CLEANUP(freep) struct model *m = model_of(&d, 8, 3);

    (void)state;
    for (uint32_t leaf = 5; leaf < 8; leaf++) {
        struct model_node *n = &m->nodes[2 * leaf];

        n->wire[n->wire_len - 1] ^= 1;
    }
    assert_int_equal(check_model(m), 0);
    assert_true(model_parents_hold(m));
}

/* A leaf that says unmerged_leaves of a parent which in truth it was sealed to. */
static void vouched_for_by_a_resolution_only_7_9_2(void **state)
{
    struct model_dice d = { 11 };
    CLEANUP(freep) struct model *m = model_of(&d, 4, 0);

    (void)state;
    assert_int_equal(check_model(m), 0);
    m->nodes[3].unmerged[0] = 3;
    m->nodes[3].n_unmerged = 1;
    m->nodes[5].unmerged[0] = 3;
    m->nodes[5].n_unmerged = 1;
    assert_false(model_parents_hold(m));
    assert_int_equal(check_model(m), TREE_E_PARENT_HASH);
}

/* ------------------------------------------------------------------- hostile keys ---- */

static struct mw_span key_at(const void *context, uint32_t node)
{
    return span_of((const uint8_t *)context + 32 * (size_t)node, 32);
}

/* SipHash-2-4 of 00 01 … 0e under the key 00 01 … 0f is known from its designers. */
static void the_hash_is_siphash(void **state)
{
    const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    uint8_t bytes[15];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(key_index_hash(seed, span_of(bytes, 15)), 0xa129ca6149be45e5);
}

/* Keys that were searched for to fall on one place of a known seed change it. */
static void keys_aimed_at_one_slot(void **state)
{
    enum { N = 1500 };
    uint8_t (*keys)[32] = calloc(N, sizeof(*keys));
    struct key_index k = { .key_of = key_at, .context = keys };
    const uint64_t seed[2] = { 0, 0 };
    uint64_t tried = 0;

    (void)state;
    assert_non_null(keys);
    for (uint32_t i = 0; i < N; i++) {
        struct mw_span key = span_of(keys[i], 32);

        do {
            tried++;
            memcpy(keys[i], &tried, sizeof(tried));
        } while ((key_index_hash(seed, key) & 0xfff) != 0x123);
        assert_int_equal(key_index_reserve(&k, key), 0);
        key_index_add(&k, key, i);
    }
    assert_true(k.seed[0] != 0 || k.seed[1] != 0);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(key_index_find(&k, span_of(keys[i], 32)), i);
    for (uint32_t i = 0; i < N; i += 2)
        key_index_drop(&k, span_of(keys[i], 32), i);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(key_index_find(&k, span_of(keys[i], 32)),
                         i % 2 == 0 ? KEY_INDEX_NONE : i);
    assert_int_equal(k.used, N / 2);
    key_index_deinit(&k);
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_in_a_blank_12_4_3_3),
        cmocka_unit_test(not_well_formed_12_4_3_3),
        cmocka_unit_test(of_the_wrong_kind_12_4_3_3),
        cmocka_unit_test(of_another_kind_12_4_3_3),
        cmocka_unit_test(too_many_leaves),
        cmocka_unit_test(a_key_twice_7_3),
        cmocka_unit_test(a_key_of_no_size_5_1),
        cmocka_unit_test(changes_with_a_key_twice_7_3),
        cmocka_unit_test(nobody_there_12_1_3),
        cmocka_unit_test(unmerged_leaves_12_4_3_1),
        cmocka_unit_test(parent_hashes_7_9_2),
        cmocka_unit_test(later_leaves_do_not_count_7_9),
        cmocka_unit_test(vouched_for_by_a_resolution_only_7_9_2),
        cmocka_unit_test(the_hash_is_siphash),
        cmocka_unit_test(keys_aimed_at_one_slot),
    };

    return cmocka_run_group_tests(tests, crypto_open, crypto_close);
}
