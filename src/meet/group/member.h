/*
 * Key packages of our own, with their private keys.
 * Source:  RFC 9420 section 10.
 */
#ifndef MEET_GROUP_MEMBER_H
#define MEET_GROUP_MEMBER_H

#include "meet/group/steps.h"

/* In locked memory. */
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

/* Takes an MLSMessage with a KeyPackage, and the private keys that belong to it.
 * MW_MLS_E_MALFORMED, MW_MLS_E_SUITE; MW_MLS_E_KEY: they do not belong together. */
MW_MUST_CHECK int key_package_restore(struct mw_mls_key_package **out,
                                      const struct mw_mls_app *app, struct mw_span message,
                                      struct mw_span init, struct mw_span encryption,
                                      struct mw_span signing);
void key_package_freep(struct mw_mls_key_package **at);

/* An identity's suite, keys and lists go together: MW_MLS_E_SUITE, MW_MLS_E_KEY,
 * MW_MLS_E_MALFORMED, MW_MLS_E_LEAF_CAPABILITIES. */
MW_MUST_CHECK int identity_check(const struct mw_crypto *c, const struct mw_mls_identity *who);

#endif
