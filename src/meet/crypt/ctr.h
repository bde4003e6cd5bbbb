/*
 * AES-128 in counter mode with a key that is set up once: half of what SFrame's suites with short
 * tags are made of (RFC 9605 4.5.1); the other is meet/crypt/mac.h.
 * Life:    crypt_ctr_new() -> _rekey() -> _crypt()*, _rekey()... -> _free().  Nothing is allocated
 *          for a message.
 * Memory:  each its own: one for each thread.
 * Errors:  as in meet/crypt/crypt.h.
 */
#ifndef MEET_CRYPT_CTR_H
#define MEET_CRYPT_CTR_H

#include <midwatch/crypto.h>

#include "base/span.h"

#define CRYPT_CTR_KEY 16        /* bytes */
#define CRYPT_CTR_BLOCK 16

struct crypt_ctr;

MW_MUST_CHECK int crypt_ctr_new(struct crypt_ctr **out, const struct mw_crypto *c);
MW_MUST_CHECK int crypt_ctr_rekey(struct crypt_ctr *s, const uint8_t key[CRYPT_CTR_KEY]);
void crypt_ctr_free(struct crypt_ctr *s);       /* NULL ok; wipes */

/* Enciphers or deciphers, which is the same.  out: in.len bytes; may be in.data itself. */
MW_MUST_CHECK int crypt_ctr_crypt(struct crypt_ctr *s, const uint8_t iv[CRYPT_CTR_BLOCK],
                                  struct mw_span in, uint8_t *out);

#endif
