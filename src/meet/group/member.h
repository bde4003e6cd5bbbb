/*
 * Leaves of our own: written from an identity, signed, for a key package, an update or a commit.
 * Source:  RFC 9420 sections 7.2, 10, 13.5.
 */
#ifndef MEET_GROUP_MEMBER_H
#define MEET_GROUP_MEMBER_H

#include "meet/group/group.h"

/* A key package of ours with its private keys.  secret: in locked memory. */
struct key_package_secrets {
    uint8_t init[CRYPT_SCALAR_MAX], encryption[CRYPT_SCALAR_MAX], signing[CRYPT_SCALAR_MAX];
};

struct mw_mls_key_package {
    struct mw_mls_app app;
    struct suited s;
    struct owned message;               /* the MLSMessage */
    struct key_package view;            /* of message */
    uint8_t reference[CRYPT_HASH_MAX];
    struct key_package_secrets *secrets;
};

/* Takes a KeyPackage or an MLSMessage with one, and keys that belong to it: what a test or a restored
 * state brings.  MW_MLS_E_MALFORMED, MW_MLS_E_KEY: they do not belong together. */
MW_MUST_CHECK int key_package_restore(struct mw_mls_key_package **out,
                                      const struct mw_mls_app *app, struct mw_span message,
                                      struct mw_span init, struct mw_span encryption,
                                      struct mw_span signing);
void key_package_freep(struct mw_mls_key_package **at);

/* What is to be in a new leaf of ours. */
struct leaf_plan {
    struct suited s;
    uint8_t source;                     /* enum leaf_source */
    const struct mw_mls_identity *who;  /* NULL: as `old` has it */
    const struct leaf_node *old;        /* NULL: there is none */
    struct mw_span encryption_key;
    struct mw_wall not_before, not_after;       /* key package */
    struct mw_span parent_hash;                 /* commit */
    struct mw_span group_id;                    /* update, commit */
    uint32_t leaf;                              /* update, commit */
    struct mw_span signing_key;
};

/* The signed LeafNode's bytes, appended.  random: for GREASE in a first leaf (13.5). */
MW_MUST_CHECK int leaf_make(const struct leaf_plan *plan, struct mw_random random,
                            struct buf *out);

/* Checks that an identity's suite, keys and lists go together: MW_MLS_E_SUITE, MW_MLS_E_KEY,
 * MW_MLS_E_MALFORMED. */
MW_MUST_CHECK int identity_check(const struct mw_crypto *c, const struct mw_mls_identity *who);

#endif
