#include <errno.h>
#include <openssl/core_names.h>
#include <stdlib.h>

#include "meet/crypt/curve25519.h"
#include "meet/crypt/library.h"

/* RFC 9420 5.1.1 and 17.1. */
static const struct signer {
    uint8_t point, scalar, signature;
    bool edwards;
    enum library_type type;
    enum crypt_group curve;
    enum crypt_hash hash;
    const char *curve_name;
} signers[] = {
    [CRYPT_ED25519] = { 32, 32, 64, .edwards = true },     /* libsodium's */
    [CRYPT_ED448] = { 57, 57, 114, .edwards = true, .type = LIBRARY_ED448 },
    [CRYPT_ECDSA_P256] = { 65, 32, 72, false, LIBRARY_EC, CRYPT_P256, CRYPT_SHA256, "P-256" },
    [CRYPT_ECDSA_P384] = { 97, 48, 104, false, LIBRARY_EC, CRYPT_P384, CRYPT_SHA384, "P-384" },
    [CRYPT_ECDSA_P521] = { 133, 66, 139, false, LIBRARY_EC, CRYPT_P521, CRYPT_SHA512, "P-521" },
};

size_t crypt_verifier_size(enum crypt_signer s)
{
    return signers[s].point;
}

size_t crypt_signing_key_size(enum crypt_signer s)
{
    return signers[s].scalar;
}

static bool key_fits(const struct signer *s, struct mw_span scalar)
{
    return scalar.len == s->scalar && (s->edwards || crypt_scalar_fits(s->curve, scalar.data));
}

/* The private key, without its public half: signing with ECDSA does not need it, and for EdDSA
 * OpenSSL computes it, as it must be the right one (a wrong one gives the key away). */
static int private_read(const struct mw_crypto *c, const struct signer *s, struct mw_span scalar,
                        EVP_PKEY **out)
{
    uint8_t native[CRYPT_SCALAR_MAX];
    OSSL_PARAM fields[3];
    int r;

    if (s->edwards)
        return library_raw_key(c, s->type, scalar.len, scalar.data, NULL, out);
    /* OpenSSL's parameters hold numbers in the processor's order of bytes. */
    for (size_t i = 0; i < scalar.len; i++)
        native[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? scalar.len - 1 - i : i] =
            scalar.data[i];
    fields[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)s->curve_name, 0);
    fields[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, scalar.len);
    fields[2] = OSSL_PARAM_construct_end();
    r = library_key(c, LIBRARY_EC, EVP_PKEY_KEYPAIR, fields, out);
    secret_clear(native, sizeof native);
    return r;
}

static int public_read(const struct mw_crypto *c, const struct signer *s, struct mw_span point,
                       EVP_PKEY **out)
{
    CLEANUP(library_pkey_free) EVP_PKEY *key = NULL;

    if (point.len != s->point)
        return CRYPT_E_KEY;
    if (s->edwards)
        return library_raw_key(c, s->type, point.len, NULL, point.data, out);
    if (point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return CRYPT_E_KEY;
    key = EVP_PKEY_dup(c->parameters[s->curve]);
    if (key == NULL)
        return library_failed(-EIO);
    if (EVP_PKEY_set1_encoded_public_key(key, point.data, point.len) != 1) {
        /* OpenSSL does not say whether the key or something else was wrong. */
        int r = weierstrass_check(c, s->curve, point.data);

        return r != 0 ? r : library_failed(-EIO);
    }
    *out = key;
    key = NULL;
    return 0;
}

int crypt_verifier_of(const struct mw_crypto *c, enum crypt_signer which, struct mw_span scalar,
                      uint8_t *point)
{
    const struct signer *s = &signers[which];
    CLEANUP(library_pkey_free) EVP_PKEY *key = NULL;
    size_t len = s->point;
    int r = CRYPT_E_KEY;

    if (key_fits(s, scalar) && !s->edwards)
        return crypt_public(c, s->curve, scalar, point);
    if (key_fits(s, scalar) && which == CRYPT_ED25519) {
        ed25519_public(scalar.data, point);
        return 0;
    }
    if (key_fits(s, scalar)) {
        library_begin();
        r = private_read(c, s, scalar, &key);
        if (r == 0 && EVP_PKEY_get_raw_public_key(key, point, &len) != 1)
            r = library_failed(-EIO);
        library_end();
    }
    if (r != 0)
        secret_clear(point, s->point);
    return r;
}

int crypt_signing_pair(const struct mw_crypto *c, enum crypt_signer which,
                       struct mw_random random, uint8_t *scalar, uint8_t *point)
{
    /* A candidate fails with a chance of one in 2^32 at most, of P-256. */
    enum { TRIES = 8 };
    const struct signer *s = &signers[which];
    int r = -EIO;

    for (int i = 0; i < TRIES; i++) {
        r = random.fill(random.context, scalar, s->scalar);
        if (which == CRYPT_ECDSA_P521)
            scalar[0] &= 1;     /* 521 bits */
        if (r != 0 || key_fits(s, span_of(scalar, s->scalar)))
            break;
        r = -EIO;
    }
    if (r == 0)
        r = crypt_verifier_of(c, which, span_of(scalar, s->scalar), point);
    if (r != 0) {
        secret_clear(scalar, s->scalar);
        secret_clear(point, s->point);
    }
    return r;
}

static int sign_edwards(EVP_PKEY *key, struct mw_span content, uint8_t *signature, size_t *len)
{
    CLEANUP(library_md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL)
        return -ENOMEM;
    if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
        EVP_DigestSign(ctx, signature, len, content.data, content.len) != 1)
        return library_failed(-EIO);
    return 0;
}

static int sign_ecdsa(EVP_PKEY *key, struct mw_span digest, uint8_t *signature, size_t *len)
{
    CLEANUP(library_pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t room = *len;

    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, signature, len, digest.data, digest.len) != 1)
        return library_failed(-EIO);
    /* Without memory for the DER OpenSSL says that all went well, and a length of minus one. */
    return *len <= room ? 0 : library_failed(-ENOMEM);
}

static int sign_by_library(const struct mw_crypto *c, const struct signer *s,
                           struct mw_span scalar, struct mw_span content, uint8_t *signature,
                           size_t *len)
{
    CLEANUP(library_pkey_free) EVP_PKEY *key = NULL;
    uint8_t digest[CRYPT_HASH_MAX];
    int r;

    library_begin();
    r = private_read(c, s, scalar, &key);
    if (r == 0 && !s->edwards)
        r = crypt_digest(c, s->hash, &content, 1, digest);
    if (r == 0)
        r = s->edwards
                ? sign_edwards(key, content, signature, len)
                : sign_ecdsa(key, span_of(digest, crypt_hash_size(s->hash)), signature, len);
    library_end();
    return r;
}

int crypt_sign(const struct mw_crypto *c, enum crypt_signer which, struct mw_span scalar,
               struct mw_span content, uint8_t *signature, size_t *len)
{
    const struct signer *s = &signers[which];
    int r = CRYPT_E_KEY;

    *len = s->signature;
    if (key_fits(s, scalar) && which == CRYPT_ED25519) {
        ed25519_sign(scalar.data, content, signature);
        return 0;
    }
    if (key_fits(s, scalar))
        r = sign_by_library(c, s, scalar, content, signature, len);
    if (r != 0) {
        secret_clear(signature, s->signature);
        *len = 0;
    }
    return r;
}

/* OpenSSL returns the same when memory runs out inside: then a good signature is refused too. */
static int verify_edwards(EVP_PKEY *key, struct mw_span content, struct mw_span signature)
{
    CLEANUP(library_md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL)
        return -ENOMEM;
    if (EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1)
        return library_failed(-EIO);
    return EVP_DigestVerify(ctx, signature.data, signature.len, content.data, content.len) == 1
               ? 0
               : library_failed(CRYPT_E_FORGED);
}

/* Takes a non-negative INTEGER off *rest in the one form that DER has for it, of at most
 * `most` bytes. */
static bool take_integer(struct mw_span *rest, size_t most)
{
    struct mw_span n;

    if (rest->len < 3 || rest->data[0] != 0x02 || rest->data[1] > rest->len - 2)
        return false;
    n = span_cut(*rest, 2, rest->data[1]);
    *rest = span_cut(*rest, 2 + n.len, rest->len);
    if (n.len == 0 || n.data[0] >= 0x80)
        return false;
    if (n.data[0] == 0)         /* only where the next bit would be a sign */
        return n.len == 1 || (n.data[1] >= 0x80 && n.len <= most + 1);
    return n.len <= most;
}

/* ECDSA-Sig-Value (RFC 5480 appendix A) in DER.  OpenSSL checks it too, but with the same answer
 * as when memory runs out. */
static bool is_ecdsa_der(struct mw_span s, size_t most)
{
    size_t head = s.len > 1 && s.data[1] == 0x81 ? 3 : 2;

    if (s.len < head + 6 || s.data[0] != 0x30 || s.data[head - 1] != s.len - head ||
        (head == 3 ? s.len - head < 0x80 : s.len - head >= 0x80))
        return false;
    s = span_cut(s, head, s.len);
    if (!take_integer(&s, most))
        return false;
    return take_integer(&s, most) && s.len == 0;
}

static int verify_ecdsa(EVP_PKEY *key, struct mw_span digest, struct mw_span signature)
{
    CLEANUP(library_pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int r;

    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1)
        return library_failed(-EIO);
    r = EVP_PKEY_verify(ctx, signature.data, signature.len, digest.data, digest.len);
    if (r == 1)
        return 0;
    return r == 0 ? CRYPT_E_FORGED : library_failed(-EIO);
}

int crypt_verify(const struct mw_crypto *c, enum crypt_signer which, struct mw_span point,
                 struct mw_span content, struct mw_span signature)
{
    const struct signer *s = &signers[which];
    CLEANUP(library_pkey_free) EVP_PKEY *key = NULL;
    uint8_t digest[CRYPT_HASH_MAX];
    int r;

    if (which == CRYPT_ED25519)
        return ed25519_verify(point, content, signature);
    if (!s->edwards && !is_ecdsa_der(signature, s->scalar))
        return CRYPT_E_FORGED;
    library_begin();
    r = public_read(c, s, point, &key);
    if (r == 0 && !s->edwards)
        r = crypt_digest(c, s->hash, &content, 1, digest);
    if (r == 0)
        r = s->edwards
                ? verify_edwards(key, content, signature)
                : verify_ecdsa(key, span_of(digest, crypt_hash_size(s->hash)), signature);
    library_end();
    return r;
}
