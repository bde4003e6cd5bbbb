/* Trees: changed by proposals, and validated as when joining (RFC 9420 7.3, 7.7 to 7.9). */
#include "meet/vectors/trees.h"

#include "meet/tree/math.h"
#include "meet/vectors/kinds.h"

bool run_tree_read(struct run *r, struct suited s, struct mw_span bytes, struct tree **out)
{
    struct reader reader = { .rest = bytes };
    struct mw_span content = vector_read(&reader);

    return run_true(r, "a ratchet_tree", read_done(&reader))
           && run_result(r, "tree_read", tree_read(out, s, content));
}

void run_tree_hash(struct run *r, struct tree *t, uint32_t node, const char *what,
                   struct mw_span want)
{
    uint8_t got[CRYPT_HASH_MAX];

    if (run_result(r, "tree_hash", tree_hash(t, node, got)))
        run_same(r, what, want, span_of(got, tree_suite(t).suite->nh));
}

/* ---------------------------------------------------------------------- operations ---- */

static int apply(struct tree *t, const struct proposal *p, uint32_t sender)
{
    uint32_t leaf;

    switch (p->type) {
    case PROPOSAL_ADD:
        return tree_add(t, &p->add.leaf, &leaf);
    case PROPOSAL_UPDATE:
        return tree_update(t, sender, &p->update);
    case PROPOSAL_REMOVE:
        return tree_remove(t, p->remove);
    default:
        return TREE_E_MALFORMED;
    }
}

int run_tree_operations(struct run *r, const json_t *c)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(1 << 24);
    uint32_t sender = (uint32_t)run_number(r, c, "proposal_sender", TREE_LEAVES_MAX);
    struct reader reader = { .rest = run_hex(r, c, "proposal") };
    struct mw_span want = run_hex(r, c, "tree_after");
    struct proposal p;
    struct suited s;
    size_t at;

    if (!run_suite(r, c, &s) || !run_tree_read(r, s, run_hex(r, c, "tree_before"), &t))
        return 0;
    run_tree_hash(r, t, tree_root(t), "tree_hash_before", run_hex(r, c, "tree_hash_before"));
    proposal_read(&p, &reader);
    if (!run_true(r, "a proposal", read_done(&reader))
        || !run_result(r, "proposal", apply(t, &p, sender)))
        return 0;
    at = vector_open(&after);
    tree_write(t, &after);
    vector_close(&after, at);
    if (buf_error(&after) != 0)
        return buf_error(&after);
    run_same(r, "tree_after", want, buf_span(&after));
    run_tree_hash(r, t, tree_root(t), "tree_hash_after", run_hex(r, c, "tree_hash_after"));
    return 0;
}

/* ---------------------------------------------------------------------- validation ---- */

static void resolution_check(struct run *r, const struct tree *t, uint32_t x, const json_t *want)
{
    uint32_t got[1024];
    size_t n = tree_resolution(t, x, got, ARRAY_LEN(got));

    run_same_number(r, "length of the resolution", json_array_size(want), n);
    for (size_t i = 0; i < n && i < ARRAY_LEN(got) && !r->failed; i++)
        run_same_number(r, "node of the resolution",
                        (uint64_t)json_integer_value(json_array_get(want, i)), got[i]);
}

/* LeafNodeTBS (7.2): where the leaf is counts unless it came in a key package. */
static int leaf_check_signature(struct run *r, struct suited s, const struct leaf_node *leaf,
                                struct mw_span group_id, uint32_t at)
{
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 24);

    buf_add(&tbs, leaf->signed_part);
    if (leaf->source != LEAF_KEY_PACKAGE) {
        vector_write(&tbs, group_id);
        buf_u32(&tbs, at);
    }
    if (buf_error(&tbs) != 0)
        return buf_error(&tbs);
    run_result(r, "signature",
               label_verify(s, leaf->signature_key, "LeafNodeTBS", buf_span(&tbs),
                            leaf->signature));
    return 0;
}

int run_tree_validation(struct run *r, const json_t *c)
{
    CLEANUP(tree_freep) struct tree *t = NULL;
    struct mw_span group_id = run_hex(r, c, "group_id");
    const json_t *resolutions = run_list(r, c, "resolutions");
    const json_t *hashes = run_list(r, c, "tree_hashes");
    struct leaf_node leaf;
    struct suited s;
    int error = 0;

    if (!run_suite(r, c, &s) || !run_tree_read(r, s, run_hex(r, c, "tree"), &t))
        return 0;
    run_same_number(r, "nodes", json_array_size(hashes), nodes_of(tree_size(t)));
    run_same_number(r, "nodes", json_array_size(resolutions), nodes_of(tree_size(t)));
    for (uint32_t x = 0; x < nodes_of(tree_size(t)) && !r->failed; x++) {
        run_place(r, "node %u", x);
        resolution_check(r, t, x, json_array_get(resolutions, x));
        run_tree_hash(r, t, x, "tree hash", run_hex_of(r, json_array_get(hashes, x), "hash"));
    }
    run_place(r, "%s", "");
    run_result(r, "tree_check_parents", tree_check_parents(t));
    for (uint32_t at = tree_next(t, 0); at != TREE_NONE && error == 0; at = tree_next(t, at + 1)) {
        run_place(r, "leaf %u", at);
        if (run_true(r, "a leaf", tree_leaf(t, at, &leaf)))
            error = leaf_check_signature(r, s, &leaf, group_id, at);
    }
    return error;
}
