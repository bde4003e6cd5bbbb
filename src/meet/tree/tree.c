#include "meet/tree/tree.h"

#include <errno.h>
#include <stdlib.h>

#include "meet/tree/node.h"

static struct mw_span index_key(const void *context, uint32_t x)
{
    const struct tree *t = context;

    return node_key(t->nodes[x]);
}

static struct mw_span index_signature_key(const void *context, uint32_t x)
{
    const struct tree *t = context;

    return leaf_signature_key(t->nodes[x]);
}

int tree_new(struct tree **out, struct suited s)
{
    struct tree *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return -ENOMEM;
    t->suited = s;
    t->keys.key_of = index_key;
    t->signers.key_of = index_signature_key;
    t->keys.context = t->signers.context = t;
    *out = t;
    return 0;
}

void tree_free(struct tree *t)
{
    if (t == NULL)
        return;
    for (uint32_t x = 0; x < nodes_of(t->room); x++)
        free(t->nodes[x]);
    for (size_t i = 0; i < t->journal.n; i++)
        free(t->journal.changes[i].old);
    free(t->journal.changes);
    key_index_deinit(&t->keys);
    key_index_deinit(&t->signers);
    census_deinit(&t->census);
    free(t->nodes);
    free(t->present);
    free(t->parents);
    free(t->hashed);
    free(t->hashes);
    free(t);
}

void tree_freep(struct tree **at)
{
    tree_free(*at);
}

int tree_leaf_check(const struct tree *t, const struct leaf_node *v, uint32_t at, bool same_key)
{
    uint32_t signer = tree_find_signature_key(t, v->signature_key);
    uint32_t holder = tree_find_encryption_key(t, v->encryption_key);
    int error;

    if (v->wire.len == 0)
        return TREE_E_MALFORMED;
    /* Unique among members (7.3); an update's key is not the old one (12.1.2, 12.4.2). */
    if ((holder != TREE_NONE && !(same_key && holder == node_of_leaf(at)))
        || (signer != TREE_NONE && signer != at))
        return TREE_E_KEY_TWICE;
    error = crypt_point_check(t->suited.crypto, t->suited.suite->group, v->encryption_key);
    return error > 0 ? TREE_E_KEY : error;
}

int leaf_put(struct tree *t, uint32_t leaf, struct mw_span wire)
{
    struct node *v = node_new(wire);

    return v == NULL ? -ENOMEM : tree_put(t, node_of_leaf(leaf), v);
}

/* ------------------------------------------------------------------------------ add ---- */

/* The leftmost blank leaf; t->size if there is none. */
static uint32_t leftmost_blank(struct tree *t)
{
    uint32_t leaf = t->blank_from;

    while (leaf < t->size) {
        uint64_t blanks = ~t->present[leaf / 64] & ~(uint64_t)0 << leaf % 64;

        if (blanks != 0) {
            leaf = leaf / 64 * 64 + (uint32_t)__builtin_ctzll(blanks);
            break;
        }
        leaf = (leaf / 64 + 1) * 64;
    }
    t->blank_from = leaf < t->size ? leaf : t->size;
    return t->blank_from;
}

/* p's bytes with one more unmerged leaf, in its place. */
static struct node *parent_with(const struct node *p, uint32_t leaf)
{
    struct parent_node parent;
    struct node *v;
    uint8_t *list;
    size_t before, n;

    node_parent(p, &parent);
    n = parent.unmerged.len / 4;
    before = leaves_before(parent.unmerged, leaf);
    /* Made with room for one more, then the entry is put where it belongs. */
    v = node_new_parent(parent.encryption_key, parent.parent_hash,
                        (struct mw_span){ NULL, parent.unmerged.len + 4 });
    if (v == NULL)
        return NULL;
    list = v->wire + v->len - 4 * (n + 1);
    if (before > 0)
        memcpy(list, parent.unmerged.data, 4 * before);
    for (int shift = 24; shift >= 0; shift -= 8)
        list[4 * before + 3 - shift / 8] = (uint8_t)(leaf >> shift);
    if (before < n)
        memcpy(list + 4 * (before + 1), parent.unmerged.data + 4 * before, 4 * (n - before));
    return v;
}

/* Parents above a new leaf list it as unmerged (12.1.1). */
static int unmerge_path(struct tree *t, uint32_t leaf)
{
    for (uint32_t x = node_of_leaf(leaf); x != node_root(t->size);) {
        struct node *v;
        int error;

        x = node_above(x);
        if (t->nodes[x] == NULL)
            continue;
        v = parent_with(t->nodes[x], leaf);
        error = v == NULL ? -ENOMEM : tree_put(t, x, v);
        if (error != 0)
            return error;
    }
    return 0;
}

int tree_add(struct tree *t, const struct leaf_node *v, uint32_t *leaf)
{
    uint32_t at;
    int error = tree_leaf_check(t, v, TREE_NONE, false);

    if (error != 0)
        return error;
    at = leftmost_blank(t);
    if (at == t->size)
        error = tree_grow(t);
    if (error == 0)
        error = unmerge_path(t, at);
    if (error == 0)
        error = leaf_put(t, at, v->wire);
    if (error == 0)
        *leaf = at;
    return error;
}

/* ---------------------------------------------------------------- update and remove ---- */

static bool is_member(const struct tree *t, uint32_t leaf)
{
    return leaf < t->size && t->nodes[node_of_leaf(leaf)] != NULL;
}

int tree_update(struct tree *t, uint32_t leaf, const struct leaf_node *v)
{
    int error = is_member(t, leaf) ? tree_leaf_check(t, v, leaf, false) : TREE_E_BLANK;

    if (error == 0)
        error = tree_blank_path(t, leaf);
    if (error == 0)
        error = leaf_put(t, leaf, v->wire);
    return error;
}

static uint32_t last_member(const struct tree *t)
{
    for (uint32_t i = (t->size + 63) / 64; i > 0; i--)
        if (t->present[i - 1] != 0)
            return 64 * i - 1 - (uint32_t)__builtin_clzll(t->present[i - 1]);
    return TREE_NONE;
}

/* Halves the tree as long as its right half has no members (7.7). */
static int truncate_blank(struct tree *t)
{
    uint32_t last = last_member(t), size = t->size;

    while (size > 0 && (last == TREE_NONE || last < size / 2))
        size /= 2;
    if (last == 0)
        size = 1;
    for (uint32_t x = nodes_of(size); x < nodes_of(t->size); x++) {
        int error = tree_put(t, x, NULL);

        if (error != 0)
            return error;
    }
    t->size = size;
    if (t->blank_from > size)
        t->blank_from = size;
    return 0;
}

int tree_remove(struct tree *t, uint32_t leaf)
{
    int error;

    if (!is_member(t, leaf))
        return TREE_E_BLANK;
    error = tree_blank_path(t, leaf);
    if (error == 0)
        error = tree_put(t, node_of_leaf(leaf), NULL);
    return error == 0 ? truncate_blank(t) : error;
}
