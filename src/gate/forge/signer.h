/*
 * A CA's private key, and the only thing it does: sign what a certificate says.  The key is in
 * this process's memory, or with a keyholder (forge/keyholder.h) that has it in a token.
 * Life:   signer_of_key() or signer_of_keyholder() -> signer_sign()* -> signer_deinit()
 */
#ifndef GATE_FORGE_SIGNER_H
#define GATE_FORGE_SIGNER_H

#include <openssl/evp.h>

#include "base/buf.h"

enum signer_kind { SIGNER_P256, SIGNER_RSA };

struct signer {
    enum signer_kind kind;
    EVP_PKEY *key;              /* owned; NULL: with the keyholder */
    int keyholder_fd;           /* borrowed; -1: none */
};

/* Takes the key.  -EINVAL: neither P-256 nor RSA of 2048 bits or more. */
MW_MUST_CHECK int signer_of_key(struct signer *out, EVP_PKEY *key);
void signer_of_keyholder(struct signer *out, int fd);   /* P-256 */
void signer_deinit(struct signer *s);   /* an all-zero signer is fine */

/* The AlgorithmIdentifier of its signatures, SHA-256 always (RFC 5758 3.2, RFC 4055 5). */
struct mw_span signer_algorithm(const struct signer *s);

/* Appends the signature over `tbs`, as the BIT STRING holds it.  0, or -errno: -EIO if the token
 * did not sign. */
MW_MUST_CHECK int signer_sign(const struct signer *s, struct mw_span tbs, struct buf *out);

#endif
