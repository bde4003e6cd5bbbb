/*
 * The five cipher suites of RFC 9605 4.5 as a table, and what is derived by them (4.4.2, 5.1).
 */
#ifndef MEET_SFRAME_SUITE_H
#define MEET_SFRAME_SUITE_H

#include <midwatch/sframe.h>

#include "meet/crypt/crypt.h"

#define SFRAME_SALT 12          /* Nn of every suite */
#define SFRAME_KEY_MAX 48       /* Nk */

struct sframe_suite {
    uint16_t number;
    uint8_t key;                /* Nk */
    uint8_t tag;                /* Nt */
    bool ctr;                   /* AES-CTR with HMAC (4.5.1), not GCM */
    enum crypt_hash hash;
    enum crypt_aead aead;       /* of those with GCM */
};

/* NULL: no such suite. */
const struct sframe_suite *sframe_suite_find(enum mw_sframe_suite number);

/* The same for who opens a context: *out, or -EINVAL, or -EPERM: its tags are short and nobody
 * asked for that. */
MW_MUST_CHECK int sframe_suite_choose(enum mw_sframe_suite number, bool short_tags,
                                      const struct sframe_suite **out);

/* sframe_secret = HKDF-Extract("", base_key).  -EINVAL: too short or too long. */
MW_MUST_CHECK int sframe_secret_of(const struct mw_crypto *c, const struct sframe_suite *suite,
                                   struct mw_span base_key, struct secret *out);

/* A KID's key (suite->key bytes) and salt. */
MW_MUST_CHECK int sframe_derive(const struct mw_crypto *c, const struct sframe_suite *suite,
                                const struct secret *secret, uint64_t kid,
                                uint8_t key[SFRAME_KEY_MAX], uint8_t salt[SFRAME_SALT]);

/* The base key one ratchet step further (5.1).  out may be base_key. */
MW_MUST_CHECK int sframe_ratchet(const struct mw_crypto *c, const struct sframe_suite *suite,
                                 const struct secret *base_key, struct secret *out);

#endif
