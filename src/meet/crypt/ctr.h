/*
 * AES-128 in counter mode and HMAC-SHA256 with keys that are set up once: what SFrame's suites
 * with short tags are made of (RFC 9605 4.5.1).
 * Life:    _new() -> _rekey() -> _crypt() or _sum()*, _rekey()... -> _free().  Nothing is allocated
 *          after _new().
 * Memory:  each its own: one for each thread.
 * Errors:  as in meet/crypt/crypt.h.
 */
#ifndef MEET_CRYPT_CTR_H
#define MEET_CRYPT_CTR_H

#include <midwatch/crypto.h>

#include "base/span.h"

#define CRYPT_CTR_KEY 16        /* bytes */
#define CRYPT_CTR_BLOCK 16
#define CRYPT_MAC_SIZE 32

struct crypt_ctr;

MW_MUST_CHECK int crypt_ctr_new(struct crypt_ctr **out, const struct mw_crypto *c);
MW_MUST_CHECK int crypt_ctr_rekey(struct crypt_ctr *s, const uint8_t key[CRYPT_CTR_KEY]);
void crypt_ctr_free(struct crypt_ctr *s);       /* NULL ok; wipes */

/* Enciphers or deciphers, which is the same.  out: in.len bytes; may be in.data itself. */
MW_MUST_CHECK int crypt_ctr_crypt(struct crypt_ctr *s, const uint8_t iv[CRYPT_CTR_BLOCK],
                                  struct mw_span in, uint8_t *out);

struct crypt_mac;

MW_MUST_CHECK int crypt_mac_new(struct crypt_mac **out, const struct mw_crypto *c);
/* key: 1 to 64 bytes. */
MW_MUST_CHECK int crypt_mac_rekey(struct crypt_mac *s, struct mw_span key);
void crypt_mac_free(struct crypt_mac *s);       /* NULL ok; wipes */

/* Over the concatenation of n parts. */
MW_MUST_CHECK int crypt_mac_sum(struct crypt_mac *s, const struct mw_span *parts, size_t n,
                                uint8_t out[CRYPT_MAC_SIZE]);

#endif
