/*
 * Is a leaf node, or a key package, one that the group may take?
 * Errors:  0, < 0 -errno, > 0 enum mw_mls_error.
 * Source:  RFC 9420 sections 7.3, 10.1, 13.
 */
#ifndef MEET_GROUP_LEAF_H
#define MEET_GROUP_LEAF_H

#include "meet/group/group.h"

/* Where a leaf stands, or is to stand. */
struct leaf_place {
    const struct mw_mls_app *app;
    struct suited s;
    const struct tree *tree;            /* whose members it must get on with */
    struct mw_span extensions;          /* of the group context it will live in */
    struct mw_span group_id;            /* update, commit: what its signature covers besides */
    uint32_t leaf;                      /* its index; TREE_NONE: not yet known (a key package) */
    uint8_t source;                     /* enum leaf_source that it must have */
    bool joining;                       /* it stands in a tree that we are given: keys were checked */
    bool arrived;                       /* key package: its lifetime counts now (7.3) */
    struct mw_wall now;
};

/* All of 7.3: signature, credential, capabilities both ways, lifetime, source, keys.
 * tree: without the leaf (add), or with the one it replaces at place->leaf. */
MW_MUST_CHECK int leaf_check(const struct leaf_place *place, const struct leaf_node *v);

/* 10.1, and leaf_check() of its leaf. */
MW_MUST_CHECK int key_package_check(const struct leaf_place *place, const struct key_package *v);

/* The signature of a leaf alone: LeafNodeTBS (7.2). */
MW_MUST_CHECK int leaf_verify(struct suited s, const struct leaf_node *v, struct mw_span group_id,
                              uint32_t leaf);

/* Can this member live under these group context extensions?  required_capabilities and every
 * extension's type (7.3, 12.1.7). */
MW_MUST_CHECK int leaf_fits_context(const struct leaf_node *v, struct mw_span extensions);

/* Can all members?  By the tree's census (12.1.7): MW_MLS_E_EXTENSIONS. */
MW_MUST_CHECK int members_fit_context(const struct tree *t, struct mw_span extensions);

struct mw_mls_credential leaf_credential(const struct leaf_node *v);

#endif
