/* A member's private keys: one for each level of the tree at most, its leaf's the first. */
#include <errno.h>

#include "meet/tree/cell.h"
#include "meet/tree/path.h"

struct held {
    bool is;
    uint32_t node;
    uint8_t scalar_len, point_len;
    uint8_t scalar[CRYPT_SCALAR_MAX];
    uint8_t point[CRYPT_POINT_MAX];     /* a leaf's need not be known */
};

struct tree_keys {
    uint32_t leaf;
    struct held at[PATH_LEVELS];        /* by level */
};

_Static_assert(sizeof(struct tree_keys) <= CELL_BYTES, "a cell holds a member's keys");

static int held_set(struct held *h, uint32_t node, struct mw_span scalar, struct mw_span point)
{
    if (scalar.len == 0 || scalar.len > sizeof(h->scalar) || point.len > sizeof(h->point))
        return TREE_E_KEY;
    secret_clear(h, sizeof(*h));
    h->is = true;
    h->node = node;
    h->scalar_len = (uint8_t)scalar.len;
    h->point_len = (uint8_t)point.len;
    memcpy(h->scalar, scalar.data, scalar.len);
    if (point.len > 0)
        memcpy(h->point, point.data, point.len);
    return 0;
}

int tree_keys_new(struct tree_keys **out, uint32_t leaf, struct mw_span scalar)
{
    CLEANUP(tree_keys_freep) struct tree_keys *k = cell_new(NULL);
    int error;

    if (k == NULL)
        return -ENOMEM;
    k->leaf = leaf;
    error = tree_keys_set_leaf(k, scalar);
    if (error != 0)
        return error;
    *out = k;
    k = NULL;
    return 0;
}

int tree_keys_copy(struct tree_keys **out, const struct tree_keys *k)
{
    struct tree_keys *copy = cell_new(k);

    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, k, sizeof(*copy));
    *out = copy;
    return 0;
}

void tree_keys_free(struct tree_keys *k)
{
    cell_free(k);
}

void tree_keys_freep(struct tree_keys **at)
{
    tree_keys_free(*at);
}

uint32_t tree_keys_leaf(const struct tree_keys *k)
{
    return k->leaf;
}

int tree_keys_set_leaf(struct tree_keys *k, struct mw_span scalar)
{
    struct mw_span unknown = { NULL, 0 };

    return held_set(&k->at[0], node_of_leaf(k->leaf), scalar, unknown);
}

int tree_keys_set(struct tree_keys *k, uint32_t node, struct mw_span scalar, struct mw_span point)
{
    uint32_t level = node_level(node);

    if (level >= PATH_LEVELS || !node_covers(node, k->leaf))
        return TREE_E_NO_KEY;
    return held_set(&k->at[level], node, scalar, point);
}

bool tree_keys_get(const struct tree_keys *k, uint32_t node, struct mw_span *scalar)
{
    uint32_t level = node_level(node);
    const struct held *h = &k->at[level < PATH_LEVELS ? level : 0];

    if (!h->is || h->node != node)
        return false;
    *scalar = span_of(h->scalar, h->scalar_len);
    return true;
}

void tree_keys_prune(struct tree_keys *k, const struct tree *t)
{
    for (uint32_t level = 1; level < PATH_LEVELS; level++) {
        struct held *h = &k->at[level];
        const struct node *v;

        if (!h->is)
            continue;
        v = h->node < nodes_of(t->size) ? t->nodes[h->node] : NULL;
        if (v == NULL || !span_eq(node_key(v), span_of(h->point, h->point_len)))
            secret_clear(h, sizeof(*h));
    }
}

void tree_keys_forget_above(struct tree_keys *k, uint32_t node)
{
    for (uint32_t level = node_level(node) > 0 ? node_level(node) : 1; level < PATH_LEVELS; level++)
        secret_clear(&k->at[level], sizeof(k->at[level]));
}

int tree_keys_implant(struct tree_keys *k, struct suited s, const struct tree *t, uint32_t sender,
                      struct mw_span path_secret)
{
    CLEANUP(secret_wipe) struct secret secret = { .len = 0 };
    struct path p;
    uint32_t common, i = 0;

    if (sender == k->leaf || sender >= t->size || k->leaf >= t->size)
        return TREE_E_BLANK;
    if (path_secret.len != s.suite->nh || secret_set(&secret, path_secret) != 0)
        return TREE_E_PATH_KEY;
    path_filter(t, sender, &p);
    common = node_common(sender, k->leaf);
    while (i < p.n && p.node[i] != common)
        i++;
    return i == p.n ? TREE_E_BLANK : path_climb(k, t, &p, i, &secret);
}

/* --------------------------------------------------------------------- save and load ---- */

size_t tree_keys_size(const struct tree_keys *k)
{
    size_t size = 4 + 1;

    for (uint32_t level = 0; level < PATH_LEVELS; level++)
        if (k->at[level].is)
            size += 4 + 4 + (size_t)k->at[level].scalar_len + 4 + k->at[level].point_len;
    return size;
}

void tree_keys_write(const struct tree_keys *k, struct buf *out)
{
    uint8_t n = 0;

    /* All at once: growing would leave secrets behind in memory that was freed. */
    if (buf_reserve(out, tree_keys_size(k)) == NULL)
        return;

    for (uint32_t level = 0; level < PATH_LEVELS; level++)
        n = (uint8_t)(n + k->at[level].is);
    buf_u32(out, k->leaf);
    buf_u8(out, n);
    for (uint32_t level = 0; level < PATH_LEVELS; level++) {
        const struct held *h = &k->at[level];

        if (!h->is)
            continue;
        buf_u32(out, h->node);
        vector_write(out, span_of(h->scalar, h->scalar_len));
        vector_write(out, span_of(h->point, h->point_len));
    }
}

static int keys_fill(struct tree_keys *k, struct reader *r)
{
    uint32_t before = 0;
    uint8_t n;

    k->leaf = read_u32(r);
    n = read_u8(r);
    if (k->leaf >= TREE_LEAVES_MAX || n == 0 || n > PATH_LEVELS)
        return TREE_E_MALFORMED;
    for (uint8_t i = 0; i < n; i++) {
        uint32_t node = read_u32(r);
        struct mw_span scalar = vector_read(r), point = vector_read(r);

        /* Upwards, one for a level, as they were written. */
        if (r->failed || (i > 0 && node_level(node) <= before) ||
            tree_keys_set(k, node, scalar, point) != 0)
            return TREE_E_MALFORMED;
        before = node_level(node);
    }
    return k->at[0].is ? 0 : TREE_E_MALFORMED;
}

int tree_keys_read(struct tree_keys **out, struct reader *r)
{
    CLEANUP(tree_keys_freep) struct tree_keys *k = cell_new(NULL);
    int error = k == NULL ? -ENOMEM : keys_fill(k, r);

    if (error != 0)
        return error;
    *out = k;
    k = NULL;
    return 0;
}
