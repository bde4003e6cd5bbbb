/*
 * Ed25519 and X25519 by libsodium, which verifies and signs two to three times as fast as
 * OpenSSL 3.0 does, and agrees on secrets without an object for each key: joining a group is
 * little else than verifying, a commit little else than agreeing (docs/decisions/0047, 0051).
 * Ed25519 is stricter here than RFC 8032 demands: keys and points of small order, and encodings
 * that are not the shortest, are refused.
 * Errors:  as meet/crypt/crypt.h.
 */
#ifndef MEET_CRYPT_CURVE25519_H
#define MEET_CRYPT_CURVE25519_H

#include "base/span.h"

enum { ED25519_SEED = 32, ED25519_POINT = 32, ED25519_SIGNATURE = 64 };
enum { X25519_SCALAR = 32, X25519_POINT = 32 };

MW_MUST_CHECK int curve25519_begin(void);       /* before anything else; any number of times */
void ed25519_public(const uint8_t seed[ED25519_SEED], uint8_t point[ED25519_POINT]);
void ed25519_sign(const uint8_t seed[ED25519_SEED], struct mw_span content,
                  uint8_t signature[ED25519_SIGNATURE]);
MW_MUST_CHECK int ed25519_verify(struct mw_span point, struct mw_span content,
                                 struct mw_span signature);

/* RFC 7748 6.1.  CRYPT_E_KEY: a point of small order, whose secret is zeros for everybody. */
MW_MUST_CHECK int x25519_public(const uint8_t scalar[X25519_SCALAR], uint8_t point[X25519_POINT]);
MW_MUST_CHECK int x25519_shared(const uint8_t scalar[X25519_SCALAR],
                                const uint8_t point[X25519_POINT], uint8_t shared[X25519_POINT]);
MW_MUST_CHECK int x25519_check(const uint8_t point[X25519_POINT]);

#endif
