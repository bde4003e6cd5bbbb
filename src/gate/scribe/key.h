/*
 * The Ed25519 key that signs what the log says of itself, and the public keys to verify with.
 * Life:   log_key_open() -> log_key_sign()* -> log_key_free()
 *         verifier_read() -> verifier_good()* -> verifier_free()
 * Source: RFC 8032 (Ed25519), RFC 8410 (its PEM).
 */
#ifndef GATE_SCRIBE_KEY_H
#define GATE_SCRIBE_KEY_H

#include <stdbool.h>

#include "base/buf.h"

enum { KEY_SIGNATURE = 64, KEY_PUBLIC = 32, KEY_PUBLIC_TEXT = 45 };

struct log_key;

/* STATE/audit.key.  If there is none, one is made (*fresh) and its public half added to
 * STATE/audit.pub, which keeps those of earlier keys, so that old files verify; log_key_keep() then
 * writes the private half, mode 0600.  0, or with `error`. */
MW_MUST_CHECK int log_key_open(struct log_key **out, const char *state_folder, bool *fresh,
                              struct buf *error);
MW_MUST_CHECK int log_key_keep(const struct log_key *s, const char *state_folder,
                              struct buf *error);
void log_key_free(struct log_key *s);     /* NULL ok */
MW_MUST_CHECK int log_key_sign(const struct log_key *s, struct mw_span message,
                              uint8_t signature[KEY_SIGNATURE]);
const char *log_key_public(const struct log_key *s);      /* raw key, base64 */

struct verifier;

/* pem: one or several public keys.  0, or with `error`. */
MW_MUST_CHECK int verifier_read(struct verifier **out, struct mw_span pem, struct buf *error);
void verifier_free(struct verifier *v); /* NULL ok */

/* 1: it is by one of the keys; 0: it is not; -ENOMEM. */
MW_MUST_CHECK int verifier_good(const struct verifier *v, struct mw_span message,
                                const uint8_t signature[KEY_SIGNATURE]);
bool verifier_knows(const struct verifier *v, const char *public_text);

#endif
