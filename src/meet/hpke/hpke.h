/*
 * HPKE as the rest of the core uses it: one-shot base mode and key pairs.  All modes and the
 * long-lived contexts are in midwatch/hpke.h, which is the same code.
 * Memory:  outputs go where the caller says: enc crypt_point_size() bytes of the suite's group.
 * Errors:  as meet/crypt/crypt.h: 0, -ENOMEM, -EIO, > 0 enum crypt_error.
 * Source:  RFC 9180.
 */
#ifndef MEET_HPKE_HPKE_H
#define MEET_HPKE_HPKE_H

#include "meet/crypt/crypt.h"

struct hpke_suite {
    uint16_t kem, kdf, aead;    /* IANA's numbers, RFC 9180 section 7 */
};

/* The group of a KEM.  false: we have no such KEM. */
bool hpke_group(uint16_t kem, enum crypt_group *out);

/* DeriveKeyPair (7.1.3), deterministic. */
MW_MUST_CHECK int hpke_pair_derive(const struct mw_crypto *c, uint16_t kem, struct mw_span ikm,
                                   uint8_t *scalar, uint8_t *point);
/* A fresh pair: DeriveKeyPair over Nsk random bytes. */
MW_MUST_CHECK int hpke_pair_make(const struct mw_crypto *c, uint16_t kem, struct mw_random random,
                                 uint8_t *scalar, uint8_t *point);

/* SealBase (6.1).  sealed: plain.len + CRYPT_TAG bytes. */
MW_MUST_CHECK int hpke_seal(const struct mw_crypto *c, struct hpke_suite suite,
                            struct mw_random random, struct mw_span point, struct mw_span info,
                            struct mw_span aad, struct mw_span plain, uint8_t *enc,
                            uint8_t *sealed);

/* What the key schedule makes of info alone (key_schedule_context, 5.1): for many recipients of
 * one info, hashed once.  No secret. */
struct hpke_common {
    uint8_t bytes[1 + 2 * CRYPT_HASH_MAX];
    size_t len;
};

MW_MUST_CHECK int hpke_common_make(struct hpke_common *out, const struct mw_crypto *c,
                                   struct hpke_suite suite, struct mw_span info);
/* hpke_seal() with the info that common was made of. */
MW_MUST_CHECK int hpke_seal_common(const struct mw_crypto *c, struct hpke_suite suite,
                                   struct mw_random random, struct mw_span point,
                                   const struct hpke_common *common, struct mw_span aad,
                                   struct mw_span plain, uint8_t *enc, uint8_t *sealed);

/* OpenBase.  point: the public key of scalar when the caller has it, else none: it is computed.
 * out: sealed.len - CRYPT_TAG bytes. */
MW_MUST_CHECK int hpke_open(const struct mw_crypto *c, struct hpke_suite suite,
                            struct mw_span scalar, struct mw_span point, struct mw_span enc,
                            struct mw_span info, struct mw_span aad, struct mw_span sealed,
                            uint8_t *out);

/* SetupBase and Context.Export in one (5.3), as MLS's external init needs (RFC 9420 8.3). */
MW_MUST_CHECK int hpke_export_to(const struct mw_crypto *c, struct hpke_suite suite,
                                 struct mw_random random, struct mw_span point,
                                 struct mw_span info, struct mw_span label, uint8_t *enc,
                                 uint8_t *out, size_t len);
MW_MUST_CHECK int hpke_export_from(const struct mw_crypto *c, struct hpke_suite suite,
                                   struct mw_span scalar, struct mw_span point,
                                   struct mw_span enc, struct mw_span info, struct mw_span label,
                                   uint8_t *out, size_t len);

#endif
