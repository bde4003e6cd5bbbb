/*
 * SHA-256, SHA-384 and SHA-512 (FIPS 180-4), and HMAC over them (RFC 2104), by OpenSSL's
 * functions that know no EVP: a key schedule is some fifty HMACs of a few dozen bytes, for which
 * EVP allocates more than it hashes (docs/decisions/0052).
 * Memory:  none but what the caller brings; states are wiped by who finishes them.
 * Errors:  0, -EIO: OpenSSL failed in a way it never should; the output is zeros.
 */
#ifndef MEET_CRYPT_SHA_H
#define MEET_CRYPT_SHA_H

#include "meet/crypt/crypt.h"

/* OpenSSL's SHA256_CTX or SHA512_CTX: held to their sizes in sha.c. */
struct sha {
    _Alignas(8) uint8_t state[216];
    enum crypt_hash hash;
    bool failed;
};

void sha_begin(struct sha *s, enum crypt_hash h);
void sha_add(struct sha *s, const struct mw_span *parts, size_t n);
/* crypt_hash_size() bytes.  The state is wiped. */
MW_MUST_CHECK int sha_finish(struct sha *s, uint8_t *out);

/* The states after the key's two blocks, for any number of messages. */
struct hmac {
    struct sha inner, outer;
};

/* key: any length (one longer than a block is hashed first). */
void hmac_key(struct hmac *m, enum crypt_hash h, struct mw_span key);
void hmac_wipe(struct hmac *m);
/* struct sha s = hmac_begin(m); sha_add(&s, ...); r = hmac_finish(m, &s, out); */
static inline struct sha hmac_begin(const struct hmac *m)
{
    return m->inner;
}
MW_MUST_CHECK int hmac_finish(const struct hmac *m, struct sha *s, uint8_t *out);

#endif
