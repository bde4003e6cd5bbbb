/*
 * The AEAD of a suite (RFC 9605 4.5): AES-GCM, or AES-CTR with a truncated HMAC (4.5.1).
 * Life:    sframe_aead_init() -> _key() -> _seal() | _open()*, _key()... -> _deinit()
 * Memory:  allocates in _init(), never in _seal() and _open().
 * Errors:  of the caller's kind: -errno, or MW_SFRAME_E_FORGED from _open().
 */
#ifndef MEET_SFRAME_AEAD_H
#define MEET_SFRAME_AEAD_H

#include "meet/crypt/ctr.h"
#include "meet/crypt/mac.h"
#include "meet/sframe/suite.h"

struct sframe_aead {
    const struct sframe_suite *suite;
    struct crypt_sealer *gcm;   /* or both of the following */
    struct crypt_ctr *ctr;
    struct crypt_mac *mac;
};

/* On failure there is nothing to deinit. */
MW_MUST_CHECK int sframe_aead_init(struct sframe_aead *a, const struct mw_crypto *c,
                                   const struct sframe_suite *suite);
void sframe_aead_deinit(struct sframe_aead *a);         /* all-zero ok; wipes */

/* key: suite->key bytes. */
MW_MUST_CHECK int sframe_aead_key(struct sframe_aead *a, const uint8_t *key);

/* out: plain.len + suite->tag bytes; may be plain.data itself. */
MW_MUST_CHECK int sframe_aead_seal(struct sframe_aead *a, const uint8_t nonce[SFRAME_SALT],
                                   struct mw_span aad, struct mw_span plain, uint8_t *out);

/* sealed.len >= suite->tag.  out: sealed.len - suite->tag bytes; may be sealed.data itself. */
MW_MUST_CHECK int sframe_aead_open(struct sframe_aead *a, const uint8_t nonce[SFRAME_SALT],
                                   struct mw_span aad, struct mw_span sealed, uint8_t *out);

#endif
