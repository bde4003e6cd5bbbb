/* Tree hashes (7.8), remembered for parents, and parent hashes (7.9). */
#include "meet/tree/node.h"

static int digest(const struct tree *t, const struct mw_span *parts, size_t n, uint8_t *out)
{
    return crypt_digest(t->suited.crypto, t->suited.suite->hash, parts, n, out);
}

/* TreeHashInput with a LeafNodeHashInput. */
int hash_leaf(const struct tree *t, uint32_t leaf, const struct node *v, uint8_t *out)
{
    const uint8_t head[] = { 1, (uint8_t)(leaf >> 24), (uint8_t)(leaf >> 16), (uint8_t)(leaf >> 8),
                             (uint8_t)leaf, v != NULL };
    const struct mw_span parts[] = {
        { head, sizeof(head) },
        { v != NULL ? v->wire : NULL, v != NULL ? v->len : 0 },
    };

    return digest(t, parts, ARRAY_LEN(parts), out);
}

/* TreeHashInput with a ParentNodeHashInput. */
int hash_parent(const struct tree *t, struct mw_span head, struct mw_span unmerged,
                const uint8_t *left, const uint8_t *right, uint8_t *out)
{
    const uint8_t kind[] = { 2, head.len > 0 };
    uint8_t list[4], child[4];
    size_t nh = t->suited.suite->nh;
    size_t list_len = head.len > 0 ? vector_header_put(list, unmerged.len) : 0;
    size_t child_len = vector_header_put(child, nh);
    const struct mw_span parts[] = {
        { kind, sizeof(kind) }, head,           { list, list_len },   unmerged,
        { child, child_len },   { left, nh },   { child, child_len }, { right, nh },
    };

    return digest(t, parts, ARRAY_LEN(parts), out);
}

int parent_hash(const struct tree *t, struct mw_span head, const uint8_t *sibling, uint8_t *out)
{
    uint8_t length[4];
    size_t nh = t->suited.suite->nh, n = vector_header_put(length, nh);
    const struct mw_span parts[] = { head, { length, n }, { sibling, nh } };

    return digest(t, parts, ARRAY_LEN(parts), out);
}

static bool is_hashed(const struct tree *t, uint32_t x)
{
    return node_is_leaf(x) || (t->hashed[x / 2 / 64] >> x / 2 % 64 & 1) != 0;
}

static uint8_t *hash_at(const struct tree *t, uint32_t x)
{
    return t->hashes + (size_t)(x / 2) * t->suited.suite->nh;
}

static int hash_of_child(struct tree *t, uint32_t x, uint8_t out[CRYPT_HASH_MAX],
                         const uint8_t **at)
{
    *at = out;
    if (node_is_leaf(x))
        return hash_leaf(t, leaf_of_node(x), t->nodes[x], out);
    *at = hash_at(t, x);
    return 0;
}

/* Both children's hashes are there. */
static int hash_one(struct tree *t, uint32_t x)
{
    uint8_t left[CRYPT_HASH_MAX], right[CRYPT_HASH_MAX];
    const uint8_t *at_left, *at_right;
    struct mw_span head = { NULL, 0 };
    struct parent_node parent = { .unmerged = { NULL, 0 } };
    int error = hash_of_child(t, node_left(x), left, &at_left);

    if (error == 0)
        error = hash_of_child(t, node_right(x), right, &at_right);
    if (error != 0)
        return error;
    if (t->nodes[x] != NULL) {
        head = node_parent_head(t->nodes[x]);
        node_parent(t->nodes[x], &parent);
    }
    error = hash_parent(t, head, parent.unmerged, at_left, at_right, hash_at(t, x));
    if (error == 0)
        t->hashed[x / 2 / 64] |= (uint64_t)1 << x / 2 % 64;
    return error;
}

/* Down to what is missing, up again when it is there; no stack. */
static int hash_below(struct tree *t, uint32_t top)
{
    for (uint32_t x = top; !is_hashed(t, top);) {
        int error;

        if (!is_hashed(t, node_left(x))) {
            x = node_left(x);
            continue;
        }
        if (!is_hashed(t, node_right(x))) {
            x = node_right(x);
            continue;
        }
        error = hash_one(t, x);
        if (error != 0)
            return error;
        if (x != top)
            x = node_above(x);
    }
    return 0;
}

int tree_hash(struct tree *t, uint32_t node, uint8_t *out)
{
    int error;

    if (node >= nodes_of(t->size))
        return TREE_E_BLANK;
    if (node_is_leaf(node))
        return hash_leaf(t, leaf_of_node(node), t->nodes[node], out);
    error = hash_below(t, node);
    if (error == 0)
        memcpy(out, hash_at(t, node), t->suited.suite->nh);
    return error;
}
