/* Ratchet trees and what is done to them.  The first byte chooses: a tree as it travels, read,
 * hashed and checked like a joiner's; or a list of operations on one that grows from nothing,
 * kept or undone, after which nothing may depend on how it came about. */
#include <errno.h>
#include <stdlib.h>

#include "fuzz.h"
#include "meet/tree/kem.h"
#include "meet/tree/math.h"

enum { OPERATIONS = 40, MEMBERS = 40 };

static void must(bool good)
{
    if (!good)
        abort();
}

/* A library that is never freed: it is the same for all inputs. */
static struct suited suited(void)
{
    static struct mw_crypto *crypto;

    if (crypto == NULL)
        must(mw_crypto_new(&crypto) == 0);
    return (struct suited){ suite_find(1), crypto };
}

/* -------------------------------------------------------------------------- one tree ---- */

static void look_at_all(const struct tree *t)
{
    uint32_t members = 0, *resolution;
    struct leaf_node leaf;
    size_t n;

    for (uint32_t at = tree_next(t, 0); at != TREE_NONE; at = tree_next(t, at + 1)) {
        must(tree_leaf(t, at, &leaf));
        must(tree_find_signature_key(t, leaf.signature_key) == at);
        must(tree_find_encryption_key(t, leaf.encryption_key) == node_of_leaf(at));
        members++;
    }
    must(members == tree_members(t));
    n = tree_resolution(t, tree_root(t), NULL, 0);
    resolution = calloc(n + 1, sizeof(*resolution));
    if (resolution == NULL)
        return;
    must(tree_resolution(t, tree_root(t), resolution, n) == n);
    for (size_t i = 0; i < n; i++) {
        struct parent_node parent;

        must(node_is_leaf(resolution[i]) ? tree_leaf(t, resolution[i] / 2, &leaf)
                                         : tree_parent(t, resolution[i], &parent));
    }
    free(resolution);
}

/* Read again from its own bytes it is the same. */
static void same_again(struct tree *t, int parents)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 24);
    CLEANUP(tree_freep) struct tree *again = NULL;
    uint8_t hash[2][CRYPT_HASH_MAX] = { { 0 }, { 0 } };

    tree_write(t, &b);
    must(buf_error(&b) == 0 && tree_read(&again, tree_suite(t), buf_span(&b)) == 0);
    must(tree_hash(t, tree_root(t), hash[0]) == 0);
    must(tree_hash(again, tree_root(again), hash[1]) == 0);
    must(memcmp(hash[0], hash[1], sizeof(hash[0])) == 0);
    must(tree_check_parents(again) == parents);
}

static void read_one(struct mw_span bytes)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 24);
    int error = tree_read(&t, suited(), bytes);

    must(error >= 0 || error == -ENOMEM);
    if (error != 0)
        return;
    tree_write(t, &b);
    must(span_eq(buf_span(&b), bytes));
    look_at_all(t);
    error = tree_check_parents(t);
    must(error == 0 || error == TREE_E_PARENT_HASH);
    same_again(t, error);
    tree_begin(t);
    while (tree_members(t) > 1)
        must(tree_remove(t, tree_next(t, 0)) == 0);
    tree_undo(t);
    same_again(t, error);
}

/* ----------------------------------------------------------------------- operations ---- */

/* Leaves whose keys are told by a number; X25519 takes any. */
static void leaf_make(struct buf *b, struct leaf_node *v, uint32_t number, uint8_t source,
                      struct mw_span parent_hash)
{
    uint8_t key[32] = { 9 }, signer[32] = { 7 };
    const uint8_t list[] = { 0, 1, 0, (uint8_t)number };
    const struct leaf_node made = {
        .encryption_key = span_of(key, 32),
        .signature_key = span_of(signer, 32),
        .credential = { CREDENTIAL_BASIC, span_str("a") },
        .capabilities = { .versions = span_of(list, 2), .extensions = span_of(list, 4) },
        .source = source,
        .parent_hash = parent_hash,
    };
    struct reader r;

    memcpy(key + 1, &number, sizeof(number));
    memcpy(signer + 1, &number, sizeof(number));
    buf_truncate(b, 0);
    leaf_node_write(b, &made);
    must(buf_error(b) == 0);
    r = (struct reader){ .rest = buf_span(b) };
    leaf_node_read(v, &r);
    must(read_done(&r));
}

/* A path by a member; its leaf's own key is told by a number, too. */
static void path_set(struct tree *t, uint32_t leaf, uint32_t *number, struct buf *b)
{
    CLEANUP(path_maker_freep) struct path_maker *m = NULL;
    CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
    uint8_t scalar[32] = { 1 };
    struct leaf_node v;

    must(tree_keys_new(&keys, leaf, span_of(scalar, 32)) == 0);
    must(path_derive(&m, t, keys, mw_random_system()) == 0);
    leaf_make(b, &v, ++*number, LEAF_COMMIT, path_maker_parent_hash(m));
    must(tree_set_leaf(t, leaf, &v) == 0);
}

static void operate(struct tree *t, uint8_t what, uint32_t *number, struct buf *b)
{
    uint32_t leaf = tree_next(t, what % (tree_size(t) + 1)), at;
    struct mw_span none = { NULL, 0 };
    struct leaf_node v;

    if (leaf == TREE_NONE)
        leaf = tree_next(t, 0);
    leaf_make(b, &v, ++*number, LEAF_UPDATE, none);
    switch (what >> 6) {
    case 0:
        if (tree_members(t) < MEMBERS)
            must(tree_add(t, &v, &at) == 0);
        break;
    case 1:
        if (leaf != TREE_NONE)
            must(tree_remove(t, leaf) == 0);
        break;
    case 2:
        if (leaf != TREE_NONE)
            must(tree_update(t, leaf, &v) == 0);
        break;
    default:
        if (leaf != TREE_NONE)
            path_set(t, leaf, number, b);
    }
}

/* 255 begins, 254 undoes, 253 keeps. */
static void live(struct mw_span script)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf now = BUF_INIT(1 << 20);
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(1 << 12);
    uint32_t number = 0;
    bool begun = false;

    must(tree_new(&t, suited()) == 0);
    for (size_t i = 0; i < script.len && i < OPERATIONS; i++) {
        uint8_t what = script.data[i];

        if (what == 255 && !begun) {
            buf_truncate(&before, 0);
            tree_write(t, &before);
            tree_begin(t);
        } else if (what == 254 && begun) {
            tree_undo(t);
            buf_truncate(&now, 0);
            tree_write(t, &now);
            must(span_eq(buf_span(&now), buf_span(&before)));
        } else if (what == 253 && begun) {
            tree_keep(t);
        } else if (what < 253) {
            operate(t, what, &number, &leaf);
        }
        begun = what == 255 || (begun && what < 253);
        if (tree_members(t) > 0 && i % 8 == 7)
            same_again(t, 0);
    }
    if (tree_members(t) > 0) {
        same_again(t, 0);
        look_at_all(t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (data[0] == 'L')
        live(span_of(data + 1, len - 1));
    else
        read_one(span_of(data + 1, len - 1));
    return 0;
}
