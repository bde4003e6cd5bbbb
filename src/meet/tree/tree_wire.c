/* ratchet_tree (12.4.3.3): read within bounds, and written. */
#include <errno.h>
#include <stdlib.h>

#include "meet/tree/node.h"

enum { NODE_LEAF = 1, NODE_PARENT = 2 };

/* One Node's content into *wire; false: not well formed, or of the kind that stands elsewhere. */
static bool node_read(struct reader *r, uint32_t x, struct mw_span *wire,
                      struct mw_span *signature_key)
{
    uint8_t kind = read_u8(r);
    struct parent_node parent;
    struct leaf_node leaf;
    struct mw_span from = r->rest;

    *signature_key = (struct mw_span){ NULL, 0 };
    if (kind == NODE_LEAF && node_is_leaf(x)) {
        leaf_node_read(&leaf, r);
        *signature_key = leaf.signature_key;
    } else if (kind == NODE_PARENT && !node_is_leaf(x)) {
        parent_node_read(&parent, r);
    } else {
        read_fail(r);
    }
    if (r->failed)
        return false;
    *wire = span_of(from.data, from.len - r->rest.len);
    return true;
}

static int node_take(struct tree *t, uint32_t x, struct reader *r)
{
    struct mw_span wire, key, signature_key;
    struct node *v;

    if (!node_read(r, x, &wire, &signature_key))
        return TREE_E_MALFORMED;
    v = node_new(wire);
    if (v == NULL)
        return -ENOMEM;
    key = node_key(v);
    if (tree_has_encryption_key(t, key)
        || (node_is_leaf(x) && tree_find_signature_key(t, signature_key) != TREE_NONE)) {
        free(v);
        return TREE_E_KEY_TWICE;
    }
    if (key.len != t->suited.suite->npk) {
        free(v);
        return TREE_E_KEY;
    }
    return tree_put(t, x, v);
}

static int nodes_read(struct tree *t, struct reader *r)
{
    uint32_t x = 0;
    bool blank = true;

    for (; read_more(r); x++) {
        int error = x < nodes_of(t->size) ? 0 : tree_grow(t);
        uint8_t present = read_u8(r);

        if (error == 0 && present > 1)
            error = TREE_E_MALFORMED;
        blank = present == 0;
        if (error == 0 && !blank)
            error = node_take(t, x, r);
        if (error != 0)
            return error;
    }
    /* An array of whole subtrees is of odd length, and its last is no blank (12.4.3.3). */
    return r->failed || blank || x % 2 == 0 ? TREE_E_MALFORMED : 0;
}

/* The next node that is not blank on the way from p down to the leaf: p's own are checked with
 * p, so that each list needs to be compared with the next below only. */
static uint32_t next_below(const struct tree *t, uint32_t p, uint32_t leaf)
{
    uint32_t x = node_of_leaf(leaf);

    do
        p = x < p ? node_left(p) : node_right(p);
    while (p != x && t->nodes[p] == NULL);
    return p;
}

/* Each entry is a member below, in order, and the parents between say so, too (12.4.3.1). */
static bool unmerged_fits(const struct tree *t, uint32_t p)
{
    struct parent_node parent, lower = { .unmerged = { NULL, 0 } };
    uint32_t before = TREE_NONE, below = TREE_NONE;
    size_t at = 0;

    node_parent(t->nodes[p], &parent);
    if (parent.unmerged.len % 4 != 0)
        return false;
    for (size_t i = 0; i < parent.unmerged.len / 4; i++) {
        uint32_t leaf = u32_list_at(parent.unmerged, i);

        if ((i > 0 && leaf <= before) || leaf < leaf_first(p) || leaf > leaf_last(p)
            || t->nodes[node_of_leaf(leaf)] == NULL)
            return false;
        before = leaf;
        if (below == TREE_NONE || !node_covers(below, leaf)) {
            below = next_below(t, p, leaf);
            at = 0;
            if (!node_is_leaf(below))
                node_parent(t->nodes[below], &lower);
        }
        if (node_is_leaf(below))
            continue;
        while (at < lower.unmerged.len / 4 && u32_list_at(lower.unmerged, at) < leaf)
            at++;
        if (at >= lower.unmerged.len / 4 || u32_list_at(lower.unmerged, at) != leaf)
            return false;
    }
    return true;
}

static int tree_fill(struct tree *t, struct mw_span content)
{
    struct reader r = { .rest = content };
    uint8_t seed[CRYPT_HASH_MAX];
    int error = crypt_digest(t->suited.crypto, t->suited.suite->hash, &content, 1, seed);

    if (error != 0)
        return error;
    /* Whoever made the keys cannot have aimed them at a seed that depends on them all. */
    memcpy(t->keys.seed, seed, sizeof(t->keys.seed));
    memcpy(t->signers.seed, seed, sizeof(t->signers.seed));
    memcpy(&t->census.seed, seed, sizeof(t->census.seed));
    error = nodes_read(t, &r);
    for (uint32_t p = 1; p < nodes_of(t->size) && error == 0; p += 2)
        if (t->nodes[p] != NULL && !unmerged_fits(t, p))
            error = TREE_E_UNMERGED;
    return error;
}

int tree_read(struct tree **out, struct suited s, struct mw_span content)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    int error = tree_new(&t, s);

    if (error == 0)
        error = tree_fill(t, content);
    if (error != 0)
        return error;
    *out = t;
    t = NULL;
    return 0;
}

void tree_write(const struct tree *t, struct buf *out)
{
    uint32_t n = nodes_of(t->size);

    while (n > 0 && t->nodes[n - 1] == NULL)
        n--;
    for (uint32_t x = 0; x < n; x++) {
        const struct node *v = t->nodes[x];

        buf_u8(out, v != NULL);
        if (v == NULL)
            continue;
        buf_u8(out, node_is_leaf(x) ? NODE_LEAF : NODE_PARENT);
        buf_add(out, span_of(v->wire, v->len));
    }
}
