/*
 * The cryptography that the sealed core stands on: hashes, HKDF, AEAD, Diffie-Hellman and
 * signatures, by the names that HPKE, MLS and SFrame use.  The only folder of the core that
 * includes OpenSSL, and libsodium for Curve25519 (docs/decisions/0047, 0051); whoever wants others
 * replaces its .c files.
 *
 * Life:    mw_crypto_new() -> everything else -> mw_crypto_free() (midwatch/crypto.h).
 * Memory:  outputs go where the caller says, of the sizes that the functions below name.
 * Errors:  0 well, -ENOMEM, -EIO (the library failed in a way it never should), > 0 enum
 *          crypt_error, the input's fault.  A failed call leaves zeros in its output.
 * Keys:    bytes as RFC 9180 7.1 (KEM) and RFC 9420 5.1.1 (signatures) write them: NIST public
 *          keys uncompressed points, private keys big-endian of the field's size, X25519, X448,
 *          Ed25519, Ed448 as in RFC 7748 and 8032.
 */
#ifndef MEET_CRYPT_CRYPT_H
#define MEET_CRYPT_CRYPT_H

#include <stdbool.h>

#include <midwatch/crypto.h>

#include "base/span.h"
#include "meet/crypt/secret.h"

enum crypt_error {
    CRYPT_E_KEY = 1,            /* a key that is not on its curve, too long, or gives zero     */
    CRYPT_E_FORGED,             /* a tag or signature that does not match                      */
    CRYPT_E_UNSUPPORTED,        /* an algorithm that this build does not have                  */
    CRYPT_E_LENGTH,             /* an output longer than the construction can give             */
};

enum crypt_hash { CRYPT_SHA256, CRYPT_SHA384, CRYPT_SHA512 };
enum crypt_aead { CRYPT_AES_128_GCM, CRYPT_AES_256_GCM, CRYPT_CHACHA20_POLY1305 };
enum crypt_group { CRYPT_P256, CRYPT_P384, CRYPT_P521, CRYPT_X25519, CRYPT_X448 };
enum crypt_signer {
    CRYPT_ED25519, CRYPT_ED448,
    CRYPT_ECDSA_P256,           /* with SHA-256, signatures in DER (RFC 9420 5.1.2) */
    CRYPT_ECDSA_P384,           /* with SHA-384 */
    CRYPT_ECDSA_P521,           /* with SHA-512 */
};

#define CRYPT_HASH_MAX    64    /* bytes of the longest digest                      */
#define CRYPT_KEY_MAX     32    /* of the longest AEAD key                          */
#define CRYPT_NONCE       12    /* of every nonce here                              */
#define CRYPT_TAG         16    /* of every AEAD tag here                           */
#define CRYPT_POINT_MAX   133   /* of the longest public key (P-521)                */
#define CRYPT_SCALAR_MAX  66    /* of the longest private key                       */
#define CRYPT_SHARED_MAX  66    /* of the longest Diffie-Hellman result             */
#define CRYPT_SIGNATURE_MAX 141 /* ECDSA with P-521 in DER                          */

void crypt_freep(struct mw_crypto **at);        /* for CLEANUP */

size_t crypt_hash_size(enum crypt_hash h);              /* 32, 48, 64 */
size_t crypt_key_size(enum crypt_aead a);               /* 16, 32, 32 */
size_t crypt_point_size(enum crypt_group g);            /* of a public key: Npk */
size_t crypt_scalar_size(enum crypt_group g);           /* of a private key: Nsk */
size_t crypt_shared_size(enum crypt_group g);           /* Ndh */
size_t crypt_verifier_size(enum crypt_signer s);        /* of a signature public key */
size_t crypt_signing_key_size(enum crypt_signer s);     /* of a signature private key */

/* As secret_new(), from the pages that c keeps: for what each epoch needs.  secret_free(). */
MW_MUST_CHECK void *crypt_secret(const struct mw_crypto *c, size_t len);

/* true when equal; takes the same time wherever they differ.  Lengths are no secret. */
bool crypt_equal(struct mw_span a, struct mw_span b);

/* ------------------------------------------------------------- hash and HKDF (RFC 5869) ---- */

/* out: crypt_hash_size(h) bytes, over the concatenation of n parts. */
MW_MUST_CHECK int crypt_digest(const struct mw_crypto *c, enum crypt_hash h,
                               const struct mw_span *parts, size_t n, uint8_t *out);
MW_MUST_CHECK int crypt_hmac(const struct mw_crypto *c, enum crypt_hash h, struct mw_span key,
                             const struct mw_span *parts, size_t n, uint8_t *out);

/* prk = HKDF-Extract(salt, parts...).  An empty salt is a string of zeros. */
MW_MUST_CHECK int crypt_extract(const struct mw_crypto *c, enum crypt_hash h, struct mw_span salt,
                                const struct mw_span *parts, size_t n, struct secret *prk);

/* out: len <= 255 * hash size, over info = the concatenation of n parts. */
MW_MUST_CHECK int crypt_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span prk,
                               const struct mw_span *parts, size_t n, uint8_t *out, size_t len);

/* --------------------------------------------------------------------- AEAD (RFC 5116) ---- */

/* A key set up once and used often; its own memory, so one for each thread.
 * Life: crypt_sealer_new() -> _rekey()* _seal()* _open()* -> _free().  Nothing is allocated
 * after _new(). */
struct crypt_sealer;

MW_MUST_CHECK int crypt_sealer_new(struct crypt_sealer **out, const struct mw_crypto *c,
                                   enum crypt_aead a, struct mw_span key);
MW_MUST_CHECK int crypt_sealer_rekey(struct crypt_sealer *s, struct mw_span key);
void crypt_sealer_free(struct crypt_sealer *s);         /* NULL ok; wipes */
void crypt_sealer_freep(struct crypt_sealer **at);

/* out: plain.len + CRYPT_TAG bytes; may be plain.data itself. */
MW_MUST_CHECK int crypt_sealer_seal(struct crypt_sealer *s, const uint8_t nonce[CRYPT_NONCE],
                                    struct mw_span aad, struct mw_span plain, uint8_t *out);
/* out: sealed.len - CRYPT_TAG bytes; may be sealed.data itself. */
MW_MUST_CHECK int crypt_sealer_open(struct crypt_sealer *s, const uint8_t nonce[CRYPT_NONCE],
                                    struct mw_span aad, struct mw_span sealed, uint8_t *out);

/* The same for a key used once. */
MW_MUST_CHECK int crypt_seal(const struct mw_crypto *c, enum crypt_aead a, struct mw_span key,
                             const uint8_t nonce[CRYPT_NONCE], struct mw_span aad,
                             struct mw_span plain, uint8_t *out);
MW_MUST_CHECK int crypt_open(const struct mw_crypto *c, enum crypt_aead a, struct mw_span key,
                             const uint8_t nonce[CRYPT_NONCE], struct mw_span aad,
                             struct mw_span sealed, uint8_t *out);

/* -------------------------------------------------- Diffie-Hellman (RFC 7748, SP 800-56A) ---- */

/* The public key of a private one.  point: crypt_point_size(g) bytes. */
MW_MUST_CHECK int crypt_public(const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar,
                               uint8_t *point);

/* shared: crypt_shared_size(g).  Points off the curve, of small order, at infinity: CRYPT_E_KEY. */
MW_MUST_CHECK int crypt_shared(const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar,
                               struct mw_span point, uint8_t *shared);

/* Is this a public key of g that a leaf or a path may carry? */
MW_MUST_CHECK int crypt_point_check(const struct mw_crypto *c, enum crypt_group g,
                                    struct mw_span point);

/* A scalar 0 < s < order from candidate bytes (RFC 9180 7.1.3): false: take other bytes. */
bool crypt_scalar_fits(enum crypt_group g, const uint8_t *scalar);

/* ------------------------------------------------------------------------- signatures ---- */

/* A fresh pair: scalar of crypt_signing_key_size(), point of crypt_verifier_size(). */
MW_MUST_CHECK int crypt_signing_pair(const struct mw_crypto *c, enum crypt_signer s,
                                     struct mw_random random, uint8_t *scalar, uint8_t *point);
MW_MUST_CHECK int crypt_verifier_of(const struct mw_crypto *c, enum crypt_signer s,
                                    struct mw_span scalar, uint8_t *point);

/* signature: at most CRYPT_SIGNATURE_MAX bytes, *len of them. */
MW_MUST_CHECK int crypt_sign(const struct mw_crypto *c, enum crypt_signer s, struct mw_span scalar,
                             struct mw_span content, uint8_t *signature, size_t *len);
/* CRYPT_E_FORGED: does not match; CRYPT_E_KEY: the key is none. */
MW_MUST_CHECK int crypt_verify(const struct mw_crypto *c, enum crypt_signer s, struct mw_span point,
                               struct mw_span content, struct mw_span signature);

#endif
