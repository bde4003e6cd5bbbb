#include "gate/forge/signer.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "gate/forge/keyholder.h"

enum { SIGNATURE_ROOM = 1024 };         /* RSA up to 8192 bits */

static bool is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;

    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

int signer_of_key(struct signer *out, EVP_PKEY *key)
{
    struct signer s = { .key = key, .keyholder_fd = -1 };

    if (is_p256(key))
        s.kind = SIGNER_P256;
    else if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048)
        s.kind = SIGNER_RSA;
    else
        return -EINVAL;
    *out = s;
    return 0;
}

void signer_of_keyholder(struct signer *out, int fd)
{
    *out = (struct signer){ .kind = SIGNER_P256, .keyholder_fd = fd };
}

void signer_deinit(struct signer *s)
{
    EVP_PKEY_free(s->key);
    *s = (struct signer){ .keyholder_fd = -1 };
}

struct mw_span signer_algorithm(const struct signer *s)
{
    /* SEQUENCE { ecdsa-with-SHA256 } and SEQUENCE { sha256WithRSAEncryption, NULL } */
    static const uint8_t ecdsa[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
    static const uint8_t rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                   0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };

    return s->kind == SIGNER_P256 ? span_of(ecdsa, sizeof(ecdsa)) : span_of(rsa, sizeof(rsa));
}

static int sign_here(const struct signer *s, struct mw_span tbs, struct buf *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = SIGNATURE_ROOM;
    uint8_t *to = buf_reserve(out, len);
    int r = -ENOMEM;

    if (ctx != NULL && to != NULL &&
        EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->key) == 1 &&
        EVP_DigestSign(ctx, to, &len, tbs.data, tbs.len) == 1 &&
        /* OpenSSL 3.0 calls a signature good whose encoding failed: its length is then -1. */
        len > 0 && len <= SIGNATURE_ROOM) {
        buf_took(out, len);
        r = 0;
    }
    ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return r;
}

int signer_sign(const struct signer *s, struct mw_span tbs, struct buf *out)
{
    uint8_t digest[32];

    if (s->key != NULL)
        return sign_here(s, tbs, out);
    if (EVP_Digest(tbs.data, tbs.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    return keyholder_sign(s->keyholder_fd, digest, out);
}
