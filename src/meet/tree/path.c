#include "meet/tree/path.h"

#include <errno.h>
#include <stdlib.h>

void path_filter(const struct tree *t, uint32_t leaf, struct path *p)
{
    uint32_t x = node_of_leaf(leaf);

    p->n = 0;
    while (x != node_root(t->size)) {
        uint32_t copath = node_sibling(x);
        struct walk w;

        x = node_above(x);
        walk_begin(&w, t, copath);
        if (walk_next(&w) == TREE_NONE)
            continue;
        p->node[p->n] = x;
        p->copath[p->n++] = copath;
    }
}

int path_put(struct tree *t, uint32_t leaf, const struct path *p, const struct mw_span *keys,
             uint8_t *hash, size_t *len)
{
    int error = tree_blank_path(t, leaf);

    *len = 0;
    for (uint32_t i = p->n; i-- > 0 && error == 0;) {
        struct mw_span none = { NULL, 0 };
        struct node *v = node_new_parent(keys[i], span_of(hash, *len), none);
        uint8_t sibling[CRYPT_HASH_MAX];

        if (v == NULL)
            return -ENOMEM;
        error = tree_put(t, p->node[i], v);
        if (error == 0)
            error = tree_hash(t, p->copath[i], sibling);
        if (error == 0)
            error = parent_hash(t, node_parent_head(v), sibling, hash);
        *len = t->suited.suite->nh;
    }
    return error;
}

/* What deriving can fail with is ours. */
static int ours(int error)
{
    return error > 0 ? -EIO : error;
}

int path_pair(struct suited s, const struct secret *path, uint8_t *scalar, uint8_t *point)
{
    CLEANUP(secret_wipe) struct secret node = { .len = 0 };
    int error = label_derive(s, secret_span(path), "node", &node);

    if (error == 0)
        error = hpke_pair_derive(s.crypto, s.suite->hpke.kem, secret_span(&node), scalar, point);
    return ours(error);
}

int path_step(struct suited s, struct secret *path)
{
    CLEANUP(secret_wipe) struct secret next = { .len = 0 };
    int error = label_derive(s, secret_span(path), "path", &next);

    if (error == 0)
        *path = next;
    return ours(error);
}

int path_climb(struct tree_keys *k, const struct tree *t, const struct path *p, uint32_t from,
               struct secret *secret)
{
    struct suited s = t->suited;
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    int error = 0;

    for (uint32_t i = from; i < p->n && error == 0; i++) {
        const struct node *v = t->nodes[p->node[i]];
        struct mw_span made = span_of(point, s.suite->npk);

        error = path_pair(s, secret, scalar, point);
        /* 7.5: derived keys MUST be those that were announced. */
        if (error == 0 && (v == NULL || !span_eq(node_key(v), made)))
            error = TREE_E_PATH_KEY;
        if (error == 0)
            error = tree_keys_set(k, p->node[i], span_of(scalar, s.suite->nsk), made);
        if (error == 0)
            error = path_step(s, secret);
    }
    secret_clear(scalar, sizeof(scalar));
    return error;
}

/* ----------------------------------------------------------------------- recipients ---- */

void recipients_begin(struct recipients *r, const struct tree *t, uint32_t node,
                      const uint32_t *skip, size_t skips)
{
    walk_begin(&r->walk, t, node);
    r->skip = skip;
    r->skips = skips;
}

uint32_t recipients_next(struct recipients *r)
{
    for (;;) {
        uint32_t x = walk_next(&r->walk);

        if (x == TREE_NONE || !node_is_leaf(x))
            return x;
        /* Leaves come in order (meet/tree/tree_parents.c relies on it, too). */
        while (r->skips > 0 && *r->skip < leaf_of_node(x)) {
            r->skip++;
            r->skips--;
        }
        if (r->skips == 0 || *r->skip != leaf_of_node(x))
            return x;
    }
}

static int leaf_cmp(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

int skip_sort(uint32_t **out, const uint32_t *skip, size_t skips)
{
    uint32_t *copy = malloc((skips + 1) * sizeof(*copy));

    if (copy == NULL)
        return -ENOMEM;
    if (skips > 0) {
        memcpy(copy, skip, skips * sizeof(*copy));
        qsort(copy, skips, sizeof(*copy), leaf_cmp);
    }
    *out = copy;
    return 0;
}
