#include "trust/sign.h"

#include <errno.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "trust/der.h"
#include "trust/memory.h"

enum kind { WEAK, RSA_PKCS1, RSA_PSS, ECDSA, EDDSA };

/* An AlgorithmIdentifier's content, whole: parameters that are not the standard's are refused
 * with the algorithm. */
struct algorithm {
    const char *bytes;
    size_t len;
    enum kind kind;
    const EVP_MD *(*md)(void);
};

#define BYTES(s) s, sizeof(s) - 1

#define RSA_OID(last) "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" last
#define SHA_OID(last) "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" last
#define SHA_ALG(last) "\x30\x0d" SHA_OID(last) "\x05\x00"
#define EC_OID(last)  "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03" last
#define PSS(hash, len)                                                                             \
    RSA_OID("\x0a")                                                                                \
    "\x30\x34\xa0\x0f" SHA_ALG(hash) "\xa1\x1c\x30\x1a" RSA_OID("\x08")                            \
        SHA_ALG(hash) "\xa2\x03\x02\x01" len

static const struct algorithm algorithms[] = {
    { BYTES(RSA_OID("\x0b") "\x05\x00"), RSA_PKCS1, EVP_sha256 },
    { BYTES(RSA_OID("\x0c") "\x05\x00"), RSA_PKCS1, EVP_sha384 },
    { BYTES(RSA_OID("\x0d") "\x05\x00"), RSA_PKCS1, EVP_sha512 },
    { BYTES(PSS("\x01", "\x20")), RSA_PSS, EVP_sha256 },
    { BYTES(PSS("\x02", "\x30")), RSA_PSS, EVP_sha384 },
    { BYTES(PSS("\x03", "\x40")), RSA_PSS, EVP_sha512 },
    { BYTES(EC_OID("\x02")), ECDSA, EVP_sha256 },
    { BYTES(EC_OID("\x03")), ECDSA, EVP_sha384 },
    { BYTES(EC_OID("\x04")), ECDSA, EVP_sha512 },
    { BYTES("\x06\x03\x2b\x65\x70"), EDDSA, NULL }, /* Ed25519 */
    { BYTES("\x06\x03\x2b\x65\x71"), EDDSA, NULL }, /* Ed448 */
};

static const struct algorithm *algorithm_find(struct mw_span der)
{
    bool ok;
    struct mw_span content = der_unwrap(der, DER_SEQUENCE, &ok);

    for (size_t i = 0; ok && i < ARRAY_LEN(algorithms); i++)
        if (span_eq(content, span_of(algorithms[i].bytes, algorithms[i].len)))
            return &algorithms[i];
    return NULL;
}

static bool key_fits(const EVP_PKEY *key, enum kind kind)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return kind == RSA_PKCS1 || kind == RSA_PSS;
    case EVP_PKEY_RSA_PSS:
        return kind == RSA_PSS;
    case EVP_PKEY_EC:
        return kind == ECDSA;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return kind == EDDSA;
    default:
        return false;
    }
}

EVP_PKEY *sign_key(struct mw_span spki)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *key;

    if (spki.len == 0 || spki.len > 1 << 16)
        return NULL;
    key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    if (key == NULL) {
        /* OpenSSL's decoders try one another and forget that memory was short.  A bad key is
         * bad the second time too. */
        at = spki.data;
        key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    }
    if (key != NULL && at != spki.data + spki.len) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

void sign_key_freep(EVP_PKEY **at)
{
    EVP_PKEY_free(*at);
}

bool sign_weak(struct mw_span algorithm)
{
    return algorithm_find(algorithm) == NULL;
}

int sign_check_with(EVP_PKEY *key, const EVP_MD *md, bool pss, struct mw_span bytes,
                    struct mw_span signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    int r;

    if (context == NULL)
        return -ENOMEM;
    r = EVP_DigestVerifyInit(context, &parameters, md, NULL, key) == 1;
    if (r == 1 && pss)
        r = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
    if (r == 1)
        r = EVP_DigestVerify(context, signature.data, signature.len, bytes.data, bytes.len) == 1;
    EVP_MD_CTX_free(context);
    return r == 1 ? 1 : memory_or(0);
}

int sign_check(struct mw_span spki, struct mw_span algorithm, struct mw_span bytes,
               struct mw_span signature)
{
    const struct algorithm *a = algorithm_find(algorithm);
    EVP_PKEY *key = a != NULL ? sign_key(spki) : NULL;
    int r = 0;

    if (a != NULL && key == NULL)
        return memory_or(0);
    if (key != NULL && key_fits(key, a->kind))
        r = sign_check_with(key, a->md != NULL ? a->md() : NULL, a->kind == RSA_PSS, bytes,
                            signature);
    EVP_PKEY_free(key);
    return r;
}
