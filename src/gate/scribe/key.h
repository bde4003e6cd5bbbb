/*
 * The Ed25519 key that signs what the log says of itself, and the public keys to verify with.
 * Life:   signer_open() -> log_key_sign()* -> signer_free()
 *         verifier_read() -> verifier_good()* -> verifier_free()
 * Source: RFC 8032 (Ed25519), RFC 8410 (its PEM).
 */
#ifndef GATE_SCRIBE_KEY_H
#define GATE_SCRIBE_KEY_H

#include <stdbool.h>

#include "base/buf.h"

enum { KEY_SIGNATURE = 64, KEY_PUBLIC = 32, KEY_PUBLIC_TEXT = 45 };

struct signer;

/* STATE/audit.key.  If there is none, one is made (*fresh) and its public half added to
 * STATE/audit.pub, which keeps those of earlier keys, so that old files verify; signer_keep() then
 * writes the private half, mode 0600.  0, or with `error`. */
MW_MUST_CHECK int signer_open(struct signer **out, const char *state_folder, bool *fresh,
                              struct buf *error);
MW_MUST_CHECK int signer_keep(const struct signer *s, const char *state_folder,
                              struct buf *error);
void signer_free(struct signer *s);     /* NULL ok */
MW_MUST_CHECK int log_key_sign(const struct signer *s, struct mw_span message,
                              uint8_t signature[KEY_SIGNATURE]);
const char *signer_public(const struct signer *s);      /* raw key, base64 */

struct verifier;

/* pem: one or several public keys.  0, or with `error`. */
MW_MUST_CHECK int verifier_read(struct verifier **out, struct mw_span pem, struct buf *error);
void verifier_free(struct verifier *v); /* NULL ok */

/* Is it by one of the keys? */
bool verifier_good(const struct verifier *v, struct mw_span message,
                   const uint8_t signature[KEY_SIGNATURE]);
bool verifier_knows(const struct verifier *v, const char *public_text);

#endif
