/*
 * Ed25519 by libsodium, which verifies two to three times as fast as OpenSSL 3.0 does and signs as
 * much faster: joining a group is little else than verifying (docs/decisions/0047).
 * Stricter than RFC 8032 demands: keys and points of small order, and encodings that are not the
 * shortest, are refused.
 * Errors:  as meet/crypt/crypt.h.
 */
#ifndef MEET_CRYPT_ED25519_H
#define MEET_CRYPT_ED25519_H

#include "base/span.h"

enum { ED25519_SEED = 32, ED25519_POINT = 32, ED25519_SIGNATURE = 64 };

MW_MUST_CHECK int ed25519_begin(void);          /* before anything else; any number of times */
void ed25519_public(const uint8_t seed[ED25519_SEED], uint8_t point[ED25519_POINT]);
void ed25519_sign(const uint8_t seed[ED25519_SEED], struct mw_span content,
                  uint8_t signature[ED25519_SIGNATURE]);
MW_MUST_CHECK int ed25519_verify(struct mw_span point, struct mw_span content,
                                 struct mw_span signature);

#endif
