/*
 * What the .c files of this folder share: the algorithms looked up once, and how OpenSSL's
 * failures become ours.  Nothing outside the folder includes it.
 */
#ifndef MEET_CRYPT_LIBRARY_H
#define MEET_CRYPT_LIBRARY_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdatomic.h>

#include "meet/crypt/crypt.h"

enum { LIBRARY_CIPHERS = 3, LIBRARY_CURVES = 3 };

enum library_type { LIBRARY_X448, LIBRARY_ED448, LIBRARY_EC, LIBRARY_TYPES };

/* What reads raw keys of one type.  Making one costs as much as reading with it, so each waits
 * here for the next call; a thread takes it out, and who finds none makes one. */
struct library_importers {
    _Atomic(EVP_PKEY_CTX *) idle[LIBRARY_TYPES];    /* by enum library_type */
};

struct mw_crypto {
    EVP_CIPHER *cipher[LIBRARY_CIPHERS];    /* by enum crypt_aead */
    EC_GROUP *curve[LIBRARY_CURVES];        /* by enum crypt_group: P-256, P-384, P-521 */
    EVP_PKEY *parameters[LIBRARY_CURVES];   /* keys of these curves without a key in them */
    struct library_importers *importers;
    struct secret_pool *secrets;
};

/* OpenSSL's queue of errors is the program's, not ours: what a call of ours adds is taken off.
 *     library_begin(); ... r = library_failed(CRYPT_E_KEY); or library_end(); */
void library_begin(void);
void library_end(void);
/* -ENOMEM when OpenSSL says that memory ran out, else `otherwise`. */
int library_failed(int otherwise);

/* A key from OpenSSL's description of it.  what: EVP_PKEY_KEYPAIR and the like. */
MW_MUST_CHECK int library_key(const struct mw_crypto *c, enum library_type type, int what,
                              OSSL_PARAM *fields, EVP_PKEY **out);
/* The same from raw bytes of these lengths.  scalar NULL: a public key; point NULL: OpenSSL
 * computes it. */
MW_MUST_CHECK int library_raw_key(const struct mw_crypto *c, enum library_type type, size_t size,
                                  const uint8_t *scalar, const uint8_t *point, EVP_PKEY **out);

/* Scope cleanup. */
void library_md_free(EVP_MD_CTX **at);
void library_pkey_free(EVP_PKEY **at);
void library_pkey_ctx_free(EVP_PKEY_CTX **at);
void library_bn_ctx_free(BN_CTX **at);
void library_bn_wipe(BIGNUM **at);
void library_point_wipe(EC_POINT **at);

/* P-256, P-384, P-521: weierstrass.c; X25519, X448: montgomery.c.  As in crypt.h, with sizes
 * already checked. */
MW_MUST_CHECK int weierstrass_public(const struct mw_crypto *c, enum crypt_group g,
                                     const uint8_t *scalar, uint8_t *point);
MW_MUST_CHECK int weierstrass_shared(const struct mw_crypto *c, enum crypt_group g,
                                     const uint8_t *scalar, const uint8_t *point,
                                     uint8_t *shared);
MW_MUST_CHECK int weierstrass_check(const struct mw_crypto *c, enum crypt_group g,
                                    const uint8_t *point);
MW_MUST_CHECK int montgomery_public(const struct mw_crypto *c, enum crypt_group g,
                                    const uint8_t *scalar, uint8_t *point);
MW_MUST_CHECK int montgomery_shared(const struct mw_crypto *c, enum crypt_group g,
                                    const uint8_t *scalar, const uint8_t *point,
                                    uint8_t *shared);
MW_MUST_CHECK int montgomery_check(enum crypt_group g, const uint8_t *point);

#endif
