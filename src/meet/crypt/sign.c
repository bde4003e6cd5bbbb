#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "meet/crypt/library.h"

/* RFC 9420 5.1.1 and 17.1. */
static const struct signer {
    const char *name;           /* of the key, or of its curve */
    uint8_t point, scalar, signature;
    bool edwards;
    enum crypt_group curve;
    enum crypt_hash hash;
} signers[] = {
    [CRYPT_ED25519] = { "ED25519", 32, 32, 64, .edwards = true },
    [CRYPT_ED448] = { "ED448", 57, 57, 114, .edwards = true },
    [CRYPT_ECDSA_P256] = { "P-256", 65, 32, 72, false, CRYPT_P256, CRYPT_SHA256 },
    [CRYPT_ECDSA_P384] = { "P-384", 97, 48, 104, false, CRYPT_P384, CRYPT_SHA384 },
    [CRYPT_ECDSA_P521] = { "P-521", 133, 66, 139, false, CRYPT_P521, CRYPT_SHA512 },
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

/* A key from OpenSSL's description of it. */
static int key_make(const char *type, int what, OSSL_PARAM *fields, EVP_PKEY **out)
{
    CLEANUP(library_pkey_ctx_free) EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        return library_failed(-EIO);
    return EVP_PKEY_fromdata(ctx, out, what, fields) == 1 ? 0 : library_failed(-EIO);
}

static OSSL_PARAM curve_field(const struct signer *s)
{
    return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)s->name, 0);
}

/* The private key, without its public half: signing with ECDSA does not need it, and for EdDSA
 * OpenSSL computes it, as it must be the right one (a wrong one gives the key away). */
static int private_read(const struct signer *s, struct mw_span scalar, EVP_PKEY **out)
{
    uint8_t native[CRYPT_SCALAR_MAX];
    OSSL_PARAM fields[3] = { curve_field(s), OSSL_PARAM_construct_end(),
                             OSSL_PARAM_construct_end() };
    int r;

    if (s->edwards) {
        *out = EVP_PKEY_new_raw_private_key_ex(NULL, s->name, NULL, scalar.data, scalar.len);
        return *out != NULL ? 0 : library_failed(-EIO);
    }
    /* OpenSSL's parameters hold numbers in the processor's order of bytes. */
    for (size_t i = 0; i < scalar.len; i++)
        native[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? scalar.len - 1 - i : i] =
            scalar.data[i];
    fields[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, scalar.len);
    r = key_make("EC", EVP_PKEY_KEYPAIR, fields, out);
    secret_clear(native, sizeof native);
    return r;
}

static int public_read(const struct mw_crypto *c, const struct signer *s, struct mw_span point,
                       EVP_PKEY **out)
{
    OSSL_PARAM fields[3] = {
        curve_field(s),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data, point.len),
        OSSL_PARAM_construct_end(),
    };
    int r;

    if (point.len != s->point)
        return CRYPT_E_KEY;
    if (s->edwards) {
        *out = EVP_PKEY_new_raw_public_key_ex(NULL, s->name, NULL, point.data, point.len);
        return *out != NULL ? 0 : library_failed(-EIO);
    }
    if (point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return CRYPT_E_KEY;
    r = key_make("EC", EVP_PKEY_PUBLIC_KEY, fields, out);
    /* OpenSSL does not say whether the key or something else was wrong. */
    return r == -EIO && weierstrass_check(c, s->curve, point.data) == CRYPT_E_KEY ? CRYPT_E_KEY
                                                                                  : r;
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
    if (key_fits(s, scalar)) {
        library_begin();
        r = private_read(s, scalar, &key);
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

    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, signature, len, digest.data, digest.len) != 1)
        return library_failed(-EIO);
    return 0;
}

int crypt_sign(const struct mw_crypto *c, enum crypt_signer which, struct mw_span scalar,
               struct mw_span content, uint8_t *signature, size_t *len)
{
    const struct signer *s = &signers[which];
    CLEANUP(library_pkey_free) EVP_PKEY *key = NULL;
    uint8_t digest[CRYPT_HASH_MAX];
    int r = key_fits(s, scalar) ? 0 : CRYPT_E_KEY;

    library_begin();
    *len = s->signature;
    if (r == 0)
        r = private_read(s, scalar, &key);
    if (r == 0 && !s->edwards)
        r = crypt_digest(c, s->hash, &content, 1, digest);
    if (r == 0)
        r = s->edwards ? sign_edwards(key, content, signature, len)
                       : sign_ecdsa(key, span_of(digest, crypt_hash_size(s->hash)), signature,
                                    len);
    library_end();
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
    return take_integer(&s, most) && take_integer(&s, most) && s.len == 0;
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
