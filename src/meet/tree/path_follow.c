/* The follower's side of an update path (RFC 9420 7.5, 7.6, 12.4.2). */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/tree/path.h"

/* An UpdatePathNode whose ciphertexts were gone through when the path was read: not again. */
static void node_cut(struct path_node *v, struct reader *r)
{
    v->encryption_key = vector_read(r);
    v->ciphertexts = vector_read(r);
}

/* ---------------------------------------------------------------------------- public ---- */

/* The keys that a path announces, one for each node of the filtered path. */
static int keys_read(const struct path *p, struct mw_span nodes, struct mw_span *keys)
{
    struct reader r = { .rest = nodes };

    for (uint32_t i = 0; i < p->n; i++) {
        struct path_node v;

        if (!read_more(&r))
            return TREE_E_PATH_LENGTH;
        node_cut(&v, &r);
        keys[i] = v.encryption_key;
    }
    return read_done(&r) ? 0 : r.failed ? TREE_E_MALFORMED : TREE_E_PATH_LENGTH;
}

/* None of the path's keys is in the tree, or twice in the path (12.4.2). */
static int keys_check(const struct tree *t, struct mw_span leaf_key, const struct mw_span *keys,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int error;

        if (tree_has_encryption_key(t, keys[i]) || span_eq(keys[i], leaf_key))
            return TREE_E_KEY_TWICE;
        for (uint32_t k = 0; k < i; k++)
            if (span_eq(keys[i], keys[k]))
                return TREE_E_KEY_TWICE;
        error = crypt_point_check(t->suited.crypto, t->suited.suite->group, keys[i]);
        if (error != 0)
            return error > 0 ? TREE_E_KEY : error;
    }
    return 0;
}

static int merge(struct tree *t, uint32_t sender, const struct update_path *path)
{
    struct mw_span keys[PATH_NODES];
    uint8_t hash[CRYPT_HASH_MAX];
    size_t len;
    struct path p;
    int error;

    path_filter(t, sender, &p);
    error = keys_read(&p, path->nodes, keys);
    if (error == 0)
        error = keys_check(t, path->leaf.encryption_key, keys, p.n);
    if (error == 0)
        error = path_put(t, sender, &p, keys, hash, &len);
    if (error != 0)
        return error;
    /* 7.9.2: MUST be what we find. */
    if (path->leaf.source != LEAF_COMMIT || !span_eq(path->leaf.parent_hash, span_of(hash, len)))
        return TREE_E_PARENT_HASH;
    return leaf_put(t, sender, path->leaf.wire);
}

int path_merge(struct tree *t, uint32_t sender, const struct update_path *path)
{
    int error;

    if (sender >= t->size || t->nodes[node_of_leaf(sender)] == NULL)
        return TREE_E_BLANK;
    error = tree_leaf_check(t, &path->leaf, sender, false);
    return error != 0 ? error : merge(t, sender, path);
}

int path_merge_new(struct tree *t, const struct update_path *path, uint32_t *leaf)
{
    int error = tree_add(t, &path->leaf, leaf);

    return error != 0 ? error : merge(t, *leaf, path);
}

/* ---------------------------------------------------------------------------- secret ---- */

/* Where our ciphertext is. */
struct place {
    uint32_t level;             /* in the filtered path */
    uint32_t node;              /* whose private key opens it */
};

/* One to four bytes. */
static bool same_head(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* How many HPKECiphertext there are; entry `index`, if there is one, goes into *out.  Most are as
 * long as the one before, so its two lengths are compared where they would be. */
static size_t ciphertexts_count(struct mw_span list, size_t index, struct hpke_ciphertext *out)
{
    struct reader r = { .rest = list };
    size_t n = 0;

    while (read_more(&r)) {
        struct mw_span at = r.rest;
        struct hpke_ciphertext v;
        size_t len, second, heads[2];

        hpke_ciphertext_read(&v, &r);
        if (r.failed)
            return SIZE_MAX;    /* as many as nobody wants */
        len = at.len - r.rest.len;
        heads[0] = vector_header(v.kem_output.len);
        heads[1] = vector_header(v.ciphertext.len);
        second = heads[0] + v.kem_output.len;
        if (n++ == index)
            *out = v;
        while (n != index && r.rest.len >= len && same_head(r.rest.data, at.data, heads[0])
               && same_head(r.rest.data + second, at.data + second, heads[1])) {
            r.rest = span_of(r.rest.data + len, r.rest.len - len);
            n++;
        }
    }
    return n;
}

/* How many recipients a copath node has, and which of them we are. */
static size_t recipients_count(const struct tree_keys *k, struct recipients *to, size_t *ours,
                               uint32_t *node)
{
    uint32_t leaf = tree_keys_leaf(k);
    size_t n = 0;

    *ours = SIZE_MAX;
    for (uint32_t x = recipients_next(to); x != TREE_NONE; x = recipients_next(to), n++) {
        struct mw_span scalar;

        if (node_covers(x, leaf) && *ours == SIZE_MAX && tree_keys_get(k, x, &scalar)) {
            *ours = n;
            *node = x;
        }
    }
    return n;
}

/* One ciphertext for each node of each resolution (7.6), all of them counted before one is
 * opened; ours into *sealed. */
static int find_ours(const struct tree_keys *k, const struct tree *t, const struct path *p,
                     struct mw_span nodes, const uint32_t *skip, size_t skips, struct place *at,
                     struct hpke_ciphertext *sealed)
{
    struct reader r = { .rest = nodes };

    at->node = TREE_NONE;
    for (uint32_t i = 0; i < p->n; i++) {
        struct recipients to;
        struct path_node v;
        uint32_t node;
        size_t ours, want;

        if (!read_more(&r))
            return TREE_E_PATH_LENGTH;
        node_cut(&v, &r);
        recipients_begin(&to, t, p->copath[i], skip, skips);
        want = recipients_count(k, &to, &ours, &node);
        if (ciphertexts_count(v.ciphertexts, ours, sealed) != want)
            return TREE_E_PATH_CIPHERTEXTS;
        if (ours != SIZE_MAX)
            *at = (struct place){ .level = i, .node = node };
    }
    return !read_done(&r) ? TREE_E_PATH_LENGTH : at->node == TREE_NONE ? TREE_E_NO_KEY : 0;
}

static int secret_open(const struct tree_keys *k, const struct tree *t, uint32_t node,
                       struct mw_span context, const struct hpke_ciphertext *sealed,
                       struct secret *out)
{
    struct suited s = t->suited;
    struct mw_span scalar = { NULL, 0 };
    int error;

    if (!tree_keys_get(k, node, &scalar))
        return TREE_E_NO_KEY;
    if (sealed->ciphertext.len != (size_t)s.suite->nh + CRYPT_TAG)
        return TREE_E_PATH_SEALED;
    error = label_open(s, scalar, node_key(t->nodes[node]), "UpdatePathNode", context,
                       sealed->kem_output, sealed->ciphertext, out->bytes);
    out->len = s.suite->nh;
    return error > 0 ? TREE_E_PATH_SEALED : error;
}

int path_open(struct tree_keys *keys, const struct tree *t, uint32_t sender,
              const struct update_path *path, struct mw_span context, const uint32_t *skip,
              size_t skips, struct secret *commit_secret)
{
    CLEANUP(secret_wipe) struct secret secret = { .len = 0 };
    CLEANUP(own_free) uint32_t *sorted = NULL;
    struct hpke_ciphertext sealed;
    struct place at;
    struct path p;
    int error;

    if (sender >= t->size || tree_keys_leaf(keys) >= t->size)
        return TREE_E_BLANK;
    tree_keys_prune(keys, t);
    path_filter(t, sender, &p);
    error = skip_sort(&sorted, skip, skips);
    if (error == 0)
        error = find_ours(keys, t, &p, path->nodes, sorted, skips, &at, &sealed);
    if (error == 0)
        error = secret_open(keys, t, at.node, context, &sealed, &secret);
    if (error != 0)
        return error;
    tree_keys_forget_above(keys, p.node[at.level]);
    error = path_climb(keys, t, &p, at.level, &secret);
    if (error == 0)
        *commit_secret = secret;
    return error;
}
