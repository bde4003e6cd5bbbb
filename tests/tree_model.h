/*
 * A ratchet tree written down as RFC 9420 tells it, by recursion over all of it and with nothing
 * remembered: what the real one is held against.  Suite 1; keys are 32 bytes.
 */
#ifndef TESTS_TREE_MODEL_H
#define TESTS_TREE_MODEL_H

#include "meet/label/label.h"
#include "meet/wire/codec.h"

enum { MODEL_LEAVES = 256, MODEL_NODES = 2 * MODEL_LEAVES - 1, MODEL_WIRE = 700, MODEL_KEPT = 400,
       MODEL_NH = 32 };

struct model_node {
    bool there;
    uint8_t key[32];
    uint8_t hash[MODEL_NH];             /* a parent's own parent hash */
    size_t hash_len;
    uint16_t unmerged[MODEL_LEAVES];
    size_t n_unmerged;
    uint8_t wire[MODEL_KEPT];           /* a leaf's bytes */
    size_t wire_len;
};

struct model {
    struct suited s;
    uint32_t size;                      /* leaves */
    struct model_node nodes[MODEL_NODES];
};

/* What chance there is, from a seed that a failing test prints. */
struct model_dice {
    uint64_t state;
};
uint64_t dice(struct model_dice *d);
uint32_t dice_below(struct model_dice *d, uint32_t n);
void dice_bytes(struct model_dice *d, uint8_t *out, size_t len);

/* A leaf with fresh keys and random capabilities, into *out whose bytes are in wire.
 * parent_hash: of a leaf_source of commit. */
struct model_leaf {
    uint8_t wire[MODEL_WIRE];
    struct leaf_node leaf;
};
void model_leaf_make(struct model_leaf *out, struct model_dice *d, uint8_t source,
                     struct mw_span parent_hash);
/* The same with these keys instead (none: fresh ones). */
void model_leaf_keyed(struct model_leaf *out, struct model_dice *d, uint8_t source,
                      struct mw_span parent_hash, struct mw_span encryption_key,
                      struct mw_span signature_key);

void model_add(struct model *m, const struct leaf_node *v, uint32_t *leaf);
void model_update(struct model *m, uint32_t leaf, const struct leaf_node *v);
void model_remove(struct model *m, uint32_t leaf);

/* Fresh keys on the filtered direct path (7.5); *hash: what the leaf is to carry. */
struct model_path {
    uint32_t node[20], copath[20];
    uint8_t key[20][32];
    size_t n;
    uint8_t hash[MODEL_NH];
    size_t hash_len;
};
void model_path_make(struct model *m, struct model_dice *d, uint32_t leaf, struct model_path *p);
void model_set_leaf(struct model *m, uint32_t leaf, const struct leaf_node *v);

uint32_t model_members(const struct model *m);
/* A random member; the tree has some. */
uint32_t model_pick(const struct model *m, struct model_dice *d);
size_t model_resolution(const struct model *m, uint32_t x, uint32_t *out);
void model_hash(const struct model *m, uint32_t x, uint8_t *out);
/* Every parent is vouched for by exactly one node below (7.9.2). */
bool model_parents_hold(const struct model *m);
void model_write(const struct model *m, struct buf *out);

#endif
