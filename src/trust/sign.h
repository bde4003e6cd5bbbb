/*
 * Signatures over bytes as they came: what CRLs, OCSP responses and SCTs need and X509_verify()
 * does not give.
 * Errors: 1 the key made the signature, 0 it did not (or key or algorithm are none we take),
 *         -ENOMEM.
 * Source: RFC 5280 4.1.1.2, RFC 4055, RFC 5758, RFC 8410; CA/Browser Forum BR 7.1.3.2.
 */
#ifndef TRUST_SIGN_H
#define TRUST_SIGN_H

#include <openssl/evp.h>

#include "base/span.h"

/* The key in a DER SubjectPublicKeyInfo; NULL: none we can use, or out of memory: ask
 * memory_or().  EVP_PKEY_free it. */
EVP_PKEY *sign_key(struct mw_span spki);
void sign_key_freep(EVP_PKEY **at);     /* for CLEANUP */

/* algorithm: a DER AlgorithmIdentifier.  SHA-1, MD5 and whatever we do not know are weak:
 * nothing signed with them is believed. */
bool sign_weak(struct mw_span algorithm);

MW_MUST_CHECK int sign_check(struct mw_span spki, struct mw_span algorithm, struct mw_span bytes,
                             struct mw_span signature);

/* With the digest named outside the signature, as TLS 1.2 and SCTs do.  md NULL: EdDSA. */
MW_MUST_CHECK int sign_check_with(EVP_PKEY *key, const EVP_MD *md, bool pss, struct mw_span bytes,
                                  struct mw_span signature);

#endif
