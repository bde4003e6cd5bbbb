/* TreeKEM: update paths followed by every member, and made anew (RFC 9420 7.4 to 7.6). */
#include "meet/tree/math.h"
#include "meet/vectors/kinds.h"
#include "meet/vectors/trees.h"

enum { MEMBERS_MAX = 256 };

struct kem {
    struct run *run;
    struct suited s;
    const json_t *c;
    struct mw_span tree, group_id, transcript;
    uint64_t epoch;
    struct tree_keys *keys[MEMBERS_MAX];        /* by leaf; NULL: nobody there */
    struct mw_span signers[MEMBERS_MAX];
};

static void kem_deinit(struct kem *k)
{
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        tree_keys_free(k->keys[i]);
}

/* --------------------------------------------------------------- private state ---- */

/* The node's private key is this one's, and its public key the tree's. */
static bool consistent(struct kem *k, const struct tree *t, uint32_t node, struct mw_span scalar,
                       uint8_t *point)
{
    struct run *r = k->run;
    struct leaf_node leaf;
    struct parent_node parent;
    bool is_leaf = node_is_leaf(node);

    if (!run_true(r, "a node that is not blank", is_leaf ? tree_leaf(t, node / 2, &leaf)
                                                         : tree_parent(t, node, &parent))
        || !run_result(r, "public key", crypt_public(k->s.crypto, k->s.suite->group, scalar,
                                                     point)))
        return false;
    return run_same(r, "public key", is_leaf ? leaf.encryption_key : parent.encryption_key,
                    span_of(point, k->s.suite->npk));
}

/* The private key that follows from a path secret (7.4). */
static bool scalar_of(struct kem *k, struct mw_span path_secret, uint8_t *scalar)
{
    CLEANUP(secret_wipe) struct secret node = { .len = 0 };
    uint8_t point[CRYPT_POINT_MAX];

    return run_result(k->run, "node secret", label_derive(k->s, path_secret, "node", &node))
           && run_result(k->run, "node key pair",
                         hpke_pair_derive(k->s.crypto, k->s.suite->hpke.kem, secret_span(&node),
                                          scalar, point));
}

/* The signature private key is the leaf's. */
static void signer_same(struct kem *k, const struct tree *t, uint32_t leaf)
{
    struct run *r = k->run;
    uint8_t point[CRYPT_POINT_MAX];
    struct leaf_node node;

    if (!r->failed && run_true(r, "a leaf that is not blank", tree_leaf(t, leaf, &node)) &&
        run_result(r, "signature_priv", crypt_verifier_of(k->s.crypto, k->s.suite->signer,
                                                          k->signers[leaf], point)))
        run_same(r, "signature_priv's public key", node.signature_key,
                 span_of(point, crypt_verifier_size(k->s.suite->signer)));
}

static void member_read(struct kem *k, const struct tree *t, const json_t *o)
{
    struct run *r = k->run;
    uint32_t leaf = (uint32_t)run_number(r, o, "index", MEMBERS_MAX - 1);
    struct mw_span own = run_hex(r, o, "encryption_priv");
    const json_t *secrets = run_list(r, o, "path_secrets");
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];

    k->signers[leaf] = run_hex(r, o, "signature_priv");
    signer_same(k, t, leaf);
    if (r->failed || !run_true(r, "a member once", k->keys[leaf] == NULL)
        || !consistent(k, t, 2 * leaf, own, point)
        || !run_result(r, "tree_keys_new", tree_keys_new(&k->keys[leaf], leaf, own)))
        return;
    for (size_t i = 0; i < json_array_size(secrets) && !r->failed; i++) {
        const json_t *at = json_array_get(secrets, i);
        uint32_t node = (uint32_t)run_number(r, at, "node", 2 * MEMBERS_MAX);
        struct mw_span secret = run_hex(r, at, "path_secret");
        struct mw_span held = span_of(scalar, k->s.suite->nsk);

        run_place(r, "leaves_private of leaf %u, node %u", leaf, node);
        if (r->failed || !scalar_of(k, secret, scalar) || !consistent(k, t, node, held, point))
            return;
        run_result(r, "tree_keys_set",
                   tree_keys_set(k->keys[leaf], node, held, span_of(point, k->s.suite->npk)));
    }
}

/* ---------------------------------------------------------------------- following ---- */

static int context_write(struct kem *k, struct tree *t, struct buf *out)
{
    uint8_t hash[CRYPT_HASH_MAX];
    const struct group_context context = {
        .version = MLS_VERSION,
        .suite = k->s.suite->number,
        .group_id = k->group_id,
        .epoch = k->epoch,
        .tree_hash = span_of(hash, k->s.suite->nh),
        .confirmed_transcript_hash = k->transcript,
    };
    int error = tree_hash(t, tree_root(t), hash);

    group_context_write(out, &context);
    return error != 0 ? error : buf_error(out);
}

/* One member follows; *commit: what it arrives at.  secret: where it met the sender (none: not
 * compared). */
static void follow(struct kem *k, uint32_t leaf, const struct tree *merged, uint32_t sender,
                   const struct update_path *path, struct mw_span context, struct mw_span secret,
                   struct secret *commit)
{
    CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
    struct run *r = k->run;
    uint8_t scalar[CRYPT_SCALAR_MAX];
    struct mw_span held;

    if (!run_result(r, "tree_keys_copy", tree_keys_copy(&keys, k->keys[leaf]))
        || !run_result(r, "path_open",
                       path_open(keys, merged, sender, path, context, NULL, 0, commit))
        || secret.len == 0 || !scalar_of(k, secret, scalar))
        return;
    if (run_true(r, "a key where the paths meet",
                 tree_keys_get(keys, node_common(leaf, sender), &held)))
        run_same(r, "its private key", span_of(scalar, k->s.suite->nsk), held);
}

static void follow_all(struct kem *k, const char *what, const struct tree *merged, uint32_t sender,
                       const struct update_path *path, struct mw_span context,
                       const json_t *secrets, struct mw_span want)
{
    for (uint32_t leaf = 0; leaf < tree_size(merged) && !k->run->failed; leaf++) {
        CLEANUP(secret_wipe) struct secret commit = { .len = 0 };
        struct mw_span secret = { NULL, 0 };

        if (leaf == sender || k->keys[leaf] == NULL)
            continue;
        run_place(k->run, "%s of leaf %u, followed by leaf %u", what, sender, leaf);
        if (secrets != NULL)
            secret = run_hex_of(k->run, json_array_get(secrets, leaf), "path_secrets");
        follow(k, leaf, merged, sender, path, context, secret, &commit);
        run_same(k->run, "commit_secret", want, secret_span(&commit));
    }
}

static int path_check(struct kem *k, const json_t *o, uint32_t sender)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(1 << 16);
    struct run *r = k->run;
    struct reader reader = { .rest = run_hex(r, o, "update_path") };
    struct update_path path;
    int error;

    update_path_read(&path, &reader);
    if (!run_true(r, "an UpdatePath", read_done(&reader)) || !run_tree_read(r, k->s, k->tree, &t)
        || !run_result(r, "path_merge", path_merge(t, sender, &path)))
        return 0;
    run_tree_hash(r, t, tree_root(t), "tree_hash_after", run_hex(r, o, "tree_hash_after"));
    run_result(r, "tree_check_parents", tree_check_parents(t));
    error = context_write(k, t, &context);
    if (error == 0)
        follow_all(k, "path", t, sender, &path, buf_span(&context),
                   run_list(r, o, "path_secrets"), run_hex(r, o, "commit_secret"));
    return error;
}

/* ------------------------------------------------------------------------- making ---- */

/* The sender's leaf, signed anew with the path's key and parent hash. */
static int leaf_make(struct kem *k, const struct tree *t, uint32_t sender,
                     const struct path_maker *m, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 20);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct leaf_node leaf;
    size_t len = 0;

    if (!run_true(k->run, "a leaf", tree_leaf(t, sender, &leaf)))
        return 0;
    leaf.encryption_key = path_maker_leaf_key(m);
    leaf.source = LEAF_COMMIT;
    leaf.parent_hash = path_maker_parent_hash(m);
    leaf_node_write_signed(&tbs, &leaf);
    vector_write(&tbs, k->group_id);
    buf_u32(&tbs, sender);
    if (buf_error(&tbs) != 0)
        return buf_error(&tbs);
    run_result(k->run, "label_sign", label_sign(k->s, k->signers[sender], "LeafNodeTBS",
                                                buf_span(&tbs), signature, &len));
    leaf.signature = span_of(signature, len);
    leaf_node_write(out, &leaf);
    return buf_error(out);
}

static int path_make(struct kem *k, uint32_t sender, struct buf *out)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    CLEANUP(tree_keys_freep) struct tree_keys *keys = NULL;
    CLEANUP(path_maker_freep) struct path_maker *m = NULL;
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(1 << 16);
    struct run *r = k->run;
    struct leaf_node leaf;
    struct reader reader;
    size_t at;
    int error;

    if (!run_tree_read(r, k->s, k->tree, &t)
        || !run_result(r, "tree_keys_copy", tree_keys_copy(&keys, k->keys[sender]))
        || !run_result(r, "path_derive", path_derive(&m, t, keys, r->random)))
        return 0;
    error = leaf_make(k, t, sender, m, out);
    reader = (struct reader){ .rest = buf_span(out) };
    leaf_node_read(&leaf, &reader);
    if (error != 0 || !run_true(r, "the leaf made", read_done(&reader))
        || !run_result(r, "tree_set_leaf", tree_set_leaf(t, sender, &leaf)))
        return error;
    error = context_write(k, t, &context);
    at = vector_open(out);
    run_result(r, "path_seal", path_seal(m, t, r->random, buf_span(&context), NULL, 0, out));
    vector_close(out, at);
    if (error != 0 || buf_error(out) != 0)
        return error != 0 ? error : buf_error(out);
    /* What the followers are to arrive at goes last, where nothing else is. */
    buf_add(out, secret_span(path_maker_commit_secret(m)));
    return buf_error(out);
}

static int path_try(struct kem *k, uint32_t sender)
{
    CLEANUP(buf_deinit) struct buf made = BUF_INIT(1 << 24);
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(1 << 16);
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct run *r = k->run;
    struct update_path path;
    struct reader reader;
    int error = path_make(k, sender, &made);

    if (error != 0 || r->failed)
        return error;
    reader = (struct reader){ .rest = buf_span(&made) };
    update_path_read(&path, &reader);
    if (!run_true(r, "the UpdatePath made", reader.rest.len == k->s.suite->nh)
        || !run_tree_read(r, k->s, k->tree, &t)
        || !run_result(r, "path_merge of what was made", path_merge(t, sender, &path)))
        return 0;
    run_result(r, "tree_check_parents of what was made", tree_check_parents(t));
    error = context_write(k, t, &context);
    if (error == 0)
        follow_all(k, "own path", t, sender, &path, buf_span(&context), NULL, reader.rest);
    return error;
}

/* -------------------------------------------------------------------------- a case ---- */

int run_treekem(struct run *r, const json_t *c)
{
    CLEANUP(kem_deinit) struct kem k = { .run = r, .c = c };
    CLEANUP(tree_freep) struct tree *t = NULL;
    const json_t *members = run_list(r, c, "leaves_private");
    const json_t *paths = run_list(r, c, "update_paths");
    int error = 0;

    k.tree = run_hex(r, c, "ratchet_tree");
    k.group_id = run_hex(r, c, "group_id");
    k.transcript = run_hex(r, c, "confirmed_transcript_hash");
    k.epoch = run_number(r, c, "epoch", UINT64_MAX);
    if (!run_suite(r, c, &k.s) || !run_tree_read(r, k.s, k.tree, &t))
        return 0;
    for (size_t i = 0; i < json_array_size(members) && !r->failed; i++) {
        run_place(r, "leaves_private[%zu]", i);
        member_read(&k, t, json_array_get(members, i));
    }
    for (size_t i = 0; i < json_array_size(paths) && error == 0 && !r->failed; i++) {
        const json_t *o = json_array_get(paths, i);
        uint32_t sender = (uint32_t)run_number(r, o, "sender", MEMBERS_MAX - 1);

        run_place(r, "update_paths[%zu]", i);
        error = run_true(r, "a sender that is there", k.keys[sender] != NULL)
                    ? path_check(&k, o, sender) : 0;
        run_place(r, "own path of leaf %u", sender);
        if (error == 0 && !r->failed)
            error = path_try(&k, sender);
    }
    return error;
}
