/*
 * Public keys out of a SubjectPublicKeyInfo, read without OpenSSL's decoders: those try every
 * format they know, which costs more than the signature that is then verified.
 * Source: RFC 3279, RFC 5480, RFC 8410.
 */
#ifndef TRUST_KEY_H
#define TRUST_KEY_H

#include <openssl/evp.h>

#include "base/buf.h"

enum key_kind {
    KEY_UNREADABLE,
    KEY_RSA,
    KEY_EC,
    KEY_EC_EXPLICIT,            /* its curve spelt out in numbers instead of named */
    KEY_ED25519,
    KEY_ED448,
    KEY_OTHER,                  /* DSA, RSA-PSS and whatever else */
};

struct key_facts {
    enum key_kind kind;
    int bits;                   /* RSA: of the modulus; EC: of the curve, 0 not known */
    int nid;                    /* EC: the curve, KEY_OTHER: the algorithm; OpenSSL's number */
    struct mw_span modulus, exponent;           /* RSA */
    struct mw_span point;       /* EC, EdDSA: the key's own octets */
};

struct key_facts key_facts_read(struct mw_span spki);

/* "EC P-256", "RSA 2048", "Ed25519" */
void key_facts_format(struct buf *out, const struct key_facts *k);

/* The key to verify with; NULL: none.  EVP_PKEY_free it. */
EVP_PKEY *key_open(struct mw_span spki);

#endif
