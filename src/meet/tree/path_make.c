/* The maker's side of an update path (RFC 9420 7.4, 7.5, 7.6). */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/tree/cell.h"
#include "meet/tree/path.h"

struct path_maker {
    struct suited suited;
    uint32_t leaf;
    struct path path;
    struct secret secrets[PATH_NODES];
    struct secret commit;
    uint8_t point[CRYPT_POINT_MAX];     /* the leaf's new public key */
    uint8_t hash[CRYPT_HASH_MAX];       /* the parent hash that it is to carry */
    size_t hash_len;
};

_Static_assert(sizeof(struct path_maker) <= CELL_BYTES, "a cell holds a path in the making");

void path_maker_free(struct path_maker *m)
{
    cell_free(m);
}

void path_maker_freep(struct path_maker **at)
{
    path_maker_free(*at);
}

static int leaf_derive(struct path_maker *m, struct tree_keys *keys, struct mw_random random)
{
    const struct suite *suite = m->suited.suite;
    uint8_t scalar[CRYPT_SCALAR_MAX];
    int error = hpke_pair_make(m->suited.crypto, suite->hpke.kem, random, scalar, m->point);

    if (error == 0)
        error = tree_keys_set_leaf(keys, span_of(scalar, suite->nsk));
    secret_clear(scalar, sizeof(scalar));
    return error > 0 ? -EIO : error;
}

/* Path secrets upwards from a random one, and their key pairs (7.4).  What is one more step
 * above the last is the commit secret (12.4.1). */
static int secrets_derive(struct path_maker *m, struct tree_keys *keys, struct mw_random random,
                          uint8_t (*points)[CRYPT_POINT_MAX])
{
    const struct suite *suite = m->suited.suite;
    struct secret *next = &m->commit;
    uint8_t scalar[CRYPT_SCALAR_MAX];
    int error = random.fill(random.context, next->bytes, suite->nh);

    next->len = suite->nh;
    for (uint32_t i = 0; i < m->path.n && error == 0; i++) {
        m->secrets[i] = *next;
        error = path_pair(m->suited, next, scalar, points[i]);
        if (error == 0)
            error = tree_keys_set(keys, m->path.node[i], span_of(scalar, suite->nsk),
                                  span_of(points[i], suite->npk));
        if (error == 0)
            error = path_step(m->suited, next);
    }
    secret_clear(scalar, sizeof(scalar));
    return error;
}

int path_derive(struct path_maker **out, struct tree *t, struct tree_keys *keys,
                struct mw_random random)
{
    CLEANUP(path_maker_freep) struct path_maker *m = NULL;
    uint8_t points[PATH_NODES][CRYPT_POINT_MAX];
    struct mw_span spans[PATH_NODES];
    int error;

    if (tree_keys_leaf(keys) >= t->size || t->nodes[node_of_leaf(tree_keys_leaf(keys))] == NULL)
        return TREE_E_BLANK;
    m = cell_new(keys);
    if (m == NULL)
        return -ENOMEM;
    m->suited = t->suited;
    m->leaf = tree_keys_leaf(keys);
    path_filter(t, m->leaf, &m->path);
    tree_keys_forget_above(keys, node_of_leaf(m->leaf));
    error = leaf_derive(m, keys, random);
    if (error == 0)
        error = secrets_derive(m, keys, random, points);
    for (uint32_t i = 0; i < m->path.n; i++)
        spans[i] = span_of(points[i], m->suited.suite->npk);
    if (error == 0)
        error = path_put(t, m->leaf, &m->path, spans, m->hash, &m->hash_len);
    if (error != 0)
        return error;
    *out = m;
    m = NULL;
    return 0;
}

struct mw_span path_maker_leaf_key(const struct path_maker *m)
{
    return span_of(m->point, m->suited.suite->npk);
}

struct mw_span path_maker_parent_hash(const struct path_maker *m)
{
    return span_of(m->hash, m->hash_len);
}

const struct secret *path_maker_commit_secret(const struct path_maker *m)
{
    return &m->commit;
}

int path_maker_secret_for(const struct path_maker *m, const struct tree *t, uint32_t leaf,
                          struct secret *out)
{
    if (leaf == m->leaf || leaf >= t->size)
        return TREE_E_BLANK;
    for (uint32_t i = 0; i < m->path.n; i++)
        if (m->path.node[i] == node_common(m->leaf, leaf)) {
            *out = m->secrets[i];
            return 0;
        }
    return TREE_E_BLANK;
}

int tree_set_leaf(struct tree *t, uint32_t leaf, const struct leaf_node *v)
{
    int error;

    if (leaf >= t->size || t->nodes[node_of_leaf(leaf)] == NULL)
        return TREE_E_BLANK;
    error = tree_leaf_check(t, v, leaf, true);
    return error != 0 ? error : leaf_put(t, leaf, v->wire);
}

/* One path secret for each recipient below a copath node (7.6). */
static int secret_seal(const struct path_maker *m, const struct secret *secret,
                       struct recipients *to, struct mw_random random,
                       const struct hpke_common *common, struct buf *out)
{
    struct suited s = m->suited;
    uint8_t enc[CRYPT_POINT_MAX], sealed[CRYPT_HASH_MAX + CRYPT_TAG];
    int error = 0;

    for (uint32_t x = recipients_next(to); x != TREE_NONE && error == 0; x = recipients_next(to)) {
        error = label_seal_common(s, random, node_key(to->walk.t->nodes[x]), common,
                                  secret_span(secret), enc, sealed);
        if (error != 0)
            break;
        vector_write(out, span_of(enc, s.suite->npk));
        vector_write(out, span_of(sealed, secret->len + CRYPT_TAG));
        error = buf_error(out);
    }
    return error == CRYPT_E_KEY ? TREE_E_KEY : error > 0 ? -EIO : error;
}

int path_seal(struct path_maker *m, const struct tree *t, struct mw_random random,
              struct mw_span context, const uint32_t *skip, size_t skips, struct buf *nodes)
{
    CLEANUP(own_free) uint32_t *sorted = NULL;
    struct hpke_common common;
    int error = skip_sort(&sorted, skip, skips);

    /* All of the path is sealed under one context. */
    if (error == 0)
        error = label_common(m->suited, "UpdatePathNode", context, &common);
    if (error != 0)
        return error > 0 ? -EIO : error;
    for (uint32_t i = 0; i < m->path.n && error == 0; i++) {
        struct recipients to;
        size_t at;

        if (m->path.node[i] >= nodes_of(t->size) || t->nodes[m->path.node[i]] == NULL)
            return TREE_E_BLANK;
        recipients_begin(&to, t, m->path.copath[i], sorted, skips);
        vector_write(nodes, node_key(t->nodes[m->path.node[i]]));
        at = vector_open(nodes);
        error = secret_seal(m, &m->secrets[i], &to, random, &common, nodes);
        vector_close(nodes, at);
    }
    return error != 0 ? error : buf_error(nodes);
}
