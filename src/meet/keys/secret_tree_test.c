/* The secret tree: the right keys, the bounds, and what is deleted when (RFC 9420 section 9). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "keys_fixture.h"
#include "meet/keys/ratchet.h"

static const enum ratchet_kind APP = RATCHET_APPLICATION, SHAKE = RATCHET_HANDSHAKE;

static struct secret_tree *tree_of(struct suited s, uint32_t leaves)
{
    struct secret encryption = fixture_secret(s, 7);
    struct secret_tree *t;

    assert_int_equal(secret_tree_new(&t, s, leaves, &encryption), 0);
    return t;
}

static bool key_is(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind, uint32_t g)
{
    struct secret encryption = fixture_secret(t->s, 7);
    struct message_key got = { 0 }, want = fixture_key(t->s, t->leaves, &encryption, leaf, kind, g);

    assert_int_equal(secret_tree_key(t, leaf, kind, g, &got), 0);
    return memcmp(&got, &want, sizeof got) == 0;
}

static int key_try(struct secret_tree *t, uint32_t leaf, uint32_t g)
{
    struct message_key k;

    return secret_tree_key(t, leaf, RATCHET_APPLICATION, g, &k);
}

static void key_use(struct secret_tree *t, uint32_t leaf, uint32_t g)
{
    assert_int_equal(key_try(t, leaf, g), 0);
    secret_tree_used(t, leaf, RATCHET_APPLICATION, g);
}

/* Known answer: the working group's secret-tree vectors, suite 1, leaf 5 of 8. */
static void test_known_answer(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret encryption = fixture_secret_hex(
        "9d4ecb550dc4fbcbaae66d120a2215cbeca20d45d66791df5b4349eace30fd3f");
    struct secret data = fixture_secret_hex(
        "c1d2716789d55bd41e85316b455b7da70433898816e62b15216368d713d1d4fb");
    struct mw_span ciphertext = fixture_hex(
        "c32247575cc61ec993efcb78704012929d0569283f7ab1f85f048791f1170e2639cacf787be9a58e31a3a21f"
        "3f12523d32f8089eeaa0756f69a1488a4e87356ab50b700bf2222ff8b0b258f22d");
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    struct message_key k = { 0 };

    (void)state;
    assert_int_equal(secret_tree_new(&t, s, 8, &encryption), 0);
    assert_int_equal(secret_tree_key(t, 5, RATCHET_APPLICATION, 15, &k), 0);
    assert_memory_equal(k.key, fixture_hex("66992f2f134e10095469e656dd7117e0").data, 16);
    assert_memory_equal(k.nonce, fixture_hex("a5efd9b2edf31ce95eab1e18").data, 12);
    assert_int_equal(secret_tree_key(t, 5, RATCHET_HANDSHAKE, 0, &k), 0);
    assert_memory_equal(k.key, fixture_hex("579d500a6e78803ffd6187c1e4a3448d").data, 16);
    assert_memory_equal(k.nonce, fixture_hex("8bdceebc9e6f8838c93ebe06").data, 12);
    assert_int_equal(sender_data_key(s, &data, ciphertext, &k), 0);
    assert_memory_equal(k.key, fixture_hex("ce20a37761e1152c56e0a6743aaeb520").data, 16);
    assert_memory_equal(k.nonce, fixture_hex("70f55f0f05fdd2d7459a50bc").data, 12);
}

/* 6.3.2: of a ciphertext shorter than a hash the whole, of a longer one the beginning. */
static void test_sender_data_sample(void **state)
{
    struct suited s = fixture_suite(2);
    struct secret data = fixture_secret(s, 1);
    struct message_key a = { 0 }, b = { 0 };
    uint8_t bytes[64] = { 1, 2, 3 };

    (void)state;
    assert_int_equal(sender_data_key(s, &data, span_of(bytes, 64), &a), 0);
    assert_int_equal(sender_data_key(s, &data, span_of(bytes, 32), &b), 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(sender_data_key(s, &data, span_of(bytes, 31), &b), 0);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void test_every_leaf(void **state)
{
    static const uint32_t sizes[] = { 1, 2, 8, 32 };

    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        struct suited s = fixture_suite(suite);

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, sizes[i]);

            /* From the right to the left, so that the order of derivation is not that of leaves. */
            for (uint32_t leaf = sizes[i]; leaf-- > 0;) {
                assert_true(key_is(t, leaf, SHAKE, 0));
                assert_true(key_is(t, leaf, APP, 3));
            }
        }
    }
}

static void test_sending(void **state)
{
    struct suited s = fixture_suite(3);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 4);
    CLEANUP(secret_tree_freep) struct secret_tree *other = tree_of(s, 4);
    struct message_key sent = { 0 }, got = { 0 };
    uint32_t g = 99;

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(secret_tree_next(t, 2, APP, &g, &sent), 0);
        assert_int_equal(g, i);
        assert_int_equal(secret_tree_key(other, 2, APP, g, &got), 0);
        assert_memory_equal(&sent, &got, sizeof got);
        secret_tree_used(other, 2, APP, g);
    }
    /* Our own message that comes back cannot be opened: its key is gone. */
    assert_int_equal(key_try(t, 2, 4), SECRET_TREE_E_USED);
    /* The other ratchet did not move. */
    assert_int_equal(secret_tree_next(t, 2, SHAKE, &g, &sent), 0);
    assert_int_equal(g, 0);
    /* Sending where a received key was only looked up. */
    assert_int_equal(key_try(t, 3, 2), 0);
    assert_int_equal(secret_tree_next(t, 3, APP, &g, &sent), 0);
    assert_int_equal(g, 0);
    secret_tree_used(t, 3, APP, 2);
    assert_int_equal(key_try(t, 3, 0), SECRET_TREE_E_USED);
    assert_int_equal(t->kept_all, 1);
    assert_true(key_is(t, 3, APP, 1));
    assert_int_equal(key_try(t, 3, 2), SECRET_TREE_E_USED);
}

static void test_no_such_leaf(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 4);
    struct secret encryption = fixture_secret(s, 7), wrong = { .len = 48 };
    struct secret_tree *none = NULL;
    struct message_key k;
    uint32_t g;

    (void)state;
    assert_int_equal(secret_tree_leaves(t), 4);
    assert_int_equal(key_try(t, 4, 0), SECRET_TREE_E_LEAF);
    assert_int_equal(key_try(t, UINT32_MAX, UINT32_MAX), SECRET_TREE_E_LEAF);
    assert_int_equal(secret_tree_next(t, 4, APP, &g, &k), SECRET_TREE_E_LEAF);
    assert_true(key_is(t, 0, APP, 0));
    secret_tree_used(t, 4, APP, 0);     /* which is nobody: leaf 0 keeps its own */
    assert_true(key_is(t, 0, APP, 0));
    assert_int_equal(secret_tree_new(&none, s, 0, &encryption), SECRET_TREE_E_LEAF);
    assert_int_equal(secret_tree_new(&none, s, 3, &encryption), SECRET_TREE_E_LEAF);
    assert_int_equal(secret_tree_new(&none, s, 4, &wrong), SECRET_TREE_E_MALFORMED);
    assert_null(none);
}

static void test_out_of_order(void **state)
{
    static const uint32_t order[] = { 5, 3, 9, 4, 0, 8, 1, 2, 6, 7, 10 };
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_true(key_is(t, 1, APP, order[i]));
        secret_tree_used(t, 1, APP, order[i]);
        for (size_t j = 0; j <= i; j++)     /* replayed */
            assert_int_equal(key_try(t, 1, order[j]), SECRET_TREE_E_USED);
        for (size_t j = i + 1; j < ARRAY_LEN(order); j++)
            assert_true(key_is(t, 1, APP, order[j]));
    }
    assert_int_equal(t->kept_all, 0);
}

/* Looked up in one order, believed in another. */
static void test_used_later(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2);

    (void)state;
    assert_true(key_is(t, 0, APP, 2));
    assert_true(key_is(t, 0, APP, 6));
    assert_true(key_is(t, 0, APP, 4));
    secret_tree_used(t, 0, APP, 2);
    secret_tree_used(t, 0, APP, 6);
    secret_tree_used(t, 0, APP, 4);
    for (uint32_t g = 0; g < 7; g++) {
        if (g % 2 == 1 || g == 0)
            assert_true(key_is(t, 0, APP, g));
        else
            assert_int_equal(key_try(t, 0, g), SECRET_TREE_E_USED);
    }
    /* With others looked up between. */
    assert_true(key_is(t, 1, APP, 3));
    assert_true(key_is(t, 0, SHAKE, 1));
    secret_tree_used(t, 1, APP, 3);
    secret_tree_used(t, 0, SHAKE, 1);
    assert_int_equal(key_try(t, 1, 3), SECRET_TREE_E_USED);
    assert_true(key_is(t, 1, APP, 2));
    assert_true(key_is(t, 0, SHAKE, 0));
    assert_true(key_is(t, 0, SHAKE, 2));
    /* Never looked up at all: nothing happens to a leaf that never sent. */
    secret_tree_used(t, 1, APP, UINT32_MAX);
    secret_tree_used(t, 1, APP, 5000);
    assert_true(key_is(t, 1, APP, 4));
}

/* Told twice of one generation: its neighbours' keys stay. */
static void test_used_twice(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2);

    (void)state;
    key_use(t, 0, 4);           /* keeps 0 to 3 */
    key_use(t, 0, 1);
    secret_tree_used(t, 0, APP, 1);
    assert_true(key_is(t, 0, APP, 0));
    assert_true(key_is(t, 0, APP, 2));
    key_use(t, 0, 3);           /* the last of them: more come behind what is now the last */
    secret_tree_used(t, 0, APP, 3);
    key_use(t, 0, 7);
    for (uint32_t g = 0; g < 8; g++)
        assert_int_equal(key_try(t, 0, g),
                         g == 1 || g == 3 || g == 4 || g == 7 ? SECRET_TREE_E_USED : 0);
}

static void test_too_far(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2);

    (void)state;
    assert_int_equal(key_try(t, 0, SECRET_TREE_AHEAD + 1), SECRET_TREE_E_TOO_FAR);
    assert_int_equal(key_try(t, 0, UINT32_MAX - 1), SECRET_TREE_E_TOO_FAR);
    assert_true(key_is(t, 0, APP, SECRET_TREE_AHEAD));
    /* Looked up is not used: the bound is counted from where the ratchet is. */
    assert_int_equal(key_try(t, 0, SECRET_TREE_AHEAD + 1), SECRET_TREE_E_TOO_FAR);
    secret_tree_used(t, 0, APP, SECRET_TREE_AHEAD);
    assert_int_equal(key_try(t, 0, 2 * SECRET_TREE_AHEAD + 2), SECRET_TREE_E_TOO_FAR);
    assert_int_equal(key_try(t, 0, 2 * SECRET_TREE_AHEAD + 1), 0);
}

static void test_forgery_moves_nothing(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 4);
    struct buf before, after;

    (void)state;
    key_use(t, 1, 3);
    before = fixture_state(t);
    for (uint32_t i = 0; i < 4; i++) {      /* claimed by somebody who cannot sign for leaf 1 */
        assert_int_equal(key_try(t, 1, 4 + i * 300), 0);
        assert_int_equal(key_try(t, 1, 1), 0);
    }
    assert_int_equal(key_try(t, 1, 4 + SECRET_TREE_AHEAD + 1), SECRET_TREE_E_TOO_FAR);
    after = fixture_state(t);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_true(key_is(t, 1, APP, 4));
    assert_true(key_is(t, 1, APP, 0));
    buf_wipe(&before);
    buf_wipe(&after);
}

static void test_kept_of_a_ratchet(void **state)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2);

    (void)state;
    key_use(t, 0, SECRET_TREE_AHEAD);               /* keeps 0 to 1,023 */
    assert_int_equal(t->kept_all, SECRET_TREE_KEPT);
    assert_true(key_is(t, 0, APP, 0));
    key_use(t, 0, SECRET_TREE_AHEAD + 6);           /* five more: 0 to 4 go */
    assert_int_equal(t->kept_all, SECRET_TREE_KEPT);
    for (uint32_t g = 0; g < 5; g++)
        assert_int_equal(key_try(t, 0, g), SECRET_TREE_E_USED);
    assert_true(key_is(t, 0, APP, 5));
    assert_true(key_is(t, 0, APP, SECRET_TREE_AHEAD + 5));
    key_use(t, 0, 5);
    assert_int_equal(t->kept_all, SECRET_TREE_KEPT - 1);
}

static void test_kept_of_a_tree(void **state)
{
    enum { FULL = SECRET_TREE_KEPT_ALL / SECRET_TREE_KEPT };
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(fixture_suite(1), 2 * FULL);

    (void)state;
    key_use(t, FULL, 3);                            /* an honest member's three late messages */
    for (uint32_t leaf = 0; leaf < FULL; leaf++)    /* and sixteen that skip all they can */
        key_use(t, leaf, SECRET_TREE_AHEAD);
    assert_true(t->kept_all <= SECRET_TREE_KEPT_ALL);
    assert_true(t->kept_all > SECRET_TREE_KEPT_ALL - SECRET_TREE_KEPT);
    for (uint32_t g = 0; g < 3; g++)
        assert_true(key_is(t, FULL, APP, g));
    assert_int_equal(key_try(t, FULL + 1, SECRET_TREE_AHEAD), 0);
}

/* 2^32 - 1 generations, from a state as it would be saved after nearly all of them. */
static void test_exhausted(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 1);
    struct message_key k = { 0 }, other = { 0 };
    struct ratchet *r;
    uint32_t g;

    (void)state;
    key_use(t, 0, 0);
    r = t->root->ratchet[APP];
    r->next = r->floor = UINT32_MAX - 2;
    assert_int_equal(key_try(t, 0, UINT32_MAX), SECRET_TREE_E_EXHAUSTED);
    assert_int_equal(key_try(t, 0, UINT32_MAX - 1), 0);
    assert_int_equal(secret_tree_key(t, 0, APP, UINT32_MAX - 2, &other), 0);
    assert_int_equal(secret_tree_next(t, 0, APP, &g, &k), 0);
    assert_int_equal(g, UINT32_MAX - 2);
    assert_memory_equal(&k, &other, sizeof k);
    key_use(t, 0, UINT32_MAX - 1);
    assert_int_equal(secret_tree_next(t, 0, APP, &g, &k), SECRET_TREE_E_EXHAUSTED);
    assert_int_equal(key_try(t, 0, UINT32_MAX - 1), SECRET_TREE_E_USED);
    assert_int_equal(key_try(t, 0, UINT32_MAX), SECRET_TREE_E_EXHAUSTED);
    secret_tree_used(t, 0, APP, UINT32_MAX);
    assert_int_equal(secret_tree_next(t, 0, APP, &g, &k), SECRET_TREE_E_EXHAUSTED);
    for (size_t i = 0; i < s.suite->nh; i++)        /* and nothing is left to steal */
        assert_int_equal(r->secret[i], 0);
}

/* ------------------------------------------------------------------ forward secrecy (9.2) ---- */

static bool holds(struct mw_span memory, const void *bytes, size_t len)
{
    for (size_t i = 0; i + len <= memory.len; i++)
        if (memcmp(memory.data + i, bytes, len) == 0)
            return true;
    return false;
}

/* The tree's only page of secrets as it lies in memory, cells that were given back included. */
static struct mw_span memory_of(const struct secret_tree *t)
{
    return span_of(t->cells.blocks, 4096 - 64);
}

static void assert_gone(const struct secret_tree *t, const void *bytes, size_t len)
{
    struct buf saved = fixture_state(t);

    assert_false(holds(buf_span(&saved), bytes, len));
    assert_false(holds(memory_of(t), bytes, len));
    buf_wipe(&saved);
}

static void test_path_is_deleted(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret root = fixture_secret(s, 7);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 4);
    uint8_t left[32], right[32], leaf[32], sibling[32];

    (void)state;
    assert_true(holds(memory_of(t), root.bytes, 32));       /* the search can find */
    assert_int_equal(label_expand(s, secret_span(&root), "tree", span_str("left"), left, 32), 0);
    assert_int_equal(label_expand(s, secret_span(&root), "tree", span_str("right"), right, 32), 0);
    assert_int_equal(label_expand(s, span_of(right, 32), "tree", span_str("right"), leaf, 32), 0);
    assert_int_equal(label_expand(s, span_of(right, 32), "tree", span_str("left"), sibling, 32),
                     0);
    key_use(t, 3, 0);
    assert_gone(t, root.bytes, 32);
    assert_gone(t, right, 32);
    assert_gone(t, leaf, 32);
    assert_true(holds(memory_of(t), left, 32));             /* E and C of the section's example */
    assert_true(holds(memory_of(t), sibling, 32));
}

static void ratchet_secret(struct suited s, uint32_t generation, uint8_t out[32])
{
    struct secret root = fixture_secret(s, 7);
    uint8_t next[32];

    assert_int_equal(label_expand(s, secret_span(&root), "application", span_str(""), out, 32), 0);
    for (uint32_t g = 0; g < generation; g++) {
        assert_int_equal(label_tree_secret(s, span_of(out, 32), "secret", g, next, 32), 0);
        memcpy(out, next, 32);
    }
}

static void test_used_is_deleted(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret root = fixture_secret(s, 7);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 1);
    struct message_key keys[4];
    uint8_t secrets[4][32];

    (void)state;
    for (uint32_t g = 0; g < 4; g++) {
        keys[g] = fixture_key(s, 1, &root, 0, APP, g);
        ratchet_secret(s, g, secrets[g]);
    }
    assert_int_equal(key_try(t, 0, 2), 0);
    assert_true(holds(memory_of(t), keys[2].key, 16));
    secret_tree_used(t, 0, APP, 2);
    assert_gone(t, keys[2].key, 16);
    assert_gone(t, keys[2].nonce, CRYPT_NONCE);
    for (int g = 0; g < 3; g++)
        assert_gone(t, secrets[g], 32);
    /* What was not consumed is there: K0, K1 and the secret of generation 3. */
    assert_true(holds(memory_of(t), keys[0].key, 16));
    assert_true(holds(memory_of(t), keys[1].key, 16));
    assert_true(holds(memory_of(t), secrets[3], 32));
    key_use(t, 0, 0);
    assert_gone(t, keys[0].key, 16);
    assert_true(holds(memory_of(t), keys[1].key, 16));
    key_use(t, 0, 3);
    assert_gone(t, keys[3].key, 16);
    assert_gone(t, secrets[3], 32);
}

static void test_sent_is_deleted(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 1);
    uint8_t secret[32];
    struct message_key k;
    uint32_t g;

    (void)state;
    ratchet_secret(s, 0, secret);
    assert_int_equal(secret_tree_next(t, 0, APP, &g, &k), 0);
    assert_gone(t, k.key, 16);
    assert_gone(t, k.nonce, CRYPT_NONCE);
    assert_gone(t, secret, 32);
}

/* ------------------------------------------------------------------------------ memory ---- */

static void test_grows_with_who_sent(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = tree_of(s, 1 << 14);
    size_t each;

    (void)state;
    assert_int_equal(secret_tree_size(t), 7 + 1 + 32);      /* nothing was derived */
    key_use(t, 9999, 0);
    each = secret_tree_size(t);
    assert_true(each < 14 * (1 + 33) + 3 * 64);
    for (uint32_t leaf = 0; leaf < 10; leaf++)
        key_use(t, leaf * 1000, 0);
    assert_true(secret_tree_size(t) < 11 * each);
    assert_int_equal(key_try(t, (1 << 14) - 1, 0), 0);
    secret_tree_free(NULL);
}

static int close_all(void **state)
{
    (void)state;
    fixture_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_sender_data_sample),
        cmocka_unit_test(test_every_leaf),
        cmocka_unit_test(test_sending),
        cmocka_unit_test(test_no_such_leaf),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_used_later),
        cmocka_unit_test(test_used_twice),
        cmocka_unit_test(test_too_far),
        cmocka_unit_test(test_forgery_moves_nothing),
        cmocka_unit_test(test_kept_of_a_ratchet),
        cmocka_unit_test(test_kept_of_a_tree),
        cmocka_unit_test(test_exhausted),
        cmocka_unit_test(test_path_is_deleted),
        cmocka_unit_test(test_used_is_deleted),
        cmocka_unit_test(test_sent_is_deleted),
        cmocka_unit_test(test_grows_with_who_sent),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
