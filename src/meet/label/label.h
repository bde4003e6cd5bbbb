/*
 * MLS cipher suites and the labelled operations that all of MLS is made of.
 * Errors:  as meet/crypt/crypt.h: 0, -ENOMEM, -EIO, > 0 enum crypt_error.
 * Source:  RFC 9420 5.1, 5.2, 17.1.
 */
#ifndef MEET_LABEL_LABEL_H
#define MEET_LABEL_LABEL_H

#include "meet/hpke/hpke.h"

/* What a suite is made of.  One constant table; pointers to it live for ever. */
struct suite {
    uint16_t number;            /* 1 to 7 */
    struct hpke_suite hpke;
    enum crypt_group group;
    enum crypt_hash hash;
    enum crypt_aead aead;
    enum crypt_signer signer;
    uint16_t nh, nk, npk, nsk;  /* sizes: hash and KDF, AEAD key, KEM public and private key */
    const char *name;           /* as IANA spells it */
};

/* NULL: none that we have. */
const struct suite *suite_find(uint16_t number);

/* A suite with the library that does its work: what every function of MLS is given first. */
struct suited {
    const struct suite *suite;
    const struct mw_crypto *crypto;
};

/* label is given without the "MLS 1.0 " that goes before it.  What fails leaves zeros in its
 * outputs.  Contents and contexts are of at most 2^30 - 1 bytes, else CRYPT_E_LENGTH. */

/* RefHash (5.2).  out: nh bytes. */
MW_MUST_CHECK int label_ref(struct suited s, const char *label, struct mw_span value,
                            uint8_t *out);
/* RefHash with all of its label, for whoever needs one that has no "MLS 1.0 ". */
MW_MUST_CHECK int label_ref_whole(struct suited s, struct mw_span label, struct mw_span value,
                                  uint8_t *out);
/* ExpandWithLabel (8), into len bytes.  CRYPT_E_LENGTH: over 65,535, or over 255 nh. */
MW_MUST_CHECK int label_expand(struct suited s, struct mw_span secret, const char *label,
                               struct mw_span context, uint8_t *out, size_t len);
/* DeriveSecret (8): nh bytes, empty context.  *out may be what `secret` points into. */
MW_MUST_CHECK int label_derive(struct suited s, struct mw_span secret, const char *label,
                               struct secret *out);
/* DeriveTreeSecret (9.1). */
MW_MUST_CHECK int label_tree_secret(struct suited s, struct mw_span secret, const char *label,
                                    uint32_t generation, uint8_t *out, size_t len);

/* SignWithLabel and VerifyWithLabel (5.1.2).  CRYPT_E_FORGED: does not match.
 * signature: CRYPT_SIGNATURE_MAX bytes, *len of them. */
MW_MUST_CHECK int label_sign(struct suited s, struct mw_span key, const char *label,
                             struct mw_span content, uint8_t *signature, size_t *len);
MW_MUST_CHECK int label_verify(struct suited s, struct mw_span key, const char *label,
                               struct mw_span content, struct mw_span signature);

/* EncryptWithLabel and DecryptWithLabel (5.1.3).  enc: npk bytes, sealed: plain.len + 16.
 * label_open(): point is the public key of scalar, none when the caller has it not at hand;
 * out: sealed.len - 16 bytes.  CRYPT_E_FORGED: does not open; CRYPT_E_KEY: enc is no key. */
MW_MUST_CHECK int label_seal(struct suited s, struct mw_random random, struct mw_span point,
                             const char *label, struct mw_span context, struct mw_span plain,
                             uint8_t *enc, uint8_t *sealed);
/* The same for many recipients of one label and context, which are hashed once. */
MW_MUST_CHECK int label_common(struct suited s, const char *label, struct mw_span context,
                               struct hpke_common *out);
MW_MUST_CHECK int label_seal_common(struct suited s, struct mw_random random,
                                    struct mw_span point, const struct hpke_common *common,
                                    struct mw_span plain, uint8_t *enc, uint8_t *sealed);
MW_MUST_CHECK int label_open(struct suited s, struct mw_span scalar, struct mw_span point,
                             const char *label, struct mw_span context, struct mw_span enc,
                             struct mw_span sealed, uint8_t *out);

#endif
