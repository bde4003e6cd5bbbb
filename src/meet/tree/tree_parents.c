/*
 * Who vouches for a parent node (7.9.2).  Of a parent P with children C and S, a node D below C
 * does if D is all of C's resolution but P's unmerged leaves there, and D carries P's parent
 * hash over S as it was when P was set: without P's unmerged leaves.
 *
 * Cost: each list of unmerged leaves is gone through a few times for each level above it, so
 * n log n nodes are looked at, and hashed only where leaves were added below.
 */
#include <errno.h>
#include <stdlib.h>

#include "meet/tree/node.h"

/* Hashes of a tree without some leaves, one level after the other. */
struct past {
    struct tree *t;
    struct mw_span without;     /* leaves, increasing */
    struct past_node {
        uint32_t node;
        uint8_t hash[CRYPT_HASH_MAX];
    } *nodes;                   /* what differs from the present tree on this level */
    size_t n;
    struct buf list;
};

static void past_deinit(struct past *p)
{
    free(p->nodes);
    buf_deinit(&p->list);
}

/* What is in `list` and not in `gone`; both increase. */
static void list_less(struct buf *out, struct mw_span list, struct mw_span gone)
{
    size_t at = 0;

    buf_truncate(out, 0);
    for (size_t i = 0; i < list.len / 4; i++) {
        uint32_t leaf = u32_list_at(list, i);

        while (at < gone.len / 4 && u32_list_at(gone, at) < leaf)
            at++;
        if (at >= gone.len / 4 || u32_list_at(gone, at) != leaf)
            buf_u32(out, leaf);
    }
}

static int past_parent(struct past *p, uint32_t x, const uint8_t *left, const uint8_t *right,
                       uint8_t *out)
{
    const struct node *v = p->t->nodes[x];
    struct mw_span none = { NULL, 0 };
    struct parent_node parent;

    if (v == NULL)
        return hash_parent(p->t, none, none, left, right, out);
    node_parent(v, &parent);
    list_less(&p->list, parent.unmerged, leaves_below(p->without, x));
    if (buf_error(&p->list) != 0)
        return buf_error(&p->list);
    return hash_parent(p->t, node_parent_head(v), buf_span(&p->list), left, right, out);
}

/* From one level to the next above it. */
static int past_rise(struct past *p)
{
    size_t to = 0;

    for (size_t i = 0; i < p->n; to++) {
        uint32_t x = p->nodes[i].node, above = node_above(x);
        uint8_t other[CRYPT_HASH_MAX], made[CRYPT_HASH_MAX];
        const uint8_t *left = p->nodes[i].hash, *right = other;
        bool both = i + 1 < p->n && node_above(p->nodes[i + 1].node) == above;
        int error = 0;

        if (both)
            right = p->nodes[i + 1].hash;
        else
            error = tree_hash(p->t, node_sibling(x), other);
        if (!both && x > above) {
            left = other;
            right = p->nodes[i].hash;
        }
        if (error == 0)
            error = past_parent(p, above, left, right, made);
        if (error != 0)
            return error;
        i += both ? 2 : 1;
        p->nodes[to].node = above;
        memcpy(p->nodes[to].hash, made, sizeof(made));
    }
    p->n = to;
    return 0;
}

/* The tree hash of s without those leaves. */
static int original_hash(struct tree *t, uint32_t s, struct mw_span without, uint8_t *out)
{
    CLEANUP(past_deinit) struct past p = { .t = t, .without = without,
                                           .list = BUF_INIT(4 * (size_t)TREE_LEAVES_MAX) };
    int error = 0;

    if (without.len == 0)
        return tree_hash(t, s, out);
    p.n = without.len / 4;
    p.nodes = calloc(p.n, sizeof(*p.nodes));
    if (p.nodes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p.n && error == 0; i++) {
        uint32_t leaf = u32_list_at(without, i);

        p.nodes[i].node = node_of_leaf(leaf);
        error = hash_leaf(t, leaf, NULL, p.nodes[i].hash);
    }
    for (uint32_t level = 0; level < node_level(s) && error == 0; level++)
        error = past_rise(&p);
    if (error == 0)
        memcpy(out, p.nodes[0].hash, t->suited.suite->nh);
    return error;
}

/* The one node of c's resolution that is not among P's unmerged leaves, if the others there are
 * exactly these; TREE_NONE. */
static uint32_t resolution_less(const struct tree *t, uint32_t c, struct mw_span unmerged)
{
    uint32_t found = TREE_NONE;
    size_t at = 0, n = unmerged.len / 4;
    struct walk w;

    walk_begin(&w, t, c);
    for (uint32_t x = walk_next(&w); x != TREE_NONE; x = walk_next(&w)) {
        bool said = node_is_leaf(x) && at < n && u32_list_at(unmerged, at) == leaf_of_node(x);

        if (said)
            at++;
        else if (found == TREE_NONE)
            found = x;
        else
            return TREE_NONE;
    }
    return at == n ? found : TREE_NONE;
}

static struct mw_span hash_carried(const struct tree *t, uint32_t x)
{
    struct parent_node parent;
    struct leaf_node leaf;

    if (node_is_leaf(x)) {
        node_leaf(t->nodes[x], &leaf);
        return leaf.source == LEAF_COMMIT ? leaf.parent_hash : (struct mw_span){ NULL, 0 };
    }
    node_parent(t->nodes[x], &parent);
    return parent.parent_hash;
}

/* Adds one to *vouchers if a node below c, the sibling of s, vouches for p. */
static int look_below(struct tree *t, uint32_t p, uint32_t c, uint32_t s, unsigned *vouchers)
{
    uint8_t sibling[CRYPT_HASH_MAX], hash[CRYPT_HASH_MAX];
    struct parent_node parent;
    struct mw_span carried;
    uint32_t d;
    int error;

    node_parent(t->nodes[p], &parent);
    d = resolution_less(t, c, leaves_below(parent.unmerged, c));
    if (d == TREE_NONE)
        return 0;
    carried = hash_carried(t, d);
    if (carried.len != t->suited.suite->nh)
        return 0;
    error = original_hash(t, s, leaves_below(parent.unmerged, s), sibling);
    if (error == 0)
        error = parent_hash(t, node_parent_head(t->nodes[p]), sibling, hash);
    if (error == 0 && span_eq(carried, span_of(hash, carried.len)))
        ++*vouchers;
    return error;
}

int tree_check_parents(struct tree *t)
{
    for (uint32_t p = 1; p < nodes_of(t->size); p += 2) {
        unsigned vouchers = 0;
        int error;

        if (t->nodes[p] == NULL)
            continue;
        error = look_below(t, p, node_left(p), node_right(p), &vouchers);
        if (error == 0)
            error = look_below(t, p, node_right(p), node_left(p), &vouchers);
        if (error != 0)
            return error;
        if (vouchers != 1)
            return TREE_E_PARENT_HASH;
    }
    return 0;
}
