#include "kem_world.h"

void kem_world_init(struct kem_world *w, struct suited s, uint64_t seed)
{
    *w = (struct kem_world){ .s = s, .random = mw_random_system(), .dice = { seed } };
}

void kem_leave(struct kem_world *w, uint32_t leaf)
{
    tree_keys_free(w->members[leaf].keys);
    tree_free(w->members[leaf].tree);
    w->members[leaf] = (struct kem_member){ .tree = NULL };
}

void kem_world_deinit(struct kem_world *w)
{
    for (uint32_t i = 0; i < KEM_MEMBERS; i++)
        kem_leave(w, i);
}

void kem_path_deinit(struct kem_path *p)
{
    buf_deinit(&p->bytes);
    secret_wipe(&p->commit);
    path_maker_free(p->maker);
}

int kem_leaf_make(struct kem_world *w, struct model_leaf *out, uint8_t source,
                  struct mw_span parent_hash, uint8_t *scalar)
{
    uint8_t point[CRYPT_POINT_MAX];
    struct mw_span none = { NULL, 0 };
    int error = hpke_pair_make(w->s.crypto, w->s.suite->hpke.kem, w->random, scalar, point);

    model_leaf_keyed(out, &w->dice, source, parent_hash, span_of(point, w->s.suite->npk), none);
    return error;
}

int kem_found(struct kem_world *w)
{
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct mw_span none = { NULL, 0 };
    struct model_leaf made;
    uint32_t leaf;
    int error = kem_leaf_make(w, &made, LEAF_KEY_PACKAGE, none, scalar);

    if (error == 0)
        error = tree_new(&w->members[0].tree, w->s);
    if (error == 0)
        error = tree_add(w->members[0].tree, &made.leaf, &leaf);
    if (error == 0)
        error = tree_keys_new(&w->members[0].keys, leaf, span_of(scalar, w->s.suite->nsk));
    return error;
}

struct mw_span kem_context(struct kem_world *w, struct tree *t, uint8_t out[160])
{
    memset(out, 0, 160);
    out[0] = (uint8_t)w->epoch;
    if (tree_hash(t, tree_root(t), out + 1) != 0)
        out[0] = 0xff;
    return span_of(out, 160);
}

bool kem_path_read(struct kem_path *out)
{
    struct reader r = { .rest = buf_span(&out->bytes) };

    update_path_read(&out->path, &r);
    return buf_error(&out->bytes) == 0 && read_done(&r);
}

int kem_path_make(struct kem_world *w, uint32_t sender, const uint32_t *skip, size_t skips,
                  struct kem_path *out)
{
    struct kem_member *m = &w->members[sender];
    struct model_leaf made;
    uint8_t context[160];
    struct mw_span signer;
    struct leaf_node old;
    size_t at;
    int error = path_derive(&out->maker, m->tree, m->keys, w->random);

    if (error != 0)
        return error;
    out->commit = *path_maker_commit_secret(out->maker);
    if (!tree_leaf(m->tree, sender, &old))
        return TREE_E_BLANK;
    signer = old.signature_key;
    model_leaf_keyed(&made, &w->dice, LEAF_COMMIT, path_maker_parent_hash(out->maker),
                     path_maker_leaf_key(out->maker), signer);
    error = tree_set_leaf(m->tree, sender, &made.leaf);
    if (error != 0)
        return error;
    out->bytes = (struct buf)BUF_INIT(1 << 20);
    buf_add(&out->bytes, made.leaf.wire);
    at = vector_open(&out->bytes);
    error = path_seal(out->maker, m->tree, w->random, kem_context(w, m->tree, context), skip,
                      skips, &out->bytes);
    vector_close(&out->bytes, at);
    if (error == 0)
        error = buf_error(&out->bytes);
    return error != 0 ? error : kem_path_read(out) ? 0 : TREE_E_MALFORMED;
}

int kem_path_follow(struct kem_world *w, uint32_t leaf, uint32_t sender,
                    const struct update_path *path, const uint32_t *skip, size_t skips,
                    struct secret *commit)
{
    struct kem_member *m = &w->members[leaf];
    uint8_t context[160];
    int error = path_merge(m->tree, sender, path);

    return error != 0 ? error
                      : path_open(m->keys, m->tree, sender, path, kem_context(w, m->tree, context),
                                  skip, skips, commit);
}

int kem_join(struct kem_world *w, uint32_t from, uint32_t leaf, struct mw_span scalar)
{
    struct buf b = BUF_INIT(1 << 20);
    int error;

    tree_write(w->members[from].tree, &b);
    error = buf_error(&b);
    if (error == 0)
        error = tree_read(&w->members[leaf].tree, w->s, buf_span(&b));
    if (error == 0)
        error = tree_keys_new(&w->members[leaf].keys, leaf, scalar);
    buf_deinit(&b);
    return error;
}
